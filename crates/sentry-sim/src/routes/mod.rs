//! From a request to an endpoint, with the checks that come before each of them. Which endpoints
//! there are is in `table`; the endpoints themselves are in the other files of this folder.

mod attachments;
mod events;
mod explore;
mod issues;
mod organizations;
mod projects;
mod query;
mod replays;
mod reply;
mod seer;
mod table;
mod tags;
mod teams;
mod traces;
mod update;

use std::borrow::Cow;

pub(crate) use crate::routes::{
    query::{encode_query, parse_query},
    reply::{Answer, Call, Reply},
};
use crate::{
    auth::{self, Identity, Role, Unauthenticated},
    data::{Organization, World},
    routes::{
        query::percent_decode,
        table::{IssueRoute, OrgRoute, ProjectRoute, Route, accepted_scopes, route},
    },
    server::Site,
};

/// The request with what was checked about it.
pub(crate) struct Context<'a> {
    pub(crate) call: &'a Call<'a>,
    pub(crate) identity: Identity,
    accepted: &'static [&'static str],
}

impl Context<'_> {
    /// The organization, if it is known on this host and the user's role there allows the request.
    pub(crate) fn organization<'w>(
        &self,
        world: &'w World,
        id_or_slug: &str,
    ) -> Result<(usize, &'w Organization), Reply> {
        let (position, organization) =
            world.organization(id_or_slug).ok_or_else(Reply::not_found)?;
        if self.call.site == Site::Region && !organization.in_region {
            return Err(Reply::not_found());
        }
        self.require(organization, self.accepted)?;
        Ok((position, organization))
    }

    /// Whether token and role allow one of the scopes in this organization.
    pub(crate) fn require(
        &self,
        organization: &Organization,
        accepted: &[&str],
    ) -> Result<Role, Reply> {
        organization
            .role(self.identity.user)
            .filter(|role| role.covers_any(accepted) && self.identity.covers_any(accepted))
            .ok_or_else(Reply::forbidden)
    }
}

/// Answers a `GET`.
pub(crate) fn read(world: &World, call: &Call<'_>) -> Reply {
    let answer = with_route(call, |route, context| match route {
        Route::Root => Ok(organizations::root(world, context)),
        Route::Auth => Ok(organizations::auth(world, context)),
        // An API token is never good enough for this endpoint (recorded).
        Route::UserMe => Err(Reply::forbidden()),
        Route::Regions => Ok(organizations::regions(world)),
        Route::Organizations => organizations::list(world, context),
        Route::Projects => projects::all(world, context),
        Route::Organization(org, route) => read_organization(world, context, org, route),
        Route::Project(org, project, route) => read_project(world, context, org, project, route),
        Route::TeamProjects(org, team) => teams::projects(world, context, org, team),
        Route::Issue(id, route) => {
            let position = issues::find(world, context, None, id)?;
            read_issue(world, context, position, route)
        }
    });
    answer.unwrap_or_else(|reply| reply)
}

fn read_organization(
    world: &World,
    context: &Context<'_>,
    org: &str,
    route: OrgRoute<'_>,
) -> Answer {
    let (org, organization) = context.organization(world, org)?;
    match route {
        OrgRoute::Details => Ok(organizations::details(world, context, org, organization)),
        OrgRoute::Projects => projects::list(world, context, org),
        OrgRoute::Teams => teams::list(world, context, org),
        OrgRoute::Releases => projects::releases(world, context, org, None),
        OrgRoute::Issues => issues::list(world, context, org, None),
        OrgRoute::Issue(id, route) => {
            let position = issues::find(world, context, Some(org), id)?;
            read_issue(world, context, position, route)
        }
        OrgRoute::EventId(id) => events::by_id(world, org, organization, id),
        OrgRoute::ShortId(id) => issues::by_short_id(world, org, organization, id),
        OrgRoute::Repos => organizations::repositories(context, organization),
        OrgRoute::CodeMappings => Err(method_not_allowed(context.call)),
        OrgRoute::Members => organizations::members(world, context, organization),
        OrgRoute::Environments => Ok(organizations::environments(organization)),
        OrgRoute::Tags => Ok(tags::of_organization(world, org)),
        OrgRoute::TagValues(key) => explore::tag_values(world, context, org, key),
        OrgRoute::Events => explore::events(world, context, org),
        OrgRoute::EventsValidate => Ok(explore::validate(world, context, org)),
        OrgRoute::Trace(id) => traces::trace(world, context, org, id),
        OrgRoute::TraceMeta(id) => traces::meta(world, context, org, id),
        OrgRoute::ReplayCount => replays::count(world, context, org),
        OrgRoute::Replays => replays::list(world, context, org),
        OrgRoute::Replay(id) => replays::one(world, context, org, id),
        OrgRoute::TraceItemAttributes => explore::attributes(world, context),
        OrgRoute::TraceItemValues(key) => explore::attribute_values(world, context, org, key),
    }
}

fn read_project(
    world: &World,
    context: &Context<'_>,
    org: &str,
    project: &str,
    route: ProjectRoute<'_>,
) -> Answer {
    let (org, _) = context.organization(world, org)?;
    let position = projects::find(world, context, org, project)?;
    match route {
        ProjectRoute::Details => projects::details(world, position),
        ProjectRoute::Teams => projects::teams(world, context, position),
        ProjectRoute::Team(_) => Err(method_not_allowed(context.call)),
        ProjectRoute::Keys => projects::keys(world, context, position),
        ProjectRoute::Releases => projects::releases(world, context, org, Some(position)),
        ProjectRoute::Environments => projects::environments(world, position),
        ProjectRoute::Issues => issues::list(world, context, org, Some(position)),
        ProjectRoute::Event(id) => events::of_project(world, position, id),
        ProjectRoute::Attachments(event) => attachments::list(world, context, position, event),
        ProjectRoute::Attachment(event, id) => {
            attachments::one(world, context, position, event, id)
        }
        ProjectRoute::StacktraceLink => attachments::code_link(world, context, org, position),
    }
}

fn read_issue(
    world: &World,
    context: &Context<'_>,
    position: usize,
    route: IssueRoute<'_>,
) -> Answer {
    match route {
        IssueRoute::Details => issues::details(world, position),
        IssueRoute::Events => events::list(world, context, position),
        IssueRoute::Event(id) => events::one(world, position, id),
        IssueRoute::Notes => issues::notes(world, context, position),
        IssueRoute::Tags => tags::of_issue(world, position),
        IssueRoute::Tag(key) => tags::one_of_issue(world, position, key),
        IssueRoute::TagValues(key) => tags::values_of_issue(world, context, position, key),
        IssueRoute::Autofix => seer::state(world, position),
        IssueRoute::ExternalIssues => seer::external_issues(world, position),
    }
}

/// Answers every other method.
pub(crate) fn write(world: &mut World, call: &Call<'_>) -> Reply {
    let answer = with_route(call, |route, context| match route {
        Route::Organization(org, route) => {
            let (org, _) = context.organization(world, org)?;
            match route {
                OrgRoute::Teams => teams::create(world, context, org),
                OrgRoute::Issues => update::many(world, context, org),
                OrgRoute::Issue(id, route) => {
                    let position = issues::find(world, context, Some(org), id)?;
                    write_issue(world, context, position, route)
                }
                OrgRoute::CodeMappings => projects::map_code(world, context, org),
                _ => Err(method_not_allowed(call)),
            }
        }
        Route::Project(org, project, route) => {
            let (org, _) = context.organization(world, org)?;
            let project = projects::find(world, context, org, project)?;
            match route {
                ProjectRoute::Details => projects::update(world, context, project),
                ProjectRoute::Team(team) => projects::set_team(world, context, org, project, team),
                ProjectRoute::Keys => projects::create_key(world, context, project),
                _ => Err(method_not_allowed(call)),
            }
        }
        Route::TeamProjects(org, team) => {
            let (org, _) = context.organization(world, org)?;
            teams::create_project(world, context, org, team)
        }
        Route::Issue(id, route) => {
            let position = issues::find(world, context, None, id)?;
            write_issue(world, context, position, route)
        }
        _ => Err(method_not_allowed(call)),
    });
    answer.unwrap_or_else(|reply| reply)
}

fn write_issue(
    world: &mut World,
    context: &Context<'_>,
    position: usize,
    route: IssueRoute<'_>,
) -> Answer {
    match route {
        IssueRoute::Details => update::one(world, context, position),
        IssueRoute::Notes => issues::add_note(world, context, position),
        IssueRoute::Autofix => seer::start(world, context, position),
        _ => Err(method_not_allowed(context.call)),
    }
}

/// The checks before every endpoint, in Sentry's order: route, method, credentials, scopes.
fn with_route(call: &Call<'_>, endpoint: impl FnOnce(Route<'_>, &Context<'_>) -> Answer) -> Answer {
    let inner = call.path.strip_prefix("/api/0/").ok_or_else(Reply::no_page)?;
    let decoded: Vec<Cow<'_, str>> = if inner.is_empty() {
        Vec::new()
    } else {
        let inner = inner.strip_suffix('/').ok_or_else(Reply::no_route)?;
        inner.split('/').map(|segment| percent_decode(segment, false)).collect()
    };
    let segments: Vec<&str> = decoded.iter().map(AsRef::as_ref).collect();
    let route = route(&segments).ok_or_else(Reply::no_route)?;
    let accepted = accepted_scopes(route, call.method).ok_or_else(|| method_not_allowed(call))?;
    let identity = auth::authenticate(call.authorization, call.oauth).map_err(unauthorized)?;
    if !identity.covers_any(accepted) {
        return Err(Reply::forbidden());
    }
    endpoint(route, &Context { call, identity, accepted })
}

fn unauthorized(reason: Unauthenticated) -> Reply {
    Reply::detail(401, reason.detail())
        .header("www-authenticate", "xBasic realm=\"api\"".to_owned())
}

fn method_not_allowed(call: &Call<'_>) -> Reply {
    Reply::detail(405, &format!("Method \"{}\" not allowed.", call.method))
}
