//! Rows in an answer: one entry for an event, one line of a table for a sum. It decides no
//! order and leaves no row out.

use std::fmt::Write as _;

use sentry_client::{
    Site, Slug,
    discover::{Cell, EventTable, Row},
};

use super::{
    cells::{self, safe, shown},
    dataset::Dataset,
    names,
    plan::Plan,
};

/// Facts of up to this many characters share a line.
const SHORT: usize = 48;
/// The longest line of shared facts, in characters.
const LINE: usize = 150;

/// Where links lead.
#[derive(Clone, Copy)]
pub(crate) struct Web<'a> {
    pub(crate) site: &'a Site,
    pub(crate) org: &'a Slug,
}

impl Web<'_> {
    /// A trace with its page, where the id is one.
    pub(crate) fn trace(self, id: &str) -> String {
        match cells::id(id) {
            Some(hex) => {
                let path = format!("/explore/traces/trace/{hex}/");
                format!("[{hex}]({})", self.site.web_url(self.org, &path))
            }
            None => safe(id),
        }
    }

    /// An issue with its page.
    fn issue(self, short: &str, id: Option<&str>) -> String {
        let known =
            short.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if !known {
            return safe(short);
        }
        format!("[{short}]({})", self.site.issue_url(self.org, id.unwrap_or(short)))
    }
}

/// A row while it is being told: each column once.
struct Telling<'a> {
    row: &'a Row,
    table: &'a EventTable,
    dataset: Dataset,
    web: Web<'a>,
    told: Vec<&'a str>,
}

/// One event, as an entry of a numbered list.
pub(crate) fn entry(
    number: usize,
    row: &Row,
    table: &EventTable,
    dataset: Dataset,
    web: Web<'_>,
) -> String {
    let mut telling = Telling { row, table, dataset, web, told: Vec::new() };
    let headline = telling.headline();
    let mut out =
        format!("{number}. {}\n", if headline.is_empty() { "(no title)" } else { &headline });
    telling.rest(&mut out);
    telling.profile(&mut out);
    out
}

impl Telling<'_> {
    fn headline(&mut self) -> String {
        let parts = match self.dataset {
            Dataset::Errors => return self.error(),
            Dataset::Logs => return self.log(),
            Dataset::Spans => ["span.op", "span.description", "span.duration"],
            Dataset::Metrics => ["metric.name", "metric.type", ""],
            Dataset::Profiles => ["transaction", "transaction.duration", "profile.duration"],
            Dataset::Replays => ["", "", ""],
        };
        let mut parts: Vec<String> = parts.iter().filter_map(|name| self.take(name)).collect();
        if self.dataset == Dataset::Metrics
            && let Some(Cell::Number(_)) = self.row.get("value")
        {
            let unit = self.row.get("metric.unit").map(|unit| cells::plain(unit, 0));
            self.told.extend(["value", "metric.unit"]);
            parts.extend(self.row.get("value").and_then(|value| shown(value, unit.as_deref())));
        }
        parts.join(" · ")
    }

    fn error(&mut self) -> String {
        let text = |name: &str| self.row.get(name).map(|cell| cells::plain(cell, 1));
        let issue = text("issue").or_else(|| text("issue.id"));
        let issue = issue.map(|issue| self.web.issue(&issue, text("issue.id").as_deref()));
        if issue.is_some() {
            self.told.extend(["issue", "issue.id"]);
        }
        let title = ["title", "message", "error.value"].iter().find_map(|name| self.take(name));
        issue.into_iter().chain(title).collect::<Vec<_>>().join(": ")
    }

    fn log(&mut self) -> String {
        let severity =
            self.take("severity").map(|severity| format!("[{}]", severity.to_uppercase()));
        let time = self.take("timestamp");
        [time, severity, self.take("message")].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// A value, which then counts as told.
    fn take(&mut self, name: &str) -> Option<String> {
        let (name, cell) = self.row.cells().find(|(column, _)| *column == name)?;
        self.told.push(name);
        self.value(name, cell)
    }

    fn value(&self, name: &str, cell: &Cell) -> Option<String> {
        if name == "trace" {
            return Some(self.web.trace(&cells::plain(cell, 0))).filter(|trace| !trace.is_empty());
        }
        shown(cell, unit(self.table, self.dataset, name))
    }

    /// Everything that was not told yet: short facts share a line.
    fn rest(&self, out: &mut String) {
        let project = self.row.get("project");
        let mut line = String::new();
        for (name, cell) in self.row.cells().filter(|(name, _)| !self.told.contains(name)) {
            // Sentry adds the project under another name to many rows.
            if name == "project.name" && project == Some(cell) {
                continue;
            }
            let Some(value) = self.value(name, cell) else { continue };
            let fact = format!("{} {value}", safe(name));
            if fact.chars().count() > SHORT {
                flush(out, &mut line);
                let _ = writeln!(out, "   - {fact}");
                continue;
            }
            if line.len() + fact.len() > LINE {
                flush(out, &mut line);
            }
            if !line.is_empty() {
                line.push_str(", ");
            }
            line.push_str(&fact);
        }
        flush(out, &mut line);
    }

    /// The page of a profile: of a transaction, or of a part of a continuous one.
    fn profile(&self, out: &mut String) {
        if self.dataset != Dataset::Profiles {
            return;
        }
        let get = |name: &str| self.row.get(name);
        let Some(project) =
            get("project").and_then(|cell| cells::plain(cell, 0).parse::<Slug>().ok())
        else {
            return;
        };
        let base = format!("/explore/profiling/profile/{project}");
        let continuous = || {
            let profiler = cells::hex_id(get("profiler.id"))?;
            let start = cells::seconds(get("precise.start_ts"))?;
            let end = cells::seconds(get("precise.finish_ts"))?;
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("profilerId", &profiler);
            query.append_pair("start", &start).append_pair("end", &end);
            Some(format!("{base}/flamegraph/?{}", query.finish()))
        };
        let path = match cells::hex_id(get("profile.id")) {
            Some(id) => Some(format!("{base}/{id}/flamegraph/")),
            None => continuous(),
        };
        if let Some(path) = path {
            let _ =
                writeln!(out, "   - on the web: {}", self.web.site.web_url(self.web.org, &path));
        }
    }
}

fn flush(out: &mut String, line: &mut String) {
    if !line.is_empty() {
        let _ = writeln!(out, "   - {line}");
        line.clear();
    }
}

/// The unit that Sentry names, else the one that the column always has.
pub(crate) fn unit<'a>(table: &'a EventTable, dataset: Dataset, column: &str) -> Option<&'a str> {
    table.unit(column).or_else(|| dataset.unit(column))
}

/// The head of a table of sums.
pub(crate) fn table_head(plan: &Plan) -> String {
    let names: Vec<String> = plan.fields.iter().map(|field| in_table(safe(field))).collect();
    format!("| {} |\n|{}\n", names.join(" | "), "---|".repeat(names.len()))
}

/// One line of a table of sums, in the order of the plan's columns.
pub(crate) fn table_row(plan: &Plan, row: &Row, table: &EventTable) -> String {
    let values = plan.fields.iter().map(|field| {
        let old = names::alias(field);
        let cell = row.get(field).or_else(|| row.get(&old));
        let unit = unit(table, plan.dataset, field);
        in_table(cell.and_then(|cell| shown(cell, unit)).unwrap_or_default())
    });
    format!("| {} |\n", values.collect::<Vec<_>>().join(" | "))
}

/// A bar would begin another column, in a code span too.
fn in_table(text: String) -> String {
    if text.contains('|') { text.replace('|', "\\|") } else { text }
}
