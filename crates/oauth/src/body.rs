//! How long the body of a request may take to arrive. Without an end, a few connections that
//! send a byte a minute each would hold a server for ever.
//!
//! How large a body may be is said by the router, and what is in it by nobody here.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    BoxError,
    body::{Body, Bytes, HttpBody as _},
    extract::Request,
    http::{HeaderValue, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use futures::{Stream, StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};

use crate::error::OAuthError;

/// The time for a whole body, of which none is larger than 16 KiB.
const LIMIT: Duration = Duration::from_secs(15);

/// Ends a request whose body does not arrive in time with 408 (RFC 9110 §15.5.9) and closes its
/// connection. The time for the answer is not limited: a code of Sentry that was sent off is
/// waited for.
pub(crate) async fn in_time(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let late = Arc::new(AtomicBool::new(false));
    let until = Instant::now() + LIMIT;
    let request = request.map(|body| Body::from_stream(arriving(body, until, Arc::clone(&late))));
    let response = next.run(request).await;
    if !late.load(Ordering::Relaxed) {
        return response;
    }
    let mut response = OAuthError::too_slow().into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The same body, which fails once its time is over.
fn arriving(
    body: Body,
    until: Instant,
    late: Arc<AtomicBool>,
) -> impl Stream<Item = Result<Bytes, BoxError>> {
    stream::try_unfold((body.into_data_stream(), late), move |(mut body, late)| async move {
        match timeout_at(until, body.next()).await {
            Ok(Some(chunk)) => Ok(Some((chunk?, (body, late)))),
            Ok(None) => Ok(None),
            Err(elapsed) => {
                late.store(true, Ordering::Relaxed);
                Err(elapsed.into())
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use axum::{Router, extract::rejection::BytesRejection, middleware, routing::post};
    use tower::ServiceExt as _;

    use super::*;

    async fn status_of(body: Body) -> (u16, bool) {
        let read = async |body: Result<Bytes, BytesRejection>| match body {
            Ok(_) => "read",
            Err(_) => "not read",
        };
        let router = Router::new().route("/", post(read)).layer(middleware::from_fn(in_time));
        let response = router.oneshot(Request::post("/").body(body).unwrap()).await.unwrap();
        (response.status().as_u16(), response.headers().contains_key(header::CONNECTION))
    }

    /// A byte each second.
    fn dripping(bytes: u32) -> Body {
        Body::from_stream(stream::unfold(0, move |sent| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            (sent < bytes).then_some((Ok::<_, BoxError>("a"), sent + 1))
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_end_in_time_ends_the_request() {
        assert_eq!(status_of(dripping(13)).await, (200, false));
        assert_eq!(status_of(dripping(15)).await, (408, true));
        assert_eq!(
            status_of(Body::from_stream(stream::pending::<Result<Bytes, BoxError>>())).await,
            (408, true)
        );
    }

    #[tokio::test]
    async fn a_request_without_a_body_is_none_of_this_modules_business() {
        assert_eq!(status_of(Body::empty()).await, (200, false));
    }
}
