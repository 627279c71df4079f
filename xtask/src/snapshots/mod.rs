//! `cargo xtask snapshots [--accept]`: what the tests print now, beside what they
//! should print, without cargo-insta.
//!
//! insta writes what is pending into a folder of ours (`INSTA_PENDING_DIR`), so that
//! nothing is left behind beside the sources, and the names of the snapshot files
//! that were compared into a list, so that the others can be reported.
//! Doc tests and binary snapshots are not supported; this project has neither.

mod inline;
mod pending;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use xshell::{Shell, cmd};

use crate::files;
use pending::Pending;

/// Whether the new outputs are only shown or also taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    List,
    Accept,
}

/// Runs all tests and shows, or takes over, what differs.
pub(crate) fn run(sh: &Shell, mode: Mode) -> anyhow::Result<()> {
    let scratch = sh.create_temp_dir()?;
    let folder = scratch.path().join("pending");
    let references = References::new(scratch.path());
    let tests_pass = {
        let _update = sh.push_env("INSTA_UPDATE", "new");
        // One run shows every difference, not only the first of each test.
        let _all = sh.push_env("INSTA_FORCE_PASS", "1");
        let _quiet = sh.push_env("INSTA_OUTPUT", "none");
        let _folder = sh.push_env("INSTA_PENDING_DIR", &folder);
        let _references = sh.push_env("INSTA_SNAPSHOT_REFERENCES_FILE", &references.file);
        cmd!(sh, "cargo test --workspace --no-fail-fast --quiet").run().is_ok()
    };

    let pending = pending::read(&folder)?;
    for one in &pending {
        println!("\n{}\n{}", one.title(), diff(sh, scratch.path(), &one.old(sh)?, one.new_text())?);
    }
    if tests_pass {
        for file in references.unreferenced(sh)? {
            println!("no test uses {file}: delete it");
        }
    } else {
        println!("\nsome tests fail for other reasons, so unused snapshots are not looked for");
    }

    if mode == Mode::Accept {
        accept(sh, pending)?;
    } else if !pending.is_empty() {
        let count = pending.len();
        bail!("{count} snapshots are pending: to take them over, `cargo xtask snapshots --accept`");
    }
    ensure!(
        tests_pass,
        "tests fail for reasons other than snapshots: run `cargo test --workspace`"
    );
    println!("every snapshot is up to date");
    Ok(())
}

fn accept(sh: &Shell, pending: Vec<Pending>) -> anyhow::Result<()> {
    // From the bottom up, so that the line numbers above stay true.
    let (files, mut inline): (Vec<_>, Vec<_>) =
        pending.into_iter().partition(|one| one.line.is_none());
    inline.sort_by(|a, b| (&b.path, b.line).cmp(&(&a.path, a.line)));
    for one in files {
        sh.write_file(&one.path, pending::without_line(&one.new))?;
        println!("wrote {}", one.path.display());
    }
    for one in inline {
        let line = one.line.unwrap_or_default();
        let source = sh.read_file(&one.path)?;
        let patched = inline::replace(&source, line, &one.new)
            .with_context(|| format!("no inline snapshot at {}; edit it by hand", one.title()))?;
        sh.write_file(&one.path, patched)?;
        println!("wrote {}", one.title());
    }
    Ok(())
}

/// A unified diff without the headers that would name temporary files.
fn diff(sh: &Shell, scratch: &Path, old: &str, new: &str) -> anyhow::Result<String> {
    let (old_file, new_file) = (scratch.join("old"), scratch.join("new"));
    for (file, text) in [(&old_file, old), (&new_file, new)] {
        let end = if text.is_empty() { "" } else { "\n" };
        sh.write_file(file, format!("{text}{end}"))?;
    }
    let diff = cmd!(sh, "git diff --no-index --no-color -- {old_file} {new_file}");
    // git answers 1 when the files differ, which they do.
    let diff = diff.quiet().ignore_status().read()?;
    Ok(diff.lines().skip_while(|line| !line.starts_with("@@")).collect::<Vec<_>>().join("\n"))
}

/// The list of snapshot files that tests compare with, written by insta.
pub(crate) struct References {
    /// Where insta writes it: `INSTA_SNAPSHOT_REFERENCES_FILE`.
    pub(crate) file: PathBuf,
}

impl References {
    /// A list inside `folder`, empty until tests ran.
    pub(crate) fn new(folder: &Path) -> References {
        References { file: folder.join("references") }
    }

    /// The snapshot files in the repository that no test looked at.
    pub(crate) fn unreferenced(&self, sh: &Shell) -> anyhow::Result<Vec<String>> {
        let list = fs::read_to_string(&self.file).unwrap_or_default();
        let used: BTreeSet<PathBuf> = list
            .lines()
            .filter_map(|line| sh.current_dir().join(line).canonicalize().ok())
            .collect();
        let mut unused = files::list(sh)?;
        unused.retain(|file| {
            let path = sh.current_dir().join(file);
            files::has_extension(file, "snap")
                && path.canonicalize().is_ok_and(|path| !used.contains(&path))
        });
        Ok(unused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_that_no_test_names_are_unreferenced() {
        let sh = Shell::new().unwrap();
        let repository = sh.create_temp_dir().unwrap();
        sh.change_dir(repository.path());
        for file in ["a/used.snap", "a/unused.snap", "a/other.txt"] {
            sh.write_file(file, "").unwrap();
        }
        let references = References::new(repository.path());
        let used = repository.path().join("a/../a/used.snap");
        sh.write_file(&references.file, format!("{}\n", used.display())).unwrap();

        assert_eq!(references.unreferenced(&sh).unwrap(), ["a/unused.snap"]);
    }

    #[test]
    fn a_diff_shows_what_changed_and_no_temporary_name() {
        let sh = Shell::new().unwrap();
        let scratch = sh.create_temp_dir().unwrap();
        let diff = diff(&sh, scratch.path(), "one\ntwo", "one\nthree").unwrap();
        assert_eq!(diff, "@@ -1,2 +1,2 @@\n one\n-two\n+three");
    }
}
