//! How long an issue stays archived: what a caller asks for, what Sentry reports,
//! and whether one may follow the other. It asks Sentry for nothing.

use std::fmt;

use schemars::JsonSchema;
use sentry_client::issues::{Issue, IssueStatus, Substatus, UpdateIssue};
use serde::Deserialize;

use crate::error::{Error, Result};

/// The longest window that Sentry counts in: a week, in minutes.
const MAX_WINDOW: u32 = 10_080;

/// What ends the archiving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub(crate) enum IgnoreMode {
    UntilEscalating,
    Forever,
    ForDuration,
    UntilOccurrenceCount,
    UntilUserCount,
}

impl IgnoreMode {
    /// The name on the wire.
    fn as_str(self) -> &'static str {
        match self {
            IgnoreMode::UntilEscalating => "untilEscalating",
            IgnoreMode::Forever => "forever",
            IgnoreMode::ForDuration => "forDuration",
            IgnoreMode::UntilOccurrenceCount => "untilOccurrenceCount",
            IgnoreMode::UntilUserCount => "untilUserCount",
        }
    }

    /// The parameter without which the mode has no meaning.
    fn needs(self) -> Option<&'static str> {
        match self {
            IgnoreMode::UntilEscalating | IgnoreMode::Forever => None,
            IgnoreMode::ForDuration => Some("ignoreDurationMinutes"),
            IgnoreMode::UntilOccurrenceCount => Some("ignoreCount"),
            IgnoreMode::UntilUserCount => Some("ignoreUserCount"),
        }
    }
}

/// The parameters about archiving, as a caller gives them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct IgnoreOptions {
    pub(crate) mode: Option<IgnoreMode>,
    pub(crate) duration: Option<u32>,
    pub(crate) count: Option<u32>,
    pub(crate) window: Option<u32>,
    pub(crate) user_count: Option<u32>,
    pub(crate) user_window: Option<u32>,
}

impl IgnoreOptions {
    /// What is asked for; nothing if no option was given. Refuses what contradicts itself.
    pub(crate) fn wanted(&self) -> Result<Option<Ignore>> {
        self.in_range()?;
        let family = self.family()?;
        let mode = match (self.mode, family) {
            (Some(mode), Some(family)) if mode != family => return Err(self.foreign(mode)),
            (Some(mode), _) => mode,
            (None, Some(family)) => family,
            (None, None) => return Ok(None),
        };
        let wanted = match mode {
            IgnoreMode::UntilEscalating => Some(Ignore::UntilEscalating),
            IgnoreMode::Forever => Some(Ignore::Forever),
            IgnoreMode::ForDuration => self.duration.map(|minutes| Ignore::For(minutes.into())),
            IgnoreMode::UntilOccurrenceCount => self.count.map(|count| Ignore::Events {
                count: count.into(),
                window: self.window.map(u64::from),
            }),
            IgnoreMode::UntilUserCount => self.user_count.map(|count| Ignore::Users {
                count: count.into(),
                window: self.user_window.map(u64::from),
            }),
        };
        match wanted {
            Some(wanted) => Ok(Some(wanted)),
            None => Err(Error::argument(
                "ignoreMode",
                format!("`{}` also needs `{}`", mode.as_str(), mode.needs().unwrap_or_default()),
            )),
        }
    }

    /// Each parameter with its name and the largest value that Sentry takes.
    fn numbers(&self) -> [(&'static str, Option<u32>, u32, IgnoreMode); 5] {
        use IgnoreMode::{ForDuration, UntilOccurrenceCount, UntilUserCount};
        const MAX: u32 = i32::MAX.unsigned_abs();
        [
            ("ignoreDurationMinutes", self.duration, MAX, ForDuration),
            ("ignoreCount", self.count, MAX, UntilOccurrenceCount),
            ("ignoreWindowMinutes", self.window, MAX_WINDOW, UntilOccurrenceCount),
            ("ignoreUserCount", self.user_count, MAX, UntilUserCount),
            ("ignoreUserWindowMinutes", self.user_window, MAX_WINDOW, UntilUserCount),
        ]
    }

    fn in_range(&self) -> Result<()> {
        for (name, value, most, _) in self.numbers() {
            if let Some(value) = value
                && !(1..=most).contains(&value)
            {
                let problem = format!("{value} is out of range; expected 1 to {most}");
                return Err(Error::argument(name, problem));
            }
        }
        Ok(())
    }

    /// The one mode that the numbers belong to.
    fn family(&self) -> Result<Option<IgnoreMode>> {
        let mut given = self.numbers().into_iter().filter(|(_, value, ..)| value.is_some());
        let Some((first, _, _, family)) = given.next() else { return Ok(None) };
        if let Some((other, ..)) = given.find(|(.., of)| *of != family) {
            return Err(Error::input(format!(
                "`{first}` and `{other}` are two different conditions, and Sentry takes one: \
                 choose a duration, an event count, or a user count"
            )));
        }
        for (window, value, count, number) in [
            ("ignoreWindowMinutes", self.window, "ignoreCount", self.count),
            ("ignoreUserWindowMinutes", self.user_window, "ignoreUserCount", self.user_count),
        ] {
            if value.is_some() && number.is_none() {
                return Err(Error::argument(window, format!("a window also needs `{count}`")));
            }
        }
        Ok(Some(family))
    }

    fn foreign(&self, mode: IgnoreMode) -> Error {
        let foreign: Vec<String> = self
            .numbers()
            .into_iter()
            .filter(|(_, value, _, family)| value.is_some() && *family != mode)
            .map(|(name, ..)| format!("`{name}`"))
            .collect();
        let advice = match mode.needs() {
            Some(needed) => format!("it takes `{needed}`"),
            None => "it takes no number".to_owned(),
        };
        Error::argument(
            "ignoreMode",
            format!("`{}` does not go with {}: {advice}", mode.as_str(), foreign.join(", ")),
        )
    }
}

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

    fn wanted(options: IgnoreOptions) -> String {
        match options.wanted() {
            Ok(Some(wanted)) => wanted.to_string(),
            Ok(None) => "nothing".to_owned(),
            Err(err) => err.to_string(),
        }
    }

    fn none() -> IgnoreOptions {
        IgnoreOptions::default()
    }

    #[test]
    fn the_mode_follows_from_the_numbers() {
        let table = [
            (none(), "nothing"),
            (IgnoreOptions { duration: Some(1), ..none() }, "for 1 minute"),
            (IgnoreOptions { count: Some(10), ..none() }, "until 10 more events"),
            (
                IgnoreOptions { count: Some(10), window: Some(60), ..none() },
                "until 10 more events within 60 minutes",
            ),
            (
                IgnoreOptions { user_count: Some(2), user_window: Some(10_080), ..none() },
                "until 2 more users within 10080 minutes",
            ),
        ];
        for (options, expected) in table {
            assert_eq!(wanted(options), expected);
        }
    }

    #[test]
    fn each_mode_can_be_named() {
        use IgnoreMode::{
            ForDuration, Forever, UntilEscalating, UntilOccurrenceCount, UntilUserCount,
        };
        let all = IgnoreOptions { mode: Some(UntilEscalating), ..none() };
        assert_eq!(wanted(all), "until it escalates");
        assert_eq!(wanted(IgnoreOptions { mode: Some(Forever), ..none() }), "forever");
        let table = [
            (
                IgnoreOptions { mode: Some(ForDuration), duration: Some(5), ..none() },
                "for 5 minutes",
            ),
            (
                IgnoreOptions { mode: Some(UntilOccurrenceCount), count: Some(1), ..none() },
                "until 1 more event",
            ),
            (
                IgnoreOptions { mode: Some(UntilUserCount), user_count: Some(3), ..none() },
                "until 3 more users",
            ),
        ];
        for (options, expected) in table {
            assert_eq!(wanted(options), expected);
        }
    }

    #[test]
    fn contradictions_are_refused_with_the_way_out() {
        use IgnoreMode::{ForDuration, Forever, UntilOccurrenceCount, UntilUserCount};
        let table = [
            (
                IgnoreOptions { window: Some(5), ..none() },
                "`ignoreWindowMinutes`: a window also needs `ignoreCount`",
            ),
            (
                IgnoreOptions { user_window: Some(5), ..none() },
                "`ignoreUserWindowMinutes`: a window also needs `ignoreUserCount`",
            ),
            (
                IgnoreOptions { duration: Some(5), count: Some(5), ..none() },
                "`ignoreDurationMinutes` and `ignoreCount` are two different conditions",
            ),
            (
                IgnoreOptions { count: Some(5), user_count: Some(5), ..none() },
                "`ignoreCount` and `ignoreUserCount` are two different conditions",
            ),
            (
                IgnoreOptions { mode: Some(Forever), duration: Some(5), ..none() },
                "`forever` does not go with `ignoreDurationMinutes`: it takes no number",
            ),
            (
                IgnoreOptions {
                    mode: Some(ForDuration),
                    count: Some(5),
                    window: Some(9),
                    ..none()
                },
                "`forDuration` does not go with `ignoreCount`, `ignoreWindowMinutes`: it takes `ignoreDurationMinutes`",
            ),
            (
                IgnoreOptions { mode: Some(ForDuration), ..none() },
                "`forDuration` also needs `ignoreDurationMinutes`",
            ),
            (
                IgnoreOptions { mode: Some(UntilOccurrenceCount), ..none() },
                "`untilOccurrenceCount` also needs `ignoreCount`",
            ),
            (
                IgnoreOptions { mode: Some(UntilUserCount), ..none() },
                "`untilUserCount` also needs `ignoreUserCount`",
            ),
        ];
        for (options, expected) in table {
            let message = wanted(options);
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn numbers_have_bounds() {
        for options in [
            IgnoreOptions { duration: Some(0), ..none() },
            IgnoreOptions { count: Some(0), ..none() },
            IgnoreOptions { count: Some(u32::MAX), ..none() },
            IgnoreOptions { user_count: Some(0), ..none() },
            IgnoreOptions { count: Some(1), window: Some(0), ..none() },
            IgnoreOptions { count: Some(1), window: Some(10_081), ..none() },
            IgnoreOptions { user_count: Some(1), user_window: Some(10_081), ..none() },
        ] {
            let message = wanted(options);
            assert!(message.contains("out of range; expected 1 to "), "{message}");
        }
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
