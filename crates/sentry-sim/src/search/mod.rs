//! Sentry's issue search, as much of it as people try: `is:`, `level:`, `assigned:`, tags, ages,
//! numbers, negation, quotes, lists, free text. Boolean operators are refused, as Sentry does here.

mod rows;

use std::fmt;

use crate::data::{Assignee, BASE_INSTANT, Issue, World};
pub(crate) use crate::search::rows::RowSearch;

/// Why a search is refused; follows "Error parsing search query: ".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SearchError(String);

impl fmt::Display for SearchError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A parsed search: all terms must hold.
#[derive(Debug)]
pub(crate) struct Search {
    terms: Vec<Term>,
}

#[derive(Debug)]
struct Term {
    negated: bool,
    /// Lower case; `None` is free text.
    key: Option<String>,
    /// Any of them; lower case.
    values: Vec<String>,
}

/// The order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    LastSeen,
    FirstSeen,
    Events,
    Users,
    Recommended,
}

impl Sort {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "date" | "inbox" | "" => Self::LastSeen,
            "new" => Self::FirstSeen,
            "freq" => Self::Events,
            "user" => Self::Users,
            "recommended" | "trends" | "priority" | "betterPriority" => Self::Recommended,
            _ => return None,
        })
    }

    /// Sorts the largest first; equal ones by id, so that pages do not overlap.
    pub(crate) fn apply(self, issues: &mut [&Issue]) {
        issues.sort_by_key(|issue| (std::cmp::Reverse(self.weight(issue)), issue.id));
    }

    fn weight(self, issue: &Issue) -> i64 {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        match self {
            Self::LastSeen => issue.last_seen,
            Self::FirstSeen => issue.first_seen,
            Self::Events => number(issue.count),
            Self::Users => number(issue.users),
            Self::Recommended => {
                let rank = match issue.priority.as_str() {
                    "high" => 3,
                    "medium" => 2,
                    _ => 1,
                };
                // A step of priority outweighs ten days of age.
                issue.last_seen + rank * 10 * 86_400
            }
        }
    }
}

/// The start of a `statsPeriod` such as `24h`, as seconds since the epoch.
pub(crate) fn period_start(period: &str) -> Option<i64> {
    duration(period).map(|seconds| BASE_INSTANT.saturating_sub(seconds))
}

fn duration(text: &str) -> Option<i64> {
    let unit = match text.chars().next_back()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    let number = text.get(..text.len() - 1)?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number.parse::<i64>().ok()?.checked_mul(unit)
}

impl Search {
    pub(crate) fn parse(query: &str) -> Result<Self, SearchError> {
        let mut terms = Vec::new();
        for word in words(query)? {
            if matches!(word.as_str(), "OR" | "AND") {
                return Err(SearchError(
                    "Boolean statements containing \"OR\" or \"AND\" are not supported in this \
                     search"
                        .to_owned(),
                ));
            }
            terms.push(term(&word)?);
        }
        Ok(Self { terms })
    }

    pub(crate) fn matches(&self, world: &World, issue: &Issue, user: u64) -> bool {
        self.terms.iter().all(|term| {
            let holds = match &term.key {
                None => term.values.iter().any(|value| has_text(world, issue, value)),
                Some(key) => term.values.iter().any(|value| has(world, issue, user, key, value)),
            };
            holds != term.negated
        })
    }
}

/// Splits at spaces outside quotes and brackets; checks that they are balanced.
fn words(query: &str) -> Result<Vec<String>, SearchError> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let (mut quoted, mut escaped, mut brackets, mut parentheses) = (false, false, 0_i32, 0_i32);
    for (position, letter) in query.chars().enumerate() {
        let unexpected = || {
            SearchError(format!(
                "Parse error at '{}' (column {}). This is commonly caused by unmatched \
                 parentheses. Enclose any text in double quotes.",
                query.chars().skip(position.saturating_sub(5)).take(12).collect::<String>(),
                position + 1,
            ))
        };
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '[' => brackets += 1,
            ']' => brackets -= 1,
            '(' => parentheses += 1,
            ')' => parentheses -= 1,
            _ => {}
        }
        if brackets < 0 || parentheses < 0 {
            return Err(unexpected());
        }
        if letter.is_whitespace() && !quoted && brackets == 0 {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
        } else {
            word.push(letter);
        }
    }
    if quoted {
        return Err(SearchError(
            "Parse error: unclosed quotation mark. Add a double quote at the end of the value."
                .to_owned(),
        ));
    }
    if brackets != 0 || parentheses != 0 {
        return Err(SearchError(
            "Parse error: unmatched parentheses or brackets. Enclose any text in double quotes."
                .to_owned(),
        ));
    }
    if !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

fn term(word: &str) -> Result<Term, SearchError> {
    let (negated, rest) = match word.strip_prefix('!') {
        Some(rest) if rest.contains(':') => (true, rest),
        _ => (false, word),
    };
    let key_value = rest.split_once(':').filter(|(key, value)| {
        !key.is_empty()
            && !value.starts_with("//")
            && key.chars().all(|letter| letter.is_alphanumeric() || "._-[]".contains(letter))
    });
    let Some((key, value)) = key_value else {
        return Ok(Term { negated: false, key: None, values: vec![unquote(word)] });
    };
    let key = key.to_lowercase();
    if value.is_empty() {
        return Err(SearchError(format!("Empty string after '{key}:'")));
    }
    let list = value.strip_prefix('[').and_then(|value| value.strip_suffix(']'));
    let values: Vec<String> = match list {
        Some(list) => list.split(',').map(|value| unquote(value.trim())).collect(),
        None => vec![unquote(value)],
    };
    if key == "is" {
        check_is(&values)?;
    }
    Ok(Term { negated, key: Some(key), values })
}

fn unquote(value: &str) -> String {
    let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    inner.unwrap_or(value).replace("\\\"", "\"").to_lowercase()
}

fn check_is(values: &[String]) -> Result<(), SearchError> {
    const KNOWN: [&str; 16] = [
        "unresolved",
        "resolved",
        "ignored",
        "archived",
        "muted",
        "assigned",
        "unassigned",
        "for_review",
        "new",
        "ongoing",
        "regressed",
        "escalating",
        "linked",
        "unlinked",
        "until_escalating",
        "until_condition_met",
    ];
    match values.iter().find(|value| !KNOWN.contains(&value.as_str()) && *value != "forever") {
        None => Ok(()),
        Some(value) => Err(SearchError(format!(
            "Invalid value for \"is\" search, valid values are {KNOWN:?}, \
                 not {value:?}"
        ))),
    }
}

fn has(world: &World, issue: &Issue, user: u64, key: &str, value: &str) -> bool {
    let any = |values: &[String]| values.iter().any(|one| same(one, value));
    match key {
        "is" => is(issue, value),
        "has" => {
            issue.tags.contains_key(value) || (value == "assignee" && issue.assigned.is_some())
        }
        "level" => same(&issue.level, value),
        "assigned" | "assigned_or_suggested" => assigned(world, issue, user, value),
        "environment" => any(&issue.environments),
        "release" | "first-release" | "firstrelease" if value == "latest" => {
            latest_release(world, issue).is_some_and(|latest| issue.releases.contains(latest))
        }
        "release" => any(&issue.releases),
        "firstrelease" | "first-release" => {
            issue.releases.last().is_some_and(|first| same(first, value))
        }
        "project" | "project.name" | "project.id" => world
            .projects
            .get(issue.project)
            .is_some_and(|project| same(&project.slug, value) || project.id.to_string() == value),
        "error.type" => any(&issue.error_types),
        "error.value" => any(&issue.error_values),
        "error.unhandled" => issue.unhandled == matches!(value, "true" | "1"),
        "error.handled" => issue.unhandled != matches!(value, "true" | "1"),
        "issue" => same(&issue.short_id, value),
        "issue.id" => issue.id.to_string() == value,
        "issue.category" => same(&issue.category, value),
        "issue.type" => same(&issue.kind, value),
        "issue.priority" | "priority" => same(&issue.priority, value),
        "platform" | "platform.name" => same(&issue.platform, value),
        "title" => same(&issue.title, value),
        "message" => has_text(world, issue, value),
        "culprit" => issue.culprit.as_ref().is_some_and(|culprit| same(culprit, value)),
        "id" | "event.id" => has_event(world, issue, value),
        "timesseen" => compare(value, issue.count),
        "usercount" | "users" => compare(value, issue.users),
        "firstseen" | "first_seen" | "age" => seen(value, issue.first_seen),
        "lastseen" | "last_seen" => seen(value, issue.last_seen),
        // Accepted and without effect: nobody bookmarks in the data set.
        "bookmarks" | "subscribed" | "timestamp" | "date" => true,
        tag => {
            let tag =
                tag.strip_prefix("tags[").and_then(|tag| tag.strip_suffix(']')).unwrap_or(tag);
            issue
                .tags
                .get(tag)
                .is_some_and(|values| values.iter().any(|one| same(&one.value, value)))
        }
    }
}

fn latest_release<'w>(world: &'w World, issue: &Issue) -> Option<&'w String> {
    let project = world.projects.get(issue.project)?.id;
    world.releases.iter().find(|release| release.project == project).map(|one| &one.version)
}

fn is(issue: &Issue, value: &str) -> bool {
    let substatus = issue.substatus.as_deref().unwrap_or_default();
    match value {
        "unresolved" | "resolved" => issue.status == value,
        "ignored" | "archived" | "muted" => issue.status == "ignored",
        "assigned" => issue.assigned.is_some(),
        "unassigned" => issue.assigned.is_none(),
        "for_review" => issue.status == "unresolved" && substatus == "new",
        "until_escalating" | "until_condition_met" | "forever" => {
            substatus.strip_prefix("archived_") == Some(value)
        }
        "linked" => false,
        "unlinked" => true,
        _ => substatus == value,
    }
}

fn assigned(world: &World, issue: &Issue, user: u64, value: &str) -> bool {
    let team = |id: u64| world.teams.iter().find(|team| team.id == id);
    match (issue.assigned, value) {
        (None, "none") => true,
        (None, _) | (Some(_), "none") => false,
        (Some(Assignee::User(id)), "me") => id == user,
        (Some(Assignee::Team(id)), "my_teams" | "me") if value == "my_teams" => {
            team(id).is_some_and(|team| team.members.contains(&user))
        }
        (Some(Assignee::Team(id)), value) => {
            let value = value.trim_start_matches("team:").trim_start_matches('#');
            team(id).is_some_and(|team| same(&team.slug, value) || team.id.to_string() == value)
        }
        (Some(Assignee::User(id)), value) => {
            let value = value.trim_start_matches("user:");
            value == id.to_string() || world.user(id).is_some_and(|known| same(known.email, value))
        }
    }
}

/// Equal whatever the case; `*` stands for any text.
fn same(actual: &str, wanted: &str) -> bool {
    let actual = actual.to_lowercase();
    if !wanted.contains('*') {
        return actual == wanted;
    }
    let mut parts = wanted.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = actual.strip_prefix(first) else { return false };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Free text: title, culprit, short id, exception values, or the id of an event.
fn has_text(world: &World, issue: &Issue, value: &str) -> bool {
    if value.len() == 32 && value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return has_event(world, issue, value);
    }
    let texts = [issue.title.as_str(), issue.culprit.as_deref().unwrap_or_default()];
    let value = value.trim_matches('*');
    texts
        .into_iter()
        .chain(issue.error_values.iter().map(String::as_str))
        .any(|text| text.to_lowercase().contains(value))
        || issue.short_id.to_lowercase() == value
}

fn has_event(world: &World, issue: &Issue, id: &str) -> bool {
    world
        .event(id)
        .and_then(|event| world.issues.get(event.issue))
        .is_some_and(|owner| owner.id == issue.id)
}

fn compare(condition: &str, actual: u64) -> bool {
    let (operator, number) = split_operator(condition);
    number.parse::<u64>().is_ok_and(|number| holds(operator, actual.cmp(&number)))
}

/// `-24h` is within the last day, `+24h` before it; `>2026-11-01` compares dates.
fn seen(condition: &str, actual: i64) -> bool {
    if let Some(start) = condition.strip_prefix('-').and_then(period_start) {
        return actual >= start;
    }
    if let Some(start) = condition.strip_prefix('+').and_then(period_start) {
        return actual <= start;
    }
    let (operator, text) = split_operator(condition);
    let text = text.to_uppercase();
    let instant =
        text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second).or_else(|| {
            let date = text.get(..10)?;
            format!("{date}T00:00:00Z")
                .parse::<jiff::Timestamp>()
                .ok()
                .map(jiff::Timestamp::as_second)
        });
    instant.is_some_and(|instant| holds(operator, actual.cmp(&instant)))
}

fn split_operator(condition: &str) -> (&str, &str) {
    for operator in [">=", "<=", ">", "<", "="] {
        if let Some(rest) = condition.strip_prefix(operator) {
            return (operator, rest);
        }
    }
    ("=", condition)
}

fn holds(operator: &str, ordering: std::cmp::Ordering) -> bool {
    match operator {
        ">=" => ordering.is_ge(),
        "<=" => ordering.is_le(),
        ">" => ordering.is_gt(),
        "<" => ordering.is_lt(),
        _ => ordering.is_eq(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::ADMIN_USER, data::Origins};

    fn found(query: &str) -> Vec<String> {
        let origins = Origins { main: "main".to_owned(), region: "region".to_owned() };
        let world = World::new(origins).expect("the data set is valid");
        let search = Search::parse(query).expect("the query is valid");
        let matching = |issue: &&Issue| search.matches(&world, issue, ADMIN_USER);
        world.issues.iter().filter(matching).map(|issue| issue.short_id.clone()).collect()
    }

    #[test]
    fn an_unbalanced_query_is_refused() {
        for query in ["\"abc", "level:(error", "level:error)", "level:[error", "a ] b"] {
            assert!(Search::parse(query).is_err(), "{query}");
        }
        assert!(Search::parse("level:").is_err());
        assert!(Search::parse("is:sleeping").is_err());
        assert!(Search::parse("a OR b").is_err());
    }

    #[test]
    fn an_open_and_a_closed_status_share_no_issue_and_cover_all() {
        let all = found("").len();
        let parts = ["is:unresolved", "is:resolved", "is:ignored"].map(|query| found(query).len());
        assert!(parts.iter().all(|part| *part > 0), "{parts:?}");
        assert_eq!(parts.iter().sum::<usize>(), all);
    }

    #[test]
    fn negation_takes_the_rest() {
        let all = found("").len();
        assert_eq!(found("level:error").len() + found("!level:error").len(), all);
        assert_eq!(found("assigned:none").len() + found("is:assigned").len(), all);
    }

    #[test]
    fn lists_quotes_and_wildcards_match() {
        let errors = found("level:error").len() + found("level:fatal").len();
        assert_eq!(found("level:[error, fatal]").len(), errors);
        assert!(found("error.type:PaymentTimeout").contains(&"CHECKOUT-API-1".to_owned()));
        assert!(found("error.type:Payment*").contains(&"CHECKOUT-API-1".to_owned()));
        assert!(found("title:\"PaymentTimeout*\"").contains(&"CHECKOUT-API-1".to_owned()));
    }

    #[test]
    fn ages_and_numbers_compare() {
        let all = found("").len();
        assert_eq!(found("lastSeen:-24h").len() + found("!lastSeen:-24h").len(), all);
        assert!(found("lastSeen:-1m").is_empty());
        assert_eq!(found("times_seen:>=0 timesSeen:>=0").len(), 0, "times_seen is a tag");
        assert_eq!(found("timesSeen:>=0").len(), all);
        assert_eq!(found("firstSeen:<2030-01-01").len(), all);
    }
}
