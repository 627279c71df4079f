//! Sentry's tokens as they lie in a grant. Reading and replacing the row is done elsewhere.

use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::{Deserialize, Serialize};

use super::SentryTokens;
use crate::{store::Millis, tokens};

/// Refreshed this long before it ends, so that no call meets the end.
const MARGIN: Millis = 5 * crate::store::MINUTE;

/// What is sealed. The names are short because each grant has them.
#[derive(Serialize, Deserialize)]
struct Plain<'a> {
    access: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh: Option<&'a str>,
}

/// The same when read: JSON may escape, so it is owned, and `Debug` does not show it.
#[derive(Deserialize)]
struct Opened {
    access: SecretString,
    #[serde(default)]
    refresh: Option<SecretString>,
}

/// Sentry's tokens of one grant, opened.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// The token for the API.
    pub(crate) access: SecretString,
    /// The one for the next.
    pub(crate) refresh: Option<SecretString>,
    /// When `access` ends; `None` is never.
    pub(crate) expires_at: Option<Millis>,
    /// Which replacement this is.
    pub(crate) version: i64,
}

/// How urgent a refresh is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Not at all.
    None,
    /// It still works.
    Soon,
    /// It ended.
    Now,
}

/// The bytes that are sealed.
pub(crate) fn encode(tokens: &SentryTokens) -> SecretSlice<u8> {
    let plain = Plain {
        access: tokens.access.expose_secret(),
        refresh: tokens.refresh.as_ref().map(ExposeSecret::expose_secret),
    };
    // Two texts always become JSON.
    SecretSlice::from(serde_json::to_vec(&plain).unwrap_or_default())
}

/// The stored bytes are none of [`encode`]'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is stored of Sentry's tokens cannot be read; revoke the grant")]
pub struct Unreadable;

impl Held {
    /// Reads what a live grant holds.
    pub(crate) fn decode(stored: &tokens::SentryTokens) -> Result<Held, Unreadable> {
        let opened: Opened =
            serde_json::from_slice(stored.plain.expose_secret()).map_err(|_| Unreadable)?;
        Ok(Held {
            access: opened.access,
            refresh: opened.refresh,
            expires_at: stored.expires_at,
            version: stored.version,
        })
    }

    /// Whether it is time for another one.
    pub(crate) fn need(&self, now: Millis) -> Need {
        match self.expires_at {
            Some(end) if now >= end => Need::Now,
            Some(end) if now >= end - MARGIN && self.refresh.is_some() => Need::Soon,
            _ => Need::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(expires_at: Option<Millis>, refresh: bool) -> Held {
        Held { access: "a".into(), refresh: refresh.then(|| "r".into()), expires_at, version: 0 }
    }

    #[test]
    fn a_token_is_refreshed_before_it_ends_if_it_can_be() {
        let end = Some(10 * MARGIN);
        for (now, refresh, need) in [
            (0, true, Need::None),
            (9 * MARGIN - 1, true, Need::None),
            (9 * MARGIN, true, Need::Soon),
            (9 * MARGIN, false, Need::None),
            (10 * MARGIN, true, Need::Now),
            (10 * MARGIN, false, Need::Now),
        ] {
            assert_eq!(held(end, refresh).need(now), need, "{now} {refresh}");
        }
        assert_eq!(held(None, true).need(i64::MAX), Need::None);
    }
}
