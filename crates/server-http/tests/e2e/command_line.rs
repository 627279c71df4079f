//! Bad starts, settings, the store, and TLS.

use std::{path::PathBuf, sync::Arc};

use sentry_sim::Simulation;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::ServerName},
};

use crate::{
    harness::{Server, command, command_for, run},
    http::{raw_over, request},
};

fn scratch(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("http-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[tokio::test]
async fn a_start_that_is_not_safe_or_not_complete_exits_with_2_and_the_next_step() {
    for (args, words) in [
        (&["--bind=0.0.0.0:0"][..], &["--bind", "--tls-cert", "--behind-proxy"][..]),
        (&["--bind=[::]:0"], &["--bind", "--behind-proxy"]),
        (&["--bind=0.0.0.0:0", "--behind-proxy=10.0.0.0/8"], &["--public-url"]),
        (
            &[
                "--bind=0.0.0.0:0",
                "--behind-proxy=10.0.0.0/8",
                "--public-url=http://mcp.example.test",
            ],
            &["--public-url", "https://"],
        ),
        (&["--public-url=http://mcp.example.test"], &["--public-url", "https://"]),
        (&["--public-url=https://mcp.example.test/path"], &["--public-url", "without"]),
        (&["--public-url=https://user@mcp.example.test"], &["--public-url"]),
        (&["--public-url=https:mcp.example.test"], &["--public-url"]),
        (&["--public-url=mcp.example.test"], &["--public-url"]),
        (&["--behind-proxy=0.0.0.0/0"], &["--behind-proxy", "everybody"]),
        (&["--behind-proxy=proxy.example.test"], &["--behind-proxy", "10.0.0.0/8"]),
        (&["--allowed-origin=*"], &["--allowed-origin"]),
        (&["--tls-cert=cert.pem"], &["--tls-key"]),
        (&["--tls-cert=no.pem", "--tls-key=no.pem"], &["--tls-cert", "no.pem"]),
        (&["--bind=nowhere"], &["--bind", "127.0.0.1:8787"]),
        (&["--store=postgres://db.example.test"], &["--store", "file"]),
        (&["--caller-rate=0"], &["--caller-rate"]),
        (&["--step-up=always"], &["--step-up", "in-band"]),
        (&["--client-secret=hunter2"], &["--client-secret"]),
        (&["--access-token=hunter2"], &["--access-token"]),
        (&["--encryption-key-file=no.key"], &["--encryption-key-file", "no.key"]),
        (&["--no-such-flag"], &["--no-such-flag"]),
    ] {
        let mut command = command(args);
        command
            .env("SENTRY_CLIENT_ID", "id")
            .env("SENTRY_CLIENT_SECRET", "hunter2")
            .env("SENTRY_MCP_STORE", "memory");
        if args.iter().any(|arg| arg.starts_with("--store")) {
            command.env_remove("SENTRY_MCP_STORE");
        }
        let finished = run(&mut command).await;
        assert_eq!(finished.code, Some(2), "{args:?}: {}", finished.stderr);
        assert_eq!(finished.stdout, "", "{args:?}");
        for word in words {
            assert!(finished.stderr.contains(word), "{word} in: {}", finished.stderr);
        }
        let given = args.iter().any(|arg| arg.contains("hunter2"));
        assert!(given || !finished.stderr.contains("hunter2"), "{}", finished.stderr);
    }
}

#[tokio::test]
async fn a_missing_application_says_where_to_make_one() {
    for (id, missing) in [(None, "SENTRY_CLIENT_ID"), (Some("id"), "SENTRY_CLIENT_SECRET")] {
        let mut command = command(&["--store=memory", "--host=sentry.example.test"]);
        if let Some(id) = id {
            command.env("SENTRY_CLIENT_ID", id);
        }
        let finished = run(&mut command).await;
        assert_eq!(finished.code, Some(2), "{}", finished.stderr);
        let page = "https://sentry.example.test/settings/account/api/applications/";
        for words in [missing, page, "/oauth/callback", "sentry-mcp-http demo"] {
            assert!(finished.stderr.contains(words), "{words} in: {}", finished.stderr);
        }
    }
}

#[tokio::test]
async fn a_setting_of_the_other_server_is_refused_with_the_reason() {
    let folder = scratch("foreign");
    let file = folder.join("http.toml");
    std::fs::write(&file, "access_token = 'hunter2'\n").unwrap();
    let flag = format!("--config={}", file.display());
    let finished = run(&mut command(&[&flag, "config", "check"])).await;
    assert_eq!(finished.code, Some(2));
    for words in ["`access_token`", "line 1", "each caller logs in"] {
        assert!(finished.stderr.contains(words), "{words} in: {}", finished.stderr);
    }
    assert!(!finished.stderr.contains("hunter2"));
}

#[tokio::test]
async fn shown_settings_name_their_source_and_hide_every_secret() {
    let mut command = command(&["--caller-rate=7", "config", "show", "--json"]);
    command
        .env("SENTRY_MCP_STORE", "memory")
        .env("SENTRY_CLIENT_SECRET", "hunter2")
        .env("MCP_ENCRYPTION_KEY", "hunter2")
        .env("MCP_PUBLIC_URL", "https://mcp.example.test");
    let finished = run(&mut command).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let shown: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(shown["caller_rate"]["from"], "`--caller-rate`");
    assert_eq!(shown["public_url"]["from"], "`MCP_PUBLIC_URL`");
    for secret in ["client_secret", "encryption_key"] {
        assert_eq!(shown[secret]["value"], "********");
    }
    assert!(shown.get("access_token").is_none());
    assert!(!finished.stdout.contains("hunter2"));
}

#[tokio::test]
async fn a_login_outlives_a_restart_and_a_new_key() {
    let sentry = Simulation::start().await.unwrap();
    sentry.approve_oauth_as(Some(sentry_sim::OAuthUser::Owner));
    let folder = scratch("restart");
    let store = folder.join("store/http.sqlite3");
    let command = |args: &[&str]| {
        let mut command = command_for(&sentry, args);
        // The issuer must stay the same, so the port does.
        command.env("SENTRY_MCP_STORE", &store).env("MCP_PUBLIC_URL", "http://localhost:1");
        command
    };
    let mut server = Server::spawn(&mut command(&[])).await;
    let token = server.log_in("/mcp", &[]).await.access;
    let at = ("/mcp", token.as_str());
    assert!(server.call(at, "whoami", json!({})).await.is_ok());
    server.terminate().await;
    assert!(server.exit().await.0.success());

    let status = run(&mut command(&["store", "status", "--json"])).await;
    assert_eq!(status.code, Some(0), "{}", status.stderr);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(status["live_grants"], 1);
    for args in [["store", "migrate"], ["store", "rotate-key"], ["store", "rotate-key"]] {
        let finished = run(&mut command(&args)).await;
        assert_eq!(finished.code, Some(0), "{args:?}: {}", finished.stderr);
        assert!(!finished.stdout.is_empty());
    }
    #[cfg(unix)]
    for file in ["http.sqlite3", "http.key"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(store.with_file_name(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let mut server = Server::spawn(&mut command(&[])).await;
    assert!(server.call(at, "whoami", json!({})).await.is_ok());
    server.terminate().await;
    assert!(server.exit().await.0.success());

    // Without its key the store is of no use, and another key would end every session.
    std::fs::remove_file(store.with_file_name("http.key")).unwrap();
    let finished = run(&mut command(&[])).await;
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    assert!(finished.stderr.contains("put the file back"), "{}", finished.stderr);
    assert!(!store.with_file_name("http.key").exists());
    let finished = run(command(&[]).env("MCP_ENCRYPTION_KEY", "0123456789abcdef".repeat(4))).await;
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    assert!(finished.stderr.contains("encryption keys that are not configured"));
}

#[tokio::test]
async fn a_store_in_memory_has_nothing_to_look_after() {
    let finished = run(&mut command(&["--store=memory", "store", "status"])).await;
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    assert!(finished.stderr.contains("--store"), "{}", finished.stderr);
}

#[tokio::test]
async fn tls_is_served_with_the_certificate_of_the_operator() {
    let sentry = Simulation::start().await.unwrap();
    let folder = scratch("tls");
    let made = rcgen::generate_simple_self_signed(["mcp.example.test".to_owned()]).unwrap();
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let args = [
        format!("--tls-cert={}", cert.display()),
        format!("--tls-key={}", key.display()),
        "--public-url=https://mcp.example.test".to_owned(),
    ];
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let server = Server::spawn(&mut command_for(&sentry, &args)).await;
    assert_eq!(server.endpoint, "https://mcp.example.test/mcp");

    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(&server.address).await.unwrap();
    let name = ServerName::try_from("mcp.example.test").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let bytes = request("mcp.example.test", "GET", "/livez", &[], "");
    let answer = raw_over(stream, bytes.as_bytes()).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("strict-transport-security").is_some());
}

#[tokio::test]
async fn help_and_version_and_completions_go_to_stdout() {
    for args in [&["--help"][..], &["--version"], &["completions", "bash"], &["store", "--help"]] {
        let finished = run(&mut command(args)).await;
        assert_eq!(finished.code, Some(0), "{args:?}: {}", finished.stderr);
        assert!(!finished.stdout.is_empty() && finished.stderr.is_empty(), "{args:?}");
    }
}
