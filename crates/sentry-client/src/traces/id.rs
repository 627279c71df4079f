//! The ids of traces and spans. Whether they exist is Sentry's to say.

use std::{fmt, str::FromStr};

use crate::InvalidId;

/// A trace: 32 hexadecimal digits (W3C Trace Context), lower-cased; dashes are dropped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TraceId(String);

/// A span: 16 hexadecimal digits (W3C Trace Context), or the 32 of the event that Sentry
/// names it by; lower-cased, dashes are dropped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpanId(String);

macro_rules! hex_id {
    ($name:ident, $lengths:pat, $kind:literal, $expected:literal) => {
        impl $name {
            /// The digits.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<$name, InvalidId> {
                match digits(text) {
                    Some(digits) if matches!(digits.len(), $lengths) => Ok($name(digits)),
                    _ => Err(InvalidId::new($kind, text, $expected)),
                }
            }
        }
    };
}

hex_id!(
    TraceId,
    32,
    "a trace id",
    "32 hexadecimal digits such as `c8f36cbe6bc84e6da90eb296091f6c12`"
);
hex_id!(SpanId, 16 | 32, "a span id", "16 hexadecimal digits such as `de50558934c74646`");

/// The digits without dashes, if there is nothing else.
fn digits(text: &str) -> Option<String> {
    let bare = text.trim().chars().filter(|c| *c != '-').take(33);
    let digits: String = bare.map(|c| c.to_ascii_lowercase()).collect();
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_digits_and_nothing_else() {
        let trace = "c8f36cbe6bc84e6da90eb296091f6c12";
        for good in [trace, " C8F36CBE-6BC8-4E6D-A90E-B296091F6C12\n"] {
            assert_eq!(good.parse::<TraceId>().unwrap().as_str(), trace);
        }
        for bad in ["", "de50558934c74646", "API-1F", "../x", &format!("{trace}0"), &"g".repeat(32)]
        {
            assert!(bad.parse::<TraceId>().is_err(), "{bad}");
        }
        assert_eq!("DE50558934C74646".parse::<SpanId>().unwrap().as_str(), "de50558934c74646");
        assert!(trace.parse::<SpanId>().is_ok());
        let error = "../x".parse::<SpanId>().unwrap_err().to_string();
        assert!(error.starts_with("`../x` is not a span id; expected 16 hex"), "{error}");
    }
}
