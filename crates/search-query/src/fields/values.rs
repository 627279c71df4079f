//! Whether a value is of the kind that a field has, as Sentry would answer.
//!
//! Where Sentry refuses the query it is an error, where the filter only cannot match what it
//! seems to mean it is a warning. Sentry reads a value by the forms of its grammar, and refuses
//! it when none of the forms fits a field that is a date, a boolean, or a number.

use crate::{Code, Comparison, Dataset, Diagnostic, Filter, Scalar, Severity, Span, When};

use super::{Closed, Field, Kind, names};

/// Values that people write, and what Sentry calls them. Only those count that the field knows.
const SYNONYMS: &[(&str, &str)] = &[
    ("warn", "warning"),
    ("warning", "warn"),
    ("err", "error"),
    ("critical", "fatal"),
    ("crit", "fatal"),
    ("critical", "high"),
    ("urgent", "high"),
    ("normal", "medium"),
    ("information", "info"),
    ("notice", "info"),
    ("verbose", "debug"),
    ("open", "unresolved"),
    ("opened", "unresolved"),
    ("active", "unresolved"),
    ("closed", "resolved"),
    ("fixed", "resolved"),
    ("done", "resolved"),
    ("snoozed", "archived"),
    ("silenced", "archived"),
    ("regression", "regressed"),
    ("review", "for_review"),
    ("needs_review", "for_review"),
    ("success", "ok"),
    ("failed", "internal_error"),
    ("canceled", "cancelled"),
];

/// What `is:` is sometimes asked for, and the filter that does it.
const INSTEAD_OF_IS: &[(&str, &str)] = &[
    ("unhandled", "error.unhandled:true"),
    ("handled", "error.handled:true"),
    ("mine", "assigned:me"),
    ("bookmarked", "bookmarks:me"),
    ("subscribed", "subscribed:me"),
    ("feedback", "issue.category:feedback"),
];

/// Checks the value of one filter, whose key is a known field.
pub(super) fn check(
    dataset: Dataset,
    field: &Field,
    filter: &Filter<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let finding = match field.kind {
        Kind::Text => text(dataset, field, filter),
        Kind::Release => release(field, filter),
        Kind::Version => None,
        Kind::Actor => actor(field, filter),
        Kind::Date => date(field, filter),
        Kind::Boolean => boolean(field, filter),
        Kind::EventId | Kind::TraceId => id(field, filter, is_event_id),
        Kind::SpanId => id(field, filter, is_span_id),
        Kind::Number | Kind::Integer | Kind::Percentage => {
            let code = Code::InvalidNumber;
            numeric(field, filter, code, "a number, such as `100` or `10k`", |_| false)
        }
        Kind::Duration => {
            let expected = "a duration, such as `500ms` or `2h`";
            let code = Code::InvalidDuration;
            numeric(field, filter, code, expected, |scalar| scalar.as_duration().is_some())
        }
        Kind::Size => {
            let expected = "a size, such as `10kb` or `4mib`";
            numeric(field, filter, Code::InvalidSize, expected, Scalar::is_size)
        }
    };
    found.extend(finding);
}

/// A finding at the value, as severe as Sentry takes it for this field.
fn wrong(field: &Field, span: Span, code: Code, message: String) -> Diagnostic {
    let finding = Diagnostic::error(span, code, message);
    let severity = if field.strict { Severity::Error } else { Severity::Warning };
    Diagnostic { severity, ..finding }
}

/// What is searched, for messages: at most 40 characters of it.
fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(41).collect();
    if short.chars().count() > 40 {
        short.pop();
        short.push('…');
    }
    short.replace('`', "'")
}

fn numeric<'q>(
    field: &Field,
    filter: &Filter<'q>,
    code: Code,
    expected: &str,
    has_unit: impl Fn(&Scalar<'q>) -> bool,
) -> Option<Diagnostic> {
    // Lists are read as plain numbers only, whatever the kind.
    let fits = |scalar: &&Scalar<'q>| {
        scalar.as_number().is_some() || (!filter.value.is_list() && has_unit(scalar))
    };
    let bad = match filter.matching {
        Some(_) => filter.value.scalars().first(),
        None => filter.value.scalars().iter().find(|scalar| !fits(scalar)),
    }?;
    if bad.raw.is_empty() {
        return None;
    }
    let name = field.name;
    if bad.raw == "*" {
        let message = format!("`{name}` takes {expected}: to ask that it exists, use `has:`");
        let exists = format!("{}has:{name}", if filter.negated { "!" } else { "" });
        return Some(wrong(field, bad.span, code, message).fix(filter.span, exists));
    }
    let message = format!("`{name}` takes {expected}, not `{}`", shown(bad.raw));
    let finding = wrong(field, bad.span, code, message);
    Some(match repaired_number(field.kind, bad) {
        Some(fixed) => finding.fix(bad.span, fixed),
        None => finding,
    })
}

/// A number or a duration in a form that Sentry does not read, in one that it does.
fn repaired_number(kind: Kind, scalar: &Scalar<'_>) -> Option<String> {
    let inner = scalar.inner().trim();
    let inner = inner.strip_prefix('=').unwrap_or(inner).replace([',', '_'], "");
    let digits = inner.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    let (number, unit) = inner.split_at(digits);
    if number.is_empty() || number.parse::<f64>().is_err() {
        return None;
    }
    let unit = unit.trim().to_ascii_lowercase();
    let unit = match (kind, unit.as_str()) {
        (_, "") => "",
        (Kind::Duration, "ms" | "msec" | "msecs" | "millis" | "millisecond" | "milliseconds") => {
            "ms"
        }
        (Kind::Duration, "s" | "sec" | "secs" | "second" | "seconds") => "s",
        (Kind::Duration, "m" | "min" | "mins" | "minute" | "minutes") => "m",
        (Kind::Duration, "h" | "hr" | "hrs" | "hour" | "hours") => "h",
        (Kind::Duration, "d" | "day" | "days") => "d",
        (Kind::Duration, "w" | "wk" | "week" | "weeks") => "w",
        (Kind::Size, "kb" | "kib" | "mb" | "mib" | "gb" | "gib" | "bytes") => unit.as_str(),
        (Kind::Size, "byte" | "b") => "bytes",
        (Kind::Percentage, "%") => {
            let share = number.parse::<f64>().ok()? / 100.0;
            return Some(share.to_string());
        }
        _ => return None,
    };
    Some(format!("{number}{unit}"))
}

fn boolean(field: &Field, filter: &Filter<'_>) -> Option<Diagnostic> {
    let value = filter.value.scalars().first()?;
    if value.raw.is_empty() {
        return None;
    }
    let plain = filter.comparison.is_none() && filter.matching.is_none();
    if plain && !filter.value.is_list() && value.as_boolean().is_some() {
        return None;
    }
    let name = field.name;
    if let Some(comparison) = filter.comparison {
        let message = format!("`{name}` is true or false and takes no `{}`", comparison.sign());
        let finding = wrong(field, filter.comparison_span, Code::InvalidOperator, message);
        return Some(match comparison {
            Comparison::Equal => finding.fix(filter.comparison_span, ""),
            _ => finding,
        });
    }
    let span = filter.value.span();
    let message = format!("`{name}` takes `true` or `false`, not `{}`", shown(filter.value.raw()));
    let finding = wrong(field, span, Code::InvalidBoolean, message);
    let meant = match value.inner().to_ascii_lowercase().as_str() {
        "yes" | "y" | "on" | "t" | "true" | "1" => Some("true"),
        "no" | "n" | "off" | "f" | "false" | "0" => Some("false"),
        _ => None,
    };
    Some(match meant {
        Some(meant) if !filter.value.is_list() => finding.fix(span, meant),
        _ => finding,
    })
}

const DATE_FORMS: &str =
    "`-24h` (within the last day), `+7d` (over a week ago), or `>2026-01-31T12:00:00`";

fn date(field: &Field, filter: &Filter<'_>) -> Option<Diagnostic> {
    let name = field.name;
    let value = filter.value.scalars().first()?;
    if value.raw.is_empty() {
        return None;
    }
    let span = filter.value.span();
    if filter.value.is_list() {
        let message = format!("`{name}` takes one date, not a list: {DATE_FORMS}");
        return Some(wrong(field, span, Code::InvalidDate, message));
    }
    let with_sign = filter.comparison_span.to(span);
    match (value.as_when(), filter.comparison) {
        (Some(When::Relative), Some(comparison)) => {
            let message = format!(
                "`{}` takes a point in time: a relative date says before or after with its sign",
                comparison.sign()
            );
            let finding = wrong(field, with_sign, Code::InvalidDate, message);
            Some(finding.fix(with_sign, signed(comparison, value.raw)))
        }
        (Some(_), _) if filter.negated => Some(negated(field, filter, value)),
        (Some(_), _) if filter.matching.is_none() => None,
        _ => {
            let message =
                format!("`{name}` takes a date, not `{}`: {DATE_FORMS}", shown(value.raw));
            let finding = wrong(field, span, Code::InvalidDate, message);
            Some(match repaired_date(filter, value) {
                Some(fixed) => finding.fix(with_sign, fixed),
                None => finding,
            })
        }
    }
}

/// `>-24h` is after that point, `-24h`; `<-24h` is before it, `+24h`. With `+7d`, which is an
/// age, it is the other way around.
fn signed(comparison: Comparison, written: &str) -> String {
    let less = matches!(comparison, Comparison::Less | Comparison::LessOrEqual);
    let before = written.starts_with('+') != less;
    let amount = written.trim_start_matches(['-', '+']);
    format!("{}{amount}", if before { '+' } else { '-' })
}

fn negated(field: &Field, filter: &Filter<'_>, value: &Scalar<'_>) -> Diagnostic {
    let message = format!("`{}` cannot be negated: turn the comparison around", field.name);
    let finding = wrong(field, filter.span, Code::NegatedDate, message);
    let opposite = match (filter.comparison, value.raw.split_at_checked(1)) {
        (None, Some(("-", amount))) => format!("+{amount}"),
        (None, Some(("+", amount))) => format!("-{amount}"),
        (Some(Comparison::Greater), _) => format!("<={}", value.raw),
        (Some(Comparison::GreaterOrEqual), _) => format!("<{}", value.raw),
        (Some(Comparison::Less), _) => format!(">={}", value.raw),
        (Some(Comparison::LessOrEqual), _) => format!(">{}", value.raw),
        _ => return finding,
    };
    finding.fix(filter.span, format!("{}:{opposite}", filter.key.raw))
}

/// A date in a form that Sentry does not read, with the comparison, in one that it does.
fn repaired_date(filter: &Filter<'_>, value: &Scalar<'_>) -> Option<String> {
    let sign = filter.comparison.map_or("", Comparison::sign);
    let inner = value.inner();
    // Quotes, and a space instead of the `T`.
    let spelled = inner.replacen(' ', "T", 1);
    let bare = Scalar { span: value.span, raw: &spelled, quoted: false };
    match bare.as_when() {
        Some(When::Relative) if filter.comparison.is_none() => return Some(spelled),
        Some(When::Day | When::Moment) => return Some(format!("{sign}{spelled}")),
        _ => {}
    }
    // An amount without its sign: within the last, unless compared.
    let relative = format!("-{inner}");
    let amount = Scalar { span: value.span, raw: &relative, quoted: false };
    if amount.as_when() == Some(When::Relative) {
        // `age:>24h` is an age: older than a day.
        return Some(match filter.comparison {
            Some(Comparison::Greater | Comparison::GreaterOrEqual) => format!("+{inner}"),
            _ => relative,
        });
    }
    // `2026-01-31T10:00` lacks its seconds.
    let seconds = format!("{spelled}:00");
    let whole = Scalar { span: value.span, raw: &seconds, quoted: false };
    (whole.as_when() == Some(When::Moment)).then(|| format!("{sign}{seconds}"))
}

fn id(field: &Field, filter: &Filter<'_>, fits: fn(&str) -> bool) -> Option<Diagnostic> {
    let bad = filter.value.scalars().iter().find(|scalar| {
        let text = scalar.text();
        !text.is_empty() && !fits(&text)
    })?;
    let digits = if field.kind == Kind::SpanId { 16 } else { 32 };
    let message = format!(
        "`{}` takes an id of {digits} hexadecimal digits, not `{}`",
        field.name,
        shown(bad.raw)
    );
    Some(wrong(field, bad.span, Code::InvalidValue, message))
}

fn is_event_id(text: &str) -> bool {
    let digits = text.bytes().filter(|b| *b != b'-');
    text.len() <= 36
        && digits.clone().count() == 32
        && digits.into_iter().all(|b| b.is_ascii_hexdigit())
}

fn is_span_id(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn actor(field: &Field, filter: &Filter<'_>) -> Option<Diagnostic> {
    let (bad, meant) = filter.value.scalars().iter().find_map(|scalar| {
        let meant = match scalar.text().to_ascii_lowercase().as_str() {
            "@me" | "myself" | "currentuser" | "currentuser()" => "me",
            "nobody" | "unassigned" | "null" | "nil" | "empty" => "none",
            "my_team" | "myteams" | "my-teams" => "my_teams",
            _ => return None,
        };
        Some((scalar, meant))
    })?;
    let message = format!(
        "`{}` takes `me`, `my_teams`, `none`, `#team`, or an e-mail address; `{}` is read as a name",
        field.name,
        shown(bad.raw)
    );
    Some(Diagnostic::warning(bad.span, Code::InvalidValue, message).fix(bad.span, meant))
}

fn release(field: &Field, filter: &Filter<'_>) -> Option<Diagnostic> {
    let comparison = filter.comparison.filter(|comparison| comparison.is_order())?;
    let message = format!(
        "`{}` is the name of a release: `{}` is searched as part of it",
        field.name,
        comparison.sign()
    );
    let finding = Diagnostic::warning(filter.comparison_span, Code::InvalidOperator, message);
    Some(match field.name {
        "release" => finding.fix(filter.key.span, "release.version"),
        _ => finding,
    })
}

fn text(dataset: Dataset, field: &Field, filter: &Filter<'_>) -> Option<Diagnostic> {
    if let Some(comparison) = filter.comparison.filter(|comparison| comparison.is_order()) {
        return Some(ordered_text(field, filter, comparison));
    }
    if field.values.is_empty() || filter.matching.is_some() {
        return None;
    }
    let bad = filter.value.scalars().iter().find(|scalar| !is_known(field, scalar))?;
    let given = bad.text();
    let refused = field.is_closed();
    let message = if field.values.len() > 20 && !refused {
        format!("`{}` is no known value of `{}`", shown(&given), field.name)
    } else {
        let known = field.values.join("`, `");
        format!("`{}` is no value of `{}`: there are `{known}`", shown(&given), field.name)
    };
    let finding = if refused {
        Diagnostic::error(bad.span, Code::InvalidValue, message)
    } else {
        Diagnostic::warning(bad.span, Code::InvalidValue, message)
    };
    if dataset == Dataset::Issues
        && field.name == "is"
        && let Some((_, instead)) = INSTEAD_OF_IS.iter().find(|(value, _)| given == *value)
    {
        let sign = if filter.negated { "!" } else { "" };
        return Some(finding.fix(filter.span, format!("{sign}{instead}")));
    }
    Some(match meant(field, &given) {
        Some(meant) => finding.fix(bad.span, meant),
        None => finding,
    })
}

fn is_known(field: &Field, scalar: &Scalar<'_>) -> bool {
    let text = scalar.text();
    let known = match field.closed {
        Closed::Folded => field.values.iter().any(|value| value.eq_ignore_ascii_case(&text)),
        Closed::Exact | Closed::No => field.values.iter().any(|value| *value == text),
    };
    // An empty value asks for events without the field; a wildcard may match several values.
    known
        || (!field.is_closed() && (text.is_empty() || scalar.has_wildcard()))
        || scalar.raw.is_empty()
}

fn meant(field: &Field, given: &str) -> Option<&'static str> {
    let lower = given.to_ascii_lowercase();
    let synonym = SYNONYMS
        .iter()
        .filter(|(written, _)| *written == lower)
        .find_map(|(_, meant)| field.values.iter().find(|value| *value == meant).copied());
    synonym.or_else(|| names::nearest_value(field.values, given))
}

fn ordered_text(field: &Field, filter: &Filter<'_>, comparison: Comparison) -> Diagnostic {
    let sign = comparison.sign();
    let message = format!("`{}` is text: `{sign}` is searched as part of it", field.name);
    let finding = Diagnostic::warning(filter.comparison_span, Code::InvalidOperator, message);
    let whole = filter.comparison_span.to(filter.value.span());
    match (field.name, comparison, filter.value.raw()) {
        ("http.status_code", Comparison::GreaterOrEqual, "500")
        | ("http.status_code", Comparison::Greater, "499") => finding.fix(whole, "5*"),
        _ => finding,
    }
}
