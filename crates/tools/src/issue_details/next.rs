//! The end of an issue's page: what to do next, with what this caller may do.

use std::fmt::Write as _;

use sentry_client::{events::Event, issues::Issue};

use super::page::{Page, Part};
use crate::{
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
    let Some(section) = page.part(Part::Next) else { return };
    let short_id = issue.short_id();
    // A number alone would close an issue of the code host.
    let closes = if is_number(short_id) { url } else { short_id };
    let _ = writeln!(
        section,
        "\n## Next\n\n- A commit that fixes this says so in its message: {}",
        markdown::code(&format!("Fixes {closes}"), 300)
    );
    if !conversations.is_empty() {
        let _ = writeln!(section, "- AI conversations in this event: {}", conversations.join(", "));
    }
    if let Some((trace, tool)) = trace.zip(cx.offers::<GetTraceDetails>()) {
        let trace = markdown::code(&trace, 40);
        let _ = writeln!(
            section,
            "- What else happened in this request: `{tool}` with `traceId` {trace}"
        );
    }
    if let Some(tool) = cx.offers::<SearchEvents>() {
        let query = markdown::code(&format!("issue:{short_id}"), 150);
        let _ = writeln!(section, "- Events of this issue: `{tool}` with `query` {query}");
    }
    if let Some((id, tool)) = of.and_then(Event::id).zip(cx.offers::<GetEventAttachment>()) {
        let id = markdown::code(id, 40);
        let _ = write!(section, "- Files sent with this event: `{tool}` with `eventId` {id}");
        let _ = match issue.project_slug() {
            Some(slug) => writeln!(section, ", `projectSlug` {}", markdown::code(slug, 100)),
            None => writeln!(section),
        };
    }
    if let Some(tool) = cx.offers::<AnalyzeIssueWithSeer>().filter(|_| !analyzed) {
        let _ = writeln!(section, "- An analysis by Sentry's AI: `{tool}`");
    }
    if let Some(tool) = cx.offers::<UpdateIssue>() {
        let _ = writeln!(section, "- To resolve, ignore or assign it: `{tool}`");
    }
    if let Some(tool) = cx.offers::<SearchIssues>() {
        let _ = writeln!(section, "- To find related issues: `{tool}`");
    }
}

/// The ids of AI conversations that the event names itself, in its trace or its spans.
fn conversations(of: &Event<'_>) -> Vec<String> {
    const NAME: &str = "gen_ai.conversation.id";
    let trace = of.context("trace");
    let data = trace.get("data").map(sentry_client::events::Fields::of).unwrap_or_default();
    let told = [trace.get(NAME), data.get(NAME)].into_iter().flatten();
    let told = told.chain(of.spans().filter_map(|span| span.data.get(NAME)));
    let told = told.filter_map(json::text).map(std::borrow::Cow::into_owned);
    let tag = of.tag(NAME).map(str::to_owned);
    let mut ids: Vec<String> = Vec::new();
    for id in told.chain(tag).filter(|id| !id.trim().is_empty()) {
        let id = markdown::code(&id, 100);
        if ids.len() < CONVERSATIONS && !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

fn is_number(id: &str) -> bool {
    id.bytes().all(|b| b.is_ascii_digit())
}
