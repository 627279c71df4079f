//! The functions of event search, computed over rows. Knows the common ones; any other is Sentry's
//! 400.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::{
    data::{
        World,
        explore::{Row, iso},
    },
    routes::explore::Column,
};

/// A function call as it stands in `field`.
#[derive(Debug)]
pub(super) struct Function {
    /// As written, which is also its name in the answer.
    pub(super) name: String,
    kind: Kind,
    arguments: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Count,
    CountUnique,
    CountIf,
    Sum,
    Average,
    Least,
    Most,
    /// The share of the values that are below it.
    Percentile(f64),
    LastSeen,
    FailureRate,
    PerMinute,
    PerSecond,
}

impl Function {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (name, rest) = text.split_once('(').unwrap_or((text, ")"));
        let arguments: Vec<String> = rest
            .strip_suffix(')')
            .unwrap_or(rest)
            .split(',')
            .map(|argument| argument.trim().to_owned())
            .filter(|argument| !argument.is_empty())
            .collect();
        let kind = match name {
            "count" => Kind::Count,
            "count_unique" => Kind::CountUnique,
            "count_if" => Kind::CountIf,
            "sum" => Kind::Sum,
            "avg" => Kind::Average,
            "min" => Kind::Least,
            "max" => Kind::Most,
            "p50" => Kind::Percentile(0.5),
            "p75" => Kind::Percentile(0.75),
            "p90" => Kind::Percentile(0.9),
            "p95" => Kind::Percentile(0.95),
            "p99" => Kind::Percentile(0.99),
            "p100" => Kind::Percentile(1.0),
            "last_seen" => Kind::LastSeen,
            "failure_rate" => Kind::FailureRate,
            "epm" | "per_minute" | "tpm" => Kind::PerMinute,
            "eps" | "per_second" | "tps" => Kind::PerSecond,
            _ => return Err(format!("{name} is not a valid function")),
        };
        let needs = matches!(
            kind,
            Kind::CountUnique | Kind::Sum | Kind::Average | Kind::Least | Kind::Most
        );
        if needs && arguments.is_empty() {
            return Err(format!("{name}: expected 1 argument(s)"));
        }
        if kind == Kind::CountIf && arguments.len() != 3 {
            return Err(format!("{name}: expected 3 argument(s)"));
        }
        Ok(Self { name: text.to_owned(), kind, arguments })
    }

    /// The attribute that it is computed of, if one is written.
    pub(super) fn argument(&self) -> Option<&str> {
        self.arguments.first().map(String::as_str)
    }

    /// Type and unit for the answer's `meta`.
    pub(super) fn kind(&self) -> (&'static str, Option<&'static str>) {
        match self.kind {
            Kind::Count | Kind::CountUnique | Kind::CountIf => ("integer", None),
            Kind::LastSeen => ("date", None),
            Kind::FailureRate => ("percentage", None),
            Kind::PerMinute => ("rate", Some("1/minute")),
            Kind::PerSecond => ("rate", Some("1/second")),
            _ => {
                let field = self.arguments.first().map_or("span.duration", String::as_str);
                if field.ends_with("duration") || field.starts_with("measurements.") {
                    ("duration", Some("millisecond"))
                } else {
                    ("number", None)
                }
            }
        }
    }

    fn compute(&self, world: &World, rows: &[&Row]) -> Value {
        let field = self.arguments.first().map_or_else(
            || {
                let spans =
                    rows.first().is_some_and(|row| row.fields.contains_key("span.duration"));
                if spans { "span.duration" } else { "transaction.duration" }
            },
            String::as_str,
        );
        // Functions of metrics name the metric: `p95(value,checkout.latency,distribution,-)`.
        let metric = if field == "value" { self.arguments.get(1) } else { None };
        let chosen = rows.iter().copied().filter(|row| {
            metric.is_none_or(|metric| row.fields.get("metric.name") == Some(&json!(metric)))
        });
        let values = || chosen.clone().filter_map(|row| row.value(world, field));
        let mut numbers: Vec<f64> = values().filter_map(|value| value.as_f64()).collect();
        numbers.sort_by(f64::total_cmp);
        let sum: f64 = numbers.iter().sum();
        let size = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        match self.kind {
            Kind::Count if self.arguments.is_empty() => json!(rows.len()),
            Kind::Count => json!(values().count()),
            Kind::CountUnique => {
                json!(values().map(|value| value.to_string()).collect::<BTreeSet<_>>().len())
            }
            Kind::CountIf => json!(values().filter(|value| self.counts(value)).count()),
            Kind::LastSeen => json!(rows.iter().map(|row| row.at).max().map(iso)),
            Kind::FailureRate => {
                let ok = json!("ok");
                let failed =
                    |row: &&&Row| row.fields.get("span.status").is_some_and(|status| *status != ok);
                json!(size(rows.iter().filter(failed).count()) / size(rows.len()).max(1.0))
            }
            // Rates are over the two weeks that the rows are spread over.
            Kind::PerMinute => json!(size(rows.len()) / (14.0 * 1440.0)),
            Kind::PerSecond => json!(size(rows.len()) / (14.0 * 86_400.0)),
            _ if numbers.is_empty() => Value::Null,
            Kind::Sum => json!(rounded(sum)),
            Kind::Average => json!(rounded(sum / size(numbers.len()))),
            Kind::Least => json!(numbers.first()),
            Kind::Most => json!(numbers.last()),
            Kind::Percentile(share) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a share of a small count"
                )]
                let position = (share * size(numbers.len() - 1)).ceil() as usize;
                json!(numbers.get(position))
            }
        }
    }

    /// `count_if(field,equals,value)`.
    fn counts(&self, value: &Value) -> bool {
        let wanted = self.arguments.get(2).map_or("", String::as_str);
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let number = || Some(value.as_f64()?.total_cmp(&wanted.parse().ok()?));
        match self.arguments.get(1).map_or("", String::as_str) {
            "equals" => text == wanted,
            "notEquals" => text != wanted,
            "greater" => number().is_some_and(std::cmp::Ordering::is_gt),
            "less" => number().is_some_and(std::cmp::Ordering::is_lt),
            "greaterOrEquals" => number().is_some_and(std::cmp::Ordering::is_ge),
            "lessOrEquals" => number().is_some_and(std::cmp::Ordering::is_le),
            _ => false,
        }
    }
}

fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// One row per combination of the plain columns; without any, one row in all.
pub(super) fn group(world: &World, columns: &[Column], rows: &[&Row]) -> Vec<Map<String, Value>> {
    let keys: Vec<&str> = columns
        .iter()
        .filter_map(|column| match column {
            Column::Field(name) => Some(name.as_str()),
            Column::Function(_) => None,
        })
        .collect();
    let mut groups: BTreeMap<String, (Vec<Value>, Vec<&Row>)> = BTreeMap::new();
    if keys.is_empty() {
        groups.insert(String::new(), (Vec::new(), Vec::new()));
    }
    for row in rows {
        let values: Vec<Value> =
            keys.iter().map(|key| row.value(world, key).unwrap_or(Value::Null)).collect();
        let name = Value::Array(values.clone()).to_string();
        let entry = if keys.is_empty() { String::new() } else { name };
        groups.entry(entry).or_insert_with(|| (values, Vec::new())).1.push(row);
    }
    groups
        .into_values()
        .map(|(values, members)| {
            let mut values = values.into_iter();
            columns
                .iter()
                .map(|column| match column {
                    Column::Field(name) => (name.clone(), values.next().unwrap_or(Value::Null)),
                    Column::Function(function) => {
                        (function.name.clone(), function.compute(world, &members))
                    }
                })
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_function_is_named() {
        assert_eq!(
            Function::parse("bogus_function(x)").err().as_deref(),
            Some("bogus_function is not a valid function")
        );
        assert!(Function::parse("count()").is_ok());
        assert!(Function::parse("avg()").is_err());
        assert!(Function::parse("p95()").is_ok());
    }
}
