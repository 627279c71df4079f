//! What other corners of Sentry add to an issue: an analysis, linked issues, replays, and
//! the place of a frame at the code host. None of it is needed: what does not come in time
//! is only named.

use std::{future::Future, time::Duration};

use futures::future;
use sentry_client::{
    Client, ErrorKind, IssueId, Region, Slug,
    enrichment::{ExternalIssue, FindStacktraceLink},
    events::{Event, Exposed as _, Frame, Value},
    issues::Issue,
    seer::Analysis,
};

use super::page::{Page, Part};

/// How long each of these requests may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    pub(crate) analysis: Option<Analysis>,
    pub(crate) links: Vec<ExternalIssue>,
    /// Ids of replays of this issue.
    pub(crate) replays: Vec<String>,
    pub(crate) code: Option<CodePlace>,
    /// What could not be read, and why, in a few words each.
    pub(crate) missing: Vec<(Part, String)>,
}

/// A line at the code host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CodePlace {
    pub(crate) repository: Option<String>,
    pub(crate) path: String,
    pub(crate) line: Option<u64>,
    pub(crate) url: String,
}

/// Whose extras are asked for.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) sentry: &'a Client,
    pub(crate) org: &'a Slug,
    pub(crate) region: Option<&'a Region>,
    pub(crate) issue: &'a Issue,
    pub(crate) event: Option<&'a Event<'a>>,
}

/// Asks for all that the page wants, at once. It takes no longer than the slowest answer,
/// and never longer than three seconds.
pub(crate) async fn gather(of: Subject<'_>, page: &Page) -> Extras {
    let sentry = &of.sentry.within(PATIENCE);
    let (org, region) = (of.org, of.region);
    let Ok(id) = &of.issue.id.parse::<IssueId>() else { return Extras::default() };
    let (analysis, links, replays, code) = future::join4(
        wanted(page, Part::Seer, sentry.get_analysis(org, id, region)),
        wanted(page, Part::Links, sentry.list_external_issues(org, id, region)),
        wanted(
            page,
            Part::Replay,
            sentry.list_issue_replays(org, &of.issue.id, data_source(of.issue), region),
        ),
        wanted(page, Part::Code, code_place(sentry, of)),
    )
    .await;
    let mut missing = Vec::new();
    Extras {
        analysis: kept(analysis, Part::Seer, &mut missing).flatten(),
        links: kept(links, Part::Links, &mut missing).map(|links| links.items).unwrap_or_default(),
        replays: kept(replays, Part::Replay, &mut missing).unwrap_or_default(),
        code: kept(code, Part::Code, &mut missing).flatten(),
        missing,
    }
}

async fn wanted<T>(
    page: &Page,
    part: Part,
    request: impl Future<Output = sentry_client::Result<T>>,
) -> Option<sentry_client::Result<T>> {
    // Boxed: four requests at once would make every caller's future large.
    if page.wants(part) { Some(Box::pin(request).await) } else { None }
}

/// What came; what did not is noted. A feature that a Sentry lacks is no news.
fn kept<T>(
    result: Option<sentry_client::Result<T>>,
    part: Part,
    missing: &mut Vec<(Part, String)>,
) -> Option<T> {
    let reason = match result? {
        Ok(found) => return Some(found),
        Err(err) => match err.kind() {
            ErrorKind::NotFound { .. } => return None,
            // What an installation without Seer answers (Sentry 24.7).
            ErrorKind::Status { status: 500, .. } if part == Part::Seer => return None,
            ErrorKind::Timeout { .. } => "no answer in time",
            ErrorKind::Forbidden { .. } => "this token may not read it",
            ErrorKind::OutsideFence { .. } => "outside of this session's limits",
            _ => "Sentry could not answer",
        },
    };
    let what = match part {
        Part::Seer => "the analysis by Seer",
        Part::Links => "linked issues",
        Part::Code => "the place in the code",
        _ => "replays",
    };
    missing.push((part, format!("{what} ({reason})")));
    None
}

fn data_source(issue: &Issue) -> &'static str {
    let kind = issue.issue_category.as_deref().or(issue.issue_type.as_deref());
    if kind.is_none_or(|kind| kind == "error") { "discover" } else { "search_issues" }
}

/// Where the frame to look at is: the event says so, or Sentry works it out.
async fn code_place(sentry: &Client, of: Subject<'_>) -> sentry_client::Result<Option<CodePlace>> {
    let Some((event, frame)) = of.event.and_then(|event| Some((event, telling_frame(event)?)))
    else {
        return Ok(None);
    };
    let Some(file) = frame.filename.filled() else { return Ok(None) };
    let (line, path) = (frame.line_no, file.to_owned());
    if let Some(url) = frame.source_link.filled().filter(|url| is_github(url)) {
        return Ok(Some(CodePlace { repository: None, path, line, url: url.to_owned() }));
    }
    let Some(project) = of.issue.project_slug().and_then(|slug| slug.parse::<Slug>().ok()) else {
        return Ok(None);
    };
    let commit = event.release.as_ref().and_then(|release| release.last_commit.as_ref());
    let asked = FindStacktraceLink {
        file,
        platform: frame.platform.filled().or(event.platform.filled()),
        line_no: line,
        abs_path: frame.abs_path.filled(),
        module: frame.module.filled(),
        package: frame.package.filled(),
        commit_id: commit.and_then(|commit| commit.id.filled()),
        group_id: Some(&of.issue.id),
        sdk_name: event.sdk.as_ref().and_then(|sdk| sdk.name.filled()),
    };
    let found = sentry.find_stacktrace_link(of.org, &project, &asked, of.region).await?;
    let repository = found.config.and_then(|config| config.repo_name);
    let url = found.source_url.filter(|url| url.expose().starts_with("https://"));
    let (Some(repository), Some(url)) = (repository, url) else { return Ok(None) };
    let path = found.source_path.filter(|path| !path.is_blank());
    Ok(Some(CodePlace {
        repository: Some(repository),
        path: path.map_or_else(|| file.to_owned(), |path| path.expose().to_owned()),
        line,
        url: url.expose().to_owned(),
    }))
}

fn is_github(url: &str) -> bool {
    url.starts_with("https://github.com/")
}

/// The application's last frame of the exception that was reported, or of the crashed thread.
fn telling_frame<'e, 'a>(event: &'e Event<'a>) -> Option<&'e Frame<'a>> {
    fn last_own<'e, 'a>(value: &'e Value<'a>) -> Option<&'e Frame<'a>> {
        value.frames().iter().rev().find(|frame| frame.in_app == Some(true))
    }
    let exceptions = event.exceptions();
    let threads = event.threads();
    let outermost = exceptions.iter().rev().find(|exception| !exception.frames().is_empty());
    let crashed = threads.iter().find(|thread| thread.crashed == Some(true));
    outermost.and_then(|one| last_own(one)).or_else(|| last_own(crashed?))
}
