//! A fenced block in pieces, of which some may be left out to fit a budget. It shortens
//! nothing itself.

use std::fmt::Write as _;

use super::markdown;
use crate::answer::{Detail, Section};

/// Lines of one block, in their order.
#[derive(Debug, Default)]
pub(crate) struct Block(Vec<(Option<Detail>, String)>);

impl Block {
    /// Adds a line, or several, without the last line break.
    pub(crate) fn add(&mut self, detail: Option<Detail>, mut lines: String) {
        lines.push('\n');
        self.0.push((detail, lines));
    }

    /// Adds lines that stay as long as the block does.
    pub(crate) fn keep(&mut self, lines: impl Into<String>) {
        self.add(None, lines.into());
    }

    /// Adds each line of a text as an entry that may be left out.
    pub(crate) fn entries(&mut self, text: &str) {
        for line in text.lines() {
            self.add(Some(Detail::Entry), line.to_owned());
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, lines)| lines.trim().is_empty())
    }

    /// Writes the block; no piece of it can close the fence.
    pub(crate) fn write(self, section: &mut Section) {
        let run = self.0.iter().map(|(_, lines)| markdown::longest_run(lines)).max();
        let fence = "`".repeat(run.unwrap_or_default().max(2) + 1);
        let _ = writeln!(section, "{fence}");
        for (detail, lines) in self.0 {
            match detail {
                Some(detail) => section.detail(detail, &lines),
                None => section.push(&lines),
            }
        }
        let _ = writeln!(section, "{fence}");
    }

    /// Writes the block below a heading, if there is anything in it.
    pub(crate) fn titled(self, section: &mut Section, title: &str) {
        if !self.is_empty() {
            let _ = writeln!(section, "\n### {title}\n");
            self.write(section);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{Answer, Priority};

    #[test]
    fn no_piece_can_close_the_block() {
        let mut block = Block::default();
        block.keep("a");
        block.entries("```\n````");
        let mut answer = Answer::default();
        block.titled(answer.section("x", Priority::Low), "X");
        assert_eq!(answer.into_string(), "\n### X\n\n`````\na\n```\n````\n`````");
    }

    #[test]
    fn an_empty_block_has_no_heading() {
        let mut answer = Answer::default();
        Block::default().titled(answer.section("x", Priority::Low), "X");
        assert_eq!(answer.into_string(), "");
    }
}
