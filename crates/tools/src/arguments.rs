//! From what a client sent to a tool's typed parameters.
//!
//! It repairs what has only one meaning (null, a number for an id), refuses the
//! rest by name, and puts in what the session fixes. It knows no single tool.

use sentry_client::{Fence, Slug};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    error::{Error, Result},
    schema, spelling,
};

/// A part of the fence.
type Fixed = fn(&Fence) -> Option<&Slug>;

/// Which parameter each part of the fence fixes.
const FENCED: &[(&str, Fixed)] = &[
    ("organizationSlug", |fence| fence.organization.as_ref()),
    ("projectSlug", |fence| fence.project.as_ref()),
    ("projectSlugOrId", |fence| fence.project.as_ref()),
];

/// The parameters that this fence takes out of every schema.
pub(crate) fn fixed(fence: &Fence) -> impl Iterator<Item = (&'static str, &Slug)> {
    FENCED.iter().filter_map(move |(name, of)| of(fence).map(|slug| (*name, slug)))
}

/// Brings arguments into the shape that the tool's parameters expect.
///
/// `schema` is the full schema, before the fence took parameters out of it.
pub(crate) fn prepare(
    schema: &Map<String, Value>,
    fence: &Fence,
    mut args: Map<String, Value>,
) -> Result<Map<String, Value>> {
    args.retain(|_, value| !value.is_null());
    for (name, slug) in fixed(fence) {
        if schema::property(schema, name).is_some() {
            fix(&mut args, name, slug)?;
        }
    }
    for (name, value) in &mut args {
        match schema::property(schema, name) {
            Some(property) => coerce(property, value),
            None => return Err(unknown(schema, fence, name)),
        }
    }
    Ok(args)
}

/// Reads prepared arguments into a tool's parameters.
pub(crate) fn parse<T: DeserializeOwned>(tool: &str, args: Map<String, Value>) -> Result<T> {
    serde_path_to_error::deserialize(Value::Object(args)).map_err(|err| {
        let problem = err.inner().to_string();
        match err.path().to_string().as_str() {
            "." => Error::input(format!("invalid arguments for `{tool}`: {problem}")),
            path => Error::input(format!("invalid arguments for `{tool}`: `{path}`: {problem}")),
        }
    })
}

/// Puts in a value that the session fixes; another value is refused, never followed.
fn fix(args: &mut Map<String, Value>, name: &str, slug: &Slug) -> Result<()> {
    let asked = args.insert(name.to_owned(), Value::String(slug.to_string()));
    match asked {
        Some(Value::String(asked)) if asked.trim() != slug.as_str() => Err(Error::argument(
            name,
            format!("this session is limited to `{slug}`: leave the argument out"),
        )),
        _ => Ok(()),
    }
}

/// Clients send ids as numbers and numbers as text; either has only one meaning.
fn coerce(property: &Value, value: &mut Value) {
    let wanted = property.get("type").and_then(Value::as_str);
    let repaired = match (wanted, &*value) {
        (Some("string"), Value::Number(number)) => Some(Value::String(number.to_string())),
        (Some("integer"), Value::String(text)) => text.trim().parse::<i64>().ok().map(Value::from),
        _ => None,
    };
    if let Some(repaired) = repaired {
        *value = repaired;
    }
}

fn unknown(schema: &Map<String, Value>, fence: &Fence, name: &str) -> Error {
    let properties = schema.get("properties").and_then(Value::as_object);
    let hidden = |known: &&str| fixed(fence).any(|(fixed, _)| fixed == *known);
    let known: Vec<&str> = properties
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .filter(|name| !hidden(name))
        .collect();
    let advice = match spelling::nearest(name, known.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if known.is_empty() => "the tool takes no arguments".to_owned(),
        None => format!("it takes {}", known.join(", ")),
    };
    Error::input(format!("unknown argument `{}`: {advice}", spelling::shorten(name)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Map<String, Value> {
        object(&json!({ "properties": {
            "organizationSlug": { "type": "string" },
            "issueId": { "type": "string" },
            "limit": { "type": "integer" },
        } }))
    }

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn prepared(fence: &Fence, args: &Value) -> Result<Value, String> {
        let outcome = prepare(&schema(), fence, object(args));
        outcome.map(Value::Object).map_err(|err| err.to_string())
    }

    fn acme() -> Fence {
        Fence { organization: Some("acme".parse().unwrap()), project: None }
    }

    #[test]
    fn null_equals_absent() {
        assert_eq!(prepared(&Fence::default(), &json!({ "issueId": null })), Ok(json!({})));
    }

    #[test]
    fn a_number_stands_for_an_id_and_text_for_a_number() {
        let args = json!({ "issueId": 42, "limit": "7" });
        let expected = json!({ "issueId": "42", "limit": 7 });
        assert_eq!(prepared(&Fence::default(), &args), Ok(expected));
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest_known_one() {
        let message = prepared(&Fence::default(), &json!({ "organization_slug": "acme" }));
        let expected = "unknown argument `organization_slug`: did you mean `organizationSlug`?";
        assert_eq!(message, Err(expected.to_owned()));
    }

    #[test]
    fn a_name_like_no_other_gets_the_list() {
        let message = prepared(&acme(), &json!({ "zzz": 1 }));
        assert_eq!(message, Err("unknown argument `zzz`: it takes issueId, limit".to_owned()));
    }

    #[test]
    fn the_fence_fills_its_parameter_in() {
        assert_eq!(prepared(&acme(), &json!({})), Ok(json!({ "organizationSlug": "acme" })));
    }

    #[test]
    fn the_fence_cannot_be_overridden() {
        let message = prepared(&acme(), &json!({ "organizationSlug": "other" })).unwrap_err();
        assert!(message.contains("limited to `acme`"), "{message}");
    }
}
