//! One key: its name, its text, and sealing with it.
//! Which key is used is decided by the ring.

use std::{fmt, sync::Arc};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use chacha20poly1305::{
    XChaCha20Poly1305,
    aead::{Aead as _, KeyInit as _, Payload},
};
use hkdf::Hkdf;
use hmac::Hmac;
use secrecy::{ExposeSecret, SecretBox, SecretSlice, SecretString};
use sha2::Sha256;
use thiserror::Error;

use super::{Place, Sealed};
use crate::secret::{NoRandomness, fill_random};

/// The format that [`KeyRing::seal`] writes.
const VERSION: &str = "1";

/// Bytes of a nonce of XChaCha20-Poly1305.
const NONCE: usize = 24;

/// A key could not be read. No variant holds the text.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// There is none.
    #[error("there is no encryption key; set one of 32 random bytes in base64 or hex")]
    Missing,
    /// It is too short, too long, or in another notation.
    #[error(
        "encryption key {number} is not 32 bytes in base64 or hex; make one with \
         `openssl rand -base64 32`"
    )]
    Malformed {
        /// Which one, counted from 1.
        number: usize,
    },
    /// All bytes are equal: somebody filled in a placeholder.
    #[error(
        "encryption key {number} is one byte repeated; make a random one with \
         `openssl rand -base64 32`"
    )]
    Weak {
        /// Which one, counted from 1.
        number: usize,
    },
    /// The ring is too long.
    #[error(
        "there are more than 16 encryption keys; remove those that `store status` does not list"
    )]
    TooMany,
}

/// A value could not be sealed or opened. No variant holds the value.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SealError {
    /// It was sealed under a key that is not in the ring.
    #[error(
        "a stored value is sealed under the encryption key `{0}`, which is not configured; add \
         that key as an older one"
    )]
    UnknownKey(KeyId),
    /// It was changed, moved, or is none of ours.
    #[error("a stored value does not open where it lies: it was changed or moved")]
    Broken,
    /// The cipher refused, which happens only to values of many gigabytes.
    #[error("a value is too large to be sealed")]
    TooLarge,
    /// There was no nonce.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// The name of a key, derived from it. It tells nothing about the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 4]);

impl KeyId {
    /// Reads what `Display` wrote: eight hex digits.
    pub fn from_text(text: &str) -> Option<KeyId> {
        hex(text).map(KeyId)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One key. What is used are subkeys (HKDF, RFC 5869), one for each purpose.
#[derive(Clone)]
pub(crate) struct Key {
    id: KeyId,
    material: Arc<SecretBox<[u8; 32]>>,
}

impl Key {
    pub(crate) fn random() -> Result<Key, NoRandomness> {
        let mut bytes = Box::new([0; 32]);
        fill_random(bytes.as_mut())?;
        Ok(Key::new(bytes))
    }

    /// A key that is derived from a secret with 256 random bits, for values that only the
    /// holder of the secret may open. No salt: RFC 5869 section 3.1 wants one for input that is
    /// less random.
    pub(crate) fn from_secret(secret: &str, purpose: &'static str) -> Key {
        let mut bytes = Box::new([0; 32]);
        expand(secret.as_bytes(), &["derived", purpose], bytes.as_mut());
        Key::new(bytes)
    }

    fn new(material: Box<[u8; 32]>) -> Key {
        let mut id = [0; 4];
        expand(material.as_ref(), &["id"], &mut id);
        Key { id: KeyId(id), material: Arc::new(SecretBox::new(material)) }
    }

    pub(super) fn parse(text: &str, number: usize) -> Result<Key, KeyError> {
        let decoded = hex(text)
            .or_else(|| {
                [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
                    .iter()
                    .find_map(|engine| engine.decode(text).ok()?.try_into().ok())
            })
            .ok_or(KeyError::Malformed { number })?;
        let bytes: Box<[u8; 32]> = Box::new(decoded);
        if bytes.iter().all(|byte| Some(byte) == bytes.first()) {
            return Err(KeyError::Weak { number });
        }
        Ok(Key::new(bytes))
    }

    pub(crate) fn id(&self) -> KeyId {
        self.id
    }

    /// The text that [`KeyRing::parse`] reads.
    pub(crate) fn to_text(&self) -> SecretString {
        SecretString::from(STANDARD.encode(self.material.expose_secret()))
    }

    pub(super) fn header(&self) -> String {
        format!("{VERSION}.{}.", self.id)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        let mut subkey = Box::new([0; 32]);
        expand(self.material.expose_secret(), &["seal"], subkey.as_mut());
        let subkey = SecretBox::new(subkey);
        XChaCha20Poly1305::new(subkey.expose_secret().into())
    }

    pub(crate) fn seal(&self, place: Place<'_>, plain: &[u8]) -> Result<Sealed, SealError> {
        let header = self.header();
        let mut nonce = [0; NONCE];
        fill_random(&mut nonce)?;
        let aad = place.associated_data(&header);
        let ciphertext = self
            .cipher()
            .encrypt((&nonce).into(), Payload { msg: plain, aad: &aad })
            .map_err(|_| SealError::TooLarge)?;
        let body = URL_SAFE_NO_PAD.encode([nonce.as_slice(), ciphertext.as_slice()].concat());
        Ok(Sealed(header + &body))
    }

    pub(crate) fn open(
        &self,
        place: Place<'_>,
        sealed: &Sealed,
    ) -> Result<SecretSlice<u8>, SealError> {
        let header = self.header();
        let body = sealed.as_text().strip_prefix(&header).ok_or(SealError::Broken)?;
        let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| SealError::Broken)?;
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE>().ok_or(SealError::Broken)?;
        let aad = place.associated_data(&header);
        self.cipher()
            .decrypt(nonce.into(), Payload { msg: ciphertext, aad: &aad })
            .map(SecretSlice::from)
            .map_err(|_| SealError::Broken)
    }

    pub(super) fn mac(&self, purpose: &'static str) -> Hmac<Sha256> {
        // As long as a block of SHA-256, which is what HMAC takes without padding or hashing.
        let mut subkey = Box::new([0; 64]);
        expand(self.material.expose_secret(), &["mac", purpose], subkey.as_mut());
        let subkey = SecretBox::new(subkey);
        Hmac::<Sha256>::new(subkey.expose_secret().into())
    }
}

/// HKDF-SHA256 (RFC 5869) without a salt; the parts of the label are separated by a NUL.
fn expand(input: &[u8], label: &[&str], output: &mut [u8]) {
    let mut info = b"sentry-mcp oauth v1".to_vec();
    for part in label {
        info.push(0);
        info.extend_from_slice(part.as_bytes());
    }
    // RFC 5869 section 2.3: only an output of more than 8160 bytes is refused.
    let expanded = Hkdf::<Sha256>::new(None, input).expand(&info, output);
    debug_assert!(expanded.is_ok());
}

/// Exactly as many bytes, in hex digits of either case.
fn hex<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    if text.len() != 2 * BYTES || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; BYTES];
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// The key that a sealed value names.
pub(super) fn key_id(sealed: &Sealed) -> Option<KeyId> {
    let rest = sealed.as_text().strip_prefix(VERSION)?.strip_prefix('.')?;
    KeyId::from_text(rest.split('.').next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place<'_> = Place { table: "grants", row: "g1", column: "sentry" };

    #[test]
    fn a_key_derived_from_a_secret_is_its_own_for_each_secret_and_purpose() {
        let key = Key::from_secret("secret", "replay");
        let sealed = key.seal(HERE, b"answer").unwrap();
        let again = Key::from_secret("secret", "replay").open(HERE, &sealed).unwrap();
        assert_eq!(again.expose_secret(), b"answer");
        for other in [Key::from_secret("secreT", "replay"), Key::from_secret("secret", "other")] {
            assert!(other.open(HERE, &sealed).is_err());
        }
    }
}
