//! Who may call what: the one decision about permissions, and its refusal.
//!
//! It decides from values alone and does no I/O.

use std::fmt;

use scopes::{Granted, Origin, Scope, ScopeSet};
use sentry_client::Fence;

use crate::{
    installation::Installation,
    tool::{Meta, Upstream},
};

/// What one caller may do: scopes, where they came from, and the fence.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The scopes, and which setting or approval they came from.
    pub granted: Granted,
    /// The scopes of the Sentry token, where they are known. Unknown never narrows.
    pub token: Option<ScopeSet>,
    /// The organization and project that the session is limited to.
    pub fence: Fence,
}

impl Grant {
    /// A grant whose token was not asked, and which is not limited to an organization.
    pub fn new(granted: Granted) -> Grant {
        Grant { granted, token: None, fence: Fence::default() }
    }
}

/// A limit that a session can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// Only one organization.
    Organization,
    /// Only one project of one organization.
    Project,
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Constraint::Organization => "organization",
            Constraint::Project => "project",
        })
    }
}

/// Something that an installation may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// A documentation service.
    Docs,
}

impl Feature {
    fn exists(self, installation: &Installation) -> bool {
        match self {
            Feature::Docs => installation.docs.is_some(),
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Feature::Docs => {
                "documentation is switched off by an empty `docs_url`: set `--docs-url` or \
                 `SENTRY_MCP_DOCS_URL` to a documentation service to use it"
            }
        }
    }
}

/// Why a tool cannot be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is no such tool. Holds the nearest name that exists.
    Unknown {
        /// The nearest name among the tools that this caller can call.
        nearest: Option<&'static str>,
    },
    /// The grant lacks scopes.
    NotGranted {
        /// What it lacks.
        missing: ScopeSet,
    },
    /// The grant has the scopes, but the Sentry token does not.
    TokenTooNarrow {
        /// What the token lacks for its nearest alternative.
        missing: ScopeSet,
        /// Which alternatives Sentry accepts, and where.
        upstream: Upstream,
    },
    /// A constraint of the session makes the tool pointless.
    Fenced {
        /// Which one.
        constraint: Constraint,
    },
    /// The installation lacks what the tool needs.
    Unavailable {
        /// What it lacks.
        feature: Feature,
    },
}

impl Reason {
    /// The state's name, as `sentry-mcp scopes` prints it.
    pub fn state(&self) -> &'static str {
        match self {
            Reason::Unknown { .. } => "unknown",
            Reason::NotGranted { .. } => "not granted",
            Reason::TokenTooNarrow { .. } => "token too narrow",
            Reason::Fenced { .. } => "fenced",
            Reason::Unavailable { .. } => "unavailable here",
        }
    }
}

/// A call that was not made, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The tool that was asked for.
    pub tool: String,
    /// All scopes it needs, for a challenge; empty for an unknown tool.
    pub needs: ScopeSet,
    /// Where the caller's grant came from.
    pub origin: Origin,
    /// What the caller was granted.
    pub granted: ScopeSet,
    /// Why.
    pub reason: Reason,
}

impl Refusal {
    /// Why this caller cannot have this tool.
    pub(crate) fn new(meta: &Meta, grant: &Grant, reason: Reason) -> Refusal {
        Refusal::of(meta.name, meta.requires, grant, reason)
    }

    /// The same for a name that may not be a tool's.
    pub(crate) fn of(tool: &str, needs: ScopeSet, grant: &Grant, reason: Reason) -> Refusal {
        Refusal {
            tool: tool.to_owned(),
            needs,
            origin: grant.granted.origin.clone(),
            granted: grant.granted.scopes,
            reason,
        }
    }

    /// The scopes of the grant that are missing; empty unless the grant is the reason.
    pub fn missing(&self) -> ScopeSet {
        match self.reason {
            Reason::NotGranted { missing } => missing,
            _ => ScopeSet::EMPTY,
        }
    }

    /// What to do, in one sentence without a final period.
    pub fn advice(&self) -> String {
        match &self.reason {
            Reason::Unknown { nearest: Some(nearest) } => format!("did you mean `{nearest}`?"),
            Reason::Unknown { nearest: None } => "call one of the listed tools".to_owned(),
            Reason::NotGranted { missing } => {
                format!("the user can allow it: {}", self.origin.advice(*missing))
            }
            Reason::TokenTooNarrow { missing, .. } => format!(
                "create a Sentry auth token that also has {missing} ticked, and use it instead"
            ),
            Reason::Fenced { constraint } => format!(
                "the session is limited to one {constraint}, which every other tool uses by itself"
            ),
            Reason::Unavailable { feature } => feature.advice().to_owned(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal { tool, needs, origin, granted, reason } = self;
        let advice = self.advice();
        match reason {
            Reason::Unknown { .. } => write!(f, "there is no tool `{tool}`; {advice}"),
            Reason::NotGranted { missing } => write!(
                f,
                "`{tool}` is not allowed: it needs {needs}, and {missing} was not granted \
                 (granted by {origin}: {}). Do not retry; {advice}.",
                names(*granted)
            ),
            Reason::TokenTooNarrow { missing, upstream } => write!(
                f,
                "`{tool}` is granted, but the Sentry auth token is too narrow: it lacks {missing}. \
                 Sentry accepts {} for `{}`. Do not retry; {advice}.",
                alternatives(upstream.accepts),
                upstream.endpoint
            ),
            Reason::Fenced { .. } => write!(f, "`{tool}` is switched off here: {advice}"),
            Reason::Unavailable { .. } => write!(f, "`{tool}` is unavailable here: {advice}"),
        }
    }
}

impl std::error::Error for Refusal {}

/// The decision. Listing, calling, and challenging all come down to this function.
pub fn decide(meta: &Meta, grant: &Grant, installation: &Installation) -> Result<(), Reason> {
    if let Some(constraint) = meta.pointless_in
        && grant.is_limited_to(constraint)
    {
        return Err(Reason::Fenced { constraint });
    }
    if let Some(feature) = meta.needs
        && !feature.exists(installation)
    {
        return Err(Reason::Unavailable { feature });
    }
    let missing = grant.granted.scopes.missing(meta.requires);
    if !missing.is_empty() {
        return Err(Reason::NotGranted { missing });
    }
    match grant.token.and_then(|token| scopes::narrow(token, meta.upstream.accepts)) {
        Some(missing) => Err(Reason::TokenTooNarrow { missing, upstream: meta.upstream }),
        None => Ok(()),
    }
}

impl Grant {
    fn is_limited_to(&self, constraint: Constraint) -> bool {
        match constraint {
            Constraint::Organization => self.fence.organization.is_some(),
            Constraint::Project => self.fence.project.is_some(),
        }
    }
}

/// Alternatives in words: `org:read`, or `org:read or project:read`.
pub fn alternatives(accepts: &[ScopeSet]) -> String {
    if accepts.is_empty() {
        return "any token".to_owned();
    }
    accepts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

fn names(scopes: ScopeSet) -> String {
    if scopes.is_empty() { "nothing".to_owned() } else { scopes.to_string() }
}

/// The scopes that raw names from Sentry stand for; names outside the sixteen are ignored.
pub fn token_scopes<'a>(names: impl IntoIterator<Item = &'a str>) -> ScopeSet {
    let (known, _ignored) = ScopeSet::parse_lenient(names);
    known
}

/// Shorthand for the `const`s of tools.
pub const fn needs(scope: Scope) -> ScopeSet {
    ScopeSet::of(&[scope])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::Effect;

    const ORG_READ: ScopeSet = needs(Scope::OrgRead);
    const PROJECT_READ: ScopeSet = needs(Scope::ProjectRead);

    const TOOL: Meta = Meta {
        name: "find_things",
        effect: Effect::Read,
        requires: PROJECT_READ,
        upstream: Upstream { endpoint: "GET /things/", accepts: &[ORG_READ, PROJECT_READ] },
        pointless_in: Some(Constraint::Project),
        needs: Some(Feature::Docs),
        takes: None,
    };

    fn grant(scopes: &str) -> Grant {
        let scopes = ScopeSet::parse(scopes).unwrap();
        Grant::new(Granted { scopes, origin: Origin::Default })
    }

    fn installation() -> Installation {
        let base = "https://docs.example.test";
        let docs = sentry_client::docs::DocsService::parse(base, base).ok();
        Installation { docs, ..Installation::default() }
    }

    fn state(grant: &Grant, installation: &Installation) -> &'static str {
        decide(&TOOL, grant, installation).map_or_else(|reason| reason.state(), |()| "available")
    }

    #[test]
    fn a_stronger_scope_of_the_same_resource_is_enough() {
        assert_eq!(state(&grant("project:admin"), &installation()), "available");
        assert_eq!(state(&grant("org:admin, project:releases"), &installation()), "not granted");
    }

    #[test]
    fn one_alternative_is_enough_for_the_token() {
        let with_token = |names: &[&str]| Grant {
            token: Some(token_scopes(names.iter().copied())),
            ..grant("project:read")
        };
        assert_eq!(state(&with_token(&["org:write", "alerts:read"]), &installation()), "available");
        assert_eq!(state(&with_token(&["project:read"]), &installation()), "available");
        assert_eq!(state(&with_token(&["event:admin"]), &installation()), "token too narrow");
    }

    #[test]
    fn a_token_never_widens_a_grant() {
        let token = Some(ScopeSet::ALL);
        assert_eq!(state(&Grant { token, ..grant("event:admin") }, &installation()), "not granted");
    }

    #[test]
    fn a_constraint_and_a_lacking_feature_have_states_of_their_own() {
        let fence = Fence { organization: "acme".parse().ok(), project: "api".parse().ok() };
        assert_eq!(state(&Grant { fence, ..grant("project:read") }, &installation()), "fenced");
        assert_eq!(state(&grant("project:read"), &Installation::default()), "unavailable here");
    }

    #[test]
    fn a_refusal_says_what_is_missing_where_the_grant_came_from_and_what_to_do() {
        let grant = grant("event:read");
        let reason = decide(&TOOL, &grant, &installation()).unwrap_err();
        let refusal = Refusal {
            tool: "find_things".into(),
            needs: TOOL.requires,
            origin: grant.granted.origin,
            granted: grant.granted.scopes,
            reason,
        };
        let text = refusal.to_string();
        for words in ["project:read was not granted", "default grant", "--add-scopes=project:read"]
        {
            assert!(text.contains(words), "{words} in: {text}");
        }
    }
}
