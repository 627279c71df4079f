//! The findings of one query, while they are collected.
//!
//! It bounds them: a hostile query has no more findings than a person reads.

use crate::{Code, Diagnostic, Fix};

/// How many findings one query can have.
const MOST: usize = 32;

/// Findings in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Diagnostic>,
}

impl Findings {
    /// Adds a finding, unless there are enough. An error displaces a warning.
    pub(crate) fn push(&mut self, finding: Diagnostic) {
        if self.list.len() < MOST {
            self.list.push(finding);
        } else if finding.is_error()
            && let Some(last) = self.list.iter_mut().rev().find(|other| !other.is_error())
        {
            *last = finding;
        }
    }

    /// Whether another error would be kept. It saves the making of errors that nobody sees.
    pub(crate) fn wants_error(&self) -> bool {
        !self.is_full() || self.list.iter().any(|finding| !finding.is_error())
    }

    /// Whether nothing more is worth looking for.
    pub(crate) fn is_full(&self) -> bool {
        self.list.len() >= MOST
    }

    pub(crate) fn has(&self, code: Code) -> bool {
        self.list.iter().any(|finding| finding.code == code)
    }

    /// Whether an error was found at the place already.
    pub(crate) fn touches_error(&self, span: crate::Span) -> bool {
        self.list.iter().any(|finding| finding.is_error() && finding.span.touches(span))
    }

    /// Whether something was found at the place already.
    pub(crate) fn touches(&self, span: crate::Span) -> bool {
        self.list.iter().any(|finding| finding.span.touches(span))
    }

    /// Gives the first finding of one kind a better suggestion, and forgets the others: the
    /// suggestion repairs them, too.
    pub(crate) fn suggest(&mut self, code: Code, span: crate::Span, replacement: &str) {
        let mut is_first = true;
        self.list.retain_mut(|finding| {
            if finding.code != code {
                return true;
            }
            finding.suggestion = Some(Fix { span, replacement: replacement.to_owned() });
            std::mem::take(&mut is_first)
        });
    }

    /// Forgets small hints at a place about which something better is known.
    pub(crate) fn drop_hints(&mut self, span: crate::Span) {
        self.list.retain(|finding| {
            let is_hint = matches!(
                finding.code,
                Code::ForeignSyntax
                    | Code::NegationOfText
                    | Code::AggregateWithoutComparison
                    | Code::NotAKey
                    | Code::NearMissField
                    | Code::LowercaseOperator
            );
            !(is_hint && !finding.is_error() && finding.span.touches(span))
        });
    }

    /// In the order of the text, errors before warnings at one place.
    pub(crate) fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|finding| (finding.span, !finding.is_error()));
        self.list.dedup_by(|a, b| a.span == b.span && a.code == b.code);
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Span;

    #[test]
    fn findings_are_bounded_and_errors_come_first() {
        let mut findings = Findings::default();
        for at in 0..100 {
            findings.push(Diagnostic::warning(Span::empty(at), Code::Tab, ""));
        }
        findings.push(Diagnostic::error(Span::empty(0), Code::LineBreak, ""));
        let sorted = findings.into_sorted();
        assert_eq!(sorted.len(), MOST);
        assert_eq!(sorted[0].code, Code::LineBreak);
    }
}
