//! The one door to the parser: whether a query is valid, in words for a model, and whether
//! filters survived. It knows no provider.

use std::{collections::BTreeSet, fmt::Write as _};

use search_query::{Dataset, Diagnostic, fields, parse};

use crate::{
    preserve::{LostFilter, ensure_preserved},
    toolbox::clip,
};

/// The most findings that are told about one query.
const MAX_FINDINGS: usize = 5;

/// What is odd about a valid query.
#[derive(Debug, PartialEq)]
pub(crate) struct Checked {
    /// One line each.
    pub(crate) warnings: Vec<String>,
}

/// Why filters are not known to have survived.
#[derive(Debug, PartialEq)]
pub(crate) enum Unpreserved {
    /// These did not.
    Lost(Vec<LostFilter>),
    /// The given query is not valid in this dataset.
    Given(String),
}

/// Checks a query with the parser and the catalog of fields; the error is what is wrong, one
/// line per finding.
pub(crate) fn query(text: &str, dataset: Dataset) -> Result<Checked, String> {
    let outcome = parse(text, dataset);
    let mut findings: Vec<Diagnostic> = outcome.diagnostics().to_vec();
    findings.extend(fields::check(outcome.query(), dataset));
    let (errors, warnings): (Vec<&Diagnostic>, Vec<&Diagnostic>) =
        findings.iter().partition(|finding| finding.is_error());
    if errors.is_empty() {
        Ok(Checked { warnings: lines(text, &warnings) })
    } else {
        Err(lines(text, &errors).join("\n"))
    }
}

/// Whether a query holds every filter of another one.
pub(crate) fn preserved(given: &str, became: &str, dataset: Dataset) -> Result<(), Unpreserved> {
    match lost(given, became, dataset) {
        Err(report) => Err(Unpreserved::Given(report)),
        Ok(lost) if lost.is_empty() => Ok(()),
        Ok(lost) => Err(Unpreserved::Lost(lost)),
    }
}

/// The filters that did not survive; the error is what is wrong with the given query.
pub(crate) fn lost(given: &str, became: &str, dataset: Dataset) -> Result<Vec<LostFilter>, String> {
    query(given, dataset)?;
    Ok(ensure_preserved(parse(given, dataset).query(), parse(became, dataset).query()))
}

/// A report on one line, for a sentence of ours.
pub(crate) fn one_line(report: &str) -> String {
    clip(&report.replace('\n', "; "), 400)
}

/// One line per finding: the place, the reason, and what to write instead. The parser and the
/// catalog may say the same thing, which is told once.
fn lines(text: &str, findings: &[&Diagnostic]) -> Vec<String> {
    let mut told = BTreeSet::new();
    let new = |finding: &&&Diagnostic| told.insert((finding.span, finding.message.clone()));
    findings.iter().filter(new).take(MAX_FINDINGS).map(|finding| line(text, finding)).collect()
}

fn line(text: &str, finding: &Diagnostic) -> String {
    let mut line = String::new();
    let place = finding.span.of(text);
    if !place.is_empty() {
        let _ = write!(line, "`{}`: ", clip(place, 80));
    }
    line.push_str(&clip(&finding.message, 300));
    if let Some(fix) = &finding.suggestion {
        let _ = write!(line, " (write `{}`)", clip(&fix.apply(text), 300));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_query_has_at_most_warnings() {
        let fine = query("is:unresolved level:error", Dataset::Issues);
        assert_eq!(fine, Ok(Checked { warnings: Vec::new() }));
        let odd = query("levle:error", Dataset::Issues).unwrap();
        assert_eq!(odd.warnings.len(), 1);
        assert!(odd.warnings[0].contains("level"), "{:?}", odd.warnings);
    }

    #[test]
    fn an_invalid_query_is_told_where_and_why() {
        let report = query("level:error message:\"time out", Dataset::Issues).unwrap_err();
        assert!(report.starts_with('`') && report.contains("quote"), "{report}");
        assert!(!one_line("a\nb").contains('\n'));
    }

    #[test]
    fn a_given_query_that_is_not_valid_is_known_as_such() {
        let result = preserved("a:1 OR b:2", "a:1", Dataset::Issues);
        assert!(matches!(result, Err(Unpreserved::Given(_))), "{result:?}");
    }
}
