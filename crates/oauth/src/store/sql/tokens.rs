//! Codes and tokens. Each of the two steps that must not be taken twice, redeeming and
//! rotating, is decided by one `UPDATE` that can match once.

use sqlx::{Any, Transaction};

use super::{
    SqlStore,
    grants::{self, grant_columns},
    rows::{Columns, list},
};
use crate::{
    seal::Sealed,
    secret::Digest,
    store::{
        AccessRecord, CodeRecord, GrantId, GrantRecord, Issued, Millis, Redeemed, RefreshRecord,
        Rotated, Rotation, StoreError,
    },
};

pub(super) async fn insert_code(
    tx: &mut Transaction<'static, Any>,
    code: &CodeRecord,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO codes
            (digest, grant_id, client_id, redirect_uri, code_challenge, resource, expires_at,
             used_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(code.digest.to_text())
    .bind(code.grant.as_str())
    .bind(&code.client_id)
    .bind(&code.redirect_uri)
    .bind(&code.code_challenge)
    .bind(&code.resource)
    .bind(code.expires_at)
    .bind(code.used_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn insert_issued(
    tx: &mut Transaction<'static, Any>,
    issued: &Issued,
) -> Result<(), StoreError> {
    let Issued { access, refresh } = issued;
    sqlx::query(
        "INSERT INTO access_tokens (digest, grant_id, scopes, resource, expires_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(access.digest.to_text())
    .bind(access.grant.as_str())
    .bind(list(&access.scopes))
    .bind(&access.resource)
    .bind(access.expires_at)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "INSERT INTO refresh_tokens (digest, grant_id, client_id, expires_at)
         VALUES ($1, $2, $3, $4)",
    )
    .bind(refresh.digest.to_text())
    .bind(refresh.grant.as_str())
    .bind(&refresh.client_id)
    .bind(refresh.expires_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(super) async fn code(
    store: &SqlStore,
    digest: &Digest,
) -> Result<Option<CodeRecord>, StoreError> {
    let row = sqlx::query(
        "SELECT digest, grant_id, client_id, redirect_uri, code_challenge, resource, expires_at,
            used_at
         FROM codes WHERE digest = $1",
    )
    .bind(digest.to_text())
    .fetch_optional(&store.readers)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let row = Columns::of(&row, "codes");
    Ok(Some(CodeRecord {
        digest: row.digest("digest")?,
        grant: GrantId::from_text(row.text("grant_id")?),
        client_id: row.text("client_id")?,
        redirect_uri: row.text("redirect_uri")?,
        code_challenge: row.text("code_challenge")?,
        resource: row.text("resource")?,
        expires_at: row.number("expires_at")?,
        used_at: row.maybe_time("used_at")?,
    }))
}

pub(super) async fn redeem(
    store: &SqlStore,
    digest: &Digest,
    issued: &Issued,
    reuse_reason: &str,
    now: Millis,
) -> Result<Redeemed, StoreError> {
    let mut tx = store.begin().await?;
    let won = sqlx::query(
        "UPDATE codes SET used_at = $1
         WHERE digest = $2 AND grant_id = $3 AND used_at IS NULL AND expires_at > $1",
    )
    .bind(now)
    .bind(digest.to_text())
    .bind(issued.access.grant.as_str())
    .execute(&mut *tx)
    .await?;
    if won.rows_affected() == 1 {
        // Without a commit everything so far is undone.
        if !grants::claim(&mut tx, &issued.access.grant, now).await? {
            return Ok(Redeemed::No);
        }
        insert_issued(&mut tx, issued).await?;
        tx.commit().await?;
        return Ok(Redeemed::Yes);
    }
    let used = sqlx::query("SELECT grant_id FROM codes WHERE digest = $1 AND used_at IS NOT NULL")
        .bind(digest.to_text())
        .fetch_optional(&mut *tx)
        .await?;
    let Some(used) = used else { return Ok(Redeemed::No) };
    let grant = GrantId::from_text(Columns::of(&used, "codes").text("grant_id")?);
    grants::revoke(&mut tx, &grant, reuse_reason, now).await?;
    tx.commit().await?;
    Ok(Redeemed::AlreadyUsed(grant))
}

pub(super) async fn access(
    store: &SqlStore,
    digest: &Digest,
) -> Result<Option<(AccessRecord, GrantRecord)>, StoreError> {
    let row = sqlx::query(concat!(
        "SELECT t.scopes AS token_scopes, t.resource AS token_resource, \
         t.expires_at AS token_expires_at, ",
        grant_columns!(),
        " FROM access_tokens t JOIN grants g ON g.id = t.grant_id WHERE t.digest = $1"
    ))
    .bind(digest.to_text())
    .fetch_optional(&store.readers)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let grant = grants::from_row(&row)?;
    let row = Columns::of(&row, "access_tokens");
    let access = AccessRecord {
        digest: *digest,
        grant: grant.id.clone(),
        scopes: row.list("token_scopes")?,
        resource: row.text("token_resource")?,
        expires_at: row.number("token_expires_at")?,
    };
    Ok(Some((access, grant)))
}

pub(super) async fn refresh(
    store: &SqlStore,
    digest: &Digest,
) -> Result<Option<(RefreshRecord, GrantRecord)>, StoreError> {
    let row = sqlx::query(concat!(
        "SELECT t.client_id AS token_client_id, t.expires_at AS token_expires_at, \
         t.superseded_at AS token_superseded_at, ",
        grant_columns!(),
        " FROM refresh_tokens t JOIN grants g ON g.id = t.grant_id WHERE t.digest = $1"
    ))
    .bind(digest.to_text())
    .fetch_optional(&store.readers)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let grant = grants::from_row(&row)?;
    let row = Columns::of(&row, "refresh_tokens");
    let refresh = RefreshRecord {
        digest: *digest,
        grant: grant.id.clone(),
        client_id: row.text("token_client_id")?,
        expires_at: row.number("token_expires_at")?,
        superseded_at: row.maybe_time("token_superseded_at")?,
    };
    Ok(Some((refresh, grant)))
}

pub(super) async fn rotate(
    store: &SqlStore,
    rotation: Rotation<'_>,
) -> Result<Rotated, StoreError> {
    let Rotation { presented, issued, replay, now, .. } = rotation;
    let mut tx = store.begin().await?;
    let won = sqlx::query(
        "UPDATE refresh_tokens
         SET superseded_at = $1, successor = $2, replay = $3, replay_request = $4
         WHERE digest = $5 AND grant_id = $6 AND superseded_at IS NULL AND expires_at > $1",
    )
    .bind(now)
    .bind(issued.refresh.digest.to_text())
    .bind(replay.answer.as_text())
    .bind(replay.request.to_text())
    .bind(presented.to_text())
    .bind(issued.refresh.grant.as_str())
    .execute(&mut *tx)
    .await?;
    if won.rows_affected() != 1 {
        return superseded(tx, &rotation).await;
    }
    // Without a commit everything so far is undone.
    if !grants::claim(&mut tx, &issued.refresh.grant, now).await? {
        return Ok(Rotated::No);
    }
    insert_issued(&mut tx, issued).await?;
    // This use is the proof that the answer before it arrived.
    sqlx::query(
        "UPDATE refresh_tokens SET replay = NULL, replay_request = NULL WHERE successor = $1",
    )
    .bind(presented.to_text())
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Rotated::Yes)
}

/// What a refresh token is that could not be superseded.
async fn superseded(
    mut tx: Transaction<'static, Any>,
    rotation: &Rotation<'_>,
) -> Result<Rotated, StoreError> {
    let row = sqlx::query(
        "SELECT t.grant_id, t.superseded_at, t.replay, t.replay_request, g.revoked_at,
            s.superseded_at AS successor_superseded_at
         FROM refresh_tokens t
         JOIN grants g ON g.id = t.grant_id
         LEFT JOIN refresh_tokens s ON s.digest = t.successor
         WHERE t.digest = $1",
    )
    .bind(rotation.presented.to_text())
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(Rotated::No) };
    let row = Columns::of(&row, "refresh_tokens");
    let Some(superseded_at) = row.maybe_time("superseded_at")? else { return Ok(Rotated::No) };
    if row.maybe_time("revoked_at")?.is_some() {
        return Ok(Rotated::No);
    }
    let in_time = rotation.now.saturating_sub(superseded_at) < rotation.window;
    let successor_unused = row.maybe_time("successor_superseded_at")?.is_none();
    let replay = row.maybe_text("replay")?.zip(row.maybe_text("replay_request")?);
    if let Some((answer, request)) = replay.filter(|_| in_time && successor_unused) {
        let request = Digest::from_text(&request).ok_or_else(|| row.damaged())?;
        return Ok(Rotated::Replay { answer: Sealed::from_text(answer), request });
    }
    let grant = GrantId::from_text(row.text("grant_id")?);
    grants::revoke(&mut tx, &grant, rotation.reuse_reason, rotation.now).await?;
    tx.commit().await?;
    Ok(Rotated::Reused(grant))
}
