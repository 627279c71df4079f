//! Bodies to types: fast when the answer is as expected, and with the JSON path and no value
//! of the answer when it is not. It does not look at status codes, it only repeats them.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{error::Category, value::RawValue};

use crate::{ErrorKind, NotJson, drift::Lenient};

/// A `T` out of a JSON object and nothing else: serde alone also takes a list for an object's
/// fields in their order, and would make a user of `[1, 2]`.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<T>, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(Fields(PhantomData))
    }
}

/// Reads one JSON object. What the answer calls itself does not count.
pub(crate) fn json<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, ErrorKind> {
    // The path is only worth its time after a failure, so the body is then read again.
    let object: Result<Object<T>, _> = serde_json::from_slice(body);
    object.map(|Object(value)| value).map_err(|_| problem::<Object<T>>(status, body))
}

/// Reads a list of objects. First as a whole; only if that fails element by element, so that one bad
/// element costs no others.
pub(crate) fn list<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<Lenient<T>, ErrorKind> {
    if let Ok(items) = serde_json::from_slice::<Vec<Object<T>>>(body) {
        return Ok(Lenient {
            items: items.into_iter().map(|Object(item)| item).collect(),
            skipped: 0,
        });
    }
    let elements: Vec<&RawValue> = serde_json::from_slice(body)
        .map_err(|_| problem::<Vec<serde::de::IgnoredAny>>(status, body))?;
    let mut list = Lenient { items: Vec::with_capacity(elements.len()), skipped: 0 };
    for (index, element) in elements.iter().enumerate() {
        if let Ok(Object(item)) = serde_json::from_str(element.get()) {
            list.items.push(item);
            continue;
        }
        if list.skipped == 0 {
            let reason = problem::<Object<T>>(status, element.get().as_bytes());
            tracing::warn!(index, %reason, "a list element could not be read");
        }
        list.skipped += 1;
    }
    Ok(list)
}

/// Why a body is no `T`.
fn problem<T: DeserializeOwned>(status: u16, body: &[u8]) -> ErrorKind {
    let start = body.iter().find(|b| !b.is_ascii_whitespace());
    let what = match start {
        None => Some(NotJson::Empty),
        Some(b'<') => Some(NotJson::Html),
        Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9') => None,
        Some(b't' | b'f' | b'n')
            if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() =>
        {
            None
        }
        Some(_) => Some(NotJson::Other),
    };
    if let Some(what) = what {
        return ErrorKind::NotJson { status, what };
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let (path, error) = match T::deserialize(tracked) {
        Err(error) => (track.path().to_string(), error),
        // Only what follows the value can be wrong.
        Ok(_) => match json.end() {
            Err(error) => (".".to_owned(), error),
            Ok(()) => {
                return ErrorKind::Decode { path: ".".into(), problem: "cannot be read".into() };
            }
        },
    };
    ErrorKind::Decode { path, problem: reason(&error) }
}

/// The decoder's reason without any value of the answer: serde puts the values that it
/// does not like into its messages.
fn reason(error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Eof => return "the JSON ends too early".into(),
        Category::Syntax => {
            return format!("no valid JSON at line {} column {}", error.line(), error.column());
        }
        Category::Io | Category::Data => {}
    }
    let text = error.to_string();
    if let Some(field) =
        text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next())
    {
        return format!("the field `{field}` is missing");
    }
    if let Some(rest) = text.strip_prefix("invalid type: ") {
        let found = kind_of(rest);
        let expected =
            rest.rfind(", expected ").and_then(|at| rest.get(at + 11..)).unwrap_or_default();
        let expected =
            expected.rfind(" at line ").and_then(|at| expected.get(..at)).unwrap_or(expected);
        return format!("expected {}, found {found}", name_of(expected));
    }
    // serde reads a list as an object's fields in their order, and found too few.
    if text.starts_with("invalid length") {
        return "expected an object, found a list".into();
    }
    if text.starts_with("expected an id") {
        return "expected an id".into();
    }
    "a value that cannot be used".into()
}

/// The type in `string "…", expected …`, never its value.
fn kind_of(found: &str) -> &'static str {
    match found.split([' ', ',', '`']).next().unwrap_or_default() {
        "string" => "a string",
        "integer" | "floating" | "number" => "a number",
        "boolean" => "a boolean",
        "map" => "an object",
        "sequence" => "a list",
        "null" | "unit" | "Option" => "null",
        _ => "another type",
    }
}

/// What serde expected, in words of JSON and without our type names.
fn name_of(expected: &str) -> &str {
    match expected {
        text if text.starts_with("struct ") || text.contains("map") => "an object",
        text if text.contains("sequence") || text.contains("tuple") => "a list",
        text if text.starts_with('u') || text.starts_with('i') || text.starts_with('f') => {
            "a number"
        }
        "a boolean" | "a string" | "a list" | "a string or a number" => expected,
        text if text.contains("string") => "a string",
        _ => "something else",
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::Slug;

    #[derive(Debug, Deserialize)]
    struct Team {
        slug: Slug,
        #[serde(default)]
        members: Vec<u64>,
    }

    fn told(body: &str) -> String {
        json::<Team>(200, body.as_bytes()).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn a_good_body_is_read() {
        let team: Team = json(200, br#"{"slug": "core", "members": [1]}"#).unwrap();
        assert_eq!((team.slug.as_str(), team.members), ("core", vec![1]));
    }

    #[test]
    fn a_bad_body_is_told_by_its_path_and_without_its_values() {
        let table = [
            (
                r#"{"slug": "core", "members": [1, "hunter2"]}"#,
                "members[1]: expected a number, found a string",
            ),
            (r#"{"members": []}"#, ".: the field `slug` is missing"),
            (r#"{"slug": "hunter2/.."}"#, "slug: a value that cannot be used"),
            (r#"{"slug": {"hunter2": 1}}"#, "slug: expected a string or a number, found an object"),
            (r#"{"slug": "a", expected x"}"#, "no valid JSON at line 1"),
            (r#"{"slug": "core", "members": [1,"#, "members: the JSON ends too early"),
            ("[]", ".: expected an object, found a list"),
            (r#"["core", [17]]"#, ".: expected an object, found a list"),
            ("[[\"hunter2\"]]", ".: expected an object, found a list"),
            ("null", ".: expected an object, found null"),
            ("\"hunter2\"", ".: expected an object, found a string"),
            ("17", ".: expected an object, found a number"),
            (r#"{"slug": "core"} hunter2"#, "no valid JSON"),
        ];
        for (body, expected) in table {
            let text = told(body);
            assert!(text.contains(expected), "{body}: {text}");
            assert!(!text.contains("hunter2") && !text.contains("Team"), "{text}");
        }
    }

    #[test]
    fn what_is_not_json_is_named() {
        let table = [
            ("", NotJson::Empty),
            (" \r\n", NotJson::Empty),
            ("<!doctype html><title>hunter2</title>", NotJson::Html),
            ("  <html>", NotJson::Html),
            ("not json", NotJson::Other),
            ("upstream error", NotJson::Other),
        ];
        for (body, expected) in table {
            match json::<Team>(200, body.as_bytes()) {
                Err(ErrorKind::NotJson { status: 200, what }) => {
                    assert_eq!(what, expected, "{body}");
                }
                other => panic!("{body}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_list_loses_only_its_bad_elements() {
        let body = br#"[{"slug": "a"}, null, {"slug": ""}, {"slug": 7}, "x", {"slug": "b", "members": null}, ["b", []]]"#;
        let list = list::<Team>(200, body).unwrap();
        let slugs: Vec<_> = list.items.iter().map(|team| team.slug.as_str()).collect();
        assert_eq!((slugs, list.skipped), (vec!["a", "7"], 5));
    }

    #[test]
    fn an_object_or_null_is_no_list() {
        for body in [r#"{"detail": "hunter2"}"#, "null"] {
            let text = list::<Team>(200, body.as_bytes()).map(drop).unwrap_err().to_string();
            assert!(text.contains("expected a list"), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
