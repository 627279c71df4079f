//! Issues: finding, listing, reading, and their comments. Changing one is in `update`.

use bytes::{BufMut as _, Bytes, BytesMut};
use serde_json::{Value, json};

use crate::{
    data::{Issue, Organization, World, precise_date},
    paging::Page,
    routes::{Answer, Context, Reply, organizations::paged},
    search::{self, Search, Sort},
};

/// The position of an issue by id or short id. Without an organization (the old address) the
/// user must be a member of the issue's one, and only a number is understood.
pub(super) fn find(
    world: &World,
    context: &Context<'_>,
    org: Option<usize>,
    id: &str,
) -> Result<usize, Reply> {
    let (position, issue) = world.issue(id).ok_or_else(Reply::not_found)?;
    match org {
        Some(org) if issue.organization != org => Err(Reply::not_found()),
        Some(_) => Ok(position),
        None if id.parse::<u64>().is_err() => Err(Reply::not_found()),
        None => {
            let organization =
                world.organizations.get(issue.organization).ok_or_else(Reply::not_found)?;
            context.organization(world, &organization.slug).map(|_| position)
        }
    }
}

pub(super) fn details(world: &World, position: usize) -> Answer {
    at(world, position).map(|issue| Reply::stored(issue.detail.clone()))
}

fn at(world: &World, position: usize) -> Result<&Issue, Reply> {
    world.issues.get(position).ok_or_else(Reply::not_found)
}

pub(super) fn list(
    world: &World,
    context: &Context<'_>,
    org: usize,
    project: Option<usize>,
) -> Answer {
    let call = context.call;
    let page = Page::of(call)?;
    let sort = Sort::parse(call.param("sort").unwrap_or("date"))
        .ok_or_else(|| Reply::detail(400, "Invalid sort parameter."))?;
    let since = match call.param("statsPeriod").filter(|period| !period.is_empty()) {
        None => None,
        Some(period) => Some(
            search::period_start(period)
                .ok_or_else(|| Reply::detail(400, &format!("Invalid statsPeriod: '{period}'")))?,
        ),
    };
    // Without the parameter Sentry shows what is open; an empty one shows everything.
    let search = Search::parse(call.param("query").unwrap_or("is:unresolved"))
        .map_err(|error| Reply::detail(400, &format!("Error parsing search query: {error}")))?;
    let projects = chosen_projects(world, context, org, project)?;
    let environments: Vec<_> = call.params("environment").filter(|name| !name.is_empty()).collect();
    let mut found: Vec<&Issue> = world
        .issues
        .iter()
        .filter(|issue| issue.organization == org)
        .filter(|issue| projects.as_ref().is_none_or(|chosen| chosen.contains(&issue.project)))
        .filter(|issue| since.is_none_or(|since| issue.last_seen >= since))
        .filter(|issue| {
            environments.is_empty()
                || issue.environments.iter().any(|name| environments.contains(&name.as_str()))
        })
        .filter(|issue| search.matches(world, issue, context.identity.user))
        .collect();
    sort.apply(&mut found);
    let rows = join(page.slice(&found).iter().map(|issue| &issue.list));
    Ok(Reply::stored(rows)
        .header("link", page.link(call, found.len()))
        .header("x-hits", found.len().to_string())
        .header("x-max-hits", "1000".to_owned()))
}

/// The projects that `project=` asks for, by id; -1 and none are all of them.
pub(super) fn chosen_projects(
    world: &World,
    context: &Context<'_>,
    org: usize,
    project: Option<usize>,
) -> Result<Option<Vec<usize>>, Reply> {
    if let Some(project) = project {
        return Ok(Some(vec![project]));
    }
    let mut chosen = Vec::new();
    for id in context.call.params("project").filter(|id| !id.is_empty()) {
        if id == "-1" {
            return Ok(None);
        }
        if id.parse::<u64>().is_err() {
            return Err(Reply::detail(400, "Invalid project parameter. Values must be numbers."));
        }
        // Sentry does not say whether a project exists.
        let (position, _) = world.project(org, id).ok_or_else(Reply::forbidden)?;
        chosen.push(position);
    }
    Ok((!chosen.is_empty()).then_some(chosen))
}

/// A JSON array of stored elements.
pub(super) fn join<'a>(rows: impl Iterator<Item = &'a Bytes>) -> Bytes {
    let mut body = BytesMut::from(&b"["[..]);
    for (position, row) in rows.enumerate() {
        if position > 0 {
            body.put_u8(b',');
        }
        body.put_slice(row);
    }
    body.put_u8(b']');
    body.freeze()
}

pub(super) fn by_short_id(
    world: &World,
    org: usize,
    organization: &Organization,
    id: &str,
) -> Answer {
    let (_, issue) = world
        .issue(id)
        .filter(|(_, issue)| issue.organization == org && id.parse::<u64>().is_err())
        .ok_or_else(Reply::not_found)?;
    let project = world.projects.get(issue.project).ok_or_else(Reply::not_found)?;
    Ok(Reply::json(
        200,
        &json!({
            "organizationSlug": organization.slug,
            "projectSlug": project.slug,
            "groupId": issue.id.to_string(),
            "group": issue.base_body(world),
            "shortId": issue.short_id,
        }),
    ))
}

pub(super) fn notes(world: &World, context: &Context<'_>, position: usize) -> Answer {
    let page = Page::of(context.call)?;
    let newest_first: Vec<_> = at(world, position)?.notes.iter().rev().cloned().collect();
    Ok(paged(context, page, &newest_first))
}

pub(super) fn add_note(world: &mut World, context: &Context<'_>, position: usize) -> Answer {
    let fields = context.call.json()?;
    let text = match fields.get("text") {
        None => return Err(Reply::field("text", "This field is required.")),
        Some(Value::String(text)) if !text.trim().is_empty() => text.trim().to_owned(),
        Some(Value::String(_)) => {
            return Err(Reply::field("text", "This field may not be blank."));
        }
        Some(Value::Null) => return Err(Reply::field("text", "This field may not be null.")),
        Some(_) => return Err(Reply::field("text", "Not a valid string.")),
    };
    let (number, created) = world.next_write();
    let note = json!({
        "id": (90_000 + number).to_string(),
        "user": world.user(context.identity.user).map(crate::data::User::own_body),
        "type": "note",
        "data": { "text": text },
        "dateCreated": precise_date(created),
    });
    if let Some(issue) = world.issues.get_mut(position) {
        issue.notes.push(note.clone());
    }
    world.refresh_issue(position);
    Ok(Reply::json(201, &note))
}
