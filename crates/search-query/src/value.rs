//! One value of a filter, and the ways in which Sentry could read it.
//!
//! Which reading counts depends on the field's type, which is not known here: `2m` is
//! two minutes for a duration and two million for a number.

use std::borrow::Cow;

use crate::Span;

/// One value as written.
#[derive(Clone, Copy, Debug)]
pub struct Scalar<'q> {
    /// Where, with the quotes.
    pub span: Span,
    /// As written, with the quotes.
    pub raw: &'q str,
    /// Whether it is in quotes. Quoted values are always text.
    pub quoted: bool,
}

/// The units of a duration, as the grammar lists them, in milliseconds.
const DURATIONS: &[(&str, f64)] = &[
    ("ms", 1.0),
    ("s", 1_000.0),
    ("min", 60_000.0),
    ("m", 60_000.0),
    ("hr", 3_600_000.0),
    ("h", 3_600_000.0),
    ("day", 86_400_000.0),
    ("d", 86_400_000.0),
    ("wk", 604_800_000.0),
    ("w", 604_800_000.0),
];

/// The units of a size, as the grammar lists them, in any case.
const SIZES: &[&str] = &[
    "bit", "nb", "bytes", "kb", "mb", "gb", "tb", "pb", "eb", "zb", "yb", "kib", "mib", "gib",
    "tib", "pib", "eib", "zib", "yib",
];

/// A point in time as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// `-24h`: after that point; `+7d`: before it.
    Relative,
    /// `2026-01-31`.
    Day,
    /// `2026-01-31T10:00:00Z`.
    Moment,
}

impl<'q> Scalar<'q> {
    /// The value without quotes, and with `\"` as `"`.
    ///
    /// `\*`, an asterisk that is no wildcard, stays as it is.
    pub fn text(&self) -> Cow<'q, str> {
        let inner = if self.quoted { self.inner() } else { self.raw };
        if inner.contains("\\\"") {
            Cow::Owned(inner.replace("\\\"", "\""))
        } else {
            Cow::Borrowed(inner)
        }
    }

    /// What is between the quotes, or the value.
    pub fn inner(&self) -> &'q str {
        self.raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(self.raw)
    }

    /// Whether an asterisk stands for any text; `\*` does not.
    pub fn has_wildcard(&self) -> bool {
        let mut backslashes = 0_usize;
        for byte in self.raw.bytes() {
            match byte {
                b'\\' => backslashes += 1,
                b'*' if backslashes.is_multiple_of(2) => return true,
                _ => backslashes = 0,
            }
        }
        false
    }

    /// As a number with an optional `k`, `m` or `b`: `-1.5`, `10k`.
    pub fn as_number(&self) -> Option<f64> {
        let (negative, rest) = match self.unquoted()?.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, self.raw),
        };
        let (number, unit) = split_number(rest)?;
        let factor = match unit {
            "" => 1.0,
            "k" | "K" => 1e3,
            "m" | "M" => 1e6,
            "b" | "B" => 1e9,
            _ => return None,
        };
        Some(if negative { -number } else { number } * factor)
    }

    /// As a duration in milliseconds: `500ms`, `1.5h`.
    pub fn as_duration(&self) -> Option<f64> {
        let (number, unit) = split_number(self.unquoted()?)?;
        DURATIONS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| number * factor)
    }

    /// Whether it is a size: `10mb`, `3KiB`.
    pub fn is_size(&self) -> bool {
        self.unquoted()
            .and_then(split_number)
            .is_some_and(|(_, unit)| SIZES.iter().any(|name| unit.eq_ignore_ascii_case(name)))
    }

    /// Whether it is a percentage: `5%`, `0.1%`.
    pub fn is_percentage(&self) -> bool {
        self.unquoted().and_then(split_number).is_some_and(|(_, unit)| unit == "%")
    }

    /// As a boolean: `true`, `1`, `false`, `0` in any case.
    pub fn as_boolean(&self) -> Option<bool> {
        let raw = self.unquoted()?;
        if raw == "1" || raw.eq_ignore_ascii_case("true") {
            Some(true)
        } else if raw == "0" || raw.eq_ignore_ascii_case("false") {
            Some(false)
        } else {
            None
        }
    }

    /// As a point in time, by its form and by the calendar.
    pub fn as_when(&self) -> Option<When> {
        let raw = self.unquoted()?;
        if is_relative(raw) {
            return Some(When::Relative);
        }
        let day = raw.get(..10)?;
        if !is_day(day) {
            return None;
        }
        let rest = without_zone(&raw[10..]);
        if rest.is_empty() {
            return Some(When::Day);
        }
        is_time(rest.strip_prefix('T')?).then_some(When::Moment)
    }

    fn unquoted(&self) -> Option<&'q str> {
        (!self.quoted).then_some(self.raw)
    }
}

/// Digits with an optional fraction, and what follows.
fn split_number(text: &str) -> Option<(f64, &str)> {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|b| b.is_ascii_digit()).count()
    };
    let whole = digits(0);
    if whole == 0 {
        return None;
    }
    let end = if bytes.get(whole) == Some(&b'.') { digits(whole + 1) } else { whole };
    let (number, unit) = text.split_at(end);
    number.parse().ok().map(|number| (number, unit))
}

/// `-24h`, `+7d`.
fn is_relative(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(['+', '-']) else { return false };
    let Some(digits) = rest.strip_suffix(['w', 'd', 'h', 'm']) else { return false };
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

fn is_day(text: &str) -> bool {
    if !matches_pattern(text, "0000-00-00") {
        return false;
    }
    let number = |from: usize, to: usize| text[from..to].parse().unwrap_or(0_u16);
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    year >= 1 && (1..=last).contains(&day)
}

fn is_time(text: &str) -> bool {
    let Some(clock) = text.get(..8).filter(|clock| matches_pattern(clock, "00:00:00")) else {
        return false;
    };
    let number = |from: usize, to: usize| clock[from..to].parse().unwrap_or(99_u8);
    if number(0, 2) > 23 || number(3, 5) > 59 || number(6, 8) > 59 {
        return false;
    }
    match text[8..].strip_prefix('.') {
        Some(fraction) => {
            (1..=6).contains(&fraction.len()) && fraction.bytes().all(|b| b.is_ascii_digit())
        }
        None => text.len() == 8,
    }
}

/// Without a `Z` or `+02:00` at the end.
fn without_zone(text: &str) -> &str {
    if let Some(rest) = text.strip_suffix('Z') {
        return rest;
    }
    let Some(at) = text.len().checked_sub(6) else { return text };
    let (Some(rest), Some(zone)) = (text.get(..at), text.get(at..)) else { return text };
    let is_zone =
        zone.strip_prefix(['+', '-']).is_some_and(|clock| matches_pattern(clock, "00:00"));
    if is_zone { rest } else { text }
}

/// Whether the text has digits where the pattern has `0`, and the pattern's characters elsewhere.
fn matches_pattern(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text
            .bytes()
            .zip(pattern.bytes())
            .all(|(b, p)| if p == b'0' { b.is_ascii_digit() } else { b == p })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(raw: &str) -> Scalar<'_> {
        Scalar { span: Span::new(0, raw.len()), raw, quoted: raw.starts_with('"') }
    }

    #[test]
    fn one_text_can_be_a_number_and_a_duration() {
        assert_eq!(scalar("2m").as_number(), Some(2e6));
        assert_eq!(scalar("2m").as_duration(), Some(120_000.0));
        assert_eq!(scalar("-1.5k").as_number(), Some(-1500.0));
        assert_eq!(scalar("1.").as_number(), Some(1.0));
        for not in ["", "-", "abc", "1.2.3", ".5", "1e3", "\"1\"", "1 ", "0x1"] {
            assert_eq!(scalar(not).as_number(), None, "{not}");
        }
        for not in ["-5s", "5sec", "5S", "s", "5"] {
            assert_eq!(scalar(not).as_duration(), None, "{not}");
        }
    }

    #[test]
    fn sizes_have_any_case_and_percentages_a_sign() {
        for size in ["5kb", "5KB", "1.5MiB", "3bit", "7bytes"] {
            assert!(scalar(size).is_size(), "{size}");
        }
        for not in ["5", "kb", "5q", "5b", "\"5kb\""] {
            assert!(!scalar(not).is_size(), "{not}");
        }
        assert!(scalar("0.5%").is_percentage());
        assert!(!scalar("5%%").is_percentage());
    }

    #[test]
    fn dates_have_the_form_and_exist() {
        for (text, when) in [
            ("-24h", When::Relative),
            ("+7d", When::Relative),
            ("2024-02-29", When::Day),
            ("2026-01-31Z", When::Day),
            ("2026-01-31T10:00:00", When::Moment),
            ("2026-01-31T10:00:00.123456Z", When::Moment),
            ("2026-01-31T10:00:00-07:00", When::Moment),
        ] {
            assert_eq!(scalar(text).as_when(), Some(when), "{text}");
        }
        for not in [
            "24h",
            "-24s",
            "-h",
            "2023-02-29",
            "2026-13-01",
            "2026-01-31T10:00",
            "2026-01-31T25:00:00",
            "2026-1-31",
            "yesterday",
            "",
            "\"-24h\"",
            "2026-01-31T10:00:00.1234567",
            "2026-01-31TT",
            "éééééé",
            "2026-01-31T\u{fffd}\u{fffd}",
            "2026-01-31\u{fffd}:00",
            "2026-01-31é",
        ] {
            assert_eq!(scalar(not).as_when(), None, "{not}");
        }
    }

    #[test]
    fn an_escaped_asterisk_is_no_wildcard() {
        assert!(scalar("*foo").has_wildcard());
        assert!(scalar(r"foo\\*").has_wildcard());
        assert!(!scalar(r"foo\*").has_wildcard());
    }

    #[test]
    fn quotes_and_escapes_are_not_part_of_the_text() {
        assert_eq!(scalar(r#""a \"b\" c""#).text(), r#"a "b" c"#);
        assert_eq!(scalar("plain").text(), "plain");
    }
}
