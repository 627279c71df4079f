//! One scope: its name, what it includes, and the nearest name to a typo.
//!
//! Which tool needs which scope is not known here.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{ScopeSet, UnknownScope};

/// One permission, spelled `resource:level`, the way Sentry spells it.
///
/// The order is that of [`Scope::ALL`], and every list of scopes is in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Scope {
    /// `org:read`
    OrgRead,
    /// `org:write`
    OrgWrite,
    /// `org:admin`
    OrgAdmin,
    /// `project:read`
    ProjectRead,
    /// `project:write`
    ProjectWrite,
    /// `project:admin`
    ProjectAdmin,
    /// `team:read`
    TeamRead,
    /// `team:write`
    TeamWrite,
    /// `team:admin`
    TeamAdmin,
    /// `member:read`
    MemberRead,
    /// `member:write`
    MemberWrite,
    /// `member:admin`
    MemberAdmin,
    /// `event:read`
    EventRead,
    /// `event:write`
    EventWrite,
    /// `event:admin`
    EventAdmin,
    /// `project:releases`: implies only itself, and nothing implies it.
    ProjectReleases,
}

impl Scope {
    /// Every scope there is, by resource and then from the weakest to the strongest.
    pub const ALL: [Scope; 16] = [
        Scope::OrgRead,
        Scope::OrgWrite,
        Scope::OrgAdmin,
        Scope::ProjectRead,
        Scope::ProjectWrite,
        Scope::ProjectAdmin,
        Scope::TeamRead,
        Scope::TeamWrite,
        Scope::TeamAdmin,
        Scope::MemberRead,
        Scope::MemberWrite,
        Scope::MemberAdmin,
        Scope::EventRead,
        Scope::EventWrite,
        Scope::EventAdmin,
        Scope::ProjectReleases,
    ];

    /// The name on the wire, in a flag and in a Sentry token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::OrgRead => "org:read",
            Scope::OrgWrite => "org:write",
            Scope::OrgAdmin => "org:admin",
            Scope::ProjectRead => "project:read",
            Scope::ProjectWrite => "project:write",
            Scope::ProjectAdmin => "project:admin",
            Scope::TeamRead => "team:read",
            Scope::TeamWrite => "team:write",
            Scope::TeamAdmin => "team:admin",
            Scope::MemberRead => "member:read",
            Scope::MemberWrite => "member:write",
            Scope::MemberAdmin => "member:admin",
            Scope::EventRead => "event:read",
            Scope::EventWrite => "event:write",
            Scope::EventAdmin => "event:admin",
            Scope::ProjectReleases => "project:releases",
        }
    }

    /// Everything that holding `self` permits, `self` included.
    ///
    /// Inside one resource `admin` includes `write` and `write` includes `read`.
    /// Nothing crosses resources.
    pub const fn grants(self) -> ScopeSet {
        use Scope::{
            EventAdmin, EventRead, EventWrite, MemberAdmin, MemberRead, MemberWrite, OrgAdmin,
            OrgRead, OrgWrite, ProjectAdmin, ProjectRead, ProjectWrite, TeamAdmin, TeamRead,
            TeamWrite,
        };
        match self {
            OrgWrite => ScopeSet::of(&[OrgRead, OrgWrite]),
            OrgAdmin => ScopeSet::of(&[OrgRead, OrgWrite, OrgAdmin]),
            ProjectWrite => ScopeSet::of(&[ProjectRead, ProjectWrite]),
            ProjectAdmin => ScopeSet::of(&[ProjectRead, ProjectWrite, ProjectAdmin]),
            TeamWrite => ScopeSet::of(&[TeamRead, TeamWrite]),
            TeamAdmin => ScopeSet::of(&[TeamRead, TeamWrite, TeamAdmin]),
            MemberWrite => ScopeSet::of(&[MemberRead, MemberWrite]),
            MemberAdmin => ScopeSet::of(&[MemberRead, MemberWrite, MemberAdmin]),
            EventWrite => ScopeSet::of(&[EventRead, EventWrite]),
            EventAdmin => ScopeSet::of(&[EventRead, EventWrite, EventAdmin]),
            OrgRead | ProjectRead | TeamRead | MemberRead | EventRead | Scope::ProjectReleases => {
                ScopeSet::of(&[self])
            }
        }
    }

    /// What the scope lets its holder do, as the rest of "may …".
    pub const fn description(self) -> &'static str {
        match self {
            Scope::OrgRead => "see organizations and their settings",
            Scope::OrgWrite => "change the settings of organizations",
            Scope::OrgAdmin => "administer organizations, deletion included",
            Scope::ProjectRead => "see projects, their keys and releases",
            Scope::ProjectWrite => "create and change projects and their keys",
            Scope::ProjectAdmin => "administer projects, deletion included",
            Scope::TeamRead => "see teams",
            Scope::TeamWrite => "create and change teams",
            Scope::TeamAdmin => "administer teams, deletion included",
            Scope::MemberRead => "see the members of organizations",
            Scope::MemberWrite => "invite and change members",
            Scope::MemberAdmin => "administer members, removal included",
            Scope::EventRead => "see issues, events, traces and attachments",
            Scope::EventWrite => "resolve, assign and otherwise change issues",
            Scope::EventAdmin => "administer issues and events, deletion included",
            Scope::ProjectReleases => "create and change releases",
        }
    }

    /// The scope whose name is spelled most like `token`, unless none is close.
    ///
    /// Case does not count, so `Event:Write` is near `event:write`. Of equally near
    /// names the weakest scope is offered.
    pub fn nearest(token: &str) -> Option<Scope> {
        let token = token.trim();
        if token.chars().take(MAX_NAME + MAX_EDITS + 1).count() > MAX_NAME + MAX_EDITS {
            return None;
        }
        let token = token.to_lowercase();
        Scope::ALL
            .into_iter()
            .map(|scope| (edits(&token, scope.as_str()), scope))
            .filter(|&(edits, _)| edits <= MAX_EDITS)
            .min()
            .map(|(_, scope)| scope)
    }
}

/// More typos than this, and a suggestion would be a guess.
const MAX_EDITS: usize = 3;

/// Characters in the longest name, `project:releases`.
const MAX_NAME: usize = 16;

/// Insertions, deletions and replacements that turn `from` into `to` (Levenshtein).
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (b, cell) in to.chars().zip(row.iter_mut().skip(1)) {
            let above = *cell;
            let replaced = diagonal + usize::from(a != b);
            *cell = replaced.min(above + 1).min(left + 1);
            diagonal = above;
            left = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

impl FromStr for Scope {
    type Err = UnknownScope;

    /// Exact spelling only: no trimming, no other case.
    fn from_str(text: &str) -> Result<Scope, UnknownScope> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or_else(|| UnknownScope {
            token: text.to_owned(),
            suggestion: Scope::nearest(text),
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Scope, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_survives_a_round_trip_through_its_name() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
            assert_eq!(scope.to_string(), scope.as_str());
        }
    }

    #[test]
    fn scopes_are_ordered_as_in_the_table() {
        assert!(Scope::ALL.is_sorted());
        assert_eq!(Scope::ALL.map(|scope| scope as usize), std::array::from_fn(|i| i));
    }

    #[test]
    fn inside_a_resource_admin_includes_write_includes_read() {
        for resource in ["org", "project", "team", "member", "event"] {
            let scope = |level: &str| format!("{resource}:{level}").parse::<Scope>().unwrap();
            let (read, write, admin) = (scope("read"), scope("write"), scope("admin"));
            assert_eq!(read.grants(), ScopeSet::of(&[read]));
            assert_eq!(write.grants(), ScopeSet::of(&[read, write]));
            assert_eq!(admin.grants(), ScopeSet::of(&[read, write, admin]));
        }
    }

    #[test]
    fn nothing_crosses_resources() {
        let resource = |scope: Scope| scope.as_str().split(':').next().unwrap();
        for holder in Scope::ALL {
            for held in holder.grants().iter() {
                assert_eq!(resource(holder), resource(held), "{holder} grants {held}");
            }
        }
    }

    #[test]
    fn releases_imply_only_themselves_and_are_implied_by_nothing() {
        let releases = Scope::ProjectReleases;
        assert_eq!(releases.grants(), ScopeSet::of(&[releases]));
        for other in Scope::ALL.into_iter().filter(|&scope| scope != releases) {
            assert!(!other.grants().contains(releases), "{other}");
        }
    }

    #[test]
    fn the_nearest_spelling_forgives_case_and_a_few_typos() {
        let nearest = |token| Scope::nearest(token).map(Scope::as_str);
        assert_eq!(nearest("Event:Write"), Some("event:write"));
        assert_eq!(nearest("evnt:wirte"), Some("event:write"));
        assert_eq!(nearest("project.read"), Some("project:read"));
        assert_eq!(nearest("project:release"), Some("project:releases"));
        assert_eq!(nearest("members:read"), Some("member:read"));
        assert_eq!(nearest("org:reads"), Some("org:read"));
    }

    #[test]
    fn a_far_spelling_has_no_suggestion() {
        for token in ["", "org", "alerts:read", "everything", "org:integrations"] {
            assert_eq!(Scope::nearest(token), None, "{token}");
        }
        assert_eq!(Scope::nearest(&"event:write".repeat(1000)), None);
    }

    #[test]
    fn json_holds_the_name_and_nothing_else_is_accepted() {
        assert_eq!(serde_json::to_string(&Scope::EventWrite).unwrap(), r#""event:write""#);
        assert_eq!(serde_json::from_str::<Scope>(r#""org:read""#).unwrap(), Scope::OrgRead);
        let err = serde_json::from_str::<Scope>(r#""Org:Read""#).unwrap_err();
        assert_eq!(err.to_string(), "unknown scope `Org:Read` (did you mean `org:read`?)");
    }

    #[test]
    fn every_scope_says_what_it_permits() {
        for scope in Scope::ALL {
            assert!(!scope.description().is_empty());
            assert!(!scope.description().ends_with('.'), "{scope}: a fragment, not a sentence");
        }
    }
}
