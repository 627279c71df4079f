//! Client authentication at the token and revocation endpoints (RFC 6749 section 2.3).
//! It looks at no code and no token.

use axum::http::{HeaderMap, header::AUTHORIZATION};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded;

use super::{Client, ClientAuth, ClientDirectory, ClientError, cimd};
use crate::{error::OAuthError, params::Params};

/// More than any id and secret need: an id of 512 and a secret of 200 characters, encoded twice.
const MAX_BASIC: usize = 4_096;

/// What a request says about who sends it.
struct Claim {
    id: String,
    secret: Option<SecretString>,
    /// Whether it came in a header, so that the refusal names that scheme.
    basic: bool,
}

impl ClientDirectory {
    /// The client that sends this request to the token or revocation endpoint.
    ///
    /// `client_secret_basic` and `client_secret_post` are both taken from a client that has a
    /// secret, whichever it registered; a public client sends its `client_id` alone. Two methods
    /// in one request are `invalid_request` (RFC 6749 section 2.3), everything else that fails is
    /// `invalid_client`, with a challenge if `Basic` was tried (section 5.2).
    pub async fn authenticate(
        &self,
        headers: &HeaderMap,
        form: &Params,
    ) -> Result<Client, OAuthError> {
        let claim = claim(headers, form)?;
        let refused = |error: OAuthError| {
            if claim.basic { error.with_basic_challenge() } else { error }
        };
        let client = self.claimed(&claim.id).await.map_err(|error| refused(error.into()))?;
        let proven = match (&client.auth, &claim.secret) {
            (ClientAuth::None, None) => true,
            (ClientAuth::Secret(digest), Some(secret)) => digest.matches(secret.expose_secret()),
            (ClientAuth::None, Some(_)) | (ClientAuth::Secret(_), None) => false,
        };
        if proven {
            return Ok(client);
        }
        Err(refused(OAuthError::invalid_client(
            "client authentication failed; send the client secret that was issued, or none if none \
             was issued",
        )))
    }

    /// The same as [`ClientDirectory::find`], but without fetching: nobody outside is asked for
    /// each token, and a host that is down does not end sessions.
    async fn claimed(&self, id: &str) -> Result<Client, ClientError> {
        if let Some(client) = self.configured.get(id) {
            return Ok(client.clone());
        }
        if id.contains(':') {
            return cimd::unfetched(id, &self.schemes);
        }
        self.registered(id).await
    }
}

fn claim(headers: &HeaderMap, form: &Params) -> Result<Claim, OAuthError> {
    let (id, secret) = (form.one("client_id")?, form.one("client_secret")?);
    if form.one("client_assertion")?.is_some() || form.one("client_assertion_type")?.is_some() {
        return Err(OAuthError::invalid_client(
            "client assertions are not supported; use none, client_secret_basic or \
             client_secret_post",
        ));
    }
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        let id = id.ok_or_else(|| OAuthError::invalid_request("client_id is missing"))?;
        let secret = secret.map(|secret| SecretString::from(secret.to_owned()));
        return Ok(Claim { id: id.to_owned(), secret, basic: false });
    };
    if values.next().is_some() || secret.is_some() {
        return Err(OAuthError::invalid_request(
            "the client authenticates in more than one way; use one",
        ));
    }
    let claim = value.to_str().ok().and_then(basic).ok_or_else(|| {
        OAuthError::invalid_client("the Authorization header is no valid Basic authentication")
            .with_basic_challenge()
    })?;
    match id {
        Some(id) if id != claim.id => Err(OAuthError::invalid_request(
            "client_id and the Authorization header name different clients",
        )),
        _ => Ok(claim),
    }
}

/// `Basic` with id and secret, each form-encoded before (RFC 6749 section 2.3.1, RFC 7617).
fn basic(value: &str) -> Option<Claim> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") || encoded.len() > MAX_BASIC {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim_start_matches(' ')).ok()?;
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    let (id, secret) = (form_decoded(id)?, form_decoded(secret)?);
    // A secret without a value counts as not sent (RFC 6749 section 3.2).
    let secret = (!secret.is_empty()).then(|| SecretString::from(secret));
    (!id.is_empty()).then_some(Claim { id, secret, basic: true })
}

fn form_decoded(text: &str) -> Option<String> {
    if text.contains(['&', '=']) {
        return Some(text.to_owned());
    }
    let mut pairs = form_urlencoded::parse(text.as_bytes());
    let decoded = pairs.next().map_or_else(String::new, |(name, _)| name.into_owned());
    (!decoded.contains(char::REPLACEMENT_CHARACTER)).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        clients::{
            cimd::tests::ID,
            tests::{CONFIGURED_SECRET, Rig},
        },
        store::DAY,
    };

    /// What came of a request: the client's id, or the error, its status, and the challenge.
    type Outcome = Result<String, (&'static str, u16, bool)>;

    async fn ask(rig: &Rig, authorization: &[String], form: &[(&str, &str)]) -> Outcome {
        let mut headers = HeaderMap::new();
        for value in authorization {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let form = Params::parse(form.as_bytes()).unwrap();
        rig.directory.authenticate(&headers, &form).await.map(|client| client.id).map_err(|error| {
            let code = error.code().as_str();
            let response = error.into_response();
            let challenged = response.headers().contains_key("www-authenticate");
            (code, response.status().as_u16(), challenged)
        })
    }

    fn basic(text: &str) -> Vec<String> {
        vec![format!("Basic {}", STANDARD.encode(text))]
    }

    async fn registered(rig: &Rig, method: &str) -> (String, String) {
        let request = json!({
            "redirect_uris": ["http://localhost/cb"],
            "token_endpoint_auth_method": method,
        });
        let answer: Value = rig.register(&request).await;
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        (text("client_id"), text("client_secret"))
    }

    const REFUSED: Outcome = Err(("invalid_client", 401, false));
    const CHALLENGED: Outcome = Err(("invalid_client", 401, true));
    const TWICE: Outcome = Err(("invalid_request", 400, false));

    #[tokio::test]
    async fn a_public_client_only_names_itself() {
        let rig = Rig::new().await;
        let (id, secret) = registered(&rig, "none").await;
        assert_eq!(secret, "");
        for id in [id.as_str(), "desk", ID] {
            let own = Ok(id.to_owned());
            assert_eq!(ask(&rig, &[], &[("client_id", id)]).await, own, "{id}");
            assert_eq!(ask(&rig, &[], &[("client_id", id), ("client_secret", "")]).await, own);
            let secret = [("client_id", id), ("client_secret", "x")];
            assert_eq!(ask(&rig, &[], &secret).await, REFUSED, "{id}");
        }
        assert_eq!(rig.host.asked(), 0, "no document is fetched for a token");
    }

    #[tokio::test]
    async fn a_confidential_client_proves_itself_in_the_header_or_in_the_form() {
        let rig = Rig::new().await;
        for method in ["client_secret_basic", "client_secret_post"] {
            let (id, secret) = registered(&rig, method).await;
            let own = Ok(id.clone());
            let pair = basic(&format!("{id}:{secret}"));
            assert_eq!(ask(&rig, &pair, &[]).await, own);
            assert_eq!(ask(&rig, &pair, &[("client_id", &id)]).await, own);
            let lower = vec![pair[0].replacen("Basic", "bAsIc", 1)];
            assert_eq!(ask(&rig, &lower, &[]).await, own);
            let post = [("client_id", id.as_str()), ("client_secret", &secret)];
            assert_eq!(ask(&rig, &[], &post).await, own);

            assert_eq!(ask(&rig, &[], &[("client_id", &id)]).await, REFUSED);
            for wrong in ["", "x", &secret[1..], &format!("{secret}x"), &secret.to_uppercase()] {
                let post = [("client_id", id.as_str()), ("client_secret", wrong)];
                assert_eq!(ask(&rig, &[], &post).await, REFUSED, "{wrong}");
                let pair = basic(&format!("{id}:{wrong}"));
                assert_eq!(ask(&rig, &pair, &[]).await, CHALLENGED, "{wrong}");
            }
            rig.clock.advance(91 * DAY);
            assert_eq!(ask(&rig, &pair, &[]).await, CHALLENGED, "the registration has ended");
        }
    }

    #[tokio::test]
    async fn id_and_secret_are_form_encoded_inside_basic() {
        let rig = Rig::new().await;
        let encoded: String =
            form_urlencoded::byte_serialize(CONFIGURED_SECRET.as_bytes()).collect();
        let own = Ok("shop".to_owned());
        assert_eq!(ask(&rig, &basic(&format!("shop:{encoded}")), &[]).await, own);
        assert_eq!(ask(&rig, &basic(&format!("sh%6Fp:{encoded}")), &[]).await, own);
        let raw = basic(&format!("shop:{CONFIGURED_SECRET}"));
        assert_eq!(ask(&rig, &raw, &[]).await, CHALLENGED);
        let post = [("client_id", "shop"), ("client_secret", CONFIGURED_SECRET)];
        assert_eq!(ask(&rig, &[], &post).await, own);
    }

    #[tokio::test]
    async fn two_ways_at_once_are_no_request() {
        let rig = Rig::new().await;
        let (id, secret) = registered(&rig, "client_secret_post").await;
        let pair = basic(&format!("{id}:{secret}"));
        let post = [("client_id", id.as_str()), ("client_secret", &secret)];
        assert_eq!(ask(&rig, &pair, &post).await, TWICE);
        let both = [pair[0].clone(), pair[0].clone()];
        assert_eq!(ask(&rig, &both, &[]).await, TWICE);
        assert_eq!(ask(&rig, &pair, &[("client_id", "desk")]).await, TWICE);
        let repeated = [("client_id", "desk"), ("client_id", "desk")];
        assert_eq!(ask(&rig, &[], &repeated).await, TWICE);
        let repeated = [("client_id", "shop"), ("client_secret", "a"), ("client_secret", "a")];
        assert_eq!(ask(&rig, &[], &repeated).await, TWICE);
    }

    #[tokio::test]
    async fn a_client_is_never_taken_for_another() {
        let rig = Rig::new().await;
        let (one, one_secret) = registered(&rig, "client_secret_basic").await;
        let (other, other_secret) = registered(&rig, "client_secret_basic").await;
        let mixed = basic(&format!("{one}:{other_secret}"));
        assert_eq!(ask(&rig, &mixed, &[]).await, CHALLENGED);
        let mixed = [("client_id", other.as_str()), ("client_secret", &one_secret)];
        assert_eq!(ask(&rig, &[], &mixed).await, REFUSED);
        let document = basic(&format!("{}:x", ID.replace(':', "%3A")));
        assert_eq!(ask(&rig, &document, &[]).await, CHALLENGED);
    }

    #[tokio::test]
    async fn what_is_no_authentication_is_refused() {
        let rig = Rig::new().await;
        for header in [
            "",
            "Basic",
            "Basic ",
            "Basic !!!",
            "Basic c2hvcA==",
            "Basic Og==",
            "Basic /////w==",
            "Bearer abc",
            "Digest x",
            "BasicOg==",
        ] {
            let outcome = ask(&rig, &[header.to_owned()], &[]).await;
            assert_eq!(outcome, CHALLENGED, "{header}");
        }
        let long = basic(&format!("shop:{}", "a".repeat(10_000)));
        assert_eq!(ask(&rig, &long, &[]).await, CHALLENGED);
        assert_eq!(ask(&rig, &[], &[]).await, TWICE, "nothing names a client");
        for id in ["nobody", "https://127.0.0.1/x", "javascript:x"] {
            assert_eq!(ask(&rig, &[], &[("client_id", id)]).await, REFUSED, "{id}");
        }
        for name in ["client_assertion", "client_assertion_type"] {
            let form = [("client_id", "desk"), (name, "x")];
            assert_eq!(ask(&rig, &[], &form).await, REFUSED, "{name}");
        }
    }
}
