//! How long an issue stays archived: what a caller asks for, what Sentry reports,
//! and whether one may follow the other. It asks Sentry for nothing.

mod options;

use std::fmt;

use sentry_client::issues::{Issue, IssueStatus, Substatus, UpdateIssue};

pub(crate) use self::options::{IgnoreMode, IgnoreOptions};
use crate::error::{Error, Result};

/// How long an issue stays archived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ignore {
    /// Until it happens much more often than Sentry expects.
    UntilEscalating,
    /// For good.
    Forever,
    /// For some minutes.
    For(u64),
    /// Until a time, ISO 8601: what Sentry makes of a duration.
    Until(String),
    /// Until some more events, perhaps within some minutes.
    Events { count: u64, window: Option<u64> },
    /// Until some more users, perhaps within some minutes.
    Users { count: u64, window: Option<u64> },
    /// Until a condition that Sentry does not tell.
    Condition,
}

impl Ignore {
    /// How an issue is archived, if it is.
    pub(crate) fn of(issue: &Issue) -> Option<Ignore> {
        if issue.status != Some(IssueStatus::Ignored) {
            return None;
        }
        let details = &issue.status_details;
        Some(match &issue.substatus {
            Some(Substatus::ArchivedUntilEscalating) => Ignore::UntilEscalating,
            Some(Substatus::ArchivedForever) => Ignore::Forever,
            substatus => {
                if let Some(until) = &details.ignore_until {
                    Ignore::Until(until.clone())
                } else if let Some(minutes) = details.ignore_duration {
                    Ignore::For(minutes)
                } else if let Some(count) = details.ignore_count {
                    Ignore::Events { count, window: details.ignore_window }
                } else if let Some(count) = details.ignore_user_count {
                    Ignore::Users { count, window: details.ignore_user_window }
                } else if *substatus == Some(Substatus::ArchivedUntilConditionMet) {
                    Ignore::Condition
                } else {
                    Ignore::Forever
                }
            }
        })
    }

    /// What to do about an issue that is archived as `now` when `wanted` is asked for.
    ///
    /// Gives nothing when nothing has to change. Sentry keeps the old condition beside a
    /// new one of another kind, so such a change takes two steps.
    pub(crate) fn next(now: Option<&Ignore>, wanted: Option<Ignore>) -> Result<Option<Ignore>> {
        match (now, wanted) {
            (None, None) => Ok(Some(Ignore::UntilEscalating)),
            (None, wanted) => Ok(wanted),
            (Some(_), None) => Ok(None),
            (Some(now), Some(wanted)) if *now == wanted => Ok(None),
            (Some(now), Some(wanted)) if now.mode() == wanted.mode() => Ok(Some(wanted)),
            (Some(now), Some(wanted)) => Err(Error::input(format!(
                "the issue is already archived {now}, and Sentry does not turn that into \
                 \"{wanted}\" directly: set `status` to `unresolved` first, then archive it again"
            ))),
        }
    }

    /// The kind of condition; none where Sentry does not tell.
    fn mode(&self) -> Option<IgnoreMode> {
        match self {
            Ignore::UntilEscalating => Some(IgnoreMode::UntilEscalating),
            Ignore::Forever => Some(IgnoreMode::Forever),
            Ignore::For(_) | Ignore::Until(_) => Some(IgnoreMode::ForDuration),
            Ignore::Events { .. } => Some(IgnoreMode::UntilOccurrenceCount),
            Ignore::Users { .. } => Some(IgnoreMode::UntilUserCount),
            Ignore::Condition => None,
        }
    }

    /// Writes the condition into a change. The status goes with it: Sentry reads a
    /// condition only beside a status.
    pub(crate) fn write(&self, change: &mut UpdateIssue) {
        change.status = Some(IssueStatus::Ignored);
        change.substatus = Some(match self {
            Ignore::UntilEscalating => Substatus::ArchivedUntilEscalating,
            Ignore::Forever => Substatus::ArchivedForever,
            _ => Substatus::ArchivedUntilConditionMet,
        });
        let small = |number: u64| u32::try_from(number).ok();
        match self {
            Ignore::For(minutes) => change.ignore_duration = small(*minutes),
            Ignore::Events { count, window } => {
                change.ignore_count = small(*count);
                change.ignore_window = window.and_then(small);
            }
            Ignore::Users { count, window } => {
                change.ignore_user_count = small(*count);
                change.ignore_user_window = window.and_then(small);
            }
            Ignore::UntilEscalating | Ignore::Forever | Ignore::Until(_) | Ignore::Condition => {}
        }
    }
}

impl fmt::Display for Ignore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let within = |f: &mut fmt::Formatter<'_>, window: Option<u64>| match window {
            Some(window) => write!(f, " within {}", Count(window, "minute")),
            None => Ok(()),
        };
        match self {
            Ignore::UntilEscalating => f.write_str("until it escalates"),
            Ignore::Forever => f.write_str("forever"),
            Ignore::For(minutes) => write!(f, "for {}", Count(*minutes, "minute")),
            Ignore::Until(time) => write!(f, "until {}", crate::render::markdown::line(time, 40)),
            Ignore::Events { count, window } => {
                write!(f, "until {}", Count(*count, "more event"))?;
                within(f, *window)
            }
            Ignore::Users { count, window } => {
                write!(f, "until {}", Count(*count, "more user"))?;
                within(f, *window)
            }
            Ignore::Condition => f.write_str("until a condition is met"),
        }
    }
}

struct Count(u64, &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Count(count, noun) = self;
        write!(f, "{count} {noun}{}", if *count == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn issue(status: &str, substatus: Option<&str>, details: &Value) -> Issue {
        let text = json!({ "id": "1", "status": status, "substatus": substatus, "statusDetails": details });
        serde_json::from_str(&text.to_string()).unwrap()
    }

    #[test]
    fn the_present_state_is_read_in_a_fixed_order() {
        let until = json!({ "ignoreUntil": "2026-01-01T00:00:00Z", "ignoreCount": 5 });
        let table = [
            (issue("unresolved", None, &json!({ "ignoreCount": 5 })), None),
            (
                issue("ignored", Some("archived_until_escalating"), &until),
                Some("until it escalates"),
            ),
            (issue("ignored", Some("archived_forever"), &json!({})), Some("forever")),
            (
                issue("ignored", Some("archived_until_condition_met"), &until),
                Some("until 2026-01-01T00:00:00Z"),
            ),
            (issue("ignored", None, &json!({ "ignoreDuration": 30 })), Some("for 30 minutes")),
            (
                issue("ignored", None, &json!({ "ignoreCount": "5", "ignoreWindow": 60 })),
                Some("until 5 more events within 60 minutes"),
            ),
            (issue("ignored", None, &json!({ "ignoreUserCount": 5 })), Some("until 5 more users")),
            (
                issue("ignored", Some("archived_until_condition_met"), &json!({})),
                Some("until a condition is met"),
            ),
            (issue("ignored", None, &Value::Null), Some("forever")),
        ];
        for (issue, expected) in table {
            assert_eq!(Ignore::of(&issue).map(|now| now.to_string()).as_deref(), expected);
        }
    }

    #[test]
    fn a_condition_is_changed_inside_its_kind_only() {
        let events = |count| Ignore::Events { count, window: None };
        let unchanged: Option<Ignore> = None;
        assert_eq!(Ignore::next(None, None).unwrap(), Some(Ignore::UntilEscalating));
        assert_eq!(Ignore::next(None, Some(events(5))).unwrap(), Some(events(5)));
        assert_eq!(Ignore::next(Some(&events(5)), None).unwrap(), unchanged);
        assert_eq!(Ignore::next(Some(&events(5)), Some(events(5))).unwrap(), unchanged);
        assert_eq!(Ignore::next(Some(&events(5)), Some(events(6))).unwrap(), Some(events(6)));
        let until = Ignore::Until("2026-01-01T00:00:00Z".to_owned());
        assert_eq!(Ignore::next(Some(&until), Some(Ignore::For(5))).unwrap(), Some(Ignore::For(5)));
        for now in [Ignore::Forever, Ignore::Condition, Ignore::UntilEscalating] {
            let message = Ignore::next(Some(&now), Some(events(5))).unwrap_err().to_string();
            assert!(message.contains("set `status` to `unresolved` first"), "{message}");
        }
    }

    #[test]
    fn a_change_carries_the_status_the_state_and_the_numbers() {
        let written = |ignore: Ignore| {
            let mut change = UpdateIssue::default();
            ignore.write(&mut change);
            serde_json::to_value(&change).unwrap()
        };
        let met = "archived_until_condition_met";
        let table = [
            (Ignore::UntilEscalating, json!({ "substatus": "archived_until_escalating" })),
            (Ignore::Forever, json!({ "substatus": "archived_forever" })),
            (Ignore::For(30), json!({ "substatus": met, "ignoreDuration": 30 })),
            (
                Ignore::Events { count: 5, window: Some(60) },
                json!({ "substatus": met, "ignoreCount": 5, "ignoreWindow": 60 }),
            ),
            (
                Ignore::Users { count: 5, window: None },
                json!({ "substatus": met, "ignoreUserCount": 5 }),
            ),
        ];
        for (ignore, mut expected) in table {
            expected["status"] = json!("ignored");
            assert_eq!(written(ignore), expected);
        }
    }
}
