//! The real `sentry-mcp` binary over stdio, against the simulated Sentry.
//!
//! In reading order: what a client may see, what it may do, what it gets when
//! something fails, what it cannot break, and the command line.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test helper may panic")]

mod harness;

mod scopes;

mod tools;

mod events;

mod structured;

mod sentences;

mod fence;

mod faults;

mod protocol;

mod command_line;
