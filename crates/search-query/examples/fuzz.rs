//! Runs the fuzz target for so many seconds:
//! `cargo run --release -p sentry-mcp-search-query --example fuzz -- 600`.
//!
//! It is not coverage-guided: it changes a corpus at random. A broken promise is a panic
//! that shows the query.
#![expect(clippy::print_stdout, reason = "an example for a terminal")]
#![expect(clippy::unwrap_used, reason = "a fuzzer ends by panicking")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant, SystemTime};

use sentry_mcp_search_query::fuzz;
use support::{Random, mutate, seeds};

fn main() {
    let seconds = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(10);
    let start = Instant::now();
    let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seed = clock.as_secs();
    let mut random = Random::new(seed);
    let mut corpus = seeds();
    let mut runs = 0_u64;
    while start.elapsed() < Duration::from_secs(seconds) {
        let first = &corpus[random.below(corpus.len())];
        let second = &corpus[random.below(corpus.len())];
        let data = mutate(first, second, &mut random);
        fuzz(&data);
        runs += 1;
        // Some mutations become seeds themselves, so that they pile up.
        if random.below(50) == 0 {
            let place = random.below(corpus.len() + 1);
            if place < corpus.len() && corpus.len() > 5_000 {
                corpus[place] = data;
            } else {
                corpus.push(data);
            }
        }
    }
    println!("{runs} queries in {seconds} s, seed {seed}: no promise is broken");
}
