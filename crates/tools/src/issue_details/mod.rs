//! The parts of `get_issue_details` that are neither its parameters nor its words: which
//! sections a caller wants, and what other corners of Sentry add to an issue.

pub(crate) mod data;
pub(crate) mod enrichment;
pub(crate) mod next;
pub(crate) mod page;
#[cfg(test)]
mod tests;
