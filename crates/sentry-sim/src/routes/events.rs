//! Events of an issue or a project, and finding one by its id alone.

use serde_json::{Value, json};

use crate::{
    RECURSIVE_EVENT,
    data::{Event, Organization, World, recursive},
    paging::Page,
    routes::{Answer, Context, Reply, issues::join},
};

fn no_event() -> Reply {
    Reply::detail(404, "Event not found")
}

/// `latest`, `oldest`, `recommended`, or an event id.
pub(super) fn one(world: &World, issue: usize, name: &str) -> Answer {
    let positions = &world.issues.get(issue).ok_or_else(Reply::not_found)?.events;
    let position = match name {
        // The newest is also the best here: all events of an issue are equally complete.
        "latest" | "recommended" => positions.first(),
        "oldest" => positions.last(),
        RECURSIVE_EVENT => {
            let newest = positions.first().and_then(|position| world.events.get(*position));
            let body = newest.and_then(|event| recursive(&event.body));
            return body.map(Reply::stored).ok_or_else(no_event);
        }
        id => return by(world, id, |event| event.issue == issue),
    };
    let event = position.and_then(|position| world.events.get(*position));
    event
        .map(|event| Reply::stored(event.body.clone()))
        .ok_or_else(|| Reply::detail(404, "No matching event"))
}

fn by(world: &World, id: &str, belongs: impl Fn(&Event) -> bool) -> Answer {
    let event = world.event(id).filter(|event| belongs(event)).ok_or_else(no_event)?;
    Ok(Reply::stored(event.body.clone()))
}

pub(super) fn list(world: &World, context: &Context<'_>, issue: usize) -> Answer {
    let page = Page::of(context.call)?;
    let full = context.call.param("full").is_some_and(|full| matches!(full, "1" | "true"));
    let issue = world.issues.get(issue).ok_or_else(Reply::not_found)?;
    let events: Vec<&Event> =
        issue.events.iter().filter_map(|position| world.events.get(*position)).collect();
    let rows = page.slice(&events).iter().map(|event| if full { &event.body } else { &event.list });
    Ok(Reply::stored(join(rows)).header("link", page.link(context.call, events.len())))
}

pub(super) fn of_project(world: &World, project: usize, id: &str) -> Answer {
    by(world, id, |event| {
        world.issues.get(event.issue).is_some_and(|issue| issue.project == project)
    })
}

/// `GET /organizations/{org}/eventids/{id}/`.
pub(super) fn by_id(world: &World, org: usize, organization: &Organization, id: &str) -> Answer {
    let event = world.event(id).ok_or_else(Reply::not_found)?;
    let issue = world
        .issues
        .get(event.issue)
        .filter(|issue| issue.organization == org)
        .ok_or_else(Reply::not_found)?;
    let project = world.projects.get(issue.project).ok_or_else(Reply::not_found)?;
    let body: Value = serde_json::from_slice(&event.body).unwrap_or(Value::Null);
    Ok(Reply::json(
        200,
        &json!({
            "organizationSlug": organization.slug,
            "projectSlug": project.slug,
            "groupId": issue.id.to_string(),
            "eventId": event.id,
            "event": body,
        }),
    ))
}
