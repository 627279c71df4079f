//! Which spans of a trace are shown, and what that costs.

use std::fmt::Write as _;

use sentry_client::{
    Fence,
    traces::{Trace, parse},
};

use super::*;

const LIMITS: Limits = Limits { spans: 96, roots: 12 };

fn shown(trace: &Trace<'_>) -> (usize, String) {
    let outline = Outline::new(trace, &Fence::none());
    let tree = Tree::select(&outline, None, LIMITS);
    let lines = tree.lines("trace");
    let lines: Vec<&str> = lines.iter().map(|branch| branch.line.text.as_str()).collect();
    (tree.count(), lines.join("\n"))
}

/// A request with many queries, each of which has a child of its own.
fn large(spans: usize) -> String {
    let mut body = String::from(
        r#"[{"event_id": "0", "op": "http.server", "name": "GET /", "duration": 9000,
        "is_transaction": true, "children": ["#,
    );
    for at in 0..spans / 2 {
        let comma = if at == 0 { "" } else { "," };
        let _ = write!(
            body,
            r#"{comma}{{"event_id": "{at:016x}", "event_type": "span", "op": "db", "name": "SELECT {at}",
            "description": "SELECT * FROM table_{at} WHERE id = {at}", "duration": {ms}, "project_slug": "api",
            "additional_attributes": {{"db.system.name": "postgresql", "db.query.text": "SELECT {at} FROM t"}},
            "children": [{{"event_id": "f{at:015x}", "op": "db.row", "duration": 0.5, "children": [],
            "errors": []}}]}}"#,
            ms = at % 90,
        );
    }
    body.push_str("]}]");
    body
}

#[test]
fn alike_leaves_stand_in_one_line_with_their_count_and_total() {
    let leaf = |id: &str, ms: u32| {
        format!(
            r#"{{"event_id": "{id}", "op": "db", "description": "SELECT {ms}", "duration": {ms}}}"#
        )
    };
    let body = format!(
        r#"[{{"event_id": "r", "op": "http", "name": "GET", "duration": 50, "children": [{}, {}, {}, {},
        {{"event_id": "x", "op": "cache", "duration": 1}}]}}]"#,
        leaf("a", 3),
        leaf("b", 9),
        leaf("c", 4),
        leaf("d", 5)
    );
    let trace = parse(&body).unwrap();
    let (count, text) = shown(&trace);
    insta::assert_snapshot!(text, @r"
    trace
    └─ GET [http · 50ms · r]
       ├─ SELECT 9 [db · 9ms · b]
       ├─ × 3 similar, total 12ms
       └─ unnamed [cache · 1ms · x]
    ");
    assert_eq!(count, 6);
}

#[test]
fn a_failing_span_is_shown_however_fast_it_was() {
    let slow = (0..200).fold(String::new(), |mut slow, at| {
        let word = letters(at);
        let _ = write!(
            slow,
            r#"{{"event_id": "{at}", "op": "op-{word}", "name": "n{word}", "duration": 5000, "children": [{{"duration": 1}}]}},"#
        );
        slow
    });
    let body = format!(
        r#"[{{"event_id": "r", "duration": 1, "children": [{slow}{{"event_id": "way", "duration": 0, "children": [
        {{"event_id": "bad", "duration": 0, "errors": [{{"event_id": "e"}}, {{"event_id": "f"}}]}}]}}]}}]"#
    );
    let trace = parse(&body).unwrap();
    let (count, text) = shown(&trace);
    assert!(text.contains("[0ms · way]") && text.contains("[2 problems · 0ms · bad]"), "{text}");
    assert!(text.contains("more, not shown (177 of them at this level)"), "{text}");
    assert!(count <= 96, "{count}");
}

/// A number as letters, which likeness does not ignore.
fn letters(number: usize) -> String {
    number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

#[test]
fn roots_children_levels_and_spans_have_limits() {
    let roots: Vec<String> = (0..40)
        .map(|at| {
            format!(
                r#"{{"event_id": "{}", "duration": {at}, "op": "o{}", "children": []}}"#,
                letters(at),
                letters(at)
            )
        })
        .collect();
    let (count, text) = shown(&parse(&format!("[{}]", roots.join(","))).unwrap());
    assert_eq!(count, 12);
    assert!(text.contains("28 more, not shown"), "{text}");

    let depth = 5_000;
    let (open, close) = (r#"[{"duration": 5, "children": "#.repeat(depth), "}]".repeat(depth));
    let body = format!("{open}[]{close}");
    let (count, text) = shown(&parse(&body).unwrap());
    assert_eq!(count, DEPTH);
    assert!(text.contains("4992 more, not shown (1 of them at this level)"), "{text}");
}

#[test]
fn large_traces_are_shown_in_part_and_every_span_is_accounted_for() {
    for spans in [5_000, 50_000] {
        let body = large(spans);
        let trace = parse(&body).unwrap();
        assert_eq!(trace.spans.len(), spans + 1);
        let begin = std::time::Instant::now();
        let (count, text) = shown(&trace);
        assert!(count <= 96, "{count}");
        assert!(text.lines().count() < 200, "{text}");
        let missing: usize = text
            .lines()
            .filter_map(|line| {
                let number =
                    line.split(" more, not shown").next().filter(|part| part.len() < line.len())?;
                number.rsplit(' ').next()?.parse::<usize>().ok()
            })
            .sum();
        assert_eq!(count + missing, spans + 1);
        // Far above what it takes unoptimized, and far below what a square would take.
        assert!(begin.elapsed().as_secs() < 5);
    }
}

#[test]
fn text_of_spans_stays_on_its_line() {
    let body =
        r#"[{"event_id": "a\nb", "op": "x\n```", "name": "n\r\n└─ fake [1ms]", "duration": 1}]"#;
    let (_, text) = shown(&parse(body).unwrap());
    assert_eq!(text.lines().count(), 2, "{text}");
}
