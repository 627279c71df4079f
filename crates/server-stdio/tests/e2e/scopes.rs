//! What a client may see and do under each setting of scopes.

use sentry_sim::Simulation;
use serde_json::json;

use crate::harness::{ERAS, Era, Server, command_for, run};

const READ_ONLY: &[&str] = &[
    "whoami",
    "find_organizations",
    "find_projects",
    "find_dsns",
    "find_teams",
    "find_releases",
    "search_issues",
    "get_issue_details",
    "search_events",
    "find_event_fields",
    "get_event_attachment",
    "get_trace_details",
    "analyze_issue_with_seer",
    "search_docs",
    "get_doc",
];

/// What `event:read` opens.
const EVENT_READ: &[&str] = &[
    "search_issues",
    "get_issue_details",
    "search_events",
    "find_event_fields",
    "get_event_attachment",
    "get_trace_details",
    "analyze_issue_with_seer",
];

/// Flags, environment, and the tools that are listed beyond the three that need nothing.
type Setting =
    (&'static [&'static str], &'static [(&'static str, &'static str)], &'static [&'static str]);

const SETTINGS: &[Setting] = &[
    (&["--scopes=org:read"], &[], &["find_organizations"]),
    (&["--scopes=project:read"], &[], &["find_projects", "find_dsns", "find_releases"]),
    (&["--scopes", "team:read"], &[], &["find_teams"]),
    (&["--scopes=event:read"], &[], EVENT_READ),
    (
        &["--scopes=event:admin"],
        &[],
        &[
            "search_issues",
            "get_issue_details",
            "update_issue",
            "search_events",
            "find_event_fields",
            "get_event_attachment",
            "get_trace_details",
            "analyze_issue_with_seer",
        ],
    ),
    (&["--scopes=member:admin,project:releases"], &[], &[]),
    (&["--scopes=team:write"], &[], &["find_teams", "create_team"]),
    (
        &["--scopes=project:write"],
        &[],
        &["find_projects", "update_project", "find_dsns", "create_dsn", "find_releases"],
    ),
    (&[], &[("MCP_SCOPES", "org:read")], &["find_organizations"]),
    (&["--scopes=event:read"], &[("MCP_SCOPES", "org:read")], EVENT_READ),
    (&["--scopes=event:read"], &[("MCP_ADD_SCOPES", "event:write")], EVENT_READ),
];

#[tokio::test]
async fn the_default_is_read_only_in_a_fixed_order() {
    let sentry = Simulation::start().await.unwrap();
    for era in ERAS {
        let mut server = Server::start(era, &sentry, &[]).await;
        assert_eq!(server.tools().await, READ_ONLY, "{era:?}");
    }
    assert!(sentry.requests().is_empty(), "a list costs no request");
}

#[tokio::test]
async fn a_setting_of_scopes_opens_exactly_its_tools() {
    let sentry = Simulation::start().await.unwrap();
    for (index, (flags, variables, expected)) in SETTINGS.iter().enumerate() {
        let mut command = command_for(&sentry, flags);
        command.envs(variables.iter().copied());
        let mut server = Server::spawn(ERAS[index % 2], &mut command).await;
        let mut tools = server.tools().await;
        tools.retain(|tool| !["whoami", "search_docs", "get_doc"].contains(&tool.as_str()));
        assert_eq!(tools, *expected, "{flags:?} {variables:?}");
    }
}

#[tokio::test]
async fn wider_settings_add_the_writes() {
    let sentry = Simulation::start().await.unwrap();
    for (flag, writes) in [
        ("--add-scopes=event:write", &["update_issue"][..]),
        ("--add-scopes=project:write", &["create_project", "update_project", "create_dsn"]),
        (
            "--all-scopes",
            &["create_project", "update_project", "create_dsn", "create_team", "update_issue"],
        ),
    ] {
        let mut server = Server::start(Era::Stateless, &sentry, &[flag]).await;
        let mut added = server.tools().await;
        added.retain(|tool| !READ_ONLY.contains(&tool.as_str()));
        added.sort();
        let mut writes = writes.to_vec();
        writes.sort_unstable();
        assert_eq!(added, writes, "{flag}");
    }
}

#[tokio::test]
async fn a_hidden_tool_is_refused_by_name_and_no_request_leaves() {
    let sentry = Simulation::start().await.unwrap();
    for era in ERAS {
        let mut server = Server::start(era, &sentry, &[]).await;
        for (tool, scope) in [
            ("update_issue", "event:write"),
            ("create_project", "project:write"),
            ("update_project", "project:write"),
            ("create_team", "team:write"),
            ("create_dsn", "project:write"),
        ] {
            // The arguments are nonsense: a refusal comes before anybody looks at them.
            let refusal = server.call(tool, json!({ "nonsense": [1] })).await.unwrap_err();
            assert!(refusal.contains(tool), "{refusal}");
            assert!(refusal.contains(&format!("--add-scopes={scope}")), "{refusal}");
        }
    }
    assert!(sentry.requests().is_empty());
}

#[tokio::test]
async fn an_unknown_tool_is_a_protocol_error_that_names_the_nearest() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Stateless, &sentry, &[]).await;
    let error = server.call("find_team", json!({})).await.unwrap_err();
    assert!(error.starts_with("-32602 "), "{error}");
    assert!(error.contains("`find_teams`"), "{error}");
}

#[tokio::test]
async fn a_bad_scope_stops_the_start_with_the_nearest_spelling() {
    let sentry = Simulation::start().await.unwrap();
    for (flags, variable) in [
        (&["--scopes=Event:Write,evnt:read"][..], None),
        (&[], Some(("MCP_ADD_SCOPES", "Event:Write,evnt:read"))),
    ] {
        let mut command = command_for(&sentry, flags);
        command.envs(variable);
        let finished = run(command).await;
        assert_eq!(finished.code, Some(2), "{}", finished.stderr);
        assert_eq!(finished.stdout, "");
        for words in ["Event:Write", "evnt:read", "event:write", "event:read", "project:releases"] {
            assert!(finished.stderr.contains(words), "{words} in: {}", finished.stderr);
        }
    }
}

#[tokio::test]
async fn a_list_without_a_scope_stops_the_start() {
    let sentry = Simulation::start().await.unwrap();
    for flag in ["--scopes=", "--scopes=,", "--add-scopes= , "] {
        let finished = run(command_for(&sentry, &[flag])).await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{flag}");
    }
}
