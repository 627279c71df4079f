//! An OAuth 2.1 authorization server that stands between an MCP client and Sentry.
//!
//! A library on axum: it owns the approval dialog, the codes and tokens of its own
//! clients, and the login at Sentry. It deliberately knows no MCP message and no
//! tool, reads no environment, and binds no socket. The only files it touches are those it is
//! given the path of: the store, and the file with the keys that seal it.

mod body;
pub mod clients;
pub mod config;
mod endpoints;
pub mod error;
mod flow;
pub mod limits;
pub mod params;
pub mod resource;
pub mod seal;
pub mod secret;
mod server;
pub mod store;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod tokens;
pub mod upstream;

pub use crate::{
    config::{ClientAddress, Config, ConfigError},
    server::AuthorizationServer,
    store::GrantId,
    tokens::{Access, Denied},
    upstream::refresh::SentryTokenError,
};
