//! The end of an issue's page: what to do next, with what this caller may do.

use std::fmt::Write as _;

use sentry_client::{events::Event, issues::Issue};

use super::page::{Page, Part};
use crate::{
    answer::Kept,
    events::{get_event_attachment::GetEventAttachment, search_events::SearchEvents},
    issues::{search_issues::SearchIssues, update_issue::UpdateIssue},
    render::{event, json, markdown},
    seer::analyze_issue_with_seer::AnalyzeIssueWithSeer,
    tool::Context,
    traces::get_trace_details::GetTraceDetails,
};

/// The most AI conversations that are named.
const CONVERSATIONS: usize = 3;

/// Appends the follow-ups. `url` is the issue's page, `analyzed` whether Seer was there before.
pub(crate) fn next(
    page: &mut Page,
    cx: &Context<'_>,
    issue: &Issue,
    of: Option<&Event<'_>>,
    url: &str,
    analyzed: bool,
) {
    let conversations = of.map(conversations).unwrap_or_default();
    let trace = of.and_then(event::trace);
    if !page.wants(Part::Next) {
        return;
    }
    let short_id = issue.short_id();
    // A number alone would close an issue of the code host.
    let closes = if is_number(short_id) { url } else { short_id };
    let fixes = markdown::code(&format!("Fixes {closes}"), 300);
    let mut steps = vec![format!("A commit that fixes this says so in its message: {fixes}")];
    if !conversations.is_empty() {
        steps.push(format!("AI conversations in this event: {}", conversations.join(", ")));
    }
    if let Some((trace, tool)) = trace.zip(cx.offers::<GetTraceDetails>()) {
        let trace = markdown::code(&trace, 40);
        steps.push(format!("What else happened in this request: `{tool}` with `traceId` {trace}"));
    }
    if let Some(tool) = cx.offers::<SearchEvents>() {
        let query = markdown::code(&format!("issue:{short_id}"), 150);
        steps.push(format!("Events of this issue: `{tool}` with `query` {query}"));
    }
    if let Some((id, tool)) = of.and_then(Event::id).zip(cx.offers::<GetEventAttachment>()) {
        let id = markdown::code(id.expose(), 40);
        let project = issue.project_slug().map(|slug| markdown::code(slug, 100));
        let project = project.map(|slug| format!(", `projectSlug` {slug}")).unwrap_or_default();
        steps.push(format!("Files sent with this event: `{tool}` with `eventId` {id}{project}"));
    }
    if let Some(tool) = cx.offers::<AnalyzeIssueWithSeer>().filter(|_| !analyzed) {
        steps.push(format!("An analysis by Sentry's AI: `{tool}`"));
    }
    if let Some(tool) = cx.offers::<UpdateIssue>() {
        steps.push(format!("To resolve, ignore or assign it: `{tool}`"));
    }
    if let Some(tool) = cx.offers::<SearchIssues>() {
        steps.push(format!("To find related issues: `{tool}`"));
    }
    write(page, steps);
}

fn write(page: &mut Page, steps: Vec<String>) {
    let Some(section) = page.part(Part::Next) else { return };
    section.push("\n## Next\n\n");
    for step in &steps {
        let _ = writeln!(section, "- {step}");
    }
    let mark = section.mark();
    page.tell(|data| data.next = Some(Kept::new(mark, steps)));
}

/// The ids of AI conversations that the event names itself, in its trace or its spans.
fn conversations(of: &Event<'_>) -> Vec<String> {
    const NAME: &str = "gen_ai.conversation.id";
    let trace = of.context("trace");
    let data = trace.get("data").map(sentry_client::events::Fields::of).unwrap_or_default();
    let told = [trace.get(NAME), data.get(NAME)].into_iter().flatten();
    let told = told.chain(of.spans().filter_map(|span| span.data.get(NAME)));
    let told = told.filter_map(json::text);
    let tag = of.tag(NAME).cloned();
    let mut ids: Vec<String> = Vec::new();
    for id in told.chain(tag).filter(|id| !id.is_blank()) {
        let id = markdown::code(id.expose(), 100);
        if ids.len() < CONVERSATIONS && !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

fn is_number(id: &str) -> bool {
    id.bytes().all(|b| b.is_ascii_digit())
}
