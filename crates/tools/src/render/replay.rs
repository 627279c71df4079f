//! The recordings of browser sessions that belong to an event or its issue, as links.

use std::fmt::Write as _;

use sentry_client::{
    EventId, Site, Slug,
    events::{Event, Text},
};

use super::json;
use crate::{
    answer::Kept,
    issue_details::{
        data::{Recording, Replays},
        page::{Page, Part},
    },
};

/// The tags that hold the id of the event's replay.
pub(crate) const TAGS: [&str; 2] = ["replayId", "replay.id"];
/// The most links beside the event's own.
const LINKS: usize = 5;

/// The id of the event's own replay, without dashes.
pub(crate) fn attached(event: &Event<'_>) -> Option<String> {
    let context = event.context("replay").get("replay_id").and_then(json::text);
    let feedback = event.context("feedback").get("replay_id").and_then(json::text);
    let tag = TAGS.iter().find_map(|tag| event.tag(tag));
    let ids = [context.as_ref(), tag, feedback.as_ref()];
    ids.into_iter().flatten().map(Text::expose).find_map(valid)
}

/// Replay ids look like event ids; anything else would not be a link.
fn valid(id: &str) -> Option<String> {
    let id: EventId = id.trim().replace('-', "").parse().ok()?;
    Some(id.as_str().to_owned())
}

/// Appends the links, if there are any. `related` are ids from the same issue.
pub(crate) fn replays(
    page: &mut Page,
    site: &Site,
    org: &Slug,
    attached: Option<&str>,
    related: &[String],
) {
    let mut others: Vec<String> = related.iter().filter_map(|id| valid(id)).collect();
    others.retain(|id| Some(id.as_str()) != attached);
    if attached.is_none() && others.is_empty() {
        return;
    }
    let url = |id: &str| site.web_url(org, &format!("/explore/replays/{id}/"));
    let Some(section) = page.part(Part::Replay) else { return };
    let _ = writeln!(section, "\n### Session replay\n");
    if let Some(id) = attached {
        let _ = writeln!(section, "- Of this event: `{id}` {}", url(id));
    }
    if !others.is_empty() {
        let _ = writeln!(section, "- Of other events of this issue, in 90 days: {}", others.len());
        for id in others.iter().take(LINKS) {
            let _ = writeln!(section, "  - `{id}` {}", url(id));
        }
        if let Some(more @ 1..) = others.len().checked_sub(LINKS) {
            let _ = writeln!(section, "  - and {more} more");
        }
    }
    let mark = section.mark();
    page.tell(|data| {
        let recording = |id: &str| Recording { id: id.to_owned(), url: url(id) };
        let replays = Replays {
            of_this_event: attached.map(recording),
            in_all: others.len(),
            of_the_issue: others.iter().take(LINKS).map(|id| recording(id)).collect(),
        };
        data.replays = Some(Kept::new(mark, replays));
    });
}
