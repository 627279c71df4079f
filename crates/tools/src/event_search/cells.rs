//! One value of a row in one line of Markdown. All of it is a stranger's text, so what is
//! more than a plain word stands in a code span. Long values are cut.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use sentry_client::discover::Cell;

use crate::render::markdown;

/// The longest value, in characters.
pub(crate) const LONGEST: usize = 200;
/// The most elements of a list that are told.
const MOST: usize = 20;

/// A value as it stands in an answer; `None` for null and for nothing in any other form.
pub(crate) fn shown(cell: &Cell, unit: Option<&str>) -> Option<String> {
    let text = match cell {
        Cell::Nothing => return None,
        Cell::Flag(flag) => flag.to_string(),
        Cell::Number(number) => quantity(number, unit),
        Cell::Text(text) => safe(text.expose()),
        Cell::List(_) | Cell::Object(_) => safe(&plain(cell, 3)),
    };
    (!text.is_empty()).then_some(text)
}

/// A text that cannot be taken for Markdown: a plain word as it is, the rest in a code span.
pub(crate) fn safe(text: &str) -> String {
    let text = markdown::line(text, LONGEST);
    let harmless = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '.' | '-' | ':' | '/' | '@' | '+' | '_' | '(' | ')')
    };
    // Addresses would become links.
    if text.is_empty() || (text.chars().all(harmless) && !text.contains("//")) {
        return text;
    }
    markdown::code(&text, LONGEST + 1)
}

/// The text of a value, unescaped, for a test of what it says.
pub(crate) fn plain(cell: &Cell, depth: usize) -> String {
    match cell {
        Cell::Nothing => String::new(),
        Cell::Flag(flag) => flag.to_string(),
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) => text.expose().to_owned(),
        Cell::List(_) | Cell::Object(_) if depth == 0 => "…".to_owned(),
        Cell::List(list) => {
            joined(list.iter().map(|cell| pair(cell).unwrap_or_else(|| plain(cell, depth - 1))))
        }
        Cell::Object(fields) => summary(fields).unwrap_or_else(|| {
            joined(fields.iter().map(|(name, cell)| format!("{name}={}", plain(cell, depth - 1))))
        }),
    }
}

fn joined(parts: impl ExactSizeIterator<Item = String>) -> String {
    let more = parts.len().saturating_sub(MOST);
    let mut text = parts.take(MOST).collect::<Vec<_>>().join(", ");
    if more > 0 {
        let _ = write!(text, " (+{more} more)");
    }
    text
}

/// A tag as Sentry lists it: `{"key": …, "value": …}`.
fn pair(cell: &Cell) -> Option<String> {
    let Cell::Object(fields) = cell else { return None };
    let of = |wanted: &str| {
        fields.iter().find(|(name, _)| name == wanted).map(|(_, cell)| plain(cell, 1))
    };
    Some(format!("{}={}", of("key")?, of("value")?))
}

/// A user by the name that says the most.
fn summary(fields: &[(String, Cell)]) -> Option<String> {
    let is_user =
        fields.iter().any(|(name, _)| matches!(name.as_str(), "email" | "username" | "ip_address"));
    if !is_user {
        return None;
    }
    ["email", "username", "name", "id", "ip_address", "ip"].iter().find_map(|wanted| {
        let cell = fields.iter().find(|(name, _)| name == wanted).map(|(_, cell)| cell)?;
        Some(plain(cell, 1)).filter(|text| !text.trim().is_empty())
    })
}

fn quantity(number: &serde_json::Number, unit: Option<&str>) -> String {
    let value = number.as_f64().unwrap_or_default();
    let milliseconds = match unit {
        Some("nanosecond") => Some(value / 1e6),
        Some("microsecond") => Some(value / 1e3),
        Some("millisecond") => Some(value),
        Some("second") => Some(value * 1e3),
        _ => None,
    };
    match (milliseconds, unit) {
        (Some(time), _) => duration(time),
        (None, Some(unit)) if !matches!(unit, "" | "none") => {
            format!("{} {}", rounded(number), safe(unit))
        }
        _ => rounded(number),
    }
}

/// A duration in milliseconds as people write it.
fn duration(milliseconds: f64) -> String {
    match milliseconds.abs() {
        0.0 => "0 ms".to_owned(),
        ..1.0 => format!("{milliseconds:.3} ms"),
        ..1_000.0 => format!("{milliseconds:.1} ms"),
        ..60_000.0 => format!("{:.2} s", milliseconds / 1e3),
        _ => format!("{:.1} min", milliseconds / 6e4),
    }
}

/// A fraction with at most four digits after the point.
fn rounded(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(value) if number.is_f64() && (value == 0.0 || value.abs() >= 0.001) => {
            let text = format!("{value:.4}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => number.to_string(),
    }
}

/// The text of a value that is 32 hexadecimal digits, with or without dashes: a trace, a replay.
pub(crate) fn hex_id(cell: Option<&Cell>) -> Option<String> {
    let Cell::Text(text) = cell? else { return None };
    id(text.expose())
}

/// 32 hexadecimal digits, without dashes.
pub(crate) fn id(text: &str) -> Option<String> {
    let id = text.replace('-', "");
    (id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())).then_some(id)
}

/// Seconds since 1970 as a time; for the bounds of a profile.
pub(crate) fn seconds(cell: Option<&Cell>) -> Option<String> {
    let Cell::Number(number) = cell? else { return None };
    let since = SignedDuration::try_from_secs_f64(number.as_f64()?).ok()?;
    let time = Timestamp::from_duration(since).ok()?;
    Some(time.strftime("%Y-%m-%dT%H:%M:%S%.3f").to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(value: serde_json::Value, unit: Option<&str>) -> String {
        shown(&Cell::from(value), unit).unwrap_or_default()
    }

    #[test]
    fn numbers_have_their_unit() {
        for (value, unit, expected) in [
            (json!(3), None, "3"),
            (json!(0.123_456), None, "0.1235"),
            (json!(3.0), Some("none"), "3"),
            (json!(12.34), Some("millisecond"), "12.3 ms"),
            (json!(1_500_000_000_u64), Some("nanosecond"), "1.50 s"),
            (json!(90), Some("second"), "1.5 min"),
            (json!(512), Some("byte"), "512 byte"),
            (json!(18_446_744_073_709_551_615_u64), None, "18446744073709551615"),
        ] {
            assert_eq!(one(value, unit), expected);
        }
    }

    #[test]
    fn a_strangers_text_stands_in_a_code_span() {
        assert_eq!(one(json!("api-2.1"), None), "api-2.1");
        assert_eq!(
            one(json!("# now\n`do` [this](http://x)"), None),
            "`` # now `do` [this](http://x) ``"
        );
        assert_eq!(one(json!("|"), None), "`|`");
        assert_eq!(one(json!(" \n"), None), "");
        assert_eq!(one(json!("x".repeat(300)), None).chars().count(), 203);
    }

    #[test]
    fn nested_values_are_summed_up() {
        for (value, expected) in [
            (json!([{ "key": "a", "value": "b" }, { "key": "c", "value": null }]), "`a=b, c=`"),
            (
                json!({ "id": 7, "email": "user@example.test", "username": null }),
                "user@example.test",
            ),
            (json!({ "a": { "b": { "c": { "d": 1 } } } }), "`a=b=c=…`"),
            (json!([]), ""),
            (json!(null), ""),
        ] {
            assert_eq!(one(value, None), expected);
        }
        let many: Vec<u32> = (0..25).collect();
        assert!(one(json!(many), None).ends_with("19 (+5 more)`"));
    }
}
