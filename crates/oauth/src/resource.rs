//! The resource a token is for (RFC 8707): how it is read, which paths it opens, how it narrows.
//! No I/O: whether the organization and the project exist is asked elsewhere.

use std::fmt;

use sentry_client::Slug;
use url::Url;

/// The path of the whole MCP endpoint, which is what an absent `resource` means.
const ROOT: &str = "/mcp";

/// Longer than any resource there is: an issuer, `/mcp`, and two slugs of 100 characters.
const MAX_LENGTH: usize = 512;

/// A `resource` that no token is issued for: `invalid_target` (RFC 8707 section 2).
///
/// The text never repeats what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// RFC 8707 allows several; a token for several resources is what this server never makes.
    #[error("`resource` was given more than once; send it once, or leave it out")]
    Repeated,
    /// No absolute URI in the only form that is compared here.
    #[error(
        "`resource` is not an absolute URI of at most 512 visible ASCII characters; send the address \
         of the MCP endpoint as it stands in the protected resource metadata"
    )]
    Malformed,
    /// RFC 8707 section 2: "It MUST NOT include a fragment component".
    #[error("`resource` has a fragment; send it without the `#` and what follows")]
    Fragment,
    /// RFC 8707 section 2 advises against a query, and none means anything here.
    #[error("`resource` has a query; send it without the `?` and what follows")]
    Query,
    /// A user name in a URI serves only to mislead (RFC 3986 section 7.6).
    #[error("`resource` has user information; send it without what stands before the `@`")]
    UserInfo,
    /// Nothing in a valid resource needs it, and two readers may decode it differently.
    #[error("`resource` is percent-encoded; send the organization and project slugs as they are")]
    Encoded,
    /// Another server, or not the MCP endpoint of this one.
    #[error(
        "`resource` is not an MCP endpoint of this server; send its `/mcp`, `/mcp/{{organization}}` \
         or `/mcp/{{organization}}/{{project}}`"
    )]
    Foreign,
    /// RFC 8707 section 2.2: a token request may ask for the resource of the grant or a part of it.
    #[error("`resource` is wider than what was approved; ask for that or a part of it")]
    Wider,
}

/// An MCP endpoint of this server: all of Sentry, one organization, or one project.
///
/// A token is bound to one. It is valid there and below, and its fence applies wherever the
/// token is used.
#[derive(Clone, PartialEq, Eq)]
pub struct Resource {
    /// Scheme, host and port of the issuer, and the path: the canonical URI of RFC 8707.
    uri: String,
    /// Where the path begins in `uri`.
    path_start: usize,
    organization: Option<Slug>,
    project: Option<Slug>,
}

impl Resource {
    /// Reads the `resource` parameters of one request; none means `/mcp`.
    ///
    /// The host and the scheme are compared without case and the default port may be left out
    /// (RFC 3986 section 6.2.2.1 and 6.2.3; the MCP specification asks for the former). The path
    /// is compared byte by byte.
    pub fn parse(issuer: &Url, values: &[&str]) -> Result<Resource, InvalidTarget> {
        match values {
            [] => Resource::at(issuer, ROOT),
            [one] => Resource::at(issuer, path_of(issuer, one)?),
            _ => Err(InvalidTarget::Repeated),
        }
    }

    /// The endpoint at this path of the server, `None` if there is none.
    pub fn at_path(issuer: &Url, path: &str) -> Option<Resource> {
        Resource::at(issuer, path).ok()
    }

    fn at(issuer: &Url, path: &str) -> Result<Resource, InvalidTarget> {
        let (organization, project) = fence(path).ok_or(InvalidTarget::Foreign)?;
        let mut uri = issuer.origin().ascii_serialization();
        let path_start = uri.len();
        uri.push_str(path);
        Ok(Resource { uri, path_start, organization, project })
    }

    /// The resource of a token request: the approved one if none is named, else the named one if
    /// it is that or a part of it (RFC 8707 section 2.2).
    pub fn narrowed(&self, issuer: &Url, values: &[&str]) -> Result<Resource, InvalidTarget> {
        if values.is_empty() {
            return Ok(self.clone());
        }
        let asked = Resource::parse(issuer, values)?;
        if self.covers(&asked) { Ok(asked) } else { Err(InvalidTarget::Wider) }
    }

    /// The canonical URI, which [`Resource::parse`] reads back.
    pub fn as_str(&self) -> &str {
        &self.uri
    }

    /// The path: `/mcp`, `/mcp/{organization}` or `/mcp/{organization}/{project}`.
    pub fn path(&self) -> &str {
        self.uri.get(self.path_start..).unwrap_or(ROOT)
    }

    /// The organization and the project that a token for this is limited to. A project never
    /// comes without its organization.
    pub fn fence(&self) -> (Option<&Slug>, Option<&Slug>) {
        (self.organization.as_ref(), self.project.as_ref())
    }

    /// Whether a token for this is valid at a path of a request, as it came over the wire.
    ///
    /// Compared by whole segments: `/mcp/acme` opens `/mcp/acme/api`, never `/mcp`, `/mcp/acme2`
    /// or `/mcp/other`. A path that is no endpoint is opened by nothing.
    pub fn opens(&self, path: &str) -> bool {
        fence(path).is_some_and(|(organization, project)| {
            admits(self.organization.as_ref(), organization.as_ref())
                && admits(self.project.as_ref(), project.as_ref())
        })
    }

    /// Whether `other` is this or a part of it, on the same server.
    pub fn covers(&self, other: &Resource) -> bool {
        self.uri.get(..self.path_start) == other.uri.get(..other.path_start)
            && self.opens(other.path())
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.uri)
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Resource").field(&self.uri).finish()
    }
}

fn admits(bound: Option<&Slug>, asked: Option<&Slug>) -> bool {
    bound.is_none() || bound == asked
}

/// The path of a URI that stands on the issuer's scheme, host and port.
///
/// Read by hand and not by a URL parser: those forgive (they drop tabs, turn `\` into `/`,
/// resolve dot segments), and what they forgive another reader of the same text may not.
fn path_of<'a>(issuer: &Url, text: &'a str) -> Result<&'a str, InvalidTarget> {
    let visible = |b: u8| b.is_ascii_graphic() && !matches!(b, b'\\' | b'"' | b'<' | b'>');
    if text.len() > MAX_LENGTH || !text.bytes().all(visible) {
        return Err(InvalidTarget::Malformed);
    }
    if text.contains('#') {
        return Err(InvalidTarget::Fragment);
    }
    if text.contains('?') {
        return Err(InvalidTarget::Query);
    }
    if text.contains('%') {
        return Err(InvalidTarget::Encoded);
    }
    let (scheme, rest) = text.split_once("://").ok_or(InvalidTarget::Malformed)?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if authority.is_empty() {
        return Err(InvalidTarget::Malformed);
    }
    if authority.contains('@') {
        return Err(InvalidTarget::UserInfo);
    }
    let same = scheme.eq_ignore_ascii_case(issuer.scheme()) && is_authority(issuer, authority);
    if same { Ok(path) } else { Err(InvalidTarget::Foreign) }
}

fn is_authority(issuer: &Url, authority: &str) -> bool {
    let Some(host) = issuer.host_str() else { return false };
    let Some((given, port)) = authority.split_at_checked(host.len()) else { return false };
    let port_fits = match issuer.port() {
        Some(own) => port == format!(":{own}"),
        None => port.is_empty() || default_port(issuer).is_some_and(|own| port == own),
    };
    given.eq_ignore_ascii_case(host) && port_fits
}

fn default_port(issuer: &Url) -> Option<String> {
    issuer.port_or_known_default().map(|port| format!(":{port}"))
}

/// The fence of an endpoint's path; `None` if the path is no endpoint.
fn fence(path: &str) -> Option<(Option<Slug>, Option<Slug>)> {
    let below = path.strip_prefix(ROOT)?;
    if below.is_empty() {
        return Some((None, None));
    }
    let mut segments = below.strip_prefix('/')?.split('/');
    let organization = slug(segments.next()?)?;
    let project = match segments.next() {
        Some(segment) => Some(slug(segment)?),
        None => None,
    };
    segments.next().is_none().then_some((Some(organization), project))
}

/// A path segment that is a slug as it stands; [`Slug`] itself forgives blanks around it.
fn slug(segment: &str) -> Option<Slug> {
    segment.parse().ok().filter(|slug: &Slug| slug.as_str() == segment)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn issuer() -> Url {
        "https://mcp.example.test".parse().unwrap()
    }

    fn parse(text: &str) -> Result<Resource, InvalidTarget> {
        Resource::parse(&issuer(), &[text])
    }

    fn path(path: &str) -> Resource {
        Resource::at_path(&issuer(), path).unwrap()
    }

    proptest! {
        #[test]
        fn whatever_is_opened_lies_at_or_below_the_bound_path(
            bound in "/mcp(/[a-c]{1,2}){0,2}",
            request in "/mcp(/[a-c./%\\\\]{0,3}){0,3}",
        ) {
            if path(&bound).opens(&request) {
                let below = request.strip_prefix(&bound);
                prop_assert!(below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
                prop_assert!(!request.contains(['%', '\\']) && !request.contains("//"));
                prop_assert!(path(&bound).covers(&path(&request)));
            }
        }

        #[test]
        fn whatever_is_read_stands_on_this_server_and_is_read_back(
            text in "(https://mcp.example.test|HTTPS://)?[a-zA-Z0-9:/@#?%.\\\\-]{0,20}",
        ) {
            if let Ok(resource) = parse(&text) {
                prop_assert!(resource.as_str().starts_with("https://mcp.example.test/mcp"));
                prop_assert_eq!(parse(resource.as_str()), Ok(resource));
            }
        }
    }

    #[test]
    fn an_absent_resource_is_the_whole_endpoint() {
        let resource = Resource::parse(&issuer(), &[]).unwrap();
        assert_eq!(resource.as_str(), "https://mcp.example.test/mcp");
        assert_eq!((resource.path(), resource.fence()), ("/mcp", (None, None)));
    }

    #[test]
    fn a_second_resource_is_refused_even_if_it_is_the_same() {
        let twice = ["https://mcp.example.test/mcp"; 2];
        assert_eq!(Resource::parse(&issuer(), &twice), Err(InvalidTarget::Repeated));
    }

    #[test]
    fn endpoints_of_this_server_are_read_into_their_canonical_form() {
        for (text, expected) in [
            ("https://mcp.example.test/mcp", "/mcp"),
            ("HTTPS://MCP.Example.TEST/mcp", "/mcp"),
            ("https://mcp.example.test:443/mcp", "/mcp"),
            ("https://mcp.example.test/mcp/acme", "/mcp/acme"),
            ("https://mcp.example.test/mcp/acme/api", "/mcp/acme/api"),
            ("https://mcp.example.test/mcp/4505/17", "/mcp/4505/17"),
            ("https://mcp.example.test/mcp/a.b-c_d/mcp", "/mcp/a.b-c_d/mcp"),
        ] {
            let resource = parse(text).unwrap();
            assert_eq!(resource.path(), expected, "{text}");
            assert_eq!(resource.to_string(), format!("https://mcp.example.test{expected}"));
            assert_eq!(parse(resource.as_str()), Ok(resource));
        }
    }

    #[test]
    fn the_fence_is_what_the_path_names() {
        let (organization, project) = (Some("acme"), Some("api"));
        let read = |resource: &Resource| {
            let (organization, project) = resource.fence();
            (organization.map(ToString::to_string), project.map(ToString::to_string))
        };
        let own = |text: Option<&str>| text.map(str::to_owned);
        assert_eq!(read(&path("/mcp/acme")), (own(organization), None));
        assert_eq!(read(&path("/mcp/acme/api")), (own(organization), own(project)));
    }

    #[test]
    fn everything_else_is_an_invalid_target() {
        use InvalidTarget::{Encoded, Foreign, Fragment, Malformed, Query, UserInfo};
        let long = format!("https://mcp.example.test/mcp/{}", "a".repeat(101));
        let longer = format!("https://mcp.example.test/mcp/{}", "a".repeat(600));
        for (text, expected) in [
            ("", Malformed),
            (" ", Malformed),
            ("/mcp", Malformed),
            ("mcp.example.test/mcp", Malformed),
            ("//mcp.example.test/mcp", Malformed),
            ("https:/mcp.example.test/mcp", Malformed),
            ("https:mcp.example.test/mcp", Malformed),
            ("https:///mcp", Malformed),
            ("urn:example:mcp", Malformed),
            (" https://mcp.example.test/mcp", Malformed),
            ("https://mcp.example.test/mcp\n", Malformed),
            ("https://mcp.example.test/m\tcp", Malformed),
            ("https://mcp.example.test\\mcp", Malformed),
            ("https://mcp.example.test/mcp/acm\u{e9}", Malformed),
            ("https://mcp.example.test/mcp/\u{202e}acme", Malformed),
            ("https://mcp.example.test/mcp#", Fragment),
            ("https://mcp.example.test/mcp#x", Fragment),
            ("https://mcp.example.test/mcp?", Query),
            ("https://mcp.example.test/mcp?org=acme", Query),
            ("https://mcp.example.test/%6dcp", Encoded),
            ("https://mcp.example.test/mcp%2facme", Encoded),
            ("https://mcp.example.test/mcp/%2e%2e/mcp", Encoded),
            ("https://mcp.example.test/mcp/acme%00", Encoded),
            ("https://user@mcp.example.test/mcp", UserInfo),
            ("https://user:pass@mcp.example.test/mcp", UserInfo),
            ("https://@mcp.example.test/mcp", UserInfo),
            ("https://mcp.example.test@evil.test/mcp", UserInfo),
            ("http://mcp.example.test/mcp", Foreign),
            ("ftp://mcp.example.test/mcp", Foreign),
            ("https://mcp.example.test:8443/mcp", Foreign),
            ("https://mcp.example.test:/mcp", Foreign),
            ("https://mcp.example.test:0443/mcp", Foreign),
            ("https://mcp.example.test:80/mcp", Foreign),
            ("https://evil.test/mcp", Foreign),
            ("https://mcp.example.test.evil.test/mcp", Foreign),
            ("https://mcp.example.test./mcp", Foreign),
            ("https://mcp.example.tes/mcp", Foreign),
            ("https://www.mcp.example.test/mcp", Foreign),
            ("https://mcp.example.test", Foreign),
            ("https://mcp.example.test/", Foreign),
            ("https://mcp.example.test//mcp", Foreign),
            ("https://mcp.example.test/mcp/", Foreign),
            ("https://mcp.example.test/mcp//", Foreign),
            ("https://mcp.example.test/mcp//api", Foreign),
            ("https://mcp.example.test/mcp/acme/", Foreign),
            ("https://mcp.example.test/mcp/acme/api/", Foreign),
            ("https://mcp.example.test/mcp/acme/api/x", Foreign),
            ("https://mcp.example.test/mcp-x", Foreign),
            ("https://mcp.example.test/mcpx/acme", Foreign),
            ("https://mcp.example.test/MCP", Foreign),
            ("https://mcp.example.test/mcp/.", Foreign),
            ("https://mcp.example.test/mcp/..", Foreign),
            ("https://mcp.example.test/mcp/../mcp", Foreign),
            ("https://mcp.example.test/./mcp", Foreign),
            ("https://mcp.example.test/mcp;x", Foreign),
            ("https://mcp.example.test/mcp/-acme", Foreign),
            ("https://mcp.example.test/mcp/a$b", Foreign),
            ("https://mcp.example.test/oauth/token", Foreign),
            (long.as_str(), Foreign),
            (longer.as_str(), Malformed),
        ] {
            assert_eq!(parse(text), Err(expected), "{text:?}");
        }
    }

    #[test]
    fn an_issuer_with_a_port_wants_that_port() {
        for issuer in ["http://127.0.0.1:8787", "http://[::1]:8787", "http://localhost:8787"] {
            let url: Url = issuer.parse().unwrap();
            assert!(Resource::parse(&url, &[&format!("{issuer}/mcp")]).is_ok(), "{issuer}");
            for foreign in
                ["http://127.0.0.1/mcp", "http://127.0.0.1:87870/mcp", "http://[::1]/mcp"]
            {
                assert_eq!(Resource::parse(&url, &[foreign]), Err(InvalidTarget::Foreign));
            }
        }
    }

    #[test]
    fn a_token_is_valid_at_its_path_and_below_by_whole_segments() {
        for (bound, opened, closed) in [
            ("/mcp", vec!["/mcp", "/mcp/acme", "/mcp/acme/api"], vec!["/mcp2", "/", "", "/mcp/"]),
            (
                "/mcp/acme",
                vec!["/mcp/acme", "/mcp/acme/api"],
                vec![
                    "/mcp",
                    "/mcp/acme2",
                    "/mcp/other",
                    "/mcp/acm",
                    "/mcp/ACME",
                    "/mcp/other/acme",
                ],
            ),
            (
                "/mcp/acme/api",
                vec!["/mcp/acme/api"],
                vec!["/mcp", "/mcp/acme", "/mcp/acme/api2", "/mcp/acme/web", "/mcp/other/api"],
            ),
        ] {
            for request in opened {
                assert!(path(bound).opens(request), "{bound} {request}");
            }
            for request in closed {
                assert!(!path(bound).opens(request), "{bound} {request}");
            }
        }
    }

    #[test]
    fn a_path_that_is_no_endpoint_is_opened_by_nothing() {
        for request in [
            "/mcp/acme/..",
            "/mcp/acme/../other",
            "/mcp/acme/%2e%2e/other",
            "/mcp/acme//api",
            "/mcp/acme/api/x",
            "/mcp/acme\\api",
            "/mcp/acme?x",
            "mcp/acme",
            "//mcp/acme",
            "/mcp/ acme",
        ] {
            for bound in ["/mcp", "/mcp/acme", "/mcp/acme/api"] {
                assert!(!path(bound).opens(request), "{bound} {request}");
            }
        }
    }

    #[test]
    fn a_token_request_may_narrow_and_never_widen() {
        let bound = path("/mcp/acme");
        let ask = |values: &[&str]| bound.narrowed(&issuer(), values);
        assert_eq!(ask(&[]), Ok(bound.clone()));
        assert_eq!(ask(&["https://mcp.example.test/mcp/acme"]), Ok(bound.clone()));
        let narrower = ask(&["https://mcp.example.test/mcp/acme/api"]).unwrap();
        assert_eq!(narrower.path(), "/mcp/acme/api");
        for wider in ["/mcp", "/mcp/other", "/mcp/acme2"] {
            let asked = format!("https://mcp.example.test{wider}");
            assert_eq!(ask(&[&asked]), Err(InvalidTarget::Wider), "{wider}");
        }
        assert_eq!(ask(&["https://evil.test/mcp/acme"]), Err(InvalidTarget::Foreign));
        let twice = ["https://mcp.example.test/mcp/acme"; 2];
        assert_eq!(ask(&twice), Err(InvalidTarget::Repeated));
    }

    #[test]
    fn a_resource_of_another_server_is_never_covered() {
        let other: Url = "https://other.example.test".parse().unwrap();
        assert!(!path("/mcp").covers(&Resource::at_path(&other, "/mcp/acme").unwrap()));
        assert!(path("/mcp").covers(&path("/mcp/acme")));
    }

    #[test]
    fn no_error_repeats_what_was_sent() {
        for text in ["https://evil.test/<script>", "https://evil.test/mcp", "evil%test", "evil"] {
            assert!(!parse(text).unwrap_err().to_string().contains("evil"), "{text}");
        }
    }
}
