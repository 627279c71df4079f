//! `find_event_fields`: what can be searched in a dataset of an organization. It runs no search.

use std::collections::HashMap;

use agent::FoundField;
use futures::future;
use schemars::JsonSchema;
use scopes::{Scope, ScopeSet};
use search_query::{
    Dataset,
    fields::{self, Field, Uses},
};
use sentry_client::{
    Cursor as PageCursor, Page, Region, Slug, SlugOrId, Untrusted,
    fields::{Attribute, FieldsOf, Sample},
};
use serde::{Deserialize, Serialize};

use crate::{
    answer::{List, Listing, Reply, Stranger},
    error::{Error, Result},
    events::search_events::numeric_id,
    gate::needs,
    params::{Cursor, NamePart, OrganizationSlug, ProjectSlug, RegionUrl},
    render::markdown,
    search_text::searched::Searched,
    tool::{Context, Effect, Tool, Upstream},
};

/// Fields on one page.
const PAGE: usize = 50;

/// How far back Sentry looks for tags and attributes.
const PERIOD: &str = "14d";

/// With so few fields on the page, their values are looked up, one request each.
const FEW: usize = 5;

/// Values that are shown of a field.
const VALUES: usize = 6;

pub(crate) struct FindEventFields;

/// List a dataset's fields, tags and attributes with types, to write a `query`; runs none. Up to
/// five matches show values.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    organization_slug: OrganizationSlug,
    dataset: Searched,
    query: Option<NamePart>,
    project_slug: Option<ProjectSlug>,
    cursor: Option<Cursor>,
    region_url: Option<RegionUrl>,
}

/// A field as data.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Found {
    name: Stranger,
    /// `string`, `number`, `duration`, ….
    #[serde(rename = "type")]
    kind: String,
    /// Whether the organization's own applications define it.
    custom: bool,
    about: Option<&'static str>,
    /// Values it can have, or has had lately.
    values: Vec<Stranger>,
}

impl Tool for FindEventFields {
    type Params = Params;
    type Output = List<Found>;

    const NAME: &'static str = "find_event_fields";
    const EFFECT: Effect = Effect::Read;
    const REQUIRES: ScopeSet = needs(Scope::EventRead);
    const UPSTREAM: Upstream = Upstream {
        endpoint: "GET /api/0/organizations/{org}/tags/` or `\
                   GET /api/0/organizations/{org}/trace-items/attributes/",
        accepts: &[needs(Scope::OrgRead)],
    };

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Reply<List<Found>>> {
        let region = cx.region(params.region_url.as_ref())?;
        let org = &*params.organization_slug;
        let asked = params.project_slug.as_deref();
        let source = Source::of(params.dataset.0);
        let project = match asked.filter(|_| source != Source::Catalog) {
            // A token that may not read the project leaves the slug, which newer Sentrys take.
            Some(slug) => Some(
                numeric_id(cx, org, slug, region.as_ref())
                    .await?
                    .unwrap_or_else(|| SlugOrId::from(slug.clone())),
            ),
            None => None,
        };
        let look = Look {
            part: NamePart::of(params.query.as_ref()),
            cursor: params.cursor.as_deref(),
            ..Look::at(cx, org, region.as_ref(), project.as_ref(), params.dataset.0)
        };
        let mut page = look.page().await?;
        let unread = look.add_samples(&mut page.items).await;
        Ok(look.reply(&page, asked, unread))
    }
}

/// The first page of the fields whose names contain `part`, for a model that writes a search.
pub(crate) async fn first_page(
    cx: &Context<'_>,
    org: &Slug,
    region: Option<&Region>,
    project: Option<&SlugOrId>,
    dataset: Dataset,
    part: Option<&str>,
) -> Result<Vec<FoundField>> {
    let look = Look { part, ..Look::at(cx, org, region, project, dataset) };
    let mut page = look.page().await?;
    look.add_samples(&mut page.items).await;
    Ok(page.items.iter().map(Entry::told).collect())
}

/// Where the fields of a dataset are known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The tags of events, in these of Sentry's datasets.
    Tags(&'static [&'static str]),
    /// The attributes of spans, logs, or metrics.
    Attributes(&'static str),
    /// Only what every organization has.
    Catalog,
}

impl Source {
    fn of(dataset: Dataset) -> Source {
        match dataset {
            // Issues of performance and of feedback have tags of their own.
            Dataset::Issues => Source::Tags(&["events", "search_issues"]),
            Dataset::Errors => Source::Tags(&["events"]),
            Dataset::Replays => Source::Tags(&["replays"]),
            Dataset::Spans => Source::Attributes("spans"),
            Dataset::Logs => Source::Attributes("logs"),
            Dataset::Metrics => Source::Attributes("tracemetrics"),
            Dataset::Profiles => Source::Catalog,
        }
    }
}

/// A field of the answer.
struct Entry {
    name: Untrusted,
    kind: &'static str,
    custom: bool,
    /// Whether Sentry has seen it in this organization.
    seen: bool,
    known: Option<&'static Field>,
    samples: Vec<Untrusted>,
}

struct Look<'a> {
    cx: &'a Context<'a>,
    org: &'a Slug,
    dataset: Dataset,
    source: Source,
    of: FieldsOf<'a>,
    part: Option<&'a str>,
    cursor: Option<&'a PageCursor>,
}

impl<'a> Look<'a> {
    fn at(
        cx: &'a Context<'a>,
        org: &'a Slug,
        region: Option<&'a Region>,
        project: Option<&'a SlugOrId>,
        dataset: Dataset,
    ) -> Look<'a> {
        let of = FieldsOf { dataset: "", project, period: PERIOD, region };
        Look { cx, org, dataset, source: Source::of(dataset), of, part: None, cursor: None }
    }
}

impl Look<'_> {
    async fn page(&self) -> Result<Page<Entry>> {
        match self.source {
            Source::Tags(datasets) => self.tags(datasets).await,
            Source::Attributes(dataset) => self.attributes(dataset).await,
            Source::Catalog => self.slice(self.catalog(|_| false), 0),
        }
    }

    /// The tags that events have, then the fields that all events have.
    async fn tags(&self, datasets: &[&'static str]) -> Result<Page<Entry>> {
        let lists = datasets.iter().map(|dataset| {
            let of = FieldsOf { dataset, ..self.of };
            async move { self.cx.sentry.list_tags(self.org, &of).await }
        });
        let mut lists = future::join_all(lists).await.into_iter();
        let mut tags = match lists.next() {
            Some(first) => first?,
            None => return self.slice(Vec::new(), 0),
        };
        // The further lists only add to the first.
        for more in lists.flatten() {
            tags.items.extend(more.items);
            tags.skipped += more.skipped;
        }
        tags.items.sort_by(|a, b| {
            let by_count = b.total_values.cmp(&a.total_values);
            by_count.then_with(|| a.key.expose().cmp(b.key.expose()))
        });
        let mut at: HashMap<String, usize> = HashMap::new();
        let mut entries: Vec<Entry> = Vec::new();
        for tag in tags.items {
            let key = tag.key.expose();
            if key.starts_with("sentry:") || !self.matches(key) {
                continue;
            }
            let samples = tag.top_values.into_iter().filter_map(|sample| sample.value);
            if let Some(entry) = at.get(key).and_then(|at| entries.get_mut(*at)) {
                entry.add(samples);
                continue;
            }
            at.insert(key.to_owned(), entries.len());
            let mut entry = self.entry(tag.key, None);
            entry.add(samples);
            entries.push(entry);
        }
        entries.extend(self.catalog(|name| at.contains_key(name)));
        self.slice(entries, tags.skipped)
    }

    /// A page of attributes. Where Sentry has seen none, those that it defines itself.
    async fn attributes(&self, dataset: &str) -> Result<Page<Entry>> {
        let of = FieldsOf { dataset, ..self.of };
        let per_page = u32::try_from(PAGE).unwrap_or(u32::MAX);
        let list =
            self.cx.sentry.list_attributes(self.org, &of, self.part, per_page, self.cursor).await?;
        let nothing = list.items.is_empty() && list.next.is_none() && self.cursor.is_none();
        let mut page = list.map(|attribute| self.attribute(attribute));
        page.items.retain(|entry| !entry.name.expose().starts_with("sentry._internal."));
        if nothing {
            page.items = self.catalog(|_| false);
            page.items.truncate(PAGE);
        }
        Ok(page)
    }

    fn attribute(&self, attribute: Attribute) -> Entry {
        let custom = attribute
            .attribute_source
            .and_then(|source| source.source_type)
            .map(|source| source == "user");
        let mut entry = self.entry(attribute.key, custom);
        // The catalogue says more than Sentry, which knows a duration as a number.
        if entry.known.is_none() {
            entry.kind = match attribute.attribute_type.as_deref() {
                Some("number") => "number",
                Some("boolean") => "boolean",
                Some("array") => "array",
                _ => "string",
            };
        }
        entry
    }

    /// A field that Sentry has seen in the organization.
    fn entry(&self, name: Untrusted, custom: Option<bool>) -> Entry {
        let known = fields::field(self.dataset, name.expose());
        let kind = known.map_or("string", |known| known.kind.name());
        let custom = custom.unwrap_or(known.is_none());
        Entry { name, kind, custom, seen: true, known, samples: Vec::new() }
    }

    /// The fields that Sentry defines and that are not listed yet.
    fn catalog(&self, listed: impl Fn(&str) -> bool) -> Vec<Entry> {
        fields::fields(self.dataset)
            .filter(|known| known.uses(self.dataset).contains(Uses::FILTER))
            .filter(|known| self.matches(known.name) && !listed(known.name))
            .map(|known| {
                let entry = self.entry(Untrusted::new(known.name), Some(false));
                Entry { seen: false, ..entry }
            })
            .collect()
    }

    fn matches(&self, name: &str) -> bool {
        let part = self.part.unwrap_or_default().to_lowercase();
        name.to_lowercase().contains(&part)
    }

    /// The page that the cursor means, of a list that is whole. The cursors are written like
    /// Sentry's.
    fn slice(&self, entries: Vec<Entry>, skipped: usize) -> Result<Page<Entry>> {
        let start = match self.cursor {
            None => 0,
            Some(cursor) => offset(cursor).ok_or_else(|| {
                Error::argument("cursor", "expected the cursor of an earlier answer of this tool")
            })?,
        };
        let end = start.saturating_add(PAGE);
        let next = if end < entries.len() { format!("0:{end}:0").parse().ok() } else { None };
        let items = entries.into_iter().skip(start).take(PAGE).collect();
        // What could not be read is told once.
        let skipped = if start == 0 { skipped } else { 0 };
        Ok(Page { items, skipped, next, previous: None })
    }

    /// Looks values up where there are few fields. Returns how many fields Sentry did not tell
    /// about: samples are a help, not the answer.
    async fn add_samples(&self, entries: &mut [Entry]) -> usize {
        if entries.len() > FEW {
            return 0;
        }
        let looks = entries.iter().map(|entry| async move {
            let wanted = entry.seen && entry.kind == "string" && entry.samples.is_empty();
            if wanted && entry.known.is_none_or(|known| known.values.is_empty()) {
                Some(self.samples(&entry.name).await)
            } else {
                None
            }
        });
        let mut unread = 0;
        let found = future::join_all(looks).await;
        for (entry, found) in entries.iter_mut().zip(found) {
            match found {
                Some(Ok(samples)) => {
                    entry.add(samples.items.into_iter().filter_map(|sample| sample.value));
                }
                Some(Err(_)) => unread += 1,
                None => {}
            }
        }
        unread
    }

    async fn samples(&self, key: &Untrusted) -> sentry_client::Result<Page<Sample>> {
        match self.source {
            Source::Attributes(dataset) => {
                let of = FieldsOf { dataset, ..self.of };
                self.cx.sentry.attribute_values(self.org, key, &of).await
            }
            Source::Tags(datasets) => {
                let dataset = datasets.first().copied().unwrap_or_default();
                let of = FieldsOf { dataset, ..self.of };
                self.cx.sentry.tag_values(self.org, key, &of).await
            }
            Source::Catalog => {
                Ok(Page { items: Vec::new(), skipped: 0, next: None, previous: None })
            }
        }
    }

    fn reply(
        &self,
        page: &Page<Entry>,
        project: Option<&Slug>,
        unread: usize,
    ) -> Reply<List<Found>> {
        let dataset = self.dataset;
        let place = match project.filter(|_| self.source != Source::Catalog) {
            Some(project) => format!("`{project}` in `{}`", self.org),
            None => format!("`{}`", self.org),
        };
        let mut out = Listing::titled(&format!("# Fields of {dataset} in {place}"));
        if let Some(part) = self.part {
            out.words(&format!("Matching {}\n\n", markdown::code(part, 200)));
        }
        for entry in &page.items {
            out.entry(&entry.line(), entry.data());
        }
        if page.items.is_empty() && page.skipped == 0 && page.next.is_none() {
            out.note(match (self.cursor, self.part) {
                (Some(_), _) => "There are no more fields.",
                (None, Some(_)) => {
                    "No field matches. Call again with a shorter `query`, or without it to list all."
                }
                (None, None) => "Sentry lists no fields here.",
            });
        } else if self.cursor.is_none() {
            self.remarks(&mut out, page, unread);
        }
        out.end(page);
        out.reply(self.cx)
    }

    fn remarks(&self, out: &mut Listing<Found>, page: &Page<Entry>, unread: usize) {
        if self.source == Source::Catalog {
            out.note("\nThese are the same in every organization; there are no custom tags.\n");
        } else if page.items.iter().all(|entry| !entry.seen) {
            out.note(&format!(
                "\nSentry has seen none in {PERIOD}; these are the ones that it defines itself.\n"
            ));
        }
        if unread > 0 {
            out.note("\nSample values could not be read for some of them.\n");
        }
        let functions = fields::aggregates(self.dataset);
        if self.part.is_none() && !functions.is_empty() {
            let names: Vec<&str> = functions.iter().map(|function| function.name).collect();
            out.words(&format!("\nFunctions for columns: `{}`\n", names.join("`, `")));
        }
    }
}

/// Where the page of an own cursor starts.
fn offset(cursor: &PageCursor) -> Option<usize> {
    cursor.as_str().strip_prefix("0:")?.strip_suffix(":0")?.parse().ok()
}

impl Entry {
    /// Adds values that Sentry has seen, each once.
    fn add(&mut self, values: impl Iterator<Item = Untrusted>) {
        for value in values.filter(|value| !value.is_blank()) {
            if self.samples.len() < VALUES && !self.samples.contains(&value) {
                self.samples.push(value);
            }
        }
    }

    fn about(&self) -> Option<&'static str> {
        self.known.map(|known| known.about).filter(|about| !about.is_empty())
    }

    /// What it can be, or what it was.
    fn values(&self) -> Vec<&str> {
        let seen = self.samples.iter().map(Untrusted::expose);
        let allowed = self.known.into_iter().flat_map(|known| known.values).copied();
        seen.chain(allowed.filter(|_| self.samples.is_empty())).take(VALUES).collect()
    }

    fn line(&self) -> String {
        let mut line = format!("- {} ({}", markdown::code(self.name.expose(), 200), self.kind);
        if self.custom {
            line += ", custom";
        }
        if let Some(unit) = self.known.and_then(|known| known.unit) {
            line.extend([", ", unit, "s"]);
        }
        line.push(')');
        if let Some(about) = self.about() {
            line.extend([": ", about]);
        }
        let values = self.values();
        if !values.is_empty() {
            let values: Vec<String> =
                values.into_iter().map(|value| markdown::code(value, 60)).collect();
            line.extend(["; such as ", &values.join(", ")]);
        }
        line + "\n"
    }

    fn told(&self) -> FoundField {
        let samples = self.values().into_iter().map(str::to_owned).collect();
        FoundField { name: self.name.expose().to_owned(), kind: self.kind.to_owned(), samples }
    }

    fn data(&self) -> Found {
        Found {
            name: Stranger::from(&self.name),
            kind: self.kind.to_owned(),
            custom: self.custom,
            about: self.about(),
            values: self.values().into_iter().map(Stranger::new).collect(),
        }
    }
}

#[cfg(test)]
#[path = "find_event_fields_tests.rs"]
mod tests;
