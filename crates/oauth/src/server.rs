//! The authorization server itself: what holds the parts together, and what the resource
//! server asks of it. The parts are elsewhere.

use std::{fmt, sync::Arc};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, header},
    middleware::{self, Next},
    response::Response,
};
use secrecy::SecretString;

use crate::{
    body,
    clients::ClientDirectory,
    config::{Config, ConfigError, HttpSetup},
    endpoints, flow,
    limits::{AUTHORIZE, Limiter, TOKEN},
    params,
    seal::KeyRing,
    store::{Clock, GrantId, GrantStore, StoreError, Swept},
    tokens::{Access, Denied, Tokens},
    upstream::{
        Upstream,
        refresh::{self, Gates, SentryTokenError},
    },
};

/// An OAuth 2.1 authorization server in front of Sentry. Cloning it is cheap.
#[derive(Clone)]
pub struct AuthorizationServer(pub(crate) Arc<Inner>);

/// What the handlers share.
pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) keys: KeyRing,
    pub(crate) store: Arc<dyn GrantStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) clients: Arc<ClientDirectory>,
    pub(crate) tokens: Tokens,
    pub(crate) upstream: Upstream,
    pub(crate) gates: Gates,
    pub(crate) authorize_limit: Limiter,
    pub(crate) token_limit: Limiter,
}

impl AuthorizationServer {
    /// Puts a server together. It checks the configuration and sets up HTTP clients, which
    /// takes some milliseconds; it opens no connection.
    pub fn new(
        config: Config,
        keys: KeyRing,
        store: Arc<dyn GrantStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<AuthorizationServer, ConfigError> {
        config.check()?;
        let clients =
            Arc::new(ClientDirectory::new(&config, Arc::clone(&store), Arc::clone(&clock))?);
        let callback = config.own_url("/oauth/callback");
        let upstream = Upstream::new(config.upstream.clone(), callback, &config.http)
            .map_err(|error| HttpSetup(error.to_string()))?;
        let tokens = Tokens::new(
            Arc::clone(&store),
            keys.clone(),
            Arc::clone(&clock),
            config.issuer.clone(),
        );
        Ok(AuthorizationServer(Arc::new(Inner {
            config,
            keys,
            store,
            clock,
            clients,
            tokens,
            upstream,
            gates: Gates::default(),
            authorize_limit: Limiter::new(AUTHORIZE),
            token_limit: Limiter::new(TOKEN),
        })))
    }

    /// The pages and endpoints, to be merged into the server's router: `/oauth/…` and
    /// `/.well-known/oauth-authorization-server…`.
    ///
    /// Requests should carry a [`ClientAddress`](crate::config::ClientAddress); those without
    /// share one allowance.
    pub fn router(&self) -> Router {
        let server = &self.0;
        flow::router()
            .merge(endpoints::router(server))
            .layer(DefaultBodyLimit::max(params::LONGEST))
            .layer(middleware::from_fn(body::in_time))
            .layer(middleware::from_fn_with_state(Arc::clone(server), harden))
            .with_state(Arc::clone(server))
    }

    /// Who sends a bearer token, if it is valid at this path (RFC 6750 §3, RFC 8707 §2).
    pub async fn authenticate(&self, bearer: &str, path: &str) -> Result<Arc<Access>, Denied> {
        self.0.tokens.authenticate(bearer, path).await
    }

    /// Sentry's token of a grant, renewed if it is time. It waits for Sentry only if the token
    /// ended, for at most some 15 seconds.
    pub async fn sentry_token(&self, grant: &GrantId) -> Result<SecretString, SentryTokenError> {
        refresh::current(&self.0, grant).await
    }

    /// Another token, because Sentry's API answered 401 to `rejected`. If Sentry does not renew
    /// it either, this grant ends, and no other.
    pub async fn sentry_token_after_refusal(
        &self,
        grant: &GrantId,
        rejected: &SecretString,
    ) -> Result<SecretString, SentryTokenError> {
        refresh::after_refusal(&self.0, grant, rejected).await
    }

    /// Ends a grant with everything that was issued for it. The reason is for the person.
    /// Whether it was live before.
    pub async fn revoke(&self, grant: &GrantId, reason: &str) -> Result<bool, StoreError> {
        self.0.tokens.revoke_grant(grant, reason).await
    }

    /// Whether the store answers.
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.0.store.ping().await
    }

    /// Removes rows whose time is over, 10,000 at most. To be called every few minutes, and
    /// again at once if there are more.
    pub async fn sweep(&self) -> Result<Swept, StoreError> {
        self.0.tokens.sweep().await
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.0.config
    }
}

impl fmt::Debug for AuthorizationServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationServer")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}

/// What every answer has: no guessing of types, and https for a year (RFC 6797 §6.1). Whether
/// that holds for subdomains too is not this server's to say.
async fn harden(State(server): State<Arc<Inner>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if server.config.secure {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    response
}
