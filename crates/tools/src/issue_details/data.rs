//! An issue and one of its events as data. What is said and how much of it, the writers of the
//! text decide: they put here what they wrote.

use schemars::JsonSchema;
use sentry_client::events::{Exposed as _, Frame};
use serde::Serialize;

use crate::{
    answer::{Kept, Mark, Stranger},
    render::frame,
};

/// An issue and one of its events.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Details {
    /// The id that people use.
    pub(crate) short_id: Option<String>,
    pub(crate) issue: Option<Kept<IssueFacts>>,
    pub(crate) event: Option<EventFacts>,
    pub(crate) code: Option<Kept<Code>>,
    pub(crate) replays: Option<Kept<Replays>>,
    pub(crate) message: Option<Kept<Stranger>>,
    /// From the exception that was reported to its first cause.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub(crate) exceptions: Vec<Kept<Failure>>,
    /// Why Sentry made an issue that is no exception.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub(crate) evidence: Vec<Kept<Evidence>>,
    pub(crate) request: Option<Kept<Stranger>>,
    pub(crate) user: Option<Kept<Stranger>>,
    pub(crate) seer: Option<Kept<SeerFacts>>,
    pub(crate) links: Option<Kept<Vec<Link>>>,
    pub(crate) tags: Option<Kept<Lines>>,
    pub(crate) threads: Option<Kept<Lines>>,
    /// The newest last.
    pub(crate) breadcrumbs: Option<Kept<Lines>>,
    pub(crate) extra: Option<Kept<Lines>>,
    pub(crate) contexts: Option<Kept<Lines>>,
    /// What to do next.
    pub(crate) next: Option<Kept<Vec<String>>>,
    /// What is missing, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub(crate) notes: Vec<String>,
}

/// Lines of what the sender of an event wrote.
pub(crate) type Lines = Vec<Kept<Stranger>>;

/// What is known about an issue as a whole.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IssueFacts {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) title: Stranger,
    /// Where it happens; of a performance issue its location.
    pub(crate) culprit: Option<Stranger>,
    pub(crate) query_pattern: Option<Stranger>,
    pub(crate) status: String,
    pub(crate) assigned_to: String,
    pub(crate) level: Option<String>,
    pub(crate) priority: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) actionability: Option<&'static str>,
    pub(crate) platform: Option<Stranger>,
    pub(crate) project: Option<String>,
    pub(crate) events: Option<u64>,
    pub(crate) users: Option<u64>,
    pub(crate) first_seen: Option<String>,
    pub(crate) last_seen: Option<String>,
    pub(crate) first_release: Option<Stranger>,
    pub(crate) last_release: Option<Stranger>,
}

/// What every event has, whatever its type.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventFacts {
    pub(crate) id: Option<Stranger>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<Stranger>,
    pub(crate) occurred: Option<Stranger>,
    pub(crate) trace: Option<Stranger>,
    pub(crate) title: Option<Stranger>,
}

/// A line at the code host.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Code {
    pub(crate) repository: Option<String>,
    pub(crate) path: Stranger,
    pub(crate) line: Option<u64>,
    pub(crate) url: Stranger,
}

/// Recordings of browser sessions.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Replays {
    pub(crate) of_this_event: Option<Recording>,
    pub(crate) of_the_issue: Vec<Recording>,
    /// How many there are of the issue.
    pub(crate) in_all: usize,
}

/// One of them, with its page.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Recording {
    pub(crate) id: String,
    pub(crate) url: String,
}

/// An exception, or the thread that matters, with its stack.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failure {
    /// Type and message, or the name of the thread.
    pub(crate) headline: Stranger,
    /// The frame to look at first, with its source and variables.
    pub(crate) relevant_frame: Option<Stranger>,
    pub(crate) stack: Option<Kept<Stack>>,
}

/// The frames of a stack, in the order of the language.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stack {
    pub(crate) frames_in_all: usize,
    /// How many of them are of the application itself.
    pub(crate) in_app_in_all: usize,
    /// Whether the call that failed is the last one.
    pub(crate) failing_call_last: bool,
    pub(crate) frames: Vec<Kept<StackFrame>>,
}

/// One call.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StackFrame {
    function: Option<Stranger>,
    file: Option<Stranger>,
    module: Option<Stranger>,
    /// The library or image, in native code.
    package: Option<Stranger>,
    line: Option<u64>,
    column: Option<u64>,
    in_app: Option<bool>,
    /// The source line of the call.
    source: Option<Stranger>,
}

impl StackFrame {
    pub(crate) fn of(frame: &Frame<'_>) -> StackFrame {
        let some = |text: Option<&str>| Stranger::some(text, frame::NAME_LIMIT);
        let source = frame.context.iter().find(|(number, _)| Some(*number) == frame.line_no);
        StackFrame {
            function: some(frame.function.exposed()),
            file: some(frame.filename.exposed().or(frame.abs_path.exposed())),
            module: some(frame.module.exposed()),
            package: some(frame.package.exposed()),
            line: frame.line_no,
            column: frame.col_no,
            in_app: frame.in_app,
            source: source.and_then(|(_, text)| some(Some(text.expose().trim()))),
        }
    }
}

/// Why Sentry made an issue.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Evidence {
    pub(crate) title: &'static str,
    /// As Markdown.
    pub(crate) text: Option<Stranger>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub(crate) lines: Lines,
}

/// What Seer found, in short.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SeerFacts {
    pub(crate) state: String,
    pub(crate) run_id: Option<String>,
    /// Whether the finding is a solution or a cause.
    pub(crate) what: Option<&'static str>,
    /// Written by an AI.
    pub(crate) finding: Option<Stranger>,
    /// What shows the whole analysis.
    pub(crate) tool: Option<String>,
}

/// A linked issue of another service.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Link {
    pub(crate) name: Option<Stranger>,
    pub(crate) service: Option<String>,
    pub(crate) url: Option<Stranger>,
}

/// Lines with their marks as data.
pub(crate) fn lines<'a>(marks: &[Mark], lines: impl IntoIterator<Item = &'a str>) -> Lines {
    let lines = marks.iter().zip(lines);
    lines.map(|(mark, line)| Kept::new(*mark, Stranger::new(line))).collect()
}
