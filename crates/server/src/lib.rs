//! Serves a [`tools::registry::ToolRegistry`] over MCP, whatever the transport.
//!
//! This is the only crate that knows the protocol, and the only one that reads the
//! environment. It knows no tool by name, and compares no scopes: it asks the registry.

pub mod cli;
pub mod config;
mod handler;
pub mod http;
mod instructions;
mod overview;
mod progress;
mod stdio;
pub mod telemetry;
pub mod wire;

pub use crate::{
    handler::{Caller, McpServer},
    overview::Status,
    stdio::serve as serve_stdio,
};
