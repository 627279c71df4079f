//! `sentry-mcp-http serve`: from the settings to a socket, and to its end.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use oauth::AuthorizationServer;
use server::{McpServer, cli, config::HttpLoaded, http::Sentry};
use tokio::{net::TcpListener, time::sleep};
use url::Url;

use crate::{
    address::Proxies,
    app::{self, App, Parts},
    args::Args,
    commands::start,
    listen::{End, Listener},
    parts, tls,
};

/// How often rows whose time is over are removed.
const SWEEP_EVERY: Duration = Duration::from_mins(5);

pub(super) async fn run(args: &Args) -> anyhow::Result<()> {
    let loaded = start(args)?;
    loaded.check_files()?;
    let ready = Ready::new(&loaded).await?;
    cli::tell("ready", &format!("{} (listening on {})", ready.endpoint(), ready.address));
    ready.serve().await
}

/// A server that has its socket, and only has to begin.
pub(super) struct Ready {
    listener: Listener,
    app: Arc<App>,
    end: End,
    drain: Duration,
    signals: Signals,
    pub(super) address: SocketAddr,
}

impl Ready {
    /// Checks everything, opens the store, and binds the socket.
    pub(super) async fn new(loaded: &HttpLoaded) -> anyhow::Result<Ready> {
        // What the operator has to repair comes before what the machine may refuse.
        parts::application(loaded)?;
        let tls = tls::acceptor(loaded)?;
        let settings = loaded.settings();
        let socket = TcpListener::bind(settings.bind)
            .await
            .map_err(|err| loaded.invalid("bind", format_args!("cannot listen there: {err}")))?;
        let address = socket.local_addr().context("the socket has no address")?;
        let issuer = issuer(settings.public_url.as_ref(), address, tls.is_some())?;
        let server = McpServer::of_http(loaded);
        let (oauth, made) = parts::authorization_server(loaded, &server, &issuer).await?;
        if let Some(file) = made {
            cli::tell("note", &format!("made the key that seals Sentry's tokens: {file}"));
        }
        let end = End::default();
        let app = Arc::new(App::new(Parts {
            issuer,
            loopback_port: address.ip().is_loopback().then_some(address.port()),
            settings,
            server,
            sentry: Sentry::of(loaded),
            oauth: Arc::new(oauth),
            end: end.clone(),
        }));
        let listener = Listener {
            socket,
            tls,
            max_connections: settings.max_connections,
            proxies: Proxies::new(settings.behind_proxy.clone()),
        };
        // Before anybody is told that the server is ready, and may ask it to stop.
        let signals = Signals::new().context("cannot wait for signals")?;
        Ok(Ready { listener, app, end, drain: settings.drain_timeout, signals, address })
    }

    /// The address of the MCP endpoint.
    pub(super) fn endpoint(&self) -> String {
        self.app.endpoint()
    }

    /// Serves until the process is asked to stop; asked twice, it stops at once.
    pub(super) async fn serve(self) -> anyhow::Result<()> {
        let Ready { listener, app, end, drain, mut signals, .. } = self;
        tokio::spawn({
            let end = end.clone();
            async move {
                signals.next().await;
                tracing::info!("asked to stop; waiting for the requests in flight");
                end.draining.cancel();
                signals.next().await;
                tracing::info!("asked to stop at once");
                end.now.cancel();
            }
        });
        let sweeping = tokio::spawn(sweep(Arc::clone(&app.oauth)));
        let served = listener.serve(app::router(app).into_service(), end, drain).await;
        sweeping.abort();
        served.context("cannot serve")
    }
}

/// The address that clients know this server by.
fn issuer(public: Option<&Url>, address: SocketAddr, has_tls: bool) -> anyhow::Result<Url> {
    if let Some(url) = public {
        return Ok(url.clone());
    }
    let scheme = if has_tls { "https" } else { "http" };
    format!("{scheme}://{address}").parse().context("the address of the socket is no URL")
}

async fn sweep(oauth: Arc<AuthorizationServer>) {
    loop {
        match oauth.sweep().await {
            Ok(swept) if swept.more => {}
            Ok(_) => sleep(SWEEP_EVERY).await,
            Err(err) => {
                tracing::warn!(%err, "could not remove old rows from the store");
                sleep(SWEEP_EVERY).await;
            }
        }
    }
}

/// The signals that ask a process to stop.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    fn new() -> io::Result<Signals> {
        Ok(Signals {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
