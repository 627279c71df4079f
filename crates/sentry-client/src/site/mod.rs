//! Where Sentry is: which host gets the token, which others may be named as a region.
//! It makes no request; which region an organization lives in is asked in `organizations`.

use std::{fmt, sync::Arc};

use url::Url;

/// A host name, a site or a region that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SiteError {
    /// The text is not a host name with an optional port.
    #[error(
        "`{given}` is not a host name; give it like `sentry.example.com` or `sentry.example.com:8443`"
    )]
    Host {
        /// What was given, shortened; user-info is left out.
        given: String,
    },
    /// The URL has a scheme other than `https`.
    #[error(
        "`{given}` does not begin with https://; a Sentry that speaks plain HTTP is named by its \
             host, together with the switch for insecure HTTP"
    )]
    Scheme {
        /// What was given, shortened.
        given: String,
    },
    /// The URL has a path, a query or a fragment.
    #[error(
        "`{given}` has more than a host; leave out everything after `{origin}` (a Sentry below a path \
             is not supported)"
    )]
    Path {
        /// What was given, shortened.
        given: String,
        /// What it should be.
        origin: String,
    },
    /// The URL has a user name or a password.
    #[error("the host must not contain a user name or a password; give the host alone")]
    UserInfo,
    /// Plain HTTP to Sentry's own service.
    #[error("{host} is never asked over plain HTTP; drop the switch for insecure HTTP")]
    InsecureSaas {
        /// The host.
        host: String,
    },
    /// A port other than 443 of Sentry's own service.
    #[error("{host} is only asked on port 443; drop the port")]
    SaasPort {
        /// The host.
        host: String,
    },
    /// A region that is not part of this Sentry: it would receive the token.
    #[error("the region `{given}` is not allowed for {site}; allowed: {allowed}")]
    Region {
        /// What was given, shortened.
        given: String,
        /// The site's host.
        site: String,
        /// What is allowed, as text.
        allowed: String,
    },
}

/// Scheme, host and port of something that may receive the token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Origin {
    /// `https://de.sentry.io`, without a slash at the end.
    text: Arc<str>,
    /// Where the host begins in `text`.
    host_at: usize,
}

impl Origin {
    fn new(scheme: &str, host: &str) -> Origin {
        Origin { text: format!("{scheme}://{host}").into(), host_at: scheme.len() + 3 }
    }

    fn host(&self) -> &str {
        self.text.get(self.host_at..).unwrap_or_default()
    }

    fn scheme(&self) -> &str {
        if self.text.starts_with("https:") { "https" } else { "http" }
    }
}

/// An origin that may be asked with the token: the site itself or one of its regions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Region(Origin);

impl Region {
    /// The host, with its port if it is not the usual one.
    pub fn host(&self) -> &str {
        self.0.host()
    }

    /// `https://de.sentry.io`, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

/// A Sentry installation: scheme, host, port, and which other hosts may be named as a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    own: Region,
    main: Region,
    saas: bool,
    region_hosts: Arc<[String]>,
}

impl Default for Site {
    fn default() -> Site {
        Site::saas()
    }
}

impl Site {
    /// Sentry's own service, `https://sentry.io`.
    pub fn saas() -> Site {
        Site::of("https", "sentry.io", true)
    }

    fn of(scheme: &str, host: &str, saas: bool) -> Site {
        let own = Region(Origin::new(scheme, host));
        // The regional hosts of the service know neither users nor the list of regions.
        let main = if saas { Region(Origin::new("https", "sentry.io")) } else { own.clone() };
        Site { own, main, saas, region_hosts: Arc::from([]) }
    }

    /// A site by its host: `sentry.example.com`, with `:8443` if it has a port of its own.
    ///
    /// `insecure_http` asks it over plain HTTP, which Sentry's own service never allows.
    pub fn parse_host(host: &str, insecure_http: bool) -> Result<Site, SiteError> {
        let given = host.trim();
        if given.contains('@') {
            return Err(SiteError::UserInfo);
        }
        let scheme = if insecure_http { "http" } else { "https" };
        let host = checked_host(scheme, given)?;
        let name = host_name(&host);
        if !is_sentry_io(name) {
            return Ok(Site::of(scheme, &host, false));
        }
        if insecure_http {
            return Err(SiteError::InsecureSaas { host: name.to_owned() });
        }
        if name.len() != host.len() {
            return Err(SiteError::SaasPort { host: name.to_owned() });
        }
        Ok(Site::of(scheme, &host, is_saas_host(&host)))
    }

    /// A site by its URL: `https://sentry.example.com`. Plain HTTP cannot be named this way.
    pub fn parse_url(url: &str, insecure_http: bool) -> Result<Site, SiteError> {
        let given = url.trim();
        if given.get(..8).is_none_or(|start| !start.eq_ignore_ascii_case("https://")) {
            return Err(SiteError::Scheme { given: show(given) });
        }
        let rest = given.get(8..).unwrap_or_default();
        let (host, path) = rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
        if host.contains('@') {
            return Err(SiteError::UserInfo);
        }
        let host = checked_host("https", host)?;
        if !matches!(path, "" | "/") {
            return Err(SiteError::Path { given: show(given), origin: format!("https://{host}") });
        }
        if insecure_http && is_sentry_io(host_name(&host)) {
            return Err(SiteError::InsecureSaas { host });
        }
        Site::parse_host(&host, false)
    }

    /// Further hosts that may be named as a region, for a self-hosted installation with
    /// several regions. They receive the token, so they never come from an answer.
    pub fn with_region_hosts<I>(mut self, hosts: I) -> Result<Site, SiteError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let mut listed = Vec::new();
        for host in hosts {
            let host = checked_host(self.scheme(), host.as_ref().trim())?;
            let theirs = is_sentry_io(host_name(&host));
            if theirs != self.saas || (self.saas && !is_saas_host(&host)) {
                return Err(self.refuse(&host));
            }
            listed.push(host);
        }
        self.region_hosts = listed.into();
        Ok(self)
    }

    /// Whether this is Sentry's own service: `sentry.io` or `*.sentry.io`.
    pub fn is_saas(&self) -> bool {
        self.saas
    }

    /// The configured host, lower-cased, with its port if it is not the usual one.
    pub fn host(&self) -> &str {
        self.own.host()
    }

    /// `https`, or `http` for an insecure self-hosted installation.
    pub fn scheme(&self) -> &str {
        self.own.0.scheme()
    }

    /// The site itself, as an origin.
    pub fn own(&self) -> &Region {
        &self.own
    }

    /// Where users, tokens and the list of regions are: `sentry.io` for the service, the
    /// site itself otherwise.
    pub fn main(&self) -> &Region {
        &self.main
    }

    /// Whether an organization may live at another host than the configured one.
    pub fn has_regions(&self) -> bool {
        self.saas || !self.region_hosts.is_empty()
    }

    /// The region of a `regionUrl` as Sentry or a caller gives it, if the token may go
    /// there. Only scheme, host and port are used.
    pub fn region(&self, url: &str) -> Result<Region, SiteError> {
        let given = url.trim();
        let refuse = || self.refuse(given);
        let scheme = match given.split_once("://") {
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => "https",
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") && self.scheme() == "http" => {
                "http"
            }
            _ => return Err(refuse()),
        };
        let rest = given.get(scheme.len() + 3..).unwrap_or_default();
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = checked_host(scheme, host).map_err(|_| refuse())?;
        let listed = self.region_hosts.contains(&host);
        if (host == self.host() && scheme == self.scheme())
            || (self.saas && is_saas_host(&host))
            || listed
        {
            return Ok(Region(Origin::new(scheme, &host)));
        }
        Err(refuse())
    }

    /// Whether a region, which may stem from another site, may be asked.
    pub(crate) fn admits(&self, region: &Region) -> Result<(), SiteError> {
        if *region == self.own || *region == self.main {
            return Ok(());
        }
        self.region(region.as_str()).map(drop)
    }

    fn refuse(&self, given: &str) -> SiteError {
        let mut allowed = vec![self.own.as_str().to_owned()];
        if self.saas {
            allowed
                .extend(["https://sentry.io".to_owned(), "https://<region>.sentry.io".to_owned()]);
            allowed.dedup();
        }
        allowed.extend(self.region_hosts.iter().map(|host| format!("{}://{host}", self.scheme())));
        SiteError::Region {
            given: show(given),
            site: self.host().to_owned(),
            allowed: allowed.join(", "),
        }
    }
}

/// What was given, for a message: shortened, without a password.
fn show(given: &str) -> String {
    let text = given.rsplit_once('@').map_or(given, |(_, host)| host);
    crate::ids::shorten(text, 80)
}

/// The host as a URL has it (lower-cased, without the usual port), if the text is nothing
/// but a host and a port. No character is mapped or decoded: `ｓentry.io` is refused.
fn checked_host(scheme: &str, text: &str) -> Result<String, SiteError> {
    let refuse = || SiteError::Host { given: show(text) };
    let allowed =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    if text.is_empty() || text.len() > 253 || !text.bytes().all(allowed) || text.ends_with(':') {
        return Err(refuse());
    }
    let url = Url::parse(&format!("{scheme}://{text}/")).map_err(|_| refuse())?;
    let host = url.host_str().ok_or_else(refuse)?;
    let labels_ok = host.starts_with('[')
        || host.split('.').all(|label| !label.is_empty() && label.len() <= 63);
    // `https` is what is left of a URL that was given as a host: `https:8080`.
    if !labels_ok || matches!(host, "http" | "https") || url.port() == Some(0) {
        return Err(refuse());
    }
    Ok(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

fn is_sentry_io(name: &str) -> bool {
    name == "sentry.io" || name.ends_with(".sentry.io")
}

/// `sentry.io`, or one valid label before it.
fn is_saas_host(host: &str) -> bool {
    if host == "sentry.io" {
        return true;
    }
    host.strip_suffix(".sentry.io").is_some_and(|label| {
        let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
        edge(label.bytes().next())
            && edge(label.bytes().last())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    })
}

#[cfg(test)]
mod tests;
