//! Words about an issue that several tools share: status, assignee, times, and the
//! entry in a list. It neither asks Sentry nor reads a clock.

use std::fmt::Write as _;

use jiff::Timestamp;
use schemars::JsonSchema;
use sentry_client::{
    Untrusted,
    issues::{Assignee, Issue, IssueStatus},
};
use serde::Serialize;

use super::markdown;
use crate::{answer::Stranger, ignore::Ignore};

/// One issue of a list, as data.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IssueEntry {
    id: String,
    short_id: String,
    title: Stranger,
    url: String,
    /// In words, with what it depends on.
    status: String,
    level: Option<String>,
    category: Option<String>,
    priority: Option<String>,
    /// With what another call needs to name them.
    assigned_to: String,
    /// In the period that was searched.
    events: Option<u64>,
    users: Option<u64>,
    events_in_all: Option<u64>,
    users_in_all: Option<u64>,
    first_seen: Option<String>,
    last_seen: Option<String>,
    culprit: Option<Stranger>,
    project: Option<String>,
}

impl IssueEntry {
    pub(crate) fn of(issue: &Issue, url: String) -> IssueEntry {
        let lifetime = issue.lifetime.as_ref();
        IssueEntry {
            id: issue.id.clone(),
            short_id: issue.short_id().to_owned(),
            title: Stranger::new(title(issue)),
            url,
            status: status(issue),
            level: issue.level.clone(),
            category: issue.issue_category.clone(),
            priority: issue.priority.clone(),
            assigned_to: assignee(issue.assigned_to.as_ref()),
            events: issue.count,
            users: issue.user_count,
            events_in_all: lifetime.and_then(|all| all.count),
            users_in_all: lifetime.and_then(|all| all.user_count),
            first_seen: first_seen(issue).cloned(),
            last_seen: last_seen(issue).cloned(),
            culprit: Stranger::some(issue.culprit.as_ref().map(Untrusted::expose), 200),
            project: issue.project_slug().map(str::to_owned),
        }
    }
}

// A list's times may be those within its period; the lifetime's are always right.
fn first_seen(issue: &Issue) -> Option<&String> {
    let lifetime = issue.lifetime.as_ref();
    lifetime.and_then(|all| all.first_seen.as_ref()).or(issue.first_seen.as_ref())
}

fn last_seen(issue: &Issue) -> Option<&String> {
    let lifetime = issue.lifetime.as_ref();
    lifetime.and_then(|all| all.last_seen.as_ref()).or(issue.last_seen.as_ref())
}

/// The status in words: `unresolved (ongoing)`, `ignored until it escalates`.
pub(crate) fn status(issue: &Issue) -> String {
    let details = &issue.status_details;
    match &issue.status {
        None => "unknown".to_owned(),
        Some(IssueStatus::Resolved) if details.in_next_release == Some(true) => {
            "resolved in the next release".to_owned()
        }
        Some(IssueStatus::Resolved) => match &details.in_release {
            Some(release) => {
                format!("resolved in release {}", markdown::code(release.expose(), 120))
            }
            None => "resolved".to_owned(),
        },
        Some(IssueStatus::Ignored) => match Ignore::of(issue) {
            Some(ignore) => format!("ignored {ignore}"),
            None => "ignored".to_owned(),
        },
        Some(status) => {
            let status = markdown::line(status.as_str(), 40);
            match &issue.substatus {
                Some(finer) => format!("{status} ({})", markdown::line(finer.as_str(), 40)),
                None => status,
            }
        }
    }
}

/// Who looks after an issue, with what another call needs to name them; `nobody` if none.
pub(crate) fn assignee(assignee: Option<&Assignee>) -> String {
    let Some(Assignee { kind, id, name, email }) = assignee else { return "nobody".to_owned() };
    let shown = name.as_deref().or(email.as_deref()).filter(|name| !name.trim().is_empty());
    let mut text = match (shown, kind.as_deref()) {
        (Some(name), Some("team")) => format!("team {}", markdown::line(name, 80)),
        (Some(name), _) => markdown::line(name, 80),
        (None, _) => String::new(),
    };
    if let (Some(kind), Some(id)) = (kind, id) {
        let id = markdown::code(&format!("{kind}:{id}"), 80);
        let _ = if text.is_empty() { write!(text, "{id}") } else { write!(text, " ({id})") };
    }
    if text.is_empty() { "somebody".to_owned() } else { text }
}

/// The headline of an issue, on one line.
pub(crate) fn title(issue: &Issue) -> String {
    let metadata = &issue.metadata;
    let title = issue.title.as_ref().or(metadata.title.as_ref()).or(metadata.value.as_ref());
    match title.map(|title| markdown::line(title.expose(), 200)).filter(|title| !title.is_empty()) {
        Some(title) => title,
        None => "(no title)".to_owned(),
    }
}

/// A time of Sentry in UTC, and how long ago that was if it is less than 30 days.
pub(crate) fn time(text: &str, now: Timestamp) -> String {
    let Ok(then) = text.trim().parse::<Timestamp>() else { return markdown::line(text, 40) };
    let absolute = then.strftime("%Y-%m-%dT%H:%M:%SZ");
    let minutes = (now.as_second() - then.as_second()) / 60;
    let (count, unit) = match minutes {
        0 => return format!("{absolute} (just now)"),
        1..60 => (minutes, "minute"),
        60..1440 => (minutes / 60, "hour"),
        1440..43200 => (minutes / 1440, "day"),
        // In the future, or too long ago for a count of days to help.
        _ => return absolute.to_string(),
    };
    format!("{absolute} ({count} {unit}{} ago)", if count == 1 { "" } else { "s" })
}

/// One entry of a numbered list. `url` is the issue's page.
pub(crate) fn entry(number: usize, issue: &Issue, url: &str, now: Timestamp) -> String {
    let id = markdown::line(issue.short_id(), 80);
    let mut out = format!("{number}. [{id}]({url}): {}\n", title(issue));
    let mut facts = vec![status(issue)];
    if let Some(level) = &issue.level {
        facts.push(format!("level {}", markdown::line(level, 20)));
    }
    if let Some(category) = issue.issue_category.as_deref().filter(|category| *category != "error")
    {
        facts.push(format!("category {}", markdown::line(category, 40)));
    }
    if let Some(priority) = &issue.priority {
        facts.push(format!("{} priority", markdown::line(priority, 20)));
    }
    facts.push(format!("assigned to {}", assignee(issue.assigned_to.as_ref())));
    let _ = writeln!(out, "   - {}", facts.join(", "));

    let lifetime = issue.lifetime.as_ref();
    let mut seen = Vec::new();
    seen.extend(counted(issue.count, lifetime.and_then(|all| all.count), "event"));
    seen.extend(counted(issue.user_count, lifetime.and_then(|all| all.user_count), "user"));
    seen.extend(first_seen(issue).map(|first| format!("first seen {}", time(first, now))));
    seen.extend(last_seen(issue).map(|last| format!("last seen {}", time(last, now))));
    if !seen.is_empty() {
        let _ = writeln!(out, "   - {}", seen.join(", "));
    }

    let mut place = Vec::new();
    if let Some(culprit) = issue.culprit.as_ref().filter(|culprit| !culprit.is_blank()) {
        place.push(format!("in {}", markdown::code(culprit.expose(), 200)));
    }
    if let Some(project) = issue.project_slug() {
        place.push(format!("project {}", markdown::code(project, 100)));
    }
    if !place.is_empty() {
        let _ = writeln!(out, "   - {}", place.join(", "));
    }
    out
}

/// `3 events`, or `3 events (12 in all)` where a list counts only its period.
fn counted(count: Option<u64>, all: Option<u64>, noun: &str) -> Option<String> {
    let count = count.or(all)?;
    let plural = if count == 1 { "" } else { "s" };
    Some(match all.filter(|all| *all != count) {
        Some(all) => format!("{count} {noun}{plural} ({all} in all)"),
        None => format!("{count} {noun}{plural}"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn issue(value: &Value) -> Issue {
        serde_json::from_str(&value.to_string()).unwrap()
    }

    fn noon() -> Timestamp {
        "2026-03-02T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_status_says_what_it_depends_on() {
        let table = [
            (json!({ "status": "unresolved", "substatus": "ongoing" }), "unresolved (ongoing)"),
            (json!({ "status": "unresolved" }), "unresolved"),
            (
                json!({ "status": "resolved", "statusDetails": { "inNextRelease": true } }),
                "resolved in the next release",
            ),
            (
                json!({ "status": "resolved", "statusDetails": { "inRelease": "api@1" } }),
                "resolved in release `api@1`",
            ),
            (json!({ "status": "ignored", "substatus": "archived_forever" }), "ignored forever"),
            (json!({ "status": "pending_merge" }), "pending_merge"),
            (json!({ "status": null }), "unknown"),
        ];
        for (mut value, expected) in table {
            value["id"] = json!(1);
            assert_eq!(status(&issue(&value)), expected);
        }
    }

    #[test]
    fn an_assignee_is_named_in_every_shape() {
        let table = [
            (json!(null), "nobody"),
            (json!("backend"), "backend"),
            (json!({ "type": "user", "id": 7, "name": "member" }), "member (`user:7`)"),
            (
                json!({ "type": "user", "id": "7", "email": "member@example.test" }),
                "member@example.test (`user:7`)",
            ),
            (json!({ "type": "team", "id": "3", "name": "backend" }), "team backend (`team:3`)"),
            (json!({ "type": "team", "id": "3" }), "`team:3`"),
            (json!({}), "somebody"),
        ];
        for (value, expected) in table {
            let issue = issue(&json!({ "id": 1, "assignedTo": value }));
            assert_eq!(assignee(issue.assigned_to.as_ref()), expected);
        }
    }

    #[test]
    fn a_time_is_absolute_and_relative_while_it_is_near() {
        let table = [
            ("2026-03-02T11:59:30.123456Z", "2026-03-02T11:59:30Z (just now)"),
            ("2026-03-02T11:59:00Z", "2026-03-02T11:59:00Z (1 minute ago)"),
            ("2026-03-02T08:30:00+00:00", "2026-03-02T08:30:00Z (3 hours ago)"),
            ("2026-02-20T12:00:00Z", "2026-02-20T12:00:00Z (10 days ago)"),
            ("2025-03-02T12:00:00Z", "2025-03-02T12:00:00Z"),
            ("2027-03-02T12:00:00Z", "2027-03-02T12:00:00Z"),
            ("yesterday\n# heading", "yesterday # heading"),
        ];
        for (text, expected) in table {
            assert_eq!(time(text, noon()), expected);
        }
    }

    #[test]
    fn an_entry_with_nothing_but_an_id_is_still_an_entry() {
        let url = "https://acme.sentry.io/issues/42/";
        let out = entry(1, &issue(&json!({ "id": 42 })), url, noon());
        insta::assert_snapshot!(out, @r"
        1. [42](https://acme.sentry.io/issues/42/): (no title)
           - unknown, assigned to nobody
        ");
    }
}
