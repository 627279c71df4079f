//! What Seer found out about an issue, in a line or two. The whole analysis is shown by its
//! own tool.

use std::fmt::Write as _;

use sentry_client::seer::{Analysis, State};

use super::markdown;
use crate::{
    answer::{Kept, Stranger},
    issue_details::{
        data::SeerFacts,
        page::{Page, Part},
    },
};

const LIMIT: usize = 500;

/// Appends the state and the finding. `tool` shows the rest, if the caller can call it.
pub(crate) fn summary(page: &mut Page, analysis: &Analysis, tool: Option<&str>) {
    let Some(section) = page.part(Part::Seer) else { return };
    let _ = writeln!(section, "\n### Seer analysis\n");
    let status = analysis.status.as_deref().unwrap_or_default();
    let state = match analysis.state() {
        State::Running => "in progress".to_owned(),
        State::Completed => "completed".to_owned(),
        State::Failed => "failed".to_owned(),
        State::Cancelled => "canceled".to_owned(),
        State::AwaitingInput => "waits for an answer of a person".to_owned(),
        State::NeedsInformation => "needs more information".to_owned(),
        State::Unknown if status.trim().is_empty() => "unknown".to_owned(),
        State::Unknown => markdown::code(status, 40),
    };
    let _ = writeln!(section, "- State: {state}");
    if let Some(run) = &analysis.run_id {
        let _ = writeln!(section, "- Run: {}", markdown::code(run, 40));
    }
    let finding = finding(analysis).filter(|_| analysis.state() != State::Running);
    if let Some((what, text)) = finding {
        let text = markdown::code(text, LIMIT);
        let _ = writeln!(section, "- {what}, written by an AI: {text}");
    }
    if let Some(tool) = tool {
        let _ = writeln!(section, "- The whole analysis: `{tool}`");
    }
    let mark = section.mark();
    page.tell(|data| {
        let seer = SeerFacts {
            state,
            run_id: analysis.run_id.clone(),
            what: finding.map(|(what, _)| what),
            finding: finding.map(|(_, text)| Stranger::clipped(text, LIMIT)),
            tool: tool.map(str::to_owned),
        };
        data.seer = Some(Kept::new(mark, seer));
    });
}

/// The solution, or else the cause; the last of each counts.
fn finding(analysis: &Analysis) -> Option<(&'static str, &str)> {
    let artifact = |key: &str| {
        let artifacts = analysis.blocks.iter().rev().flat_map(|block| block.artifacts.iter().rev());
        artifacts.filter(|one| one.key.as_deref() == Some(key)).find_map(|one| one.data.as_ref())
    };
    let step =
        |kind: &str| analysis.steps.iter().rev().find(|step| step.kind.as_deref() == Some(kind));
    let solution = artifact("solution")
        .and_then(|data| data.one_line_summary.as_ref())
        .or_else(|| step("solution")?.description.as_ref())
        .or_else(|| step("solution")?.solution.first()?.title.as_ref());
    let cause = artifact("root_cause")
        .and_then(|data| data.one_line_description.as_ref())
        .or_else(|| step("root_cause_analysis")?.causes.first()?.description.as_ref());
    let told = [("Solution", solution), ("Root cause", cause)];
    told.into_iter().find_map(|(what, text)| {
        text.filter(|text| !text.is_blank()).map(|text| (what, text.expose()))
    })
}
