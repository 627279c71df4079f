//! Replaces the literal of an inline snapshot, `@"…"`, in Rust source.
//!
//! It is no parser: it only knows where strings, characters and comments end, which
//! is enough to find the one `@` before a literal.

/// The source with `content` in the first inline literal at or below `line`, from 1.
///
/// `None` if there is no such literal before the assertion ends.
pub(super) fn replace(source: &str, line: u32, content: &str) -> Option<String> {
    let skipped = usize::try_from(line).ok()?.checked_sub(1)?;
    let start: usize = source.split_inclusive('\n').take(skipped).map(str::len).sum();
    let at = start + marker(source.get(start..)?)?;
    let (before, rest) = source.split_at_checked(at + 1)?;
    let after = rest.get(literal_len(rest)?..)?;
    Some(format!("{before}{}{after}", literal(content, &indentation(source, at))))
}

/// Where the `@` of the first inline snapshot is, inside the first assertion.
fn marker(text: &str) -> Option<usize> {
    let mut at = 0;
    let mut depth = 0_usize;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let next = rest.chars().next()?;
        if next == '@' && literal_len(&rest[1..]).is_some() {
            return Some(at);
        }
        if let Some(len) = skipped_len(rest) {
            at += len;
            continue;
        }
        match next {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return None;
                }
            }
            _ => {}
        }
        at += next.len_utf8();
    }
    None
}

/// The length of the comment, literal or word at the start of `text`, if there is one.
fn skipped_len(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(text.find("*/").map_or(text.len(), |end| end + 2));
    }
    if let Some(len) = literal_len(text) {
        return Some(len);
    }
    if let Some(rest) = text.strip_prefix('\'') {
        // A character; a lifetime has no closing quote and is skipped as a word.
        let len = rest.chars().next()?.len_utf8();
        if rest.starts_with('\\') {
            let end = rest.char_indices().skip(2).find(|(_, c)| *c == '\'')?.0;
            return Some(end + 2);
        }
        return Some(if rest.get(len..)?.starts_with('\'') { len + 2 } else { 1 });
    }
    // A word, so that the `r` at the end of `for` does not begin a raw string.
    let word = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    (word > 0).then_some(word)
}

/// The length of the string literal at the start of `text`, if there is one.
fn literal_len(text: &str) -> Option<usize> {
    let prefix = text.find(|c: char| c != 'b' && c != 'c')?;
    let body = text.get(prefix..)?;
    if let Some(raw) = body.strip_prefix('r') {
        let hashes = raw.find(|c| c != '#')?;
        let inside = raw.get(hashes..)?.strip_prefix('"')?;
        let close = format!("\"{}", "#".repeat(hashes));
        let end = inside.find(&close)? + close.len();
        return Some(prefix + 1 + hashes + 1 + end);
    }
    let inside = body.strip_prefix('"')?;
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(prefix + 1 + at + 1),
            _ => {}
        }
    }
    None
}

/// The white space in front of the line that `at` is in.
fn indentation(source: &str, at: usize) -> String {
    let before = source.get(..at).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.chars().take_while(|c| c.is_whitespace()).collect()
}

/// The literal that insta itself would write, so that both tools agree.
fn literal(content: &str, indentation: &str) -> String {
    let content = content.trim_end();
    if content.chars().any(|c| c.is_control() && !['\n', '\t', '\x1b'].contains(&c)) {
        return format!("{content:?}");
    }
    let hashes = content
        .split('"')
        .skip(1)
        .map(|after| after.chars().take_while(|&c| c == '#').count() + 1)
        .max()
        .unwrap_or_default();
    let raw = if content.contains(['\\', '"']) { "r" } else { "" };
    let hashes = "#".repeat(hashes);
    if !content.contains('\n') {
        return format!("{raw}{hashes}\"{content}\"{hashes}");
    }
    let mut block = String::new();
    for line in content.lines() {
        block.push('\n');
        if !line.is_empty() {
            block.push_str(indentation);
            block.push_str(line);
        }
    }
    format!("{raw}{hashes}\"{block}\n{indentation}\"{hashes}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, line: u32, content: &str, expected: &str) {
        assert_eq!(replace(source, line, content).as_deref(), Some(expected));
    }

    #[test]
    fn one_line_stays_on_one_line() {
        check("assert_snapshot!(x, @\"old\");", 1, "new", "assert_snapshot!(x, @\"new\");");
        check(
            "assert_snapshot!(x, @r#\"o\"d\"#);",
            1,
            "a \\ b",
            "assert_snapshot!(x, @r\"a \\ b\");",
        );
    }

    #[test]
    fn quotes_make_the_literal_raw() {
        check("s!(x, @\"\");", 1, "a \"b\"# c", "s!(x, @r##\"a \"b\"# c\"##);");
    }

    #[test]
    fn several_lines_become_a_block_at_the_indentation_of_the_assertion() {
        let source = "fn f() {\n    s!(\n        x,\n        @\"\"\n    );\n}\n";
        let expected = "fn f() {\n    s!(\n        x,\n        @\"\n        one\n\n        two\n        \"\n    );\n}\n";
        check(source, 2, "one\n\ntwo\n", expected);
    }

    #[test]
    fn the_assertion_of_that_line_is_meant_and_not_an_earlier_one() {
        check("s!(x, @\"1\");\ns!(y, @\"2\");\n", 2, "3", "s!(x, @\"1\");\ns!(y, @\"3\");\n");
    }

    #[test]
    fn an_at_sign_in_strings_characters_and_comments_does_not_count() {
        let source = "s!(f(\"a@\", '@', r#\"@\"x\"#, b\"@\"), /* @\"c\" */ // @\"d\"\n @\"old\");";
        let expected =
            "s!(f(\"a@\", '@', r#\"@\"x\"#, b\"@\"), /* @\"c\" */ // @\"d\"\n @\"new\");";
        check(source, 1, "new", expected);
    }

    #[test]
    fn lifetimes_escapes_and_words_that_end_in_r_are_no_literals() {
        let source = "s!(for_<'a>('\\'', '\\u{40}', \"\\\"@\"), @\"old\");";
        let expected = "s!(for_<'a>('\\'', '\\u{40}', \"\\\"@\"), @\"new\");";
        check(source, 1, "new", expected);
    }

    #[test]
    fn an_assertion_without_an_inline_literal_is_left_alone() {
        assert_eq!(replace("s!(x);\ns!(y, @\"2\");\n", 1, "new"), None);
        assert_eq!(replace("", 3, "new"), None);
        assert_eq!(replace("s!(x, @\"never closed", 1, "new"), None);
    }

    #[test]
    fn control_characters_are_escaped() {
        check("s!(x, @\"\");", 1, "a\u{0}b", "s!(x, @\"a\\0b\");");
    }
}
