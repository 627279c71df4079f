//! One span in detail: its facts, the way down to it, what it did, and all that its SDK told.

use std::fmt::Write as _;

use sentry_client::{Untrusted, traces::Span};

use super::{
    Line, block, label, milliseconds,
    outline::Outline,
    tree::{self, Limits, Tree},
};
use crate::{
    answer::{Answer, Detail, Priority, Section},
    render::markdown,
};

/// Descendants that are shown.
const DESCENDANTS: Limits = Limits { spans: 40, roots: 24 };
/// Ancestors that are shown: the nearest ones, and the root.
const ANCESTORS: usize = 10;
/// The longest value of an attribute, in characters, and how many of a kind are shown.
const VALUE: usize = 500;
const VALUES: usize = 60;

/// Appends the facts of a span.
pub(crate) fn facts(
    section: &mut Section,
    outline: &Outline<'_, '_>,
    index: usize,
    span: &Span<'_>,
) {
    let mut fact = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = writeln!(section, "- {name}: {value}");
        }
    };
    let code = |text: Option<Untrusted>| text.map(|text| markdown::code(text.expose(), 300));
    fact("What", Some(markdown::code(&label::label(span).text(), 200)));
    fact("Project", span.project_slug().map(|slug| markdown::code(slug, 100)));
    fact("Operation", code(span.op()));
    fact("Description", span.description().map(|text| markdown::code(text.expose(), 1_000)));
    fact("Transaction", code(span.transaction()));
    fact("Duration", Some(milliseconds(span.duration)));
    fact("Exclusive time", span.exclusive_time().map(|ms| milliseconds(Some(ms))));
    fact("Status", code(span.status()));
    let parent = span.parent.and_then(|parent| outline.trace.spans.get(parent));
    let parent = code(parent.and_then(Span::id).or_else(|| span.parent_span_id()));
    fact("Parent", Some(parent.unwrap_or_else(|| "none, this is a root".to_owned())));
    let (children, below) = (outline.children(Some(index)).count(), outline.size(index) - 1);
    fact("Children", Some(format!("{children} ({below} descendants)")));
    fact("Problems", Some(outline.failures(index).to_string()));
    fact("Type", code(span.event_type()));
    fact("SDK", code(span.sdk_name()));
}

/// Adds the way from the root to the span, and the tree below it.
pub(crate) fn around(answer: &mut Answer, outline: &Outline<'_, '_>, index: usize) {
    let above: Vec<usize> = outline.ancestors(index).collect();
    if !above.is_empty() {
        let section = answer.section("ancestors", Priority::Normal);
        let _ = writeln!(section, "\n## Ancestors, from the root\n");
        block(section, &way(outline, &above));
    }
    if outline.size(index) > 1 {
        let tree = Tree::select(outline, Some(index), DESCENDANTS);
        let section = answer.section("children", Priority::High);
        let _ = writeln!(section, "\n## Children\n");
        block(section, &tree.lines("this span"));
        let below = outline.size(index) - 1;
        let _ = writeln!(section, "\n{} of {below} descendants are shown.", tree.count());
    }
}

/// The nearest ancestors and the root; `above` begins with the parent.
fn way(outline: &Outline<'_, '_>, above: &[usize]) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, ancestor) in above.iter().enumerate().rev() {
        let is_root = at + 1 == above.len();
        if is_root || at < ANCESTORS {
            let mut text = String::new();
            tree::line(&mut text, outline, *ancestor);
            lines.push(Line { text, detail: None });
        }
        if is_root && at > ANCESTORS {
            let text = format!("… {} ancestors left out", at - ANCESTORS);
            lines.push(Line { text, detail: None });
        }
    }
    lines
}

/// Adds all that the span's SDK told about it, by kind.
pub(crate) fn parts(answer: &mut Answer, span: &Span<'_>) {
    for (name, part) in span.parts() {
        let values = part.lines();
        if values.is_empty() {
            continue;
        }
        let section = answer.section("attributes", Priority::Low);
        let _ = writeln!(section, "\n## {name}\n");
        let mut lines: Vec<Line> = values
            .iter()
            .take(VALUES)
            .map(|value| markdown::line(value.expose(), VALUE))
            .map(|text| Line { text, detail: Some(Detail::Entry) })
            .collect();
        if let Some(more @ 1..) = values.len().checked_sub(VALUES) {
            lines.push(Line { text: format!("… {more} more"), detail: None });
        }
        block(section, &lines);
    }
}
