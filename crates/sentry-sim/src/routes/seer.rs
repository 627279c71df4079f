//! `autofix/` of an issue, and its links to other trackers. What the runs say is in `data::seer`.

use serde_json::{Value, json};

use crate::{
    data::{Issue, World},
    routes::{Answer, Context, Reply},
};

fn at(world: &World, issue: usize) -> Result<&Issue, Reply> {
    world.issues.get(issue).ok_or_else(Reply::not_found)
}

/// Looking at a run moves it on.
pub(super) fn state(world: &World, issue: usize) -> Answer {
    Ok(Reply::json(200, &world.seer.look(at(world, issue)?.id)))
}

/// Starts a run. The organization of the region has no AI features.
pub(super) fn start(world: &mut World, context: &Context<'_>, issue: usize) -> Answer {
    let fields =
        if context.call.body.is_empty() { serde_json::Map::new() } else { context.call.json()? };
    let one = at(world, issue)?;
    let id = one.id;
    if world.organizations.get(one.organization).is_none_or(|owner| owner.in_region) {
        return Err(Reply::detail(403, "AI features are disabled for this organization."));
    }
    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    let instruction = text("instruction").or_else(|| text("user_context"));
    if instruction.as_ref().is_some_and(|text| text.chars().count() > 1000) {
        return Err(Reply::field(
            "user_context",
            "Ensure this field has no more than 1000 characters.",
        ));
    }
    if let Some(event) = text("event_id")
        && world.event(&event).is_none_or(|event| event.issue != issue)
    {
        return Err(Reply::detail(400, "Cannot fix issues without an event."));
    }
    let (number, _) = world.next_write();
    let (run, uuid) = world.seer.start(id, number, instruction);
    Ok(Reply::json(202, &json!({ "run_id": run, "sentry_run_id": uuid })))
}

/// `GET …/external-issues/`.
pub(super) fn external_issues(world: &World, issue: usize) -> Answer {
    let issue = at(world, issue)?;
    let link = |id: u32, service: &str, name: &str, url: Option<&str>| {
        json!({
            "id": id.to_string(),
            "issueId": issue.id.to_string(),
            "serviceType": service,
            "displayName": name,
            "webUrl": url,
        })
    };
    let links = match issue.id {
        9001 => {
            vec![link(81, "tracker", "PAY-1182", Some("https://tracker.example.test/PAY-1182"))]
        }
        9002 => vec![
            link(82, "tracker", "PAY-990", Some("https://tracker.example.test/PAY-990")),
            link(83, "notebook", "cart-postmortem", None),
        ],
        _ => Vec::new(),
    };
    Ok(Reply::json(200, &Value::Array(links)))
}
