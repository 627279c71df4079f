//! Text that whoever can send an event controls. It only marks; how such text is shown is
//! decided where answers are written.

use std::fmt;

use serde::{Deserialize, Deserializer};

use crate::drift;

/// Text that a stranger may have written: anyone who knows a DSN can send an event.
///
/// It has no `Display`, so it cannot slip into a sentence of ours by accident.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Untrusted(String);

impl Untrusted {
    /// Marks a text.
    pub fn new(text: impl Into<String>) -> Untrusted {
        Untrusted(text.into())
    }

    /// The text, for whoever writes it out safely.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing but white space.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

/// A string, a number, or a boolean; anything else is an error, which `drift::maybe` forgives.
impl<'de> Deserialize<'de> for Untrusted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Untrusted, D::Error> {
        let text = drift::text(deserializer)?;
        text.map(Untrusted).ok_or_else(|| serde::de::Error::custom("expected text"))
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Untrusted({:?})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_text_and_the_rest_is_an_error() {
        let read = |json: &str| serde_json::from_str::<Untrusted>(json).ok();
        assert_eq!(read(r#""a""#), Some(Untrusted::new("a")));
        assert_eq!(read("7"), Some(Untrusted::new("7")));
        assert_eq!(read("null"), None);
        assert_eq!(read("{}"), None);
    }
}
