//! The secrets that this server makes, and the digests that are all it keeps of them.
//! It deliberately knows nothing about what a secret is for.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

/// Random bytes in a secret: 256 bits, twice what RFC 6749 section 10.10 asks for.
const SECRET_BYTES: usize = 32;

/// Characters of a secret as it travels: 32 bytes in base64url without padding.
const SECRET_CHARS: usize = 43;

/// The operating system gave no random bytes.
#[derive(Debug, Error)]
#[error("the operating system gave no random bytes; check that its random device is readable")]
pub struct NoRandomness(#[source] getrandom::Error);

/// Fills the buffer from the random source of the operating system.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    getrandom::fill(bytes).map_err(NoRandomness)
}

/// A bearer secret made here: a code, a token, a state or a cookie.
///
/// 32 random bytes, written in base64url without padding, so that it needs no escaping in a
/// form, a query, a header or a cookie. `Debug` does not show it.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// A new secret, which nobody has seen yet.
    pub fn random() -> Result<Secret, NoRandomness> {
        let mut bytes = [0; SECRET_BYTES];
        fill_random(&mut bytes)?;
        Ok(Secret(SecretString::from(URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// What is stored of it.
    pub fn digest(&self) -> Digest {
        Digest::of(self.expose())
    }

    /// The text to hand out, once.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether somebody presents this secret, in a time that tells nothing about it.
    pub fn matches(&self, presented: &str) -> bool {
        self.digest().matches(presented)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([hidden])")
    }
}

/// The SHA-256 of a secret, the only form in which this server keeps one.
///
/// A plain hash is enough, without salt or stretching, because what is hashed has 256 random
/// bits: there is nothing to guess. `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of a text as it was presented, whatever its length.
    pub fn of(presented: &str) -> Digest {
        Digest(Sha256::digest(presented.as_bytes()).into())
    }

    /// The digest of something that could be a [`Secret`]; `None` for what cannot be one, so
    /// that the store is not asked about it.
    pub fn of_secret(presented: &str) -> Option<Digest> {
        let plausible = presented.len() == SECRET_CHARS
            && presented.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        plausible.then(|| Digest::of(presented))
    }

    /// Whether the presented text has this digest, in a time that does not depend on where
    /// they differ.
    pub fn matches(&self, presented: &str) -> bool {
        self.0.ct_eq(&Digest::of(presented).0).into()
    }

    /// The text under which it is stored: base64url without padding, 43 characters.
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Reads what [`Digest::to_text`] wrote.
    pub fn from_text(text: &str) -> Option<Digest> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Digest(bytes.try_into().ok()?))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest([hidden])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_256_bits_and_never_repeats() {
        let (one, other) = (Secret::random().unwrap(), Secret::random().unwrap());
        assert_eq!(URL_SAFE_NO_PAD.decode(one.expose()).unwrap().len(), 32);
        assert_ne!(one.expose(), other.expose());
        assert!(one.matches(one.expose()));
        assert!(!one.matches(other.expose()));
    }

    #[test]
    fn neither_a_secret_nor_its_digest_is_shown() {
        let secret = Secret::random().unwrap();
        let shown = format!("{secret:?} {:?}", secret.digest());
        assert_eq!(shown, "Secret([hidden]) Digest([hidden])");
    }

    #[test]
    fn a_digest_survives_its_text() {
        let digest = Digest::of("anything");
        assert_eq!(Digest::from_text(&digest.to_text()), Some(digest));
        for odd in ["", "AAAA", "not base64 !", &"A".repeat(44)] {
            assert_eq!(Digest::from_text(odd), None, "{odd}");
        }
    }

    #[test]
    fn what_cannot_be_a_secret_is_not_looked_up() {
        let secret = Secret::random().unwrap();
        assert_eq!(Digest::of_secret(secret.expose()), Some(secret.digest()));
        let long = "A".repeat(44);
        let quoted = format!("{}'", "A".repeat(42));
        for odd in ["", "short", &long, &quoted, &"é".repeat(43)] {
            assert_eq!(Digest::of_secret(odd), None, "{odd}");
        }
    }
}
