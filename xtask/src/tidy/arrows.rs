//! Which package may depend on which. Versions and licenses are cargo-deny's business.

use anyhow::Context as _;
use serde_json::Value;
use xshell::{Shell, cmd};

/// The allowed arrows that start at one folder.
struct Arrows {
    from: &'static str,
    to: &'static [&'static str],
    /// More of them, for tests only.
    in_tests: &'static [&'static str],
}

/// Which package may depend on which of ours, by folder.
///
/// A new arrow is a decision about the architecture, so it is made here, with a
/// reason, where a reviewer sees it, and not in passing in some `Cargo.toml`.
const ARROWS: &[Arrows] = &[
    // Values and the edge: anyone could use these alone.
    Arrows { from: "crates/scopes", to: &[], in_tests: &[] },
    Arrows { from: "crates/search-query", to: &[], in_tests: &[] },
    // Its tests share the fake Sentry, which in turn makes clients for everybody else's
    // tests. The circle is one of tests only: no build of the product contains it.
    Arrows { from: "crates/sentry-client", to: &[], in_tests: &["crates/test-support"] },
    // A Sentry that shares no code with ours, so that it cannot share its mistakes.
    Arrows { from: "crates/sentry-sim", to: &[], in_tests: &[] },
    Arrows {
        from: "crates/agent",
        to: &["crates/sentry-client", "crates/search-query"],
        in_tests: &["crates/test-support"],
    },
    Arrows {
        from: "crates/tools",
        to: &["crates/scopes", "crates/sentry-client", "crates/search-query", "crates/agent"],
        in_tests: &["crates/test-support"],
    },
    // What a level opens reaches oauth as plain data, not as tools.
    Arrows {
        from: "crates/oauth",
        to: &["crates/scopes", "crates/sentry-client"],
        in_tests: &["crates/test-support"],
    },
    // The settings name a provider of models, and an `agent` is made of them.
    Arrows {
        from: "crates/server",
        to: &["crates/scopes", "crates/sentry-client", "crates/tools", "crates/agent"],
        in_tests: &["crates/test-support"],
    },
    // `scopes` and `tools` are what a grant is explained in (`sentry-mcp scopes`); the demo
    // makes a `sentry-client` of its own, so that no setting of the machine reaches it.
    Arrows {
        from: "crates/server-stdio",
        to: &[
            "crates/server",
            "crates/sentry-sim",
            "crates/scopes",
            "crates/sentry-client",
            "crates/tools",
        ],
        // The provider of models that a test scripts.
        in_tests: &["crates/test-support"],
    },
    Arrows {
        from: "crates/server-http",
        to: &["crates/server", "crates/oauth", "crates/sentry-sim"],
        in_tests: &[],
    },
    Arrows { from: "crates/test-support", to: &["crates/sentry-client"], in_tests: &[] },
    // The two that look at everything from outside.
    Arrows {
        from: "tests",
        to: &[
            "crates/scopes",
            "crates/sentry-client",
            "crates/sentry-sim",
            "crates/server",
            "crates/oauth",
            "crates/test-support",
            "crates/tools",
        ],
        in_tests: &[],
    },
    Arrows {
        from: "xtask",
        to: &[
            "crates/scopes",
            "crates/sentry-client",
            "crates/sentry-sim",
            "crates/server",
            "crates/tools",
        ],
        in_tests: &[],
    },
];

/// Who may know MCP: a new rmcp must not change a file anywhere else.
const KNOWS_RMCP: &str = "crates/server";

pub(super) fn check(sh: &Shell, problems: &mut Vec<String>) -> anyhow::Result<()> {
    let json = cmd!(sh, "cargo metadata --no-deps --offline --format-version 1").quiet().read()?;
    let metadata: Value = serde_json::from_str(&json)?;
    let found = judge(&metadata).context("`cargo metadata` has an unexpected shape")?;
    problems.extend(found);
    Ok(())
}

fn judge(metadata: &Value) -> Option<Vec<String>> {
    let root = metadata.get("workspace_root")?.as_str()?;
    let mut problems = Vec::new();
    for package in metadata.get("packages")?.as_array()? {
        let manifest = package.get("manifest_path")?.as_str()?;
        let from = folder(root, manifest.strip_suffix("/Cargo.toml")?)?;
        let Some(arrows) = ARROWS.iter().find(|arrows| arrows.from == from) else {
            problems.push(format!("{from} has no row in xtask/src/tidy/arrows.rs"));
            continue;
        };
        for dependency in package.get("dependencies")?.as_array()? {
            let name = dependency.get("name")?.as_str()?;
            let for_tests = dependency.get("kind")?.as_str() == Some("dev");
            let ours = dependency.get("path").and_then(Value::as_str);
            if let Some(to) = ours.and_then(|path| folder(root, path)) {
                let allowed = arrows.to.contains(&to) || for_tests && arrows.in_tests.contains(&to);
                if !allowed {
                    problems.push(format!(
                        "{from} must not depend on {to}: remove it, or decide otherwise in \
                         xtask/src/tidy/arrows.rs"
                    ));
                }
            } else if name.starts_with("rmcp") && from != KNOWS_RMCP {
                problems.push(format!("{from} must not depend on {name}: only `server` knows MCP"));
            }
        }
    }
    Some(problems)
}

fn folder<'a>(root: &str, path: &'a str) -> Option<&'a str> {
    path.strip_prefix(root)?.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(from: &str, dependency: &Value) -> Vec<String> {
        let metadata = json!({
            "workspace_root": "/repo",
            "packages": [{
                "manifest_path": format!("/repo/{from}/Cargo.toml"),
                "dependencies": [dependency],
            }],
        });
        judge(&metadata).unwrap()
    }

    fn on(to: &str, kind: Option<&str>) -> Value {
        json!({ "name": "any", "kind": kind, "path": format!("/repo/{to}") })
    }

    #[test]
    fn an_arrow_that_is_in_the_table_passes() {
        assert!(judged("crates/tools", &on("crates/scopes", None)).is_empty());
        assert!(judged("crates/tools", &on("crates/test-support", Some("dev"))).is_empty());
    }

    #[test]
    fn an_arrow_that_is_not_in_the_table_fails_whatever_its_kind() {
        for kind in [None, Some("dev"), Some("build")] {
            assert_eq!(
                judged("crates/scopes", &on("crates/tools", kind)),
                ["crates/scopes must not depend on crates/tools: remove it, or decide otherwise \
                  in xtask/src/tidy/arrows.rs"],
            );
        }
        assert_eq!(judged("crates/tools", &on("crates/test-support", None)).len(), 1);
    }

    #[test]
    fn a_crate_without_a_row_fails() {
        assert_eq!(
            judged("crates/utils", &on("crates/scopes", None)),
            ["crates/utils has no row in xtask/src/tidy/arrows.rs"],
        );
    }

    #[test]
    fn only_server_knows_rmcp() {
        let rmcp = |name: &str| json!({ "name": name, "kind": null });
        assert_eq!(
            judged("crates/tools", &rmcp("rmcp")),
            ["crates/tools must not depend on rmcp: only `server` knows MCP"],
        );
        assert_eq!(judged("xtask", &rmcp("rmcp-macros")).len(), 1);
        assert!(judged("crates/server", &rmcp("rmcp")).is_empty());
        assert_eq!(judged("tests", &rmcp("rmcp")).len(), 1);
    }

    #[test]
    fn no_arrows_of_the_product_form_a_circle() {
        // A row may only point at rows whose own arrows are already known.
        let mut known: Vec<&str> = Vec::new();
        let mut waiting: Vec<&Arrows> = ARROWS.iter().collect();
        while !waiting.is_empty() {
            let ready = |row: &&Arrows| row.to.iter().all(|to| known.contains(to));
            let (next, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(ready);
            assert!(!next.is_empty(), "a circle among {:?}", {
                rest.iter().map(|row| row.from).collect::<Vec<_>>()
            });
            known.extend(next.iter().map(|row| row.from));
            waiting = rest;
        }
    }
}
