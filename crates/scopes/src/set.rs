//! A set of scopes, and the one question that decides about permissions.
//!
//! Text is parsed in `parse.rs`; where a grant comes from is in `grant.rs`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Scope;

/// What a caller may do when nobody asked for anything: read.
pub const DEFAULT_GRANT: ScopeSet =
    ScopeSet::of(&[Scope::OrgRead, Scope::ProjectRead, Scope::TeamRead, Scope::EventRead]);

/// A set of scopes, small enough to copy and usable in a `const`.
///
/// It holds what was listed, not what follows from it; [`ScopeSet::expand`] adds
/// that.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ScopeSet(u16);

impl ScopeSet {
    /// No scope.
    pub const EMPTY: ScopeSet = ScopeSet(0);

    /// Every scope.
    pub const ALL: ScopeSet = ScopeSet::of(&Scope::ALL);

    /// The set of exactly these scopes.
    pub const fn of(scopes: &[Scope]) -> ScopeSet {
        let mut bits = 0;
        let mut rest = scopes;
        while let [first, tail @ ..] = rest {
            bits |= 1 << *first as u16;
            rest = tail;
        }
        ScopeSet(bits)
    }

    /// What is in either set.
    #[must_use]
    pub const fn union(self, other: ScopeSet) -> ScopeSet {
        ScopeSet(self.0 | other.0)
    }

    /// Whether the scope itself is listed, implied ones not counted.
    ///
    /// This does not answer whether something is permitted; [`ScopeSet::covers`]
    /// does.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u16) != 0
    }

    /// Whether no scope is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many scopes are listed, 16 at most.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The scopes, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |&scope| self.contains(scope))
    }

    /// The set together with everything its scopes imply.
    #[must_use]
    pub const fn expand(self) -> ScopeSet {
        let mut expanded = self;
        let mut rest: &[Scope] = &Scope::ALL;
        while let [first, tail @ ..] = rest {
            if self.contains(*first) {
                expanded = expanded.union(first.grants());
            }
            rest = tail;
        }
        expanded
    }

    /// What `required` asks for and `self` does not permit.
    ///
    /// An empty answer is a permission; any other answer is the error message.
    #[must_use]
    pub const fn missing(self, required: ScopeSet) -> ScopeSet {
        ScopeSet(required.0 & !self.expand().0)
    }

    /// Whether holding `self` permits all that `required` asks for.
    pub const fn covers(self, required: ScopeSet) -> bool {
        self.missing(required).is_empty()
    }
}

/// What a Sentry token lacks to be accepted by an endpoint, `None` if it is enough.
///
/// `alternatives` are the scope sets of which the endpoint accepts any one; without
/// alternatives every token will do. If none is covered, the answer is what the
/// alternative lacks that lacks least, the first of equals.
pub fn narrow(token: ScopeSet, alternatives: &[ScopeSet]) -> Option<ScopeSet> {
    alternatives
        .iter()
        .map(|&alternative| token.missing(alternative))
        .min_by_key(|missing| missing.len())
        .filter(|missing| !missing.is_empty())
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> ScopeSet {
        scopes.into_iter().fold(ScopeSet::EMPTY, |set, scope| set.union(ScopeSet::of(&[scope])))
    }
}

impl fmt::Display for ScopeSet {
    /// A list that [`ScopeSet::parse`] reads back: `event:read, event:write`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, scope) in self.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{scope}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Scope::as_str)).finish()
    }
}

impl Serialize for ScopeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for ScopeSet {
    /// Strict: one unknown name fails. A stored grant, which forgives, is read with
    /// [`ScopeSet::parse_lenient`].
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ScopeSet, D::Error> {
        Ok(Vec::<Scope>::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_set() -> impl Strategy<Value = ScopeSet> {
        any::<u16>().prop_map(ScopeSet)
    }

    proptest! {
        #[test]
        fn expanding_twice_is_expanding_once(set in any_set()) {
            prop_assert_eq!(set.expand().expand(), set.expand());
        }

        #[test]
        fn more_scopes_never_permit_less(set in any_set(), more in any_set()) {
            let both = set.union(more).expand();
            prop_assert_eq!(both.union(set.expand()), both);
        }

        #[test]
        fn expanding_only_adds(set in any_set()) {
            prop_assert_eq!(set.expand().union(set), set.expand());
        }

        #[test]
        fn nothing_is_missing_exactly_when_each_needed_scope_is_implied(
            held in any_set(),
            required in any_set(),
        ) {
            let implied = |needed: Scope| held.iter().any(|scope| scope.grants().contains(needed));
            prop_assert_eq!(held.missing(required).is_empty(), required.iter().all(implied));
            prop_assert_eq!(held.covers(required), required.iter().all(implied));
        }

        #[test]
        fn granting_what_is_missing_is_enough(held in any_set(), required in any_set()) {
            prop_assert!(held.union(held.missing(required)).covers(required));
        }

        #[test]
        fn what_prints_is_parsed_back(set in any_set()) {
            prop_assume!(!set.is_empty());
            prop_assert_eq!(ScopeSet::parse(&set.to_string()), Ok(set));
        }

        #[test]
        fn json_survives_a_round_trip(set in any_set()) {
            let json = serde_json::to_string(&set).unwrap();
            prop_assert_eq!(serde_json::from_str::<ScopeSet>(&json).unwrap(), set);
        }

        #[test]
        fn iteration_visits_each_scope_once_in_order(set in any_set()) {
            let scopes: Vec<Scope> = set.iter().collect();
            prop_assert!(scopes.is_sorted());
            prop_assert_eq!(scopes.len(), set.len());
            prop_assert_eq!(scopes.into_iter().collect::<ScopeSet>(), set);
        }

        #[test]
        fn a_token_is_enough_exactly_when_one_alternative_is_covered(
            token in any_set(),
            alternatives in prop::collection::vec(any_set(), 1..4),
        ) {
            let enough = alternatives.iter().any(|&set| token.covers(set));
            prop_assert_eq!(narrow(token, &alternatives).is_none(), enough);
        }
    }

    #[test]
    fn the_default_grant_reads_and_writes_nothing() {
        assert_eq!(DEFAULT_GRANT.to_string(), "org:read, project:read, team:read, event:read");
        assert_eq!(DEFAULT_GRANT.expand(), DEFAULT_GRANT);
    }

    #[test]
    fn a_stronger_scope_stands_in_for_a_weaker_one() {
        let held = ScopeSet::of(&[Scope::EventAdmin]);
        assert_eq!(held.missing(ScopeSet::of(&[Scope::EventRead])), ScopeSet::EMPTY);
        assert_eq!(held.missing(ScopeSet::of(&[Scope::TeamRead])).to_string(), "team:read");
    }

    #[test]
    fn all_scopes_are_sixteen() {
        assert_eq!(ScopeSet::ALL.len(), 16);
        assert!(ScopeSet::default().is_empty());
    }

    #[test]
    fn debug_prints_names() {
        let set = ScopeSet::of(&[Scope::OrgRead, Scope::EventWrite]);
        assert_eq!(format!("{set:?}"), r#"{"org:read", "event:write"}"#);
    }

    #[test]
    fn json_is_a_strict_list_of_names() {
        let set = ScopeSet::of(&[Scope::EventWrite, Scope::OrgRead]);
        assert_eq!(serde_json::to_string(&set).unwrap(), r#"["org:read","event:write"]"#);
        assert!(serde_json::from_str::<ScopeSet>(r#"["org:read","alerts:read"]"#).is_err());
    }

    #[test]
    fn any_token_will_do_where_no_alternative_is_named() {
        assert_eq!(narrow(ScopeSet::EMPTY, &[]), None);
    }

    #[test]
    fn a_narrow_token_is_told_the_shortest_way() {
        let org = ScopeSet::of(&[Scope::OrgRead, Scope::OrgWrite]);
        let project = ScopeSet::of(&[Scope::ProjectRead]);
        let token = ScopeSet::of(&[Scope::EventAdmin]);
        assert_eq!(narrow(token, &[org, project]), Some(project));
        assert_eq!(narrow(ScopeSet::of(&[Scope::ProjectAdmin]), &[org, project]), None);
    }
}
