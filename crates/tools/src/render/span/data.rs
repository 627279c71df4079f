//! What an answer says about a trace, as data. What is chosen for it, its writers decide.

use schemars::JsonSchema;
use sentry_client::{
    Untrusted,
    traces::{Problem, Span, Trace},
};
use serde::Serialize;

use super::{label, outline::Outline, secrets};
use crate::answer::{Kept, Stranger};

/// A trace as a whole, or one of its spans.
#[derive(Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Traced {
    pub(crate) trace_id: String,
    pub(crate) url: String,
    /// What Sentry counts in the trace, where it tells.
    pub(crate) totals: Option<Totals>,
    /// How many spans were read: what follows is from these.
    pub(crate) spans_read: usize,
    /// The span that was asked for.
    pub(crate) span: Option<SpanDetails>,
    pub(crate) operations: Option<Kept<Vec<Kept<Operation>>>>,
    /// From the root to the parent.
    pub(crate) ancestors: Option<Kept<Vec<Kept<TreeLine>>>>,
    /// The slow and the failing spans, each below its parent.
    pub(crate) tree: Option<Kept<Vec<Kept<TreeLine>>>>,
    /// Errors and detected problems; of many, the first ones.
    pub(crate) problems: Option<Kept<Vec<Kept<ProblemFacts>>>>,
    pub(crate) problems_in_all: usize,
    /// Conversations with an AI.
    pub(crate) conversations: Option<Kept<Vec<Conversation>>>,
    pub(crate) attributes: Vec<Kept<Attributes>>,
    /// What to do next.
    pub(crate) next: Option<Kept<Vec<String>>>,
    pub(crate) notes: Vec<String>,
}

/// A conversation with an AI.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Conversation {
    pub(crate) id: Stranger,
    /// Absent for an odd id.
    pub(crate) url: Option<String>,
}

/// What Sentry counts in a trace.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Totals {
    pub(crate) spans: u64,
    pub(crate) errors: u64,
    pub(crate) performance_issues: u64,
    pub(crate) logs: u64,
}

/// One line of a tree.
#[derive(Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TreeLine {
    /// How deep it stands, 0 for the first level.
    pub(crate) level: usize,
    pub(crate) span: Option<SpanFacts>,
    /// Further spans like the one before.
    pub(crate) similar: Option<Similar>,
    /// Spans that are not shown here.
    pub(crate) more: Option<usize>,
}

/// Spans that are counted instead of listed.
#[derive(Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Similar {
    pub(crate) count: usize,
    pub(crate) total_ms: f64,
}

/// A span in a line.
#[derive(Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SpanFacts {
    id: Option<Stranger>,
    /// What it did; absent where the session may not see it.
    what: Option<Stranger>,
    op: Option<Stranger>,
    duration_ms: Option<f64>,
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(default)]
    problems: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

fn some(text: Option<Untrusted>) -> Option<Stranger> {
    clipped(text, 300)
}

fn clipped(text: Option<Untrusted>, limit: usize) -> Option<Stranger> {
    Stranger::some(text.map(|text| secrets::masked(text.expose()).into_owned()).as_deref(), limit)
}

impl SpanFacts {
    pub(crate) fn of(outline: &Outline<'_, '_>, index: usize) -> Option<SpanFacts> {
        let span = outline.trace.spans.get(index)?;
        let what = outline.is_own(index).then(|| Stranger::new(label::label(span).text()));
        Some(SpanFacts {
            id: some(span.id()),
            what,
            op: some(span.op()),
            duration_ms: span.duration,
            problems: outline.failures(index),
        })
    }
}

/// All about one span.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SpanDetails {
    #[serde(flatten)]
    facts: SpanFacts,
    project: Option<String>,
    description: Option<Stranger>,
    transaction: Option<Stranger>,
    exclusive_ms: Option<f64>,
    status: Option<Stranger>,
    /// Absent for a root.
    parent: Option<Stranger>,
    children: usize,
    descendants: usize,
    #[serde(rename = "type")]
    kind: Option<Stranger>,
    sdk: Option<Stranger>,
}

impl SpanDetails {
    pub(crate) fn of(outline: &Outline<'_, '_>, index: usize) -> Option<SpanDetails> {
        let span = outline.trace.spans.get(index)?;
        let parent = span.parent.and_then(|parent| outline.trace.spans.get(parent));
        Some(SpanDetails {
            facts: SpanFacts::of(outline, index)?,
            project: span.project_slug().map(str::to_owned),
            description: clipped(span.description(), 1_000),
            transaction: some(span.transaction()),
            exclusive_ms: span.exclusive_time(),
            status: some(span.status()),
            parent: some(parent.and_then(Span::id).or_else(|| span.parent_span_id())),
            children: outline.children(Some(index)).count(),
            descendants: outline.size(index) - 1,
            kind: some(span.event_type()),
            sdk: some(span.sdk_name()),
        })
    }
}

/// Spans without children that do the same kind of work.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Operation {
    pub(crate) name: Stranger,
    pub(crate) count: usize,
    pub(crate) mean_ms: f64,
    pub(crate) p95_ms: f64,
}

/// An error or a detected problem.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProblemFacts {
    issue: Option<Stranger>,
    event: Option<Stranger>,
    /// Found by Sentry in the spans, and not sent by the application.
    detected: bool,
    level: Option<Stranger>,
    title: Option<Stranger>,
    culprit: Option<Stranger>,
    span: Option<Stranger>,
}

impl ProblemFacts {
    pub(crate) fn of(trace: &Trace<'_>, problem: &Problem<'_>) -> ProblemFacts {
        let span = problem.span.and_then(|span| trace.spans.get(span));
        ProblemFacts {
            issue: some(problem.issue()),
            event: some(problem.event_id()),
            detected: problem.is_occurrence(),
            level: some(problem.level()),
            title: clipped(problem.title(), 200),
            culprit: clipped(problem.culprit(), 120),
            span: some(span.and_then(Span::id)),
        }
    }
}

/// What the SDK told about a span, of one kind.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attributes {
    pub(crate) kind: String,
    pub(crate) values: Vec<Kept<Stranger>>,
    /// Further ones, which are not told.
    pub(crate) more: Option<usize>,
}
