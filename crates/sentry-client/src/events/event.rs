//! What an event holds, borrowed from the JSON it came in. All of it may be absent: SDKs of
//! twelve years, several Sentry versions, and strangers write it. Nothing is judged here.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{
    lax::{self, Either, Fields, Lax},
    occurrence::{Occurrence, Span},
    text::{Exposed as _, Text},
};

/// These are read from an object; anything else in their place counts as absent.
macro_rules! objects {
    ($($name:ident),+) => {
        $(impl<'de: 'a, 'a> Lax<'de> for $name<'a> {
            fn lax<D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
                lax::object(deserializer)
            }
        })+
    };
}

objects!(Event, Entry, Value, Stack, Frame, Tag, User, Geo, Release, Commit, Sdk);

/// One event, as `…/issues/{id}/events/{event}/` describes it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Event<'a> {
    #[serde(borrow, rename = "eventID", deserialize_with = "lax::read")]
    hex_id: Option<Text<'a>>,
    #[serde(borrow, deserialize_with = "lax::read")]
    id: Option<Text<'a>>,
    /// `error`, `default`, `transaction`, `generic`, `csp`, …; new ones appear.
    #[serde(borrow, rename = "type", deserialize_with = "lax::read")]
    pub kind: Option<Text<'a>>,
    /// The title that Sentry derived.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub title: Option<Text<'a>>,
    /// The message that came with the event; often empty.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub message: Option<Text<'a>>,
    /// The platform of the SDK, such as `python`.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub platform: Option<Text<'a>>,
    /// When it happened, in ISO 8601.
    #[serde(borrow, rename = "dateCreated", deserialize_with = "lax::read")]
    pub date_created: Option<Text<'a>>,
    /// When Sentry received it, in ISO 8601.
    #[serde(borrow, rename = "dateReceived", deserialize_with = "lax::read")]
    pub date_received: Option<Text<'a>>,
    /// The release that it happened in.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub release: Option<Release<'a>>,
    /// The SDK that sent it.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub sdk: Option<Sdk<'a>>,
    /// What Sentry detected, for an issue that is no error.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub occurrence: Option<Occurrence<'a>>,
    /// Exceptions, threads, the request, breadcrumbs, …
    #[serde(borrow, deserialize_with = "lax::or_empty")]
    pub entries: Vec<Entry<'a>>,
    /// Who was affected.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub user: Option<User<'a>>,
    /// The tags that have a key and a value.
    #[serde(borrow, deserialize_with = "lax::or_empty")]
    pub tags: Vec<Tag<'a>>,
    /// Browser, operating system, trace, and whatever the program added: an object each.
    #[serde(borrow, deserialize_with = "lax::or_empty")]
    pub contexts: Fields<'a>,
    /// Extra data of the program; the API calls it `context`.
    #[serde(borrow, rename = "context", deserialize_with = "lax::or_empty")]
    pub extra: Fields<'a>,
}

impl<'a> Event<'a> {
    /// The event's id: 32 hexadecimal digits.
    pub fn id(&self) -> Option<&Text<'a>> {
        self.hex_id.as_ref().or(self.id.as_ref())
    }

    /// The data of the entries of one kind, such as `exception`.
    pub fn entries_of(&self, kind: &str) -> impl Iterator<Item = &EntryData<'a>> {
        self.entries
            .iter()
            .filter(move |entry| entry.kind.exposed() == Some(kind))
            .filter_map(|entry| entry.data.as_ref())
    }

    /// The exceptions, the cause first and the one that was reported last.
    pub fn exceptions(&self) -> Vec<&Value<'a>> {
        self.values("exception")
    }

    /// The threads.
    pub fn threads(&self) -> Vec<&Value<'a>> {
        self.values("threads")
    }

    /// What happened before, the oldest first.
    pub fn breadcrumbs(&self) -> Vec<&Value<'a>> {
        self.values("breadcrumbs")
    }

    /// The spans of a transaction.
    pub fn spans(&self) -> impl Iterator<Item = &Span<'a>> {
        self.entries_of("spans").flat_map(|data| &data.spans)
    }

    /// The value of a tag.
    pub fn tag(&self, key: &str) -> Option<&Text<'a>> {
        self.tags.iter().find(|tag| tag.key.exposed() == Some(key))?.value.as_ref()
    }

    /// The fields of one context, such as `trace`; empty if the event has no such context.
    pub fn context(&self, name: &str) -> Fields<'a> {
        self.contexts.get(name).map(Fields::of).unwrap_or_default()
    }

    fn values(&self, kind: &str) -> Vec<&Value<'a>> {
        self.entries_of(kind).flat_map(|data| data.values.iter().chain(&data.value)).collect()
    }
}

/// One part of an event.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Entry<'a> {
    /// What the data is about: `exception`, `threads`, `request`, `message`, …
    #[serde(borrow, rename = "type", deserialize_with = "lax::read")]
    pub kind: Option<Text<'a>>,
    /// The data.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub data: Option<EntryData<'a>>,
}

/// The data of an entry of any kind.
///
/// Sentry writes `data` before `type`, so the kind is unknown while the data is read. One
/// type that has the fields of all kinds lets an event be read in one pass.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct EntryData<'a> {
    /// `exception` and `threads`: what there is several of.
    #[serde(borrow, deserialize_with = "lax::or_empty")]
    pub values: Vec<Value<'a>>,
    /// `exception`: the only one, as some SDKs send it.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub value: Option<Value<'a>>,
    /// `stacktrace`: its frames, the outermost call first.
    #[serde(borrow, deserialize_with = "lax::or_empty")]
    pub frames: Vec<Frame<'a>>,
    /// `message`: the text with its parameters put in.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub formatted: Option<Text<'a>>,
    /// `message`: the text before that.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub message: Option<Text<'a>>,
    /// `request`: `GET`, `POST`, …
    #[serde(borrow, deserialize_with = "lax::read")]
    pub method: Option<Text<'a>>,
    /// `request`: the address without the query.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub url: Option<Text<'a>>,
    /// `request`: text, a list of pairs, or an object.
    #[serde(borrow)]
    pub query: Option<&'a RawValue>,
    /// `request`: names and values. Holds cookies and credentials: choose what to show.
    #[serde(borrow, deserialize_with = "lax::or_empty")]
    pub headers: Vec<(Text<'a>, Text<'a>)>,
    /// `spans`: these are a list where all other kinds have an object.
    #[serde(skip)]
    pub spans: Vec<Span<'a>>,
    /// `csp`: the resource that was blocked.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub blocked_uri: Option<Text<'a>>,
    /// `csp`: the directive as the policy has it.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub violated_directive: Option<Text<'a>>,
    /// `csp`: the directive that was enforced.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub effective_directive: Option<Text<'a>>,
    /// `csp`: the page.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub document_uri: Option<Text<'a>>,
    /// `csp`: the script or style sheet that asked for the resource.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub source_file: Option<Text<'a>>,
    /// `csp`: the line in that file.
    #[serde(deserialize_with = "lax::read")]
    pub line_number: Option<u64>,
    /// `csp`: `enforce` or `report`.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub disposition: Option<Text<'a>>,
    /// `csp`: the whole policy.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub original_policy: Option<Text<'a>>,
}

/// An object, or the list of spans.
impl<'de: 'a, 'a> Lax<'de> for EntryData<'a> {
    fn lax<D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        let read = lax::object_or_list(deserializer)?;
        Ok(read.map(|read| match read {
            Either::Object(data) => data,
            Either::List(spans) => EntryData { spans, ..EntryData::default() },
        }))
    }
}

/// An exception, a thread, or a breadcrumb.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Value<'a> {
    /// Exception or breadcrumb: its type.
    #[serde(borrow, rename = "type", deserialize_with = "lax::read")]
    pub kind: Option<Text<'a>>,
    /// Exception: its message.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub value: Option<Text<'a>>,
    /// Thread: its id.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub id: Option<Text<'a>>,
    /// Thread: its name.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub name: Option<Text<'a>>,
    /// Thread: `RUNNABLE`, `BLOCKED`, …, in the words of its language.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub state: Option<Text<'a>>,
    /// Thread: whether it is the one that crashed.
    #[serde(deserialize_with = "lax::read")]
    pub crashed: Option<bool>,
    /// Thread: whether the event was sent from it.
    #[serde(deserialize_with = "lax::read")]
    pub current: Option<bool>,
    /// Where it happened.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub stacktrace: Option<Stack<'a>>,
    /// Breadcrumb: when, in ISO 8601.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub timestamp: Option<Text<'a>>,
    /// Breadcrumb: `http`, `query`, `ui.click`, …
    #[serde(borrow, deserialize_with = "lax::read")]
    pub category: Option<Text<'a>>,
    /// Breadcrumb: `info`, `warning`, …
    #[serde(borrow, deserialize_with = "lax::read")]
    pub level: Option<Text<'a>>,
    /// Breadcrumb: what happened.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub message: Option<Text<'a>>,
    /// Breadcrumb: more about it.
    #[serde(borrow, deserialize_with = "lax::or_empty")]
    pub data: Fields<'a>,
}

impl<'a> Value<'a> {
    /// The frames, the outermost call first; empty without a stack.
    pub fn frames(&self) -> &[Frame<'a>] {
        self.stacktrace.as_ref().map(|stack| stack.frames.as_slice()).unwrap_or_default()
    }
}

/// A stack trace.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Stack<'a> {
    /// The outermost call first, the place of the failure last.
    #[serde(borrow, deserialize_with = "lax::or_empty")]
    pub frames: Vec<Frame<'a>>,
}

/// One call of a stack trace.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Frame<'a> {
    /// The file, relative to the source root where the SDK knows it.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub filename: Option<Text<'a>>,
    /// The file with its whole path.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub abs_path: Option<Text<'a>>,
    /// The module, or the class in Java.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub module: Option<Text<'a>>,
    /// The library or image, in native code.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub package: Option<Text<'a>>,
    /// The platform, where it differs from the event's.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub platform: Option<Text<'a>>,
    /// The function.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub function: Option<Text<'a>>,
    /// The line, from 1.
    #[serde(deserialize_with = "lax::read")]
    pub line_no: Option<u64>,
    /// The column.
    #[serde(deserialize_with = "lax::read")]
    pub col_no: Option<u64>,
    /// Whether it belongs to the application and not to a library.
    #[serde(deserialize_with = "lax::read")]
    pub in_app: Option<bool>,
    /// The page of the file at the code host.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub source_link: Option<Text<'a>>,
    /// Numbered source lines around the call.
    #[serde(borrow, deserialize_with = "lax::or_empty")]
    pub context: Vec<(u64, Text<'a>)>,
    /// The local variables, an object in most SDKs.
    #[serde(borrow)]
    pub vars: Option<&'a RawValue>,
}

/// A tag.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tag<'a> {
    /// Its name.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub key: Option<Text<'a>>,
    /// Its value.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub value: Option<Text<'a>>,
}

/// Who was affected.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct User<'a> {
    /// The application's own id.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub id: Option<Text<'a>>,
    /// The e-mail address.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub email: Option<Text<'a>>,
    /// The login name.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub username: Option<Text<'a>>,
    /// The network address.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub ip_address: Option<Text<'a>>,
    /// The name to show.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub name: Option<Text<'a>>,
    /// Where the network address was.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub geo: Option<Geo<'a>>,
}

/// Where a network address was.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Geo<'a> {
    /// Two letters.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub country_code: Option<Text<'a>>,
    /// The city.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub city: Option<Text<'a>>,
    /// The region, or the name of the country.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub region: Option<Text<'a>>,
    /// The country's name, where it is sent on its own.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub country_name: Option<Text<'a>>,
}

/// The release that an event happened in.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Release<'a> {
    /// Its whole version, `shop@1.2.3`.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub version: Option<Text<'a>>,
    /// The newest commit in it.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub last_commit: Option<Commit<'a>>,
}

/// A commit of a release.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Commit<'a> {
    /// Its hash.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub id: Option<Text<'a>>,
}

/// The SDK that sent an event.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sdk<'a> {
    /// `sentry.python.django`
    #[serde(borrow, deserialize_with = "lax::read")]
    pub name: Option<Text<'a>>,
}
