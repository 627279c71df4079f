//! Events.

use crate::catalog::Toolset;

pub(crate) mod find_event_fields;
pub(crate) mod get_event_attachment;
pub(crate) mod search_events;

pub(crate) const EVENTS: Toolset = Toolset {
    name: "events",
    tools: &[
        &search_events::SearchEvents,
        &find_event_fields::FindEventFields,
        &get_event_attachment::GetEventAttachment,
    ],
};
