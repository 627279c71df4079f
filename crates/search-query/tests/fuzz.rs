//! The fuzz target, replayed over a corpus with mutations, and timed on hostile input.

mod support;

use std::time::{Duration, Instant};

use sentry_mcp_search_query::{Dataset, fuzz, parse};
use support::{Random, mutate, seeds};

#[test]
fn no_promise_breaks_on_the_corpus() {
    for seed in seeds() {
        fuzz(&seed);
    }
}

#[test]
fn no_promise_breaks_on_mutations_of_the_corpus() {
    let seeds = seeds();
    let mut random = Random::new(7);
    for _ in 0..1_500 {
        let seed = &seeds[random.below(seeds.len())];
        let other = &seeds[random.below(seeds.len())];
        fuzz(&mutate(seed, other, &mut random));
    }
}

/// The time for one query of about so many bytes.
fn time(piece: &str, bytes: usize, dataset: Dataset) -> Duration {
    let text = piece.repeat(bytes / piece.len());
    let once = || {
        let start = Instant::now();
        let outcome = parse(&text, dataset);
        let took = start.elapsed();
        assert!(outcome.diagnostics().len() <= 100, "{piece}");
        took
    };
    // The best of three: other programs only make it longer.
    once().min(once()).min(once())
}

#[test]
fn the_time_grows_linearly_with_hostile_input() {
    let pieces = [
        "a",
        "a ",
        "a:b ",
        "(",
        ")",
        "a(",
        "a(b",
        "a(b)",
        "a (b:c) ",
        "(a ",
        "\"",
        "\" ",
        "\"a\" ",
        "a:\"b",
        "a:[b, ",
        "a:[b ",
        "k:[a, k:[a ",
        "[",
        "a:[",
        "]",
        "a:[b]c, ",
        "f(a,",
        "f(\"a\" ",
        "f(a, ",
        "f():>5 ",
        "!",
        "! ",
        "!a ",
        ":",
        "a:",
        "a: ",
        "\\",
        "\\\"",
        "or ",
        "a or ",
        "a:b OR ",
        "a:b AND ",
        "tags[",
        "tags[a,",
        "tags[a]:b ",
        "\t",
        "a\t",
        "\n",
        "a\nb",
        "é",
        "é:é ",
        "-a:b ",
        "levle:x ",
        "http://a ",
        "a=b ",
        "*",
        "a:*",
        "a:1,",
        "a(\"b",
        "a:b(c ",
        "((a) ",
        "a)(",
    ];
    for dataset in [Dataset::Issues, Dataset::Spans] {
        for piece in pieces {
            let large = time(piece, 64_000, dataset);
            if large < Duration::from_millis(100) {
                continue;
            }
            let small = time(piece, 4_000, dataset);
            // Sixteen times as much may take a hundred times as long; a square is 256.
            assert!(large < small * 100, "{piece:?} in {dataset}: {small:?} and {large:?}");
        }
    }
}
