//! Free text: words up to the next filter or operator, or one quoted phrase.
//!
//! Parentheses belong to the text while they are balanced and hold nothing but text.

use super::{MAX_DEPTH, Parser, operator};
use crate::{Code, Diagnostic, Span, ast::Text};

impl<'q> Parser<'q> {
    /// The free text that starts here. There is always some: at least one byte.
    pub(super) fn free_text(&mut self, start: usize) -> Text<'q> {
        if let Some(end) = self.scan.quoted(start) {
            return self.text(start, end, true);
        }
        if self.scan.is(start, b'"') {
            let end = self.unterminated(start);
            return self.text(start, end, false);
        }
        let mut end = start;
        loop {
            let at = self.scan.spaces(end);
            if at > start && self.is_term(at) {
                break;
            }
            let next = if self.scan.is(at, b'(') { self.free_parens(at, 0) } else { None };
            let next = next.unwrap_or_else(|| self.scan.word(at));
            if next == at {
                break;
            }
            if self.scan.is(at, b'"') && self.scan.quoted(at).is_none() {
                end = self.unterminated(at);
                break;
            }
            end = next;
        }
        // A `(` that is no text is a term of its own; `()` is.
        let end = end.max(start + 1);
        self.check_tab(start, end);
        self.text(start, end, false)
    }

    /// Past the words from `start` on, up to a parenthesis or the next filter.
    pub(super) fn sentence(&self, start: usize) -> usize {
        let mut end = start;
        loop {
            let at = self.scan.spaces(end);
            let next = self.scan.word(at);
            if next == at || self.filter_head(at).is_some() {
                return end;
            }
            end = next;
        }
    }

    /// Whether a filter or an operator starts here, which ends free text.
    fn is_term(&self, at: usize) -> bool {
        operator(self.scan, at).is_some() || self.filter_head(at).is_some()
    }

    /// Past the parentheses at `open`, where they hold only text.
    fn free_parens(&mut self, open: usize, depth: usize) -> Option<usize> {
        if depth >= MAX_DEPTH || self.no_free_parens.contains(&open) {
            return None;
        }
        let end = self.free_parens_end(open, depth);
        if end.is_none() && depth > 0 {
            self.no_free_parens.insert(open);
        }
        end
    }

    fn free_parens_end(&mut self, open: usize, depth: usize) -> Option<usize> {
        let mut at = open + 1;
        if let Some(end) = self.scan.quoted(at)
            && self.filter_head(at).is_none()
        {
            at = end;
        } else if !self.scan.is(at, b' ') {
            loop {
                if self.is_term(at) {
                    break;
                }
                let next = if self.scan.is(at, b'(') {
                    self.free_parens(at, depth + 1)?
                } else {
                    self.scan.word(at)
                };
                if next == at {
                    break;
                }
                at = self.scan.spaces(next);
            }
        }
        self.scan.is(at, b')').then_some(at + 1)
    }

    fn check_tab(&mut self, start: usize, end: usize) {
        let raw = self.scan.slice(start, end);
        let Some(offset) = raw.find('\t') else { return };
        let place = start + offset;
        let span = Span::new(place, self.scan.run(place, |byte| byte == b'\t'));
        let message = "a tab does not separate terms, so what follows is searched as text: write a \
                       space instead";
        self.findings.push(Diagnostic::warning(span, Code::Tab, message).fix(span, " "));
    }

    fn text(&self, start: usize, end: usize, quoted: bool) -> Text<'q> {
        Text { span: Span::new(start, end), raw: self.scan.slice(start, end), quoted }
    }
}
