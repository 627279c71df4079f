//! What is searched: issues, or one of the kinds of events.
//!
//! It does not know any field: that is `fields`. It knows what Sentry's parser itself
//! does differently between them.

use std::fmt;

/// What a query is for.
///
/// Sentry has one grammar and two ways to read it: issue search refuses `AND`, `OR` and
/// functions and knows `is:`; every other search is the other way around.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dataset {
    /// Issues: `GET /organizations/{org}/issues/`.
    Issues,
    /// Error events: `GET /organizations/{org}/events/` with `dataset=errors`.
    Errors,
    /// Spans: `GET /organizations/{org}/events/` with `dataset=spans`.
    Spans,
    /// Log lines: `GET /organizations/{org}/events/` with `dataset=ourlogs`.
    Logs,
    /// Metrics that applications send: `dataset=tracemetrics`.
    Metrics,
    /// Profiles: `dataset=profiles`.
    Profiles,
    /// Replays: `GET /organizations/{org}/replays/`.
    Replays,
}

impl Dataset {
    /// Every dataset, issues first.
    pub const ALL: [Self; 7] = [
        Self::Issues,
        Self::Errors,
        Self::Spans,
        Self::Logs,
        Self::Metrics,
        Self::Profiles,
        Self::Replays,
    ];

    /// The name as callers write it, in lower case: `issues`, `errors`, ….
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issues => "issues",
            Self::Errors => "errors",
            Self::Spans => "spans",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
            Self::Profiles => "profiles",
            Self::Replays => "replays",
        }
    }

    /// Whether `AND` and `OR` work, and parentheses group.
    ///
    /// Issue search answers them with 400 (`docs.sentry.io/concepts/search`, "Using OR and AND").
    pub const fn allows_boolean(self) -> bool {
        !matches!(self, Self::Issues)
    }

    /// Whether `is:` works; elsewhere Sentry answers 400. Errors know only the statuses of it.
    pub const fn allows_is(self) -> bool {
        matches!(self, Self::Issues | Self::Errors)
    }

    /// Whether functions such as `count():>5` may be compared.
    pub const fn allows_aggregates(self) -> bool {
        !matches!(self, Self::Issues | Self::Replays)
    }

    /// The field that free text is searched in.
    pub const fn free_text_field(self) -> &'static str {
        match self {
            Self::Issues | Self::Errors | Self::Logs | Self::Profiles | Self::Replays => "message",
            Self::Spans => "span.description",
            Self::Metrics => "metric.name",
        }
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_issue_search_refuses_boolean_operators() {
        for dataset in Dataset::ALL {
            assert_eq!(dataset.allows_boolean(), dataset != Dataset::Issues, "{dataset}");
        }
    }
}
