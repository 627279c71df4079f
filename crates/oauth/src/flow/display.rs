//! Text of strangers, made fit to be read by a person who decides. It escapes nothing: the
//! templates do.

/// The longest name that is shown, in characters.
const LONGEST_NAME: usize = 60;

/// The longest redirect URI that is shown whole, in characters.
const LONGEST_URI: usize = 160;

/// What a client calls itself, without what could make a line read as something else:
/// control characters, directions, invisible characters, and piles of marks.
pub(super) fn client_name(name: Option<&str>) -> String {
    let mut shown = String::new();
    let mut length = 0;
    let mut marks = 0;
    for c in name.unwrap_or_default().chars() {
        if c.is_whitespace() {
            if !shown.is_empty() && !shown.ends_with(' ') {
                shown.push(' ');
            }
            continue;
        }
        if is_deceptive(c) {
            continue;
        }
        marks = if is_mark(c) { marks + 1 } else { 0 };
        // Two marks are what writing needs; a pile of them paints over other lines.
        if marks > 2 {
            continue;
        }
        if length == LONGEST_NAME {
            shown.push('…');
            break;
        }
        length += 1;
        shown.push(c);
    }
    let shown = shown.trim_end();
    if shown.is_empty() { "A client without a name".to_owned() } else { shown.to_owned() }
}

/// The first letter or digit, for the picture.
pub(super) fn initial(name: &str) -> String {
    let first = name.chars().find(|c| c.is_alphanumeric());
    first.map_or_else(|| "?".to_owned(), |c| c.to_uppercase().collect())
}

/// The beginning of a redirect URI, which is checked and ASCII by then. The host is shown by itself.
pub(super) fn uri(uri: &str) -> String {
    match uri.char_indices().nth(LONGEST_URI) {
        Some((at, _)) => format!("{}…", uri.get(..at).unwrap_or_default()),
        None => uri.to_owned(),
    }
}

/// Characters that are invisible, or that change how others are read (Unicode TR 36 §2, §3).
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffd}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}')
}

fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}'
        | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_what_is_readable_and_loses_what_deceives() {
        for (given, shown) in [
            ("Example Editor", "Example Editor"),
            ("  many \u{3000}\t\n blanks  ", "many blanks"),
            ("left\u{202e}thgir\u{202c}", "leftthgir"),
            ("a\u{200b}b\u{2066}c\u{feff}d\u{e0041}", "abcd"),
            ("null\0 bell\u{7}", "null bell"),
            ("Zürich 東京 🦀", "Zürich 東京 🦀"),
            ("e\u{301}\u{302}\u{303}\u{304}\u{305}", "e\u{301}\u{302}"),
            ("", "A client without a name"),
            ("\u{200b}\u{3164}", "A client without a name"),
        ] {
            assert_eq!(client_name(Some(given)), shown, "{given:?}");
        }
        assert_eq!(client_name(None), "A client without a name");
    }

    #[test]
    fn a_long_name_ends_visibly() {
        let shown = client_name(Some(&"é".repeat(500)));
        assert_eq!(shown.chars().count(), LONGEST_NAME + 1);
        assert!(shown.ends_with('…'));
    }

    #[test]
    fn the_initial_is_a_letter_or_a_question_mark() {
        assert_eq!(initial("<b>"), "B");
        assert_eq!(initial("…"), "?");
        assert_eq!(initial("東京"), "東");
    }

    #[test]
    fn a_long_uri_is_cut_at_its_end() {
        assert_eq!(uri("https://a.test/cb"), "https://a.test/cb");
        assert!(uri(&format!("https://a.test/{}", "x".repeat(500))).starts_with("https://a.test/"));
    }
}
