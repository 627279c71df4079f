//! What Seer found, as sections of an answer. It asks for nothing, and judges nothing.
//!
//! Every word of Seer stands in a code block below a heading that says whose words they
//! are: Seer makes them out of events, which strangers can send.

use std::fmt::Write as _;

use schemars::JsonSchema;
use sentry_client::{
    Untrusted,
    seer::{Analysis, Artifact, CodeFile, Finding, PullRequest, State, Step, TimelineItem},
};
use serde::Serialize;

use crate::{
    answer::{Answer, Kept, Priority, Stranger},
    render::markdown,
};

/// No text is cut to less than this many characters.
const LEAST: usize = 60;
/// Entries of one list.
const ENTRIES: usize = 40;
/// Insights of an analysis that found no more than that.
const INSIGHTS: usize = 10;

/// What Seer found, as data.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Findings {
    root_cause: Option<Kept<Vec<Said>>>,
    solution: Option<Kept<Vec<Said>>>,
    pull_requests: Option<Kept<Vec<Stranger>>>,
    on_the_way: Option<Kept<Vec<Said>>>,
    /// Whether no text was cut; if not, raise `maxTokens`.
    whole: bool,
}

/// A piece of what Seer wrote.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Said {
    /// Its number or its role.
    label: Option<String>,
    text: Stranger,
}

/// A state in words.
pub(crate) fn state(analysis: &Analysis) -> String {
    let raw = analysis.status.as_deref().map(str::trim).filter(|status| !status.is_empty());
    let known = match analysis.state() {
        State::Running => "in progress",
        State::Completed => "completed",
        State::Failed => "failed",
        State::Cancelled => "cancelled",
        State::AwaitingInput => "waiting for an answer of a person",
        State::NeedsInformation => "needs more information",
        State::Unknown => {
            return match raw {
                Some(raw) => {
                    format!("{}, which this server does not know", markdown::code(raw, 80))
                }
                None => "not told by Sentry".to_owned(),
            };
        }
    };
    let plain = known.replace(' ', "_");
    match raw {
        Some(raw) if !raw.eq_ignore_ascii_case(&plain) => {
            format!("{known} ({})", markdown::code(raw, 80))
        }
        _ => known.to_owned(),
    }
}

/// Adds what was found: root cause, solution, pull requests, and what was learnt on the way.
/// Long texts share `room`, in tokens: each is cut to the same length, and no text is left out.
pub(crate) fn findings(answer: &mut Answer, analysis: &Analysis, room: usize) -> Findings {
    let run = analysis.run_id.as_deref().unwrap_or("unknown");
    let whose = format!("Written by Seer (run {}), not verified", markdown::line(run, 60));
    let mut cause = Text::default();
    let mut solution = Text::default();
    let mut way = Text::default();
    if let Some(finding) = newest(analysis, "root_cause") {
        cause.root_cause(finding);
    }
    if let Some(finding) = newest(analysis, "solution") {
        solution.solution(finding);
    }
    for step in &analysis.steps {
        cause.causes(step);
        solution.parts(step);
        way.way(step);
    }
    // A token has four characters in prose, and fewer in code.
    let limit = share([&cause, &solution, &way], room.saturating_mul(5) / 2);
    let (cause, cause_is_whole) =
        cause.write(answer, "root_cause", Priority::High, &format!("Root cause. {whose}"), limit);
    let (solution, solution_is_whole) =
        solution.write(answer, "solution", Priority::High, &format!("Solution. {whose}"), limit);
    let pull_requests = pull_requests(answer, analysis);
    let (way, way_is_whole) =
        way.write(answer, "progress", Priority::Low, &format!("On the way. {whose}"), limit);
    let nothing_cut = cause_is_whole && solution_is_whole && way_is_whole;
    if !nothing_cut {
        answer.section("", Priority::Essential).push(
            "\nLong texts were cut to fit the budget of this answer: raise `maxTokens` to see more.\n",
        );
    }
    Findings { root_cause: cause, solution, pull_requests, on_the_way: way, whole: nothing_cut }
}

/// The length to which texts are cut so that together they have at most `room` characters.
fn share(texts: [&Text; 3], mut room: usize) -> usize {
    let entries = texts.into_iter().flat_map(|text| &text.0);
    let mut lengths: Vec<usize> =
        entries.map(|entry| entry.before.len() + entry.text.len()).collect();
    lengths.sort_unstable();
    for (shorter, length) in lengths.iter().enumerate() {
        let share = room / (lengths.len() - shorter);
        if *length > share {
            return share.max(LEAST);
        }
        room -= length;
    }
    usize::MAX
}

/// The last result of a kind: Seer revises itself.
fn newest<'a>(analysis: &'a Analysis, key: &str) -> Option<&'a Finding> {
    let of_kind = |artifact: &&Artifact| artifact.key.as_deref() == Some(key);
    let artifacts = analysis.blocks.iter().rev().flat_map(|block| block.artifacts.iter().rev());
    artifacts.filter(of_kind).find_map(|artifact| artifact.data.as_ref())
}

fn pull_requests(answer: &mut Answer, analysis: &Analysis) -> Option<Kept<Vec<Stranger>>> {
    let newer = analysis.repo_pr_states.iter().flatten();
    let newer = newer.filter_map(|(repo, field)| Some((repo.as_str(), field.0.as_ref()?)));
    let older = analysis.steps.iter().flat_map(|step| &step.changes).filter_map(|change| {
        let repo = change.repo_name.as_ref().map_or("", Untrusted::expose);
        Some((repo, change.pull_request.as_ref()?))
    });
    let lines: Vec<String> =
        newer.chain(older).filter_map(|(repo, request)| pull_request(repo, request)).collect();
    if lines.is_empty() {
        return None;
    }
    let section = answer.section("pull_requests", Priority::High);
    section.push("\n## Pull requests\n\n");
    for line in lines.iter().take(ENTRIES) {
        let _ = writeln!(section, "- {line}");
    }
    Some(Kept::new(section.mark(), lines.into_iter().take(ENTRIES).map(Stranger::new).collect()))
}

fn pull_request(repo: &str, request: &PullRequest) -> Option<String> {
    let shown = |text: &Option<Untrusted>| {
        let text = text.as_ref().filter(|text| !text.is_blank())?;
        Some(markdown::code(text.expose(), 300))
    };
    let status = request.pr_creation_status.as_deref().filter(|status| !status.is_empty());
    let outcome = match (shown(&request.pr_url), shown(&request.pr_creation_error), status) {
        (Some(url), _, _) => url,
        (None, Some(error), _) => format!("not opened: {error}"),
        (None, None, status) => format!("not opened yet ({})", markdown::code(status?, 60)),
    };
    let repo = if repo.is_empty() { "a repository" } else { repo };
    Some(format!("{}: {outcome}", markdown::code(repo, 120)))
}

/// The content of a code block.
#[derive(Default)]
struct Text(Vec<Entry>);

struct Entry {
    /// Words of ours before the text.
    before: String,
    text: String,
    /// Whether the text keeps its lines.
    body: bool,
}

impl Entry {
    fn said(&self, limit: usize) -> Said {
        let label = self.before.trim().trim_end_matches(':');
        let label = (!label.is_empty()).then(|| label.to_owned());
        Said { label, text: Stranger::new(self.text.chars().take(limit).collect::<String>()) }
    }

    /// Whether it was written whole.
    fn write(&self, out: &mut String, limit: usize) -> bool {
        let kept: String = self.text.chars().take(limit).collect();
        let whole = kept.len() == self.text.len();
        if !self.body {
            let text = markdown::line(&kept, kept.len());
            let _ = writeln!(out, "{}{text}{}", self.before, if whole { "" } else { "…" });
            return whole;
        }
        // Cut after a line, where there is one.
        let end = if whole { None } else { kept.rfind('\n') };
        let shown = end.and_then(|end| kept.get(..end)).unwrap_or(&kept);
        for line in shown.trim_end().lines() {
            let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            let _ = writeln!(out, "   {}", line.trim_end());
        }
        if !whole {
            out.push_str("   …\n");
        }
        whole
    }
}

impl Text {
    fn root_cause(&mut self, finding: &Finding) {
        self.line("", finding.one_line_description.as_ref());
        self.list("Why:", &finding.five_whys, true);
        self.list("To reproduce:", &finding.reproduction_steps, false);
    }

    fn solution(&mut self, finding: &Finding) {
        self.line("", finding.one_line_summary.as_ref());
        for (number, step) in (1..).zip(finding.steps.iter().take(ENTRIES)) {
            self.line(&format!("{number}. "), step.title.as_ref());
            self.body(step.description.as_ref());
        }
        self.more(finding.steps.len());
    }

    fn causes(&mut self, step: &Step) {
        for cause in step.causes.iter().take(ENTRIES) {
            self.line("", cause.description.as_ref());
            self.timeline(&cause.root_cause_reproduction);
        }
        self.more(step.causes.len());
    }

    fn parts(&mut self, step: &Step) {
        if step.kind.as_deref() == Some("solution") {
            self.line("", step.description.as_ref());
        }
        self.timeline(&step.solution);
    }

    /// What the older shape tells besides its results.
    fn way(&mut self, step: &Step) {
        for insight in step.insights.iter().rev().take(INSIGHTS).rev() {
            self.line("- ", insight.insight.as_ref());
        }
        self.line("Ended early: ", step.termination_reason.as_ref());
        self.line("Being written: ", step.output_stream.as_ref());
    }

    fn timeline(&mut self, items: &[TimelineItem]) {
        for (number, item) in (1..).zip(items.iter().take(ENTRIES)) {
            let place = item.relevant_code_file.as_ref().and_then(place).unwrap_or_default();
            let title = item.title.as_ref().map_or("", Untrusted::expose);
            if !(title.trim().is_empty() && place.is_empty()) {
                self.push(format!("{number}. "), format!("{title}{place}"), false);
            }
            self.body(item.code_snippet_and_analysis.as_ref());
        }
        self.more(items.len());
    }

    fn list(&mut self, heading: &str, items: &[Untrusted], numbered: bool) {
        if items.iter().all(Untrusted::is_blank) {
            return;
        }
        self.push(heading.to_owned(), String::new(), false);
        for (number, item) in (1..).zip(items.iter().take(ENTRIES)) {
            let mark = if numbered { format!("{number}. ") } else { "- ".to_owned() };
            self.line(&mark, Some(item));
        }
        self.more(items.len());
    }

    /// One text on one line.
    fn line(&mut self, before: &str, text: Option<&Untrusted>) {
        if let Some(text) = text.filter(|text| !text.is_blank()) {
            self.push(before.to_owned(), text.expose().trim().to_owned(), false);
        }
    }

    /// A text with its lines.
    fn body(&mut self, text: Option<&Untrusted>) {
        if let Some(text) = text.filter(|text| !text.is_blank()) {
            self.push(String::new(), text.expose().trim_end().to_owned(), true);
        }
    }

    fn more(&mut self, entries: usize) {
        if entries > ENTRIES {
            self.push(format!("… {} more were left out", entries - ENTRIES), String::new(), false);
        }
    }

    fn push(&mut self, before: String, text: String, body: bool) {
        self.0.push(Entry { before, text, body });
    }

    /// Adds a section; also returns whether every text is whole.
    fn write(
        &self,
        answer: &mut Answer,
        name: &'static str,
        priority: Priority,
        heading: &str,
        limit: usize,
    ) -> (Option<Kept<Vec<Said>>>, bool) {
        if self.0.is_empty() {
            return (None, true);
        }
        let mut text = String::new();
        let cut = self.0.iter().filter(|entry| !entry.write(&mut text, limit)).count();
        let mut block = String::new();
        markdown::code_block(&mut block, "", &text);
        let section = answer.section(name, priority);
        let _ = write!(section, "\n## {heading}\n\n{block}");
        let said = self.0.iter().map(|entry| entry.said(limit)).collect();
        (Some(Kept::new(section.mark(), said)), cut == 0)
    }
}

fn place(file: &CodeFile) -> Option<String> {
    let text = |text: &Option<Untrusted>| {
        let text = text.as_ref().filter(|text| !text.is_blank())?;
        Some(markdown::line(text.expose(), 300))
    };
    let path = text(&file.file_path)?;
    Some(match text(&file.repo_name) {
        Some(repo) => format!(" ({path} in {repo})"),
        None => format!(" ({path})"),
    })
}
