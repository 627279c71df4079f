//! What the store promises, on a file, in memory, and with two processes at once.

use std::{path::PathBuf, sync::Arc};

use sqlx::Row as _;

use super::*;
use crate::{
    seal::KeyRing,
    secret::Secret,
    store::{CLIENT_LIFETIME, DAY, HOUR, MINUTE, REPLAY_WINDOW, Replay, SECOND, SealedTable},
};

const NOW: Millis = 1_800_000_000_000;

impl SqlStore {
    /// Every text in every table.
    pub(crate) async fn dump(&self) -> String {
        let mut dump = String::new();
        for sql in [
            "SELECT * FROM grants",
            "SELECT * FROM codes",
            "SELECT * FROM access_tokens",
            "SELECT * FROM refresh_tokens",
            "SELECT * FROM clients",
            "SELECT * FROM pending",
        ] {
            for row in sqlx::query(sql).fetch_all(&self.readers).await.unwrap() {
                for column in 0..row.len() {
                    if let Ok(Some(text)) = row.try_get::<Option<String>, _>(column) {
                        dump.push_str(&text);
                        dump.push('\n');
                    }
                }
            }
        }
        dump
    }

    async fn run(&self, sql: &'static str) {
        sqlx::query(sql).execute(&self.writers).await.unwrap();
    }
}

struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        let name = format!("oauth-sql-{}", random().to_text());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("a store?#%20.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn random() -> Digest {
    Secret::random().unwrap().digest()
}

fn grant(id: &str) -> GrantRecord {
    GrantRecord {
        id: GrantId::from_text(id),
        client_id: "client".into(),
        client_name: Some("A \"client\"; DROP TABLE grants; --é".into()),
        subject: "17".into(),
        label: "dev@example.test".into(),
        scopes: vec!["org:read".into(), "event:write".into()],
        resource: "https://mcp.example.test/mcp".into(),
        sentry: Some(Sealed::from_text("1.01020304.sealed".into())),
        sentry_version: 1,
        sentry_scopes: vec![],
        sentry_expires_at: Some(NOW + HOUR),
        created_at: NOW,
        last_used_at: NOW,
        revoked_at: None,
        revoked_reason: None,
    }
}

fn code(grant: &GrantRecord) -> CodeRecord {
    CodeRecord {
        digest: random(),
        grant: grant.id.clone(),
        client_id: grant.client_id.clone(),
        redirect_uri: "http://127.0.0.1/callback".into(),
        code_challenge: "challenge".into(),
        resource: grant.resource.clone(),
        expires_at: NOW + MINUTE,
        used_at: None,
    }
}

fn issued(grant: &GrantRecord) -> Issued {
    Issued {
        access: AccessRecord {
            digest: random(),
            grant: grant.id.clone(),
            scopes: grant.scopes.clone(),
            resource: grant.resource.clone(),
            expires_at: NOW + HOUR,
        },
        refresh: RefreshRecord {
            digest: random(),
            grant: grant.id.clone(),
            client_id: grant.client_id.clone(),
            expires_at: NOW + 30 * DAY,
            superseded_at: None,
        },
    }
}

/// A grant with its first tokens.
async fn login(store: &SqlStore, id: &str) -> (GrantRecord, CodeRecord, Issued) {
    let grant = grant(id);
    let (code, issued) = (code(&grant), issued(&grant));
    store.create_grant(&grant, &code).await.unwrap();
    let redeemed = store.redeem_code(&code.digest, &issued, "reuse", NOW).await.unwrap();
    assert_eq!(redeemed, Redeemed::Yes);
    (grant, code, issued)
}

async fn rotate(store: &SqlStore, presented: &Digest, issued: &Issued, now: Millis) -> Rotated {
    let replay = Replay { answer: Sealed::from_text("answer".into()), request: Digest::of("r") };
    let rotation = Rotation {
        presented,
        issued,
        replay: &replay,
        window: REPLAY_WINDOW,
        reuse_reason: "reuse",
        now,
    };
    store.rotate_refresh(rotation).await.unwrap()
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_and_its_companions_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let store = SqlStore::open_file(&folder.file()).await.unwrap();
    login(&store, "g").await;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder.0).unwrap() {
        let entry = entry.unwrap();
        names.push(entry.file_name().into_string().unwrap());
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{names:?}");
    }
    assert_eq!(names.len(), 3, "{names:?}");
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let folder = Folder::new();
    let store = SqlStore::open_file(&folder.file()).await.unwrap();
    let (grant, code, issued) = login(&store, "g").await;
    store.close().await;

    let store = SqlStore::open_file(&folder.file()).await.unwrap();
    store.ping().await.unwrap();
    assert_eq!(store.grant(&grant.id).await.unwrap(), Some(grant.clone()));
    let used = CodeRecord { used_at: Some(NOW), ..code };
    assert_eq!(store.code(&used.digest).await.unwrap(), Some(used));
    let (access, of) = store.access(&issued.access.digest).await.unwrap().unwrap();
    assert_eq!((access, of), (issued.access, grant.clone()));
    let (refresh, of) = store.refresh(&issued.refresh.digest).await.unwrap().unwrap();
    assert_eq!((refresh, of), (issued.refresh, grant));
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_says_which_file() {
    let folder = Folder::new();
    let error = SqlStore::open_file(&folder.0.join("none/store.db")).await.unwrap_err();
    assert!(error.to_string().contains("none/store.db"), "{error}");
    std::fs::write(folder.file(), "this is not a database, but long enough to look").unwrap();
    assert!(SqlStore::open_file(&folder.file()).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_together_share_the_new_tables() {
    let folder = Folder::new();
    let opening: Vec<_> = (0..4)
        .map(|_| {
            let path = folder.file();
            tokio::spawn(async move { SqlStore::open_file(&path).await })
        })
        .collect();
    for task in opening {
        let store = task.await.unwrap().unwrap();
        assert_eq!(store.status(NOW).await.unwrap().schema_version, 1);
        store.migrate().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_processes_one_redeems_and_one_rotates() {
    let folder = Folder::new();
    let one = Arc::new(SqlStore::open_file(&folder.file()).await.unwrap());
    let other = Arc::new(SqlStore::open_file(&folder.file()).await.unwrap());
    for round in 0..10 {
        let grant = grant(&format!("g{round}"));
        let code = code(&grant);
        one.create_grant(&grant, &code).await.unwrap();
        let tasks = [&one, &other].map(|store| {
            let (store, digest, issued) = (Arc::clone(store), code.digest, issued(&grant));
            tokio::spawn(
                async move { store.redeem_code(&digest, &issued, "reuse", NOW).await.unwrap() },
            )
        });
        let [first, second] = tasks;
        let results = [first.await.unwrap(), second.await.unwrap()];
        assert!(results.contains(&Redeemed::Yes), "{results:?}");
        assert!(results.contains(&Redeemed::AlreadyUsed(grant.id.clone())), "{results:?}");

        let (grant, _, first) = login(&one, &format!("h{round}")).await;
        let tasks = [&one, &other].map(|store| {
            let (store, digest, issued) = (Arc::clone(store), first.refresh.digest, issued(&grant));
            tokio::spawn(async move { rotate(&store, &digest, &issued, NOW).await })
        });
        let [first, second] = tasks;
        let results = [first.await.unwrap(), second.await.unwrap()];
        assert!(results.contains(&Rotated::Yes), "{results:?}");
        let repeated = |result: &Rotated| matches!(result, Rotated::Replay { .. });
        assert_eq!(results.iter().filter(|result| repeated(result)).count(), 1, "{results:?}");
    }
}

#[tokio::test]
async fn a_revoked_grant_takes_no_code_and_no_refresh() {
    let store = SqlStore::in_memory().await.unwrap();
    let unredeemed = grant("g");
    let code = code(&unredeemed);
    store.create_grant(&unredeemed, &code).await.unwrap();
    store.revoke_grant(&unredeemed.id, "because", NOW).await.unwrap();
    let result = store.redeem_code(&code.digest, &issued(&unredeemed), "reuse", NOW).await;
    assert_eq!(result.unwrap(), Redeemed::No);
    assert_eq!(store.code(&code.digest).await.unwrap().unwrap().used_at, None);

    let (grant, _, first) = login(&store, "h").await;
    store.revoke_grant(&grant.id, "because", NOW).await.unwrap();
    assert_eq!(rotate(&store, &first.refresh.digest, &issued(&grant), NOW).await, Rotated::No);
    let grant = store.grant(&grant.id).await.unwrap().unwrap();
    assert_eq!(grant.revoked_reason.as_deref(), Some("because"));
}

#[tokio::test]
async fn tokens_of_one_grant_are_never_issued_for_the_code_of_another() {
    let store = SqlStore::in_memory().await.unwrap();
    let (one, other) = (grant("g"), grant("h"));
    let (code_of_one, code_of_other) = (code(&one), code(&other));
    store.create_grant(&one, &code_of_one).await.unwrap();
    store.create_grant(&other, &code_of_other).await.unwrap();
    let result = store.redeem_code(&code_of_one.digest, &issued(&other), "reuse", NOW).await;
    assert_eq!(result.unwrap(), Redeemed::No);
    let (_, _, first) = login(&store, "i").await;
    assert_eq!(rotate(&store, &first.refresh.digest, &issued(&one), NOW).await, Rotated::No);
}

#[tokio::test]
async fn a_person_at_sentry_can_come_back_once_and_in_time() {
    let store = SqlStore::in_memory().await.unwrap();
    let pending = || PendingRecord {
        state: random(),
        cookie: random(),
        decision: Sealed::from_text("1.01020304.sealed".into()),
        expires_at: NOW + 1,
    };
    let one = pending();
    store.put_pending(&one).await.unwrap();
    assert!(matches!(store.put_pending(&one).await, Err(StoreError::Duplicate)));
    assert_eq!(store.take_pending(&random(), NOW).await.unwrap(), None);
    assert_eq!(store.take_pending(&one.state, NOW).await.unwrap().as_ref(), Some(&one));
    assert_eq!(store.take_pending(&one.state, NOW).await.unwrap(), None);

    let late = pending();
    store.put_pending(&late).await.unwrap();
    assert_eq!(store.take_pending(&late.state, NOW + 1).await.unwrap(), None);
    assert_eq!(store.take_pending(&late.state, NOW).await.unwrap(), None);
}

#[tokio::test]
async fn a_lock_has_one_holder_until_its_time_is_over() {
    let store = SqlStore::in_memory().await.unwrap();
    let lease = async |holder, now| store.lease("l", holder, now + SECOND, now).await.unwrap();
    assert!(lease("a", NOW).await);
    assert!(!lease("b", NOW).await);
    assert!(lease("a", NOW + 1).await);
    assert!(!lease("b", NOW + SECOND).await);
    assert!(lease("b", NOW + SECOND + 1).await);
    store.release("l", "a").await.unwrap();
    assert!(!lease("a", NOW + SECOND + 1).await);
    store.release("l", "b").await.unwrap();
    assert!(lease("a", NOW + SECOND + 1).await);
}

fn client(id: &str, last_used_at: Millis) -> ClientRecord {
    ClientRecord {
        id: id.into(),
        name: None,
        uri: Some("https://client.example.test/".into()),
        redirect_uris: vec!["http://127.0.0.1/callback".into(), "https://a.example.test/".into()],
        auth_method: "client_secret_basic".into(),
        secret: Some(random()),
        created_at: NOW,
        last_used_at,
    }
}

#[tokio::test]
async fn there_is_an_end_to_how_many_clients_register() {
    let store = SqlStore::in_memory().await.unwrap();
    for (id, fits) in [("one", true), ("two", true), ("three", false)] {
        assert_eq!(super::clients::put(&store, &client(id, NOW), 2).await.unwrap(), fits, "{id}");
    }
    assert_eq!(store.client("three").await.unwrap(), None);
}

#[tokio::test]
async fn a_client_is_swept_90_days_after_its_last_use_and_never_under_a_live_grant() {
    let store = SqlStore::in_memory().await.unwrap();
    for id in ["client", "unused", "used"] {
        store.put_client(&client(id, NOW)).await.unwrap();
    }
    let known = client("other", NOW);
    store.put_client(&known).await.unwrap();
    assert_eq!(store.client("other").await.unwrap(), Some(known));
    assert_eq!(store.client("nobody").await.unwrap(), None);
    let grant = grant("g");
    store.create_grant(&grant, &code(&grant)).await.unwrap();
    // A grant that lives as long as a client: refreshed a moment ago.
    let fresh = CodeRecord { expires_at: NOW + 2 * CLIENT_LIFETIME, ..code(&grant) };
    let mut tokens = issued(&grant);
    tokens.refresh.expires_at = NOW + 2 * CLIENT_LIFETIME;
    let mut tx = store.begin().await.unwrap();
    super::tokens::insert_code(&mut tx, &fresh).await.unwrap();
    tx.commit().await.unwrap();
    store.redeem_code(&fresh.digest, &tokens, "reuse", NOW).await.unwrap();
    store.touch_client("used", NOW + 1).await.unwrap();

    store.sweep(NOW + CLIENT_LIFETIME - 1, 100).await.unwrap();
    assert!(store.client("unused").await.unwrap().is_some());
    store.sweep(NOW + CLIENT_LIFETIME, 100).await.unwrap();
    for (id, kept) in [("client", true), ("used", true), ("unused", false), ("other", false)] {
        assert_eq!(store.client(id).await.unwrap().is_some(), kept, "{id}");
    }
    store.revoke_grant(&grant.id, "because", NOW).await.unwrap();
    store.sweep(NOW + CLIENT_LIFETIME, 100).await.unwrap();
    assert!(store.client("client").await.unwrap().is_none());
}

#[tokio::test]
async fn a_secret_that_is_damaged_does_not_make_a_public_client() {
    let store = SqlStore::in_memory().await.unwrap();
    store.put_client(&client("client", NOW)).await.unwrap();
    store.run("UPDATE clients SET secret = 'short'").await;
    let error = store.client("client").await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged { table: "clients" }), "{error:?}");
}

#[tokio::test]
async fn a_sweep_removes_what_has_ended_in_small_steps_and_keeps_what_proves_reuse() {
    let store = SqlStore::in_memory().await.unwrap();
    let mut logins = Vec::new();
    for number in 0..5 {
        logins.push(login(&store, &format!("g{number}")).await);
    }
    let (grant, code, first) = logins.remove(0);
    let second = issued(&grant);
    assert_eq!(rotate(&store, &first.refresh.digest, &second, NOW).await, Rotated::Yes);
    assert!(store.dump().await.contains("answer"));

    // Only the answer that could be repeated.
    let swept = store.sweep(NOW + REPLAY_WINDOW, 100).await.unwrap();
    assert_eq!(swept, Swept { rows: 1, more: false });
    assert!(!store.dump().await.contains("answer"));

    // The six access tokens, in steps.
    for (rows, more) in [(4, true), (2, false), (0, false)] {
        assert_eq!(store.sweep(NOW + HOUR, 4).await.unwrap(), Swept { rows, more });
    }
    assert!(store.access(&first.access.digest).await.unwrap().is_none());
    assert!(store.code(&code.digest).await.unwrap().unwrap().used_at.is_some());
    let third = issued(&grant);
    let reused = rotate(&store, &first.refresh.digest, &third, NOW + HOUR).await;
    assert_eq!(reused, Rotated::Reused(grant.id.clone()));

    // Six refresh tokens and five grants, with their codes.
    assert_eq!(store.status(NOW + 30 * DAY).await.unwrap().expired, 6);
    let swept = store.sweep(NOW + 30 * DAY, 100).await.unwrap();
    assert_eq!(swept, Swept { rows: 11, more: false });
    assert_eq!(store.dump().await, "");
}

#[tokio::test]
async fn a_grant_whose_code_was_never_redeemed_is_swept_with_it() {
    let store = SqlStore::in_memory().await.unwrap();
    let grant = grant("g");
    store.create_grant(&grant, &code(&grant)).await.unwrap();
    assert_eq!(store.sweep(NOW + HOUR - 1, 100).await.unwrap().rows, 0);
    assert_eq!(store.sweep(NOW + HOUR, 100).await.unwrap().rows, 1);
    assert_eq!(store.dump().await, "");
}

#[tokio::test]
async fn the_status_counts_what_there_is() {
    let store = SqlStore::in_memory().await.unwrap();
    let empty = store.status(NOW).await.unwrap();
    assert_eq!(empty, Status { schema_version: 1, ..Status::default() });

    let (grant, _, first) = login(&store, "g").await;
    rotate(&store, &first.refresh.digest, &issued(&grant), NOW).await;
    login(&store, "h").await;
    let (revoked, ..) = login(&store, "i").await;
    store.revoke_grant(&revoked.id, "because", NOW).await.unwrap();
    store.put_client(&client("client", NOW)).await.unwrap();
    let keys = KeyRing::generate().unwrap();
    let state = random();
    let decision = keys.seal(PendingRecord::decision_place(&state.to_text()), b"d").unwrap();
    let pending = PendingRecord { state, cookie: random(), decision, expires_at: NOW + 1 };
    store.put_pending(&pending).await.unwrap();

    let status = store.status(NOW).await.unwrap();
    let mut sealed_under = status.sealed_under.clone();
    sealed_under.sort_by_key(|(_, values)| *values);
    let old = crate::seal::KeyId::from_text("01020304").unwrap();
    assert_eq!(sealed_under, [(keys.current(), 1), (old, 2)]);
    let expected = Status {
        schema_version: 1,
        live_grants: 2,
        revoked_grants: 1,
        access_tokens: 3,
        refresh_tokens: 2,
        clients: 1,
        pending: 1,
        expired: 0,
        sealed_under: status.sealed_under.clone(),
    };
    assert_eq!(status, expected);
}

#[tokio::test]
async fn a_value_that_changed_meanwhile_is_not_sealed_over() {
    let store = SqlStore::in_memory().await.unwrap();
    let (grant, ..) = login(&store, "g").await;
    let rows = store.sealed_otherwise("1.0a0b0c0d.", 10).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].table, rows[0].row.as_str()), (SealedTable::Grants, "g"));
    assert!(store.sealed_otherwise("1.01020304.", 10).await.unwrap().is_empty());

    let newer = Sealed::from_text("1.01020304.newer".into());
    assert!(store.replace_sentry_token(&grant.id, 1, &newer, &[], None).await.unwrap());
    let late = Sealed::from_text("1.0a0b0c0d.late".into());
    assert!(!store.reseal(&rows[0], &late).await.unwrap());
    assert_eq!(store.grant(&grant.id).await.unwrap().unwrap().sentry, Some(newer));
}

#[tokio::test]
async fn a_database_from_the_future_is_not_used() {
    let folder = Folder::new();
    let store = SqlStore::open_file(&folder.file()).await.unwrap();
    store
        .run(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (999, 'later', TRUE, x'00', 0)",
        )
        .await;
    store.close().await;
    let error = SqlStore::open_file(&folder.file()).await.unwrap_err();
    assert!(matches!(error, StoreError::Migrate(_)), "{error:?}");
}
