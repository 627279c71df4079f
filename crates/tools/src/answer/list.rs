//! The answer of a tool that lists: entries that may be left out one by one, and words around
//! them, as text and as data at once.

use std::fmt::Write as _;

use schemars::JsonSchema;
use sentry_client::Page;
use serde::Serialize;

use super::{Answer, Detail, Kept, Priority, Reply, Section};
use crate::{render::markdown, tool::Context};

/// A list as data.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct List<T> {
    items: Vec<Kept<T>>,
    /// Entries that could not be read and were left out.
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(default)]
    unreadable: usize,
    /// Pass it as `cursor` for the next page; absent on the last one.
    next_cursor: Option<String>,
    /// What the list does not say by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    notes: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A list while it is being written.
#[derive(Debug)]
pub(crate) struct Listing<T> {
    answer: Answer,
    list: List<T>,
}

impl<T: Serialize + JsonSchema> Listing<T> {
    /// A list below its heading.
    pub(crate) fn titled(heading: &str) -> Listing<T> {
        let list = List { items: Vec::new(), unreadable: 0, next_cursor: None, notes: Vec::new() };
        let mut listing = Listing { answer: Answer::default(), list };
        let _ = write!(listing.section(), "{heading}\n\n");
        listing
    }

    /// No list, but words instead of it.
    pub(crate) fn words_alone(text: &str) -> Listing<T> {
        let list = List { items: Vec::new(), unreadable: 0, next_cursor: None, notes: Vec::new() };
        Listing { answer: Answer::new(text), list }
    }

    fn section(&mut self) -> &mut Section {
        self.answer.only_section("entries", Priority::Essential)
    }

    /// Adds words that only repeat what the caller knows.
    pub(crate) fn words(&mut self, text: &str) {
        self.section().push(text);
    }

    /// Adds words that say something new; as data they are one note.
    pub(crate) fn note(&mut self, text: &str) {
        self.section().push(text);
        let note = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !note.is_empty() {
            self.list.notes.push(note);
        }
    }

    /// Adds an entry: whole lines, and the same as data.
    pub(crate) fn entry(&mut self, lines: &str, data: T) {
        let mark = self.section().detail(Detail::Entry, lines);
        self.list.items.push(Kept::new(mark, data));
    }

    /// Adds what every list says at its end: what could not be read, and how to go on.
    pub(crate) fn end<I>(&mut self, page: &Page<I>) {
        let mut text = String::new();
        markdown::page_end(&mut text, page);
        self.section().push(&text);
        self.list.unreadable = page.skipped;
        self.list.next_cursor = page.next.as_ref().map(ToString::to_string);
    }

    /// Adds how to go on where the pages are not Sentry's.
    pub(crate) fn next(&mut self, unreadable: usize, cursor: Option<String>) {
        self.list.unreadable = unreadable;
        self.list.next_cursor = cursor;
    }

    /// The answer, with the list as a part of its data.
    pub(crate) fn reply_as<D: Serialize + JsonSchema>(
        self,
        cx: &Context<'_>,
        data: impl FnOnce(List<T>) -> D,
    ) -> Reply<D> {
        let Listing { answer, list } = self;
        cx.reply(answer, || data(list))
    }

    /// The answer, ready to be sent.
    pub(crate) fn reply(self, cx: &Context<'_>) -> Reply<List<T>> {
        let Listing { answer, list } = self;
        cx.reply(answer, || list)
    }
}
