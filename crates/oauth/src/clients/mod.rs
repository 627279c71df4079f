//! Who a client is and where it may be answered: metadata documents, registrations, and the
//! clients of the configuration, behind one directory.
//!
//! It knows no person, no grant and no token.

pub mod auth;
mod cimd;
mod egress;
mod freshness;
pub mod redirect;
pub mod registration;
#[cfg(test)]
mod tests;
mod url_form;

use std::{collections::HashMap, fmt, net::IpAddr, sync::Arc};

use secrecy::ExposeSecret;
use tracing::error;
use url::Url;

use self::cimd::Documents;
pub use self::{
    cimd::DocumentFlaw,
    redirect::{AllowedSchemes, Destination, RedirectFlaw, RedirectUri},
    url_form::UrlFlaw,
};
use crate::{
    config::{Config, ConfigError, ConfiguredClient},
    error::OAuthError,
    limits::{AddressKey, Limiter, REGISTER, TooMany},
    secret::Digest,
    store::{ClientRecord, Clock, DAY, GrantStore, HOUR, Millis, StoreError},
};

/// A registration nobody uses ends after this time (RFC 7591 leaves it to the server).
const UNUSED: Millis = 90 * DAY;

/// The longest name that is kept, in characters.
const NAME_LENGTH: usize = 200;

/// How a client came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// Its id is the URL of a Client ID Metadata Document.
    Cimd,
    /// It registered itself (RFC 7591).
    Dynamic,
    /// The operator registered it (RFC 6749 section 2).
    Configured,
}

/// How a client proves at the token endpoint who it is (RFC 6749 section 2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// It does not: a public client.
    None,
    /// With a secret, of which only the digest is known here.
    Secret(Digest),
}

/// A client as far as this server needs to know it.
#[derive(Clone, Debug)]
pub struct Client {
    /// The client id, exactly as it is sent.
    pub id: String,
    /// How it came to be known.
    pub kind: ClientKind,
    /// What it calls itself: at most 200 characters without control characters. **Untrusted**;
    /// anybody can choose any name.
    pub name: Option<String>,
    /// Its homepage, http or https. Untrusted as well.
    pub uri: Option<Url>,
    /// Where it may be answered. Empty for a [`ClientKind::Cimd`] client that comes from
    /// [`ClientDirectory::authenticate`], which fetches nothing.
    pub redirect_uris: Vec<RedirectUri>,
    /// How it authenticates.
    pub auth: ClientAuth,
    schemes: AllowedSchemes,
}

impl Client {
    /// The redirect URI of a request, if it is one of this client's: the same text, or for
    /// loopback the same but for the port (RFC 8252 section 7.3). All rules for redirect URIs
    /// are applied to it again.
    pub fn redirect(&self, presented: &str) -> Option<RedirectUri> {
        redirect::find(&self.redirect_uris, presented, &self.schemes)
    }

    /// Whether every redirect URI leads to the person's own machine, where any program can
    /// claim to be this client (the MCP specification asks for a warning).
    pub fn is_loopback_only(&self) -> bool {
        !self.redirect_uris.is_empty() && self.redirect_uris.iter().all(RedirectUri::is_loopback)
    }
}

/// Why there is no client to answer. Nobody is redirected for any of these (RFC 6749
/// section 4.1.2.1). No text repeats what was sent or tells about the inside of the network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nobody knows this id.
    #[error(
        "this client is not known here, or its registration ended; the client should register again"
    )]
    Unknown,
    /// The id is a URL, but not one that a metadata document may have.
    #[error(
        "the client id is a URL that cannot be used: it must be https on port 443 with a host name \
         and a path, without fragment, user information or dot segments"
    )]
    BadId,
    /// The metadata document breaks a rule.
    #[error("the client's metadata document cannot be used: {0}; its publisher must correct it")]
    Document(#[from] DocumentFlaw),
    /// The metadata document could not be fetched; the log has the reason.
    #[error(
        "the client's metadata document could not be fetched; check that its URL is public and \
         answers quickly, then try again in a minute"
    )]
    Unreachable,
    /// Too many unknown documents were asked for.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// The store failed; the log has the reason.
    #[error("the client could not be looked up; try again later")]
    Store,
}

impl From<ClientError> for OAuthError {
    fn from(error: ClientError) -> OAuthError {
        match error {
            ClientError::TooMany(refusal) => refusal.into(),
            ClientError::Store => OAuthError::server_error(),
            error => OAuthError::invalid_client(error.to_string()),
        }
    }
}

impl From<TooMany> for OAuthError {
    fn from(refusal: TooMany) -> OAuthError {
        OAuthError::too_many_requests(std::time::Duration::from_secs(refusal.seconds()))
    }
}

/// All clients of this server.
pub struct ClientDirectory {
    configured: HashMap<String, Client>,
    documents: Documents,
    store: Arc<dyn GrantStore>,
    clock: Arc<dyn Clock>,
    schemes: AllowedSchemes,
    registrations: Limiter,
}

impl fmt::Debug for ClientDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientDirectory")
            .field("configured", &self.configured.len())
            .finish_non_exhaustive()
    }
}

impl ClientDirectory {
    /// The directory of a server; an error if the configuration has a client or a scheme that
    /// cannot be used.
    pub fn new(
        config: &Config,
        store: Arc<dyn GrantStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<ClientDirectory, ConfigError> {
        let schemes = AllowedSchemes::parse(&config.allowed_redirect_schemes)?;
        let documents =
            Documents::new(config.cimd_proxy.as_ref(), schemes.clone(), Arc::clone(&clock))?;
        ClientDirectory::with_documents(config, documents, schemes, store, clock)
    }

    fn with_documents(
        config: &Config,
        documents: Documents,
        schemes: AllowedSchemes,
        store: Arc<dyn GrantStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<ClientDirectory, ConfigError> {
        let mut configured = HashMap::new();
        for client in &config.clients {
            let id = client.id.clone();
            let ready = configured_client(client, &schemes)
                .map_err(|reason| ConfigError::Client { id: id.clone(), reason })?;
            if configured.insert(id.clone(), ready).is_some() {
                let reason = "another configured client has the same id".to_owned();
                return Err(ConfigError::Client { id, reason });
            }
        }
        let registrations = Limiter::new(REGISTER);
        Ok(ClientDirectory { configured, documents, store, clock, schemes, registrations })
    }

    /// The client with this id: one of the configuration, else by its metadata document if the
    /// id is a URL, else a registered one.
    ///
    /// `from` is the address of whoever asks. It limits how many unknown documents one address
    /// can make this server fetch; those without an address share one allowance.
    pub async fn find(&self, id: &str, from: Option<IpAddr>) -> Result<Client, ClientError> {
        if let Some(client) = self.configured.get(id) {
            return Ok(client.clone());
        }
        if id.contains(':') {
            return self.documents.find(id, AddressKey::of(from)).await;
        }
        self.registered(id).await
    }

    /// A registered client that is not forgotten yet; its use is noted.
    async fn registered(&self, id: &str) -> Result<Client, ClientError> {
        if !registration::is_plausible_id(id) {
            return Err(ClientError::Unknown);
        }
        let record = self
            .store
            .client(id)
            .await
            .map_err(|error| failed(&error))?
            .ok_or(ClientError::Unknown)?;
        let now = self.clock.now();
        // No live grant is cut off by this: one is used by refreshing, every 30 days at most,
        // and that is a use of its client.
        if now.saturating_sub(record.last_used_at) > UNUSED {
            return Err(ClientError::Unknown);
        }
        // Once an hour is enough to know that it is used, and anybody can ask for it.
        if now.saturating_sub(record.last_used_at) > HOUR {
            self.store.touch_client(id, now).await.map_err(|error| failed(&error))?;
        }
        Ok(self.client(record))
    }

    /// The stored URIs are held against today's rules: a scheme may have been taken off the list.
    fn client(&self, record: ClientRecord) -> Client {
        let redirect_uris = record
            .redirect_uris
            .iter()
            .filter_map(|text| RedirectUri::parse(text, &self.schemes).ok())
            .collect();
        Client {
            id: record.id,
            kind: ClientKind::Dynamic,
            name: record.name,
            uri: record.uri.and_then(|uri| homepage(&uri)),
            redirect_uris,
            auth: record.secret.map_or(ClientAuth::None, ClientAuth::Secret),
            schemes: self.schemes.clone(),
        }
    }
}

fn failed(error: &StoreError) -> ClientError {
    error!(error = error as &dyn std::error::Error, "a client could not be looked up");
    ClientError::Store
}

fn configured_client(
    client: &ConfiguredClient,
    schemes: &AllowedSchemes,
) -> Result<Client, String> {
    if client.id.is_empty()
        || client.id.len() > 200
        || !client.id.bytes().all(|b| b.is_ascii_graphic())
    {
        return Err("its id must be 1 to 200 visible ASCII characters".to_owned());
    }
    if client.redirect_uris.is_empty() {
        return Err("it has no redirect URI".to_owned());
    }
    let redirect_uris = client
        .redirect_uris
        .iter()
        .map(|text| RedirectUri::parse(text, schemes).map_err(|flaw| flaw.to_string()))
        .collect::<Result<_, _>>()?;
    let auth = match &client.secret {
        None => ClientAuth::None,
        Some(secret) if secret.expose_secret().len() < 16 => {
            return Err("its secret is shorter than 16 characters; make a random one".to_owned());
        }
        Some(secret) => ClientAuth::Secret(Digest::of(secret.expose_secret())),
    };
    Ok(Client {
        id: client.id.clone(),
        kind: ClientKind::Configured,
        name: client.name.clone(),
        uri: None,
        redirect_uris,
        auth,
        schemes: schemes.clone(),
    })
}

/// A homepage that may be shown as a link; `None` for `javascript:` and the like, and for a
/// host that is dressed up with a user name. Nothing is compared with it, so it need not come
/// in normal form; it leaves in it.
fn homepage(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|_| text.len() <= url_form::MAX_LENGTH)?;
    let plain = !text.contains(char::is_control)
        && matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none();
    plain.then_some(url)
}

/// Whether a text can be a client's name: something visible, no control characters, not too long.
fn is_name(text: &str) -> bool {
    !text.trim().is_empty()
        && text.chars().count() <= NAME_LENGTH
        && !text.chars().any(char::is_control)
}
