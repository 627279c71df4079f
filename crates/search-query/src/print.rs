//! Printing a query: the same terms, at most one space apart.
//!
//! What is printed parses to the same query. It is not what is sent: that is
//! `Query::text`, byte for byte.

use std::fmt::{self, Display, Formatter};

use crate::ast::{Filter, Group, Operator, Query, Term, Text};

impl Display for Query<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        terms(&self.terms, f)
    }
}

/// Terms that stick together in the text stick together in print: a space can make another
/// query of them, such as a function of `f():>1(a:b)`. More than one space is one.
fn terms(list: &[Term<'_>], f: &mut Formatter<'_>) -> fmt::Result {
    let mut end = None;
    for term in list {
        let span = term.span();
        if end.is_some_and(|end| end < span.start) {
            f.write_str(" ")?;
        }
        end = Some(span.end);
        term.fmt(f)?;
    }
    Ok(())
}

impl Display for Term<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filter(filter) => filter.fmt(f),
            Self::Text(text) => text.fmt(f),
            Self::Group(group) => group.fmt(f),
            Self::Operator(operator) => operator.fmt(f),
        }
    }
}

impl Display for Group<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        // `a (b)` is one text, and `a ( b)` has a group.
        if self.terms.first().is_some_and(|first| first.span().start > self.span.start + 1) {
            f.write_str(" ")?;
        }
        terms(&self.terms, f)?;
        // `a (b )` is a text and a group, and `a (b)` is one text.
        if self.terms.last().is_some_and(|last| last.span().end + 1 < self.span.end) {
            f.write_str(" ")?;
        }
        f.write_str(")")
    }
}

impl Display for Operator<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.raw)
    }
}

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.raw)
    }
}

impl Display for Filter<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let not = if self.negated { "!" } else { "" };
        write!(f, "{not}{}:", self.key.raw)?;
        if let Some(matching) = self.matching {
            write!(f, "\u{f00d}{}\u{f00d}", matching.word())?;
        }
        if let Some(comparison) = self.comparison {
            f.write_str(comparison.sign())?;
        }
        f.write_str(self.value.raw())
    }
}

impl Query<'_> {
    /// Whether the two have the same terms. Places, and the number of spaces between
    /// terms, do not matter.
    pub fn same_as(&self, other: &Query<'_>) -> bool {
        same(&self.terms, &other.terms)
    }
}

fn same(left: &[Term<'_>], right: &[Term<'_>]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same_term(left, right))
}

fn same_term(left: &Term<'_>, right: &Term<'_>) -> bool {
    match (left, right) {
        (Term::Filter(a), Term::Filter(b)) => same_filter(a, b),
        (Term::Text(a), Term::Text(b)) => a.raw == b.raw && a.quoted == b.quoted,
        (Term::Group(a), Term::Group(b)) => same(&a.terms, &b.terms),
        (Term::Operator(a), Term::Operator(b)) => a.kind == b.kind && a.raw == b.raw,
        _ => false,
    }
}

fn same_filter(a: &Filter<'_>, b: &Filter<'_>) -> bool {
    let items = |filter: &Filter<'_>| {
        filter.value.scalars().iter().map(|scalar| scalar.raw.to_owned()).collect::<Vec<_>>()
    };
    a.negated == b.negated
        && a.key.raw == b.key.raw
        && a.key.kind == b.key.kind
        && a.matching == b.matching
        && a.comparison == b.comparison
        && a.value.is_list() == b.value.is_list()
        && items(a) == items(b)
}
