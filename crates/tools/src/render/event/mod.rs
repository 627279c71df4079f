//! One event of an issue: what happened, where, and around what. The type decides only what
//! is said about it: whatever is in the event is shown. All text is a stranger's.

use std::fmt::Write as _;

use jiff::Timestamp;
use sentry_client::events::{Event, Exposed as _, Fields, User};
use serde_json::value::RawValue;

use super::{
    block::Block,
    breadcrumbs, clip, evidence, issue,
    json::{self, Strings},
    markdown, replay, stacktrace, threads,
};
use crate::{
    answer::{Kept, Mark, Stranger},
    issue_details::{
        data::{self, Details, EventFacts, Lines},
        page::{Page, Part},
    },
};

/// The longest message, in characters.
const MESSAGE_LIMIT: usize = 4_000;
/// The same in a brief answer.
const BRIEF_LIMIT: usize = 300;
/// The types of events that Sentry is known to have.
const KINDS: &[&str] = &[
    "error",
    "default",
    "transaction",
    "generic",
    "csp",
    "hpkp",
    "expectct",
    "expectstaple",
    "nel",
    "feedback",
];
/// The longest value of a tag, a context or extra data, in characters.
const VALUE_LIMIT: usize = 400;
/// The most tags, contexts, entries of a context, and extra values.
const ENTRIES: usize = 50;
/// The headers that help and hold no secret. Cookies and credentials are never shown.
const HEADERS: &[&str] = &[
    "accept",
    "content-length",
    "content-type",
    "host",
    "origin",
    "referer",
    "user-agent",
    "x-request-id",
];

/// Appends the event.
pub(crate) fn event(page: &mut Page, event: &Event<'_>, now: Timestamp) {
    headline(page, event, now);
    message(page, event);
    stacktrace::failure(page, event);
    evidence::evidence(page, event);
    request(page, event);
    if let Some(of) = &event.user {
        user(page, of);
    }
    tags(page, event);
    threads::table(page, event);
    breadcrumbs::breadcrumbs(page, event);
    extra(page, &event.extra);
    contexts(page, &event.contexts);
}

/// What every event has, whatever its type.
fn headline(page: &mut Page, event: &Event<'_>, now: Timestamp) {
    let brief = page.is_brief();
    let out = page.essential();
    out.push("\n## Event\n\n");
    if let Some(id) = event.id().filled() {
        let _ = writeln!(out, "- ID: {}", markdown::code(id, 40));
    }
    let kind = event.kind.filled();
    if let Some(kind) = kind {
        let _ = writeln!(out, "- Type: {}", markdown::code(kind, 40));
    }
    if let Some(date) = event.date_created.exposed().or(event.date_received.exposed()) {
        let known = date.trim().parse::<Timestamp>().is_ok();
        let date = if known { issue::time(date, now) } else { markdown::code(date, 40) };
        let _ = writeln!(out, "- Occurred: {date}");
    }
    if let Some(trace) = trace(event).filter(|_| !brief) {
        let _ = writeln!(out, "- Trace: {}", markdown::code(&trace, 40));
    }
    let is_failure = matches!(kind, None | Some("error" | "default"));
    if let Some(title) = event.title.filled().filter(|_| !is_failure && !brief) {
        let _ = writeln!(out, "- Title: {}", markdown::code(title, 300));
    }
    let known = KINDS.contains(&kind.unwrap_or("error"));
    page.tell(|data| {
        let date = event.date_created.exposed().or(event.date_received.exposed());
        let title = event.title.exposed().filter(|_| !is_failure && !brief);
        data.event = Some(EventFacts {
            id: Stranger::some(event.id().exposed(), 40),
            kind: Stranger::some(kind, 40),
            occurred: Stranger::some(date, 40),
            trace: Stranger::some(trace(event).filter(|_| !brief).as_deref(), 40),
            title: Stranger::some(title, 300),
        });
    });
    if !known {
        let note = "Events of this type are not known here; what is recognized in it follows.";
        page.note(note.to_owned());
    }
}

/// The id of the trace, which other calls need.
pub(crate) fn trace(event: &Event<'_>) -> Option<String> {
    let trace = event.context("trace");
    let id = trace.get("trace_id").and_then(json::text)?;
    Some(&id).filled().map(str::to_owned)
}

/// A section with one block, if there is anything to show; as data in `field`.
fn section(
    page: &mut Page,
    part: Part,
    title: &str,
    text: &str,
    field: impl FnOnce(&mut Details) -> &mut Option<Kept<Stranger>>,
) {
    if text.trim().is_empty() {
        return;
    }
    if let Some(section) = page.part(part) {
        let _ = writeln!(section, "\n### {title}\n");
        let mut block = String::with_capacity(text.len() + 16);
        markdown::code_block(&mut block, "", text);
        section.push(&block);
        let mark = section.mark();
        page.tell(|data| *field(data) = Some(Kept::new(mark, Stranger::new(text.trim_end()))));
    }
}

/// The same for a list whose lines may be left out one by one.
fn list(
    page: &mut Page,
    part: Part,
    title: &str,
    text: &str,
    field: impl FnOnce(&mut Details) -> &mut Option<Kept<Lines>>,
) {
    if text.trim().is_empty() {
        return;
    }
    if let Some(section) = page.part(part) {
        let mut block = Block::default();
        block.entries(text);
        let marks: Vec<Mark> = block.titled(section, title);
        let mark = section.mark();
        page.tell(|told| *field(told) = Some(Kept::new(mark, data::lines(&marks, text.lines()))));
    }
}

fn message(page: &mut Page, event: &Event<'_>) {
    let logged = event.entries_of("message").next();
    let text = logged
        .and_then(|data| data.formatted.filled().or(data.message.filled()))
        .or(event.message.filled());
    let Some(text) = text else { return };
    let mut block = String::with_capacity(text.len().min(MESSAGE_LIMIT));
    if page.is_brief() {
        // The exception says the same and more.
        if !event.exceptions().is_empty() {
            return;
        }
        clip::line(&mut block, text, BRIEF_LIMIT);
    } else {
        clip::lines(&mut block, text, MESSAGE_LIMIT);
    }
    section(page, Part::Message, "Message", &block, |data| &mut data.message);
}

fn request(page: &mut Page, event: &Event<'_>) {
    let Some(data) = event.entries_of("request").next() else { return };
    let mut text = String::with_capacity(256);
    for part in [&data.method, &data.url] {
        if let Some(part) = part.filled() {
            if !text.is_empty() {
                text.push(' ');
            }
            clip::line(&mut text, part, 1_000);
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    if let Some(json) = data.query.filter(|json| !json::is_empty(json)) {
        text.push_str("Query: ");
        query(&mut text, json);
        text.push('\n');
    }
    for (name, value) in &data.headers {
        if HEADERS.iter().any(|known| name.expose().eq_ignore_ascii_case(known)) {
            clip::line(&mut text, name.expose(), 40);
            text.push_str(": ");
            clip::line(&mut text, value.expose(), VALUE_LIMIT);
            text.push('\n');
        }
    }
    section(page, Part::Request, "HTTP request", &text, |data| &mut data.request);
}

/// The query: a list of pairs in most events, else text or an object.
fn query(out: &mut String, json: &RawValue) {
    let pairs = serde_json::from_str::<Vec<(String, Option<String>)>>(json.get());
    match pairs {
        Ok(pairs) => {
            let pairs: Vec<String> = pairs
                .into_iter()
                .map(|(name, value)| format!("{name}={}", value.unwrap_or_default()))
                .collect();
            clip::line(out, &pairs.join("&"), 1_000);
        }
        Err(_) => json::value(out, json, Strings::Bare, 1_000),
    }
}

fn user(page: &mut Page, user: &User<'_>) {
    let facts = [
        ("id", &user.id),
        ("email", &user.email),
        ("username", &user.username),
        ("ip", &user.ip_address),
        ("name", &user.name),
    ];
    let mut text = String::with_capacity(128);
    for (name, value) in facts {
        if let Some(value) = value.filled() {
            text.push_str(if text.is_empty() { "" } else { ", " });
            let _ = write!(text, "{name}: ");
            clip::line(&mut text, value, 200);
        }
    }
    if let Some(geo) = &user.geo {
        let mut places: Vec<&str> = Vec::with_capacity(4);
        for place in [&geo.country_code, &geo.city, &geo.region, &geo.country_name] {
            if let Some(place) = place.filled().filter(|place| !places.contains(place)) {
                places.push(place);
            }
        }
        if !places.is_empty() {
            text.push_str(if text.is_empty() { "geo: " } else { "\ngeo: " });
            clip::line(&mut text, &places.join(", "), 200);
        }
    }
    section(page, Part::User, "User", &text, |data| &mut data.user);
}

fn tags(page: &mut Page, event: &Event<'_>) {
    let most = most(page, Part::Tags);
    let mut text = String::with_capacity(event.tags.len() * 40);
    let known = event
        .tags
        .iter()
        .filter_map(|tag| tag.key.filled().zip(tag.value.filled()))
        // The replay has a section of its own.
        .filter(|(key, _)| !replay::TAGS.contains(key));
    let mut left_out = 0;
    for (at, (key, value)) in known.enumerate() {
        if at >= most {
            left_out += 1;
            continue;
        }
        clip::line(&mut text, key, 100);
        text.push_str(": ");
        clip::line(&mut text, value, VALUE_LIMIT);
        text.push('\n');
    }
    json::more(&mut text, left_out);
    list(page, Part::Tags, "Tags", &text, |data| &mut data.tags);
}

fn extra(page: &mut Page, fields: &Fields<'_>) {
    let mut text = String::new();
    json::fields(&mut text, fields, most(page, Part::Extra), VALUE_LIMIT);
    list(page, Part::Extra, "Extra data", &text, |data| &mut data.extra);
}

/// The most entries of a list.
fn most(page: &Page, part: Part) -> usize {
    if page.whole(part) { usize::MAX } else { ENTRIES }
}

/// Each context with its entries below it; the `type` only repeats the name.
fn contexts(page: &mut Page, contexts: &Fields<'_>) {
    let most = most(page, Part::Contexts);
    let mut text = String::with_capacity(512);
    for (name, json) in contexts.0.iter().filter(|(name, _)| name != "replay").take(most) {
        let mut entries = Fields::of(json);
        entries.0.retain(|(name, json)| name != "type" && !json::is_empty(json));
        if !entries.0.is_empty() {
            clip::line(&mut text, name.expose(), 100);
            text.push_str(":\n");
            let mut indented = String::with_capacity(256);
            json::fields(&mut indented, &entries, most, VALUE_LIMIT);
            for line in indented.lines() {
                let _ = writeln!(text, "  {line}");
            }
        } else if !json.get().starts_with('{') && !json::is_empty(json) {
            clip::line(&mut text, name.expose(), 100);
            text.push_str(": ");
            json::value(&mut text, json, Strings::Bare, VALUE_LIMIT);
            text.push('\n');
        }
    }
    json::more(&mut text, contexts.0.len().saturating_sub(most));
    list(page, Part::Contexts, "Contexts", &text, |data| &mut data.contexts);
}

#[cfg(test)]
mod tests;
