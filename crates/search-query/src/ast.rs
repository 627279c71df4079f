//! The parts of a query, each with its place in the text.
//!
//! The parts borrow the text, so that what is printed or sent is what was written.
//! Nothing here judges: a query with errors has parts, too.

use std::iter::FusedIterator;

use crate::{Span, value::Scalar};

/// A query, as a list of terms.
///
/// The list is flat, as in Sentry's grammar: operators are terms, and terms without an
/// operator between them are joined by `AND`. [`Query::required`] knows the precedence.
#[derive(Clone, Debug)]
pub struct Query<'q> {
    pub(crate) text: &'q str,
    pub(crate) terms: Vec<Term<'q>>,
}

/// One term.
#[derive(Clone, Debug)]
pub enum Term<'q> {
    /// `key:value` in any of its forms, functions and `has:` and `is:` included.
    Filter(Box<Filter<'q>>),
    /// Words, or one quoted phrase, searched in the message.
    Text(Text<'q>),
    /// `( … )`.
    Group(Group<'q>),
    /// `AND`, `OR`.
    Operator(Operator<'q>),
}

/// `AND` or `OR`, in any case.
#[derive(Clone, Copy, Debug)]
pub struct Operator<'q> {
    /// Where.
    pub span: Span,
    /// Which.
    pub kind: OperatorKind,
    /// As written: `or`.
    pub raw: &'q str,
}

/// How two terms are joined. `AND` binds tighter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorKind {
    /// Both.
    And,
    /// Either.
    Or,
}

/// Terms in parentheses.
#[derive(Clone, Debug)]
pub struct Group<'q> {
    /// Where, with the parentheses.
    pub span: Span,
    /// What is inside.
    pub terms: Vec<Term<'q>>,
}

/// Free text.
#[derive(Clone, Copy, Debug)]
pub struct Text<'q> {
    /// Where, with the quotes.
    pub span: Span,
    /// As written, with the quotes; inner spaces are kept, as Sentry keeps them.
    pub raw: &'q str,
    /// Whether it is one phrase in quotes.
    pub quoted: bool,
}

/// `!key:>value` in any of its forms.
#[derive(Clone, Debug)]
pub struct Filter<'q> {
    /// Where, with the `!`.
    pub span: Span,
    /// Whether there is a `!` in front. `key:!=value` is [`Comparison::NotEqual`] instead.
    pub negated: bool,
    /// What is compared.
    pub key: Key<'q>,
    /// How text is matched, where the query builder's invisible operators are used.
    pub matching: Option<Matching>,
    /// The comparison as written; none for a plain `key:value`.
    pub comparison: Option<Comparison>,
    /// The place of the comparison; empty without one.
    pub comparison_span: Span,
    /// With what.
    pub value: Value<'q>,
}

/// What is left of the colon.
#[derive(Clone, Debug)]
pub struct Key<'q> {
    /// Where, with quotes and brackets.
    pub span: Span,
    /// As written: `tags[a.b, number]`, `p95(span.duration)`.
    pub raw: &'q str,
    /// The bare name: of the field, of the tag, of the flag, of the function.
    pub name: &'q str,
    /// Which form it has.
    pub kind: KeyKind<'q>,
}

/// The forms of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyKind<'q> {
    /// `level`.
    Plain,
    /// `"my:tag"`.
    Quoted,
    /// `tags[name]`, `tags[name,number]`.
    Tag(Option<AttributeType>),
    /// `flags[name]`, `flags["name"]`.
    Flag(Option<AttributeType>),
    /// `name(argument, …)`.
    Aggregate(Vec<Argument<'q>>),
}

/// The type in `tags[name,type]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeType {
    /// `string`.
    String,
    /// `number`.
    Number,
    /// `boolean`.
    Boolean,
}

impl AttributeType {
    /// As written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }
}

/// An argument of a function.
#[derive(Clone, Copy, Debug)]
pub struct Argument<'q> {
    /// Where.
    pub span: Span,
    /// As written, with the quotes.
    pub raw: &'q str,
}

impl PartialEq for Argument<'_> {
    /// The place does not matter.
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl Eq for Argument<'_> {}

/// The comparison after the colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
}

impl Comparison {
    /// As written.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
        }
    }

    /// Whether it needs an order: `>`, `>=`, `<`, `<=`.
    pub const fn is_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }
}

/// How text is matched without a `*`: Sentry's query builder writes these between two
/// characters U+F00D, which nobody types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matching {
    /// Anywhere in the value.
    Contains,
    /// At its start.
    StartsWith,
    /// At its end.
    EndsWith,
}

impl Matching {
    /// The word between the two characters.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Contains => "Contains",
            Self::StartsWith => "StartsWith",
            Self::EndsWith => "EndsWith",
        }
    }
}

/// What is right of the colon.
#[derive(Clone, Debug)]
pub enum Value<'q> {
    /// One value; empty only where there is an error.
    One(Scalar<'q>),
    /// `[a, "b c"]`: any of these.
    List {
        /// Where, with the brackets.
        span: Span,
        /// As written, with the brackets.
        raw: &'q str,
        /// At least one.
        items: Vec<Scalar<'q>>,
    },
}

impl<'q> Value<'q> {
    /// Where.
    pub fn span(&self) -> Span {
        match self {
            Self::One(scalar) => scalar.span,
            Self::List { span, .. } => *span,
        }
    }

    /// As written.
    pub fn raw(&self) -> &'q str {
        match self {
            Self::One(scalar) => scalar.raw,
            Self::List { raw, .. } => raw,
        }
    }

    /// The values: one, or those of the list.
    pub fn scalars(&self) -> &[Scalar<'q>] {
        match self {
            Self::One(scalar) => std::slice::from_ref(scalar),
            Self::List { items, .. } => items,
        }
    }

    /// Whether it is written in brackets.
    pub fn is_list(&self) -> bool {
        matches!(self, Self::List { .. })
    }
}

impl<'q> Filter<'q> {
    /// Whether this asks for a field to exist: `has:field`, `!has:field`.
    pub fn is_has(&self) -> bool {
        matches!(self.key.kind, KeyKind::Plain) && self.key.name == "has"
    }

    /// Whether this asks for a status of an issue: `is:unresolved`.
    pub fn is_is(&self) -> bool {
        matches!(self.key.kind, KeyKind::Plain) && self.key.name == "is"
    }

    /// The arguments, where the key is a function.
    pub fn arguments(&self) -> Option<&[Argument<'q>]> {
        match &self.key.kind {
            KeyKind::Aggregate(arguments) => Some(arguments),
            _ => None,
        }
    }

    /// Whether the key is a function.
    pub fn is_aggregate(&self) -> bool {
        self.arguments().is_some()
    }

    /// Whether the filter excludes: `!key:value`, `key:!=value`.
    ///
    /// `!key:!=value` is taken for what it says, a double negation.
    pub fn is_exclusion(&self) -> bool {
        self.negated != (self.comparison == Some(Comparison::NotEqual))
    }
}

impl Term<'_> {
    /// Where.
    pub fn span(&self) -> Span {
        match self {
            Self::Filter(filter) => filter.span,
            Self::Text(text) => text.span,
            Self::Group(group) => group.span,
            Self::Operator(operator) => operator.span,
        }
    }
}

impl<'q> Query<'q> {
    /// The text as it was given: this is what is sent.
    pub fn text(&self) -> &'q str {
        self.text
    }

    /// The terms at the outermost level.
    pub fn terms(&self) -> &[Term<'q>] {
        &self.terms
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Every filter, also those in groups, in the order of the text.
    pub fn filters(&self) -> impl Iterator<Item = &Filter<'q>> {
        self.walk().filter_map(|term| match term {
            Term::Filter(filter) => Some(&**filter),
            _ => None,
        })
    }

    /// Every piece of free text, also in groups, in the order of the text.
    pub fn texts(&self) -> impl Iterator<Item = &Text<'q>> {
        self.walk().filter_map(|term| match term {
            Term::Text(text) => Some(text),
            _ => None,
        })
    }

    /// Every term, a group before what is in it.
    pub fn walk(&self) -> Walk<'_, 'q> {
        Walk { stack: vec![self.terms.iter()] }
    }

    /// The terms that every result fulfills: joined by `AND`, not below an `OR`.
    ///
    /// Groups are opened where they are only parentheses around such terms, so only
    /// filters and texts come out.
    pub fn required(&self) -> Vec<&Term<'q>> {
        let mut found = Vec::new();
        collect_required(&self.terms, &mut found);
        found
    }

    /// The values that stand for the person who asks, in keys that know them:
    /// `assigned:me`, `assigned_or_suggested:[my_teams, none]`.
    pub fn stand_ins(&self) -> impl Iterator<Item = StandIn<'_, 'q>> {
        self.filters().filter(|filter| knows_people(filter.key.name)).flat_map(|filter| {
            filter.value.scalars().iter().filter_map(move |scalar| {
                let kind = match scalar.text().as_ref() {
                    "me" => StandInKind::Me,
                    "my_teams" => StandInKind::MyTeams,
                    _ => return None,
                };
                Some(StandIn { kind, span: scalar.span, filter })
            })
        })
    }
}

/// A value that Sentry replaces by whoever asks.
#[derive(Clone, Copy, Debug)]
pub struct StandIn<'a, 'q> {
    /// For whom.
    pub kind: StandInKind,
    /// Where the value is.
    pub span: Span,
    /// The filter that it is in.
    pub filter: &'a Filter<'q>,
}

/// For whom a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandInKind {
    /// `me`: the user behind the token.
    Me,
    /// `my_teams`: the teams of that user.
    MyTeams,
}

/// Sentry resolves `me` and `my_teams` for these (docs, "Issue Properties").
fn knows_people(key: &str) -> bool {
    matches!(
        key,
        "assigned"
            | "assigned_to"
            | "assigned_or_suggested"
            | "bookmarks"
            | "bookmarked_by"
            | "subscribed"
            | "subscribed_by"
    )
}

fn collect_required<'a, 'q>(terms: &'a [Term<'q>], found: &mut Vec<&'a Term<'q>>) {
    let is_or = |term: &Term<'_>| matches!(term, Term::Operator(o) if o.kind == OperatorKind::Or);
    if terms.iter().any(is_or) {
        return;
    }
    for term in terms {
        match term {
            Term::Filter(_) | Term::Text(_) => found.push(term),
            Term::Group(group) => collect_required(&group.terms, found),
            Term::Operator(_) => {}
        }
    }
}

/// Every term of a query, a group before what is in it.
#[derive(Clone, Debug)]
pub struct Walk<'a, 'q> {
    stack: Vec<std::slice::Iter<'a, Term<'q>>>,
}

impl<'a, 'q> Iterator for Walk<'a, 'q> {
    type Item = &'a Term<'q>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(term) = self.stack.last_mut()?.next() else {
                self.stack.pop();
                continue;
            };
            if let Term::Group(group) = term {
                self.stack.push(group.terms.iter());
            }
            return Some(term);
        }
    }
}

impl FusedIterator for Walk<'_, '_> {}
