//! `get_issue_details`: one issue and one of its events. It shows what the two requests
//! bring, and adds nothing from other parts of Sentry.

use std::fmt::Write as _;

use futures::future;
use jiff::Timestamp;
use schemars::JsonSchema;
use scopes::{Scope, ScopeSet};
use sentry_client::{
    ErrorKind, EventId, EventRef, IssueId, Region, Slug,
    events::Event,
    issues::{Issue, ListIssues},
};
use serde::Deserialize;

use crate::{
    answer::Answer,
    error::{Error, Result},
    gate::needs,
    issue_address::IssueAddress,
    issues::{search_issues::SearchIssues, update_issue::UpdateIssue},
    params::{IssueIdText, IssueUrl, OrganizationSlug, RegionUrl, given},
    render::{event, issue_facts, markdown},
    tool::{Context, Effect, Tool, Upstream},
};

pub(crate) struct GetIssueDetails;

/// Show one issue and its latest event: facts, stack trace with source and variables, request, tags.
///
/// Use it to find the cause of an error. It does not search issues.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    organization_slug: Option<OrganizationSlug>,
    issue_id: Option<IssueIdText>,
    issue_url: Option<IssueUrl>,
    /// Another event than the latest; needs no issue.
    event_id: Option<String>,
    region_url: Option<RegionUrl>,
}

impl Tool for GetIssueDetails {
    type Params = Params;

    const NAME: &'static str = "get_issue_details";
    const EFFECT: Effect = Effect::Read;
    const REQUIRES: ScopeSet = needs(Scope::EventRead);
    const UPSTREAM: Upstream = Upstream {
        endpoint: "GET /api/0/organizations/{org}/issues/{issue}/",
        accepts: &[needs(Scope::EventRead)],
    };

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Answer> {
        let region = cx.region(params.region_url.as_ref())?;
        let call = Call { cx, region: region.as_ref(), now: Timestamp::now() };
        let organization = params.organization_slug.as_deref();
        let event = given(params.event_id.as_deref()).map(str::parse::<EventRef>).transpose();
        let event = event.map_err(|err| Error::argument("eventId", err))?;
        let id = given(params.issue_id.as_deref().map(String::as_str));
        let url = given(params.issue_url.as_deref().map(String::as_str));
        match (id.or(url), event) {
            (None, Some(event)) => call.by_event(organization, event).await,
            (_, event) => {
                let address = IssueAddress::of(cx, organization, id, url)?;
                let event = event.or(address.event).unwrap_or(EventRef::Latest);
                call.by_issue(&address.organization, &address.issue, &event).await
            }
        }
    }
}

/// What every step of a call needs.
struct Call<'a> {
    cx: &'a Context<'a>,
    region: Option<&'a Region>,
    now: Timestamp,
}

impl Call<'_> {
    /// The usual case: both requests at once.
    async fn by_issue(&self, org: &Slug, issue: &IssueId, event: &EventRef) -> Result<Answer> {
        let sentry = self.cx.sentry;
        let (found, body) = future::join(
            sentry.get_issue(org, issue, self.region),
            sentry.get_event(org, issue, event, self.region),
        )
        .await;
        let found = found?;
        self.admit(&found)?;
        let missing = format!(
            "Sentry has no `{event}` event of this issue: its events were deleted, or are older \
             than Sentry keeps them."
        );
        let body = match body {
            Err(err) if is_missing(&err) && !matches!(event, EventRef::Id(_)) => {
                return Ok(self.answer(org, &found, Err(&missing)));
            }
            body => body?,
        };
        Ok(self.answer(org, &found, Ok(&body.read()?)))
    }

    /// An event whose issue is not known: Sentry says whose it is, and sends the event with it.
    async fn by_event(&self, organization: Option<&Slug>, event: EventRef) -> Result<Answer> {
        let EventRef::Id(id) = event else {
            let problem =
                format!("`{event}` is an event of an issue: pass `issueId` or `issueUrl` too");
            return Err(Error::argument("eventId", problem));
        };
        let Some(org) = organization else {
            return Err(Error::argument(
                "organizationSlug",
                format!("`eventId` `{id}` also needs the organization, such as `acme`"),
            ));
        };
        let sentry = self.cx.sentry;
        let body = match sentry.find_event(org, &id, self.region).await {
            Ok(body) => body,
            // The lookup asks for another scope than issues do, and not every Sentry has it.
            Err(err) if is_missing(&err) || matches!(err.kind(), ErrorKind::Forbidden { .. }) => {
                return self.by_search(org, &id).await;
            }
            Err(err) => return Err(err.into()),
        };
        let owner = body.read()?;
        self.cx.admit_project(&format!("the event `{id}`"), owner.project_slug.as_deref())?;
        let issue = owner.group_id.as_deref().and_then(|id| id.parse::<IssueId>().ok());
        let Some(issue) = issue else { return Ok(self.lone_event(org, &id, owner.event.as_ref())) };
        let Some(event) = &owner.event else {
            return self.by_issue(org, &issue, &EventRef::Id(id)).await;
        };
        let issue = sentry.get_issue(org, &issue, self.region).await?;
        self.admit(&issue)?;
        Ok(self.answer(org, &issue, Ok(event)))
    }

    /// The issue search also knows event ids.
    async fn by_search(&self, org: &Slug, id: &EventId) -> Result<Answer> {
        let sentry = self.cx.sentry;
        let search = ListIssues {
            query: id.as_str(),
            sort: "date",
            period: Some("90d"),
            project: None,
            limit: 1,
            cursor: None,
        };
        let page = sentry.list_issues(org, &search, self.region).await?;
        let issue = page.items.first().and_then(|issue| Some((issue, issue.id.parse().ok()?)));
        let Some((issue, issue_id)) = issue else { return Ok(self.not_found(org, id)) };
        let event = EventRef::Id(id.clone());
        let body = match sentry.get_event(org, &issue_id, &event, self.region).await {
            Ok(body) => body,
            // The search took the id for words of a message.
            Err(err) if is_missing(&err) => return Ok(self.not_found(org, id)),
            Err(err) => return Err(err.into()),
        };
        self.admit(issue)?;
        Ok(self.answer(org, issue, Ok(&body.read()?)))
    }

    /// Refuses an issue outside of the session's project, before anything of it is shown.
    fn admit(&self, issue: &Issue) -> Result<()> {
        self.cx.admit_project("this issue", issue.project_slug())
    }

    fn answer(&self, org: &Slug, issue: &Issue, of: Result<&Event<'_>, &str>) -> Answer {
        let mut out = String::with_capacity(16 * 1_024);
        let short_id = issue.short_id();
        let url = self.cx.sentry.site().issue_url(org, &issue.id);
        let _ = writeln!(out, "# Issue {} in `{org}`\n", markdown::code(short_id, 128));
        issue_facts::facts(&mut out, issue, &url, self.now);
        match of {
            Ok(of) => event::event(&mut out, of, self.now),
            Err(reason) => {
                let _ = writeln!(out, "\n## Event\n\n{reason}");
            }
        }
        // A number alone would close an issue of the code host.
        let closes = if issue_id_is_number(short_id) { &url } else { short_id };
        let _ = writeln!(
            out,
            "\n## Next\n\n- A commit that fixes this says so in its message: {}",
            markdown::code(&format!("Fixes {closes}"), 300)
        );
        if let Some(tool) = self.cx.offers::<UpdateIssue>() {
            let _ = writeln!(out, "- To resolve, ignore or assign it: `{tool}`");
        }
        if let Some(tool) = self.cx.offers::<SearchIssues>() {
            let _ = writeln!(out, "- To find related issues: `{tool}`");
        }
        Answer::new(out)
    }

    /// An event that belongs to no issue, such as a transaction.
    fn lone_event(&self, org: &Slug, id: &EventId, of: Option<&Event<'_>>) -> Answer {
        let mut out = format!("# Event `{id}` in `{org}`\n\nThis event belongs to no issue.\n");
        if let Some(of) = of {
            event::event(&mut out, of, self.now);
        }
        Answer::new(out)
    }

    fn not_found(&self, org: &Slug, id: &EventId) -> Answer {
        let mut out = format!(
            "No issue was found for the event `{id}` in `{org}`.\n\nCheck the id and the \
             organization. The event may also be deleted, older than Sentry keeps events, or in a \
             project that this user cannot see."
        );
        if let Some(tool) = self.cx.offers::<SearchIssues>() {
            let _ = write!(out, " `{tool}` finds issues by their text.");
        }
        Answer::new(out)
    }
}

fn is_missing(err: &sentry_client::Error) -> bool {
    matches!(err.kind(), ErrorKind::NotFound { .. })
}

fn issue_id_is_number(id: &str) -> bool {
    id.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use test_support::{FakeSentry, fixture};

    use crate::testing::{call, call_fenced};

    const TOOL: &str = "get_issue_details";
    const EVENT: &str = "7ca573c0f4814912aaa9bdc77d1a7d51";
    const ISSUE_PATH: &str = "organizations/acme/issues/SHOP-1A/";

    fn issue() -> Value {
        fixture!("events/issue.json")
    }

    fn python() -> Value {
        fixture!("events/python_chain.json")
    }

    async fn sentry(issue: Value, event: Value) -> FakeSentry {
        let latest = format!("{ISSUE_PATH}events/latest/");
        FakeSentry::start().await.get(ISSUE_PATH, issue).await.get(&latest, event).await
    }

    fn by_id() -> Value {
        json!({ "organizationSlug": "acme", "issueId": "shop-1a" })
    }

    /// The loopback port differs from run to run.
    fn stable(sentry: &FakeSentry, out: &str) -> String {
        out.replace(&sentry.host(), "sentry.example.test")
    }

    #[tokio::test]
    async fn an_issue_and_its_latest_event_take_two_requests() {
        let sentry = sentry(issue(), fixture!("events/default.json")).await;
        let out = call(&sentry, TOOL, by_id()).await;
        insta::assert_snapshot!(stable(&sentry, &out), @r"
        # Issue `SHOP-1A` in `acme`

        - Title: `CheckoutError: payment of order 17 failed`
        - Culprit: `shop.views in checkout`
        - First seen: 2025-02-01T08:00:00Z
        - Last seen: 2025-03-02T10:15:00Z
        - Events: 1234
        - Users affected: 56
        - Status: unresolved (ongoing)
        - Assigned to: team backend (`team:3`)
        - Level: error
        - Priority: high
        - Issue type: error
        - Issue category: error
        - Platform: python
        - First release: `shop@2.3.0`
        - Last release: `shop@2.4.0`
        - Project: `shop`
        - URL: http://sentry.example.test/organizations/acme/issues/42/

        ## Event

        - ID: `7ca573c0f4814912aaa9bdc77d1a7d51`
        - Type: `default`
        - Occurred: 2025-03-02T10:15:00Z

        ### Message

        ```
        Disk is almost full: 97 %
        host-a
        ```

        ### Tags

        ```
        level: warning
        ```

        ## Next

        - A commit that fixes this says so in its message: `Fixes SHOP-1A`
        - To resolve, ignore or assign it: `update_issue`
        - To find related issues: `search_issues`
        ");
        assert_eq!(sentry.requests().await.len(), 2);
    }

    #[tokio::test]
    async fn a_link_leads_to_its_event_and_the_argument_wins() {
        let other = "0".repeat(32);
        for (args, event) in [
            (
                json!({ "issueUrl": format!("https://acme.sentry.io/issues/42/events/{EVENT}/?x=1") }),
                EVENT,
            ),
            (json!({ "issueUrl": "https://acme.sentry.io/issues/42/events/oldest/" }), "oldest"),
            (json!({ "issueUrl": "https://acme.sentry.io/issues/42/" }), "latest"),
            (
                json!({ "issueUrl": format!("https://acme.sentry.io/issues/42/events/{EVENT}/"), "eventId": other }),
                &other,
            ),
            (
                json!({ "organizationSlug": "acme", "issueId": 42, "eventId": EVENT.to_uppercase() }),
                EVENT,
            ),
        ] {
            let sentry =
                FakeSentry::start().await.get("organizations/acme/issues/42/", issue()).await;
            let path = format!("organizations/acme/issues/42/events/{event}/");
            let sentry = sentry.get(&path, python()).await;
            let out = call(&sentry, TOOL, args).await;
            assert!(out.contains("- Occurred: 2025-03-02T10:15:00Z"), "{event}: {out}");
            assert_eq!(sentry.requests().await.len(), 2);
        }
    }

    #[tokio::test]
    async fn an_issue_whose_latest_event_is_gone_is_still_shown() {
        let sentry = FakeSentry::start().await.get(ISSUE_PATH, issue()).await;
        let out = call(&sentry, TOOL, by_id()).await;
        assert!(out.contains("- Culprit: `shop.views in checkout`"), "{out}");
        assert!(out.contains("\n## Event\n\nSentry has no `latest` event of this issue"), "{out}");
    }

    #[tokio::test]
    async fn what_is_missing_is_told_with_every_argument() {
        let sentry = FakeSentry::start().await.get(ISSUE_PATH, issue()).await;
        let args = json!({ "organizationSlug": "acme", "issueId": "SHOP-1A", "eventId": EVENT });
        let out = call(&sentry, TOOL, args).await;
        assert!(out.starts_with("error: "), "{out}");
        for part in ["organizationSlug: `acme`", "issueId: `SHOP-1A`", EVENT] {
            assert!(out.contains(part), "{out}");
        }
        assert!(!out.contains("culprit"), "{out}");
    }

    #[tokio::test]
    async fn an_event_id_alone_finds_the_issue_in_two_requests() {
        let owner = json!({ "projectSlug": "shop", "groupId": "42", "event": python() });
        let path = format!("organizations/acme/eventids/{EVENT}/");
        let sentry = FakeSentry::start().await.get(&path, owner).await;
        let sentry = sentry.get("organizations/acme/issues/42/", issue()).await;
        let out =
            call(&sentry, TOOL, json!({ "organizationSlug": "acme", "eventId": EVENT })).await;
        assert!(out.starts_with("# Issue `SHOP-1A` in `acme`"), "{out}");
        assert!(out.contains("CheckoutError: payment of order 17 failed\n```"), "{out}");
        assert_eq!(sentry.requests().await.len(), 2);
    }

    #[tokio::test]
    async fn an_event_that_does_not_come_with_its_issue_s_id_is_asked_for() {
        let path = format!("organizations/acme/eventids/{EVENT}/");
        let owner = json!({ "projectSlug": "shop", "groupId": 42, "event": null });
        let sentry = FakeSentry::start().await.get(&path, owner).await;
        let sentry = sentry.get("organizations/acme/issues/42/", issue()).await;
        let event = format!("organizations/acme/issues/42/events/{EVENT}/");
        let sentry = sentry.get(&event, python()).await;
        let out =
            call(&sentry, TOOL, json!({ "organizationSlug": "acme", "eventId": EVENT })).await;
        assert!(out.contains("CheckoutError: payment of order 17 failed\n```"), "{out}");
    }

    #[tokio::test]
    async fn an_event_without_an_issue_is_shown_alone() {
        let owner = json!({ "projectSlug": "shop", "event": fixture!("events/transaction.json") });
        let path = format!("organizations/acme/eventids/{EVENT}/");
        let sentry = FakeSentry::start().await.get(&path, owner).await;
        let out =
            call(&sentry, TOOL, json!({ "organizationSlug": "acme", "eventId": EVENT })).await;
        assert!(out.contains("This event belongs to no issue.\n\n## Event\n\n- ID: "), "{out}");
    }

    #[tokio::test]
    async fn a_token_that_may_not_look_events_up_searches_for_the_issue() {
        let path = format!("organizations/acme/eventids/{EVENT}/");
        let sentry = FakeSentry::start().await.status("GET", &path, 403, json!({})).await;
        let search = [("query", EVENT), ("limit", "1")];
        let sentry =
            sentry.get_query("organizations/acme/issues/", &search, json!([issue()])).await;
        let event = format!("organizations/acme/issues/42/events/{EVENT}/");
        let args = json!({ "organizationSlug": "acme", "eventId": EVENT });
        let out = call(&sentry, TOOL, args.clone()).await;
        assert!(
            out.starts_with(&format!("No issue was found for the event `{EVENT}` in `acme`.")),
            "{out}"
        );
        let sentry = sentry.get(&event, python()).await;
        let out = call(&sentry, TOOL, args).await;
        assert!(out.starts_with("# Issue `SHOP-1A` in `acme`"), "{out}");
    }

    #[tokio::test]
    async fn an_event_that_nobody_knows_is_no_error() {
        let sentry = FakeSentry::start().await.get("organizations/acme/issues/", json!([])).await;
        let out =
            call(&sentry, TOOL, json!({ "organizationSlug": "acme", "eventId": EVENT })).await;
        insta::assert_snapshot!(out, @r"
        No issue was found for the event `7ca573c0f4814912aaa9bdc77d1a7d51` in `acme`.

        Check the id and the organization. The event may also be deleted, older than Sentry keeps events, or in a project that this user cannot see. `search_issues` finds issues by their text.
        ");
    }

    #[tokio::test]
    async fn an_issue_of_another_project_is_refused_and_nothing_of_it_is_shown() {
        let path = format!("organizations/acme/eventids/{EVENT}/");
        let owner = json!({ "projectSlug": "shop", "groupId": "42", "event": python() });
        let sentry = sentry(issue(), python()).await.get(&path, owner).await;
        for args in [json!({ "issueId": "SHOP-1A" }), json!({ "eventId": EVENT })] {
            let out = call_fenced(&sentry, "acme", Some("api"), TOOL, args.clone()).await;
            assert!(out.contains("does not belong to the project `api`"), "{out}");
            assert!(!out.contains("Checkout") && !out.contains("shop.views"), "{out}");
        }
        let args = json!({ "issueId": "SHOP-1A" });
        let out = call_fenced(&sentry, "acme", Some("shop"), TOOL, args).await;
        assert!(out.starts_with("# Issue `SHOP-1A` in `acme`"), "{out}");
    }

    #[tokio::test]
    async fn arguments_that_name_nothing_are_told_apart() {
        let sentry = FakeSentry::start().await;
        for (args, problem) in [
            (json!({}), "no issue given"),
            (json!({ "eventId": EVENT }), "also needs the organization"),
            (
                json!({ "organizationSlug": "acme", "eventId": "latest" }),
                "pass `issueId` or `issueUrl` too",
            ),
            (
                json!({ "organizationSlug": "acme", "eventId": "7ca5" }),
                "`eventId`: `7ca5` is not an event id",
            ),
            (json!({ "organizationSlug": "acme", "issueId": "../x" }), "is not an issue id"),
        ] {
            let out = call(&sentry, TOOL, args).await;
            assert!(out.starts_with("error: ") && out.contains(problem), "{out}");
        }
        assert_eq!(sentry.requests().await, []);
    }
}
