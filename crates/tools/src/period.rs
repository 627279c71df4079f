//! How far back a search looks: a number and a unit. It knows no dates.

use crate::{
    error::{Error, Result},
    render::markdown,
};

/// The longest period, in minutes: 90 days is the longest that Sentry keeps events.
const MOST: u64 = 90 * 24 * 60;

/// The period without surrounding space, if it is one that Sentry can answer.
pub(crate) fn checked(text: &str) -> Result<&str> {
    let text = text.trim();
    match minutes(text) {
        Some(1..=MOST) => Ok(text),
        _ => Err(Error::argument(
            "period",
            format!(
                "{} is not a period; expected a number and a unit (m, h, d, w) such as `24h` or \
                 `14d`, at most `90d`",
                markdown::code(text, 40)
            ),
        )),
    }
}

fn minutes(text: &str) -> Option<u64> {
    [('m', 1), ('h', 60), ('d', 24 * 60), ('w', 7 * 24 * 60)].into_iter().find_map(
        |(unit, each)| {
            let digits = text.strip_suffix(unit)?;
            let is_number =
                (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
            is_number.then(|| digits.parse::<u64>().ok())?.map(|number| number * each)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_of_every_unit_are_taken() {
        for text in ["90m", "24h", "14d", "12w", " 7d ", "90d", "2160h"] {
            assert_eq!(checked(text).unwrap(), text.trim());
        }
    }

    #[test]
    fn everything_else_is_refused_with_an_example() {
        for text in [
            "",
            "d",
            "30",
            "0d",
            "-1d",
            "+1d",
            "1.5d",
            "91d",
            "13w",
            "99999999999999999999w",
            "1 day",
            "٣d",
        ] {
            let message = checked(text).unwrap_err().to_string();
            assert!(message.contains("such as `24h`"), "{text}: {message}");
        }
    }
}
