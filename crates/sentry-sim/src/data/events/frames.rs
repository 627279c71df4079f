//! Stack frames, written compactly in the description files. Does not invent source code: what is
//! not written down is absent.

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A frame: the short form alone, or with more source lines and local variables.
///
/// Short form: `+shop/cart.py:42 Cart.total | return price / quantity`. `+` is the application's
/// own code and `-` a library's; a module may stand before the function with `#` between them; a
/// column may follow the line; the source line after `|` may be missing.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum FrameSpec {
    Short(String),
    Full {
        at: String,
        #[serde(default)]
        pre: Vec<String>,
        #[serde(default)]
        post: Vec<String>,
        vars: Option<Map<String, Value>>,
    },
}

struct Place<'a> {
    in_app: bool,
    file: &'a str,
    line: Option<u32>,
    column: Option<u32>,
    module: Option<&'a str>,
    function: &'a str,
    source: Option<&'a str>,
}

impl FrameSpec {
    fn place(&self) -> Place<'_> {
        let text = match self {
            Self::Short(text) => text,
            Self::Full { at, .. } => at,
        };
        let (head, source) = match text.split_once(" | ") {
            Some((head, source)) => (head, Some(source)),
            None => (text.as_str(), None),
        };
        let in_app = head.starts_with('+');
        let head = head.trim_start_matches(['+', '-']);
        let (location, name) = head.split_once(' ').unwrap_or((head, ""));
        let mut file = location;
        let mut numbers = Vec::new();
        while let Some((rest, last)) = file.rsplit_once(':') {
            let Ok(number) = last.parse::<u32>() else { break };
            numbers.push(number);
            file = rest;
        }
        numbers.reverse();
        let (module, function) = match name.split_once('#') {
            Some((module, function)) => (Some(module), function),
            None => (None, name),
        };
        let (line, column) = (numbers.first().copied(), numbers.get(1).copied());
        Place { in_app, file, line, column, module, function, source }
    }

    pub(crate) fn body(&self, platform: &str) -> Value {
        let place = self.place();
        let (pre, post, vars): (&[String], &[String], _) = match self {
            Self::Short(_) => (&[], &[], None),
            Self::Full { pre, post, vars, .. } => (pre, post, vars.as_ref()),
        };
        let mut context = Vec::new();
        if let (Some(line), Some(source)) = (place.line, place.source) {
            let first = i64::from(line) - i64::try_from(pre.len()).unwrap_or(0);
            let lines = pre.iter().map(String::as_str).chain([source]);
            let lines = lines.chain(post.iter().map(String::as_str));
            context.extend((first..).zip(lines).map(|(number, text)| json!([number, text])));
        }
        let module = place.module.map(str::to_owned).or_else(|| {
            (platform == "python").then(|| place.file.trim_end_matches(".py").replace('/', "."))
        });
        json!({
            "filename": place.file,
            "absPath": abs_path(platform, &place),
            "module": module,
            "package": null,
            "platform": null,
            "instructionAddr": null,
            "symbolAddr": null,
            "function": if place.function.is_empty() { None } else { Some(place.function) },
            "rawFunction": null,
            "symbol": null,
            "context": context,
            "lineNo": place.line,
            "colNo": place.column,
            "inApp": place.in_app,
            "trust": null,
            "errors": null,
            "lock": null,
            "sourceLink": null,
            "vars": vars,
        })
    }
}

/// File and function of the last in-app frame.
pub(crate) fn crash_site(frames: &[FrameSpec]) -> Option<(String, String)> {
    let places: Vec<_> = frames.iter().map(FrameSpec::place).collect();
    let place = places.iter().rev().find(|place| place.in_app).or_else(|| places.last())?;
    Some((place.file.to_owned(), place.function.to_owned()))
}

fn abs_path(platform: &str, place: &Place<'_>) -> String {
    if place.file.starts_with('/') {
        return place.file.to_owned();
    }
    let root = match (platform, place.in_app) {
        ("python", true) => "/srv/app/",
        ("python", false) => "/usr/local/lib/python3.13/site-packages/",
        ("javascript", _) => "app:///_next/",
        ("rust", true) => "/build/",
        ("rust", false) => "/usr/local/cargo/registry/src/",
        ("go", true) => "/src/gateway/",
        ("go", false) => "/go/pkg/mod/",
        ("ruby", true) => "/rails/",
        ("ruby", false) => "/usr/local/bundle/gems/",
        _ => "",
    };
    format!("{root}{}", place.file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_frame_is_taken_apart() {
        let frame = FrameSpec::Short("+app/cart.tsx:42:17 total | return a / b".to_owned());
        let body = frame.body("javascript");
        assert_eq!(body["filename"], "app/cart.tsx");
        assert_eq!((&body["lineNo"], &body["colNo"]), (&json!(42), &json!(17)));
        assert_eq!(body["context"], json!([[42, "return a / b"]]));
        assert_eq!(body["inApp"], true);
    }

    #[test]
    fn a_module_stands_before_the_hash() {
        let frame = FrameSpec::Short("-Worker.java:9 java.lang.Thread#run".to_owned());
        let body = frame.body("java");
        assert_eq!(body["module"], "java.lang.Thread");
        assert_eq!(body["function"], "run");
        assert_eq!(body["context"], json!([]));
        assert_eq!(body["inApp"], false);
    }

    #[test]
    fn context_lines_are_numbered_around_the_line() {
        let frame = FrameSpec::Full {
            at: "+a.py:10 f | ten".to_owned(),
            pre: vec!["nine".to_owned()],
            post: vec!["eleven".to_owned()],
            vars: None,
        };
        assert_eq!(
            frame.body("python")["context"],
            json!([[9, "nine"], [10, "ten"], [11, "eleven"]])
        );
    }
}
