//! The whole decision of a person, kept while the person is at Sentry, and the cookie that
//! proves that the same browser comes back.
//!
//! Both are made when the dialog is approved and never before (MCP security best practices,
//! "OAuth State Parameter Validation").

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use crate::{
    seal::{KeyRing, SealError},
    secret::{Digest, NoRandomness, Secret},
    store::{MINUTE, Millis, PendingRecord},
};

/// How long a login at Sentry may take.
const VALID: Millis = 10 * MINUTE;

/// The same for the cookie, in seconds.
pub(super) const COOKIE_SECONDS: u32 = 600;

/// What one key of the ring signs only here.
const PURPOSE: &str = "login cookie";

/// What was approved, for whom, and what is needed to finish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Decision {
    pub(super) client_id: String,
    pub(super) client_name: Option<String>,
    pub(super) redirect_uri: String,
    /// The client's own state.
    pub(super) state: Option<String>,
    pub(super) code_challenge: String,
    pub(super) resource: String,
    /// What was granted, the base included.
    pub(super) scopes: Vec<String>,
    /// What Sentry was asked for.
    pub(super) sentry_scopes: Vec<String>,
    /// The verifier for Sentry's PKCE.
    pub(super) verifier: String,
}

/// A decision on its way: the record to keep, the state for Sentry, the cookie for the browser.
pub(super) struct Departure {
    pub(super) record: PendingRecord,
    pub(super) state: Secret,
    pub(super) cookie: String,
}

/// Why there is no departure.
#[derive(Debug, thiserror::Error)]
pub(super) enum DepartureError {
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("the decision cannot be written")]
    Write(#[from] serde_json::Error),
}

impl Decision {
    /// Seals the decision under a new state and binds a new cookie to both.
    pub(super) fn depart(&self, keys: &KeyRing, now: Millis) -> Result<Departure, DepartureError> {
        let plain = serde_json::to_string(self)?;
        let state = Secret::random()?;
        let row = state.digest().to_text();
        let cookie = cookie(keys, state.expose(), Secret::random()?.expose(), &plain);
        let record = PendingRecord {
            state: state.digest(),
            cookie: Digest::of(&cookie),
            decision: keys.seal(PendingRecord::decision_place(&row), plain.as_bytes())?,
            expires_at: now.saturating_add(VALID),
        };
        Ok(Departure { record, state, cookie })
    }

    /// The decision of a record, if the cookie is the one that was made with it.
    pub(super) fn arrive(keys: &KeyRing, record: &PendingRecord, cookie: &str) -> Option<Decision> {
        if !record.cookie.matches(cookie) {
            return None;
        }
        let row = record.state.to_text();
        let plain = keys.open(PendingRecord::decision_place(&row), &record.decision).ok()?;
        let plain = std::str::from_utf8(plain.expose_secret()).ok()?;
        let (_, bound) = cookie.split_once('.')?;
        if bound.split_once('.')?.0 != Digest::of(plain).to_text() {
            return None;
        }
        serde_json::from_str(plain).ok()
    }
}

/// `random.digest of the decision.MAC`, where the MAC covers the state too.
fn cookie(keys: &KeyRing, state: &str, random: &str, plain: &str) -> String {
    let body = format!("{random}.{}", Digest::of(plain).to_text());
    let mac = keys.mac(PURPOSE, format!("{state}.{body}").as_bytes());
    format!("{body}.{}", encode(&mac))
}

/// Whether a cookie was made here for this state. Asked before the store is: who has only the
/// state cannot use it up for the person who has the cookie.
pub(super) fn is_for(keys: &KeyRing, state: &str, cookie: &str) -> bool {
    let Some((body, mac)) = cookie.rsplit_once('.') else { return false };
    decode(mac)
        .is_some_and(|mac| keys.verify_mac(PURPOSE, format!("{state}.{body}").as_bytes(), &mac))
}

fn encode(bytes: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision() -> Decision {
        Decision {
            client_id: "client".into(),
            client_name: None,
            redirect_uri: "https://a.test/cb".into(),
            state: Some("s".into()),
            code_challenge: "c".into(),
            resource: "https://mcp.example.test/mcp".into(),
            scopes: vec!["event:read".into()],
            sentry_scopes: vec!["event:read".into()],
            verifier: "tell-nobody".into(),
        }
    }

    #[test]
    fn a_decision_comes_back_whole_with_its_own_cookie_only() {
        let keys = KeyRing::generate().unwrap();
        let one = decision().depart(&keys, 0).unwrap();
        let two = decision().depart(&keys, 0).unwrap();
        assert_eq!(Decision::arrive(&keys, &one.record, &one.cookie), Some(decision()));
        assert_eq!(Decision::arrive(&keys, &one.record, &two.cookie), None);
        assert_eq!(Decision::arrive(&keys, &one.record, ""), None);
        assert!(!format!("{:?}", one.record).contains("tell-nobody"));
        assert!(one.cookie.len() < 200);
    }

    #[test]
    fn a_cookie_is_for_one_state() {
        let keys = KeyRing::generate().unwrap();
        let one = decision().depart(&keys, 0).unwrap();
        let two = decision().depart(&keys, 0).unwrap();
        assert!(is_for(&keys, one.state.expose(), &one.cookie));
        assert!(!is_for(&keys, two.state.expose(), &one.cookie));
        assert!(!is_for(&KeyRing::generate().unwrap(), one.state.expose(), &one.cookie));
        for cookie in ["", ".", "..", "a.b.c", one.cookie.trim_end_matches(|c| c != '.')] {
            assert!(!is_for(&keys, one.state.expose(), cookie), "{cookie}");
        }
    }

    #[test]
    fn a_record_with_another_decision_does_not_open() {
        let keys = KeyRing::generate().unwrap();
        let one = decision().depart(&keys, 0).unwrap();
        let other = Decision { scopes: vec!["org:admin".into()], ..decision() };
        let two = other.depart(&keys, 0).unwrap();
        let swapped = PendingRecord { decision: two.record.decision, ..one.record.clone() };
        assert_eq!(Decision::arrive(&keys, &swapped, &one.cookie), None);
        let row = one.record.state.to_text();
        let forged = serde_json::to_vec(&other).unwrap();
        let sealed = keys.seal(PendingRecord::decision_place(&row), &forged).unwrap();
        let replaced = PendingRecord { decision: sealed, ..one.record };
        assert_eq!(Decision::arrive(&keys, &replaced, &one.cookie), None);
    }
}
