//! Identifiers that are checked once, where they enter the program.
//! None can be empty, hold a slash, or be a dot segment; whether the thing exists is Sentry's to say.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Text that cannot be the identifier it was given as.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {kind}; expected {expected}")]
pub struct InvalidId {
    /// What was expected, with its article: `an organization slug`.
    pub kind: &'static str,
    /// What was given, shortened to 60 characters, without control characters.
    pub text: String,
    /// What one looks like, with an example.
    pub expected: &'static str,
}

impl InvalidId {
    pub(crate) fn new(kind: &'static str, text: &str, expected: &'static str) -> InvalidId {
        InvalidId { kind, text: shorten(text, 60), expected }
    }
}

/// Text without control characters, at most `limit` characters long.
pub(crate) fn shorten(text: &str, limit: usize) -> String {
    let mut clean = text.chars().filter(|c| !c.is_control());
    let mut short: String = clean.by_ref().take(limit).collect();
    if clean.next().is_some() {
        short.push('…');
    }
    short
}

/// What every identifier here has in common: parsing, printing, serde.
macro_rules! text_id {
    ($name:ident) => {
        impl $name {
            /// The identifier as it is written in a path.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        common_id!($name);
    };
}

macro_rules! common_id {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<$name, InvalidId> {
                text.parse()
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidId;

            fn try_from(text: &str) -> Result<$name, InvalidId> {
                text.parse()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                deserializer.deserialize_any(Text)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

/// A string, or a number as its digits: Sentry's ids are either.
pub(crate) struct Text;

impl<'de> de::Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a number")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(number.to_string()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(number.to_string()))
    }
}

/// The name of an organization, project or team inside a URL: a letter or digit, then up
/// to 99 letters, digits, dots, dashes and underscores. Case is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slug(String);

text_id!(Slug);

impl FromStr for Slug {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Slug, InvalidId> {
        let text = text.trim();
        let starts_well = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if !starts_well || text.len() > 100 || !text.bytes().all(allowed) {
            return Err(InvalidId::new(
                "a slug",
                text,
                "at most 100 letters, digits, dots, dashes and underscores, such as `my-team`",
            ));
        }
        Ok(Slug(text.to_owned()))
    }
}

/// A project as callers name it: by its slug, or by its numeric id (at most 20 digits).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SlugOrId {
    /// The slug.
    Slug(Slug),
    /// The id, digits only.
    Id(String),
}

impl SlugOrId {
    /// The slug or the digits, as they are written in a path.
    pub fn as_str(&self) -> &str {
        match self {
            SlugOrId::Slug(slug) => slug.as_str(),
            SlugOrId::Id(id) => id,
        }
    }
}

impl AsRef<str> for SlugOrId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl From<Slug> for SlugOrId {
    fn from(slug: Slug) -> SlugOrId {
        SlugOrId::Slug(slug)
    }
}

impl FromStr for SlugOrId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<SlugOrId, InvalidId> {
        let text = text.trim();
        if is_number(text) {
            return Ok(SlugOrId::Id(text.to_owned()));
        }
        text.parse().map(SlugOrId::Slug).map_err(|error: InvalidId| InvalidId {
            kind: "a project slug or id",
            expected: "a slug such as `backend`, or digits such as `4505`",
            ..error
        })
    }
}

common_id!(SlugOrId);

/// An issue: digits (`1234567`) or its short id (`BACKEND-4F`), upper-cased.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IssueId(String);

text_id!(IssueId);

impl FromStr for IssueId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<IssueId, InvalidId> {
        let id = text.trim().to_ascii_uppercase();
        if is_number(&id) || is_short_id(&id) {
            return Ok(IssueId(id));
        }
        Err(InvalidId::new(
            "an issue id",
            text,
            "a short id such as `BACKEND-4F`, or digits such as `1234567`",
        ))
    }
}

/// A project's code, a dash, and the number in base 32: `MY-APP_2-1A`.
fn is_short_id(text: &str) -> bool {
    let Some((code, number)) = text.rsplit_once('-') else { return false };
    let starts_well = code.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    text.len() <= 128
        && starts_well
        && code.bytes().all(allowed)
        && !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// An event: 32 hexadecimal digits, lower-cased; dashes are dropped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventId(String);

text_id!(EventId);

impl FromStr for EventId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<EventId, InvalidId> {
        let id: String = text
            .trim()
            .chars()
            .filter(|c| *c != '-')
            .map(|c| c.to_ascii_lowercase())
            .take(33)
            .collect();
        if id.len() != 32 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(InvalidId::new(
                "an event id",
                text,
                "32 hexadecimal digits such as `7ca573c0f4814912aaa9bdc77d1a7d51`",
            ));
        }
        Ok(EventId(id))
    }
}

/// An event of an issue: by its id, or by its place among the issue's events.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EventRef {
    /// The newest.
    Latest,
    /// The oldest.
    Oldest,
    /// The one that Sentry finds most telling.
    Recommended,
    /// A certain one.
    Id(EventId),
}

impl EventRef {
    /// The word or the id, as it is written in a path.
    pub fn as_str(&self) -> &str {
        match self {
            EventRef::Latest => "latest",
            EventRef::Oldest => "oldest",
            EventRef::Recommended => "recommended",
            EventRef::Id(id) => id.as_str(),
        }
    }
}

impl AsRef<str> for EventRef {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl FromStr for EventRef {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<EventRef, InvalidId> {
        let text = text.trim();
        for known in [EventRef::Latest, EventRef::Oldest, EventRef::Recommended] {
            if text.eq_ignore_ascii_case(known.as_str()) {
                return Ok(known);
            }
        }
        text.parse().map(EventRef::Id).map_err(|error: InvalidId| InvalidId {
            expected: "32 hexadecimal digits, or `latest`, `oldest` or `recommended`",
            ..error
        })
    }
}

common_id!(EventRef);

/// The version of a release: text of up to 250 characters without slashes and control
/// characters (what Sentry allows), percent-encoded where it is put into a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReleaseVersion(String);

text_id!(ReleaseVersion);

impl FromStr for ReleaseVersion {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<ReleaseVersion, InvalidId> {
        let text = text.trim();
        let refused = |c: char| c.is_control() || matches!(c, '/' | '\\');
        if matches!(text, "" | "." | "..")
            || text.chars().count() > 250
            || text.chars().any(refused)
        {
            return Err(InvalidId::new(
                "a release version",
                text,
                "a version such as `backend@1.4.0`",
            ));
        }
        Ok(ReleaseVersion(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed<T: FromStr<Err = InvalidId> + AsRef<str>>(text: &str) -> Option<String> {
        text.parse::<T>().ok().map(|id| id.as_ref().to_owned())
    }

    #[test]
    fn slugs() {
        let longest = "a".repeat(100);
        for good in ["acme", "ACME", "a", "7", "a.b_c-d", "0-0", longest.as_str(), "a..b"] {
            assert_eq!(parsed::<Slug>(good).as_deref(), Some(good));
        }
        assert_eq!(parsed::<Slug>(" acme\n").as_deref(), Some("acme"));
        let too_long = "a".repeat(101);
        for bad in [
            "",
            " ",
            ".",
            "..",
            "../",
            "../acme",
            "a/b",
            "a\\b",
            "%2e",
            "%2e%2e",
            "a%2fb",
            "-a",
            "_a",
            ".a",
            "a b",
            "a\nb",
            "ácme",
            "аcme",
            "a\u{202e}b",
            "a?b",
            "a#b",
            "a:b",
            "a@b",
            too_long.as_str(),
        ] {
            assert_eq!(parsed::<Slug>(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_slug_is_read_from_a_string_or_a_number() {
        assert_eq!(serde_json::from_str::<Slug>("17").unwrap().as_str(), "17");
        assert_eq!(serde_json::from_str::<Slug>(r#"" acme ""#).unwrap().as_str(), "acme");
        assert_eq!(serde_json::from_value::<Slug>("acme".into()).unwrap().as_str(), "acme");
        for bad in ["-1", "1.5", "null", "true", "{}", "[]", r#""a/b""#] {
            assert!(serde_json::from_str::<Slug>(bad).is_err(), "{bad}");
        }
        assert_eq!(serde_json::to_string(&"acme".parse::<Slug>().unwrap()).unwrap(), r#""acme""#);
    }

    #[test]
    fn a_project_is_a_slug_or_an_id() {
        assert_eq!("4505".parse(), Ok(SlugOrId::Id("4505".into())));
        assert_eq!("api-2".parse(), Ok(SlugOrId::Slug("api-2".parse().unwrap())));
        assert!(matches!("123456789012345678901".parse(), Ok(SlugOrId::Slug(_))));
        let error = "a/b".parse::<SlugOrId>().unwrap_err().to_string();
        assert_eq!(
            error,
            "`a/b` is not a project slug or id; expected a slug such as `backend`, or digits such as `4505`"
        );
    }

    #[test]
    fn issue_ids() {
        let table = [
            ("1234567", "1234567"),
            (" backend-4f ", "BACKEND-4F"),
            ("MY-APP_2-1A", "MY-APP_2-1A"),
            ("a.b-1", "A.B-1"),
            ("12-34", "12-34"),
        ];
        for (text, expected) in table {
            assert_eq!(parsed::<IssueId>(text).as_deref(), Some(expected));
        }
        for bad in [
            "",
            "BACKEND",
            "-1",
            "BACKEND-",
            "A--",
            "A/B-1",
            "../1",
            "A-1/..",
            "A B-1",
            "%41-1",
            "Ä-1",
            "_A-1",
            "123456789012345678901",
        ] {
            assert_eq!(parsed::<IssueId>(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn event_ids() {
        let id = "7ca573c0f4814912aaa9bdc77d1a7d51";
        assert_eq!(parsed::<EventId>(id).as_deref(), Some(id));
        assert_eq!(parsed::<EventId>("7CA573C0-F481-4912-AAA9-BDC77D1A7D51").as_deref(), Some(id));
        let too_long = format!("{id}0");
        for bad in ["", "latest", "7ca573c0", too_long.as_str(), "zca573c0f4814912aaa9bdc77d1a7d51"]
        {
            assert_eq!(parsed::<EventId>(bad), None, "{bad:?}");
        }
        assert_eq!("Latest".parse(), Ok(EventRef::Latest));
        assert_eq!(" oldest ".parse(), Ok(EventRef::Oldest));
        assert_eq!("recommended".parse(), Ok(EventRef::Recommended));
        assert_eq!(parsed::<EventRef>(id).as_deref(), Some(id));
        assert!("newest".parse::<EventRef>().unwrap_err().to_string().contains("`latest`"));
    }

    #[test]
    fn release_versions() {
        let longest = "ä".repeat(250);
        for good in ["1.0", "backend@1.4.0+7", "a b", "...", "%2e%2e", longest.as_str()] {
            assert_eq!(parsed::<ReleaseVersion>(good).as_deref(), Some(good));
        }
        let too_long = "a".repeat(251);
        for bad in ["", " ", ".", "..", "a/b", "a\\b", "a\nb", too_long.as_str()] {
            assert_eq!(parsed::<ReleaseVersion>(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_message_is_short_and_has_no_control_characters() {
        let text = format!("a/\u{1b}[31m{}", "x".repeat(1000));
        let message = text.parse::<Slug>().unwrap_err().to_string();
        assert!(message.len() < 200 && !message.contains('\u{1b}'), "{message}");
    }
}
