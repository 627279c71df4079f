//! Reading a trace into one flat list, parents before their children. Time and memory grow
//! with the body and not with its depth, since nothing recurses.

use super::{
    Trace,
    scan::Scanner,
    span::{Problem, Span},
};

/// What is being read, from the outermost inward.
enum Open {
    /// A list of spans below this one.
    List(Option<usize>),
    Node(Node),
}

/// A span that is not complete yet.
struct Node {
    index: usize,
    /// Where its text begins.
    start: usize,
    /// Whether it has a list of children, empty or not, as only spans do.
    listed: bool,
    /// Whether it names an issue, as only problems do.
    issue: bool,
}

/// Reads the body of a trace; `None` if it is not a JSON list.
pub(super) fn read(body: &str) -> Option<Trace<'_>> {
    let mut reader = Reader { scanner: Scanner::new(body), body, trace: Trace::default() };
    let mut open = Vec::with_capacity(64);
    reader.scanner.take(b'[').then(|| open.push(Open::List(None)))?;
    while let Some(top) = open.last_mut() {
        let next = match top {
            Open::List(parent) => {
                let parent = *parent;
                reader.element(parent)?
            }
            Open::Node(node) => reader.field(node)?,
        };
        match next {
            Next::Same => {}
            Next::Into(inner) => open.push(inner),
            Next::Out => {
                if let Some(Open::Node(node)) = open.pop() {
                    reader.close(&node);
                }
            }
        }
    }
    let Reader { mut scanner, trace, .. } = reader;
    scanner.peek().is_none().then_some(trace)
}

enum Next {
    Same,
    Into(Open),
    Out,
}

struct Reader<'a> {
    scanner: Scanner<'a>,
    body: &'a str,
    trace: Trace<'a>,
}

impl Reader<'_> {
    /// One element of a list of spans, or its end. The objects are entered.
    fn element(&mut self, parent: Option<usize>) -> Option<Next> {
        // A comma too many is forgiven, as nothing hangs on it.
        while self.scanner.take(b',') {}
        if self.scanner.take(b']') {
            return Some(Next::Out);
        }
        self.scanner.peek()?;
        let start = self.scanner.at();
        if !self.scanner.take(b'{') {
            self.scanner.value()?;
            self.trace.skipped += 1;
            return Some(Next::Same);
        }
        let spans = &mut self.trace.spans;
        let depth = parent.and_then(|parent| spans.get(parent)).map_or(0, |span| span.depth + 1);
        let index = spans.len();
        spans.push(Span::below(parent, depth));
        Some(Next::Into(Open::Node(Node { index, start, listed: false, issue: false })))
    }

    /// One field of a span, or its end. The list of children is entered.
    fn field(&mut self, node: &mut Node) -> Option<Next> {
        while self.scanner.take(b',') {}
        if self.scanner.take(b'}') {
            return Some(Next::Out);
        }
        let name = self.scanner.name()?;
        match (name, self.scanner.peek()?) {
            ("children", b'[') => {
                node.listed = true;
                self.scanner.take(b'[');
                return Some(Next::Into(Open::List(Some(node.index))));
            }
            ("errors" | "occurrences", b'[') => self.problems(node.index)?,
            _ => {
                let value = self.scanner.value()?;
                node.issue |= name == "issue_id" && value != "null";
                if let Some(span) = self.trace.spans.get_mut(node.index) {
                    span.set(name, value);
                }
            }
        }
        Some(Next::Same)
    }

    /// A list of problems: they have no children, so each is taken as a whole.
    fn problems(&mut self, span: usize) -> Option<()> {
        self.scanner.take(b'[');
        loop {
            while self.scanner.take(b',') {}
            if self.scanner.take(b']') {
                return Some(());
            }
            match Problem::read(self.scanner.value()?, Some(span)) {
                Some(problem) => self.trace.problems.push(problem),
                None => self.trace.skipped += 1,
            }
        }
    }

    /// Decides what a complete object is.
    fn close(&mut self, node: &Node) {
        let childless = self.trace.spans.len() == node.index + 1;
        let Some(span) = self.trace.spans.get_mut(node.index) else { return };
        if span.duration.is_none()
            && let (Some(start), Some(end)) = (span.start, span.end)
            && end >= start
        {
            span.duration = Some((end - start) * 1_000.0);
        }
        let kind = span.event_type();
        let kind = kind.as_ref().map(crate::Untrusted::expose);
        let is_problem = matches!(kind, Some("error" | "occurrence"))
            || (node.issue && !node.listed && kind != Some("span"));
        let is_span = kind.is_some() || node.listed || span.duration.is_some();
        // Whatever has children holds the tree together.
        if !childless || (is_span && !is_problem) {
            return;
        }
        let parent = span.parent;
        self.trace.spans.pop();
        let own = |problem: &&mut Problem<'_>| problem.span == Some(node.index);
        self.trace.problems.iter_mut().rev().take_while(own).for_each(|one| one.span = parent);
        let text = self.body.get(node.start..self.scanner.at()).unwrap_or_default();
        match Problem::read(text, parent) {
            Some(problem) if is_problem => self.trace.problems.push(problem),
            _ => self.trace.skipped += 1,
        }
    }
}
