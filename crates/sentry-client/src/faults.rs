//! What a broken, slow or hostile Sentry does to a request: it answers in time, with words
//! that help, without the token, and a write is sent once.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use test_support::FakeSentry;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use wiremock::{Mock, ResponseTemplate, matchers::method};

use crate::{
    Client, ConnectReason, Error, ErrorKind, NotJson, Result, Settings,
    request::Route,
    testing::{RawServer, client, client_at, told},
};

/// A body of 216 bytes that gzip turns into a string of 200,000.
const BOMB: &[u8] = &[
    31, 139, 8, 0, 0, 0, 0, 0, 2, 255, 237, 193, 177, 0, 0, 0, 0, 2, 48, 151, 8, 242, 167, 139,
    161, 127, 91, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 220, 50, 13, 1, 42, 94, 66, 13, 3, 0,
];

async fn read(client: &Client) -> Result<Value> {
    client.get(Route::root().seg("thing")).json().await
}

async fn write(client: &Client) -> Result<Value> {
    client.post(Route::root().seg("thing")).body(&json!({"name": "x"})).json().await
}

async fn send(stream: &mut TcpStream, text: &str) {
    // The client may have gone away: that is what some tests want.
    let _ = stream.write_all(text.as_bytes()).await;
}

fn quick(settings: &mut Settings) {
    settings.first_byte_timeout = Duration::from_millis(200);
}

/// A server that answers each connection with this text and closes it.
async fn saying(text: &'static str) -> RawServer {
    RawServer::start(move |mut stream, _| async move { send(&mut stream, text).await }).await
}

/// A server that resets each connection instead of an answer.
async fn resetting() -> RawServer {
    RawServer::start(|stream, _| async move {
        stream.set_zero_linger().unwrap();
    })
    .await
}

async fn failure(host: &str) -> Error {
    let error = read(&client_at(host, |_| {})).await.unwrap_err();
    told(&error);
    error
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_by_name() {
    let server = RawServer::start(|stream, _| async move {
        pending::<()>().await;
        drop(stream);
    })
    .await;
    let error = read(&client_at(&server.host(), quick)).await.unwrap_err();
    let text = told(&error);
    assert!(text.contains(&server.host()), "{text}");
    assert!(text.contains("0.2 s (waiting for the first byte)"), "{text}");
    assert!(server.requests() <= 1);

    let short =
        client_at(&server.host(), |settings| settings.call_timeout = Duration::from_millis(60));
    let error = read(&short.for_call()).await.unwrap_err();
    match error.kind() {
        ErrorKind::Timeout { after, phase, .. } => {
            assert_eq!((after.as_millis(), *phase), (60, "the call's time was used up"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn all_requests_of_a_call_share_its_deadline() {
    let sentry = FakeSentry::start().await.get("thing/", json!({})).await;
    let call = client(&sentry).for_call_within(Duration::ZERO);
    assert!(matches!(read(&call).await.unwrap_err().kind(), ErrorKind::Timeout { .. }));
    assert!(matches!(write(&call).await.unwrap_err().kind(), ErrorKind::Timeout { .. }));
    assert_eq!(sentry.requests().await.len(), 0);
    assert!(read(&call.for_call()).await.is_ok());
    let wide = call.within(Duration::from_mins(1));
    assert!(read(&wide).await.is_err(), "a side request does not outlive its call");
}

#[tokio::test]
async fn no_limit_in_time_is_too_long() {
    let sentry = FakeSentry::start().await.get("thing/", json!({})).await;
    let client = client_at(&sentry.host(), |settings| {
        settings.first_byte_timeout = Duration::MAX;
        settings.call_timeout = Duration::MAX;
        settings.max_concurrent = usize::MAX;
    });
    assert!(read(&client.for_call()).await.is_ok());
}

#[tokio::test]
async fn the_end_of_sentrys_window_counts_as_a_time_to_wait() {
    let answer =
        ResponseTemplate::new(429).insert_header("X-Sentry-Rate-Limit-Reset", "99999999999");
    let mock = Mock::given(method("GET")).respond_with(answer);
    let sentry = FakeSentry::start().await.mount(mock).await;
    let error = read(&client(&sentry)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::RateLimited { retry_after: Some(_) }), "{error:?}");
    assert_eq!(sentry.requests().await.len(), 1);

    let plain = FakeSentry::start().await.status("GET", "thing/", 429, Value::Null).await;
    let error = read(&client(&plain)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::RateLimited { retry_after: None }), "{error:?}");
    assert_eq!(plain.requests().await.len(), 3);
}

#[tokio::test]
async fn a_short_rate_limit_is_waited_for_and_a_long_one_is_told() {
    let short = RawServer::start(|mut stream, number| async move {
        let limited =
            "HTTP/1.1 429 T\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
        send(&mut stream, if number == 1 { limited } else { good }).await;
    })
    .await;
    let start = Instant::now();
    assert_eq!(read(&client_at(&short.host(), |_| {})).await.unwrap(), json!({}));
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!(short.requests(), 2);
    assert!(
        read(&client_at(&short.host(), |_| {}).for_call_within(Duration::from_millis(500)))
            .await
            .is_ok()
    );

    let long = saying("HTTP/1.1 429 T\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n").await;
    let error = failure(&long.host()).await;
    assert!(
        matches!(error.kind(), ErrorKind::RateLimited { retry_after: Some(wait) } if wait.as_secs() == 3600),
        "{error:?}"
    );
    assert_eq!(long.requests(), 1);
}

#[tokio::test]
async fn a_rate_limit_beyond_the_deadline_is_told_at_once() {
    let server = saying("HTTP/1.1 429 T\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n").await;
    let call = client_at(&server.host(), |_| {}).for_call_within(Duration::from_millis(1500));
    let error = read(&call).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::RateLimited { retry_after: Some(_) }), "{error:?}");
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn an_outage_is_tried_three_times() {
    let once = RawServer::start(|mut stream, number| async move {
        let down = "HTTP/1.1 503 D\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
        send(&mut stream, if number == 1 { down } else { good }).await;
    })
    .await;
    assert!(read(&client_at(&once.host(), |_| {})).await.is_ok());
    assert_eq!(once.requests(), 2);

    for status in [502, 503, 504] {
        let always = FakeSentry::start().await.status("GET", "thing/", status, Value::Null).await;
        let error = read(&client(&always)).await.unwrap_err();
        match error.kind() {
            ErrorKind::Unavailable { status: told, attempts: 3 } => assert_eq!(*told, status),
            other => panic!("{other:?}"),
        }
        assert_eq!(always.requests().await.len(), 3);
    }
}

#[tokio::test]
async fn an_internal_error_is_told_at_once() {
    let body = json!({"detail": "Internal Error", "errorId": "x"});
    let sentry = FakeSentry::start().await.status("GET", "thing/", 500, body).await;
    let error = read(&client(&sentry)).await.unwrap_err();
    assert!(
        told(&error).ends_with("sentry answered with status 500 (sentry says: Internal Error)")
    );
    assert_eq!(sentry.requests().await.len(), 1);
}

#[tokio::test]
async fn a_write_is_never_sent_twice() {
    for status in [302, 429, 500, 502, 503, 504] {
        let sentry = FakeSentry::start().await.status("POST", "thing/", status, Value::Null).await;
        let error = write(&client(&sentry)).await.unwrap_err();
        told(&error);
        let unknown = matches!(error.kind(), ErrorKind::OutcomeUnknown { .. });
        assert_eq!(unknown, matches!(status, 502 | 504), "{error:?}");
        assert_eq!(sentry.requests().await.len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_has_an_unknown_outcome() {
    let silent = RawServer::start(|stream, _| async move {
        pending::<()>().await;
        drop(stream);
    })
    .await;
    let reset = resetting().await;
    let cut = saying("HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{").await;
    let empty = saying("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n").await;
    let big = saying("HTTP/1.1 201 Created\r\nContent-Length: 99999999\r\n\r\n{").await;
    for server in [silent, reset, cut, empty, big] {
        let error = write(&client_at(&server.host(), quick)).await.unwrap_err();
        let text = told(&error);
        assert!(matches!(error.kind(), ErrorKind::OutcomeUnknown { .. }), "{error:?}");
        assert!(text.contains("look whether the change was made"), "{text}");
        assert!(!text.contains("try again") && !text.contains("ask for less"), "{text}");
        assert!(server.requests() <= 1);
    }
}

#[tokio::test]
async fn what_is_not_json_is_told_as_that() {
    let table = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n<html>x</html>", Some(NotJson::Html)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Some(NotJson::Empty)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Some(NotJson::Other)),
        ("HTTP/1.1 403 F\r\nContent-Length: 14\r\n\r\n<html>x</html>", Some(NotJson::Html)),
        // Well-formed, but no object.
        ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull", None),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", None),
    ];
    for (answer, expected) in table {
        let server = saying(answer).await;
        let client = client_at(&server.host(), |_| {});
        let error = client.authenticated_user().await.unwrap_err();
        told(&error);
        match (error.kind(), expected) {
            (ErrorKind::NotJson { what, .. }, Some(expected)) => assert_eq!(*what, expected),
            (ErrorKind::Decode { path, .. }, None) => assert_eq!(path, "."),
            other => panic!("{answer}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_web_page_with_an_error_status_keeps_the_status() {
    let gateway = saying("HTTP/1.1 502 B\r\nContent-Length: 14\r\n\r\n<html>x</html>").await;
    assert!(matches!(
        failure(&gateway.host()).await.kind(),
        ErrorKind::Unavailable { status: 502, .. }
    ));
    let route =
        saying("HTTP/1.1 404 N\r\nContent-Type: text/html\r\nContent-Length: 7\r\n\r\n<html/>")
            .await;
    assert!(matches!(failure(&route.host()).await.kind(), ErrorKind::NotFound { detail: None }));
}

#[tokio::test]
async fn json_with_another_label_is_accepted() {
    let server = saying(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\n{\"a\": 1}",
    )
    .await;
    assert_eq!(read(&client_at(&server.host(), |_| {})).await.unwrap(), json!({"a": 1}));
}

#[tokio::test]
async fn a_broken_connection_is_told_and_an_early_break_is_tried_again() {
    let cut = saying("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\": ").await;
    let error = failure(&cut.host()).await;
    assert!(told(&error).contains("broke while the answer was being read"), "{error:?}");
    assert_eq!(cut.requests(), 1);

    let reset = resetting().await;
    let error = failure(&reset.host()).await;
    assert!(matches!(error.kind(), ErrorKind::Interrupted { .. }), "{error:?}");
    assert_eq!(reset.requests(), 3);

    let other = saying("SSH-2.0-x\r\n").await;
    assert!(matches!(failure(&other.host()).await.kind(), ErrorKind::Interrupted { .. }));
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_before_it_is_in_memory() {
    let announced = saying("HTTP/1.1 200 OK\r\nContent-Length: 52428800\r\n\r\n{\"a\": \"").await;
    let error = read(&client_at(&announced.host(), |_| {})).await.unwrap_err();
    assert!(told(&error).contains("larger than the limit of 16 MiB"), "{error:?}");

    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let endless = RawServer::start(move |mut stream, _| {
        let counter = Arc::clone(&counter);
        async move {
            send(&mut stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
            let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
            while stream.write_all(chunk.as_bytes()).await.is_ok()
                && counter.load(Ordering::SeqCst) < 800
            {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    let client = client_at(&endless.host(), |settings| settings.max_body = 1024 * 1024);
    assert!(matches!(
        read(&client).await.unwrap_err().kind(),
        ErrorKind::TooLarge { limit: 1_048_576 }
    ));
    // What is on the way fits the buffers of two sockets; 50 MB do not.
    assert!(sent.load(Ordering::SeqCst) < 400, "{sent:?}");
}

#[tokio::test]
async fn a_compressed_body_counts_as_what_it_becomes() {
    let server = RawServer::start(|mut stream, _| async move {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            BOMB.len()
        );
        send(&mut stream, &head).await;
        stream.write_all(BOMB).await.unwrap();
    })
    .await;
    let limit = |bytes| move |settings: &mut Settings| settings.max_body = bytes;
    let small = read(&client_at(&server.host(), limit(100_000))).await.unwrap_err();
    assert!(matches!(small.kind(), ErrorKind::TooLarge { .. }), "{small:?}");
    // Within the limit it is read to its end, and found to be one long string.
    let large = read(&client_at(&server.host(), limit(300_000))).await.unwrap_err();
    assert!(told(&large).contains("expected an object, found a string"), "{large:?}");
}

#[tokio::test]
async fn a_trickle_ends_with_the_call() {
    let server = RawServer::start(|mut stream, _| async move {
        send(&mut stream, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n").await;
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        while stream.write_all(b" ").await.is_ok() {
            tick.tick().await;
        }
    })
    .await;
    let call = client_at(&server.host(), |_| {}).for_call_within(Duration::from_millis(600));
    let error = read(&call).await.unwrap_err();
    assert!(told(&error).contains("0.6 s (reading the answer)"), "{error:?}");
}

#[tokio::test]
async fn nobody_there_is_told_with_the_host() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error = failure(&host).await;
    assert!(
        told(&error).contains(&format!("no connection to {host}: the connection was refused")),
        "{error:?}"
    );
    let error = write(&client_at(&host, |_| {})).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Connect { .. }), "nothing was sent: {error:?}");
}

#[tokio::test]
async fn plain_http_behind_https_is_a_tls_failure() {
    // A TLS greeting has no empty line, for which `RawServer` would wait.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let plain = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            send(&mut stream, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
        }
    });
    let site = crate::Site::parse_host(&host, false).unwrap();
    let client = client_at("127.0.0.1:1", |settings| settings.site = site);
    let error = read(&client).await.unwrap_err();
    plain.abort();
    assert!(
        matches!(error.kind(), ErrorKind::Connect { reason: ConnectReason::Tls(_), .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn dropping_a_request_closes_its_connection() {
    let (tell, mut told) = tokio::sync::mpsc::channel(2);
    let server = RawServer::start(move |mut stream, _| {
        let tell = tell.clone();
        async move {
            tell.send("arrived").await.unwrap();
            let end = stream.read(&mut [0; 1]).await;
            tell.send(if matches!(end, Ok(0)) { "closed" } else { "broken" }).await.unwrap();
        }
    })
    .await;
    let client = client_at(&server.host(), |_| {});
    tokio::select! {
        answer = read(&client) => panic!("{answer:?}"),
        event = told.recv() => assert_eq!(event, Some("arrived")),
    }
    assert_eq!(told.recv().await, Some("closed"));
}

#[tokio::test]
async fn at_most_so_many_requests_of_a_token_run_at_a_time() {
    let running = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (now, max) = (Arc::clone(&running), Arc::clone(&most));
    let server = RawServer::start(move |mut stream, _| {
        let (now, max) = (Arc::clone(&now), Arc::clone(&max));
        async move {
            max.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(10)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            send(
                &mut stream,
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
            )
            .await;
        }
    })
    .await;
    let client = client_at(&server.host(), |settings| settings.max_concurrent = 2);
    let other = client.for_call();
    let answers =
        futures::future::join_all((0..12).map(|n| read(if n % 2 == 0 { &client } else { &other })))
            .await;
    assert!(answers.iter().all(std::result::Result::is_ok));
    assert_eq!(most.load(Ordering::SeqCst), 2);
}
