//! What is known about one issue as a whole: the list of facts above its event. It says
//! nothing about single events, and offers no next step.

use std::fmt::{Display, Write as _};

use jiff::Timestamp;
use sentry_client::issues::Issue;

use super::{issue, markdown};
use crate::issue_details::page::{Page, Part};

/// Appends the facts. `url` is the issue's page.
pub(crate) fn facts(page: &mut Page, of: &Issue, url: &str, now: Timestamp) {
    let brief = page.is_brief();
    let Some(section) = page.part(Part::Facts) else { return };
    let mut text = String::with_capacity(1_024);
    text.push('\n');
    let out = &mut text;
    headline(out, of, brief);
    let seen = |at: &Option<String>| at.as_deref().map(|at| issue::time(at, now));
    if !brief {
        fact(out, "First seen", seen(&of.first_seen));
    }
    fact(out, "Last seen", seen(&of.last_seen));
    fact(out, "Events", of.count);
    fact(out, "Users affected", of.user_count);
    fact(out, "Status", Some(issue::status(of)));
    fact(out, "Assigned to", Some(issue::assignee(of.assigned_to.as_ref())));
    fact(out, "Level", word(of.level.as_deref()));
    if !brief {
        fact(out, "Priority", word(of.priority.as_deref()));
        fact(out, "Issue type", word(of.issue_type.as_deref()));
        fact(out, "Issue category", word(of.issue_category.as_deref()));
        fact(out, "Actionability", of.seer_fixability_score.map(actionability));
        fact(out, "Platform", word(of.platform.as_deref()));
        let release = |release: &Option<sentry_client::issues::IssueRelease>| {
            release.as_ref().map(|release| markdown::code(&release.version, 250))
        };
        fact(out, "First release", release(&of.first_release));
        fact(out, "Last release", release(&of.last_release));
    }
    if let Some(project) = &of.project {
        let slug = project.slug.as_deref().map(|slug| markdown::code(slug, 100));
        fact(out, "Project", slug.or_else(|| word(project.name.as_deref())));
    }
    fact(out, "URL", Some(url));
    section.push(&text);
}

/// The title and the place. Issues about performance keep theirs in the metadata.
fn headline(out: &mut String, of: &Issue, brief: bool) {
    let limit = if brief { 120 } else { 300 };
    let metadata = &of.metadata;
    let performance = of.issue_category.as_deref() == Some("performance")
        || of.issue_type.as_deref().is_some_and(|kind| kind.starts_with("performance_"));
    let title = metadata.title.as_deref().filter(|title| performance && !title.trim().is_empty());
    let title = title.map_or_else(|| issue::title(of), str::to_owned);
    fact(out, "Title", Some(markdown::code(&title, limit)));
    if performance {
        fact(out, "Location", code(metadata.location.as_deref(), limit));
        fact(out, "Query pattern", code(metadata.value.as_deref(), limit));
    } else {
        fact(out, "Culprit", code(of.culprit.as_deref(), limit));
    }
}

fn fact(out: &mut String, name: &str, value: Option<impl Display>) {
    if let Some(value) = value {
        let _ = writeln!(out, "- {name}: {value}");
    }
}

fn code(text: Option<&str>, limit: usize) -> Option<String> {
    text.filter(|text| !text.trim().is_empty()).map(|text| markdown::code(text, limit))
}

/// A word of Sentry's vocabulary, which may be a new one.
fn word(text: Option<&str>) -> Option<String> {
    text.map(|text| markdown::line(text, 80)).filter(|text| !text.is_empty())
}

/// How well an automatic fix is thought to work, in Sentry's five steps.
fn actionability(score: f64) -> &'static str {
    match score {
        score if score > 0.76 => "super high",
        score if score > 0.66 => "high",
        score if score > 0.4 => "medium",
        score if score > 0.25 => "low",
        _ => "super low",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::issue_details::page::Depth;

    fn shown(value: &serde_json::Value) -> String {
        let mut page = Page::new(Depth::Normal, &[]).unwrap();
        let issue = serde_json::from_str(&value.to_string()).unwrap();
        facts(&mut page, &issue, "https://acme.sentry.io/issues/1/", Timestamp::UNIX_EPOCH);
        page.finish("get_issue_details", None).into_string().trim_start().to_owned()
    }

    #[test]
    fn a_performance_issue_shows_location_and_pattern_instead_of_a_culprit() {
        insta::assert_snapshot!(
            shown(&json!({
                "id": 1, "title": "N+1 Query", "culprit": "/checkout", "issueCategory": "performance",
                "issueType": "performance_n_plus_one_db_queries", "level": "info",
                "seerFixabilityScore": 0.7, "project": { "slug": "api", "name": "API" },
                "firstRelease": { "version": "api@1.0.0" }, "status": "unresolved", "substatus": "regressed",
                "metadata": { "title": "N+1 Query", "location": "/checkout", "value": "SELECT `x` FROM y" },
            })),
            @r"
        - Title: `N+1 Query`
        - Location: `/checkout`
        - Query pattern: `` SELECT `x` FROM y ``
        - Status: unresolved (regressed)
        - Assigned to: nobody
        - Level: info
        - Issue type: performance_n_plus_one_db_queries
        - Issue category: performance
        - Actionability: high
        - First release: `api@1.0.0`
        - Project: `api`
        - URL: https://acme.sentry.io/issues/1/
        "
        );
    }

    #[test]
    fn an_issue_with_nothing_but_an_id_has_no_empty_facts() {
        insta::assert_snapshot!(shown(&json!({ "id": 1, "culprit": " ", "platform": "" })), @r"
        - Title: `(no title)`
        - Status: unknown
        - Assigned to: nobody
        - URL: https://acme.sentry.io/issues/1/
        ");
    }
}
