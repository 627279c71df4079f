//! `analyze_issue_with_seer`: Seer's analysis of an issue, which is started if there is none.
//! It never starts a second one, and changes no code.

use std::{fmt::Write as _, time::Duration};

use schemars::JsonSchema;
use scopes::{Scope, ScopeSet};
use sentry_client::{
    Client, ErrorKind, EventRef, Region,
    issues::Issue,
    seer::{Analysis, LONGEST_INSTRUCTION, StartAnalysis, State},
};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::{
    answer::{Answer, Priority, Reply},
    error::{Error, Result},
    gate::needs,
    issue_address::IssueAddress,
    issues::{get_issue_details::GetIssueDetails, search_issues::SearchIssues},
    params::{IssueIdText, IssueUrl, MaxTokens, OrganizationSlug, RegionUrl, given},
    render::{
        markdown,
        seer::{self, Findings},
    },
    tool::{Context, Effect, Tool, Upstream},
};

/// What starting an analysis needs, besides what reading one does.
const TO_START: ScopeSet = needs(Scope::EventWrite);
/// So many failures in a row end the waiting.
const FAILURES: u32 = 3;
/// What an answer says besides Seer's words, in tokens.
const FACTS: usize = 450;

pub(crate) struct AnalyzeIssueWithSeer;

/// Show Seer's AI analysis of an issue: root cause and solution. Where there is none, start one
/// and wait up to 5 minutes; that costs money and needs `event:write`. Changes no code.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    organization_slug: Option<OrganizationSlug>,
    issue_id: Option<IssueIdText>,
    issue_url: Option<IssueUrl>,
    /// Hint for a new analysis.
    instruction: Option<String>,
    region_url: Option<RegionUrl>,
    max_tokens: Option<MaxTokens>,
}

/// An analysis as data.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Analyzed {
    issue_id: String,
    short_id: String,
    url: String,
    run_id: Option<String>,
    /// Whether this call started it.
    origin: Option<&'static str>,
    /// In words.
    status: Option<String>,
    last_change: Option<String>,
    /// Written by Seer, not verified.
    found: Option<Findings>,
    /// What the state means, and the next step.
    notes: Vec<String>,
}

impl Tool for AnalyzeIssueWithSeer {
    type Params = Params;
    type Output = Analyzed;

    const NAME: &'static str = "analyze_issue_with_seer";
    const EFFECT: Effect = Effect::Start;
    const REQUIRES: ScopeSet = needs(Scope::EventRead);
    const UPSTREAM: Upstream = Upstream {
        endpoint: "GET /api/0/organizations/{org}/issues/{issue}/autofix/",
        accepts: &[needs(Scope::EventRead)],
    };
    const TAKES: Option<Duration> = Some(Pace::USUAL.limit);

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Reply<Analyzed>> {
        run(cx, &params, Pace::USUAL).await
    }
}

/// How a call waits.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// Between a start and the first look.
    first: Duration,
    /// Between two looks.
    interval: Duration,
    /// For the whole call.
    limit: Duration,
}

impl Pace {
    const USUAL: Pace = Pace {
        first: Duration::from_secs(1),
        interval: Duration::from_secs(5),
        limit: Duration::from_mins(5),
    };
}

async fn run(cx: &Context<'_>, params: &Params, pace: Pace) -> Result<Reply<Analyzed>> {
    let until = Instant::now() + pace.limit;
    let region = cx.region(params.region_url.as_ref())?;
    let address = IssueAddress::of(
        cx,
        params.organization_slug.as_deref(),
        params.issue_id.as_deref().map(String::as_str),
        params.issue_url.as_deref().map(String::as_str),
    )?;
    let instruction = given(params.instruction.as_deref());
    let length = instruction.map_or(0, |text| text.chars().count());
    if length > LONGEST_INSTRUCTION {
        let problem = format!("{length} characters; Sentry takes at most {LONGEST_INSTRUCTION}");
        return Err(Error::argument("instruction", problem));
    }
    let budget = params.max_tokens.map_or(cx.installation.max_tokens, MaxTokens::get);
    let call = Call { cx, address, region, instruction, budget, pace, until };
    let (mut answer, data) = call.run().await?;
    answer.limit(params.max_tokens.map(MaxTokens::get));
    Ok(cx.reply(answer, || data))
}

/// What every step of a call needs.
struct Call<'a> {
    cx: &'a Context<'a>,
    address: IssueAddress,
    region: Option<Region>,
    instruction: Option<&'a str>,
    /// For the whole answer, in tokens.
    budget: usize,
    pace: Pace,
    until: Instant,
}

/// Where the analysis came from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Existed,
    StartedHere,
}

impl Origin {
    fn words(self) -> &'static str {
        match self {
            Origin::Existed => "existed already; nothing was started",
            Origin::StartedHere => "started by this call",
        }
    }
}

/// Why the waiting ended.
enum End {
    /// The analysis stands still, for whatever reason.
    Settled,
    /// The time was over.
    Time,
    /// Sentry could not be asked any more.
    Failures(sentry_client::Error),
    /// Sentry says that there is no analysis.
    Gone,
}

impl Call<'_> {
    async fn run(&self) -> Result<(Answer, Analyzed)> {
        let IssueAddress { organization, issue, .. } = &self.address;
        let found = self.sentry().get_issue(organization, issue, self.region.as_ref()).await?;
        self.cx.admit_project("this issue", found.project_slug())?;
        if is_metric(&found) {
            return Ok(self.metric(&found));
        }
        if let Some(analysis) = self.read().await.map_err(unreadable)? {
            return self.watch(&found, Origin::Existed, analysis).await;
        }
        self.cx.require(TO_START)?;
        let run_id = self.start().await?;
        let status = Some("processing".to_owned());
        let analysis = Analysis { run_id, status, ..Analysis::default() };
        self.watch(&found, Origin::StartedHere, analysis).await
    }

    /// Sentry, for one request: the waiting between requests must not use up their time.
    fn sentry(&self) -> Client {
        let left = self.until.saturating_duration_since(Instant::now());
        self.cx.sentry.for_call().within(left)
    }

    async fn read(&self) -> sentry_client::Result<Option<Analysis>> {
        let IssueAddress { organization, issue, .. } = &self.address;
        self.sentry().get_analysis(organization, issue, self.region.as_ref()).await
    }

    async fn start(&self) -> Result<Option<String>> {
        let IssueAddress { organization, issue, event } = &self.address;
        let event = match event {
            Some(EventRef::Id(id)) => Some(id),
            _ => None,
        };
        let start = StartAnalysis { instruction: self.instruction, event };
        let region = self.region.as_ref();
        let started = self.sentry().start_analysis(organization, issue, &start, region).await;
        match started {
            Ok(started) => Ok(started.run_id),
            Err(err) => Err(self.not_started(err).await),
        }
    }

    /// Looks again and again until the analysis stands still or there is a reason to stop.
    async fn watch(
        &self,
        issue: &Issue,
        origin: Origin,
        mut known: Analysis,
    ) -> Result<(Answer, Analyzed)> {
        let mut wait =
            if origin == Origin::StartedHere { self.pace.first } else { self.pace.interval };
        let (mut failures, mut absences) = (0, 0);
        let mut step = 0;
        let end = loop {
            if known.state() != State::Running {
                break End::Settled;
            }
            step += 1;
            self.cx.progress.report(step, &progress(&known));
            if Instant::now() + wait >= self.until {
                break End::Time;
            }
            sleep(wait).await;
            wait = self.pace.interval;
            match self.read().await {
                Ok(Some(analysis)) => {
                    (failures, absences) = (0, 0);
                    known = Analysis { run_id: analysis.run_id.or(known.run_id), ..analysis };
                }
                Ok(None) => {
                    failures = 0;
                    absences += 1;
                    if absences == FAILURES {
                        break End::Gone;
                    }
                }
                Err(err) => {
                    failures += 1;
                    if failures == FAILURES {
                        break End::Failures(err);
                    }
                }
            }
        };
        Ok(self.answer(issue, origin, &known, &end))
    }

    fn answer(
        &self,
        issue: &Issue,
        origin: Origin,
        known: &Analysis,
        end: &End,
    ) -> (Answer, Analyzed) {
        let organization = &self.address.organization;
        let url = self.cx.sentry.site().issue_url(organization, &issue.id);
        let mut notes = Vec::new();
        let mut answer = Answer::default();
        let head = answer.section("", Priority::Essential);
        let short_id = markdown::code(issue.short_id(), 128);
        let _ = writeln!(head, "# Seer analysis of {short_id} in `{organization}`\n");
        let _ = writeln!(
            head,
            "- Run: {} ({})",
            known.run_id.as_deref().map_or("not told".to_owned(), |id| markdown::code(id, 60)),
            origin.words()
        );
        let _ = writeln!(head, "- Status: {}", seer::state(known));
        if let Some(time) = &known.updated_at {
            let _ = writeln!(head, "- Last change: {}", markdown::line(time, 40));
        }
        let _ = writeln!(head, "- URL: {url}");
        if let (Some(_), Origin::Existed) = (self.instruction, origin) {
            let unused = "`instruction` was not used: it only counts when an analysis is started";
            let _ = writeln!(head, "- {unused}");
            notes.push(unused.to_owned());
        }
        let next = self.next(known, end, &url);
        let _ = writeln!(head, "\n{next}");
        notes.push(next);
        let found = seer::findings(&mut answer, known, self.budget.saturating_sub(FACTS));
        let data = Analyzed {
            issue_id: issue.id.clone(),
            short_id: issue.short_id().to_owned(),
            url,
            run_id: known.run_id.clone(),
            origin: Some(origin.words()),
            status: Some(seer::state(known)),
            last_change: known.updated_at.clone(),
            found: Some(found),
            notes,
        };
        (answer, data)
    }

    /// What the state means, and the next step.
    fn next(&self, known: &Analysis, end: &End, url: &str) -> String {
        let again = format!(
            "call `{}` again with the same arguments: it goes on with this analysis and starts no \
             second one",
            AnalyzeIssueWithSeer::NAME
        );
        match end {
            End::Time => format!(
                "Seer has not finished within {} s and goes on by itself; below is what it has so \
                 far. Next: {again}.",
                self.pace.limit.as_secs()
            ),
            End::Failures(err) => format!(
                "Sentry could not be asked for the state {FAILURES} times in a row (the last time: \
                 {}); below is what was known before. Seer goes on by itself. Next: {again}.",
                markdown::line(&err.kind().to_string(), 300)
            ),
            End::Gone => format!(
                "Sentry does not show the analysis (any more). Next: look at {url}, or {again} \
                 while there is one."
            ),
            End::Settled => match known.state() {
                State::Completed | State::Running => {
                    "Check what Seer says against the code and the event before acting on it."
                        .to_owned()
                }
                State::Failed => format!(
                    "Seer gave up; what it found before is below. Next: the user can start it anew \
                     at {url}."
                ),
                State::Cancelled => format!(
                    "Somebody stopped Seer; what it found before is below. Next: the user can start \
                     it anew at {url}."
                ),
                State::AwaitingInput => format!(
                    "Seer waits for an answer that only a person can give. Next: the user answers \
                     at {url}; then {again}."
                ),
                State::NeedsInformation => format!(
                    "Seer cannot go on without more information. Next: the user adds it at {url}; \
                     then {again}."
                ),
                State::Unknown => format!(
                    "Whether Seer goes on from here is not known. Next: look at {url}, or {again}."
                ),
            },
        }
    }

    /// Seer reads code and stack traces, and a metric has neither.
    fn metric(&self, issue: &Issue) -> (Answer, Analyzed) {
        let organization = &self.address.organization;
        let url = self.cx.sentry.site().issue_url(organization, &issue.id);
        let why = "This is a metric issue: a number crossed the threshold of an alert. It has no \
                   stack trace, so Seer cannot analyze it, and nothing was started.";
        let mut next = vec![format!("The user sees the chart and the threshold at {url}")];
        if let Some(tool) = self.cx.offers::<GetIssueDetails>() {
            next.push(format!("What the alert measures: `{tool}`"));
        }
        if let Some(tool) = self.cx.offers::<SearchIssues>() {
            next.push(format!("Errors of the same time, which Seer can analyze: `{tool}`"));
        }
        let short_id = markdown::code(issue.short_id(), 128);
        let mut out =
            format!("# No Seer analysis of {short_id} in `{organization}`\n\n{why}\n\n## Next\n\n");
        for step in &next {
            let _ = writeln!(out, "- {step}");
        }
        let data = Analyzed {
            issue_id: issue.id.clone(),
            short_id: issue.short_id().to_owned(),
            url,
            run_id: None,
            origin: None,
            status: None,
            last_change: None,
            found: None,
            notes: [vec![why.to_owned()], next].concat(),
        };
        (Answer::new(out), data)
    }

    async fn not_started(&self, err: sentry_client::Error) -> Error {
        let said = |detail: &Option<String>| match detail {
            Some(detail) => format!(": \"{}\"", markdown::line(detail.trim_end_matches('.'), 300)),
            None => String::new(),
        };
        let text = match err.kind() {
            ErrorKind::Status { status: 402, detail } => format!(
                "Sentry did not start Seer, because the organization's plan or budget does not \
                 cover it (status 402){}. Next: an owner of the organization changes that in \
                 Sentry's settings. Retrying does not help.",
                said(detail)
            ),
            ErrorKind::Forbidden { detail } => {
                let cause = if self.cx.token_has(TO_START).await {
                    "Seer is not enabled for this organization, or the user behind the token lacks \
                     the role"
                } else {
                    "the auth token lacks event:write, which starting one takes, or Seer is not \
                     enabled for this organization"
                };
                format!(
                    "Sentry did not start Seer{}. Most likely {cause}. Next: the user checks the \
                     token's scopes at {}, and an owner of the organization Seer's settings. \
                     Retrying does not help.",
                    said(detail),
                    self.cx.sentry.site().token_page()
                )
            }
            ErrorKind::OutcomeUnknown { reason } => format!(
                "whether Seer was started is not known ({}). Next: call `{}` again in a minute: it \
                 looks for an analysis first, and starts one only if there is none.",
                markdown::line(reason, 300),
                AnalyzeIssueWithSeer::NAME
            ),
            kind => match absent(kind) {
                Some(status) => absence(status),
                None => return Error::Sentry(err),
            },
        };
        Error::explained(text, err)
    }
}

/// The status by which a Sentry shows that it has no Seer: recorded from 23.7 (404) and 24.7
/// (500).
fn absent(kind: &ErrorKind) -> Option<u16> {
    match kind {
        ErrorKind::NotFound { .. } => Some(404),
        ErrorKind::Status { status: status @ (405 | 500 | 501), .. } => Some(*status),
        _ => None,
    }
}

/// The issue is there, so what is missing is Seer.
fn unreadable(err: sentry_client::Error) -> Error {
    match absent(err.kind()) {
        Some(status) => Error::explained(absence(status), err),
        None => Error::Sentry(err),
    }
}

fn absence(status: u16) -> String {
    format!(
        "Seer is not available on this Sentry: the issue exists, but the request for its analysis \
         failed with status {status}. Self-hosted installations have no Seer, and organizations \
         can switch it off. Nothing was started. Retrying does not help."
    )
}

fn is_metric(issue: &Issue) -> bool {
    issue.issue_category.as_deref() == Some("metric")
        || issue.issue_type.as_deref() == Some("metric_issue")
}

/// One sentence about where an analysis stands.
fn progress(analysis: &Analysis) -> String {
    match analysis.current() {
        Some(current) => format!("Seer says: {}", markdown::line(current.expose(), 160)),
        None => "Seer is analyzing the issue".to_owned(),
    }
}

#[cfg(test)]
#[path = "analyze_issue_with_seer_tests.rs"]
mod tests;
