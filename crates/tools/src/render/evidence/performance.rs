//! The spans behind a performance issue: the repeated work, and where in the transaction it
//! stands. It sees only the spans that came with the event.

use std::fmt::Write as _;

use sentry_client::events::{Event, Exposed as _, Fields, Occurrence, Span};
use serde_json::value::RawValue;

use super::{code, fact, tell, text};
use crate::{
    answer::{Detail, Kept, Mark},
    issue_details::{
        data,
        page::{Page, Part},
    },
    render::{block::Block, clip, json, markdown},
};

/// The most spans of the tree.
const SPANS: usize = 10;
/// How many of the spans that are alike are shown in any case.
const ALIKE: usize = 3;
/// What stands before the repeated work.
const INTRODUCTION: &str = "\nWhat was repeated:\n\n";
/// The longest description of a span and the longest query, in characters.
const NAME_LIMIT: usize = 160;
const QUERY_LIMIT: usize = 2_000;

/// Appends where it happens and how often.
pub(super) fn facts(out: &mut String, occurrence: &Occurrence<'_>, brief: bool) {
    let data = &occurrence.evidence_data;
    fact(out, "Transaction", first(data, &["transactionName", "transaction"], brief));
    fact(out, "Parent operation", first(data, &["parentSpan", "op"], brief));
    if let Some(count) = repeated(occurrence) {
        let _ = writeln!(out, "- Repeated: {count} times");
    }
}

fn first(data: &Fields<'_>, names: &[&str], brief: bool) -> Option<String> {
    names.iter().find_map(|name| text(data, name)).map(|value| code(&value, brief))
}

/// How often the same was done, where that is what was detected.
fn repeated(occurrence: &Occurrence<'_>) -> Option<u64> {
    if !matches!(occurrence.kind, Some(1006 | 1906 | 1010 | 1910 | 1011)) {
        return None;
    }
    let data = &occurrence.evidence_data;
    let told = ["numberRepeatingSpans", "numRepeatingSpans", "numPatternRepetitions"];
    let told = told.iter().find_map(|name| text(data, name)?.trim().parse().ok());
    told.or_else(|| Some(ids(data, "offenderSpanIds").len() as u64)).filter(|count| *count > 0)
}

/// What was repeated: a line each, the short form where there is one.
pub(super) fn repeated_lines(occurrence: &Occurrence<'_>) -> Vec<String> {
    let data = &occurrence.evidence_data;
    let forms = ["repeatingSpansCompact", "repeatingSpans"];
    let lines = forms.iter().map(|name| strings(data.get(name)));
    lines.into_iter().find(|lines| !lines.is_empty()).unwrap_or_default()
}

/// Appends the repeated work and the spans.
pub(super) fn proof(page: &mut Page, event: &Event<'_>, occurrence: &Occurrence<'_>) {
    let data = &occurrence.evidence_data;
    let lines = repeated_lines(occurrence);
    let brief = page.is_brief();
    if !lines.is_empty()
        && let Some(section) = page.part(Part::Evidence)
    {
        let mut out = String::from(INTRODUCTION);
        if let [line] = lines.as_slice() {
            let mut query = String::new();
            clip::line(&mut query, line, if brief { NAME_LIMIT } else { QUERY_LIMIT });
            let api = matches!(occurrence.kind, Some(1010 | 1910));
            markdown::code_block(&mut out, if api { "" } else { "sql" }, &query);
        } else {
            for line in lines.iter().take(if brief { ALIKE } else { 2 * SPANS }) {
                let _ = writeln!(out, "- {}", markdown::code(line, NAME_LIMIT));
            }
        }
        section.push(&out);
        let mark = section.mark();
        tell(page, "What was repeated", Some(out.trim_start_matches(INTRODUCTION)), mark);
    }
    if !brief {
        tree(page, event, data);
    }
}

/// The spans that were found guilty, below their parents.
fn tree(page: &mut Page, event: &Event<'_>, data: &Fields<'_>) {
    let (parents, guilty) = (ids(data, "parentSpanIds"), ids(data, "offenderSpanIds"));
    let is_in =
        |list: &[String], id: Option<&str>| id.is_some_and(|id| list.iter().any(|one| one == id));
    let spans: Vec<&Span<'_>> = event.spans().collect();
    let total: f64 = spans
        .iter()
        .filter(|span| is_in(&guilty, span.span_id.exposed()))
        .filter_map(|span| span.milliseconds())
        .sum();
    let mut rows: Vec<(usize, &Span<'_>)> = Vec::with_capacity(SPANS);
    for root in spans.iter().filter(|span| is_in(&parents, span.span_id.exposed())) {
        rows.push((0, root));
        let below = |span: &&&Span<'_>| {
            span.parent_span_id.is_some() && span.parent_span_id == root.span_id
        };
        rows.extend(spans.iter().filter(below).map(|span| (1, *span)));
    }
    if rows.is_empty() {
        let offenders = spans.iter().filter(|span| is_in(&guilty, span.span_id.exposed()));
        rows.extend(offenders.map(|span| (0, *span)));
    }
    let Some(section) = page.part(Part::Evidence) else { return };
    if rows.is_empty() {
        let Some(text) = offenders(&guilty) else { return };
        let _ = writeln!(section, "\n{text}");
        let mark = section.mark();
        return tell(page, "Spans at fault", Some(&text), mark);
    }
    let _ = write!(section, "\nSpans ({} at fault", guilty.len());
    if total > 0.0 {
        let _ = write!(section, ", {total:.0} ms together");
    }
    let _ = writeln!(section, "):\n");
    let mut block = Block::default();
    let mut alike = 0;
    for (depth, span) in rows.iter().take(SPANS) {
        let at_fault = is_in(&guilty, span.span_id.exposed());
        alike += usize::from(at_fault);
        let detail = (at_fault && alike > ALIKE).then_some(Detail::RepeatedSpan);
        block.add(detail, line(*depth, span, at_fault));
    }
    if let Some(left_out @ 1..) = rows.len().checked_sub(SPANS) {
        block.keep(format!("… {left_out} more spans left out"));
    }
    let texts = block.texts();
    let marks = block.write(section);
    let mark = section.mark();
    spans_as_data(page, "Spans", mark, &marks, &texts);
}

fn spans_as_data(
    page: &mut Page,
    title: &'static str,
    mark: Mark,
    marks: &[Mark],
    texts: &[String],
) {
    page.tell(|told| {
        let lines = data::lines(marks, texts.iter().map(String::as_str));
        told.evidence.push(Kept::new(mark, data::Evidence { title, text: None, lines }));
    });
}

/// Without the spans, their ids still lead to them.
fn offenders(ids: &[String]) -> Option<String> {
    if ids.is_empty() {
        return None;
    }
    let shown: Vec<String> = ids.iter().take(SPANS).map(|id| markdown::code(id, 32)).collect();
    let more = ids.len().saturating_sub(SPANS);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    Some(format!("Spans at fault ({}): {}{more}", ids.len(), shown.join(", ")))
}

/// `├─ db: SELECT … (12 ms) [id]`
fn line(depth: usize, span: &Span<'_>, at_fault: bool) -> String {
    let mut out = String::with_capacity(120);
    if depth > 0 {
        out.push_str("├─ ");
    }
    if let Some(op) = span.op.filled() {
        clip::line(&mut out, op, 60);
        out.push_str(": ");
    }
    clip::line(&mut out, span.description.filled().unwrap_or("(no description)"), NAME_LIMIT);
    let _ = match span.milliseconds() {
        Some(taken) => write!(out, " ({taken:.0} ms)"),
        None => write!(out, " (unknown duration)"),
    };
    if let Some(id) = span.span_id.filled() {
        out.push_str(" [");
        clip::line(&mut out, id, 32);
        out.push(']');
    }
    if at_fault {
        out.push_str(" ← at fault");
    }
    out
}

/// The slowest spans of a transaction in which nothing was detected.
pub(super) fn slowest(page: &mut Page, event: &Event<'_>) {
    let mut spans: Vec<&Span<'_>> =
        event.spans().filter(|span| span.milliseconds().is_some()).collect();
    if spans.is_empty() || page.is_brief() {
        return;
    }
    let taken = |span: &Span<'_>| span.milliseconds().unwrap_or_default();
    spans.sort_by(|one, other| taken(other).total_cmp(&taken(one)));
    let mut block = Block::default();
    for span in spans.iter().take(SPANS) {
        block.add(Some(Detail::RepeatedSpan), line(0, span, false));
    }
    let Some(section) = page.part(Part::Evidence) else { return };
    let title = format!("Spans ({}, the slowest first)", spans.len());
    if let Some(left_out @ 1..) = spans.len().checked_sub(SPANS) {
        block.keep(format!("… {left_out} more left out"));
    }
    let texts = block.texts();
    let marks = block.titled(section, &title);
    let mark = section.mark();
    spans_as_data(page, "The slowest spans", mark, &marks, &texts);
}

fn ids(data: &Fields<'_>, name: &str) -> Vec<String> {
    strings(data.get(name))
}

/// A list of texts, or one text as such a list; what is no text is left out.
fn strings(json: Option<&RawValue>) -> Vec<String> {
    let Some(json) = json else { return Vec::new() };
    let items: Vec<&RawValue> = if json.get().starts_with('[') {
        serde_json::from_str(json.get()).unwrap_or_default()
    } else {
        vec![json]
    };
    let texts = items.into_iter().filter_map(json::text).filter(|text| !text.is_blank());
    texts.map(|text| text.expose().to_owned()).collect()
}
