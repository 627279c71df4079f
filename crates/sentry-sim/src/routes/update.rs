//! Changing issues: status, assignment, archiving conditions. Validates as Sentry does, one list
//! of messages per field.

use serde_json::{Map, Value, json};

use crate::{
    auth::ADMIN_USER,
    data::{Assignee, BASE_INSTANT, Issue, World, date},
    routes::{Answer, Context, Reply},
};

const ARCHIVED: [&str; 3] =
    ["archived_until_escalating", "archived_until_condition_met", "archived_forever"];
const OPEN: [&str; 4] = ["escalating", "ongoing", "regressed", "new"];
/// Minutes of a week: Sentry's longest window for a count.
const LONGEST_WINDOW: u64 = 7 * 24 * 60;

/// A checked change, to be applied to any number of issues.
#[derive(Debug, Default)]
struct Change {
    state: Option<State>,
    assignment: Option<Assignment>,
    priority: Option<String>,
    bookmarked: Option<bool>,
    subscribed: Option<bool>,
    seen: Option<bool>,
}

#[derive(Clone, Copy, Debug)]
enum Assignment {
    To(Assignee),
    Nobody,
}

#[derive(Debug)]
struct State {
    status: &'static str,
    substatus: Option<String>,
    details: Value,
}

/// `PUT /organizations/{org}/issues/{id}/`.
pub(super) fn one(world: &mut World, context: &Context<'_>, position: usize) -> Answer {
    let fields = context.call.json()?;
    let change = check(world, context, &fields, &[position])?;
    apply(world, context, position, &change);
    let issue = world.issues.get(position).ok_or_else(Reply::not_found)?;
    Ok(Reply::json(200, &issue.base_body(world)))
}

/// `PUT /organizations/{org}/issues/?id=1&id=2`: answers with the changed fields only.
pub(super) fn many(world: &mut World, context: &Context<'_>, org: usize) -> Answer {
    let fields = context.call.json()?;
    let positions: Vec<usize> = context
        .call
        .params("id")
        .filter_map(|id| world.issue(id))
        .filter(|(_, issue)| issue.organization == org)
        .map(|(position, _)| position)
        .collect();
    let change = check(world, context, &fields, &positions)?;
    if positions.is_empty() {
        return Ok(Reply::no_content());
    }
    for position in &positions {
        apply(world, context, *position, &change);
    }
    let first = positions.first().and_then(|position| world.issues.get(*position));
    let mut body = Map::new();
    if let (Some(state), Some(issue)) = (&change.state, first) {
        body.insert("status".to_owned(), json!(state.status));
        body.insert("statusDetails".to_owned(), issue.status_details.clone());
        body.insert("inbox".to_owned(), Value::Null);
    }
    if let (Some(_), Some(issue)) = (change.assignment, first) {
        body.insert("assignedTo".to_owned(), issue.assigned_body(world));
    }
    Ok(Reply::json(200, &Value::Object(body)))
}

fn apply(world: &mut World, context: &Context<'_>, position: usize, change: &Change) {
    let actor = world.user(context.identity.user).map(crate::data::User::body);
    let Some(issue) = world.issues.get_mut(position) else { return };
    if let Some(state) = &change.state {
        state.status.clone_into(&mut issue.status);
        issue.substatus.clone_from(&state.substatus);
        issue.status_details = state.details.clone();
        if let Value::Object(details) = &mut issue.status_details
            && !details.is_empty()
        {
            details.insert("actor".to_owned(), json!(actor));
        }
        issue.subscribed = true;
    }
    if let Some(assignment) = change.assignment {
        issue.assigned = match assignment {
            Assignment::To(assignee) => Some(assignee),
            Assignment::Nobody => None,
        };
        issue.subscribed = true;
    }
    if let Some(priority) = &change.priority {
        issue.priority.clone_from(priority);
    }
    issue.bookmarked = change.bookmarked.unwrap_or(issue.bookmarked);
    issue.subscribed = change.subscribed.unwrap_or(issue.subscribed);
    issue.seen = change.seen.unwrap_or(issue.seen);
    world.refresh_issue(position);
}

fn check(
    world: &World,
    context: &Context<'_>,
    fields: &Map<String, Value>,
    positions: &[usize],
) -> Result<Change, Reply> {
    let flag = |name: &str| match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(_) => Err(Reply::field(name, "Must be a valid boolean.")),
    };
    let issues: Vec<&Issue> =
        positions.iter().filter_map(|position| world.issues.get(*position)).collect();
    Ok(Change {
        state: check_status(world, fields, &issues)?,
        assignment: match fields.get("assignedTo") {
            None => None,
            Some(actor) => Some(check_assignee(world, context, actor, &issues)?),
        },
        priority: match fields.get("priority").and_then(Value::as_str) {
            None => None,
            Some(priority @ ("high" | "medium" | "low")) => Some(priority.to_owned()),
            Some(other) => return Err(not_a_choice("priority", other)),
        },
        bookmarked: flag("isBookmarked")?,
        subscribed: flag("isSubscribed")?,
        seen: flag("hasSeen")?,
    })
}

fn not_a_choice(field: &str, value: &str) -> Reply {
    Reply::field(field, &format!("\"{value}\" is not a valid choice."))
}

fn check_status(
    world: &World,
    fields: &Map<String, Value>,
    issues: &[&Issue],
) -> Result<Option<State>, Reply> {
    let details = match fields.get("statusDetails") {
        Some(Value::Object(details)) => details.clone(),
        None | Some(Value::Null) => Map::new(),
        Some(_) => {
            return Err(Reply::field("statusDetails", "Invalid data. Expected a dictionary."));
        }
    };
    let substatus = fields.get("substatus").and_then(Value::as_str);
    if let Some(substatus) = substatus
        && !ARCHIVED.contains(&substatus)
        && !OPEN.contains(&substatus)
    {
        return Err(not_a_choice("substatus", substatus));
    }
    let conditions = conditions(fields, &details)?;
    let status = match fields.get("status") {
        None => return Ok(None),
        Some(Value::String(status)) => status.as_str(),
        Some(other) => return Err(not_a_choice("status", &other.to_string())),
    };
    let allowed: &[&str] = match status {
        "unresolved" => &OPEN,
        "ignored" | "muted" => &ARCHIVED,
        "resolved" | "resolvedInNextRelease" => &[],
        other => return Err(not_a_choice("status", other)),
    };
    if substatus.is_some_and(|substatus| !allowed.contains(&substatus)) {
        let list = allowed.join(", ");
        let message = format!("Invalid substatus for status. Allowed substatuses: {list}");
        return Err(Reply::field("substatus", &message));
    }
    Ok(Some(match status {
        "unresolved" => State {
            status: "unresolved",
            substatus: Some(substatus.unwrap_or("ongoing").to_owned()),
            details: json!({}),
        },
        "ignored" | "muted" => archived(substatus, conditions),
        _ => resolved(world, status, &details, issues)?,
    }))
}

fn archived(substatus: Option<&str>, conditions: Map<String, Value>) -> State {
    let substatus = if conditions.is_empty() {
        substatus.unwrap_or("archived_forever")
    } else {
        "archived_until_condition_met"
    };
    State {
        status: "ignored",
        substatus: Some(substatus.to_owned()),
        details: Value::Object(conditions),
    }
}

fn resolved(
    world: &World,
    status: &str,
    details: &Map<String, Value>,
    issues: &[&Issue],
) -> Result<State, Reply> {
    let next = status == "resolvedInNextRelease"
        || details.get("inNextRelease").and_then(Value::as_bool) == Some(true);
    let in_release = details.get("inRelease").and_then(Value::as_str);
    let details = if next || in_release == Some("latest") {
        let released = issues.iter().all(|issue| {
            world.projects.get(issue.project).is_some_and(|project| {
                world.releases.iter().any(|release| release.project == project.id)
            })
        });
        if !released {
            let message =
                "No release data present in the system to form a basis for 'Next Release'";
            return Err(Reply::json(
                400,
                &json!({ "statusDetails": { "inNextRelease": [message] } }),
            ));
        }
        if next { json!({ "inNextRelease": true }) } else { json!({ "inRelease": "latest" }) }
    } else if let Some(version) = in_release {
        if !world.releases.iter().any(|release| release.version == version) {
            let message = "Unable to find a release with the given version.";
            return Err(Reply::json(400, &json!({ "statusDetails": { "inRelease": [message] } })));
        }
        json!({ "inRelease": version })
    } else {
        json!({})
    };
    Ok(State { status: "resolved", substatus: None, details })
}

/// The conditions of an archived issue, from the body or from its `statusDetails`.
fn conditions(
    fields: &Map<String, Value>,
    details: &Map<String, Value>,
) -> Result<Map<String, Value>, Reply> {
    let mut conditions = Map::new();
    let mut number = |name: &str, most: Option<u64>| {
        let value = fields.get(name).or_else(|| details.get(name));
        let number = match value {
            None | Some(Value::Null) => return Ok(None),
            Some(value) => value
                .as_i64()
                .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
                .ok_or_else(|| Reply::field(name, "A valid integer is required."))?,
        };
        let Some(number) = u64::try_from(number).ok().filter(|number| *number > 0) else {
            let message = "Ensure this value is greater than or equal to 1.";
            return Err(Reply::field(name, message));
        };
        if let Some(most) = most.filter(|most| number > *most) {
            let message = format!("Ensure this value is less than or equal to {most}.");
            return Err(Reply::field(name, &message));
        }
        if name != "ignoreDuration" && name != "snoozeDuration" {
            conditions.insert(name.to_owned(), json!(number));
        }
        Ok(Some(number))
    };
    let duration = number("ignoreDuration", None)?.or(number("snoozeDuration", None)?);
    let count = number("ignoreCount", None)?;
    let window = number("ignoreWindow", Some(LONGEST_WINDOW))?;
    let users = number("ignoreUserCount", None)?;
    let user_window = number("ignoreUserWindow", Some(LONGEST_WINDOW))?;
    if window.is_some() && count.is_none() {
        return Err(Reply::field("ignoreWindow", "Requires ignoreCount."));
    }
    if user_window.is_some() && users.is_none() {
        return Err(Reply::field("ignoreUserWindow", "Requires ignoreUserCount."));
    }
    if let Some(minutes) = duration.and_then(|minutes| i64::try_from(minutes).ok()) {
        let until = BASE_INSTANT.saturating_add(minutes.saturating_mul(60));
        conditions.insert("ignoreUntil".to_owned(), json!(date(until)));
    }
    if !conditions.is_empty() {
        // Sentry always lists all of them.
        for name in
            ["ignoreUntil", "ignoreCount", "ignoreUserCount", "ignoreUserWindow", "ignoreWindow"]
        {
            conditions.entry(name).or_insert(Value::Null);
        }
    }
    Ok(conditions)
}

/// `user:1`, `team:201`, `team:payments`, an id, an e-mail address, `me`, or nothing.
fn check_assignee(
    world: &World,
    context: &Context<'_>,
    actor: &Value,
    issues: &[&Issue],
) -> Result<Assignment, Reply> {
    let actor = match actor {
        Value::Null => return Ok(Assignment::Nobody),
        Value::String(actor) => actor.trim(),
        _ => return Err(Reply::field("assignedTo", "Not a valid string.")),
    };
    if actor.is_empty() {
        return Ok(Assignment::Nobody);
    }
    let bad = |message: &str| Reply::field("assignedTo", message);
    let org = issues.first().map_or(0, |issue| issue.organization);
    if let Some(team) = actor.strip_prefix("team:") {
        let (position, team) = world.team(org, team).ok_or_else(|| bad("Team does not exist"))?;
        let allowed = issues.iter().all(|issue| {
            world
                .projects
                .get(issue.project)
                .is_some_and(|project| project.teams.contains(&position))
        });
        if !allowed {
            return Err(bad("Cannot assign to a team without access to the project"));
        }
        return Ok(Assignment::To(Assignee::Team(team.id)));
    }
    let user = actor.strip_prefix("user:").unwrap_or(actor);
    if actor.contains(':') && !actor.starts_with("user:") {
        return Err(bad(
            "Could not parse actor. Format should be `type:id` where type is `team` or `user`.",
        ));
    }
    let id = if user == "me" { context.identity.user } else { user_id(world, user) };
    if world.user(id).is_none() {
        return Err(bad("User does not exist"));
    }
    let member =
        world.organizations.get(org).is_some_and(|organization| organization.role(id).is_some());
    if !member {
        return Err(bad("Cannot assign to non-team member"));
    }
    Ok(Assignment::To(Assignee::User(id)))
}

/// The id behind a number or an e-mail address; one that nobody has if there is none.
fn user_id(world: &World, user: &str) -> u64 {
    const NOBODY: u64 = ADMIN_USER - 1;
    user.parse()
        .ok()
        .or_else(|| {
            let known = world.users.iter().find(|known| known.email.eq_ignore_ascii_case(user));
            known.map(|known| known.id)
        })
        .unwrap_or(NOBODY)
}
