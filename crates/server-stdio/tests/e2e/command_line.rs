//! The subcommands, and what a person gets for bad input.

use sentry_sim::{Simulation, tokens};
use serde_json::{Value, json};

use crate::harness::{Era, Server, command, command_as, command_for, run};

#[tokio::test]
async fn usage_errors_exit_with_2_and_leave_stdout_alone() {
    for (args, words) in [
        (&["--no-such-flag"][..], &["--no-such-flag"][..]),
        (&["no-such-command"], &["no-such-command"]),
        (&["--scopes=event:wirte"], &["event:wirte", "event:write"]),
        (&["--url=ftp://sentry.example.com"], &["--url", "https://"]),
        (&["--host=https://sentry.example.com"], &["--host", "sentry.example.com"]),
        (&["--host=sentry.io", "--insecure-http"], &["sentry.io"]),
        (&["--config=does-not-exist.toml"], &["does-not-exist.toml"]),
        (&["--organization-slug=../acme"], &["../acme"]),
        (&["--organization-slug=%2e%2e"], &["%2e%2e"]),
        (&["--call-timeout=soon"], &["--call-timeout"]),
        (&["--ca-file=does-not-exist.pem", "whoami"], &["whoami"]),
        (&["--ca-file=does-not-exist.pem"], &["--ca-file", "does-not-exist.pem"]),
        (&["call", "whoami", "--ca-file=Cargo.toml"], &["--ca-file", "CERTIFICATE"]),
        (&["config", "check", "--ca-file=does-not-exist.pem"], &["--ca-file"]),
        (&["--access-token-file=no-token.txt"], &["--access-token-file", "no-token.txt"]),
    ] {
        let mut command = command(args);
        command.env("SENTRY_ACCESS_TOKEN", "sntryu_secret");
        let finished = run(command).await;
        assert_eq!(finished.code, Some(2), "{args:?}: {}", finished.stderr);
        assert_eq!(finished.stdout, "", "{args:?}");
        for word in words {
            assert!(finished.stderr.contains(word), "{word} in: {}", finished.stderr);
        }
        assert!(!finished.stderr.contains("sntryu_secret"));
    }
}

#[tokio::test]
async fn a_misspelled_variable_is_warned_of_once_and_stops_nothing() {
    const WARNING: &str = "warning: the environment variable `SENTRY_MCP_PROJECTSLUG` is no \
                           setting and has no effect; did you mean `SENTRY_MCP_PROJECT_SLUG`?\n";
    for args in [&["config", "check"][..], &["config", "show"]] {
        let mut command = command(args);
        command.env("SENTRY_MCP_PROJECTSLUG", "hunter2");
        let finished = run(command).await;
        assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), WARNING), "{args:?}");
        assert!(!finished.stdout.contains("hunter2"), "{}", finished.stdout);
    }
}

#[tokio::test]
async fn a_missing_token_says_where_to_get_one_and_what_to_tick() {
    let finished = run(command(&["--host=sentry.example.com"])).await;
    assert_eq!(finished.code, Some(2));
    for words in
        ["https://sentry.example.com/settings/account/api/auth-tokens/", "event:read", "org:read"]
    {
        assert!(finished.stderr.contains(words), "{words} in: {}", finished.stderr);
    }
}

#[tokio::test]
async fn a_token_on_the_command_line_works_and_warns_once() {
    let sentry = Simulation::start().await.unwrap();
    let flag = format!("--access-token={}", tokens::ADMIN);
    let mut command = command_for(&sentry, &[&flag]);
    command.env_remove("SENTRY_ACCESS_TOKEN");
    let mut server = Server::spawn(Era::Handshake, &mut command).await;
    assert!(server.call("whoami", json!({})).await.is_ok());
    let (status, stderr) = server.close().await;
    assert!(status.success());
    assert_eq!(stderr.matches("--access-token").count(), 1, "{stderr}");
    assert!(!stderr.contains(tokens::ADMIN));
}

#[tokio::test]
async fn a_proxy_is_used_but_not_between_this_machine_and_itself() {
    let sentry = Simulation::start().await.unwrap();
    let mut direct = command_for(&sentry, &["call", "whoami"]);
    direct.env("HTTP_PROXY", "http://127.0.0.1:1").env("ALL_PROXY", "http://127.0.0.1:1");
    let finished = run(direct).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);

    // The simulated Sentry is the proxy: it is asked for a host that does not exist.
    let mut proxied = command_for(&sentry, &["--host=sentry.example.test", "call", "whoami"]);
    proxied.env("SENTRY_MCP_REGION_HOSTS", "").env("HTTP_PROXY", sentry.url());
    let finished = run(proxied).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}

#[tokio::test]
async fn the_tools_that_the_command_prints_are_those_that_a_client_gets() {
    let sentry = Simulation::start().await.unwrap();
    let finished =
        run(command_for(&sentry, &["--add-scopes=event:write", "tools", "--json"])).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let printed: Value = serde_json::from_str(&finished.stdout).unwrap();
    let mut server = Server::start(Era::Stateless, &sentry, &["--add-scopes=event:write"]).await;
    let listed = server.request("tools/list", json!({})).await;
    assert_eq!(printed["tools"], listed["result"]["tools"]);
}

#[tokio::test]
async fn a_call_prints_the_answer_and_fails_with_1() {
    let sentry = Simulation::start().await.unwrap();
    let args = r#"{"organizationSlug":"aurora-labs"}"#;
    let finished = run(command_for(&sentry, &["call", "find_teams", args])).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stdout.contains("payments"), "{}", finished.stdout);

    let args = r#"{"organizationSlug":"no-such-organization"}"#;
    let finished = run(command_for(&sentry, &["call", "find_teams", args])).await;
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);

    let finished = run(command_for(&sentry, &["call", "find_teams", "{not json"])).await;
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
}

#[tokio::test]
async fn the_scope_table_gives_each_tool_one_state_with_a_reason() {
    let sentry = Simulation::start().await.unwrap();
    let flags = ["--organization-slug=aurora-labs", "--docs-url=", "scopes", "--json"];
    let finished = run(command_as(&sentry, tokens::EVENT_READ, &flags)).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let table: Value = serde_json::from_str(&finished.stdout).unwrap();
    let state = |tool: &str| {
        let tools = table["tools"].as_array().unwrap();
        let found = tools.iter().find(|entry| entry["name"] == tool);
        found.map(|entry| entry["state"].as_str().unwrap().to_owned()).unwrap()
    };
    assert_eq!(state("search_issues"), "available");
    assert_eq!(state("update_issue"), "not granted");
    assert_eq!(state("find_teams"), "token too narrow");
    assert_eq!(state("find_organizations"), "fenced");
    assert_eq!(state("get_doc"), "unavailable here");
    for tool in table["tools"].as_array().unwrap() {
        assert_eq!(tool["state"] == "available", tool["reason"].is_null(), "{tool}");
    }
    assert_eq!(table["scopes"].as_array().unwrap().len(), 16);
}

#[tokio::test]
async fn an_empty_docs_url_makes_documentation_unavailable_here() {
    let sentry = Simulation::start().await.unwrap();
    let mut server = Server::start(Era::Stateless, &sentry, &["--docs-url="]).await;
    let tools = server.tools().await;
    assert!(!tools.iter().any(|tool| tool == "search_docs" || tool == "get_doc"), "{tools:?}");
    let refusal = server.call("search_docs", json!({ "query": "crons" })).await.unwrap_err();
    assert!(refusal.contains("unavailable here"), "{refusal}");
}

#[tokio::test]
async fn shown_settings_name_their_source_and_hide_the_token() {
    let sentry = Simulation::start().await.unwrap();
    let finished = run(command_for(&sentry, &["--call-timeout=7", "config", "show"])).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    for words in ["call_timeout", "--call-timeout", "SENTRY_HOST", "access_token"] {
        assert!(finished.stdout.contains(words), "{words} in: {}", finished.stdout);
    }
    assert!(!finished.stdout.contains(tokens::ADMIN), "{}", finished.stdout);
}

#[tokio::test]
async fn a_bad_config_file_is_told_with_its_place() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    for (name, text, words) in [
        ("unknown.toml", "call_timout = 3\n", &["call_timout", "unknown.toml"][..]),
        ("malformed.toml", "call_timeout = = 3\n", &["malformed.toml"]),
        ("scopes.toml", "scopes = \"event:wirte\"\n", &["event:write", "scopes.toml"]),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        let flag = format!("--config={}", path.display());
        let finished = run(command(&[&flag, "config", "check"])).await;
        assert_eq!(finished.code, Some(2), "{name}: {}", finished.stderr);
        for word in words {
            assert!(finished.stderr.contains(word), "{word} in: {}", finished.stderr);
        }
    }
}

#[tokio::test]
async fn help_and_version_and_completions_go_to_stdout() {
    for args in [&["--help"][..], &["--version"], &["completions", "bash"], &["call", "--help"]] {
        let finished = run(command(args)).await;
        assert_eq!(finished.code, Some(0), "{args:?}: {}", finished.stderr);
        assert!(!finished.stdout.is_empty() && finished.stderr.is_empty(), "{args:?}");
    }
}

#[tokio::test]
async fn the_demo_shows_a_refusal_and_then_the_same_write() {
    let finished = run(command(&["demo"])).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let (before, after) =
        finished.stdout.split_once("$ sentry-mcp --add-scopes=event:write call").unwrap();
    for words in ["available", "not granted", "# Issues in", "PaymentTimeout", "is not allowed"] {
        assert!(before.contains(words), "{words} in: {before}");
    }
    assert!(after.contains(": updated") && after.contains("→ resolved"), "{after}");
    assert!(!finished.stdout.contains('\u{1b}'), "no color off a terminal");
}

#[tokio::test]
async fn the_demo_server_needs_no_account() {
    for era in crate::harness::ERAS {
        let mut server = Server::spawn(era, &mut command(&["--demo"])).await;
        let found = server.call("find_organizations", json!({})).await.unwrap();
        assert!(found.contains("aurora-labs") && found.contains("harbor-works"), "{found}");
    }
}
