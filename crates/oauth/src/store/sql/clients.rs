//! Clients that registered themselves.

use super::{
    SqlStore,
    rows::{Columns, list},
};
use crate::{
    secret::Digest,
    store::{ClientRecord, Millis, StoreError},
};

/// Whether there was room for it among the `most` that are kept. Two at the same time may both
/// find the last place.
pub(super) async fn put(
    store: &SqlStore,
    client: &ClientRecord,
    most: i64,
) -> Result<bool, StoreError> {
    let count = sqlx::query("SELECT COUNT(*) AS count FROM clients");
    let row = count.fetch_one(&store.readers).await?;
    if Columns::of(&row, "clients").number("count")? >= most {
        return Ok(false);
    }
    sqlx::query(
        "INSERT INTO clients
            (id, name, uri, redirect_uris, auth_method, secret, created_at, last_used_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&client.id)
    .bind(&client.name)
    .bind(&client.uri)
    .bind(list(&client.redirect_uris))
    .bind(&client.auth_method)
    .bind(client.secret.map(|secret| secret.to_text()))
    .bind(client.created_at)
    .bind(client.last_used_at)
    .execute(&store.writers)
    .await?;
    Ok(true)
}

pub(super) async fn find(store: &SqlStore, id: &str) -> Result<Option<ClientRecord>, StoreError> {
    let row = sqlx::query(
        "SELECT id, name, uri, redirect_uris, auth_method, secret, created_at, last_used_at
         FROM clients WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(&store.readers)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let row = Columns::of(&row, "clients");
    let secret = row.maybe_text("secret")?;
    Ok(Some(ClientRecord {
        id: row.text("id")?,
        name: row.maybe_text("name")?,
        uri: row.maybe_text("uri")?,
        redirect_uris: row.list("redirect_uris")?,
        auth_method: row.text("auth_method")?,
        // A secret that cannot be read must not turn into a client without one.
        secret: secret
            .map(|text| Digest::from_text(&text).ok_or_else(|| row.damaged()))
            .transpose()?,
        created_at: row.number("created_at")?,
        last_used_at: row.number("last_used_at")?,
    }))
}

pub(super) async fn touch(store: &SqlStore, id: &str, now: Millis) -> Result<(), StoreError> {
    sqlx::query("UPDATE clients SET last_used_at = $1 WHERE id = $2 AND last_used_at < $1")
        .bind(now)
        .bind(id)
        .execute(&store.writers)
        .await?;
    Ok(())
}
