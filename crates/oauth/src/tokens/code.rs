//! From an approval to a code, and from a code to tokens (RFC 6749 section 4.1, OAuth 2.1
//! section 4.1.3). Whether the client is who it says is checked before.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use scopes::ScopeSet;
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::{CODE_LIFETIME, TokenAnswer, TokenError, Tokens, stored_scopes};
use crate::{
    resource::Resource,
    secret::{Digest, Secret},
    store::{CodeRecord, GrantId, GrantRecord, Millis, Redeemed},
};

/// Why a grant ends whose code was used twice, in words for the person.
const CODE_REUSED: &str = "its authorization code was used twice, as if it had been stolen";

/// What a person approved, and what Sentry gave for it.
#[derive(Debug)]
pub struct Approval<'a> {
    /// The client.
    pub client_id: &'a str,
    /// What the client calls itself.
    pub client_name: Option<&'a str>,
    /// The redirect URI of the request, as the client sent it.
    pub redirect_uri: &'a str,
    /// The S256 challenge of the request.
    pub code_challenge: &'a str,
    /// The resource of the request.
    pub resource: &'a Resource,
    /// What the person approved.
    pub scopes: ScopeSet,
    /// The id of the person at Sentry.
    pub subject: &'a str,
    /// A name for the person.
    pub label: &'a str,
    /// Sentry's tokens, in a form of the caller's choice; they are stored sealed.
    pub sentry: &'a SecretSlice<u8>,
    /// The scopes that Sentry gave, as it named them.
    pub sentry_scopes: &'a [String],
    /// When Sentry's access token ends, if Sentry said so.
    pub sentry_expires_at: Option<Millis>,
}

/// A token request with an authorization code (RFC 6749 section 4.1.3), of a client that was
/// authenticated.
#[derive(Clone, Copy)]
pub struct CodeExchange<'a> {
    /// The client.
    pub client_id: &'a str,
    /// `code`
    pub code: &'a str,
    /// `redirect_uri`, which must be the one of the authorization request.
    pub redirect_uri: &'a str,
    /// `code_verifier` (RFC 7636 section 4.5)
    pub code_verifier: &'a str,
    /// `resource`, as often as it was sent.
    pub resources: &'a [&'a str],
}

impl Tokens {
    /// Keeps an approval as a new grant and returns the code for it, which lives 60 s.
    pub async fn approve(&self, approval: &Approval<'_>) -> Result<Secret, TokenError> {
        let (id, code) = (GrantId::random()?, Secret::random()?);
        let now = self.clock.now();
        let place = GrantRecord::sentry_place(&id);
        let sentry = self.keys.seal(place, approval.sentry.expose_secret())?;
        let grant = GrantRecord {
            client_id: approval.client_id.to_owned(),
            client_name: approval.client_name.map(str::to_owned),
            subject: approval.subject.to_owned(),
            label: approval.label.to_owned(),
            scopes: approval.scopes.iter().map(|scope| scope.to_string()).collect(),
            resource: approval.resource.as_str().to_owned(),
            sentry: Some(sentry),
            sentry_version: 1,
            sentry_scopes: approval.sentry_scopes.to_vec(),
            sentry_expires_at: approval.sentry_expires_at,
            created_at: now,
            last_used_at: now,
            revoked_at: None,
            revoked_reason: None,
            id: id.clone(),
        };
        let record = CodeRecord {
            digest: code.digest(),
            grant: id,
            client_id: grant.client_id.clone(),
            redirect_uri: approval.redirect_uri.to_owned(),
            code_challenge: approval.code_challenge.to_owned(),
            resource: grant.resource.clone(),
            expires_at: now.saturating_add(CODE_LIFETIME),
            used_at: None,
        };
        self.store.create_grant(&grant, &record).await?;
        Ok(code)
    }

    /// Redeems a code.
    ///
    /// OAuth 2.1 section 4.1.3: a second *valid* request with the same code revokes what the
    /// first one got. A request with another client, redirect URI or verifier is not valid: it
    /// gets nothing and changes nothing, so that whoever saw a code, but has not its verifier,
    /// cannot end a session with it.
    pub async fn redeem(&self, request: CodeExchange<'_>) -> Result<TokenAnswer, TokenError> {
        if !plausible_verifier(request.code_verifier) {
            return Err(TokenError::Verifier);
        }
        let digest = Digest::of_secret(request.code).ok_or(TokenError::Code)?;
        let code = self.store.code(&digest).await?.ok_or(TokenError::Code)?;
        let bound = code.client_id == request.client_id
            && code.redirect_uri == request.redirect_uri
            && s256_matches(request.code_verifier, &code.code_challenge);
        if !bound || (code.used_at.is_none() && code.expires_at <= self.clock.now()) {
            return Err(TokenError::Code);
        }
        let grant = self.store.grant(&code.grant).await?.ok_or(TokenError::Code)?;
        let approved = Resource::parse(&self.issuer, &[&code.resource])?;
        let resource = match approved.narrowed(&self.issuer, request.resources) {
            // A code that was used is reuse, whatever it is used for.
            Err(_) if code.used_at.is_some() => approved,
            other => other?,
        };
        let scopes = stored_scopes(&grant.id, &grant.scopes);
        let (issued, answer) = self.issue(&grant, scopes, &resource)?;
        let now = self.clock.now();
        // Only a reuse changes what is known about other tokens of this grant.
        let _forgotten = code.used_at.is_some().then(|| self.cache.forgetting(&grant.id));
        match self.store.redeem_code(&digest, &issued, CODE_REUSED, now).await? {
            Redeemed::Yes => Ok(answer),
            Redeemed::AlreadyUsed(grant) => {
                drop(self.cache.forgetting(&grant));
                tracing::warn!(%grant, client = %code.client_id, "a code was used twice");
                Err(TokenError::CodeReused)
            }
            Redeemed::No => Err(TokenError::Code),
        }
    }
}

/// RFC 7636 section 4.1: 43 to 128 unreserved characters.
fn plausible_verifier(verifier: &str) -> bool {
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

/// RFC 7636 section 4.6, with S256, the only method.
fn s256_matches(verifier: &str, challenge: &str) -> bool {
    let computed = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    computed.as_bytes().ct_eq(challenge.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::{super::testing::Fixture, *};
    use crate::error::ErrorCode;

    fn exchange(code: &Secret) -> CodeExchange<'_> {
        CodeExchange {
            client_id: "client",
            code: code.expose(),
            redirect_uri: Fixture::REDIRECT,
            code_verifier: Fixture::VERIFIER,
            resources: &[],
        }
    }

    #[test]
    fn the_example_of_rfc_7636_appendix_b_matches() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(s256_matches("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", challenge));
        assert!(!s256_matches(challenge, challenge));
        assert!(!s256_matches("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", ""));
    }

    #[tokio::test]
    async fn a_code_gives_tokens_that_state_what_was_granted() {
        let fixture = Fixture::new().await;
        let code = fixture.approve("client", "/mcp").await;
        let answer = fixture.tokens.redeem(exchange(&code)).await.unwrap();
        let body: serde_json::Value = serde_json::from_str(answer.json()).unwrap();
        assert_eq!(body["token_type"], "Bearer");
        assert_eq!(body["expires_in"], 3600);
        assert_eq!(body["scope"], "org:read event:write");
        assert_eq!(body["access_token"].as_str().unwrap().len(), 43);
        assert_ne!(body["access_token"], body["refresh_token"]);
    }

    #[tokio::test]
    async fn a_second_use_revokes_what_the_first_one_issued() {
        let fixture = Fixture::new().await;
        let code = fixture.approve("client", "/mcp").await;
        let answer = fixture.tokens.redeem(exchange(&code)).await.unwrap();
        let token = Fixture::field(&answer, "access_token");
        fixture.tokens.authenticate(&token, "/mcp").await.unwrap();
        // Also long after the code itself has ended.
        fixture.clock.advance(2 * CODE_LIFETIME);
        let error = fixture.tokens.redeem(exchange(&code)).await.unwrap_err();
        assert!(matches!(error, TokenError::CodeReused), "{error:?}");
        assert!(fixture.tokens.authenticate(&token, "/mcp").await.is_err());
        let error = fixture.refresh("client", &answer).await.unwrap_err();
        assert!(error.to_string().contains("used twice"), "{error}");
    }

    #[tokio::test]
    async fn a_request_that_is_not_valid_gets_nothing_and_changes_nothing() {
        let fixture = Fixture::new().await;
        let code = fixture.approve("client", "/mcp").await;
        let good = exchange(&code);
        let long = "a".repeat(129);
        let other = "b".repeat(43);
        let unknown = "A".repeat(43);
        let wider = ["https://other.example.test/mcp"];
        let twice = ["https://mcp.example.test/mcp", "https://mcp.example.test/mcp"];
        let hostile = [
            (CodeExchange { client_id: "other", ..good }, ErrorCode::InvalidGrant),
            (CodeExchange { client_id: "", ..good }, ErrorCode::InvalidGrant),
            (
                CodeExchange { redirect_uri: "http://127.0.0.1:9/other", ..good },
                ErrorCode::InvalidGrant,
            ),
            (CodeExchange { redirect_uri: "", ..good }, ErrorCode::InvalidGrant),
            (CodeExchange { code_verifier: &other, ..good }, ErrorCode::InvalidGrant),
            (CodeExchange { code_verifier: &long, ..good }, ErrorCode::InvalidRequest),
            (CodeExchange { code_verifier: "", ..good }, ErrorCode::InvalidRequest),
            (CodeExchange { code: &unknown, ..good }, ErrorCode::InvalidGrant),
            (CodeExchange { code: "", ..good }, ErrorCode::InvalidGrant),
            (CodeExchange { resources: &wider, ..good }, ErrorCode::InvalidTarget),
            (CodeExchange { resources: &twice, ..good }, ErrorCode::InvalidTarget),
        ];
        for (request, expected) in hostile {
            let error = fixture.tokens.redeem(request).await.unwrap_err();
            assert_eq!(error.code(), expected, "{error:?}");
            let told = error.to_string();
            assert!(!told.contains(request.code_verifier) || request.code_verifier.is_empty());
            assert!(!told.contains(good.code), "{told}");
        }
        let answer = fixture.tokens.redeem(good).await.unwrap();
        let token = Fixture::field(&answer, "access_token");
        fixture.tokens.authenticate(&token, "/mcp").await.unwrap();
    }

    #[tokio::test]
    async fn a_stolen_code_without_its_verifier_ends_no_session() {
        let fixture = Fixture::new().await;
        let code = fixture.approve("client", "/mcp").await;
        let answer = fixture.tokens.redeem(exchange(&code)).await.unwrap();
        let other = "b".repeat(43);
        let stolen = CodeExchange { code_verifier: &other, ..exchange(&code) };
        let error = fixture.tokens.redeem(stolen).await.unwrap_err();
        assert!(matches!(error, TokenError::Code), "{error:?}");
        fixture
            .tokens
            .authenticate(&Fixture::field(&answer, "access_token"), "/mcp")
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_code_ends_after_60_seconds() {
        for (age, valid) in [(CODE_LIFETIME - 1, true), (CODE_LIFETIME, false)] {
            let fixture = Fixture::new().await;
            let code = fixture.approve("client", "/mcp").await;
            fixture.clock.advance(age);
            assert_eq!(fixture.tokens.redeem(exchange(&code)).await.is_ok(), valid, "{age}");
        }
    }

    #[tokio::test]
    async fn a_code_can_be_redeemed_for_a_part_of_its_resource() {
        let fixture = Fixture::new().await;
        let code = fixture.approve("client", "/mcp/acme").await;
        let part = ["https://mcp.example.test/mcp/acme/api"];
        let request = CodeExchange { resources: &part, ..exchange(&code) };
        let answer = fixture.tokens.redeem(request).await.unwrap();
        let token = Fixture::field(&answer, "access_token");
        fixture.tokens.authenticate(&token, "/mcp/acme/api").await.unwrap();
        assert!(fixture.tokens.authenticate(&token, "/mcp/acme").await.is_err());

        let code = fixture.approve("client", "/mcp/acme").await;
        let whole = ["https://mcp.example.test/mcp"];
        let request = CodeExchange { resources: &whole, ..exchange(&code) };
        let error = fixture.tokens.redeem(request).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidTarget);
    }

    #[tokio::test]
    async fn of_simultaneous_uses_one_wins_and_the_others_revoke_it() {
        let fixture = Fixture::on_file().await;
        let code = fixture.approve("client", "/mcp").await;
        let results = fixture.at_once(8, |tokens| {
            let code = code.clone();
            async move { tokens.redeem(exchange(&code)).await }
        });
        let results = results.await;
        let won: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
        assert_eq!(won.len(), 1, "{results:?}");
        for result in &results {
            assert!(matches!(result, Ok(_) | Err(TokenError::CodeReused)), "{result:?}");
        }
        let token = Fixture::field(won[0], "access_token");
        assert!(fixture.tokens.authenticate(&token, "/mcp").await.is_err());
    }
}
