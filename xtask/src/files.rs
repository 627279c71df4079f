//! The files of the repository. It does not judge them; `tidy` does.

use std::path::Path;

use anyhow::Context as _;
use xshell::{Shell, cmd};

/// Every file that is, or would be, committed, as paths from the root, sorted.
///
/// git knows them. In a copy without git the folders are walked, where everything
/// counts but what git and cargo keep for themselves.
pub(crate) fn list(sh: &Shell) -> anyhow::Result<Vec<String>> {
    let listed = cmd!(sh, "git ls-files -z --cached --others --exclude-standard");
    let mut files = match listed.quiet().ignore_stderr().read() {
        Ok(names) => names.split('\0').map(str::to_owned).collect(),
        Err(_) => walked(sh)?,
    };
    files.retain(|file| sh.current_dir().join(file).is_file());
    files.sort();
    files.dedup();
    Ok(files)
}

/// Whether the name ends in a dot and exactly this extension.
pub(crate) fn has_extension(file: &str, extension: &str) -> bool {
    file.rsplit_once('.').is_some_and(|(_, found)| found == extension)
}

fn walked(sh: &Shell) -> anyhow::Result<Vec<String>> {
    let root = sh.current_dir();
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for path in sh.read_dir(&folder)? {
            if path.is_symlink() {
                continue;
            }
            if !path.is_dir() {
                files.push(relative(&root, &path)?);
            } else if !path.ends_with(".git") && path != root.join("target") {
                folders.push(path);
            }
        }
    }
    Ok(files)
}

fn relative(root: &Path, path: &Path) -> anyhow::Result<String> {
    let relative = path.strip_prefix(root)?;
    Ok(relative.to_str().context("a file name is not Unicode")?.replace('\\', "/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_without_git_lists_the_same_kind_of_paths() {
        let sh = Shell::new().unwrap();
        let copy = sh.create_temp_dir().unwrap();
        sh.change_dir(copy.path());
        for file in ["Cargo.toml", "crates/a/src/lib.rs", "target/debug/junk", ".git/config"] {
            sh.write_file(file, "").unwrap();
        }
        let mut files = walked(&sh).unwrap();
        files.sort();
        assert_eq!(files, ["Cargo.toml", "crates/a/src/lib.rs"]);
    }
}
