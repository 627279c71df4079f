//! Sealing at rest: what must be read back is stored encrypted under the operator's key.
//! What only has to be recognized is not sealed but hashed, see [`crate::secret`].
//!
//! A sealed text is `1.<key id>.<base64url of nonce and ciphertext>`. The cipher is
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha), whose nonce is long enough to be random. The
//! associated data is the version, the key id and the [`Place`], so that a value copied to
//! another row, column or table does not open there.

mod key;
mod keyfile;
mod ring;

use std::fmt;

pub(crate) use self::{key::Key, keyfile::create_private};
pub use self::{
    key::{KeyError, KeyId, SealError},
    keyfile::{KeyFile, KeyFileError},
    ring::KeyRing,
};

/// Where a sealed value lies. It opens nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The table.
    pub table: &'static str,
    /// The primary key of the row.
    pub row: &'a str,
    /// The column.
    pub column: &'static str,
}

impl Place<'_> {
    /// The associated data: every part with its length before it, so that no two places
    /// have the same.
    fn associated_data(&self, header: &str) -> Vec<u8> {
        let mut data = Vec::new();
        for part in [header, self.table, self.row, self.column] {
            data.extend_from_slice(&(part.len() as u64).to_be_bytes());
            data.extend_from_slice(part.as_bytes());
        }
        data
    }
}

/// An encrypted value as it is stored. It is safe to print, but `Debug` keeps it short.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(String);

impl Sealed {
    /// Takes over a stored text. Whether it opens is seen by [`KeyRing::open`].
    pub fn from_text(text: String) -> Sealed {
        Sealed(text)
    }

    /// The text to store.
    pub fn as_text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed([{} characters])", self.0.len())
    }
}
