//! `sentry-mcp-http store`: looking after the store while no server has to run.

use std::io::Write as _;

use oauth::{
    store::{Clock as _, GrantStore, Status, SystemClock},
    tokens::rekey,
};
use serde_json::json;
use server::{
    cli::{self, PLAIN, Usage},
    config::{HttpLoaded, StoreLocation},
};

use crate::{
    args::{Args, Output, StoreCommand},
    commands::start,
    parts::{self, Key},
};

pub(super) async fn run(args: &Args, command: StoreCommand) -> anyhow::Result<()> {
    let loaded = start(args)?;
    if loaded.settings().store == StoreLocation::Memory {
        return Err(Usage(
            "a store in memory is gone with its server; name a file with --store".to_owned(),
        )
        .into());
    }
    // Opening it brings the tables up to date.
    let store = parts::store(&loaded).await?;
    match command {
        StoreCommand::Migrate => {
            let version = store.status(SystemClock.now()).await?.schema_version;
            say(&format!("the tables are up to date (version {version})"))
        }
        StoreCommand::Status(output) => show(&store.status(SystemClock.now()).await?, output),
        StoreCommand::RotateKey => rotate(&loaded, store.as_ref()).await,
    }
}

fn show(status: &Status, output: Output) -> anyhow::Result<()> {
    let counts = [
        ("schema_version", status.schema_version),
        ("live_grants", status.live_grants),
        ("revoked_grants", status.revoked_grants),
        ("access_tokens", status.access_tokens),
        ("refresh_tokens", status.refresh_tokens),
        ("clients", status.clients),
        ("pending_logins", status.pending),
        ("expired_rows", status.expired),
    ];
    let keys: Vec<(String, i64)> =
        status.sealed_under.iter().map(|(id, count)| (id.to_string(), *count)).collect();
    let mut out = anstream::stdout().lock();
    if output.json {
        let mut all = serde_json::Map::new();
        all.extend(counts.map(|(name, count)| (name.to_owned(), json!(count))));
        let keys = keys.into_iter().map(|(id, count)| (id, json!(count))).collect();
        all.insert("sealed_under".to_owned(), serde_json::Value::Object(keys));
        writeln!(out, "{:#}", serde_json::Value::Object(all))?;
        return Ok(());
    }
    let counts = counts.map(|(name, count)| (name.replace('_', " "), count));
    let keys = keys.into_iter().map(|(id, count)| (format!("sealed under {id}"), count));
    let rows: Vec<_> = counts
        .into_iter()
        .chain(keys)
        .map(|(name, count)| vec![(PLAIN, name), (PLAIN, count.to_string())])
        .collect();
    cli::print(&mut out, &["WHAT", "HOW MANY"], &rows)?;
    Ok(())
}

/// A new key where a file holds it; otherwise the operator has put a new one before the others.
/// Then everything is sealed under it. Older keys that seal nothing go with the next rotation,
/// because a server that still runs may use them until it is restarted.
async fn rotate(loaded: &HttpLoaded, store: &dyn GrantStore) -> anyhow::Result<()> {
    let key = parts::key(loaded)?;
    let ring = match &key {
        Key::File(file) => {
            let needed = store.status(SystemClock.now()).await?.sealed_under;
            let needed: Vec<_> = needed.into_iter().map(|(id, _)| id).collect();
            file.retire(&needed)?;
            file.rotate()?
        }
        Key::Configured(ring) => ring.clone(),
    };
    let resealed = rekey(store, &ring).await?;
    say(&format!("{resealed} values were sealed again, under the key {}", ring.current()))?;
    match &key {
        Key::File(file) => say(&format!(
            "restart every server that uses {}: it does not know the new key yet",
            file.path().display()
        )),
        Key::Configured(ring) if ring.ids().len() > 1 => {
            say("once every server was restarted with the new key, the older ones can be removed")
        }
        Key::Configured(_) => {
            say("to change the key, put a new one before it, separated by a comma, restart every \
             server, and run this again")
        }
    }
}

fn say(text: &str) -> anyhow::Result<()> {
    writeln!(anstream::stdout(), "{text}")?;
    Ok(())
}
