//! Grants, and what ends them.

use sqlx::{Any, Transaction, any::AnyRow};

use super::{
    SqlStore,
    rows::{Columns, list},
    tokens,
};
use crate::{
    seal::Sealed,
    store::{CodeRecord, GrantId, GrantRecord, Millis, StoreError},
};

/// The columns of a grant, where the table goes by the name of `g`.
macro_rules! grant_columns {
    () => {
        "g.id, g.client_id, g.client_name, g.subject, g.label, g.scopes, g.resource, g.sentry, \
         g.sentry_version, g.sentry_scopes, g.sentry_expires_at, g.created_at, g.last_used_at, \
         g.revoked_at, g.revoked_reason"
    };
}
pub(super) use grant_columns;

/// Reads what `grant_columns!` selected.
pub(super) fn from_row(row: &AnyRow) -> Result<GrantRecord, StoreError> {
    let row = Columns::of(row, "grants");
    Ok(GrantRecord {
        id: GrantId::from_text(row.text("id")?),
        client_id: row.text("client_id")?,
        client_name: row.maybe_text("client_name")?,
        subject: row.text("subject")?,
        label: row.text("label")?,
        scopes: row.list("scopes")?,
        resource: row.text("resource")?,
        sentry: row.maybe_text("sentry")?.map(Sealed::from_text),
        sentry_version: row.number("sentry_version")?,
        sentry_scopes: row.list("sentry_scopes")?,
        sentry_expires_at: row.maybe_time("sentry_expires_at")?,
        created_at: row.number("created_at")?,
        last_used_at: row.number("last_used_at")?,
        revoked_at: row.maybe_time("revoked_at")?,
        revoked_reason: row.maybe_text("revoked_reason")?,
    })
}

pub(super) async fn create(
    store: &SqlStore,
    grant: &GrantRecord,
    code: &CodeRecord,
) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    sqlx::query(
        "INSERT INTO grants
            (id, client_id, client_name, subject, label, scopes, resource, sentry,
             sentry_version, sentry_scopes, sentry_expires_at, created_at, last_used_at,
             revoked_at, revoked_reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(grant.id.as_str())
    .bind(&grant.client_id)
    .bind(&grant.client_name)
    .bind(&grant.subject)
    .bind(&grant.label)
    .bind(list(&grant.scopes))
    .bind(&grant.resource)
    .bind(grant.sentry.as_ref().map(|sealed| sealed.as_text().to_owned()))
    .bind(grant.sentry_version)
    .bind(list(&grant.sentry_scopes))
    .bind(grant.sentry_expires_at)
    .bind(grant.created_at)
    .bind(grant.last_used_at)
    .bind(grant.revoked_at)
    .bind(&grant.revoked_reason)
    .execute(&mut *tx)
    .await?;
    tokens::insert_code(&mut tx, code).await?;
    tx.commit().await?;
    Ok(())
}

pub(super) async fn find(
    store: &SqlStore,
    id: &GrantId,
) -> Result<Option<GrantRecord>, StoreError> {
    sqlx::query(concat!("SELECT ", grant_columns!(), " FROM grants g WHERE g.id = $1"))
        .bind(id.as_str())
        .fetch_optional(&store.readers)
        .await?
        .map(|row| from_row(&row))
        .transpose()
}

/// Notes a use, and says whether the grant is live. In PostgreSQL this also locks the row, so
/// that no revocation comes between this and the end of the transaction.
pub(super) async fn claim(
    tx: &mut Transaction<'static, Any>,
    id: &GrantId,
    now: Millis,
) -> Result<bool, StoreError> {
    let claimed =
        sqlx::query("UPDATE grants SET last_used_at = $1 WHERE id = $2 AND revoked_at IS NULL")
            .bind(now)
            .bind(id.as_str())
            .execute(&mut **tx)
            .await?;
    Ok(claimed.rows_affected() == 1)
}

pub(super) async fn revoke(
    tx: &mut Transaction<'static, Any>,
    id: &GrantId,
    reason: &str,
    now: Millis,
) -> Result<bool, StoreError> {
    let revoked = sqlx::query(
        "UPDATE grants SET revoked_at = $1, revoked_reason = $2, sentry = NULL
         WHERE id = $3 AND revoked_at IS NULL",
    )
    .bind(now)
    .bind(reason)
    .bind(id.as_str())
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "UPDATE refresh_tokens SET replay = NULL, replay_request = NULL
         WHERE grant_id = $1 AND replay IS NOT NULL",
    )
    .bind(id.as_str())
    .execute(&mut **tx)
    .await?;
    Ok(revoked.rows_affected() == 1)
}

pub(super) async fn replace_sentry(
    store: &SqlStore,
    id: &GrantId,
    if_version: i64,
    sentry: &Sealed,
    sentry_scopes: &[String],
    sentry_expires_at: Option<Millis>,
) -> Result<bool, StoreError> {
    let replaced = sqlx::query(
        "UPDATE grants
         SET sentry = $1, sentry_scopes = $2, sentry_expires_at = $3,
             sentry_version = sentry_version + 1
         WHERE id = $4 AND sentry_version = $5 AND revoked_at IS NULL",
    )
    .bind(sentry.as_text())
    .bind(list(sentry_scopes))
    .bind(sentry_expires_at)
    .bind(id.as_str())
    .bind(if_version)
    .execute(&store.writers)
    .await?;
    Ok(replaced.rows_affected() == 1)
}

pub(super) async fn touch(store: &SqlStore, id: &GrantId, now: Millis) -> Result<(), StoreError> {
    sqlx::query("UPDATE grants SET last_used_at = $1 WHERE id = $2 AND last_used_at < $1")
        .bind(now)
        .bind(id.as_str())
        .execute(&store.writers)
        .await?;
    Ok(())
}
