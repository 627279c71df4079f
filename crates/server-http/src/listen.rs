//! The socket: accepting, limits of a connection, and an end that loses no request.
//! What is answered is not known here.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{body::Body, extract::Request, response::Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::{
    address::Proxies,
    login::{Busy, Place},
    stall::Unstalled,
};

/// How long the head of a request may take, and a connection be idle between two.
const HEAD_LIMIT: Duration = Duration::from_secs(30);
/// How long a TLS handshake may take.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// The largest head of a request in bytes; more is 431.
const MAX_HEAD: usize = 32 * 1024;
/// The most headers of a request; more is 431.
const MAX_HEADERS: usize = 64;
/// How long clients are told to open no further requests before the socket closes. A client that
/// sends one on an idle connection just then would find it closed.
const NOTICE: Duration = Duration::from_millis(500);
/// How long a connection that was just made may take to send its request. Hyper would close it
/// unread, and the client could not know whether it may ask again.
const FIRST_WORDS: Duration = Duration::from_millis(500);
/// How long to wait after an error of `accept`, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long cancelled requests may take to say so.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Who is at the other end of a connection, as an extension of its requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// A socket and the limits of its connections.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) max_connections: usize,
    pub(crate) proxies: Proxies,
}

/// The steps to the end of a server.
#[derive(Clone, Debug, Default)]
pub(crate) struct End {
    /// Asked to stop: no new requests, please.
    pub(crate) draining: CancellationToken,
    /// The time is over: what is still being answered is given up.
    pub(crate) now: CancellationToken,
}

/// The limits that all connections share.
struct Shared<S> {
    app: S,
    tls: Option<TlsAcceptor>,
    proxies: Proxies,
    all: Arc<Semaphore>,
    per_address: Busy<IpAddr>,
}

impl Listener {
    /// Serves until `end.draining` is cancelled, and then for at most `drain` longer.
    pub(crate) async fn serve<S>(self, app: S, end: End, drain: Duration) -> io::Result<()>
    where
        S: Service<Request, Response = Response, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
    {
        let connections = GracefulShutdown::new();
        let shared = Arc::new(Shared {
            app,
            tls: self.tls,
            proxies: self.proxies,
            all: Arc::new(Semaphore::new(self.max_connections)),
            // One address cannot take all connections; a trusted proxy or this machine may.
            per_address: Busy::new((self.max_connections / 4).max(16)),
        });
        let mut notice = std::pin::pin!(async {
            end.draining.cancelled().await;
            sleep(NOTICE).await;
        });
        loop {
            let accepted = tokio::select! {
                () = &mut notice => break,
                accepted = accept(&self.socket, &shared) => accepted,
            };
            spawn(accepted, &shared, connections.watcher());
        }
        // Whoever connected before the socket closes is still answered.
        let socket = self.socket.into_std()?;
        while let Some(accepted) = waiting(&socket, &shared) {
            spawn(accepted, &shared, connections.watcher());
        }
        drop(socket);
        tokio::select! {
            () = sleep(FIRST_WORDS) => {}
            () = end.now.cancelled() => {}
        }
        let mut over = std::pin::pin!(connections.shutdown());
        tokio::select! {
            () = &mut over => return Ok(()),
            () = sleep(drain) => {}
            () = end.now.cancelled() => {}
        }
        end.now.cancel();
        let _ = timeout(LAST_WORDS, over).await;
        Ok(())
    }
}

type Accepted = (TcpStream, SocketAddr, OwnedSemaphorePermit);

/// The next connection, once there is room for one.
async fn accept<S>(socket: &TcpListener, shared: &Shared<S>) -> Accepted {
    loop {
        let Ok(permit) = Arc::clone(&shared.all).acquire_owned().await else {
            // The semaphore is never closed.
            std::future::pending::<()>().await;
            continue;
        };
        match socket.accept().await {
            Ok((stream, peer)) => return (stream, peer, permit),
            // The client was gone before it was accepted.
            Err(err) if err.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(err) => {
                tracing::error!(%err, "cannot accept connections");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A connection that the system has accepted already and would reset with the socket. Asked of
/// the system itself: what tokio knows of the socket is as old as its last look.
fn waiting<S>(socket: &std::net::TcpListener, shared: &Shared<S>) -> Option<Accepted> {
    let permit = Arc::clone(&shared.all).try_acquire_owned().ok()?;
    let (stream, peer) = socket.accept().ok()?;
    stream.set_nonblocking(true).ok()?;
    Some((TcpStream::from_std(stream).ok()?, peer, permit))
}

fn spawn<S>((stream, peer, permit): Accepted, shared: &Arc<Shared<S>>, watcher: Watcher)
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    let address = peer.ip().to_canonical();
    let place = if address.is_loopback() || shared.proxies.trusts(address) {
        None
    } else {
        let Some(place) = shared.per_address.enter(&address) else { return };
        Some(place)
    };
    let held = (permit, place);
    // Without it small answers wait for the client's acknowledgment (Nagle's algorithm).
    let _unset = stream.set_nodelay(true);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        match &shared.tls {
            None => connection(stream, address, &shared.app, watcher, held).await,
            Some(tls) => match timeout(HANDSHAKE_LIMIT, tls.accept(stream)).await {
                Ok(Ok(stream)) => connection(stream, address, &shared.app, watcher, held).await,
                Ok(Err(err)) => tracing::debug!(%err, "a TLS handshake failed"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            },
        }
    });
}

async fn connection<I, S>(
    stream: I,
    address: IpAddr,
    app: &S,
    watcher: Watcher,
    _held: (OwnedSemaphorePermit, Option<Place<IpAddr>>),
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(address));
        // A router is always ready.
        app.clone().call(request)
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(Unstalled::new(stream)), service);
    if let Err(err) = watcher.watch(serving).await {
        tracing::debug!(%err, "a connection failed");
    }
}
