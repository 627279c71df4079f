//! The catalogue as a client of the protocol sees it, for the suites in `it`.

use server::{config::default_installation, wire};
use tools::{
    gate::Grant,
    registry::{Catalog, ToolRegistry as _},
};

/// The catalogue of an installation that lacks nothing.
pub fn catalog() -> Catalog {
    Catalog::new(default_installation())
}

/// What `tools/list` holds under a grant, as JSON.
#[expect(clippy::expect_used, reason = "a test helper may panic")]
pub fn listed(grant: &Grant) -> Vec<serde_json::Value> {
    let catalog = catalog();
    let tools = catalog.visible(grant).into_iter().map(|spec| wire::tool(&spec));
    tools.map(|tool| serde_json::to_value(tool).expect("a tool is JSON")).collect()
}

/// A grant of everything.
pub fn everything() -> Grant {
    Grant::new(scopes::Granted { scopes: scopes::ScopeSet::ALL, origin: scopes::Origin::AllScopes })
}
