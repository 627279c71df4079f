//! For this crate's own tests: a client of a fake Sentry, and servers that misbehave below HTTP.
//! `test_support::FakeSentry::client` makes a client of another build of this crate, so it
//! cannot be used here.

use std::{
    future::Future,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::{Value, json};
use test_support::FakeSentry;
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::{Client, Error, Settings, Site, TokenSource};

/// The token of [`client`]; no error may show it.
pub(crate) const TOKEN: &str = "test-token";

/// A client of the fake Sentry.
pub(crate) fn client(sentry: &FakeSentry) -> Client {
    client_at(&sentry.host(), |_| {})
}

/// A client of `127.0.0.1:<port>` with other settings.
pub(crate) fn client_at(host: &str, change: impl FnOnce(&mut Settings)) -> Client {
    let site = Site::parse_host(host, true).unwrap();
    let mut settings = Settings { site, ..Settings::default() };
    change(&mut settings);
    Client::new(settings, TokenSource::fixed(TOKEN))
}

/// Everything that an error shows, one line per cause. It never shows the token.
pub(crate) fn told(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text = format!("{text}\n{error}");
        source = error.source();
    }
    let all = format!("{text}\n{error:?}");
    assert!(!all.contains(TOKEN), "{all}");
    text
}

/// A main host that names these regions, and a client that may ask them.
pub(crate) async fn main_with(regions: &[&FakeSentry], more: &[&str]) -> (FakeSentry, Client) {
    let urls =
        regions.iter().map(|region| region.uri()).chain(more.iter().map(|url| (*url).to_owned()));
    let list: Vec<Value> = urls.map(|url| json!({"name": "x", "url": url})).collect();
    let main = FakeSentry::start().await.get("users/me/regions/", json!({ "regions": list })).await;
    let hosts: Vec<String> = regions.iter().map(|region| region.host()).collect();
    let client = client_at(&main.host(), |settings| {
        settings.site = settings.site.clone().with_region_hosts(hosts).unwrap();
    });
    (main, client)
}

pub(crate) async fn paths(sentry: &FakeSentry) -> Vec<String> {
    sentry.requests().await.into_iter().map(|request| request.path).collect()
}

/// A server that does to each connection what the test says, after it read the request's head.
pub(crate) struct RawServer {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl RawServer {
    /// `serve` gets the connection and the number of the request, from 1 on.
    pub(crate) async fn start<F, S>(serve: F) -> RawServer
    where
        F: Fn(TcpStream, usize) -> S + Send + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                if read_head(&mut stream).await {
                    let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
                    tokio::spawn(serve(stream, number));
                }
            }
        });
        RawServer { address, requests, task }
    }

    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// How many requests arrived.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads up to the empty line; false if the connection ends before.
async fn read_head(stream: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return false,
        }
    }
    true
}
