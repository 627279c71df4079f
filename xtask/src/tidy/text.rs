//! What may stand in a file, whatever it is about. rustfmt and clippy do the rest.

use std::fs;

use xshell::Shell;

use super::catalog;
use crate::files;

/// Lines of a Rust file, tests included, above which it must be split.
const MOST_LINES: usize = 500;

/// Folders that exist on somebody's machine only. In pieces, so that this file
/// obeys its own rule.
const MACHINE_FOLDERS: [&str; 3] = ["work", "root", "tmp"];

/// Hosts that only a package manager should know; a mirror must be able to stand in.
const REGISTRY_HOSTS: [[&str; 2]; 3] = [["crates", "io"], ["pypi", "org"], ["npmjs", "org"]];

pub(super) fn check(
    sh: &Shell,
    files: &[String],
    problems: &mut Vec<String>,
) -> anyhow::Result<()> {
    for file in files {
        let bytes = fs::read(sh.current_dir().join(file))?;
        // Whatever is not text is not ours to read.
        if let Ok(text) = std::str::from_utf8(&bytes) {
            judge(file, text, problems);
        }
    }
    Ok(())
}

fn judge(file: &str, text: &str, problems: &mut Vec<String>) {
    if files::has_extension(file, "rs") {
        if !text.starts_with("//!") && !catalog::is_tool_file(file) {
            problems.push(format!("{file} must begin with `//!`: what the file is for"));
        }
        let lines = text.lines().count();
        if lines > MOST_LINES {
            problems.push(format!("{file} has {lines} lines: split it, {MOST_LINES} are the most"));
        }
    }
    // cargo writes the lock file, and names the registry in it whatever stands in for it.
    if file == "Cargo.lock" {
        return;
    }
    for (number, line) in text.lines().enumerate() {
        for what in [machine_path(line), registry_host(line)].into_iter().flatten() {
            problems.push(format!("{file}:{}: {what} does not belong here", number + 1));
        }
    }
}

/// The first absolute path into a folder of [`MACHINE_FOLDERS`].
fn machine_path(line: &str) -> Option<String> {
    let starts = line.match_indices('/').map(|(at, _)| line.split_at(at));
    starts
        .filter(|(before, _)| !before.ends_with(is_path_character))
        .filter_map(|(_, path)| {
            let folder = path.split('/').nth(1)?;
            let end = folder.find(|c| !is_path_character(c)).unwrap_or(folder.len());
            MACHINE_FOLDERS.iter().find(|known| folder.get(..end) == Some(**known))
        })
        .map(|folder| format!("the machine path `/{folder}`"))
        .next()
}

fn is_path_character(c: char) -> bool {
    c.is_alphanumeric() || "/._-~{}<>*".contains(c)
}

fn registry_host(line: &str) -> Option<String> {
    let mut hosts = REGISTRY_HOSTS.iter().map(|parts| parts.join("."));
    hosts.find(|host| line.contains(host)).map(|host| format!("the registry host `{host}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(file: &str, text: &str) -> Vec<String> {
        let mut problems = Vec::new();
        judge(file, text, &mut problems);
        problems
    }

    #[test]
    fn a_rust_file_says_first_what_it_is_for() {
        assert!(problems("xtask/src/a.rs", "//! A.\n").is_empty());
        assert_eq!(
            problems("xtask/src/a.rs", "mod a;\n"),
            ["xtask/src/a.rs must begin with `//!`: what the file is for"],
        );
        assert!(problems("README.md", "# A\n").is_empty());
    }

    #[test]
    fn a_long_file_must_be_split() {
        assert!(problems("a.rs", &"//!\n".repeat(MOST_LINES)).is_empty());
        assert_eq!(
            problems("a.rs", &"//!\n".repeat(MOST_LINES + 1)),
            ["a.rs has 501 lines: split it, 500 are the most"],
        );
    }

    #[test]
    fn machine_paths_are_found_wherever_they_stand() {
        for folder in MACHINE_FOLDERS {
            for line in [
                format!("/{folder}/main"),
                format!("see `/{folder}`"),
                format!("\"/{folder}/x\""),
                format!("(/{folder}/x)"),
            ] {
                let expected = format!("a.md:1: the machine path `/{folder}` does not belong here");
                assert_eq!(problems("a.md", &line), [expected], "{line}");
            }
        }
    }

    #[test]
    fn what_only_looks_like_a_machine_path_is_left_alone() {
        for folder in MACHINE_FOLDERS {
            for line in [
                format!("https://example.test/{folder}/page"),
                format!("docs/{folder}/page"),
                format!("/{folder}flow"),
                format!("{{org}}/{folder}/"),
            ] {
                assert!(problems("a.md", &line).is_empty(), "{line}");
            }
        }
    }

    #[test]
    fn registry_hosts_are_found_outside_the_lock_file() {
        for parts in REGISTRY_HOSTS {
            let line = format!("https://{}/x", parts.join("."));
            assert_eq!(problems("deny.toml", &line).len(), 1);
            assert!(problems("Cargo.lock", &line).is_empty());
        }
    }
}
