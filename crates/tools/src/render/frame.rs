//! One frame of a stack trace, written the way its language writes it. Which frames are
//! shown, and in which order, is decided elsewhere.

use std::fmt::Write as _;

use sentry_client::events::{Exposed as _, Fields, Frame};

use super::{
    clip,
    json::{self, Strings},
};

/// The longest file name, function and source line, in characters.
pub(crate) const NAME_LIMIT: usize = 200;
/// Source lines before and after the failing one.
const AROUND: u64 = 3;
/// The most variables of a frame.
const VARIABLES: usize = 40;
/// The longest value of a variable, in characters.
const VARIABLE_LIMIT: usize = 200;
const UNKNOWN: &str = "<unknown>";

/// How a language writes a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Java,
    Python,
    JavaScript,
    Ruby,
    Php,
    /// Go, Rust, C#, native code, and all others.
    Other,
}

impl Language {
    /// The language of an event as a whole.
    pub(crate) fn of_platform(platform: &str) -> Language {
        match platform {
            "java" => Language::Java,
            "python" => Language::Python,
            "javascript" | "node" => Language::JavaScript,
            "ruby" => Language::Ruby,
            "php" => Language::Php,
            _ => Language::Other,
        }
    }

    /// The language of a frame: by its file, then its module, then its platform.
    fn of(frame: &Frame<'_>, event: Language) -> Language {
        let file = frame.filename.exposed().unwrap_or_default();
        match file.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "java" | "kt" => return Language::Java,
            "py" => return Language::Python,
            "js" | "jsx" | "mjs" | "cjs" | "ts" | "tsx" => return Language::JavaScript,
            "rb" => return Language::Ruby,
            "php" => return Language::Php,
            _ => {}
        }
        let module = frame.module.exposed().unwrap_or_default();
        if ["java.", "com.", "org."].iter().any(|prefix| module.starts_with(prefix)) {
            return Language::Java;
        }
        frame.platform.exposed().map_or(event, Language::of_platform)
    }

    /// Whether the language itself prints the failing call at the end.
    pub(crate) fn prints_failing_call_last(self) -> bool {
        self == Language::Python
    }
}

/// Appends the frame's own line, without a line break. `index` is its number in a printed
/// stack, which only PHP shows.
pub(crate) fn header(out: &mut String, frame: &Frame<'_>, event: Language, index: Option<usize>) {
    let file = [&frame.filename, &frame.abs_path, &frame.module, &frame.package]
        .into_iter()
        .find_map(|name| name.filled());
    let function = frame.function.filled();
    // Writing to a string cannot fail.
    match Language::of(frame, event) {
        Language::Java => java(out, frame, function),
        Language::Python => {
            out.push_str("File \"");
            clip::line(out, file.unwrap_or(UNKNOWN), NAME_LIMIT);
            out.push('"');
            if let Some(line) = frame.line_no {
                let _ = write!(out, ", line {line}");
            }
            out.push_str(", in ");
            clip::line(out, function.unwrap_or(UNKNOWN), NAME_LIMIT);
        }
        Language::JavaScript => {
            place(out, file, frame);
            out.push_str(" (");
            clip::line(out, function.unwrap_or("<anonymous>"), NAME_LIMIT);
            out.push(')');
        }
        Language::Ruby => {
            out.push_str("from ");
            clip::line(out, file.unwrap_or(UNKNOWN), NAME_LIMIT);
            if let Some(line) = frame.line_no {
                let _ = write!(out, ":{line}");
            }
            out.push_str(":in `");
            clip::line(out, function.unwrap_or(UNKNOWN), NAME_LIMIT);
            out.push('`');
        }
        Language::Php => {
            if let Some(index) = index {
                let _ = write!(out, "#{index} ");
            }
            clip::line(out, file.unwrap_or(UNKNOWN), NAME_LIMIT);
            if let Some(line) = frame.line_no {
                let _ = write!(out, "({line})");
            }
            out.push_str(": ");
            clip::line(out, function.unwrap_or(UNKNOWN), NAME_LIMIT);
            out.push_str("()");
        }
        Language::Other => {
            out.push_str("at ");
            clip::line(out, function.unwrap_or(UNKNOWN), NAME_LIMIT);
            out.push_str(" (");
            place(out, file, frame);
            out.push(')');
        }
    }
}

fn java(out: &mut String, frame: &Frame<'_>, function: Option<&str>) {
    out.push_str("at ");
    if let Some(module) = frame.module.filled() {
        clip::line(out, module, NAME_LIMIT);
        out.push('.');
    }
    clip::line(out, function.unwrap_or(UNKNOWN), NAME_LIMIT);
    out.push('(');
    let file = frame.filename.filled().or(frame.abs_path.filled());
    clip::line(out, file.unwrap_or("Unknown Source"), NAME_LIMIT);
    if let Some(line) = frame.line_no {
        let _ = write!(out, ":{line}");
    }
    out.push(')');
}

fn place(out: &mut String, file: Option<&str>, frame: &Frame<'_>) {
    clip::line(out, file.unwrap_or(UNKNOWN), NAME_LIMIT);
    for number in [frame.line_no, frame.col_no].into_iter().flatten() {
        let _ = write!(out, ":{number}");
    }
}

/// Appends the source line of the call, if it came with the event.
pub(crate) fn source_line(out: &mut String, frame: &Frame<'_>) {
    let found = frame.context.iter().find(|(number, _)| Some(*number) == frame.line_no);
    if let Some((_, text)) = found.filter(|(_, text)| !text.is_blank()) {
        out.push_str("\n    ");
        clip::line(out, text.expose(), NAME_LIMIT);
    }
}

/// Appends the numbered source lines around the call, with an arrow at the call itself.
pub(crate) fn source_window(out: &mut String, frame: &Frame<'_>) {
    let Some(line) = frame.line_no else { return };
    let near = |number: u64| number.abs_diff(line) <= AROUND;
    let width = line.saturating_add(AROUND).checked_ilog10().unwrap_or(0) as usize + 1;
    for (number, text) in frame.context.iter().filter(|(number, _)| near(*number)) {
        let arrow = if *number == line { '→' } else { ' ' };
        let _ = write!(out, "\n  {arrow} {number:>width$} │ ");
        let indentation = out.len();
        clip::source(out, text.expose(), NAME_LIMIT);
        if out.len() == indentation {
            out.pop();
        }
    }
}

/// Appends the local variables as a tree.
pub(crate) fn variables(out: &mut String, frame: &Frame<'_>) {
    let variables = frame.vars.map(Fields::of).unwrap_or_default().0;
    let shown = variables.len().min(VARIABLES);
    if shown > 0 {
        out.push_str("\n\nLocal variables:");
    }
    for (at, (name, json)) in variables.iter().take(shown).enumerate() {
        out.push_str(if at + 1 == variables.len() { "\n└─ " } else { "\n├─ " });
        clip::line(out, name.expose(), NAME_LIMIT);
        out.push_str(": ");
        json::value(out, json, Strings::Quoted, VARIABLE_LIMIT);
    }
    if variables.len() > shown {
        let _ = write!(out, "\n└─ … {} more left out", variables.len() - shown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(json: &str, event: Language) -> String {
        let frame: Frame<'_> = serde_json::from_str(json).unwrap();
        let mut out = String::new();
        header(&mut out, &frame, event, Some(3));
        out
    }

    #[test]
    fn each_language_has_its_format_and_marks_what_is_unknown() {
        let full =
            r#"{"filename": "a/b", "module": "m.C", "function": "f", "lineNo": 7, "colNo": 0}"#;
        let table = [
            (Language::Java, "at m.C.f(a/b:7)", "at <unknown>(Unknown Source)"),
            (Language::Python, r#"File "a/b", line 7, in f"#, r#"File "<unknown>", in <unknown>"#),
            (Language::JavaScript, "a/b:7:0 (f)", "<unknown> (<anonymous>)"),
            (Language::Ruby, "from a/b:7:in `f`", "from <unknown>:in `<unknown>`"),
            (Language::Php, "#3 a/b(7): f()", "#3 <unknown>: <unknown>()"),
            (Language::Other, "at f (a/b:7:0)", "at <unknown> (<unknown>)"),
        ];
        for (language, expected, unknown) in table {
            assert_eq!(written(full, language), expected);
            assert_eq!(written("{}", language), unknown);
        }
    }

    #[test]
    fn the_file_decides_before_the_module_before_the_platform() {
        let java = r#"{"filename": "App.java", "platform": "python"}"#;
        assert_eq!(written(java, Language::Other), "at <unknown>(App.java)");
        let module = r#"{"module": "com.example.App", "platform": "python"}"#;
        assert_eq!(
            written(module, Language::Other),
            "at com.example.App.<unknown>(Unknown Source)"
        );
        let platform = r#"{"filename": "main", "platform": "php"}"#;
        assert_eq!(written(platform, Language::Python), "#3 main: <unknown>()");
    }

    #[test]
    fn the_window_has_aligned_numbers_and_an_arrow() {
        let json = r#"{"lineNo": 9, "context": [[5, "no"], [8, "  a"], [9, "  b"], [10, ""], [13, "no"]]}"#;
        let mut out = String::new();
        source_window(&mut out, &serde_json::from_str(json).unwrap());
        assert_eq!(out, "\n     8 │   a\n  →  9 │   b\n    10 │");
    }

    #[test]
    fn a_line_number_of_any_size_is_written() {
        let json = format!(r#"{{"lineNo": {max}, "context": [[{max}, "a"]]}}"#, max = u64::MAX);
        let mut out = String::new();
        source_window(&mut out, &serde_json::from_str(&json).unwrap());
        assert_eq!(out, format!("\n  → {} │ a", u64::MAX));
    }

    #[test]
    fn variables_are_a_tree_and_many_are_counted() {
        let json = r#"{"vars": {"x": 1, "name": "a\nb", "none": null}}"#;
        let mut out = String::new();
        variables(&mut out, &serde_json::from_str(json).unwrap());
        assert_eq!(out, "\n\nLocal variables:\n├─ x: 1\n├─ name: \"a b\"\n└─ none: null");

        let many: Vec<String> = (0..43).map(|number| format!(r#""v{number}": 1"#)).collect();
        let json = format!(r#"{{"vars": {{{}}}}}"#, many.join(","));
        let mut out = String::new();
        variables(&mut out, &serde_json::from_str(&json).unwrap());
        assert!(out.ends_with("├─ v39: 1\n└─ … 3 more left out"), "{out}");
    }
}
