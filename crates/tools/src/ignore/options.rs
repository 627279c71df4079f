//! How long an issue shall stay archived, as a caller asks for it. What Sentry has is not
//! known here.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Ignore;
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
