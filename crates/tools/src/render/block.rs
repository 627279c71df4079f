//! A fenced block in pieces, of which some may be left out to fit a budget. It shortens
//! nothing itself.

use std::fmt::Write as _;

use super::markdown;
use crate::answer::{Detail, Mark, Section};

/// Lines of one block, in their order.
#[derive(Debug, Default)]
pub(crate) struct Block(Vec<(Option<Detail>, usize, String)>);

impl Block {
    /// Adds a line, or several, without the last line break.
    pub(crate) fn add(&mut self, detail: Option<Detail>, mut lines: String) {
        lines.push('\n');
        self.0.push((detail, 1, lines));
    }

    /// Adds a line that stands for several things, which may go with its neighbors.
    pub(crate) fn several(&mut self, detail: Detail, stands_for: usize, mut line: String) {
        line.push('\n');
        self.0.push((Some(detail), stands_for, line));
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

    /// The pieces, each without its last line break.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.0.iter().map(|(_, _, lines)| lines.trim_end_matches('\n').to_owned()).collect()
    }

    /// How many pieces there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, _, lines)| lines.trim().is_empty())
    }

    /// Writes the block; no piece of it can close the fence. Each piece has its mark.
    pub(crate) fn write(self, section: &mut Section) -> Vec<Mark> {
        let run = self.0.iter().map(|(_, _, lines)| markdown::longest_run(lines)).max();
        let fence = "`".repeat(run.unwrap_or_default().max(2) + 1);
        let _ = writeln!(section, "{fence}");
        let pieces = self.0.iter().map(|(detail, stands_for, lines)| match detail {
            Some(detail) => section.several(*detail, *stands_for, lines),
            None => section.piece(None, lines),
        });
        let marks = pieces.collect();
        let _ = writeln!(section, "{fence}");
        marks
    }

    /// Writes the block below a heading, if there is anything in it.
    pub(crate) fn titled(self, section: &mut Section, title: &str) -> Vec<Mark> {
        if self.is_empty() {
            return Vec::new();
        }
        let _ = writeln!(section, "\n### {title}\n");
        self.write(section)
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
