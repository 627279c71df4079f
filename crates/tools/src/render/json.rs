//! JSON values of an event in a line each: variables, contexts, extra data. Long ones are
//! cut, and nothing is interpreted.

use std::borrow::Cow;

use sentry_client::events::{Fields, Text};
use serde_json::value::RawValue;

use super::clip;

/// The longest line of an object or a list, in characters.
const NESTED_LIMIT: usize = 80;

/// How a text value is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strings {
    /// In quotes, so that `"1"` differs from `1`.
    Quoted,
    /// As it is.
    Bare,
}

/// Appends a value; text is cut at `limit` characters, nested values earlier.
pub(crate) fn value(out: &mut String, json: &RawValue, strings: Strings, limit: usize) {
    match text(json) {
        Some(text) if strings == Strings::Quoted => {
            out.push('"');
            clip::line(out, text.expose(), limit);
            out.push('"');
        }
        Some(text) => clip::line(out, text.expose(), limit),
        None => clip::line(out, &readable(json.get()), limit.min(NESTED_LIMIT)),
    }
}

/// Whether there is nothing worth a line: null, and an empty text, list or object.
pub(crate) fn is_empty(json: &RawValue) -> bool {
    matches!(json.get(), "null" | "\"\"" | "[]" | "{}")
}

/// The text of a JSON string.
pub(crate) fn text(json: &RawValue) -> Option<Text<'_>> {
    let inner = json.get().strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(Text::from(inner));
    }
    serde_json::from_str::<String>(json.get()).ok().map(Text::from)
}

/// Appends `name: value` lines, and how many there are beyond `most`.
pub(crate) fn fields(out: &mut String, fields: &Fields<'_>, most: usize, limit: usize) {
    let told = fields.0.iter().filter(|(_, json)| !is_empty(json));
    let mut left_out = 0;
    for (at, (name, json)) in told.enumerate() {
        if at >= most {
            left_out += 1;
            continue;
        }
        clip::line(out, name.expose(), 100);
        out.push_str(": ");
        value(out, json, Strings::Bare, limit);
        out.push('\n');
    }
    more(out, left_out);
}

/// Says how many entries were left out, if any.
pub(crate) fn more(out: &mut String, left_out: usize) {
    if left_out > 0 {
        use std::fmt::Write as _;
        let _ = writeln!(out, "… {left_out} more left out");
    }
}

/// Escaped letters (`\u00e4`) as letters. JSON that is nested too deep stays as it is.
fn readable(json: &str) -> Cow<'_, str> {
    if !json.contains("\\u") {
        return Cow::Borrowed(json);
    }
    serde_json::from_str::<serde_json::Value>(json)
        .map_or(Cow::Borrowed(json), |value| Cow::Owned(value.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str, strings: Strings) -> String {
        let mut out = String::new();
        value(&mut out, serde_json::from_str(json).unwrap(), strings, 120);
        out
    }

    #[test]
    fn variables_keep_the_difference_between_text_and_the_rest() {
        let table = [
            (r#""1""#, r#""1""#),
            ("1", "1"),
            ("null", "null"),
            (r#""a\nb\"c""#, r#""a b"c""#),
            (r#"{"a": "\u00e4"}"#, r#"{"a":"ä"}"#),
        ];
        for (json, expected) in table {
            assert_eq!(shown(json, Strings::Quoted), expected);
        }
    }

    #[test]
    fn a_deep_object_is_cut_and_its_rest_is_counted() {
        let deep = format!("{}1{}", r#"{"a":"#.repeat(400), "}".repeat(400));
        let out = shown(&deep, Strings::Bare);
        assert!(out.starts_with(r#"{"a":{"a":"#) && out.ends_with("… (+2321 characters)"), "{out}");
    }

    #[test]
    fn empty_values_have_no_line_and_many_are_counted() {
        let json = r#"{"a": null, "b": "", "c": {}, "d": [], "e": 0, "f": false, "g": "x"}"#;
        let mut out = String::new();
        fields(&mut out, &Fields::of(serde_json::from_str(json).unwrap()), 2, 80);
        assert_eq!(out, "e: 0\nf: false\n… 1 more left out\n");
    }
}
