//! URLs that every reader reads alike: visible ASCII, in the form that a URL parser writes.
//! It judges no scheme and no host.

use url::{Position, Url};

/// Longer than any URL that clients really use; browsers and servers stop at some 2,000.
pub(crate) const MAX_LENGTH: usize = 2_000;

/// Why a text is no URL that every reader reads alike. It never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlFlaw {
    /// Nobody needs one as long.
    #[error("it is longer than 2,000 characters")]
    TooLong,
    /// Blanks, control characters, or characters outside ASCII.
    #[error(
        "it has blanks, control characters or characters outside ASCII; write hosts in punycode"
    )]
    Characters,
    /// RFC 6749 section 3.1.2: "The endpoint URI MUST NOT include a fragment component".
    #[error("it has a fragment; leave out the `#` and what follows")]
    Fragment,
    /// RFC 3986 section 7.6: user information serves only to mislead.
    #[error("it has user information; leave out what stands before the `@`")]
    UserInfo,
    /// Not absolute, or no URL at all.
    #[error("it is not an absolute URL")]
    Relative,
    /// A control character or a broken sequence behind a percent sign.
    #[error("it has a percent sign that is not the begin of an encoded visible character")]
    Encoding,
    /// A URL parser writes it differently.
    #[error(
        "it is not in normal form; write scheme and host in lower case, IP addresses in their usual \
         form, and no dot segments, backslashes or quotes"
    )]
    NotNormal,
}

/// Reads a URL that is already in the form which the parser writes, so that comparing the text
/// is comparing the meaning. Two readings of one text are what an open redirect lives on
/// (RFC 9700 section 4.1).
///
/// Forgiven is only what is common and cannot be read in two ways: a missing `/` behind the
/// host, and a default port that is written out.
pub(crate) fn parse(text: &str) -> Result<Url, UrlFlaw> {
    if text.len() > MAX_LENGTH {
        return Err(UrlFlaw::TooLong);
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(UrlFlaw::Characters);
    }
    // Left alone by the parser outside of http and https, and in queries.
    if !text.bytes().all(is_uri_character) {
        return Err(UrlFlaw::NotNormal);
    }
    if text.contains('#') {
        return Err(UrlFlaw::Fragment);
    }
    if !encoding_is_plain(text) {
        return Err(UrlFlaw::Encoding);
    }
    let url = Url::parse(text).map_err(|_| UrlFlaw::Relative)?;
    // An empty user name (`https://@host/`) is gone after parsing.
    if authority(text).contains('@') || !url.username().is_empty() || url.password().is_some() {
        return Err(UrlFlaw::UserInfo);
    }
    if url.cannot_be_a_base() {
        return Err(UrlFlaw::Relative);
    }
    let normal = is_normal(text, &url) && !authority(text).contains('%');
    if normal { Ok(url) } else { Err(UrlFlaw::NotNormal) }
}

fn authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default()
}

/// Reserved, unreserved, or the percent sign (RFC 3986 section 2).
fn is_uri_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

/// Each percent sign begins a pair of hexadecimal digits that stand for no control character.
fn encoding_is_plain(text: &str) -> bool {
    text.split('%').skip(1).all(|after| {
        let digits = after.get(..2).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        byte.is_some_and(|byte| !byte.is_ascii_control())
    })
}

fn is_normal(text: &str, url: &Url) -> bool {
    if text == url.as_str() {
        return true;
    }
    let Some(rest) = text.strip_prefix(&url[..Position::AfterHost]) else { return false };
    let default = url.port_or_known_default().map(|port| format!(":{port}"));
    let rest = match (url.port(), default) {
        (None, Some(default)) => rest.strip_prefix(&default).unwrap_or(rest),
        _ => rest.strip_prefix(&url[Position::AfterHost..Position::AfterPort]).unwrap_or(rest),
    };
    let path = &url[Position::BeforePath..];
    rest == path || (!rest.starts_with('/') && path.strip_prefix('/') == Some(rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_host_of_an_accepted_text_is_the_one_that_stands_there(
            text in "(https?|cursor)[:/]{1,4}[a-z0-9A-Z.@:%\\\\#?\\[\\]-]{0,16}[/?\\\\]?[a-z/.%@:-]{0,12}",
        ) {
            if let Ok(url) = parse(&text) {
                let standing = authority(&text);
                let host = url.host_str().unwrap_or_default();
                let with_port = format!("{host}:");
                prop_assert!(standing == host || standing.starts_with(&with_port));
                prop_assert!(!text.contains(['#', '\\']) && !standing.contains(['@', '%']));
            }
        }
    }

    #[test]
    fn urls_in_normal_form_are_read() {
        for text in [
            "https://app.example.test/cb",
            "https://app.example.test",
            "https://app.example.test?x=1",
            "https://app.example.test/",
            "https://app.example.test:443/cb",
            "https://app.example.test:443",
            "https://app.example.test:8443",
            "https://app.example.test/cb?a=1&b=%20x",
            "https://xn--bcher-kva.example.test/cb",
            "http://127.0.0.1:80/cb",
            "http://[::1]:3000/cb",
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "com.example.app:/oauth",
        ] {
            assert!(parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_text_with_two_readings_is_no_url() {
        use UrlFlaw::{Characters, Encoding, Fragment, NotNormal, Relative, TooLong, UserInfo};
        let long = format!("https://app.example.test/{}", "a".repeat(2_000));
        for (text, flaw) in [
            (long.as_str(), TooLong),
            (" https://app.example.test/", Characters),
            ("https://app.example.test/\t", Characters),
            ("https://b\u{fc}cher.example.test/", Characters),
            ("https://app.example.test/#", Fragment),
            ("https://u@app.example.test/", UserInfo),
            ("https://@app.example.test/", UserInfo),
            ("https://:@app.example.test/", UserInfo),
            ("cursor://u@host/x", UserInfo),
            ("", Relative),
            ("/cb", Relative),
            ("//app.example.test/cb", Relative),
            ("mailto:x", Relative),
            ("https://app.example.test/%", Encoding),
            ("https://app.example.test/%zz", Encoding),
            ("https://app.example.test/%0d%0aX:1", Encoding),
            ("https://app.example.test/%7f", Encoding),
            ("https://App.example.test/", NotNormal),
            ("HTTPS://app.example.test/", NotNormal),
            ("https:app.example.test/cb", NotNormal),
            ("https:/app.example.test/cb", NotNormal),
            ("https:///app.example.test/cb", NotNormal),
            ("https://app.example.test\\cb", NotNormal),
            ("https://app.example.test/a/../b", NotNormal),
            ("https://app.example.test/a/%2e%2e/b", NotNormal),
            ("https://%61pp.example.test/", NotNormal),
            ("https://app.example.test:0443/", NotNormal),
            ("https://app.example.test:/", NotNormal),
            ("https://app.example.test/\"", NotNormal),
            ("https://app.example.test/?x=\\", NotNormal),
            ("https://app.example.test/?x={y}|^`<>", NotNormal),
            ("cursor://x\\y/cb", NotNormal),
            ("cursor://x/\\cb", NotNormal),
            ("cursor://%78/cb", NotNormal),
            ("cursor://x/a/../cb", NotNormal),
            ("http://127.1/", NotNormal),
            ("http://0x7f.0.0.1/", NotNormal),
            ("http://2130706433/", NotNormal),
            ("http://[0:0:0:0:0:0:0:1]/", NotNormal),
            ("http://[::ffff:127.0.0.1]/", NotNormal),
        ] {
            assert_eq!(parse(text).map(String::from), Err(flaw), "{text:?}");
        }
    }
}
