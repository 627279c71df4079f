//! Reading event JSON without copying it and without failing on a surprise: a value of
//! another type than expected counts as absent, and is skipped without being stored.
//! It does not repair broken JSON, and does not read anything but events.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;

use super::text::Text;

/// A type that can be read from any JSON value; `None` where the value does not fit.
pub(super) trait Lax<'de>: Sized {
    /// Consumes exactly one value. An error means that the JSON itself is broken.
    fn lax<D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error>;
}

/// For `#[serde(default, deserialize_with = "lax::read")]` on an `Option`.
pub(super) fn read<'de, T: Lax<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::lax(deserializer)
}

/// The same for a field that has an empty value of its own.
pub(super) fn or_empty<'de, T: Lax<'de> + Default, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    T::lax(deserializer).map(Option::unwrap_or_default)
}

/// One value inside a list or a tuple.
struct Element<T>(Option<T>);

impl<'de, T: Lax<'de>> Deserialize<'de> for Element<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Element<T>, D::Error> {
        T::lax(deserializer).map(Element)
    }
}

/// The methods of a visitor that answer "does not fit".
macro_rules! does_not_fit {
    () => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("JSON")
        }
    };
    (unit $($rest:tt)*) => {
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        does_not_fit!($($rest)*);
    };
    (text $($rest:tt)*) => {
        fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
            Ok(None)
        }
        does_not_fit!($($rest)*);
    };
    (numbers $($rest:tt)*) => {
        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
            Ok(None)
        }
        does_not_fit!($($rest)*);
    };
    (flag $($rest:tt)*) => {
        fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
            Ok(None)
        }
        does_not_fit!($($rest)*);
    };
    (list $($rest:tt)*) => {
        fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
            drain(seq)?;
            Ok(None)
        }
        does_not_fit!($($rest)*);
    };
    (object $($rest:tt)*) => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(None)
        }
        does_not_fit!($($rest)*);
    };
}

fn drain<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Text, or a number or flag as its text.
impl<'de: 'a, 'a> Lax<'de> for Cow<'a, str> {
    fn lax<D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        struct Text<'a>(PhantomData<&'a str>);

        impl<'de: 'a, 'a> Visitor<'de> for Text<'a> {
            type Value = Option<Cow<'a, str>>;

            does_not_fit!(unit list object);

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Some(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Some(Cow::Owned(text.to_owned())))
            }

            fn visit_bool<E: Error>(self, flag: bool) -> Result<Self::Value, E> {
                Ok(Some(Cow::Borrowed(if flag { "true" } else { "false" })))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Some(Cow::Owned(number.to_string())))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Some(Cow::Owned(number.to_string())))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Some(Cow::Owned(number.to_string())))
            }
        }

        deserializer.deserialize_any(Text(PhantomData))
    }
}

/// A whole number that is not negative, also as text.
impl<'de> Lax<'de> for u64 {
    fn lax<D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        struct Whole;

        impl<'de> Visitor<'de> for Whole {
            type Value = Option<u64>;

            does_not_fit!(unit flag list object);

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Some(number))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(u64::try_from(number).ok())
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
                Ok(format!("{number:.0}").parse().ok())
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(text.trim().parse().ok())
            }
        }

        deserializer.deserialize_any(Whole)
    }
}

/// A flag, also as text or as 0 and 1.
impl<'de> Lax<'de> for bool {
    fn lax<D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
        struct Flag;

        impl<'de> Visitor<'de> for Flag {
            type Value = Option<bool>;

            does_not_fit!(unit list object);

            fn visit_bool<E: Error>(self, flag: bool) -> Result<Self::Value, E> {
                Ok(Some(flag))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Some(number != 0))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Some(number != 0))
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
                Ok(None)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(text.parse().ok())
            }
        }

        deserializer.deserialize_any(Flag)
    }
}

/// A list without the elements that do not fit.
impl<'de, T: Lax<'de>> Lax<'de> for Vec<T> {
    fn lax<D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<T>>, D::Error> {
        struct List<T>(PhantomData<T>);

        impl<'de, T: Lax<'de>> Visitor<'de> for List<T> {
            type Value = Option<Vec<T>>;

            does_not_fit!(unit text numbers flag object);

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(Element(item)) = seq.next_element()? {
                    items.extend(item);
                }
                Ok(Some(items))
            }
        }

        deserializer.deserialize_any(List(PhantomData))
    }
}

/// A tuple of two that both fit; more elements are ignored.
impl<'de, T: Lax<'de>, U: Lax<'de>> Lax<'de> for (T, U) {
    fn lax<D: Deserializer<'de>>(deserializer: D) -> Result<Option<(T, U)>, D::Error> {
        struct Pair<T, U>(PhantomData<(T, U)>);

        impl<'de, T: Lax<'de>, U: Lax<'de>> Visitor<'de> for Pair<T, U> {
            type Value = Option<(T, U)>;

            does_not_fit!(unit text numbers flag object);

            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
                let Some(Element(first)) = seq.next_element()? else { return Ok(None) };
                let Some(Element(second)) = seq.next_element()? else { return Ok(None) };
                drain(seq)?;
                Ok(first.zip(second))
            }
        }

        deserializer.deserialize_any(Pair(PhantomData))
    }
}

/// The fields of an object in their order, each as its JSON text.
#[derive(Clone, Debug, Default)]
pub struct Fields<'a>(pub Vec<(Text<'a>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// Reads an object; anything else has no fields.
    pub fn of(json: &'a RawValue) -> Fields<'a> {
        Fields::lax(&mut serde_json::Deserializer::from_str(json.get()))
            .ok()
            .flatten()
            .unwrap_or_default()
    }

    /// The value of a field. `_` and case do not count: Sentry writes `offenderSpanIds` in
    /// one answer and `offender_span_ids` in another.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(key, _)| same_name(key.expose(), name)).map(|(_, json)| *json)
    }
}

fn same_name(one: &str, other: &str) -> bool {
    let fold = |text| str::bytes(text).filter(|b| *b != b'_').map(|b: u8| b.to_ascii_lowercase());
    fold(one).eq(fold(other))
}

impl<'de: 'a, 'a> Lax<'de> for Fields<'a> {
    fn lax<D: Deserializer<'de>>(deserializer: D) -> Result<Option<Fields<'a>>, D::Error> {
        struct Object<'a>(PhantomData<&'a str>);

        impl<'de: 'a, 'a> Visitor<'de> for Object<'a> {
            type Value = Option<Fields<'a>>;

            does_not_fit!(unit text numbers flag list);

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((Element(name), json)) =
                    map.next_entry::<Element<Text<'a>>, &'de RawValue>()?
                {
                    fields.extend(name.map(|name| (name, json)));
                }
                Ok(Some(Fields(fields)))
            }
        }

        deserializer.deserialize_any(Object(PhantomData))
    }
}

/// Reads an object into a struct whose own fields are all lax.
pub(super) fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = Option<T>;

        does_not_fit!(unit text numbers flag list);

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map)).map(Some)
        }
    }

    deserializer.deserialize_any(Object(PhantomData))
}

/// What is an object in most places and a list in some.
pub(super) enum Either<T, U> {
    Object(T),
    List(Vec<U>),
}

/// Reads an object into a struct, or a list of what fits.
pub(super) fn object_or_list<'de, T, U, D>(
    deserializer: D,
) -> Result<Option<Either<T, U>>, D::Error>
where
    T: Deserialize<'de>,
    U: Lax<'de>,
    D: Deserializer<'de>,
{
    struct ObjectOrList<T, U>(PhantomData<(T, U)>);

    impl<'de, T: Deserialize<'de>, U: Lax<'de>> Visitor<'de> for ObjectOrList<T, U> {
        type Value = Option<Either<T, U>>;

        does_not_fit!(unit text numbers flag);

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map)).map(|of| Some(Either::Object(of)))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut items = Vec::new();
            while let Some(Element(item)) = seq.next_element()? {
                items.extend(item);
            }
            Ok(Some(Either::List(items)))
        }
    }

    deserializer.deserialize_any(ObjectOrList(PhantomData))
}

/// A number that may have a fraction, also as text.
impl<'de> Lax<'de> for f64 {
    fn lax<D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        // Numbers and text both arrive as text.
        let text = Cow::<'_, str>::lax(deserializer)?;
        Ok(text.and_then(|text| text.trim().parse().ok()).filter(|number: &f64| number.is_finite()))
    }
}

/// Any value as its JSON text; null counts as absent.
impl<'de: 'a, 'a> Lax<'de> for &'a RawValue {
    fn lax<D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
        <&RawValue>::deserialize(deserializer)
            .map(|json| Some(json).filter(|_| json.get() != "null"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from<'a, T: Lax<'a>>(json: &'a str) -> Option<T> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let value = T::lax(&mut deserializer).unwrap();
        deserializer.end().unwrap();
        value
    }

    const ALL_TYPES: [&str; 9] = [
        "null",
        "true",
        "1",
        "-1",
        "1.5",
        r#""a""#,
        r#""\n""#,
        r#"[1, ["a"]]"#,
        r#"{"a": {"b": 1}}"#,
    ];

    #[test]
    fn every_type_of_value_is_consumed_whole_by_every_reader() {
        for json in ALL_TYPES {
            from::<Cow<'_, str>>(json);
            from::<u64>(json);
            from::<bool>(json);
            from::<Vec<u64>>(json);
            from::<(u64, bool)>(json);
            from::<Fields<'_>>(json);
        }
    }

    #[test]
    fn text_without_escapes_is_borrowed_and_scalars_count_as_text() {
        assert!(matches!(from::<Cow<'_, str>>(r#""plain""#), Some(Cow::Borrowed("plain"))));
        assert_eq!(from::<Cow<'_, str>>(r#""a\nb""#), Some("a\nb".into()));
        assert_eq!(from::<Cow<'_, str>>("17"), Some("17".into()));
        assert_eq!(from::<Cow<'_, str>>("true"), Some("true".into()));
    }

    #[test]
    fn numbers_may_be_text_and_must_be_whole_enough() {
        assert_eq!(from::<u64>("\" 42 \""), Some(42));
        assert_eq!(from::<u64>("42.0"), Some(42));
        assert_eq!(from::<u64>("-42"), None);
        assert_eq!(from::<u64>("[42]"), None);
    }

    #[test]
    fn elements_that_do_not_fit_are_dropped() {
        assert_eq!(from::<Vec<u64>>(r#"[1, null, {"a": 1}, "2", [3]]"#), Some(vec![1, 2]));
        let pairs =
            from::<Vec<(u64, Cow<'_, str>)>>(r#"[[1, "a"], [2], [], null, [3, "b", 4], 5]"#);
        assert_eq!(pairs, Some(vec![(1, "a".into()), (3, "b".into())]));
    }

    #[test]
    fn depth_does_not_matter_where_a_value_is_skipped_or_kept_as_text() {
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        assert_eq!(from::<u64>(&deep), None);
        let json = format!(r#"{{"deep": {deep}}}"#);
        assert_eq!(from::<Fields<'_>>(&json).unwrap().0.len(), 1);
    }
}
