//! What a dataset does not know at all: `is:`, functions, lists in some places, groups.

use crate::{
    Code, Dataset, Diagnostic,
    ast::{Filter, Group, Query, Term},
    findings::Findings,
};

/// Checks every filter and every group of the query.
pub(super) fn check(query: &Query<'_>, dataset: Dataset, findings: &mut Findings) {
    for filter in query.filters() {
        if findings.is_full() {
            return;
        }
        if let Some(finding) = of_filter(filter, dataset) {
            findings.push(finding);
        }
    }
    if !dataset.allows_boolean() {
        for term in query.terms() {
            if let Term::Group(group) = term {
                of_group(group, findings);
            }
        }
    }
}

fn of_filter(filter: &Filter<'_>, dataset: Dataset) -> Option<Diagnostic> {
    if filter.is_aggregate() {
        return (!dataset.allows_aggregates()).then(|| without_functions(filter, dataset));
    }
    if filter.is_is() {
        return of_is(filter, dataset);
    }
    if !filter.value.is_list() {
        return None;
    }
    if filter.is_has() && dataset == Dataset::Issues {
        let message = "issue search does not take a list after `has:`: write one `has:` for each \
                       field, and all of them must exist";
        let finding = Diagnostic::error(filter.value.span(), Code::ListNotSupported, message);
        let each: Vec<_> =
            filter.value.scalars().iter().map(|item| format!("has:{}", item.raw)).collect();
        let all = each.join(" ");
        return Some(if filter.negated { finding } else { finding.fix(filter.span, all) });
    }
    let wild = filter.value.scalars().iter().find(|scalar| scalar.has_wildcard())?;
    let message = "a `*` in a list is no wildcard to every Sentry: use one filter without a list, \
                   or write whole values";
    Some(Diagnostic::warning(wild.span, Code::WildcardInList, message))
}

fn of_is(filter: &Filter<'_>, dataset: Dataset) -> Option<Diagnostic> {
    if !dataset.allows_is() {
        let message = format!(
            "`is:` is a status of issues, which {dataset} do not have: remove it, or search issues"
        );
        return Some(Diagnostic::error(filter.span, Code::IsNotSupported, message));
    }
    filter.value.raw().starts_with('[').then(|| {
        let message = "`is:` takes one value and no list: several `is:` must all be true, so \
                       search once for each status";
        Diagnostic::error(filter.value.span(), Code::ListNotSupported, message)
    })
}

fn without_functions(filter: &Filter<'_>, dataset: Dataset) -> Diagnostic {
    let key = filter.key.raw;
    let span = filter.span;
    if dataset != Dataset::Issues {
        let message =
            format!("functions such as `{key}` cannot be compared in {dataset}: remove it");
        return Diagnostic::error(span, Code::AggregateNotSupported, message);
    }
    let instead = match filter.key.name {
        "count" => Some("timesSeen"),
        "last_seen" => Some("lastSeen"),
        "first_seen" => Some("firstSeen"),
        _ => None,
    };
    let message = match instead {
        Some(field) => format!(
            "functions such as `{key}` are not supported in issue search: use `{field}:` instead"
        ),
        None => format!(
            "functions such as `{key}` are not supported in issue search: remove it, or search \
             events instead"
        ),
    };
    let finding = Diagnostic::error(span, Code::AggregateNotSupported, message);
    match instead {
        Some(field) => finding.fix(filter.key.span, field),
        None => finding,
    }
}

/// Issue search takes a group for a text, parentheses and all.
fn of_group(group: &Group<'_>, findings: &mut Findings) {
    let is_text = group.terms.iter().all(|term| matches!(term, Term::Text(_)));
    if is_text || findings.is_full() || findings.touches_error(group.span) {
        return;
    }
    let message = "parentheses do not group in issue search: Sentry searches for this whole text \
                   in the title";
    let finding = Diagnostic::warning(group.span, Code::GroupNotSupported, message);
    let only_filters = group.terms.iter().all(|term| matches!(term, Term::Filter(_)));
    findings.push(if only_filters {
        let inner: Vec<_> = group.terms.iter().map(ToString::to_string).collect();
        finding.fix(group.span, inner.join(" "))
    } else {
        finding
    });
}
