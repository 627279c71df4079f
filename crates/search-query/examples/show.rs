//! Shows what is found about queries: `cargo run -p sentry-mcp-search-query --example show -- issues 'is:open'`.
//!
//! It asks no Sentry.
#![expect(clippy::print_stdout, reason = "an example for a terminal")]

use sentry_mcp_search_query::{Dataset, parse, render};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let Some(dataset) = Dataset::ALL.into_iter().find(|dataset| dataset.name() == name) else {
        println!("usage: show DATASET QUERY…");
        return;
    };
    for text in arguments {
        let outcome = parse(&text, dataset);
        let verdict = if outcome.is_valid() { "valid" } else { "invalid" };
        println!("{verdict}: {}", outcome.query());
        println!("{}", render(&text, outcome.diagnostics()));
    }
}
