//! Percent-coding of paths and query strings. Does not know what the parameters mean.

use std::{borrow::Cow, fmt::Write as _};

/// Decodes a query string; a name without `=` has an empty value.
pub(crate) fn parse_query(query: &str) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decode(name, true), percent_decode(value, true))
        })
        .collect()
}

/// Encodes a query string or a form (`application/x-www-form-urlencoded`).
pub(crate) fn encode_query<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pair = |(name, value)| format!("{}={}", percent_encode(name), percent_encode(value));
    fields.into_iter().map(pair).collect::<Vec<_>>().join("&")
}

/// Escapes everything but the unreserved characters of RFC 3986 §2.3.
fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string never fails.
            let _written = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Decodes `%41`; `plus_is_space` is for query strings. A broken escape stays as it is.
pub(super) fn percent_decode(text: &str, plus_is_space: bool) -> Cow<'_, str> {
    let encoded = text.contains('%') || (plus_is_space && text.contains('+'));
    if !encoded {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let escaped = escaped_byte(&rest).filter(|_| byte == b'%');
        match (byte, escaped) {
            (_, Some(escaped)) => {
                decoded.push(escaped);
                rest.next();
                rest.next();
            }
            (b'+', None) if plus_is_space => decoded.push(b' '),
            _ => decoded.push(byte),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

/// The byte that two hex digits stand for; looks ahead without taking them.
fn escaped_byte(rest: &std::str::Bytes<'_>) -> Option<u8> {
    let mut ahead = rest.clone();
    let high = char::from(ahead.next()?).to_digit(16)?;
    let low = char::from(ahead.next()?).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_again() {
        let fields = [("a", "x y&z=%"), ("b", "é~"), ("c", "")];
        let encoded = encode_query(fields);
        assert_eq!(encoded, "a=x%20y%26z%3D%25&b=%C3%A9~&c=");
        let decoded = parse_query(&encoded);
        assert!(decoded.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).eq(fields));
    }

    #[test]
    fn query_strings_are_decoded() {
        let decoded = parse_query("query=is%3Aunresolved+a%2Bb&x&broken=%zz");
        let expected = [("query", "is:unresolved a+b"), ("x", ""), ("broken", "%zz")];
        let decoded: Vec<_> =
            decoded.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
        assert_eq!(decoded, expected);
    }
}
