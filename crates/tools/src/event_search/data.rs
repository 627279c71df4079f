//! The rows of a search as data. Column names and units are ours or the caller's; every text in
//! a cell is a stranger's.

use schemars::JsonSchema;
use sentry_client::{
    Untrusted,
    discover::{Cell, EventTable, Replay, Row},
};
use serde::Serialize;

use super::{cells, dataset::Dataset, entries, names, plan::Plan, replays};
use crate::{
    answer::{Kept, Stranger},
    search_text::{
        Warning,
        sentence::{Guide, Translation},
    },
};

/// How deep a value of a list or an object is told, as in the text.
const DEPTH: usize = 3;

/// Events, sums over events, or replays, with what was searched for.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Events {
    pub(crate) executed: Option<Executed>,
    /// Instead of a search: how to write it.
    pub(crate) guide: Option<Guide>,
    /// The columns of `rows`, in their order.
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Option<Kept<Vec<Kept<Values>>>>,
    pub(crate) replays: Option<Kept<Vec<Kept<ReplayFacts>>>>,
    /// Entries that could not be read and were left out.
    pub(crate) unreadable: usize,
    /// Pass it as `cursor` for the next page; absent on the last one.
    pub(crate) next_cursor: Option<String>,
    pub(crate) notes: Vec<String>,
}

impl Events {
    /// A search of which nothing is told yet.
    pub(crate) fn of(executed: Option<Executed>) -> Events {
        Events {
            executed,
            guide: None,
            columns: Vec::new(),
            rows: None,
            replays: None,
            unreadable: 0,
            next_cursor: None,
            notes: Vec::new(),
        }
    }
}

/// The search as Sentry got it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Executed {
    pub(crate) dataset: &'static str,
    pub(crate) query: String,
    pub(crate) sort: String,
    /// In words.
    pub(crate) time: String,
    pub(crate) project: Option<String>,
    pub(crate) environments: Vec<String>,
    pub(crate) limit: u32,
    /// What the caller did not write.
    pub(crate) additions: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub(crate) warnings: Vec<Warning>,
    /// If a sentence became this search.
    pub(crate) translation: Option<Translation>,
    /// The same search on the web.
    pub(crate) url: String,
}

/// What stands at one place of each row.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Column {
    name: String,
    unit: Option<String>,
}

/// The values of one row, in the order of the columns.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct Values(Vec<Value>);

/// One value.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(with = "serde_json::Value", description = "Text is {\"untrusted\": …}; null if absent.")]
enum Value {
    Nothing(()),
    Flag(bool),
    Number(serde_json::Number),
    Text(Stranger),
}

impl Value {
    fn of(cell: Option<&Cell>) -> Value {
        match cell {
            None | Some(Cell::Nothing) => Value::Nothing(()),
            Some(Cell::Flag(flag)) => Value::Flag(*flag),
            Some(Cell::Number(number)) => Value::Number(number.clone()),
            Some(cell) => {
                Value::Text(Stranger::clipped(&cells::plain(cell, DEPTH), cells::LONGEST))
            }
        }
    }
}

/// The columns of a table: those that were asked for, then whatever Sentry adds.
pub(crate) fn columns(plan: &Plan, table: &EventTable) -> Vec<Column> {
    let mut names: Vec<&str> = plan.fields.iter().map(String::as_str).collect();
    if !plan.aggregate {
        for (name, _) in table.page.items.iter().flat_map(Row::cells) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let unit = |name| entries::unit(table, plan.dataset, name).map(str::to_owned);
    names.into_iter().map(|name| Column { name: name.to_owned(), unit: unit(name) }).collect()
}

impl Values {
    pub(crate) fn of(columns: &[Column], row: &Row) -> Values {
        let value = |Column { name, .. }: &Column| {
            Value::of(row.get(name).or_else(|| row.get(&names::alias(name))))
        };
        Values(columns.iter().map(value).collect())
    }
}

/// One recorded session.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReplayFacts {
    id: String,
    user: Option<Stranger>,
    started: Option<String>,
    seconds: Option<u64>,
    archived: Option<bool>,
    errors: Option<u64>,
    rage_clicks: Option<u64>,
    dead_clicks: Option<u64>,
    environment: Option<Stranger>,
    browser: Option<Stranger>,
    releases: Vec<Stranger>,
    pages: Vec<Stranger>,
    traces: Vec<Stranger>,
}

impl ReplayFacts {
    pub(crate) fn of(replay: &Replay) -> ReplayFacts {
        let some = |text: &Untrusted| Stranger::some(Some(text.expose()), cells::LONGEST);
        let all = |list: &[Untrusted], most| list.iter().filter_map(some).take(most).collect();
        ReplayFacts {
            id: replay.id.clone(),
            user: replays::user_of(replay).and_then(some),
            started: replay.started_at.clone(),
            seconds: replay.duration,
            archived: replay.is_archived,
            errors: replay.count_errors,
            rage_clicks: replay.count_rage_clicks,
            dead_clicks: replay.count_dead_clicks,
            environment: replay.environment.as_ref().and_then(some),
            browser: Stranger::some(replays::browser_of(replay).as_deref(), cells::LONGEST),
            releases: all(&replay.releases, 1),
            pages: all(&replay.urls, replays::PAGES),
            traces: all(&replay.trace_ids, 1),
        }
    }
}

impl Executed {
    /// What the plan says of a search; the rest is filled in by whoever sends it.
    pub(crate) fn of(plan: &Plan, time: String, limit: u32, url: String) -> Executed {
        Executed {
            dataset: Dataset::name(plan.dataset),
            query: plan.query.clone(),
            sort: plan.sort.clone(),
            time,
            project: None,
            environments: plan.environments.clone(),
            limit,
            additions: plan.additions.clone(),
            warnings: plan.warnings.list(),
            translation: None,
            url,
        }
    }
}
