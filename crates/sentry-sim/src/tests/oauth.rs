//! Signing in: the pages, the exchange, the scopes of the tokens, and what tests can make go wrong.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Answer, client, send, simulation};
use crate::{Fault, FaultKind, OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET, OAuthUser, Simulation};

const REDIRECT: &str = "http://127.0.0.1:8787/oauth/callback";
// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

type Form<'a> = Vec<(&'a str, &'a str)>;

fn request(scope: &str) -> Form<'_> {
    vec![
        ("client_id", OAUTH_CLIENT_ID),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("scope", scope),
        ("state", "st&te"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
}

/// The same, with one field changed; an empty value leaves it out.
fn but<'a>(mut form: Form<'a>, name: &'a str, value: &'a str) -> Form<'a> {
    form.retain(|(key, _)| *key != name);
    if !value.is_empty() {
        form.push((name, value));
    }
    form
}

impl Simulation {
    async fn authorize(&self, method: Method, fields: &Form<'_>) -> Answer {
        let request = client().request(method.clone(), self.oauth_authorize_url());
        let request =
            if method == Method::GET { request.query(fields) } else { form(request, fields) };
        read(request).await
    }

    async fn token(&self, fields: &[(&str, &str)]) -> Answer {
        let credentials = [("client_id", OAUTH_CLIENT_ID), ("client_secret", OAUTH_CLIENT_SECRET)];
        let fields = [&credentials, fields].concat();
        read(form(client().post(self.oauth_token_url()), &fields)).await
    }

    async fn redeem(&self, code: &str) -> Answer {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    async fn refresh(&self, token: &str) -> Answer {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// Signs in without a page, and gives the body with the token.
    async fn signed_in(&self, user: OAuthUser, scope: &str) -> Value {
        self.approve_oauth_as(Some(user));
        let answer = self.authorize(Method::GET, &request(scope)).await;
        let answer = self.redeem(&parameter(&answer, "code")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()
    }
}

fn form(request: reqwest::RequestBuilder, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
    let body = crate::routes::encode_query(fields.iter().copied());
    request.header("content-type", "application/x-www-form-urlencoded").body(body)
}

async fn read(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, text: response.text().await.expect("a body") }
}

/// A parameter of the redirect to the client.
fn parameter(answer: &Answer, name: &str) -> String {
    assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.text);
    let location = answer.headers["location"].to_str().expect("text");
    let query = location.strip_prefix(&format!("{REDIRECT}?")).expect("the client's redirect");
    let fields = crate::routes::parse_query(query);
    let value = fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.to_string());
    value.unwrap_or_else(|| panic!("no {name} in {location}"))
}

fn text<'a>(body: &'a Value, field: &str) -> &'a str {
    body[field].as_str().unwrap_or_else(|| panic!("no {field} in {body}"))
}

#[tokio::test]
async fn the_page_names_the_people_and_the_scopes_and_the_form_leads_back() {
    let simulation = simulation().await;
    let asked = request("event:write org:read");
    let page = simulation.authorize(Method::GET, &asked).await;
    assert_eq!(page.status, StatusCode::OK);
    for part in ["On-call Engineer", "Support Engineer", "<code>event:read</code>", "st&amp;te"] {
        assert!(page.text.contains(part), "{part}");
    }
    let approved = but(but(asked.clone(), "op", "approve"), "user", "2");
    let answer = simulation.authorize(Method::POST, &approved).await;
    assert_eq!(parameter(&answer, "state"), "st&te");
    let token = simulation.redeem(&parameter(&answer, "code")).await.json();
    assert_eq!(
        token["user"],
        json!({ "id": "2", "name": "Support Engineer", "email": "support@example.test" })
    );
    let denied = simulation.authorize(Method::POST, &but(asked, "op", "deny")).await;
    assert_eq!(parameter(&denied, "error"), "access_denied");
}

#[tokio::test]
async fn a_token_works_with_the_scopes_that_were_asked_and_no_others() {
    let simulation = simulation().await;
    let body = simulation.signed_in(OAuthUser::Owner, "event:write org:read").await;
    assert_eq!(text(&body, "scope"), "event:read event:write org:read");
    assert_eq!((text(&body, "token_type"), &body["expires_in"]), ("Bearer", &json!(2_592_000)));
    let token = text(&body, "access_token");
    let issue = "organizations/aurora-labs/issues/CHECKOUT-API-1/";
    for (method, path, status) in [
        (Method::GET, "organizations/aurora-labs/", StatusCode::OK),
        (Method::PUT, issue, StatusCode::OK),
        (Method::GET, "projects/aurora-labs/checkout-api/", StatusCode::FORBIDDEN),
        (Method::POST, "organizations/aurora-labs/teams/", StatusCode::FORBIDDEN),
    ] {
        let body = (method != Method::GET).then(|| json!({ "status": "resolved", "name": "x" }));
        assert_eq!(simulation.ask(method, path, token, body).await.status, status, "{path}");
    }
    let scopes =
        simulation.ask(Method::GET, "", token, None).await.json()["auth"]["scopes"].clone();
    assert_eq!(scopes, json!(["event:read", "event:write", "org:read"]));
}

#[tokio::test]
async fn a_code_is_good_once_and_only_with_its_redirect_and_verifier() {
    let simulation = simulation().await;
    simulation.approve_oauth_as(Some(OAuthUser::Owner));
    let good = vec![
        ("grant_type", "authorization_code"),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    for spoiled in [
        but(good.clone(), "redirect_uri", "http://127.0.0.1:8787/other"),
        but(good.clone(), "code_verifier", "another"),
        but(good.clone(), "code_verifier", ""),
    ] {
        let answer = simulation.authorize(Method::GET, &request("org:read")).await;
        let code = parameter(&answer, "code");
        for form in [&spoiled, &good] {
            let answer = simulation.token(&but(form.clone(), "code", &code)).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
            assert_eq!(text(&answer.json(), "error"), "invalid_grant");
            assert_eq!(answer.headers["cache-control"], "no-store");
        }
    }
}

#[tokio::test]
async fn refreshing_replaces_both_tokens_and_keeps_the_scopes() {
    let simulation = simulation().await;
    let first = simulation.signed_in(OAuthUser::Member, "event:read").await;
    let second = simulation.refresh(text(&first, "refresh_token")).await.json();
    assert_eq!((&second["scope"], &second["user"]), (&first["scope"], &first["user"]));
    for (body, status) in [(&first, StatusCode::UNAUTHORIZED), (&second, StatusCode::OK)] {
        let answer = simulation.ask(Method::GET, "", text(body, "access_token"), None).await;
        assert_eq!(answer.status, status);
    }
    let again = simulation.refresh(text(&first, "refresh_token")).await;
    assert_eq!(text(&again.json(), "error"), "invalid_grant");
}

#[tokio::test]
async fn tokens_expire_are_limited_and_are_revoked_on_request() {
    let simulation = simulation().await;
    simulation.limit_oauth_scopes(Some(&["org:read"]));
    simulation.set_oauth_token_lifetime(Duration::from_mins(1));
    let body = simulation.signed_in(OAuthUser::Owner, "org:read event:write").await;
    assert_eq!((text(&body, "scope"), &body["expires_in"]), ("org:read", &json!(60)));
    simulation.expire_oauth_tokens();
    let answer = simulation.ask(Method::GET, "", text(&body, "access_token"), None).await;
    assert_eq!(
        (answer.status, answer.detail().as_str()),
        (StatusCode::UNAUTHORIZED, "Token expired")
    );
    let body = simulation.refresh(text(&body, "refresh_token")).await.json();
    simulation.revoke_oauth_tokens();
    let answer = simulation.ask(Method::GET, "", text(&body, "access_token"), None).await;
    assert_eq!(answer.detail(), "Invalid token");
    let answer = simulation.refresh(text(&body, "refresh_token")).await;
    assert_eq!(text(&answer.json(), "error"), "invalid_grant");
}

#[tokio::test]
async fn a_bad_request_is_told_to_the_person_or_to_the_client() {
    let simulation = simulation().await;
    for (name, value) in [
        ("client_id", "another"),
        ("client_id", ""),
        ("redirect_uri", "https://evil.example.test/"),
        ("redirect_uri", ""),
    ] {
        let asked = but(request("org:read"), name, value);
        for method in [Method::GET, Method::POST] {
            let answer = simulation.authorize(method, &asked).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}={value}");
            assert!(!answer.headers.contains_key("location"));
        }
    }
    for (name, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("scope", "org:read seer", "invalid_scope"),
    ] {
        let answer =
            simulation.authorize(Method::GET, &but(request("org:read"), name, value)).await;
        assert_eq!((parameter(&answer, "error").as_str(), name), (error, name));
    }
    let form = [("op", "approve"), ("user", "99"), ("op", "")];
    for (name, value) in form {
        let asked = but(request("org:read"), name, value);
        let answer = simulation.authorize(Method::POST, &asked).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}={value}");
    }
}

#[tokio::test]
async fn a_wrong_client_or_grant_type_gets_no_token() {
    let simulation = simulation().await;
    let wrong = [("client_id", OAUTH_CLIENT_ID), ("client_secret", "wrong")];
    let answer = read(form(client().post(simulation.oauth_token_url()), &wrong)).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(text(&answer.json(), "error"), "invalid_client");
    let answer = simulation.token(&[("grant_type", "password")]).await;
    assert_eq!(text(&answer.json(), "error"), "unsupported_grant_type");
    for path in ["/oauth/token/", "/oauth/other/"] {
        let url = format!("{}{path}", simulation.url());
        let answer = send(url, Method::GET, None, None).await.expect("an answer");
        assert!(answer.status.is_client_error());
    }
    let region = format!("{}/oauth/token/", simulation.region_url());
    let answer = send(region, Method::POST, None, None).await.expect("an answer");
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn another_redirect_is_accepted_once_it_is_allowed() {
    let simulation = simulation().await;
    let elsewhere = "https://mcp.example.test/oauth/callback";
    simulation.allow_oauth_redirect(elsewhere);
    simulation.approve_oauth_as(Some(OAuthUser::Owner));
    let asked = but(request("org:read"), "redirect_uri", elsewhere);
    let answer = simulation.authorize(Method::GET, &asked).await;
    let location = answer.headers["location"].to_str().expect("text");
    assert!(location.starts_with(&format!("{elsewhere}?code=")), "{location}");
}

#[tokio::test]
async fn the_exchange_fails_on_request_and_leaves_no_secret_behind() {
    let simulation = simulation().await;
    let body = simulation.signed_in(OAuthUser::Owner, "org:read").await;
    let refresh_token = text(&body, "refresh_token");
    simulation
        .inject(Fault::on("/oauth/token/", FaultKind::oauth_error("invalid_client")).times(1));
    simulation.inject(Fault::on("/oauth/token/", FaultKind::Html { status: 502 }).times(1));
    let statuses = [StatusCode::UNAUTHORIZED, StatusCode::BAD_GATEWAY, StatusCode::OK];
    for status in statuses {
        assert_eq!(simulation.refresh(refresh_token).await.status, status);
    }
    let requests = simulation.requests();
    let forms: Vec<_> = requests.iter().filter(|one| one.path == "/oauth/token/").collect();
    assert_eq!(forms.len(), 4);
    for request in forms {
        assert!(request.body.contains("grant_type="));
        for secret in [OAUTH_CLIENT_SECRET, VERIFIER, refresh_token] {
            assert!(!request.body.contains(secret));
        }
    }
}
