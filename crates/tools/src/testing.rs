//! The one place where unit tests touch the API of this crate.

use std::sync::Arc;

use agent::Agent;
use jsonschema::Validator;
use scopes::{Granted, Origin, ScopeSet};
use sentry_client::{Client, Fence, docs::DocsService};
use serde_json::Value;
use test_support::FakeSentry;

use crate::{
    answer::{Answer, DEFAULT_BUDGET},
    gate::Grant,
    installation::{Format, Installation},
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
    call_with(sentry, grant, None, tool, args).await
}

/// The same, where an agent translates sentences.
pub(crate) async fn call_with(
    sentry: &FakeSentry,
    grant: &Grant,
    agent: Option<Arc<Agent>>,
    tool: &str,
    args: Value,
) -> String {
    let client: Client = sentry.client().with_fence(grant.fence.clone()).for_call();
    let docs = DocsService::parse(&sentry.uri(), &sentry.uri()).ok();
    let output = Format::Structured;
    let catalog = Catalog::new(Installation { docs, output, agent, ..Installation::default() });
    let args = args.as_object().cloned().unwrap_or_default();
    let call = Call { sentry: &client, grant, name: tool, args, progress: &() };
    match catalog.whole(call).await {
        Ok(answer) => checked(&catalog, tool, answer),
        Err(err) => format!("error: {err}"),
    }
}

/// The tools of an installation that sends data; `uri` is where the documentation is.
pub(crate) fn catalog(uri: &str) -> Catalog {
    catalog_within(DEFAULT_BUDGET, uri)
}

/// The same with another budget for answers, in tokens.
pub(crate) fn catalog_within(max_tokens: usize, uri: &str) -> Catalog {
    let docs = DocsService::parse(uri, uri).ok();
    let output = Format::Structured;
    Catalog::new(Installation { docs, max_tokens, output, ..Installation::default() })
}

/// The text of an answer. Its data must be what the schema of the tool says, whatever the budget
/// left of them.
pub(crate) fn checked(catalog: &Catalog, tool: &str, answer: Answer) -> String {
    let data = Data::of(catalog, tool);
    for budget in [1, 300, DEFAULT_BUDGET, usize::MAX] {
        data.check(&answer.clone().limited(budget).fitted(budget));
    }
    answer.without_data().fitted(DEFAULT_BUDGET).into_string()
}

/// What the schema of a tool allows as data.
pub(crate) struct Data {
    tool: String,
    schema: Validator,
}

impl Data {
    pub(crate) fn of(catalog: &Catalog, tool: &str) -> Data {
        let specs = catalog.all();
        let spec = specs.iter().find(|spec| spec.meta.name == tool).unwrap();
        let schema = Value::Object(spec.output_schema.clone().unwrap());
        Data { tool: tool.to_owned(), schema: jsonschema::validator_for(&schema).unwrap() }
    }

    /// Fails unless the data of an answer that was fitted are such.
    pub(crate) fn check(&self, fitted: &Answer) {
        let data = fitted.structured().unwrap();
        if let Err(problem) = self.schema.validate(data) {
            panic!("{}: {problem} at {}: {data:#}", self.tool, problem.instance_path());
        }
    }
}

/// A grant of all scopes.
pub(crate) fn everything() -> Grant {
    Grant::new(Granted { scopes: ScopeSet::ALL, origin: Origin::AllScopes })
}
