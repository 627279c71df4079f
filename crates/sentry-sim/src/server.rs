//! The listeners, and the way of a request: record, fault, documentation or API, answer.
//! Knows no endpoint.

use std::{
    future, io,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State, connect_info::Connected},
    http::Response,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

use crate::{
    data::{Origins, World, docs},
    faults::{self, FaultKind, Faults},
    oauth::{self, OAuth},
    recorder::{RecordedRequest, Recorder},
    routes::{self, Call, Reply},
};

/// The largest request body that is read; more is 413.
const BODY_LIMIT: usize = 1024 * 1024;

/// Where Sentry's own OAuth pages are.
const OAUTH: &str = "/oauth/";

/// What all listeners share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) world: RwLock<World>,
    pub(crate) faults: Faults,
    pub(crate) recorder: Recorder,
    pub(crate) oauth: OAuth,
}

/// The addresses of the listeners; dropping it stops them and their connections.
#[derive(Debug)]
pub(crate) struct Servers {
    pub(crate) main: SocketAddr,
    pub(crate) region: SocketAddr,
    pub(crate) docs: SocketAddr,
    tasks: Vec<AbortHandle>,
    stop: tokio::sync::watch::Sender<bool>,
}

impl Drop for Servers {
    fn drop(&mut self) {
        // Connections watch this; aborting the accept loops alone would leave them open.
        self.stop.send_replace(true);
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Which listener a request came in on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    Main,
    Region,
    Docs,
}

#[derive(Clone)]
struct Handler {
    shared: Arc<Shared>,
    site: Site,
    address: Arc<str>,
}

pub(crate) async fn start() -> io::Result<(Arc<Shared>, Servers)> {
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let (main, region, docs) = (bind().await?, bind().await?, bind().await?);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut servers = Servers {
        main: main.local_addr()?,
        region: region.local_addr()?,
        docs: docs.local_addr()?,
        tasks: Vec::new(),
        stop,
    };
    let origins = Origins { main: servers.main.to_string(), region: servers.region.to_string() };
    let shared = Arc::new(Shared {
        world: RwLock::new(World::new(origins)?),
        faults: Faults::default(),
        recorder: Recorder::default(),
        oauth: OAuth::default(),
    });
    let listeners = [(main, Site::Main), (region, Site::Region), (docs, Site::Docs)];
    for (listener, site) in listeners {
        let address = Arc::from(listener.local_addr()?.to_string());
        let router = Router::new().fallback(answer).with_state(Handler {
            shared: Arc::clone(&shared),
            site,
            address,
        });
        let listener = Loopback { listener, stopped: stopped.clone() };
        let service = router.into_make_service_with_connect_info::<Connection>();
        let task = tokio::spawn(async move {
            // The loop ends only when it is aborted.
            let _ended = axum::serve(listener, service).await;
        });
        servers.tasks.push(task.abort_handle());
    }
    Ok((shared, servers))
}

async fn answer(
    State(handler): State<Handler>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return Reply::detail(413, "Request body is too large.").into_response();
    };
    let path = head.uri.path();
    let query = head.uri.query().unwrap_or_default();
    let target = head.uri.path_and_query().map_or(path, |target| target.as_str());
    let authorization =
        head.headers.get(axum::http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    handler.shared.recorder.record(RecordedRequest {
        host: handler.address.to_string(),
        method: head.method.to_string(),
        path: path.to_owned(),
        query: query.to_owned(),
        body: recorded_body(path, &body),
        has_authorization: authorization.is_some(),
    });
    let fault = handler.shared.faults.take(head.method.as_str(), target);
    match &fault {
        Some(FaultKind::Latency(delay)) => tokio::time::sleep(*delay).await,
        Some(FaultKind::Hang) => future::pending().await,
        Some(FaultKind::Reset) => connection.reset.store(true, Ordering::Release),
        _ => {}
    }
    if let Some(kind) = fault.as_ref().filter(|kind| kind.replaces_answer()) {
        return faults::replacement(kind, target);
    }
    let reply = if handler.site == Site::Docs {
        docs::answer(head.method.as_str(), path, &body)
    } else {
        let call = Call {
            site: handler.site,
            host: &handler.address,
            method: head.method.as_str(),
            path,
            query,
            authorization,
            body: &body,
            params: routes::parse_query(query),
            oauth: &handler.shared.oauth,
        };
        api(&handler.shared, &call)
    };
    match &fault {
        Some(kind) => faults::spoil(kind, reply),
        None => reply.into_response(),
    }
}

/// The body as text, without the secrets of an OAuth form.
fn recorded_body(path: &str, body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    if path.starts_with(OAUTH) { oauth::without_secrets(&body) } else { body.into_owned() }
}

/// Reads share the world, writes have it alone.
fn api(shared: &Shared, call: &Call<'_>) -> Reply {
    // Only the main host has these pages, as with Sentry's regions.
    if call.site == Site::Main && call.path.starts_with(OAUTH) {
        let world = shared.world.read().unwrap_or_else(PoisonError::into_inner);
        return oauth::answer(&shared.oauth, &world, call);
    }
    if call.method == "GET" {
        let world = shared.world.read().unwrap_or_else(PoisonError::into_inner);
        routes::read(&world, call)
    } else {
        let mut world = shared.world.write().unwrap_or_else(PoisonError::into_inner);
        routes::write(&mut world, call)
    }
}

/// A listener whose connections can be reset and stopped.
struct Loopback {
    listener: TcpListener,
    stopped: tokio::sync::watch::Receiver<bool>,
}

/// What a handler knows about its connection.
#[derive(Clone, Debug)]
struct Connection {
    reset: Arc<AtomicBool>,
}

struct Socket {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
    /// Resolves when the simulation is dropped.
    stopped: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Socket {
    /// An error once the connection was told to go; the peer then sees a reset, not an end.
    fn poll_gone(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let mut gone = self.reset.load(Ordering::Acquire);
        if !gone && self.stopped.as_mut().poll(context).is_ready() {
            // Remembered, because a finished future must not be polled again.
            self.reset.store(true, Ordering::Release);
            gone = true;
        }
        if gone {
            self.stream.set_zero_linger()?;
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl Listener for Loopback {
    type Io = Socket;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Socket, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Small answers must not wait for the peer's acknowledgment.
        let _unset = stream.set_nodelay(true);
        let mut stopped = self.stopped.clone();
        let stopped = Box::pin(async move {
            let _sender_gone = stopped.wait_for(|stopped| *stopped).await;
        });
        (Socket { stream, reset: Arc::default(), stopped }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, Loopback>> for Connection {
    fn connect_info(stream: IncomingStream<'_, Loopback>) -> Self {
        Self { reset: Arc::clone(&stream.io().reset) }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_gone(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_gone(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_gone(context)?;
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
