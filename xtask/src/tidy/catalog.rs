//! Every file of a toolset is a tool, and every tool has its file.

use tools::catalog::TOOLSETS;

/// One toolset, as names.
struct Set {
    name: &'static str,
    tools: Vec<&'static str>,
}

pub(super) fn check(files: &[String], problems: &mut Vec<String>) {
    for set in TOOLSETS {
        let tools = set.tools.iter().map(|tool| tool.meta().name).collect();
        problems.extend(judge(&Set { name: set.name, tools }, files));
    }
}

/// Whether the path is a tool's file, which may begin with something else than `//!`:
/// there the doc comment on `Params` says what it is for.
pub(super) fn is_tool_file(path: &str) -> bool {
    TOOLSETS
        .iter()
        .any(|set| path.strip_prefix(&folder(set.name)).is_some_and(|file| file != "mod.rs"))
}

fn folder(toolset: &str) -> String {
    format!("crates/tools/src/{toolset}/")
}

fn judge(set: &Set, files: &[String]) -> Vec<String> {
    let folder = folder(set.name);
    let inside: Vec<&str> = files
        .iter()
        .filter_map(|path| path.strip_prefix(&folder))
        .filter(|file| *file != "mod.rs" && !file.starts_with("snapshots/"))
        .collect();
    let mut problems = Vec::new();
    for file in &inside {
        // Tests that would make a tool's file too long stand beside it.
        let stem = file.strip_suffix(".rs").map(|stem| stem.strip_suffix("_tests").unwrap_or(stem));
        let listed = stem.is_some_and(|stem| set.tools.contains(&stem));
        if !listed {
            problems.push(format!(
                "{folder}{file} is no tool of the list in {folder}mod.rs: add it there under \
                 the file's name, or move a helper to crates/tools/src/render/"
            ));
        }
    }
    for tool in &set.tools {
        if !inside.iter().any(|file| file.strip_suffix(".rs") == Some(tool)) {
            problems.push(format!("the tool `{tool}` must be the file {folder}{tool}.rs"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(tools: &[&'static str], files: &[&str]) -> Vec<String> {
        let files: Vec<String> =
            files.iter().map(|file| format!("crates/tools/src/teams/{file}")).collect();
        judge(&Set { name: "teams", tools: tools.to_vec() }, &files)
    }

    #[test]
    fn a_toolset_is_its_tools_with_their_tests_and_snapshots() {
        let files = ["mod.rs", "find_teams.rs", "find_teams_tests.rs", "snapshots/one.snap"];
        assert!(judged(&["find_teams"], &files).is_empty());
    }

    #[test]
    fn a_helper_in_a_toolset_folder_is_not_tidy() {
        for helper in ["helper.rs", "parts/mod.rs", "notes.md"] {
            let problems = judged(&["find_teams"], &["mod.rs", "find_teams.rs", helper]);
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(
                problems[0].starts_with(&format!("crates/tools/src/teams/{helper} is no tool"))
            );
        }
    }

    #[test]
    fn a_file_is_named_after_its_tool() {
        let problems = judged(&["find_teams"], &["mod.rs", "find_team.rs"]);
        assert_eq!(problems.len(), 2);
        assert_eq!(
            problems[1],
            "the tool `find_teams` must be the file crates/tools/src/teams/find_teams.rs"
        );
    }
}
