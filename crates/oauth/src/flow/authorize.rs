//! `GET /oauth/authorize`: checks the request and shows the dialog, each time. It grants
//! nothing and keeps nothing.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};

use super::{
    choice::Choices,
    cookies::{Cookie, Cookies},
    dialog,
    request::{self, Refused},
    respond::{Problem, with_cookies},
    ticket,
};
use crate::{config::ClientAddress, server::Inner};

/// How long the browser keeps its random name, in seconds; longer than a ticket is valid.
const BROWSER_SECONDS: u32 = 3600;

pub(super) async fn show(
    State(server): State<Arc<Inner>>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let address = address.map(|Extension(address)| address);
    if let Err(problem) = super::admit(&server, address) {
        return problem.into_response();
    }
    let query = query.unwrap_or_default();
    let request = match request::read(&server, &query, address).await {
        Ok(request) => request,
        Err(refused) => return refusal(&server, refused, StatusCode::FOUND),
    };
    let cookies = Cookies::new(server.config.secure);
    let browser = match cookies.browser(&headers) {
        Ok(browser) => browser,
        Err(error) => return Problem::internal(&error).into_response(),
    };
    let ticket = match ticket::seal(&server.keys, &browser, &query, server.clock.now()) {
        Ok(ticket) => ticket,
        Err(error) => return Problem::internal(&error).into_response(),
    };
    let choices = Choices::read(&server.keys, cookies.read(&headers, Cookie::Choice));
    let last = choices.last(&request.client.id, &request.redirect);
    let page = dialog::page(&server.config, &request, last, &ticket);
    with_cookies(page, [cookies.set(Cookie::Browser, &browser, BROWSER_SECONDS)])
}

/// A page, or the redirect with the error.
pub(super) fn refusal(server: &Inner, refused: Refused, status: StatusCode) -> Response {
    match refused {
        Refused::Page(problem) => problem.into_response(),
        Refused::Client(return_to, error) => {
            return_to.with_error(status, &server.config.issuer_id(), &error)
        }
    }
}
