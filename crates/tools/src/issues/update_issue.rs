//! `update_issue`: changes the status or the assignee of one issue, and reports the state
//! that Sentry has afterwards. It changes no other field and no other issue.

use std::time::Duration;

use schemars::JsonSchema;
use scopes::{Scope, ScopeSet};
use sentry_client::{
    ErrorKind, Region,
    issues::{Issue, UpdateIssue as Change},
};
use serde::Deserialize;

use crate::{
    answer::Reply,
    error::{Error, Result},
    gate::needs,
    ignore::{IgnoreMode, IgnoreOptions},
    issue_address::IssueAddress,
    issue_change::{Status, Wish},
    issues::get_issue_details::GetIssueDetails,
    params::{IssueIdText, IssueUrl, OrganizationSlug, RegionUrl},
    render::{
        issue::{assignee, status},
        issue_update::{Outcome, Report, Updated},
        markdown,
    },
    tool::{Context, Effect, Tool, Upstream},
};

/// How long to wait for the user behind `me`; the change can be made without.
const ME_LIMIT: Duration = Duration::from_secs(5);

pub(crate) struct UpdateIssue;

/// Change an issue's status or assignee: resolve, reopen, ignore (archive), assign.
///
/// Use it for triage after looking at the issue. It does not merge, delete or unassign.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    organization_slug: Option<OrganizationSlug>,
    issue_id: Option<IssueIdText>,
    issue_url: Option<IssueUrl>,
    status: Option<Status>,
    /// `me`, `user:ID`, `team:ID_OR_SLUG`, e-mail or username.
    assigned_to: Option<String>,
    /// For status ignored; inferred if absent.
    ignore_mode: Option<IgnoreMode>,
    #[schemars(range(min = 1))]
    ignore_duration_minutes: Option<u32>,
    /// More events.
    #[schemars(range(min = 1))]
    ignore_count: Option<u32>,
    /// With ignoreCount.
    #[schemars(range(min = 1, max = 10080))]
    ignore_window_minutes: Option<u32>,
    /// More users.
    #[schemars(range(min = 1))]
    ignore_user_count: Option<u32>,
    /// With ignoreUserCount.
    #[schemars(range(min = 1, max = 10080))]
    ignore_user_window_minutes: Option<u32>,
    /// Posted as a comment.
    reason: Option<String>,
    region_url: Option<RegionUrl>,
}

impl Tool for UpdateIssue {
    type Params = Params;
    type Output = Updated;

    const NAME: &'static str = "update_issue";
    const EFFECT: Effect = Effect::Update;
    const REQUIRES: ScopeSet = needs(Scope::EventWrite);
    const UPSTREAM: Upstream = Upstream {
        endpoint: "PUT /api/0/organizations/{org}/issues/{issue}/",
        accepts: &[needs(Scope::EventWrite)],
    };

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Reply<Updated>> {
        let options = IgnoreOptions {
            mode: params.ignore_mode,
            duration: params.ignore_duration_minutes,
            count: params.ignore_count,
            window: params.ignore_window_minutes,
            user_count: params.ignore_user_count,
            user_window: params.ignore_user_window_minutes,
        };
        let wish = Wish::new(params.status, params.assigned_to.as_deref(), &options)?;
        let target = Target {
            cx,
            address: IssueAddress::of(
                cx,
                params.organization_slug.as_deref(),
                params.issue_id.as_deref().map(String::as_str),
                params.issue_url.as_deref().map(String::as_str),
            )?,
            region: cx.region(params.region_url.as_ref())?,
        };
        let before = target.read().await?;
        cx.admit_project(&format!("issue `{}`", target.address.issue), before.project_slug())?;
        let me = if wish.wants_me() { me(cx).await } else { None };
        let change = wish.change(&before, me.as_deref())?;
        let outcome = if change == Change::default() {
            Outcome::Same
        } else {
            target.write(&change, &before).await?;
            match target.read().await {
                Ok(after) => Outcome::Changed(Box::new(after)),
                Err(err) => Outcome::Unread(err),
            }
        };
        let note = target.comment(params.reason.as_deref()).await;
        let report = Report {
            cx,
            address: &target.address,
            wish: &wish,
            change: &change,
            before: &before,
            details: cx.offers::<GetIssueDetails>(),
        };
        Ok(report.render(&outcome, note.as_ref()))
    }
}

/// The id behind `me`. A failure is tolerated: Sentry is then told `me` and answers for itself.
async fn me(cx: &Context<'_>) -> Option<String> {
    match cx.sentry.within(ME_LIMIT).authenticated_user().await {
        Ok(user) => user.id,
        Err(err) => {
            tracing::debug!(error = %err, "the user behind the token is unknown");
            None
        }
    }
}

/// The issue that is changed, and how to reach it.
struct Target<'a> {
    cx: &'a Context<'a>,
    address: IssueAddress,
    region: Option<Region>,
}

impl Target<'_> {
    async fn read(&self) -> Result<Issue, sentry_client::Error> {
        let IssueAddress { organization, issue, .. } = &self.address;
        self.cx.sentry.get_issue(organization, issue, self.region.as_ref()).await
    }

    async fn write(&self, change: &Change, before: &Issue) -> Result<()> {
        let IssueAddress { organization, issue, .. } = &self.address;
        let region = self.region.as_ref();
        let Err(err) = self.cx.sentry.update_issue(organization, issue, change, region).await
        else {
            return Ok(());
        };
        let ErrorKind::OutcomeUnknown { reason } = err.kind() else { return Err(err.into()) };
        let check = match self.cx.offers::<GetIssueDetails>() {
            Some(details) => format!("call `{details}` with `issueId` `{issue}`"),
            None => "open it".to_owned(),
        };
        let text = format!(
            "The change of `{issue}` was sent, but whether Sentry made it is unknown: {}. It was {}, \
             assigned to {}. Next: {check} and look before changing it again: {}",
            markdown::line(reason, 300),
            status(before),
            assignee(before.assigned_to.as_ref()),
            self.url(before)
        );
        Err(Error::explained(text, err))
    }

    /// Posts the reason. The change is made by then, so a failure is only reported.
    async fn comment(&self, reason: Option<&str>) -> Option<Result<(), sentry_client::Error>> {
        let text = reason.map(str::trim).filter(|text| !text.is_empty())?;
        let IssueAddress { organization, issue, .. } = &self.address;
        Some(self.cx.sentry.add_note(organization, issue, text, self.region.as_ref()).await)
    }

    fn url(&self, issue: &Issue) -> String {
        self.cx.sentry.site().issue_url(&self.address.organization, &issue.id)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use test_support::FakeSentry;
    use wiremock::{
        Mock, ResponseTemplate,
        matchers::{method, path},
    };

    use super::*;
    use crate::testing::{call, call_fenced};

    const ISSUE: &str = "organizations/acme/issues/API-1/";
    const NOTES: &str = "organizations/acme/issues/API-1/notes/";

    fn issue(status: &str, substatus: Option<&str>, more: &Value) -> Value {
        let mut issue = json!({
            "id": "1", "shortId": "API-1", "title": "KeyError: 'sku'", "status": status,
            "substatus": substatus, "project": { "id": "2", "slug": "api" }, "assignedTo": null,
        });
        issue.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        issue
    }

    fn open() -> Value {
        issue("unresolved", Some("ongoing"), &json!({}))
    }

    /// A Sentry whose issue changes from one state to the other when it is first read.
    async fn sentry(before: Value, after: Value) -> FakeSentry {
        let once = Mock::given(method("GET"))
            .and(path(format!("/api/0/{ISSUE}")))
            .respond_with(ResponseTemplate::new(200).set_body_json(before))
            .up_to_n_times(1)
            .with_priority(1);
        let fake = FakeSentry::start().await.mount(once).await;
        fake.get(ISSUE, after).await.put(ISSUE, json!({})).await
    }

    async fn update(sentry: &FakeSentry, mut args: Value) -> String {
        args["organizationSlug"] = json!("acme");
        args["issueId"] = json!("api-1");
        call(sentry, UpdateIssue::NAME, args)
            .await
            .replace(&sentry.uri(), "https://sentry.example.test")
    }

    /// What was written, in its order: `PUT {…}`, `POST {…}`.
    async fn written(sentry: &FakeSentry) -> Vec<(String, Value)> {
        let requests = sentry.requests().await.into_iter();
        requests.filter(|one| one.method != "GET").map(|one| (one.method, one.body)).collect()
    }

    async fn put(sentry: &FakeSentry) -> Value {
        match written(sentry).await.as_slice() {
            [(verb, body)] if verb == "PUT" => body.clone(),
            other => panic!("not one PUT: {other:?}"),
        }
    }

    #[tokio::test]
    async fn the_answer_shows_the_state_that_was_read_back() {
        let after = issue(
            "ignored",
            Some("archived_until_condition_met"),
            &json!({
                "statusDetails": { "ignoreCount": 10, "ignoreWindow": 60 },
                "assignedTo": { "type": "team", "id": "3", "name": "backend" },
            }),
        );
        let sentry = sentry(open(), after).await.post(NOTES, json!({ "id": "6" })).await;
        let args = json!({
            "status": "ignored", "ignoreCount": 10, "ignoreWindowMinutes": 60,
            "assignedTo": "team:backend", "reason": " Known noise. ",
        });
        insta::assert_snapshot!(update(&sentry, args).await, @r"
        # Issue `API-1` in `acme`: updated

        KeyError: 'sku'
        https://sentry.example.test/organizations/acme/issues/1/

        Read back from Sentry after the change:

        - Status: unresolved (ongoing) → ignored until 10 more events within 60 minutes
        - Assigned to: nobody → team backend (`team:3`)

        Its events are still stored, but it is out of the default list.

        The reason was posted as a comment.

        Next: `get_issue_details` with `issueId` `API-1` shows the whole issue.
        ");
        let change = json!({
            "status": "ignored", "substatus": "archived_until_condition_met",
            "ignoreCount": 10, "ignoreWindow": 60, "assignedTo": "team:backend",
        });
        let note = json!({ "text": "Known noise." });
        let expected = [("PUT".to_owned(), change), ("POST".to_owned(), note)];
        assert_eq!(written(&sentry).await, expected);
    }

    #[tokio::test]
    async fn what_is_already_so_is_not_sent_but_the_reason_is_posted() {
        let sentry = sentry(open(), open()).await.post(NOTES, json!({ "id": "6" })).await;
        let args = json!({ "status": "unresolved", "reason": "still there" });
        insta::assert_snapshot!(update(&sentry, args).await, @r"
        # Issue `API-1` in `acme`: already as asked

        KeyError: 'sku'
        https://sentry.example.test/organizations/acme/issues/1/

        Nothing was changed. Sentry's present state:

        - Status: unresolved (ongoing)
        - Assigned to: nobody

        The reason was posted as a comment.

        Next: `get_issue_details` with `issueId` `API-1` shows the whole issue.
        ");
        let note = ("POST".to_owned(), json!({ "text": "still there" }));
        assert_eq!(written(&sentry).await, [note]);
    }

    #[tokio::test]
    async fn me_becomes_the_user_behind_the_token_where_that_is_known() {
        let known = sentry(open(), open()).await.get("auth/", json!({ "id": "7" })).await;
        update(&known, json!({ "assignedTo": "me" })).await;
        assert_eq!(put(&known).await, json!({ "assignedTo": "user:7" }));
        let unknown = sentry(open(), open()).await;
        update(&unknown, json!({ "assignedTo": "me" })).await;
        assert_eq!(put(&unknown).await, json!({ "assignedTo": "me" }));
    }

    #[tokio::test]
    async fn a_contradiction_is_refused_before_anything_is_sent() {
        let sentry = FakeSentry::start().await;
        let table = [
            (json!({}), "nothing to change"),
            (json!({ "reason": "because" }), "`reason` alone changes nothing"),
            (json!({ "assignedTo": " " }), "`assignedTo`: it is empty"),
            (json!({ "status": "closed" }), "`status`"),
            (json!({ "ignoreMode": "forever" }), "need `status`: `ignored`"),
            (json!({ "status": "resolved", "ignoreCount": 5 }), "need `status`: `ignored`"),
            (json!({ "status": "ignored", "ignoreWindowMinutes": 5 }), "also needs `ignoreCount`"),
            (
                json!({ "status": "ignored", "ignoreMode": "forever", "ignoreCount": 5 }),
                "`forever` does not go with `ignoreCount`",
            ),
            (json!({ "status": "ignored", "ignoreCount": 0 }), "out of range"),
            (json!({ "status": "ignored", "ignoreCount": -1 }), "`ignoreCount`"),
            (
                json!({ "status": "ignored", "ignoreCount": 1, "ignoreWindowMinutes": 10_081 }),
                "expected 1 to 10080",
            ),
        ];
        for (args, expected) in table {
            let out = update(&sentry, args.clone()).await;
            assert!(out.starts_with("error: ") && out.contains(expected), "{args}: {out}");
        }
        for args in [json!({ "issueId": "API-1" }), json!({ "organizationSlug": "acme" })] {
            let mut args = args;
            args["status"] = json!("resolved");
            let out = call(&sentry, UpdateIssue::NAME, args).await;
            assert!(out.contains("`organizationSlug`"), "{out}");
        }
        assert!(sentry.requests().await.is_empty());
    }

    #[tokio::test]
    async fn another_kind_of_archiving_takes_two_steps() {
        let sentry = sentry(issue("ignored", Some("archived_forever"), &json!({})), open()).await;
        let out = update(&sentry, json!({ "status": "ignored", "ignoreCount": 5 })).await;
        assert!(out.contains("already archived forever"), "{out}");
        assert!(out.contains("set `status` to `unresolved` first"), "{out}");
        assert!(written(&sentry).await.is_empty());
    }

    #[tokio::test]
    async fn an_issue_of_another_project_is_neither_shown_nor_changed() {
        let sentry = sentry(open(), open()).await;
        let url = format!("{}/organizations/acme/issues/API-1/", sentry.uri());
        for args in [json!({ "issueId": "API-1" }), json!({ "issueUrl": url })] {
            let mut args = args;
            args["status"] = json!("resolved");
            let out = call_fenced(&sentry, "acme", Some("web"), UpdateIssue::NAME, args).await;
            assert!(out.contains("limited to that project"), "{out}");
            assert!(!out.contains("sku") && !out.contains("api`"), "{out}");
        }
        assert!(written(&sentry).await.is_empty());
        let args = json!({ "issueId": "API-1", "status": "resolved" });
        call_fenced(&sentry, "acme", Some("api"), UpdateIssue::NAME, args).await;
        assert_eq!(put(&sentry).await, json!({ "status": "resolved" }));
    }

    #[tokio::test]
    async fn sentrys_reason_for_a_refused_assignee_is_told() {
        let problem = json!({ "assignedTo": ["Unable to resolve actor id"] });
        let sentry = FakeSentry::start()
            .await
            .get(ISSUE, open())
            .await
            .status("PUT", ISSUE, 400, problem)
            .await
            .post(NOTES, json!({ "id": "6" }))
            .await;
        let out = update(&sentry, json!({ "assignedTo": "nobody", "reason": "x" })).await;
        assert!(out.contains("`assignedTo`: Unable to resolve actor id"), "{out}");
        assert_eq!(written(&sentry).await.len(), 1);
    }

    #[tokio::test]
    async fn a_comment_that_fails_does_not_fail_the_change() {
        let sentry = sentry(open(), issue("resolved", None, &json!({})))
            .await
            .status("POST", NOTES, 403, json!({ "detail": "no" }))
            .await;
        let out = update(&sentry, json!({ "status": "resolved", "reason": "fixed" })).await;
        assert!(out.contains("unresolved (ongoing) → resolved"), "{out}");
        assert!(out.contains("could not be posted as a comment"), "{out}");
    }

    #[tokio::test]
    async fn a_state_that_did_not_come_true_or_cannot_be_read_is_told() {
        let stubborn = sentry(open(), open()).await;
        let out = update(&stubborn, json!({ "status": "resolved" })).await;
        assert!(out.contains("shows another status than asked"), "{out}");

        let gone = Mock::given(method("GET"))
            .and(path(format!("/api/0/{ISSUE}")))
            .respond_with(ResponseTemplate::new(200).set_body_json(open()))
            .up_to_n_times(1);
        let unreadable = FakeSentry::start().await.mount(gone).await.put(ISSUE, json!({})).await;
        let out = update(&unreadable, json!({ "status": "resolved" })).await;
        assert!(out.contains("update accepted"), "{out}");
        assert!(out.contains("could not be read"), "{out}");
    }

    #[tokio::test]
    async fn an_unknown_outcome_says_how_to_check() {
        let sentry = FakeSentry::start().await.get(ISSUE, open()).await;
        let sentry = sentry.status("PUT", ISSUE, 504, json!({})).await;
        let out = update(&sentry, json!({ "status": "resolved" })).await;
        assert!(out.contains("whether Sentry made it is unknown"), "{out}");
        assert!(out.contains("It was unresolved (ongoing), assigned to nobody"), "{out}");
        assert!(out.contains(GetIssueDetails::NAME), "{out}");
        assert_eq!(put(&sentry).await, json!({ "status": "resolved" }));
    }
}
