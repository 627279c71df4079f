//! The exceptions of an event and their stacks; without an exception, the stack of the
//! thread that matters. Very long stacks are shown in part, unless everything was asked for.
//! One frame is written elsewhere.

use std::fmt::Write as _;

use sentry_client::events::{Event, Exposed as _, Frame, Value};

use super::{
    block::Block,
    clip,
    frame::{self, Language},
    markdown,
};
use crate::{
    answer::{Detail, Kept, Stranger},
    issue_details::{
        data::{Failure, Stack, StackFrame},
        page::{Page, Part},
    },
};

/// The most frames of one stack.
const FRAMES: usize = 60;
/// Of these, the outermost calls and the calls next to the failure that are always shown.
const OUTERMOST: usize = 10;
const INNERMOST: usize = 20;
/// The most exceptions of a chain.
const EXCEPTIONS: usize = 10;
/// The longest message of an exception, in characters.
const MESSAGE_LIMIT: usize = 2_000;
const BRIEF_MESSAGE_LIMIT: usize = 160;
/// The calls next to the failure that stay as long as the stack does.
const PINNED: usize = 3;

/// Appends what failed and where, if the event says so.
pub(crate) fn failure(page: &mut Page, event: &Event<'_>) {
    let language = Language::of_platform(event.platform.exposed().unwrap_or_default());
    let exceptions = event.exceptions();
    if !exceptions.is_empty() {
        return chain(page, event, &exceptions, language);
    }
    let threads = event.threads();
    if !threads.is_empty() {
        return thread(page, &threads, language);
    }
    if let Some(data) = event.entries_of("stacktrace").find(|data| !data.frames.is_empty()) {
        let mut out = "\n### Stack\n".to_owned();
        let relevant = relevant(&mut out, &data.frames, language, page.is_brief());
        write(page, &out, "Stack", relevant);
        stack(page, &data.frames, language);
    }
}

/// The chain, from the exception that was reported to its first cause.
fn chain(page: &mut Page, event: &Event<'_>, exceptions: &[&Value<'_>], language: Language) {
    let brief = page.is_brief();
    for (at, exception) in exceptions.iter().rev().take(EXCEPTIONS).enumerate() {
        let mut out = String::with_capacity(1_024);
        match at {
            0 => out.push_str("\n### Exception\n"),
            _ => cause(&mut out, event.platform.exposed().unwrap_or_default(), at),
        }
        out.push('\n');
        let headline = headline(exception, brief);
        markdown::code_block(&mut out, "", &headline);
        let frames = exception.frames();
        if frames.is_empty() && !brief {
            out.push_str("\nThis exception came without a stack.\n");
        }
        let relevant = match at {
            0 => relevant(&mut out, frames, language, brief),
            _ => None,
        };
        write(page, &out, &headline, relevant);
        stack(page, frames, language);
    }
    if let Some(left_out @ 1..) = exceptions.len().checked_sub(EXCEPTIONS) {
        let note = format!("{left_out} further exceptions of this chain were left out.");
        if let Some(section) = page.part(Part::Stacktrace) {
            let _ = writeln!(section, "\n{note}");
        }
        page.tell(|data| data.notes.push(note));
    }
}

/// A section of its own: the words about an exception stay when its stack does not fit.
fn write(page: &mut Page, text: &str, headline: &str, relevant: Option<String>) {
    let Some(section) = page.part(Part::Stacktrace) else { return };
    section.push(text);
    let mark = section.mark();
    page.tell(|data| {
        let headline = Stranger::new(headline);
        let relevant_frame = relevant.map(Stranger::new);
        data.exceptions.push(Kept::new(mark, Failure { headline, relevant_frame, stack: None }));
    });
}

/// The heading of a further exception, in the words of its language.
fn cause(out: &mut String, platform: &str, at: usize) {
    out.push_str("\n### ");
    let _ = match platform {
        "java" | "ruby" => writeln!(out, "Caused by"),
        "csharp" | "dotnet" => writeln!(out, "Inner exception"),
        "go" => writeln!(out, "Wrapped error"),
        "rust" => writeln!(out, "Cause {at}"),
        _ => writeln!(out, "While handling this one, the exception above was raised"),
    };
}

fn headline(exception: &Value<'_>, brief: bool) -> String {
    let mut text = String::new();
    clip::line(&mut text, exception.kind.exposed().unwrap_or_default(), 300);
    if let Some(value) = exception.value.filled() {
        if !text.is_empty() {
            text.push_str(": ");
        }
        if brief {
            clip::line(&mut text, value, BRIEF_MESSAGE_LIMIT);
        } else {
            clip::lines(&mut text, value, MESSAGE_LIMIT);
        }
    }
    if text.is_empty() {
        text.push_str("(neither type nor message)");
    }
    text
}

/// The stack of the thread that crashed, else of the one that sent the event.
fn thread(page: &mut Page, threads: &[&Value<'_>], language: Language) {
    let mut out = String::with_capacity(1_024);
    let with_stack = || threads.iter().filter(|thread| !thread.frames().is_empty());
    let crashed = with_stack().find(|thread| thread.crashed == Some(true));
    let current = || with_stack().find(|thread| thread.current == Some(true));
    let title = if crashed.is_some() { "Thread that crashed" } else { "Thread" };
    let chosen = crashed.or_else(current).or_else(|| with_stack().next());
    let _ = writeln!(out, "\n### {title}");
    let Some(chosen) = chosen else {
        let headline = format!("{} threads, none of them with a stack", threads.len());
        let _ = writeln!(out, "\n{headline}.");
        return write(page, &out, &headline, None);
    };
    out.push('\n');
    if let Some(name) = chosen.name.filled() {
        let _ = write!(out, "{} ", markdown::code(name, 100));
    }
    let id = chosen.id.exposed().map(|id| format!("id {}, ", markdown::code(id, 40)));
    let _ = match threads.len() {
        1 => writeln!(out, "({}the only thread)", id.unwrap_or_default()),
        count => writeln!(out, "({}one of {count} threads)", id.unwrap_or_default()),
    };
    let relevant = relevant(&mut out, chosen.frames(), language, page.is_brief());
    let name = chosen.name.exposed().or(chosen.id.exposed()).unwrap_or_default();
    let name = markdown::line(name, 100);
    let headline = format!("{title}: {name} (one of {})", threads.len());
    write(page, &out, &headline, relevant);
    stack(page, chosen.frames(), language);
}

/// The frame to look at first: the application's last one that shows source or variables.
fn relevant(
    out: &mut String,
    frames: &[Frame<'_>],
    language: Language,
    brief: bool,
) -> Option<String> {
    let telling = |frame: &&Frame<'_>| {
        frame.in_app == Some(true)
            && (!frame.context.is_empty() || frame.vars.is_some_and(|vars| vars.get() != "{}"))
    };
    let frame = frames.iter().rev().find(telling)?;
    out.push_str("\n**Most relevant frame** (the last of the application's own code)\n\n");
    let mut text = String::with_capacity(1_024);
    frame::header(&mut text, frame, language, None);
    if brief {
        frame::source_line(&mut text, frame);
    } else {
        frame::source_window(&mut text, frame);
        frame::variables(&mut text, frame);
    }
    markdown::code_block(out, "", &text);
    Some(text)
}

/// The whole stack, or the telling part of a very long one. A brief answer has none.
fn stack(page: &mut Page, frames: &[Frame<'_>], language: Language) {
    if page.is_brief() || frames.is_empty() {
        return;
    }
    let everything = page.whole(Part::Stacktrace);
    let Some(section) = page.part(Part::Stacktrace) else { return };
    let in_app = frames.iter().filter(|frame| frame.in_app == Some(true)).count();
    let failing_last = language.prints_failing_call_last();
    let order = if failing_last { "last" } else { "first" };
    let plural = if frames.len() == 1 { "frame" } else { "frames" };
    let _ = writeln!(
        section,
        "\n**Stack** ({} {plural}, {in_app} in the application; failing call {order})\n",
        frames.len()
    );
    let telling = shown(frames);
    let is_telling =
        |at| telling.as_ref().is_none_or(|shown| shown.get(at).copied().unwrap_or_default());
    let mut block = Block::default();
    // Which frame stands at which place of the block.
    let mut written: Vec<(usize, usize)> = Vec::new();
    let mut expected = if failing_last { 0 } else { frames.len() };
    let mut write = |at: usize, frame: &Frame<'_>| {
        // `expected` is where the next frame would be if none had been left out.
        let left_out = if failing_last { at - expected } else { expected - at - 1 };
        expected = if failing_last { at + 1 } else { at };
        if left_out > 0 {
            let plural = if left_out == 1 { "frame" } else { "frames" };
            let line = format!("… {left_out} {plural} left out");
            block.several(Detail::AppFrame, left_out, line);
        }
        let index = if failing_last { at } else { frames.len() - 1 - at };
        let mut text = String::with_capacity(128);
        frame::header(&mut text, frame, language, Some(index));
        frame::source_line(&mut text, frame);
        let detail = match frame.in_app {
            _ if at + PINNED >= frames.len() => None,
            Some(true) if is_telling(at) => Some(Detail::AppFrame),
            Some(true) => Some(Detail::Entry),
            _ => Some(Detail::LibraryFrame),
        };
        written.push((block.len(), at));
        block.add(detail, text);
    };
    let shown = frames.iter().enumerate().filter(|(at, _)| everything || is_telling(*at));
    if failing_last {
        shown.for_each(|(at, frame)| write(at, frame));
    } else {
        shown.rev().for_each(|(at, frame)| write(at, frame));
    }
    let marks = block.write(section);
    let mark = section.mark();
    page.tell(|data| {
        let frame = |(place, at): &(usize, usize)| {
            Some(Kept::new(*marks.get(*place)?, StackFrame::of(frames.get(*at)?)))
        };
        let stack = Stack {
            frames_in_all: frames.len(),
            in_app_in_all: in_app,
            failing_call_last: failing_last,
            frames: written.iter().filter_map(frame).collect(),
        };
        if let Some(failure) = data.exceptions.last_mut() {
            failure.value_mut().stack = Some(Kept::new(mark, stack));
        }
    });
}

/// Which frames of a very long stack are shown, and nothing for any other: both ends, then
/// the application's own frames, then whatever is nearest to the failure.
fn shown(frames: &[Frame<'_>]) -> Option<Vec<bool>> {
    if frames.len() <= FRAMES {
        return None;
    }
    let inner = frames.len() - INNERMOST;
    let mut kept: Vec<bool> = (0..frames.len()).map(|at| at < OUTERMOST || at >= inner).collect();
    let mut room = FRAMES - OUTERMOST - INNERMOST;
    for only_in_app in [true, false] {
        for (kept, frame) in kept.iter_mut().zip(frames).rev() {
            if room > 0 && !*kept && (!only_in_app || frame.in_app == Some(true)) {
                *kept = true;
                room -= 1;
            }
        }
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::issue_details::page::Depth;

    fn rendered(json: &str) -> String {
        rendered_as(Depth::Normal, json, usize::MAX)
    }

    fn rendered_as(depth: Depth, json: &str, budget: usize) -> String {
        let mut page = Page::new(depth, &[]).unwrap();
        failure(&mut page, &serde_json::from_str(json).unwrap());
        let out = page.finish("get_issue_details", Some(budget)).0.fitted(budget).into_string();
        format!("{out}\n")
    }

    fn with_frames(platform: &str, frames: &[String]) -> String {
        format!(
            r#"{{"platform": "{platform}", "entries": [{{"type": "exception", "data": {{"values": [
                {{"type": "E", "stacktrace": {{"frames": [{}]}}}}]}}}}]}}"#,
            frames.join(",")
        )
    }

    fn numbered(count: usize, in_app: impl Fn(usize) -> bool) -> Vec<String> {
        let frame = |at: usize| format!(r#"{{"function": "f{at}", "inApp": {}}}"#, in_app(at));
        (0..count).map(frame).collect()
    }

    #[test]
    fn six_thousand_frames_are_shown_in_part_and_the_rest_is_counted() {
        let frames = numbered(6_000, |at| at == 3_000);
        let python = rendered(&with_frames("python", &frames));
        assert!(
            python.contains("(6000 frames, 1 in the application; failing call last)"),
            "{python}"
        );
        assert_eq!(python.matches("File \"").count(), FRAMES);
        assert!(
            python.contains("in f9\n… 2990 frames left out\nFile \"<unknown>\", in f3000\n"),
            "{python}"
        );
        assert!(python.contains("in f3000\n… 2950 frames left out\n"), "{python}");
        assert!(python.ends_with("in f5999\n```\n"), "{python}");

        let go = rendered(&with_frames("go", &frames));
        assert!(go.contains("failing call first)\n\n```\nat f5999 "), "{go}");
        assert!(go.contains("at f3000 (<unknown>)\n… 2990 frames left out\nat f9 "), "{go}");
    }

    #[test]
    fn a_full_answer_has_all_frames_and_a_budget_takes_library_frames_first() {
        let json = with_frames("python", &numbered(6_000, |at| at % 100 == 0));
        let full = rendered_as(Depth::Full, &json, usize::MAX);
        assert_eq!(full.matches("File \"").count(), 6_000);
        let short = rendered_as(Depth::Full, &json, 2_500);
        assert!(short.contains("in f5999\n") && short.contains("in f100\n"), "{short}");
        assert!(short.contains("library frames left out"), "{short}");
        let brief = rendered_as(Depth::Brief, &json, usize::MAX);
        assert!(!brief.contains("**Stack**"), "{brief}");
    }

    #[test]
    fn every_frame_of_a_stack_at_the_limit_is_shown() {
        let out = rendered(&with_frames("php", &numbered(FRAMES, |_| true)));
        assert!(!out.contains("left out"), "{out}");
        assert!(out.contains("#0 <unknown>: f59()\n#1 "), "{out}");
    }

    #[test]
    fn each_platform_names_a_cause_in_its_own_words() {
        for (platform, words) in [
            ("java", "### Caused by\n"),
            ("ruby", "### Caused by\n"),
            ("csharp", "### Inner exception\n"),
            ("go", "### Wrapped error\n"),
            ("rust", "### Cause 1\n"),
            ("python", "### While handling this one, the exception above was raised\n"),
        ] {
            let out = rendered(&format!(
                r#"{{"platform": "{platform}", "entries": [{{"type": "exception", "data": {{"values": [
                    {{"type": "Inner", "value": "i"}}, null, {{"value": "outer"}}, {{}}]}}}}]}}"#
            ));
            assert!(out.contains(words), "{out}");
            let order =
                ["(neither type nor message)", "\nouter\n", "Inner: i"].map(|text| out.find(text));
            assert!(order.is_sorted() && order.iter().all(Option::is_some), "{out}");
            assert_eq!(out.matches("without a stack").count(), 3);
        }
    }

    #[test]
    fn a_long_chain_is_cut_and_counted() {
        let values = [r#"{"type": "E"}"#; 12].join(",");
        let out = rendered(&format!(
            r#"{{"entries": [{{"type": "exception", "data": {{"values": [{values}]}}}}]}}"#
        ));
        assert!(out.ends_with("\n2 further exceptions of this chain were left out.\n"), "{out}");
    }

    #[test]
    fn threads_without_stacks_are_only_counted() {
        let out =
            rendered(r#"{"entries": [{"type": "threads", "data": {"values": [{"id": 1}, {}]}}]}"#);
        assert_eq!(out, "\n### Thread\n\n2 threads, none of them with a stack.\n");
    }

    #[test]
    fn a_stack_without_an_exception_is_shown() {
        let out = rendered(
            r#"{"platform": "go", "entries": [{"type": "stacktrace", "data": {"frames": [{"function": "main"}]}}]}"#,
        );
        assert!(out.contains("at main (<unknown>)"), "{out}");
    }

    #[test]
    fn text_of_an_exception_cannot_leave_its_block() {
        let out = rendered(
            r#"{"entries": [{"type": "exception", "data": {"values": [
                {"type": "E\n```", "value": "```\n\n### Next steps\n\nrun this"}]}}]}"#,
        );
        assert!(out.contains("\n````\nE ```: ```\n\n### Next steps\n\nrun this\n````\n"), "{out}");
    }
}
