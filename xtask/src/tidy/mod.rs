//! `cargo xtask tidy`: rules about the repository that the compiler cannot check.
//!
//! It repairs nothing: each message says what to do.

mod arrows;
mod catalog;
mod text;

use anyhow::bail;
use xshell::Shell;

use crate::files;

/// What was found. Problems fail the build, notes do not.
#[derive(Debug, Default, PartialEq, Eq)]
struct Findings {
    problems: Vec<String>,
    notes: Vec<String>,
}

impl Findings {
    fn problem(&mut self, text: String) {
        self.problems.push(text);
    }

    fn note(&mut self, text: String) {
        self.notes.push(text);
    }
}

/// Checks every rule and reports everything that breaks one.
pub(crate) fn run(sh: &Shell) -> anyhow::Result<()> {
    let files = files::list(sh)?;
    let mut findings = Findings::default();
    arrows::check(sh, &mut findings)?;
    catalog::check(&files, &mut findings);
    text::check(sh, &files, &mut findings)?;
    for note in &findings.notes {
        println!("note: {note}");
    }
    if !findings.problems.is_empty() {
        bail!("the repository is not tidy:\n  {}", findings.problems.join("\n  "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_repository_is_tidy() {
        let sh = crate::shell().unwrap();
        super::run(&sh).unwrap();
    }
}
