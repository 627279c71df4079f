//! What a client reads: one snapshot per tool, and the rules that make it portable.

use insta::{assert_json_snapshot, with_settings};
use integration_tests::{everything, listed, listed_with_output};
use serde_json::Value;

#[test]
fn entries_change_only_on_purpose() {
    with_settings!({
        snapshot_path => "snapshots/tools",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        for tool in listed(&everything()) {
            let name = tool["name"].as_str().unwrap().to_owned();
            assert_json_snapshot!(name, tool);
        }
    });
}

#[test]
fn schemas_of_answers_change_only_on_purpose() {
    with_settings!({
        snapshot_path => "snapshots/output",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        for tool in listed_with_output() {
            let name = tool["name"].as_str().unwrap().to_owned();
            assert_json_snapshot!(name, tool["outputSchema"]);
        }
    });
}

#[test]
fn every_client_can_read_the_schemas_of_answers() {
    for tool in listed(&everything()) {
        assert!(tool.get("outputSchema").is_none(), "{tool}");
    }
    for tool in listed_with_output() {
        let schema = &tool["outputSchema"];
        assert_eq!(schema["type"], "object", "{tool}");
        assert_eq!(schema["properties"]["notice"]["type"], "string", "{tool}");
        assert!(!schema["properties"].as_object().unwrap().is_empty(), "{tool}");
        portable(&tool["name"], schema);
    }
}

#[test]
fn every_client_can_read_the_schemas() {
    for tool in listed(&everything()) {
        let schema = &tool["inputSchema"];
        assert_eq!(schema["type"], "object", "{tool}");
        assert_eq!(schema["additionalProperties"], false, "{tool}");
        portable(&tool["name"], schema);
    }
}

/// No `$ref`, no `$schema`, no type arrays, no combinators: some model providers
/// reject the whole list because of one of them.
fn portable(tool: &Value, schema: &Value) {
    match schema {
        Value::Object(object) => {
            for (key, value) in object {
                let odd = ["$ref", "$defs", "$schema", "anyOf", "oneOf", "allOf", "const", "not"];
                assert!(!odd.contains(&key.as_str()), "{tool} has {key}");
                assert!(key != "type" || !value.is_array(), "{tool} has an array of types");
                portable(tool, value);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| portable(tool, item)),
        _ => {}
    }
}

#[test]
fn every_parameter_has_one_type_and_required_ones_exist() {
    for tool in listed(&everything()) {
        let schema = &tool["inputSchema"];
        for (name, property) in schema["properties"].as_object().unwrap() {
            assert!(property["type"].is_string(), "{}: {name}", tool["name"]);
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            assert!(schema["properties"].get(name.as_str().unwrap()).is_some(), "{tool}");
        }
    }
}
