//! From the settings to the parts of a server: its application at Sentry, its store, its keys,
//! and the authorization server made of them.

use std::{fs, io, path::Path, sync::Arc};

use anyhow::Context as _;
use oauth::{
    AuthorizationServer,
    config::{Config, ConfiguredClient, LevelView, ScopeView, UpstreamConfig},
    seal::{KeyFile, KeyRing},
    store::{Clock as _, GrantStore, SqlStore, Status, SystemClock},
    tokens::UnknownKeys,
};
use secrecy::SecretString;
use server::{
    McpServer,
    cli::Usage,
    config::{HttpLoaded, StoreLocation},
};
use url::Url;

/// What the generated key is called, beside the store.
const KEY_FILE: &str = "http.key";

/// This server as Sentry knows it.
pub(crate) struct Application {
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretString,
}

/// The application at Sentry, without which nobody could log in.
pub(crate) fn application(loaded: &HttpLoaded) -> anyhow::Result<Application> {
    let site = loaded.shared.settings().site;
    let client_id = loaded.config.client_id.as_deref().map(str::trim).unwrap_or_default();
    let secret = loaded.client_secret()?;
    let missing = match (client_id.is_empty(), &secret) {
        (false, Some(_)) => None,
        (true, _) => Some("SENTRY_CLIENT_ID (or --client-id)"),
        (false, None) => Some("SENTRY_CLIENT_SECRET (or --client-secret-file)"),
    };
    match (missing, secret) {
        (None, Some(client_secret)) => {
            Ok(Application { client_id: client_id.to_owned(), client_secret })
        }
        (missing, _) => {
            let callback = loaded.settings().public_url.as_ref().map_or_else(
                || "this server's URL and /oauth/callback".to_owned(),
                |url| format!("{}/oauth/callback", url.origin().ascii_serialization()),
            );
            let missing = missing.unwrap_or_default();
            Err(Usage(format!(
                "people cannot log in at Sentry: {missing} is not set\n\
                 Create an application at {}://{}/settings/account/api/applications/ with the \
                 redirect URI {callback}, and set SENTRY_CLIENT_ID and SENTRY_CLIENT_SECRET to \
                 what it shows.\n\
                 To look around without an account: sentry-mcp-http demo",
                site.scheme(),
                site.host(),
            ))
            .into())
        }
    }
}

/// Where the key comes from.
pub(crate) enum Key {
    /// The operator gave it as a value; only the operator can change it.
    Configured(KeyRing),
    /// A file that this server may change.
    File(KeyFile),
}

/// The key that the settings hold, as a value or in a file.
pub(crate) fn configured_key(loaded: &HttpLoaded) -> anyhow::Result<Option<KeyRing>> {
    let Some(text) = loaded.encryption_key()? else { return Ok(None) };
    let setting = match loaded.config.encryption_key_file {
        Some(_) => "encryption_key_file",
        None => "encryption_key",
    };
    Ok(Some(KeyRing::parse(&text).map_err(|err| loaded.invalid(setting, err))?))
}

/// Where the key is. A generated one lies beside the store.
pub(crate) fn key(loaded: &HttpLoaded) -> anyhow::Result<Key> {
    if let Some(path) = &loaded.config.encryption_key_file {
        configured_key(loaded)?;
        return Ok(Key::File(KeyFile::new(path)));
    }
    if let Some(ring) = configured_key(loaded)? {
        return Ok(Key::Configured(ring));
    }
    Ok(match &loaded.settings().store {
        StoreLocation::File(path) => Key::File(KeyFile::new(path.with_file_name(KEY_FILE))),
        StoreLocation::Memory => Key::Configured(KeyRing::generate()?),
    })
}

/// The keys for a store, and whether they were made just now in which file.
fn key_ring(loaded: &HttpLoaded, store: &Status) -> anyhow::Result<(KeyRing, Option<String>)> {
    let (ring, made) = match key(loaded)? {
        Key::Configured(ring) => (ring, None),
        Key::File(file) if loaded.config.encryption_key_file.is_some() => (file.load()?, None),
        // A new key would open nothing of what is there.
        Key::File(file) if !store.sealed_under.is_empty() && !file.path().exists() => {
            return Err(Usage(format!(
                "the store holds values that are sealed under the key in {}, which is gone; put \
                 the file back, or start with an empty store",
                file.path().display()
            ))
            .into());
        }
        Key::File(file) => {
            let (ring, made) = file.load_or_create()?;
            (ring, made.then(|| file.path().display().to_string()))
        }
    };
    // A key that is lost would end each session at its next call, one by one.
    UnknownKeys::check(store, &ring).map_err(|err| Usage(err.to_string()))?;
    Ok((ring, made))
}

/// The store, with its tables up to date.
pub(crate) async fn store(loaded: &HttpLoaded) -> anyhow::Result<Arc<dyn GrantStore>> {
    match &loaded.settings().store {
        StoreLocation::Memory => Ok(Arc::new(SqlStore::in_memory().await?)),
        StoreLocation::File(path) => {
            private_folder_of(path).with_context(|| {
                format!("cannot make the folder of the store {}", path.display())
            })?;
            Ok(Arc::new(SqlStore::open_file(path).await?))
        }
    }
}

/// Makes the folder of a file, for this user only, unless it is there.
fn private_folder_of(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// The authorization server under this address. The second value is the file of a key that was
/// made just now.
pub(crate) async fn authorization_server(
    loaded: &HttpLoaded,
    server: &McpServer,
    issuer: &Url,
) -> anyhow::Result<(AuthorizationServer, Option<String>)> {
    let Application { client_id, client_secret } = application(loaded)?;
    let http = loaded.shared.settings();
    let sentry: Url = format!("{}://{}/", http.site.scheme(), http.site.host())
        .parse()
        .context("the address of Sentry is no URL")?;
    let views = server.clone();
    let config = Config {
        issuer: issuer.clone(),
        secure: issuer.scheme() == "https",
        upstream: UpstreamConfig {
            authorize_url: sentry.join("oauth/authorize/")?,
            token_url: sentry.join("oauth/token/")?,
            client_id,
            client_secret,
        },
        levels: levels(server),
        single_scopes: server
            .scopes()
            .into_iter()
            .map(|view| ScopeView { scope: view.scope, tools: view.tools })
            .collect(),
        upstream_scopes: Arc::new(move |granted, fenced| views.upstream_scopes(granted, fenced)),
        allowed_redirect_schemes: loaded.config.allowed_redirect_schemes.clone(),
        clients: clients(loaded)?,
        cimd_proxy: loaded.settings().cimd_proxy.clone(),
        http,
    };
    let clock = SystemClock;
    // The store first: a key that is made lies in its folder.
    let store = store(loaded).await?;
    let (keys, made) = key_ring(loaded, &store.status(clock.now()).await?)?;
    let oauth = AuthorizationServer::new(config, keys, store, Arc::new(clock))
        .map_err(|err| Usage(err.to_string()))?;
    Ok((oauth, made))
}

fn levels(server: &McpServer) -> Vec<LevelView> {
    let view = |level: server::http::LevelView| LevelView {
        id: level.id.to_owned(),
        title: level.title.to_owned(),
        summary: level.opens.to_owned(),
        scopes: level.adds,
        tools: level.tools,
    };
    server.levels().into_iter().map(view).collect()
}

fn clients(loaded: &HttpLoaded) -> anyhow::Result<Vec<ConfiguredClient>> {
    let client = |client: &server::config::ClientConfig| {
        Ok(ConfiguredClient {
            id: client.id.clone(),
            name: Some(client.name.clone()).filter(|name| !name.is_empty()),
            redirect_uris: client.redirect_uris.clone(),
            secret: loaded.secret_of(client)?,
        })
    };
    loaded.config.clients.iter().map(client).collect()
}
