//! What the catalogue of `search_query` says of a column: a misspelled function cannot run, a
//! field that is almost a known one is probably not what was meant. Any other name may be a tag.

use search_query::{Code, Diagnostic, fields, parse};

use super::{dataset::Dataset, names};
use crate::search_text::refused::near_function;

/// Something about a column.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Sentry would refuse it.
    Wrong(String),
    /// It runs, and probably means something else.
    Odd {
        reason: String,
        /// What was probably meant.
        instead: Option<String>,
    },
}

/// What is wrong with a column whose form is right, or odd about it.
pub(crate) fn judge(dataset: Dataset, column: &str) -> Option<Finding> {
    if names::is_equation(column) || names::is_tag(column) {
        return None;
    }
    let syntax = dataset.syntax();
    if let Some(name) = names::function(column) {
        return function(dataset, column, name);
    }
    if fields::field(syntax, column).is_some() {
        return None;
    }
    let near = fields::nearest(syntax, column)?.name;
    let reason = format!(
        "`{column}` is no field of {syntax}, so it is taken for a tag: did you mean `{near}`?"
    );
    Some(Finding::Odd { reason, instead: Some(near.to_owned()) })
}

/// As a condition of a query, where the parser judges functions.
fn function(dataset: Dataset, column: &str, name: &str) -> Option<Finding> {
    let condition = format!("{column}:>0");
    let outcome = parse(&condition, dataset.syntax());
    let about = |finding: &&Diagnostic| {
        let codes = [Code::UnknownFunction, Code::AggregateArguments, Code::NearMissField];
        finding.span.end <= column.len() && codes.contains(&finding.code)
    };
    let finding = outcome.diagnostics().iter().find(about)?;
    let reason = finding.message.clone();
    let instead = finding.suggestion.as_ref().and_then(|fix| {
        let fixed = fix.apply(&condition);
        fixed.strip_suffix(":>0").map(str::to_owned)
    });
    if !finding.is_error() {
        return Some(Finding::Odd { reason, instead });
    }
    if finding.code == Code::UnknownFunction && instead.is_none() {
        // Sentry grows functions; where no known one is near, it may say so itself.
        let near = near_function(dataset.syntax(), name)?;
        return Some(Finding::Wrong(format!("{reason}; did you mean `{near}()`?")));
    }
    Some(Finding::Wrong(match instead {
        Some(instead) => format!("{reason}; did you mean `{instead}`?"),
        None => reason,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_sentry_documents_are_fine() {
        for (dataset, columns) in [
            (
                Dataset::Errors,
                &[
                    "count()",
                    "count_unique(user)",
                    "count_if(level,equals,error)",
                    r#"count_if(message,equals,"a)b")"#,
                    "last_seen()",
                    "eps()",
                    "epm()",
                    "tags[a(b]",
                    "equation|count() / 2",
                    "customer_tier",
                    "stack.filename",
                ][..],
            ),
            (
                Dataset::Spans,
                &[
                    "p95(span.duration)",
                    "avg(measurements.lcp)",
                    "failure_rate()",
                    "count(span.duration)",
                ],
            ),
            (Dataset::Logs, &["count(message)", "avg(payload_size)", "p75(tags[size,number])"]),
            (
                Dataset::Metrics,
                &[
                    "sum(value,queue.time,distribution,-)",
                    "p95(value,a.b,distribution,millisecond)",
                    "per_second(value,a,counter,-)",
                ],
            ),
            (Dataset::Profiles, &["count()", "p99(profile.duration)"]),
        ] {
            for column in columns {
                assert_eq!(judge(dataset, column), None, "{column}");
            }
            for column in dataset.facts().columns {
                assert_eq!(judge(dataset, column), None, "{column}");
            }
        }
    }

    #[test]
    fn a_misspelled_function_is_wrong_and_a_misspelled_field_is_odd() {
        let wrong = |column| match judge(Dataset::Spans, column) {
            Some(Finding::Wrong(reason)) => reason,
            other => panic!("{column}: {other:?}"),
        };
        assert!(wrong("cuont()").ends_with("did you mean `count()`?"), "{}", wrong("cuont()"));
        assert!(wrong("count_unique()").contains("takes an argument"));
        assert!(wrong("p95(span.op)").contains("takes a number"));
        for (column, expected) in
            [("span.duraton", "span.duration"), ("p95(span.duraton)", "p95(span.duration)")]
        {
            let Some(Finding::Odd { instead, .. }) = judge(Dataset::Spans, column) else {
                panic!("{column}");
            };
            assert_eq!(instead.as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_function_unlike_all_known_ones_is_left_to_sentry() {
        assert_eq!(judge(Dataset::Spans, "zzz(span.duration)"), None);
    }
}
