//! A list in brackets: `[a, "b c"]`.
//!
//! Sentry falls back to reading a broken list as text, which nobody means: here it is an
//! error, and what is skipped is skipped once.

use super::Parser;
use crate::{Code, Diagnostic, Span, ast::Value, value::Scalar};

/// What an attempt to read a list came to.
enum Attempt<'q> {
    List(Vec<Scalar<'q>>, usize),
    /// Something is wrong at a place: why, with which code, and where to go on.
    Broken(Diagnostic, usize),
    /// A bracket that belongs to a text.
    Text,
}

impl<'q> Parser<'q> {
    /// The list whose `[` is at `open`; none where the bracket only starts a text.
    pub(super) fn list(&mut self, open: usize) -> Option<Value<'q>> {
        match self.attempt(open) {
            Attempt::List(items, end) => {
                let span = Span::new(open, end);
                Some(Value::List { span, raw: self.scan.slice(open, end), items })
            }
            Attempt::Broken(finding, end) => {
                self.findings.push(finding);
                Some(Value::One(self.scalar(open, end)))
            }
            Attempt::Text => None,
        }
    }

    fn attempt(&self, open: usize) -> Attempt<'q> {
        let mut items = Vec::new();
        let mut at = open + 1;
        loop {
            let start = self.scan.spaces(at);
            let Some(end) = self.item(start) else {
                return self.without_item(open, start, items.is_empty());
            };
            if items.is_empty() && start > at {
                let message = "no space after the bracket that opens a list";
                return self.repair(open, Span::new(at, start), message);
            }
            items.push(self.scalar(start, end));
            let next = self.scan.spaces(end);
            match self.scan.at(next) {
                Some(b',') => at = next + 1,
                Some(b']') if next > end => {
                    let message = "no space before the bracket that closes a list";
                    return self.repair(open, Span::new(end, next), message);
                }
                Some(b']') if self.scan.is_value_end(end + 1) => {
                    return Attempt::List(items, end + 1);
                }
                // `[slug]/page` is text, such as the name of a route.
                Some(b']') if items.len() == 1 => return Attempt::Text,
                Some(b']') => {
                    let message = "a list ends the value: put a space after it";
                    let place = Span::empty(end + 1);
                    let finding = Diagnostic::error(place, Code::MalformedList, message);
                    return Attempt::Broken(finding.fix(place, " "), end + 1);
                }
                _ => return self.unclosed(open, end, next),
            }
        }
    }

    /// Where the item at `start` ends: a quoted text, or up to a comma or the last
    /// bracket of the word.
    fn item(&self, start: usize) -> Option<usize> {
        if let Some(end) = self.scan.quoted(start) {
            return Some(end);
        }
        let end =
            self.scan.run(start, |byte| !matches!(byte, b'(' | b')' | b',' | b' ' | b'\n' | b'\t'));
        if end == start {
            return None;
        }
        if self.scan.is(self.scan.spaces(end), b',') {
            return Some(end);
        }
        match self.scan.slice(start, end).rfind(']') {
            Some(0) => None,
            Some(bracket) => Some(start + bracket),
            None => Some(end),
        }
    }

    /// Nothing where an item should be: `[]`, `[a,]`, `[a,,b]`.
    fn without_item(&self, open: usize, at: usize, is_first: bool) -> Attempt<'q> {
        let next = self.scan.at(at);
        if next == Some(b']') && is_first {
            let span = Span::new(open, at + 1);
            let message = "the list is empty: write its values, `[a, b]`, or put it in double \
                           quotes to search for the brackets";
            return Attempt::Broken(
                Diagnostic::error(span, Code::EmptyListItem, message),
                self.list_end(at),
            );
        }
        if matches!(next, Some(b',' | b']')) {
            let message = "a value of the list is missing here: remove the comma, or add the value";
            let span = Span::new(at, at + 1);
            return Attempt::Broken(
                Diagnostic::error(span, Code::EmptyListItem, message),
                self.list_end(at),
            );
        }
        self.unclosed(open, at, at)
    }

    fn unclosed(&self, open: usize, end: usize, next: usize) -> Attempt<'q> {
        if matches!(self.scan.at(next), Some(b'(' | b')')) {
            let message = "a value of a list with a parenthesis is written in double quotes";
            let span = Span::new(next, next + 1);
            return Attempt::Broken(
                Diagnostic::error(span, Code::MalformedList, message),
                self.list_end(next),
            );
        }
        let close = self.list_end(end);
        if close > next && self.scan.is(close.saturating_sub(1), b']') {
            let character = self.scan.rest(end).chars().next().map_or(0, char::len_utf8);
            let span = Span::new(end, next.max(end + character));
            let message = "the values of a list are separated by commas, and a value with a space \
                           is written in double quotes";
            let finding = Diagnostic::error(span, Code::MalformedList, message);
            return Attempt::Broken(finding, close);
        }
        let finding = Diagnostic::error(
            Span::new(open, open + 1),
            Code::MalformedList,
            "this list is never closed: add `]`, or put the value in double quotes if the bracket \
             belongs to it",
        );
        Attempt::Broken(finding.fix(Span::empty(end), "]"), end.max(open + 1))
    }

    fn repair(&self, open: usize, excess: Span, message: &str) -> Attempt<'q> {
        let finding = Diagnostic::error(excess, Code::MalformedList, message).fix(excess, "");
        Attempt::Broken(finding, self.list_end(open))
    }

    /// Past the bracket that closes the list around `from`; `from` without one nearby.
    fn list_end(&self, from: usize) -> usize {
        let stop = self.scan.run(from, |byte| !matches!(byte, b']' | b'(' | b')' | b':' | b'\n'));
        if self.scan.is(stop, b']') {
            self.scan.run(stop, |byte| byte == b']')
        } else {
            from.max(self.scan.value(from))
        }
    }
}
