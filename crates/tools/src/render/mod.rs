//! Markdown that several tools share.

mod clip;
#[cfg(test)]
mod damage;
pub(crate) mod event;
mod frame;
pub(crate) mod issue;
pub(crate) mod issue_facts;
pub(crate) mod issue_update;
mod json;
pub(crate) mod markdown;
mod stacktrace;
