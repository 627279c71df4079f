//! What a person ticked the last times, kept in the person's own browser.
//!
//! It only ticks boxes in advance. It approves nothing, is sealed so that nobody else makes
//! one, and holds no name: only digests of client and redirect, and scopes.

use scopes::ScopeSet;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    clients::redirect::RedirectUri,
    seal::{KeyRing, Place, SealError, Sealed},
    secret::Digest,
};

/// Clients that are remembered in one browser.
const MOST: usize = 10;

const PLACE: Place<'static> = Place { table: "cookie", row: "", column: "choice" };

#[derive(Serialize, Deserialize)]
struct Entry {
    /// Digest of client id and redirect.
    k: String,
    /// The scopes beyond the base, as RFC 6749 §3.3 writes them.
    s: String,
}

/// The choices in a browser's cookie, the newest first.
#[derive(Default)]
pub(super) struct Choices(Vec<Entry>);

impl Choices {
    /// Reads the cookie; one that does not open counts as none.
    pub(super) fn read(keys: &KeyRing, cookie: Option<String>) -> Choices {
        let open = |cookie| {
            let plain = keys.open(PLACE, &Sealed::from_text(cookie)).ok()?;
            serde_json::from_slice(plain.expose_secret()).ok()
        };
        Choices(cookie.and_then(open).unwrap_or_default())
    }

    /// What was ticked for this client and this redirect, unknown names left out.
    pub(super) fn last(&self, client_id: &str, redirect: &RedirectUri) -> ScopeSet {
        let key = key(client_id, redirect);
        let entry = self.0.iter().find(|entry| entry.k == key);
        entry
            .into_iter()
            .flat_map(|entry| entry.s.split(' '))
            .filter_map(|name| name.parse::<scopes::Scope>().ok())
            .collect()
    }

    /// The cookie with one more choice, and the oldest forgotten.
    pub(super) fn with(
        mut self,
        keys: &KeyRing,
        client_id: &str,
        redirect: &RedirectUri,
        chosen: ScopeSet,
    ) -> Result<String, SealError> {
        let key = key(client_id, redirect);
        self.0.retain(|entry| entry.k != key);
        self.0.insert(0, Entry { k: key, s: super::scope_text(chosen) });
        self.0.truncate(MOST);
        let plain = serde_json::to_vec(&self.0).unwrap_or_default();
        Ok(keys.seal(PLACE, &plain)?.as_text().to_owned())
    }
}

/// A loopback redirect has another port each time (RFC 8252 §7.3), so the port does not count.
fn key(client_id: &str, redirect: &RedirectUri) -> String {
    let mut target = redirect.as_str().to_owned();
    if redirect.is_loopback()
        && let Ok(mut url) = Url::parse(&target)
        && url.set_port(None).is_ok()
    {
        target = url.into();
    }
    let digest = Digest::of(&format!("{}\n{client_id}\n{target}", client_id.len())).to_text();
    digest.get(..16).unwrap_or(&digest).to_owned()
}

#[cfg(test)]
mod tests {
    use scopes::Scope;

    use super::*;
    use crate::clients::redirect::AllowedSchemes;

    fn redirect(text: &str) -> RedirectUri {
        RedirectUri::parse(text, &AllowedSchemes::default()).unwrap()
    }

    fn triage() -> ScopeSet {
        ScopeSet::of(&[Scope::EventWrite])
    }

    #[test]
    fn a_choice_is_remembered_for_its_client_and_redirect_only() {
        let keys = KeyRing::generate().unwrap();
        let home = redirect("https://a.test/cb");
        let cookie = Choices::default().with(&keys, "client", &home, triage()).unwrap();
        let choices = Choices::read(&keys, Some(cookie));
        assert_eq!(choices.last("client", &home), triage());
        assert!(choices.last("other", &home).is_empty());
        assert!(choices.last("client", &redirect("https://b.test/cb")).is_empty());
    }

    #[test]
    fn the_port_of_a_loopback_redirect_does_not_count() {
        let keys = KeyRing::generate().unwrap();
        let cookie = Choices::default()
            .with(&keys, "c", &redirect("http://127.0.0.1:4711/cb"), triage())
            .unwrap();
        let choices = Choices::read(&keys, Some(cookie));
        assert_eq!(choices.last("c", &redirect("http://127.0.0.1:9/cb")), triage());
        assert!(choices.last("c", &redirect("http://localhost:9/cb")).is_empty());
        assert!(choices.last("c", &redirect("http://127.0.0.1:9/other")).is_empty());
    }

    #[test]
    fn a_tampered_or_foreign_cookie_ticks_nothing() {
        let keys = KeyRing::generate().unwrap();
        let home = redirect("https://a.test/cb");
        let cookie = Choices::default().with(&keys, "c", &home, triage()).unwrap();
        let other = KeyRing::generate().unwrap();
        for (keys, cookie) in [
            (&other, cookie.clone()),
            (&keys, format!("{cookie}x")),
            (&keys, "e30".to_owned()),
            (&keys, String::new()),
        ] {
            assert!(Choices::read(keys, Some(cookie)).last("c", &home).is_empty());
        }
    }

    #[test]
    fn ten_clients_are_remembered_and_the_cookie_stays_small() {
        let keys = KeyRing::generate().unwrap();
        let home = redirect("https://a.test/cb");
        let mut cookie = None;
        for number in 0..15 {
            let choices = Choices::read(&keys, cookie.take());
            cookie =
                Some(choices.with(&keys, &format!("c{number}"), &home, ScopeSet::ALL).unwrap());
        }
        let cookie = cookie.unwrap();
        assert!(cookie.len() < 3800, "{}", cookie.len());
        let choices = Choices::read(&keys, Some(cookie));
        assert!(choices.last("c4", &home).is_empty());
        assert_eq!(choices.last("c5", &home), ScopeSet::ALL);
    }
}
