//! What Sentry's token endpoint says, read from bytes; nothing is asked here.

use scopes::ScopeSet;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use super::UpstreamError;

/// Ten years: no token of Sentry lives longer, and sums stay far from overflow.
const LONGEST_LIFE_SECONDS: i64 = 10 * 365 * 24 * 3600;

/// The longest token that is believed.
const LONGEST_TOKEN: usize = 4096;

/// What Sentry gave. `Debug` shows no token.
#[derive(Clone, Debug)]
pub struct SentryTokens {
    /// The bearer token for Sentry's API.
    pub access: SecretString,
    /// The token for the next one.
    pub refresh: Option<SecretString>,
    /// When the access token ends, in unix milliseconds; `None` is never.
    pub expires_at: Option<i64>,
    /// The scopes that Sentry really gave, of those this program knows; `None` if it did
    /// not say, which by RFC 6749 §5.1 means those that were asked.
    pub scopes: Option<ScopeSet>,
    /// Who logged in; a refresh does not say.
    pub user: Option<SentryUser>,
}

#[cfg(test)]
impl PartialEq for SentryTokens {
    fn eq(&self, other: &SentryTokens) -> bool {
        use secrecy::ExposeSecret;
        self.access.expose_secret() == other.access.expose_secret()
            && self.expires_at == other.expires_at
    }
}

/// The person who logged in.
#[derive(Clone, PartialEq, Eq)]
pub struct SentryUser {
    /// Sentry's id, digits.
    pub id: String,
    /// What to call the person in a list of grants: name, else e-mail address, else the id.
    /// At most 100 characters.
    pub label: String,
}

impl std::fmt::Debug for SentryUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SentryUser").field("id", &self.id).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Answer {
    access_token: SecretString,
    #[serde(default)]
    refresh_token: Option<SecretString>,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Option<Value>,
    #[serde(default)]
    scope: Option<Value>,
    #[serde(default)]
    user: Option<Value>,
}

/// Reads a success (RFC 6749 §5.1, and Sentry's `user`).
pub(super) fn tokens(bytes: &[u8], now: i64) -> Result<SentryTokens, UpstreamError> {
    let answer: Answer = serde_json::from_slice(bytes)
        .map_err(|_| UpstreamError::Unreadable("it is no token answer"))?;
    if answer.token_type.as_deref().is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(UpstreamError::Unreadable("the token is no bearer token"));
    }
    if !usable(&answer.access_token) {
        return Err(UpstreamError::Unreadable("the token is malformed"));
    }
    let life = answer.expires_in.as_ref().and_then(seconds);
    Ok(SentryTokens {
        access: answer.access_token,
        refresh: answer.refresh_token.filter(usable),
        expires_at: life.map(|seconds| now.saturating_add(seconds * 1000)),
        scopes: answer.scope.as_ref().map(scopes),
        user: answer.user.as_ref().and_then(user),
    })
}

fn usable(token: &SecretString) -> bool {
    use secrecy::ExposeSecret;
    let token = token.expose_secret();
    !token.is_empty() && token.len() <= LONGEST_TOKEN && token.bytes().all(|b| b.is_ascii_graphic())
}

fn seconds(value: &Value) -> Option<i64> {
    let seconds = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    seconds.map(|seconds: i64| seconds.clamp(0, LONGEST_LIFE_SECONDS))
}

/// A string with blanks, as RFC 6749 §3.3 has it, or a list of strings.
fn scopes(value: &Value) -> ScopeSet {
    let known = |name: &str| name.parse::<scopes::Scope>().ok();
    match value {
        Value::String(text) => text.split_ascii_whitespace().filter_map(known).collect(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).filter_map(known).collect(),
        _ => ScopeSet::EMPTY,
    }
}

fn user(value: &Value) -> Option<SentryUser> {
    let id = match value.get("id")? {
        Value::String(id) => id.clone(),
        Value::Number(id) => id.to_string(),
        _ => return None,
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if id.is_empty() || id.len() > 64 || !id.bytes().all(plain) {
        return None;
    }
    let text = |name: &str| {
        let text = value.get(name).and_then(Value::as_str)?;
        let text: String = text.chars().filter(|c| !c.is_control()).take(100).collect();
        (!text.trim().is_empty()).then(|| text.trim().to_owned())
    };
    let label = text("name").or_else(|| text("email")).unwrap_or_else(|| id.clone());
    Some(SentryUser { id, label })
}

/// Reads a refusal (RFC 6749 §5.2). Only `invalid_grant` is about the person's session.
pub(super) fn refusal(bytes: &[u8]) -> UpstreamError {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let Ok(refusal) = serde_json::from_slice::<Refusal>(bytes) else {
        return UpstreamError::Unreadable("it is no error of OAuth");
    };
    let code = match refusal.error.as_str() {
        "invalid_grant" => return UpstreamError::Refused,
        "invalid_client" => "invalid_client",
        "unauthorized_client" => "unauthorized_client",
        "unsupported_grant_type" => "unsupported_grant_type",
        "invalid_request" => "invalid_request",
        "invalid_scope" => "invalid_scope",
        _ => return UpstreamError::Unreadable("it is an unknown error"),
    };
    UpstreamError::Misconfigured { code }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use serde_json::json;

    use super::*;

    fn read(answer: &Value) -> Result<SentryTokens, UpstreamError> {
        tokens(answer.to_string().as_bytes(), 5_000)
    }

    #[test]
    fn a_whole_answer_is_read() {
        let tokens = read(&json!({
            "access_token": "a", "refresh_token": "r", "token_type": "bearer",
            "expires_in": 60, "expires_at": "2030-01-01T00:00:00Z",
            "scope": "org:read alerts:read event:write",
            "user": { "id": "42", "name": "Reader One", "email": "reader@example.test" },
        }))
        .unwrap();
        assert_eq!(tokens.refresh.unwrap().expose_secret(), "r");
        assert_eq!(tokens.expires_at, Some(65_000));
        assert_eq!(tokens.scopes.unwrap().to_string(), "org:read, event:write");
        assert_eq!(tokens.user, Some(SentryUser { id: "42".into(), label: "Reader One".into() }));
    }

    #[test]
    fn what_is_missing_is_not_invented() {
        let tokens = read(&json!({ "access_token": "a", "expires_in": null })).unwrap();
        assert!(tokens.refresh.is_none() && tokens.user.is_none());
        assert_eq!((tokens.expires_at, tokens.scopes), (None, None));
    }

    #[test]
    fn a_person_without_a_name_is_called_by_address_or_id() {
        for (user, label) in [
            (json!({ "id": 7, "name": null, "email": "a@example.test" }), "a@example.test"),
            (json!({ "id": "7", "name": "  " }), "7"),
            (json!({ "id": "7", "name": "\u{7}x\n" }), "x"),
        ] {
            let tokens = read(&json!({ "access_token": "a", "user": user })).unwrap();
            assert_eq!(tokens.user.unwrap().label, label);
        }
    }

    #[test]
    fn a_hostile_answer_is_no_answer() {
        for answer in [
            json!({}),
            json!([]),
            json!({ "access_token": "" }),
            json!({ "access_token": "a\r\nx: y" }),
            json!({ "access_token": "a".repeat(LONGEST_TOKEN + 1) }),
            json!({ "access_token": "a", "token_type": "mac" }),
        ] {
            assert!(read(&answer).is_err(), "{answer}");
        }
        for id in [json!(""), json!("a b"), json!("9".repeat(65)), json!([]), json!(null)] {
            let tokens = read(&json!({ "access_token": "a", "user": { "id": id } })).unwrap();
            assert_eq!(tokens.user, None);
        }
        let long = read(&json!({ "access_token": "a", "expires_in": i64::MAX })).unwrap();
        assert_eq!(long.expires_at, Some(5_000 + LONGEST_LIFE_SECONDS * 1000));
    }

    #[test]
    fn debug_shows_no_token() {
        let tokens = read(&json!({ "access_token": "tell-nobody", "refresh_token": "nor-this" }));
        let shown = format!("{:?}", tokens.unwrap());
        assert!(!shown.contains("tell-nobody") && !shown.contains("nor-this"), "{shown}");
    }
}
