//! Cookies of the flow (RFC 6265bis): their names, how they are read and written.
//! What is in them is made elsewhere.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::secret::{Digest, NoRandomness, Secret};

/// Browsers keep 4096 bytes a cookie, name and attributes included.
const LONGEST_VALUE: usize = 3800;

/// The cookies of one server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cookies {
    secure: bool,
}

/// A cookie that this server knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cookie<'a> {
    /// A random name for the browser, to which the dialog's form is bound.
    Browser,
    /// The other half of one login at Sentry; several may be under way. Holds the digest of
    /// its state.
    Login(&'a Digest),
    /// What was ticked the last times.
    Choice,
}

impl Cookies {
    pub(super) fn new(secure: bool) -> Cookies {
        Cookies { secure }
    }

    /// `__Host-` makes a browser refuse the cookie from another host, from plain http, or for
    /// a part of the paths (RFC 6265bis §4.1.3.2). Loopback without TLS cannot have it.
    fn name(self, cookie: Cookie<'_>) -> String {
        let prefix = if self.secure { "__Host-" } else { "" };
        match cookie {
            Cookie::Browser => format!("{prefix}mcp-browser"),
            Cookie::Login(state) => {
                let text = state.to_text();
                format!("{prefix}mcp-login-{}", text.get(..12).unwrap_or(&text))
            }
            Cookie::Choice => format!("{prefix}mcp-choice"),
        }
    }

    /// The value that the browser sent; `None` if it sent none or, which only a planted cookie
    /// can cause, several that differ.
    pub(super) fn read(self, headers: &HeaderMap, cookie: Cookie<'_>) -> Option<String> {
        let name = self.name(cookie);
        let mut found = None;
        for header in headers.get_all(header::COOKIE) {
            for pair in header.to_str().ok()?.split(';') {
                let Some((key, value)) = pair.trim().split_once('=') else { continue };
                if key != name {
                    continue;
                }
                match found {
                    Some(earlier) if earlier != value => return None,
                    _ => found = Some(value),
                }
            }
        }
        found.filter(|value| value.len() <= LONGEST_VALUE).map(str::to_owned)
    }

    /// The browser's random name: the one it has, or a new one.
    pub(super) fn browser(self, headers: &HeaderMap) -> Result<String, NoRandomness> {
        match self.read(headers, Cookie::Browser) {
            Some(value) if Digest::of_secret(&value).is_some() => Ok(value),
            _ => Ok(Secret::random()?.expose().to_owned()),
        }
    }

    /// `Set-Cookie` for a value that needs no quoting; `None` if it is too long to be kept.
    pub(super) fn set(self, cookie: Cookie<'_>, value: &str, seconds: u32) -> Option<HeaderValue> {
        if value.len() > LONGEST_VALUE {
            return None;
        }
        let name = self.name(cookie);
        let secure = if self.secure { "; Secure" } else { "" };
        // Lax, because the person comes back from Sentry by a link.
        let text =
            format!("{name}={value}; Path=/; Max-Age={seconds}{secure}; HttpOnly; SameSite=Lax");
        let mut header = HeaderValue::from_str(&text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    /// `Set-Cookie` that removes it.
    pub(super) fn clear(self, cookie: Cookie<'_>) -> Option<HeaderValue> {
        self.set(cookie, "", 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::COOKIE, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_cookie_is_bound_to_host_tls_and_top_level_navigation() {
        let set = |secure: bool| Cookies::new(secure).set(Cookie::Browser, "v", 60).unwrap();
        assert_eq!(
            set(true),
            "__Host-mcp-browser=v; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax"
        );
        assert_eq!(set(false), "mcp-browser=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax");
        assert!(set(true).is_sensitive());
        let cleared = Cookies::new(true).clear(Cookie::Choice).unwrap();
        assert!(cleared.to_str().unwrap().starts_with("__Host-mcp-choice=; Path=/; Max-Age=0;"));
    }

    #[test]
    fn a_name_without_the_prefix_is_not_believed_over_tls() {
        let read =
            |secure, cookies: &[&str]| Cookies::new(secure).read(&sent(cookies), Cookie::Browser);
        assert_eq!(read(true, &["mcp-browser=planted"]), None);
        assert_eq!(read(true, &["x=1; __Host-mcp-browser=v; y=2"]).as_deref(), Some("v"));
        assert_eq!(read(true, &["x=1", "__Host-mcp-browser=v"]).as_deref(), Some("v"));
        assert_eq!(read(false, &["mcp-browser=v"]).as_deref(), Some("v"));
    }

    #[test]
    fn two_cookies_that_differ_are_none() {
        let cookies = Cookies::new(false);
        for values in [&["mcp-browser=a; mcp-browser=b"][..], &["mcp-browser=a", "mcp-browser=b"]] {
            assert_eq!(cookies.read(&sent(values), Cookie::Browser), None);
        }
        let same = sent(&["mcp-browser=a; mcp-browser=a"]);
        assert_eq!(cookies.read(&same, Cookie::Browser).as_deref(), Some("a"));
    }

    #[test]
    fn a_browser_gets_a_new_name_unless_it_has_a_proper_one() {
        let cookies = Cookies::new(false);
        let new = cookies.browser(&HeaderMap::new()).unwrap();
        assert_eq!(new.len(), 43);
        let again = cookies.browser(&sent(&[&format!("mcp-browser={new}")])).unwrap();
        assert_eq!(again, new);
        assert_ne!(cookies.browser(&sent(&["mcp-browser=short"])).unwrap(), "short");
    }

    #[test]
    fn each_login_has_a_cookie_of_its_own() {
        let cookies = Cookies::new(true);
        let (one, two) = (Digest::of("one"), Digest::of("two"));
        assert_ne!(cookies.name(Cookie::Login(&one)), cookies.name(Cookie::Login(&two)));
    }

    #[test]
    fn what_a_browser_would_drop_is_not_sent() {
        let cookies = Cookies::new(true);
        assert!(cookies.set(Cookie::Choice, &"x".repeat(LONGEST_VALUE + 1), 1).is_none());
        assert!(cookies.set(Cookie::Choice, "a\r\nb", 1).is_none());
    }
}
