//! The table of endpoints and the scopes that each accepts. Answers nothing.

/// An endpoint with the variable parts of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    Root,
    Auth,
    UserMe,
    Regions,
    Organizations,
    Projects,
    Organization(&'a str, OrgRoute<'a>),
    Project(&'a str, &'a str, ProjectRoute<'a>),
    TeamProjects(&'a str, &'a str),
    /// The old form of an issue's address, without an organization.
    Issue(&'a str, IssueRoute<'a>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OrgRoute<'a> {
    Details,
    Projects,
    Teams,
    Releases,
    Issues,
    Issue(&'a str, IssueRoute<'a>),
    EventId(&'a str),
    ShortId(&'a str),
    Repos,
    CodeMappings,
    Members,
    Environments,
    Tags,
    TagValues(&'a str),
    Events,
    EventsValidate,
    Trace(&'a str),
    TraceMeta(&'a str),
    ReplayCount,
    Replays,
    Replay(&'a str),
    TraceItemAttributes,
    TraceItemValues(&'a str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProjectRoute<'a> {
    Details,
    Teams,
    Team(&'a str),
    Keys,
    Releases,
    Environments,
    Issues,
    Event(&'a str),
    /// Of an event.
    Attachments(&'a str),
    /// Event, attachment.
    Attachment(&'a str, &'a str),
    StacktraceLink,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IssueRoute<'a> {
    Details,
    Events,
    Event(&'a str),
    Notes,
    Tags,
    Tag(&'a str),
    TagValues(&'a str),
    Autofix,
    ExternalIssues,
}

pub(super) fn route<'a>(segments: &[&'a str]) -> Option<Route<'a>> {
    Some(match *segments {
        [] => Route::Root,
        ["auth"] => Route::Auth,
        ["users", "me"] => Route::UserMe,
        ["users", "me", "regions"] => Route::Regions,
        ["organizations"] => Route::Organizations,
        ["projects"] => Route::Projects,
        ["organizations", org, ref rest @ ..] => Route::Organization(org, org_route(rest)?),
        ["projects", org, project, ref rest @ ..] => {
            Route::Project(org, project, project_route(rest)?)
        }
        ["teams", org, team, "projects"] => Route::TeamProjects(org, team),
        ["issues", id, ref rest @ ..] => Route::Issue(id, issue_route(rest)?),
        _ => return None,
    })
}

fn org_route<'a>(segments: &[&'a str]) -> Option<OrgRoute<'a>> {
    Some(match *segments {
        [] => OrgRoute::Details,
        ["projects"] => OrgRoute::Projects,
        ["teams"] => OrgRoute::Teams,
        ["releases"] => OrgRoute::Releases,
        ["issues"] => OrgRoute::Issues,
        ["issues", id, ref rest @ ..] => OrgRoute::Issue(id, issue_route(rest)?),
        ["eventids", id] => OrgRoute::EventId(id),
        ["shortids", id] => OrgRoute::ShortId(id),
        ["repos"] => OrgRoute::Repos,
        ["code-mappings", "bulk"] => OrgRoute::CodeMappings,
        ["members"] => OrgRoute::Members,
        ["environments"] => OrgRoute::Environments,
        ["tags"] => OrgRoute::Tags,
        ["tags", key, "values"] => OrgRoute::TagValues(key),
        ["events"] => OrgRoute::Events,
        ["events", "validate"] => OrgRoute::EventsValidate,
        ["trace", id] => OrgRoute::Trace(id),
        ["trace-meta", id] => OrgRoute::TraceMeta(id),
        ["replay-count"] => OrgRoute::ReplayCount,
        ["replays"] => OrgRoute::Replays,
        ["replays", id] => OrgRoute::Replay(id),
        ["trace-items", "attributes"] => OrgRoute::TraceItemAttributes,
        ["trace-items", "attributes", key, "values"] => OrgRoute::TraceItemValues(key),
        _ => return None,
    })
}

fn project_route<'a>(segments: &[&'a str]) -> Option<ProjectRoute<'a>> {
    Some(match *segments {
        [] => ProjectRoute::Details,
        ["teams"] => ProjectRoute::Teams,
        ["teams", team] => ProjectRoute::Team(team),
        ["keys"] => ProjectRoute::Keys,
        ["releases"] => ProjectRoute::Releases,
        ["environments"] => ProjectRoute::Environments,
        ["issues"] => ProjectRoute::Issues,
        ["events", id] => ProjectRoute::Event(id),
        ["events", id, "attachments"] => ProjectRoute::Attachments(id),
        ["events", event, "attachments", id] => ProjectRoute::Attachment(event, id),
        ["stacktrace-link"] => ProjectRoute::StacktraceLink,
        _ => return None,
    })
}

fn issue_route<'a>(segments: &[&'a str]) -> Option<IssueRoute<'a>> {
    Some(match *segments {
        [] => IssueRoute::Details,
        ["events"] => IssueRoute::Events,
        ["events", id] => IssueRoute::Event(id),
        ["notes" | "comments"] => IssueRoute::Notes,
        ["tags"] => IssueRoute::Tags,
        ["tags", key] => IssueRoute::Tag(key),
        ["tags", key, "values"] => IssueRoute::TagValues(key),
        ["autofix"] => IssueRoute::Autofix,
        ["external-issues"] => IssueRoute::ExternalIssues,
        _ => return None,
    })
}

/// The scopes of which the endpoint accepts any (higher levels of them included); `None` if it has
/// no such method. From `security` in Sentry's API description, where it lists the endpoint.
pub(super) fn accepted_scopes(route: Route<'_>, method: &str) -> Option<&'static [&'static str]> {
    match (route, method) {
        (Route::Organization(_, OrgRoute::Issue(_, route)) | Route::Issue(_, route), _) => {
            issue_scopes(route, method)
        }
        (_, "GET") => read_scopes(route),
        _ => write_scopes(route, method),
    }
}

fn read_scopes(route: Route<'_>) -> Option<&'static [&'static str]> {
    use {OrgRoute as O, ProjectRoute as P};
    Some(match route {
        Route::Root | Route::Auth | Route::UserMe => &[],
        Route::Regions
        | Route::Organizations
        | Route::Organization(
            _,
            O::Details
            | O::Projects
            | O::Teams
            | O::EventId(_)
            | O::Environments
            | O::Tags
            | O::TagValues(_)
            | O::Events
            | O::EventsValidate
            | O::Trace(_)
            | O::TraceMeta(_)
            | O::ReplayCount
            | O::Replays
            | O::Replay(_)
            | O::TraceItemAttributes
            | O::TraceItemValues(_),
        ) => &["org:read"],
        Route::Organization(_, O::Repos) => &["org:read", "org:integrations"],
        Route::Organization(_, O::Members) => &["member:read"],
        Route::Organization(_, O::Releases) | Route::Project(_, _, P::Releases) => {
            &["project:read", "project:releases"]
        }
        Route::Projects
        | Route::TeamProjects(..)
        | Route::Project(
            _,
            _,
            P::Details
            | P::Teams
            | P::Keys
            | P::Environments
            | P::Event(_)
            | P::Attachments(_)
            | P::Attachment(..)
            | P::StacktraceLink,
        ) => &["project:read"],
        Route::Organization(_, O::Issues | O::ShortId(_)) | Route::Project(_, _, P::Issues) => {
            &["event:read"]
        }
        _ => return None,
    })
}

fn write_scopes(route: Route<'_>, method: &str) -> Option<&'static [&'static str]> {
    use {OrgRoute as O, ProjectRoute as P};
    Some(match (route, method) {
        (Route::Organization(_, O::Teams), "POST") => &["org:write", "team:write"],
        (Route::Organization(_, O::Issues), "PUT") => &["event:write"],
        // Not in the description; Sentry's loose integration permission.
        (Route::Organization(_, O::CodeMappings), "POST") => &["org:read", "org:integrations"],
        // Reading is enough to set a bookmark; the endpoint asks for more for the rest.
        (Route::Project(_, _, P::Details), "PUT") => &["project:read"],
        (Route::Project(_, _, P::Team(_)), "POST" | "DELETE")
        | (Route::Project(_, _, P::Keys) | Route::TeamProjects(..), "POST") => &["project:write"],
        _ => return None,
    })
}

fn issue_scopes(route: IssueRoute<'_>, method: &str) -> Option<&'static [&'static str]> {
    match (route, method) {
        (_, "GET") => Some(&["event:read"]),
        (IssueRoute::Details, "PUT") | (IssueRoute::Notes | IssueRoute::Autofix, "POST") => {
            Some(&["event:write"])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_their_endpoints() {
        assert_eq!(route(&[]), Some(Route::Root));
        assert_eq!(
            route(&["organizations", "a", "issues", "B-1", "events", "latest"]),
            Some(Route::Organization("a", OrgRoute::Issue("B-1", IssueRoute::Event("latest"))))
        );
        assert_eq!(
            route(&["projects", "a", "b", "keys"]),
            Some(Route::Project("a", "b", ProjectRoute::Keys))
        );
        assert_eq!(route(&["organizations", "a", "does-not-exist"]), None);
    }

    #[test]
    fn an_endpoint_without_the_method_has_no_scopes() {
        assert_eq!(accepted_scopes(Route::Root, "POST"), None);
        assert_eq!(accepted_scopes(Route::Issue("1", IssueRoute::Tags), "PUT"), None);
    }
}
