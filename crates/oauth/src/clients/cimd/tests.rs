//! A host on loopback that serves metadata documents over TLS, and what fetching makes of it.
//! Nothing of it is in a build; it proves nothing about a document's content.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sentry_client::http::Reach;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::Notify,
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, rustls};

use super::*;
use crate::{
    clients::egress::tests::Always,
    store::{DAY, ManualClock, SECOND},
};

/// The only host there is.
pub(crate) const ID: &str = "https://app.example.test/client.json";

/// A TLS server that gives every request the same answer.
pub(crate) struct Host {
    address: SocketAddr,
    root: reqwest::Certificate,
    asked: Arc<AtomicUsize>,
    gate: Option<Arc<Notify>>,
}

impl Host {
    /// A host that answers at once.
    pub(crate) async fn serve(answer: impl Into<Vec<u8>>) -> Host {
        Host::start(answer.into(), None).await
    }

    /// A host that answers when [`Notify::notify_waiters`] is called.
    async fn gated(answer: Vec<u8>) -> Host {
        Host::start(answer, Some(Arc::default())).await
    }

    async fn start(answer: Vec<u8>, gate: Option<Arc<Notify>>) -> Host {
        let signed = rcgen::generate_simple_self_signed(["app.example.test".to_owned()]).unwrap();
        let root = reqwest::Certificate::from_der(signed.cert.der()).unwrap();
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![signed.cert.der().clone()], key.into())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let (counter, held) = (Arc::clone(&asked), gate.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, counter) = (acceptor.clone(), Arc::clone(&counter));
                let (held, answer) = (held.clone(), answer.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut request = Vec::new();
                    while !request.ends_with(b"\r\n\r\n") {
                        let Ok(byte) = stream.read_u8().await else { return };
                        request.push(byte);
                    }
                    counter.fetch_add(1, Ordering::SeqCst);
                    if let Some(held) = held {
                        held.notified().await;
                    }
                    let _ = stream.write_all(&answer).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Host { address, root, asked, gate }
    }

    /// How many requests came.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Documents from here, although it is loopback.
    pub(crate) fn documents(&self, clock: &Arc<ManualClock>) -> Documents {
        let gate = PublicOnly::with_loopback(Arc::new(Always(vec![self.address])));
        self.documents_through(gate, Duration::from_secs(20), clock)
    }

    fn documents_through(
        &self,
        gate: PublicOnly,
        limit: Duration,
        clock: &Arc<ManualClock>,
    ) -> Documents {
        let reach = Reach::Direct(Arc::new(gate.clone()));
        let (roots, schemes) = (vec![self.root.clone()], AllowedSchemes::default());
        Documents::over(reach, Some(gate), limit, roots, schemes, Arc::clone(clock) as _).unwrap()
    }
}

/// The document of a program with one loopback redirect URI.
pub(crate) fn document() -> Value {
    json!({
        "client_id": ID,
        "client_name": "Example Editor",
        "redirect_uris": ["http://127.0.0.1/cb"],
        "token_endpoint_auth_method": "none",
    })
}

/// An answer with this head, and this body.
pub(crate) fn answer(head: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}").into()
}

fn good() -> Vec<u8> {
    answer("200 OK\r\ncontent-type: application/json", &document().to_string())
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(1_800_000_000_000))
}

fn caller() -> AddressKey {
    AddressKey::of("192.0.2.1".parse().ok())
}

#[tokio::test]
async fn a_document_is_fetched_once_and_again_when_its_time_is_over() {
    let head =
        "200 OK\r\ncontent-type: application/json; charset=utf-8\r\ncache-control: max-age=90";
    let host = Host::serve(answer(head, &document().to_string())).await;
    let clock = clock();
    let documents = host.documents(&clock);
    let client = documents.find(ID, caller()).await.unwrap();
    assert_eq!((client.id.as_str(), client.name.as_deref()), (ID, Some("Example Editor")));
    assert!(client.redirect("http://127.0.0.1:5000/cb").is_some());
    clock.advance(89 * SECOND);
    documents.find(ID, caller()).await.unwrap();
    assert_eq!(host.asked(), 1);
    clock.advance(2 * SECOND);
    documents.find(ID, caller()).await.unwrap();
    assert_eq!(host.asked(), 2);
}

#[tokio::test]
async fn those_who_ask_at_the_same_time_share_one_fetch() {
    let host = Host::gated(good()).await;
    let documents = Arc::new(host.documents(&clock()));
    let mut all = JoinSet::new();
    for _ in 0..50 {
        let documents = Arc::clone(&documents);
        all.spawn(async move { documents.find(ID, caller()).await.is_ok() });
    }
    while host.asked() == 0 {
        tokio::task::yield_now().await;
    }
    host.gate.as_ref().unwrap().notify_waiters();
    assert_eq!(all.join_all().await, [true; 50]);
    assert_eq!(host.asked(), 1);
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_the_fetch_to_the_next() {
    let host = Host::gated(good()).await;
    let documents = Arc::new(host.documents(&clock()));
    let gone = tokio::spawn({
        let documents = Arc::clone(&documents);
        async move { documents.find(ID, caller()).await }
    });
    while host.asked() == 0 {
        tokio::task::yield_now().await;
    }
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    let open = async {
        while host.asked() == 1 {
            tokio::task::yield_now().await;
        }
        host.gate.as_ref().unwrap().notify_waiters();
    };
    let (client, ()) = tokio::join!(documents.find(ID, caller()), open);
    assert!(client.is_ok());
}

#[tokio::test]
async fn answers_that_are_no_document_are_refused_and_remembered_for_a_minute() {
    let json = "200 OK\r\ncontent-type: application/json";
    let good = document().to_string();
    let large = json!({"padding": "x".repeat(5 * 1024)}).to_string();
    let chunk = "x".repeat(3_000);
    let endless = format!(
        "HTTP/1.1 {json}\r\ntransfer-encoding: chunked\r\n\r\nbb8\r\n{chunk}\r\nbb8\r\n{chunk}\r\n"
    );
    for (bytes, flaw) in [
        (answer("404 Not Found\r\ncontent-type: application/json", &good), DocumentFlaw::Status),
        (answer("201 Created\r\ncontent-type: application/json", &good), DocumentFlaw::Status),
        (
            answer("302 Found\r\nlocation: https://app.example.test/other.json", &good),
            DocumentFlaw::Status,
        ),
        (answer("200 OK", &good), DocumentFlaw::ContentType),
        (answer("200 OK\r\ncontent-type: text/html", &good), DocumentFlaw::ContentType),
        (answer("200 OK\r\ncontent-type: text/json+x", &good), DocumentFlaw::ContentType),
        (answer(&format!("{json}\r\ncontent-type: text/html"), &good), DocumentFlaw::ContentType),
        (answer(&format!("{json}\r\ncontent-encoding: gzip"), &good), DocumentFlaw::ContentType),
        (answer(json, &large), DocumentFlaw::TooLarge),
        (endless.into_bytes(), DocumentFlaw::TooLarge),
        (answer(json, "<html>"), DocumentFlaw::Json),
        (answer(json, &good.replace("client.json", "other.json")), DocumentFlaw::ClientId),
    ] {
        let host = Host::serve(bytes).await;
        let clock = clock();
        let documents = host.documents(&clock);
        for _ in 0..2 {
            let refused = documents.find(ID, caller()).await.unwrap_err();
            assert_eq!(refused, ClientError::Document(flaw));
        }
        assert_eq!(host.asked(), 1, "{flaw}");
        clock.advance(61 * SECOND);
        documents.find(ID, caller()).await.unwrap_err();
        assert_eq!(host.asked(), 2, "{flaw}");
    }
}

#[tokio::test]
async fn a_host_that_never_answers_is_given_up() {
    let host = Host::gated(good()).await;
    let gate = PublicOnly::with_loopback(Arc::new(Always(vec![host.address])));
    let documents = host.documents_through(gate, Duration::from_millis(300), &clock());
    assert_eq!(documents.find(ID, caller()).await.unwrap_err(), ClientError::Unreachable);
}

#[tokio::test]
async fn while_too_many_fetches_are_under_way_nothing_is_asked_or_remembered() {
    let host = Host::serve(good()).await;
    let gate = PublicOnly::with_loopback(Arc::new(Always(vec![host.address])));
    let mut documents = host.documents_through(gate, Duration::from_millis(300), &clock());
    documents.under_way = Semaphore::new(0);
    let error = documents.find(ID, caller()).await.unwrap_err();
    assert!(matches!(error, ClientError::TooMany(_)), "{error}");
    assert_eq!(host.asked(), 0);
    documents.under_way.add_permits(1);
    documents.limit = Duration::from_secs(20);
    assert!(documents.find(ID, caller()).await.is_ok());
}

#[tokio::test]
async fn a_name_with_a_private_address_is_never_connected_to() {
    let host = Host::serve(good()).await;
    let gate = PublicOnly::over(Arc::new(Always(vec![host.address])));
    let documents = host.documents_through(gate, Duration::from_secs(20), &clock());
    let error = documents.find(ID, caller()).await.unwrap_err();
    assert_eq!(error, ClientError::Unreachable);
    assert!(!error.to_string().contains("127."), "{error}");
    assert_eq!(host.asked(), 0);
}

#[tokio::test]
async fn a_connection_that_was_made_around_the_resolver_is_not_used() {
    let host = Host::serve(good()).await;
    let loose = PublicOnly::with_loopback(Arc::new(Always(vec![host.address])));
    let mut documents = host.documents_through(loose, Duration::from_secs(20), &clock());
    documents.gate = Some(PublicOnly::new());
    assert_eq!(documents.find(ID, caller()).await.unwrap_err(), ClientError::Unreachable);
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts_is_refused() {
    let (host, other) = (Host::serve(good()).await, Host::serve(good()).await);
    let gate = PublicOnly::with_loopback(Arc::new(Always(vec![host.address])));
    let documents = other.documents_through(gate, Duration::from_secs(20), &clock());
    assert_eq!(documents.find(ID, caller()).await.unwrap_err(), ClientError::Unreachable);
    assert_eq!(host.asked(), 0);
}

#[tokio::test]
async fn an_address_can_cause_ten_fetches_a_minute_and_use_what_is_remembered() {
    let host = Host::serve(good()).await;
    let documents = host.documents(&clock());
    let other = AddressKey::of("192.0.2.2".parse().ok());
    documents.find(ID, other).await.unwrap();
    for number in 0..10 {
        let id = format!("https://app.example.test/{number}.json");
        let error = documents.find(&id, caller()).await.unwrap_err();
        assert_eq!(error, ClientError::Document(DocumentFlaw::ClientId));
    }
    let error = documents.find("https://app.example.test/x.json", caller()).await.unwrap_err();
    assert!(matches!(error, ClientError::TooMany(_)), "{error}");
    assert!(documents.find(ID, caller()).await.is_ok(), "what is remembered costs nothing");
    assert_eq!(host.asked(), 11);
}

#[tokio::test]
async fn a_url_that_cannot_be_an_id_is_never_asked_for() {
    let host = Host::serve(good()).await;
    let documents = host.documents(&clock());
    for id in ["http://app.example.test/c", "https://127.0.0.1/c", "https://app.example.test/"] {
        assert_eq!(documents.find(id, caller()).await.unwrap_err(), ClientError::BadId, "{id}");
    }
    assert_eq!(host.asked(), 0);
}

#[tokio::test]
async fn memory_is_bounded_and_what_is_used_stays() {
    let host = Host::serve(good()).await;
    let clock = clock();
    let documents = host.documents(&clock);
    documents.find(ID, caller()).await.unwrap();
    for number in 0..REMEMBERED + 50 {
        clock.advance(1);
        let cell = documents.cell(&format!("https://h{number}.example.test/c"), clock.now());
        cell.used.store(clock.now(), Ordering::Relaxed);
        documents.find(ID, caller()).await.unwrap();
    }
    assert_eq!(documents.cells.lock().unwrap().len(), REMEMBERED);
    assert_eq!(host.asked(), 1);
    clock.advance(2 * DAY);
    documents.find(ID, caller()).await.unwrap();
    assert_eq!(host.asked(), 2);
}

#[tokio::test]
async fn behind_a_proxy_the_proxy_is_asked_and_no_address_is_looked_up() {
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}", proxy.local_addr().unwrap()).parse().unwrap();
    let documents = Documents::new(Some(&url), AllowedSchemes::default(), clock()).unwrap();
    let refuse = async {
        let (mut stream, _) = proxy.accept().await.unwrap();
        let mut request = [0; 1_024];
        let length = stream.read(&mut request).await.unwrap();
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    };
    let id = "https://no-such-host.example.test/client.json";
    let (found, request) = tokio::join!(documents.find(id, caller()), refuse);
    assert_eq!(found.unwrap_err(), ClientError::Unreachable);
    assert!(request.starts_with("CONNECT no-such-host.example.test:443 "), "{request}");
}
