//! Searching Sentry's datasets of events: what is sent, what comes back, and the same search on
//! the web. The tool itself is in the toolset of events.

pub(crate) mod cells;
pub(crate) mod columns;
pub(crate) mod data;
pub(crate) mod dataset;
pub(crate) mod entries;
pub(crate) mod explorer;
pub(crate) mod names;
pub(crate) mod plan;
pub(crate) mod refused;
pub(crate) mod replays;
pub(crate) mod time;
pub(crate) mod wish;

#[cfg(test)]
mod tests;
