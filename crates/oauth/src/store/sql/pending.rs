//! People who were sent to Sentry.

use super::{SqlStore, rows::Columns};
use crate::{
    seal::Sealed,
    secret::Digest,
    store::{Millis, PendingRecord, StoreError},
};

pub(super) async fn put(store: &SqlStore, pending: &PendingRecord) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO pending (state, cookie, decision, expires_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(pending.state.to_text())
    .bind(pending.cookie.to_text())
    .bind(pending.decision.as_text())
    .bind(pending.expires_at)
    .execute(&store.writers)
    .await?;
    Ok(())
}

pub(super) async fn take(
    store: &SqlStore,
    state: &Digest,
    now: Millis,
) -> Result<Option<PendingRecord>, StoreError> {
    let row = sqlx::query(
        "DELETE FROM pending WHERE state = $1 RETURNING state, cookie, decision, expires_at",
    )
    .bind(state.to_text())
    .fetch_optional(&store.writers)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let row = Columns::of(&row, "pending");
    let pending = PendingRecord {
        state: row.digest("state")?,
        cookie: row.digest("cookie")?,
        decision: Sealed::from_text(row.text("decision")?),
        expires_at: row.number("expires_at")?,
    };
    Ok(Some(pending).filter(|pending| pending.expires_at > now))
}
