//! The time range of a search: a period until now, or a start and an end. It reads no clock.

use std::fmt;

use jiff::{Timestamp, civil, tz::TimeZone};
use sentry_client::discover::TimeRange;

use crate::{
    error::{Error, Result},
    params::given,
    period,
    render::markdown,
};

/// How far back when nobody said.
const USUAL: &str = "14d";

/// When the events happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    Last(String),
    /// In UTC, as Sentry reads it: without an offset.
    Between(String, String),
}

/// The usual time.
impl Default for Time {
    fn default() -> Time {
        Time::Last(USUAL.to_owned())
    }
}

impl Time {
    /// The same, or nothing where none of the arguments says anything.
    pub(crate) fn given(
        period: Option<&str>,
        start: Option<&str>,
        end: Option<&str>,
    ) -> Result<Option<Time>> {
        let said = [period, start, end].into_iter().any(|text| given(text).is_some());
        said.then(|| Time::of(period, start, end)).transpose()
    }

    /// From the three arguments, of which only some go together.
    pub(crate) fn of(period: Option<&str>, start: Option<&str>, end: Option<&str>) -> Result<Time> {
        match (given(period), given(start), given(end)) {
            (period, None, None) => {
                Ok(Time::Last(period::checked(period.unwrap_or(USUAL))?.to_owned()))
            }
            (None, Some(start), Some(end)) => {
                let (from, to) = (instant("start", start)?, instant("end", end)?);
                if from >= to {
                    return Err(Error::argument("start", "is not before `end`"));
                }
                let utc = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%S").to_string();
                Ok(Time::Between(utc(from), utc(to)))
            }
            (None, Some(_), None) => Err(half("end", "start")),
            (None, None, Some(_)) => Err(half("start", "end")),
            (Some(_), _, _) => Err(Error::input(
                "invalid arguments: `period` contradicts `start` and `end`: give either the \
                 period or both times",
            )),
        }
    }

    pub(crate) fn range(&self) -> TimeRange<'_> {
        match self {
            Time::Last(period) => TimeRange::Last(period),
            Time::Between(start, end) => TimeRange::Between(start, end),
        }
    }

    /// As query parameters of a web page.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, &str)> {
        match self {
            Time::Last(period) => vec![("statsPeriod", period)],
            Time::Between(start, end) => vec![("start", start), ("end", end), ("utc", "true")],
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Time::Last(period) => write!(f, "period `{period}`"),
            Time::Between(start, end) => write!(f, "from `{start}` to `{end}` (UTC)"),
        }
    }
}

fn half(missing: &str, given: &str) -> Error {
    Error::argument(missing, format!("`{given}` is useless alone: give both, or `period`"))
}

fn instant(name: &str, text: &str) -> Result<Timestamp> {
    let utc = |time: civil::DateTime| time.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp());
    let time = text.parse::<Timestamp>().ok();
    time.or_else(|| utc(text.parse::<civil::DateTime>().ok()?)).ok_or_else(|| {
        let shown = markdown::code(text, 40);
        Error::argument(
            name,
            format!("{shown} is not a time; expected ISO 8601 such as `2026-01-31T12:00:00Z`"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(period: Option<&str>, start: Option<&str>, end: Option<&str>) -> Result<Time, String> {
        Time::of(period, start, end).map_err(|err| err.to_string())
    }

    #[test]
    fn a_period_or_two_times_or_nothing() {
        assert_eq!(of(None, None, Some(" ")), Ok(Time::Last("14d".to_owned())));
        assert_eq!(of(Some(" 24h"), None, None), Ok(Time::Last("24h".to_owned())));
        let between = |a: &str, b: &str| Ok(Time::Between(a.to_owned(), b.to_owned()));
        assert_eq!(
            of(None, Some("2026-01-01"), Some("2026-01-01T14:00:00+02:00")),
            between("2026-01-01T00:00:00", "2026-01-01T12:00:00")
        );
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let (a, b) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        for (period, start, end, expected) in [
            (Some("24h"), Some(a), Some(b), "contradicts"),
            (Some("24h"), None, Some(b), "contradicts"),
            (None, Some(a), None, "`end`: `start` is useless alone"),
            (None, None, Some(a), "`start`: `end` is useless alone"),
            (None, Some(b), Some(a), "not before"),
            (None, Some(a), Some(a), "not before"),
            (None, Some("yesterday"), Some(a), "`yesterday` is not a time"),
            (Some("91d"), None, None, "at most `90d`"),
        ] {
            let message = of(period, start, end).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }
}
