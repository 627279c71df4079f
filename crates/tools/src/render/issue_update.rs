//! The answer of `update_issue`: the state before, the state that was read back, and what did
//! not come true. It changes nothing.

use std::fmt::Write as _;

use sentry_client::issues::{Issue, UpdateIssue as Change};

use crate::{
    issue_address::IssueAddress,
    issue_change::{Status, Wish, lost_assignee},
    render::{
        issue::{assignee, status, title},
        markdown,
    },
    tool::Context,
};

/// What came of a call.
pub(crate) enum Outcome {
    /// Everything was as asked; nothing was sent.
    Same,
    /// Sentry has this state now.
    Changed(Box<Issue>),
    /// Sentry accepted the change, but its state could not be read.
    Unread(sentry_client::Error),
}

/// A call that went well: what was wanted, what was sent, and what Sentry had before.
pub(crate) struct Report<'a> {
    pub(crate) cx: &'a Context<'a>,
    pub(crate) address: &'a IssueAddress,
    pub(crate) wish: &'a Wish,
    pub(crate) change: &'a Change,
    pub(crate) before: &'a Issue,
    /// The tool that shows the whole issue, if the caller can call it.
    pub(crate) details: Option<&'static str>,
}

impl Report<'_> {
    /// The answer. `note` is what became of the comment, if there was one.
    pub(crate) fn render(
        &self,
        outcome: &Outcome,
        note: Option<&Result<(), sentry_client::Error>>,
    ) -> String {
        let now = if let Outcome::Changed(after) = outcome { after } else { self.before };
        let id = markdown::code(now.short_id(), 80);
        let unmet = match outcome {
            Outcome::Changed(after) => self.unmet(after),
            Outcome::Same | Outcome::Unread(_) => None,
        };
        let heading = match (outcome, unmet) {
            (Outcome::Same, _) => "already as asked",
            (Outcome::Changed(_), None) => "updated",
            (Outcome::Changed(_), Some(_)) | (Outcome::Unread(_), _) => "update accepted",
        };
        let organization = &self.address.organization;
        let mut out = format!("# Issue {id} in `{organization}`: {heading}\n\n");
        let _ = writeln!(
            out,
            "{}\n{}\n",
            title(now),
            self.cx.sentry.site().issue_url(organization, &now.id)
        );
        self.write_states(&mut out, outcome);
        match (unmet, outcome) {
            (Some(what), _) => {
                let _ = writeln!(out, "\nSentry took it, but shows another {what} than asked.");
            }
            (None, Outcome::Unread(_)) => {}
            (None, _) => out.push_str(meaning(self.wish)),
        }
        match note {
            Some(Ok(())) => out.push_str("\nThe reason was posted as a comment.\n"),
            Some(Err(err)) => {
                let problem = markdown::line(&err.kind().to_string(), 300);
                let _ = writeln!(out, "\nThe reason could not be posted as a comment: {problem}.");
            }
            None => {}
        }
        if let Some(details) = self.details {
            let _ = writeln!(out, "\nNext: `{details}` with `issueId` {id} shows the whole issue.");
        }
        out
    }

    /// What Sentry shows otherwise than asked, as far as that can be told.
    fn unmet(&self, after: &Issue) -> Option<&'static str> {
        if !self.wish.has_status(after) {
            return Some("status");
        }
        lost_assignee(self.change, after).then_some("assignee")
    }

    fn write_states(&self, out: &mut String, outcome: &Outcome) {
        let states = |issue: &Issue| (status(issue), assignee(issue.assigned_to.as_ref()));
        let (old_status, old_assignee) = states(self.before);
        let _ = match outcome {
            Outcome::Same => writeln!(
                out,
                "Nothing was changed. Sentry's present state:\n\n\
                 - Status: {old_status}\n- Assigned to: {old_assignee}"
            ),
            Outcome::Changed(after) => {
                let (new_status, new_assignee) = states(after);
                writeln!(
                    out,
                    "Read back from Sentry after the change:\n\n\
                     - Status: {}\n- Assigned to: {}",
                    arrow(&old_status, &new_status),
                    arrow(&old_assignee, &new_assignee)
                )
            }
            Outcome::Unread(err) => writeln!(
                out,
                "The state afterwards could not be read ({}). Before, it was: {old_status}, \
                 assigned to {old_assignee}.",
                markdown::line(&err.kind().to_string(), 300)
            ),
        };
    }
}

fn arrow(old: &str, new: &str) -> String {
    if old == new { format!("{new} (unchanged)") } else { format!("{old} → {new}") }
}

/// What the status does from now on.
fn meaning(wish: &Wish) -> &'static str {
    match wish.status {
        Some(Status::Resolved) => "\nA new event reopens it as a regression.\n",
        Some(Status::ResolvedInNextRelease) => {
            "\nAn event in the next release or a later one reopens it; older releases do not.\n"
        }
        Some(Status::Ignored) => {
            "\nIts events are still stored, but it is out of the default list.\n"
        }
        Some(Status::Unresolved) | None => "",
    }
}
