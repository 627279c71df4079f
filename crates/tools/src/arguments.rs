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
        let problem = readable(&err.inner().to_string());
        match err.path().to_string().as_str() {
            "." => Error::input(format!("invalid arguments for `{tool}`: {problem}")),
            path => Error::input(format!("invalid arguments for `{tool}`: `{path}`: {problem}")),
        }
    })
}

/// serde's words for a mistake, without the names of Rust's types.
fn readable(problem: &str) -> String {
    match problem.strip_suffix("expected u32") {
        Some(start) => format!("{start}expected a whole number from 0 to {}", u32::MAX),
        None => problem.to_owned(),
    }
}

/// Puts in a value that the session fixes; another value is refused, never followed.
fn fix(args: &mut Map<String, Value>, name: &str, slug: &Slug) -> Result<()> {
    let asked = args.insert(name.to_owned(), Value::String(slug.to_string()));
    match asked {
        None => Ok(()),
        Some(Value::String(asked)) if asked.trim() == slug.as_str() => Ok(()),
        Some(_) => Err(Error::argument(
            name,
            format!("this session is limited to `{slug}`: leave the argument out"),
        )),
    }
}

/// Clients send ids as numbers and numbers as text; either has only one meaning.
fn coerce(property: &Value, value: &mut Value) {
    let wanted = property.get("type").and_then(Value::as_str);
    let repaired = match (wanted, &*value) {
        (Some("string"), Value::Number(number)) => Some(Value::String(number.to_string())),
        (Some("integer"), Value::String(text)) => text.trim().parse::<i64>().ok().map(Value::from),
        // JSON has one kind of number, and to JSON Schema `5.0` is an integer.
        (Some("integer"), Value::Number(number)) if number.is_f64() => {
            number.as_f64().and_then(whole).map(Value::from)
        }
        _ => None,
    };
    if let Some(repaired) = repaired {
        *value = repaired;
    }
}

fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0).then(|| format!("{number:.0}").parse().ok())?
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
    fn a_whole_number_may_be_written_with_a_fraction() {
        let limit = |given| prepared(&Fence::default(), &json!({ "limit": given }));
        assert_eq!(limit(7.0), Ok(json!({ "limit": 7 })));
        for kept in [7.5, 1e30] {
            assert_eq!(limit(kept), Ok(json!({ "limit": kept })));
        }
    }

    #[test]
    fn a_number_out_of_range_is_told_without_type_names() {
        #[derive(Debug, serde::Deserialize)]
        struct Params {
            #[expect(dead_code, reason = "only its type matters")]
            limit: u32,
        }
        for given in [json!(-1), json!(5.5), json!(1_u64 << 40), json!([])] {
            let err = parse::<Params>("find", object(&json!({ "limit": given }))).unwrap_err();
            let text = err.to_string();
            assert!(text.contains("expected a whole number from 0 to 4294967295"), "{text}");
        }
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
        for other in [json!("other"), json!(17), json!(["acme"]), json!("")] {
            let message = prepared(&acme(), &json!({ "organizationSlug": other })).unwrap_err();
            assert!(message.contains("limited to `acme`"), "{message}");
        }
        for same in [json!("acme"), json!(" acme "), Value::Null] {
            let args = prepared(&acme(), &json!({ "organizationSlug": same }));
            assert_eq!(args, Ok(json!({ "organizationSlug": "acme" })));
        }
    }
}
