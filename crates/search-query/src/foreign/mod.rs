//! Queries in the syntax of SQL, or of another product's search: recognized, and answered
//! with the same in Sentry's syntax where that is clear.
//!
//! To Sentry all of this is text, and legal, so that the findings are warnings: an error
//! message that quotes SQL is a thing to search for. The text is read a second time here,
//! with a grammar that is the union of what the others write; nothing else uses it.

mod sentence;
mod tokens;
mod translate;
mod write;

use crate::{
    Code, Dataset, Diagnostic, Span,
    ast::{OperatorKind, Query, Term},
    findings::Findings,
};

/// Nothing longer is looked at: people write short queries, and programs write Sentry's.
const LONGEST: usize = 2_000;

/// Adds a warning about foreign syntax, or about a sentence.
pub(crate) fn check(query: &Query<'_>, dataset: Dataset, findings: &mut Findings) {
    let text = query.text();
    if text.len() > LONGEST || !could_be_foreign(query) {
        return;
    }
    let Some(found) = translate::translate(query) else {
        sentence::check(query, dataset, findings);
        return;
    };
    let fixed = found
        .expression
        .and_then(|expression| write::write(&expression, dataset))
        .filter(|fixed| fixed != text && is_clean(fixed, dataset));
    let whole = Span::new(0, text.len());
    if let Some(fixed) = &fixed {
        findings.suggest(Code::BooleanNotSupported, whole, fixed);
        findings.suggest(Code::EmptyValue, whole, fixed);
        findings.suggest(Code::MalformedList, whole, fixed);
    }
    let (code, syntax) = if found.is_sql {
        (Code::Sql, "SQL")
    } else {
        (Code::ForeignSyntax, "the syntax of another search")
    };
    let message = format!(
        "this looks like {syntax}, and Sentry takes `{}` literally: its own syntax is `key:value` for \
         a filter, `!key:value` to exclude, and `key:[a, b]` for any of several",
        found.marker.of(text)
    );
    findings.drop_hints(if fixed.is_some() { whole } else { found.marker });
    let finding = Diagnostic::warning(found.marker, code, message);
    findings.push(match fixed {
        Some(fixed) => finding.fix(whole, fixed),
        None => finding,
    });
}

/// Whether anything but plain filters is there. Most queries end here.
fn could_be_foreign(query: &Query<'_>) -> bool {
    query.walk().any(|term| match term {
        Term::Filter(filter) => {
            filter.key.name.starts_with(['-', '_']) || filter.value.raw().is_empty() || {
                let raw = filter.value.raw();
                raw.starts_with('[') && !filter.value.is_list()
            }
        }
        Term::Text(text) => !text.quoted,
        Term::Operator(operator) => operator.kind == OperatorKind::Or && false_friend(operator.raw),
        Term::Group(_) => false,
    })
}

/// An operator in an unusual case.
fn false_friend(raw: &str) -> bool {
    raw.bytes().any(|byte| byte.is_ascii_lowercase())
}

/// Whether a suggestion is worth to be made: it parses without any error.
fn is_clean(text: &str, dataset: Dataset) -> bool {
    !text.is_empty() && crate::parse_plain(text, dataset).is_valid()
}
