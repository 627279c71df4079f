//! What comes in and what goes out: a request as endpoints see it, and an answer before it is sent.
//! Knows no endpoint.

use std::borrow::Cow;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response, StatusCode, header},
};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::{oauth::OAuth, server::Site};

/// A request to the API, on its way to an endpoint.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) site: Site,
    pub(crate) host: &'a str,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) authorization: Option<&'a str>,
    pub(crate) body: &'a Bytes,
    /// The decoded query string.
    pub(crate) params: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Who signed in, for tokens that were made that way.
    pub(crate) oauth: &'a OAuth,
}

impl Call<'_> {
    /// The first value of a query parameter.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref())
    }

    /// All values of a query parameter.
    pub(crate) fn params<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.params.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_ref())
    }

    /// The body as a JSON object.
    pub(crate) fn json(&self) -> Result<serde_json::Map<String, Value>, Reply> {
        match serde_json::from_slice(self.body) {
            Ok(Value::Object(fields)) => Ok(fields),
            Ok(_) => Err(Reply::json(
                400,
                &json!({ "non_field_errors": ["Invalid data. Expected a dictionary."] }),
            )),
            Err(error) => Err(Reply::detail(400, &format!("JSON parse error - {error}"))),
        }
    }
}

/// An answer before it is sent.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    content_type: &'static str,
    headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn bytes(status: u16, content_type: &'static str, body: Bytes) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, content_type, headers: Vec::new(), body }
    }

    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self::bytes(status, "application/json", Bytes::from(value.to_string()))
    }

    /// A body that is JSON already.
    pub(crate) fn stored(body: Bytes) -> Self {
        Self::bytes(200, "application/json", body)
    }

    /// Sentry's usual error.
    pub(crate) fn detail(status: u16, detail: &str) -> Self {
        Self::json(status, &json!({ "detail": detail }))
    }

    /// Sentry's error about one field of a body.
    pub(crate) fn field(field: &str, message: &str) -> Self {
        Self::json(400, &json!({ (field): [message] }))
    }

    pub(crate) fn not_found() -> Self {
        Self::detail(404, "The requested resource does not exist")
    }

    pub(crate) fn forbidden() -> Self {
        Self::detail(403, "You do not have permission to perform this action.")
    }

    pub(crate) fn no_content() -> Self {
        Self::bytes(204, "application/json", Bytes::new())
    }

    pub(crate) fn redirect(location: String) -> Self {
        Self::bytes(302, "text/html; charset=utf-8", Bytes::new()).header("location", location)
    }

    /// What Sentry's catch-all view answers under `/api/0/`.
    pub(crate) fn no_route() -> Self {
        Self::bytes(404, "text/html; charset=utf-8", Bytes::new())
    }

    /// What Sentry answers for a page that does not exist.
    pub(crate) fn no_page() -> Self {
        let page = "<!DOCTYPE html>\n<html><head><title>Page Not Found</title></head>\
                    <body><h1>Page Not Found</h1></body></html>\n";
        Self::bytes(404, "text/html; charset=utf-8", Bytes::from_static(page.as_bytes()))
    }

    #[must_use]
    pub(crate) fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}

/// `Ok` and `Err` are both answers; `Err` ends the way to the endpoint early.
pub(crate) type Answer = Result<Reply, Reply>;
