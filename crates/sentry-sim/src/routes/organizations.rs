//! Who am I, where do organizations live, and what belongs to one: members, repositories,
//! environments.

use serde_json::{Value, json};

use crate::{
    data::{Organization, World, issues_extend as extend},
    paging::Page,
    routes::{Answer, Context, Reply},
    server::Site,
};

pub(super) fn root(world: &World, context: &Context<'_>) -> Reply {
    let user = world.user(context.identity.user).map(crate::data::User::own_body);
    Reply::json(
        200,
        &json!({
            "version": "0",
            "auth": { "scopes": context.identity.scopes },
            "user": user,
        }),
    )
}

pub(super) fn auth(world: &World, context: &Context<'_>) -> Reply {
    let mut body =
        world.user(context.identity.user).map_or(Value::Null, crate::data::User::own_body);
    extend(&mut body, json!({ "permissions": [], "authenticators": [] }));
    Reply::json(200, &body)
}

pub(super) fn regions(world: &World) -> Reply {
    let region = |name: &str, host: &str| json!({ "name": name, "url": format!("http://{host}") });
    Reply::json(
        200,
        &json!({
            "regions": [
                region("us", &world.origins.main),
                region("de", &world.origins.region),
            ],
        }),
    )
}

/// Only the organizations that live on the asked host: a client fans out over the regions.
pub(super) fn list(world: &World, context: &Context<'_>) -> Answer {
    let page = Page::of(context.call)?;
    let query = context.call.param("query").unwrap_or_default().to_lowercase();
    let on_region = context.call.site == Site::Region;
    let all: Vec<_> = world
        .organizations
        .iter()
        .filter(|one| one.in_region == on_region && one.role(context.identity.user).is_some())
        .filter(|one| matches(&query, &one.slug, &one.name))
        .map(|one| one.body(world))
        .collect();
    Ok(paged(context, page, &all))
}

pub(super) fn details(
    world: &World,
    context: &Context<'_>,
    position: usize,
    organization: &Organization,
) -> Reply {
    Reply::json(200, &organization.detail(world, position, &context.identity))
}

pub(super) fn repositories(context: &Context<'_>, organization: &Organization) -> Answer {
    let page = Page::of(context.call)?;
    let query = context.call.param("query").unwrap_or_default().to_lowercase();
    let all: Vec<_> = organization
        .repositories
        .iter()
        .filter(|(_, name)| matches(&query, name, name))
        .map(|(id, name)| {
            json!({
                "id": id.to_string(),
                "name": name,
                "url": format!("https://github.example.test/{name}"),
                "provider": { "id": "integrations:github", "name": "GitHub" },
                "status": "active",
                "dateCreated": crate::data::precise_date(crate::data::BASE_INSTANT - 30_000_000),
                "integrationId": "61",
                "externalSlug": name,
                "externalId": (id * 1000).to_string(),
            })
        })
        .collect();
    Ok(paged(context, page, &all))
}

pub(super) fn members(world: &World, context: &Context<'_>, organization: &Organization) -> Answer {
    let page = Page::of(context.call)?;
    let query = context.call.param("query").unwrap_or_default().to_lowercase();
    let mut all = organization.members_body(world);
    all.retain(|member| {
        let text = |key: &str| member.get(key).and_then(Value::as_str).unwrap_or_default();
        matches(&query, text("email"), text("name"))
    });
    Ok(paged(context, page, &all))
}

pub(super) fn environments(organization: &Organization) -> Reply {
    let all: Vec<_> = (organization.id * 10..)
        .zip(organization.environments)
        .map(|(id, name)| json!({ "id": id.to_string(), "name": name }))
        .collect();
    Reply::json(200, &Value::Array(all))
}

/// One page of a list with its `Link` header.
pub(super) fn paged(context: &Context<'_>, page: Page, all: &[Value]) -> Reply {
    let rows = Value::Array(page.slice(all).to_vec());
    Reply::json(200, &rows).header("link", page.link(context.call, all.len()))
}

/// Sentry matches `query` inside the slug and the name, whatever the case.
pub(super) fn matches(query: &str, slug: &str, name: &str) -> bool {
    query.is_empty() || slug.to_lowercase().contains(query) || name.to_lowercase().contains(query)
}
