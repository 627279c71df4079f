//! Which known field a name was probably meant to be.
//!
//! Applications name their tags as they like, so this is careful: a name that many applications
//! use for a tag, a short name, and a name that only looks related have no neighbor.

use crate::{Code, Dataset, Diagnostic, Key};

use super::{
    DATASETS, Field, aggregates, field, fields,
    lore::{FUNCTION_SUFFIXES, MORE_FUNCTIONS, OTHERWISE, OWN, OWN_PREFIXES, TAGS},
};

/// No name of a field is longer.
const LONGEST: usize = 64;

pub(super) fn nearest(dataset: Dataset, name: &str) -> Option<&'static Field> {
    if name.len() > LONGEST {
        return None;
    }
    let mut otherwise = OTHERWISE.iter().filter(|(wrong, _)| *wrong == name);
    if let Some(field) = otherwise.find_map(|(_, field)| super::field(dataset, field)) {
        return Some(field);
    }
    if TAGS.contains(&name) {
        return None;
    }
    let wanted = fold(name);
    let mut best: Option<(usize, &'static Field)> = None;
    for field in fields(dataset) {
        if best.is_some_and(|(distance, _)| distance == 0) {
            break;
        }
        let Some(distance) = distance(name, &wanted, field.name) else { continue };
        if best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, field));
        }
    }
    best.map(|(_, field)| field)
}

/// The value that was probably meant, among a short list.
pub(super) fn nearest_value(values: &'static [&'static str], given: &str) -> Option<&'static str> {
    if given.len() > LONGEST {
        return None;
    }
    let wanted = fold(given);
    let alike = values.iter().copied().find(|value| fold(value) == wanted);
    alike.or_else(|| {
        let typos = values
            .iter()
            .filter_map(|value| typo(&wanted, &fold(value), 4).map(|distance| (distance, *value)));
        typos.min_by_key(|(distance, _)| *distance).map(|(_, value)| value)
    })
}

/// What to say of a name that is a field of another dataset.
pub(super) fn elsewhere(dataset: Dataset, name: &str) -> Option<String> {
    if !OWN.contains(&name) && !OWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return None;
    }
    let other = DATASETS.into_iter().find(|other| field(*other, name).is_some())?;
    let instead = match name {
        "firstSeen" | "lastSeen" => "; use `timestamp`, or search the issues",
        "timesSeen" => "; use `count()`, or search the issues",
        _ => "",
    };
    Some(format!("`{name}` is a field of {other}; in {dataset} it is searched as a tag{instead}"))
}

/// What to say of a function that the dataset is not known to have.
pub(super) fn unknown_function(dataset: Dataset, key: &Key<'_>) -> Option<Diagnostic> {
    let base = FUNCTION_SUFFIXES.iter().find_map(|suffix| key.name.strip_suffix(suffix));
    let known = |name: &str| aggregates(dataset).iter().any(|aggregate| aggregate.name == name);
    if base.is_some_and(known) {
        return None;
    }
    let elsewhere = |name: &str| {
        MORE_FUNCTIONS.contains(&name)
            || DATASETS.into_iter().flat_map(aggregates).any(|aggregate| aggregate.name == name)
    };
    let name = key.name;
    if elsewhere(name) || base.is_some_and(elsewhere) {
        let message = format!("`{name}` is no usual function of {dataset}");
        return Some(Diagnostic::warning(key.span, Code::UnknownFunction, message));
    }
    let message = format!("`{name}` is no function of {dataset}");
    let finding = Diagnostic::error(key.span, Code::UnknownFunction, message);
    let place = crate::Span::new(key.span.start, key.span.start + name.len());
    let lower = name.to_ascii_lowercase();
    let near = aggregates(dataset)
        .iter()
        .map(|aggregate| aggregate.name)
        .filter(|known| *known == lower || typo(&lower, known, 4).is_some())
        .min_by_key(|known| strsim::osa_distance(&lower, known));
    Some(match near {
        Some(near) => finding.fix(place, near),
        None => finding,
    })
}

/// How far two names are apart, if they are near: 0 when only case or separators differ.
fn distance(name: &str, folded: &str, known: &str) -> Option<usize> {
    // Folding drops characters, so near names may differ more in length before than after.
    if name.len().abs_diff(known.len()) > 4 {
        return None;
    }
    if fold_eq(folded, known) {
        return Some(0);
    }
    match (name.contains('.'), known.contains('.')) {
        (false, false) if is_plural(name, known) => None,
        (false, false) => typo(name, known, 5),
        (true, true) => one_part(name, known),
        _ => None,
    }
}

/// Dotted names are compared part by part: only one part may have a typo, and `db.version` is
/// not a misspelled `os.version`.
fn one_part(name: &str, known: &str) -> Option<usize> {
    if name.bytes().filter(|b| *b == b'.').count() != known.bytes().filter(|b| *b == b'.').count() {
        return None;
    }
    let mut differing =
        name.split('.').zip(known.split('.')).filter(|(given, known)| given != known);
    let (given, known) = differing.next()?;
    if differing.next().is_some() { None } else { typo(given, known, 4) }
}

/// Whether one word is the plural of the other: `events` is another tag than `event`.
fn is_plural(name: &str, known: &str) -> bool {
    let plural = |one: &str, many: &str| many.strip_suffix('s') == Some(one);
    !name.contains('_') && (plural(name, known) || plural(known, name))
}

/// One slip of the finger in words of `least` letters and more, two in words of nine and more.
fn typo(given: &str, known: &str, least: usize) -> Option<usize> {
    let shorter = given.len().min(known.len());
    let allowed = if shorter >= 9 {
        2
    } else if shorter >= least {
        1
    } else {
        return None;
    };
    if given.len().abs_diff(known.len()) > allowed {
        return None;
    }
    // One slip changes at most two letters in a row, which is quicker to see than to measure.
    if allowed == 1 && given.len().max(known.len()) - in_common(given, known) > 2 {
        return None;
    }
    let distance = strsim::osa_distance(given, known);
    (1..=allowed).contains(&distance).then_some(distance)
}

/// How many bytes two words share at the start and at the end, at most the shorter's length.
fn in_common(given: &str, known: &str) -> usize {
    let pairs = || given.bytes().zip(known.bytes());
    let start = pairs().take_while(|(a, b)| a == b).count();
    let backwards = given.bytes().rev().zip(known.bytes().rev());
    let end = backwards.take_while(|(a, b)| a == b).count();
    (start + end).min(given.len().min(known.len()))
}

/// Lower case, without separators.
fn fold(name: &str) -> String {
    folded(name).collect()
}

fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|c| !matches!(c, '_' | '-' | '.')).map(|c| c.to_ascii_lowercase())
}

fn fold_eq(wanted: &str, known: &str) -> bool {
    wanted.chars().eq(folded(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(dataset: Dataset, name: &str) -> Option<&'static str> {
        nearest(dataset, name).map(|field| field.name)
    }

    #[test]
    fn a_slip_finds_the_field() {
        for (dataset, name, expected) in [
            (Dataset::Issues, "levle", "level"),
            (Dataset::Issues, "Level", "level"),
            (Dataset::Issues, "firstseen", "firstSeen"),
            (Dataset::Issues, "FirstSeen", "firstSeen"),
            (Dataset::Issues, "lastseen", "lastSeen"),
            (Dataset::Issues, "timesseen", "timesSeen"),
            (Dataset::Issues, "assinged", "assigned"),
            (Dataset::Issues, "assignee", "assigned"),
            (Dataset::Issues, "enviroment", "environment"),
            (Dataset::Issues, "relese", "release"),
            (Dataset::Issues, "Release", "release"),
            (Dataset::Issues, "issue.catgory", "issue.category"),
            (Dataset::Issues, "issue_priority", "issue.priority"),
            (Dataset::Errors, "transacton", "transaction"),
            (Dataset::Errors, "error.hanlded", "error.handled"),
            (Dataset::Errors, "error.handeled", "error.handled"),
            (Dataset::Errors, "stack.fliename", "stack.filename"),
            (Dataset::Errors, "exception.type", "error.type"),
            (Dataset::Spans, "span.duraton", "span.duration"),
            (Dataset::Spans, "spanduration", "span.duration"),
            (Dataset::Spans, "span.desciption", "span.description"),
            (Dataset::Spans, "duration", "span.duration"),
            (Dataset::Logs, "severty", "severity"),
            (Dataset::Logs, "level", "severity"),
            (Dataset::Logs, "log.level", "severity"),
            (Dataset::Metrics, "metric_name", "metric.name"),
            (Dataset::Profiles, "profile.duratoin", "profile.duration"),
            (Dataset::Replays, "count_rage_click", "count_rage_clicks"),
            (Dataset::Replays, "countErrors", "count_errors"),
            (Dataset::Replays, "click.slector", "click.selector"),
        ] {
            assert_eq!(near(dataset, name), Some(expected), "{dataset} {name}");
        }
    }

    #[test]
    fn plausible_tags_stand_for_themselves() {
        for name in [
            "user_id",
            "customer",
            "tier",
            "env",
            "region",
            "service",
            "status_code",
            "session_id",
            "state",
            "users",
            "app.version",
            "db.version",
            "fed.name",
            "tenant",
            "leve",
            "lvl",
            "releases_count",
            "my.custom.tag",
            "feature_flag",
            "payment.method",
            "queue_name",
            "celery_task_id",
            "aws.region",
            "k8s.pod",
            "os.flavor",
            "device.color",
            "x",
            "ab",
            "sampled",
            "runner",
            "browser_size",
            "project_owner",
            "",
            "..",
            "platforms",
            "error.code",
        ] {
            for dataset in [Dataset::Issues, Dataset::Errors, Dataset::Spans, Dataset::Logs] {
                assert_eq!(near(dataset, name), None, "{dataset} {name}");
            }
        }
    }

    #[test]
    fn a_very_long_name_is_not_compared() {
        assert_eq!(near(Dataset::Spans, &"level".repeat(100_000)), None);
    }
}
