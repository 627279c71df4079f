//! Session replays of the storefront. Their recordings are not kept.

use serde_json::{Map, Value, json};

use crate::data::{BASE_INSTANT, World, explore::iso, hex_id};

/// One replay; what it is like follows from its number.
#[derive(Clone, Debug)]
pub(crate) struct Replay {
    /// 32 hex digits.
    pub(crate) id: String,
    /// The issue whose events happened in it, as a position.
    pub(crate) issue: Option<usize>,
    /// Seconds since the epoch.
    pub(crate) started: i64,
    pub(crate) body: Map<String, Value>,
}

/// The replays: 14, the first of which belongs to [`crate::REPLAY_ISSUE`], the last archived.
pub(crate) fn replays(world: &World) -> Vec<Replay> {
    let issue = |name: &str| world.issue(name).map(|(position, _)| position);
    let (first, second) = (issue(crate::REPLAY_ISSUE), issue("STOREFRONT-1"));
    (0..14).map(|number| replay(world, number, if number < 7 { first } else { second })).collect()
}

fn replay(world: &World, number: u32, issue: Option<usize>) -> Replay {
    let id =
        if number == 0 { crate::REPLAY.to_owned() } else { hex_id(&format!("replay {number}")) };
    let issue = issue.filter(|_| number < 9);
    let event = issue
        .and_then(|position| world.issues.get(position)?.events.first())
        .and_then(|position| world.events.get(*position));
    let started = BASE_INSTANT - 3 * 86_400 - i64::from(number) * 20_000;
    let duration = 40 + number * 37;
    let archived = number == 13;
    let body = if archived {
        json!({
            "id": id, "is_archived": true, "project_id": "302", "started_at": null,
            "finished_at": null, "duration": null, "user": null, "browser": null, "os": null,
            "urls": null, "trace_ids": null, "error_ids": null, "releases": null,
            "count_errors": null, "count_segments": null,
        })
    } else {
        let visitor = 20_000 + number * 7;
        json!({
            "id": id,
            "project_id": "302",
            "trace_ids": event.and_then(|event| event.trace.clone()).into_iter().collect::<Vec<_>>(),
            "error_ids": event.map(|event| event.id.clone()).into_iter().collect::<Vec<_>>(),
            "environment": if number % 5 == 4 { "staging" } else { "production" },
            "tags": { "tier": [if number.is_multiple_of(2) { "gold" } else { "silver" }] },
            "user": user(number, visitor),
            "sdk": { "name": "sentry.javascript.nextjs", "version": "10.22.0" },
            "os": { "name": "Android", "version": "16" },
            "browser": { "name": if number % 3 == 2 { "Firefox" } else { "Chrome" }, "version": "142.0.0" },
            "device": { "name": "Pixel 9", "brand": "Google", "model": "Pixel 9", "family": "Pixel" },
            "ota_updates": { "channel": null, "runtime_version": null, "update_id": null },
            "is_archived": false,
            "urls": [
                "https://shop.aurora-labs.test/",
                "https://shop.aurora-labs.test/product/8841?ref=mail",
                "https://shop.aurora-labs.test/checkout",
            ],
            "clicks": [],
            "count_dead_clicks": number % 4,
            "count_rage_clicks": number % 3,
            "count_errors": u32::from(number < 9),
            "count_warnings": number % 2,
            "count_infos": 3,
            "count_segments": duration / 5,
            "count_urls": 3,
            "activity": number % 10 + 1,
            "duration": duration,
            "started_at": iso(started),
            "finished_at": iso(started + i64::from(duration)),
            "platform": "javascript",
            "releases": ["storefront@2026.46.1"],
            "dist": null,
            "replay_type": if number.is_multiple_of(2) { "session" } else { "buffer" },
            "has_viewed": number == 0,
            "info_ids": [],
            "warning_ids": [],
        })
    };
    let body = if let Value::Object(body) = body { body } else { Map::new() };
    Replay { id, issue, started, body }
}

/// Every fourth visitor is unknown.
fn user(number: u32, visitor: u32) -> Value {
    if number % 4 == 3 {
        return json!({
            "id": null, "username": null, "email": null, "ip": null, "display_name": null,
            "geo": null,
        });
    }
    json!({
        "id": visitor.to_string(),
        "username": null,
        "email": format!("shopper-{visitor}@example.test"),
        "ip": format!("203.0.113.{}", visitor % 250),
        "display_name": format!("shopper-{visitor}@example.test"),
        "geo": { "city": "Lyon", "country_code": "FR", "region": "France", "subdivision": null },
    })
}

impl Replay {
    /// A search key: `user.email` is inside `user`, `environment` is not inside anything.
    pub(crate) fn value(&self, key: &str) -> Option<Value> {
        let renamed = match key {
            "url" => "urls",
            "trace" => "trace_ids",
            "release" => "releases",
            key => key,
        };
        let direct = self.body.get(renamed).or_else(|| {
            let (outer, inner) = renamed.split_once('.')?;
            self.body.get(outer)?.get(inner)
        });
        let tag = || self.body.get("tags").and_then(|tags| tags.get(key));
        direct.or_else(tag).filter(|value| !value.is_null()).cloned()
    }
}
