//! Which sections of an issue a caller wants, and the answer that they are written into. It
//! knows the sections' names and weights, and nothing of what is in them.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Deserialize;

use super::data::Details;
use crate::{
    answer::{Answer, Priority, Section},
    error::{Error, Result},
    spelling,
};

/// The budget of a brief answer, in tokens.
const BRIEF: usize = 400;

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Depth {
    Brief,
    #[default]
    Normal,
    Full,
}

/// A section that a caller can ask for by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Facts,
    Code,
    Replay,
    Message,
    Stacktrace,
    Evidence,
    Request,
    User,
    Seer,
    Links,
    Tags,
    Threads,
    Breadcrumbs,
    Extra,
    Contexts,
    Next,
}

impl Part {
    pub(crate) const ALL: [Part; 16] = [
        Part::Facts,
        Part::Code,
        Part::Replay,
        Part::Message,
        Part::Stacktrace,
        Part::Evidence,
        Part::Request,
        Part::User,
        Part::Seer,
        Part::Links,
        Part::Tags,
        Part::Threads,
        Part::Breadcrumbs,
        Part::Extra,
        Part::Contexts,
        Part::Next,
    ];

    /// What a caller writes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Part::Facts => "facts",
            Part::Code => "code",
            Part::Replay => "replay",
            Part::Message => "message",
            Part::Stacktrace => "stacktrace",
            Part::Evidence => "evidence",
            Part::Request => "request",
            Part::User => "user",
            Part::Seer => "seer",
            Part::Links => "links",
            Part::Tags => "tags",
            Part::Threads => "threads",
            Part::Breadcrumbs => "breadcrumbs",
            Part::Extra => "extra",
            Part::Contexts => "contexts",
            Part::Next => "next",
        }
    }

    fn priority(self) -> Priority {
        match self {
            Part::Facts | Part::Message | Part::Stacktrace | Part::Evidence | Part::Next => {
                Priority::High
            }
            Part::Code
            | Part::Replay
            | Part::Request
            | Part::User
            | Part::Seer
            | Part::Links
            | Part::Tags => Priority::Normal,
            Part::Threads | Part::Breadcrumbs | Part::Extra | Part::Contexts => Priority::Low,
        }
    }

    fn is_brief(self) -> bool {
        matches!(self, Part::Facts | Part::Message | Part::Stacktrace | Part::Evidence)
    }

    fn parse(name: &str) -> Result<Part> {
        let name = name.trim();
        let exact = |part: &Part| part.name().eq_ignore_ascii_case(name);
        if let Some(part) = Part::ALL.into_iter().find(exact) {
            return Ok(part);
        }
        let names = || Part::ALL.into_iter().map(Part::name);
        let near = spelling::nearest(name, names());
        let near = near.map_or(".".to_owned(), |near| format!("; did you mean `{near}`?"));
        let all: Vec<&str> = names().collect();
        let problem = format!(
            "there is no section `{}`{near} The sections are: {}",
            spelling::shorten(name),
            all.join(", ")
        );
        Err(Error::argument("sections", problem))
    }
}

/// An answer while it is being written.
#[derive(Debug)]
pub(crate) struct Page {
    answer: Answer,
    depth: Depth,
    /// Only these; all that the depth has if empty.
    only: Vec<Part>,
    shown: Vec<Part>,
    /// The same as data, where somebody wants them.
    data: Option<Details>,
}

impl Page {
    /// An empty page; fails on a name that is no section.
    pub(crate) fn new(depth: Depth, sections: &[String]) -> Result<Page> {
        let only = sections.iter().map(|name| Part::parse(name)).collect::<Result<_>>()?;
        Ok(Page { answer: Answer::default(), depth, only, shown: Vec::new(), data: None })
    }

    /// The same page, which collects data too.
    pub(crate) fn with_data(self) -> Page {
        Page { data: Some(Details::default()), ..self }
    }

    /// Puts what was written among the data, if somebody wants them.
    pub(crate) fn tell(&mut self, write: impl FnOnce(&mut Details)) {
        if let Some(data) = &mut self.data {
            write(data);
        }
    }

    /// Adds a line that is always there.
    pub(crate) fn note(&mut self, note: String) {
        let _ = writeln!(self.essential(), "\n{note}");
        self.tell(|data| data.notes.push(note));
    }

    /// Whether the section is shown if there is something in it.
    pub(crate) fn wants(&self, part: Part) -> bool {
        match (self.only.as_slice(), self.depth) {
            ([], Depth::Brief) => part.is_brief(),
            ([], Depth::Normal | Depth::Full) => true,
            (only, _) => only.contains(&part),
        }
    }

    /// Whether a section is shown at its greatest length: it was asked for by name, or
    /// everything was.
    pub(crate) fn whole(&self, part: Part) -> bool {
        self.depth == Depth::Full || (self.only.contains(&part) && self.depth != Depth::Brief)
    }

    /// Whether only what a list of issues needs is told.
    pub(crate) fn is_brief(&self) -> bool {
        self.depth == Depth::Brief
    }

    /// A part that is always there.
    pub(crate) fn essential(&mut self) -> &mut Section {
        self.answer.section("event", Priority::Essential)
    }

    /// A section, unless nobody asked for it. A part may have several sections.
    pub(crate) fn part(&mut self, part: Part) -> Option<&mut Section> {
        if !self.wants(part) {
            return None;
        }
        self.mention(part);
        // The facts of a brief answer are short, and what it is for.
        let is_core = self.depth == Depth::Brief && part == Part::Facts;
        let priority = if is_core { Priority::Essential } else { part.priority() };
        Some(self.answer.section(part.name(), priority))
    }

    /// Notes that a section is spoken of: nobody has to be told that it is empty.
    pub(crate) fn mention(&mut self, part: Part) {
        if !self.shown.contains(&part) {
            self.shown.push(part);
        }
    }

    /// The answer. `tool` is called again for what did not fit.
    pub(crate) fn finish(
        mut self,
        tool: &'static str,
        budget: Option<usize>,
    ) -> (Answer, Option<Details>) {
        let absent: Vec<String> = self
            .only
            .iter()
            .filter(|part| !self.shown.contains(part))
            .map(|part| format!("`{}`", part.name()))
            .collect();
        if !absent.is_empty() {
            self.note(format!("Nothing to show of: {}.", absent.join(", ")));
        }
        self.answer.limit(budget.or((self.depth == Depth::Brief).then_some(BRIEF)));
        self.answer.again(tool, "sections");
        (self.answer, self.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_section_is_told_with_the_nearest() {
        let err = Page::new(Depth::Normal, &["breadcrumb".to_owned()]).unwrap_err().to_string();
        assert!(err.contains("no section `breadcrumb`; did you mean `breadcrumbs`?"), "{err}");
        let err = Page::new(Depth::Normal, &["zzz".to_owned()]).unwrap_err().to_string();
        assert!(err.contains("no section `zzz`. The sections are: facts, code,"), "{err}");
    }

    #[test]
    fn a_section_asked_for_by_name_is_shown_at_any_depth() {
        let page = Page::new(Depth::Brief, &["Tags ".to_owned()]).unwrap();
        assert!(page.wants(Part::Tags) && !page.wants(Part::Facts) && !page.wants(Part::Seer));
        let brief = Page::new(Depth::Brief, &[]).unwrap();
        assert!(brief.wants(Part::Facts) && !brief.wants(Part::Tags));
    }

    #[test]
    fn a_brief_answer_keeps_its_facts() {
        let mut page = Page::new(Depth::Brief, &[]).unwrap();
        page.part(Part::Facts).unwrap().push(&"a fact\n".repeat(90));
        page.part(Part::Message).unwrap().push(&"the message\n".repeat(300));
        let out = page.finish("tool", None).0.fitted(6_000).into_string();
        assert!(out.starts_with("a fact\n") && !out.contains("the message"), "{out}");
    }

    #[test]
    fn a_section_that_has_nothing_in_it_is_named() {
        let mut page = Page::new(Depth::Normal, &["tags".to_owned(), "user".to_owned()]).unwrap();
        let _ = writeln!(page.part(Part::Tags).unwrap(), "a: b");
        assert!(page.part(Part::Facts).is_none());
        let out = page.finish("tool", None).0.into_string();
        assert_eq!(out, "a: b\n\nNothing to show of: `user`.");
    }
}
