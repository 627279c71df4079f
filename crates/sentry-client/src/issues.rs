//! Issues: one, a list, a change, a note. Their events are in another file.
//! Nothing is decided here about who may change an issue or what a change means.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

use crate::{
    Client, Cursor, IssueId, Page, Region, Result, Slug, SlugOrId, Untrusted,
    drift::{self, open_enum},
    route::Route,
};

open_enum! {
    /// Where an issue stands. Sentry shows `resolvedInNextRelease` as `resolved` with a detail.
    pub enum IssueStatus {
        /// Open.
        Unresolved = "unresolved",
        /// Fixed.
        Resolved = "resolved",
        /// Archived; see [`Issue::substatus`] for how long.
        Ignored = "ignored",
        /// Resolved as soon as the next release exists. Only sent, never received.
        ResolvedInNextRelease = "resolvedInNextRelease",
    }
}

open_enum! {
    /// The finer state inside a status.
    pub enum Substatus {
        /// Archived until it happens much more often than expected.
        ArchivedUntilEscalating = "archived_until_escalating",
        /// Archived until a time, a number of events, or a number of users.
        ArchivedUntilConditionMet = "archived_until_condition_met",
        /// Archived for good.
        ArchivedForever = "archived_forever",
        /// Open, and more frequent than expected.
        Escalating = "escalating",
        /// Open for longer than a week.
        Ongoing = "ongoing",
        /// Open again after it was resolved.
        Regressed = "regressed",
        /// Open and first seen within a week.
        New = "new",
    }
}

/// An issue, as lists and single reads return it. Only `id` is certain to be there. What the
/// sender of an event chose, its title for example, is [`Untrusted`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Issue {
    /// The numeric id, as text.
    #[serde(deserialize_with = "drift::id")]
    pub id: String,
    #[serde(default, deserialize_with = "drift::text")]
    short_id: Option<String>,
    /// The headline.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub title: Option<Untrusted>,
    /// Where it happens, in Sentry's words: a transaction or a function.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub culprit: Option<Untrusted>,
    /// The page in Sentry's web interface, as Sentry builds it.
    #[serde(default, deserialize_with = "drift::text")]
    pub permalink: Option<String>,
    /// `fatal`, `error`, `warning`, `info`, `debug`, `sample`.
    #[serde(default, deserialize_with = "drift::text")]
    pub level: Option<String>,
    /// Where it stands.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub status: Option<IssueStatus>,
    /// The finer state; absent for resolved issues and before Sentry 23.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub substatus: Option<Substatus>,
    /// What the status depends on.
    #[serde(default, deserialize_with = "or_default")]
    pub status_details: StatusDetails,
    /// The platform of its events, `python`.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub platform: Option<Untrusted>,
    /// The project it belongs to.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub project: Option<IssueProject>,
    /// The type of its events: `error`, `default`, `csp`, `transaction`, `generic`, …
    #[serde(default, rename = "type", deserialize_with = "drift::text")]
    pub event_type: Option<String>,
    /// `error`, `performance_n_plus_one_db_queries`, `metric_issue`, …
    #[serde(default, deserialize_with = "drift::text")]
    pub issue_type: Option<String>,
    /// `error`, `performance`, `feedback`, `metric`, …
    #[serde(default, deserialize_with = "drift::text")]
    pub issue_category: Option<String>,
    /// What the title was made of.
    #[serde(default, deserialize_with = "or_default")]
    pub metadata: IssueMetadata,
    /// `high`, `medium`, `low`.
    #[serde(default, deserialize_with = "drift::text")]
    pub priority: Option<String>,
    /// Who should look after it.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub assigned_to: Option<Assignee>,
    /// How many events; in a list, within its period.
    #[serde(default, deserialize_with = "drift::count")]
    pub count: Option<u64>,
    /// How many users; in a list, within its period.
    #[serde(default, deserialize_with = "drift::count")]
    pub user_count: Option<u64>,
    /// The time of the first event, ISO 8601; in a list, within its period.
    #[serde(default, deserialize_with = "drift::text")]
    pub first_seen: Option<String>,
    /// The time of the last event, ISO 8601; in a list, within its period.
    #[serde(default, deserialize_with = "drift::text")]
    pub last_seen: Option<String>,
    /// Counts and times since the issue exists; only in lists.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub lifetime: Option<Lifetime>,
    /// The logger's name.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub logger: Option<Untrusted>,
    /// Whether an event of it was not handled by the application.
    #[serde(default, deserialize_with = "drift::flag")]
    pub is_unhandled: Option<bool>,
    /// How many notes people left.
    #[serde(default, deserialize_with = "drift::count")]
    pub num_comments: Option<u64>,
    /// The release it was first seen in; only in single reads.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub first_release: Option<IssueRelease>,
    /// The release it was last seen in; only in single reads.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub last_release: Option<IssueRelease>,
    /// How well an automatic fix is thought to work, 0 to 1.
    #[serde(default, deserialize_with = "drift::number")]
    pub seer_fixability_score: Option<f64>,
}

impl Issue {
    /// The id that people use, `BACKEND-4F`; the numeric id where there is none.
    pub fn short_id(&self) -> &str {
        self.short_id.as_deref().filter(|id| !id.is_empty()).unwrap_or(&self.id)
    }

    /// The slug of the project it belongs to, for the check against a fence.
    pub fn project_slug(&self) -> Option<&str> {
        self.project.as_ref()?.slug.as_deref()
    }
}

/// What the status of an issue depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StatusDetails {
    /// Resolved when the next release exists.
    #[serde(deserialize_with = "drift::flag")]
    pub in_next_release: Option<bool>,
    /// Resolved in this release.
    #[serde(deserialize_with = "drift::maybe")]
    pub in_release: Option<Untrusted>,
    /// Archived until this time, ISO 8601.
    #[serde(deserialize_with = "drift::text")]
    pub ignore_until: Option<String>,
    /// Archived for this many minutes.
    #[serde(deserialize_with = "drift::count")]
    pub ignore_duration: Option<u64>,
    /// Archived until this many more events.
    #[serde(deserialize_with = "drift::count")]
    pub ignore_count: Option<u64>,
    /// The events must fall into this many minutes.
    #[serde(deserialize_with = "drift::count")]
    pub ignore_window: Option<u64>,
    /// Archived until this many more users.
    #[serde(deserialize_with = "drift::count")]
    pub ignore_user_count: Option<u64>,
    /// The users must fall into this many minutes.
    #[serde(deserialize_with = "drift::count")]
    pub ignore_user_window: Option<u64>,
}

/// The project of an issue.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct IssueProject {
    /// The numeric id, as text.
    #[serde(deserialize_with = "drift::text")]
    pub id: Option<String>,
    /// The name in URLs.
    #[serde(deserialize_with = "drift::text")]
    pub slug: Option<String>,
    /// The name for people.
    #[serde(deserialize_with = "drift::text")]
    pub name: Option<String>,
    /// The project's platform, `python-django`.
    #[serde(deserialize_with = "drift::text")]
    pub platform: Option<String>,
}

/// What the title was made of; which fields there are depends on the event type.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct IssueMetadata {
    /// The headline of a performance issue or a message.
    #[serde(deserialize_with = "drift::maybe")]
    pub title: Option<Untrusted>,
    /// The exception's message, or the query pattern.
    #[serde(deserialize_with = "drift::maybe")]
    pub value: Option<Untrusted>,
    /// The exception's type.
    #[serde(rename = "type", deserialize_with = "drift::maybe")]
    pub kind: Option<Untrusted>,
    /// The file of the frame to blame.
    #[serde(deserialize_with = "drift::maybe")]
    pub filename: Option<Untrusted>,
    /// The function of the frame to blame.
    #[serde(deserialize_with = "drift::maybe")]
    pub function: Option<Untrusted>,
    /// The transaction or URL of a performance issue.
    #[serde(deserialize_with = "drift::maybe")]
    pub location: Option<Untrusted>,
}

/// Counts and times since an issue exists.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lifetime {
    /// How many events.
    #[serde(deserialize_with = "drift::count")]
    pub count: Option<u64>,
    /// How many users.
    #[serde(deserialize_with = "drift::count")]
    pub user_count: Option<u64>,
    /// The time of the first event, ISO 8601.
    #[serde(deserialize_with = "drift::text")]
    pub first_seen: Option<String>,
    /// The time of the last event, ISO 8601.
    #[serde(deserialize_with = "drift::text")]
    pub last_seen: Option<String>,
}

/// A release, as an issue mentions it.
#[derive(Clone, Debug, Deserialize)]
pub struct IssueRelease {
    /// The version, `backend@1.4.0`, as the first event of it gave it.
    pub version: Untrusted,
}

/// Who an issue is assigned to: a user, a team, or whatever text an old Sentry gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignee {
    /// `user` or `team`, where known.
    pub kind: Option<String>,
    /// The id of the user or team.
    pub id: Option<String>,
    /// The name of the user, or the slug of the team.
    pub name: Option<String>,
    /// The user's address.
    pub email: Option<String>,
}

impl<'de> Deserialize<'de> for Assignee {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Assignee, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Shape<'a> {
            Text(#[serde(borrow)] Cow<'a, str>),
            Actor {
                #[serde(default, rename = "type", deserialize_with = "drift::text")]
                kind: Option<String>,
                #[serde(default, deserialize_with = "drift::text")]
                id: Option<String>,
                #[serde(default, deserialize_with = "drift::text")]
                name: Option<String>,
                #[serde(default, deserialize_with = "drift::text")]
                email: Option<String>,
            },
        }
        Ok(match Shape::deserialize(deserializer)? {
            Shape::Text(name) => Assignee { name: Some(name.into_owned()), ..Assignee::default() },
            Shape::Actor { kind, id, name, email } => Assignee { kind, id, name, email },
        })
    }
}

/// What [`Client::list_issues`] asks for.
#[derive(Clone, Debug)]
pub struct ListIssues<'a> {
    /// Sentry's search syntax; empty means every issue.
    pub query: &'a str,
    /// `date`, `freq`, `new`, `user`, `recommended`, …
    pub sort: &'a str,
    /// A number and a unit, `30d`; Sentry's own default applies when absent.
    pub period: Option<&'a str>,
    /// Only this project. A slug is understood by recent Sentrys only, an id by all.
    pub project: Option<&'a SlugOrId>,
    /// How many issues on the page, 1 to 100.
    pub limit: u32,
    /// Where the page starts.
    pub cursor: Option<&'a Cursor>,
}

/// What [`Client::update_issue`] changes; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateIssue {
    /// The new status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<IssueStatus>,
    /// The new finer state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub substatus: Option<Substatus>,
    /// `user:ID`, `team:ID_OR_SLUG`, a user name, or an address; empty for nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assigned_to: Option<String>,
    /// Archive for this many minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_duration: Option<u32>,
    /// Archive until this many more events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_count: Option<u32>,
    /// The events must fall into this many minutes, at most 10,080.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_window: Option<u32>,
    /// Archive until this many more users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_user_count: Option<u32>,
    /// The users must fall into this many minutes, at most 10,080.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_user_window: Option<u32>,
}

impl Client {
    /// `GET /api/0/organizations/{org}/issues/{issue}/`
    pub async fn get_issue(
        &self,
        org: &Slug,
        issue: &IssueId,
        region: Option<&Region>,
    ) -> Result<Issue> {
        self.get(issue_route(org, issue)).in_region(region).json().await
    }

    /// `GET /api/0/organizations/{org}/issues/`
    pub async fn list_issues(
        &self,
        org: &Slug,
        params: &ListIssues<'_>,
        region: Option<&Region>,
    ) -> Result<Page<Issue>> {
        let limit = params.limit.to_string();
        // `unhandled` costs Sentry a query of its own, and no list shows it.
        let fixed = [
            ("query", params.query),
            ("sort", params.sort),
            ("limit", limit.as_str()),
            ("collapse", "unhandled"),
        ];
        self.get(Route::organization(org).seg("issues"))
            .query(&fixed)
            .query_opt("statsPeriod", params.period)
            .query_opt("project", params.project.map(SlugOrId::as_str))
            .query_opt("cursor", params.cursor.map(Cursor::as_str))
            .in_region(region)
            .page()
            .await
    }

    /// `PUT /api/0/organizations/{org}/issues/{issue}/`
    ///
    /// The answer is not read: what came of it is for [`Client::get_issue`] to say.
    pub async fn update_issue(
        &self,
        org: &Slug,
        issue: &IssueId,
        change: &UpdateIssue,
        region: Option<&Region>,
    ) -> Result<()> {
        self.put(issue_route(org, issue)).body(change).in_region(region).done().await
    }

    /// `POST /api/0/organizations/{org}/issues/{issue}/notes/`
    pub async fn add_note(
        &self,
        org: &Slug,
        issue: &IssueId,
        text: &str,
        region: Option<&Region>,
    ) -> Result<()> {
        #[derive(Serialize)]
        struct Note<'a> {
            text: &'a str,
        }
        let route = issue_route(org, issue).seg("notes");
        self.post(route).body(&Note { text }).in_region(region).done().await
    }
}

/// An issue's address; also the start of the addresses of its events.
pub(crate) fn issue_route<'a>(org: &'a Slug, issue: &IssueId) -> Route<'a> {
    Route::organization(org).seg("issues").seg(issue.as_str())
}

/// Anything; what cannot be read as a `T` is its default, and does not fail the rest.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + DeserializeOwned,
{
    Ok(drift::maybe(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn issue(json: &str) -> Issue {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn an_issue_needs_nothing_but_its_id() {
        let bare = issue(r#"{"id": 42}"#);
        assert_eq!((bare.id.as_str(), bare.short_id(), bare.project_slug()), ("42", "42", None));
        let null = issue(
            r#"{"id": "42", "shortId": null, "title": null, "status": null, "statusDetails": null,
                "project": null, "metadata": null, "assignedTo": null, "count": null}"#,
        );
        assert_eq!(null.short_id(), "42");
        assert!(null.status.is_none() && null.assigned_to.is_none() && null.count.is_none());
        assert!(serde_json::from_str::<Issue>(r#"{"shortId": "API-1"}"#).is_err());
    }

    #[test]
    fn a_field_of_another_type_is_left_out_alone() {
        let drifted = issue(
            r#"{"id": "42", "shortId": "", "title": ["x"], "status": {"name": "resolved"},
                "statusDetails": [], "project": "api", "metadata": "x", "assignedTo": 3,
                "count": "many", "userCount": "7", "level": "fatal"}"#,
        );
        assert_eq!(drifted.short_id(), "42");
        assert!(drifted.title.is_none() && drifted.status.is_none() && drifted.project.is_none());
        assert_eq!(drifted.status_details, StatusDetails::default());
        assert_eq!((drifted.count, drifted.user_count), (None, Some(7)));
        assert_eq!(drifted.level.as_deref(), Some("fatal"));
    }

    #[test]
    fn an_unknown_status_is_kept() {
        let odd = issue(r#"{"id": 1, "status": "snoozed", "substatus": "napping"}"#);
        assert_eq!(odd.status, Some(IssueStatus::Other("snoozed".to_owned())));
        assert_eq!(odd.substatus.map(|state| state.to_string()).as_deref(), Some("napping"));
    }

    #[test]
    fn an_assignee_is_text_or_an_actor() {
        let text = issue(r#"{"id": 1, "assignedTo": "back\"end"}"#).assigned_to.unwrap();
        assert_eq!(text.name.as_deref(), Some("back\"end"));
        let actor = issue(r#"{"id": 1, "assignedTo": {"type": "team", "id": 3, "name": null}}"#);
        let expected =
            Assignee { kind: Some("team".into()), id: Some("3".into()), ..Assignee::default() };
        assert_eq!(actor.assigned_to, Some(expected));
    }

    #[test]
    fn a_change_holds_only_what_changes() {
        let change = UpdateIssue {
            status: Some(IssueStatus::ResolvedInNextRelease),
            assigned_to: Some("user:7".to_owned()),
            ..UpdateIssue::default()
        };
        let expected = json!({ "status": "resolvedInNextRelease", "assignedTo": "user:7" });
        assert_eq!(serde_json::to_value(&change).unwrap(), expected);
    }
}
