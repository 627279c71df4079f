//! Events: one of an issue, or one found by its id alone. Their text was written by whoever
//! could send an event; nothing here renders, filters or trusts it.

mod event;
mod lax;
mod occurrence;
mod text;

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, de::IgnoredAny};

pub use self::{
    event::{Commit, Entry, EntryData, Event, Frame, Geo, Release, Sdk, Stack, Tag, User, Value},
    lax::Fields,
    occurrence::{Evidence, Occurrence, Span},
    text::{Exposed, Text},
};
use crate::{
    Client, Error, ErrorKind, EventId, EventRef, IssueId, Region, Result, Slug, decode,
    request::Route,
};

/// An event as it came, to be read by types that borrow from it: events are large.
#[derive(Clone, Debug)]
pub struct EventBody(Body);

impl EventBody {
    /// The event. Only broken JSON fails.
    pub fn read(&self) -> Result<Event<'_>> {
        self.0.read()
    }
}

/// Whose event an event id is, as it came, with the event.
#[derive(Clone, Debug)]
pub struct EventOwnerBody(Body);

impl EventOwnerBody {
    /// The owner. Only broken JSON fails.
    pub fn read(&self) -> Result<EventOwner<'_>> {
        self.0.read()
    }
}

/// Whose event an event id is.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EventOwner<'a> {
    /// The project, for the check against a fence.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub project_slug: Option<Cow<'a, str>>,
    /// The numeric id of the issue; absent for an event without one, such as a transaction.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub group_id: Option<Cow<'a, str>>,
    /// The event itself.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub event: Option<Event<'a>>,
}

/// A JSON object that was not read yet, and the request it answers.
#[derive(Clone, Debug)]
struct Body {
    json: Bytes,
    request: String,
    host: String,
}

impl Body {
    fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T> {
        serde_json::from_slice(&self.json).map_err(|_| {
            let kind = decode::json::<IgnoredAny>(200, &self.json).err().unwrap_or_else(|| {
                let problem = "a field that occurs twice".to_owned();
                ErrorKind::Decode { path: ".".to_owned(), problem }
            });
            Error::new(&self.request, &self.host, kind)
        })
    }
}

impl Client {
    /// `GET /api/0/organizations/{org}/issues/{issue}/events/{event}/`
    pub async fn get_event(
        &self,
        org: &Slug,
        issue: &IssueId,
        event: &EventRef,
        region: Option<&Region>,
    ) -> Result<EventBody> {
        let route = Route::organization(org).seg("issues").seg(issue.as_str());
        self.event_body(route.seg("events").seg(event.as_str()), region).await.map(EventBody)
    }

    /// `GET /api/0/organizations/{org}/eventids/{event}/`
    ///
    /// Unlike the other event endpoints it asks for `org:read`.
    pub async fn find_event(
        &self,
        org: &Slug,
        event: &EventId,
        region: Option<&Region>,
    ) -> Result<EventOwnerBody> {
        let route = Route::organization(org).seg("eventids").seg(event.as_str());
        self.event_body(route, region).await.map(EventOwnerBody)
    }

    async fn event_body(&self, route: Route<'_>, region: Option<&Region>) -> Result<Body> {
        let request = format!("GET {}", route.path());
        let host = region.unwrap_or(self.site().own()).host().to_owned();
        let json = self.get(route).in_region(region).object().await?;
        Ok(Body { json, request, host })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(json: &str) -> Body {
        Body {
            json: Bytes::copy_from_slice(json.as_bytes()),
            request: "GET /x/".into(),
            host: "h".into(),
        }
    }

    #[test]
    fn the_data_of_an_entry_may_come_before_its_type() {
        let body = EventBody(body(
            r#"{"eventID": "e", "id": "other", "type": "error", "entries": [
                {"data": {"values": [{"type": "A"}, null, {"type": "B", "stacktrace": {"frames": [
                    {"lineNo": "7", "context": [[7, "x"], [null, "y"]], "vars": {"a": 1}}, null]}}]},
                 "type": "exception"},
                {"type": "threads", "data": {"values": [{"id": 4, "crashed": true}]}},
                {"type": "future", "data": [1, [2]]}, null, 7
            ]}"#,
        ));
        let event = body.read().unwrap();
        assert_eq!(event.id().exposed(), Some("e"));
        let exceptions = event.exceptions();
        let kinds: Vec<_> = exceptions.iter().map(|one| one.kind.exposed()).collect();
        assert_eq!(kinds, [Some("A"), Some("B")]);
        let [frame] = exceptions[1].frames() else { panic!("one frame") };
        assert_eq!((frame.line_no, frame.context.len()), (Some(7), 1));
        assert_eq!(frame.vars.map(|vars| Fields::of(vars).0.len()), Some(1));
        assert_eq!(event.threads()[0].id.exposed(), Some("4"));
        assert_eq!(event.entries.len(), 3);
    }

    #[test]
    fn every_field_may_have_any_type() {
        for wrong in ["null", "7", "true", r#""text""#, r#"[[1], "a"]"#, r#"{"a": {"b": 1}}"#] {
            for field in
                ["id", "type", "entries", "user", "tags", "contexts", "context", "dateCreated"]
            {
                EventBody(body(&format!(r#"{{"{field}": {wrong}}}"#))).read().unwrap();
            }
            for field in ["values", "value", "frames", "method", "query", "headers"] {
                let json = format!(r#"{{"entries": [{{"data": {{"{field}": {wrong}}}}}]}}"#);
                EventBody(body(&json)).read().unwrap();
            }
        }
    }

    #[test]
    fn the_owner_of_an_event_holds_the_event() {
        let body =
            EventOwnerBody(body(r#"{"projectSlug": "api", "groupId": 1, "event": {"id": "e"}}"#));
        let owner = body.read().unwrap();
        assert_eq!(owner.project_slug.as_deref(), Some("api"));
        assert_eq!(owner.group_id.as_deref(), Some("1"));
        assert_eq!(owner.event.unwrap().id().exposed(), Some("e"));
    }

    #[test]
    fn broken_json_is_told_with_the_request_and_without_a_value() {
        let error = EventBody(body(r#"{"id": "hunter2"#)).read().unwrap_err();
        assert_eq!(error.request(), "GET /x/");
        assert!(error.kind().to_string().contains("ends too early"), "{}", error.kind());
    }
}
