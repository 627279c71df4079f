//! Why Sentry made an issue that is no exception: a slow query, a breached threshold, a
//! blocked resource, a missed check-in, a person's words. It explains, and judges nothing.

mod metric;
mod performance;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use sentry_client::events::{EntryData, Event, Exposed as _, Fields, Occurrence};
use serde_json::value::RawValue;

use super::{
    clip,
    json::{self, Strings},
    markdown,
};
use crate::{
    answer::{Kept, Mark, Stranger},
    issue_details::{
        data::Evidence,
        page::{Page, Part},
    },
};

/// The longest value, in characters, and the same in a brief answer.
const VALUE_LIMIT: usize = 500;
const BRIEF_LIMIT: usize = 120;
/// The most lines of evidence.
const ITEMS: usize = 20;

/// What Sentry detected, by the number of its group type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detected {
    /// A pattern in the spans of a transaction.
    Performance(&'static str),
    /// Something that got slower.
    Regression(&'static str),
    Metric,
    /// What its own lines say best.
    Other(&'static str),
}

impl Detected {
    /// `GroupType` of Sentry; new numbers appear.
    fn of(kind: u64) -> Option<Detected> {
        use Detected::{Metric, Other, Performance, Regression};
        Some(match kind {
            1001 => Performance("slow database query"),
            1004 => Performance("render-blocking asset"),
            1006 | 1906 => Performance("N+1 database queries"),
            1007 => Performance("consecutive database queries"),
            1008 => Performance("file access on the main thread"),
            1009 => Performance("consecutive HTTP requests"),
            1010 | 1910 => Performance("N+1 API calls"),
            1011 => Performance("N+1 database queries in a pattern of several"),
            1012 => Performance("uncompressed asset"),
            1013 => Performance("database access on the main thread"),
            1015 => Performance("large HTTP payload"),
            1016 => Performance("HTTP overhead"),
            1017 | 1018 => Regression("a transaction got slower"),
            2010 | 2011 => Regression("a function got slower"),
            4001 => Other("failed check-in of a cron monitor"),
            4002 => Other("cron monitor that ran too long"),
            4003 => Other("missed check-in of a cron monitor"),
            5002 => Other("rage clicks in a replay"),
            5003 => Other("hydration error in a replay"),
            6001 => Other("feedback of a user"),
            7001 => Other("uptime check that failed"),
            8001 => Metric,
            _ => return None,
        })
    }
}

/// Appends the evidence, if there is any.
pub(crate) fn evidence(page: &mut Page, event: &Event<'_>) {
    for data in event.entries_of("csp") {
        csp(page, data);
    }
    feedback(page, &event.context("feedback"));
    if let Some(occurrence) = &event.occurrence {
        detection(page, event, occurrence);
    } else if event.kind.exposed() == Some("transaction") {
        performance::slowest(page, event);
    }
    monitor(page, &event.context("monitor"));
}

fn detection(page: &mut Page, event: &Event<'_>, occurrence: &Occurrence<'_>) {
    let brief = page.is_brief();
    let detected = occurrence.kind.and_then(Detected::of);
    let mut out = String::with_capacity(512);
    let name = match detected {
        Some(Detected::Performance(name) | Detected::Regression(name) | Detected::Other(name)) => {
            Some(name.to_owned())
        }
        Some(Detected::Metric) => Some("metric that crossed its threshold".to_owned()),
        None => occurrence.kind.map(|kind| format!("an occurrence of type {kind}")),
    };
    fact(&mut out, "Detected", name);
    let subtitle = occurrence.subtitle.exposed().or(occurrence.issue_title.exposed());
    fact(
        &mut out,
        "Summary",
        subtitle.filter(|text| !text.trim().is_empty()).map(|text| code(text, brief)),
    );
    match detected {
        Some(Detected::Performance(_)) => performance::facts(&mut out, occurrence, brief),
        Some(Detected::Metric) => metric::facts(&mut out, &occurrence.evidence_data),
        Some(Detected::Regression(_) | Detected::Other(_)) | None => {}
    }
    match detected {
        Some(Detected::Performance(_) | Detected::Metric) => {
            display(&mut out, occurrence, true, brief);
        }
        // The words of the person were shown before.
        Some(Detected::Other(_)) if !event.context("feedback").0.is_empty() => {}
        Some(Detected::Regression(_)) => {
            display(&mut out, occurrence, true, brief);
            data(&mut out, occurrence, brief);
        }
        Some(Detected::Other(_)) | None => {
            display(&mut out, occurrence, false, brief);
            data(&mut out, occurrence, brief);
        }
    }
    if out.is_empty() {
        return;
    }
    let title = match detected {
        Some(Detected::Regression(_)) => "Regression",
        Some(Detected::Metric) => "Metric alert",
        _ => "Evidence",
    };
    section(page, title, &out);
    if let Some(Detected::Performance(_)) = detected {
        performance::proof(page, event, occurrence);
    }
}

/// The detector's own lines: those that it finds important, or all.
fn display(out: &mut String, occurrence: &Occurrence<'_>, only_important: bool, brief: bool) {
    let repeated = performance::repeated_lines(occurrence);
    let most = if brief { 3 } else { ITEMS };
    let lines = occurrence.evidence_display.iter().filter_map(|line| {
        let value = line.value.filled()?;
        let shown = !only_important || line.important == Some(true);
        // What was repeated has a block of its own.
        let told = repeated.iter().any(|line| value.contains(line.as_str()));
        (shown && !told).then(|| (line.name.filled().unwrap_or("Evidence"), value))
    });
    for (name, value) in lines.take(most) {
        let _ = writeln!(out, "- {}: {}", markdown::line(name, 80), code(value, brief));
    }
}

/// The plain values of what the detector found, where it has no lines for people.
fn data(out: &mut String, occurrence: &Occurrence<'_>, brief: bool) {
    if brief || !occurrence.evidence_display.is_empty() {
        return;
    }
    let plain = occurrence.evidence_data.0.iter().filter(|(_, json)| is_scalar(json));
    for (name, json) in plain.take(ITEMS) {
        let mut value = String::new();
        json::value(&mut value, json, Strings::Bare, VALUE_LIMIT);
        let name = markdown::line(name.expose(), 80);
        let _ = writeln!(out, "- {name}: {}", code(&value, brief));
    }
}

fn is_scalar(json: &RawValue) -> bool {
    !json::is_empty(json) && !json.get().starts_with(['{', '['])
}

/// What a browser blocked, and by which rule of the page.
fn csp(page: &mut Page, data: &EntryData<'_>) {
    let brief = page.is_brief();
    let mut out = String::with_capacity(512);
    for (name, value) in [
        ("Blocked", &data.blocked_uri),
        ("Violated directive", &data.violated_directive),
        ("Effective directive", &data.effective_directive),
        ("Page", &data.document_uri),
        ("Disposition", &data.disposition),
    ] {
        fact(&mut out, name, value.filled().map(|value| code(value, brief)));
    }
    if let Some(file) = data.source_file.filled() {
        let line = data.line_number.map(|line| format!(", line {line}")).unwrap_or_default();
        let _ = writeln!(out, "- Asked for by: {}{line}", code(file, brief));
    }
    if let Some(policy) = data.original_policy.filled().filter(|_| !brief) {
        out.push_str("\nThe whole policy:\n\n");
        let mut text = String::new();
        clip::line(&mut text, policy, 4_000);
        markdown::code_block(&mut out, "", &text);
    }
    section(page, "Content security policy", &out);
}

/// What a person wrote.
fn feedback(page: &mut Page, fields: &Fields<'_>) {
    let brief = page.is_brief();
    let mut out = String::with_capacity(256);
    for (name, field) in [
        ("Name", "name"),
        ("Contact", "contact_email"),
        ("Page", "url"),
        ("Source", "source"),
        ("Event of the error", "associated_event_id"),
    ] {
        fact(&mut out, name, text(fields, field).map(|value| code(&value, brief)));
    }
    if let Some(message) = text(fields, "message") {
        let mut block = String::new();
        clip::lines(&mut block, &message, if brief { 300 } else { 4_000 });
        out.push('\n');
        markdown::code_block(&mut out, "", &block);
    }
    section(page, "Feedback", &out);
}

/// The cron monitor that an event is about.
fn monitor(page: &mut Page, fields: &Fields<'_>) {
    let brief = page.is_brief();
    let config = fields.get("config").map(Fields::of).unwrap_or_default();
    let mut out = String::with_capacity(256);
    for (name, value) in [
        ("Monitor", text(fields, "slug").or_else(|| text(fields, "name"))),
        ("Status", text(fields, "status")),
        ("Schedule", config.get("schedule").filter(|json| !json::is_empty(json)).map(shown)),
        ("Time zone", text(&config, "timezone")),
        ("Margin in minutes", text(&config, "checkin_margin")),
        ("Longest run in minutes", text(&config, "max_runtime")),
    ] {
        fact(&mut out, name, value.map(|value| code(&value, brief)));
    }
    section(page, "Cron monitor", &out);
}

fn shown(json: &RawValue) -> String {
    let mut out = String::new();
    json::value(&mut out, json, Strings::Bare, 200);
    out
}

fn section(page: &mut Page, title: &'static str, text: &str) {
    if text.is_empty() {
        return;
    }
    if let Some(section) = page.part(Part::Evidence) {
        let _ = write!(section, "\n### {title}\n\n{text}");
        let mark = section.mark();
        tell(page, title, Some(text), mark);
    }
}

/// The same as data.
fn tell(page: &mut Page, title: &'static str, text: Option<&str>, mark: Mark) {
    page.tell(|data| {
        let text = text.map(|text| Stranger::new(text.trim()));
        let evidence = Evidence { title, text, lines: Vec::new() };
        data.evidence.push(Kept::new(mark, evidence));
    });
}

/// The text, number or flag in a field.
fn text(fields: &Fields<'_>, name: &str) -> Option<String> {
    let json = fields.get(name).filter(|json| is_scalar(json))?;
    let text = json::text(json);
    let text = text.map_or_else(|| json.get().to_owned(), |text| text.expose().to_owned());
    (!text.trim().is_empty()).then_some(text)
}

fn code(text: &str, brief: bool) -> String {
    markdown::code(text, if brief { BRIEF_LIMIT } else { VALUE_LIMIT })
}

fn fact(out: &mut String, name: &str, value: Option<String>) {
    if let Some(value) = value {
        let _ = writeln!(out, "- {name}: {value}");
    }
}
