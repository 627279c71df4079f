//! How long it takes to parse and check a query: short, typical, long, and hostile ones.
//!
//! `cargo bench -p sentry-mcp-search-query`. The limits of the project: 20 µs for a typical
//! query, 50 ms for one megabyte of anything.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sentry_mcp_search_query::{Dataset, parse};

const TYPICAL: &str = "is:unresolved assigned:[me, my_teams] level:[error, fatal] \
                       environment:production !error.type:TimeoutError firstSeen:-7d timesSeen:>100 \
                       \"connection refused\"";

fn small(c: &mut Criterion) {
    for (name, text, dataset) in [
        ("short", "is:unresolved", Dataset::Issues),
        ("typical", TYPICAL, Dataset::Issues),
        (
            "typical, spans",
            "span.op:db (transaction:/api/* OR environment:prod) p95(span.duration):>500ms",
            Dataset::Spans,
        ),
        ("with an error", "is:open levle:error message:\"time out", Dataset::Issues),
        ("sql", "SELECT * FROM issues WHERE level = 'error' AND env = 'prod'", Dataset::Issues),
    ] {
        c.bench_function(name, |b| b.iter(|| parse(black_box(text), dataset)));
    }
}

fn large(c: &mut Criterion) {
    let mut group = c.benchmark_group("one megabyte");
    group.sample_size(10);
    for piece in ["level:error ", "word ", "(((", "a:[b, ", "\"", "a (b:c) ", "a or ", "a: "] {
        let text = piece.repeat(1_000_000 / piece.len());
        group.throughput(Throughput::Bytes(1_000_000));
        group.bench_function(piece.trim(), |b| {
            b.iter(|| parse(black_box(&text), Dataset::Spans));
        });
    }
    group.finish();
}

criterion_group!(benches, small, large);
criterion_main!(benches);
