//! Findings as text: the query, a mark under the place, the reason, and what to write.
//!
//! It draws with characters of one column each and no color; what becomes of the text
//! (Markdown, a terminal) is the caller's business.

use std::fmt::Write as _;

use crate::{Diagnostic, Severity, Span};

/// How many characters of a query are shown on one line.
const WIDTH: usize = 96;

/// How many characters before the place are shown, where not all fit.
const BEFORE: usize = 40;

/// The findings about `query`, each with the part of the query that it is about.
///
/// The mark counts characters, not bytes; a tab or a line break is drawn as one sign.
/// A suggestion is shown as the whole query, or as its nearby part where it is long.
pub fn render(query: &str, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for (position, finding) in diagnostics.iter().enumerate() {
        if position > 0 {
            out.push('\n');
        }
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let window = Window::around(query, finding.span);
        // Writing to a `String` cannot fail.
        let _ = writeln!(out, "{severity}: {}", finding.message);
        let _ = writeln!(out, "  {}", window.text);
        let mark = "^".repeat(window.marked);
        let _ = writeln!(out, "  {:indent$}{mark}", "", indent = window.indent);
        if let Some(fix) = &finding.suggestion {
            let fixed = fix.apply(query);
            let end = fix.span.start + fix.replacement.len();
            let window = Window::around(&fixed, Span::new(fix.span.start, end));
            let _ = writeln!(out, "  try: {}", window.text);
        }
    }
    out
}

/// The part of a query around a place.
struct Window {
    text: String,
    /// Characters before the mark.
    indent: usize,
    /// Characters of the mark; at least one.
    marked: usize,
}

impl Window {
    fn around(query: &str, span: Span) -> Self {
        let start = floor(query, span.start);
        let end = floor(query, span.end).max(start);
        let before = query.get(..start).unwrap_or_default();
        let inside = query.get(start..end).unwrap_or_default();
        let after = query.get(end..).unwrap_or_default();

        // All of it where it fits; never more than a window is looked at.
        let is_short = query.len() <= WIDTH || query.chars().nth(WIDTH).is_none();
        let (room_before, room) = if is_short { (WIDTH, WIDTH) } else { (BEFORE, WIDTH) };

        let mut text = String::new();
        let cut = before.char_indices().rev().nth(room_before).map(|(at, c)| at + c.len_utf8());
        if let Some(cut) = cut {
            text.push('…');
            push(&mut text, before.get(cut..).unwrap_or_default());
        } else {
            push(&mut text, before);
        }
        let indent = text.chars().count();
        let left = room.saturating_sub(indent).max(1);
        let shown = take(inside, left);
        push(&mut text, shown);
        let marked = shown.chars().count().max(1);
        if shown.len() < inside.len() {
            text.push('…');
            return Self { text, indent, marked };
        }
        let rest = take(after, left.saturating_sub(marked));
        push(&mut text, rest);
        if rest.len() < after.len() {
            text.push('…');
        }
        Self { text, indent, marked }
    }
}

/// The nearest boundary of a character at or before a place.
fn floor(text: &str, place: usize) -> usize {
    let mut place = place.min(text.len());
    while !text.is_char_boundary(place) {
        place -= 1;
    }
    place
}

/// At most so many characters.
fn take(text: &str, characters: usize) -> &str {
    match text.char_indices().nth(characters) {
        Some((at, _)) => text.get(..at).unwrap_or_default(),
        None => text,
    }
}

/// With one sign for every character that would break the line.
fn push(out: &mut String, text: &str) {
    out.extend(text.chars().map(|character| match character {
        '\n' => '␤',
        '\r' => '␍',
        '\t' => '␉',
        other if other.is_control() => '\u{fffd}',
        other => other,
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    fn drawn(query: &str, start: usize, end: usize) -> Vec<String> {
        let finding = Diagnostic::error(Span::new(start, end), Code::EmptyValue, "why");
        render(query, &[finding]).lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_mark_is_under_the_place() {
        let lines = drawn("is:unresolved level:", 14, 20);
        assert_eq!(lines, ["error: why", "  is:unresolved level:", "                ^^^^^^"]);
    }

    #[test]
    fn the_mark_counts_characters_and_not_bytes() {
        let query = "größe:ü level:";
        let at = query.find("level").unwrap();
        let lines = drawn(query, at, query.len());
        assert_eq!(lines[2], "          ^^^^^^");
    }

    #[test]
    fn a_long_query_is_shown_around_the_place() {
        let query = format!("{}level:{}", "word ".repeat(1000), " word".repeat(1000));
        let lines = drawn(&query, 5000, 5006);
        assert!(lines[1].starts_with("  …") && lines[1].ends_with('…'), "{}", lines[1]);
        assert!(lines[1].chars().count() <= WIDTH + 4, "{}", lines[1]);
        let column = lines[2].find('^').unwrap();
        let under: String = lines[1].chars().skip(column).take(6).collect();
        assert_eq!(under, "level:");
    }

    #[test]
    fn a_place_past_the_end_has_a_mark_and_a_line_break_has_a_sign() {
        assert_eq!(drawn("a\nb", 3, 3)[1..], ["  a␤b", "     ^"]);
        assert_eq!(drawn("é", 1, 99)[1..], ["  é", "  ^"]);
    }

    #[test]
    fn a_fix_is_shown_as_the_query_that_it_gives() {
        let finding = Diagnostic::warning(Span::new(0, 5), Code::NearMissField, "did you mean it?")
            .fix(Span::new(0, 5), "level");
        let text = render("levle:error", &[finding]);
        assert!(text.ends_with("  try: level:error\n"), "{text}");
    }
}
