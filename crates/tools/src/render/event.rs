//! One event of an issue: what happened, where, and around what. Errors and messages are
//! shown in full; of other types only what every event has. All text is a stranger's.

use std::fmt::Write as _;

use jiff::Timestamp;
use sentry_client::events::{EntryData, Event, Fields, User};
use serde_json::value::RawValue;

use super::{
    clip, issue,
    json::{self, Strings},
    markdown, stacktrace,
};

/// The longest message, in characters.
const MESSAGE_LIMIT: usize = 4_000;
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
pub(crate) fn event(out: &mut String, event: &Event<'_>, now: Timestamp) {
    out.push_str("\n## Event\n\n");
    if let Some(id) = filled(event.id()) {
        let _ = writeln!(out, "- ID: {}", markdown::code(id, 40));
    }
    let kind = filled(event.kind.as_deref());
    if let Some(kind) = kind {
        let _ = writeln!(out, "- Type: {}", markdown::code(kind, 40));
    }
    if let Some(date) = event.date_created.as_deref().or(event.date_received.as_deref()) {
        let known = date.trim().parse::<Timestamp>().is_ok();
        let date = if known { issue::time(date, now) } else { markdown::code(date, 40) };
        let _ = writeln!(out, "- Occurred: {date}");
    }
    if let None | Some("error" | "default") = kind {
        message(out, event);
        stacktrace::failure(out, event);
        if let Some(data) = event.entries_of("request").next() {
            request(out, data);
        }
        if let Some(of) = &event.user {
            user(out, of);
        }
        tags(out, event);
        extra(out, &event.extra);
        contexts(out, &event.contexts);
    } else {
        if let Some(title) = filled(event.title.as_deref()) {
            let _ = writeln!(out, "- Title: {}", markdown::code(title, 300));
        }
        out.push_str("\nThe details of events of this type are not shown here.\n");
        tags(out, event);
        contexts(out, &event.contexts);
    }
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}

/// A section with one block, if there is anything to show.
fn section(out: &mut String, title: &str, text: &str) {
    if !text.trim().is_empty() {
        let _ = writeln!(out, "\n### {title}\n");
        markdown::code_block(out, "", text);
    }
}

fn message(out: &mut String, event: &Event<'_>) {
    let logged = event.entries_of("message").next();
    let text = logged
        .and_then(|data| filled(data.formatted.as_deref()).or(filled(data.message.as_deref())))
        .or(filled(event.message.as_deref()));
    if let Some(text) = text {
        let mut block = String::with_capacity(text.len().min(MESSAGE_LIMIT));
        clip::lines(&mut block, text, MESSAGE_LIMIT);
        section(out, "Message", &block);
    }
}

fn request(out: &mut String, data: &EntryData<'_>) {
    let mut text = String::with_capacity(256);
    for part in [&data.method, &data.url] {
        if let Some(part) = filled(part.as_deref()) {
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
        if HEADERS.iter().any(|known| name.eq_ignore_ascii_case(known)) {
            clip::line(&mut text, name, 40);
            text.push_str(": ");
            clip::line(&mut text, value, VALUE_LIMIT);
            text.push('\n');
        }
    }
    section(out, "HTTP request", &text);
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

fn user(out: &mut String, user: &User<'_>) {
    let facts = [
        ("id", &user.id),
        ("email", &user.email),
        ("username", &user.username),
        ("ip", &user.ip_address),
        ("name", &user.name),
    ];
    let mut text = String::with_capacity(128);
    for (name, value) in facts {
        if let Some(value) = filled(value.as_deref()) {
            text.push_str(if text.is_empty() { "" } else { ", " });
            let _ = write!(text, "{name}: ");
            clip::line(&mut text, value, 200);
        }
    }
    if let Some(geo) = &user.geo {
        let mut places: Vec<&str> = Vec::with_capacity(4);
        for place in [&geo.country_code, &geo.city, &geo.region, &geo.country_name] {
            if let Some(place) = filled(place.as_deref()).filter(|place| !places.contains(place)) {
                places.push(place);
            }
        }
        if !places.is_empty() {
            text.push_str(if text.is_empty() { "geo: " } else { "\ngeo: " });
            clip::line(&mut text, &places.join(", "), 200);
        }
    }
    section(out, "User", &text);
}

fn tags(out: &mut String, event: &Event<'_>) {
    let mut text = String::with_capacity(event.tags.len() * 40);
    let known = event
        .tags
        .iter()
        .filter_map(|tag| filled(tag.key.as_deref()).zip(filled(tag.value.as_deref())));
    let mut left_out = 0;
    for (at, (key, value)) in known.enumerate() {
        if at >= ENTRIES {
            left_out += 1;
            continue;
        }
        clip::line(&mut text, key, 100);
        text.push_str(": ");
        clip::line(&mut text, value, VALUE_LIMIT);
        text.push('\n');
    }
    json::more(&mut text, left_out);
    section(out, "Tags", &text);
}

fn extra(out: &mut String, fields: &Fields<'_>) {
    let mut text = String::new();
    json::fields(&mut text, fields, ENTRIES, VALUE_LIMIT);
    section(out, "Extra data", &text);
}

/// Each context with its entries below it; the `type` only repeats the name.
fn contexts(out: &mut String, contexts: &Fields<'_>) {
    let mut text = String::with_capacity(512);
    for (name, json) in contexts.0.iter().take(ENTRIES) {
        let mut entries = Fields::of(json);
        entries.0.retain(|(name, json)| name != "type" && !json::is_empty(json));
        if !entries.0.is_empty() {
            clip::line(&mut text, name, 100);
            text.push_str(":\n");
            let mut indented = String::with_capacity(256);
            json::fields(&mut indented, &entries, ENTRIES, VALUE_LIMIT);
            for line in indented.lines() {
                let _ = writeln!(text, "  {line}");
            }
        } else if !json.get().starts_with('{') && !json::is_empty(json) {
            clip::line(&mut text, name, 100);
            text.push_str(": ");
            json::value(&mut text, json, Strings::Bare, VALUE_LIMIT);
            text.push('\n');
        }
    }
    json::more(&mut text, contexts.0.len().saturating_sub(ENTRIES));
    section(out, "Contexts", &text);
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use test_support::fixture;

    use super::*;

    fn rendered(json: &Value) -> String {
        let mut out = String::new();
        event(&mut out, &serde_json::from_str(&json.to_string()).unwrap(), Timestamp::UNIX_EPOCH);
        out
    }

    #[test]
    fn a_python_chain_is_shown_in_full() {
        insta::assert_snapshot!(rendered(&fixture!("events/python_chain.json")));
    }

    #[test]
    fn a_java_chain_is_shown_in_full() {
        insta::assert_snapshot!(rendered(&fixture!("events/java.json")));
    }

    #[test]
    fn a_javascript_error_is_shown_in_full() {
        insta::assert_snapshot!(rendered(&fixture!("events/javascript.json")));
    }

    #[test]
    fn a_ruby_chain_is_shown_in_full() {
        insta::assert_snapshot!(rendered(&fixture!("events/ruby.json")));
    }

    #[test]
    fn a_php_error_is_shown_in_full() {
        insta::assert_snapshot!(rendered(&fixture!("events/php.json")));
    }

    #[test]
    fn a_go_chain_is_shown_in_full() {
        insta::assert_snapshot!(rendered(&fixture!("events/go.json")));
    }

    #[test]
    fn without_an_exception_the_crashed_thread_is_shown() {
        insta::assert_snapshot!(rendered(&fixture!("events/threads_only.json")));
    }

    #[test]
    fn a_default_event_shows_its_message() {
        insta::assert_snapshot!(rendered(&fixture!("events/default.json")).trim(), @r"
        ## Event

        - ID: `7ca573c0f4814912aaa9bdc77d1a7d51`
        - Type: `default`
        - Occurred: 2025-03-02T10:15:00Z

        ### Message

        ```
        Disk is almost full: 97 %
        host-a
        ```

        ### Tags

        ```
        level: warning
        ```
        ");
    }

    #[test]
    fn of_another_type_only_the_common_parts_are_shown() {
        insta::assert_snapshot!(rendered(&fixture!("events/transaction.json")).trim(), @r"
        ## Event

        - ID: `7ca573c0f4814912aaa9bdc77d1a7d51`
        - Type: `transaction`
        - Occurred: 2025-03-02T10:15:00Z
        - Title: `/checkout`

        The details of events of this type are not shown here.

        ### Tags

        ```
        environment: production
        ```

        ### Contexts

        ```
        trace:
          trace_id: c8f36cbe6bc84e6da90eb296091f6c12
          op: http.server
        ```
        ");
    }

    #[test]
    fn a_type_that_nobody_knows_is_named() {
        let out = rendered(&serde_json::json!({ "type": "future`type", "entries": { "a": 1 } }));
        insta::assert_snapshot!(out.trim(), @r"
        ## Event

        - Type: `` future`type ``

        The details of events of this type are not shown here.
        ");
    }

    #[test]
    fn an_event_with_nothing_in_it_is_only_a_heading() {
        assert_eq!(rendered(&fixture!("events/empty.json")), "\n## Event\n\n");
    }

    #[test]
    fn cookies_and_credentials_of_a_request_are_never_shown() {
        for name in ["events/python_chain.json", "events/hostile.json"] {
            let out = rendered(&test_support::read_fixture(name));
            assert!(out.contains("### HTTP request"), "{out}");
            assert!(!out.contains("not-for-display"), "{out}");
        }
    }

    #[test]
    fn a_stranger_cannot_break_out_of_a_block() {
        let out = rendered(&fixture!("events/hostile.json"));
        insta::assert_snapshot!(&out);
        let mut fence: Option<&str> = None;
        for line in out.lines() {
            match fence {
                None if line.starts_with("```") => fence = Some(line),
                Some(open) if line == open => fence = None,
                Some(_) => {}
                None => {
                    let ours = ["", "## Event"].contains(&line)
                        || ["### ", "- ID: `", "- Type: `", "- Occurred: `", "**"]
                            .iter()
                            .any(|start| line.starts_with(start));
                    assert!(ours, "outside of a block: {line}");
                    assert!(
                        !line.starts_with("### ")
                            || !line.contains('#'.to_string().repeat(4).as_str())
                    );
                }
            }
        }
        assert_eq!(fence, None);
    }

    #[test]
    fn many_tags_are_cut_and_counted() {
        let tags: Vec<Value> =
            (0..53).map(|at| serde_json::json!({ "key": format!("t{at}"), "value": at })).collect();
        let out = rendered(&serde_json::json!({ "tags": tags }));
        assert!(out.contains("t49: 49\n… 3 more left out\n"), "{out}");
    }
}
