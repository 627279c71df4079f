//! Markdown that several tools share.

mod block;
mod breadcrumbs;
mod clip;
#[cfg(test)]
mod damage;
pub(crate) mod event;
mod evidence;
pub(crate) mod file;
pub(crate) mod frame;
pub(crate) mod issue;
pub(crate) mod issue_facts;
pub(crate) mod issue_update;
pub(crate) mod json;
pub(crate) mod markdown;
pub(crate) mod replay;
pub(crate) mod seer;
pub(crate) mod seer_summary;
pub(crate) mod span;
mod stacktrace;
mod threads;
