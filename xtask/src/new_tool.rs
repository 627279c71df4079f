//! `cargo xtask new-tool <toolset> <name>`: a tool's file, and its two lines.
//!
//! The file compiles and its test fails, on purpose: what the tool does is for a
//! person to write.

use anyhow::{Context as _, ensure};
use xshell::{Shell, cmd};

/// Writes `crates/tools/src/<toolset>/<name>.rs` and lists it in `mod.rs`.
pub(crate) fn run(sh: &Shell, toolset: &str, name: &str) -> anyhow::Result<()> {
    for word in [toolset, name] {
        ensure!(is_snake_case(word), "`{word}` must be lower case with underscores");
    }
    ensure!(name.contains('_') || name == "whoami", "a tool is called `verb_noun`, not `{name}`");
    let folder = format!("crates/tools/src/{toolset}");
    let list = format!("{folder}/mod.rs");
    ensure!(
        sh.path_exists(&list),
        "there is no toolset `{toolset}`: create {list} with an empty `Toolset`, add `mod \
         {toolset};` to crates/tools/src/lib.rs, and list it in crates/tools/src/catalog.rs",
    );
    let file = format!("{folder}/{name}.rs");
    ensure!(!sh.path_exists(&file), "{file} exists");

    let listed = list_tool(&sh.read_file(&list)?, name)
        .with_context(|| format!("{list} has no `tools: &[…]` to add to"))?;
    sh.write_file(&file, template(name))?;
    sh.write_file(&list, listed)?;
    cmd!(sh, "rustfmt --edition 2024 {list}").quiet().run()?;
    println!(
        "wrote {file} and listed it in {list}. Next:\n  \
         1. write the tool and its test; nothing outside that file should need a change\n  \
         2. cargo xtask snapshots --accept   and read the schema as the model will\n  \
         3. cargo xtask codegen              README.md and docs/tools.md"
    );
    Ok(())
}

fn is_snake_case(word: &str) -> bool {
    let inside = word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    inside && word.starts_with(|c: char| c.is_ascii_lowercase()) && !word.ends_with('_')
}

fn camel_case(name: &str) -> String {
    let mut camel = String::new();
    for word in name.split('_') {
        let mut chars = word.chars();
        camel.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(chars.as_str());
    }
    camel
}

/// `mod.rs` with a `mod` line, and an entry at the end of the list.
///
/// The list is in the order in which tools are presented, so a person may move the
/// entry. rustfmt sorts the `mod` lines and breaks the list.
fn list_tool(source: &str, name: &str) -> Option<String> {
    let declaration = format!("pub(crate) mod {name};");
    let mut lines: Vec<&str> = source.lines().collect();
    let is_mod = |line: &&str| {
        let line = line.strip_prefix("pub(crate) ").unwrap_or(line);
        line.starts_with("mod ") && line.ends_with(';')
    };
    if let Some(at) = lines.iter().position(is_mod) {
        lines.insert(at, &declaration);
    } else {
        let first = lines.iter().position(|line| line.starts_with("use "))?;
        lines.splice(first..first, [declaration.as_str(), ""]);
    }
    let source = lines.join("\n") + "\n";

    let (head, rest) = source.split_once("tools: &[")?;
    let (entries, tail) = rest.split_once(']')?;
    let entries = entries.trim_end().trim_end_matches(',');
    let separator = if entries.trim().is_empty() { "" } else { ", " };
    let entry = format!("&{name}::{}", camel_case(name));
    Some(format!("{head}tools: &[{entries}{separator}{entry}]{tail}"))
}

fn template(name: &str) -> String {
    TEMPLATE.replace("NewTool", &camel_case(name)).replace("new_tool", name)
}

const TEMPLATE: &str = include_str!("new_tool.template");

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> (Shell, xshell::TempDir) {
        let sh = Shell::new().unwrap();
        let copy = sh.create_temp_dir().unwrap();
        sh.change_dir(copy.path());
        sh.write_file("rustfmt.toml", include_str!("../../rustfmt.toml")).unwrap();
        let list = "//! Teams.\n\nuse crate::catalog::Toolset;\n\n\
            pub(crate) const TEAMS: Toolset = Toolset { name: \"teams\", tools: &[] };\n";
        sh.write_file("crates/tools/src/teams/mod.rs", list).unwrap();
        (sh, copy)
    }

    #[test]
    fn a_tool_is_a_file_and_two_lines() {
        let (sh, _copy) = repository();
        for name in ["find_teams", "update_team", "create_team"] {
            run(&sh, "teams", name).unwrap();
        }

        assert_eq!(
            sh.read_file("crates/tools/src/teams/mod.rs").unwrap(),
            "//! Teams.

pub(crate) mod create_team;
pub(crate) mod find_teams;
pub(crate) mod update_team;

use crate::catalog::Toolset;

pub(crate) const TEAMS: Toolset = Toolset {
    name: \"teams\",
    tools: &[&find_teams::FindTeams, &update_team::UpdateTeam, &create_team::CreateTeam],
};
",
        );
        let tool = sh.read_file("crates/tools/src/teams/find_teams.rs").unwrap();
        assert!(tool.contains("pub(crate) struct FindTeams;"), "{tool}");
        assert!(tool.contains("const NAME: &'static str = \"find_teams\";"), "{tool}");
        assert!(!tool.contains("new_tool") && !tool.contains("NewTool"), "{tool}");
    }

    #[test]
    fn what_exists_is_not_overwritten() {
        let (sh, _copy) = repository();
        run(&sh, "teams", "find_teams").unwrap();
        let err = run(&sh, "teams", "find_teams").unwrap_err();
        assert_eq!(err.to_string(), "crates/tools/src/teams/find_teams.rs exists");
    }

    #[test]
    fn names_that_are_none_are_refused() {
        let (sh, _copy) = repository();
        for (toolset, name) in
            [("teams", "FindTeams"), ("../teams", "find_teams"), ("teams", "find_"), ("teams", "x")]
        {
            assert!(run(&sh, toolset, name).is_err(), "{toolset} {name}");
        }
        let err = run(&sh, "alerts", "find_alerts").unwrap_err().to_string();
        assert!(err.starts_with("there is no toolset `alerts`: create"), "{err}");
    }
}
