//! Spans of a trace as Markdown: labels, the tree, operations, one span in detail. What is
//! asked from Sentry, and which parts an answer has, the tool decides.

pub(crate) mod data;
pub(crate) mod focus;
pub(crate) mod label;
pub(crate) mod operations;
pub(crate) mod outline;
pub(crate) mod problems;
mod secrets;
pub(crate) mod tree;

use std::fmt::Write as _;

use self::data::TreeLine;
use crate::answer::{Detail, Kept, Mark, Section, estimate, estimate_data};

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

/// A line of a tree, with what it says as data; a line of ours has none.
pub(crate) struct Branch {
    pub(crate) line: Line,
    pub(crate) data: Option<TreeLine>,
}

impl Branch {
    /// What the line costs, in tokens: as text or, where they are wanted, as data.
    pub(crate) fn cost(&self, with_data: bool) -> usize {
        let text = estimate(&self.line.text) + 1;
        let data = self.data.as_ref().filter(|_| with_data);
        text.max(data.map_or(0, estimate_data))
    }
}

/// Appends a tree as a code block, and returns it as data.
pub(crate) fn tree_block(section: &mut Section, branches: Vec<Branch>) -> Vec<Kept<TreeLine>> {
    let (lines, data): (Vec<Line>, Vec<_>) =
        branches.into_iter().map(|branch| (branch.line, branch.data)).unzip();
    let marks = block(section, &lines);
    let data = marks.into_iter().zip(data);
    data.filter_map(|(mark, data)| Some(Kept::new(mark, data?))).collect()
}

/// Appends a code block whose lines cannot close it, and may be left out one by one. Each line
/// has its mark.
pub(crate) fn block(section: &mut Section, lines: &[Line]) -> Vec<Mark> {
    let runs = lines.iter().flat_map(|line| line.text.split(|c| c != '`')).map(str::len);
    let fence = "`".repeat(runs.max().unwrap_or(0).max(2) + 1);
    let _ = writeln!(section, "{fence}");
    let marks =
        lines.iter().map(|line| section.piece(line.detail, &format!("{}\n", line.text))).collect();
    let _ = writeln!(section, "{fence}");
    marks
}
