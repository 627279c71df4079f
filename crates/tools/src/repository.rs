//! Which connected repository a caller means by a name. It links nothing.

use std::fmt::Write as _;

use sentry_client::{
    ErrorKind, Region, Slug,
    repositories::{ListRepositories, Repository},
};

use crate::{
    error::{Error, Result},
    render::markdown,
    tool::Context,
};

/// How many pages of 100 repositories are searched for one name.
pub(crate) const MAX_PAGES: usize = 10;
/// How many candidates are named where a repository is ambiguous.
const MAX_CANDIDATES: usize = 10;

/// A repository that was asked for.
pub(crate) enum Wanted {
    /// It exists, at this integration.
    Found { name: String, integration: String },
    /// The token may not list repositories.
    Unlisted,
}

/// Finds the one connected repository that a caller means, or says which it could be.
pub(crate) async fn wanted(
    cx: &Context<'_>,
    org: &Slug,
    region: Option<&Region>,
    wanted: &str,
) -> Result<Wanted> {
    let Some(known) = connected(cx, org, region, wanted).await? else {
        return Ok(Wanted::Unlisted);
    };
    let exact: Vec<_> = known.iter().filter(|known| same(&known.name, wanted)).collect();
    let matches = if exact.is_empty() && !wanted.contains('/') {
        known.iter().filter(|known| ends_with(&known.name, wanted)).collect()
    } else {
        exact
    };
    match matches.as_slice() {
        [only] => match only.integration() {
            Some(integration) => {
                Ok(Wanted::Found { name: only.name.clone(), integration: integration.to_owned() })
            }
            None => Err(Error::argument(
                "repository",
                format!(
                    "{} is not connected through an integration, so it cannot be linked; \
                     nothing was created. Leave `repository` out, or connect it in Sentry",
                    markdown::code(&only.name, 200)
                ),
            )),
        },
        [] => Err(unresolved("no connected repository is called", wanted, &known)),
        several => Err(unresolved("several repositories match", wanted, several.iter().copied())),
    }
}

/// The repositories whose names contain the last part of `wanted`: the parts before it
/// are written differently from provider to provider. `None` if they may not be listed.
async fn connected(
    cx: &Context<'_>,
    org: &Slug,
    region: Option<&Region>,
    wanted: &str,
) -> Result<Option<Vec<Repository>>> {
    let part = wanted.rsplit('/').next().map(str::trim).filter(|part| !part.is_empty());
    let mut found = Vec::new();
    let mut cursor = None;
    for _ in 0..MAX_PAGES {
        let list =
            ListRepositories { query: part, per_page: Some(100), cursor: cursor.as_ref(), region };
        let page = match cx.sentry.list_repositories(org, &list).await {
            Ok(page) => page,
            Err(err) => match err.kind() {
                ErrorKind::Forbidden { .. } | ErrorKind::NotFound { .. } => return Ok(None),
                _ => return Err(err.into()),
            },
        };
        found.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(Some(found));
        }
    }
    Err(Error::argument(
        "repository",
        format!(
            "more than {} repositories match {}; pass the full name",
            MAX_PAGES * 100,
            markdown::code(wanted, 200)
        ),
    ))
}

/// GitLab writes `acme / web` where others write `acme/web`; no provider tells case apart.
fn normal(name: &str) -> String {
    let parts: Vec<&str> = name.split('/').map(str::trim).collect();
    parts.join("/").to_lowercase()
}

fn same(known: &str, wanted: &str) -> bool {
    normal(known) == normal(wanted)
}

fn ends_with(known: &str, wanted: &str) -> bool {
    normal(known).ends_with(&format!("/{}", normal(wanted)))
}

fn unresolved<'a>(
    problem: &str,
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a Repository>,
) -> Error {
    let mut text = format!("{problem} {}; nothing was created", markdown::code(wanted, 200));
    let mut candidates = candidates.into_iter();
    let names: Vec<String> = candidates
        .by_ref()
        .take(MAX_CANDIDATES)
        .map(|candidate| markdown::code(&candidate.name, 200))
        .collect();
    if !names.is_empty() {
        let _ = write!(text, ". Candidates: {}", names.join(", "));
    }
    let more = candidates.count();
    if more > 0 {
        let _ = write!(text, ", and {more} more");
    }
    text.push_str(". Pass one full name, or leave `repository` out");
    Error::argument("repository", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_write_the_same_name_differently() {
        assert!(same("Acme / Web", "acme/web") && !same("acme/web", "web"));
        assert!(ends_with("Acme / Web", "web") && !ends_with("acme/web", "eb"));
    }
}
