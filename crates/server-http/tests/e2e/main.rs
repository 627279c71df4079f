//! The real `sentry-mcp-http` binary over loopback, against the simulated Sentry.
//!
//! In reading order: who gets in, what the protocol answers, what a login may do, what hostile
//! requests get, the limits, the end, and the command line.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test helper may panic")]

mod harness;
mod http;

mod access;

mod protocol;

mod grants;

mod hostile;

mod limits;

mod shutdown;

mod command_line;
