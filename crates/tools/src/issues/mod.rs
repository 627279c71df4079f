//! Issues.

use crate::catalog::Toolset;

mod get_issue_details;
mod search_issues;
mod update_issue;

pub(crate) const ISSUES: Toolset = Toolset {
    name: "issues",
    tools: &[
        &search_issues::SearchIssues,
        &get_issue_details::GetIssueDetails,
        &update_issue::UpdateIssue,
    ],
};
