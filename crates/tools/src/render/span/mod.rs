//! Spans of a trace as Markdown: labels, the tree, operations, one span in detail. What is
//! asked from Sentry, and which parts an answer has, the tool decides.

pub(crate) mod focus;
pub(crate) mod label;
pub(crate) mod operations;
pub(crate) mod outline;
pub(crate) mod problems;
pub(crate) mod tree;

use std::fmt::Write as _;

use crate::answer::{Detail, Section};

/// A duration as it stands in a line, rounded; `unknown` where Sentry has none.
pub(crate) fn milliseconds(duration: Option<f64>) -> String {
    match duration {
        None => "unknown".to_owned(),
        Some(ms) if ms < 10.0 && ms.fract() != 0.0 => format!("{ms:.1}ms"),
        Some(ms) => format!("{ms:.0}ms"),
    }
}

/// A line of a code block, which may go on its own.
pub(crate) struct Line {
    pub(crate) text: String,
    pub(crate) detail: Option<Detail>,
}

/// Appends a code block whose lines cannot close it, and may be left out one by one.
pub(crate) fn block(section: &mut Section, lines: &[Line]) {
    let runs = lines.iter().flat_map(|line| line.text.split(|c| c != '`')).map(str::len);
    let fence = "`".repeat(runs.max().unwrap_or(0).max(2) + 1);
    let _ = writeln!(section, "{fence}");
    for Line { text, detail } in lines {
        match detail {
            Some(detail) => section.detail(*detail, &format!("{text}\n")),
            None => {
                let _ = writeln!(section, "{text}");
            }
        }
    }
    let _ = writeln!(section, "{fence}");
}
