//! Fitting an answer to a budget: details first, in their order, then whole sections
//! from the lowest priority up. Nothing is cut inside a line.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::Value;

use super::{Answer, Detail, Mark, Piece, Priority, Section, data::Costs, estimate};

/// What the notice at the end may cost, in tokens.
const NOTICE: usize = 120;
/// The most sections that it names.
const NAMED: usize = 5;
/// What the line that stands for a gap costs, in tokens.
const GAP: usize = 8;

const DETAILS: [Detail; 5] =
    [Detail::LibraryFrame, Detail::Middle, Detail::RepeatedSpan, Detail::Entry, Detail::AppFrame];

/// One section while it is being fitted.
struct Part<'a> {
    section: &'a Section,
    /// What the data cost, where there are any.
    costs: Option<&'a Costs>,
    /// Which pieces stay.
    kept: Vec<bool>,
    tokens: usize,
    dropped: bool,
}

/// The text, and the data if there are any, both within the budget.
pub(super) fn fit(answer: &Answer, budget: usize) -> (String, Option<Value>) {
    let costs = answer.data.as_ref().map(super::data::Data::costs);
    let mut parts: Vec<Part<'_>> =
        answer.sections.iter().map(|section| Part::whole(section, costs.as_ref())).collect();
    // A token has at least one byte, so counting can often be skipped.
    let bytes: usize = parts.iter().map(Part::bytes).sum();
    let whole = match &costs {
        None if bytes <= budget => 0,
        None => parts.iter_mut().map(Part::count).sum(),
        // Data without a mark go with what is never dropped either.
        Some(costs) => {
            let text = parts.iter_mut().map(Part::count).sum::<usize>();
            text + costs.base.saturating_sub(essential(&parts))
        }
    };
    if whole > budget {
        let room = budget.saturating_sub(NOTICE.min(budget / 4));
        shorten(&mut parts, whole, room);
    }
    let mut text = String::with_capacity(parts.iter().map(Part::bytes).sum());
    for part in &parts {
        part.write(&mut text);
    }
    text.truncate(text.trim_end().len());
    let notice = notice(answer, &parts);
    let data = answer.data.clone().map(|data| {
        let mut data = data.without(|mark| is_gone(&parts, mark));
        if let (Some(notice), Value::Object(fields)) = (&notice, &mut data) {
            fields.insert(NOTICE_FIELD.to_owned(), Value::String(notice.clone()));
        }
        data
    });
    if let Some(notice) = notice {
        let _ = write!(text, "\n\n---\n{notice}");
    }
    (text, data)
}

/// The field of the data that says what was left out.
pub(crate) const NOTICE_FIELD: &str = "notice";

/// What the text costs that is never dropped.
fn essential(parts: &[Part<'_>]) -> usize {
    let is_essential = |part: &&Part<'_>| part.section.priority == Priority::Essential;
    let fixed = |part: &Part<'_>| -> usize {
        let pieces = part.section.pieces.iter().filter(|piece| piece.detail.is_none());
        pieces.map(|piece| estimate(&piece.text)).sum()
    };
    parts.iter().filter(is_essential).map(fixed).sum()
}

fn is_gone(parts: &[Part<'_>], mark: Mark) -> bool {
    parts.get(mark.section).is_none_or(|part| {
        part.dropped
            || mark.piece.is_some_and(|piece| !part.kept.get(piece).copied().unwrap_or_default())
    })
}

/// Takes out as little as fits, in the defined order.
fn shorten(parts: &mut [Part<'_>], mut total: usize, room: usize) {
    for detail in DETAILS {
        // The lowest priority first; inside a section the middle goes before the ends.
        for priority in [Priority::Low, Priority::Normal, Priority::High, Priority::Essential] {
            for part in parts.iter_mut().filter(|part| part.section.priority == priority) {
                if total <= room {
                    return;
                }
                total -= part.thin(detail, total - room);
            }
        }
    }
    for priority in [Priority::Low, Priority::Normal, Priority::High] {
        for part in parts.iter_mut().rev().filter(|part| part.section.priority == priority) {
            if total <= room {
                return;
            }
            part.dropped = true;
            total -= part.tokens;
        }
    }
}

impl<'a> Part<'a> {
    fn whole(section: &'a Section, costs: Option<&'a Costs>) -> Part<'a> {
        let kept = vec![true; section.pieces.len()];
        Part { section, costs, kept, tokens: 0, dropped: false }
    }

    fn count(&mut self) -> usize {
        let pieces: usize = (0..self.section.pieces.len()).map(|piece| self.cost(piece)).sum();
        self.tokens = pieces + self.costs.map_or(0, |costs| costs.at(self.section.at, None));
        self.tokens
    }

    /// What a piece costs: as text or as data, whichever is more.
    fn cost(&self, piece: usize) -> usize {
        let text = self.section.pieces.get(piece).map_or(0, |piece| estimate(&piece.text));
        text.max(self.costs.map_or(0, |costs| costs.at(self.section.at, Some(piece))))
    }

    fn bytes(&self) -> usize {
        self.section.pieces.iter().map(|piece| piece.text.len()).sum()
    }

    /// Leaves details of one kind out until `excess` tokens are saved; returns what was saved.
    fn thin(&mut self, detail: Detail, excess: usize) -> usize {
        let matching: Vec<usize> = self
            .section
            .pieces
            .iter()
            .enumerate()
            .filter(|(_, piece)| piece.detail == Some(detail))
            .map(|(index, _)| index)
            .collect();
        // A gap says so in a line of its own, and two that meet are one, also with a gap of an
        // earlier kind.
        let (mut cut, mut gaps, mut met) = (0_usize, 0_usize, 0_usize);
        for index in from_the_middle(&matching) {
            if (cut + met * GAP).saturating_sub(gaps * GAP) >= excess {
                break;
            }
            let gone = |at: usize| self.kept.get(at).is_some_and(|kept| !kept);
            match (gone(index.wrapping_sub(1)), gone(index + 1)) {
                (false, false) => gaps += 1,
                (true, true) => met += 1,
                _ => {}
            }
            self.kept[index] = false;
            cut += self.cost(index);
        }
        let saved = (cut + met * GAP).saturating_sub(gaps * GAP).min(self.tokens);
        self.tokens -= saved;
        saved
    }

    fn write(&self, out: &mut String) {
        if self.dropped {
            return;
        }
        let mut gap: Option<(Detail, usize)> = None;
        for (piece, kept) in self.section.pieces.iter().zip(&self.kept) {
            let Piece { text, detail, stands_for } = piece;
            if let (false, Some(detail)) = (kept, detail) {
                gap = Some(match gap {
                    // Frames of either kind in one gap are frames.
                    Some((Detail::AppFrame, count)) => (Detail::AppFrame, count + stands_for),
                    Some((_, count)) => (*detail, count + stands_for),
                    None => (*detail, *stands_for),
                });
            } else {
                write_gap(out, gap.take());
                out.push_str(text);
            }
        }
        write_gap(out, gap);
    }
}

/// Says in place what is missing.
fn write_gap(out: &mut String, gap: Option<(Detail, usize)>) {
    let Some((detail, count)) = gap else { return };
    let (one, many) = match detail {
        Detail::LibraryFrame => ("library frame", "library frames"),
        Detail::Middle => ("part of this text", "parts of this text"),
        Detail::RepeatedSpan => ("similar span", "similar spans"),
        Detail::Entry => ("entry", "entries"),
        Detail::AppFrame => ("frame", "frames"),
    };
    let _ = writeln!(out, "… {count} {} left out", if count == 1 { one } else { many });
}

/// What was left out and the call that gets it; nothing if nothing was.
fn notice(answer: &Answer, parts: &[Part<'_>]) -> Option<String> {
    let dropped: Vec<&Part<'_>> = parts.iter().filter(|part| part.dropped).collect();
    let thinned = parts.iter().any(|part| !part.dropped && part.kept.contains(&false));
    if dropped.is_empty() && !thinned {
        return None;
    }
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for part in &dropped {
        *names.entry(part.section.name).or_default() += part.tokens;
    }
    let mut out = String::from("Shortened to fit the budget of this answer.");
    if !names.is_empty() {
        let listed = names.iter().take(NAMED);
        let mut list: Vec<String> =
            listed.map(|(name, tokens)| format!("{name} (about {tokens} tokens)")).collect();
        if let Some(more @ 1..) = names.len().checked_sub(NAMED) {
            list.push(format!("and {more} more"));
        }
        let _ = write!(out, " Left out: {}.", list.join(", "));
    }
    let largest = names.iter().max_by_key(|(_, tokens)| **tokens);
    match (&answer.again, largest) {
        (Some(again), Some((name, _))) => {
            let _ = write!(
                out,
                " To get a part alone: `{}` with the same arguments and `{}`: `[\"{name}\"]`; \
                 to get more at once, raise `maxTokens`.",
                again.tool, again.parameter
            );
        }
        _ if answer.has_choice => out.push_str(" To get more, raise `maxTokens`."),
        _ => out.push_str(" To get what is missing, ask for less at a time."),
    }
    Some(out)
}

/// Indices from the middle outward: the ends of a stack or a text say the most.
fn from_the_middle(indices: &[usize]) -> impl Iterator<Item = usize> {
    let middle = indices.len() / 2;
    let (left, right) = indices.split_at(middle);
    let mut right = right.iter().copied();
    let mut left = left.iter().rev().copied();
    let mut turn = false;
    std::iter::from_fn(move || {
        turn = !turn;
        if turn {
            right.next().or_else(|| left.next())
        } else {
            left.next().or_else(|| right.next())
        }
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// Four sections of about 250 tokens each, one of them with library frames.
    fn answer() -> Answer {
        let mut answer = Answer::default();
        answer.section("facts", Priority::Essential).push(&"the facts stay\n".repeat(60));
        let stack = answer.section("stack", Priority::High);
        stack.push("first\n");
        for number in 0..60 {
            stack.detail(Detail::LibraryFrame, &format!("library frame {number}\n"));
        }
        stack.push("last\n");
        let _ = writeln!(answer.section("tags", Priority::Normal), "{}", "a tag\n".repeat(100));
        let _ = writeln!(answer.section("extra", Priority::Low), "{}", "an extra\n".repeat(100));
        answer.again("get_thing", "sections");
        answer.limit(None);
        answer
    }

    fn text(answer: &Answer, budget: usize) -> String {
        fit(answer, budget).0
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        let whole = text(&answer(), 100_000);
        assert!(!whole.contains("left out") && !whole.contains("Shortened"), "{whole}");
        assert!(whole.contains("library frame 59\nlast\n"), "{whole}");
    }

    #[test]
    fn details_go_before_sections_and_from_the_middle() {
        let text = text(&answer(), 1_000);
        assert!(text.contains("an extra") && text.contains("a tag"), "{text}");
        assert!(text.contains("first\nlibrary frame 0\n"), "{text}");
        assert!(text.contains("library frame 59\nlast\n"), "{text}");
        assert!(text.contains(" library frames left out\n"), "{text}");
        assert!(text.ends_with("To get more, raise `maxTokens`."), "{text}");
    }

    #[test]
    fn frames_of_the_application_go_last_and_a_gap_says_how_many_frames_it_stands_for() {
        let mut answer = Answer::default();
        let stack = answer.section("stack", Priority::High);
        for number in 0..20 {
            stack.detail(Detail::AppFrame, &format!("the application's own frame {number}\n"));
            stack.detail(
                Detail::LibraryFrame,
                "File \"lib/module.py\", line 7, in a_frame_of_a_library\n",
            );
            stack.several(Detail::AppFrame, 50, "… 50 frames left out\n");
        }
        let whole = estimate(&text(&answer, usize::MAX));
        let small = text(&answer, whole / 3);
        assert!(small.contains("frame 0\n") && small.contains("… 50 frames"), "{small}");
        let gap = |line: &str| line.strip_prefix("… ")?.split(' ').next()?.parse::<usize>().ok();
        let shown = small.lines().filter(|line| line.contains("own frame")).count();
        let shown = shown + small.lines().filter(|line| line.starts_with("File")).count();
        assert_eq!(shown + small.lines().filter_map(gap).sum::<usize>(), 20 * 52, "{small}");
        for budget in (150..whole).step_by(20) {
            let text = text(&answer, budget);
            assert!(estimate(&text) <= budget, "{} for {budget}: {text}", estimate(&text));
        }
    }

    #[test]
    fn the_lowest_priority_goes_first_and_the_call_that_gets_it_is_named() {
        let text = text(&answer(), 700);
        assert!(!text.contains("an extra") && text.contains("a tag"), "{text}");
        assert!(text.contains("Left out: extra (about "), "{text}");
        assert!(
            text.contains("`get_thing` with the same arguments and `sections`: `[\"extra\"]`"),
            "{text}"
        );
    }

    #[test]
    fn every_budget_is_met_until_only_the_essential_is_left() {
        let essential = estimate(&"the facts stay\n".repeat(60)) + NOTICE;
        for budget in (essential..2_000).step_by(50) {
            let text = text(&answer(), budget);
            assert!(estimate(&text) <= budget, "{} for {budget}", estimate(&text));
        }
        let text = text(&answer(), 1);
        assert!(text.contains("the facts stay") && !text.contains("first"), "{text}");
    }
}
