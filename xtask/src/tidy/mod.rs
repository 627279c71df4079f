//! `cargo xtask tidy`: rules about the repository that the compiler cannot check.
//!
//! It repairs nothing: each message says what to do.

mod arrows;
mod catalog;
mod text;

use anyhow::bail;
use xshell::Shell;

use crate::files;

/// Checks every rule and reports everything that breaks one.
pub(crate) fn run(sh: &Shell) -> anyhow::Result<()> {
    let files = files::list(sh)?;
    let mut problems = Vec::new();
    arrows::check(sh, &mut problems)?;
    catalog::check(&files, &mut problems);
    text::check(sh, &files, &mut problems)?;
    if !problems.is_empty() {
        bail!("the repository is not tidy:\n  {}", problems.join("\n  "));
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
