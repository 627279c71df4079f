//! What is wrong with a query, or odd about it: where, why, and what to write instead.
//!
//! It does not decide what is wrong, and it does not draw: that is `render`.

use std::fmt;

use crate::Span;

/// Whether a query may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Sentry accepts the query; it probably does not mean what its author wants.
    Warning,
    /// Sentry would refuse the query, or would certainly read it as something else.
    Error,
}

/// What kind of finding it is: stable, for tests and for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Code {
    /// A quote opens and nothing closes it.
    UnterminatedQuote,
    /// A quote in the middle of an unquoted value.
    StrayQuote,
    /// A parenthesis without its partner.
    UnbalancedParenthesis,
    /// `( )`: nothing to group.
    EmptyGroup,
    /// Groups are nested deeper than anybody needs.
    TooDeep,
    /// Far more terms than Sentry takes.
    TooManyTerms,
    /// A line break outside quotes.
    LineBreak,
    /// A tab, which does not separate terms.
    Tab,
    /// `key:` without a value.
    EmptyValue,
    /// `AND` or `OR` with nothing on one side.
    DanglingOperator,
    /// `AND` or `OR` in a search that has neither.
    BooleanNotSupported,
    /// A lower-case `and` or `or` between words, which is an operator all the same.
    LowercaseOperator,
    /// Parentheses where they do not group.
    GroupNotSupported,
    /// `OR` between a function and a field.
    MixedOr,
    /// A function in a search that has none.
    AggregateNotSupported,
    /// A function compared with something that is no number, duration, size or date.
    AggregateValue,
    /// A function with a missing argument.
    AggregateArguments,
    /// A function without a comparison.
    AggregateWithoutComparison,
    /// A function that does not exist.
    UnknownFunction,
    /// `is:` in a search that does not know it.
    IsNotSupported,
    /// `has:` with something that is no field.
    HasNeedsField,
    /// A list that nothing closes, or whose parts are not separated by commas.
    MalformedList,
    /// A list with nothing in one of its places.
    EmptyListItem,
    /// A list where none is allowed.
    ListNotSupported,
    /// A wildcard where it is no wildcard.
    WildcardInList,
    /// The value seems to go on after a space.
    SpaceInValue,
    /// The value stops at a parenthesis.
    ValueEndsAtParenthesis,
    /// Text sticks to the end of a filter without a space.
    MissingSpace,
    /// `!` before something that cannot be negated.
    NegationOfText,
    /// A key with characters that a key cannot have, so that it is free text.
    NotAKey,
    /// What looks like a filter is an address or a name from a program.
    LooksLikeText,
    /// The syntax of SQL.
    Sql,
    /// The syntax of another product's search.
    ForeignSyntax,
    /// A sentence.
    NaturalLanguage,
    /// Almost the name of a known field.
    NearMissField,
    /// A value that the field cannot have.
    InvalidValue,
    /// A number that is none.
    InvalidNumber,
    /// A duration that is none.
    InvalidDuration,
    /// A size that is none.
    InvalidSize,
    /// A date that is none.
    InvalidDate,
    /// A boolean that is none.
    InvalidBoolean,
    /// A comparison that the field does not know.
    InvalidOperator,
    /// A date filter that is negated, which Sentry cannot read.
    NegatedDate,
}

impl Code {
    /// The name in kebab case, for programs: `unterminated-quote`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnterminatedQuote => "unterminated-quote",
            Self::StrayQuote => "stray-quote",
            Self::UnbalancedParenthesis => "unbalanced-parenthesis",
            Self::EmptyGroup => "empty-group",
            Self::TooDeep => "too-deep",
            Self::TooManyTerms => "too-many-terms",
            Self::LineBreak => "line-break",
            Self::Tab => "tab",
            Self::EmptyValue => "empty-value",
            Self::DanglingOperator => "dangling-operator",
            Self::BooleanNotSupported => "boolean-not-supported",
            Self::LowercaseOperator => "lowercase-operator",
            Self::GroupNotSupported => "group-not-supported",
            Self::MixedOr => "mixed-or",
            Self::AggregateNotSupported => "aggregate-not-supported",
            Self::AggregateValue => "aggregate-value",
            Self::AggregateArguments => "aggregate-arguments",
            Self::AggregateWithoutComparison => "aggregate-without-comparison",
            Self::UnknownFunction => "unknown-function",
            Self::IsNotSupported => "is-not-supported",
            Self::HasNeedsField => "has-needs-field",
            Self::MalformedList => "malformed-list",
            Self::EmptyListItem => "empty-list-item",
            Self::ListNotSupported => "list-not-supported",
            Self::WildcardInList => "wildcard-in-list",
            Self::SpaceInValue => "space-in-value",
            Self::ValueEndsAtParenthesis => "value-ends-at-parenthesis",
            Self::MissingSpace => "missing-space",
            Self::NegationOfText => "negation-of-text",
            Self::NotAKey => "not-a-key",
            Self::LooksLikeText => "looks-like-text",
            Self::Sql => "sql",
            Self::ForeignSyntax => "foreign-syntax",
            Self::NaturalLanguage => "natural-language",
            Self::NearMissField => "near-miss-field",
            Self::InvalidValue => "invalid-value",
            Self::InvalidNumber => "invalid-number",
            Self::InvalidDuration => "invalid-duration",
            Self::InvalidSize => "invalid-size",
            Self::InvalidDate => "invalid-date",
            Self::InvalidBoolean => "invalid-boolean",
            Self::InvalidOperator => "invalid-operator",
            Self::NegatedDate => "negated-date",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What to write instead: replace `span` with `replacement`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What to replace; empty for an insertion.
    pub span: Span,
    /// With what; empty for a removal.
    pub replacement: String,
}

impl Fix {
    /// The query with the fix applied; the query itself where the span does not fit it.
    pub fn apply(&self, text: &str) -> String {
        match (text.get(..self.span.start), text.get(self.span.end..)) {
            (Some(before), Some(after)) => format!("{before}{}{after}", self.replacement),
            _ => text.to_owned(),
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where; inside the query's text.
    pub span: Span,
    /// Whether the query may run all the same.
    pub severity: Severity,
    /// Its kind.
    pub code: Code,
    /// Why, in plain words: a fragment in lower case without a final period.
    pub message: String,
    /// What to write instead, where that is clear.
    pub suggestion: Option<Fix>,
}

impl Diagnostic {
    /// A finding that keeps the query from running.
    pub fn error(span: Span, code: Code, message: impl Into<String>) -> Self {
        Self { span, severity: Severity::Error, code, message: message.into(), suggestion: None }
    }

    /// A finding that does not.
    pub fn warning(span: Span, code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(span, code, message) }
    }

    /// With what to write at `span` instead.
    #[must_use]
    pub fn fix(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.suggestion = Some(Fix { span, replacement: replacement.into() });
        self
    }

    /// Whether it keeps the query from running.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fix_replaces_its_place_only() {
        let fix = Fix { span: Span::new(0, 5), replacement: "level".to_owned() };
        assert_eq!(fix.apply("levle:error"), "level:error");
        let wrong = Fix { span: Span::new(9, 99), replacement: String::new() };
        assert_eq!(wrong.apply("short"), "short");
    }
}
