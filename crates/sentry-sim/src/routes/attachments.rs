//! Attachments of an event and links from its frames to code. Does not look into any content.

use serde_json::{Value, json};

use crate::{
    data::{World, attachments},
    paging::Page,
    routes::{Answer, Context, Reply},
};

/// The id of an event of the project, as Sentry writes it.
fn event_of<'w>(world: &'w World, project: usize, id: &str) -> Result<&'w str, Reply> {
    world
        .event(id)
        .filter(|event| world.issues.get(event.issue).is_some_and(|issue| issue.project == project))
        .map(|event| event.id.as_str())
        .ok_or_else(|| Reply::detail(404, "Event not found"))
}

/// `GET …/events/{id}/attachments/`.
pub(super) fn list(world: &World, context: &Context<'_>, project: usize, event: &str) -> Answer {
    let page = Page::of(context.call)?;
    let event = event_of(world, project, event)?;
    let rows: Vec<Value> =
        attachments::of_event(event).iter().map(|attachment| attachment.body(event)).collect();
    let link = page.link(context.call, rows.len());
    Ok(Reply::json(200, &json!(page.slice(&rows))).header("link", link))
}

/// `GET …/attachments/{id}/`: what is known of it, or with `download` its content.
pub(super) fn one(
    world: &World,
    context: &Context<'_>,
    project: usize,
    event: &str,
    id: &str,
) -> Answer {
    let event = event_of(world, project, event)?;
    let attachment = attachments::of_event(event)
        .iter()
        .find(|attachment| attachment.id == id)
        .ok_or_else(|| Reply::detail(404, "Attachment not found"))?;
    if context.call.param("download").is_none() {
        return Ok(Reply::json(200, &attachment.body(event)));
    }
    let plain: String = attachment
        .name
        .chars()
        .map(|letter| if letter.is_ascii_graphic() && letter != '"' { letter } else { '_' })
        .collect();
    Ok(Reply::bytes(200, attachment.mime, attachment.content())
        .header("content-disposition", format!("attachment; filename=\"{plain}\"")))
}

/// `GET /projects/{org}/{project}/stacktrace-link/`.
pub(super) fn code_link(
    world: &World,
    context: &Context<'_>,
    org: usize,
    project: usize,
) -> Answer {
    let call = context.call;
    let file = call
        .param("file")
        .filter(|file| !file.is_empty())
        .ok_or_else(|| Reply::detail(400, "Filepath is required"))?;
    let owner = world.projects.get(project).ok_or_else(Reply::not_found)?;
    let suffix = format!("/{}", owner.slug);
    let repositories = world.organizations.get(org).map_or(&[][..], |one| &one.repositories);
    let known = repositories.iter().find(|(_, name)| name.ends_with(&suffix));
    let Some((id, name)) = known else {
        return Ok(Reply::json(
            200,
            &json!({ "config": null, "sourceUrl": null, "integrations": [] }),
        ));
    };
    let provider = json!({ "key": "github", "slug": "github", "name": "GitHub" });
    let integration = json!({
        "id": "61", "name": "aurora-labs", "domainName": "github.com/aurora-labs",
        "provider": provider, "status": "active",
    });
    let config = json!({
        "id": (500 + id).to_string(),
        "projectId": owner.id.to_string(),
        "projectSlug": owner.slug,
        "repoId": id.to_string(),
        "repoName": name,
        "integrationId": "61",
        "provider": provider,
        "stackRoot": "",
        "sourceRoot": "src/",
        "defaultBranch": "main",
        "automaticallyGenerated": false,
    });
    let vendored = ["site-packages", "node_modules", "/usr/", "vendor/"];
    if vendored.iter().any(|part| file.contains(part)) {
        return Ok(Reply::json(
            200,
            &json!({
                "config": config, "sourceUrl": null, "error": "stack_root_mismatch",
                "integrations": [integration],
            }),
        ));
    }
    let path = format!("src/{}", file.trim_start_matches('/'));
    let commit = call.param("commitId").filter(|commit| !commit.is_empty()).unwrap_or("main");
    let line = call
        .param("lineNo")
        .and_then(|line| line.parse::<u32>().ok())
        .map(|line| format!("#L{line}"))
        .unwrap_or_default();
    Ok(Reply::json(
        200,
        &json!({
            "config": config,
            "sourcePath": path,
            "sourceUrl": format!("https://github.com/{name}/blob/{commit}/{path}{line}"),
            "integrations": [integration],
        }),
    ))
}
