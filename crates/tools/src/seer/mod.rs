//! Seer, Sentry's AI analysis.

use crate::catalog::Toolset;

pub(crate) mod analyze_issue_with_seer;

pub(crate) const SEER: Toolset =
    Toolset { name: "seer", tools: &[&analyze_issue_with_seer::AnalyzeIssueWithSeer] };
