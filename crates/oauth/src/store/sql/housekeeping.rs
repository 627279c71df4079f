//! Locks, sweeping, counting, and changing the key.

use sqlx::Row as _;

use super::{SqlStore, rows::Columns};
use crate::{
    seal::{KeyId, Sealed},
    store::{
        CLIENT_LIFETIME, HOUR, Millis, REPLAY_WINDOW, SealedRow, SealedTable, Status, StoreError,
        Swept,
    },
};

pub(super) async fn lease(
    store: &SqlStore,
    name: &str,
    holder: &str,
    until: Millis,
    now: Millis,
) -> Result<bool, StoreError> {
    let taken = sqlx::query(
        "INSERT INTO leases (name, holder, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE
         SET holder = excluded.holder, expires_at = excluded.expires_at
         WHERE leases.expires_at <= $4 OR leases.holder = excluded.holder",
    )
    .bind(name)
    .bind(holder)
    .bind(until)
    .bind(now)
    .execute(&store.writers)
    .await?;
    Ok(taken.rows_affected() == 1)
}

pub(super) async fn release(store: &SqlStore, name: &str, holder: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM leases WHERE name = $1 AND holder = $2")
        .bind(name)
        .bind(holder)
        .execute(&store.writers)
        .await?;
    Ok(())
}

/// What a sweep does, in this order: a grant goes when its last token has gone. `$1` is a
/// moment, this long before now, and `$2` the limit.
///
/// A used code stays as long as its grant, and a superseded refresh token until its time is
/// over, because both are what reuse is recognized by.
const SWEEPS: &[(Millis, &str)] = &[
    (
        0,
        "DELETE FROM pending WHERE state IN
            (SELECT state FROM pending WHERE expires_at <= $1 LIMIT $2)",
    ),
    (
        0,
        "DELETE FROM access_tokens WHERE digest IN
            (SELECT digest FROM access_tokens WHERE expires_at <= $1 LIMIT $2)",
    ),
    (
        0,
        "DELETE FROM refresh_tokens WHERE digest IN
            (SELECT digest FROM refresh_tokens WHERE expires_at <= $1 LIMIT $2)",
    ),
    (
        REPLAY_WINDOW,
        "UPDATE refresh_tokens SET replay = NULL, replay_request = NULL WHERE digest IN
            (SELECT digest FROM refresh_tokens
             WHERE replay IS NOT NULL AND superseded_at <= $1 LIMIT $2)",
    ),
    (
        // An hour is longer than any code lives.
        HOUR,
        "DELETE FROM grants WHERE id IN
            (SELECT g.id FROM grants g
             WHERE g.created_at <= $1
                AND NOT EXISTS (SELECT 1 FROM access_tokens t WHERE t.grant_id = g.id)
                AND NOT EXISTS (SELECT 1 FROM refresh_tokens t WHERE t.grant_id = g.id)
             LIMIT $2)",
    ),
    (
        CLIENT_LIFETIME,
        "DELETE FROM clients WHERE id IN
            (SELECT c.id FROM clients c
             WHERE c.last_used_at <= $1
                AND NOT EXISTS (SELECT 1 FROM grants g
                                WHERE g.client_id = c.id AND g.revoked_at IS NULL)
             LIMIT $2)",
    ),
    (
        0,
        "DELETE FROM leases WHERE name IN
            (SELECT name FROM leases WHERE expires_at <= $1 LIMIT $2)",
    ),
];

pub(super) async fn sweep(store: &SqlStore, now: Millis, limit: u32) -> Result<Swept, StoreError> {
    let limit = u64::from(limit);
    let mut rows = 0;
    for &(age, sql) in SWEEPS {
        let left = i64::try_from(limit.saturating_sub(rows)).unwrap_or(i64::MAX);
        if left == 0 {
            return Ok(Swept { rows, more: true });
        }
        let done = sqlx::query(sql)
            .bind(now.saturating_sub(age))
            .bind(left)
            .execute(&store.writers)
            .await?;
        rows += done.rows_affected();
    }
    Ok(Swept { rows, more: rows >= limit })
}

/// A field of [`Status`], and how it is counted; `$1` is now, where it is needed.
type Count = (fn(&mut Status) -> &mut i64, &'static str);

const COUNTS: &[Count] = &[
    (|status| &mut status.live_grants, "SELECT COUNT(*) FROM grants WHERE revoked_at IS NULL"),
    (
        |status| &mut status.revoked_grants,
        "SELECT COUNT(*) FROM grants WHERE revoked_at IS NOT NULL",
    ),
    (
        |status| &mut status.access_tokens,
        "SELECT COUNT(*) FROM access_tokens t JOIN grants g ON g.id = t.grant_id
         WHERE t.expires_at > $1 AND g.revoked_at IS NULL",
    ),
    (
        |status| &mut status.refresh_tokens,
        "SELECT COUNT(*) FROM refresh_tokens t JOIN grants g ON g.id = t.grant_id
         WHERE t.expires_at > $1 AND t.superseded_at IS NULL AND g.revoked_at IS NULL",
    ),
    (|status| &mut status.clients, "SELECT COUNT(*) FROM clients"),
    (|status| &mut status.pending, "SELECT COUNT(*) FROM pending WHERE expires_at > $1"),
    (
        |status| &mut status.expired,
        "SELECT (SELECT COUNT(*) FROM pending WHERE expires_at <= $1)
            + (SELECT COUNT(*) FROM access_tokens WHERE expires_at <= $1)
            + (SELECT COUNT(*) FROM refresh_tokens WHERE expires_at <= $1)",
    ),
];

pub(super) async fn status(store: &SqlStore, now: Millis) -> Result<Status, StoreError> {
    let mut status = Status::default();
    for &(field, sql) in COUNTS {
        let mut query = sqlx::query(sql);
        if sql.contains("$1") {
            query = query.bind(now);
        }
        let row = query.fetch_one(&store.readers).await?;
        *field(&mut status) = row.try_get(0)?;
    }
    let row = sqlx::query("SELECT MAX(version) FROM _sqlx_migrations WHERE success = TRUE")
        .fetch_one(&store.readers)
        .await?;
    status.schema_version = row.try_get::<Option<i64>, _>(0)?.unwrap_or(0);
    // A sealed text is `1.<8 digits of the key id>.…`.
    let keys = sqlx::query(
        "SELECT key_id, COUNT(*) AS sealed FROM
            (SELECT substr(sentry, 3, 8) AS key_id FROM grants WHERE sentry IS NOT NULL
             UNION ALL SELECT substr(decision, 3, 8) AS key_id FROM pending) AS places
         GROUP BY key_id ORDER BY key_id",
    )
    .fetch_all(&store.readers)
    .await?;
    for row in &keys {
        let row = Columns::of(row, "grants");
        let key = KeyId::from_text(&row.text("key_id")?).ok_or_else(|| row.damaged())?;
        status.sealed_under.push((key, row.number("sealed")?));
    }
    Ok(status)
}

pub(super) async fn sealed_otherwise(
    store: &SqlStore,
    header: &str,
    limit: u32,
) -> Result<Vec<SealedRow>, StoreError> {
    let rows = sqlx::query(
        "SELECT 'grants' AS place, id, sentry AS sealed FROM grants
         WHERE sentry IS NOT NULL AND substr(sentry, 1, length($1)) <> $1
         UNION ALL
         SELECT 'pending' AS place, state AS id, decision AS sealed FROM pending
         WHERE substr(decision, 1, length($1)) <> $1
         LIMIT $2",
    )
    .bind(header)
    .bind(i64::from(limit))
    .fetch_all(&store.readers)
    .await?;
    rows.iter()
        .map(|row| {
            let row = Columns::of(row, "grants");
            Ok(SealedRow {
                table: match row.text("place")?.as_str() {
                    "grants" => SealedTable::Grants,
                    _ => SealedTable::Pending,
                },
                row: row.text("id")?,
                sealed: Sealed::from_text(row.text("sealed")?),
            })
        })
        .collect()
}

pub(super) async fn reseal(
    store: &SqlStore,
    row: &SealedRow,
    sealed: &Sealed,
) -> Result<bool, StoreError> {
    let sql = match row.table {
        SealedTable::Grants => "UPDATE grants SET sentry = $1 WHERE id = $2 AND sentry = $3",
        SealedTable::Pending => {
            "UPDATE pending SET decision = $1 WHERE state = $2 AND decision = $3"
        }
    };
    let done = sqlx::query(sql)
        .bind(sealed.as_text())
        .bind(row.row.as_str())
        .bind(row.sealed.as_text())
        .execute(&store.writers)
        .await?;
    Ok(done.rows_affected() == 1)
}
