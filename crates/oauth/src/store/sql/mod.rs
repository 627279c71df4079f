//! The store in a SQL database. The statements are the same for SQLite and for PostgreSQL;
//! what differs between the two is in this file, and only opening is.
//!
//! SQLite runs each connection in a thread of its own. Reads have several connections and
//! writes have one, so that a read never waits for a write (WAL) and writes queue here
//! instead of polling for SQLite's lock.

mod clients;
mod grants;
mod housekeeping;
mod pending;
mod rows;
#[cfg(test)]
mod tests;
mod tokens;

use std::{fmt, path::Path, sync::OnceLock, time::Duration};

use async_trait::async_trait;
use sqlx::{
    Any, AnyConnection, AnyPool, Connection as _, Executor as _, SqlSafeStr as _, Transaction,
    any::{AnyConnectOptions, AnyPoolOptions},
    migrate::{Migration, MigrationType, Migrator},
};
use url::Url;

use super::{
    AccessRecord, ClientRecord, CodeRecord, GrantId, GrantRecord, GrantStore, Issued, MOST_CLIENTS,
    Millis, PendingRecord, Redeemed, RefreshRecord, Rotated, Rotation, SealedRow, Status,
    StoreError, Swept,
};
use crate::{
    seal::{Sealed, create_private},
    secret::Digest,
};

/// Connections that read. One alone answers some 20,000 lookups in a second.
const READERS: u32 = 4;

/// How long a request waits for a connection before it fails: longer than a write may wait for
/// the lock of the file.
const ACQUIRE: Duration = Duration::from_secs(8);

/// Settings of each SQLite connection. `FULL`: a revocation must survive a power cut.
/// `secure_delete`: what is deleted is overwritten. The cache is in KiB.
const PRAGMAS: &str = "PRAGMA busy_timeout = 5000;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA secure_delete = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA cache_size = -1024;";

/// The steps from an empty database to the newest tables. Steps are added, never changed.
const MIGRATIONS: &[(i64, &str, &str)] =
    &[(1, "tables", include_str!("../../../migrations/0001_tables.sql"))];

/// Two processes that bring the same tables up to date can meet; the second one then finds
/// them done when it looks again.
const MIGRATION_TRIES: usize = 3;

/// A store in a SQL database.
pub struct SqlStore {
    readers: AnyPool,
    writers: AnyPool,
    /// How a transaction begins that will write. SQLite's default would take the lock for
    /// writing too late, and fail instead of waiting.
    begin: &'static str,
}

impl SqlStore {
    /// Opens a SQLite file, which is made with mode 0600 if there is none; SQLite gives its
    /// companions (`-wal`, `-shm`) the same mode. The tables are brought up to date.
    pub async fn open_file(path: &Path) -> Result<SqlStore, StoreError> {
        let failed = |source| StoreError::File { path: path.to_owned(), source };
        let absolute = std::path::absolute(path).map_err(failed)?;
        match create_private(&absolute) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(failed(error));
            }
            _ => {}
        }
        let mut url = Url::from_file_path(&absolute)
            .map_err(|()| failed(std::io::ErrorKind::InvalidFilename.into()))?
            .as_str()
            .replacen("file:", "sqlite:", 1);
        url.push_str("?mode=rw");
        let writers = sqlite(&url, 1, "").await?;
        let store = SqlStore { readers: writers.clone(), writers, begin: "BEGIN IMMEDIATE" };
        store.migrate().await?;
        let readers = sqlite(&url, READERS, "PRAGMA query_only = ON;").await?;
        Ok(SqlStore { readers, ..store })
    }

    /// A store that is gone with the process, for demonstrations and tests.
    pub async fn in_memory() -> Result<SqlStore, StoreError> {
        // A second connection would have a memory of its own.
        let pool = sqlite("sqlite::memory:", 1, "").await?;
        let store = SqlStore { readers: pool.clone(), writers: pool, begin: "BEGIN IMMEDIATE" };
        store.migrate().await?;
        Ok(store)
    }

    /// Closes the connections. What was written stays, also without this.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }

    /// A transaction that is going to write.
    async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        self.writers.begin_with(self.begin).await.map_err(StoreError::from)
    }
}

/// A pool of connections that are never dropped: a file does not go away, and memory must not.
async fn sqlite(url: &str, connections: u32, also: &'static str) -> Result<AnyPool, StoreError> {
    static DRIVERS: OnceLock<()> = OnceLock::new();
    DRIVERS.get_or_init(sqlx::any::install_default_drivers);
    let options: AnyConnectOptions = url.parse()?;
    // A pool tries again for as long as it may wait. What is wrong with the file itself is
    // better said at once.
    let mut first = AnyConnection::connect_with(&options).await?;
    first.execute(PRAGMAS).await?;
    first.close().await?;
    let pool = AnyPoolOptions::new()
        .acquire_timeout(ACQUIRE)
        .max_connections(connections)
        .min_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                connection.execute(PRAGMAS).await?;
                connection.execute(also).await?;
                Ok(())
            })
        })
        .connect_with(options)
        .await?;
    Ok(pool)
}

impl fmt::Debug for SqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore").field("readers", &self.readers.size()).finish_non_exhaustive()
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> StoreError {
        match &error {
            sqlx::Error::Database(database) if database.is_unique_violation() => {
                StoreError::Duplicate
            }
            _ => StoreError::Database(error),
        }
    }
}

#[async_trait]
impl GrantStore for SqlStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.readers.execute("SELECT 1 FROM grants LIMIT 1").await?;
        Ok(())
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let steps = MIGRATIONS.iter().map(|&(version, what, sql)| {
            let sql = sql.into_sql_str();
            Migration::new(version, what.into(), MigrationType::Simple, sql, false)
        });
        let migrator = Migrator::with_migrations(steps.collect());
        let mut tries = 1;
        loop {
            match migrator.run(&self.writers).await {
                Err(_) if tries < MIGRATION_TRIES => tries += 1,
                result => return result.map_err(StoreError::Migrate),
            }
        }
    }

    async fn put_pending(&self, pending: &PendingRecord) -> Result<(), StoreError> {
        pending::put(self, pending).await
    }

    async fn take_pending(
        &self,
        state: &Digest,
        now: Millis,
    ) -> Result<Option<PendingRecord>, StoreError> {
        pending::take(self, state, now).await
    }

    async fn create_grant(&self, grant: &GrantRecord, code: &CodeRecord) -> Result<(), StoreError> {
        grants::create(self, grant, code).await
    }

    async fn grant(&self, id: &GrantId) -> Result<Option<GrantRecord>, StoreError> {
        grants::find(self, id).await
    }

    async fn revoke_grant(
        &self,
        id: &GrantId,
        reason: &str,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let was_live = grants::revoke(&mut tx, id, reason, now).await?;
        tx.commit().await?;
        Ok(was_live)
    }

    async fn replace_sentry_token(
        &self,
        id: &GrantId,
        if_version: i64,
        sentry: &Sealed,
        sentry_scopes: &[String],
        sentry_expires_at: Option<Millis>,
    ) -> Result<bool, StoreError> {
        grants::replace_sentry(self, id, if_version, sentry, sentry_scopes, sentry_expires_at).await
    }

    async fn touch_grant(&self, id: &GrantId, now: Millis) -> Result<(), StoreError> {
        grants::touch(self, id, now).await
    }

    async fn code(&self, digest: &Digest) -> Result<Option<CodeRecord>, StoreError> {
        tokens::code(self, digest).await
    }

    async fn redeem_code(
        &self,
        digest: &Digest,
        issued: &Issued,
        reuse_reason: &str,
        now: Millis,
    ) -> Result<Redeemed, StoreError> {
        tokens::redeem(self, digest, issued, reuse_reason, now).await
    }

    async fn access(
        &self,
        digest: &Digest,
    ) -> Result<Option<(AccessRecord, GrantRecord)>, StoreError> {
        tokens::access(self, digest).await
    }

    async fn refresh(
        &self,
        digest: &Digest,
    ) -> Result<Option<(RefreshRecord, GrantRecord)>, StoreError> {
        tokens::refresh(self, digest).await
    }

    async fn rotate_refresh(&self, rotation: Rotation<'_>) -> Result<Rotated, StoreError> {
        tokens::rotate(self, rotation).await
    }

    async fn put_client(&self, client: &ClientRecord) -> Result<bool, StoreError> {
        clients::put(self, client, MOST_CLIENTS).await
    }

    async fn client(&self, id: &str) -> Result<Option<ClientRecord>, StoreError> {
        clients::find(self, id).await
    }

    async fn touch_client(&self, id: &str, now: Millis) -> Result<(), StoreError> {
        clients::touch(self, id, now).await
    }

    async fn lease(
        &self,
        name: &str,
        holder: &str,
        until: Millis,
        now: Millis,
    ) -> Result<bool, StoreError> {
        housekeeping::lease(self, name, holder, until, now).await
    }

    async fn release(&self, name: &str, holder: &str) -> Result<(), StoreError> {
        housekeeping::release(self, name, holder).await
    }

    async fn sweep(&self, now: Millis, limit: u32) -> Result<Swept, StoreError> {
        housekeeping::sweep(self, now, limit).await
    }

    async fn status(&self, now: Millis) -> Result<Status, StoreError> {
        housekeeping::status(self, now).await
    }

    async fn sealed_otherwise(
        &self,
        header: &str,
        limit: u32,
    ) -> Result<Vec<SealedRow>, StoreError> {
        housekeeping::sealed_otherwise(self, header, limit).await
    }

    async fn reseal(&self, row: &SealedRow, sealed: &Sealed) -> Result<bool, StoreError> {
        housekeeping::reseal(self, row, sealed).await
    }
}
