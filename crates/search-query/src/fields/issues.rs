//! Fields of the issue search: those of an issue itself, and those of its events.
//!
//! Facts: `docs.sentry.io/concepts/search/searchable-properties/issues/`, and what Sentry's issue
//! search refuses. Issue search knows no columns, no sort fields, and no aggregates.

use super::{Facts, Field, Kind, any, common, date, number, text};

/// What `is:` can be. Sentry refuses every other value, and compares the case.
const IS: &[&str] = &[
    "unresolved",
    "resolved",
    "archived",
    "ignored",
    "muted",
    "reprocessing",
    "assigned",
    "unassigned",
    "for_review",
    "linked",
    "unlinked",
    "new",
    "ongoing",
    "escalating",
    "regressed",
    "archived_until_escalating",
    "archived_until_condition_met",
    "archived_forever",
];

/// Errors know these too.
pub(super) const STATUSES: &[&str] =
    &["unresolved", "resolved", "archived", "ignored", "muted", "reprocessing"];

const SUBSTATUSES: &[&str] = &[
    "new",
    "ongoing",
    "escalating",
    "regressed",
    "archived_until_escalating",
    "archived_until_condition_met",
    "archived_forever",
];

/// Sentry compares these without case.
const CATEGORIES: &[&str] = &[
    "error",
    "outage",
    "metric",
    "db_query",
    "http_client",
    "frontend",
    "mobile",
    "feedback",
    "ai_detected",
    "preprod",
    "instrumentation",
    "configuration",
    "performance",
    "profile",
    "cron",
    "replay",
    "uptime",
    "metric_alert",
    "test_notification",
];

/// The types that are known; Sentry adds more with each kind of detector.
const TYPES: &[&str] = &[
    "error",
    "feedback",
    "web_vitals",
    "metric_issue",
    "monitor_check_in_failure",
    "monitor_incident",
    "uptime_domain_failure",
    "db_query_injection_vulnerability",
    "query_injection_vulnerability",
    "performance_consecutive_db_queries",
    "performance_consecutive_http",
    "performance_db_main_thread",
    "performance_file_io_main_thread",
    "performance_http_overhead",
    "performance_large_http_payload",
    "performance_m_n_plus_one_db_queries",
    "performance_n_plus_one_api_calls",
    "performance_n_plus_one_db_queries",
    "performance_p95_endpoint_regression",
    "performance_render_blocking_asset_span",
    "performance_slow_db_query",
    "performance_uncompressed_assets",
    "profile_file_io_main_thread",
    "profile_frame_drop",
    "profile_function_regression",
    "profile_image_decode_main_thread",
    "profile_json_decode_main_thread",
    "profile_regex_main_thread",
    "replay_click_rage",
    "replay_hydration_error",
];

const PRIORITIES: &[&str] = &["high", "medium", "low"];

const ACTIONABILITIES: &[&str] = &["super_high", "high", "medium", "low", "super_low"];

pub(super) static FACTS: Facts = Facts {
    fields: &[
        FIELDS,
        common::PLACE,
        common::RELEASE_PARTS,
        common::USER,
        common::GEO,
        common::CLIENT,
        common::ERROR,
        common::MEASUREMENTS,
        common::BREAKDOWNS,
    ],
    aggregates: &[],
};

static FIELDS: &[Field] = &[
    text("is").closed(IS).about("status of the issue"),
    any("assigned", Kind::Actor).about("assignee: me, my_teams, none, #team, or an address"),
    any("assigned_to", Kind::Actor),
    any("assigned_or_suggested", Kind::Actor).about("assignee, or who is suggested"),
    any("bookmarks", Kind::Actor).about("who bookmarked it: me, or an address"),
    any("bookmarked_by", Kind::Actor),
    any("subscribed", Kind::Actor).about("who is subscribed: me, or an address"),
    any("subscribed_by", Kind::Actor),
    text("team").about("team of the project"),
    date("age").about("when the issue was first seen, such as -24h"),
    date("firstSeen").about("when the issue was first seen, such as -24h"),
    date("first_seen"),
    date("lastSeen").about("when the issue was last seen, such as -24h"),
    date("last_seen"),
    date("event.timestamp").about("when an event of the issue happened"),
    date("date"),
    any("timesSeen", Kind::Integer).about("how many events the issue has"),
    any("times_seen", Kind::Integer),
    number("userCount").lenient().about("how many users the issue affects"),
    any("firstRelease", Kind::Release).about("release in which it first appeared"),
    any("first-release", Kind::Release),
    any("first_release", Kind::Release),
    any("regressed_in_release", Kind::Release).about("release in which it came back"),
    text("issue").about("short id, such as API-1F"),
    any("issue.id", Kind::Integer).about("numeric id"),
    text("issue.category").folded(CATEGORIES).about("category of the issue"),
    text("issue.type").values(TYPES).about("type of the issue"),
    text("issue.priority").closed(PRIORITIES).about("priority of the issue"),
    text("issue.seer_actionability").closed(ACTIONABILITIES).about("how fixable it is"),
    date("issue.seer_last_run").about("when Seer last analyzed it"),
    text("status").closed(STATUSES),
    text("substatus").closed(SUBSTATUSES),
    text("detector").about("id of the detector that found it"),
    text("platform.name").about("platform of the SDK"),
    any("id", Kind::EventId).lenient().about("id of an event"),
    any("trace", Kind::TraceId).lenient().about("id of a trace"),
    any("transaction.duration", Kind::Duration),
];
