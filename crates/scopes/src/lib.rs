//! The permission model: sixteen scopes, their hierarchy, and how a grant comes about.
//!
//! Everything here is a value or a function over values. Nothing does I/O, reads
//! the environment, or knows about HTTP, MCP or any tool.
//!
//! The one question of the crate is [`ScopeSet::missing`]: what is asked for and
//! not permitted. An empty answer is a permission, any other answer is the text of
//! the refusal.

mod grant;
mod level;
mod parse;
mod scope;
mod set;

pub use grant::{Granted, Layer, Origin, ResolveError, Source, resolve};
pub use level::{LEVELS, Level, level_for};
pub use parse::{ParseScopesError, UnknownScope};
pub use scope::Scope;
pub use set::{DEFAULT_GRANT, ScopeSet, narrow};
