//! The one place where unit tests touch the API of this crate.

use scopes::{Granted, Origin, ScopeSet};
use sentry_client::{Client, Fence, docs::DocsService};
use serde_json::Value;
use test_support::FakeSentry;

use crate::{
    gate::Grant,
    installation::Installation,
    registry::{Call, Catalog, ToolRegistry},
};

/// Calls a tool with every scope granted, and renders whatever comes back.
pub(crate) async fn call(sentry: &FakeSentry, tool: &str, args: Value) -> String {
    call_as(sentry, &everything(), tool, args).await
}

/// The same, inside a fence.
pub(crate) async fn call_fenced(
    sentry: &FakeSentry,
    organization: &str,
    project: Option<&str>,
    tool: &str,
    args: Value,
) -> String {
    let fence = Fence {
        organization: organization.parse().ok(),
        project: project.and_then(|project| project.parse().ok()),
    };
    call_as(sentry, &Grant { fence, ..everything() }, tool, args).await
}

/// The same, on behalf of any grant.
pub(crate) async fn call_as(sentry: &FakeSentry, grant: &Grant, tool: &str, args: Value) -> String {
    let client: Client = sentry.client().with_fence(grant.fence.clone()).for_call();
    let docs = DocsService::parse(&sentry.uri(), &sentry.uri()).ok();
    let catalog = Catalog::new(Installation { docs, ..Installation::default() });
    let args = args.as_object().cloned().unwrap_or_default();
    let call = Call { sentry: &client, grant, name: tool, args, progress: &() };
    match catalog.call(call).await {
        Ok(answer) => answer.into_string(),
        Err(err) => format!("error: {err}"),
    }
}

/// A grant of all scopes.
pub(crate) fn everything() -> Grant {
    Grant::new(Granted { scopes: ScopeSet::ALL, origin: Origin::AllScopes })
}
