//! What a Client ID Metadata Document must be, and what its URL must be.
//! It fetches nothing and remembers nothing.

use serde::{Deserialize, de::IgnoredAny};
use url::{Host, Url};

use crate::clients::{
    AllowedSchemes, Client, ClientAuth, ClientError, ClientKind, RedirectFlaw, RedirectUri,
    homepage, is_name, url_form,
};

/// Redirect URIs in one document.
const MAX_REDIRECTS: usize = 32;
/// The longest client id. It is stored with each grant.
const MAX_ID: usize = 512;

/// What a metadata document does wrong. No text repeats the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentFlaw {
    /// The draft: any status but 200 is an error, and redirects are not followed.
    #[error("its URL answers with another status than 200")]
    Status,
    /// Not `application/json` or `application/….+json`.
    #[error("it is not served as application/json")]
    ContentType,
    /// More than 5 KB.
    #[error("it is larger than 5 KB")]
    TooLarge,
    /// Not the JSON object it should be.
    #[error(
        "it is not a JSON object with the strings `client_id` and `client_name` and the list \
         `redirect_uris`"
    )]
    Json,
    /// The draft: it must equal the URL, by simple string comparison (RFC 3986 section 6.2.1).
    #[error("its `client_id` is not exactly its own URL")]
    ClientId,
    /// Empty, too long, or with control characters.
    #[error("its `client_name` is not 1 to 200 visible characters")]
    Name,
    /// The draft: no shared secrets in a public document.
    #[error("it contains a client secret, which is public by that")]
    Secret,
    /// Only public clients.
    #[error("its `token_endpoint_auth_method` is not `none`")]
    AuthMethod,
    /// It asks for something else than codes.
    #[error("its `grant_types` lack `authorization_code` or its `response_types` lack `code`")]
    Flow,
    /// None is left, or there are too many.
    #[error("it has no redirect URI that this server allows, or more than 32")]
    Redirects,
    /// One breaks the rules.
    #[error("{0}")]
    Redirect(RedirectFlaw),
}

/// The URL of a client id (the draft's section "Client Identifier"): https, port 443, a host
/// name, a path; no fragment, no user information, no dot segments.
///
/// An IP address as host is refused: the resolver, which keeps this server off private
/// addresses, is not asked for one.
pub(super) fn parse_id(text: &str) -> Option<Url> {
    let url = url_form::parse(text).ok().filter(|_| text.len() <= MAX_ID)?;
    let named = match url.host() {
        Some(Host::Domain(name)) => !name.ends_with('.') && name.contains('.'),
        _ => false,
    };
    let fits = url.scheme() == "https" && url.port().is_none() && named && url.path() != "/";
    fits.then_some(url)
}

/// A client whose id is a URL, without asking anybody: all that the token endpoint needs, since
/// such a client has no secret and its code is bound to its id.
pub(crate) fn unfetched(id: &str, schemes: &AllowedSchemes) -> Result<Client, ClientError> {
    parse_id(id).ok_or(ClientError::BadId)?;
    Ok(Client {
        id: id.to_owned(),
        kind: ClientKind::Cimd,
        name: None,
        uri: None,
        redirect_uris: Vec::new(),
        auth: ClientAuth::None,
        schemes: schemes.clone(),
    })
}

/// The client that a document describes, if it may stand at this URL.
pub(super) fn client(
    body: &[u8],
    id: &str,
    schemes: &AllowedSchemes,
) -> Result<Client, DocumentFlaw> {
    let raw: Raw = serde_json::from_slice(body).map_err(|_| DocumentFlaw::Json)?;
    if raw.client_id != id {
        return Err(DocumentFlaw::ClientId);
    }
    if raw.client_secret.is_some() || raw.client_secret_expires_at.is_some() {
        return Err(DocumentFlaw::Secret);
    }
    if !is_name(&raw.client_name) {
        return Err(DocumentFlaw::Name);
    }
    // RFC 7591 section 2 makes `client_secret_basic` the default, which a document cannot be.
    if raw.token_endpoint_auth_method.is_some_and(|method| method != "none") {
        return Err(DocumentFlaw::AuthMethod);
    }
    let lacks = |list: Option<Vec<String>>, needed: &str| {
        list.is_some_and(|list| !list.iter().any(|entry| entry == needed))
    };
    if lacks(raw.grant_types, "authorization_code") || lacks(raw.response_types, "code") {
        return Err(DocumentFlaw::Flow);
    }
    Ok(Client {
        id: id.to_owned(),
        kind: ClientKind::Cimd,
        name: Some(raw.client_name),
        uri: raw.client_uri.and_then(|uri| homepage(&uri)),
        redirect_uris: redirects(&raw.redirect_uris, schemes)?,
        auth: ClientAuth::None,
        schemes: schemes.clone(),
    })
}

/// A document is the same for all servers, so a private-use scheme that this one does not allow
/// only drops that URI. Everything else that is wrong with one is wrong for everybody.
fn redirects(texts: &[String], schemes: &AllowedSchemes) -> Result<Vec<RedirectUri>, DocumentFlaw> {
    let mut uris = Vec::new();
    for text in texts {
        match RedirectUri::parse(text, schemes) {
            Ok(uri) => uris.push(uri),
            Err(RedirectFlaw::PrivateUse) => {}
            Err(flaw) => return Err(DocumentFlaw::Redirect(flaw)),
        }
    }
    if uris.is_empty() || texts.len() > MAX_REDIRECTS {
        return Err(DocumentFlaw::Redirects);
    }
    Ok(uris)
}

/// What is read of a document. A known member that comes twice is an error.
#[derive(Deserialize)]
struct Raw {
    client_id: String,
    client_name: String,
    redirect_uris: Vec<String>,
    client_uri: Option<String>,
    token_endpoint_auth_method: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    client_secret: Option<IgnoredAny>,
    client_secret_expires_at: Option<IgnoredAny>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ID: &str = "https://app.example.test/client.json";

    fn read(change: impl FnOnce(&mut Value)) -> Result<Client, DocumentFlaw> {
        let mut document = json!({
            "client_id": ID,
            "client_name": "Example Editor",
            "redirect_uris": ["https://app.example.test/cb", "http://127.0.0.1/cb"],
        });
        change(&mut document);
        let schemes = AllowedSchemes::parse(&["cursor"]).unwrap();
        client(document.to_string().as_bytes(), ID, &schemes)
    }

    #[test]
    fn a_document_makes_a_public_client() {
        let client = read(|document| {
            document["client_uri"] = json!("https://app.example.test/");
            document["logo_uri"] = json!({"unknown": ["members are ignored"]});
            document["grant_types"] = json!(["authorization_code", "refresh_token"]);
            document["response_types"] = json!(["code"]);
            document["token_endpoint_auth_method"] = json!("none");
        })
        .unwrap();
        assert_eq!((client.kind, &client.auth), (ClientKind::Cimd, &ClientAuth::None));
        assert_eq!(client.uri.as_ref().map(Url::as_str), Some("https://app.example.test/"));
        assert!(client.redirect("http://127.0.0.1:4711/cb").is_some());
        assert!(client.redirect("https://app.example.test/other").is_none());
        assert!(!client.is_loopback_only());
    }

    #[test]
    fn a_document_that_breaks_a_rule_makes_none() {
        let set = |name: &'static str, value: Value| read(|document| document[name] = value);
        for (name, value, flaw) in [
            ("client_id", json!("https://app.example.test/client.json/"), DocumentFlaw::ClientId),
            (
                "client_id",
                json!("https://app.example.test:443/client.json"),
                DocumentFlaw::ClientId,
            ),
            ("client_id", json!("HTTPS://app.example.test/client.json"), DocumentFlaw::ClientId),
            ("client_id", json!(["https://app.example.test/client.json"]), DocumentFlaw::Json),
            ("client_id", Value::Null, DocumentFlaw::Json),
            ("client_name", Value::Null, DocumentFlaw::Json),
            ("client_name", json!(" "), DocumentFlaw::Name),
            ("client_name", json!("a\u{0}b"), DocumentFlaw::Name),
            ("client_name", json!("x".repeat(201)), DocumentFlaw::Name),
            ("client_secret", json!("published"), DocumentFlaw::Secret),
            ("client_secret_expires_at", json!(0), DocumentFlaw::Secret),
            ("token_endpoint_auth_method", json!("client_secret_post"), DocumentFlaw::AuthMethod),
            ("token_endpoint_auth_method", json!("private_key_jwt"), DocumentFlaw::AuthMethod),
            ("grant_types", json!(["client_credentials"]), DocumentFlaw::Flow),
            ("response_types", json!(["token"]), DocumentFlaw::Flow),
            ("redirect_uris", json!("https://app.example.test/cb"), DocumentFlaw::Json),
            ("redirect_uris", json!([]), DocumentFlaw::Redirects),
            ("redirect_uris", json!(["vscode://x/cb"]), DocumentFlaw::Redirects),
            ("redirect_uris", json!(vec!["https://a.example.test/"; 33]), DocumentFlaw::Redirects),
            (
                "redirect_uris",
                json!(["https://app.example.test/cb", "http://app.example.test/cb"]),
                DocumentFlaw::Redirect(RedirectFlaw::PlainHttp),
            ),
            (
                "redirect_uris",
                json!(["javascript:alert(1)"]),
                DocumentFlaw::Redirect(RedirectFlaw::Scheme),
            ),
        ] {
            assert_eq!(set(name, value.clone()).map(drop), Err(flaw), "{name} {value}");
        }
        let schemes = AllowedSchemes::default();
        for body in
            ["", "[]", "null", "{}", "{\"client_id\":\"a\",\"client_id\":\"a\"}", "\u{feff}{}"]
        {
            assert_eq!(client(body.as_bytes(), ID, &schemes).map(drop), Err(DocumentFlaw::Json));
        }
        let deep = "[".repeat(5_000);
        assert_eq!(client(deep.as_bytes(), ID, &schemes).map(drop), Err(DocumentFlaw::Json));
    }

    #[test]
    fn a_private_use_scheme_of_another_server_only_drops_that_uri() {
        let uris = json!(["vscode://x/cb", "cursor://x/cb", "http://localhost/cb"]);
        let client = read(|document| document["redirect_uris"] = uris).unwrap();
        assert_eq!(client.redirect_uris.len(), 2);
        assert!(client.redirect("cursor://x/cb").is_some());
        assert!(client.redirect("vscode://x/cb").is_none());
    }

    #[test]
    fn a_dangerous_homepage_is_left_out() {
        for uri in ["javascript:alert(1)", "data:text/html,x", "https://u:p@app.example.test/", "x"]
        {
            let client = read(|document| document["client_uri"] = json!(uri)).unwrap();
            assert_eq!(client.uri, None, "{uri}");
        }
    }

    #[test]
    fn an_id_is_an_https_url_on_port_443_with_a_name_and_a_path() {
        for id in [
            ID,
            "https://app.example.test/c",
            "https://app.example.test:443/c",
            "https://app.example.test/a/b/",
            "https://app.example.test/c?version=1",
            "https://xn--bcher-kva.example.test/c",
        ] {
            assert!(parse_id(id).is_some(), "{id}");
        }
        let long = format!("https://app.example.test/{}", "a".repeat(512));
        for id in [
            "",
            long.as_str(),
            "http://app.example.test/c",
            "ftp://app.example.test/c",
            "javascript:alert(1)",
            "https:app.example.test/c",
            "https://app.example.test",
            "https://app.example.test/",
            "https://app.example.test?c",
            "https://app.example.test:8443/c",
            "https://app.example.test:80/c",
            "https://app.example.test:0/c",
            "https://app.example.test/c#",
            "https://app.example.test/c#x",
            "https://u@app.example.test/c",
            "https://u:p@app.example.test/c",
            "https://app.example.test/./c",
            "https://app.example.test/../c",
            "https://app.example.test/a/%2e%2E/c",
            "https://app.example.test/a/..\\c",
            "https://APP.example.test/c",
            "https://app.example.test./c",
            "https://app.example.test/c ",
            "https://app.example.test/c\n",
            "https://b\u{fc}cher.example.test/c",
            "https://localhost/c",
            "https://intranet/c",
            "https://127.0.0.1/c",
            "https://1.1.1.1/c",
            "https://0x7f000001/c",
            "https://2130706433/c",
            "https://127.1/c",
            "https://[::1]/c",
            "https://[::ffff:169.254.169.254]/c",
            "https://[2606:4700::1111]/c",
        ] {
            assert!(parse_id(id).is_none(), "{id}");
            assert!(unfetched(id, &AllowedSchemes::default()).is_err(), "{id}");
        }
    }
}
