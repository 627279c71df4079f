//! Event search over rows: `key:value` with negation, lists, wildcards, comparisons and durations,
//! `has:`, quoted and free text, and `OR` between groups. Parentheses group nothing here.

use std::cmp::Ordering;

use serde_json::Value;

use super::{SearchError, holds, same, seen, split_operator, unquote, words};

/// Any of the groups must hold; in a group all terms.
#[derive(Debug)]
pub(crate) struct RowSearch {
    groups: Vec<Vec<RowTerm>>,
}

#[derive(Debug)]
struct RowTerm {
    negated: bool,
    /// As written; `None` is free text.
    key: Option<String>,
    /// Any of them; lower case.
    values: Vec<String>,
}

impl RowSearch {
    pub(crate) fn parse(query: &str) -> Result<Self, SearchError> {
        let mut groups = vec![Vec::new()];
        for word in words(query)? {
            match word.as_str() {
                "AND" | "(" | ")" => {}
                "OR" => groups.push(Vec::new()),
                word => {
                    let inner = bare(word);
                    if let Some(group) = groups.last_mut() {
                        group.push(term(inner)?);
                    }
                }
            }
        }
        Ok(Self { groups })
    }

    /// The keys that the query names, in order; functions such as `count()` included.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.groups
            .iter()
            .flatten()
            .filter_map(|term| term.key.as_deref())
            .filter(|key| *key != "has")
    }

    /// Whether a row holds, before rows are grouped; conditions on functions are left for later.
    pub(crate) fn matches(&self, value: impl Fn(&str) -> Option<Value>, text: &str) -> bool {
        self.any(|term| is_function(term) || term.holds(&value, text))
    }

    /// Whether a grouped row holds what the query says about functions.
    pub(crate) fn matches_functions(&self, value: impl Fn(&str) -> Option<Value>) -> bool {
        self.any(|term| !is_function(term) || term.holds(&value, ""))
    }

    fn any(&self, holds: impl Fn(&RowTerm) -> bool) -> bool {
        self.groups.iter().any(|group| group.iter().all(&holds))
    }
}

/// A word without the parentheses that group it, which are those without a partner.
fn bare(word: &str) -> &str {
    let mut word = word;
    loop {
        let (open, close) = (word.matches('(').count(), word.matches(')').count());
        word = match (open.cmp(&close), word.strip_prefix('('), word.strip_suffix(')')) {
            (Ordering::Greater, Some(rest), _) | (Ordering::Less, _, Some(rest)) => rest,
            _ => return word,
        };
    }
}

fn is_function(term: &RowTerm) -> bool {
    term.key.as_ref().is_some_and(|key| key.ends_with(')'))
}

fn term(word: &str) -> Result<RowTerm, SearchError> {
    let (negated, rest) = match word.strip_prefix('!') {
        Some(rest) if rest.contains(':') => (true, rest),
        _ => (false, word),
    };
    let key_value = rest.split_once(':').filter(|(key, value)| {
        !key.is_empty()
            && !value.starts_with("//")
            && key.chars().all(|letter| letter.is_alphanumeric() || "._-[](),/".contains(letter))
    });
    let Some((key, value)) = key_value else {
        return Ok(RowTerm { negated: false, key: None, values: vec![unquote(word)] });
    };
    if value.is_empty() {
        return Err(SearchError(format!("Empty string after '{key}:'")));
    }
    let list = value.strip_prefix('[').and_then(|value| value.strip_suffix(']'));
    let values: Vec<String> = match list {
        Some(list) => list.split(',').map(|value| unquote(value.trim())).collect(),
        None => vec![unquote(value)],
    };
    if is_number(key) && values.iter().any(|value| number(split_operator(value).1).is_none()) {
        return Err(SearchError(format!(
            "{key}: Invalid duration or number. Expected a number followed by an optional unit"
        )));
    }
    Ok(RowTerm { negated, key: Some(key.to_owned()), values })
}

/// Keys that Sentry knows to be numbers, so that text is an error.
fn is_number(key: &str) -> bool {
    matches!(key, "span.duration" | "span.self_time" | "transaction.duration" | "severity_number")
        || key.ends_with("()")
}

impl RowTerm {
    fn holds(&self, value: impl Fn(&str) -> Option<Value>, text: &str) -> bool {
        let any = |test: &dyn Fn(&str) -> bool| self.values.iter().any(|wanted| test(wanted));
        let holds = match self.key.as_deref() {
            None => {
                let text = text.to_lowercase();
                any(&|wanted| text.contains(wanted.trim_matches('*')))
            }
            Some("has") => any(&|wanted| value(wanted).is_some_and(|value| !value.is_null())),
            Some(key) => match value(key) {
                Some(actual) => any(&|wanted| equal(&actual, wanted, key)),
                // A value that is not there equals the empty text only.
                None => any(&|wanted| wanted.is_empty()),
            },
        };
        holds != self.negated
    }
}

fn equal(actual: &Value, wanted: &str, key: &str) -> bool {
    match actual {
        Value::Number(actual) => {
            let (operator, text) = split_operator(wanted);
            let Some((actual, wanted)) = actual.as_f64().zip(number(text)) else { return false };
            actual.partial_cmp(&wanted).is_some_and(|ordering| holds(operator, ordering))
        }
        Value::String(actual) if key == "timestamp" || key.ends_with("_at") => {
            let instant = actual.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_second);
            instant.is_ok_and(|instant| seen(wanted, instant))
        }
        Value::String(actual) => same(actual, wanted),
        Value::Bool(actual) => same(&actual.to_string(), wanted) || (*actual && wanted == "1"),
        Value::Array(all) => all.iter().any(|one| equal(one, wanted, "")),
        _ => false,
    }
}

/// `12`, `1.5s`, `200ms`, `2m`, `1h`: durations become milliseconds.
fn number(text: &str) -> Option<f64> {
    let split = text.find(|letter: char| letter.is_alphabetic()).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(split)?;
    let factor = match unit {
        "" | "ms" => 1.0,
        "s" => 1000.0,
        "m" | "min" => 60_000.0,
        "h" | "hr" => 3_600_000.0,
        "d" => 86_400_000.0,
        _ => return None,
    };
    digits.parse::<f64>().ok().map(|number| number * factor)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds_for(query: &str) -> bool {
        let row = json!({
            "span.op": "http.client", "span.duration": 1200.0, "count()": 7,
            "timestamp": "2026-11-16T11:00:00+00:00", "is_transaction": false,
        });
        let search = RowSearch::parse(query).expect("a query");
        let value = |key: &str| row.get(key).cloned();
        search.matches(value, "POST https://api.paywise.test") && search.matches_functions(value)
    }

    #[test]
    fn keys_operators_and_text_are_understood() {
        for query in [
            "",
            "span.op:http.client",
            "span.op:http.*",
            "span.op:[db,http.client]",
            "!span.op:db",
            "span.duration:>1s",
            "span.duration:<=1200ms",
            "has:span.op !has:trace",
            "timestamp:-24h",
            "is_transaction:false",
            "paywise",
            "\"api.paywise\"",
            "span.op:db OR span.duration:>1s",
            "(span.op:db OR span.op:http.client) AND paywise",
            "count():>5",
        ] {
            assert!(holds_for(query), "{query}");
        }
        for query in ["span.op:db", "span.duration:>2s", "has:trace", "other", "count():>7"] {
            assert!(!holds_for(query), "{query}");
        }
    }

    #[test]
    fn text_for_a_number_is_refused() {
        assert!(RowSearch::parse("span.duration:slow").is_err());
        assert!(RowSearch::parse("span.op:").is_err());
    }
}
