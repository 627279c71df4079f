//! `POST /oauth/token` (RFC 6749 §3.2): codes and refresh tokens against tokens. Which of them
//! are good is decided in `tokens`.

use std::sync::Arc;

use axum::{
    Extension,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};

use crate::{
    config::ClientAddress,
    error::{ErrorCode, OAuthError, no_store},
    params::Params,
    server::Inner,
    tokens::{CodeExchange, Refresh, TokenAnswer},
};

pub(super) async fn answer(
    State(server): State<Arc<Inner>>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let address = address.map(|Extension(address)| address);
    match tokens(&server, address, &headers, body).await {
        Ok(answer) => success(&answer),
        Err(error) => error.into_response(),
    }
}

async fn tokens(
    server: &Inner,
    address: Option<ClientAddress>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<TokenAnswer, OAuthError> {
    super::admit(server, address)?;
    let form = Params::from_form(headers, &super::body(body)?)?;
    // RFC 6749 §3.2; `resource` has an error of its own (RFC 8707 §2).
    if form.repeats_beside(&["resource"]) {
        return Err(OAuthError::invalid_request("a parameter was sent more than once"));
    }
    let client = server.clients.authenticate(headers, &form).await?;
    let resources: Vec<&str> = form.all("resource").collect();
    let answer = match form.required("grant_type")? {
        "authorization_code" => {
            let exchange = CodeExchange {
                client_id: &client.id,
                code: form.required("code")?,
                redirect_uri: form.required("redirect_uri")?,
                code_verifier: form.required("code_verifier")?,
                resources: &resources,
            };
            server.tokens.redeem(exchange).await?
        }
        "refresh_token" => {
            let refresh = Refresh {
                client_id: &client.id,
                refresh_token: form.required("refresh_token")?,
                scope: form.one("scope")?,
                resources: &resources,
            };
            server.tokens.refresh(refresh).await?
        }
        _ => {
            return Err(OAuthError::new(
                ErrorCode::UnsupportedGrantType,
                "grant_type must be authorization_code or refresh_token",
            ));
        }
    };
    tracing::info!(grant = %answer.grant(), client = %client.id, "tokens were issued");
    Ok(answer)
}

/// The answer as it was made: a repeated one is identical to the byte.
fn success(answer: &TokenAnswer) -> Response {
    let mut response = answer.json().to_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    no_store(headers);
    response
}
