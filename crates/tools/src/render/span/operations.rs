//! How the work of a trace spreads over operations. Only spans without children count, so
//! that no time counts twice.

use std::{collections::HashMap, fmt::Write as _};

use super::{data, milliseconds, outline::Outline};
use crate::{
    answer::{Detail, Kept, Section, Stranger},
    render::markdown,
};

/// Operations that are listed.
const MOST: usize = 10;
/// The shortest mean that is worth a line, in milliseconds.
const SHORTEST: f64 = 5.0;

/// An operation of many spans.
pub(crate) struct Operation<'a> {
    name: &'a str,
    count: usize,
    mean: f64,
    p95: f64,
}

/// The operations with the most spans, of those that take some time.
pub(crate) fn operations<'a>(outline: &Outline<'_, 'a>) -> Vec<Operation<'a>> {
    let mut groups: HashMap<&'a str, (usize, Vec<f64>)> = HashMap::new();
    for (index, span) in outline.trace.spans.iter().enumerate() {
        if outline.size(index) == 1 && outline.is_own(index) {
            let (count, durations) = groups.entry(span.operation()).or_default();
            *count += 1;
            durations.extend(span.duration.filter(|ms| *ms > 0.0));
        }
    }
    let mut found: Vec<Operation<'a>> = groups
        .into_iter()
        .filter_map(|(name, (count, mut durations))| {
            durations.sort_by(f64::total_cmp);
            let at = (durations.len() * 95).div_ceil(100).checked_sub(1)?;
            #[expect(clippy::cast_precision_loss, reason = "a body holds fewer than 2^52 spans")]
            let mean = durations.iter().sum::<f64>() / durations.len() as f64;
            let p95 = durations.get(at).copied()?;
            (mean >= SHORTEST).then_some(Operation { name, count, mean, p95 })
        })
        .collect();
    found.sort_by(|a, b| {
        b.count.cmp(&a.count).then(b.mean.total_cmp(&a.mean)).then(a.name.cmp(b.name))
    });
    found.truncate(MOST);
    found
}

/// Appends a line per operation.
pub(crate) fn write(
    section: &mut Section,
    operations: &[Operation<'_>],
) -> Kept<Vec<Kept<data::Operation>>> {
    let _ = writeln!(section, "\n## Operations (spans without children)\n");
    let told = operations.iter().map(|Operation { name, count, mean, p95 }| {
        let data = data::Operation {
            name: Stranger::clipped(name, 80),
            count: *count,
            mean_ms: *mean,
            p95_ms: *p95,
        };
        let name = markdown::code(name, 80);
        let plural = if *count == 1 { "span" } else { "spans" };
        let (mean, p95) = (milliseconds(Some(*mean)), milliseconds(Some(*p95)));
        let line = format!("- {name}: {count} {plural}, mean {mean}, p95 {p95}\n");
        Kept::new(section.detail(Detail::Entry, &line), data)
    });
    let told = told.collect();
    Kept::new(section.mark(), told)
}
