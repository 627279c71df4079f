//! Events: the full bodies behind an issue, made from its description. Every issue has several,
//! which differ in time, environment, release and user.

mod frames;
mod scene;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::data::{
    Issue, World, date, hex_id,
    issues::{Spec, extend},
    precise_date,
};

/// One exception of a chain; the chain is written cause first, as Sentry stores it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExceptionSpec {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) value: String,
    module: Option<String>,
    #[serde(default)]
    frames: Vec<frames::FrameSpec>,
}

/// An event as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) id: String,
    /// Position in [`World::issues`].
    pub(crate) issue: usize,
    /// Seconds since the epoch.
    pub(crate) at: i64,
    /// The trace that its contexts name.
    pub(crate) trace: Option<String>,
    pub(crate) tags: Vec<(String, String)>,
    /// The stored body of `GET event`.
    pub(crate) body: Bytes,
    /// The element of the issue's event list.
    pub(crate) list: Bytes,
}

/// What an issue takes over from its events.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) title: String,
    pub(crate) culprit: Option<String>,
    pub(crate) event_type: String,
    pub(crate) metadata: Value,
    location: Option<String>,
    message: String,
}

impl Summary {
    pub(crate) fn of(spec: &Spec) -> Self {
        let message = match spec.message_bytes {
            None => spec.message.clone(),
            Some(bytes) => {
                let line = format!("{}\n", spec.message);
                line.repeat(bytes / line.len() + 1)
            }
        };
        let last = spec.exceptions.last();
        let place = last.and_then(|exception| frames::crash_site(&exception.frames));
        let title = spec.title.clone().unwrap_or_else(|| match last {
            Some(exception) => {
                let first_line = exception.value.lines().next().unwrap_or_default();
                shorten(&format!("{}: {first_line}", exception.kind))
            }
            None => shorten(message.lines().next().unwrap_or("<unlabeled event>")),
        });
        let metadata = spec.metadata.clone().unwrap_or_else(|| match last {
            Some(exception) => json!({
                "type": exception.kind,
                "value": exception.value,
                "filename": place.as_ref().map(|(file, _)| file),
                "function": place.as_ref().map(|(_, function)| function),
                "in_app_frame_mix": "mixed",
                "initial_priority": 75,
                "title": null,
            }),
            None => json!({ "title": title }),
        });
        let event_type = spec.event_type.clone().unwrap_or_else(|| match spec.kind.as_str() {
            "error" | "default" | "csp" | "transaction" => spec.kind.clone(),
            _ => "generic".to_owned(),
        });
        Self {
            title,
            culprit: spec.culprit.clone().or_else(|| spec.transaction.clone()),
            event_type,
            metadata,
            location: place.map(|(file, _)| file),
            message,
        }
    }
}

/// An event whose stack was repeated until it has 6,000 frames, as a recursion without end leaves
/// it; `None` for an event without a stack.
pub(crate) fn recursive(body: &[u8]) -> Option<Bytes> {
    const FRAMES: usize = 6_000;
    let mut event: Value = serde_json::from_slice(body).ok()?;
    event["id"] = json!(crate::RECURSIVE_EVENT);
    event["eventID"] = json!(crate::RECURSIVE_EVENT);
    let entries = event["entries"].as_array_mut()?;
    let exception = entries.iter_mut().find(|entry| entry["type"] == "exception")?;
    let last = exception["data"]["values"].as_array_mut()?.last_mut()?;
    let frames = last["stacktrace"]["frames"].as_array_mut()?;
    let once = frames.clone();
    *frames = once.iter().cycle().take(FRAMES).cloned().collect();
    (!once.is_empty()).then(|| Bytes::from(event.to_string()))
}

/// The platform of an event of a project with this platform: `python` for `python-django`.
pub(crate) fn event_platform(project: Option<&str>) -> &'static str {
    match project.unwrap_or_default().split('-').next() {
        Some("python") => "python",
        Some("javascript") => "javascript",
        Some("rust") => "rust",
        Some("java") => "java",
        Some("go") => "go",
        Some("ruby") => "ruby",
        _ => "other",
    }
}

/// The events of an issue, newest first.
pub(crate) fn of_issue(world: &World, issue: &Issue, spec: &Spec, summary: &Summary) -> Vec<Event> {
    let id = |number: u32| hex_id(&format!("event {} {number}", issue.id));
    let project = world.projects.get(issue.project);
    let project_id = project.map_or(0, |project| project.id).to_string();
    let exceptions = exception_entry(spec, issue.platform.as_str());
    (0..spec.events)
        .map(|number| {
            let steps = i64::from(spec.events.max(2) - 1);
            let at =
                issue.last_seen - (issue.last_seen - issue.first_seen) * i64::from(number) / steps;
            let shot = scene::Shot { spec, issue, number, at };
            let mut body = if spec.nulls {
                null_event(issue, &id(number), &project_id, at)
            } else {
                let tags = shot.tags();
                let mut body = plain_event(summary, issue, &id(number), &project_id, at);
                extend(
                    &mut body,
                    json!({
                        "entries": entries(&shot, summary, exceptions.as_ref()),
                        "user": shot.user(),
                        "contexts": shot.contexts(),
                        "context": spec.extra,
                        "sdk": shot.sdk(),
                        "tags": tags,
                        "platform": issue.platform,
                        "occurrence": spec.occurrence,
                        "release": shot
                            .release()
                            .and_then(|version| {
                                world.releases.iter().find(|release| release.version == version)
                            })
                            .map(|release| release.body(world)),
                    }),
                );
                body
            };
            extend(
                &mut body,
                json!({
                    "nextEventID": number.checked_sub(1).map(id),
                    "previousEventID": (number + 1 < spec.events).then(|| id(number + 1)),
                }),
            );
            Event {
                id: id(number),
                issue: 0,
                at,
                trace: body
                    .pointer("/contexts/trace/trace_id")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
                tags: flat_tags(&body),
                list: Bytes::from(list_element(&body).to_string()),
                body: Bytes::from(body.to_string()),
            }
        })
        .collect()
}

fn plain_event(summary: &Summary, issue: &Issue, id: &str, project: &str, at: i64) -> Value {
    json!({
        "id": id,
        "groupID": issue.id.to_string(),
        "eventID": id,
        "projectID": project,
        "size": 4200 + issue.id % 977,
        "dist": null,
        "message": summary.message,
        "title": summary.title,
        "location": summary.location,
        "packages": {},
        "type": summary.event_type,
        "metadata": summary.metadata,
        "dateReceived": precise_date(at + 1),
        "errors": [],
        "_meta": {
            "entries": {}, "message": null, "user": null, "contexts": null, "sdk": null,
            "context": null, "packages": null, "tags": {},
        },
        "crashFile": null,
        "culprit": summary.culprit,
        "dateCreated": date(at),
        "fingerprints": [hex_id(&format!("fingerprint {}", issue.id))],
        "groupingConfig": { "id": "newstyle:2026-01-20", "enhancements": "" },
        "userReport": null,
        "sdkUpdates": [],
        "resolvedWith": [],
    })
}

/// An event in which a decoder finds nothing but ids.
fn null_event(issue: &Issue, id: &str, project: &str, at: i64) -> Value {
    json!({
        "id": id,
        "groupID": issue.id.to_string(),
        "eventID": id,
        "projectID": project,
        "size": null,
        "entries": [
            {
                "type": "exception",
                "data": {
                    "values": [
                        null,
                        {
                            "type": null, "value": null, "mechanism": null, "threadId": null,
                            "module": null, "rawStacktrace": null,
                            "stacktrace": {
                                "frames": [
                                    null,
                                    {
                                        "filename": null, "absPath": null, "module": null,
                                        "function": null, "context": null, "lineNo": null,
                                        "colNo": null, "inApp": null, "vars": null,
                                    },
                                ],
                                "framesOmitted": null, "registers": null, "hasSystemFrames": null,
                            },
                        },
                    ],
                    "hasSystemFrames": null,
                    "excOmitted": null,
                },
            },
            { "type": "breadcrumbs", "data": { "values": [null, { "message": null }] } },
            { "type": "request", "data": { "method": null, "url": null, "headers": null } },
            { "type": "threads", "data": { "values": null } },
            { "type": "message", "data": null },
        ],
        "dist": null, "message": null, "title": null, "location": null, "user": null,
        "contexts": null, "context": null, "sdk": null, "packages": null, "type": "error",
        "metadata": null, "tags": [null, { "key": null, "value": null }], "platform": null,
        "dateReceived": null, "dateCreated": date(at), "errors": null, "occurrence": null,
        "_meta": null, "crashFile": null, "culprit": null, "fingerprints": null,
        "groupingConfig": null, "release": null, "userReport": null, "sdkUpdates": null,
        "resolvedWith": null,
    })
}

fn entries(shot: &scene::Shot<'_>, summary: &Summary, exceptions: Option<&Value>) -> Vec<Value> {
    let mut entries = Vec::new();
    if !summary.message.is_empty() {
        entries.push(json!({
            "type": "message",
            "data": { "formatted": summary.message, "message": null, "params": null },
        }));
    }
    entries.extend(exceptions.cloned());
    entries.extend(shot.spec.entries.iter().cloned());
    entries.extend(shot.breadcrumbs());
    entries.extend(shot.request());
    entries
}

fn exception_entry(spec: &Spec, platform: &str) -> Option<Value> {
    if spec.exceptions.is_empty() {
        return None;
    }
    let last = spec.exceptions.len() - 1;
    let values: Vec<_> = spec
        .exceptions
        .iter()
        .enumerate()
        .map(|(position, exception)| {
            let frames: Vec<_> =
                exception.frames.iter().map(|frame| frame.body(platform)).collect();
            let stacktrace = (!frames.is_empty()).then(|| {
                json!({
                    "frames": frames,
                    "framesOmitted": null,
                    "registers": null,
                    "hasSystemFrames": true,
                })
            });
            json!({
                "type": exception.kind,
                "value": exception.value,
                "mechanism": (position == last).then(|| json!({
                    "type": scene::mechanism(platform),
                    "handled": !spec.unhandled,
                })),
                "threadId": null,
                "module": exception.module,
                "stacktrace": stacktrace,
                "rawStacktrace": null,
            })
        })
        .collect();
    Some(json!({
        "type": "exception",
        "data": { "values": values, "hasSystemFrames": true, "excOmitted": null },
    }))
}

/// The element of `GET /issues/{id}/events/`: some fields of the event, one of them renamed.
fn list_element(body: &Value) -> Value {
    let mut fields = Map::new();
    for key in [
        "id",
        "groupID",
        "eventID",
        "projectID",
        "message",
        "title",
        "location",
        "culprit",
        "user",
        "tags",
        "platform",
        "dateCreated",
        "crashFile",
    ] {
        fields.insert(key.to_owned(), body.get(key).cloned().unwrap_or(Value::Null));
    }
    let kind = body.get("type").cloned().unwrap_or(Value::Null);
    fields.insert("event.type".to_owned(), kind);
    Value::Object(fields)
}

fn flat_tags(body: &Value) -> Vec<(String, String)> {
    let Some(Value::Array(tags)) = body.get("tags") else { return Vec::new() };
    tags.iter()
        .filter_map(|tag| {
            let key = tag.get("key")?.as_str()?;
            let value = tag.get("value")?.as_str()?;
            Some((key.to_owned(), value.to_owned()))
        })
        .collect()
}

/// Sentry cuts titles at about a hundred characters.
fn shorten(title: &str) -> String {
    if title.chars().count() <= 100 {
        return title.to_owned();
    }
    title.chars().take(97).chain("...".chars()).collect()
}
