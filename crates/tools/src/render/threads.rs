//! The table of an event's threads. Their stacks are written elsewhere.

use std::{cmp::Reverse, fmt::Write as _};

use sentry_client::events::{Event, Exposed as _, Value};

use super::{block::Block, clip};
use crate::{
    answer::{Detail, Kept},
    issue_details::{
        data,
        page::{Page, Part},
    },
};

/// The most threads, unless all were asked for.
const THREADS: usize = 40;

/// Appends a line for each thread, the crashed one first, if there are several.
pub(crate) fn table(page: &mut Page, event: &Event<'_>) {
    let mut threads = event.threads();
    if threads.len() < 2 {
        return;
    }
    threads.sort_by_key(|thread| {
        Reverse((thread.crashed == Some(true), thread.current == Some(true)))
    });
    let most = if page.whole(Part::Threads) { usize::MAX } else { THREADS };
    let Some(section) = page.part(Part::Threads) else { return };
    let mut block = Block::default();
    for (at, thread) in threads.iter().take(most).enumerate() {
        block.add((at > 0).then_some(Detail::Entry), line(thread));
    }
    if let Some(left_out @ 1..) = threads.len().checked_sub(most) {
        block.keep(format!("… {left_out} more left out"));
    }
    let texts = block.texts();
    let marks = block.titled(section, &format!("Threads ({})", threads.len()));
    let mark = section.mark();
    page.tell(|told| {
        let lines = data::lines(&marks, texts.iter().map(String::as_str));
        told.threads = Some(Kept::new(mark, lines));
    });
}

fn line(thread: &Value<'_>) -> String {
    let mut text = String::with_capacity(80);
    clip::line(&mut text, thread.id.exposed().unwrap_or("?"), 40);
    for name in [&thread.name, &thread.state] {
        if let Some(name) = name.filled() {
            text.push_str(" | ");
            clip::line(&mut text, name, 100);
        }
    }
    if thread.crashed == Some(true) {
        text.push_str(" | crashed");
    }
    if thread.current == Some(true) {
        text.push_str(" | current");
    }
    let _ = match thread.frames().len() {
        0 => write!(text, " | no stack"),
        1 => write!(text, " | 1 frame"),
        count => write!(text, " | {count} frames"),
    };
    text
}
