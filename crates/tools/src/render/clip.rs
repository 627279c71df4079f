//! Shortening text that a stranger wrote, straight into an answer. What is written here
//! still belongs into a code block: nothing is escaped.

use std::fmt::Write as _;

/// Appends text as one line: each control character becomes a space. At most `limit`
/// characters are kept, and the rest is counted.
pub(crate) fn line(out: &mut String, text: &str, limit: usize) {
    clip(out, text.trim_matches(blank), limit, |c| if c.is_control() { ' ' } else { c });
}

/// The same with the indentation kept, for a line of source code.
pub(crate) fn source(out: &mut String, text: &str, limit: usize) {
    let keep = |c: char| if c.is_control() && c != '\t' { ' ' } else { c };
    clip(out, text.trim_end_matches(blank), limit, keep);
}

/// The same with line breaks kept, for a message.
pub(crate) fn lines(out: &mut String, text: &str, limit: usize) {
    let keep = |c: char| if c.is_control() && !matches!(c, '\n' | '\t') { ' ' } else { c };
    clip(out, text.trim_matches(blank), limit, keep);
}

fn blank(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

fn clip(out: &mut String, text: &str, limit: usize, keep: impl Fn(char) -> char) {
    let plain = |b: u8| matches!(b, b' '..=b'~');
    if text.len() <= limit && text.bytes().all(plain) {
        out.push_str(text);
        return;
    }
    let mut rest = text.chars();
    out.extend(rest.by_ref().take(limit).map(keep));
    let left_out = rest.count();
    if left_out > 0 {
        let _ = write!(out, "… (+{left_out} characters)");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_between_characters_and_the_rest_is_counted() {
        let mut out = String::new();
        line(&mut out, "ä".repeat(15).as_str(), 10);
        assert_eq!(out, format!("{}… (+5 characters)", "ä".repeat(10)));
    }

    #[test]
    fn one_line_stays_one_line() {
        let mut out = String::new();
        line(&mut out, " a\r\nb\u{85}c\u{0}\n", 80);
        assert_eq!(out, "a  b c");
    }

    #[test]
    fn source_keeps_its_indentation_and_messages_their_lines() {
        let mut out = String::new();
        source(&mut out, "\t  x = 1\n", 80);
        lines(&mut out, "\na\n\tb\u{1b}[0m\n", 80);
        assert_eq!(out, "\t  x = 1a\n\tb [0m");
    }
}
