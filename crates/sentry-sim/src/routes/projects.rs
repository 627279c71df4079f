//! Projects: reading, renaming, teams, client keys, releases, code mappings.

use serde_json::{Value, json};

use crate::{
    data::{Key, Organization, Project, World},
    paging::Page,
    routes::{
        Answer, Context, Reply,
        organizations::{matches, paged},
        teams::check_slug,
    },
};

/// The platforms that can be chosen for a project: enough of Sentry's list for people to try.
pub(super) const PLATFORMS: &[&str] = &[
    "android",
    "apple-ios",
    "apple-macos",
    "dart",
    "dotnet",
    "dotnet-aspnetcore",
    "elixir",
    "flutter",
    "go",
    "go-echo",
    "go-gin",
    "go-http",
    "java",
    "java-spring",
    "java-spring-boot",
    "javascript",
    "javascript-angular",
    "javascript-astro",
    "javascript-nextjs",
    "javascript-react",
    "javascript-svelte",
    "javascript-sveltekit",
    "javascript-vue",
    "kotlin",
    "native",
    "node",
    "node-express",
    "node-fastify",
    "node-nestjs",
    "other",
    "php",
    "php-laravel",
    "php-symfony",
    "python",
    "python-celery",
    "python-django",
    "python-fastapi",
    "python-flask",
    "react-native",
    "ruby",
    "ruby-rails",
    "rust",
    "unity",
    "unreal",
];

/// The project's position; a former slug is answered with Sentry's redirect.
pub(super) fn find(
    world: &World,
    context: &Context<'_>,
    org: usize,
    project: &str,
) -> Result<usize, Reply> {
    if let Some((position, _)) = world.project(org, project) {
        return Ok(position);
    }
    let moved = world.renamed_project(org, project).ok_or_else(Reply::not_found)?;
    let url = context.call.path.replacen(&format!("/{project}/"), &format!("/{}/", moved.slug), 1);
    let body = json!({
        "slug": moved.slug,
        "detail": {
            "code": "resource-moved",
            "message": "Resource has been moved",
            "extra": { "url": url, "slug": moved.slug },
        },
    });
    Err(Reply::json(302, &body).header("location", url))
}

fn at(world: &World, position: usize) -> Result<&Project, Reply> {
    world.projects.get(position).ok_or_else(Reply::not_found)
}

fn owner<'w>(world: &'w World, project: &Project) -> Result<&'w Organization, Reply> {
    world.organizations.get(project.organization).ok_or_else(Reply::not_found)
}

/// `GET /projects/`: those of all organizations that live on the asked host.
pub(super) fn all(world: &World, context: &Context<'_>) -> Answer {
    let page = Page::of(context.call)?;
    let query = context.call.param("query").unwrap_or_default().to_lowercase();
    let on_region = context.call.site == crate::server::Site::Region;
    let mut rows = Vec::new();
    for project in &world.projects {
        let organization = owner(world, project)?;
        if organization.in_region == on_region
            && organization.role(context.identity.user).is_some()
            && matches(&query, &project.slug, &project.name)
        {
            let mut body = project.list_body(world);
            crate::data::issues_extend(
                &mut body,
                json!({ "organization": organization.body(world) }),
            );
            rows.push(body);
        }
    }
    Ok(paged(context, page, &rows))
}

pub(super) fn list(world: &World, context: &Context<'_>, org: usize) -> Answer {
    let page = Page::of(context.call)?;
    let query = context.call.param("query").unwrap_or_default().to_lowercase();
    let rows: Vec<_> = world
        .projects
        .iter()
        .filter(|project| project.organization == org)
        .filter(|project| matches(&query, &project.slug, &project.name))
        .map(|project| project.list_body(world))
        .collect();
    Ok(paged(context, page, &rows))
}

pub(super) fn details(world: &World, position: usize) -> Answer {
    Ok(Reply::json(200, &at(world, position)?.detail(world)))
}

pub(super) fn update(world: &mut World, context: &Context<'_>, position: usize) -> Answer {
    let fields = context.call.json()?;
    let project = at(world, position)?;
    if fields.keys().any(|key| key != "isBookmarked") {
        context.require(owner(world, project)?, &["project:write"])?;
    }
    let (name, slug, platform) = (
        field(&fields, "name")?,
        field(&fields, "slug")?,
        match fields.get("platform") {
            None => None,
            Some(Value::Null) => Some(None),
            Some(Value::String(platform)) if PLATFORMS.contains(&platform.as_str()) => {
                Some(Some(platform.clone()))
            }
            Some(_) => return Err(Reply::field("platform", "Invalid platform")),
        },
    );
    if let Some(slug) = &slug {
        check_slug(slug)?;
        let taken = world
            .project(project.organization, slug)
            .filter(|(taken, _)| *taken != position)
            .map(|(_, taken)| taken.id);
        if let Some(id) = taken {
            let message = format!("Another project ({id}) is already using that slug");
            return Err(Reply::detail(400, &message));
        }
    }
    let bookmarked = fields.get("isBookmarked").and_then(Value::as_bool);
    let Some(project) = world.projects.get_mut(position) else { return Err(Reply::not_found()) };
    if let Some(name) = name {
        project.name = name;
    }
    if let Some(platform) = platform {
        project.platform = platform;
    }
    if let Some(bookmarked) = bookmarked {
        project.bookmarked = bookmarked;
    }
    if let Some(slug) = slug.filter(|slug| *slug != project.slug) {
        project.old_slugs.retain(|old| *old != slug);
        let old = std::mem::replace(&mut project.slug, slug);
        project.old_slugs.push(old);
    }
    world.refresh_issues_of(position);
    details(world, position)
}

fn field(fields: &serde_json::Map<String, Value>, name: &str) -> Result<Option<String>, Reply> {
    match fields.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text.trim().to_owned())),
        Some(Value::String(_)) => Err(Reply::field(name, "This field may not be blank.")),
        Some(Value::Null) => Err(Reply::field(name, "This field may not be null.")),
        Some(_) => Err(Reply::field(name, "Not a valid string.")),
    }
}

pub(super) fn teams(world: &World, context: &Context<'_>, position: usize) -> Answer {
    let page = Page::of(context.call)?;
    let rows: Vec<_> = at(world, position)?
        .teams
        .iter()
        .filter_map(|team| world.teams.get(*team))
        .map(|team| team.body(world, &context.identity))
        .collect();
    Ok(paged(context, page, &rows))
}

/// Adds (`POST`) or removes (`DELETE`) a team.
pub(super) fn set_team(
    world: &mut World,
    context: &Context<'_>,
    org: usize,
    position: usize,
    team: &str,
) -> Answer {
    let Some((team, _)) = world.team(org, team) else {
        return Err(Reply::detail(404, "Team does not exist."));
    };
    let Some(project) = world.projects.get_mut(position) else { return Err(Reply::not_found()) };
    project.teams.retain(|one| *one != team);
    let status = if context.call.method == "POST" {
        project.teams.push(team);
        201
    } else {
        200
    };
    Ok(Reply::json(status, &at(world, position)?.detail(world)))
}

pub(super) fn keys(world: &World, context: &Context<'_>, position: usize) -> Answer {
    let page = Page::of(context.call)?;
    let project = at(world, position)?;
    let host = world.host_of(owner(world, project)?);
    let status = context.call.param("status");
    let rows: Vec<_> = project
        .keys
        .iter()
        .filter(|key| match status {
            Some("active") => key.active,
            Some("inactive") => !key.active,
            _ => true,
        })
        .map(|key| key.body(project.id, host))
        .collect();
    Ok(paged(context, page, &rows))
}

pub(super) fn create_key(world: &mut World, context: &Context<'_>, position: usize) -> Answer {
    let fields = context.call.json()?;
    let name = match fields.get("name") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(name)) => name.trim().to_owned(),
        Some(_) => return Err(Reply::field("name", "Not a valid string.")),
    };
    if name.chars().count() > 64 {
        return Err(Reply::field("name", "Ensure this field has no more than 64 characters."));
    }
    let (_, created) = world.next_write();
    let project = at(world, position)?;
    // Sentry names a key without a name itself.
    let name = if name.is_empty() { format!("Key {}", project.keys.len() + 1) } else { name };
    let key = Key::new(project.id, &name, created);
    let body = key.body(project.id, world.host_of(owner(world, project)?));
    if let Some(project) = world.projects.get_mut(position) {
        project.keys.push(key);
    }
    Ok(Reply::json(201, &body))
}

pub(super) fn environments(world: &World, position: usize) -> Answer {
    let names = world.environments_of(at(world, position)?);
    let rows: Vec<_> = (1..)
        .zip(names)
        .map(
            |(id, name)| json!({ "id": format!("{}", 9000 + id), "name": name, "isHidden": false }),
        )
        .collect();
    Ok(Reply::json(200, &Value::Array(rows)))
}

/// Releases of an organization, or of one project of it.
pub(super) fn releases(
    world: &World,
    context: &Context<'_>,
    org: usize,
    project: Option<usize>,
) -> Answer {
    let page = Page::of(context.call)?;
    let query = context.call.param("query").unwrap_or_default().to_lowercase();
    let ids: Vec<u64> = world
        .projects
        .iter()
        .enumerate()
        .filter(|(position, one)| {
            one.organization == org && project.is_none_or(|project| project == *position)
        })
        .map(|(_, one)| one.id)
        .collect();
    let rows: Vec<_> = world
        .releases
        .iter()
        .filter(|release| ids.contains(&release.project))
        .filter(|release| matches(&query, &release.version, &release.version))
        .map(|release| release.body(world))
        .collect();
    Ok(paged(context, page, &rows))
}

/// `POST code-mappings/bulk/`: connects a project with a repository of the organization.
pub(super) fn map_code(world: &mut World, context: &Context<'_>, org: usize) -> Answer {
    let fields = context.call.json()?;
    let text = |name: &str| {
        fields
            .get(name)
            .and_then(Value::as_str)
            .ok_or_else(|| Reply::field(name, "This field is required."))
    };
    let (project, repository) = (text("project")?, text("repository")?);
    let mappings = fields.get("mappings").and_then(Value::as_array);
    let Some(mappings) = mappings.filter(|mappings| !mappings.is_empty()) else {
        return Err(Reply::field("mappings", "This field is required."));
    };
    let Some((_, project)) = world.project(org, project) else {
        return Err(Reply::detail(404, "Project not found."));
    };
    let known = world
        .organizations
        .get(org)
        .is_some_and(|one| one.repositories.iter().any(|(_, name)| *name == repository));
    if !known {
        return Err(Reply::detail(404, "Repository not found."));
    }
    let rows: Vec<_> = mappings
        .iter()
        .map(|mapping| {
            json!({
                "stackRoot": mapping.get("stackRoot"),
                "sourceRoot": mapping.get("sourceRoot"),
                "status": "created",
            })
        })
        .collect();
    let body = json!({
        "created": rows.len(), "updated": 0, "errors": 0, "mappings": rows,
        "project": project.slug,
    });
    Ok(Reply::json(200, &body))
}
