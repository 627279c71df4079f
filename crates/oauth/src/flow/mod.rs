//! The way of a person: authorization request, dialog, decision, login at Sentry, and back to
//! the client. What clients call by themselves is in `endpoints`.

mod approve;
mod authorize;
mod callback;
mod choice;
mod cookies;
mod decision;
mod dialog;
mod display;
mod request;
mod respond;
mod ticket;

use std::sync::Arc;

use axum::{Router, routing::get};
use scopes::ScopeSet;

use self::respond::Problem;
use crate::{
    clients::{Client, ClientError},
    config::ClientAddress,
    error::ErrorCode,
    limits::AddressKey,
    server::Inner,
};

/// The pages, below the root of the server.
pub(crate) fn router() -> Router<Arc<Inner>> {
    Router::new()
        .route("/oauth/authorize", get(authorize::show).post(approve::decide))
        .route("/oauth/callback", get(callback::finish))
}

/// Scopes as they go over the wire: separated by single blanks (RFC 6749 §3.3).
fn scope_text(scopes: ScopeSet) -> String {
    let names: Vec<&str> = scopes.iter().map(scopes::Scope::as_str).collect();
    names.join(" ")
}

/// The client, or the page that says why not.
async fn find_client(
    server: &Inner,
    client_id: &str,
    from: Option<ClientAddress>,
) -> Result<Client, Problem> {
    let from = from.map(|ClientAddress(address)| address);
    server.clients.find(client_id, from).await.map_err(|error| match error {
        ClientError::TooMany(refusal) => Problem::too_many(refusal.seconds()),
        ClientError::Store => Problem::internal(&error),
        error => Problem::new(
            ErrorCode::InvalidClient,
            "The program that sent you here is not known",
            request::sentence(&error.to_string()),
        ),
    })
}

/// Takes one request out of an address's allowance.
fn admit(server: &Inner, address: Option<ClientAddress>) -> Result<(), Problem> {
    let key = AddressKey::of(address.map(|ClientAddress(address)| address));
    server.authorize_limit.check(&key).map_err(|refusal| Problem::too_many(refusal.seconds()))
}
