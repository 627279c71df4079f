//! `AND` and `OR`: where they work, what must stand around them, and what they mix.
//!
//! It suggests what says the same without them, where there is such a thing.

use crate::{
    Code, Dataset, Diagnostic, Span,
    ast::{Filter, Operator, OperatorKind, Query, Term},
    findings::Findings,
    parser::escape,
};

/// Checks every level of terms.
pub(super) fn check(query: &Query<'_>, dataset: Dataset, findings: &mut Findings) {
    level(query.terms(), None, dataset, findings);
}

/// One level; `group` is the place of the parentheses around it.
fn level(terms: &[Term<'_>], group: Option<Span>, dataset: Dataset, findings: &mut Findings) {
    if findings.is_full() {
        return;
    }
    if dataset.allows_boolean() {
        sides(terms, findings);
        mixed(terms, findings);
        lowercase(terms, findings);
    } else {
        unsupported(terms, group, findings);
    }
    for term in terms {
        if let Term::Group(group) = term {
            level(&group.terms, Some(group.span), dataset, findings);
        }
    }
}

fn operator<'a, 'q>(term: &'a Term<'q>) -> Option<&'a Operator<'q>> {
    match term {
        Term::Operator(operator) => Some(operator),
        _ => None,
    }
}

/// One error for each chain of operators, with what to write instead.
fn unsupported(terms: &[Term<'_>], group: Option<Span>, findings: &mut Findings) {
    let mut position = 0;
    while let Some(offset) = terms.get(position..).and_then(first_operator) {
        let at = position + offset;
        let Some(found) = terms.get(at).and_then(operator) else { break };
        if !findings.wants_error() {
            break;
        }
        let (mut finding, next) = without(terms, at, found);
        // A chain that fills its group needs no parentheses anymore.
        if let (Some(group), Some(fix), 1, true) =
            (group, finding.suggestion.as_mut(), at, next >= terms.len())
            && !fix.replacement.is_empty()
        {
            fix.span = group;
        }
        findings.push(finding);
        position = next.max(at + 1);
    }
}

fn first_operator(terms: &[Term<'_>]) -> Option<usize> {
    terms.iter().position(|term| operator(term).is_some())
}

/// The error about the operator at `at`, and the term to go on with.
fn without(terms: &[Term<'_>], at: usize, found: &Operator<'_>) -> (Diagnostic, usize) {
    let error = |message: String| Diagnostic::error(found.span, Code::BooleanNotSupported, message);
    if let Some((span, text, next)) = phrase(terms, at) {
        let message = format!(
            "`{}` is an operator even between words, and `AND`/`OR` are not supported in issue \
             search: put the phrase in double quotes",
            found.raw
        );
        return (error(message).fix(span, text), next);
    }
    if found.kind == OperatorKind::And {
        let message = "`AND`/`OR` are not supported in issue search: remove `AND`, terms are \
                       joined by it anyway";
        let end = terms.get(at + 1).map_or(found.span.end, |next| next.span().start);
        return (error(message.to_owned()).fix(Span::new(found.span.start, end), ""), at + 1);
    }
    if let Some((span, list, next)) = same_key(terms, at) {
        let message = "`AND`/`OR` are not supported in issue search: any of several values of one \
                       key is a list";
        return (error(message.to_owned()).fix(span, list), next);
    }
    let message = "`AND`/`OR` are not supported in issue search: search once for each alternative";
    (error(message.to_owned()), at + 1)
}

/// The longest phrase that is suggested, in operators. It bounds the work, too.
const LONGEST_PHRASE: usize = 32;

/// `a or b and c` between plain words, as one quoted phrase.
fn phrase(terms: &[Term<'_>], at: usize) -> Option<(Span, String, usize)> {
    let (first, raw) = plain_text(terms.get(at.checked_sub(1)?)?)?;
    let mut text = raw.to_owned();
    let (mut span, mut next) = (first, at);
    while let Some(found) = terms.get(next).and_then(operator) {
        // A shouted operator is meant as one.
        let is_long = next - at > 2 * LONGEST_PHRASE;
        if is_long || found.raw.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        let (last, raw) = plain_text(terms.get(next + 1)?)?;
        text = format!("{text} {} {raw}", found.raw);
        span = span.to(last);
        next += 2;
    }
    Some((span, format!("\"{}\"", escape(&text)), next))
}

fn plain_text<'q>(term: &Term<'q>) -> Option<(Span, &'q str)> {
    match term {
        Term::Text(text) if !text.quoted => Some((text.span, text.raw)),
        _ => None,
    }
}

/// `key:a OR key:b` as `key:[a, b]`.
pub(super) fn same_key(terms: &[Term<'_>], at: usize) -> Option<(Span, String, usize)> {
    let first = terms.get(at.checked_sub(1)?).and_then(plain_filter)?;
    let mut items = Vec::new();
    first.value.scalars().iter().for_each(|scalar| items.push(scalar.raw));
    let (mut span, mut next) = (first.span, at);
    while let Some(found) = terms.get(next).and_then(operator) {
        let Some(filter) = terms.get(next + 1).and_then(plain_filter) else { break };
        if found.kind != OperatorKind::Or || filter.key.raw != first.key.raw {
            break;
        }
        filter.value.scalars().iter().for_each(|scalar| items.push(scalar.raw));
        span = span.to(filter.span);
        next += 2;
    }
    let fits = items.iter().all(|item| item.starts_with('"') || !item.contains([',', ']']));
    (next > at && fits).then(|| (span, format!("{}:[{}]", first.key.raw, items.join(", ")), next))
}

/// A filter that could be one value of a list.
fn plain_filter<'a, 'q>(term: &'a Term<'q>) -> Option<&'a Filter<'q>> {
    match term {
        Term::Filter(filter)
            if !filter.negated
                && filter.comparison.is_none()
                && filter.matching.is_none()
                && !filter.is_has()
                && !filter.is_is()
                && !filter.is_aggregate()
                && !filter.value.raw().is_empty() =>
        {
            Some(filter)
        }
        _ => None,
    }
}

/// Every operator has a term on both sides.
fn sides(terms: &[Term<'_>], findings: &mut Findings) {
    for (position, term) in terms.iter().enumerate() {
        let Some(found) = operator(term).filter(|_| findings.wants_error()) else { continue };
        let before = position.checked_sub(1).and_then(|before| terms.get(before));
        let after = terms.get(position + 1);
        let word = found.raw.to_ascii_uppercase();
        let message = match (before.map(operator), after) {
            (None, _) => format!("nothing stands on the left side of `{word}`"),
            (_, None) => format!("nothing stands on the right side of `{word}`"),
            (Some(Some(previous)), _) => {
                format!("nothing stands between `{}` and `{word}`", previous.raw)
            }
            _ => continue,
        };
        let message = format!("{message}: remove it, or add the missing term");
        let finding = Diagnostic::error(found.span, Code::DanglingOperator, message);
        findings.push(finding.fix(removal(terms, position, found.span), ""));
    }
}

/// The operator with the space to its neighbor.
fn removal(terms: &[Term<'_>], position: usize, span: Span) -> Span {
    if let Some(after) = terms.get(position + 1) {
        return Span::new(span.start, after.span().start);
    }
    match position.checked_sub(1).and_then(|before| terms.get(before)) {
        Some(before) => Span::new(before.span().end, span.end),
        None => span,
    }
}

/// What kinds of conditions are below a term.
#[derive(Clone, Copy, Default)]
struct Kinds {
    fields: bool,
    functions: bool,
}

fn kinds(terms: &[Term<'_>]) -> Kinds {
    terms.iter().fold(Kinds::default(), |seen, term| {
        let found = match term {
            Term::Filter(filter) => {
                Kinds { fields: !filter.is_aggregate(), functions: filter.is_aggregate() }
            }
            Term::Text(_) => Kinds { fields: true, functions: false },
            Term::Group(group) => kinds(&group.terms),
            Term::Operator(_) => Kinds::default(),
        };
        Kinds { fields: seen.fields || found.fields, functions: seen.functions || found.functions }
    })
}

/// `OR` cannot stand between a function and a field (docs, "Using OR and AND").
fn mixed(terms: &[Term<'_>], findings: &mut Findings) {
    let or = terms.iter().filter_map(operator).find(|found| found.kind == OperatorKind::Or);
    let Some(or) = or else { return };
    let found = kinds(terms);
    if found.fields && found.functions {
        let message = "`OR` cannot combine a function with a field: a field decides which events \
                       count, a function compares what was counted; run two searches instead";
        findings.push(Diagnostic::error(or.span, Code::MixedOr, message));
    }
}

/// `or` between words is an operator, which a sentence does not expect.
fn lowercase(terms: &[Term<'_>], findings: &mut Findings) {
    let (mut position, mut without_phrase) = (0, 0);
    while let Some(offset) = terms.get(position..).and_then(first_operator) {
        let at = position + offset;
        position = at + 1;
        if without_phrase > LONGEST_PHRASE {
            break;
        }
        let Some(found) = terms.get(at).and_then(operator) else { break };
        let is_shouted = found.raw.bytes().any(|byte| byte.is_ascii_uppercase());
        if is_shouted || findings.is_full() {
            continue;
        }
        if let Some((span, text, next)) = phrase(terms, at) {
            let message = format!(
                "`{}` between words is an operator: put the phrase in double quotes to search for it",
                found.raw
            );
            let finding = Diagnostic::warning(found.span, Code::LowercaseOperator, message);
            findings.push(finding.fix(span, text));
            position = next.max(position);
        } else {
            without_phrase += 1;
        }
    }
}
