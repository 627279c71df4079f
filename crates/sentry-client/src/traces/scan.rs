//! Finding the parts of a JSON text without reading them: nothing is copied, and nothing
//! recurses, so a trace may nest deeper than any decoder of ours would follow. It does not
//! check what it skips; a part that turns out to be broken counts as absent.

/// A place in a JSON text.
#[derive(Clone, Debug)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Scanner<'a> {
        Scanner { text, at: 0 }
    }

    /// Where the next token begins, in bytes.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The first byte of the next token.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let blank = rest.iter().position(|b| !b.is_ascii_whitespace())?;
        self.at += blank;
        rest.get(blank).copied()
    }

    /// Steps over the next token if it is this punctuation.
    pub(super) fn take(&mut self, token: u8) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    /// The name of a field, as it is written, with the colon behind it stepped over.
    pub(super) fn name(&mut self) -> Option<&'a str> {
        let name = self.value()?.strip_prefix('"')?.strip_suffix('"')?;
        self.take(b':').then_some(name)
    }

    /// A whole value, as it is written.
    pub(super) fn value(&mut self) -> Option<&'a str> {
        let first = self.peek()?;
        let start = self.at;
        match first {
            b'"' => self.skip_string()?,
            b'{' | b'[' => self.skip_nested()?,
            b',' | b':' | b'}' | b']' => return None,
            _ => {
                let rest = self.text.as_bytes().get(start..)?;
                let end = |b: &u8| b.is_ascii_whitespace() || matches!(b, b',' | b'}' | b']');
                self.at += rest.iter().position(end).unwrap_or(rest.len());
            }
        }
        self.text.get(start..self.at)
    }

    /// From the opening quote to behind the closing one.
    fn skip_string(&mut self) -> Option<()> {
        let bytes = self.text.as_bytes();
        let mut at = self.at + 1;
        loop {
            at += bytes.get(at..)?.iter().position(|b| matches!(b, b'"' | b'\\'))?;
            if bytes.get(at) == Some(&b'"') {
                self.at = at + 1;
                return Some(());
            }
            at += 2;
        }
    }

    /// From an opening bracket to behind the one that closes it.
    fn skip_nested(&mut self) -> Option<()> {
        let bytes = self.text.as_bytes();
        let mut depth = 0_usize;
        loop {
            let special = |b: &u8| matches!(b, b'"' | b'{' | b'[' | b'}' | b']');
            self.at += bytes.get(self.at..)?.iter().position(special)?;
            match bytes.get(self.at)? {
                b'"' => {
                    self.skip_string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                _ => depth -= 1,
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }
}

/// The fields of an object in their order, each value as it is written. Anything but an
/// object has none, and a broken one ends where it breaks.
pub(super) fn fields(object: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut scanner = Scanner::new(object);
    let mut open = scanner.take(b'{');
    std::iter::from_fn(move || {
        if !open {
            return None;
        }
        let field = scanner.name().and_then(|name| Some((name, scanner.value()?)));
        open = field.is_some() && scanner.take(b',');
        field
    })
}

/// The elements of a list, in the same manner.
pub(super) fn elements(list: &str) -> impl Iterator<Item = &str> {
    let mut scanner = Scanner::new(list);
    let mut open = scanner.take(b'[');
    std::iter::from_fn(move || {
        if !open {
            return None;
        }
        let element = scanner.value();
        open = element.is_some() && scanner.take(b',');
        element
    })
}

/// The text of a JSON string that has no escapes, as slugs and ids have none.
pub(super) fn plain(json: &str) -> Option<&str> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.is_empty() && !inner.contains('\\')).then_some(inner)
}

/// A number that is finite, also as text.
pub(super) fn number(json: &str) -> Option<f64> {
    let text = plain(json).unwrap_or(json);
    // Rust also reads "inf" and "nan", which no JSON number is.
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_with_their_values_as_written() {
        let object = r#" { "a" : 1 , "b":"}\"]", "c": {"x": ["]", {}]}, "d":null}"#;
        let found: Vec<_> = fields(object).collect();
        assert_eq!(
            found,
            [("a", "1"), ("b", r#""}\"]""#), ("c", r#"{"x": ["]", {}]}"#), ("d", "null")]
        );
        assert_eq!(
            elements(r#"[1, "a,b", [2, 3]]"#).collect::<Vec<_>>(),
            ["1", r#""a,b""#, "[2, 3]"]
        );
    }

    #[test]
    fn broken_text_ends_the_list_and_never_panics() {
        let whole = r#"{"a": "x\"y", "b": {"c": [1, {"d": "e"}]}, "f": -1.5e3}"#;
        for end in 0..whole.len() {
            let cut = &whole[..end];
            assert!(fields(cut).count() <= 3, "{cut}");
        }
        for odd in ["", "[]", "null", "}", "{]", "{\"a\"}", "{\"a\":}", "{\"a\":1]", "\\", "\"\\"] {
            assert!(fields(odd).count() <= 1, "{odd}");
            assert_eq!(elements(odd).count(), 0, "{odd}");
        }
    }

    #[test]
    fn numbers_are_finite() {
        assert_eq!(number("12.5"), Some(12.5));
        assert_eq!(number(r#""7""#), Some(7.0));
        for bad in ["null", "inf", "NaN", "1e999", r#""nan""#, "{}", ""] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }
}
