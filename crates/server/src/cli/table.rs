//! Columns of text on a terminal.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

/// A column's title, and the first lines of a listing.
pub const TITLE: Style = Style::new().bold();
/// What can be done.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// What cannot be done, and could be.
pub const BAD: Style = AnsiColor::Yellow.on_default();
/// What is of less interest.
pub const QUIET: Style = Style::new().dimmed();
/// Text as it is.
pub const PLAIN: Style = Style::new();

/// Rows of styled cells under titles. Colors are taken out where `out` is not a terminal.
pub fn print(
    out: &mut impl Write,
    titles: &[&str],
    rows: &[Vec<(Style, String)>],
) -> io::Result<()> {
    let head: Vec<_> = titles.iter().map(|title| (TITLE, (*title).to_owned())).collect();
    let mut widths = vec![0; titles.len()];
    for row in rows.iter().chain([&head]) {
        for (width, (_, text)) in widths.iter_mut().zip(row) {
            *width = (*width).max(text.chars().count());
        }
    }
    for row in [&head].into_iter().chain(rows) {
        // What is last in its line is not padded: no blanks at the end.
        let last = row.iter().rposition(|(_, text)| !text.is_empty()).unwrap_or_default();
        for (at, ((style, text), width)) in row.iter().zip(&widths).enumerate().take(last + 1) {
            let padding = if at == last { 0 } else { width - text.chars().count() + 2 };
            write!(out, "{style}{text}{style:#}{:padding$}", "")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            vec![(PLAIN, "a".to_owned()), (PLAIN, "first".to_owned())],
            vec![(PLAIN, "long".to_owned()), (GOOD, "é".to_owned())],
            vec![(PLAIN, "b".to_owned()), (PLAIN, String::new())],
        ];
        let mut out = anstream::StripStream::new(Vec::new());
        print(&mut out, &["N", "TEXT"], &rows).unwrap();
        let text = String::from_utf8(out.into_inner()).unwrap();
        assert_eq!(text, "N     TEXT\na     first\nlong  é\nb\n");
    }
}
