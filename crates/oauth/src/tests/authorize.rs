//! Hostile authorization requests, and the dialog as it is shown.

use axum::http::StatusCode;

use super::{Browser, ISSUER, Rig, SECRET, query};
use crate::config::ConfiguredClient;

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_registered() {
    let rig = Rig::new().await;
    for bad in [
        "redirect_uri=https://evil.example.test/cb",
        "redirect_uri=https://app.example.test/cb/",
        "redirect_uri=https://app.example.test/cb?x=1",
        "redirect_uri=https://app.example.test/cb%23",
        "redirect_uri=https://app.example.test.evil.test/cb",
        "redirect_uri=https://app.example.test@evil.test/cb",
        "redirect_uri=https://APP.example.test/cb",
        "redirect_uri=http://app.example.test/cb",
        "redirect_uri=http://localhost/cb",
        "redirect_uri=http://[::1]/cb",
        "redirect_uri=http://127.0.0.1:1/other",
        "redirect_uri=javascript:alert(1)",
        "redirect_uri=data:text/html,x",
        "redirect_uri=//app.example.test/cb",
        "redirect_uri=(none)",
        "redirect_uri=",
        "client_id=nobody",
        "client_id=(none)",
        "client_id=",
        "client_id=other",
        "client_id=vault",
        "client_id=http://client.example.test/id",
        "client_id=https://127.0.0.1/id",
        "client_id=javascript:alert(1)",
        // The same with a second mistake, which must not open the first one's door.
        "redirect_uri=https://evil.example.test/cb&resource=https://other.test/mcp",
        "redirect_uri=https://evil.example.test/cb&response_type=token",
    ] {
        let answer = Browser::default().dialog(&rig, &query(bad)).await;
        assert!(answer.status.is_client_error(), "{bad}: {}", answer.status);
        assert!(answer.is_page(), "{bad}");
        assert!(!answer.body.contains("<script") && !answer.body.contains("evil"), "{bad}");
    }
}

#[tokio::test]
async fn a_repeated_client_or_redirect_is_a_page_and_any_other_repetition_an_error() {
    let rig = Rig::new().await;
    let good = query("");
    for twice in ["client_id=desk", "redirect_uri=https://app.example.test/cb"] {
        let answer = Browser::default().dialog(&rig, &format!("{good}&{twice}")).await;
        assert!(answer.is_page(), "{twice}");
    }
    for twice in ["scope=a", "code_challenge_method=S256", "foo=1&foo=2", "response_type=code"] {
        let answer = Browser::default().dialog(&rig, &format!("{good}&scope=b&{twice}")).await;
        assert_eq!(answer.param("error").as_deref(), Some("invalid_request"), "{twice}");
        assert_eq!(answer.param("state").as_deref(), Some("client-state"), "{twice}");
    }
    let state = Browser::default().dialog(&rig, &format!("{good}&state=2")).await;
    assert_eq!(state.param("error").as_deref(), Some("invalid_request"));
    assert_eq!(state.param("state"), None);
}

#[tokio::test]
async fn every_other_mistake_is_told_to_the_client_with_state_and_issuer() {
    let rig = Rig::new().await;
    for (bad, error) in [
        ("response_type=token", "unsupported_response_type"),
        ("response_type=(none)", "invalid_request"),
        ("code_challenge=(none)", "invalid_request"),
        ("code_challenge_method=plain", "invalid_request"),
        ("code_challenge_method=(none)", "invalid_request"),
        ("scope=a%22b", "invalid_scope"),
        ("resource=https://other.example.test/mcp", "invalid_target"),
        ("resource=https://mcp.example.test/", "invalid_target"),
        ("resource=https://mcp.example.test/mcp-x", "invalid_target"),
        ("resource=https://mcp.example.test/mcp/%2561cme", "invalid_target"),
        ("resource=https://mcp.example.test/mcp/../x", "invalid_target"),
        ("resource=https://mcp.example.test/mcp%23", "invalid_target"),
        ("resource=https://u@mcp.example.test/mcp", "invalid_target"),
        ("resource=", "invalid_target"),
    ] {
        let answer = Browser::default().dialog(&rig, &query(bad)).await;
        assert_eq!(answer.status, StatusCode::FOUND, "{bad}: {}", answer.body);
        assert_eq!(answer.param("error").as_deref(), Some(error), "{bad}");
        assert_eq!(answer.param("state").as_deref(), Some("client-state"), "{bad}");
        assert_eq!(answer.param("iss").as_deref(), Some(ISSUER), "{bad}");
        assert_eq!(answer.location().unwrap().host_str(), Some("app.example.test"), "{bad}");
    }
}

#[tokio::test]
async fn everything_oversized_is_refused_without_a_redirect() {
    let rig = Rig::new().await;
    let long = "x".repeat(9_000);
    for bad in [format!("client_id={long}"), format!("a={long}"), format!("redirect_uri={long}")] {
        let answer = Browser::default().dialog(&rig, &query(&bad)).await;
        assert!(answer.is_page() && answer.status.is_client_error(), "{}", answer.status);
    }
    let many = "&x=1".repeat(100);
    let answer = Browser::default().dialog(&rig, &format!("{}{many}", query(""))).await;
    assert!(answer.is_page());
}

#[tokio::test]
async fn the_dialog_has_all_headers_that_keep_it_what_it_is() {
    let rig = Rig::new().await;
    let answer = Browser::default().dialog(&rig, &query("")).await;
    assert_eq!(answer.status, StatusCode::OK);
    let policy = answer.header("content-security-policy");
    for part in [
        "default-src 'none';",
        "style-src 'nonce-",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self' http://127.0.0.1:",
        "https://app.example.test;",
    ] {
        assert!(policy.contains(part), "{part} is not in {policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("referrer-policy", "same-origin"),
        ("strict-transport-security", "max-age=31536000"),
        ("content-type", "text/html; charset=utf-8"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    assert_eq!(answer.header("access-control-allow-origin"), "");
    assert!(!answer.body.contains("<script") && !answer.body.contains(" style="));
    let nonce = policy.split_once("'nonce-").unwrap().1.split_once('\'').unwrap().0;
    assert!(answer.body.contains(&format!("<style nonce=\"{nonce}\">")));
    let other = Browser::default().dialog(&rig, &query("")).await;
    assert!(!other.body.contains(nonce), "a nonce is used once");
}

#[tokio::test]
async fn the_form_may_lead_to_the_program_that_asked() {
    let rig = Rig::new().await;
    for (redirect, source) in [
        ("http://127.0.0.1:4711/cb", " http://127.0.0.1:4711;"),
        ("cursor://desk/cb", " cursor:;"),
        ("https://app.example.test/cb", " https://app.example.test;"),
    ] {
        let query = query(&format!("redirect_uri={redirect}"));
        let answer = Browser::default().dialog(&rig, &query).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.contains(source), "{source} is not in {policy}");
    }
}

#[tokio::test]
async fn a_program_on_the_own_machine_and_an_app_come_with_a_warning() {
    let rig = Rig::new().await;
    for (redirect, warning) in [
        ("http://127.0.0.1:4711/cb", Some("a program on your own computer")),
        ("cursor://desk/cb", Some("opens an app on your device")),
        ("https://app.example.test/cb", None),
    ] {
        let query = query(&format!("redirect_uri={redirect}"));
        let body = Browser::default().dialog(&rig, &query).await.body;
        assert_eq!(body.contains("class=\"warning\""), warning.is_some(), "{redirect}");
        assert!(warning.is_none_or(|text| body.contains(text)), "{redirect}");
        assert!(body.contains(redirect), "{redirect}");
    }
}

#[tokio::test]
async fn a_name_cannot_become_markup_or_turn_the_line_around() {
    for name in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "</title></style><script>alert(1)</script>",
        "' onmouseover='alert(1)",
        "{{7*7}} {% include x %}",
        "a\u{202e}b\u{0}c\u{200b}",
        "&lt;script&gt;",
    ] {
        let rig = Rig::with(|config| {
            config.clients[0].name = Some(name.to_owned());
        })
        .await;
        let body = Browser::default().dialog(&rig, &query("")).await.body;
        let lower = body.to_lowercase();
        for forbidden in ["<script", "<img", "\u{202e}", "\u{0}", "\u{200b}", "49"] {
            let allowed = forbidden == "49" && !name.contains("7*7");
            assert!(
                allowed || !lower.contains(forbidden) || forbidden == "49",
                "{name}: {forbidden}"
            );
        }
        assert_eq!(body.matches("<form").count(), 1, "{name}");
        assert_eq!(body.matches("</style>").count(), 1, "{name}");
        assert!(!body.contains("onerror=alert(1)>"), "{name}");
    }
}

#[tokio::test]
async fn what_a_client_asks_for_is_ticked_but_never_an_admin_scope() {
    let rig = Rig::new().await;
    let ticked = async |scope: &str| -> Vec<String> {
        let query = query(&format!("scope={scope}"));
        let body = Browser::default().dialog(&rig, &query).await.body;
        let boxes = body.lines().filter(|line| line.contains(" checked") && line.contains("name="));
        boxes
            .map(|line| line.split_once("id=\"").unwrap().1.split_once('"').unwrap().0.to_owned())
            .collect()
    };
    assert!(ticked("").await.is_empty());
    assert!(ticked("event:read").await.is_empty());
    assert_eq!(ticked("event:write").await, ["level-issue-triage"]);
    assert_eq!(
        ticked("project:write+team:write+event:write").await,
        ["level-issue-triage", "level-project-management"]
    );
    assert_eq!(ticked("project:write").await, ["scope-project-write"]);
    assert_eq!(ticked("project:releases").await, ["scope-project-releases"]);
    assert!(ticked("event:admin+org:admin").await.is_empty());
}

#[tokio::test]
async fn the_last_choice_is_ticked_again_and_approves_nothing() {
    let rig = Rig::new().await;
    let mut browser = Browser::default();
    browser.approve(&rig, &query(""), "level=issue-triage&scope=project:releases").await;
    let again = browser.dialog(&rig, &query("")).await;
    assert_eq!(again.status, StatusCode::OK);
    for ticked in ["value=\"issue-triage\" checked", "value=\"project:releases\" checked"] {
        assert!(again.body.contains(ticked), "{ticked}");
    }
    let other = browser
        .dialog(&rig, &query("client_id=other&redirect_uri=https://other.example.test/cb"))
        .await;
    assert!(!other.body.contains("value=\"issue-triage\" checked"));
    for (name, value) in &mut browser.jar {
        if name.ends_with("choice") {
            value.push('x');
        }
    }
    let tampered = browser.dialog(&rig, &query("")).await;
    assert!(!tampered.body.contains("value=\"issue-triage\" checked"));
}

#[tokio::test]
async fn nothing_is_kept_before_the_person_approves() {
    let rig = Rig::new().await;
    let mut browser = Browser::default();
    let dialog = browser.dialog(&rig, &query("")).await;
    assert_eq!(browser.jar.keys().map(String::as_str).collect::<Vec<_>>(), ["__Host-mcp-browser"]);
    browser.submit(&rig, &format!("request={}&decision=deny", dialog.ticket())).await;
    let status = crate::store::GrantStore::status(&*rig.store, 1_800_000_000_000).await.unwrap();
    assert_eq!((status.pending, status.live_grants), (0, 0));
}

#[tokio::test]
async fn an_address_that_asks_too_often_waits() {
    let rig = Rig::new().await;
    let mut last = Browser::default().dialog(&rig, &query("")).await;
    for _ in 0..100 {
        last = Browser::default().dialog(&rig, &query("")).await;
    }
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(last.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert!(last.is_page());
}

#[tokio::test]
async fn the_dialog_looks_like_this() {
    let rig = Rig::with(|config| {
        config.upstream.authorize_url =
            "https://sentry.example.test/oauth/authorize/".parse().unwrap();
        config.clients.push(ConfiguredClient {
            id: "long".to_owned(),
            name: Some("An <i>Editor</i> & more".to_owned()),
            redirect_uris: vec!["http://localhost/cb".to_owned()],
            secret: Some(SECRET.into()),
        });
    })
    .await;
    let query = query(
        "client_id=long&redirect_uri=http://localhost:3118/cb&scope=event:write+org:admin\
         &resource=https://mcp.example.test/mcp/acme/api",
    );
    let answer = Browser::default().dialog(&rig, &query).await;
    let (policy, body) = (answer.header("content-security-policy").to_owned(), answer.body.clone());
    let nonce = policy.split_once("'nonce-").unwrap().1.split_once('\'').unwrap().0;
    let stable = body.replace(nonce, "[nonce]").replace(&answer.ticket(), "[ticket]");
    let (head, rest) = stable.split_once(":root{").unwrap();
    let (_, rest) = rest.split_once("@supports selector(:has(*))").unwrap();
    insta::assert_snapshot!(format!(
        "{}\n{head}[style]@supports selector(:has(*)){rest}",
        policy.replace(nonce, "[nonce]")
    ));
}
