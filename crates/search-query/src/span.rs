//! A place in a query.
//!
//! It does not know the query: whoever holds both slices with `Span::of`.

use std::ops::Range;

/// A half-open range of bytes in the query's text, on character boundaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// One past the last byte; equal to `start` for a place between two characters.
    pub end: usize,
}

impl Span {
    /// The bytes from `start` up to, not including, `end`.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The place before byte `at`.
    pub const fn empty(at: usize) -> Self {
        Self { start: at, end: at }
    }

    /// The text at this place; empty where the span does not fit the text.
    pub fn of(self, text: &str) -> &str {
        text.get(self.range()).unwrap_or("")
    }

    /// As a range, for slicing.
    pub const fn range(self) -> Range<usize> {
        self.start..self.end
    }

    /// From the start of this to the end of `other`.
    #[must_use]
    pub const fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }

    /// Whether the two share a byte, or one is a place inside the other.
    pub const fn touches(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
            || (self.start == self.end && other.start <= self.start && self.start <= other.end)
            || (other.start == other.end && self.start <= other.start && other.start <= self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_that_does_not_fit_is_no_text_and_no_panic() {
        assert_eq!(Span::new(1, 3).of("abcd"), "bc");
        assert_eq!(Span::new(3, 9).of("abcd"), "");
        assert_eq!(Span::new(1, 2).of("é"), "");
    }

    #[test]
    fn neighbors_do_not_touch() {
        assert!(Span::new(0, 2).touches(Span::new(1, 3)));
        assert!(!Span::new(0, 2).touches(Span::new(2, 3)));
        assert!(Span::empty(2).touches(Span::new(0, 2)));
    }
}
