//! Cursor pagination: one page of a list, and Sentry's `Link` header that leads to the next.
//! It asks for no page itself; a caller that wants more passes the cursor on.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::ids::InvalidId;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The elements that could be read.
    pub items: Vec<T>,
    /// How many elements could not be read.
    pub skipped: usize,
    /// Where the next page starts, if there is one.
    pub next: Option<Cursor>,
    /// Where the previous page starts, if there is one.
    pub previous: Option<Cursor>,
}

impl<T> Page<T> {
    /// The same page with other elements.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(convert).collect(),
            skipped: self.skipped,
            next: self.next,
            previous: self.previous,
        }
    }
}

/// A place in a list, opaque, as Sentry gave it.
///
/// Invariant: not empty, only `0-9 A-Z a-z : _ . = -`, at most 200 characters (2,000 for
/// a list over several regions, whose cursor holds one for each).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor(String);

/// What the cursor of a list over several regions begins with.
pub(crate) const REGIONS: &str = "regions:";

impl Cursor {
    /// The cursor as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Cursor {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Cursor {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Cursor, InvalidId> {
        let text = text.trim();
        let limit = if text.starts_with(REGIONS) { 2_000 } else { 200 };
        let allowed =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b':' | b'_' | b'.' | b'=' | b'-');
        if text.is_empty() || text.len() > limit || !text.bytes().all(allowed) {
            return Err(InvalidId::new(
                "a cursor",
                text,
                "the cursor of an earlier answer, such as `0:100:0`",
            ));
        }
        Ok(Cursor(text.to_owned()))
    }
}

impl TryFrom<String> for Cursor {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Cursor, InvalidId> {
        text.parse()
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Cursor, D::Error> {
        deserializer.deserialize_str(crate::ids::Text)?.parse().map_err(de::Error::custom)
    }
}

/// The two ends of a page: `(previous, next)`.
pub(crate) type Links = (Option<Cursor>, Option<Cursor>);

/// Reads `Link: <url>; rel="next"; results="true"; cursor="0:100:0", …`.
///
/// GlitchTip's header is malformed (`{'<url>; rel=next …'}`) and has no `cursor`, so
/// brackets and quotes are dropped, and the cursor may come from the URL's query.
pub(crate) fn links(header: &str) -> Links {
    let (mut previous, mut next) = (None, None);
    for link in header.split('<').skip(1) {
        let (url, rest) = link.split_once('>').unwrap_or((link, ""));
        let (mut rel, mut results, mut cursor) = ("", true, None);
        for parameter in rest.split([';', ',']) {
            let Some((name, value)) = parameter.split_once('=') else { continue };
            let value = value
                .trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '{' | '}'));
            match name.trim() {
                "rel" => rel = value,
                "results" => results = value.eq_ignore_ascii_case("true"),
                "cursor" => cursor = Some(value.to_owned()),
                _ => {}
            }
        }
        if !results {
            continue;
        }
        let cursor = cursor.or_else(|| cursor_of_url(url)).and_then(|text| text.parse().ok());
        match rel {
            "next" => next = cursor,
            "previous" => previous = cursor,
            _ => {}
        }
    }
    (previous, next)
}

fn cursor_of_url(url: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "cursor")
        .map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(header: &str) -> (Option<String>, Option<String>) {
        let (previous, next) = links(header);
        (previous.map(|c| c.to_string()), next.map(|c| c.to_string()))
    }

    #[test]
    fn link_headers_as_sentry_and_others_write_them() {
        let url = "https://sentry.example.test/api/0/organizations/";
        let table = [
            (
                format!(
                    r#"<{url}?&cursor=1:0:1>; rel="previous"; results="false"; cursor="1:0:1", <{url}?&cursor=1:100:0>; rel="next"; results="true"; cursor="1:100:0""#
                ),
                (None, Some("1:100:0")),
            ),
            (
                format!(
                    r#"<{url}?&cursor=1:0:1>; rel="previous"; results="true"; cursor="1:0:1", <{url}>; rel="next"; results="false"; cursor="1:100:0""#
                ),
                (Some("1:0:1"), None),
            ),
            // GlitchTip: a Python set printed as text, the cursor only in the URL.
            (
                format!(r#"{{'<{url}?cursor=cD0yMDI%3D>; rel="next"; results="true"'}}"#),
                (None, Some("cD0yMDI=")),
            ),
            (format!("<{url}?cursor=abc>; rel=next; results=true"), (None, Some("abc"))),
            (
                format!(r#"<{url}?query=a,b&cursor=abc>; rel="next"; results="true""#),
                (None, Some("abc")),
            ),
            // A cursor with other characters is none: it would be sent back to Sentry.
            (format!(r#"<{url}>; rel="next"; results="true"; cursor="a b<c""#), (None, None)),
            (r#"rel="next""#.to_owned(), (None, None)),
            ("<<>>;;==,,".to_owned(), (None, None)),
            (String::new(), (None, None)),
        ];
        for (header, (previous, next)) in table {
            assert_eq!(
                texts(&header),
                (previous.map(str::to_owned), next.map(str::to_owned)),
                "{header}"
            );
        }
    }

    #[test]
    fn a_cursor_has_an_alphabet_and_a_length() {
        assert!("0:100:0".parse::<Cursor>().is_ok());
        assert!(" 0:100:0 ".parse::<Cursor>().is_ok());
        for bad in ["", " ", "a b", "a&b", "a/b", "ä", "a\nb", &"1".repeat(201)] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad}");
        }
        assert!(format!("{REGIONS}{}", "1".repeat(300)).parse::<Cursor>().is_ok());
        assert!(format!("{REGIONS}{}", "1".repeat(2_000)).parse::<Cursor>().is_err());
    }
}
