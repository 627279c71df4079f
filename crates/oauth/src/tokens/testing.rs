//! The door through which the tests of this module go: a store, a clock, and a login in one line.

use std::{path::PathBuf, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use scopes::{Scope, ScopeSet};
use secrecy::{SecretSlice, SecretString};
use sha2::{Digest as _, Sha256};

use super::{ACCESS_LIFETIME, Approval, CodeExchange, Refresh, TokenAnswer, TokenError, Tokens};
use crate::{
    resource::Resource,
    seal::{Key, KeyRing},
    secret::Secret,
    store::{
        AccessRecord, Clock as _, CodeRecord, GrantId, GrantRecord, GrantStore as _, Issued,
        ManualClock, RefreshRecord, SqlStore,
    },
};

pub(super) struct Fixture {
    pub(super) tokens: Arc<Tokens>,
    pub(super) clock: Arc<ManualClock>,
    sql: Arc<SqlStore>,
    key: SecretString,
    folder: Option<PathBuf>,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

impl Fixture {
    pub(super) const ISSUER: &'static str = "https://mcp.example.test";
    pub(super) const REDIRECT: &'static str = "http://127.0.0.1:4000/callback";
    pub(super) const VERIFIER: &'static str = "a-verifier-that-is-long-enough-for-rfc-7636";

    pub(super) fn scopes() -> ScopeSet {
        ScopeSet::of(&[Scope::OrgRead, Scope::EventWrite])
    }

    /// In memory.
    pub(super) async fn new() -> Fixture {
        Fixture::with(SqlStore::in_memory().await.unwrap(), None)
    }

    /// In a file, with its connections.
    pub(super) async fn on_file() -> Fixture {
        let name = format!("oauth-store-{}", Secret::random().unwrap().digest().to_text());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        let store = SqlStore::open_file(&folder.join("store.db")).await.unwrap();
        Fixture::with(store, Some(folder))
    }

    fn with(sql: SqlStore, folder: Option<PathBuf>) -> Fixture {
        let key = Key::random().unwrap().to_text();
        let keys = KeyRing::parse(&key).unwrap();
        let (sql, clock) = (Arc::new(sql), Arc::new(ManualClock::at(1_800_000_000_000)));
        let issuer = Fixture::ISSUER.parse().unwrap();
        let tokens = Arc::new(Tokens::new(sql.clone(), keys, clock.clone(), issuer));
        Fixture { tokens, clock, sql, key, folder }
    }

    pub(super) fn key_text(&self) -> &SecretString {
        &self.key
    }

    /// Another process with the same store, under this public address.
    pub(super) fn at_issuer(&self, issuer: &str) -> Tokens {
        let keys = self.tokens.keys().clone();
        Tokens::new(self.sql.clone(), keys, self.clock.clone(), issuer.parse().unwrap())
    }

    /// Another process with the same store and these keys.
    pub(super) fn with_keys(&self, keys: KeyRing) -> Tokens {
        let issuer = Fixture::ISSUER.parse().unwrap();
        Tokens::new(self.sql.clone(), keys, self.clock.clone(), issuer)
    }

    /// An approval for a path of the server.
    pub(super) async fn approve(&self, client_id: &str, path: &str) -> Secret {
        let issuer = Fixture::ISSUER.parse().unwrap();
        let approval = Approval {
            client_id,
            client_name: Some("A client"),
            redirect_uri: Fixture::REDIRECT,
            code_challenge: &URL_SAFE_NO_PAD.encode(Sha256::digest(Fixture::VERIFIER)),
            resource: &Resource::at_path(&issuer, path).unwrap(),
            scopes: Fixture::scopes(),
            subject: "17",
            label: "dev@example.test",
            sentry: &SecretSlice::from(b"sentry-token".to_vec()),
            sentry_scopes: &["org:read".to_owned(), "alerts:read".to_owned()],
            sentry_expires_at: None,
        };
        self.tokens.approve(&approval).await.unwrap()
    }

    pub(super) async fn login(&self, client_id: &str) -> TokenAnswer {
        self.login_for(client_id, "https://mcp.example.test/mcp").await
    }

    pub(super) async fn login_for(&self, client_id: &str, resource: &str) -> TokenAnswer {
        let code = self.approve(client_id, resource.strip_prefix(Fixture::ISSUER).unwrap()).await;
        let request = CodeExchange {
            client_id,
            code: code.expose(),
            redirect_uri: Fixture::REDIRECT,
            code_verifier: Fixture::VERIFIER,
            resources: &[],
        };
        self.tokens.redeem(request).await.unwrap()
    }

    pub(super) async fn refresh(
        &self,
        client_id: &str,
        answer: &TokenAnswer,
    ) -> Result<TokenAnswer, TokenError> {
        let token = Fixture::field(answer, "refresh_token");
        self.refresh_with(client_id, &token, None, &[]).await
    }

    pub(super) async fn refresh_with(
        &self,
        client_id: &str,
        refresh_token: &str,
        scope: Option<&str>,
        resources: &[&str],
    ) -> Result<TokenAnswer, TokenError> {
        self.tokens.refresh(Refresh { client_id, refresh_token, scope, resources }).await
    }

    /// A text in the body of an answer.
    pub(super) fn field(answer: &TokenAnswer, name: &str) -> String {
        let body: serde_json::Value = serde_json::from_str(answer.json()).unwrap();
        body[name].as_str().unwrap().to_owned()
    }

    pub(super) fn grant_record(&self, client_id: &str) -> GrantRecord {
        let now = self.clock.now();
        GrantRecord {
            id: GrantId::random().unwrap(),
            client_id: client_id.to_owned(),
            client_name: None,
            subject: "17".to_owned(),
            label: "dev@example.test".to_owned(),
            scopes: vec!["org:read".to_owned()],
            resource: "https://mcp.example.test/mcp".to_owned(),
            sentry: None,
            sentry_version: 1,
            sentry_scopes: vec![],
            sentry_expires_at: None,
            created_at: now,
            last_used_at: now,
            revoked_at: None,
            revoked_reason: None,
        }
    }

    /// An access token of a grant as it would never be issued.
    pub(super) async fn token_with(&self, grant: &GrantRecord, scopes: &[&str]) -> String {
        let (code, access) = (Secret::random().unwrap(), Secret::random().unwrap());
        let expires_at = self.clock.now() + ACCESS_LIFETIME;
        let code = CodeRecord {
            digest: code.digest(),
            grant: grant.id.clone(),
            client_id: grant.client_id.clone(),
            redirect_uri: Fixture::REDIRECT.to_owned(),
            code_challenge: String::new(),
            resource: grant.resource.clone(),
            expires_at,
            used_at: None,
        };
        self.sql.create_grant(grant, &code).await.unwrap();
        let issued = Issued {
            access: AccessRecord {
                digest: access.digest(),
                grant: grant.id.clone(),
                scopes: scopes.iter().map(ToString::to_string).collect(),
                resource: grant.resource.clone(),
                expires_at,
            },
            refresh: RefreshRecord {
                digest: Secret::random().unwrap().digest(),
                grant: grant.id.clone(),
                client_id: grant.client_id.clone(),
                expires_at,
                superseded_at: None,
            },
        };
        self.sql.redeem_code(&code.digest, &issued, "", self.clock.now()).await.unwrap();
        access.expose().to_owned()
    }

    /// Everything in the store, as text.
    pub(super) async fn dump(&self) -> String {
        self.sql.dump().await
    }

    /// Runs the same step several times at the same time and returns all results.
    pub(super) async fn at_once<F, T>(
        &self,
        times: usize,
        step: impl Fn(Arc<Tokens>) -> F,
    ) -> Vec<T>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let barrier = Arc::new(tokio::sync::Barrier::new(times));
        let running: Vec<_> = (0..times)
            .map(|_| {
                let (barrier, step) = (Arc::clone(&barrier), step(Arc::clone(&self.tokens)));
                tokio::spawn(async move {
                    barrier.wait().await;
                    step.await
                })
            })
            .collect();
        let mut results = Vec::new();
        for task in running {
            results.push(task.await.unwrap());
        }
        results
    }
}
