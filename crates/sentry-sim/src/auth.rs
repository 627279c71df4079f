//! Who a token belongs to and what it may do. Knows scopes and roles; does not know any route, and
//! asks [`crate::oauth`] about tokens that were made there.

use std::borrow::Cow;

use crate::oauth::OAuth;

/// The tokens that the simulation knows.
pub mod tokens {
    /// Every scope, held by an owner of both organizations.
    pub const ADMIN: &str = "sntryu_simulated_admin";
    /// `org:read`, `project:read`, `team:read`, `event:read`.
    pub const READ_ONLY: &str = "sntryu_simulated_read_only";
    /// [`READ_ONLY`] and `event:write`.
    pub const TRIAGE: &str = "sntryu_simulated_triage";
    /// [`READ_ONLY`], `project:write` and `team:write`.
    pub const PROJECT_MANAGEMENT: &str = "sntryu_simulated_project_management";
    /// Only `org:read`.
    pub const ORG_READ: &str = "sntryu_simulated_org_read";
    /// Only `project:read`.
    pub const PROJECT_READ: &str = "sntryu_simulated_project_read";
    /// Only `project:releases`.
    pub const PROJECT_RELEASES: &str = "sntryu_simulated_project_releases";
    /// Only `team:read`.
    pub const TEAM_READ: &str = "sntryu_simulated_team_read";
    /// Only `member:read`.
    pub const MEMBER_READ: &str = "sntryu_simulated_member_read";
    /// Only `event:read`.
    pub const EVENT_READ: &str = "sntryu_simulated_event_read";
    /// Only `event:admin`, which includes writing and reading.
    pub const EVENT_ADMIN: &str = "sntryu_simulated_event_admin";
    /// Every scope, but its user is a plain member of `aurora-labs`: creating a team, key or
    /// project is refused.
    pub const MEMBER: &str = "sntryu_simulated_member";
    /// Every scope, but its user belongs to no organization.
    pub const OUTSIDER: &str = "sntryu_simulated_outsider";
    /// Known once, expired since: 401.
    pub const EXPIRED: &str = "sntryu_simulated_expired";
    /// Never issued: 401.
    pub const INVALID: &str = "sntryu_simulated_invalid";
}

/// The id of the user who is an owner of both organizations.
pub(crate) const ADMIN_USER: u64 = 1;
/// The id of the user with the role `member` in the first organization.
pub(crate) const MEMBER_USER: u64 = 2;
/// The id of the user without an organization.
pub(crate) const OUTSIDER_USER: u64 = 3;

pub(crate) const ALL_SCOPES: &[&str] = &[
    "alerts:read",
    "alerts:write",
    "event:admin",
    "event:read",
    "event:write",
    "member:admin",
    "member:read",
    "member:write",
    "org:admin",
    "org:integrations",
    "org:read",
    "org:write",
    "project:admin",
    "project:read",
    "project:releases",
    "project:write",
    "team:admin",
    "team:read",
    "team:write",
];

/// What Sentry's `member` role may do at most, whatever the token holds (`orgRoleList` of the
/// organization details).
const MEMBER_ROLE: &[&str] = &[
    "alerts:read",
    "alerts:write",
    "event:admin",
    "event:read",
    "event:write",
    "member:read",
    "org:read",
    "project:read",
    "project:releases",
    "team:read",
];

const READ_ONLY: &[&str] = &["event:read", "org:read", "project:read", "team:read"];
const TRIAGE: &[&str] = &["event:read", "event:write", "org:read", "project:read", "team:read"];
const PROJECT_MANAGEMENT: &[&str] =
    &["event:read", "org:read", "project:read", "project:write", "team:read", "team:write"];

/// The scopes of a token: written down here, or made when somebody signed in.
pub(crate) type Scopes = Cow<'static, [&'static str]>;

/// The user and the scopes behind a token.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) user: u64,
    pub(crate) scopes: Scopes,
}

/// What a user is in an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Owner,
    Member,
}

impl Role {
    /// Sentry's id of the role.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Member => "member",
        }
    }

    /// Whether the role allows one of the scopes.
    pub(crate) fn covers_any(self, accepted: &[&str]) -> bool {
        match self {
            Self::Owner => true,
            Self::Member => accepted.is_empty() || covers_any(MEMBER_ROLE, accepted),
        }
    }
}

impl Identity {
    /// Whether the token holds one of the scopes; an empty list asks for nothing.
    pub(crate) fn covers_any(&self, accepted: &[&str]) -> bool {
        accepted.is_empty() || covers_any(&self.scopes, accepted)
    }
}

/// Why a request has no identity; the texts are Sentry's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unauthenticated {
    Missing,
    Invalid,
    Expired,
}

impl Unauthenticated {
    pub(crate) fn detail(self) -> &'static str {
        match self {
            Self::Missing => "Authentication credentials were not provided.",
            Self::Invalid => "Invalid token",
            Self::Expired => "Token expired",
        }
    }
}

/// Resolves the value of an `Authorization` header.
pub(crate) fn authenticate(
    header: Option<&str>,
    oauth: &OAuth,
) -> Result<Identity, Unauthenticated> {
    let Some((scheme, token)) = header.and_then(|value| value.trim().split_once(' ')) else {
        return Err(Unauthenticated::Missing);
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Unauthenticated::Missing);
    }
    let (user, scopes) = match token.trim() {
        tokens::ADMIN => (ADMIN_USER, ALL_SCOPES),
        tokens::READ_ONLY => (ADMIN_USER, READ_ONLY),
        tokens::TRIAGE => (ADMIN_USER, TRIAGE),
        tokens::PROJECT_MANAGEMENT => (ADMIN_USER, PROJECT_MANAGEMENT),
        tokens::ORG_READ => (ADMIN_USER, &["org:read"] as &[_]),
        tokens::PROJECT_READ => (ADMIN_USER, &["project:read"] as &[_]),
        tokens::PROJECT_RELEASES => (ADMIN_USER, &["project:releases"] as &[_]),
        tokens::TEAM_READ => (ADMIN_USER, &["team:read"] as &[_]),
        tokens::MEMBER_READ => (ADMIN_USER, &["member:read"] as &[_]),
        tokens::EVENT_READ => (ADMIN_USER, &["event:read"] as &[_]),
        tokens::EVENT_ADMIN => (ADMIN_USER, &["event:admin", "event:read", "event:write"] as &[_]),
        tokens::MEMBER => (MEMBER_USER, ALL_SCOPES),
        tokens::OUTSIDER => (OUTSIDER_USER, ALL_SCOPES),
        tokens::EXPIRED => return Err(Unauthenticated::Expired),
        issued => return oauth.identity(issued),
    };
    Ok(Identity { user, scopes: Cow::Borrowed(scopes) })
}

fn covers_any(held: &[&str], accepted: &[&str]) -> bool {
    accepted.iter().any(|wanted| held.iter().any(|scope| covers(scope, wanted)))
}

/// `admin` includes `write` includes `read`, inside one resource.
pub(crate) fn covers(held: &str, wanted: &str) -> bool {
    if held == wanted {
        return true;
    }
    let (Some((held_resource, held)), Some((wanted_resource, wanted))) =
        (held.split_once(':'), wanted.split_once(':'))
    else {
        return false;
    };
    held_resource == wanted_resource
        && matches!((level(held), level(wanted)), (Some(held), Some(wanted)) if held >= wanted)
}

fn level(name: &str) -> Option<u8> {
    match name {
        "read" => Some(1),
        "write" => Some(2),
        "admin" => Some(3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_includes_write_and_read_of_its_own_resource_only() {
        assert!(covers("event:admin", "event:write"));
        assert!(covers("event:write", "event:read"));
        assert!(!covers("event:read", "event:write"));
        assert!(!covers("event:admin", "org:read"));
        assert!(!covers("project:admin", "project:releases"));
        assert!(!covers("project:releases", "project:read"));
    }

    #[test]
    fn a_header_that_is_not_a_bearer_token_counts_as_missing() {
        let oauth = OAuth::default();
        for header in [None, Some(""), Some("Basic dXNlcjo="), Some("sntryu_simulated_admin")] {
            assert_eq!(
                authenticate(header, &oauth).err(),
                Some(Unauthenticated::Missing),
                "{header:?}"
            );
        }
        assert_eq!(authenticate(Some("Bearer x"), &oauth).err(), Some(Unauthenticated::Invalid));
        assert!(authenticate(Some(&format!("bearer {}", tokens::ADMIN)), &oauth).is_ok());
    }

    #[test]
    fn a_member_may_triage_but_not_create() {
        assert!(Role::Member.covers_any(&["event:write"]));
        assert!(!Role::Member.covers_any(&["org:write", "team:write"]));
        assert!(Role::Owner.covers_any(&["project:write"]));
    }
}
