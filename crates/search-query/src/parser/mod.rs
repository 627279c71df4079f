//! The text of a query becomes a list of terms, by recursive descent.
//!
//! The order in which forms are tried is that of Sentry's published grammar, so that a
//! text is read as Sentry reads it. What only depends on the dataset, on the types of
//! fields, or on how terms stand to each other is left to `rules` and `fields`.
//!
//! Every byte is looked at a bounded number of times, and groups nest to a bounded depth.

mod filter;
mod free_text;
mod key;
mod list;

pub(crate) use filter::escape;

use crate::{
    Code, Dataset, Diagnostic, Span,
    ast::{Group, Operator, OperatorKind, Term},
    findings::Findings,
    scan::Scan,
};

/// How deep parentheses may nest. Sentry gives up at about this depth, too.
pub(crate) const MAX_DEPTH: usize = 100;

/// How many terms a query may have: far more than fit into the address in which Sentry takes it,
/// and few enough to be read in a moment.
const MAX_TERMS: usize = 100_000;

pub(crate) struct Parser<'q> {
    scan: Scan<'q>,
    dataset: Dataset,
    findings: Findings,
    count: usize,
    /// Where a parenthesis inside free text turned out to open a group.
    no_free_parens: std::collections::HashSet<usize>,
}

/// The terms of a text, and what is wrong with its form.
pub(crate) fn parse(text: &str, dataset: Dataset) -> (Vec<Term<'_>>, Findings) {
    // What stands around the query of an issue search, Sentry cuts off, line breaks included.
    let (read, start) = match dataset {
        Dataset::Issues => (text.trim_end(), text.len() - text.trim_start().len()),
        _ => (text, 0),
    };
    let mut parser = Parser {
        scan: Scan::new(read),
        dataset,
        findings: Findings::default(),
        count: 0,
        no_free_parens: std::collections::HashSet::new(),
    };
    let (terms, _) = parser.terms(start, 0);
    (terms, parser.findings)
}

impl<'q> Parser<'q> {
    /// Terms up to the end, or up to the `)` that closes a group.
    fn terms(&mut self, start: usize, depth: usize) -> (Vec<Term<'q>>, usize) {
        // Most groups are small, and hostile ones are many.
        let mut terms = Vec::with_capacity(usize::from(depth > 0));
        let mut at = start;
        loop {
            at = self.scan.spaces(at);
            match self.scan.at(at) {
                None => break,
                Some(b')') if depth > 0 => break,
                Some(b')') => at = self.stray_parenthesis(at),
                Some(b'\n') => at = self.line_break(at),
                Some(_) if self.count == MAX_TERMS => return (terms, self.too_many(at)),
                Some(_) => at = self.term(at, depth, &mut terms),
            }
        }
        (terms, at)
    }

    /// One term, and where it ends. Nothing is added where the text is beyond repair.
    fn term(&mut self, at: usize, depth: usize, terms: &mut Vec<Term<'q>>) -> usize {
        self.count += 1;
        if let Some(operator) = operator(self.scan, at) {
            terms.push(Term::Operator(operator));
            return operator.span.end;
        }
        if self.scan.is(at, b'(') && !self.scan.is(at + 1, b')') {
            return self.group(at, depth, terms);
        }
        if let Some(head) = self.filter_head(at) {
            let filter = self.filter(at, head);
            let end = filter.span.end;
            terms.push(Term::Filter(Box::new(filter)));
            return end;
        }
        let text = self.free_text(at);
        let end = text.span.end;
        terms.push(Term::Text(text));
        end
    }

    /// Ends the reading; what was read so far stays.
    fn too_many(&mut self, at: usize) -> usize {
        if !self.findings.has(Code::TooManyTerms) {
            let message = format!("a query has at most {MAX_TERMS} terms: leave some out");
            let finding = Diagnostic::error(Span::empty(at), Code::TooManyTerms, message);
            self.findings.push(finding);
        }
        self.scan.end()
    }

    fn group(&mut self, at: usize, depth: usize, terms: &mut Vec<Term<'q>>) -> usize {
        if depth >= MAX_DEPTH {
            let message = format!("parentheses nest deeper than {MAX_DEPTH} levels: remove some");
            self.findings.push(Diagnostic::error(Span::new(at, at + 1), Code::TooDeep, message));
            return self.scan.end();
        }
        let (inner, end) = self.terms(at + 1, depth + 1);
        if !self.scan.is(end, b')') {
            self.unclosed_group(at, &inner);
            terms.push(Term::Group(Group { span: Span::new(at, end), terms: inner }));
            return end;
        }
        let span = Span::new(at, end + 1);
        if inner.is_empty() {
            let message = "there is nothing between the parentheses: remove them, or put them in \
                           double quotes to search for them";
            let finding = Diagnostic::error(span, Code::EmptyGroup, message).fix(span, "");
            self.findings.push(finding);
            return end + 1;
        }
        terms.push(Term::Group(Group { span, terms: inner }));
        end + 1
    }

    fn unclosed_group(&mut self, at: usize, inner: &[Term<'q>]) {
        if self.findings.has(Code::TooDeep) || self.findings.has(Code::TooManyTerms) {
            return;
        }
        let span = Span::new(at, at + 1);
        let before = at.checked_sub(1).and_then(|before| self.scan.at(before));
        let glued = before.is_some_and(|byte| !matches!(byte, b' ' | b'(' | b'\n' | b'\t'));
        let message = "this parenthesis is never closed: add `)`, or put the text in double \
                       quotes if the parenthesis belongs to it";
        let finding = Diagnostic::error(span, Code::UnbalancedParenthesis, message);
        let finding = match inner.first() {
            Some(Term::Filter(filter)) if glued => {
                finding.fix(Span::empty(filter.key.span.end), ")")
            }
            _ => finding.fix(Span::empty(self.scan.text.trim_end().len()), ")"),
        };
        self.findings.push(finding);
    }

    fn stray_parenthesis(&mut self, at: usize) -> usize {
        if !self.findings.wants_error() {
            return at + 1;
        }
        let span = Span::new(at, at + 1);
        let message = "nothing opens this parenthesis: remove it, or put the text in double \
                       quotes if the parenthesis belongs to it";
        let finding = Diagnostic::error(span, Code::UnbalancedParenthesis, message);
        self.findings.push(finding.fix(span, ""));
        at + 1
    }

    /// A line break separates nothing: Sentry refuses it outside quotes.
    fn line_break(&mut self, at: usize) -> usize {
        let end = self.scan.run(at, |byte| byte.is_ascii_whitespace());
        let outside = end == self.scan.end() || self.scan.text[..at].trim().is_empty();
        let span = Span::new(at, end);
        let message = "a query is one line: put a space here, or put the text in double quotes if \
                       the line break belongs to it";
        let replacement = if outside { "" } else { " " };
        let finding = Diagnostic::error(span, Code::LineBreak, message);
        self.findings.push(finding.fix(span, replacement));
        end
    }
}

/// `AND` or `OR` in any case, as a word of its own.
fn operator(scan: Scan<'_>, at: usize) -> Option<Operator<'_>> {
    let (kind, length) = match scan.at(at)? {
        b'a' | b'A' => (OperatorKind::And, 3),
        b'o' | b'O' => (OperatorKind::Or, 2),
        _ => return None,
    };
    let raw = scan.text.get(at..at + length)?;
    let word = if kind == OperatorKind::And { "AND" } else { "OR" };
    let found = raw.eq_ignore_ascii_case(word) && scan.is_value_end(at + length);
    found.then(|| Operator { span: Span::new(at, at + length), kind, raw })
}
