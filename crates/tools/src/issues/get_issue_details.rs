//! `get_issue_details`: one issue and one of its events, and what else Sentry knows about it.
//! Only the issue and the event are needed; a brief answer asks for nothing else.

use std::fmt::Write as _;

use futures::future;
use jiff::Timestamp;
use schemars::JsonSchema;
use scopes::{Scope, ScopeSet};
use sentry_client::{
    ErrorKind, EventId, EventRef, IssueId, Region, Slug, Untrusted,
    enrichment::ExternalIssue,
    events::Event,
    issues::{Issue, ListIssues},
};
use serde::Deserialize;

use crate::{
    answer::{Answer, Kept, Reply, Stranger},
    error::{Error, Result},
    gate::needs,
    issue_address::IssueAddress,
    issue_details::{
        data::{Code, Details, Link},
        enrichment::{self, CodePlace, Extras, Subject},
        next,
        page::{Depth, Page, Part},
    },
    issues::search_issues::SearchIssues,
    params::{IssueIdText, IssueUrl, MaxTokens, OrganizationSlug, RegionUrl, given},
    render::{event, issue_facts, markdown, replay, seer_summary},
    seer::analyze_issue_with_seer::AnalyzeIssueWithSeer,
    tool::{Context, Effect, Tool, Upstream},
};

/// The most linked issues.
const LINKS: usize = 10;

pub(crate) struct GetIssueDetails;

/// Show one issue and its latest event: facts, stack trace with source and variables, evidence, request, tags.
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
    /// Brief for triage.
    detail: Option<Depth>,
    /// Only these, such as stacktrace, threads, breadcrumbs, tags, contexts.
    sections: Option<Vec<String>>,
    max_tokens: Option<MaxTokens>,
}

impl Tool for GetIssueDetails {
    type Params = Params;
    type Output = Details;

    const NAME: &'static str = "get_issue_details";
    const EFFECT: Effect = Effect::Read;
    const REQUIRES: ScopeSet = needs(Scope::EventRead);
    const UPSTREAM: Upstream = Upstream {
        endpoint: "GET /api/0/organizations/{org}/issues/{issue}/",
        accepts: &[needs(Scope::EventRead)],
    };

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Reply<Details>> {
        let region = cx.region(params.region_url.as_ref())?;
        let call = Call {
            cx,
            region: region.as_ref(),
            now: Timestamp::now(),
            depth: params.detail.unwrap_or_default(),
            sections: params.sections.as_deref().unwrap_or_default(),
            budget: params.max_tokens.map(MaxTokens::get),
        };
        call.page()?;
        let organization = params.organization_slug.as_deref();
        let event = given(params.event_id.as_deref()).map(str::parse::<EventRef>).transpose();
        let event = event.map_err(|err| Error::argument("eventId", err))?;
        let id = given(params.issue_id.as_deref().map(String::as_str));
        let url = given(params.issue_url.as_deref().map(String::as_str));
        let (answer, data) = match (id.or(url), event) {
            (None, Some(event)) => call.by_event(organization, event).await?,
            (_, event) => {
                let address = IssueAddress::of(cx, organization, id, url)?;
                let event = event.or(address.event).unwrap_or(EventRef::Latest);
                call.by_issue(&address.organization, &address.issue, &event).await?
            }
        };
        Ok(cx.reply(answer, || data.unwrap_or_default()))
    }
}

/// An answer, and the same as data where somebody wants them.
type Told = (Answer, Option<Details>);

/// What every step of a call needs.
struct Call<'a> {
    cx: &'a Context<'a>,
    region: Option<&'a Region>,
    now: Timestamp,
    depth: Depth,
    sections: &'a [String],
    budget: Option<usize>,
}

impl Call<'_> {
    fn page(&self) -> Result<Page> {
        let page = Page::new(self.depth, self.sections)?;
        Ok(if self.cx.wants_data() { page.with_data() } else { page })
    }

    /// The usual case: both requests at once.
    async fn by_issue(&self, org: &Slug, issue: &IssueId, event: &EventRef) -> Result<Told> {
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
                return self.answer(org, &found, Err(&missing)).await;
            }
            body => body?,
        };
        self.answer(org, &found, Ok(&body.read()?)).await
    }

    /// An event whose issue is not known: Sentry says whose it is, and sends the event with it.
    async fn by_event(&self, organization: Option<&Slug>, event: EventRef) -> Result<Told> {
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
        let Some(issue) = issue else { return self.lone_event(org, &id, owner.event.as_ref()) };
        let Some(event) = &owner.event else {
            return self.by_issue(org, &issue, &EventRef::Id(id)).await;
        };
        let issue = sentry.get_issue(org, &issue, self.region).await?;
        self.admit(&issue)?;
        self.answer(org, &issue, Ok(event)).await
    }

    /// The issue search also knows event ids.
    async fn by_search(&self, org: &Slug, id: &EventId) -> Result<Told> {
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
        self.answer(org, issue, Ok(&body.read()?)).await
    }

    /// Refuses an issue outside of the session's project, before anything of it is shown.
    fn admit(&self, issue: &Issue) -> Result<()> {
        self.cx.admit_project("this issue", issue.project_slug())
    }

    async fn answer(
        &self,
        org: &Slug,
        issue: &Issue,
        of: Result<&Event<'_>, &str>,
    ) -> Result<Told> {
        let mut page = self.page()?;
        let subject =
            Subject { sentry: self.cx.sentry, org, region: self.region, issue, event: of.ok() };
        let extras = enrichment::gather(subject, &page).await;
        let url = self.cx.sentry.site().issue_url(org, &issue.id);
        let short_id = markdown::code(issue.short_id(), 128);
        let _ = writeln!(page.essential(), "# Issue {short_id} in `{org}`");
        page.tell(|data| data.short_id = Some(issue.short_id().to_owned()));
        issue_facts::facts(&mut page, issue, &url, self.now);
        if let Some(place) = &extras.code {
            code(&mut page, place);
        }
        match of {
            Ok(of) => event::event(&mut page, of, self.now),
            Err(reason) => {
                page.essential().push("\n## Event\n");
                page.note(reason.to_owned());
            }
        }
        self.around(&mut page, org, of.ok(), &extras);
        let analyzed = extras.analysis.is_some();
        next::next(&mut page, self.cx, issue, of.ok(), &url, analyzed);
        Ok(page.finish(GetIssueDetails::NAME, self.budget))
    }

    /// What is neither the issue nor the event.
    fn around(&self, page: &mut Page, org: &Slug, of: Option<&Event<'_>>, extras: &Extras) {
        let attached = of.and_then(replay::attached);
        let site = self.cx.sentry.site();
        replay::replays(page, site, org, attached.as_deref(), &extras.replays);
        if let Some(analysis) = &extras.analysis {
            seer_summary::summary(page, analysis, self.cx.offers::<AnalyzeIssueWithSeer>());
        }
        if !extras.links.is_empty() {
            links(page, &extras.links);
        }
        extras.missing.iter().for_each(|(part, _)| page.mention(*part));
        let missing: Vec<&str> = extras.missing.iter().map(|(_, told)| told.as_str()).collect();
        if !missing.is_empty() {
            page.note(format!("Not shown: {}.", missing.join("; ")));
        }
    }

    /// An event that belongs to no issue, such as a transaction.
    fn lone_event(&self, org: &Slug, id: &EventId, of: Option<&Event<'_>>) -> Result<Told> {
        let mut page = self.page()?;
        let _ = writeln!(page.essential(), "# Event `{id}` in `{org}`");
        page.note("This event belongs to no issue.".to_owned());
        if let Some(of) = of {
            event::event(&mut page, of, self.now);
            self.around(&mut page, org, Some(of), &Extras::default());
        }
        Ok(page.finish(GetIssueDetails::NAME, self.budget))
    }

    fn not_found(&self, org: &Slug, id: &EventId) -> Told {
        let mut out = format!(
            "No issue was found for the event `{id}` in `{org}`.\n\nCheck the id and the \
             organization. The event may also be deleted, older than Sentry keeps events, or in a \
             project that this user cannot see."
        );
        if let Some(tool) = self.cx.offers::<SearchIssues>() {
            let _ = write!(out, " `{tool}` finds issues by their text.");
        }
        let data = Details { notes: vec![out.clone()], ..Details::default() };
        (Answer::new(out), Some(data))
    }
}

fn is_missing(err: &sentry_client::Error) -> bool {
    matches!(err.kind(), ErrorKind::NotFound { .. })
}

/// The line to look at, at the code host.
fn code(page: &mut Page, place: &CodePlace) {
    let Some(section) = page.part(Part::Code) else { return };
    let _ = writeln!(section, "\n### Code\n");
    if let Some(repository) = &place.repository {
        let _ = writeln!(section, "- Repository: {}", markdown::code(repository, 200));
    }
    let line = place.line.map(|line| format!(", line {line}")).unwrap_or_default();
    let _ = writeln!(section, "- Path: {}{line}", markdown::code(&place.path, 300));
    let _ = writeln!(section, "- Link: {}", markdown::code(&place.url, 1_000));
    let mark = section.mark();
    page.tell(|data| {
        let code = Code {
            repository: place.repository.clone(),
            path: Stranger::clipped(&place.path, 300),
            line: place.line,
            url: Stranger::clipped(&place.url, 1_000),
        };
        data.code = Some(Kept::new(mark, code));
    });
}

/// The issues of other services that are linked to this one.
fn links(page: &mut Page, links: &[ExternalIssue]) {
    let Some(section) = page.part(Part::Links) else { return };
    let _ = writeln!(section, "\n### Linked issues\n");
    for link in links.iter().take(LINKS) {
        let text = |text: &Option<Untrusted>| {
            text.as_ref()
                .filter(|text| !text.is_blank())
                .map(|text| markdown::code(text.expose(), 300))
        };
        let name = text(&link.display_name).unwrap_or_else(|| "(no name)".to_owned());
        let _ = write!(section, "- {name}");
        if let Some(service) = &link.service_type {
            let _ = write!(section, " ({})", markdown::line(service, 60));
        }
        let _ = match text(&link.web_url) {
            Some(url) => writeln!(section, ": {url}"),
            None => writeln!(section),
        };
    }
    if let Some(more @ 1..) = links.len().checked_sub(LINKS) {
        let _ = writeln!(section, "- and {more} more");
    }
    let mark = section.mark();
    page.tell(|data| {
        let stranger =
            |text: &Option<Untrusted>| Stranger::some(text.as_ref().map(Untrusted::expose), 300);
        let link = |link: &ExternalIssue| Link {
            name: stranger(&link.display_name),
            service: link.service_type.clone(),
            url: stranger(&link.web_url),
        };
        data.links = Some(Kept::new(mark, links.iter().take(LINKS).map(link).collect()));
    });
}
