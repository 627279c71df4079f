//! Percent-decoding of paths and query strings. Does not know what the parameters mean.

use std::borrow::Cow;

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
    fn query_strings_are_decoded() {
        let decoded = parse_query("query=is%3Aunresolved+a%2Bb&x&broken=%zz");
        let expected = [("query", "is:unresolved a+b"), ("x", ""), ("broken", "%zz")];
        let decoded: Vec<_> =
            decoded.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
        assert_eq!(decoded, expected);
    }
}
