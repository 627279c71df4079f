//! Text of an event, which is borrowed from the JSON it came in. It only marks, as
//! [`Untrusted`] does; how such text is shown is decided where answers are written.

use std::{borrow::Cow, fmt};

use serde::Deserializer;

use super::lax::Lax;
use crate::Untrusted;

/// Text that whoever sent an event may have written, borrowed where the JSON has no escapes.
///
/// It has no `Display` and is no `str`, so it cannot slip into a sentence of ours by accident.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    /// The text, for whoever writes it out safely.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing but white space.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl<'a, T: Into<Cow<'a, str>>> From<T> for Text<'a> {
    fn from(text: T) -> Text<'a> {
        Text(text.into())
    }
}

/// To tell known words from others.
impl PartialEq<str> for Text<'_> {
    fn eq(&self, word: &str) -> bool {
        self.0 == word
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({:?})", self.0)
    }
}

impl<'de: 'a, 'a> Lax<'de> for Text<'a> {
    fn lax<D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        Ok(Cow::lax(deserializer)?.map(Text))
    }
}

/// What may be absent, for whoever writes it out safely.
pub trait Exposed {
    /// The text, if there is one.
    fn exposed(&self) -> Option<&str>;

    /// The text, if there is more than white space.
    fn filled(&self) -> Option<&str> {
        self.exposed().filter(|text| !text.trim().is_empty())
    }
}

impl Exposed for Option<Text<'_>> {
    fn exposed(&self) -> Option<&str> {
        self.as_ref().map(Text::expose)
    }
}

impl Exposed for Option<&Text<'_>> {
    fn exposed(&self) -> Option<&str> {
        self.map(Text::expose)
    }
}

impl Exposed for Option<Untrusted> {
    fn exposed(&self) -> Option<&str> {
        self.as_ref().map(Untrusted::expose)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_text_counts_as_absent_where_it_is_shown() {
        assert_eq!(Some(Text::from(" a ")).filled(), Some(" a "));
        assert_eq!(Some(Text::from(" \n")).filled(), None);
        assert_eq!(Some(Untrusted::new("")).filled(), None);
        assert_eq!(None::<Text<'_>>.exposed(), None);
    }

    #[test]
    fn a_word_can_be_recognized_without_being_shown() {
        let kind = Text::from("exception");
        assert!(kind == *"exception" && kind != *"threads");
    }
}
