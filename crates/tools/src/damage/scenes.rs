//! One call of every tool, or several where it reads several kinds of answers, and what Sentry
//! answers. What a tool cannot do without stands beside the answer, with the reason.

use serde_json::{Value, json};
use test_support::fixture;

use super::scene::Scene;

const EVENT: &str = "7ca573c0f4814912aaa9bdc77d1a7d51";
const TRACE: &str = "c8f36cbe6bc84e6da90eb296091f6c12";

/// Every scene; `uri` is where the Sentry is.
pub(super) fn all(uri: &str) -> Vec<Scene> {
    let groups = [lists(uri), writes(), issues(), searches(), fields(), events(), docs()];
    groups.into_iter().flatten().collect()
}

/// The arguments, in the organization.
fn acme(mut args: Value) -> Value {
    args["organizationSlug"] = json!("acme");
    args
}

fn lists(uri: &str) -> Vec<Scene> {
    let web = acme(json!({ "projectSlug": "web" }));
    vec![
        Scene::of("whoami", json!({}))
            .get("auth/", json!({ "id": "1", "name": "Tester", "email": "tester@example.test" })),
        Scene::of("find_organizations", json!({}))
            .get("organizations/", fixture!("organizations/list.json"))
            .get("users/me/regions/", json!({ "regions": [{ "name": "own", "url": uri }] })),
        Scene::of("find_teams", acme(json!({}))).get(
            "organizations/acme/teams/",
            json!([{ "id": "2", "slug": "backend", "name": "Backend" }]),
        ),
        Scene::of("find_projects", acme(json!({})))
            .get("organizations/acme/projects/", fixture!("projects/list.json")),
        Scene::of("find_releases", acme(json!({})))
            .get("organizations/acme/releases/", fixture!("releases/newest.json")),
        Scene::of("find_dsns", web)
            .get("projects/acme/web/keys/", fixture!("client_keys/list.json")),
    ]
}

fn key() -> Value {
    json!({
        "id": "c3", "name": "Default", "isActive": true,
        "dsn": { "public": "https://c3@sentry.example.test/5" },
    })
}

fn project() -> Value {
    json!({
        "id": "5", "slug": "web", "name": "Web", "platform": "python",
        "teams": [{ "id": "9", "slug": "backend", "name": "Backend" }],
    })
}

const SLUG: &[(&str, &str)] = &[("/slug", "nothing can be done with it by another name")];
const MOVED: &[(&str, &str)] = &[("/slug", "another one says that the project was renamed")];
const WRITTEN: &[(&str, &str)] = &[("/slug", "without it nobody knows what was written")];

fn writes() -> Vec<Scene> {
    let web = acme(json!({ "projectSlug": "web", "name": "mobile" }));
    let new = json!({ "teamSlug": "mobile", "name": "Web", "repository": "acme/web" });
    let change = json!({ "projectSlug": "web", "name": "Shop", "teamSlug": "mobile" });
    vec![
        Scene::of("create_team", acme(json!({ "name": "Mobile" })))
            .post(
                "organizations/acme/teams/",
                json!({ "id": "4", "slug": "mobile", "name": "Mobile" }),
            )
            .needs(SLUG),
        Scene::of("create_dsn", web).post("projects/acme/web/keys/", key()),
        Scene::of("create_project", acme(new))
            .post("teams/acme/mobile/projects/", project())
            .needs(SLUG)
            .get("projects/acme/web/keys/", json!([key()]))
            .get("organizations/acme/repos/", fixture!("repositories/list.json"))
            .needs(&[
                ("/1", "it is the repository that was asked for"),
                ("/1/name", "it is looked for by its name"),
                ("/1/provider", "only an integration can be linked"),
                ("/1/provider/id", "only an integration can be linked"),
            ])
            .post(
                "organizations/acme/code-mappings/bulk/",
                json!({ "created": 1, "updated": 0, "errors": 0 }),
            ),
        Scene::of("update_project", acme(change))
            .get("projects/acme/web/", project())
            .needs(MOVED)
            .put("projects/acme/web/", project())
            .needs(WRITTEN)
            .post("projects/acme/web/teams/mobile/", project())
            .needs(WRITTEN),
        Scene::of(
            "update_issue",
            acme(json!({ "issueId": "SHOP-1A", "status": "resolved", "reason": "fixed" })),
        )
        .get("organizations/acme/issues/SHOP-1A/", fixture!("events/issue.json"))
        .needs(ID)
        .put("organizations/acme/issues/SHOP-1A/", json!({}))
        .post("organizations/acme/issues/SHOP-1A/notes/", json!({ "id": "6" })),
    ]
}

const ID: &[(&str, &str)] = &[("/id", "everything about an issue is asked by it")];

fn issues() -> Vec<Scene> {
    let analysis = &[("/autofix", "its absence says that there is none, and one is started")];
    let owner = json!({
        "organizationSlug": "acme", "projectSlug": "shop", "groupId": "42", "eventId": EVENT,
        "event": { "eventID": EVENT, "type": "default" },
    });
    let by_id = || acme(json!({ "issueId": "SHOP-1A" }));
    let seer = |body| {
        Scene::of("analyze_issue_with_seer", by_id())
            .get("organizations/acme/issues/SHOP-1A/", json!({ "id": "42", "shortId": "SHOP-1A" }))
            .needs(ID)
            .get("organizations/acme/issues/SHOP-1A/autofix/", body)
            .needs(analysis)
    };
    vec![
        Scene::of(
            "search_issues",
            acme(json!({ "projectSlugOrId": "api", "query": "is:unresolved" })),
        )
        .get("projects/acme/api/", project())
        .get("organizations/acme/issues/", fixture!("issues/list.json")),
        Scene::of("get_issue_details", by_id())
            .get("organizations/acme/issues/SHOP-1A/", fixture!("events/issue.json"))
            .needs(ID)
            .get("organizations/acme/issues/SHOP-1A/events/latest/", source_in_app())
            .get(
                "organizations/acme/issues/42/autofix/",
                json!({ "autofix": { "run_id": 7, "status": "COMPLETED", "steps": [
                    { "type": "solution", "description": "Retry." }] } }),
            )
            .get(
                "organizations/acme/issues/42/external-issues/",
                json!([{ "id": "1", "serviceType": "github", "displayName": "acme/shop#12",
                    "webUrl": "https://github.com/acme/shop/issues/12" }]),
            )
            .get(
                "organizations/acme/replay-count/",
                json!({ "42": ["6b1f3c1e0d6c4f6bb0a1c2d3e4f50617"] }),
            )
            .get(
                "projects/acme/shop/stacktrace-link/",
                json!({ "sourceUrl": "https://github.com/acme/shop/blob/main/views.py#L42",
                    "sourcePath": "views.py", "config": { "repoName": "acme/shop" } }),
            ),
        Scene::of("get_issue_details", acme(json!({ "eventId": EVENT })))
            .get("organizations/acme/eventids/7ca573c0f4814912aaa9bdc77d1a7d51/", owner)
            .get("organizations/acme/issues/42/", json!({ "id": "42" }))
            .needs(ID)
            .get(
                "organizations/acme/issues/42/events/7ca573c0f4814912aaa9bdc77d1a7d51/",
                json!({ "eventID": EVENT, "type": "default" }),
            ),
        seer(fixture!("seer/blocks.json")),
        seer(fixture!("seer/steps.json")),
    ]
}

/// An event whose frame can be looked up at the code host. Events of each kind are damaged where
/// they are written.
fn source_in_app() -> Value {
    json!({
        "eventID": EVENT, "type": "error", "platform": "python",
        "release": { "version": "shop@1", "lastCommit": { "id": "f00d" } },
        "sdk": { "name": "sentry.python" },
        "contexts": { "trace": { "trace_id": TRACE }, "replay": { "replay_id": EVENT } },
        "entries": [{ "type": "exception", "data": { "values": [{ "type": "E", "value": "v",
            "stacktrace": { "frames": [{ "filename": "views.py", "absPath": "/app/views.py",
                "module": "views", "function": "f", "lineNo": 3, "colNo": 1, "inApp": true,
                "context": [[3, "f()"]], "vars": { "a": "1" } }] } }] } }],
    })
}

fn searches() -> Vec<Scene> {
    let of = |dataset: &str| acme(json!({ "dataset": dataset }));
    let found = |dataset: &str, body| {
        Scene::of("search_events", of(dataset)).get("organizations/acme/events/", body)
    };
    let sums = json!({
        "dataset": "spans", "fields": ["span.op", "p95(span.duration)", "count()"],
    });
    let verdict = json!({
        "valid": true, "field": [{ "name": "title", "valid": true, "error": null }],
        "query": { "valid": true, "error": null },
    });
    vec![
        Scene::of("search_events", acme(json!({ "projectSlug": "api" })))
            .get("projects/acme/api/", project())
            .get("organizations/acme/events/validate/", verdict)
            .get("organizations/acme/events/", fixture!("discover/errors.json")),
        found("spans", fixture!("discover/spans.json")),
        found("logs", fixture!("discover/logs.json")),
        found("metrics", fixture!("discover/metrics.json")),
        found("profiles", fixture!("discover/profiles.json")),
        Scene::of("search_events", acme(sums))
            .get("organizations/acme/events/", fixture!("discover/sums.json")),
        Scene::of("search_events", of("replays"))
            .get("organizations/acme/replays/", fixture!("discover/replays.json")),
    ]
}

fn fields() -> Vec<Scene> {
    vec![
        Scene::of("find_event_fields", acme(json!({ "dataset": "errors", "query": "tier" })))
            .get(
                "organizations/acme/tags/",
                json!([{ "key": "tier", "name": "Tier", "totalValues": 3 }]),
            )
            .get(
                "organizations/acme/tags/tier/values/",
                json!([{ "value": "gold", "name": "gold", "count": 2,
                    "lastSeen": "2026-01-01T00:00:00Z" }]),
            ),
        Scene::of("find_event_fields", acme(json!({ "dataset": "spans", "query": "tenant" })))
            .get(
                "organizations/acme/trace-items/attributes/",
                json!([{ "key": "tenant", "name": "tenant", "attributeType": "string",
                    "attributeSource": { "source_type": "user" } }]),
            )
            .get(
                "organizations/acme/trace-items/attributes/tenant/values/",
                json!([{ "value": "gold", "count": 2 }]),
            ),
    ]
}

fn events() -> Vec<Scene> {
    let shop = |more: Value| {
        let mut args = acme(json!({ "projectSlug": "shop", "eventId": EVENT }));
        if let Some(id) = more.get("attachmentId") {
            args["attachmentId"] = id.clone();
        }
        args
    };
    let file = json!([{
        "id": "7", "event_id": EVENT, "type": "event.attachment", "name": "log.txt",
        "mimetype": "text/plain", "size": 12, "sha1": null,
        "dateCreated": "2025-03-02T10:15:00Z", "headers": { "Content-Type": "text/plain" },
    }]);
    let files = "projects/acme/shop/events/7ca573c0f4814912aaa9bdc77d1a7d51/attachments/";
    let one = "projects/acme/shop/events/7ca573c0f4814912aaa9bdc77d1a7d51/attachments/7/";
    let totals = json!({
        "spansCount": 8, "errorsCount": 3, "performanceIssuesCount": 1, "logsCount": 0,
    });
    let trace = |args, spans| {
        Scene::of("get_trace_details", acme(args))
            .get("organizations/acme/trace-meta/c8f36cbe6bc84e6da90eb296091f6c12/", totals.clone())
            .get("organizations/acme/trace/c8f36cbe6bc84e6da90eb296091f6c12/", spans)
    };
    let span = json!([{
        "event_type": "span", "event_id": "cccccccccccccccc", "op": "db", "description": "SELECT 1",
        "duration": 12.5, "start_timestamp": 1, "end_timestamp": 2, "project_slug": "shop",
        "parent_span_id": "aaaaaaaaaaaaaaaa", "is_transaction": false, "sdk_name": "sentry.python",
        "additional_attributes": { "db.system": "sqlite" }, "measurements": { "m": 1 },
        "children": [{ "event_id": "dddddddddddddddd", "op": "db" }], "errors": [],
    }]);
    vec![
        Scene::of("get_event_attachment", shop(json!({}))).get(files, file.clone()),
        Scene::of("get_event_attachment", shop(json!({ "attachmentId": "7" })))
            .get(files, file)
            .needs(&[("/0", "it is the file"), ("/0/id", "a file is asked for by it")])
            .get(one, json!({ "logged": "a line" }))
            .content(),
        trace(json!({ "traceId": TRACE }), fixture!("traces/checkout.json")),
        trace(json!({ "traceId": TRACE, "spanId": "cccccccccccccccc" }), span)
            .needs(&[("/0", "it is the span"), ("/0/event_id", "it is looked for by its id")]),
    ]
}

fn docs() -> Vec<Scene> {
    vec![
        Scene::of("search_docs", json!({ "query": "source maps" }))
            .post("/api/search", fixture!("docs/results.json")),
    ]
}
