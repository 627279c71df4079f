//! Whom `me` and `my_teams` mean in a search for issues; events know no people. Sentry gets what
//! was written, and a lookup that fails changes nothing but a sentence.

use std::{collections::HashSet, fmt::Write as _, time::Duration};

use futures::future;
use schemars::JsonSchema;
use search_query::{Dataset, StandInKind, parse};
use sentry_client::{Region, Slug, auth::User, teams::ListTeams};
use serde::Serialize;

use crate::{params::given, render::markdown, teams::find_teams::FindTeams, tool::Context};

/// How long the lookups may take: they are a help, not the answer.
const LIMIT: Duration = Duration::from_secs(3);
/// The most filters that are explained.
const MAX_FILTERS: usize = 5;
/// The most teams that are named.
const MAX_TEAMS: usize = 10;

/// Whom a filter means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Meant {
    /// As it was written, such as `assigned:me`.
    filter: String,
    who: String,
}

/// Each filter of a query that stands for whoever asks, and whom it means.
pub(crate) async fn meant(
    cx: &Context<'_>,
    org: &Slug,
    region: Option<&Region>,
    query: &str,
) -> Vec<Meant> {
    let outcome = parse(query, Dataset::Issues);
    let mut seen = HashSet::new();
    let written: Vec<(&str, StandInKind)> = outcome
        .query()
        .stand_ins()
        .map(|it| (it.filter.span.of(query), it.kind))
        .filter(|it| seen.insert((it.0, it.1 == StandInKind::Me)))
        .take(MAX_FILTERS)
        .collect();
    if written.is_empty() {
        return Vec::new();
    }
    let wants_teams = written.iter().any(|(_, kind)| *kind == StandInKind::MyTeams);
    let client = cx.sentry.within(LIMIT);
    let teams = async {
        // The same permission as for listing the teams.
        if !wants_teams || cx.offers::<FindTeams>().is_none() {
            return None;
        }
        let list = ListTeams { region, ..ListTeams::default() };
        let page = client.list_teams(org, &list).await.ok()?;
        let mine = page.items.into_iter().filter(|team| team.is_member == Some(true));
        Some(mine.map(|team| team.slug).collect::<Vec<_>>())
    };
    let (user, teams) = future::join(client.authenticated_user(), teams).await;
    let (user, teams) = (user.ok(), teams.unwrap_or_default());
    let who = |kind| match kind {
        StandInKind::Me => named(user.as_ref()),
        StandInKind::MyTeams => teams_of(user.as_ref(), &teams),
    };
    let one =
        |(filter, kind): (&str, StandInKind)| Meant { filter: filter.to_owned(), who: who(kind) };
    written.into_iter().map(one).collect()
}

fn named(user: Option<&User>) -> String {
    let of = |text: Option<&String>| given(text.map(String::as_str)).map(str::to_owned);
    let Some(user) = user else { return unknown() };
    let name = of(user.name.as_ref()).map(|name| markdown::line(&name, 100));
    let address = of(user.email.as_ref()).or_else(|| of(user.username.as_ref()));
    let address = address.map(|address| markdown::code(&address, 254));
    let known: Vec<String> = name.into_iter().chain(address).collect();
    match (&user.id, known.is_empty()) {
        (None, true) => unknown(),
        (None, false) => format!("the user {}", known.join(", ")),
        (Some(id), true) => format!("the user {}", markdown::code(id, 40)),
        (Some(id), false) => format!("the user {} ({})", markdown::code(id, 40), known.join(", ")),
    }
}

fn unknown() -> String {
    "whoever the auth token belongs to, which Sentry did not tell".to_owned()
}

fn teams_of(user: Option<&User>, teams: &[String]) -> String {
    let mut text = format!("the teams of {}", named(user));
    if !teams.is_empty() {
        let shown: Vec<String> =
            teams.iter().take(MAX_TEAMS).map(|slug| markdown::code(slug, 100)).collect();
        let _ = write!(text, ": {}", shown.join(", "));
        if teams.len() > MAX_TEAMS {
            let _ = write!(text, " and {} more", teams.len() - MAX_TEAMS);
        }
    }
    text
}

/// One line for each, below what was executed.
pub(crate) fn write(out: &mut String, meant: &[Meant]) {
    for Meant { filter, who } in meant {
        let _ = writeln!(out, "{} is {who}.", markdown::code(filter, 200));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: Option<&str>, name: Option<&str>, email: Option<&str>) -> User {
        let text = |text: Option<&str>| text.map(str::to_owned);
        User { id: text(id), name: text(name), username: None, email: text(email) }
    }

    #[test]
    fn a_person_is_told_as_far_as_sentry_tells() {
        for (user, expected) in [
            (
                Some(user(Some("7"), Some("Member"), Some("m@example.test"))),
                "the user `7` (Member, `m@example.test`)",
            ),
            (Some(user(Some("7"), Some(" "), None)), "the user `7`"),
            (Some(user(None, None, Some("m@example.test"))), "the user `m@example.test`"),
            (
                Some(user(None, None, None)),
                "whoever the auth token belongs to, which Sentry did not tell",
            ),
            (None, "whoever the auth token belongs to, which Sentry did not tell"),
        ] {
            assert_eq!(named(user.as_ref()), expected);
        }
    }

    #[test]
    fn many_teams_are_counted() {
        let teams: Vec<String> = (0..12).map(|number| format!("t{number}")).collect();
        let text = teams_of(None, &teams);
        assert!(text.ends_with("`t9` and 2 more"), "{text}");
    }
}
