//! The key ring: one key that seals, older ones that still open.
//! How a ring lies in a file is in [`super::keyfile`].

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use hmac::Mac as _;
use secrecy::{ExposeSecret, SecretSlice, SecretString};

use super::{
    KeyFile, Place, Sealed,
    key::{Key, KeyError, KeyId, SealError, key_id},
};
use crate::secret::NoRandomness;

/// The most keys in a ring: opening tries none in vain, but a file is not a database.
const MOST_KEYS: usize = 16;

/// The keys of the operator. The first seals, all of them open. `Debug` shows their ids.
///
/// Clones share their keys. A ring that came from a [`KeyFile`] reads the file again when it
/// meets a value under a key that it does not know, so a key can be changed while servers run.
#[derive(Clone)]
pub struct KeyRing {
    keys: Arc<RwLock<Keys>>,
    file: Option<KeyFile>,
}

#[derive(Clone)]
struct Keys {
    current: Key,
    older: Vec<Key>,
}

impl Keys {
    fn iter(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.older)
    }
}

impl KeyRing {
    fn new(keys: Keys) -> KeyRing {
        KeyRing { keys: Arc::new(RwLock::new(keys)), file: None }
    }

    /// A ring with one new key.
    pub fn generate() -> Result<KeyRing, NoRandomness> {
        Ok(KeyRing::new(Keys { current: Key::random()?, older: Vec::new() }))
    }

    /// Reads keys of 32 bytes in base64 or hex, separated by commas, blanks or line ends; the
    /// first one is the current key. A line that starts with `#` is a comment.
    pub fn parse(text: &SecretString) -> Result<KeyRing, KeyError> {
        let mut keys = text
            .expose_secret()
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .flat_map(|line| line.split([',', ' ', '\t', '\r']))
            .filter(|word| !word.is_empty())
            .zip(1..)
            .map(|(word, number)| Key::parse(word, number));
        let current = keys.next().ok_or(KeyError::Missing)??;
        let older = keys.take(MOST_KEYS).collect::<Result<Vec<_>, _>>()?;
        if older.len() >= MOST_KEYS {
            return Err(KeyError::TooMany);
        }
        Ok(KeyRing::new(Keys { current, older }))
    }

    /// The same keys, to be read again from this file.
    pub(super) fn reading(self, file: KeyFile) -> KeyRing {
        KeyRing { file: Some(file), ..self }
    }

    /// The keys as they are now.
    fn keys(&self) -> Keys {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The key that seals.
    pub fn current(&self) -> KeyId {
        self.keys().current.id()
    }

    /// All keys, the current one first.
    pub fn ids(&self) -> Vec<KeyId> {
        self.keys().iter().map(Key::id).collect()
    }

    /// What every value begins with that is sealed under the current key.
    pub(crate) fn current_header(&self) -> String {
        self.keys().current.header()
    }

    /// What [`KeyRing::parse`] reads, one text for each key.
    pub(super) fn to_texts(&self) -> Vec<SecretString> {
        self.keys().iter().map(Key::to_text).collect()
    }

    /// A ring with another current key; the keys so far still open.
    #[must_use]
    pub(super) fn with_current(&self, current: Key) -> KeyRing {
        let older = self.keys().iter().cloned().collect();
        KeyRing { keys: Arc::new(RwLock::new(Keys { current, older })), file: self.file.clone() }
    }

    /// A ring with only these of its older keys.
    #[must_use]
    pub(super) fn retaining(&self, keep: &[KeyId]) -> KeyRing {
        let mut keys = self.keys();
        keys.older.retain(|key| keep.contains(&key.id()));
        KeyRing { keys: Arc::new(RwLock::new(keys)), file: self.file.clone() }
    }

    fn find(&self, id: KeyId) -> Option<Key> {
        self.keys().iter().find(|key| key.id() == id).cloned()
    }

    /// Reads the file again, if there is one. A file that is no good changes nothing.
    fn reload(&self) {
        let Some(file) = &self.file else { return };
        match file.load() {
            Ok(ring) => {
                let fresh = ring.keys();
                tracing::info!(current = %fresh.current.id(), "the encryption keys were read again");
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = fresh;
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the encryption keys could not be read again");
            }
        }
    }

    /// Encrypts for one place, under the current key.
    pub fn seal(&self, place: Place<'_>, plain: &[u8]) -> Result<Sealed, SealError> {
        self.keys().current.seal(place, plain)
    }

    /// Decrypts what lies at this place, under the key it names.
    pub fn open(&self, place: Place<'_>, sealed: &Sealed) -> Result<SecretSlice<u8>, SealError> {
        let id = key_id(sealed).ok_or(SealError::Broken)?;
        if self.find(id).is_none() {
            self.reload();
        }
        let key = self.find(id).ok_or(SealError::UnknownKey(id))?;
        key.open(place, sealed)
    }

    /// The same value under the current key; `None` if it is sealed under it already.
    pub fn reseal(&self, place: Place<'_>, sealed: &Sealed) -> Result<Option<Sealed>, SealError> {
        if key_id(sealed) == Some(self.current()) {
            return Ok(None);
        }
        let plain = self.open(place, sealed)?;
        self.seal(place, plain.expose_secret()).map(Some)
    }

    /// HMAC-SHA256 (RFC 2104) of a message under a subkey of the current key, for what a
    /// browser carries. What was made for one purpose is worthless for another.
    pub fn mac(&self, purpose: &'static str, message: &[u8]) -> [u8; 32] {
        self.keys().current.mac(purpose).chain_update(message).finalize().into_bytes().into()
    }

    /// Whether the code was made by [`KeyRing::mac`] under any key of the ring; in constant
    /// time.
    pub fn verify_mac(&self, purpose: &'static str, message: &[u8], code: &[u8]) -> bool {
        self.keys()
            .iter()
            .any(|key| key.mac(purpose).chain_update(message).verify_slice(code).is_ok())
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyRing").field(&self.ids()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place<'_> = Place { table: "grants", row: "g1", column: "sentry" };
    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const BASE64: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn parse(text: &str) -> Result<KeyRing, KeyError> {
        KeyRing::parse(&SecretString::from(text))
    }

    fn opened(ring: &KeyRing, place: Place<'_>, sealed: &Sealed) -> Result<Vec<u8>, SealError> {
        ring.open(place, sealed).map(|plain| plain.expose_secret().to_vec())
    }

    #[test]
    fn a_value_opens_where_it_was_sealed_and_nowhere_else() {
        let ring = KeyRing::generate().unwrap();
        let sealed = ring.seal(HERE, b"token").unwrap();
        assert_eq!(opened(&ring, HERE, &sealed).unwrap(), b"token");
        for elsewhere in [
            Place { table: "pending", ..HERE },
            Place { row: "g2", ..HERE },
            Place { column: "decision", ..HERE },
            // The same characters, divided in another way.
            Place { table: "grant", row: "sg1", ..HERE },
            Place { row: "g1s", column: "entry", ..HERE },
        ] {
            assert!(matches!(ring.open(elsewhere, &sealed), Err(SealError::Broken)));
        }
    }

    #[test]
    fn a_changed_value_does_not_open() {
        let ring = KeyRing::generate().unwrap();
        let sealed = ring.seal(HERE, b"token").unwrap();
        let text = sealed.as_text();
        for at in 0..text.len() {
            let mut changed = text.to_owned().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = Sealed::from_text(String::from_utf8(changed).unwrap());
            assert!(ring.open(HERE, &changed).is_err(), "{at}");
            assert!(ring.open(HERE, &Sealed::from_text(text[..at].to_owned())).is_err(), "{at}");
        }
    }

    #[test]
    fn equal_values_look_different_when_sealed() {
        let ring = KeyRing::generate().unwrap();
        assert_ne!(ring.seal(HERE, b"token").unwrap(), ring.seal(HERE, b"token").unwrap());
    }

    #[test]
    fn an_older_key_opens_and_the_current_one_seals() {
        let old = KeyRing::generate().unwrap();
        let sealed = old.seal(HERE, b"token").unwrap();
        let ring = old.with_current(Key::random().unwrap());
        assert_eq!(opened(&ring, HERE, &sealed).unwrap(), b"token");

        let resealed = ring.reseal(HERE, &sealed).unwrap().unwrap();
        assert!(resealed.as_text().starts_with(&ring.current_header()));
        assert_eq!(ring.reseal(HERE, &resealed).unwrap(), None);
        let ring = ring.retaining(&[]);
        assert_eq!(opened(&ring, HERE, &resealed).unwrap(), b"token");
        assert!(matches!(ring.open(HERE, &sealed), Err(SealError::UnknownKey(_))));
    }

    #[test]
    fn a_key_is_read_in_hex_and_in_base64() {
        let ring = parse(HEX).unwrap();
        for text in [BASE64, &HEX.to_uppercase(), BASE64.trim_end_matches('=')] {
            assert_eq!(parse(text).unwrap().current(), ring.current(), "{text}");
        }
    }

    #[test]
    fn a_ring_is_a_list_whose_first_key_is_current() {
        let other = Key::random().unwrap();
        let text =
            format!("# current\n{}\n\n# older\r\n{HEX}, \n", other.to_text().expose_secret());
        let ring = parse(&text).unwrap();
        assert_eq!(ring.ids(), [other.id(), parse(HEX).unwrap().current()]);
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        let zeros = "00".repeat(32);
        let many = vec![HEX; 17].join(",");
        for (text, expected) in [
            ("", KeyError::Missing),
            ("\n# only a comment\n", KeyError::Missing),
            ("hunter2", KeyError::Malformed { number: 1 }),
            (&HEX[2..], KeyError::Malformed { number: 1 }),
            (&format!("{HEX},{BASE64}A"), KeyError::Malformed { number: 2 }),
            (&zeros, KeyError::Weak { number: 1 }),
            (&many, KeyError::TooMany),
        ] {
            let error = parse(text).unwrap_err();
            assert!(!error.to_string().contains("hunter2"));
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn debug_shows_the_id_of_a_key_and_not_the_key() {
        let ring = parse(HEX).unwrap();
        let shown = format!("{ring:?} {}", ring.current());
        assert!(!shown.contains("0001") && !shown.contains("AAEC"), "{shown}");
        assert_eq!(KeyId::from_text(&ring.current().to_string()), Some(ring.current()));
    }

    #[test]
    fn a_code_is_bound_to_its_purpose_its_message_and_a_key_of_the_ring() {
        let old = KeyRing::generate().unwrap();
        let code = old.mac("choice", b"message");
        let ring = old.with_current(Key::random().unwrap());
        assert!(ring.verify_mac("choice", b"message", &code));
        assert!(!ring.verify_mac("csrf", b"message", &code));
        assert!(!ring.verify_mac("choice", b"massage", &code));
        assert!(!ring.verify_mac("choice", b"message", &code[..31]));
        assert!(!ring.verify_mac("choice", b"message", &[]));
        assert!(!ring.retaining(&[]).verify_mac("choice", b"message", &code));
    }
}
