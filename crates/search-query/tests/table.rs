//! Several hundred queries with what is said about them, as data in `tests/queries`.
//!
//! A line is a verdict, a bar, and a query. The verdict is `valid` (nothing is said at all),
//! `warn CODE` (it runs, and this is said), or `error CODE`. `«` and `»` mark the place. `␉` is
//! a tab and `␤` a line break. A line that starts with `#` or is empty says nothing.

use sentry_mcp_search_query::{Dataset, Diagnostic, Outcome, Span, parse};

/// One line of a table.
struct Row {
    verdict: String,
    code: String,
    query: String,
    place: Option<Span>,
}

fn row(line: &str) -> Option<Row> {
    if line.starts_with('#') || line.trim().is_empty() {
        return None;
    }
    let (head, query) = line.split_once('|').unwrap_or_else(|| panic!("no bar in: {line}"));
    let mut words = head.split_whitespace();
    let verdict = words.next().unwrap_or_default().to_owned();
    let code = words.next().unwrap_or_default().to_owned();
    let query = query.strip_prefix(' ').unwrap_or(query).replace('␉', "\t").replace('␤', "\n");
    let open = query.find('«');
    let close = query.find('»').map(|close| close - '«'.len_utf8());
    let place = open.zip(close).map(|(start, end)| Span::new(start, end));
    Some(Row { verdict, code, query: query.replace(['«', '»'], ""), place })
}

/// What differs from the row; none where nothing does.
fn difference(row: &Row, outcome: &Outcome<'_>) -> Option<String> {
    let said: Vec<&Diagnostic> = match row.verdict.as_str() {
        "valid" => {
            let clean = outcome.diagnostics().is_empty();
            return (!clean).then(|| "something is said".to_owned());
        }
        "warn" if outcome.is_valid() => outcome.warnings().collect(),
        "warn" => return Some("it is an error".to_owned()),
        "error" => outcome.errors().collect(),
        other => return Some(format!("no such verdict: {other}")),
    };
    let of_kind: Vec<_> = said.iter().filter(|finding| finding.code.name() == row.code).collect();
    if of_kind.is_empty() {
        return Some(format!("no such {}", row.verdict));
    }
    let there = row.place.is_none_or(|place| of_kind.iter().any(|finding| finding.span == place));
    (!there).then(|| format!("it is at another place than {:?}", row.place))
}

/// Checks every row of a table in each of the datasets.
fn check(table: &str, datasets: &[Dataset], at_least: usize) {
    let rows: Vec<Row> = table.lines().filter_map(row).collect();
    assert!(rows.len() >= at_least, "only {} rows", rows.len());
    let mut wrong = Vec::new();
    for dataset in datasets {
        for row in &rows {
            let outcome = parse(&row.query, *dataset);
            if let Some(difference) = difference(row, &outcome) {
                let said: Vec<_> = outcome
                    .diagnostics()
                    .iter()
                    .map(|d| {
                        let place = d.span.of(&row.query);
                        format!("    {:?} {} at `{place}`: {}", d.severity, d.code, d.message)
                    })
                    .collect();
                wrong.push(format!(
                    "{dataset}: {} {}| {}\n  {difference}\n{}",
                    row.verdict,
                    row.code,
                    row.query,
                    said.join("\n")
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_syntax_is_the_same_everywhere() {
    check(include_str!("queries/everywhere.txt"), &Dataset::ALL, 150);
}

#[test]
fn issue_search_has_its_own_rules() {
    check(include_str!("queries/issues.txt"), &[Dataset::Issues], 120);
}

#[test]
fn searches_of_events_have_operators_and_functions() {
    let datasets = [Dataset::Errors, Dataset::Spans, Dataset::Logs];
    check(include_str!("queries/events.txt"), &datasets, 60);
}

#[test]
fn fields_have_types_in_every_dataset() {
    check(include_str!("queries/spans.txt"), &[Dataset::Spans], 25);
    check(include_str!("queries/errors.txt"), &[Dataset::Errors], 25);
    check(include_str!("queries/logs.txt"), &[Dataset::Logs], 8);
    check(include_str!("queries/replays.txt"), &[Dataset::Replays], 12);
}

#[test]
fn the_syntax_of_others_is_recognized() {
    check(include_str!("queries/foreign.txt"), &[Dataset::Issues], 50);
}
