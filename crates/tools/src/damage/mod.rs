//! What every tool does with an answer of Sentry in which one field is absent, null, or of
//! another type. It makes the damage, and judges nothing but that there is still an answer.

mod scene;
mod scenes;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use self::scene::Stage;
use crate::{registry::ToolRegistry as _, testing};

/// The only tool that reads no JSON: a page of the documentation is text.
const READS_NO_JSON: &str = "get_doc";

#[tokio::test]
async fn no_call_fails_because_of_a_field_that_it_does_not_need() {
    let stage = Stage::start().await;
    let catalog = testing::catalog(&stage.uri());
    let mut seen = BTreeSet::from([READS_NO_JSON]);
    let mut problems = Vec::new();
    for scene in scenes::all(&stage.uri()) {
        seen.insert(scene.tool);
        let data = testing::Data::of(&catalog, scene.tool);
        stage.set(&scene.bodies);
        let whole = stage.call(&catalog, &scene).await;
        data.check(&whole.unwrap_or_else(|err| panic!("{}, undamaged: {err}", scene.tool)));
        for body in scene.bodies.iter().filter(|body| !body.is_content) {
            for pointer in pointers(&body.value) {
                let needed = body.needs.iter().any(|(needed, _)| *needed == pointer);
                for (kind, value) in damaged(&body.value, &pointer) {
                    stage.replace(body, value);
                    let place = || format!("{} {} {pointer} {kind}", scene.tool, body.path);
                    match stage.call(&catalog, &scene).await {
                        Ok(answer) if !(needed && kind == REMOVED) => data.check(&answer),
                        Ok(_) => problems.push(format!("{} is not needed", place())),
                        Err(_) if needed => {}
                        Err(err) => problems.push(format!("{}: {err}", place())),
                    }
                }
            }
            stage.replace(body, body.value.clone());
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let all: BTreeSet<&str> = catalog.all().iter().map(|spec| spec.meta.name).collect();
    assert_eq!(seen, all);
}

const REMOVED: &str = "removed";

/// The same value four times: with one value inside removed, null, and of two other types.
pub(crate) fn damaged(value: &Value, pointer: &str) -> [(&'static str, Value); 4] {
    let (nested, plain) = match value.pointer(pointer) {
        Some(Value::Object(_)) => (json!([[{}]]), json!("odd")),
        Some(Value::String(_)) => (json!([{ "a": "odd" }]), json!(-7.5)),
        _ => (json!({ "a": [] }), json!("odd")),
    };
    [
        (REMOVED, without(value, pointer)),
        ("null", with(value, pointer, Value::Null)),
        ("nested", with(value, pointer, nested)),
        ("plain", with(value, pointer, plain)),
    ]
}

/// The JSON pointer of every value inside, but not inside list elements that are shaped like
/// one before them in the same list: these say nothing new.
pub(crate) fn pointers(value: &Value) -> Vec<String> {
    let inside: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    let mut all = Vec::new();
    let mut shapes = BTreeSet::new();
    for (key, inner) in inside {
        let key = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        if !value.is_array() || shapes.insert(shape(inner)) {
            all.extend(pointers(inner).into_iter().map(|rest| format!("{key}{rest}")));
        }
        all.push(key);
    }
    all
}

/// The names and types of a value, without what is in it, but with the words that say what an
/// object is.
fn shape(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| match (name.as_str(), value.as_str()) {
                ("type" | "event_type" | "key", Some(word)) => format!("{name}={word}"),
                _ => format!("{name}:{}", shape(value)),
            };
            let fields: BTreeSet<String> = fields.iter().map(field).collect();
            format!("{fields:?}")
        }
        Value::Array(items) => {
            format!("{:?}", items.iter().map(shape).collect::<BTreeSet<String>>())
        }
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "flag".to_owned(),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "text".to_owned(),
    }
}

/// The same value with one value inside replaced.
fn with(value: &Value, pointer: &str, new: Value) -> Value {
    let mut value = value.clone();
    *value.pointer_mut(pointer).unwrap() = new;
    value
}

/// The same value with one value inside removed.
fn without(value: &Value, pointer: &str) -> Value {
    let mut value = value.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match value.pointer_mut(parent).unwrap() {
        Value::Object(fields) => {
            fields.shift_remove(&key.replace("~1", "/").replace("~0", "~"));
        }
        Value::Array(items) => {
            items.remove(key.parse().unwrap());
        }
        _ => unreachable!("only objects and lists have values inside"),
    }
    value
}
