//! Searching events: rows of Sentry's datasets, the check of such a search, and replays.
//! It knows no field of any dataset, and shows nothing.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::{
    Client, Cursor, ErrorKind, Page, Region, Result, Slug, SlugOrId, Untrusted,
    drift::{self, Lenient},
    request::{Request, Route},
};

/// When the events of a search happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeRange<'a> {
    /// From this long ago until now: a number and a unit (`m`, `h`, `d`, `w`).
    Last(&'a str),
    /// Between two times, ISO 8601 in UTC without an offset.
    Between(&'a str, &'a str),
}

/// A search in one dataset, for [`Client::search_events`] and [`Client::validate_search`].
#[derive(Clone, Copy, Debug)]
pub struct EventSearch<'a> {
    /// The dataset as Sentry calls it: `errors`, `spans`, `logs`, `tracemetrics`, …
    pub dataset: &'a str,
    /// Sentry's search syntax; empty for all.
    pub query: &'a str,
    /// Columns, at most 20: fields, tags, functions, equations.
    pub fields: &'a [String],
    /// One of the columns, with `-` before it for the other direction.
    pub sort: &'a str,
    /// Only this project; Sentry before 25 knows it by its id alone.
    pub project: Option<&'a SlugOrId>,
    /// How far back.
    pub time: TimeRange<'a>,
    /// Rows on a page, 1 to 100.
    pub limit: u32,
    /// How spans are sampled: `NORMAL`.
    pub sampling: Option<&'a str>,
    /// Where the page starts.
    pub cursor: Option<&'a Cursor>,
}

/// A search for replays, for [`Client::list_replays`].
#[derive(Clone, Copy, Debug)]
pub struct ReplaySearch<'a> {
    /// Sentry's search syntax for replays; empty for all.
    pub query: &'a str,
    /// One of the sortable fields, with `-` before it for the other direction.
    pub sort: &'a str,
    /// Only this project. A slug goes into a parameter of its own.
    pub project: Option<&'a SlugOrId>,
    /// Only these environments.
    pub environments: &'a [String],
    /// How far back.
    pub time: TimeRange<'a>,
    /// Replays on a page, 1 to 100.
    pub limit: u32,
    /// Where the page starts.
    pub cursor: Option<&'a Cursor>,
}

/// A page of rows and what Sentry says about their columns.
#[derive(Clone, Debug)]
pub struct EventTable {
    /// The rows.
    pub page: Page<Row>,
    /// The unit of a column, where it has one: `millisecond`, `byte`, …
    units: Map<String, Value>,
}

impl EventTable {
    /// The unit of a column, where Sentry names one.
    pub fn unit(&self, column: &str) -> Option<&str> {
        self.units.get(column)?.as_str()
    }
}

/// One row: values by the names of the columns that were asked for, in Sentry's order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row(Vec<(String, Cell)>);

impl Row {
    /// The columns and their values. A name may be a stranger's as well.
    pub fn cells(&self) -> impl Iterator<Item = (&str, &Cell)> {
        self.0.iter().map(|(name, cell)| (name.as_str(), cell))
    }

    /// The value of a column; `None` also where it is null.
    pub fn get(&self, column: &str) -> Option<&Cell> {
        self.cells()
            .find(|(name, cell)| *name == column && **cell != Cell::Nothing)
            .map(|(_, cell)| cell)
    }
}

/// A value of a row. Every text was written by whoever sent the event.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Null.
    Nothing,
    /// True or false.
    Flag(bool),
    /// A number.
    Number(serde_json::Number),
    /// A text.
    Text(Untrusted),
    /// A list.
    List(Vec<Cell>),
    /// An object; its names are a stranger's as well.
    Object(Vec<(String, Cell)>),
}

impl From<Value> for Cell {
    fn from(value: Value) -> Cell {
        match value {
            Value::Null => Cell::Nothing,
            Value::Bool(flag) => Cell::Flag(flag),
            Value::Number(number) => Cell::Number(number),
            Value::String(text) => Cell::Text(Untrusted::new(text)),
            Value::Array(list) => Cell::List(list.into_iter().map(Cell::from).collect()),
            Value::Object(map) => {
                Cell::Object(map.into_iter().map(|(name, value)| (name, value.into())).collect())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Row, D::Error> {
        let map = Map::deserialize(deserializer)?;
        Ok(Row(map.into_iter().map(|(name, value)| (name, value.into())).collect()))
    }
}

/// A recorded session of a user, as lists show it. Only its id is certain to be there.
#[derive(Clone, Debug, Deserialize)]
pub struct Replay {
    /// The id, hexadecimal.
    #[serde(deserialize_with = "drift::id")]
    pub id: String,
    /// The numeric id of the project it belongs to.
    #[serde(default, deserialize_with = "drift::text")]
    pub project_id: Option<String>,
    /// When it began, ISO 8601.
    #[serde(default, deserialize_with = "drift::text")]
    pub started_at: Option<String>,
    /// How long it is, in seconds.
    #[serde(default, deserialize_with = "drift::count")]
    pub duration: Option<u64>,
    /// Whose session it was.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub user: Option<ReplayUser>,
    /// How many errors happened in it.
    #[serde(default, deserialize_with = "drift::count")]
    pub count_errors: Option<u64>,
    /// How often the user clicked again and again.
    #[serde(default, deserialize_with = "drift::count")]
    pub count_rage_clicks: Option<u64>,
    /// How many clicks had no effect.
    #[serde(default, deserialize_with = "drift::count")]
    pub count_dead_clicks: Option<u64>,
    /// Where it was recorded, `production`.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub environment: Option<Untrusted>,
    /// With which browser.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub browser: Option<Named>,
    /// The visited pages, in their order.
    #[serde(default, deserialize_with = "drift::list")]
    pub urls: Vec<Untrusted>,
    /// The releases in use.
    #[serde(default, deserialize_with = "drift::list")]
    pub releases: Vec<Untrusted>,
    /// The traces that ran meanwhile.
    #[serde(default, deserialize_with = "drift::list")]
    pub trace_ids: Vec<Untrusted>,
    /// Whether its recording was deleted.
    #[serde(default, deserialize_with = "drift::flag")]
    pub is_archived: Option<bool>,
}

/// Whose session a [`Replay`] is.
#[derive(Clone, Debug, Deserialize)]
pub struct ReplayUser {
    /// The name that Sentry shows.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub display_name: Option<Untrusted>,
    /// The e-mail address.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub email: Option<Untrusted>,
    /// The login.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub username: Option<Untrusted>,
    /// The application's id of the user.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub id: Option<Untrusted>,
}

/// Something with a name and a version.
#[derive(Clone, Debug, Deserialize)]
pub struct Named {
    /// The name, `Firefox`.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub name: Option<Untrusted>,
    /// The version.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub version: Option<Untrusted>,
}

/// What Sentry objects to in a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// The part of the search: `field`, `query`, `environment`, …; may be empty.
    pub part: String,
    /// The item of that part, where Sentry names one.
    pub item: Option<String>,
    /// Sentry's reason; may be empty.
    pub reason: String,
}

#[derive(Deserialize)]
struct Rows {
    #[serde(default)]
    data: Lenient<Row>,
    #[serde(default, deserialize_with = "drift::maybe")]
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default, deserialize_with = "drift::maybe")]
    units: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct Replays {
    #[serde(default)]
    data: Lenient<Replay>,
}

impl Client {
    /// `GET /api/0/organizations/{org}/events/`
    pub async fn search_events(
        &self,
        org: &Slug,
        search: &EventSearch<'_>,
        region: Option<&Region>,
    ) -> Result<EventTable> {
        let route = Route::organization(org).seg("events");
        let request = asking(self.get(route).in_region(region), search)
            .param("sort", search.sort)
            .param("per_page", search.limit)
            .query_opt("sampling", search.sampling)
            .query_opt("cursor", search.cursor);
        let (rows, previous, next) = request.json_page::<Rows>().await?;
        let page = Page { items: rows.data.items, skipped: rows.data.skipped, next, previous };
        let units = rows.meta.and_then(|meta| meta.units).unwrap_or_default();
        Ok(EventTable { page, units })
    }

    /// `GET /api/0/organizations/{org}/events/validate/`
    ///
    /// Newer Sentrys only. What Sentry objects to; nothing if the search is fine. Whether it
    /// says so with status 200 or 400 makes no difference.
    pub async fn validate_search(
        &self,
        org: &Slug,
        search: &EventSearch<'_>,
        region: Option<&Region>,
    ) -> Result<Vec<Objection>> {
        let route = Route::organization(org).seg("events").seg("validate");
        let request = asking(self.get(route).in_region(region), search);
        match request.param("orderby", search.sort).json::<Map<String, Value>>().await {
            Ok(verdict) => Ok(objections(&verdict)),
            Err(err) => match err.kind() {
                ErrorKind::Validation { fields, .. } => Ok(flat_objections(fields)),
                _ => Err(err),
            },
        }
    }

    /// `GET /api/0/organizations/{org}/replays/`
    pub async fn list_replays(
        &self,
        org: &Slug,
        search: &ReplaySearch<'_>,
        region: Option<&Region>,
    ) -> Result<Page<Replay>> {
        let mut request = self
            .get(Route::organization(org).seg("replays"))
            .in_region(region)
            .param("sort", search.sort)
            .param("per_page", search.limit)
            .query_opt("query", Some(search.query).filter(|query| !query.is_empty()))
            .query_opt("cursor", search.cursor);
        request = match search.project {
            Some(SlugOrId::Slug(slug)) => request.param("projectSlug", slug),
            Some(SlugOrId::Id(id)) => request.param("project", id),
            None => request,
        };
        for environment in search.environments {
            request = request.param("environment", environment);
        }
        let (replays, previous, next) = within(request, search.time).json_page::<Replays>().await?;
        Ok(Page { items: replays.data.items, skipped: replays.data.skipped, next, previous })
    }
}

/// What both requests of an [`EventSearch`] say in the same words.
fn asking<'a>(request: Request<'a>, search: &EventSearch<'_>) -> Request<'a> {
    let mut request = request.param("dataset", search.dataset);
    for field in search.fields {
        request = request.param("field", field);
    }
    let request = request.param("query", search.query).query_opt("project", search.project);
    within(request, search.time)
}

fn within<'a>(request: Request<'a>, time: TimeRange<'_>) -> Request<'a> {
    match time {
        TimeRange::Last(period) => request.param("statsPeriod", period),
        TimeRange::Between(start, end) => request.param("start", start).param("end", end),
    }
}

/// The innermost objects of a verdict that say `"valid": false`.
fn objections(verdict: &Map<String, Value>) -> Vec<Objection> {
    let mut found = Vec::new();
    for (part, value) in verdict {
        collect(part, value, &mut found);
    }
    if found.is_empty() && verdict.get("valid") == Some(&Value::Bool(false)) {
        found.push(objection("", verdict));
    }
    found
}

fn collect(part: &str, value: &Value, found: &mut Vec<Objection>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| collect(part, value, found)),
        Value::Object(map) => {
            let before = found.len();
            map.values().for_each(|value| collect(part, value, found));
            let is_bad = map.get("valid") == Some(&Value::Bool(false));
            let own = objection(part, map);
            if is_bad && (found.len() == before || !own.reason.is_empty()) {
                found.push(own);
            }
        }
        _ => {}
    }
}

const NAMES: [&str; 6] = ["name", "field", "key", "value", "slug", "id"];
const REASONS: [&str; 4] = ["error", "reason", "message", "detail"];

fn objection(part: &str, map: &Map<String, Value>) -> Objection {
    let first = |names: &[&str]| {
        names.iter().find_map(|name| match map.get(*name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    };
    let reason = first(&REASONS).unwrap_or_default();
    Objection { part: part.to_owned(), item: first(&NAMES), reason }
}

/// The same from the flattened fields of a validation error: `field.0.name`, `field.0.error`.
fn flat_objections(fields: &[(String, Vec<String>)]) -> Vec<Objection> {
    let of = |path: &str| fields.iter().find(|(name, _)| name == path);
    let reasons = fields.iter().filter_map(|(path, texts)| {
        let (item, last) = path.rsplit_once('.')?;
        REASONS.contains(&last).then_some((item, texts.join(" ")))
    });
    reasons
        .map(|(item, reason)| Objection {
            part: item.split('.').next().unwrap_or_default().to_owned(),
            item: NAMES
                .iter()
                .find_map(|name| of(&format!("{item}.{name}")))
                .map(|(_, texts)| texts.join(" ")),
            reason,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use test_support::FakeSentry;

    use super::*;
    use crate::testing::client;

    const EVENTS: &str = "organizations/acme/events/";

    fn acme() -> Slug {
        "acme".parse().unwrap()
    }

    fn search(fields: &[String]) -> EventSearch<'_> {
        EventSearch {
            dataset: "errors",
            query: "a b",
            fields,
            sort: "-timestamp",
            project: None,
            time: TimeRange::Last("14d"),
            limit: 10,
            sampling: None,
            cursor: None,
        }
    }

    #[tokio::test]
    async fn rows_keep_their_order_and_bad_ones_are_counted() {
        let body = json!({
            "data": [{ "b": null, "a": { "x": [1, "y"] } }, "no row", { "count()": 3 }],
            "meta": { "units": { "p95()": "millisecond", "b": null } },
        });
        let sentry = FakeSentry::start().await.get_page(EVENTS, body, Some("0:10:0")).await;
        let fields = ["a".to_owned(), "count()".to_owned()];
        let table = client(&sentry).search_events(&acme(), &search(&fields), None).await.unwrap();
        assert_eq!((table.page.items.len(), table.page.skipped), (2, 1));
        assert_eq!(table.page.next.as_ref().map(Cursor::as_str), Some("0:10:0"));
        let names: Vec<_> = table.page.items[0].cells().map(|(name, _)| name).collect();
        assert_eq!(names, ["b", "a"]);
        assert_eq!(table.page.items[0].get("b"), None);
        assert_eq!(table.unit("p95()"), Some("millisecond"));
        assert_eq!(table.unit("b"), None);
        let request = &sentry.requests().await[0];
        assert_eq!(request.params("field"), ["a", "count()"]);
        assert_eq!(request.param("statsPeriod"), Some("14d"));
    }

    #[tokio::test]
    async fn an_answer_without_rows_or_meta_is_an_empty_table() {
        for body in [json!({}), json!({ "data": null, "meta": [] })] {
            let sentry = FakeSentry::start().await.get(EVENTS, body).await;
            let client = client(&sentry);
            let table = client.search_events(&acme(), &search(&[]), None).await.unwrap();
            assert!(table.page.items.is_empty());
        }
    }

    #[tokio::test]
    async fn objections_are_the_innermost_bad_items_with_either_status() {
        let body = json!({
            "valid": false,
            "field": [
                { "name": "title", "valid": true, "error": null },
                { "name": "titel", "valid": false, "error": "unknown attribute" },
            ],
            "query": { "valid": true, "error": null, "fields": [] },
        });
        let expected = Objection {
            part: "field".to_owned(),
            item: Some("titel".to_owned()),
            reason: "unknown attribute".to_owned(),
        };
        for status in [200, 400] {
            let at = "organizations/acme/events/validate/";
            let sentry = FakeSentry::start().await.status("GET", at, status, body.clone()).await;
            let found = client(&sentry).validate_search(&acme(), &search(&[]), None).await;
            assert_eq!(found.unwrap(), std::slice::from_ref(&expected), "{status}");
        }
    }

    #[tokio::test]
    async fn a_replay_needs_no_more_than_an_id() {
        let wrong = json!({ "id": "b", "user": 7, "urls": "x", "duration": "9", "browser": [] });
        let body = json!({ "data": [{ "id": "a" }, wrong, { "id": null }] });
        let sentry = FakeSentry::start().await.get("organizations/acme/replays/", body).await;
        let project: SlugOrId = "api".parse().unwrap();
        let search = ReplaySearch {
            query: "",
            sort: "-started_at",
            project: Some(&project),
            environments: &["prod".to_owned()],
            time: TimeRange::Between("2026-01-01T00:00:00", "2026-01-02T00:00:00"),
            limit: 5,
            cursor: None,
        };
        let page = client(&sentry).list_replays(&acme(), &search, None).await.unwrap();
        assert_eq!((page.items.len(), page.skipped), (2, 1));
        assert_eq!(page.items[1].duration, Some(9));
        let request = &sentry.requests().await[0];
        assert_eq!(request.param("projectSlug"), Some("api"));
        assert_eq!(request.param("start"), Some("2026-01-01T00:00:00"));
    }
}
