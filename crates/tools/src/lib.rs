//! The tools, and the registry through which a server reaches them.
//!
//! To add a tool, run `cargo xtask new-tool <toolset> <name>` and fill in the
//! file that it creates. In reading order: [`tool`] says what a tool is,
//! [`gate`] who may call it, [`registry`] how a server asks, [`catalog`] which
//! there are. The rest serves them. This crate does not know MCP.

pub mod answer;
pub mod catalog;
pub mod error;
pub mod gate;
pub mod installation;
pub mod registry;
pub mod schema;
pub mod tool;

mod arguments;
mod event_search;
mod explain;
mod ignore;
mod issue_address;
mod issue_change;
mod issue_details;
mod params;
mod period;
mod render;
mod repository;
mod search_text;
mod spelling;

mod docs;
mod events;
mod issues;
mod organizations;
mod projects;
mod releases;
mod seer;
mod teams;
mod traces;

#[cfg(test)]
mod budgets;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod testing;
