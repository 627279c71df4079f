//! Paths below `/api/0/`, built from segments: no traversal, no empty segment and no slash
//! can be written. It does not know hosts or queries.

use std::fmt::{self, Write as _};

use crate::{Fence, InvalidId, Slug};

/// A path, and the organization and the project it reaches into: that is what the fence asks for.
pub(crate) struct Route<'a> {
    path: String,
    organization: Option<&'a Slug>,
    project: Option<&'a str>,
    bad: Option<InvalidId>,
}

impl<'a> Route<'a> {
    /// `/api/0/`
    pub(crate) fn root() -> Route<'a> {
        let mut path = String::with_capacity(96);
        path.push_str("/api/0/");
        Route { path, organization: None, project: None, bad: None }
    }

    /// `/api/0/organizations/{organization}/`
    pub(crate) fn organization(organization: &'a Slug) -> Route<'a> {
        let route = Route { organization: Some(organization), ..Route::root() };
        route.seg("organizations").seg(organization.as_str())
    }

    /// `/api/0/projects/{organization}/{project}/`; the project is a slug or an id.
    pub(crate) fn project(
        organization: &'a Slug,
        project: &'a (impl AsRef<str> + ?Sized),
    ) -> Route<'a> {
        let project = project.as_ref();
        let route =
            Route { organization: Some(organization), project: Some(project), ..Route::root() };
        route.seg("projects").seg(organization.as_str()).seg(project)
    }

    /// `/api/0/teams/{organization}/{team}/`
    pub(crate) fn team(organization: &'a Slug, team: &Slug) -> Route<'a> {
        let route = Route { organization: Some(organization), ..Route::root() };
        route.seg("teams").seg(organization.as_str()).seg(team.as_str())
    }

    /// The same path with one segment more, percent-encoded.
    pub(crate) fn seg(mut self, segment: &str) -> Route<'a> {
        let refused = |c: char| matches!(c, '/' | '\\') || c.is_control();
        if matches!(segment, "" | "." | "..") || segment.chars().any(refused) {
            self.bad.get_or_insert_with(|| {
                InvalidId::new(
                    "a path segment",
                    segment,
                    "a name without slashes, such as `backend`",
                )
            });
            return self;
        }
        // Writing to a string cannot fail.
        let _ = Encoded(&mut self.path).write_str(segment);
        self.path.push('/');
        self
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn organization_slug(&self) -> Option<&'a Slug> {
        self.organization
    }

    pub(crate) fn bad(&self) -> Option<&InvalidId> {
        self.bad.as_ref()
    }

    /// Why the fence refuses this path, if it does.
    pub(crate) fn refused_by(&self, fence: &Fence) -> Option<String> {
        fence.refusal(self.organization.map(Slug::as_str), self.project)
    }
}

/// Percent-encodes all but RFC 3986's unreserved characters, for a path and for a query.
pub(crate) struct Encoded<'a>(pub(crate) &'a mut String);

impl fmt::Write for Encoded<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        let hex = |nibble: u8| char::from(HEX.get(usize::from(nibble)).copied().unwrap_or(b'0'));
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                self.0.push(char::from(byte));
            } else {
                self.0.extend(['%', hex(byte >> 4), hex(byte & 15)]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acme() -> Slug {
        "acme".parse().unwrap()
    }

    #[test]
    fn a_path_ends_with_a_slash() {
        let acme = acme();
        assert_eq!(Route::root().path(), "/api/0/");
        assert_eq!(
            Route::organization(&acme).seg("issues").path(),
            "/api/0/organizations/acme/issues/"
        );
        assert_eq!(Route::team(&acme, &acme).path(), "/api/0/teams/acme/acme/");
        assert_eq!(
            Route::project(&acme, "4505").seg("keys").path(),
            "/api/0/projects/acme/4505/keys/"
        );
    }

    #[test]
    fn a_segment_is_encoded() {
        let acme = acme();
        let route = Route::organization(&acme).seg("releases").seg("app@1.0+7 ä%2e?#;");
        assert_eq!(
            route.path(),
            "/api/0/organizations/acme/releases/app%401.0%2B7%20%C3%A4%252e%3F%23%3B/"
        );
    }

    #[test]
    fn a_segment_cannot_leave_the_path() {
        for bad in ["", ".", "..", "a/b", "../x", "a\\b", "a\nb", "\0"] {
            assert!(Route::root().seg(bad).bad().is_some(), "{bad:?}");
        }
        assert!(Route::root().seg("...").bad().is_none());
    }

    #[test]
    fn the_fence_sees_organization_and_project() {
        let (acme, other) = (acme(), "other".parse().unwrap());
        let fence = Fence { organization: Some(acme.clone()), project: "api".parse().ok() };
        assert!(Route::organization(&other).refused_by(&fence).is_some());
        assert!(Route::project(&acme, "web").refused_by(&fence).is_some());
        assert!(Route::project(&acme, "4505").refused_by(&fence).is_some());
        assert!(Route::project(&acme, "api").refused_by(&fence).is_none());
        assert!(Route::organization(&acme).seg("teams").refused_by(&fence).is_none());
        assert!(Route::root().refused_by(&fence).is_none());
    }
}
