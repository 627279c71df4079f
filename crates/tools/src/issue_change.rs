//! What a caller wants of an issue, and which fields of it that changes. It asks Sentry
//! for nothing; how long an issue stays archived is in [`crate::ignore`].

use schemars::JsonSchema;
use sentry_client::issues::{Assignee, Issue, IssueStatus, UpdateIssue};
use serde::Deserialize;

use crate::{
    error::{Error, Result},
    ignore::{Ignore, IgnoreOptions},
};

/// The status that a caller asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline, description = "")]
pub(crate) enum Status {
    Resolved,
    ResolvedInNextRelease,
    Unresolved,
    Ignored,
}

/// What a caller wants of an issue, free of contradictions.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) status: Option<Status>,
    assignee: Option<String>,
    ignore: Option<Ignore>,
}

impl Wish {
    /// Reads the arguments that say what to change; refuses what contradicts itself.
    pub(crate) fn new(
        status: Option<Status>,
        assignee: Option<&str>,
        options: &IgnoreOptions,
    ) -> Result<Wish> {
        let ignore = options.wanted()?;
        if ignore.is_some() && status != Some(Status::Ignored) {
            return Err(Error::input(
                "the ignore options need `status`: `ignored`; leave them out for another status",
            ));
        }
        let assignee = assignee.map(str::trim);
        if assignee == Some("") {
            return Err(Error::argument(
                "assignedTo",
                "it is empty; expected `me`, `user:ID`, `team:ID_OR_SLUG`, an e-mail address or a \
                 username, or leave it out to keep the assignee",
            ));
        }
        if status.is_none() && assignee.is_none() {
            return Err(Error::input(
                "nothing to change: pass `status` (resolved, resolvedInNextRelease, unresolved, \
                 ignored) or `assignedTo`, or both; `reason` alone changes nothing",
            ));
        }
        Ok(Wish { status, assignee: assignee.map(str::to_owned), ignore })
    }

    /// Whether the assignee is the user behind the token, whoever that is.
    pub(crate) fn wants_me(&self) -> bool {
        self.assignee.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("me"))
    }

    /// The fields that differ from what the issue has. `me` is the id behind `me`, where it
    /// is wanted and known: Sentry's API does not know the word.
    pub(crate) fn change(&self, issue: &Issue, me: Option<&str>) -> Result<UpdateIssue> {
        let mut change = UpdateIssue::default();
        let next_release = issue.status_details.in_next_release == Some(true);
        let is = |status| issue.status == Some(status);
        match self.status {
            None => {}
            Some(Status::Resolved) if is(IssueStatus::Resolved) && !next_release => {}
            Some(Status::Resolved) => change.status = Some(IssueStatus::Resolved),
            Some(Status::ResolvedInNextRelease) if is(IssueStatus::Resolved) && next_release => {}
            Some(Status::ResolvedInNextRelease) => {
                change.status = Some(IssueStatus::ResolvedInNextRelease);
            }
            Some(Status::Unresolved) if is(IssueStatus::Unresolved) => {}
            Some(Status::Unresolved) => change.status = Some(IssueStatus::Unresolved),
            Some(Status::Ignored) => {
                let now = Ignore::of(issue);
                if let Some(next) = Ignore::next(now.as_ref(), self.ignore.clone())? {
                    next.write(&mut change);
                }
            }
        }
        if let Some(asked) = &self.assignee {
            let asked = match me {
                Some(id) => format!("user:{id}"),
                None => asked.clone(),
            };
            if !issue.assigned_to.as_ref().is_some_and(|now| names(&asked, now)) {
                change.assigned_to = Some(asked);
            }
        }
        Ok(change)
    }

    /// Whether the issue has the status that was asked for.
    pub(crate) fn has_status(&self, issue: &Issue) -> bool {
        match self.status {
            None => true,
            Some(Status::Resolved) => issue.status == Some(IssueStatus::Resolved),
            Some(Status::ResolvedInNextRelease) => {
                issue.status == Some(IssueStatus::Resolved)
                    && (issue.status_details.in_next_release == Some(true)
                        || issue.status_details.in_release.is_some())
            }
            Some(Status::Unresolved) => issue.status == Some(IssueStatus::Unresolved),
            Some(Status::Ignored) => issue.status == Some(IssueStatus::Ignored),
        }
    }
}

/// Whether a change named somebody in a way that can be compared, and somebody else (or
/// nobody) is assigned afterwards.
pub(crate) fn lost_assignee(change: &UpdateIssue, after: &Issue) -> bool {
    let comparable = |asked: &&String| asked.starts_with("user:") || asked.starts_with("team:");
    change.assigned_to.as_ref().filter(comparable).is_some_and(|asked| {
        !after.assigned_to.as_ref().is_some_and(|now| now.kind.is_none() || names(asked, now))
    })
}

/// Whether a caller's words mean the present assignee.
fn names(asked: &str, now: &Assignee) -> bool {
    let same = |field: &Option<String>, text: &str| {
        field.as_deref().is_some_and(|field| field.eq_ignore_ascii_case(text))
    };
    let Some(kind) = now.kind.as_deref() else { return same(&now.name, asked) };
    match asked.split_once(':') {
        Some(("user", id)) => kind == "user" && same(&now.id, id),
        Some(("team", team)) => {
            let slug = team.strip_prefix('#').unwrap_or(team);
            kind == "team" && (same(&now.id, team) || same(&now.name, slug))
        }
        _ => kind == "user" && (same(&now.email, asked) || same(&now.id, asked)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn issue(status: &str, substatus: Option<&str>, more: &Value) -> Issue {
        let mut issue = json!({ "id": "1", "status": status, "substatus": substatus });
        issue.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_str(&issue.to_string()).unwrap()
    }

    fn open() -> Issue {
        issue("unresolved", Some("ongoing"), &json!({}))
    }

    fn assigned(to: &Value) -> Issue {
        issue("unresolved", None, &json!({ "assignedTo": to }))
    }

    fn archived() -> Issue {
        issue("ignored", Some("archived_until_escalating"), &json!({}))
    }

    fn next_release() -> Issue {
        issue("resolved", None, &json!({ "statusDetails": { "inNextRelease": true } }))
    }

    fn user() -> Value {
        json!({ "type": "user", "id": "7", "name": "member", "email": "member@example.test" })
    }

    fn team() -> Value {
        json!({ "type": "team", "id": "3", "name": "backend" })
    }

    fn none() -> IgnoreOptions {
        IgnoreOptions::default()
    }

    fn change(issue: &Issue, wish: &Result<Wish>, me: Option<&str>) -> Value {
        let change = wish.as_ref().unwrap().change(issue, me).unwrap();
        serde_json::to_value(&change).unwrap()
    }

    fn status(status: Status) -> Result<Wish> {
        Wish::new(Some(status), None, &none())
    }

    fn assignee(name: &str) -> Result<Wish> {
        Wish::new(None, Some(name), &none())
    }

    #[test]
    fn only_what_differs_is_changed() {
        use Status::{Ignored, Resolved, ResolvedInNextRelease, Unresolved};
        let users = IgnoreOptions { user_count: Some(5), user_window: Some(9), ..none() };
        let both = |status, name| Wish::new(Some(status), Some(name), &none());
        let table = [
            (open(), status(Resolved), json!({ "status": "resolved" })),
            (open(), status(ResolvedInNextRelease), json!({ "status": "resolvedInNextRelease" })),
            (next_release(), status(Resolved), json!({ "status": "resolved" })),
            (archived(), status(Unresolved), json!({ "status": "unresolved" })),
            (
                open(),
                status(Ignored),
                json!({ "status": "ignored", "substatus": "archived_until_escalating" }),
            ),
            (
                open(),
                Wish::new(Some(Ignored), None, &users),
                json!({
                    "status": "ignored", "substatus": "archived_until_condition_met",
                    "ignoreUserCount": 5, "ignoreUserWindow": 9,
                }),
            ),
            (assigned(&user()), both(Resolved, "user:7"), json!({ "status": "resolved" })),
            (assigned(&user()), both(Unresolved, "team:7"), json!({ "assignedTo": "team:7" })),
            (assigned(&team()), assignee("user:3"), json!({ "assignedTo": "user:3" })),
            (assigned(&team()), assignee("backend"), json!({ "assignedTo": "backend" })),
            (archived(), both(Ignored, " member "), json!({ "assignedTo": "member" })),
        ];
        for (issue, wish, expected) in table {
            assert_eq!(change(&issue, &wish, None), expected, "{wish:?}");
        }
    }

    #[test]
    fn what_is_already_so_is_not_changed() {
        use Status::{Ignored, Resolved, ResolvedInNextRelease, Unresolved};
        let five = IgnoreOptions { count: Some(5), ..none() };
        let counted = json!({ "statusDetails": { "ignoreCount": 5 } });
        let table = [
            (open(), status(Unresolved)),
            (issue("resolved", None, &json!({})), status(Resolved)),
            (next_release(), status(ResolvedInNextRelease)),
            (archived(), status(Ignored)),
            (
                issue("ignored", Some("archived_until_condition_met"), &counted),
                Wish::new(Some(Ignored), None, &five),
            ),
            (assigned(&user()), assignee("user:7")),
            (assigned(&user()), assignee("7")),
            (assigned(&user()), assignee("Member@example.test")),
            (assigned(&team()), assignee("team:3")),
            (assigned(&team()), assignee("team:backend")),
            (assigned(&team()), assignee("team:#backend")),
            (assigned(&json!("backend")), assignee("backend")),
        ];
        for (issue, wish) in table {
            assert_eq!(change(&issue, &wish, None), json!({}), "{wish:?}");
        }
    }

    #[test]
    fn me_is_compared_and_sent_as_the_user_it_stands_for() {
        let me = assignee("ME");
        assert!(me.as_ref().unwrap().wants_me());
        assert_eq!(change(&assigned(&user()), &me, Some("7")), json!({}));
        assert_eq!(change(&open(), &me, Some("7")), json!({ "assignedTo": "user:7" }));
        assert_eq!(change(&open(), &assignee("me"), None), json!({ "assignedTo": "me" }));
    }

    #[test]
    fn an_assignee_that_did_not_come_is_noticed_where_it_can_be_compared() {
        let to = |name: &str| UpdateIssue {
            assigned_to: Some(name.to_owned()),
            ..UpdateIssue::default()
        };
        assert!(lost_assignee(&to("user:7"), &open()));
        assert!(lost_assignee(&to("team:7"), &assigned(&user())));
        assert!(!lost_assignee(&to("user:7"), &assigned(&user())));
        assert!(!lost_assignee(&to("member"), &assigned(&team())));
        assert!(!lost_assignee(&UpdateIssue::default(), &open()));
    }
}
