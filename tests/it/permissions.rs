//! What each tool needs, and that every path to a tool asks the one gate.

use integration_tests::{catalog, everything};
use scopes::{Granted, Origin, ScopeSet};
use sentry_client::Fence;
use tools::{gate::Grant, registry::ToolRegistry as _};

/// The contract: the tool, what it needs, and what Sentry accepts for its main request.
const CONTRACT: &[(&str, &str, &str)] = &[
    ("whoami", "", "any token"),
    ("find_organizations", "org:read", "org:read"),
    ("find_projects", "project:read", "org:read or project:read"),
    ("create_project", "project:write, team:read", "project:write"),
    ("update_project", "project:write", "project:write"),
    ("find_dsns", "project:read", "project:read"),
    ("create_dsn", "project:write", "project:write"),
    ("find_teams", "team:read", "org:read"),
    ("create_team", "team:write", "team:write or org:write"),
    ("find_releases", "project:read", "project:read or project:releases"),
    ("search_issues", "event:read", "event:read"),
    ("get_issue_details", "event:read", "event:read"),
    ("update_issue", "event:write", "event:write"),
    ("search_events", "event:read", "org:read"),
    ("find_event_fields", "event:read", "org:read"),
    ("get_event_attachment", "event:read", "project:read"),
    ("get_trace_details", "event:read", "org:read"),
    ("analyze_issue_with_seer", "event:read", "event:read"),
    ("search_docs", "", "any token"),
    ("get_doc", "", "any token"),
];

#[test]
fn every_tool_needs_and_asks_what_the_contract_says() {
    let catalog = catalog();
    let row = |meta: tools::tool::Meta| {
        let accepts = tools::gate::alternatives(meta.upstream.accepts);
        (meta.name, meta.requires.to_string(), accepts)
    };
    let actual: Vec<_> = catalog.all().iter().map(|spec| row(spec.meta)).collect();
    let expected: Vec<_> = CONTRACT
        .iter()
        .map(|(name, needs, accepts)| (*name, (*needs).to_owned(), (*accepts).to_owned()))
        .collect();
    assert_eq!(actual, expected);
}

#[test]
fn an_endpoint_is_named_as_sentry_documents_it() {
    for spec in catalog().all() {
        let endpoint = spec.meta.upstream.endpoint;
        for one in endpoint.split("` or `").filter(|one| !one.is_empty()) {
            let (method, path) = one.split_once(' ').unwrap();
            let known = ["GET", "POST", "PUT"].contains(&method);
            let whole = path.starts_with("/api/0/") && path.ends_with('/');
            assert!(known && whole, "{}: {endpoint}", spec.meta.name);
        }
    }
}

#[test]
fn listing_and_checking_agree_under_every_set_of_scopes_that_matters() {
    let catalog = catalog();
    let used =
        catalog.all().iter().fold(ScopeSet::EMPTY, |all, spec| all.union(spec.meta.requires));
    let used: Vec<_> = used.iter().collect();
    for bits in 0_u32..1 << used.len() {
        let granted: ScopeSet = used
            .iter()
            .enumerate()
            .filter(|(bit, _)| bits >> bit & 1 == 1)
            .map(|(_, scope)| *scope)
            .collect();
        let grant = Grant::new(Granted { scopes: granted, origin: Origin::Default });
        let visible: Vec<&str> =
            catalog.visible(&grant).iter().map(|spec| spec.meta.name).collect();
        for spec in catalog.all() {
            let name = spec.meta.name;
            let allowed = granted.missing(spec.meta.requires).is_empty();
            assert_eq!(visible.contains(&name), allowed, "{name} with {granted}");
            assert_eq!(catalog.check(&grant, name).is_ok(), allowed, "{name} with {granted}");
        }
    }
}

#[test]
fn a_refusal_names_all_scopes_of_the_operation_and_the_missing_ones() {
    let catalog = catalog();
    let granted = "project:write".parse().map(|scope| ScopeSet::of(&[scope])).unwrap();
    let grant = Grant::new(Granted { scopes: granted, origin: Origin::Default });
    let refusal = catalog.check(&grant, "create_project").unwrap_err();
    assert_eq!(refusal.needs.to_string(), "project:write, team:read");
    assert_eq!(refusal.missing().to_string(), "team:read");
    assert!(refusal.to_string().contains("--add-scopes=team:read"), "{refusal}");
}

#[test]
fn a_known_token_narrows_and_an_unknown_one_does_not() {
    let catalog = catalog();
    let wide = everything();
    assert!(catalog.check(&wide, "find_teams").is_ok());
    let token = Some(ScopeSet::parse("event:admin").unwrap());
    let narrow = Grant { token, ..everything() };
    let refusal = catalog.check(&narrow, "find_teams").unwrap_err();
    assert_eq!(refusal.reason.state(), "token too narrow");
    assert!(catalog.check(&narrow, "update_issue").is_ok());
}

#[test]
fn the_fence_hides_what_it_makes_pointless() {
    let fence = Fence { organization: "acme".parse().ok(), project: "api".parse().ok() };
    let grant = Grant { fence, ..everything() };
    let catalog = catalog();
    for name in ["find_organizations", "find_projects", "create_project"] {
        assert_eq!(catalog.check(&grant, name).unwrap_err().reason.state(), "fenced", "{name}");
    }
    for spec in catalog.visible(&grant) {
        for parameter in ["organizationSlug", "projectSlug", "projectSlugOrId"] {
            let fixed = tools::schema::property(&spec.input_schema, parameter);
            assert!(fixed.is_none(), "{} still asks for {parameter}", spec.meta.name);
        }
    }
}
