//! Which redirect URIs may be registered, and which of them a request means.
//! No I/O; it decides nothing about the client itself.

use std::fmt;

use url::{Host, Url};

use super::url_form::{self, UrlFlaw};

/// Schemes that execute, embed, or already have rules of their own; never private-use ones.
const NEVER: [&str; 17] = [
    "about",
    "blob",
    "chrome",
    "content",
    "data",
    "file",
    "filesystem",
    "ftp",
    "http",
    "https",
    "intent",
    "jar",
    "javascript",
    "mailto",
    "vbscript",
    "view-source",
    "ws",
];

/// Why a redirect URI is refused. It never repeats the URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectFlaw {
    /// It can be read in two ways.
    #[error("a redirect URI cannot be used: {0}")]
    Form(#[from] UrlFlaw),
    /// RFC 8252 section 7.3: plain http is for loopback only.
    #[error(
        "a redirect URI is plain http; use https, or http with 127.0.0.1, [::1] or localhost as host"
    )]
    PlainHttp,
    /// `javascript:` and the like.
    #[error("a redirect URI has a scheme that is never allowed; use https or loopback")]
    Scheme,
    /// RFC 8252 section 7.1 schemes are the operator's choice.
    #[error(
        "a redirect URI has a private-use scheme that this server does not allow; use https or \
         loopback, or ask its operator to list the scheme in `allowed_redirect_schemes`"
    )]
    PrivateUse,
    /// `0.0.0.0`, `127.0.0.2`, `x.localhost`, `example.com.`, …
    #[error(
        "a redirect URI has a host that is another spelling of something else; for loopback use \
         127.0.0.1, [::1] or localhost, and end no name with a dot"
    )]
    Host,
}

/// The private-use schemes that the operator allows; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedSchemes(Vec<String>);

/// A setting that is no scheme which could be allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` in `allowed_redirect_schemes` is no private-use scheme; give names such as \"cursor\" or \
     \"vscode\", never \"http\", \"javascript\" or the like"
)]
pub struct InvalidScheme(String);

impl AllowedSchemes {
    /// Reads names such as `cursor`; `cursor:` and `cursor://` are the same. Case is ignored
    /// (RFC 3986 section 3.1).
    pub fn parse<S: AsRef<str>>(names: &[S]) -> Result<AllowedSchemes, InvalidScheme> {
        let scheme = |name: &S| {
            let name = name.as_ref();
            let bare = name.strip_suffix("//").unwrap_or(name);
            let bare = bare.strip_suffix(':').unwrap_or(bare).to_ascii_lowercase();
            let starts = bare.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
            let allowed =
                |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b);
            let usable = starts && bare.bytes().all(allowed) && !NEVER.contains(&bare.as_str());
            if usable && bare != "wss" { Ok(bare) } else { Err(InvalidScheme(name.to_owned())) }
        };
        Ok(AllowedSchemes(names.iter().map(scheme).collect::<Result<_, _>>()?))
    }

    fn contains(&self, scheme: &str) -> bool {
        self.0.iter().any(|allowed| allowed == scheme)
    }
}

/// Where a redirect leads, for telling a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination<'a> {
    /// A website; its host in ASCII (punycode).
    Website(&'a str),
    /// A program on the person's own machine. Any program there can claim to be the client.
    Loopback(&'a str),
    /// Whatever program has claimed this private-use scheme.
    Program(&'a str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Website,
    Loopback,
    Program,
}

/// A redirect URI that follows all the rules.
#[derive(Clone, PartialEq, Eq)]
pub struct RedirectUri {
    text: String,
    url: Url,
    kind: Kind,
}

impl RedirectUri {
    /// Checks a redirect URI as it was sent. The same rules hold at registration and again at
    /// authorization, so a scheme that is no longer allowed ends at once.
    ///
    /// https, http on `127.0.0.1`, `[::1]` and `localhost` (RFC 8252 section 7.3), or a listed
    /// private-use scheme (section 7.1); no fragment (RFC 6749 section 3.1.2), no user
    /// information, and nothing that two readers could read differently.
    pub fn parse(text: &str, schemes: &AllowedSchemes) -> Result<RedirectUri, RedirectFlaw> {
        // Before the form, so that `javascript:` is told apart from a spelling mistake.
        let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
        let web = ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
        if !web && (scheme.eq_ignore_ascii_case("wss") || is_never(scheme)) {
            return Err(RedirectFlaw::Scheme);
        }
        let url = url_form::parse(text)?;
        let kind = match url.scheme() {
            "http" | "https" => web_kind(&url)?,
            scheme if schemes.contains(scheme) => Kind::Program,
            _ => return Err(RedirectFlaw::PrivateUse),
        };
        Ok(RedirectUri { text: text.to_owned(), url, kind })
    }

    /// The URI exactly as it was sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where it leads.
    pub fn destination(&self) -> Destination<'_> {
        let host = self.url.host_str().unwrap_or_default();
        match self.kind {
            Kind::Website => Destination::Website(host),
            Kind::Loopback => Destination::Loopback(host),
            Kind::Program => Destination::Program(self.url.scheme()),
        }
    }

    /// Whether it leads to the person's own machine.
    pub fn is_loopback(&self) -> bool {
        self.kind == Kind::Loopback
    }

    /// The URI with more query parameters, form-encoded, behind those it has
    /// (RFC 6749 section 3.1.2: "which MUST be retained").
    pub fn with_query(&self, parameters: &[(&str, &str)]) -> String {
        let mut url = self.url.clone();
        url.query_pairs_mut().extend_pairs(parameters);
        url.into()
    }

    /// Whether a request that names `presented` means this registered URI: the same text, or
    /// for loopback the same but for the port (RFC 8252 section 7.3; RFC 9700 section 2.1).
    fn means(&self, presented: &RedirectUri) -> bool {
        self.text == presented.text
            || (self.is_loopback() && presented.is_loopback() && {
                let (own, other) = (&self.url, &presented.url);
                own.scheme() == other.scheme()
                    && own.host_str() == other.host_str()
                    && own.path() == other.path()
                    && own.query() == other.query()
            })
    }
}

impl fmt::Debug for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedirectUri").field(&self.text).finish()
    }
}

/// The URI that a request names, if one of the registered ones is meant.
pub(crate) fn find(
    registered: &[RedirectUri],
    presented: &str,
    schemes: &AllowedSchemes,
) -> Option<RedirectUri> {
    let presented = RedirectUri::parse(presented, schemes).ok()?;
    registered.iter().any(|own| own.means(&presented)).then_some(presented)
}

fn is_never(scheme: &str) -> bool {
    NEVER.iter().any(|never| scheme.eq_ignore_ascii_case(never))
}

fn web_kind(url: &Url) -> Result<Kind, RedirectFlaw> {
    let (loopback, alias) = match url.host() {
        Some(Host::Domain(name)) => {
            (name == "localhost", name.ends_with('.') || name.ends_with(".localhost"))
        }
        Some(Host::Ipv4(address)) => {
            let other = address.is_loopback() || address.is_multicast() || address.octets()[0] == 0;
            (address.octets() == [127, 0, 0, 1], other)
        }
        Some(Host::Ipv6(address)) => {
            // Below 2^96 lie the unspecified address and the old forms of IPv4 in IPv6.
            let old = address.to_bits() >> 48 == 0xffff || address.to_bits() >> 96 == 0;
            (address.is_loopback(), old || address.is_multicast())
        }
        None => (false, true),
    };
    match (loopback, alias, url.scheme()) {
        (true, ..) => Ok(Kind::Loopback),
        (_, true, _) => Err(RedirectFlaw::Host),
        (_, _, "https") => Ok(Kind::Website),
        _ => Err(RedirectFlaw::PlainHttp),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schemes() -> AllowedSchemes {
        AllowedSchemes::parse(&["cursor", "com.example.app"]).unwrap()
    }

    fn parse(text: &str) -> Result<RedirectUri, RedirectFlaw> {
        RedirectUri::parse(text, &schemes())
    }

    fn registered(texts: &[&str]) -> Vec<RedirectUri> {
        texts.iter().map(|text| parse(text).unwrap()).collect()
    }

    #[test]
    fn usable_uris_tell_where_they_lead() {
        use Destination::{Loopback, Program, Website};
        for (text, destination) in [
            ("https://app.example.test/cb", Website("app.example.test")),
            ("https://app.example.test", Website("app.example.test")),
            ("https://app.example.test:8443/cb?a=b", Website("app.example.test")),
            ("https://xn--bcher-kva.example.test/cb", Website("xn--bcher-kva.example.test")),
            ("https://192.0.2.7/cb", Website("192.0.2.7")),
            ("https://[2001:db8::7]/cb", Website("[2001:db8::7]")),
            ("https://localhost.example.test/cb", Website("localhost.example.test")),
            ("https://127.0.0.1.example.test/cb", Website("127.0.0.1.example.test")),
            ("http://127.0.0.1/cb", Loopback("127.0.0.1")),
            ("http://127.0.0.1:33418", Loopback("127.0.0.1")),
            ("http://[::1]:3000/cb", Loopback("[::1]")),
            ("http://localhost:3000/cb", Loopback("localhost")),
            ("https://localhost:3000/cb", Loopback("localhost")),
            ("cursor://anysphere.cursor-mcp/oauth/callback", Program("cursor")),
            ("com.example.app:/oauth", Program("com.example.app")),
        ] {
            let uri = parse(text).unwrap();
            assert_eq!(uri.destination(), destination, "{text}");
            assert_eq!(uri.as_str(), text);
            assert_eq!(uri.is_loopback(), matches!(destination, Loopback(_)), "{text}");
        }
    }

    #[test]
    fn every_other_uri_is_refused() {
        use RedirectFlaw::{Form, Host, PlainHttp, PrivateUse, Scheme};
        use UrlFlaw::{Characters, Encoding, Fragment, NotNormal, Relative, UserInfo};
        for (text, flaw) in [
            ("http://app.example.test/cb", PlainHttp),
            ("http://10.0.0.1/cb", PlainHttp),
            ("http://192.168.0.1:3000/cb", PlainHttp),
            ("http://[2001:db8::1]/cb", PlainHttp),
            ("http://localhost.example.test/cb", PlainHttp),
            ("http://127.0.0.1.example.test/cb", PlainHttp),
            ("http://localhos/cb", PlainHttp),
            ("http://127.0.0.2/cb", Host),
            ("https://127.0.0.2/cb", Host),
            ("http://0.0.0.0:3000/cb", Host),
            ("http://[::]:3000/cb", Host),
            ("http://[::ffff:7f00:1]/cb", Host),
            ("http://[::7f00:1]/cb", Host),
            ("https://224.0.0.1/cb", Host),
            ("https://[ff02::1]/cb", Host),
            ("http://localhost./cb", Host),
            ("http://app.localhost/cb", Host),
            ("https://app.example.test./cb", Host),
            ("javascript:alert(1)", Scheme),
            ("JaVaScRiPt:alert(1)", Scheme),
            ("javascript://app.example.test/%0aalert(1)", Scheme),
            ("data:text/html,x", Scheme),
            ("vbscript:x", Scheme),
            ("file:///etc/passwd", Scheme),
            ("blob:https://app.example.test/x", Scheme),
            ("about:blank", Scheme),
            ("ftp://app.example.test/cb", Scheme),
            ("ws://app.example.test/cb", Scheme),
            ("wss://app.example.test/cb", Scheme),
            ("intent://app.example.test/#Intent;end", Scheme),
            ("view-source:https://app.example.test/", Scheme),
            ("vscode://vscode.github-authentication/did", PrivateUse),
            ("cursors://x/cb", PrivateUse),
            ("https+x://app.example.test/cb", PrivateUse),
            ("Cursor://x/cb", Form(NotNormal)),
            ("cursor:x", Form(Relative)),
            ("cursor://u:p@x/cb", Form(UserInfo)),
            ("cursor://x/cb#f", Form(Fragment)),
            ("", Form(Relative)),
            ("cb", Form(Relative)),
            ("/cb", Form(Relative)),
            ("//app.example.test/cb", Form(Relative)),
            ("urn:ietf:wg:oauth:2.0:oob", Form(Relative)),
            ("https://", Form(Relative)),
            ("https://app.example.test/cb#", Form(Fragment)),
            ("https://app.example.test/cb#x", Form(Fragment)),
            ("https://user@app.example.test/cb", Form(UserInfo)),
            ("https://app.example.test@evil.test/cb", Form(UserInfo)),
            ("https://app.example.test%40evil.test/cb", Form(Relative)),
            ("https://@app.example.test/cb", Form(UserInfo)),
            ("http://localhost@evil.test/cb", Form(UserInfo)),
            (" https://app.example.test/cb", Form(Characters)),
            ("https://app.example.test/cb ", Form(Characters)),
            ("https://app.example.test/c b", Form(Characters)),
            ("https://app.example.test/cb\r\nX: y", Form(Characters)),
            ("java\tscript:alert(1)", Form(Characters)),
            ("https://b\u{fc}cher.example.test/cb", Form(Characters)),
            ("https://app.example.test/\u{202e}cb", Form(Characters)),
            ("https://app.example.test/%0d%0aX:y", Form(Encoding)),
            ("https://app.example.test/%00", Form(Encoding)),
            ("https://app.example.test/%2", Form(Encoding)),
            ("https://APP.example.test/cb", Form(NotNormal)),
            ("HTTPS://app.example.test/cb", Form(NotNormal)),
            ("http://LOCALHOST/cb", Form(NotNormal)),
            ("https://app.example.test\\@evil.test/cb", Form(NotNormal)),
            ("https://app.example.test/a/../cb", Form(NotNormal)),
            ("https://app.example.test/a/%2e%2e/cb", Form(NotNormal)),
            ("http://127.1/cb", Form(NotNormal)),
            ("http://0177.0.0.1/cb", Form(NotNormal)),
            ("http://0x7f000001/cb", Form(NotNormal)),
            ("http://2130706433/cb", Form(NotNormal)),
            ("http://127.0.0.1./cb", Form(NotNormal)),
            ("http://[0:0:0:0:0:0:0:1]/cb", Form(NotNormal)),
            ("http://[::ffff:127.0.0.1]/cb", Form(NotNormal)),
            ("http://localhost:03000/cb", Form(NotNormal)),
            ("http://localhost:99999/cb", Form(Relative)),
            ("https://app.example.test:/cb", Form(NotNormal)),
        ] {
            assert_eq!(parse(text).map(|uri| uri.text), Err(flaw), "{text:?}");
        }
    }

    #[test]
    fn private_use_schemes_are_refused_unless_listed() {
        let none = AllowedSchemes::default();
        for text in ["cursor://x/cb", "com.example.app:/cb"] {
            assert_eq!(RedirectUri::parse(text, &none), Err(RedirectFlaw::PrivateUse), "{text}");
        }
        let own = registered(&["cursor://x/cb"]);
        assert!(find(&own, "cursor://x/cb", &schemes()).is_some());
        assert!(find(&own, "cursor://x/cb", &none).is_none(), "the list counts at each use");
    }

    #[test]
    fn schemes_are_names_and_the_dangerous_ones_cannot_be_listed() {
        for name in ["cursor", "Cursor:", "CURSOR://"] {
            let listed = AllowedSchemes::parse(&[name]).unwrap();
            assert!(RedirectUri::parse("cursor://x/cb", &listed).is_ok(), "{name}");
        }
        for name in
            ["", ":", "://", "http", "HTTPS", "javascript:", "data", "wss", "a b", "1x", "a/b"]
        {
            assert!(AllowedSchemes::parse(&[name]).is_err(), "{name}");
        }
    }

    #[test]
    fn a_presented_uri_matches_by_its_exact_text_and_loopback_with_any_port() {
        let own = registered(&[
            "https://app.example.test/cb",
            "https://app.example.test/with?a=1",
            "https://bare.example.test",
            "http://127.0.0.1/cb",
            "http://localhost:3000/cb?x=1",
            "https://localhost/tls",
            "cursor://x/cb",
        ]);
        for text in [
            "https://app.example.test/cb",
            "https://app.example.test/with?a=1",
            "https://bare.example.test",
            "http://127.0.0.1/cb",
            "http://127.0.0.1:1/cb",
            "http://127.0.0.1:80/cb",
            "http://127.0.0.1:65535/cb",
            "http://localhost/cb?x=1",
            "http://localhost:4000/cb?x=1",
            "https://localhost:8443/tls",
            "cursor://x/cb",
        ] {
            assert_eq!(find(&own, text, &schemes()).unwrap().as_str(), text, "{text}");
        }
        for text in [
            "https://app.example.test/cb/",
            "https://app.example.test/cb?",
            "https://app.example.test/CB",
            "https://app.example.test/c%62",
            "https://app.example.test/cb2",
            "https://app.example.test/cb?x",
            "https://app.example.test:443/cb",
            "https://app.example.test:8443/cb",
            "https://app.example.test/with?a=2",
            "https://app.example.test/with?a=1&b=2",
            "https://app.example.test/with",
            "https://bare.example.test/",
            "https://app.example.test.evil.test/cb",
            "https://evil.test/cb",
            "http://app.example.test/cb",
            "http://127.0.0.1/cb/",
            "http://127.0.0.1:1/other",
            "http://127.0.0.1:1/cb?x=1",
            "http://127.0.0.1:1/cb?",
            "http://127.0.0.1:1/cb#",
            "http://u@127.0.0.1:1/cb",
            "http://localhost:1/cb",
            "http://[::1]:1/cb",
            "http://127.0.0.2:1/cb",
            "http://localhost:3000/cb",
            "http://127.0.0.1:3000/cb?x=1",
            "http://[::1]:3000/cb?x=1",
            "http://localhost.evil.test:3000/cb?x=1",
            "https://127.0.0.1/cb",
            "http://localhost/tls",
            "cursor://x:1/cb",
            "cursor://y/cb",
            "cursor://x/cb/",
            "",
        ] {
            assert!(find(&own, text, &schemes()).is_none(), "{text}");
        }
    }

    #[test]
    fn the_answer_goes_behind_the_query_that_is_there() {
        let answer = |text| parse(text).unwrap().with_query(&[("code", "a b&c"), ("state", "\"é")]);
        assert_eq!(
            answer("https://app.example.test/cb?x=%20y"),
            "https://app.example.test/cb?x=%20y&code=a+b%26c&state=%22%C3%A9"
        );
        assert_eq!(answer("cursor://x/cb"), "cursor://x/cb?code=a+b%26c&state=%22%C3%A9");
        assert!(answer("https://app.example.test").starts_with("https://app.example.test/?code="));
    }

    #[test]
    fn no_refusal_repeats_the_uri() {
        for text in ["http://evil.test/", "evil://x/", "javascript:evil", "https://evil.test/#"] {
            assert!(!parse(text).unwrap_err().to_string().contains("evil"), "{text}");
        }
    }
}
