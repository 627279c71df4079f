//! What the tests of this crate share; nothing of it is in a build.

use std::sync::Arc;

use scopes::{DEFAULT_GRANT, LEVELS, Scope, ScopeSet};
use wiremock::ResponseTemplate;

use crate::{
    config::{Config, LevelView, ScopeView, UpstreamConfig},
    upstream::Upstream,
};

/// A configuration whose Sentry cannot be reached.
pub(crate) fn config(issuer: &str) -> Config {
    config_with(issuer, "http://127.0.0.1:1")
}

/// A configuration with this Sentry.
pub(crate) fn config_with(issuer: &str, sentry: &str) -> Config {
    let tools = |id: &str| -> Vec<String> {
        let tools: &[&str] = match id {
            "read-only" => &["find_projects", "search_issues"],
            "issue-triage" => &["update_issue"],
            _ => &["create_project", "create_team"],
        };
        tools.iter().map(|&tool| tool.to_owned()).collect()
    };
    let view = |level: scopes::Level| LevelView {
        id: level.id.to_owned(),
        title: level.title.to_owned(),
        summary: level.opens.to_owned(),
        scopes: level.adds,
        tools: tools(level.id),
    };
    let single = |scope: Scope| ScopeView {
        scope,
        tools: if scope == Scope::EventWrite { tools("issue-triage") } else { Vec::new() },
    };
    Config {
        issuer: issuer.parse().unwrap(),
        secure: issuer.starts_with("https:"),
        upstream: upstream_config(sentry),
        levels: LEVELS.into_iter().map(view).collect(),
        single_scopes: Scope::ALL
            .into_iter()
            .filter(|&scope| !DEFAULT_GRANT.contains(scope))
            .map(single)
            .collect(),
        upstream_scopes: Arc::new(upstream_scopes),
        allowed_redirect_schemes: vec!["cursor".to_owned()],
        clients: Vec::new(),
        cimd_proxy: None,
        http: sentry_client::Settings::default(),
    }
}

/// Stands for the tools: reads for everybody, writes as they were granted.
fn upstream_scopes(granted: ScopeSet, fenced: bool) -> ScopeSet {
    let reads = ScopeSet::of(&[Scope::ProjectRead, Scope::EventRead]);
    let fence = if fenced { ScopeSet::of(&[Scope::OrgRead]) } else { ScopeSet::EMPTY };
    let writes = [Scope::EventWrite, Scope::ProjectWrite, Scope::TeamWrite]
        .into_iter()
        .filter(|&scope| granted.covers(ScopeSet::of(&[scope])))
        .collect();
    reads.union(fence).union(writes)
}

fn upstream_config(sentry: &str) -> UpstreamConfig {
    UpstreamConfig {
        authorize_url: format!("{sentry}/oauth/authorize/").parse().unwrap(),
        token_url: format!("{sentry}/oauth/token/").parse().unwrap(),
        client_id: "upstream-client".to_owned(),
        client_secret: "upstream-secret".into(),
    }
}

/// The Sentry leg alone.
pub(crate) fn upstream(sentry: &str) -> Upstream {
    let callback = "https://mcp.example.test/oauth/callback".to_owned();
    Upstream::new(upstream_config(sentry), callback, &sentry_client::Settings::default()).unwrap()
}

/// Sentry's answer to a code or a refresh token: an hour, and the scopes of reading and triage.
pub(crate) fn sentry_tokens(access: &str, refresh: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(serde_json::json!({
        "access_token": access,
        "refresh_token": refresh,
        "token_type": "bearer",
        "expires_in": 3600,
        "expires_at": "2030-01-01T00:00:00Z",
        "scope": "project:read event:read event:write",
        "user": { "id": "7", "name": "Reader One", "email": "reader@example.test" },
    }))
}
