//! One span of a trace, and one problem that happened in it, as parts of the body they came
//! in: a field is read when it is asked for. What a span did is told elsewhere.

use std::hash::{DefaultHasher, Hasher as _};

use super::{
    id::SpanId,
    scan::{self, Scanner},
};
use crate::Untrusted;

/// A value as it is written in the body; empty where it is absent or null.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Raw<'a>(&'a str);

impl<'a> Raw<'a> {
    fn of(json: &'a str) -> Raw<'a> {
        Raw(if json == "null" { "" } else { json })
    }

    /// Text, a number or a flag, unless it is blank.
    fn text(self) -> Option<Untrusted> {
        match scan::plain(self.0) {
            Some(text) => Some(Untrusted::new(text)),
            None if self.0.is_empty() => None,
            None => serde_json::from_str(self.0).ok(),
        }
        .filter(|text: &Untrusted| !text.is_blank())
    }

    fn plain(self) -> Option<&'a str> {
        scan::plain(self.0)
    }

    /// An object or a list that holds something.
    fn nested(self) -> Option<&'a str> {
        let ([b'{', inner @ .., b'}'] | [b'[', inner @ .., b']']) = self.0.as_bytes() else {
            return None;
        };
        (!inner.trim_ascii().is_empty()).then_some(self.0)
    }
}

/// A span, or an uptime check. Its text was written by whoever could send it.
#[derive(Clone, Debug, Default)]
pub struct Span<'a> {
    /// Its place's parent, an index into [`super::Trace::spans`] that is smaller than its own.
    pub parent: Option<usize>,
    /// How many ancestors it has.
    pub depth: usize,
    /// How long it took, in milliseconds; from its timestamps where Sentry does not say.
    pub duration: Option<f64>,
    /// When it began, in seconds since 1970.
    pub start: Option<f64>,
    /// Whether it is the first span of its service, which older SDKs send as a transaction.
    pub is_transaction: bool,
    pub(super) end: Option<f64>,
    pub(super) kind: Raw<'a>,
    id: Raw<'a>,
    other_id: Raw<'a>,
    op: Raw<'a>,
    name: Raw<'a>,
    description: Raw<'a>,
    transaction: Raw<'a>,
    project: Raw<'a>,
    parent_id: Raw<'a>,
    sdk: Raw<'a>,
    status: Raw<'a>,
    exclusive: Raw<'a>,
    measurements: Raw<'a>,
    data: Raw<'a>,
    tags: Raw<'a>,
    attributes: Raw<'a>,
}

impl<'a> Span<'a> {
    /// A span of which only the place is known.
    pub(super) fn below(parent: Option<usize>, depth: usize) -> Span<'a> {
        Span { parent, depth, ..Span::default() }
    }

    /// Takes one field of the object in.
    pub(super) fn set(&mut self, name: &str, json: &'a str) {
        let raw = Raw::of(json);
        match name {
            "event_id" => self.id = raw,
            "span_id" => self.other_id = raw,
            "event_type" => self.kind = raw,
            "op" => self.op = raw,
            "name" => self.name = raw,
            "description" => self.description = raw,
            "transaction" => self.transaction = raw,
            "project_slug" => self.project = raw,
            "parent_span_id" => self.parent_id = raw,
            "sdk_name" => self.sdk = raw,
            "status" | "span_status" => self.status = raw,
            "exclusive_time" => self.exclusive = raw,
            "measurements" => self.measurements = raw,
            "data" => self.data = raw,
            "tags" => self.tags = raw,
            "additional_attributes" => self.attributes = raw,
            "is_transaction" => self.is_transaction = json == "true",
            "duration" => self.duration = scan::number(json).filter(|ms| *ms >= 0.0),
            "start_timestamp" => self.start = scan::number(json),
            "end_timestamp" => self.end = scan::number(json),
            _ => {}
        }
    }

    /// The span's id, else the id of its event.
    pub fn id(&self) -> Option<Untrusted> {
        self.other_id.text().or_else(|| self.id.text())
    }

    /// Whether this is its id.
    pub fn has_id(&self, id: &SpanId) -> bool {
        let ids = [self.id, self.other_id].into_iter().filter_map(Raw::plain);
        ids.into_iter().any(|own| own.eq_ignore_ascii_case(id.as_str()))
    }

    /// What kind of work it was, such as `db` or `http.server`.
    pub fn op(&self) -> Option<Untrusted> {
        self.op.text()
    }

    /// Its name, by newer SDKs.
    pub fn name(&self) -> Option<Untrusted> {
        self.name.text()
    }

    /// What it did, by older SDKs.
    pub fn description(&self) -> Option<Untrusted> {
        self.description.text()
    }

    /// The transaction that it was part of.
    pub fn transaction(&self) -> Option<Untrusted> {
        self.transaction.text()
    }

    /// The project, for the check against a fence.
    pub fn project_slug(&self) -> Option<&'a str> {
        self.project.plain()
    }

    /// The id of its parent as it says itself; the tree follows [`Span::parent`].
    pub fn parent_span_id(&self) -> Option<Untrusted> {
        self.parent_id.text()
    }

    /// `span` or `uptime_check`.
    pub fn event_type(&self) -> Option<Untrusted> {
        self.kind.text()
    }

    /// What sent it.
    pub fn sdk_name(&self) -> Option<Untrusted> {
        self.sdk.text()
    }

    /// How it ended, such as `ok` or `internal_error`.
    pub fn status(&self) -> Option<Untrusted> {
        self.status.text().or_else(|| self.attributes().get("span.status"))
    }

    /// The part of its duration in which none of its children ran, in milliseconds.
    pub fn exclusive_time(&self) -> Option<f64> {
        scan::number(self.exclusive.0).or_else(|| {
            let own = self.attributes().get("span.self_time")?;
            own.expose().parse().ok().filter(|ms: &f64| ms.is_finite())
        })
    }

    /// What its SDK tells about it.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes([self.attributes, self.data, self.tags])
    }

    /// Whether an attribute of this name may be there; cheaper than looking for it.
    pub fn may_have(&self, name: &str) -> bool {
        [self.attributes, self.data, self.tags].iter().any(|raw| raw.0.contains(name))
    }

    /// The parts for people who want everything, each a JSON object, with its name.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, Part<'a>)> {
        let parts = [
            ("Measurements", self.measurements),
            ("Tags", self.tags),
            ("Data", self.data),
            ("Attributes", self.attributes),
        ];
        parts.into_iter().filter_map(|(name, raw)| Some((name, Part(raw.nested()?))))
    }

    /// The work in one word: the op, else the first word of the name or description.
    ///
    /// Borrowed where it can be, for counting many spans.
    pub fn operation(&self) -> &'a str {
        let texts = [self.op, self.name, self.description];
        let text = texts.into_iter().filter_map(Raw::plain).find(|text| !text.trim().is_empty());
        text.and_then(|text| text.split_whitespace().next()).unwrap_or("unknown")
    }

    /// Equal for spans that do the same work, whatever the numbers in their text are.
    pub fn likeness(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for raw in [self.project, self.op, self.name, self.description, self.transaction] {
            for (at, word) in raw.0.split(|c: char| c.is_ascii_digit()).enumerate() {
                if at == 0 || !word.is_empty() {
                    hasher.write(word.as_bytes());
                    hasher.write_u8(0xff);
                }
            }
            hasher.write_u8(0xfe);
        }
        hasher.finish()
    }
}

/// What a span's SDK tells about it: the attributes, then the older `data`, then the tags.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a>([Raw<'a>; 3]);

impl Attributes<'_> {
    /// The first value of this name that is text, a number or a flag, and not blank.
    pub fn get(&self, name: &str) -> Option<Untrusted> {
        self.0.iter().find_map(|raw| {
            if !raw.0.contains(name) {
                return None;
            }
            let pairs = scan::fields(raw.0).filter(|(key, _)| *key == name);
            pairs.into_iter().find_map(|(_, value)| Raw::of(value).text()).or_else(|| {
                // Tags may also be a list of `{"key": …, "value": …}`.
                scan::elements(raw.0).find_map(|tag| {
                    let field = |wanted| scan::fields(tag).find(|(key, _)| *key == wanted);
                    let key = scan::plain(field("key")?.1)?;
                    Raw::of(field("value")?.1).text().filter(|_| key == name)
                })
            })
        })
    }
}

/// A JSON object or list of a span.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a>(&'a str);

impl Part<'_> {
    /// One `name: value` text per field, sorted by name; a list has its elements as they come.
    pub fn lines(&self) -> Vec<Untrusted> {
        let mut lines: Vec<(String, String)> = scan::fields(self.0)
            .filter(|(_, value)| !matches!(*value, "null" | "\"\"" | "{}" | "[]"))
            .map(|(name, value)| (unquoted(&format!("\"{name}\"")), unquoted(value)))
            .collect();
        lines.sort();
        let lines = lines.into_iter().map(|(name, value)| format!("{name}: {value}"));
        lines.chain(scan::elements(self.0).map(str::to_owned)).map(Untrusted::new).collect()
    }
}

fn unquoted(json: &str) -> String {
    if json.starts_with('"')
        && let Ok(text) = serde_json::from_str(json)
    {
        return text;
    }
    json.to_owned()
}

/// An error or a detected performance problem of a trace.
#[derive(Clone, Debug, Default)]
pub struct Problem<'a> {
    /// The span it happened in, an index into [`super::Trace::spans`], where that is known.
    pub span: Option<usize>,
    kind: Raw<'a>,
    event: Raw<'a>,
    issue: Raw<'a>,
    short_id: Raw<'a>,
    level: Raw<'a>,
    title: Raw<'a>,
    description: Raw<'a>,
    culprit: Raw<'a>,
    project: Raw<'a>,
}

impl<'a> Problem<'a> {
    /// `None` where there is no object.
    pub(super) fn read(json: &'a str, span: Option<usize>) -> Option<Problem<'a>> {
        if Scanner::new(json).peek() != Some(b'{') {
            return None;
        }
        let mut problem = Problem { span, ..Problem::default() };
        for (name, value) in scan::fields(json) {
            let raw = Raw::of(value);
            match name {
                "event_type" => problem.kind = raw,
                "event_id" => problem.event = raw,
                "issue_id" => problem.issue = raw,
                "short_id" | "issue_short_id" => problem.short_id = raw,
                "level" => problem.level = raw,
                "title" => problem.title = raw,
                "description" | "message" if problem.description.0.is_empty() => {
                    problem.description = raw;
                }
                "culprit" => problem.culprit = raw,
                "project_slug" => problem.project = raw,
                _ => {}
            }
        }
        Some(problem)
    }

    /// Whether Sentry detected it in the spans; otherwise it is an error event.
    pub fn is_occurrence(&self) -> bool {
        self.kind.plain() == Some("occurrence")
    }

    /// The id of the event.
    pub fn event_id(&self) -> Option<Untrusted> {
        self.event.text()
    }

    /// The issue: its short id, else its numeric id.
    pub fn issue(&self) -> Option<Untrusted> {
        self.short_id.text().or_else(|| self.issue.text())
    }

    /// `error`, `warning` and so on.
    pub fn level(&self) -> Option<Untrusted> {
        self.level.text()
    }

    /// What happened.
    pub fn title(&self) -> Option<Untrusted> {
        self.title.text().or_else(|| self.description.text())
    }

    /// Where it happened.
    pub fn culprit(&self) -> Option<Untrusted> {
        self.culprit.text()
    }

    /// The project, for the check against a fence.
    pub fn project_slug(&self) -> Option<&'a str> {
        self.project.plain()
    }
}
