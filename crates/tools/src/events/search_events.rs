//! `search_events`: a page of rows of one dataset, exactly as it was asked for. It parses no query
//! itself and draws no time series.

use std::{fmt::Write as _, time::Duration};

use agent::Agent;
use schemars::JsonSchema;
use scopes::{Scope, ScopeSet};
use sentry_client::{
    Cursor as PageCursor, ErrorKind, Page, Region, Slug, SlugOrId,
    discover::{EventSearch, EventTable, Replay, ReplaySearch},
};
use serde::Deserialize;

use crate::{
    answer::{Answer, Detail, Kept, Priority, Reply, Section},
    error::{Error, Result},
    event_search::{
        cells,
        data::{Events, Executed, ReplayFacts, Values, columns},
        dataset::Dataset,
        entries::{self, Web},
        explorer,
        plan::Plan,
        refused, replays,
        time::Time,
        wish::{Texts, Wish},
    },
    gate::needs,
    issues::get_issue_details::GetIssueDetails,
    params::{Cursor, MaxTokens, OrganizationSlug, ProjectSlug, RegionUrl},
    render::markdown,
    search_text::{
        self,
        sentence::{Guide, Place, Sentence, Translation},
    },
    tool::{Context, Effect, Tool, Upstream},
    traces::get_trace_details::GetTraceDetails,
};

/// How long Sentry's check of a search may take: it is a help, not the answer.
const CHECK: Duration = Duration::from_secs(5);

pub(crate) struct SearchEvents;

/// Search events, or sum them up with functions such as `count()` in `fields`.
///
/// For counts, percentiles, logs, spans and replays; problems to fix are in `search_issues`.
/// It makes no time series.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    organization_slug: OrganizationSlug,
    #[schemars(extend("default" = "errors"))]
    dataset: Option<Dataset>,
    /// Sentry search syntax, such as `level:error !has:user`.
    query: Option<String>,
    /// A sentence instead; filters of `query` stay.
    natural_language_query: Option<String>,
    /// Columns; beside functions such as `p95(span.duration)` they group.
    fields: Option<Texts>,
    /// A column; `-` for descending.
    sort: Option<String>,
    project_slug: Option<ProjectSlug>,
    environment: Option<Texts>,
    /// Up to 90d, 14d if no time is given.
    period: Option<String>,
    /// ISO 8601, with end.
    start: Option<String>,
    end: Option<String>,
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 100))]
    limit: u32,
    cursor: Option<Cursor>,
    max_tokens: Option<MaxTokens>,
    region_url: Option<RegionUrl>,
}

fn ten() -> u32 {
    10
}

impl Tool for SearchEvents {
    type Params = Params;
    type Output = Events;

    const NAME: &'static str = "search_events";
    const EFFECT: Effect = Effect::Read;
    const REQUIRES: ScopeSet = needs(Scope::EventRead);
    const UPSTREAM: Upstream = Upstream {
        endpoint: "GET /api/0/organizations/{org}/events/",
        accepts: &[needs(Scope::OrgRead)],
    };

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Reply<Events>> {
        let region = cx.region(params.region_url.as_ref())?;
        if !(1..=100).contains(&params.limit) {
            let problem = format!(
                "{} is out of range; expected 1 to 100, and `cursor` for more",
                params.limit
            );
            return Err(Error::argument("limit", problem));
        }
        let sentence =
            Sentence::of(cx, params.natural_language_query.as_deref(), params.cursor.as_ref())?;
        let mut wish = params.wish()?;
        let fenced = cx.sentry.fence().project.is_some();
        // Mistakes in the arguments are told before anything is asked.
        if sentence.is_none() || wish.dataset.is_some() {
            wish.plan(fenced, None)?;
        }
        let org = &*params.organization_slug;
        if let Some(guide) = sentence.and_then(|it| it.guide(Self::NAME, wish.dataset().syntax())) {
            return Ok(answered(cx, guide));
        }
        let project = project_of(cx, org, params.project_slug.as_deref(), region.as_ref()).await?;
        let place = Place { cx, org, region: region.as_ref(), project };
        if let Some((sentence, agent)) = sentence.and_then(|it| Some((it, it.agent()?))) {
            wish = match translated(wish, sentence, agent, &place).await {
                Ok(wish) => wish,
                Err(guide) => return Ok(answered(cx, *guide)),
            };
        }
        let search = Search::of(place, &params, wish)?;
        let found = search.run().await?;
        let mut answer = Answer::default();
        answer.limit(params.max_tokens.map(MaxTokens::get));
        let data = search.write(&mut answer, found);
        Ok(cx.reply(answer, || data))
    }
}

/// The search that a sentence becomes, which can be planned; else how to write it.
async fn translated(
    wish: Wish,
    sentence: Sentence<'_>,
    agent: &Agent,
    place: &Place<'_>,
) -> Result<Wish, Box<Guide>> {
    let wanted = wish.dataset.map(Dataset::syntax);
    let found = sentence.events(agent, &wish.query, wanted, place).await;
    let usual = wish.dataset().syntax();
    let found = found.map_err(|err| Box::new(Guide::after(&err, SearchEvents::NAME, usual)))?;
    let dataset = found.dataset;
    let fenced = place.cx.sentry.fence().project.is_some();
    let planned = wish.filled(found, agent).and_then(|wish| {
        wish.plan(fenced, None)?;
        Ok(wish)
    });
    planned.map_err(|err| {
        let reason = format!("what the model wrote cannot run: {err}");
        Box::new(Guide::because(&reason, SearchEvents::NAME, dataset))
    })
}

/// The answer where there was no search.
fn answered(cx: &Context<'_>, guide: Guide) -> Reply<Events> {
    let answer = Answer::new(guide.text());
    cx.reply(answer, || Events { guide: Some(guide), ..Events::of(None) })
}

impl Params {
    fn wish(&self) -> Result<Wish> {
        let [period, start, end] = [&self.period, &self.start, &self.end].map(Option::as_deref);
        Ok(Wish {
            dataset: self.dataset,
            query: self.query.clone().unwrap_or_default(),
            fields: Texts::of(self.fields.as_ref()),
            sort: self.sort.clone(),
            environments: Texts::of(self.environment.as_ref()),
            time: Time::given(period, start, end)?,
            translation: None,
        })
    }
}

/// A search that can be sent.
struct Search<'a> {
    cx: &'a Context<'a>,
    org: &'a Slug,
    region: Option<&'a Region>,
    plan: Plan,
    translation: Option<Translation>,
    time: Time,
    /// The project as the caller named it.
    asked: Option<&'a Slug>,
    /// The project as the request names it.
    project: Option<SlugOrId>,
    limit: u32,
    cursor: Option<&'a PageCursor>,
}

/// What came back.
enum Found {
    Rows(EventTable),
    Replays(Page<Replay>),
}

impl<'a> Search<'a> {
    fn of(place: Place<'a>, params: &'a Params, wish: Wish) -> Result<Search<'a>> {
        let Place { cx, org, region, mut project } = place;
        let asked = params.project_slug.as_deref();
        let unknown = asked.filter(|_| project.is_none());
        let replays = wish.dataset() == Dataset::Replays;
        if let Some(slug) = unknown.filter(|_| replays) {
            if cx.sentry.fence().project.is_some() {
                return Err(Error::input(format!(
                    "this session is limited to the project `{slug}`, a replay names its project \
                     only by its id, and the token may not read that. Next: the user gives the \
                     token `project:read`, or choose another `dataset`"
                )));
            }
            project = Some(slug.clone().into());
        }
        let fenced = cx.sentry.fence().project.is_some();
        let plan = wish.plan(fenced, unknown.filter(|_| !replays))?;
        let (limit, cursor) = (params.limit, params.cursor.as_deref());
        let (translation, time) = (wish.translation, wish.time.unwrap_or_default());
        Ok(Search { cx, org, region, plan, translation, time, asked, project, limit, cursor })
    }

    fn request(&self, dataset: &'a str) -> EventSearch<'_> {
        EventSearch {
            dataset,
            query: &self.plan.query,
            fields: &self.plan.fields,
            sort: &self.plan.sort,
            project: self.project.as_ref(),
            time: self.time.range(),
            limit: self.limit,
            sampling: (self.plan.dataset == Dataset::Spans).then_some("NORMAL"),
            cursor: self.cursor,
        }
    }

    async fn run(&self) -> Result<Found> {
        if self.plan.dataset == Dataset::Replays {
            let request = ReplaySearch {
                query: &self.plan.query,
                sort: &self.plan.sort,
                project: self.project.as_ref(),
                environments: &self.plan.environments,
                time: self.time.range(),
                limit: self.limit,
                cursor: self.cursor,
            };
            let page = self.cx.sentry.list_replays(self.org, &request, self.region).await;
            return page.map(Found::Replays).map_err(|err| refused::explained(err, &self.plan));
        }
        // The first page was checked when a cursor comes from it.
        if self.cursor.is_none() {
            self.check().await?;
        }
        let mut names = self.plan.dataset.facts().sent.iter().peekable();
        while let Some(dataset) = names.next() {
            let request = self.request(dataset);
            match self.cx.sentry.search_events(self.org, &request, self.region).await {
                Ok(table) => return Ok(Found::Rows(table)),
                Err(err) if names.peek().is_some() && names_dataset(&err) => {}
                Err(err) => return Err(refused::explained(err, &self.plan)),
            }
        }
        Err(Error::input("the dataset has no name at Sentry; choose another `dataset`"))
    }

    /// Sentry's own check, where there is one. Whatever else comes of it changes nothing.
    async fn check(&self) -> Result<()> {
        let facts = self.plan.dataset.facts();
        let Some(dataset) = facts.sent.first() else { return Ok(()) };
        let client = self.cx.sentry.within(CHECK);
        let request = self.request(dataset);
        let Ok(mut objections) = client.validate_search(self.org, &request, self.region).await
        else {
            return Ok(());
        };
        if facts.sent.len() > 1 {
            // This Sentry may know the dataset by its other name.
            objections.retain(|objection| objection.part != "dataset");
        }
        if objections.is_empty() {
            return Ok(());
        }
        Err(refused::objected(&self.plan, &objections))
    }

    fn write(&self, answer: &mut Answer, mut found: Found) -> Events {
        let kept = self.fence(&mut found);
        let executed = self.head(answer.section("search", Priority::Essential));
        let mut data = Events::of(Some(executed));
        let rows = answer.section("rows", Priority::High);
        let web = self.web();
        match &found {
            Found::Rows(table) => {
                data.columns = columns(&self.plan, table);
                let is_table = self.plan.aggregate && !table.page.items.is_empty();
                if is_table {
                    rows.push(&entries::table_head(&self.plan));
                }
                let row = |(number, row)| {
                    let entry = if is_table {
                        entries::table_row(&self.plan, row, table)
                    } else {
                        entries::entry(number, row, table, self.plan.dataset, web)
                    };
                    let mark = rows.detail(Detail::Entry, &entry);
                    Kept::new(mark, Values::of(&data.columns, row))
                };
                let all = (1..).zip(&table.page.items).map(row).collect();
                data.rows = Some(Kept::new(rows.mark(), all));
            }
            Found::Replays(page) => {
                let replay = |(number, replay)| {
                    let mark = rows.detail(Detail::Entry, &replays::entry(number, replay, web));
                    Kept::new(mark, ReplayFacts::of(replay))
                };
                let all = (1..).zip(&page.items).map(replay).collect();
                data.replays = Some(Kept::new(rows.mark(), all));
            }
        }
        let end = answer.section("", Priority::Essential);
        if kept > 0 {
            let note = "Rows outside of this session's project were left out.";
            let _ = writeln!(end, "\n{note}");
            data.notes.push(note.to_owned());
        }
        match &found {
            Found::Rows(table) => self.end(end, &table.page, &mut data),
            Found::Replays(page) => self.end(end, page, &mut data),
        }
        data
    }

    /// Takes out what belongs to another project than the session's; returns how much.
    fn fence(&self, found: &mut Found) -> usize {
        let fence = self.cx.sentry.fence();
        if fence.project.is_none() {
            return 0;
        }
        match found {
            Found::Rows(table) => {
                let before = table.page.items.len();
                table.page.items.retain(|row| {
                    let project = row.get("project").or_else(|| row.get("project.name"));
                    project.is_some_and(|cell| fence.admits_project(&cells::plain(cell, 0)))
                });
                before - table.page.items.len()
            }
            Found::Replays(page) => {
                let before = page.items.len();
                let only = self.project.as_ref().map(SlugOrId::as_str);
                page.items.retain(|replay| only.is_some() && replay.project_id.as_deref() == only);
                before - page.items.len()
            }
        }
    }

    fn web(&self) -> Web<'a> {
        Web { site: self.cx.sentry.site(), org: self.org }
    }

    fn head(&self, out: &mut Section) -> Executed {
        let Plan { dataset, query, fields, sort, .. } = &self.plan;
        let name = dataset.name();
        let _ = writeln!(out, "# Events in `{}`: {name}\n", self.org);
        let shown = search_text::shown(query, "(empty)");
        let _ = write!(out, "Executed: dataset `{name}`, query {shown}");
        if !fields.is_empty() {
            let fields: Vec<String> =
                fields.iter().map(|field| markdown::code(field, 200)).collect();
            let _ = write!(out, ", fields {}", fields.join(" "));
        }
        let _ = write!(out, ", sort {}, {}", markdown::code(sort, 200), self.time);
        if let Some(asked) = self.asked {
            let _ = write!(out, ", project `{asked}`");
            if let Some(SlugOrId::Id(id)) = &self.project {
                let _ = write!(out, " (id `{id}`)");
            }
        }
        if !self.plan.environments.is_empty() {
            let names = self.plan.environments.iter().map(|name| markdown::code(name, 64));
            let _ = write!(out, ", environment {}", names.collect::<Vec<_>>().join(" "));
        }
        let _ = write!(out, ", limit {}", self.limit);
        if let Some(cursor) = self.cursor {
            let _ = write!(out, ", cursor `{cursor}`");
        }
        out.push(".\n");
        for addition in &self.plan.additions {
            let _ = writeln!(out, "{addition}");
        }
        let mut about = String::new();
        if let Some(translation) = &self.translation {
            about.push_str(&translation.lines());
        }
        self.plan.warnings.write(&mut about);
        out.push(&about);
        let url = explorer::url(self.web(), &self.plan, self.project.as_ref(), &self.time);
        let _ = writeln!(out, "On the web: {url}\n");
        let executed = Executed::of(&self.plan, self.time.to_string(), self.limit, url);
        let project = self.asked.map(ToString::to_string);
        Executed { project, translation: self.translation.clone(), ..executed }
    }

    fn end<T>(&self, out: &mut Section, page: &Page<T>, data: &mut Events) {
        data.unreadable = page.skipped;
        data.next_cursor = page.next.as_ref().map(ToString::to_string);
        let mut text = String::new();
        if page.items.is_empty() && page.skipped == 0 {
            let note = match (&page.next, self.cursor) {
                (Some(_), _) => "Nothing on this page; the next one may have rows.",
                (None, Some(_)) => "There is nothing more.",
                (None, None) => {
                    "Nothing matches. Next: try a longer `period`, fewer filters in `query`, \
                     another `dataset`, or another project."
                }
            };
            let _ = writeln!(text, "{note}");
            data.notes.push(note.to_owned());
        }
        markdown::page_end(&mut text, page);
        if let Some(next) = self.next().filter(|_| !page.items.is_empty()) {
            let _ = writeln!(text, "\n{next}");
            data.notes.push(next);
        }
        out.push(&text);
    }

    /// Where single events lead.
    fn next(&self) -> Option<String> {
        if self.plan.aggregate {
            return None;
        }
        let issue = self.cx.offers::<GetIssueDetails>();
        let trace = self.cx.offers::<GetTraceDetails>();
        let next = match (self.plan.dataset, issue, trace) {
            (Dataset::Errors, Some(issue), _) => {
                format!("`{issue}` with an issue's id shows its stack trace")
            }
            (Dataset::Spans | Dataset::Logs | Dataset::Metrics, _, Some(trace)) => {
                format!("`{trace}` with a trace's id shows what else ran in it")
            }
            _ => return None,
        };
        Some(format!("Next: {next}."))
    }
}

/// The project that a search is about, as its request names it.
async fn project_of(
    cx: &Context<'_>,
    org: &Slug,
    asked: Option<&Slug>,
    region: Option<&Region>,
) -> Result<Option<SlugOrId>> {
    match asked {
        Some(slug) => numeric_id(cx, org, slug, region).await,
        None => Ok(None),
    }
}

/// The id of a project, by which alone old Sentrys know it in a search; `None` where the token
/// may not read the project itself.
pub(super) async fn numeric_id(
    cx: &Context<'_>,
    org: &Slug,
    project: &Slug,
    region: Option<&Region>,
) -> Result<Option<SlugOrId>> {
    match cx.sentry.get_project_id(org, project, region).await {
        Ok(id) => Ok(id.and_then(|id| id.parse().ok())),
        Err(err) if matches!(err.kind(), ErrorKind::Forbidden { .. }) => Ok(None),
        Err(err) => Err(err.into()),
    }
}

/// Whether Sentry refuses a search because it does not know the dataset.
fn names_dataset(err: &sentry_client::Error) -> bool {
    match err.kind() {
        ErrorKind::Validation { detail, fields } => {
            let detail = detail.as_deref().unwrap_or_default().to_lowercase();
            detail.contains("dataset") || fields.iter().any(|(field, _)| field.contains("dataset"))
        }
        _ => false,
    }
}
