//! What a URL in the text of a span must not tell: the values of its query, and its user. It
//! knows no other secrets.

use std::borrow::Cow;

/// What stands for a value.
const MASK: &str = "…";
/// Attributes that are a query without the URL around it.
const QUERIES: [&str; 2] = ["url.query: ", "http.query: "];

/// The text with the values of each URL's query left out; a path with a query counts too.
pub(super) fn masked(text: &str) -> Cow<'_, str> {
    if let Some(query) = QUERIES.iter().find_map(|name| text.strip_prefix(name)) {
        let mut out = text.get(..text.len() - query.len()).unwrap_or_default().to_owned();
        values(&mut out, query);
        return Cow::Owned(out);
    }
    if !text.contains('?') && !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(is_border) {
        let end = piece.trim_end_matches(is_border).len();
        let (word, border) = piece.split_at(end);
        url(&mut out, word);
        out.push_str(border);
    }
    Cow::Owned(out)
}

/// Where a URL ends in prose, JSON, and code.
fn is_border(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '`' | '<' | '>' | '\\')
}

/// A word, which is a URL or a path if it looks like one.
fn url(out: &mut String, word: &str) {
    let scheme = word.find("://").map(|at| at + 3);
    if scheme.is_none() && !word.starts_with('/') {
        out.push_str(word);
        return;
    }
    let (start, rest) = word.split_at(scheme.unwrap_or_default());
    out.push_str(start);
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let user = rest.get(..authority).and_then(|authority| authority.rfind('@'));
    let rest = match user {
        Some(user) if scheme.is_some() => {
            out.push_str(MASK);
            rest.get(user..).unwrap_or_default()
        }
        _ => rest,
    };
    match rest.split_once('?') {
        Some((path, query)) => {
            out.push_str(path);
            out.push('?');
            values(out, query);
        }
        None => out.push_str(rest),
    }
}

/// `a=1&b=2#c` as `a=…&b=…`; what has no name is left out as a whole.
fn values(out: &mut String, query: &str) {
    let query = query.split('#').next().unwrap_or_default();
    for (at, pair) in query.split('&').enumerate() {
        if at > 0 {
            out.push('&');
        }
        match pair.split_once('=') {
            Some((name, _)) => {
                out.push_str(name);
                out.push('=');
                out.push_str(MASK);
            }
            None if pair.trim().is_empty() => {}
            None => out.push_str(MASK),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn values_of_a_query_and_users_are_left_out() {
        let table = [
            ("url.full: https://a.test/b?token=s&x=1#f", "url.full: https://a.test/b?token=…&x=…"),
            ("GET https://u:p@a.test/b?s3cret", "GET https://…@a.test/b?…"),
            ("http.target: /b?token=s", "http.target: /b?token=…"),
            ("url.query: token=s&y=2", "url.query: token=…&y=…"),
            (r#"{"url":"https://a.test/?t=s","n":1}"#, r#"{"url":"https://a.test/?t=…","n":1}"#),
            ("/b?name=it's&token=s", "/b?name=…&token=…"),
            ("postgres://u:p@db.test/x", "postgres://…@db.test/x"),
        ];
        for (text, expected) in table {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn other_texts_stay_as_they_are() {
        for text in [
            "SELECT a FROM t WHERE b = ? AND c=1",
            "user: someone@example.test",
            "is it? a=1",
            "https://a.test/b",
            "cart?.total=1",
            "",
        ] {
            assert_eq!(masked(text), text);
        }
    }
}
