//! Replaces what stands between two markers of a hand-written file.

use anyhow::{Context as _, ensure};

/// `text` with `section` between the markers called `name`.
///
/// Each marker must be there exactly once, the first before the second.
pub(super) fn splice(text: &str, name: &str, section: &str) -> anyhow::Result<String> {
    let begin = format!("<!-- begin generated: {name} (cargo xtask codegen) -->");
    let end = format!("<!-- end generated: {name} -->");
    for marker in [&begin, &end] {
        let count = text.matches(marker.as_str()).count();
        ensure!(count == 1, "the marker `{marker}` must stand there once, not {count} times");
    }
    let (head, rest) = text.split_once(&begin).context("no first marker")?;
    let (_, tail) =
        rest.split_once(&end).with_context(|| format!("`{end}` must come after `{begin}`"))?;
    Ok(format!("{head}{begin}\n\n{}\n\n{end}{tail}", section.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "before\n<!-- begin generated: x (cargo xtask codegen) -->\nold\n\
        <!-- end generated: x -->\nafter\n";

    #[test]
    fn only_what_stands_between_the_markers_changes() {
        let new = splice(TEXT, "x", "| new |\n").unwrap();
        assert_eq!(
            new,
            "before\n<!-- begin generated: x (cargo xtask codegen) -->\n\n| new |\n\n\
             <!-- end generated: x -->\nafter\n",
        );
    }

    #[test]
    fn splicing_twice_changes_nothing_more() {
        let once = splice(TEXT, "x", "new").unwrap();
        assert_eq!(splice(&once, "x", "new").unwrap(), once);
    }

    #[test]
    fn a_lost_a_doubled_and_a_misplaced_marker_are_errors() {
        let lost = TEXT.replace("<!-- end generated: x -->", "");
        let doubled = format!("{TEXT}{TEXT}");
        let (head, tail) = TEXT.split_at(TEXT.find("old").unwrap());
        let misplaced = format!("{tail}{head}");
        for text in [lost, doubled, misplaced] {
            assert!(splice(&text, "x", "new").is_err(), "{text}");
        }
    }
}
