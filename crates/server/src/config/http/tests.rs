//! Where the HTTP server may listen, what is shared with the other server, and what a wrong
//! setting is told.

#![expect(clippy::result_large_err, reason = "`figment::Jail` fixes the error type")]

use figment::{Figment, Jail, providers::Serialized};
use secrecy::ExposeSecret as _;

use super::*;

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// Reads `file` (TOML), the environment and the flags inside a jail of their own.
fn read(file: &str, env: Pairs<'_>, flags: Pairs<'_>) -> Result<HttpLoaded, String> {
    let mut result = Err(String::new());
    Jail::expect_with(|jail| {
        jail.clear_env();
        jail.set_env("SENTRY_MCP_STORE", "memory");
        for (name, value) in env {
            jail.set_env(name, value);
        }
        let named = (!file.is_empty()).then(|| PathBuf::from("c.toml"));
        jail.create_file("c.toml", file)?;
        let flags = flags.iter().fold(Figment::new(), |flags, (key, value)| {
            flags.merge(Serialized::default(key, value))
        });
        result = HttpLoaded::read(named, &flags).map_err(|err| err.to_string());
        Ok(())
    });
    result
}

#[test]
fn nothing_gives_a_server_for_this_machine() {
    let loaded = read("", &[], &[]).unwrap();
    let settings = loaded.settings();
    assert_eq!(settings.bind.to_string(), "127.0.0.1:8787");
    assert_eq!((&settings.public_url, &settings.tls), (&None, &None));
    assert_eq!(settings.step_up, StepUp::Challenge);
    assert_eq!(loaded.shared.settings().site.host(), "sentry.io");
    assert!(!loaded.shared.has_token());
}

#[test]
fn the_settings_of_both_servers_come_from_the_same_layers() {
    let file = "call_timeout = 7\ncaller_rate = 8\nclient_id = 'file'\nhost = 'file.test'";
    let env = [("SENTRY_CLIENT_ID", "env"), ("SENTRY_HOST", "env.test")];
    let loaded = read(file, &env, &[("client_id", "flag")]).unwrap();
    assert_eq!((loaded.shared.config.call_timeout, loaded.settings().caller_rate), (7, 8));
    assert_eq!(loaded.config.client_id.as_deref(), Some("flag"));
    assert_eq!(loaded.shared.settings().site.host(), "env.test");
    assert_eq!(loaded.place("caller_rate").to_string(), "`caller_rate` in c.toml, line 2");
    assert_eq!(loaded.place("host"), Place::Variable("SENTRY_HOST"));
}

#[test]
fn an_address_that_others_reach_needs_a_name_and_tls_or_a_proxy() {
    let public = ("public_url", "https://mcp.example.test");
    let proxy = ("behind_proxy", "10.0.0.0/8, fd00::/8");
    let tls = [("tls_cert", "cert.pem"), ("tls_key", "key.pem")];
    for bind in ["0.0.0.0:80", "[::]:80", "192.0.2.1:80"] {
        let bind = ("bind", bind);
        for flags in [&[bind][..], &[bind, public], &[bind, proxy], &[bind, tls[0], tls[1]]] {
            let err = read("", &[], flags).unwrap_err();
            assert!(err.starts_with("invalid `--bind`: "), "{flags:?}: {err}");
        }
        assert!(read("", &[], &[bind, public, proxy]).is_ok());
        assert!(read("", &[], &[bind, public, tls[0], tls[1]]).is_ok());
    }
    for bind in ["127.0.0.1:0", "127.9.9.9:80", "[::1]:80"] {
        assert!(read("", &[], &[("bind", bind)]).is_ok(), "{bind}");
    }
}

#[test]
fn the_public_url_is_an_origin_and_https_unless_it_is_this_machine() {
    for good in ["https://mcp.example.test", "https://mcp.example.test:8443/", "http://localhost:1"]
    {
        assert!(read("", &[], &[("public_url", good)]).is_ok(), "{good}");
    }
    for bad in [
        "http://mcp.example.test",
        "http://localhost.example.test",
        "https://mcp.example.test/mcp",
        "https://mcp.example.test/?a",
        "https://mcp.example.test/#",
        "https://user@mcp.example.test",
        "https:mcp.example.test",
        "https:///mcp.example.test",
        "ftp://mcp.example.test",
        "mcp.example.test",
        "",
    ] {
        let err = read("", &[], &[("public_url", bad)]).unwrap_err();
        assert!(err.starts_with("invalid `--public-url`: "), "{bad}: {err}");
    }
}

#[test]
fn the_highest_layer_that_names_a_secret_or_its_file_decides() {
    let env = [("SENTRY_CLIENT_SECRET", "env")];
    let secret = |loaded: HttpLoaded| {
        loaded.client_secret().unwrap().map(|secret| secret.expose_secret().to_owned())
    };
    assert_eq!(
        secret(read("client_secret_file = 'f'", &env, &[]).unwrap()).as_deref(),
        Some("env")
    );
    let err = read("", &env, &[("client_secret_file", "no-file")]).unwrap().client_secret();
    let err = err.unwrap_err().to_string();
    assert!(err.starts_with("invalid `--client-secret-file`: cannot read no-file"), "{err}");
    let both = [env[0], ("SENTRY_CLIENT_SECRET_FILE", "f")];
    let err = read("", &both, &[]).unwrap_err();
    assert!(err.ends_with("exclude each other: keep one of them"), "{err}");
}

#[test]
fn what_each_caller_brings_is_no_setting_here() {
    for key in ["access_token", "scopes", "organization_slug", "probe"] {
        let err = read(&format!("{key} = 'hunter2'"), &[], &[]).unwrap_err();
        assert!(err.starts_with(&format!("invalid `{key}` in c.toml, line 1: ")), "{err}");
        assert!(!err.contains("hunter2"), "{err}");
    }
    // Variables of the other server are not looked at.
    assert!(read("", &[("SENTRY_ACCESS_TOKEN", "x"), ("MCP_SCOPES", "nonsense")], &[]).is_ok());
}

#[test]
fn a_wrong_value_is_told_with_its_place() {
    for (file, env, flags, start) in [
        ("", &[("SENTRY_MCP_CALLER_RATE", "0")][..], &[][..], "invalid `SENTRY_MCP_CALLER_RATE`: "),
        ("step_up = 'always'", &[], &[], "invalid `step_up` in c.toml, line 1: use one of: "),
        ("", &[], &[("behind_proxy", "0.0.0.0/0")], "invalid `--behind-proxy`: everybody "),
        ("", &[], &[("behind_proxy", "here")], "invalid `--behind-proxy`: `here` is no network"),
        ("", &[], &[("allowed_origins", "*")], "invalid `--allowed-origin`: "),
        ("", &[], &[("store", "postgres://db")], "invalid `--store`: only a file"),
        ("", &[], &[("tls_cert", "a")], "invalid `--tls-cert`: a certificate needs its key"),
        ("callerrate = 3", &[], &[], "there is no setting `callerrate` in c.toml, line 1; did you"),
        ("[[clients]]\nsecret = 'hunter2'", &[], &[], "there is no setting"),
    ] {
        let err = read(file, env, flags).unwrap_err();
        assert!(err.starts_with(start), "{err}");
        assert!(!err.contains("hunter2"), "{err}");
    }
}

#[test]
fn a_client_of_the_settings_is_read_from_the_file() {
    let file = "[[clients]]\nid = 'ci'\nname = 'CI'\nredirect_uris = ['http://localhost/cb']";
    let loaded = read(file, &[], &[]).unwrap();
    assert_eq!(loaded.config.clients[0].redirect_uris, ["http://localhost/cb"]);
    assert_eq!(loaded.entries().last().unwrap().value.as_deref(), Some("ci"));
}

#[test]
fn every_setting_is_in_the_table_documented_and_bounded_as_it_says() {
    let schema = http_schema();
    let properties = schema.get("properties").unwrap().as_object().unwrap();
    let mut names: Vec<&str> = properties.keys().map(String::as_str).collect();
    let fields = http_fields();
    let mut listed: Vec<&str> = fields.iter().map(|field| field.name).collect();
    names.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, names);
    let mut seen = std::collections::HashSet::new();
    for Field { name, flag, env, doc, .. } in &fields {
        assert!(doc.ends_with('.'), "{name}: {doc:?}");
        assert!(flag.is_empty() || seen.insert((*flag).to_owned()), "{flag}");
        assert!(env.is_none_or(|env| seen.insert(env.to_owned())), "{env:?}");
    }
    for &Setting { name, kind, .. } in HTTP_ONLY {
        let Kind::Number(least, most) = kind else { continue };
        let property = &properties[name];
        assert_eq!((&property["minimum"], &property["maximum"]), (&least.into(), &most.into()));
        let field = fields.iter().find(|field| field.name == name).unwrap();
        assert!(field.doc.ends_with(&format!(": {least} to {most}.")), "{}", field.doc);
    }
}
