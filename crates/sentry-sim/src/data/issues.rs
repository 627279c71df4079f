//! Issues: read from the description files, numbered, and turned into Sentry's bodies. What their
//! events look like is decided in `events`.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::data::{
    BASE_INSTANT, World, date, events,
    naming::{age, short_id, tag_name},
    precise_date,
};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// One description file per project, in the order of their ids.
const FILES: [(&str, &str); 6] = [
    ("checkout-api", include_str!("../../data/issues/checkout-api.json")),
    ("storefront", include_str!("../../data/issues/storefront.json")),
    ("pricing-engine", include_str!("../../data/issues/pricing-engine.json")),
    ("order-service", include_str!("../../data/issues/order-service.json")),
    ("gateway", include_str!("../../data/issues/gateway.json")),
    ("back-office", include_str!("../../data/issues/back-office.json")),
];

/// Issues of the rarer event types, of several projects. They come last, so that the ids and short
/// ids of the others do not depend on them.
const EVENT_TYPES: &str = include_str!("../../data/issues/event-types.json");

/// An element of [`EVENT_TYPES`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Placed {
    project: String,
    issue: Spec,
}

/// How an issue is written down in a description file. Ages (`"first"`, `"last"`) are a number and
/// one of `m`, `h`, `d`, counted back from the base instant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spec {
    #[serde(default = "error")]
    pub(crate) kind: String,
    pub(crate) title: Option<String>,
    pub(crate) culprit: Option<String>,
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default = "error")]
    pub(crate) level: String,
    #[serde(default = "unresolved")]
    status: String,
    substatus: Option<String>,
    status_details: Option<Value>,
    assigned: Option<String>,
    #[serde(default = "medium")]
    priority: String,
    count: u64,
    users: u64,
    first: String,
    last: String,
    #[serde(default = "production")]
    pub(crate) environments: Vec<String>,
    #[serde(default)]
    pub(crate) releases: Vec<String>,
    pub(crate) transaction: Option<String>,
    pub(crate) logger: Option<String>,
    #[serde(default)]
    pub(crate) unhandled: bool,
    #[serde(default)]
    pub(crate) exceptions: Vec<events::ExceptionSpec>,
    /// Category, level, message.
    #[serde(default)]
    pub(crate) breadcrumbs: Vec<(String, String, String)>,
    pub(crate) request: Option<Value>,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) contexts: Map<String, Value>,
    #[serde(default)]
    pub(crate) extra: Map<String, Value>,
    /// Entries beside the usual ones, as they are in the event.
    #[serde(default)]
    pub(crate) entries: Vec<Value>,
    pub(crate) occurrence: Option<Value>,
    pub(crate) event_type: Option<String>,
    #[serde(default = "error")]
    issue_type: String,
    #[serde(default = "error")]
    issue_category: String,
    pub(crate) metadata: Option<Value>,
    /// How many events are kept; the issue's count may be larger, as in Sentry after retention.
    #[serde(default = "three")]
    pub(crate) events: u32,
    #[serde(default)]
    comments: Vec<String>,
    /// Whether every optional value of its events is null.
    #[serde(default)]
    pub(crate) nulls: bool,
    /// Repeats the message up to this many bytes.
    pub(crate) message_bytes: Option<usize>,
}

fn error() -> String {
    "error".to_owned()
}
fn unresolved() -> String {
    "unresolved".to_owned()
}
fn medium() -> String {
    "medium".to_owned()
}
fn production() -> Vec<String> {
    vec!["production".to_owned()]
}
fn three() -> u32 {
    3
}

/// Whom an issue is assigned to, by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Assignee {
    User(u64),
    Team(u64),
}

/// How often an issue's events carry a tag value.
#[derive(Clone, Debug)]
pub(crate) struct TagValue {
    pub(crate) value: String,
    pub(crate) count: u64,
}

#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are separate flags in Sentry, too")]
pub(crate) struct Issue {
    pub(crate) id: u64,
    pub(crate) short_id: String,
    /// The number behind the short id, in Sentry's base 32.
    pub(crate) number: u32,
    pub(crate) organization: usize,
    pub(crate) project: usize,
    pub(crate) title: String,
    pub(crate) culprit: Option<String>,
    pub(crate) level: String,
    pub(crate) status: String,
    pub(crate) substatus: Option<String>,
    pub(crate) status_details: Value,
    pub(crate) assigned: Option<Assignee>,
    pub(crate) priority: String,
    pub(crate) count: u64,
    pub(crate) users: u64,
    pub(crate) first_seen: i64,
    pub(crate) last_seen: i64,
    /// `issueType`.
    pub(crate) kind: String,
    pub(crate) category: String,
    event_type: String,
    pub(crate) platform: String,
    metadata: Value,
    logger: Option<String>,
    pub(crate) unhandled: bool,
    pub(crate) environments: Vec<String>,
    pub(crate) releases: Vec<String>,
    pub(crate) error_types: Vec<String>,
    pub(crate) error_values: Vec<String>,
    pub(crate) tags: BTreeMap<String, Vec<TagValue>>,
    /// Positions in [`World::events`], newest first.
    pub(crate) events: Vec<usize>,
    pub(crate) notes: Vec<Value>,
    pub(crate) bookmarked: bool,
    pub(crate) subscribed: bool,
    pub(crate) seen: bool,
    /// The stored body of `GET issue`.
    pub(crate) detail: Bytes,
    /// The stored element of the issue list.
    pub(crate) list: Bytes,
}

impl Issue {
    pub(crate) fn assigned_body(&self, world: &World) -> Value {
        match self.assigned {
            None => Value::Null,
            Some(Assignee::User(id)) => world.user(id).map_or(Value::Null, |user| {
                json!({
                    "email": user.email, "type": "user", "id": id.to_string(), "name": user.name,
                })
            }),
            Some(Assignee::Team(id)) => world.teams.iter().find(|team| team.id == id).map_or(
                Value::Null,
                |team| json!({ "type": "team", "id": id.to_string(), "name": team.slug }),
            ),
        }
    }

    /// The fields that every form of an issue has.
    pub(crate) fn base_body(&self, world: &World) -> Value {
        let organization = world.organizations.get(self.organization);
        let slug = organization.map_or("", |organization| &organization.slug);
        let host = organization
            .map_or(world.origins.main.as_str(), |organization| world.host_of(organization));
        json!({
            "id": self.id.to_string(),
            "shareId": null,
            "shortId": self.short_id,
            "title": self.title,
            "culprit": self.culprit,
            "permalink": format!("http://{host}/organizations/{slug}/issues/{}/", self.id),
            "logger": self.logger,
            "level": self.level,
            "status": self.status,
            "statusDetails": self.status_details,
            "substatus": self.substatus,
            "isPublic": false,
            "platform": self.platform,
            "project": world.projects.get(self.project).map(crate::data::Project::reference),
            "type": self.event_type,
            "metadata": self.metadata,
            "numComments": self.notes.len(),
            "assignedTo": self.assigned_body(world),
            "isBookmarked": self.bookmarked,
            "isSubscribed": self.subscribed,
            "subscriptionDetails": self.subscribed.then(|| json!({ "reason": "changed_status" })),
            "hasSeen": self.seen,
            "annotations": [],
            "issueType": self.kind,
            "issueCategory": self.category,
            "priority": self.priority,
            "priorityLockedAt": null,
            "isUnhandled": self.unhandled,
            "count": self.count.to_string(),
            "userCount": self.users,
            "firstSeen": precise_date(self.first_seen),
            "lastSeen": date(self.last_seen),
        })
    }

    /// A repeatable curve that adds up to at most `total`: the older the flatter.
    fn stats(&self, buckets: i64, width: i64, total: u64) -> Value {
        let start = BASE_INSTANT - buckets * width;
        let points = (0..buckets).map(|bucket| {
            let at = start + bucket * width;
            let seen = at + width > self.first_seen && at <= self.last_seen;
            let share = (self.id + bucket.unsigned_abs() * 7) % 11;
            json!([at, if seen { total * share / 200 } else { 0 }])
        });
        Value::Array(points.collect())
    }
}

/// The stored bodies of an issue: detail and list element.
pub(crate) fn bodies(world: &World, position: usize) -> Option<(Value, Value)> {
    let issue = world.issues.get(position)?;
    let base = issue.base_body(world);
    let day = issue.stats(24, HOUR, issue.count / 8);
    let mut list = base.clone();
    extend(
        &mut list,
        json!({
            "stats": { "24h": day },
            "lifetime": {
                "count": issue.count.to_string(),
                "userCount": issue.users,
                "firstSeen": precise_date(issue.first_seen),
                "lastSeen": date(issue.last_seen),
                "stats": null,
            },
            "filtered": {
                "count": issue.count.to_string(),
                "userCount": issue.users,
                "firstSeen": date(issue.first_seen),
                "lastSeen": date(issue.last_seen),
                "stats": { "24h": day },
            },
        }),
    );
    let release = |version: Option<&String>| {
        version
            .and_then(|version| world.releases.iter().find(|release| release.version == *version))
            .map(|release| release.body(world))
    };
    let tags: Vec<_> = issue
        .tags
        .iter()
        .map(|(key, values)| {
            let total: u64 = values.iter().map(|value| value.count).sum();
            json!({ "key": key, "name": tag_name(key), "totalValues": total })
        })
        .collect();
    let mut activity: Vec<Value> = issue.notes.iter().rev().cloned().collect();
    activity.push(json!({
        "id": "0",
        "user": null,
        "type": "first_seen",
        "data": { "priority": issue.priority },
        "dateCreated": precise_date(issue.first_seen),
    }));
    let mut detail = base;
    extend(
        &mut detail,
        json!({
            "firstRelease": release(issue.releases.last()),
            "lastRelease": release(issue.releases.first()),
            "tags": tags,
            "activity": activity,
            "seenBy": [],
            "pluginActions": [],
            "pluginIssues": [],
            "pluginContexts": [],
            "userReportCount": 0,
            "stats": { "24h": day, "30d": issue.stats(30, DAY, issue.count) },
            "participants": [],
        }),
    );
    Some((detail, list))
}

pub(crate) fn extend(body: &mut Value, extra: Value) {
    if let (Value::Object(fields), Value::Object(extra)) = (body, extra) {
        fields.extend(extra);
    }
}

/// Reads all description files into the world, without the stored bodies. An error is a mistake in
/// a file.
pub(crate) fn load(world: &mut World) -> Result<(), String> {
    for (slug, text) in FILES {
        let specs: Vec<Spec> =
            serde_json::from_str(text).map_err(|error| format!("issues of {slug}: {error}"))?;
        let Some(project) = world.projects.iter().position(|project| project.slug == slug) else {
            continue;
        };
        for (number, spec) in (1..).zip(&specs) {
            add(world, project, number, spec);
        }
    }
    let placed: Vec<Placed> = serde_json::from_str(EVENT_TYPES)
        .map_err(|error| format!("issues of event types: {error}"))?;
    for Placed { project, issue } in &placed {
        let Some(project) = world.projects.iter().position(|known| known.slug == *project) else {
            continue;
        };
        let before = world.issues.iter().filter(|issue| issue.project == project).count();
        add(world, project, u32::try_from(before).unwrap_or(0) + 1, issue);
    }
    Ok(())
}

fn add(world: &mut World, project: usize, number: u32, spec: &Spec) {
    let Some(owner) = world.projects.get(project) else { return };
    let position = world.issues.len();
    let id = 9001 + position as u64;
    let first_seen = BASE_INSTANT - age(&spec.first);
    let last_seen = BASE_INSTANT - age(&spec.last);
    let summary = events::Summary::of(spec);
    let issue = Issue {
        id,
        short_id: short_id(&owner.slug, number),
        number,
        organization: owner.organization,
        project,
        title: summary.title.clone(),
        culprit: summary.culprit.clone(),
        level: spec.level.clone(),
        status: spec.status.clone(),
        substatus: match (&spec.substatus, spec.status.as_str()) {
            (Some(substatus), _) => Some(substatus.clone()),
            (None, "unresolved") => Some("ongoing".to_owned()),
            (None, "ignored") => Some("archived_until_escalating".to_owned()),
            (None, _) => None,
        },
        status_details: spec.status_details.clone().unwrap_or_else(|| json!({})),
        assigned: spec.assigned.as_deref().and_then(|actor| assignee(world, actor)),
        priority: spec.priority.clone(),
        count: spec.count,
        users: spec.users,
        first_seen,
        last_seen,
        kind: spec.issue_type.clone(),
        category: spec.issue_category.clone(),
        event_type: summary.event_type.clone(),
        platform: events::event_platform(owner.platform.as_deref()).to_owned(),
        metadata: summary.metadata.clone(),
        logger: spec.logger.clone(),
        unhandled: spec.unhandled,
        environments: spec.environments.clone(),
        releases: spec.releases.clone(),
        error_types: spec.exceptions.iter().map(|one| one.kind.clone()).collect(),
        error_values: spec.exceptions.iter().map(|one| one.value.clone()).collect(),
        tags: BTreeMap::new(),
        events: Vec::new(),
        notes: notes(world, position, spec, last_seen),
        bookmarked: false,
        subscribed: false,
        seen: false,
        detail: Bytes::new(),
        list: Bytes::new(),
    };
    let made = events::of_issue(world, &issue, spec, &summary);
    world.issues_by_name.insert(issue.short_id.clone(), position);
    world.issues_by_name.insert(id.to_string(), position);
    world.issues.push(issue);
    for event in made {
        add_event(world, position, event);
    }
}

fn add_event(world: &mut World, issue: usize, event: events::Event) {
    let position = world.events.len();
    world.events_by_id.insert(event.id.clone(), position);
    if let Some(issue) = world.issues.get_mut(issue) {
        issue.events.push(position);
        for (key, value) in &event.tags {
            let values = issue.tags.entry(key.clone()).or_default();
            match values.iter_mut().find(|known| known.value == *value) {
                Some(known) => known.count += 1,
                None => values.push(TagValue { value: value.clone(), count: 1 }),
            }
        }
    }
    world.events.push(events::Event { issue, ..event });
}

fn assignee(world: &World, actor: &str) -> Option<Assignee> {
    match actor.split_once(':')? {
        ("user", id) => id.parse().ok().map(Assignee::User),
        ("team", slug) => {
            world.teams.iter().find(|team| team.slug == slug).map(|team| Assignee::Team(team.id))
        }
        _ => None,
    }
}

fn notes(world: &World, issue: usize, spec: &Spec, last_seen: i64) -> Vec<Value> {
    let author = world.users.get(3).map(crate::data::User::body);
    let note = |(index, text): (usize, &String)| {
        json!({
            "id": (50_000 + issue * 10 + index).to_string(),
            "user": author,
            "type": "note",
            "data": { "text": text },
            "dateCreated": precise_date(last_seen - HOUR + i64::try_from(index).unwrap_or(0) * 60),
        })
    };
    spec.comments.iter().enumerate().map(note).collect()
}
