//! The shape of a trace: how large, how slow and how broken each part of it is. It is worked
//! out from the last span to the first, in one pass; nothing is rendered here.

use sentry_client::{Fence, traces::Trace};

/// A trace with what is known about each of its spans; all lists go by the span's index.
pub(crate) struct Outline<'t, 'a> {
    pub(crate) trace: &'t Trace<'a>,
    /// Whether the session may see the span; of others only op, duration and id are shown.
    own: Vec<bool>,
    /// How many spans a subtree has, its root included.
    size: Vec<usize>,
    /// How much a span deserves to be shown.
    score: Vec<f64>,
    /// How many problems happened in the span itself, of those that may be seen.
    failures: Vec<u32>,
}

impl<'t, 'a> Outline<'t, 'a> {
    pub(crate) fn new(trace: &'t Trace<'a>, fence: &Fence) -> Outline<'t, 'a> {
        let count = trace.spans.len();
        let sees = |project| sees(fence, project);
        let own = trace.spans.iter().map(|span| sees(span.project_slug())).collect();
        let mut outline = Outline {
            trace,
            own,
            size: vec![1; count],
            score: vec![0.0; count],
            failures: vec![0; count],
        };
        for problem in trace.problems.iter().filter(|problem| sees(problem.project_slug())) {
            let failures = problem.span.and_then(|span| outline.failures.get_mut(span));
            if let Some(failures) = failures {
                *failures += 1;
            }
        }
        outline.measure();
        outline
    }

    /// Children come after their parents, so going backward each span finds its own complete.
    fn measure(&mut self) {
        let count = self.trace.spans.len();
        let mut longest = vec![0.0_f64; count];
        let mut best_child = vec![0.0_f64; count];
        for (index, span) in self.trace.spans.iter().enumerate().rev() {
            let duration = span.duration.unwrap_or_default();
            let size = self.size(index);
            let in_subtree = duration.max(longest.get(index).copied().unwrap_or_default());
            #[expect(clippy::cast_precision_loss, reason = "a body holds fewer than 2^52 spans")]
            let score = duration
                + 0.75 * in_subtree
                + 4.0 * size as f64
                + if span.is_transaction { 250.0 } else { 0.0 }
                + if self.failures(index) > 0 { 1_000.0 } else { 0.0 }
                + 0.25 * best_child.get(index).copied().unwrap_or_default();
            if let Some(own) = self.score.get_mut(index) {
                *own = score;
            }
            let Some(parent) = span.parent else { continue };
            if let Some(of_parent) = self.size.get_mut(parent) {
                *of_parent += size;
            }
            if let Some(of_parent) = longest.get_mut(parent) {
                *of_parent = of_parent.max(in_subtree);
            }
            if let Some(of_parent) = best_child.get_mut(parent) {
                *of_parent = of_parent.max(score);
            }
        }
    }

    /// Whether the session may see this span.
    pub(crate) fn is_own(&self, span: usize) -> bool {
        self.own.get(span).copied().unwrap_or_default()
    }

    /// Whether the session may see anything of this trace.
    pub(crate) fn has_own(&self, fence: &Fence) -> bool {
        let problems = &self.trace.problems;
        self.own.contains(&true) || problems.iter().any(|it| sees(fence, it.project_slug()))
    }

    /// How many spans the subtree has, its root included.
    pub(crate) fn size(&self, span: usize) -> usize {
        self.size.get(span).copied().unwrap_or(1)
    }

    pub(crate) fn score(&self, span: usize) -> f64 {
        self.score.get(span).copied().unwrap_or_default()
    }

    /// How many problems happened in the span itself.
    pub(crate) fn failures(&self, span: usize) -> u32 {
        self.failures.get(span).copied().unwrap_or_default()
    }

    /// The children of a span, or the roots, in their order.
    pub(crate) fn children(&self, of: Option<usize>) -> impl Iterator<Item = usize> {
        // Descendants directly follow their ancestor, so a sibling is a subtree away.
        let (mut next, end) = match of {
            Some(parent) => (parent + 1, parent + self.size(parent)),
            None => (0, self.trace.spans.len()),
        };
        std::iter::from_fn(move || {
            let child = next;
            next += self.size(child);
            (child < end).then_some(child)
        })
    }

    /// The parent, its parent, and so on.
    pub(crate) fn ancestors(&self, of: usize) -> impl Iterator<Item = usize> {
        let parent = |span: usize| self.trace.spans.get(span).and_then(|span| span.parent);
        std::iter::successors(parent(of), move |span| parent(*span))
    }
}

/// Whether the session may see what belongs to this project.
pub(crate) fn sees(fence: &Fence, project: Option<&str>) -> bool {
    fence.project.is_none() || project.is_some_and(|project| fence.admits_project(project))
}
