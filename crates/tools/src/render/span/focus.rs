//! One span in detail: its facts, the way down to it, what it did, and all that its SDK told.

use std::fmt::Write as _;

use sentry_client::{Untrusted, traces::Span};

use super::{
    Branch, Line, block,
    data::{Attributes, SpanFacts, Traced, TreeLine},
    label, milliseconds,
    outline::Outline,
    secrets,
    tree::{self, Limits, Tree},
    tree_block,
};
use crate::{
    answer::{Answer, Detail, Kept, Priority, Section, Stranger},
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
    let code = |text: Option<Untrusted>| {
        text.map(|text| markdown::code(&secrets::masked(text.expose()), 300))
    };
    fact("What", Some(markdown::code(&label::label(span).text(), 200)));
    fact("Project", span.project_slug().map(|slug| markdown::code(slug, 100)));
    fact("Operation", code(span.op()));
    let description = span.description();
    fact(
        "Description",
        description.map(|text| markdown::code(&secrets::masked(text.expose()), 1_000)),
    );
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
pub(crate) fn around(
    answer: &mut Answer,
    outline: &Outline<'_, '_>,
    index: usize,
    data: &mut Traced,
) {
    let above: Vec<usize> = outline.ancestors(index).collect();
    if !above.is_empty() {
        let section = answer.section("ancestors", Priority::Normal);
        let _ = writeln!(section, "\n## Ancestors, from the root\n");
        let told = tree_block(section, way(outline, &above));
        data.ancestors = Some(Kept::new(section.mark(), told));
    }
    if outline.size(index) > 1 {
        let tree = Tree::select(outline, Some(index), DESCENDANTS);
        let section = answer.section("children", Priority::High);
        let _ = writeln!(section, "\n## Children\n");
        let told = tree_block(section, tree.lines("this span"));
        data.tree = Some(Kept::new(section.mark(), told));
        let below = outline.size(index) - 1;
        let note = format!("{} of {below} descendants are shown.", tree.count());
        let _ = writeln!(section, "\n{note}");
        data.notes.push(note);
    }
}

/// The nearest ancestors and the root; `above` begins with the parent.
fn way(outline: &Outline<'_, '_>, above: &[usize]) -> Vec<Branch> {
    let mut lines = Vec::new();
    for (at, ancestor) in above.iter().enumerate().rev() {
        let is_root = at + 1 == above.len();
        if is_root || at < ANCESTORS {
            let mut text = String::new();
            tree::line(&mut text, outline, *ancestor);
            let span = SpanFacts::of(outline, *ancestor);
            let level = above.len() - at - 1;
            let data = TreeLine { level, span, similar: None, more: None };
            lines.push(Branch { line: Line { text, detail: None }, data: Some(data) });
        }
        if is_root && at > ANCESTORS {
            let more = at - ANCESTORS;
            let text = format!("… {more} ancestors left out");
            let data = TreeLine { level: 1, span: None, similar: None, more: Some(more) };
            lines.push(Branch { line: Line { text, detail: None }, data: Some(data) });
        }
    }
    lines
}

/// Adds all that the span's SDK told about it, by kind.
pub(crate) fn parts(answer: &mut Answer, span: &Span<'_>) -> Vec<Kept<Attributes>> {
    let mut told = Vec::new();
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
            .map(|value| markdown::line(&secrets::masked(value.expose()), VALUE))
            .map(|text| Line { text, detail: Some(Detail::Entry) })
            .collect();
        let more = values.len().checked_sub(VALUES).filter(|more| *more > 0);
        let shown: Vec<Stranger> = lines.iter().map(|line| Stranger::new(&line.text)).collect();
        if let Some(more) = more {
            lines.push(Line { text: format!("… {more} more"), detail: None });
        }
        let marks = block(section, &lines);
        let values = marks.iter().zip(shown);
        let values = values.map(|(mark, value)| Kept::new(*mark, value)).collect();
        told.push(Kept::new(section.mark(), Attributes { kind: name.to_owned(), values, more }));
    }
    told
}
