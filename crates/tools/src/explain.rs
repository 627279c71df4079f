//! What a failure of Sentry means for a call: what happened, whose turn it is,
//! and the next step. It decides words, and sends nothing.

use std::{fmt::Write as _, time::Duration};

use scopes::ScopeSet;
use sentry_client::{Error, ErrorKind};
use serde_json::{Map, Value};

use crate::{
    gate, organizations::find_organizations::FindOrganizations, render::markdown, tool::Context,
};

/// The text of a failed call.
///
/// `token` is what the Sentry token can do, where that is known.
pub(crate) fn explain(
    err: &Error,
    cx: &Context<'_>,
    token: Option<ScopeSet>,
    args: &Map<String, Value>,
) -> String {
    let host = err.host();
    let page = cx.sentry.site().token_page();
    let request = err.request();
    match err.kind() {
        ErrorKind::NoToken => format!(
            "no Sentry auth token is configured. Next: the user creates one at {page}{}, and passes \
             it as SENTRY_ACCESS_TOKEN or with `--access-token-file`.",
            match cx.meta.upstream.accepts {
                [] => String::new(),
                accepts => format!(" with {} ticked", gate::alternatives(accepts)),
            }
        ),
        ErrorKind::Unauthorized { .. } => format!(
            "{host} did not accept the auth token: it is wrong, expired, revoked, or from another \
             Sentry. Next: the user creates a new token at {page} and restarts the server with it. \
             Retrying does not help."
        ),
        ErrorKind::Forbidden { detail } => forbidden(request, detail.as_deref(), cx, token),
        ErrorKind::NotFound { detail } => not_found(request, detail.as_deref(), args),
        ErrorKind::Validation { detail, fields } => validation(detail.as_deref(), fields),
        ErrorKind::Conflict { detail } => format!(
            "Sentry refused because of a conflict: {}. Next: choose another name or slug, or use \
             the one that exists.",
            quoted(detail.as_deref().unwrap_or("something with this name already exists"))
        ),
        ErrorKind::RateLimited { retry_after } => format!(
            "Sentry's rate limit is reached on {host}. Next: {}.",
            match retry_after {
                Some(wait) => format!("call again in {}", seconds(*wait)),
                None => "wait a minute before calling again".to_owned(),
            }
        ),
        ErrorKind::Unavailable { status, attempts } => format!(
            "{host} is not available right now (status {status}, {}). This is on Sentry's side; call \
             again in a minute.",
            if *attempts == 1 {
                "asked once".to_owned()
            } else {
                format!("asked {attempts} times")
            }
        ),
        ErrorKind::Status { status: 405, .. } => format!(
            "{host} does not offer `{request}` (status 405): it is another server than Sentry with \
             the same API, or a Sentry of another age. Retrying does not help."
        ),
        ErrorKind::Status { status, detail } if *status >= 500 => format!(
            "Sentry failed with status {status} on `{request}`{}. This is on Sentry's side, or the \
             installation lacks the feature; one more try is reasonable, more are not.",
            said(detail.as_deref())
        ),
        ErrorKind::NotJson { status, what } => format!(
            "{host} answered `{request}` with {what} instead of JSON (status {status}). Next: the \
             user checks that `--host` names a Sentry, and that no login page or proxy answers for it."
        ),
        _ => format!("{err}: {}.", err.kind()),
    }
}

fn forbidden(
    request: &str,
    detail: Option<&str>,
    cx: &Context<'_>,
    token: Option<ScopeSet>,
) -> String {
    if detail.is_some_and(|detail| detail.contains("multiple projects")) {
        return "Sentry allows this search only within one project on this plan. Next: pass one \
                project."
            .to_owned();
    }
    let accepts = gate::alternatives(cx.meta.upstream.accepts);
    let page = cx.sentry.site().token_page();
    match token.map(|token| scopes::narrow(token, cx.meta.upstream.accepts)) {
        Some(Some(missing)) => format!(
            "Sentry refused `{request}`: the auth token lacks {missing} (Sentry accepts {accepts} \
             here). Next: the user creates a token that also has {missing} ticked, at {page}."
        ),
        Some(None) => format!(
            "Sentry refused `{request}` although the auth token has every scope this needs, so \
             the user behind it lacks the role, or is not a member of this organization, team, or \
             project. Next: check the slugs{}, or ask an owner of the organization for access. \
             Retrying does not help.",
            match cx.offers::<FindOrganizations>() {
                Some(find) => format!(" (`{find}` lists what this user can see)"),
                None => String::new(),
            }
        ),
        None => format!(
            "Sentry refused `{request}`: the auth token lacks a scope (Sentry accepts {accepts}), \
             or the user behind it lacks the role or the membership. Next: the user looks at the \
             token's scopes at {page}, and if they suffice, asks an owner of the organization for \
             access."
        ),
    }
}

fn not_found(request: &str, detail: Option<&str>, args: &Map<String, Value>) -> String {
    let mut text = format!("Sentry found nothing at `{request}`{}.", said(detail));
    let asked: Vec<String> = args
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}: {}", shown(value)?)))
        .collect();
    if !asked.is_empty() {
        let _ = write!(text, " Asked with {}.", asked.join(", "));
    }
    text.push_str(" Next: check the spelling of each slug and id, and that this user has access.");
    text
}

fn validation(detail: Option<&str>, fields: &[(String, Vec<String>)]) -> String {
    let mut text = format!("Sentry did not accept the values{}.", said(detail));
    for (field, problems) in fields {
        let _ = write!(text, "\n- {}: {}", markdown::code(field, 80), problems.join(" "));
    }
    text.push_str("\nNext: correct the arguments and call again.");
    text
}

fn said(detail: Option<&str>) -> String {
    detail.map(|detail| format!(": {}", quoted(detail))).unwrap_or_default()
}

fn quoted(detail: &str) -> String {
    format!("\"{}\"", markdown::line(detail.trim_end_matches('.'), 300))
}

fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(markdown::code(text, 120)),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Whole seconds, rounded up: a caller that waits too little is refused again.
fn seconds(wait: Duration) -> String {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    format!("{seconds} second{}", if seconds == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use test_support::FakeSentry;

    use crate::testing::call;

    #[tokio::test]
    async fn a_server_that_lacks_a_route_is_told_as_that() {
        let path = "organizations/acme/issues/42/";
        let sentry = FakeSentry::start().await.status("GET", path, 405, json!({})).await;
        let args = json!({ "organizationSlug": "acme", "issueId": 42 });
        let out = call(&sentry, "get_issue_details", args).await;
        assert!(out.contains("does not offer `GET /api/0/organizations/acme/issues/42/`"), "{out}");
    }

    #[tokio::test]
    async fn a_write_to_an_unavailable_sentry_was_asked_once() {
        let path = "organizations/acme/teams/";
        let sentry = FakeSentry::start().await.status("POST", path, 503, json!({})).await;
        let args = json!({ "organizationSlug": "acme", "name": "core" });
        let out = call(&sentry, "create_team", args).await;
        assert!(out.contains("(status 503, asked once)"), "{out}");
    }
}
