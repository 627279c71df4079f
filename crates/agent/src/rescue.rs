//! Finding the JSON object in what a model said, with whatever it put around it. It judges no
//! search: whether an object is the right one is for the caller.

use serde_json::Value;

/// The most objects that are looked at, so that a hostile text costs little.
const MAX_CANDIDATES: usize = 16;

/// The first object in a text that is accepted: the whole text, what is in a code block, or
/// what stands in balanced braces.
pub(crate) fn object<T>(text: &str, accept: impl Fn(Value) -> Option<T>) -> Option<T> {
    let read = |json: &str| -> Option<T> {
        let value = serde_json::from_str::<Value>(json.trim()).ok()?;
        if value.is_object() { accept(value) } else { None }
    };
    read(text)
        .or_else(|| blocks(text).take(MAX_CANDIDATES).find_map(&read))
        .or_else(|| braces(text).take(MAX_CANDIDATES).find_map(&read))
}

/// The insides of code blocks, without the word after the opening fence.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    let inside = text.split("```").skip(1).step_by(2);
    inside.map(|block| block.find('{').and_then(|start| block.get(start..)).unwrap_or_default())
}

/// The pieces from each opening brace to the one that closes it, from left to right. They
/// overlap: a quote in the prose before an object may make a piece of the wrong size.
fn braces(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.match_indices('{').map(|(at, _)| at);
    starts.map(|start| {
        let rest = text.get(start..).unwrap_or_default();
        rest.get(..balanced(rest).unwrap_or(0)).unwrap_or_default()
    })
}

/// The length in bytes of the balanced braces that a text begins with. Braces in JSON strings
/// do not count.
fn balanced(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Option<String> {
        object(text, |value| Some(value.get("query")?.as_str()?.to_owned()))
    }

    #[test]
    fn an_object_is_found_in_whatever_surrounds_it() {
        for text in [
            r#"{"query":"a}{"}"#,
            "  {\"query\":\"a}{\"}\n",
            "Here it is:\n```json\n{\"query\":\"a}{\"}\n```\nDone.",
            "```\n{\"query\":\"a}{\"}\n```",
            r#"Sure! {"query":"a}{"} Does that help?"#,
            r#"A field {like this} and {"other":1}, then {"query":"a}{"}"#,
            r#"Unclosed { then {"query":"a}{"}"#,
            r#"He said "{" and {"query":"a}{"}"#,
        ] {
            assert_eq!(query(text).as_deref(), Some("a}{"), "{text}");
        }
    }

    #[test]
    fn an_object_that_is_not_accepted_is_passed_over() {
        assert_eq!(query(r#"{"thought":"x"} {"query":"y"}"#).as_deref(), Some("y"));
        for text in ["", "{}", "[]", "{", "}}}", "no json", "```", r#"{"query":1}"#] {
            assert_eq!(query(text), None, "{text}");
        }
    }

    #[test]
    fn a_hostile_text_is_given_up_soon() {
        let braces = "{".repeat(200_000);
        assert_eq!(query(&braces), None);
        let pairs = "{}".repeat(100_000);
        assert_eq!(query(&pairs), None);
        let fences = "```{".repeat(100_000);
        assert_eq!(query(&fences), None);
    }
}
