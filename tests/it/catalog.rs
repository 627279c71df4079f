//! Promises about names, descriptions, and effects.

use std::collections::BTreeSet;

use integration_tests::{catalog, everything, listed};
use serde_json::json;
use tools::{registry::ToolRegistry as _, tool::Effect};

const VERBS: &[&str] = &["find_", "search_", "get_", "create_", "update_", "analyze_"];

#[test]
fn names_are_unique_and_say_what_they_do() {
    let mut seen = BTreeSet::new();
    for spec in catalog().all() {
        let name = spec.meta.name;
        assert!(seen.insert(name), "two tools are called `{name}`");
        let verb = VERBS.iter().any(|verb| name.starts_with(verb));
        assert!(verb || name == "whoami", "`{name}` is not verb_noun");
    }
}

#[test]
fn every_tool_says_what_it_is_for_in_sentences() {
    for spec in catalog().all() {
        let text = &spec.description;
        assert!(text.ends_with('.') && text.len() >= 40, "{}: {text}", spec.meta.name);
        assert!(!text.contains('{'), "{} has an unfilled marker: {text}", spec.meta.name);
        assert!(text.len() <= 600, "{} is long-winded", spec.meta.name);
    }
}

#[test]
fn the_effect_fits_the_name_and_the_hints_fit_the_effect() {
    let catalog = catalog();
    for (spec, entry) in catalog.all().iter().zip(listed(&everything())) {
        let (effect, hints) = match spec.meta.name.split('_').next() {
            Some("create") => (Effect::Create, (false, false, false)),
            Some("update") => (Effect::Update, (false, true, true)),
            Some("analyze") => (Effect::Start, (false, false, true)),
            _ => (Effect::Read, (true, false, true)),
        };
        assert_eq!(spec.meta.effect, effect, "{}", spec.meta.name);
        let (read_only, destructive, idempotent) = hints;
        let expected = json!({
            "readOnlyHint": read_only,
            "destructiveHint": destructive,
            "idempotentHint": idempotent,
            "openWorldHint": true,
        });
        assert_eq!(entry["annotations"], expected, "{}", spec.meta.name);
    }
}

#[test]
fn lists_can_be_paged() {
    for spec in catalog().all() {
        let name = spec.meta.name;
        let list = name.starts_with("find_") || name.starts_with("search_");
        let cursor = tools::schema::property(&spec.input_schema, "cursor").is_some();
        assert_eq!(list, cursor, "{name}");
    }
}
