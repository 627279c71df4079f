//! The names of columns: what is a function, what cannot be a name. It knows no dataset.

/// Whether a column is computed over many events.
pub(crate) fn is_aggregate(column: &str) -> bool {
    is_equation(column) || (!is_tag(column) && column.contains('(') && column.contains(')'))
}

/// Whether a column is computed from other columns.
pub(crate) fn is_equation(column: &str) -> bool {
    column.starts_with("equation|")
}

/// Tags are written `tags[name]`, and the name may have any character.
pub(crate) fn is_tag(column: &str) -> bool {
    column.starts_with("tags[") || column.starts_with("tag[")
}

/// The name of the function that a column is, `p95` of `p95(span.duration)`.
pub(crate) fn function(column: &str) -> Option<&str> {
    if is_equation(column) || is_tag(column) {
        return None;
    }
    column.split_once('(').map(|(name, _)| name)
}

/// Sentry's old name of a function's column: `p95_span_duration`, `count`.
pub(crate) fn alias(column: &str) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let parts: Vec<&str> = column.split(|c| !word(c)).filter(|part| !part.is_empty()).collect();
    parts.join("_")
}

/// Why a text can be no column, if it cannot.
pub(crate) fn malformed(column: &str) -> Option<&'static str> {
    if column.is_empty() {
        return Some("is empty");
    }
    if column.len() > 500 {
        return Some("is longer than 500 bytes");
    }
    if column.chars().any(char::is_control) {
        return Some("has control characters");
    }
    if is_tag(column) {
        return None;
    }
    if !balanced(column) {
        return Some("has parentheses that do not match");
    }
    if is_equation(column) || !column.contains('(') {
        return None;
    }
    let name = function(column).unwrap_or_default();
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Some("is no function: expected a name before the parenthesis");
    }
    (!column.ends_with(')') || closes_early(column)).then_some("goes on after its parenthesis")
}

/// How deep the parentheses are after each character outside of quotes.
fn depths(column: &str) -> impl Iterator<Item = i32> {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    column.chars().map(move |c| {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        depth
    })
}

fn balanced(column: &str) -> bool {
    let mut last = 0;
    depths(column).all(|depth| {
        last = depth;
        depth >= 0
    }) && last == 0
}

/// `count()x()`: the first parenthesis must close at the very end.
fn closes_early(column: &str) -> bool {
    let all: Vec<i32> = depths(column).collect();
    let opened = all.iter().position(|depth| *depth > 0).unwrap_or_default();
    let closed = all.iter().skip(opened).position(|depth| *depth == 0);
    closed.is_some_and(|closed| opened + closed + 1 < all.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_fields_tags_and_equations_are_columns() {
        for column in [
            "title",
            "count()",
            "p95(span.duration)",
            "count_if(transaction.duration,greater,300)",
            r#"count_if(message,equals,"a)b")"#,
            "tags[a(b, number]",
            "equation|(count() + 1) / 2",
            "sum(value,queue.time,distribution,-)",
        ] {
            assert_eq!(malformed(column), None, "{column}");
        }
    }

    #[test]
    fn everything_else_has_a_reason() {
        for (column, expected) in [
            ("", "is empty"),
            ("count(", "do not match"),
            ("count)", "do not match"),
            (")count(", "do not match"),
            ("(count)", "is no function"),
            ("my count()", "is no function"),
            ("count()x", "goes on"),
            ("count()()", "goes on"),
            ("a\nb", "control"),
        ] {
            assert!(malformed(column).is_some_and(|why| why.contains(expected)), "{column:?}");
        }
    }

    #[test]
    fn an_alias_is_the_name_with_underscores() {
        assert_eq!(alias("p95(span.duration)"), "p95_span_duration");
        assert_eq!(alias("count()"), "count");
        assert_eq!(alias("title"), "title");
    }
}
