//! Teams: listing and creating them, and creating a project in one.

use serde_json::{Value, json};

use crate::{
    data::{Key, Project, Team, World, issues_extend as extend},
    paging::Page,
    routes::{
        Answer, Context, Reply,
        organizations::{matches, paged},
        projects::PLATFORMS,
    },
};

pub(super) fn list(world: &World, context: &Context<'_>, org: usize) -> Answer {
    let page = Page::of(context.call)?;
    let query = context.call.param("query").unwrap_or_default().to_lowercase();
    let all: Vec<_> = world
        .teams
        .iter()
        .enumerate()
        .filter(|(_, team)| team.organization == org && matches(&query, &team.slug, &team.name))
        .map(|(position, team)| {
            let projects: Vec<_> = world
                .projects
                .iter()
                .filter(|project| project.teams.contains(&position))
                .map(Project::body)
                .collect();
            let mut body = team.body(world, &context.identity);
            extend(&mut body, json!({ "externalTeams": [], "projects": projects }));
            body
        })
        .collect();
    Ok(paged(context, page, &all))
}

pub(super) fn create(world: &mut World, context: &Context<'_>, org: usize) -> Answer {
    let fields = context.call.json()?;
    let text = |key: &str| fields.get(key).and_then(Value::as_str).map(str::trim);
    let name = text("name").filter(|name| !name.is_empty());
    let slug = text("slug").filter(|slug| !slug.is_empty());
    if name.is_none() && slug.is_none() {
        return Err(Reply::json(400, &json!({ "non_field_errors": ["Name or slug is required"] })));
    }
    let name = name.or(slug).unwrap_or_default();
    if name.chars().count() > 64 {
        return Err(Reply::field("name", "Ensure this field has no more than 64 characters."));
    }
    let slug = slug.map_or_else(|| slugify(name), str::to_owned);
    check_slug(&slug)?;
    if world.team(org, &slug).is_some() {
        return Err(Reply::json(
            409,
            &json!({
                "non_field_errors": ["A team with this slug already exists."],
                "detail": "A team with this slug already exists.",
            }),
        ));
    }
    let (number, created) = world.next_write();
    let team = Team {
        id: 600 + number,
        slug,
        name: name.to_owned(),
        organization: org,
        members: vec![context.identity.user],
        created,
    };
    let body = team.body(world, &context.identity);
    world.teams.push(team);
    Ok(Reply::json(201, &body))
}

pub(super) fn projects(world: &World, context: &Context<'_>, org: &str, team: &str) -> Answer {
    let (org, _) = context.organization(world, org)?;
    let (team, _) = world.team(org, team).ok_or_else(Reply::not_found)?;
    let page = Page::of(context.call)?;
    let all: Vec<_> = world
        .projects
        .iter()
        .filter(|project| project.teams.contains(&team))
        .map(|project| project.list_body(world))
        .collect();
    Ok(paged(context, page, &all))
}

pub(super) fn create_project(
    world: &mut World,
    context: &Context<'_>,
    org: usize,
    team: &str,
) -> Answer {
    let (team, _) = world.team(org, team).ok_or_else(Reply::not_found)?;
    let fields = context.call.json()?;
    let text = |key: &str| fields.get(key).and_then(Value::as_str).map(str::trim);
    let Some(name) = text("name") else {
        return Err(Reply::field("name", "This field is required."));
    };
    if name.is_empty() {
        return Err(Reply::field("name", "This field may not be blank."));
    }
    if name.chars().count() > 50 {
        return Err(Reply::field("name", "Ensure this field has no more than 50 characters."));
    }
    let platform = text("platform").filter(|platform| !platform.is_empty());
    if platform.is_some_and(|platform| !PLATFORMS.contains(&platform)) {
        return Err(Reply::field("platform", "Invalid platform"));
    }
    let given = text("slug").filter(|slug| !slug.is_empty());
    let mut slug = given.map_or_else(|| slugify(name), str::to_owned);
    check_slug(&slug)?;
    if world.project(org, &slug).is_some() {
        if given.is_some() {
            return Err(Reply::detail(409, "A project with this slug already exists."));
        }
        slug = format!("{slug}-{}", world.projects.len());
    }
    let (number, created) = world.next_write();
    let id = 800 + number;
    let project = Project {
        id,
        slug,
        name: name.to_owned(),
        old_slugs: Vec::new(),
        organization: org,
        teams: vec![team],
        platform: platform.map(str::to_owned),
        keys: vec![Key::new(id, "Default", created)],
        created,
        has_events: false,
        bookmarked: false,
    };
    let body = project.body();
    world.projects.push(project);
    Ok(Reply::json(201, &body))
}

/// Sentry's rule for slugs of projects and teams.
pub(super) fn check_slug(slug: &str) -> Result<(), Reply> {
    let valid = slug.len() <= 100
        && slug.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte)
        })
        && !slug.bytes().all(|byte| byte.is_ascii_digit());
    if valid {
        return Ok(());
    }
    Err(Reply::field(
        "slug",
        "Enter a valid slug consisting of lowercase letters, numbers, underscores or hyphens. \
         It cannot be entirely numeric.",
    ))
}

/// A slug from a name, as Django makes it.
pub(super) fn slugify(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.to_lowercase().chars() {
        if letter.is_ascii_alphanumeric() || letter == '_' {
            slug.push(letter);
        } else if (letter.is_whitespace() || letter == '-') && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_slug() {
        assert_eq!(slugify("Mobile  App (iOS)"), "mobile-app-ios");
        assert_eq!(slugify("Größe"), "gre");
    }

    #[test]
    fn a_slug_is_lower_case_and_not_a_number() {
        assert!(check_slug("mobile-2").is_ok());
        for bad in ["Mobile", "a b", "123", ""] {
            assert!(check_slug(bad).is_err(), "{bad:?}");
        }
    }
}
