//! What happened before an event. It shows the newest breadcrumbs, and judges none.

use sentry_client::events::{Event, Value};

use super::{block::Block, clip, json};
use crate::{
    answer::{Detail, Kept},
    issue_details::{
        data,
        page::{Page, Part},
    },
};

/// The most breadcrumbs, unless all were asked for.
const CRUMBS: usize = 20;
/// Of each: the longest message and value, in characters, and the most values.
const MESSAGE_LIMIT: usize = 300;
const VALUE_LIMIT: usize = 120;
const VALUES: usize = 6;

/// Appends the breadcrumbs, the newest last.
pub(crate) fn breadcrumbs(page: &mut Page, event: &Event<'_>) {
    let crumbs = event.breadcrumbs();
    if crumbs.is_empty() {
        return;
    }
    let most = if page.whole(Part::Breadcrumbs) { usize::MAX } else { CRUMBS };
    let Some(section) = page.part(Part::Breadcrumbs) else { return };
    let older = crumbs.len().saturating_sub(most);
    let mut block = Block::default();
    if older > 0 {
        block.keep(format!("… {older} older left out"));
    }
    for crumb in crumbs.iter().skip(older) {
        block.add(Some(Detail::Entry), line(crumb));
    }
    let texts = block.texts();
    let marks = block.titled(section, &format!("Breadcrumbs ({}, newest last)", crumbs.len()));
    let mark = section.mark();
    page.tell(|told| {
        let lines = data::lines(&marks, texts.iter().map(String::as_str));
        told.breadcrumbs = Some(Kept::new(mark, lines));
    });
}

fn line(crumb: &Value<'_>) -> String {
    let mut text = String::with_capacity(120);
    let category = crumb.category.as_ref().or(crumb.kind.as_ref());
    for (part, limit) in [
        (crumb.timestamp.as_ref(), 40),
        (crumb.level.as_ref().filter(|level| *level != "info"), 20),
        (category, 60),
        (crumb.message.as_ref(), MESSAGE_LIMIT),
    ] {
        if let Some(part) = part.filter(|part| !part.is_blank()) {
            if !text.is_empty() {
                text.push_str("  ");
            }
            clip::line(&mut text, part.expose(), limit);
        }
    }
    let mut values = String::new();
    json::fields(&mut values, &crumb.data, VALUES, VALUE_LIMIT);
    if !values.is_empty() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push('[');
        text.push_str(&values.trim_end().replace('\n', ", "));
        text.push(']');
    }
    if text.is_empty() {
        text.push_str("(empty)");
    }
    text
}
