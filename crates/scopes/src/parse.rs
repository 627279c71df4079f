//! Reading lists of scopes: strictly from a person, leniently from a store.
//!
//! Which option the text came from is added by `grant.rs`.

use std::fmt;

use crate::{Scope, ScopeSet};

/// Text that names no scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownScope {
    /// The text, as it was given.
    pub token: String,
    /// The scope that was probably meant.
    pub suggestion: Option<Scope>,
}

impl fmt::Display for UnknownScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown scope `{}`", self.token.escape_debug())?;
        if let Some(scope) = self.suggestion {
            write!(f, " (did you mean `{scope}`?)")?;
        } else if self.token.contains(char::is_whitespace) {
            write!(f, " (put a comma between scopes)")?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownScope {}

/// A list of scopes that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseScopesError {
    /// There is text, but no scope in it.
    #[error("no scope in the list; allowed scopes: {all}", all = ScopeSet::ALL)]
    Empty,
    /// At least one part of the list is not a scope.
    #[error("{}; allowed scopes: {all}", join(.0), all = ScopeSet::ALL)]
    Unknown(
        /// Every bad part, once each, in the order in which they were written.
        Vec<UnknownScope>,
    ),
}

fn join(unknown: &[UnknownScope]) -> String {
    unknown.iter().map(UnknownScope::to_string).collect::<Vec<_>>().join(", ")
}

impl ScopeSet {
    /// Reads a comma-separated list, strictly.
    ///
    /// Spaces around a part, empty parts and duplicates are forgiven. A part that is
    /// not a scope, and a list without any scope, is an error that says what would
    /// be right.
    pub fn parse(text: &str) -> Result<ScopeSet, ParseScopesError> {
        let mut set = ScopeSet::EMPTY;
        let mut unknown = Vec::new();
        for part in parts(text.split(',')) {
            match part.parse::<Scope>() {
                Ok(scope) => set = set.union(ScopeSet::of(&[scope])),
                Err(err) if !unknown.contains(&err) => unknown.push(err),
                Err(_) => {}
            }
        }
        if !unknown.is_empty() {
            return Err(ParseScopesError::Unknown(unknown));
        }
        if set.is_empty() { Err(ParseScopesError::Empty) } else { Ok(set) }
    }

    /// Reads scope names that somebody else keeps: a stored grant, a Sentry token.
    ///
    /// Returns the scopes among them and, so that the caller can warn, the names
    /// that are not ours, in their order.
    pub fn parse_lenient<'a>(names: impl IntoIterator<Item = &'a str>) -> (ScopeSet, Vec<String>) {
        let mut set = ScopeSet::EMPTY;
        let mut unknown = Vec::new();
        for name in parts(names) {
            match name.parse::<Scope>() {
                Ok(scope) => set = set.union(ScopeSet::of(&[scope])),
                Err(err) => unknown.push(err.token),
            }
        }
        (set, unknown)
    }
}

fn parts<'a>(list: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    list.into_iter().map(str::trim).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALLOWED: &str = "allowed scopes: org:read, org:write, org:admin, project:read, \
        project:write, project:admin, team:read, team:write, team:admin, member:read, \
        member:write, member:admin, event:read, event:write, event:admin, project:releases";

    fn error(text: &str) -> String {
        ScopeSet::parse(text).unwrap_err().to_string()
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in any::<String>()) {
            if let Err(err) = ScopeSet::parse(&text) {
                prop_assert!(err.to_string().ends_with(ALLOWED));
            }
        }

        #[test]
        fn what_is_accepted_is_what_was_listed(
            scopes in prop::collection::vec(prop::sample::select(&Scope::ALL[..]), 1..20),
            gap in "[ \t]{0,3}(,[ ]{0,2}){1,3}",
        ) {
            let names: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
            let set: ScopeSet = scopes.iter().copied().collect();
            prop_assert_eq!(ScopeSet::parse(&names.join(&gap)), Ok(set));
        }
    }

    #[test]
    fn spaces_duplicates_and_empty_parts_are_forgiven() {
        assert_eq!(
            ScopeSet::parse(" event:read ,, event:write,event:read, "),
            Ok(ScopeSet::of(&[Scope::EventRead, Scope::EventWrite])),
        );
    }

    #[test]
    fn a_list_without_a_scope_is_an_error() {
        for text in ["", ",", " , ,, ", "\t"] {
            assert_eq!(error(text), format!("no scope in the list; {ALLOWED}"), "{text:?}");
        }
    }

    #[test]
    fn every_bad_token_is_named_once_with_its_nearest_spelling() {
        assert_eq!(
            error("evnt:read,org:read,alerts:read,evnt:read"),
            format!(
                "unknown scope `evnt:read` (did you mean `event:read`?), \
                 unknown scope `alerts:read`; {ALLOWED}"
            ),
        );
    }

    #[test]
    fn the_wrong_case_is_an_error_that_suggests_the_right_one() {
        assert_eq!(
            error("Event:Write"),
            format!("unknown scope `Event:Write` (did you mean `event:write`?); {ALLOWED}"),
        );
    }

    #[test]
    fn a_list_separated_by_spaces_is_told_about_commas() {
        assert_eq!(
            error("org:read event:read"),
            format!("unknown scope `org:read event:read` (put a comma between scopes); {ALLOWED}"),
        );
    }

    #[test]
    fn control_characters_in_a_token_do_not_reach_the_terminal() {
        assert!(error("org\u{1b}[2J:read\u{7}").contains(r"`org\u{1b}[2J:read\u{7}`"));
    }

    #[test]
    fn a_stored_grant_loses_what_is_unknown_and_keeps_the_rest() {
        let (set, unknown) =
            ScopeSet::parse_lenient(["org:read", "alerts:read", "Event:Read", " team:write "]);
        assert_eq!(set, ScopeSet::of(&[Scope::OrgRead, Scope::TeamWrite]));
        assert_eq!(unknown, ["alerts:read", "Event:Read"]);
    }
}
