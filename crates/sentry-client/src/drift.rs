//! Reading answers that drift: a field that is null, absent or of another type is no error.
//! What a type cannot do without stays required; its absence is told with its JSON path.
//!
//! ```text
//! #[derive(Debug, Deserialize)]
//! #[serde(rename_all = "camelCase")]
//! pub struct Team {
//!     #[serde(deserialize_with = "drift::id")]
//!     pub id: String,
//!     #[serde(default, deserialize_with = "drift::text")]
//!     pub name: Option<String>,
//!     #[serde(default, deserialize_with = "drift::list")]
//!     pub projects: Vec<Project>,
//! }
//! ```
//!
//! `maybe`, `list` and [`Lenient`] look at the JSON text of an element, so they work with
//! `serde_json::from_slice` and `from_str` only: not with `from_value`, and not inside
//! `#[serde(flatten)]`, an untagged or an internally tagged enum.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

pub(crate) use crate::open_enum::open_enum;

/// A string, or a number or a boolean as text; anything else is `None`.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match deserializer.deserialize_any(ScalarVisitor)? {
        Scalar::Text(text) => Some(text),
        Scalar::Unsigned(number) => Some(number.to_string()),
        Scalar::Signed(number) => Some(number.to_string()),
        Scalar::Float(number) => Some(number.to_string()),
        Scalar::Flag(flag) => Some(flag.to_string()),
        Scalar::Nothing => None,
    })
}

/// An id that must be there: a string (not an empty one) or a number, as text.
pub fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match deserializer.deserialize_any(ScalarVisitor)? {
        Scalar::Text(text) if !text.trim().is_empty() => Ok(text),
        Scalar::Unsigned(number) => Ok(number.to_string()),
        Scalar::Signed(number) => Ok(number.to_string()),
        _ => Err(de::Error::custom("expected an id")),
    }
}

/// The same for an id that nothing depends on; what is no id is `None`.
pub fn maybe_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match deserializer.deserialize_any(ScalarVisitor)? {
        Scalar::Text(text) if !text.trim().is_empty() => Some(text),
        Scalar::Unsigned(number) => Some(number.to_string()),
        Scalar::Signed(number) => Some(number.to_string()),
        _ => None,
    })
}

/// A number or a numeric string; anything else is `None`.
pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    #[expect(clippy::cast_precision_loss, reason = "a count above 2^53 may be off by a little")]
    Ok(match deserializer.deserialize_any(ScalarVisitor)? {
        Scalar::Unsigned(number) => Some(number as f64),
        Scalar::Signed(number) => Some(number as f64),
        Scalar::Float(number) => Some(number),
        Scalar::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        Scalar::Flag(_) | Scalar::Nothing => None,
    })
}

/// A whole number from 0 up, or a numeric string; a fraction is cut off; anything else is `None`.
pub fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(match deserializer.deserialize_any(ScalarVisitor)? {
        Scalar::Unsigned(number) => Some(number),
        Scalar::Signed(number) => u64::try_from(number).ok(),
        Scalar::Float(number) => whole(number),
        Scalar::Text(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| whole(text.parse().ok()?))
        }
        Scalar::Flag(_) | Scalar::Nothing => None,
    })
}

/// A boolean, or `"true"`, `"false"`, 1 or 0; anything else is `None`.
pub fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(match deserializer.deserialize_any(ScalarVisitor)? {
        Scalar::Flag(flag) => Some(flag),
        Scalar::Unsigned(0) => Some(false),
        Scalar::Unsigned(1) => Some(true),
        Scalar::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Scalar::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    })
}

/// Anything; what cannot be read as a `T` is `None`, and does not fail the rest.
pub fn maybe<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let raw = <&RawValue>::deserialize(deserializer)?.get();
    Ok(if raw == "null" { None } else { serde_json::from_str(raw).ok() })
}

/// A list whose bad elements are left out; null or another type is an empty list.
pub fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    Ok(Lenient::deserialize(deserializer)?.items)
}

/// A list whose bad elements are left out and counted; null or another type is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lenient<T> {
    /// The elements that could be read.
    pub items: Vec<T>,
    /// How many could not.
    pub skipped: usize,
}

impl<T> Default for Lenient<T> {
    fn default() -> Lenient<T> {
        Lenient { items: Vec::new(), skipped: 0 }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Lenient<T>, D::Error> {
        deserializer.deserialize_any(LenientVisitor(PhantomData))
    }
}

struct LenientVisitor<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for LenientVisitor<T> {
    type Value = Lenient<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut list = Lenient::default();
        while let Some(raw) = seq.next_element::<&RawValue>()? {
            match serde_json::from_str(raw.get()) {
                Ok(item) => list.items.push(item),
                Err(_) => list.skipped += 1,
            }
        }
        Ok(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        drain(map)?;
        Ok(Lenient::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Lenient::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Lenient::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Lenient::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Lenient::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Lenient::default())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Lenient::default())
    }
}

/// A JSON value without its nested ones.
enum Scalar {
    Text(String),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Flag(bool),
    Nothing,
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Scalar, E> {
        Ok(Scalar::Text(text))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar::Unsigned(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Signed(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Float(number))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Scalar, E> {
        Ok(Scalar::Flag(flag))
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Nothing)
    }

    fn visit_none<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Scalar, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nothing)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Scalar, A::Error> {
        drain(map)?;
        Ok(Scalar::Nothing)
    }
}

fn drain<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

/// The whole part of a number that a `u64` can hold.
fn whole(number: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be in range"
    )]
    (0.0..18_446_744_073_709_551_615.0).contains(&number).then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    open_enum! {
        /// A level, for the tests.
        enum Level { Error = "error", Fatal = "fatal" }
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Drifty {
        #[serde(deserialize_with = "text")]
        text: Option<String>,
        #[serde(deserialize_with = "number")]
        number: Option<f64>,
        #[serde(deserialize_with = "count")]
        count: Option<u64>,
        #[serde(deserialize_with = "flag")]
        flag: Option<bool>,
        #[serde(deserialize_with = "maybe")]
        level: Option<Level>,
        #[serde(deserialize_with = "maybe")]
        inner: Option<Box<Drifty>>,
        #[serde(deserialize_with = "list")]
        list: Vec<u8>,
        lenient: Lenient<u8>,
    }

    fn read(field: &str, value: &str) -> Drifty {
        serde_json::from_str(&format!(r#"{{"{field}": {value}, "count": 1}}"#)).unwrap()
    }

    #[test]
    fn any_value_is_accepted_in_any_field() {
        let values = [
            "null",
            "true",
            "false",
            "0",
            "-1",
            "1.5",
            "1e400",
            "18446744073709551615",
            "99999999999999999999",
            r#""""#,
            r#""text""#,
            r#""\u00e4\n""#,
            "[]",
            "[[1], {}]",
            "{}",
            r#"{"a": [1, {"b": null}]}"#,
        ];
        for field in ["text", "number", "flag", "level", "inner", "list", "lenient", "unknown"] {
            for value in values {
                // A number that JSON allows and no machine type holds is refused by the parser.
                if value == "1e400" && field != "unknown" {
                    continue;
                }
                assert_eq!(read(field, value).count, Some(1), "{field}: {value}");
            }
        }
    }

    #[test]
    fn all_fields_may_be_absent_or_null() {
        assert_eq!(serde_json::from_str::<Drifty>("{}").unwrap(), Drifty::default());
        let nulls = r#"{"text": null, "number": null, "count": null, "flag": null, "level": null, "inner": null,
            "list": null, "lenient": null}"#;
        assert_eq!(serde_json::from_str::<Drifty>(nulls).unwrap(), Drifty::default());
    }

    #[test]
    fn texts() {
        for (value, expected) in [
            (r#""a""#, Some("a")),
            ("17", Some("17")),
            ("-17", Some("-17")),
            ("1.5", Some("1.5")),
            ("true", Some("true")),
            (r#""""#, Some("")),
            ("{}", None),
            ("[1]", None),
            ("null", None),
        ] {
            assert_eq!(read("text", value).text.as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn numbers_and_counts() {
        for (value, number, count) in [
            ("17", Some(17.0), Some(17)),
            (r#"" 17 ""#, Some(17.0), Some(17)),
            ("1.9", Some(1.9), Some(1)),
            (r#""1.9""#, Some(1.9), Some(1)),
            ("-3", Some(-3.0), None),
            ("18446744073709551615", Some(18_446_744_073_709_551_615.0), Some(u64::MAX)),
            ("1e30", Some(1e30), None),
            (r#""NaN""#, None, None),
            (r#""inf""#, None, None),
            (r#""many""#, None, None),
            ("true", None, None),
            ("{}", None, None),
        ] {
            assert_eq!(read("number", value).number, number, "{value}");
            let read: Drifty = serde_json::from_str(&format!(r#"{{"count": {value}}}"#)).unwrap();
            assert_eq!(read.count, count, "{value}");
        }
    }

    #[test]
    fn flags() {
        for (value, expected) in [
            ("true", Some(true)),
            ("0", Some(false)),
            ("1", Some(true)),
            (r#""True""#, Some(true)),
            (r#""false""#, Some(false)),
            ("2", None),
            (r#""yes""#, None),
            ("[]", None),
        ] {
            assert_eq!(read("flag", value).flag, expected, "{value}");
        }
    }

    #[test]
    fn ids_are_required() {
        #[derive(Debug, Deserialize)]
        struct Thing {
            #[serde(deserialize_with = "id")]
            id: String,
        }
        let read = |json: &str| serde_json::from_str::<Thing>(json).map(|thing| thing.id).ok();
        assert_eq!(read(r#"{"id": "a1"}"#).as_deref(), Some("a1"));
        assert_eq!(read(r#"{"id": 17}"#).as_deref(), Some("17"));
        for bad in ["{}", r#"{"id": null}"#, r#"{"id": ""}"#, r#"{"id": {}}"#, r#"{"id": true}"#] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_id_that_nothing_depends_on_may_be_missing() {
        #[derive(Debug, Deserialize)]
        struct Thing {
            #[serde(default, deserialize_with = "maybe_id")]
            id: Option<String>,
        }
        let read = |json: &str| serde_json::from_str::<Thing>(json).unwrap().id;
        assert_eq!(read(r#"{"id": "a1"}"#).as_deref(), Some("a1"));
        assert_eq!(read(r#"{"id": 17}"#).as_deref(), Some("17"));
        for none in ["{}", r#"{"id": null}"#, r#"{"id": " "}"#, r#"{"id": {}}"#, r#"{"id": true}"#]
        {
            assert_eq!(read(none), None, "{none}");
        }
    }

    #[test]
    fn unknown_values_of_an_enum_are_kept() {
        assert_eq!(read("level", r#""fatal""#).level, Some(Level::Fatal));
        assert_eq!(read("level", r#""odd""#).level, Some(Level::Other("odd".into())));
        assert_eq!(read("level", "5").level, Some(Level::Other("5".into())));
        assert_eq!(read("level", "{}").level, None);
        assert_eq!(Level::from("error").to_string(), "error");
        assert_eq!(serde_json::to_string(&Level::Other("odd".into())).unwrap(), r#""odd""#);
    }

    #[test]
    fn one_bad_part_costs_no_other() {
        let read = read(
            "inner",
            r#"{"list": [1, "x", 300, 2, null], "lenient": [1, {}, 2], "inner": [[]]}"#,
        );
        let inner = read.inner.unwrap();
        assert_eq!(inner.list, [1, 2]);
        assert_eq!(inner.lenient, Lenient { items: vec![1, 2], skipped: 1 });
    }
}
