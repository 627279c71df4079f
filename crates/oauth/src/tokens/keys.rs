//! Changing the key under which the store is sealed.
//! The key file itself is [`crate::seal::KeyFile`]'s.

use thiserror::Error;

use super::TokenError;
use crate::{
    seal::{KeyId, KeyRing},
    store::{GrantStore, Status},
};

/// Values that are sealed again in one step.
const STEP: u32 = 200;

/// The store holds values that no configured key opens.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "the store holds values that are sealed under encryption keys that are not configured ({}); \
     add them as older keys, or start with an empty store",
    list(.0)
)]
pub struct UnknownKeys(pub Vec<KeyId>);

fn list(keys: &[KeyId]) -> String {
    keys.iter().map(KeyId::to_string).collect::<Vec<_>>().join(", ")
}

impl UnknownKeys {
    /// Compares what the store says with the ring. To be done at the start: better no server
    /// than one that ends every session.
    pub fn check(status: &Status, keys: &KeyRing) -> Result<(), UnknownKeys> {
        let known = keys.ids();
        let unknown: Vec<KeyId> = status
            .sealed_under
            .iter()
            .map(|(key, _)| *key)
            .filter(|key| !known.contains(key))
            .collect();
        if unknown.is_empty() { Ok(()) } else { Err(UnknownKeys(unknown)) }
    }
}

/// Seals everything under the current key that is sealed under an older one; returns how many
/// values that were. It can be interrupted and repeated, while the server runs.
///
/// With several replicas: first give all of them the new key as an older one, then make it the
/// current one everywhere, then do this, and only then remove the old key.
pub async fn rekey(store: &dyn GrantStore, keys: &KeyRing) -> Result<u64, TokenError> {
    let header = keys.current_header();
    let mut changed = 0;
    loop {
        let rows = store.sealed_otherwise(&header, STEP).await?;
        if rows.is_empty() {
            return Ok(changed);
        }
        for row in rows {
            // A row that somebody else changed meanwhile is found again, or is done.
            if let Some(sealed) = keys.reseal(row.place(), &row.sealed)?
                && store.reseal(&row, &sealed).await?
            {
                changed += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use secrecy::{ExposeSecret as _, SecretString};

    use super::{super::testing::Fixture, *};
    use crate::{
        seal::{Place, SealError},
        secret::Secret,
        store::{Clock as _, PendingRecord},
    };

    fn two_keys(fixture: &Fixture) -> KeyRing {
        let new = crate::seal::Key::random().unwrap();
        let text =
            format!("{}\n{}", new.to_text().expose_secret(), fixture.key_text().expose_secret());
        KeyRing::parse(&SecretString::from(text)).unwrap()
    }

    #[tokio::test]
    async fn after_a_rekey_the_old_key_is_not_needed() {
        let fixture = Fixture::new().await;
        let mut grants = Vec::new();
        for _ in 0..STEP + 3 {
            grants.push(fixture.login("client").await.grant().clone());
        }
        fixture.tokens.revoke_grant(&grants[0], "because").await.unwrap();
        let store = fixture.tokens.store();
        let (state, cookie) = (Secret::random().unwrap(), Secret::random().unwrap());
        let row = state.digest().to_text();
        let place: Place<'_> = PendingRecord::decision_place(&row);
        let pending = PendingRecord {
            state: state.digest(),
            cookie: cookie.digest(),
            decision: fixture.tokens.keys().seal(place, b"decision").unwrap(),
            expires_at: fixture.clock.now() + 1,
        };
        store.put_pending(&pending).await.unwrap();

        let keys = two_keys(&fixture);
        assert_eq!(rekey(store.as_ref(), &keys).await.unwrap(), u64::from(STEP) + 3);
        assert_eq!(rekey(store.as_ref(), &keys).await.unwrap(), 0);
        let status = store.status(fixture.clock.now()).await.unwrap();
        assert_eq!(status.sealed_under, [(keys.current(), i64::from(STEP) + 3)]);

        let replica = fixture.with_keys(keys.clone());
        let opened = replica.sentry_tokens(&grants[1]).await.unwrap().unwrap();
        assert_eq!(opened.plain.expose_secret(), b"sentry-token");
        let taken =
            store.take_pending(&state.digest(), fixture.clock.now()).await.unwrap().unwrap();
        let opened = keys.open(place, &taken.decision).unwrap();
        assert_eq!(opened.expose_secret(), b"decision");
        assert!(matches!(
            fixture.tokens.sentry_tokens(&grants[1]).await,
            Err(TokenError::Seal(SealError::UnknownKey(_)))
        ));
    }

    #[tokio::test]
    async fn a_key_that_is_missing_is_named_before_anything_is_changed() {
        let fixture = Fixture::new().await;
        fixture.login("client").await;
        let store = Arc::clone(fixture.tokens.store());
        let status = async || store.status(fixture.clock.now()).await.unwrap();
        let keys = fixture.tokens.keys();
        assert_eq!(UnknownKeys::check(&status().await, keys), Ok(()));
        let replica = fixture.with_keys(KeyRing::generate().unwrap());
        let unknown = UnknownKeys::check(&status().await, replica.keys()).unwrap_err();
        let old = fixture.tokens.keys().current();
        assert_eq!(unknown, UnknownKeys(vec![old]));
        assert!(unknown.to_string().contains(&old.to_string()), "{unknown}");
        assert!(rekey(store.as_ref(), replica.keys()).await.is_err());
        assert_eq!(UnknownKeys::check(&status().await, keys), Ok(()));
    }
}
