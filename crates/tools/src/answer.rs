//! What a successful call says. It knows Markdown, and nothing of protocols.

use std::fmt;

/// The text of a successful call, as Markdown that a model and a person can both read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    text: String,
}

impl Answer {
    /// An answer that is already written.
    pub fn new(text: impl Into<String>) -> Answer {
        let mut text = text.into();
        text.truncate(text.trim_end().len());
        Answer { text }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text, without copying it.
    pub fn into_string(self) -> String {
        self.text
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
