//! The characters of the grammar, and how far each kind of them runs.
//!
//! It reads bytes: every character with a meaning is ASCII, so that a place found here is
//! always between two characters. Nothing here builds terms or judges.

use crate::Span;

/// A query's text, for reading at any place. Reading past the end finds nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan<'q> {
    pub(crate) text: &'q str,
}

impl<'q> Scan<'q> {
    pub(crate) fn new(text: &'q str) -> Self {
        Self { text }
    }

    pub(crate) fn end(self) -> usize {
        self.text.len()
    }

    pub(crate) fn at(self, place: usize) -> Option<u8> {
        self.text.as_bytes().get(place).copied()
    }

    pub(crate) fn is(self, place: usize, byte: u8) -> bool {
        self.at(place) == Some(byte)
    }

    pub(crate) fn rest(self, place: usize) -> &'q str {
        self.text.get(place..).unwrap_or("")
    }

    pub(crate) fn slice(self, start: usize, end: usize) -> &'q str {
        Span::new(start, end).of(self.text)
    }

    /// The first place from `place` on whose byte is not wanted.
    pub(crate) fn run(self, place: usize, wanted: impl Fn(u8) -> bool) -> usize {
        let rest = self.text.as_bytes().get(place..).unwrap_or_default();
        place + rest.iter().take_while(|byte| wanted(**byte)).count()
    }

    /// Past the spaces. Tabs and line breaks are none to Sentry.
    pub(crate) fn spaces(self, place: usize) -> usize {
        self.run(place, |byte| byte == b' ')
    }

    /// Past an unquoted value: up to a parenthesis, space, tab or line break.
    pub(crate) fn value(self, place: usize) -> usize {
        self.run(place, |byte| !matches!(byte, b'(' | b')' | b'\t' | b'\n' | b' '))
    }

    /// Past a word of free text: up to a parenthesis, space or line break.
    pub(crate) fn word(self, place: usize) -> usize {
        self.run(place, |byte| !matches!(byte, b'(' | b')' | b'\n' | b' '))
    }

    /// Past the letters of a plain key; `place` where there is none.
    pub(crate) fn key(self, place: usize) -> usize {
        self.run(place, is_key_byte)
    }

    /// Past the letters of a key in quotes or brackets, which may have a colon.
    pub(crate) fn escaped_key(self, place: usize) -> usize {
        self.run(place, |byte| is_key_byte(byte) || byte == b':')
    }

    /// Past a quoted text that starts at `place`. A backslash before a quote escapes it,
    /// whatever is before the backslash.
    pub(crate) fn quoted(self, place: usize) -> Option<usize> {
        if !self.is(place, b'"') {
            return None;
        }
        let mut at = place + 1;
        loop {
            at = self.run(at, |byte| byte != b'"' && byte != b'\\');
            match self.at(at)? {
                b'\\' if self.is(at + 1, b'"') => at += 2,
                b'\\' => at += 1,
                _ => return Some(at + 1),
            }
        }
    }

    /// Whether a value may stop here: at a tab, line break, space, `)`, or the end.
    pub(crate) fn is_value_end(self, place: usize) -> bool {
        matches!(self.at(place), None | Some(b'\t' | b'\n' | b' ' | b')'))
    }

    /// Digits with an optional fraction: `12`, `1.`, `0.5`; `place` where there are none.
    pub(crate) fn number(self, place: usize) -> usize {
        let digits = self.run(place, |byte| byte.is_ascii_digit());
        if digits > place && self.is(digits, b'.') {
            self.run(digits + 1, |byte| byte.is_ascii_digit())
        } else {
            digits
        }
    }

    /// Past a number with its optional sign and `k`, `m` or `b`, where the grammar ends
    /// one: at the end of a value, or before a comma or a bracket.
    pub(crate) fn numeric_value(self, place: usize) -> Option<usize> {
        let digits = place + usize::from(self.is(place, b'-'));
        let end = self.number(digits);
        if end == digits {
            return None;
        }
        let unit = matches!(self.at(end), Some(b'k' | b'm' | b'b' | b'K' | b'M' | b'B'));
        let end = end + usize::from(unit);
        (self.is_value_end(end) || matches!(self.at(end), Some(b',' | b']'))).then_some(end)
    }
}

/// The letters of a plain key: `a`–`z`, `A`–`Z`, digits, `_`, `.`, `-`.
pub(crate) fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_before_a_quote_always_escapes_it() {
        let quoted = |text| Scan::new(text).quoted(0);
        assert_eq!(quoted(r#""a b" c"#), Some(5));
        assert_eq!(quoted(r#""a\"b""#), Some(6));
        assert_eq!(quoted(r#""a\\""#), None);
        assert_eq!(quoted(r#""a\n""#), Some(5));
        assert_eq!(quoted(r#""a"#), None);
    }

    #[test]
    fn a_number_also_ends_before_a_comma() {
        let number = |text| Scan::new(text).numeric_value(0);
        assert_eq!(number("10,20"), Some(2));
        assert_eq!(number("-1.5k"), Some(5));
        assert_eq!(number("1.2.3"), None);
        assert_eq!(number("10x"), None);
        assert_eq!(number("-"), None);
    }
}
