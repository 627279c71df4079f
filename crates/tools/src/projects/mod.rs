//! Projects and their client keys.

mod create_dsn;
mod create_project;
mod find_dsns;
mod find_projects;
mod update_project;

use std::fmt::Write as _;

use schemars::JsonSchema;
use sentry_client::{ErrorKind, Slug, client_keys::ClientKey, projects::Project};
use serde::Serialize;

use crate::{
    catalog::Toolset,
    error::{Error, Result},
    params::given,
    render::markdown,
    tool::{Context, Tool},
};

pub(crate) const PROJECTS: Toolset = Toolset {
    name: "projects",
    tools: &[
        &find_projects::FindProjects,
        &create_project::CreateProject,
        &update_project::UpdateProject,
        &find_dsns::FindDsns,
        &create_dsn::CreateDsn,
    ],
};

/// Text that must not be blank.
fn required<'a>(name: &str, text: &'a str) -> Result<&'a str> {
    given(Some(text)).ok_or_else(|| Error::argument(name, "it is blank; pass some text"))
}

/// A slug that a caller chose.
fn chosen_slug(name: &str, text: Option<&str>) -> Result<Option<Slug>> {
    given(text).map(str::parse).transpose().map_err(|err| Error::argument(name, err))
}

/// Sentry's platform names are lower case.
fn platform(text: Option<&str>) -> Option<String> {
    given(text).map(str::to_lowercase)
}

/// What a next call needs of a project, as data.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProjectFacts {
    slug: String,
    id: Option<String>,
    name: Option<String>,
    platform: Option<String>,
}

impl ProjectFacts {
    fn of(project: &Project) -> ProjectFacts {
        let filled = |text: &Option<String>| given(text.as_deref()).map(str::to_owned);
        ProjectFacts {
            slug: project.slug.clone(),
            id: project.id.clone(),
            name: filled(&project.name),
            platform: filled(&project.platform),
        }
    }
}

/// A client key as data.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyFacts {
    name: Option<String>,
    /// Public: what an SDK is configured with.
    dsn: Option<String>,
    key_id: Option<String>,
    /// Whether events sent with it are accepted.
    active: bool,
    rate_limit: Option<KeyLimit>,
}

/// How many events a client key takes.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyLimit {
    events: u64,
    seconds: u64,
}

impl KeyFacts {
    fn of(key: &ClientKey) -> KeyFacts {
        let limit = key.rate_limit.and_then(|limit| limit.count.zip(limit.window));
        KeyFacts {
            name: given(key.name.as_deref()).map(str::to_owned),
            dsn: key.public_dsn().map(str::to_owned),
            key_id: key.id.clone(),
            active: key.accepts_events(),
            rate_limit: limit
                .filter(|(events, seconds)| *events > 0 && *seconds > 0)
                .map(|(events, seconds)| KeyLimit { events, seconds }),
        }
    }
}

/// The same as text.
fn project_facts(out: &mut String, project: &Project) {
    let _ = writeln!(out, "- Slug: {}", markdown::code(&project.slug, 100));
    if let Some(id) = &project.id {
        let _ = writeln!(out, "- Id: {}", markdown::code(id, 40));
    }
    if let Some(name) = given(project.name.as_deref()) {
        let _ = writeln!(out, "- Name: {}", markdown::line(name, 200));
    }
    if let Some(platform) = given(project.platform.as_deref()) {
        let _ = writeln!(out, "- Platform: {}", markdown::code(platform, 64));
    }
}

/// The name of a client key, for a list.
fn key_name(key: &ClientKey) -> String {
    markdown::line(given(key.name.as_deref()).unwrap_or("(no name)"), 64)
}

/// How to check, where nobody knows whether a write was made. `what` is what may have
/// happened, as in "The project may have been created". Other failures pass through.
fn write_failed<Check: Tool>(cx: &Context<'_>, what: &str, err: sentry_client::Error) -> Error {
    let ErrorKind::OutcomeUnknown { reason } = err.kind() else { return Error::Sentry(err) };
    let check = match cx.offers::<Check>() {
        Some(tool) => format!("call `{tool}` to see whether it was"),
        None => "look in Sentry whether it was".to_owned(),
    };
    let text = format!(
        "the outcome is unknown: the request was sent, but {}. {what}. Next: {check}, and repeat \
         the call only if it was not.",
        markdown::line(reason, 300)
    );
    Error::explained(text, err)
}

/// A write to a project under a slug that it no longer has. Other failures pass through.
fn unless_renamed(cx: &Context<'_>, asked: &str, err: Error) -> Error {
    let Error::Sentry(cause) = err else { return err };
    match cause.kind() {
        ErrorKind::Moved { to_slug: Some(new), .. } => {
            let text = renamed(cx, asked, new);
            Error::explained(text, cause)
        }
        _ => Error::Sentry(cause),
    }
}

fn renamed(cx: &Context<'_>, asked: &str, new: &str) -> String {
    let (asked, new) = (markdown::code(asked, 100), markdown::code(new, 100));
    if cx.sentry.fence().project.is_some() {
        return format!(
            "the project {asked} was renamed to {new} in Sentry, and this session is limited to \
             {asked}. Nothing was changed. Next: the user limits the session to {new} instead."
        );
    }
    format!(
        "the project {asked} was renamed to {new}. Nothing was changed. Next: call again with \
         `projectSlug`: {new}."
    )
}
