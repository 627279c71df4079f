//! `POST /oauth/revoke` (RFC 7009): a client gives a token back, and its grant ends.

use std::sync::Arc;

use axum::{
    Extension,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};

use crate::{
    config::ClientAddress,
    error::{OAuthError, no_store},
    params::Params,
    server::Inner,
};

pub(super) async fn answer(
    State(server): State<Arc<Inner>>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let address = address.map(|Extension(address)| address);
    match revoke(&server, address, &headers, body).await {
        Ok(()) => {
            let mut response = StatusCode::OK.into_response();
            no_store(response.headers_mut());
            response
        }
        Err(error) => error.into_response(),
    }
}

/// A token that is unknown or another client's is no error, and the hint about its type is not
/// needed: both types are looked up (RFC 7009 §2.1, §2.2).
async fn revoke(
    server: &Inner,
    address: Option<ClientAddress>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(), OAuthError> {
    super::admit(server, address)?;
    let form = Params::from_form(headers, &super::body(body)?)?;
    if form.repeats_beside(&[]) {
        return Err(OAuthError::invalid_request("a parameter was sent more than once"));
    }
    let client = server.clients.authenticate(headers, &form).await?;
    let token = form.required("token")?;
    server.tokens.revoke_token(&client.id, token).await.map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "a token was not revoked");
        // The client must take the token for valid and may try again (RFC 7009 §2.2.1).
        OAuthError::new(
            crate::error::ErrorCode::TemporarilyUnavailable,
            "this server cannot reach its store; try again later",
        )
    })
}
