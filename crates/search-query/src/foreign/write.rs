//! Conditions become a query in Sentry's syntax, where the dataset can say them.

use super::translate::Expression;
use crate::{Dataset, parser::escape};

/// The conditions in the syntax that `dataset` takes; none where it cannot say them.
pub(super) fn write(expression: &Expression, dataset: Dataset) -> Option<String> {
    let writer = Writer { dataset };
    let terms = match expression {
        Expression::And(terms) => writer.all(terms, false)?,
        other => writer.term(other, false, true)?,
    };
    (!terms.trim().is_empty()).then_some(terms)
}

#[derive(Clone, Copy)]
struct Writer {
    dataset: Dataset,
}

impl Writer {
    fn all(self, terms: &[Expression], negated: bool) -> Option<String> {
        let all: Option<Vec<_>> =
            terms.iter().map(|term| self.term(term, negated, false)).collect();
        Some(all?.join(" "))
    }

    fn term(self, expression: &Expression, negated: bool, is_alone: bool) -> Option<String> {
        match expression {
            Expression::Not(inner) => self.term(inner, !negated, is_alone),
            Expression::And(terms) if negated => self.either(terms, true, is_alone),
            Expression::Or(terms) if negated => self.all(terms, true),
            Expression::And(terms) => self.all(terms, false),
            Expression::Or(terms) => self.either(terms, false, is_alone),
            Expression::Has(key) => Some(format!("{}has:{}", bang(negated), self.key(key))),
            Expression::Native(raw) if !negated => Some(raw.clone()),
            Expression::Native(raw) => {
                Some(raw.strip_prefix('!').map_or_else(|| format!("!{raw}"), str::to_owned))
            }
            Expression::Text(raw) if !negated => Some(raw.clone()),
            Expression::Text(raw) => {
                let field = self.dataset.free_text_field();
                Some(format!("!{field}:{}", value(&format!("*{}*", raw.trim_matches('"')))))
            }
            Expression::Compare { key, sign, values } => self.compare(key, sign, values, negated),
        }
    }

    /// Any of the terms: a list where all ask for the same key, or `OR` where there is one.
    fn either(self, terms: &[Expression], negated: bool, is_alone: bool) -> Option<String> {
        if let Some(merged) = merged(terms) {
            return self.term(&merged, negated, is_alone);
        }
        if !self.dataset.allows_boolean() {
            return None;
        }
        let each: Option<Vec<_>> = terms
            .iter()
            .map(|term| {
                let text = self.term(term, negated, false)?;
                let several = matches!(term, Expression::And(inner) if inner.len() > 1);
                Some(if several { format!("({text})") } else { text })
            })
            .collect();
        let any = each?.join(" OR ");
        Some(if is_alone { any } else { format!("({any})") })
    }

    fn compare(self, key: &str, sign: &str, values: &[String], negated: bool) -> Option<String> {
        let first = values.first()?;
        let key = self.key(key);
        if self.dataset == Dataset::Issues
            && matches!(key, "status" | "state")
            && crate::fields::field(Dataset::Issues, "is")
                .is_some_and(|is| is.values.contains(&first.as_str()))
        {
            return (values.len() == 1 && matches!(sign, "=" | "!="))
                .then(|| format!("{}is:{first}", bang(negated != (sign == "!="))));
        }
        if let Some(unsigned) = first.strip_prefix('-')
            && sign.starts_with(['>', '<'])
            && unsigned.ends_with(['m', 'h', 'd', 'w'])
        {
            let after = sign.starts_with('>') != negated;
            return Some(format!("{key}:{}{unsigned}", if after { '-' } else { '+' }));
        }
        Some(match (sign, values) {
            ("=" | "!=", [_, _, ..]) => {
                let list: Vec<_> = values.iter().map(|value_| value(value_)).collect();
                format!("{}{key}:[{}]", bang(negated != (sign == "!=")), list.join(", "))
            }
            ("=" | "!=", _) => format!("{}{key}:{}", bang(negated != (sign == "!=")), value(first)),
            ("~" | "!~", _) => {
                let pattern = value(&format!("*{first}*"));
                format!("{}{key}:{pattern}", bang(negated != (sign == "!~")))
            }
            _ => format!("{}{key}:{sign}{}", bang(negated), value(first)),
        })
    }

    /// The name that Sentry has for what others call differently.
    fn key(self, key: &str) -> &str {
        if self.dataset != Dataset::Issues {
            return key;
        }
        match key {
            "assignee" | "assigned_to" => "assigned",
            "created" | "created_at" | "first_seen" => "firstSeen",
            "updated" | "updated_at" | "last_seen" => "lastSeen",
            "count" | "count()" | "events" | "times_seen" => "timesSeen",
            "env" => "environment",
            _ => key,
        }
    }
}

fn bang(negated: bool) -> &'static str {
    if negated { "!" } else { "" }
}

/// Comparisons of one key for equality, as one with all values.
fn merged(terms: &[Expression]) -> Option<Expression> {
    let mut all = Vec::new();
    let mut common: Option<&str> = None;
    for term in terms {
        let (key, found) = match term {
            Expression::Compare { key, sign: "=", values } => (key.as_str(), values.clone()),
            Expression::Native(raw) => {
                let (key, value) = raw.split_once(':')?;
                let simple =
                    !key.starts_with('!') && !key.ends_with(')') && !matches!(key, "is" | "has");
                let plain = !value.starts_with(['>', '<', '=', '!', '[', '"']);
                (simple && plain).then_some(())?;
                (key, vec![value.to_owned()])
            }
            _ => return None,
        };
        if common.is_some_and(|common| common != key) {
            return None;
        }
        common = Some(key);
        all.extend(found);
    }
    let key = common?.to_owned();
    Some(Expression::Compare { key, sign: "=", values: all })
}

/// A value, in quotes where it needs them.
fn value(text: &str) -> String {
    let plain = !text.is_empty()
        && !text.contains([' ', '(', ')', '"', ',', '[', ']', '\t', '\n'])
        && !text.starts_with(['>', '<', '=', '!']);
    if plain { text.to_owned() } else { format!("\"{}\"", escape(text)) }
}
