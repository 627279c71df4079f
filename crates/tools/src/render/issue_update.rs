//! The answer of `update_issue`: the state before, the state that was read back, and what did
//! not come true. It changes nothing.

use std::fmt::Write as _;

use schemars::JsonSchema;
use sentry_client::issues::{Issue, UpdateIssue as Change};
use serde::Serialize;

use crate::{
    answer::{Answer, Reply, Stranger},
    issue_address::IssueAddress,
    issue_change::{Status, Wish, lost_assignee},
    render::{
        issue::{assignee, status, title},
        markdown,
    },
    tool::Context,
};

/// What came of a call.
pub(crate) enum Outcome {
    /// Everything was as asked; nothing was sent.
    Same,
    /// Sentry has this state now.
    Changed(Box<Issue>),
    /// Sentry accepted the change, but its state could not be read.
    Unread(sentry_client::Error),
}

/// The issue before and after, as data.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Updated {
    issue_id: String,
    short_id: String,
    title: Stranger,
    url: String,
    result: Verdict,
    before: State,
    /// Absent where it could not be read.
    after: Option<State>,
    notes: Vec<String>,
}

/// What became of the wish.
#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Verdict {
    AlreadyAsAsked,
    Updated,
    UpdateAccepted,
}

impl Verdict {
    fn words(self) -> &'static str {
        match self {
            Verdict::AlreadyAsAsked => "already as asked",
            Verdict::Updated => "updated",
            Verdict::UpdateAccepted => "update accepted",
        }
    }
}

/// What can be changed of an issue.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct State {
    status: String,
    assigned_to: String,
}

impl State {
    fn of(issue: &Issue) -> State {
        State { status: status(issue), assigned_to: assignee(issue.assigned_to.as_ref()) }
    }
}

/// A call that went well: what was wanted, what was sent, and what Sentry had before.
pub(crate) struct Report<'a> {
    pub(crate) cx: &'a Context<'a>,
    pub(crate) address: &'a IssueAddress,
    pub(crate) wish: &'a Wish,
    pub(crate) change: &'a Change,
    pub(crate) before: &'a Issue,
    /// The tool that shows the whole issue, if the caller can call it.
    pub(crate) details: Option<&'static str>,
}

impl Report<'_> {
    /// The answer. `note` is what became of the comment, if there was one.
    pub(crate) fn render(
        &self,
        outcome: &Outcome,
        note: Option<&Result<(), sentry_client::Error>>,
    ) -> Reply<Updated> {
        let now = if let Outcome::Changed(after) = outcome { after } else { self.before };
        let id = markdown::code(now.short_id(), 80);
        let unmet = match outcome {
            Outcome::Changed(after) => self.unmet(after),
            Outcome::Same | Outcome::Unread(_) => None,
        };
        let result = match (outcome, unmet) {
            (Outcome::Same, _) => Verdict::AlreadyAsAsked,
            (Outcome::Changed(_), None) => Verdict::Updated,
            (Outcome::Changed(_), Some(_)) | (Outcome::Unread(_), _) => Verdict::UpdateAccepted,
        };
        let organization = &self.address.organization;
        let url = self.cx.sentry.site().issue_url(organization, &now.id);
        let heading = result.words();
        let mut out = format!("# Issue {id} in `{organization}`: {heading}\n\n");
        let _ = writeln!(out, "{}\n{url}\n", title(now));
        self.write_states(&mut out, outcome);
        let mut notes = self.notes(outcome, unmet, note);
        if let Some(details) = self.details {
            notes.push(format!("Next: `{details}` with `issueId` {id} shows the whole issue."));
        }
        for note in &notes {
            let _ = writeln!(out, "\n{note}");
        }
        let after = match outcome {
            Outcome::Same => Some(self.before),
            Outcome::Changed(after) => Some(&**after),
            Outcome::Unread(_) => None,
        };
        if let Outcome::Unread(err) = outcome {
            let problem = err.kind();
            notes.push(format!("The state afterwards could not be read: {problem}."));
        }
        self.cx.reply(Answer::new(out), || Updated {
            issue_id: now.id.clone(),
            short_id: now.short_id().to_owned(),
            title: Stranger::new(title(now)),
            url,
            result,
            before: State::of(self.before),
            after: after.map(State::of),
            notes,
        })
    }

    fn notes(
        &self,
        outcome: &Outcome,
        unmet: Option<&str>,
        note: Option<&Result<(), sentry_client::Error>>,
    ) -> Vec<String> {
        let first = match (unmet, outcome) {
            (Some(what), _) => {
                Some(format!("Sentry took it, but shows another {what} than asked."))
            }
            (None, Outcome::Unread(_)) => None,
            (None, _) => meaning(self.wish).map(str::to_owned),
        };
        let comment = note.map(|note| match note {
            Ok(()) => "The reason was posted as a comment.".to_owned(),
            Err(err) => {
                let problem = markdown::line(&err.kind().to_string(), 300);
                format!("The reason could not be posted as a comment: {problem}.")
            }
        });
        first.into_iter().chain(comment).collect()
    }

    /// What Sentry shows otherwise than asked, as far as that can be told.
    fn unmet(&self, after: &Issue) -> Option<&'static str> {
        if !self.wish.has_status(after) {
            return Some("status");
        }
        lost_assignee(self.change, after).then_some("assignee")
    }

    fn write_states(&self, out: &mut String, outcome: &Outcome) {
        let states = |issue: &Issue| (status(issue), assignee(issue.assigned_to.as_ref()));
        let (old_status, old_assignee) = states(self.before);
        let _ = match outcome {
            Outcome::Same => writeln!(
                out,
                "Nothing was changed. Sentry's present state:\n\n\
                 - Status: {old_status}\n- Assigned to: {old_assignee}"
            ),
            Outcome::Changed(after) => {
                let (new_status, new_assignee) = states(after);
                writeln!(
                    out,
                    "Read back from Sentry after the change:\n\n\
                     - Status: {}\n- Assigned to: {}",
                    arrow(&old_status, &new_status),
                    arrow(&old_assignee, &new_assignee)
                )
            }
            Outcome::Unread(err) => writeln!(
                out,
                "The state afterwards could not be read ({}). Before, it was: {old_status}, \
                 assigned to {old_assignee}.",
                markdown::line(&err.kind().to_string(), 300)
            ),
        };
    }
}

fn arrow(old: &str, new: &str) -> String {
    if old == new { format!("{new} (unchanged)") } else { format!("{old} → {new}") }
}

/// What the status does from now on.
fn meaning(wish: &Wish) -> Option<&'static str> {
    Some(match wish.status? {
        Status::Resolved => "A new event reopens it as a regression.",
        Status::ResolvedInNextRelease => {
            "An event in the next release or a later one reopens it; older releases do not."
        }
        Status::Ignored => "Its events are still stored, but it is out of the default list.",
        Status::Unresolved => return None,
    })
}
