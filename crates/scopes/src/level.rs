//! The permission levels that a person picks in the approval dialog.
//!
//! They are data: the dialog, the refusal and the documentation read this table.

use crate::{DEFAULT_GRANT, Scope, ScopeSet};

/// One choice in the approval dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// The stable name, for forms and stored grants: lower case, with hyphens.
    pub id: &'static str,
    /// What the dialog calls it.
    pub title: &'static str,
    /// The scopes that approving the level adds to the grant.
    pub adds: ScopeSet,
    /// What it opens, in the words of the person who decides.
    pub opens: &'static str,
}

/// All levels. The first is always on; the others are independent add-ons over it.
pub const LEVELS: [Level; 3] = [
    Level {
        id: "read-only",
        title: "Read-only",
        adds: DEFAULT_GRANT,
        opens: "search, issues, traces, attachments, documentation",
    },
    Level {
        id: "issue-triage",
        title: "Issue triage",
        adds: ScopeSet::of(&[Scope::EventWrite]),
        opens: "resolve and assign issues, start an AI analysis",
    },
    Level {
        id: "project-management",
        title: "Project management",
        adds: ScopeSet::of(&[Scope::ProjectWrite, Scope::TeamWrite]),
        opens: "create and change projects, teams and DSNs",
    },
];

/// The level whose approval, over read-only, would add everything that is missing.
///
/// `None` if nothing is missing, if it takes more than one level, or if no level
/// adds it.
pub fn level_for(missing: ScopeSet) -> Option<&'static Level> {
    static TABLE: [Level; 3] = LEVELS;
    if missing.is_empty() {
        return None;
    }
    TABLE.iter().find(|level| DEFAULT_GRANT.union(level.adds).covers(missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title_for(missing: &[Scope]) -> Option<&'static str> {
        level_for(ScopeSet::of(missing)).map(|level| level.title)
    }

    #[test]
    fn the_first_level_is_the_default_grant() {
        assert_eq!(LEVELS[0].adds, DEFAULT_GRANT);
    }

    #[test]
    fn a_missing_scope_names_the_level_that_adds_it() {
        assert_eq!(title_for(&[Scope::EventRead]), Some("Read-only"));
        assert_eq!(title_for(&[Scope::EventWrite]), Some("Issue triage"));
        assert_eq!(title_for(&[Scope::ProjectWrite]), Some("Project management"));
        assert_eq!(title_for(&[Scope::ProjectWrite, Scope::TeamRead]), Some("Project management"));
        assert_eq!(title_for(&[Scope::ProjectWrite, Scope::TeamWrite]), Some("Project management"));
    }

    #[test]
    fn no_single_level_is_offered_where_none_is_enough() {
        assert_eq!(title_for(&[]), None);
        assert_eq!(title_for(&[Scope::EventWrite, Scope::TeamWrite]), None);
        assert_eq!(title_for(&[Scope::EventAdmin]), None);
        assert_eq!(title_for(&[Scope::ProjectReleases]), None);
    }

    #[test]
    fn the_add_ons_are_independent_of_each_other() {
        let [_, triage, management] = LEVELS;
        assert!(!DEFAULT_GRANT.union(triage.adds).covers(management.adds));
        assert!(!DEFAULT_GRANT.union(management.adds).covers(triage.adds));
    }

    #[test]
    fn identifiers_are_unique() {
        let mut ids = LEVELS.map(|level| level.id).to_vec();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), LEVELS.len());
    }
}
