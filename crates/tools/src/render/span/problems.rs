//! The errors and detected problems of a trace, as a list. Their events are shown elsewhere.

use std::fmt::Write as _;

use sentry_client::{
    Fence,
    traces::{Problem, Span, Trace},
};

use super::{data::ProblemFacts, outline::sees};
use crate::{
    answer::{Detail, Kept, Section},
    render::markdown,
};

/// Problems that are listed.
const MOST: usize = 10;

/// The problems that were found, of which not all need be listed.
pub(crate) struct Found {
    /// Whether one of them has an issue.
    pub(crate) has_issue: bool,
    pub(crate) in_all: usize,
    pub(crate) told: Option<Kept<Vec<Kept<ProblemFacts>>>>,
}

/// Appends the problems that the session may see, of one span or of all.
pub(crate) fn write(
    section: &mut Section,
    trace: &Trace<'_>,
    fence: &Fence,
    span: Option<usize>,
) -> Found {
    let wanted = |problem: &&Problem<'_>| {
        sees(fence, problem.project_slug()) && (span.is_none() || problem.span == span)
    };
    let found: Vec<&Problem<'_>> = trace.problems.iter().filter(wanted).collect();
    if found.is_empty() {
        return Found { has_issue: false, in_all: 0, told: None };
    }
    let _ = writeln!(section, "\n## Errors and detected problems\n");
    let told = found.iter().take(MOST).map(|problem| {
        let mark = section.detail(Detail::Entry, &line(trace, problem));
        Kept::new(mark, ProblemFacts::of(trace, problem))
    });
    let told = told.collect();
    if let Some(more @ 1..) = found.len().checked_sub(MOST) {
        let _ = writeln!(section, "- and {more} more");
    }
    let has_issue = found.iter().any(|problem| problem.issue().is_some());
    Found { has_issue, in_all: found.len(), told: Some(Kept::new(section.mark(), told)) }
}

fn line(trace: &Trace<'_>, problem: &Problem<'_>) -> String {
    let mut text = String::from("- ");
    match (problem.issue(), problem.event_id()) {
        (Some(issue), _) => text.push_str(&markdown::code(issue.expose(), 80)),
        (None, Some(event)) => {
            let _ = write!(text, "event {}", markdown::code(event.expose(), 40));
        }
        (None, None) => text.push_str("no issue"),
    }
    let kind = if problem.is_occurrence() { "detected" } else { "error" };
    match problem.level() {
        Some(level) if level.expose() != kind => {
            let _ = write!(text, " ({kind}, {})", markdown::line(level.expose(), 20));
        }
        _ => {
            let _ = write!(text, " ({kind})");
        }
    }
    if let Some(title) = problem.title() {
        let _ = write!(text, ": {}", markdown::code(title.expose(), 200));
    }
    if let Some(culprit) = problem.culprit() {
        let _ = write!(text, " in {}", markdown::code(culprit.expose(), 120));
    }
    let span = problem.span.and_then(|span| trace.spans.get(span)).and_then(Span::id);
    if let Some(span) = span {
        let _ = write!(text, ", span {}", markdown::code(span.expose(), 40));
    }
    text.push('\n');
    text
}
