//! What a successful call says: sections with a priority, fitted to a budget of tokens, and
//! the same as data for whoever asked for it.
//!
//! It knows Markdown, and nothing of protocols. Text that a stranger wrote gets in
//! only through `render::markdown`.

mod data;
mod fit;
mod list;
mod tokens;

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use self::data::Data;
pub(crate) use self::data::{estimate_data, estimate_in_json};
pub(crate) use self::fit::NOTICE_FIELD;
pub(crate) use self::list::{List, Listing};
pub use self::{
    data::{Kept, Mark, Stranger},
    tokens::estimate,
};

/// The budget of an answer when nobody chose another, in tokens.
pub const DEFAULT_BUDGET: usize = 6_000;

/// A successful answer, as Markdown that a model and a person can both read.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    sections: Vec<Section>,
    files: Vec<File>,
    budget: Option<usize>,
    /// Whether a caller can choose the budget with `maxTokens`.
    has_choice: bool,
    again: Option<Again>,
    data: Option<Data>,
    /// The data that is sent, once the answer was fitted.
    structured: Option<Value>,
}

/// The answer of a tool, with what it says as data.
///
/// The text and the data carry the same: a client may show a model either of them.
#[derive(Clone, Debug)]
pub struct Reply<T> {
    answer: Answer,
    data: Option<T>,
}

impl<T: Serialize + JsonSchema> Reply<T> {
    /// An answer, and its data where somebody wants them.
    pub(crate) fn new(answer: Answer, data: Option<T>) -> Reply<T> {
        Reply { answer, data }
    }

    /// The answer, with its data in it.
    pub(crate) fn into_answer(self) -> Answer {
        let data = self.data.as_ref().and_then(Data::of);
        Answer { data, ..self.answer }
    }
}

/// How much a reader would miss a section. Lower ones are dropped first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Background that few readers need.
    Low,
    /// What most readers look at.
    Normal,
    /// What the call was made for.
    High,
    /// Without it the answer makes no sense: never dropped.
    Essential,
}

/// What may be left out inside a section, in the order in which it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// A stack frame of a library.
    LibraryFrame,
    /// The middle of a long text.
    Middle,
    /// A span like its neighbors.
    RepeatedSpan,
    /// One of many entries of a list.
    Entry,
    /// A stack frame of the application, or the line for frames that were left out before.
    AppFrame,
}

/// A part of an answer that stands or falls as a whole, but for its details.
#[derive(Clone, Debug)]
pub struct Section {
    at: usize,
    name: &'static str,
    priority: Priority,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
struct Piece {
    text: String,
    detail: Option<Detail>,
    /// How many things it stands for, to say how many were left out.
    stands_for: usize,
}

/// A file that comes with an answer.
#[derive(Clone, Debug)]
pub struct File {
    /// The name that Sentry gives it.
    pub name: String,
    /// Its media type (RFC 2046).
    pub media_type: String,
    /// Its content.
    pub bytes: bytes::Bytes,
}

/// The call that brings back what was left out.
#[derive(Clone, Debug)]
struct Again {
    tool: &'static str,
    parameter: &'static str,
}

impl Answer {
    /// An answer of one part that is never shortened.
    pub fn new(text: impl Into<String>) -> Answer {
        let mut answer = Answer::default();
        answer.section("", Priority::Essential).push(&text.into());
        answer
    }

    /// Adds a section; the parts of an answer stand in the order in which they were added.
    ///
    /// `name` is what a caller would ask for to get this section alone.
    pub fn section(&mut self, name: &'static str, priority: Priority) -> &mut Section {
        let at = self.sections.len();
        self.sections.push(Section { at, name, priority, pieces: Vec::new() });
        &mut self.sections[at]
    }

    /// The section of an answer that has only one.
    fn only_section(&mut self, name: &'static str, priority: Priority) -> &mut Section {
        if self.sections.is_empty() {
            return self.section(name, priority);
        }
        &mut self.sections[0]
    }

    /// Adds a file.
    pub fn attach(&mut self, file: File) {
        self.files.push(file);
    }

    /// The files that come with the answer.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// Fits the answer to this many tokens instead of the session's setting; for tools whose
    /// callers can choose with `maxTokens`.
    pub fn limit(&mut self, budget: Option<usize>) {
        self.budget = budget;
        self.has_choice = true;
    }

    /// Says how a caller gets a section that was left out: by calling `tool` again with
    /// the section's name in `parameter`.
    pub fn again(&mut self, tool: &'static str, parameter: &'static str) {
        self.again = Some(Again { tool, parameter });
    }

    /// Fits the text to the answer's own budget, or else to `budget` tokens.
    #[must_use]
    pub(crate) fn fitted(self, budget: usize) -> Answer {
        let (text, structured) = fit::fit(&self, self.budget.unwrap_or(budget));
        Answer { files: self.files, structured, ..Answer::new(text) }
    }

    /// The same with another budget.
    #[cfg(test)]
    pub(crate) fn limited(self, budget: usize) -> Answer {
        Answer { budget: Some(budget), ..self }
    }

    /// The same as text alone.
    #[cfg(test)]
    pub(crate) fn without_data(self) -> Answer {
        Answer { data: None, ..self }
    }

    /// The same as data, if the tool was asked for them; only after the answer was fitted.
    pub fn structured(&self) -> Option<&Value> {
        self.structured.as_ref()
    }

    /// The whole text.
    pub fn into_string(self) -> String {
        self.to_string()
    }
}

impl Section {
    /// Adds text that stays as long as the section does.
    pub fn push(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece { text: last, detail: None, .. }) => last.push_str(text),
            _ => self.pieces.push(Piece { text: text.to_owned(), detail: None, stands_for: 1 }),
        }
    }

    /// Adds whole lines that may be left out on their own, with the data at their mark.
    pub fn detail(&mut self, detail: Detail, lines: &str) -> Mark {
        self.several(detail, 1, lines)
    }

    /// The same for lines that stand for several things.
    pub(crate) fn several(&mut self, detail: Detail, stands_for: usize, lines: &str) -> Mark {
        self.pieces.push(Piece { text: lines.to_owned(), detail: Some(detail), stands_for });
        Mark { section: self.at, piece: Some(self.pieces.len() - 1) }
    }

    /// Adds lines, which may be left out on their own if `detail` says so.
    pub(crate) fn piece(&mut self, detail: Option<Detail>, lines: &str) -> Mark {
        if let Some(detail) = detail {
            return self.detail(detail, lines);
        }
        self.push(lines);
        self.mark()
    }

    /// The place of the section as a whole.
    pub fn mark(&self) -> Mark {
        Mark { section: self.at, piece: None }
    }
}

impl fmt::Write for Section {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}

/// The whole text, whatever it costs.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&fit::fit(self, usize::MAX).0)
    }
}
