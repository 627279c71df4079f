//! What a failure of Sentry means for a call: what happened, whose turn it is,
//! and the next step. It decides words, and sends nothing.

use std::{fmt::Write as _, time::Duration};

use scopes::ScopeSet;
use sentry_client::{Error, ErrorKind};
use serde_json::{Map, Value};

use crate::{gate, render::markdown, tool::Meta};

/// The text of a failed call.
///
/// `token` is what the Sentry token can do, where that is known.
pub(crate) fn explain(
    err: &Error,
    meta: &Meta,
    token: Option<ScopeSet>,
    args: &Map<String, Value>,
) -> String {
    let host = err.host();
    let request = err.request();
    match err.kind() {
        ErrorKind::NoToken => format!(
            "no Sentry auth token is configured. Next: the user creates one at \
             https://{host}/settings/account/api/auth-tokens/ with {} ticked, and passes it as \
             SENTRY_ACCESS_TOKEN or with `--access-token-file`.",
            gate::alternatives(meta.upstream.accepts)
        ),
        ErrorKind::Unauthorized { .. } => format!(
            "{host} did not accept the auth token: it is wrong, expired, revoked, or from another \
             Sentry. Next: the user creates a new token at \
             https://{host}/settings/account/api/auth-tokens/ and restarts the server with it. \
             Retrying does not help."
        ),
        ErrorKind::Forbidden { detail } => forbidden(host, request, detail.as_deref(), meta, token),
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
            "{host} is not available right now (status {status}, {attempts} attempts). This is on \
             Sentry's side; call again in a minute."
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
    host: &str,
    request: &str,
    detail: Option<&str>,
    meta: &Meta,
    token: Option<ScopeSet>,
) -> String {
    if detail.is_some_and(|detail| detail.contains("multiple projects")) {
        return "Sentry allows this search only within one project on this plan. Next: pass one \
                project."
            .to_owned();
    }
    let accepts = gate::alternatives(meta.upstream.accepts);
    match token.map(|token| scopes::narrow(token, meta.upstream.accepts)) {
        Some(Some(missing)) => format!(
            "Sentry refused `{request}`: the auth token lacks {missing} (Sentry accepts {accepts} \
             here). Next: the user creates a token that also has {missing} ticked, at \
             https://{host}/settings/account/api/auth-tokens/."
        ),
        Some(None) => format!(
            "Sentry refused `{request}` although the auth token has every scope this needs, so \
             the user behind it lacks the role, or is not a member of this organization, team, or \
             project. Next: check the slugs (find_organizations lists what this user can see), or \
             ask an owner of the organization for access. Retrying does not help."
        ),
        None => format!(
            "Sentry refused `{request}`: the auth token lacks a scope (Sentry accepts {accepts}), \
             or the user behind it lacks the role or the membership. Next: the user checks both."
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
