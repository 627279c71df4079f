//! The catalogue as a client of the protocol sees it, for the suites in `it`.

use server::{config::default_installation, wire};
use tools::{
    gate::Grant,
    installation::{Format, Installation},
    registry::{Catalog, ToolRegistry as _},
};

/// The catalogue of an installation that lacks nothing.
pub fn catalog() -> Catalog {
    Catalog::new(default_installation())
}

/// What `tools/list` holds under a grant, as JSON.
pub fn listed(grant: &Grant) -> Vec<serde_json::Value> {
    list(&catalog(), grant)
}

/// The same where answers are sent as data too.
pub fn listed_with_output() -> Vec<serde_json::Value> {
    let installation = Installation { output: Format::Structured, ..default_installation() };
    list(&Catalog::new(installation), &everything())
}

#[expect(clippy::expect_used, reason = "a test helper may panic")]
fn list(catalog: &Catalog, grant: &Grant) -> Vec<serde_json::Value> {
    let tools = catalog.visible(grant).into_iter().map(|spec| wire::tool(&spec));
    tools.map(|tool| serde_json::to_value(tool).expect("a tool is JSON")).collect()
}

/// A grant of everything.
pub fn everything() -> Grant {
    Grant::new(scopes::Granted { scopes: scopes::ScopeSet::ALL, origin: scopes::Origin::AllScopes })
}
