//! Where a grant comes from: flags, environment, config file, or nothing at all.
//!
//! The texts of the layers are arguments. Who reads them from where is not known
//! here.

use std::fmt;

use crate::{DEFAULT_GRANT, ParseScopesError, ScopeSet, level_for};

/// A layer of settings in which somebody can ask for scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The command line: `--scopes`, `--add-scopes`.
    Flags,
    /// The environment: `MCP_SCOPES`, `MCP_ADD_SCOPES`.
    Environment,
    /// The config file: `scopes`, `add_scopes`.
    File,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::Flags => "on the command line",
            Source::Environment => "in the environment",
            Source::File => "in the config file",
        })
    }
}

/// What one layer says about scopes, as text.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// Which layer it is.
    pub source: Source,
    /// The list that replaces the default grant.
    pub scopes: Option<&'a str>,
    /// The list that is added to the default grant.
    pub add_scopes: Option<&'a str>,
}

impl<'a> Layer<'a> {
    /// The same layer without what counts as unset: an empty environment variable.
    fn settled(self) -> Layer<'a> {
        let set = |list: &&str| self.source != Source::Environment || !list.is_empty();
        Layer {
            source: self.source,
            scopes: self.scopes.filter(set),
            add_scopes: self.add_scopes.filter(set),
        }
    }
}

/// What a caller may do, and who decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The granted scopes, as listed: not expanded.
    pub scopes: ScopeSet,
    /// Which option of which layer they came from.
    pub origin: Origin,
}

/// Where a grant came from, precisely enough to tell somebody how to change it.
///
/// Deliberately not `Copy`: an origin may one day carry a name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Nobody asked for anything.
    Default,
    /// `--all-scopes`
    AllScopes,
    /// A list that replaced the default grant.
    Scopes {
        /// The layer that holds the list.
        layer: Source,
        /// The scopes in it.
        listed: ScopeSet,
    },
    /// A list that was added to the default grant.
    AddScopes {
        /// The layer that holds the list.
        layer: Source,
        /// The scopes in it.
        listed: ScopeSet,
    },
    /// A person approved it in the dialog, over HTTP.
    Approved,
}

impl Origin {
    /// What the owner of the settings does to get `missing` granted too.
    ///
    /// The answer is a fragment that fits after "to allow it, ".
    pub fn advice(&self, missing: ScopeSet) -> String {
        if missing.is_empty() {
            return "change nothing: no scope is missing".to_owned();
        }
        match *self {
            Origin::Default => format!("restart with `--add-scopes={}`", compact(missing)),
            // Unreachable by arithmetic: with every scope granted none is missing.
            Origin::AllScopes => "keep `--all-scopes`, which grants it".to_owned(),
            Origin::Scopes { layer, listed } => {
                advice_for(Name { layer, key: Key::Scopes }, listed, missing)
            }
            Origin::AddScopes { layer, listed } => {
                advice_for(Name { layer, key: Key::AddScopes }, listed, missing)
            }
            Origin::Approved => {
                let choice = level_for(missing).map_or_else(
                    || format!("`{}`", compact(missing)),
                    |level| format!("\"{}\"", level.title),
                );
                format!("log in again from the client and tick {choice} in the approval dialog")
            }
        }
    }
}

fn advice_for(name: Name, listed: ScopeSet, missing: ScopeSet) -> String {
    let option = name.option();
    match name.layer {
        Source::Flags | Source::Environment => {
            let list = compact(listed.union(missing));
            format!("add it to `{option}` and restart: `{option}={list}`")
        }
        Source::File => {
            format!("add `{}` to `{option}` in the config file and restart", compact(missing))
        }
    }
}

/// A list to copy into a shell: no spaces that would need quotes.
fn compact(scopes: ScopeSet) -> String {
    scopes.to_string().replace(' ', "")
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Origin::Default => f.write_str("the default grant"),
            Origin::AllScopes => f.write_str("`--all-scopes` on the command line"),
            Origin::Scopes { layer, .. } => Name { layer, key: Key::Scopes }.fmt(f),
            Origin::AddScopes { layer, .. } => Name { layer, key: Key::AddScopes }.fmt(f),
            Origin::Approved => f.write_str("the approval dialog"),
        }
    }
}

/// One option of one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Name {
    layer: Source,
    key: Key,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Scopes,
    AddScopes,
}

impl Name {
    /// The name as a person types it in that layer.
    fn option(self) -> &'static str {
        match (self.layer, self.key) {
            (Source::Flags, Key::Scopes) => "--scopes",
            (Source::Flags, Key::AddScopes) => "--add-scopes",
            (Source::Environment, Key::Scopes) => "MCP_SCOPES",
            (Source::Environment, Key::AddScopes) => "MCP_ADD_SCOPES",
            (Source::File, Key::Scopes) => "scopes",
            (Source::File, Key::AddScopes) => "add_scopes",
        }
    }

    fn parse(self, list: Option<&str>) -> Result<Option<ScopeSet>, ResolveError> {
        let parsed = list.map(ScopeSet::parse).transpose();
        parsed.map_err(|source| ResolveError { name: self, source })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.option(), self.layer)
    }
}

/// A list of scopes in the settings that cannot be used.
///
/// The message names the option; what is wrong with its list is the source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {name}")]
pub struct ResolveError {
    name: Name,
    /// What is wrong with the list.
    #[source]
    pub source: ParseScopesError,
}

impl ResolveError {
    /// The layer that holds the bad list.
    pub fn layer(&self) -> Source {
        self.name.layer
    }

    /// The setting that holds the bad list, the same in every layer: `scopes` or
    /// `add_scopes`.
    pub fn key(&self) -> &'static str {
        Name { layer: Source::File, ..self.name }.option()
    }

    /// The option that holds the bad list, as a person types it in that layer.
    pub fn option(&self) -> &'static str {
        self.name.option()
    }
}

/// Decides the grant from the settings. `layers` come highest first.
///
/// `--all-scopes` wins over everything. Otherwise the highest layer that sets either
/// list decides alone, and inside it `scopes` wins over `add_scopes`. Lower layers
/// are not even read; the layer that decides is read strictly, both its lists.
pub fn resolve(all_scopes: bool, layers: &[Layer<'_>]) -> Result<Granted, ResolveError> {
    if all_scopes {
        return Ok(Granted { scopes: ScopeSet::ALL, origin: Origin::AllScopes });
    }
    for layer in layers.iter().map(|layer| layer.settled()) {
        let scopes = Name { layer: layer.source, key: Key::Scopes }.parse(layer.scopes)?;
        let added = Name { layer: layer.source, key: Key::AddScopes }.parse(layer.add_scopes)?;
        let layer = layer.source;
        if let Some(listed) = scopes {
            return Ok(Granted { scopes: listed, origin: Origin::Scopes { layer, listed } });
        }
        if let Some(listed) = added {
            let scopes = DEFAULT_GRANT.union(listed);
            return Ok(Granted { scopes, origin: Origin::AddScopes { layer, listed } });
        }
    }
    Ok(Granted { scopes: DEFAULT_GRANT, origin: Origin::Default })
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;
    use crate::Scope;

    type Lists<'a> = (Option<&'a str>, Option<&'a str>);

    const UNSET: Lists<'static> = (None, None);

    /// Resolves `(scopes, add_scopes)` of the three layers, highest first.
    fn resolved(lists: [Lists<'_>; 3]) -> Result<Granted, ResolveError> {
        let sources = [Source::Flags, Source::Environment, Source::File];
        let layers = [0, 1, 2].map(|i| {
            let (scopes, add_scopes) = lists[i];
            Layer { source: sources[i], scopes, add_scopes }
        });
        resolve(false, &layers)
    }

    #[track_caller]
    fn check(lists: [Lists<'_>; 3], scopes: ScopeSet, origin: &str) {
        let granted = resolved(lists).unwrap();
        assert_eq!((granted.scopes, granted.origin.to_string().as_str()), (scopes, origin));
    }

    fn default_and(scope: Scope) -> ScopeSet {
        DEFAULT_GRANT.union(ScopeSet::of(&[scope]))
    }

    const ORG: ScopeSet = ScopeSet::of(&[Scope::OrgRead]);

    #[test]
    fn nothing_gives_the_default_grant() {
        check([UNSET; 3], DEFAULT_GRANT, "the default grant");
        assert_eq!(resolve(false, &[]).unwrap().scopes, DEFAULT_GRANT);
    }

    #[test]
    fn scopes_replace_the_default() {
        let list = (Some("org:read"), None);
        check([list, UNSET, UNSET], ORG, "`--scopes` on the command line");
        check([UNSET, list, UNSET], ORG, "`MCP_SCOPES` in the environment");
        check([UNSET, UNSET, list], ORG, "`scopes` in the config file");
    }

    #[test]
    fn add_scopes_come_on_top_of_the_default() {
        let list = (None, Some("event:write"));
        let scopes = default_and(Scope::EventWrite);
        check([list, UNSET, UNSET], scopes, "`--add-scopes` on the command line");
        check([UNSET, list, UNSET], scopes, "`MCP_ADD_SCOPES` in the environment");
        check([UNSET, UNSET, list], scopes, "`add_scopes` in the config file");
    }

    #[test]
    fn all_scopes_win_over_everything_even_over_nonsense() {
        let flags =
            Layer { source: Source::Flags, scopes: Some("org:read"), add_scopes: Some("nonsense") };
        let granted = resolve(true, &[flags]).unwrap();
        assert_eq!(granted.scopes, ScopeSet::ALL);
        assert_eq!(granted.origin, Origin::AllScopes);
        assert_eq!(granted.origin.to_string(), "`--all-scopes` on the command line");
    }

    #[test]
    fn inside_a_layer_scopes_win_over_add_scopes() {
        let both = (Some("org:read"), Some("event:write"));
        check([both, UNSET, UNSET], ORG, "`--scopes` on the command line");
        check([UNSET, both, UNSET], ORG, "`MCP_SCOPES` in the environment");
        check([UNSET, UNSET, both], ORG, "`scopes` in the config file");
    }

    #[test]
    fn the_highest_layer_that_sets_either_option_decides_alone() {
        let scopes = (Some("org:read"), None);
        let added = (None, Some("event:write"));
        let raised = default_and(Scope::EventWrite);
        check([added, scopes, UNSET], raised, "`--add-scopes` on the command line");
        check([added, UNSET, scopes], raised, "`--add-scopes` on the command line");
        check([scopes, added, added], ORG, "`--scopes` on the command line");
        check([UNSET, added, scopes], raised, "`MCP_ADD_SCOPES` in the environment");
        check([UNSET, scopes, added], ORG, "`MCP_SCOPES` in the environment");
    }

    #[test]
    fn the_lists_of_ignored_layers_are_not_read() {
        let bad = (Some("nonsense"), Some(","));
        check([(Some("org:read"), None), bad, bad], ORG, "`--scopes` on the command line");
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let file = (Some("org:read"), None);
        check([UNSET, (Some(""), Some("")), file], ORG, "`scopes` in the config file");
        check(
            [UNSET, (Some(""), Some("event:write")), file],
            default_and(Scope::EventWrite),
            "`MCP_ADD_SCOPES` in the environment",
        );
    }

    #[track_caller]
    fn check_error(lists: [Lists<'_>; 3], message: &str, source: &ParseScopesError) {
        let err = resolved(lists).unwrap_err();
        assert_eq!(err.to_string(), message);
        assert_eq!(&err.source, source);
        assert_eq!(err.source().unwrap().to_string(), source.to_string());
    }

    #[test]
    fn a_list_with_no_scope_in_it_is_an_error_that_names_its_option() {
        let empty = ParseScopesError::Empty;
        let flags = |lists| [lists, UNSET, UNSET];
        check_error(flags((Some(""), None)), "cannot use `--scopes` on the command line", &empty);
        check_error(flags((Some(","), None)), "cannot use `--scopes` on the command line", &empty);
        check_error(
            flags((None, Some(" "))),
            "cannot use `--add-scopes` on the command line",
            &empty,
        );
        let env = [UNSET, (Some(","), None), UNSET];
        check_error(env, "cannot use `MCP_SCOPES` in the environment", &empty);
        let file = [UNSET, UNSET, (None, Some(""))];
        check_error(file, "cannot use `add_scopes` in the config file", &empty);
    }

    #[test]
    fn one_unknown_token_is_an_error_that_names_its_option() {
        let err = resolved([UNSET, (None, Some("org:read,Event:Write")), UNSET]).unwrap_err();
        assert_eq!((err.layer(), err.option()), (Source::Environment, "MCP_ADD_SCOPES"));
        assert_eq!(err.key(), "add_scopes");
        let cause = err.source().unwrap().to_string();
        assert!(
            cause.starts_with("unknown scope `Event:Write` (did you mean `event:write`?); allowed"),
            "{cause}",
        );
    }

    #[test]
    fn the_list_that_loses_inside_the_deciding_layer_is_read_strictly_too() {
        let err = resolved([(Some("org:read"), Some("evnt:write")), UNSET, UNSET]).unwrap_err();
        assert_eq!(err.option(), "--add-scopes");
    }

    #[test]
    fn advice_extends_the_option_that_decided() {
        let missing = ScopeSet::of(&[Scope::EventWrite]);
        let advice = |lists| resolved(lists).unwrap().origin.advice(missing);
        let scopes = (Some("org:read,event:read"), None);
        let added = (None, Some("project:write"));
        let cases = [
            (advice([UNSET; 3]), "restart with `--add-scopes=event:write`"),
            (
                advice([scopes, UNSET, UNSET]),
                "add it to `--scopes` and restart: `--scopes=org:read,event:read,event:write`",
            ),
            (
                advice([added, UNSET, UNSET]),
                "add it to `--add-scopes` and restart: `--add-scopes=project:write,event:write`",
            ),
            (
                advice([UNSET, scopes, UNSET]),
                "add it to `MCP_SCOPES` and restart: `MCP_SCOPES=org:read,event:read,event:write`",
            ),
            (
                advice([UNSET, UNSET, added]),
                "add `event:write` to `add_scopes` in the config file and restart",
            ),
        ];
        for (got, expected) in cases {
            assert_eq!(got, expected);
        }
    }

    #[test]
    fn advice_to_somebody_who_approved_names_the_level_or_the_scope() {
        let advice = |missing: &[Scope]| Origin::Approved.advice(ScopeSet::of(missing));
        assert_eq!(
            advice(&[Scope::EventWrite]),
            "log in again from the client and tick \"Issue triage\" in the approval dialog",
        );
        assert!(advice(&[Scope::EventAdmin]).contains("tick `event:admin`"));
    }

    #[test]
    fn following_the_advice_grants_what_was_missing() {
        let missing = ScopeSet::of(&[Scope::EventWrite, Scope::TeamWrite]);
        let advice = resolved([UNSET; 3]).unwrap().origin.advice(missing);
        let list = advice.split(['=', '`']).nth(2).unwrap();
        let granted = resolved([(None, Some(list)), UNSET, UNSET]).unwrap();
        assert!(granted.scopes.covers(missing), "{advice}");
    }
}
