//! Bodies: reading one within its limits, and an answer that holds a place until it was sent.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use server::http::ResponseBody;
use tokio::time::timeout;

use crate::{challenge::refuse, login::Place};

/// How long a body may take to arrive.
const BODY_LIMIT: Duration = Duration::from_secs(15);

/// Reads a body of at most `most` bytes.
pub(super) async fn read(headers: &HeaderMap, body: Body, most: usize) -> Result<Bytes, Response> {
    let too_large =
        || refuse(StatusCode::PAYLOAD_TOO_LARGE, &format!("the body is larger than {most} bytes"));
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if length.and_then(|text| text.parse::<u64>().ok()).is_some_and(|told| told > most as u64) {
        return Err(too_large());
    }
    match timeout(BODY_LIMIT, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(err)) if err.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(refuse(StatusCode::BAD_REQUEST, "the body could not be read")),
        Err(_) => Err(refuse(StatusCode::REQUEST_TIMEOUT, "the body took too long to arrive")),
    }
}

/// A body that holds its caller's place until it was sent, or nobody wants it any more.
pub(super) struct Held {
    body: ResponseBody,
    _place: Place<String>,
}

impl Held {
    pub(super) fn new(body: ResponseBody, place: Place<String>) -> Held {
        Held { body, _place: place }
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn status_of(headers: &HeaderMap, body: Body) -> Result<Bytes, u16> {
        read(headers, body, 8).await.map_err(|response| response.status().as_u16())
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit_whatever_it_says_about_its_length() {
        let none = HeaderMap::new();
        assert_eq!(status_of(&none, "12345678".into()).await, Ok("12345678".into()));
        assert_eq!(status_of(&none, "123456789".into()).await, Err(413));
        let told = HeaderMap::from_iter([(header::CONTENT_LENGTH, "9".parse().unwrap())]);
        assert_eq!(status_of(&told, "1".into()).await, Err(413), "not read at all");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_is_given_up() {
        struct Never;
        impl HttpBody for Never {
            type Data = Bytes;
            type Error = std::convert::Infallible;
            fn poll_frame(
                self: Pin<&mut Self>,
                _cx: &mut Context<'_>,
            ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
                Poll::Pending
            }
        }
        assert_eq!(status_of(&HeaderMap::new(), Body::new(Never)).await, Err(408));
    }
}
