//! `search_issues`: a page of issues that match a search. It does not count events, and what
//! is executed is what was asked, with what was added listed.

use std::fmt::Write as _;

use agent::{Agent, AgentError};
use futures::future;
use jiff::Timestamp;
use schemars::JsonSchema;
use scopes::{Scope, ScopeSet};
use search_query::Dataset;
use sentry_client::{
    Cursor as PageCursor, ErrorKind, Page, Region, Slug, SlugOrId,
    issues::{Issue, ListIssues},
};
use serde::{
    Deserialize, Serialize,
    de::{IntoDeserializer, value},
};

use crate::{
    answer::{List, Listing, Reply},
    error::{Error, Result},
    gate::needs,
    issues::{get_issue_details::GetIssueDetails, update_issue::UpdateIssue},
    params::{Cursor, OrganizationSlug, ProjectSlugOrId, RegionUrl},
    period,
    render::{self, issue::IssueEntry},
    search_text::{
        self, Warning, Warnings,
        people::{self, Meant},
        refused,
        sentence::{Guide, Place, Sentence, Translation},
    },
    tool::{Context, Effect, Tool, Upstream},
};

pub(crate) struct SearchIssues;

/// List issues (grouped events) that match a search, with status, counts and assignee.
///
/// Use it to find problems. It lists no single events.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    organization_slug: OrganizationSlug,
    /// Sentry search syntax, such as `is:unresolved level:error timeout`; empty for all.
    #[schemars(extend("default" = "is:unresolved"))]
    query: Option<String>,
    /// A sentence instead; filters of `query` stay.
    natural_language_query: Option<String>,
    #[schemars(extend("default" = "date"))]
    sort: Option<Sort>,
    project_slug_or_id: Option<ProjectSlugOrId>,
    /// Up to 90d, such as 24h.
    #[serde(default = "month")]
    period: String,
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 100))]
    limit: u32,
    cursor: Option<Cursor>,
    region_url: Option<RegionUrl>,
}

/// Issues as data, with what was searched for.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Found {
    executed: Option<Executed>,
    /// Instead of a search: how to write it.
    guide: Option<Guide>,
    #[serde(flatten)]
    issues: List<IssueEntry>,
}

/// The search as Sentry got it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Executed {
    query: String,
    sort: &'static str,
    period: String,
    project: Option<String>,
    limit: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    warnings: Vec<Warning>,
    /// Whom `me` and `my_teams` mean.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    people: Vec<Meant>,
    /// If a sentence became this search.
    translation: Option<Translation>,
    /// The same search on the web.
    url: String,
}

/// Last seen, events, first seen, users, or Sentry's own mix.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline, description = "")]
enum Sort {
    #[default]
    Date,
    Freq,
    New,
    User,
    Recommended,
}

impl Sort {
    /// By its name; nothing where there is none of this name.
    fn named(name: &str) -> Option<Sort> {
        Sort::deserialize(IntoDeserializer::<value::Error>::into_deserializer(name)).ok()
    }

    fn as_str(self) -> &'static str {
        match self {
            Sort::Date => "date",
            Sort::Freq => "freq",
            Sort::New => "new",
            Sort::User => "user",
            Sort::Recommended => "recommended",
        }
    }
}

/// What is searched for when nobody says.
const USUAL: &str = "is:unresolved";

fn month() -> String {
    "30d".to_owned()
}

fn ten() -> u32 {
    10
}

impl Tool for SearchIssues {
    type Params = Params;
    type Output = Found;

    const NAME: &'static str = "search_issues";
    const EFFECT: Effect = Effect::Read;
    const REQUIRES: ScopeSet = needs(Scope::EventRead);
    const UPSTREAM: Upstream = Upstream {
        endpoint: "GET /api/0/organizations/{org}/issues/",
        accepts: &[needs(Scope::EventRead)],
    };

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Reply<Found>> {
        let region = cx.region(params.region_url.as_ref())?;
        let org = &*params.organization_slug;
        check_limit(params.limit)?;
        let period = period::checked(&params.period)?;
        let sentence =
            Sentence::of(cx, params.natural_language_query.as_deref(), params.cursor.as_ref())?;
        let usual = if sentence.is_some() { "" } else { USUAL };
        let wish = Wish {
            query: params.query.as_deref().unwrap_or(usual).trim().to_owned(),
            sort: params.sort,
            translation: None,
        };
        // A mistake in the query costs no request.
        search_text::check(&wish.query, Dataset::Issues)?;
        if let Some(guide) = sentence.and_then(|it| it.guide(Self::NAME, Dataset::Issues)) {
            return Ok(answered(cx, guide));
        }
        let asked = params.project_slug_or_id.as_deref();
        let (project, named) = project_of(cx, org, asked, region.as_ref()).await?;
        let place = Place { cx, org, region: region.as_ref(), project };
        let wish = match sentence.and_then(|it| Some((it, it.agent()?))) {
            Some((sentence, agent)) => match translated(wish, sentence, agent, &place).await {
                Ok(wish) => wish,
                Err(guide) => return Ok(answered(cx, *guide)),
            },
            None => wish,
        };
        let search = Search::of(place, &params, wish, named, period)?;
        let (page, people) = future::join(search.run(), search.people()).await;
        Ok(search.reply(page?, &people, Timestamp::now()))
    }
}

/// The search that a sentence becomes; else how to write it.
async fn translated(
    wish: Wish,
    sentence: Sentence<'_>,
    agent: &Agent,
    place: &Place<'_>,
) -> Result<Wish, Box<Guide>> {
    let guide = |err: &AgentError| Guide::after(err, SearchIssues::NAME, Dataset::Issues);
    let found = sentence.issues(agent, &wish.query, place).await;
    let found = found.map_err(|err| Box::new(guide(&err)))?;
    Ok(Wish {
        // An order that does not exist is as good as none.
        sort: wish.sort.or_else(|| Sort::named(found.sort.as_deref()?)),
        translation: Some(Translation::new(agent, found.explanation.as_ref())),
        query: found.query,
    })
}

/// A search as somebody wants it.
struct Wish {
    query: String,
    sort: Option<Sort>,
    /// How the query was written, if it was not the caller.
    translation: Option<Translation>,
}

/// A project that only the query can name, and why.
struct InQuery {
    slug: Slug,
    reason: &'static str,
}

/// The project as the request names it, or as the query has to.
///
/// Old Sentrys know a project in a search only by its id, so a slug is looked up.
async fn project_of(
    cx: &Context<'_>,
    org: &Slug,
    asked: Option<&SlugOrId>,
    region: Option<&Region>,
) -> Result<(Option<SlugOrId>, Option<InQuery>)> {
    let Some(SlugOrId::Slug(slug)) = asked else { return Ok((asked.cloned(), None)) };
    let reason = match cx.sentry.get_project_id(org, slug, region).await {
        Ok(id) => match id.and_then(|id| id.parse().ok()) {
            Some(id) => return Ok((Some(id), None)),
            None => "Sentry did not tell the project's id",
        },
        Err(err) if matches!(err.kind(), ErrorKind::Forbidden { .. }) => {
            "The token may not read the project itself"
        }
        Err(err) => return Err(err.into()),
    };
    Ok((None, Some(InQuery { slug: slug.clone(), reason })))
}

/// A search that can be sent.
struct Search<'a> {
    place: Place<'a>,
    query: String,
    sort: Sort,
    period: &'a str,
    limit: u32,
    cursor: Option<&'a PageCursor>,
    /// The project as the caller named it.
    asked: Option<&'a SlugOrId>,
    /// Why the query is not what the caller wrote.
    addition: Option<String>,
    warnings: Warnings,
    translation: Option<Translation>,
}

impl<'a> Search<'a> {
    fn of(
        place: Place<'a>,
        params: &'a Params,
        wish: Wish,
        named: Option<InQuery>,
        period: &'a str,
    ) -> Result<Search<'a>> {
        let warnings = search_text::check(&wish.query, Dataset::Issues)?;
        let (query, addition) = match named {
            None => (wish.query, None),
            Some(InQuery { slug, reason }) => (
                // Terms side by side are joined by `AND`; issue search has no `OR`.
                format!("{} project:{slug}", wish.query).trim_start().to_owned(),
                Some(format!(
                    "{reason}, so `project:{slug}` was added to the query instead of the id."
                )),
            ),
        };
        search_text::fits(&query)?;
        Ok(Search {
            place,
            query,
            sort: wish.sort.unwrap_or_default(),
            period,
            limit: params.limit,
            cursor: params.cursor.as_deref(),
            asked: params.project_slug_or_id.as_deref(),
            addition,
            warnings,
            translation: wish.translation,
        })
    }

    async fn run(&self) -> Result<Page<Issue>> {
        let Place { cx, org, region, project } = &self.place;
        let search = ListIssues {
            query: &self.query,
            sort: self.sort.as_str(),
            period: Some(self.period),
            project: project.as_ref(),
            limit: self.limit,
            cursor: self.cursor,
        };
        let page = cx.sentry.list_issues(org, &search, *region).await;
        page.map_err(|err| refused::issue_search(err, &self.query))
    }

    /// Whom the query means by `me`.
    async fn people(&self) -> Vec<Meant> {
        let Place { cx, org, region, .. } = self.place;
        people::meant(cx, org, region, &self.query).await
    }

    /// The same search on the web.
    fn web(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if let Some(project) = &self.place.project {
            query.append_pair("project", project.as_str());
        }
        query.append_pair("query", &self.query).append_pair("sort", self.sort.as_str());
        query.append_pair("statsPeriod", self.period);
        let Place { cx, org, .. } = self.place;
        cx.sentry.site().web_url(org, &format!("/issues/?{}", query.finish()))
    }

    fn executed(&self) -> String {
        let mut out = format!(
            "Executed: query {}, sort `{}`, period `{}`",
            search_text::shown(&self.query, "(empty: every issue)"),
            self.sort.as_str(),
            self.period,
        );
        if let Some(asked) = self.asked {
            let _ = write!(out, ", project `{asked}`");
            if let Some(SlugOrId::Id(id)) = &self.place.project
                && id != asked.as_str()
            {
                let _ = write!(out, " (id `{id}`)");
            }
        }
        let _ = write!(out, ", limit {}", self.limit);
        match self.cursor {
            Some(cursor) => _ = writeln!(out, ", cursor `{cursor}`."),
            None => out.push_str(".\n"),
        }
        out
    }

    fn reply(self, mut page: Page<Issue>, people: &[Meant], now: Timestamp) -> Reply<Found> {
        let Place { cx, org, .. } = self.place;
        let found = page.items.len();
        let fence = cx.sentry.fence();
        page.items.retain(|issue| {
            fence.project.is_none()
                || issue.project_slug().is_some_and(|slug| fence.admits_project(slug))
        });
        let mut out = Listing::titled(&format!("# Issues in `{org}`"));
        let web = self.web();
        out.words(&self.executed());
        if let Some(addition) = &self.addition {
            out.note(&format!("{addition}\n"));
        }
        let mut about = String::new();
        people::write(&mut about, people);
        if let Some(translation) = &self.translation {
            about.push_str(&translation.lines());
        }
        self.warnings.write(&mut about);
        out.words(&format!("{about}On the web: {web}\n\n"));
        for (number, issue) in (1..).zip(&page.items) {
            let url = cx.sentry.site().issue_url(org, &issue.id);
            let entry = render::issue::entry(number, issue, &url, now);
            out.entry(&entry, IssueEntry::of(issue, url));
        }
        if page.items.len() < found {
            out.note("\nIssues outside of this session's project were left out.\n");
        }
        if page.items.is_empty() && page.skipped == 0 {
            out.note(nothing(page.next.is_some(), self.cursor.is_some()));
        }
        out.end(&page);
        if let Some(next) = next(cx).filter(|_| !page.items.is_empty()) {
            out.note(&next);
        }
        let executed = Executed {
            query: self.query,
            sort: self.sort.as_str(),
            period: self.period.to_owned(),
            project: self.asked.map(ToString::to_string),
            limit: self.limit,
            warnings: self.warnings.list(),
            people: people.to_vec(),
            translation: self.translation,
            url: web,
        };
        out.reply_as(cx, |issues| Found { executed: Some(executed), guide: None, issues })
    }
}

/// The answer where there was no search.
fn answered(cx: &Context<'_>, guide: Guide) -> Reply<Found> {
    Listing::words_alone(&guide.text()).reply_as(cx, |issues| Found {
        executed: None,
        guide: Some(guide),
        issues,
    })
}

fn check_limit(limit: u32) -> Result<()> {
    if (1..=100).contains(&limit) {
        return Ok(());
    }
    let problem = format!("{limit} is out of range; expected 1 to 100, and `cursor` for more");
    Err(Error::argument("limit", problem))
}

fn nothing(more: bool, is_later: bool) -> &'static str {
    match (more, is_later) {
        (true, _) => "No issue on this page; the next one may have some.\n",
        (false, true) => "There are no more issues.\n",
        (false, false) => {
            "No issue matches. Next: try a longer `period`, fewer filters in `query` (without \
             `is:unresolved` resolved and ignored issues are found too), or another project.\n"
        }
    }
}

fn next(cx: &Context<'_>) -> Option<String> {
    let mut next = Vec::new();
    if let Some(details) = cx.offers::<GetIssueDetails>() {
        next.push(format!("`{details}` with an issue's id shows its stack trace"));
    }
    if let Some(update) = cx.offers::<UpdateIssue>() {
        next.push(format!("`{update}` resolves, ignores or assigns it"));
    }
    (!next.is_empty()).then(|| format!("\nNext: {}.\n", next.join("; ")))
}

#[cfg(test)]
#[path = "search_issues_tests.rs"]
mod tests;
