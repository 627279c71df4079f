//! What insta wrote down as pending. It does not change any source.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde_json::Value;
use xshell::Shell;

/// One output that differs from its snapshot.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pending {
    /// The snapshot file or, for an inline snapshot, the source file; from the root.
    pub(super) path: PathBuf,
    /// The line of the assertion, for an inline snapshot only.
    pub(super) line: Option<u32>,
    /// The new content: for a snapshot file with its header, inline without.
    pub(super) new: String,
    /// The old content of an inline snapshot.
    old: String,
}

impl Pending {
    /// Where it belongs, for people and editors.
    pub(super) fn title(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.path.display()),
            None => self.path.display().to_string(),
        }
    }

    /// What is expected so far; empty for a new snapshot.
    pub(super) fn old(&self, sh: &Shell) -> anyhow::Result<String> {
        let path = sh.current_dir().join(&self.path);
        if self.line.is_some() {
            Ok(self.old.clone())
        } else if path.is_file() {
            Ok(body(&sh.read_file(path)?).to_owned())
        } else {
            Ok(String::new())
        }
    }

    /// What is printed now.
    pub(super) fn new_text(&self) -> &str {
        if self.line.is_some() { &self.new } else { body(&self.new) }
    }
}

/// Reads everything that is pending below `folder`, which mirrors the repository.
pub(super) fn read(folder: &Path) -> anyhow::Result<Vec<Pending>> {
    let mut pending = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        // Without anything pending insta creates no folder.
        let Ok(entries) = fs::read_dir(&next) else { continue };
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let beside = path.strip_prefix(folder)?.parent().unwrap_or(Path::new("")).to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if let Some(name) = name.strip_suffix(".snap.new") {
                let path_in_repository = beside.join(format!("{name}.snap"));
                let new = fs::read_to_string(&path)?;
                let old = String::new();
                pending.push(Pending { path: path_in_repository, line: None, new, old });
            } else if let Some(source) = inline_source(name) {
                let text = fs::read_to_string(&path)?;
                let records = inline(&beside.join(source), &text)
                    .with_context(|| format!("{name} has an unexpected shape"))?;
                pending.extend(records);
            }
        }
    }
    pending.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    Ok(pending)
}

/// `.find_teams.rs.pending-snap` is about `find_teams.rs`.
fn inline_source(name: &str) -> Option<&str> {
    name.strip_prefix('.')?.strip_suffix(".pending-snap")
}

/// One JSON record per line. Of several about one assertion the last counts, and one
/// without `new` says that the assertion holds after all.
fn inline(source: &Path, records: &str) -> anyhow::Result<Vec<Pending>> {
    let mut pending: Vec<Pending> = Vec::new();
    for record in records.lines() {
        let record: Value = serde_json::from_str(record)?;
        let line = record.get("line").and_then(Value::as_u64).context("no line")?;
        let line = Some(u32::try_from(line)?);
        pending.retain(|other| other.line != line);
        let content = |key: &str| record.get(key)?.get("snapshot")?.as_str().map(str::to_owned);
        if let Some(new) = content("new") {
            let old = content("old").unwrap_or_default();
            pending.push(Pending { path: source.to_owned(), line, new, old });
        }
    }
    Ok(pending)
}

/// The content of a snapshot file, without its header.
fn body(text: &str) -> &str {
    let after_header = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n"));
    after_header.map_or(text, |(_, body)| body).trim_end()
}

/// A pending file as it is committed: the line of the assertion would only make noise.
pub(super) fn without_line(text: &str) -> String {
    let Some((header, body)) = text.split_once("\n---\n") else { return text.to_owned() };
    let header: Vec<&str> =
        header.lines().filter(|line| !line.starts_with("assertion_line:")).collect();
    format!("{}\n---\n{body}", header.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "---\nsource: a.rs\nassertion_line: 7\n---\none\n---\ntwo\n";

    #[test]
    fn the_folder_mirrors_the_repository() {
        let sh = Shell::new().unwrap();
        let folder = sh.create_temp_dir().unwrap();
        sh.change_dir(folder.path());
        sh.write_file("a/snapshots/x.snap.new", FILE).unwrap();
        sh.write_file("a/.b.rs.pending-snap", r#"{"line":3,"new":{"snapshot":"new"},"old":null}"#)
            .unwrap();

        let pending = read(folder.path()).unwrap();

        let titles: Vec<String> = pending.iter().map(Pending::title).collect();
        assert_eq!(titles, ["a/b.rs:3", "a/snapshots/x.snap"]);
        assert_eq!(pending[0].new_text(), "new");
        assert_eq!(pending[1].new_text(), "one\n---\ntwo");
    }

    #[test]
    fn nothing_pending_is_no_folder() {
        assert_eq!(read(Path::new("does/not/exist")).unwrap(), []);
    }

    #[test]
    fn the_last_record_of_a_line_counts() {
        let records = r#"{"line":3,"new":{"snapshot":"first"},"old":{"snapshot":"was"}}
{"line":9,"new":{"snapshot":"other"},"old":null}
{"line":3,"new":{"snapshot":"second"},"old":{"snapshot":"was"}}
{"line":9,"new":null,"old":null}"#;
        let pending = inline(Path::new("a.rs"), records).unwrap();
        assert_eq!(pending.len(), 1);
        assert_eq!((pending[0].new.as_str(), pending[0].old.as_str()), ("second", "was"));
    }

    #[test]
    fn a_committed_snapshot_does_not_know_its_line() {
        assert_eq!(without_line(FILE), "---\nsource: a.rs\n---\none\n---\ntwo\n");
    }
}
