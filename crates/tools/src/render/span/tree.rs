//! The part of a trace that is worth reading, as a tree: the slowest and the failing paths.
//! Leaves that do the same work stand in one line with their count.

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, HashMap},
    fmt::Write as _,
};

use sentry_client::{Untrusted, traces::Span};

use super::{
    Branch, Line,
    data::{Similar, SpanFacts, TreeLine},
    label, milliseconds,
    outline::Outline,
};
use crate::{answer::Detail, render::markdown};

/// How much of a trace is shown.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Spans in all.
    pub(crate) spans: usize,
    /// Spans of the first level.
    pub(crate) roots: usize,
}

/// Levels of spans.
const DEPTH: usize = 8;
/// Children of one span that have a chance.
const CHILDREN: usize = 24;
/// Failing spans that are shown with their ancestors, however fast they were.
const FAILING: usize = 6;
/// Leaves of one kind from which on they are counted instead of listed.
const ALIKE: usize = 3;
/// The longest span id and op, in characters.
const WORD: usize = 64;

/// What of the tree is shown.
pub(crate) struct Tree<'o, 't, 'a> {
    outline: &'o Outline<'t, 'a>,
    /// The span whose descendants these are; none for the whole trace.
    top: Option<usize>,
    shown: Vec<bool>,
    /// How many spans are shown, those in one line with others included.
    count: usize,
    /// By the one leaf that is shown for all of its kind.
    alike: HashMap<usize, Alike>,
    /// By a leaf that is not shown itself, the one that stands for it.
    stands_for: HashMap<usize, usize>,
}

/// Further leaves of one kind.
#[derive(Clone, Copy, Default)]
struct Alike {
    count: usize,
    total: f64,
}

/// A span that waits to be shown, the best first.
struct Candidate {
    score: f64,
    span: usize,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Candidate) -> Ordering {
        self.score.total_cmp(&other.score).then_with(|| other.span.cmp(&self.span))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Candidate) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Candidate) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

impl<'o, 't, 'a> Tree<'o, 't, 'a> {
    /// Chooses among the descendants of `top`, or among all spans.
    pub(crate) fn select(
        outline: &'o Outline<'t, 'a>,
        top: Option<usize>,
        limits: Limits,
    ) -> Tree<'o, 't, 'a> {
        let spans = outline.trace.spans.len();
        let mut tree = Tree {
            outline,
            top,
            shown: vec![false; spans],
            count: 0,
            alike: HashMap::new(),
            stands_for: HashMap::new(),
        };
        let mut room = limits.spans;
        tree.show_failing(&mut room);
        let mut waiting = BinaryHeap::new();
        tree.expand(top, limits.roots, &mut waiting);
        while let Some(Candidate { span, .. }) = waiting.pop() {
            if !tree.shows(span) {
                if room == 0 {
                    continue;
                }
                room -= 1;
                tree.show(span);
            }
            if tree.level(span) + 1 < DEPTH {
                tree.expand(Some(span), CHILDREN, &mut waiting);
            }
        }
        tree.count_alike();
        tree
    }

    /// The largest tree within the limits whose lines cost no more than `room`, below a line for
    /// the whole. A smaller tree says more than a larger one that an answer has no room for.
    pub(crate) fn within(
        outline: &'o Outline<'t, 'a>,
        mut limits: Limits,
        heading: &str,
        room: usize,
        cost: impl Fn(&Branch) -> usize,
    ) -> (Tree<'o, 't, 'a>, Vec<Branch>) {
        loop {
            let tree = Tree::select(outline, None, limits);
            let lines = tree.lines(heading);
            let costs: usize = lines.iter().map(&cost).sum();
            let fewer = (limits.spans * room / costs.max(1)).min(limits.spans.saturating_sub(1));
            if costs <= room || fewer == 0 {
                return (tree, lines);
            }
            limits.spans = fewer;
        }
    }

    /// How many spans the tree accounts for.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    fn shows(&self, span: usize) -> bool {
        self.shown.get(span).copied().unwrap_or_default()
    }

    /// Whether the span is one of the number in a line that is shown.
    fn is_counted(&self, span: usize) -> bool {
        self.stands_for.get(&span).is_some_and(|shown| self.shows(*shown))
    }

    fn show(&mut self, span: usize) {
        if let Some(shown) = self.shown.get_mut(span)
            && !*shown
        {
            *shown = true;
            self.count += 1;
        }
    }

    /// How far below the first level a span is.
    fn level(&self, span: usize) -> usize {
        let depth = |span: usize| self.outline.trace.spans.get(span).map_or(0, |span| span.depth);
        depth(span) - self.top.map_or(0, |top| depth(top) + 1).min(depth(span))
    }

    /// Shows the slowest failing spans and the way to them, as far down as the tree goes.
    fn show_failing(&mut self, room: &mut usize) {
        let outline = self.outline;
        let range = match self.top {
            Some(top) => top + 1..top + outline.size(top),
            None => 0..outline.trace.spans.len(),
        };
        let mut failing: Vec<usize> = range.filter(|span| outline.failures(*span) > 0).collect();
        failing.sort_by(|a, b| outline.score(*b).total_cmp(&outline.score(*a)));
        for span in failing.into_iter().take(FAILING) {
            let above = outline.ancestors(span).take_while(|above| Some(*above) != self.top);
            let way: Vec<usize> = std::iter::once(span)
                .chain(above)
                .filter(|span| self.level(*span) < DEPTH && !self.shows(*span))
                .collect();
            if way.len() > *room {
                return;
            }
            *room -= way.len();
            for span in way {
                self.show(span);
            }
        }
    }

    /// Lets the children of a span wait, at most `most` of them, each kind of leaf once.
    fn expand(&mut self, of: Option<usize>, most: usize, waiting: &mut BinaryHeap<Candidate>) {
        let outline = self.outline;
        let mut kinds: HashMap<u64, Vec<usize>> = HashMap::new();
        let mut chosen = Vec::new();
        for child in outline.children(of) {
            match outline.trace.spans.get(child) {
                Some(span) if outline.size(child) == 1 && outline.failures(child) == 0 => {
                    kinds.entry(span.likeness()).or_default().push(child);
                }
                _ => chosen.push(child),
            }
        }
        for members in kinds.into_values() {
            let slowest = members.iter().copied().max_by(|a, b| {
                let (of_a, of_b) = (outline.score(*a), outline.score(*b));
                of_a.total_cmp(&of_b).then(b.cmp(a))
            });
            match slowest {
                Some(slowest) if members.len() >= ALIKE => {
                    chosen.push(slowest);
                    let others = members.into_iter().filter(|member| *member != slowest);
                    let mut alike = Alike::default();
                    for other in others {
                        alike.count += 1;
                        let span = outline.trace.spans.get(other);
                        alike.total += span.and_then(|span| span.duration).unwrap_or_default();
                        self.stands_for.insert(other, slowest);
                    }
                    self.alike.insert(slowest, alike);
                }
                _ => chosen.extend(members),
            }
        }
        // What is shown already goes first, so that it takes its share of the places.
        chosen.sort_by(|a, b| {
            let order = outline.score(*b).total_cmp(&outline.score(*a)).then(a.cmp(b));
            self.shows(*b).cmp(&self.shows(*a)).then(order)
        });
        let candidate = |span| Candidate { score: outline.score(span), span };
        waiting.extend(chosen.into_iter().take(most).map(candidate));
    }

    /// The leaves behind a number count as shown where their line is.
    fn count_alike(&mut self) {
        let behind = self.alike.iter().filter(|(span, _)| self.shows(**span));
        self.count += behind.map(|(_, alike)| alike.count).sum::<usize>();
    }

    /// The lines of the tree, below a line for the whole.
    pub(crate) fn lines(&self, heading: &str) -> Vec<Branch> {
        let line = Line { text: heading.to_owned(), detail: None };
        let mut lines = vec![Branch { line, data: None }];
        self.write(self.top, &mut String::new(), &mut lines);
        lines
    }

    /// Recurses no deeper than the tree has levels.
    fn write(&self, of: Option<usize>, indent: &mut String, lines: &mut Vec<Branch>) {
        let mut rows: Vec<Row> = Vec::new();
        let mut missing = 0;
        let mut missing_roots = 0;
        for child in self.outline.children(of) {
            if self.shows(child) {
                rows.push(Row::Span(child));
                rows.extend(self.alike.get(&child).map(|alike| Row::Alike(*alike)));
            } else if !self.is_counted(child) {
                missing += self.outline.size(child);
                missing_roots += 1;
            }
        }
        if missing > 0 {
            rows.push(Row::Missing { missing, missing_roots });
        }
        let last = rows.len();
        let mut op_before = None;
        for (at, row) in rows.into_iter().enumerate() {
            let is_last = at + 1 == last;
            let mut data = TreeLine {
                // Each level is three characters deep.
                level: indent.chars().count() / 3,
                span: None,
                similar: None,
                more: None,
            };
            let mut text = indent.clone();
            text.push_str(if is_last { "└─ " } else { "├─ " });
            match row {
                Row::Span(span) => {
                    line(&mut text, self.outline, span);
                    let place = lines.len();
                    data.span = SpanFacts::of(self.outline, span);
                    let line = Line { text, detail: None };
                    lines.push(Branch { line, data: Some(data) });
                    let before = indent.len();
                    indent.push_str(if is_last { "   " } else { "│  " });
                    self.write(Some(span), indent, lines);
                    indent.truncate(before);
                    let op = self.outline.trace.spans.get(span).map(Span::operation);
                    if lines.len() == place + 1 && self.outline.failures(span) == 0 {
                        let repeated = op == op_before;
                        let detail = if repeated { Detail::RepeatedSpan } else { Detail::Entry };
                        let written = lines.last_mut().into_iter();
                        written.for_each(|written| written.line.detail = Some(detail));
                    }
                    op_before = op;
                }
                Row::Alike(Alike { count, total }) => {
                    data.similar = Some(Similar { count, total_ms: total });
                    let total = milliseconds(Some(total));
                    let _ = write!(text, "× {count} similar, total {total}");
                    let line = Line { text, detail: Some(Detail::RepeatedSpan) };
                    lines.push(Branch { line, data: Some(data) });
                }
                Row::Missing { missing, missing_roots } => {
                    let _ = write!(text, "{missing} more, not shown");
                    if missing_roots < missing {
                        let _ = write!(text, " ({missing_roots} of them at this level)");
                    }
                    data.more = Some(missing);
                    let line = Line { text, detail: Some(Detail::RepeatedSpan) };
                    lines.push(Branch { line, data: Some(data) });
                }
            }
        }
    }
}

/// `label [op · metadata · 12ms · id]`; of a span that the session may not see, only that it is there.
pub(crate) fn line(out: &mut String, outline: &Outline<'_, '_>, index: usize) {
    let Some(span) = outline.trace.spans.get(index) else { return };
    let word = |text: Untrusted| markdown::line(text.expose(), WORD);
    let op = span.op().map(word).filter(|op| op != "default");
    let mut facts = if outline.is_own(index) {
        let label = label::label(span);
        out.push_str(&label.text());
        label.metadata(op.as_deref())
    } else {
        out.push_str("span in another project");
        op.into_iter().collect()
    };
    match outline.failures(index) {
        0 => {}
        1 => facts.push("1 problem".to_owned()),
        several => facts.push(format!("{several} problems")),
    }
    facts.push(milliseconds(span.duration));
    facts.push(span.id().map_or_else(|| "no id".to_owned(), word));
    let _ = write!(out, " [{}]", facts.join(" · "));
}

/// One line of the tree.
enum Row {
    Span(usize),
    Alike(Alike),
    Missing { missing: usize, missing_roots: usize },
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
