//! What the catalogue says about a parsed query.
//!
//! It judges names and kinds of values. The syntax is the parser's business, and so is what a
//! dataset cannot do at all.

use std::collections::HashSet;

use crate::{
    AttributeType, Code, Dataset, Diagnostic, Filter, KeyKind, Query, Span, ast::Argument,
};

use super::{Aggregate, Kind, Outcome, Takes, field, function, names, nearest, values};

/// So many unknown names are compared with the known ones; a query with more is generated.
const MOST_UNKNOWN: usize = 64;

/// So many findings are enough for anybody.
const MOST_FINDINGS: usize = 50;

/// What is wrong with the names and values of a query, or odd about them.
///
/// A field that is not known is a tag, and fine. Only a near miss of a known one is a warning.
pub fn check(query: &Query<'_>, dataset: Dataset) -> Vec<Diagnostic> {
    let mut checker = Checker { dataset, unknown: HashSet::new(), found: Vec::new() };
    for filter in query.filters() {
        if checker.found.len() >= MOST_FINDINGS {
            break;
        }
        checker.filter(filter);
    }
    checker.found
}

struct Checker<'q> {
    dataset: Dataset,
    /// Names that were looked at, so that each is looked at once.
    unknown: HashSet<&'q str>,
    found: Vec<Diagnostic>,
}

impl<'q> Checker<'q> {
    fn filter(&mut self, filter: &Filter<'q>) {
        match &filter.key.kind {
            KeyKind::Aggregate(arguments) => self.function(filter, arguments),
            // Only some datasets keep the types of tags.
            KeyKind::Tag(Some(AttributeType::Number)) => {
                let typed = [Dataset::Spans, Dataset::Logs, Dataset::Metrics];
                self.number(filter, typed.contains(&self.dataset));
            }
            KeyKind::Tag(_) | KeyKind::Flag(_) => {}
            KeyKind::Plain | KeyKind::Quoted if filter.is_has() => self.existence(filter),
            // The parser says it where the dataset does not know `is:`.
            KeyKind::Plain | KeyKind::Quoted if filter.is_is() && !self.dataset.allows_is() => {}
            KeyKind::Plain | KeyKind::Quoted => match field(self.dataset, filter.key.name) {
                Some(field) => values::check(self.dataset, field, filter, &mut self.found),
                None => self.unknown(filter),
            },
        }
    }

    fn existence(&mut self, filter: &Filter<'q>) {
        let Some(value) = filter.value.scalars().first() else { return };
        let name = value.inner();
        if !name.is_empty() && field(self.dataset, name).is_none() {
            self.unknown_name(name, value.span);
        }
    }

    fn unknown(&mut self, filter: &Filter<'q>) {
        self.unknown_name(filter.key.name, filter.key.span);
        // Sentry takes every name that starts like this for a number.
        if filter.key.name.starts_with("measurements.") {
            self.number(filter, true);
        }
    }

    fn unknown_name(&mut self, name: &'q str, span: Span) {
        if self.unknown.len() >= MOST_UNKNOWN || !self.unknown.insert(name) {
            return;
        }
        let dataset = self.dataset;
        if let Some(near) = nearest(dataset, name) {
            let message = format!(
                "`{name}` is no field of {dataset}, so it is searched as a tag: did you mean `{}`?",
                near.name
            );
            let finding = Diagnostic::warning(span, Code::NearMissField, message);
            self.found.push(finding.fix(span, near.name));
        } else if let Some(message) = names::elsewhere(dataset, name) {
            self.found.push(Diagnostic::warning(span, Code::NearMissField, message));
        }
    }

    /// What an application measures is a number, whose unit is not known here.
    fn number(&mut self, filter: &Filter<'q>, refused: bool) {
        let bad = filter.value.scalars().iter().find(|scalar| {
            !scalar.raw.is_empty()
                && scalar.as_number().is_none()
                && scalar.as_duration().is_none()
                && !scalar.is_size()
        });
        let Some(bad) = bad else { return };
        let message = format!("`{}` takes a number", filter.key.raw);
        self.found.push(if refused {
            Diagnostic::error(bad.span, Code::InvalidNumber, message)
        } else {
            Diagnostic::warning(bad.span, Code::InvalidNumber, message)
        });
    }

    fn function(&mut self, filter: &Filter<'q>, arguments: &[Argument<'q>]) {
        if !self.dataset.allows_aggregates() {
            return;
        }
        let name = filter.key.name;
        let Some(aggregate) = function(self.dataset, name) else {
            self.found.extend(names::unknown_function(self.dataset, &filter.key));
            return;
        };
        if let Some(finding) = self.arguments(filter, aggregate, arguments) {
            self.found.push(finding);
        } else if let Some(kind) = self.outcome(aggregate, arguments) {
            self.found.extend(function_value(filter, kind));
        }
    }

    fn arguments(
        &self,
        filter: &Filter<'q>,
        aggregate: &Aggregate,
        arguments: &[Argument<'q>],
    ) -> Option<Diagnostic> {
        let name = aggregate.name;
        let given = arguments.iter().filter(|argument| !argument.raw.trim().is_empty()).count();
        let needed = aggregate.arguments.iter().filter(|argument| !argument.optional).count();
        if given < needed {
            let missing = if needed == 1 { "an argument" } else { "more arguments" };
            let message = format!("`{name}` takes {missing}: {}", usage(aggregate));
            return Some(Diagnostic::error(filter.key.span, Code::AggregateArguments, message));
        }
        if given > aggregate.arguments.len() {
            let message = format!("`{name}` takes fewer arguments: {}", usage(aggregate));
            return Some(Diagnostic::warning(filter.key.span, Code::AggregateArguments, message));
        }
        let mut pairs = arguments.iter().zip(aggregate.arguments);
        pairs.find_map(|(argument, takes)| self.argument(name, *argument, takes.takes))
    }

    fn argument(&self, name: &str, argument: Argument<'q>, takes: Takes) -> Option<Diagnostic> {
        if takes == Takes::Literal {
            return None;
        }
        let Some(known) = field(self.dataset, argument.raw) else {
            let near = nearest(self.dataset, argument.raw)?;
            let message = format!("`{}` is no field: did you mean `{}`?", argument.raw, near.name);
            let finding = Diagnostic::warning(argument.span, Code::NearMissField, message);
            return Some(finding.fix(argument.span, near.name));
        };
        if takes == Takes::AnyField || known.kind.is_numeric() || !known.strict {
            return None;
        }
        let message =
            format!("`{name}` takes a number, and `{}` is a {}", known.name, known.kind.name());
        Some(Diagnostic::error(argument.span, Code::AggregateArguments, message))
    }

    /// The kind of what the function gives here.
    fn outcome(&self, aggregate: &Aggregate, arguments: &[Argument<'q>]) -> Option<Kind> {
        match aggregate.outcome {
            Outcome::Is(kind) => Some(kind),
            Outcome::Argument => {
                field(self.dataset, arguments.first()?.raw).map(|field| field.kind)
            }
            Outcome::Unknown => None,
        }
    }
}

/// A function's value with a unit that its result does not have. Values that are no number at
/// all are the parser's business.
fn function_value(filter: &Filter<'_>, kind: Kind) -> Option<Diagnostic> {
    let value = filter.value.scalars().first()?;
    let name = filter.key.raw;
    if kind.is_numeric() && value.as_number().is_none() {
        if kind != Kind::Duration && value.as_duration().is_some() {
            let message = format!("`{name}` is a {}, which has no unit of time", kind.name());
            return Some(Diagnostic::error(value.span, Code::AggregateValue, message));
        }
        if kind != Kind::Percentage && value.is_percentage() {
            let message = format!("`{name}` is a {}, not a share", kind.name());
            return Some(Diagnostic::warning(value.span, Code::AggregateValue, message));
        }
    }
    None
}

/// How a function is written.
fn usage(aggregate: &Aggregate) -> String {
    let arguments: Vec<&str> = aggregate
        .arguments
        .iter()
        .map(|argument| match (argument.takes, argument.optional) {
            (Takes::AnyField, false) => "field",
            (Takes::AnyField, true) => "[field]",
            (Takes::NumericField, false) => "numeric field",
            (Takes::NumericField, true) => "[numeric field]",
            (Takes::Literal, false) => "value",
            (Takes::Literal, true) => "[value]",
        })
        .collect();
    format!("`{}({})`", aggregate.name, arguments.join(", "))
}
