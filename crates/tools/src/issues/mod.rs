//! Issues.

use crate::catalog::Toolset;

pub(crate) mod get_issue_details;
pub(crate) mod search_issues;
pub(crate) mod update_issue;

pub(crate) const ISSUES: Toolset = Toolset {
    name: "issues",
    tools: &[
        &search_issues::SearchIssues,
        &get_issue_details::GetIssueDetails,
        &update_issue::UpdateIssue,
    ],
};
