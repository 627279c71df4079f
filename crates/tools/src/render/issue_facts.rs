//! What is known about one issue as a whole: the list of facts above its event. It says
//! nothing about single events, and offers no next step.

use std::fmt::{Display, Write as _};

use jiff::Timestamp;
use sentry_client::{
    Untrusted,
    issues::{Issue, IssueRelease},
};

use super::{issue, markdown};
use crate::{
    answer::{Kept, Stranger},
    issue_details::{
        data::IssueFacts,
        page::{Page, Part},
    },
};

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
        fact(out, "Platform", word(of.platform.as_ref().map(Untrusted::expose)));
        let release = |release: &Option<IssueRelease>| {
            version(release.as_ref()).map(|version| markdown::code(version.expose(), 250))
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
    let mark = section.mark();
    page.tell(|data| data.issue = Some(Kept::new(mark, as_data(of, url, brief))));
}

/// The same as data.
fn as_data(of: &Issue, url: &str, brief: bool) -> IssueFacts {
    let full = |text: &Option<String>| text.clone().filter(|_| !brief);
    let metadata = &of.metadata;
    let performance = is_performance(of);
    let culprit = if performance { &metadata.location } else { &of.culprit };
    let limit = limit(brief);
    let stranger = |text: Option<&Untrusted>| Stranger::some(text.map(Untrusted::expose), limit);
    let pattern = metadata.value.as_ref().filter(|_| performance);
    let release =
        |release: &Option<IssueRelease>| stranger(version(release.as_ref()).filter(|_| !brief));
    let project = of.project.as_ref();
    IssueFacts {
        id: of.id.clone(),
        url: url.to_owned(),
        title: Stranger::clipped(&headline_of(of), limit),
        culprit: stranger(culprit.as_ref()),
        query_pattern: stranger(pattern),
        status: issue::status(of),
        assigned_to: issue::assignee(of.assigned_to.as_ref()),
        level: of.level.clone(),
        priority: full(&of.priority),
        kind: full(&of.issue_type),
        category: full(&of.issue_category),
        actionability: of.seer_fixability_score.filter(|_| !brief).map(actionability),
        platform: stranger(of.platform.as_ref()).filter(|_| !brief),
        project: project.and_then(|project| project.slug.clone().or(project.name.clone())),
        events: of.count,
        users: of.user_count,
        first_seen: full(&of.first_seen),
        last_seen: of.last_seen.clone(),
        first_release: release(&of.first_release),
        last_release: release(&of.last_release),
    }
}

fn is_performance(of: &Issue) -> bool {
    of.issue_category.as_deref() == Some("performance")
        || of.issue_type.as_deref().is_some_and(|kind| kind.starts_with("performance_"))
}

/// The longest title, culprit, and the like, in characters.
fn limit(brief: bool) -> usize {
    if brief { 120 } else { 300 }
}

fn headline_of(of: &Issue) -> String {
    let title = of.metadata.title.as_ref();
    let title = title.filter(|title| is_performance(of) && !title.is_blank());
    title.map_or_else(|| issue::title(of), |title| title.expose().to_owned())
}

/// The title and the place. Issues about performance keep theirs in the metadata.
fn headline(out: &mut String, of: &Issue, brief: bool) {
    let limit = limit(brief);
    let metadata = &of.metadata;
    fact(out, "Title", Some(markdown::code(&headline_of(of), limit)));
    if is_performance(of) {
        fact(out, "Location", code(metadata.location.as_ref(), limit));
        fact(out, "Query pattern", code(metadata.value.as_ref(), limit));
    } else {
        fact(out, "Culprit", code(of.culprit.as_ref(), limit));
    }
}

fn fact(out: &mut String, name: &str, value: Option<impl Display>) {
    if let Some(value) = value {
        let _ = writeln!(out, "- {name}: {value}");
    }
}

fn code(text: Option<&Untrusted>, limit: usize) -> Option<String> {
    text.filter(|text| !text.is_blank()).map(|text| markdown::code(text.expose(), limit))
}

/// The version of a release that has one.
fn version(release: Option<&IssueRelease>) -> Option<&Untrusted> {
    release.map(|release| &release.version).filter(|version| !version.is_blank())
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
        page.finish("get_issue_details", None).0.into_string().trim_start().to_owned()
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
