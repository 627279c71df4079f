//! What the authorization server remembers, behind one trait.
//!
//! The store keeps rows and does each step that must not be torn apart in one operation. It
//! judges no request and opens nothing that is sealed; [`crate::tokens`] does.

mod clock;
mod records;
mod sql;

use std::fmt;

use async_trait::async_trait;
use thiserror::Error;

pub use self::{
    clock::{Clock, ManualClock, SystemClock},
    records::{
        AccessRecord, CLIENT_LIFETIME, ClientRecord, CodeRecord, DAY, GrantId, GrantRecord, HOUR,
        Issued, MINUTE, MOST_CLIENTS, Millis, PendingRecord, REPLAY_WINDOW, RefreshRecord, Replay,
        SECOND, SealedRow, SealedTable, Status,
    },
    sql::SqlStore,
};
use crate::{seal::Sealed, secret::Digest};

/// The store could not do what it was asked for. The operation had no effect.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database refused, or could not be reached. Trying again may help.
    #[error("the store did not answer; check that its database can be reached and written")]
    Database(#[source] sqlx::Error),
    /// The tables could not be brought up to date.
    #[error("the tables of the store could not be brought up to date")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// The file could not be made or is not accessible.
    #[error("cannot use the store file `{path}`")]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A row holds something that this program never writes.
    #[error("a row of `{table}` in the store is damaged")]
    Damaged {
        /// The table.
        table: &'static str,
    },
    /// There is already such a row.
    #[error("the store has this row already")]
    Duplicate,
}

/// What came of redeeming a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redeemed {
    /// The tokens are stored, and the code is used up.
    Yes,
    /// It was used before. The grant, and with it all that the first use issued, is revoked now.
    AlreadyUsed(GrantId),
    /// It ended, its grant was revoked, or there is none.
    No,
}

/// What came of rotating a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// The new tokens are stored, and the old refresh token is superseded.
    Yes,
    /// It was superseded a moment ago and its successor was not used: the same answer again,
    /// if the request was the same.
    Replay {
        /// The answer, sealed under a key that is derived from the token.
        answer: Sealed,
        /// What was asked for then.
        request: Digest,
    },
    /// It was superseded before that. The grant is revoked now.
    Reused(GrantId),
    /// It ended, its grant was revoked, or there is none.
    No,
}

/// How a refresh token is replaced.
#[derive(Debug)]
pub struct Rotation<'a> {
    /// The token that is presented.
    pub presented: &'a Digest,
    /// What takes its place.
    pub issued: &'a Issued,
    /// What it leaves behind.
    pub replay: &'a Replay,
    /// How long it may be answered again, in milliseconds.
    pub window: Millis,
    /// Why the grant ends if this is reuse, in words for the person.
    pub reuse_reason: &'a str,
    /// The time.
    pub now: Millis,
}

/// Rows that a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many.
    pub rows: u64,
    /// Whether it stopped at its limit, and there may be more.
    pub more: bool,
}

/// The rows of the authorization server. Several processes may share one store.
///
/// Each method is one atomic step: of two that run at the same time, one comes first.
#[async_trait]
pub trait GrantStore: fmt::Debug + Send + Sync {
    /// Whether the database answers.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Brings the tables up to date. Doing it again, or in two processes at once, is fine.
    async fn migrate(&self) -> Result<(), StoreError>;

    /// Keeps a person who is sent to Sentry.
    async fn put_pending(&self, pending: &PendingRecord) -> Result<(), StoreError>;

    /// Removes and returns what was kept under a state: it can be taken once. What has ended
    /// is removed and not returned.
    async fn take_pending(
        &self,
        state: &Digest,
        now: Millis,
    ) -> Result<Option<PendingRecord>, StoreError>;

    /// Keeps a grant and the code for it.
    async fn create_grant(&self, grant: &GrantRecord, code: &CodeRecord) -> Result<(), StoreError>;

    /// Looks up a grant, revoked or not.
    async fn grant(&self, id: &GrantId) -> Result<Option<GrantRecord>, StoreError>;

    /// Ends a grant and everything that belongs to it, and forgets Sentry's tokens. The first
    /// reason stays. Whether it was live before.
    async fn revoke_grant(
        &self,
        id: &GrantId,
        reason: &str,
        now: Millis,
    ) -> Result<bool, StoreError>;

    /// Replaces Sentry's tokens if nobody did since they were read (`if_version`) and the grant
    /// is live. Whether it did; the version grows by one then.
    async fn replace_sentry_token(
        &self,
        id: &GrantId,
        if_version: i64,
        sentry: &Sealed,
        sentry_scopes: &[String],
        sentry_expires_at: Option<Millis>,
    ) -> Result<bool, StoreError>;

    /// Notes that a grant was used.
    async fn touch_grant(&self, id: &GrantId, now: Millis) -> Result<(), StoreError>;

    /// Looks up a code, used, ended, or not.
    async fn code(&self, digest: &Digest) -> Result<Option<CodeRecord>, StoreError>;

    /// Uses up a code and keeps the tokens for it; a code that was used before ends its grant
    /// with this reason.
    async fn redeem_code(
        &self,
        digest: &Digest,
        issued: &Issued,
        reuse_reason: &str,
        now: Millis,
    ) -> Result<Redeemed, StoreError>;

    /// Looks up an access token with its grant, ended, revoked, or not. One indexed read.
    async fn access(
        &self,
        digest: &Digest,
    ) -> Result<Option<(AccessRecord, GrantRecord)>, StoreError>;

    /// Looks up a refresh token with its grant, ended, superseded, revoked, or not.
    async fn refresh(
        &self,
        digest: &Digest,
    ) -> Result<Option<(RefreshRecord, GrantRecord)>, StoreError>;

    /// Supersedes a refresh token, or tells what it is instead of a live one.
    async fn rotate_refresh(&self, rotation: Rotation<'_>) -> Result<Rotated, StoreError>;

    /// Keeps a client that registered; `false` if there are [`MOST_CLIENTS`] already.
    async fn put_client(&self, client: &ClientRecord) -> Result<bool, StoreError>;

    /// Looks up a registered client.
    async fn client(&self, id: &str) -> Result<Option<ClientRecord>, StoreError>;

    /// Notes that a client was used.
    async fn touch_client(&self, id: &str, now: Millis) -> Result<(), StoreError>;

    /// Takes the lock of this name until a moment, or extends it if `holder` has it already.
    /// Whether it is held now. A lock whose time is over is free.
    async fn lease(
        &self,
        name: &str,
        holder: &str,
        until: Millis,
        now: Millis,
    ) -> Result<bool, StoreError>;

    /// Gives a lock back before its time, if `holder` still has it.
    async fn release(&self, name: &str, holder: &str) -> Result<(), StoreError>;

    /// Removes at most so many rows whose time is over, in small steps.
    async fn sweep(&self, now: Millis, limit: u32) -> Result<Swept, StoreError>;

    /// Counts what there is.
    async fn status(&self, now: Millis) -> Result<Status, StoreError>;

    /// At most so many values that are not sealed in a way that begins like this.
    async fn sealed_otherwise(
        &self,
        header: &str,
        limit: u32,
    ) -> Result<Vec<SealedRow>, StoreError>;

    /// Puts another sealed value in the place of this one, if it is still there. Whether it was.
    async fn reseal(&self, row: &SealedRow, sealed: &Sealed) -> Result<bool, StoreError>;
}
