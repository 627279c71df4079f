//! What a successful call says: sections with a priority, fitted to a budget of tokens.
//!
//! It knows Markdown, and nothing of protocols. Text that a stranger wrote gets in
//! only through `render::markdown`.

mod fit;
mod tokens;

use std::fmt;

pub use self::tokens::estimate;

/// The budget of an answer when nobody chose another, in tokens.
pub const DEFAULT_BUDGET: usize = 6_000;

/// A successful answer, as Markdown that a model and a person can both read.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    sections: Vec<Section>,
    files: Vec<File>,
    budget: Option<usize>,
    again: Option<Again>,
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
}

/// A part of an answer that stands or falls as a whole, but for its details.
#[derive(Clone, Debug)]
pub struct Section {
    name: &'static str,
    priority: Priority,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
struct Piece {
    text: String,
    detail: Option<Detail>,
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
        self.sections.push(Section { name, priority, pieces: Vec::new() });
        let last = self.sections.len() - 1;
        &mut self.sections[last]
    }

    /// Adds a file.
    pub fn attach(&mut self, file: File) {
        self.files.push(file);
    }

    /// The files that come with the answer.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// Fits the answer to this many tokens instead of the session's setting.
    pub fn limit(&mut self, budget: Option<usize>) {
        self.budget = budget;
    }

    /// Says how a caller gets a section that was left out: by calling `tool` again with
    /// the section's name in `parameter`.
    pub fn again(&mut self, tool: &'static str, parameter: &'static str) {
        self.again = Some(Again { tool, parameter });
    }

    /// Fits the text to the answer's own budget, or else to `budget` tokens.
    #[must_use]
    pub(crate) fn fitted(self, budget: usize) -> Answer {
        let text = fit::fit(&self, self.budget.unwrap_or(budget));
        Answer { files: self.files, ..Answer::new(text) }
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
            Some(Piece { text: last, detail: None }) => last.push_str(text),
            _ => self.pieces.push(Piece { text: text.to_owned(), detail: None }),
        }
    }

    /// Adds whole lines that may be left out on their own.
    pub fn detail(&mut self, detail: Detail, lines: &str) {
        self.pieces.push(Piece { text: lines.to_owned(), detail: Some(detail) });
    }

    fn tokens(&self) -> usize {
        self.pieces.iter().map(|piece| estimate(&piece.text)).sum()
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
        f.write_str(&fit::fit(self, usize::MAX))
    }
}
