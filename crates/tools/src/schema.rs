//! Portable input schemas: what every MCP client and model provider can read.
//!
//! No `$ref`, no `$schema`, no type arrays, no combinators, no titles, no formats.
//! schemars alone gives all of these, and some providers then reject the whole list.

use schemars::{JsonSchema, Schema, generate::SchemaSettings, transform::RecursiveTransform};
use serde_json::{Map, Value, json};

use crate::answer::NOTICE_FIELD;

/// The schema of what a tool says as data, with the field that says what was left out.
pub fn output<T: JsonSchema>() -> Map<String, Value> {
    let (_, mut schema) = portable::<T>();
    if let Some(Value::Object(fields)) = schema.get_mut("properties") {
        let notice = "What was left out to fit the budget, and how to get it.";
        fields.insert(NOTICE_FIELD.to_owned(), json!({ "type": "string", "description": notice }));
    }
    schema
}

/// The description of `T` and the schema of its fields.
pub fn portable<T: JsonSchema>() -> (String, Map<String, Value>) {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let settings = settings.with_transform(RecursiveTransform(simplify));
    let root = settings.into_generator().into_root_schema_for::<T>();
    let mut schema = match root.to_value() {
        Value::Object(schema) => schema,
        _ => Map::new(),
    };
    let description = match schema.shift_remove("description") {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    schema.entry("properties").or_insert_with(|| json!({}));
    schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    (unwrap_lines(&description), schema)
}

/// Takes a parameter out of a schema, because the session fixes its value.
pub fn without(schema: &mut Map<String, Value>, parameter: &str) {
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.shift_remove(parameter);
    }
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| name != parameter);
        if required.is_empty() {
            schema.shift_remove("required");
        }
    }
}

/// The schema of one parameter.
pub fn property<'a>(schema: &'a Map<String, Value>, parameter: &str) -> Option<&'a Value> {
    schema.get("properties")?.get(parameter)
}

fn simplify(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    only_branch(object);
    constants(object);
    for noise in ["$schema", "title", "format"] {
        object.shift_remove(noise);
    }
    if object.get("default").is_some_and(Value::is_null) {
        object.shift_remove("default");
    }
    if object.get("minimum").is_some_and(|minimum| minimum == 0) {
        object.shift_remove("minimum");
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::String(text)) = object.get_mut("description") {
        *text = unwrap_lines(text);
    }
}

/// `Option<Enum>` becomes `anyOf: [Enum, null]`: keep the one branch that says something.
fn only_branch(object: &mut Map<String, Value>) {
    let Some(Value::Array(branches)) = object.get_mut("anyOf") else { return };
    branches.retain(|branch| branch.get("type").is_none_or(|name| name != "null"));
    if let [Value::Object(only)] = branches.as_slice() {
        let only = only.clone();
        object.shift_remove("anyOf");
        for (key, value) in only {
            object.entry(key).or_insert(value);
        }
    }
}

/// An enum with documented variants becomes `oneOf` constants: keep the values.
fn constants(object: &mut Map<String, Value>) {
    let Some(Value::Array(branches)) = object.get("oneOf") else { return };
    let values: Option<Vec<Value>> = branches.iter().map(|one| one.get("const").cloned()).collect();
    if let Some(values) = values {
        object.shift_remove("oneOf");
        object.insert("type".to_owned(), json!("string"));
        object.insert("enum".to_owned(), Value::Array(values));
    }
}

/// Source lines are wrapped for editors; a model reads paragraphs.
fn unwrap_lines(text: &str) -> String {
    let paragraphs = text
        .split("\n\n")
        .map(|paragraph| paragraph.lines().map(str::trim).collect::<Vec<_>>().join(" "));
    paragraphs.collect::<Vec<_>>().join("\n")
}
