//! Seer's analysis of an issue: its state, and starting one. Both shapes that Sentry has used
//! are read: blocks with artifacts (2025 on), and steps (before). It neither waits nor judges.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Client, EventId, IssueId, Region, Result, Slug, Untrusted, drift, request::Route};

/// How long [`StartAnalysis::instruction`] may be, in characters (`user_context` of
/// `POST …/autofix/`).
pub const LONGEST_INSTRUCTION: usize = 1_000;

/// An analysis, as far as it got. Every field may be missing.
///
/// What Seer wrote is marked: it is made out of events, which strangers can send.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Analysis {
    /// The id of the run.
    #[serde(deserialize_with = "drift::text")]
    pub run_id: Option<String>,
    /// Where it stands, in Sentry's words; see [`Analysis::state`].
    #[serde(deserialize_with = "drift::text")]
    pub status: Option<String>,
    /// When it last changed, ISO 8601.
    #[serde(deserialize_with = "drift::text")]
    pub updated_at: Option<String>,
    /// What was thought and found, in its order; the newer shape.
    #[serde(deserialize_with = "drift::list")]
    pub blocks: Vec<Block>,
    /// Pull requests by repository; the newer shape.
    #[serde(deserialize_with = "drift::maybe")]
    pub repo_pr_states: Option<BTreeMap<String, PullRequestField>>,
    /// What was done, in its order; the older shape.
    #[serde(deserialize_with = "drift::list")]
    pub steps: Vec<Step>,
}

/// A pull request, or something that cannot be read as one and costs no other.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct PullRequestField(
    /// The pull request.
    #[serde(deserialize_with = "drift::maybe")]
    pub Option<PullRequest>,
);

/// Where an analysis stands, for both shapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It goes on by itself.
    Running,
    /// It found what it was asked for.
    Completed,
    /// It gave up.
    Failed,
    /// Somebody stopped it.
    Cancelled,
    /// It waits for an answer of a person.
    AwaitingInput,
    /// It cannot go on without more information.
    NeedsInformation,
    /// A state that this version does not know, or none.
    Unknown,
}

/// A part of the newer shape.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Block {
    /// Results.
    #[serde(deserialize_with = "drift::list")]
    pub artifacts: Vec<Artifact>,
    /// What is planned.
    #[serde(deserialize_with = "drift::list")]
    pub todos: Vec<Todo>,
}

/// One thing that Seer plans to do.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Todo {
    /// What.
    #[serde(deserialize_with = "drift::maybe")]
    pub content: Option<Untrusted>,
    /// `pending`, `in_progress`, `completed`.
    #[serde(deserialize_with = "drift::text")]
    pub status: Option<String>,
}

/// A result of the newer shape.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Artifact {
    /// `root_cause`, `solution`, …
    #[serde(deserialize_with = "drift::text")]
    pub key: Option<String>,
    /// What was found.
    #[serde(deserialize_with = "drift::maybe")]
    pub data: Option<Finding>,
}

/// A root cause or a solution of the newer shape: the fields of both.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Finding {
    /// The cause in one line.
    #[serde(deserialize_with = "drift::maybe")]
    pub one_line_description: Option<Untrusted>,
    /// The chain of reasons.
    #[serde(deserialize_with = "drift::list")]
    pub five_whys: Vec<Untrusted>,
    /// How to see the problem.
    #[serde(deserialize_with = "drift::list")]
    pub reproduction_steps: Vec<Untrusted>,
    /// The solution in one line.
    #[serde(deserialize_with = "drift::maybe")]
    pub one_line_summary: Option<Untrusted>,
    /// What to change.
    #[serde(deserialize_with = "drift::list")]
    pub steps: Vec<FindingStep>,
}

/// One change of a solution.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct FindingStep {
    /// What, in a few words.
    #[serde(deserialize_with = "drift::maybe")]
    pub title: Option<Untrusted>,
    /// The same at length.
    #[serde(deserialize_with = "drift::maybe")]
    pub description: Option<Untrusted>,
}

/// A pull request that Seer opened, or tried to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PullRequest {
    /// Its page at the code host.
    #[serde(deserialize_with = "drift::maybe")]
    pub pr_url: Option<Untrusted>,
    /// `creating`, `completed`, `error`.
    #[serde(deserialize_with = "drift::text")]
    pub pr_creation_status: Option<String>,
    /// Why there is none.
    #[serde(deserialize_with = "drift::maybe")]
    pub pr_creation_error: Option<Untrusted>,
}

/// A part of the older shape.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Step {
    /// `root_cause_analysis`, `solution`, `changes`, `default`, …
    #[serde(rename = "type", deserialize_with = "drift::text")]
    pub kind: Option<String>,
    /// Sentry's heading for it.
    #[serde(deserialize_with = "drift::maybe")]
    pub title: Option<Untrusted>,
    /// Where it stands, in Sentry's words.
    #[serde(deserialize_with = "drift::text")]
    pub status: Option<String>,
    /// The causes that were found.
    #[serde(deserialize_with = "drift::list")]
    pub causes: Vec<Cause>,
    /// The solution in words.
    #[serde(deserialize_with = "drift::maybe")]
    pub description: Option<Untrusted>,
    /// The parts of the solution.
    #[serde(deserialize_with = "drift::list")]
    pub solution: Vec<TimelineItem>,
    /// What was learnt on the way.
    #[serde(deserialize_with = "drift::list")]
    pub insights: Vec<Insight>,
    /// What was changed, per repository.
    #[serde(deserialize_with = "drift::list")]
    pub changes: Vec<Change>,
    /// What was said about the progress.
    #[serde(deserialize_with = "drift::list")]
    pub progress: Vec<ProgressLine>,
    /// What is being written right now.
    #[serde(deserialize_with = "drift::maybe")]
    pub output_stream: Option<Untrusted>,
    /// Why it ended early.
    #[serde(deserialize_with = "drift::maybe")]
    pub termination_reason: Option<Untrusted>,
}

/// A cause of the older shape.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Cause {
    /// The cause in a few sentences.
    #[serde(deserialize_with = "drift::maybe")]
    pub description: Option<Untrusted>,
    /// How it comes about.
    #[serde(deserialize_with = "drift::list")]
    pub root_cause_reproduction: Vec<TimelineItem>,
}

/// One event of a cause, or one part of a solution, in the older shape.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TimelineItem {
    /// What, in a few words.
    #[serde(deserialize_with = "drift::maybe")]
    pub title: Option<Untrusted>,
    /// The same at length, with code.
    #[serde(deserialize_with = "drift::maybe")]
    pub code_snippet_and_analysis: Option<Untrusted>,
    /// Where in the code.
    #[serde(deserialize_with = "drift::maybe")]
    pub relevant_code_file: Option<CodeFile>,
}

/// A file of a repository.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CodeFile {
    /// The path inside the repository.
    #[serde(deserialize_with = "drift::maybe")]
    pub file_path: Option<Untrusted>,
    /// The repository.
    #[serde(deserialize_with = "drift::maybe")]
    pub repo_name: Option<Untrusted>,
}

/// Something learnt on the way, in the older shape.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Insight {
    /// What.
    #[serde(deserialize_with = "drift::maybe")]
    pub insight: Option<Untrusted>,
}

/// A change in one repository, in the older shape.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Change {
    /// The repository.
    #[serde(deserialize_with = "drift::maybe")]
    pub repo_name: Option<Untrusted>,
    /// The pull request.
    #[serde(deserialize_with = "drift::maybe")]
    pub pull_request: Option<PullRequest>,
}

/// One line about the progress, in the older shape.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ProgressLine {
    /// The line.
    #[serde(deserialize_with = "drift::maybe")]
    pub message: Option<Untrusted>,
}

impl Analysis {
    /// Where it stands.
    pub fn state(&self) -> State {
        let status = self.status.as_deref().unwrap_or_default().trim().to_ascii_lowercase();
        match status.as_str() {
            "processing" | "pending" | "in_progress" | "running" | "queued" | "started" => {
                State::Running
            }
            "completed" => State::Completed,
            "error" | "failed" => State::Failed,
            "cancelled" | "canceled" => State::Cancelled,
            "awaiting_user_input" | "waiting_for_user_response" => State::AwaitingInput,
            "need_more_information" => State::NeedsInformation,
            _ => State::Unknown,
        }
    }

    /// What Seer is doing right now, if it says so.
    pub fn current(&self) -> Option<&Untrusted> {
        let todos =
            self.blocks.iter().rev().map(|block| &block.todos).find(|todos| !todos.is_empty());
        let doing =
            todos.into_iter().flatten().find(|todo| todo.status.as_deref() == Some("in_progress"));
        let line = self.steps.iter().rev().find_map(|step| step.progress.last()?.message.as_ref());
        doing.and_then(|todo| todo.content.as_ref()).or(line).filter(|text| !text.is_blank())
    }
}

/// What to start.
#[derive(Clone, Copy, Debug, Default)]
pub struct StartAnalysis<'a> {
    /// What to pay attention to, at most [`LONGEST_INSTRUCTION`] characters.
    pub instruction: Option<&'a str>,
    /// Which event to look at; Sentry chooses one otherwise.
    pub event: Option<&'a EventId>,
}

#[derive(Serialize)]
struct Start<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<&'a str>,
    /// The name of the field until 2025.
    #[serde(skip_serializing_if = "Option::is_none")]
    instruction: Option<&'a str>,
    /// Its name since.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_context: Option<&'a str>,
}

/// A run that was started.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Started {
    /// The id of the run.
    #[serde(deserialize_with = "drift::text")]
    pub run_id: Option<String>,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default, deserialize_with = "drift::maybe")]
    autofix: Option<Analysis>,
}

impl Client {
    /// `GET /api/0/organizations/{org}/issues/{issue}/autofix/`; `None` if there is no analysis.
    ///
    /// Where Seer is absent, Sentry answers with 404 or 500.
    pub async fn get_analysis(
        &self,
        org: &Slug,
        issue: &IssueId,
        region: Option<&Region>,
    ) -> Result<Option<Analysis>> {
        let envelope: Envelope = self.get(autofix(org, issue)).in_region(region).json().await?;
        Ok(envelope.autofix)
    }

    /// `POST /api/0/organizations/{org}/issues/{issue}/autofix/`
    ///
    /// It costs money, and a second one replaces the first: look for an analysis before.
    pub async fn start_analysis(
        &self,
        org: &Slug,
        issue: &IssueId,
        start: &StartAnalysis<'_>,
        region: Option<&Region>,
    ) -> Result<Started> {
        let body = Start {
            event_id: start.event.map(EventId::as_str),
            instruction: start.instruction,
            user_context: start.instruction,
        };
        self.post(autofix(org, issue)).in_region(region).body(&body).json().await
    }
}

fn autofix<'a>(org: &'a Slug, issue: &IssueId) -> Route<'a> {
    Route::organization(org).seg("issues").seg(issue.as_str()).seg("autofix")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use test_support::FakeSentry;

    use super::*;
    use crate::testing::client;

    const PATH: &str = "organizations/acme/issues/42/autofix/";

    async fn read(body: Value) -> Option<Analysis> {
        let sentry = FakeSentry::start().await.get(PATH, body).await;
        let (org, issue) = ("acme".parse().unwrap(), "42".parse().unwrap());
        client(&sentry).get_analysis(&org, &issue, None).await.unwrap()
    }

    #[tokio::test]
    async fn no_analysis_is_none_however_it_is_said() {
        for body in [json!({ "autofix": null }), json!({}), json!({ "autofix": "none" })] {
            assert!(read(body.clone()).await.is_none(), "{body}");
        }
    }

    #[tokio::test]
    async fn a_bad_part_costs_no_other() {
        let analysis = read(json!({ "autofix": {
            "run_id": 12, "status": 7, "updated_at": {}, "steps": { "a": 1 },
            "repo_pr_states": { "shop": 5, "api": { "pr_url": "https://code.example.test/1" } },
            "blocks": [null, { "artifacts": null, "todos": [{ "content": "x", "status": "in_progress" }] },
                { "artifacts": [{ "key": "root_cause", "data": { "five_whys": [null, "b"], "steps": 3 } }] }],
        }}))
        .await
        .unwrap();
        assert_eq!(analysis.run_id.as_deref(), Some("12"));
        assert_eq!(analysis.state(), State::Unknown);
        assert_eq!(analysis.current(), Some(&Untrusted::new("x")));
        let whys = &analysis.blocks[1].artifacts[0].data.as_ref().unwrap().five_whys;
        assert_eq!(whys, &[Untrusted::new("b")]);
        let requests = analysis.repo_pr_states.unwrap();
        assert!(requests["shop"].0.is_none() && requests["api"].0.is_some());
    }

    #[test]
    fn states_of_both_shapes_are_known() {
        for (status, state) in [
            ("processing", State::Running),
            ("IN_PROGRESS", State::Running),
            ("COMPLETED", State::Completed),
            ("error", State::Failed),
            ("FAILED", State::Failed),
            ("CANCELLED", State::Cancelled),
            ("awaiting_user_input", State::AwaitingInput),
            ("WAITING_FOR_USER_RESPONSE", State::AwaitingInput),
            ("NEED_MORE_INFORMATION", State::NeedsInformation),
            ("DREAMING", State::Unknown),
        ] {
            let analysis = Analysis { status: Some(status.to_owned()), ..Analysis::default() };
            assert_eq!(analysis.state(), state, "{status}");
        }
        assert_eq!(Analysis::default().state(), State::Unknown);
    }

    #[tokio::test]
    async fn a_start_names_the_instruction_as_every_sentry_expects_it() {
        let sentry = FakeSentry::start().await.post(PATH, json!({ "run_id": 5 })).await;
        let (org, issue) = ("acme".parse().unwrap(), "42".parse().unwrap());
        let client = client(&sentry);
        let start = StartAnalysis { instruction: Some("look at the cache"), event: None };
        let started = client.start_analysis(&org, &issue, &start, None).await.unwrap();
        assert_eq!(started.run_id.as_deref(), Some("5"));
        client.start_analysis(&org, &issue, &StartAnalysis::default(), None).await.unwrap();
        let bodies: Vec<Value> = sentry.requests().await.into_iter().map(|got| got.body).collect();
        let full =
            json!({ "instruction": "look at the cache", "user_context": "look at the cache" });
        assert_eq!(bodies, [full, json!({})]);
    }
}
