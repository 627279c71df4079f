//! How long a model may think before it answers. What a provider makes of it is said where the
//! request is written.

use std::str::FromStr;

use super::shorten;

/// The reasoning effort that is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effort {
    /// Nobody chose: `high` on OpenRouter; elsewhere `low` with the default model, for the
    /// answer has to come within half a minute, and nothing is said with a chosen model, which
    /// may not know the parameter.
    #[default]
    Default,
    /// Nothing is said about it.
    Omit,
    /// No reasoning.
    None,
    /// The least.
    Minimal,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// The most; `max` is another name.
    Xhigh,
}

/// A text that is not a reasoning effort.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{given}` is not a reasoning effort; use none, minimal, low, medium, high, xhigh, or max, or an empty text to leave it out"
)]
pub struct UnknownEffort {
    /// What was given, shortened.
    pub given: String,
}

impl FromStr for Effort {
    type Err = UnknownEffort;

    fn from_str(given: &str) -> Result<Effort, UnknownEffort> {
        Ok(match given.trim() {
            "" => Effort::Omit,
            "none" => Effort::None,
            "minimal" => Effort::Minimal,
            "low" => Effort::Low,
            "medium" => Effort::Medium,
            "high" => Effort::High,
            "xhigh" | "max" => Effort::Xhigh,
            other => return Err(UnknownEffort { given: shorten(other) }),
        })
    }
}

impl Effort {
    /// As OpenAI and OpenRouter name it; nothing if nothing is to be said.
    pub(crate) fn openai(self) -> Option<&'static str> {
        match self {
            Effort::Default | Effort::Omit => None,
            Effort::None => Some("none"),
            Effort::Minimal => Some("minimal"),
            Effort::Low => Some("low"),
            Effort::Medium => Some("medium"),
            Effort::High => Some("high"),
            Effort::Xhigh => Some("xhigh"),
        }
    }

    /// As Anthropic names it, which has no value for less than `low`.
    pub(crate) fn anthropic(self) -> Option<&'static str> {
        match self {
            Effort::Default | Effort::Omit => None,
            Effort::None | Effort::Minimal | Effort::Low => Some("low"),
            Effort::Medium => Some("medium"),
            Effort::High => Some("high"),
            Effort::Xhigh => Some("xhigh"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effort_is_a_known_word_or_nothing() {
        for (given, expected) in [
            ("", Effort::Omit),
            (" low ", Effort::Low),
            ("max", Effort::Xhigh),
            ("none", Effort::None),
        ] {
            assert_eq!(given.parse(), Ok(expected), "{given}");
        }
        let error = "maximal".parse::<Effort>().unwrap_err().to_string();
        assert!(error.starts_with("`maximal` is not a reasoning effort; use none, "), "{error}");
    }
}
