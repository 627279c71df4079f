//! What the approval dialog shows about levels and scopes, as plain data: the dialog knows no tool.

use scopes::{DEFAULT_GRANT, Granted, LEVELS, Origin, Scope, ScopeSet};
use sentry_client::Fence;
use tools::gate::Grant;

use crate::handler::McpServer;

/// A permission level and the tools it opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelView {
    /// Its stable name.
    pub id: &'static str,
    /// What the dialog calls it.
    pub title: &'static str,
    /// What it opens, in plain words.
    pub opens: &'static str,
    /// The scopes it adds.
    pub adds: ScopeSet,
    /// The names of the tools that it opens, on top of the base for all but the base.
    pub tools: Vec<String>,
}

/// A scope and the tools that it opens by itself on top of the base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeView {
    /// The scope.
    pub scope: Scope,
    /// The names of the tools.
    pub tools: Vec<String>,
}

impl McpServer {
    /// All levels; the first is always on.
    pub fn levels(&self) -> Vec<LevelView> {
        let base = self.opened_by(ScopeSet::EMPTY, DEFAULT_GRANT);
        let view = |level: &scopes::Level| LevelView {
            id: level.id,
            title: level.title,
            opens: level.opens,
            adds: level.adds,
            tools: if level.adds == DEFAULT_GRANT {
                base.clone()
            } else {
                self.opened_by(DEFAULT_GRANT, level.adds)
            },
        };
        LEVELS.iter().map(view).collect()
    }

    /// All scopes.
    pub fn scopes(&self) -> Vec<ScopeView> {
        let tools = |scope| self.opened_by(DEFAULT_GRANT, ScopeSet::of(&[scope]));
        Scope::ALL.into_iter().map(|scope| ScopeView { scope, tools: tools(scope) }).collect()
    }

    /// The default grant, as OAuth writes a list of scopes.
    pub fn default_scopes() -> Vec<&'static str> {
        DEFAULT_GRANT.iter().map(Scope::as_str).collect()
    }

    /// What Sentry has to be asked for so that a grant works: the union of what the opened tools
    /// need there, and `org:read` where the resource names an organization, to check that.
    pub fn upstream_scopes(&self, granted: ScopeSet, fenced: bool) -> ScopeSet {
        let needs = self.needs_of(&approved(granted));
        if fenced { needs.union(ScopeSet::of(&[Scope::OrgRead])) } else { needs }
    }

    /// The tools that `adds` opens beyond `base`. Tools that need nothing count for no base.
    fn opened_by(&self, base: ScopeSet, adds: ScopeSet) -> Vec<String> {
        let open = |scopes, name| self.registry().check(&approved(scopes), name).is_ok();
        let names = self.registry().all().into_iter().map(|spec| spec.meta.name);
        let opened = names
            .filter(|name| open(base.union(adds), name) && (base.is_empty() || !open(base, name)));
        opened.map(str::to_owned).collect()
    }
}

fn approved(scopes: ScopeSet) -> Grant {
    Grant { fence: Fence::none(), ..Grant::new(Granted { scopes, origin: Origin::Approved }) }
}
