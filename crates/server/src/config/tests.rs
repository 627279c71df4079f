//! Every rule of precedence, and what a wrong setting is told.

#![expect(clippy::result_large_err, reason = "`figment::Jail` fixes the error type")]

use std::path::Path;

use figment::{Figment, Jail, providers::Serialized};
use scopes::{DEFAULT_GRANT, Scope, ScopeSet};
use sentry_client::TokenSource;

use super::*;

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// Reads `file` (TOML), the environment and the flags inside a jail of their own.
pub(super) fn read(file: &str, env: Pairs<'_>, flags: Pairs<'_>) -> Result<Loaded, String> {
    let mut result = Err(String::new());
    Jail::expect_with(|jail| {
        jail.clear_env();
        for (name, value) in env {
            jail.set_env(name, value);
        }
        let named = (!file.is_empty()).then(|| PathBuf::from("c.toml"));
        jail.create_file("c.toml", file)?;
        let flags = flags.iter().fold(Figment::new(), |flags, (key, value)| match *value {
            "true" => flags.merge(Serialized::default(key, true)),
            value => flags.merge(Serialized::default(key, value)),
        });
        result = Loaded::read(named, &flags).map_err(|err| err.to_string());
        Ok(())
    });
    result
}

fn site(file: &str, env: Pairs<'_>, flags: Pairs<'_>) -> String {
    let site = read(file, env, flags).unwrap().settings().site;
    format!("{}://{}", site.scheme(), site.host())
}

fn token(file: &str, env: Pairs<'_>, flags: Pairs<'_>) -> String {
    use secrecy::ExposeSecret as _;
    match read(file, env, flags).unwrap().token() {
        TokenSource::Fixed(token) => token.expose_secret().to_owned(),
        TokenSource::File(path) => format!("file {}", path.display()),
        TokenSource::Missing => "missing".to_owned(),
    }
}

fn scopes_of(file: &str, env: Pairs<'_>, flags: Pairs<'_>) -> (ScopeSet, String) {
    let granted = read(file, env, flags).unwrap().granted();
    (granted.scopes, granted.origin.to_string())
}

#[test]
fn nothing_gives_the_defaults() {
    let loaded = read("", &[], &[]).unwrap();
    assert_eq!(loaded.settings().site.host(), "sentry.io");
    assert_eq!(loaded.granted().scopes, DEFAULT_GRANT);
    assert_eq!(loaded.settings().call_timeout.as_secs(), 45);
    assert_eq!(loaded.file(), None);
    assert!(!loaded.has_token() && loaded.installation().docs.is_some());
    assert!(loaded.entries().iter().all(|entry| entry.place == Place::Default));
}

#[test]
fn a_flag_beats_the_environment_and_that_beats_the_file() {
    let file = "call_timeout = 1\nconnect_timeout = 1\nmax_body = 100000";
    let env = [("SENTRY_MCP_CALL_TIMEOUT", "2"), ("SENTRY_MCP_CONNECT_TIMEOUT", "2")];
    let loaded = read(file, &env, &[("organization_slug", "acme")]).unwrap();
    assert_eq!((loaded.config.call_timeout, loaded.config.max_body), (2, 100_000));
    assert_eq!(loaded.place("call_timeout"), Place::Variable("SENTRY_MCP_CALL_TIMEOUT"));
    assert_eq!(loaded.place("organization_slug"), Place::Flag("--organization-slug"));
    assert_eq!(loaded.place("max_body").to_string(), "`max_body` in c.toml, line 3");
    assert_eq!(loaded.place("log"), Place::Default);
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let loaded = read("host = 'file.test'", &[("SENTRY_HOST", ""), ("MCP_SCOPES", "")], &[]);
    let loaded = loaded.unwrap();
    assert_eq!(loaded.settings().site.host(), "file.test");
    assert_eq!(loaded.granted().scopes, DEFAULT_GRANT);
}

#[test]
fn the_highest_layer_that_names_host_or_url_decides() {
    let env = [("SENTRY_HOST", "env.test"), ("SENTRY_URL", "https://env-url.test")];
    assert_eq!(site("", &env[..1], &[]), "https://env.test");
    assert_eq!(site("", &env, &[]), "https://env-url.test", "inside a layer the URL wins");
    assert_eq!(site("", &env, &[("host", "flag.test")]), "https://flag.test");
    assert_eq!(site("", &env, &[("url", "https://flag.test/")]), "https://flag.test");
    assert_eq!(site("url = 'https://file.test'", &env[..1], &[]), "https://env.test");
}

#[test]
fn insecure_http_is_for_the_host_it_was_given_with() {
    let local = [("host", "localhost:8000"), ("insecure_http", "true")];
    assert_eq!(site("", &[], &local), "http://localhost:8000");
    assert_eq!(site("", &[("SENTRY_HOST", "localhost:1")], &local[1..]), "http://localhost:1");
    let file = "host = 'localhost:8000'\ninsecure_http = true";
    assert_eq!(site(file, &[], &[]), "http://localhost:8000");
    assert_eq!(site(file, &[("SENTRY_HOST", "other.test")], &[]), "https://other.test");
}

#[test]
fn insecure_http_never_goes_with_a_url_or_with_sentry_io() {
    let insecure = ("insecure_http", "true");
    for flags in [
        &[insecure][..],
        &[insecure, ("url", "https://sentry.example.test")],
        &[insecure, ("host", "sentry.io")],
        &[insecure, ("host", "de.sentry.io")],
    ] {
        let err = read("", &[], flags).unwrap_err();
        assert!(err.starts_with("invalid `--"), "{err}");
    }
}

#[test]
fn the_highest_layer_that_names_the_token_or_its_file_decides() {
    let env = [("SENTRY_ACCESS_TOKEN", " env\n")];
    assert_eq!(token("", &[], &[]), "missing");
    assert_eq!(token("access_token = 'file'", &env, &[]), "env");
    assert_eq!(token("", &env, &[("access_token_file", "t.txt")]), "file t.txt");
    let env_file = [("SENTRY_ACCESS_TOKEN_FILE", "t.txt")];
    assert_eq!(token("access_token = 'file'", &env_file, &[]), "file t.txt");
    assert_eq!(token("", &env_file, &[("access_token", "flag")]), "flag");
    let both = [env[0], env_file[0]];
    assert_eq!(
        read("", &both, &[]).unwrap_err(),
        "`SENTRY_ACCESS_TOKEN` and `SENTRY_ACCESS_TOKEN_FILE` exclude each other: keep one of them",
    );
}

#[test]
fn scopes_are_decided_by_one_layer_alone() {
    let org = ScopeSet::of(&[Scope::OrgRead]);
    let raised = DEFAULT_GRANT.union(ScopeSet::of(&[Scope::EventWrite]));
    let env = [("MCP_SCOPES", "org:read")];
    let (scopes, origin) = scopes_of("", &env, &[("add_scopes", "event:write")]);
    assert_eq!((scopes, origin.as_str()), (raised, "`--add-scopes` on the command line"));
    let (scopes, origin) = scopes_of("add_scopes = 'event:write'", &env, &[]);
    assert_eq!((scopes, origin.as_str()), (org, "`MCP_SCOPES` in the environment"));
    let both = [("scopes", "org:read"), ("add_scopes", "event:write")];
    assert_eq!(scopes_of("", &[], &both).0, org);
    assert_eq!(scopes_of("scopes = ['org:read']", &[], &[]).0, org, "a list is a list");
    let (scopes, origin) = scopes_of("", &env, &[("all_scopes", "true")]);
    assert_eq!((scopes, origin.as_str()), (ScopeSet::ALL, "`--all-scopes` on the command line"));
}

#[test]
fn a_list_that_does_not_count_is_not_shown() {
    let loaded = read("", &[("MCP_SCOPES", "org:read")], &[("add_scopes", "event:write")]).unwrap();
    assert_eq!(loaded.config.scopes, None);
    assert_eq!(loaded.config.add_scopes.as_deref(), Some("event:write"));
}

#[test]
fn all_scopes_can_only_be_a_flag() {
    let err = read("all_scopes = true", &[], &[]).unwrap_err();
    assert!(err.starts_with("invalid `all_scopes` in c.toml, line 1: "), "{err}");
    assert!(err.contains("--all-scopes"), "{err}");
    let loaded = read("", &[("SENTRY_MCP_ALL_SCOPES", "true")], &[]).unwrap();
    assert_eq!(loaded.granted().scopes, DEFAULT_GRANT);
}

#[test]
fn a_wrong_scope_is_told_with_its_place() {
    for (file, env, flags, place) in [
        ("", &[][..], &[("scopes", "evnt:read")][..], "invalid `--scopes`: "),
        ("", &[("MCP_ADD_SCOPES", "evnt:read")], &[], "invalid `MCP_ADD_SCOPES`: "),
        ("\nscopes = 'evnt:read'", &[], &[], "invalid `scopes` in c.toml, line 2: "),
    ] {
        let err = read(file, env, flags).unwrap_err();
        assert!(err.starts_with(place), "{err}");
        assert!(err.contains("did you mean `event:read`?"), "{err}");
    }
    let err = read("", &[("MCP_SCOPES", ",")], &[]).unwrap_err();
    assert!(err.starts_with("invalid `MCP_SCOPES`: no scope in the list"), "{err}");
}

#[test]
fn a_wrong_value_is_told_with_its_place() {
    for (file, env, flags, message) in [
        (
            "",
            &[("SENTRY_MCP_CALL_TIMEOUT", "soon")][..],
            &[][..],
            "invalid `SENTRY_MCP_CALL_TIMEOUT`: expected a whole number",
        ),
        (
            "",
            &[("SENTRY_MCP_CALL_TIMEOUT", "0")],
            &[],
            "invalid `SENTRY_MCP_CALL_TIMEOUT`: 0 is not from 1 to 3600",
        ),
        (
            "call_timeout = 'soon'",
            &[],
            &[],
            "invalid `call_timeout` in c.toml, line 1: expected a whole number, found text",
        ),
        (
            "",
            &[("SENTRY_MCP_INSECURE_HTTP", "maybe")],
            &[],
            "invalid `SENTRY_MCP_INSECURE_HTTP`: expected `true` or `false`",
        ),
        ("", &[], &[("probe", "never")], "invalid `--probe`: use one of: lazy, start"),
        (
            "",
            &[("SENTRY_MCP_LOG", "loud")],
            &[],
            "invalid `SENTRY_MCP_LOG`: `loud` is not a level (off, error, warn, info, debug, \
             trace) and not `target=level`",
        ),
        (
            "call_timout = 3",
            &[],
            &[],
            "there is no setting `call_timout` in c.toml, line 1; did you mean `call_timeout`?",
        ),
        ("[sentry]\nhost = 'a'", &[], &[], "there is no setting `sentry` in c.toml, line 1"),
    ] {
        assert_eq!(read(file, env, flags).unwrap_err(), message);
    }
}

#[test]
fn a_project_needs_its_organization() {
    let err = read("", &[], &[("project_slug", "web")]).unwrap_err();
    assert!(err.starts_with("invalid `--project-slug`: ") && err.contains("--organization-slug"));
    let env = [("SENTRY_MCP_ORGANIZATION_SLUG", "acme")];
    let fence = read("", &env, &[("project_slug", "web")]).unwrap().fence();
    assert_eq!(fence.organization.unwrap().as_str(), "acme");
    assert_eq!(fence.project.unwrap().as_str(), "web");
}

#[test]
fn documentation_is_switched_off_by_an_empty_address() {
    assert!(read("", &[], &[("docs_url", "")]).unwrap().installation().docs.is_none());
    assert!(read("docs_url = ''", &[], &[]).unwrap().installation().docs.is_none());
    assert!(read("", &[("SENTRY_MCP_DOCS_URL", "")], &[]).unwrap().installation().docs.is_some());
    let err = read("", &[], &[("docs_base_url", "nowhere")]).unwrap_err();
    assert!(err.starts_with("invalid `--docs-base-url`: "), "{err}");
    let err = read("", &[], &[("docs_url", "nowhere")]).unwrap_err();
    assert!(err.starts_with("invalid `--docs-url`: "), "{err}");
}

#[test]
fn the_token_is_in_no_text() {
    const SECRET: &str = "sntryu_secret";
    let loaded = read("", &[("SENTRY_ACCESS_TOKEN", SECRET)], &[]).unwrap();
    let entry = loaded.entries().into_iter().find(|entry| entry.name == "access_token").unwrap();
    assert_eq!(entry.value.as_deref(), Some("********"));
    for text in [format!("{loaded:?}"), format!("{:?}", loaded.entries())] {
        assert!(!text.contains(SECRET), "{text}");
    }
    for file in [
        "access_token = 'sntryu_secret",
        "access_token = ['sntryu_secret']",
        "access_token = 'sntryu_secret with a blank'",
        "access_token = 'sntryu_secret' trailing",
        "scopes = { a = 'sntryu_secret' }",
    ] {
        let err = read(file, &[], &[]).unwrap_err();
        assert!(!err.contains(SECRET) && err.contains("c.toml"), "{err}");
    }
}

#[test]
fn a_file_that_is_not_toml_is_told_with_line_and_column() {
    let err = read("call_timeout = = 3", &[], &[]).unwrap_err();
    assert!(err.starts_with("c.toml is not valid TOML: at line 1, column 16: "), "{err}");
}

#[test]
fn only_a_file_that_somebody_named_must_exist() {
    Jail::expect_with(|jail| {
        jail.clear_env();
        let home = jail.directory().display().to_string();
        jail.set_env("HOME", &home);
        assert!(Loaded::read(None, &Figment::new()).is_ok());
        let err = Loaded::read(Some("gone.toml".into()), &Figment::new()).unwrap_err();
        assert!(err.to_string().starts_with("cannot read the config file gone.toml; "), "{err}");

        jail.create_dir(".config/sentry-mcp")?;
        jail.create_file(".config/sentry-mcp/config.toml", "call_timeout = 3")?;
        let loaded = Loaded::read(None, &Figment::new()).unwrap();
        assert_eq!(loaded.config.call_timeout, 3);
        assert!(loaded.file().unwrap().starts_with(jail.directory()));

        jail.set_env("XDG_CONFIG_HOME", Path::new(&home).join("xdg").display());
        assert_eq!(Loaded::read(None, &Figment::new()).unwrap().config.call_timeout, 45);
        Ok(())
    });
}
