//! Whether a request was meant for this server: its `Host`, and the `Origin` of the page that
//! sent it. Both keep a page in somebody's browser from talking to a server it should not reach
//! (DNS rebinding). It knows no path.

use axum::http::{HeaderMap, Uri, header, uri::Authority};
use url::{Host, Url};

/// The names that a server on this machine has.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// What a request may be addressed to, and which pages may send one.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    /// Hosts in lower case, with the port if it is not the usual one of the scheme.
    names: Vec<String>,
    /// Origins as browsers write them.
    origins: Vec<String>,
    usual_port: u16,
}

impl Hosts {
    /// `port` is the one that is bound; on loopback the server is reached under all its names.
    pub(crate) fn new(issuer: &Url, origins: &[String], loopback_port: Option<u16>) -> Hosts {
        let usual_port = if issuer.scheme() == "https" { 443 } else { 80 };
        let own = issuer.host_str().unwrap_or_default().to_ascii_lowercase();
        let own = match issuer.port() {
            Some(port) => format!("{own}:{port}"),
            None => own,
        };
        let mut hosts = vec![own];
        if let Some(port) = loopback_port {
            hosts.extend(LOOPBACK.map(|name| format!("{name}:{port}")));
        }
        let mut all = vec![issuer.origin().ascii_serialization()];
        all.extend(origins.iter().cloned());
        Hosts { names: hosts, origins: all, usual_port }
    }

    /// The hosts, for whoever checks them again.
    pub(crate) fn hosts(&self) -> &[String] {
        &self.names
    }

    /// The origins, for whoever checks them again: `:*` stands for any port.
    pub(crate) fn origins(&self) -> Vec<String> {
        let explicit = |origin: &String| match Url::parse(origin).ok()?.port_or_known_default() {
            Some(port) if !origin.ends_with(&format!(":{port}")) => {
                Some(format!("{origin}:{port}"))
            }
            _ => Some(origin.clone()),
        };
        let loopback = ["http", "https"]
            .into_iter()
            .flat_map(|scheme| LOOPBACK.map(|name| format!("{scheme}://{name}:*")));
        self.origins.iter().filter_map(explicit).chain(loopback).collect()
    }

    /// Whether the request names this server, once (RFC 9112 §3.2), and nobody else in its target.
    pub(crate) fn is_for_us(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        let named = |text: &str| self.is_named(text);
        host.to_str().is_ok_and(named) && uri.authority().is_none_or(|it| named(it.as_str()))
    }

    fn is_named(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else { return false };
        if authority.as_str().contains('@') {
            return false;
        }
        let name = authority.host().to_ascii_lowercase();
        let port = authority.port_u16().filter(|port| *port != self.usual_port);
        // `host:` and `host:abc` are no ports, and `host:0443` is nobody's spelling of one.
        let rest = authority.as_str().get(authority.host().len()..).unwrap_or_default();
        let plain = authority.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        if rest != plain {
            return false;
        }
        let full = match port {
            Some(port) => format!("{name}:{port}"),
            None => name,
        };
        self.names.contains(&full) || self.names.contains(&format!("{full}:{}", self.usual_port))
    }

    /// The page that sent the request, if it may be answered. `Ok(None)`: no browser sent it.
    pub(crate) fn origin<'a>(&self, headers: &'a HeaderMap) -> Result<Option<&'a str>, Foreign> {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = origins.next() else { return Ok(None) };
        let text = origin.to_str().map_err(|_| Foreign)?;
        let allowed = origins.next().is_none()
            && (self.origins.iter().any(|one| one == text) || is_loopback_origin(text));
        if allowed { Ok(Some(text)) } else { Err(Foreign) }
    }
}

/// A page of another site sent the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Foreign;

/// An origin of this machine, exactly as a browser writes one.
fn is_loopback_origin(origin: &str) -> bool {
    let Ok(url) = Url::parse(origin) else { return false };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    loopback
        && matches!(url.scheme(), "http" | "https")
        && url.origin().ascii_serialization() == origin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &header::HeaderName, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    fn is_for_us(hosts: &Hosts, uri: &str, values: &[&str]) -> bool {
        hosts.is_for_us(&uri.parse().unwrap(), &headers(&header::HOST, values))
    }

    #[test]
    fn a_public_server_has_one_name() {
        let hosts = Hosts::new(&"https://mcp.example.test".parse().unwrap(), &[], None);
        for host in ["mcp.example.test", "MCP.example.test", "mcp.example.test:443"] {
            assert!(is_for_us(&hosts, "/mcp", &[host]), "{host}");
        }
        for host in [
            "evil.test",
            "mcp.example.test.evil.test",
            "mcp.example.test:8443",
            "mcp.example.test:",
            "mcp.example.test:x",
            "mcp.example.test:0443",
            "user@mcp.example.test",
            "localhost",
            "127.0.0.1:8787",
            "",
            " ",
            "mcp.example.test, evil.test",
        ] {
            assert!(!is_for_us(&hosts, "/mcp", &[host]), "{host}");
        }
        assert!(!is_for_us(&hosts, "/mcp", &[]));
        assert!(!is_for_us(&hosts, "/mcp", &["mcp.example.test", "mcp.example.test"]));
        assert!(!is_for_us(&hosts, "http://evil.test/mcp", &["mcp.example.test"]));
        assert!(is_for_us(&hosts, "https://mcp.example.test/mcp", &["mcp.example.test"]));
    }

    #[test]
    fn a_local_server_has_all_names_of_this_machine_at_its_port() {
        let hosts = Hosts::new(&"http://127.0.0.1:8787".parse().unwrap(), &[], Some(8787));
        for host in ["127.0.0.1:8787", "localhost:8787", "[::1]:8787"] {
            assert!(is_for_us(&hosts, "/mcp", &[host]), "{host}");
        }
        for host in ["127.0.0.1", "localhost:80", "127.0.0.2:8787", "evil.test:8787"] {
            assert!(!is_for_us(&hosts, "/mcp", &[host]), "{host}");
        }
    }

    #[test]
    fn only_pages_of_this_machine_or_of_a_listed_origin_may_call() {
        let listed = ["https://app.example.test".to_owned()];
        let hosts = Hosts::new(&"https://mcp.example.test".parse().unwrap(), &listed, None);
        let origin = |values: &[&str]| {
            hosts.origin(&headers(&header::ORIGIN, values)).map(|origin| origin.map(str::to_owned))
        };
        assert_eq!(origin(&[]), Ok(None));
        for allowed in [
            "https://app.example.test",
            "https://mcp.example.test",
            "http://localhost:6274",
            "http://127.0.0.1:1",
            "https://[::1]:3000",
            "http://localhost",
        ] {
            assert_eq!(origin(&[allowed]), Ok(Some(allowed.to_owned())), "{allowed}");
        }
        for foreign in [
            "https://evil.test",
            "http://app.example.test",
            "https://app.example.test:8443",
            "https://app.example.test.evil.test",
            "https://app.example.test/",
            "https://localhost.evil.test",
            "http://localhost:6274/path",
            "http://user@localhost",
            "null",
            "",
            "file://",
        ] {
            assert_eq!(origin(&[foreign]), Err(Foreign), "{foreign}");
        }
        let twice = ["https://app.example.test", "https://evil.test"];
        assert_eq!(origin(&twice), Err(Foreign));
    }

    #[test]
    fn whoever_checks_again_gets_explicit_ports() {
        let hosts = Hosts::new(&"https://mcp.example.test".parse().unwrap(), &[], None);
        let origins = hosts.origins();
        assert!(origins.contains(&"https://mcp.example.test:443".to_owned()), "{origins:?}");
        assert!(origins.contains(&"http://localhost:*".to_owned()), "{origins:?}");
    }
}
