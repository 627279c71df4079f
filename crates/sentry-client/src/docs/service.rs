//! Which documentation hosts may be asked, and for what. It sends nothing.

use url::Url;

use crate::{http::is_loopback, ids};

/// The pages of Sentry's own documentation.
const PAGES: &str = "docs.sentry.io";
/// The second host with pages of the same documentation, for contributors.
const DEVELOP: &str = "develop.sentry.io";

/// Where the documentation is searched and read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocsService {
    search: Url,
    pages: Url,
}

/// An address that cannot be that of a documentation service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocsServiceError {
    /// Not an absolute URL with a host.
    #[error("`{given}` is not a URL; expected one such as `https://docs.example.com`")]
    Url {
        /// What was given, shortened.
        given: String,
    },
    /// Plain HTTP to another machine, or another scheme.
    #[error("`{given}` is not https; plain http is accepted only for this machine itself")]
    Scheme {
        /// What was given, shortened.
        given: String,
    },
    /// A user name, a password, a query or a fragment.
    #[error(
        "the documentation URL for {host} must be only scheme, host, port and path, without user name, query or fragment"
    )]
    Extra {
        /// The host.
        host: String,
    },
}

/// A path that is not that of a documentation page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadDocsPath {
    /// It does not end in `.md`.
    #[error("must end in `.md`, such as `/platforms/python.md`")]
    NotMarkdown,
    /// Empty, with a dot segment or a backslash, or an address with a user name.
    #[error(
        "is not the path of a page; copy it exactly as the search gave it, such as `/platforms/python.md`"
    )]
    NotAPath,
    /// An address elsewhere.
    #[error("`{given}` is not a documentation host; pages come only from {allowed}")]
    Host {
        /// The host that was asked for.
        given: String,
        /// The hosts that are possible.
        allowed: String,
    },
}

/// The address of a page that [`DocsService::page`] has checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocsAddress(Url);

impl DocsAddress {
    /// The path, which begins with a slash and ends in `.md`.
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// The host, with its port if it is not the usual one.
    pub fn host(&self) -> &str {
        host(&self.0)
    }

    pub(super) fn url(&self) -> Url {
        self.0.clone()
    }
}

impl DocsService {
    /// A service by the URL below which `/api/search` is, and the URL below which the pages
    /// are. Plain HTTP is accepted only on a loopback address.
    pub fn parse(search_base: &str, pages_base: &str) -> Result<DocsService, DocsServiceError> {
        Ok(DocsService { search: base(search_base)?, pages: base(pages_base)? })
    }

    /// The host that queries are sent to, with its port if it is not the usual one.
    pub fn search_host(&self) -> &str {
        host(&self.search)
    }

    /// The host that pages are read from, with its port if it is not the usual one.
    pub fn pages_host(&self) -> &str {
        host(&self.pages)
    }

    /// Where a search is posted to.
    pub(super) fn search_url(&self) -> Url {
        let mut url = self.search.clone();
        url.set_path(&format!("{}api/search", self.search.path()));
        url
    }

    /// The address of a page, by its path or its whole URL; query and fragment are dropped.
    pub fn page(&self, path: &str) -> Result<DocsAddress, BadDocsPath> {
        let path = path.trim();
        let plain = path.split(['?', '#']).next().unwrap_or_default();
        let dots = |segment: &str| {
            let segment = segment.to_ascii_lowercase().replace("%2e", ".");
            matches!(segment.as_str(), "." | "..")
        };
        let refused = |c: char| c == '\\' || c.is_control() || c.is_whitespace();
        if plain.is_empty() || plain.contains(refused) || plain.split('/').any(dots) {
            return Err(BadDocsPath::NotAPath);
        }
        let url = match Url::parse(plain) {
            Ok(url) => self.admitted(url)?,
            // `//host/page` would name another host.
            Err(_) if plain.starts_with("//") => return Err(BadDocsPath::NotAPath),
            Err(_) => {
                let relative = format!("./{}", plain.trim_start_matches('/'));
                let url = self.pages.join(&relative).map_err(|_| BadDocsPath::NotAPath)?;
                self.admitted(url)?
            }
        };
        // Sentry's paths are case-sensitive, and so is this.
        if url.path().strip_suffix(".md").is_none_or(|stem| stem.ends_with('/')) {
            return Err(BadDocsPath::NotMarkdown);
        }
        Ok(DocsAddress(url))
    }

    fn admitted(&self, url: Url) -> Result<Url, BadDocsPath> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadDocsPath::NotAPath);
        }
        let here = url.origin() == self.pages.origin() && url.path().starts_with(self.pages.path());
        let develop = self.has_develop() && url.scheme() == "https" && host(&url) == DEVELOP;
        if here || develop {
            return Ok(url);
        }
        Err(BadDocsPath::Host {
            given: ids::shorten(url.host_str().unwrap_or(url.scheme()), 80),
            allowed: self.allowed(),
        })
    }

    fn has_develop(&self) -> bool {
        host(&self.pages) == PAGES
    }

    fn allowed(&self) -> String {
        let pages = self.pages.as_str().trim_end_matches('/');
        if self.has_develop() { format!("{pages} and https://{DEVELOP}") } else { pages.to_owned() }
    }
}

/// A URL below which other paths are built: its path ends with a slash.
fn base(given: &str) -> Result<Url, DocsServiceError> {
    let given = given.trim();
    let shown = || ids::shorten(given.rsplit_once('@').map_or(given, |(_, rest)| rest), 80);
    let mut url = Url::parse(given).map_err(|_| DocsServiceError::Url { given: shown() })?;
    if url.host().is_none() {
        return Err(DocsServiceError::Url { given: shown() });
    }
    if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
        return Err(DocsServiceError::Scheme { given: shown() });
    }
    let user = !url.username().is_empty() || url.password().is_some();
    if user || url.query().is_some() || url.fragment().is_some() {
        return Err(DocsServiceError::Extra { host: host(&url).to_owned() });
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

/// Host, and port if it is not the usual one.
pub(crate) fn host(url: &Url) -> &str {
    &url[url::Position::BeforeHost..url::Position::AfterPort]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentrys() -> DocsService {
        DocsService::parse("https://mcp.sentry.dev", "https://docs.sentry.io").unwrap()
    }

    #[test]
    fn a_service_is_https_or_on_this_machine() {
        for good in [
            "https://docs.example.test",
            "https://docs.example.test:8443/a/b",
            "http://127.0.0.1:7",
            "http://[::1]:7/",
            "http://localhost:7",
        ] {
            assert!(DocsService::parse(good, good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "docs.example.test",
            "http://docs.example.test",
            "ftp://docs.example.test",
            "file:///etc/",
            "https://",
            "https://u:p@docs.example.test",
            "https://docs.example.test/?a=b",
            "https://docs.example.test/#a",
        ] {
            assert!(DocsService::parse(bad, "https://docs.sentry.io").is_err(), "{bad}");
            assert!(DocsService::parse("https://mcp.sentry.dev", bad).is_err(), "{bad}");
        }
        let message =
            DocsService::parse("http://u:secret@docs.example.test", "").unwrap_err().to_string();
        assert!(!message.contains("secret"), "{message}");
    }

    #[test]
    fn a_page_is_named_by_its_path_or_its_address() {
        for path in [
            "/platforms/python.md",
            "platforms/python.md",
            " /platforms/python.md#install ",
            "/platforms/python.md?a=b",
            "https://docs.sentry.io/platforms/python.md",
            "HTTPS://DOCS.SENTRY.IO:443/platforms/python.md",
        ] {
            let page = sentrys().page(path).unwrap();
            assert_eq!(
                (page.host(), page.path()),
                ("docs.sentry.io", "/platforms/python.md"),
                "{path}"
            );
        }
        let develop = sentrys().page("https://develop.sentry.io/sdk.md").unwrap();
        assert_eq!(develop.host(), "develop.sentry.io");
        let own = DocsService::parse("https://a.test", "https://b.test:8443/docs").unwrap();
        assert_eq!(own.page("/x.md").unwrap().0.as_str(), "https://b.test:8443/docs/x.md");
        assert_eq!((own.search_host(), own.pages_host()), ("a.test", "b.test:8443"));
    }

    #[test]
    fn no_other_host_can_be_named() {
        let others = [
            "https://example.test/a.md",
            "http://docs.sentry.io/a.md",
            "https://docs.sentry.io:8443/a.md",
            "https://docs.sentry.io.example.test/a.md",
            "https://example.test\\@docs.sentry.io/a.md",
            "https://docs.sentry.io@example.test/a.md",
            "https://u:p@docs.sentry.io/a.md",
            "//example.test/a.md",
            "/\\example.test/a.md",
            "\\\\example.test\\a.md",
            "file:///etc/a.md",
            "http://develop.sentry.io/a.md",
            "https://sentry.io/a.md",
            "data:text/plain,a.md",
            "https://docs.sentry.io\n.example.test/a.md",
            "http://169.254.169.254/latest/a.md",
        ];
        for path in others {
            let outcome = sentrys().page(path);
            assert!(
                matches!(outcome, Err(BadDocsPath::Host { .. } | BadDocsPath::NotAPath)),
                "{path}: {outcome:?}"
            );
        }
        let own = DocsService::parse("https://a.test", "https://b.test/docs").unwrap();
        for path in [
            "https://develop.sentry.io/a.md",
            "https://docs.sentry.io/a.md",
            "https://b.test/a.md",
            "../a.md",
            "/%2e%2E/a.md",
        ] {
            assert!(own.page(path).is_err(), "{path}");
        }
        let message = own.page("https://example.test/a.md").unwrap_err().to_string();
        assert_eq!(
            message,
            "`example.test` is not a documentation host; pages come only from https://b.test/docs"
        );
    }

    #[test]
    fn a_page_is_markdown() {
        for path in
            ["/platforms/python/", "/platforms/python", "/a.html", "/.md", "/a.md/", "/a.MD"]
        {
            assert_eq!(sentrys().page(path), Err(BadDocsPath::NotMarkdown), "{path}");
        }
        for path in ["", " ", "#a.md", "?a.md", "/a b.md"] {
            assert_eq!(sentrys().page(path), Err(BadDocsPath::NotAPath), "{path}");
        }
    }
}
