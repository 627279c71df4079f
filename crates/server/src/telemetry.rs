//! Logs go to standard error, as lines of plain text or of JSON.
//!
//! Standard output belongs to the protocol. No argument of a tool and no message of a panic is
//! logged here: either may hold what an event or a person said.

use std::{io, panic};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer as _, filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::config::LogFormat;

/// A log filter that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{part}` is not a level (off, error, warn, info, debug, trace) and not `target=level`")]
pub struct FilterError {
    /// The part that is wrong.
    part: String,
}

/// Starts to log what `filter` lets through; see [`crate::config::Config::log`].
///
/// A second call, and a filter that cannot be parsed, change nothing.
pub fn start(filter: &str) {
    start_as(filter, LogFormat::Text);
}

/// The same in the given format.
pub fn start_as(filter: &str, format: LogFormat) {
    let Ok(targets) = parse(filter) else { return };
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(false);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    // Failing means that a subscriber exists already, for example in a test.
    let _ = tracing_subscriber::registry().with(lines.with_filter(targets)).try_init();
    panic::set_hook(Box::new(|info| {
        let location = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(location, "panicked");
    }));
}

/// Reads a filter: levels and `target=level` pairs, separated by commas.
pub(crate) fn parse(filter: &str) -> Result<Targets, FilterError> {
    let mut targets = Targets::new();
    let mut names_rmcp = false;
    for part in filter.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let wrong = || FilterError { part: part.escape_debug().to_string() };
        let (target, level) = match part.split_once('=') {
            Some((target, level)) => (Some(target.trim()), level.trim()),
            None => (None, part),
        };
        let level: LevelFilter = level.parse().map_err(|_| wrong())?;
        targets = match target {
            None => targets.with_default(level),
            Some("") => return Err(wrong()),
            Some(target) => targets.with_target(target, level),
        };
        names_rmcp |= target.is_some_and(|target| target.starts_with("rmcp"));
    }
    // rmcp logs arguments at `debug`, and several lines for each message at `info`.
    if !names_rmcp {
        let level = targets.default_level().unwrap_or(LevelFilter::OFF);
        targets = targets.with_target("rmcp", level.min(LevelFilter::WARN));
    }
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_level_is_for_everything_but_rmcp() {
        let targets = parse("debug").unwrap();
        assert!(targets.would_enable("sentry_mcp_server", &Level::DEBUG));
        assert!(targets.would_enable("rmcp::service", &Level::WARN));
        assert!(!targets.would_enable("rmcp::service", &Level::INFO));
        assert!(!parse("off").unwrap().would_enable("rmcp", &Level::ERROR));
    }

    #[test]
    fn rmcp_logs_more_only_when_it_is_named() {
        let targets = parse("warn, rmcp=debug").unwrap();
        assert!(targets.would_enable("rmcp::service", &Level::DEBUG));
        assert!(!targets.would_enable("hyper", &Level::INFO));
    }

    #[test]
    fn a_typo_is_an_error_that_names_the_part() {
        for (filter, part) in
            [("wran", "`wran`"), ("info,rmcp=lots", "`rmcp=lots`"), ("=info", "`=info`")]
        {
            let err = parse(filter).unwrap_err().to_string();
            assert!(err.starts_with(part), "{err}");
        }
    }
}
