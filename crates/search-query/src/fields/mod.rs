//! The typed field catalogue: which fields and functions a dataset has, and what they take.
//!
//! It is data, one file per dataset, with the checks that build on it. A name that is not here is
//! no error: every project has tags and attributes of its own, and Sentry grows. It does not
//! parse, and it never asks Sentry; what an organization really has is `find_event_fields`'
//! business.

mod check;
mod common;
mod errors;
mod issues;
mod kind;
mod logs;
mod lore;
mod metrics;
mod names;
mod profiles;
mod replays;
mod spans;
#[cfg(test)]
mod tests;
mod values;

use std::{collections::HashMap, sync::LazyLock};

use crate::Dataset;

pub use check::check;
pub use kind::{Kind, Uses};

/// A field that Sentry itself defines.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The name, as it stands before the colon.
    pub name: &'static str,
    /// What kind of values it has.
    pub kind: Kind,
    /// The unit of a bare number, such as `millisecond`, where it is not clear.
    pub unit: Option<&'static str>,
    /// The values, where they are a short list; empty otherwise.
    pub values: &'static [&'static str],
    /// What it is, in a few words; empty where the name says it.
    pub about: &'static str,
    uses: Uses,
    sorts: bool,
    strict: bool,
    closed: Closed,
}

/// Whether Sentry refuses values that are not in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closed {
    /// It does not.
    No,
    /// It does, and the case counts.
    Exact,
    /// It does, and the case does not count.
    Folded,
}

impl Field {
    /// Where the field may stand in a search of `dataset`.
    pub fn uses(&self, dataset: Dataset) -> Uses {
        match dataset {
            Dataset::Replays if self.sorts => Uses::FILTER | Uses::SORT,
            Dataset::Issues | Dataset::Replays => Uses::FILTER,
            _ => self.uses,
        }
    }

    /// Whether Sentry refuses a query that gives the field any value outside of
    /// the values that are listed.
    pub fn is_closed(&self) -> bool {
        self.closed != Closed::No
    }

    const fn about(mut self, about: &'static str) -> Field {
        self.about = about;
        self
    }

    const fn unit(mut self, unit: &'static str) -> Field {
        self.unit = Some(unit);
        self
    }

    /// The values that are known, of which there may be more.
    const fn values(mut self, values: &'static [&'static str]) -> Field {
        self.values = values;
        self
    }

    /// The only values; Sentry refuses others.
    const fn closed(mut self, values: &'static [&'static str]) -> Field {
        self.values = values;
        self.closed = Closed::Exact;
        self
    }

    /// The only values, in any case.
    const fn folded(mut self, values: &'static [&'static str]) -> Field {
        self.values = values;
        self.closed = Closed::Folded;
        self
    }

    /// A value of another kind is only suspicious: not every Sentry refuses it.
    const fn lenient(mut self) -> Field {
        self.strict = false;
        self
    }

    const fn filter_only(mut self) -> Field {
        self.uses = Uses::FILTER;
        self
    }

    /// Replays can be sorted by it.
    const fn sorts(mut self) -> Field {
        self.sorts = true;
        self
    }
}

const fn any(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        unit: None,
        values: &[],
        about: "",
        uses: Uses::ALL,
        sorts: false,
        strict: true,
        closed: Closed::No,
    }
}

const fn text(name: &'static str) -> Field {
    any(name, Kind::Text)
}

const fn number(name: &'static str) -> Field {
    any(name, Kind::Number)
}

const fn date(name: &'static str) -> Field {
    any(name, Kind::Date)
}

/// A function over many events, such as `p95(span.duration)`.
#[derive(Clone, Copy, Debug)]
pub struct Aggregate {
    /// The name, as it stands before the parenthesis.
    pub name: &'static str,
    /// What it takes, in order.
    pub arguments: &'static [Argument],
    /// What it gives.
    pub outcome: Outcome,
}

const fn aggregate(
    name: &'static str,
    arguments: &'static [Argument],
    outcome: Outcome,
) -> Aggregate {
    Aggregate { name, arguments, outcome }
}

/// What a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Always a value of this kind.
    Is(Kind),
    /// A value of the kind of its first argument.
    Argument,
    /// It depends.
    Unknown,
}

/// One argument of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument {
    /// What may stand there.
    pub takes: Takes,
    /// Whether it can be left out.
    pub optional: bool,
}

/// What may stand as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// The name of any field.
    AnyField,
    /// The name of a field whose values are numbers.
    NumericField,
    /// A value, such as a threshold or the name of a metric.
    Literal,
}

impl Argument {
    const fn of(takes: Takes, optional: bool) -> Argument {
        Argument { takes, optional }
    }

    const fn any() -> Argument {
        Argument::of(Takes::AnyField, false)
    }

    const fn number() -> Argument {
        Argument::of(Takes::NumericField, false)
    }

    const fn literal() -> Argument {
        Argument::of(Takes::Literal, false)
    }

    const fn optional_any() -> Argument {
        Argument::of(Takes::AnyField, true)
    }

    const fn optional_number() -> Argument {
        Argument::of(Takes::NumericField, true)
    }

    const fn optional_literal() -> Argument {
        Argument::of(Takes::Literal, true)
    }
}

/// What is known of a dataset.
struct Facts {
    fields: &'static [&'static [Field]],
    aggregates: &'static [Aggregate],
}

fn facts(dataset: Dataset) -> &'static Facts {
    match dataset {
        Dataset::Issues => &issues::FACTS,
        Dataset::Errors => &errors::FACTS,
        Dataset::Spans => &spans::FACTS,
        Dataset::Logs => &logs::FACTS,
        Dataset::Metrics => &metrics::FACTS,
        Dataset::Profiles => &profiles::FACTS,
        Dataset::Replays => &replays::FACTS,
    }
}

const DATASETS: [Dataset; 7] = [
    Dataset::Issues,
    Dataset::Errors,
    Dataset::Spans,
    Dataset::Logs,
    Dataset::Metrics,
    Dataset::Profiles,
    Dataset::Replays,
];

type Index = HashMap<&'static str, &'static Field>;

/// The fields by name, per dataset in the order of [`DATASETS`].
static INDEX: LazyLock<[Index; 7]> = LazyLock::new(|| {
    DATASETS.map(|dataset| fields(dataset).map(|field| (field.name, field)).collect())
});

/// The known fields of a dataset, the most telling ones first.
pub fn fields(dataset: Dataset) -> impl Iterator<Item = &'static Field> {
    facts(dataset).fields.iter().copied().flatten()
}

/// What is known of a field. `None` says only that it is not one of Sentry's own: it may be a tag.
pub fn field(dataset: Dataset, name: &str) -> Option<&'static Field> {
    let at = DATASETS.iter().position(|known| *known == dataset)?;
    INDEX.get(at)?.get(name).copied()
}

/// The known field that a name was probably meant to be, for a name that is not known and is not
/// a plausible name of a tag.
pub fn nearest(dataset: Dataset, name: &str) -> Option<&'static Field> {
    names::nearest(dataset, name)
}

/// The functions of a dataset; none for issues and replays.
pub fn aggregates(dataset: Dataset) -> &'static [Aggregate] {
    facts(dataset).aggregates
}

/// What is known of a function in a dataset.
pub fn function(dataset: Dataset, name: &str) -> Option<&'static Aggregate> {
    aggregates(dataset).iter().find(|aggregate| aggregate.name == name)
}
