//! What the store keeps, row by row. Of secrets it has only digests and sealed values.
//! The records decide nothing: who may do what with them is decided in [`crate::tokens`].

use std::fmt;

use crate::{
    seal::{KeyId, Place, Sealed},
    secret::{Digest, NoRandomness, Secret},
};

/// A moment: milliseconds since 1970-01-01 UTC.
pub type Millis = i64;

/// One second, in [`Millis`].
pub const SECOND: Millis = 1_000;
/// One minute.
pub const MINUTE: Millis = 60 * SECOND;
/// One hour.
pub const HOUR: Millis = 60 * MINUTE;
/// One day.
pub const DAY: Millis = 24 * HOUR;

/// The name of a grant. It opens nothing, so it may be logged and shown.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GrantId(String);

impl GrantId {
    /// A new name.
    pub fn random() -> Result<GrantId, NoRandomness> {
        Ok(GrantId(Secret::random()?.expose().chars().take(22).collect()))
    }

    /// Takes over a stored name.
    pub fn from_text(text: impl Into<String>) -> GrantId {
        GrantId(text.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a person approved for one client, once. All codes and tokens that follow from the
/// approval point at it, and end with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRecord {
    /// Its name.
    pub id: GrantId,
    /// The client it was given to.
    pub client_id: String,
    /// What the client called itself then.
    pub client_name: Option<String>,
    /// The id of the person at Sentry.
    pub subject: String,
    /// How the person is shown: a name or a mail address.
    pub label: String,
    /// The scopes that were approved. They never grow.
    pub scopes: Vec<String>,
    /// The resource (RFC 8707) that was approved.
    pub resource: String,
    /// Sentry's tokens, sealed at [`GrantRecord::sentry_place`]; `None` once revoked.
    pub sentry: Option<Sealed>,
    /// Counts the replacements of `sentry`.
    pub sentry_version: i64,
    /// The scopes that Sentry gave, as it named them.
    pub sentry_scopes: Vec<String>,
    /// When Sentry's access token ends; `None` if Sentry did not say.
    pub sentry_expires_at: Option<Millis>,
    /// When it was approved.
    pub created_at: Millis,
    /// When a token of it was used, within five minutes.
    pub last_used_at: Millis,
    /// When it was revoked.
    pub revoked_at: Option<Millis>,
    /// Why, in words for the person.
    pub revoked_reason: Option<String>,
}

impl GrantRecord {
    /// Where `sentry` is sealed.
    pub fn sentry_place(id: &GrantId) -> Place<'_> {
        Place { table: "grants", row: id.as_str(), column: "sentry" }
    }
}

/// An authorization code (RFC 6749 section 4.1.2) and all that it is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRecord {
    /// What is kept of the code.
    pub digest: Digest,
    /// The grant it gives access to.
    pub grant: GrantId,
    /// The only client that may redeem it.
    pub client_id: String,
    /// The redirect URI of the authorization request, to be repeated exactly.
    pub redirect_uri: String,
    /// The S256 challenge (RFC 7636 section 4.2).
    pub code_challenge: String,
    /// The resource that was approved.
    pub resource: String,
    /// When it ends.
    pub expires_at: Millis,
    /// When it was redeemed.
    pub used_at: Option<Millis>,
}

/// An access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRecord {
    /// What is kept of the token.
    pub digest: Digest,
    /// The grant it belongs to.
    pub grant: GrantId,
    /// The grant's scopes, or fewer if a refresh asked for fewer (RFC 6749 section 6).
    pub scopes: Vec<String>,
    /// The grant's resource, or one inside it (RFC 8707 section 2.2).
    pub resource: String,
    /// When it ends.
    pub expires_at: Millis,
}

/// A refresh token. It always has the scopes and the resource of its grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshRecord {
    /// What is kept of the token.
    pub digest: Digest,
    /// The grant it belongs to.
    pub grant: GrantId,
    /// The only client that may use it.
    pub client_id: String,
    /// When it ends.
    pub expires_at: Millis,
    /// When another one took its place.
    pub superseded_at: Option<Millis>,
}

/// Two tokens that are stored together, because they are handed out together.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The access token.
    pub access: AccessRecord,
    /// The refresh token.
    pub refresh: RefreshRecord,
}

/// What a superseded refresh token leaves behind, so that its holder can be answered again.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The answer, sealed under a key that is derived from the superseded token.
    pub answer: Sealed,
    /// What was asked for, so that another request does not get this answer.
    pub request: Digest,
}

/// A client that registered itself (RFC 7591).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRecord {
    /// The client id that was given out.
    pub id: String,
    /// `client_name`.
    pub name: Option<String>,
    /// `client_uri`.
    pub uri: Option<String>,
    /// `redirect_uris`, as they were registered.
    pub redirect_uris: Vec<String>,
    /// `token_endpoint_auth_method`.
    pub auth_method: String,
    /// What is kept of the client secret, if it has one.
    pub secret: Option<Digest>,
    /// When it registered.
    pub created_at: Millis,
    /// When it was last part of an authorization or a token request.
    pub last_used_at: Millis,
}

/// A person who was sent to Sentry and has not come back yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingRecord {
    /// What is kept of the `state` that was sent to Sentry.
    pub state: Digest,
    /// What is kept of the cookie that the same browser must bring back.
    pub cookie: Digest,
    /// The whole decision, sealed at [`PendingRecord::decision_place`].
    pub decision: Sealed,
    /// When it ends.
    pub expires_at: Millis,
}

impl PendingRecord {
    /// Where `decision` is sealed; `state` is [`Digest::to_text`] of the state.
    pub fn decision_place(state: &str) -> Place<'_> {
        Place { table: "pending", row: state, column: "decision" }
    }
}

/// A sealed value together with where it lies, for changing its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRow {
    /// The table; the column follows from it.
    pub table: SealedTable,
    /// The primary key.
    pub row: String,
    /// The value.
    pub sealed: Sealed,
}

impl SealedRow {
    /// Where the value is sealed.
    pub fn place(&self) -> Place<'_> {
        match self.table {
            SealedTable::Grants => Place { table: "grants", row: &self.row, column: "sentry" },
            SealedTable::Pending => PendingRecord::decision_place(&self.row),
        }
    }
}

/// The tables that hold sealed values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedTable {
    /// `grants.sentry`.
    Grants,
    /// `pending.decision`.
    Pending,
}

/// What there is in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The newest migration that was applied; 0 if none was.
    pub schema_version: i64,
    /// Grants that are not revoked.
    pub live_grants: i64,
    /// Grants that are revoked and not yet swept.
    pub revoked_grants: i64,
    /// Access tokens that have not ended.
    pub access_tokens: i64,
    /// Refresh tokens that can be used.
    pub refresh_tokens: i64,
    /// Registered clients.
    pub clients: i64,
    /// People who are at Sentry right now.
    pub pending: i64,
    /// Rows whose time is over and that the next sweep removes.
    pub expired: i64,
    /// How many values are sealed under which key.
    pub sealed_under: Vec<(KeyId, i64)>,
}

/// How long a superseded refresh token may be answered again (30 s): long enough for a client
/// whose connection broke, or whose two windows refreshed together.
pub const REPLAY_WINDOW: Millis = 30 * SECOND;

/// How many registered clients are kept: registration is open to everybody, and the disk is not
/// endless. With what one registration may hold they stay below half a gigabyte.
pub const MOST_CLIENTS: i64 = 25_000;

/// How long a registered client is kept after its last use (90 days). Never shorter than the
/// life of a refresh token.
pub const CLIENT_LIFETIME: Millis = 90 * DAY;
