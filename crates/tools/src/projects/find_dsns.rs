//! `find_dsns`. It shows public DSNs only, never the secret half of a key.

use std::fmt::Write as _;

use schemars::JsonSchema;
use scopes::{Scope, ScopeSet};
use sentry_client::client_keys::{ClientKey, ListClientKeys};
use serde::Deserialize;

use super::{KeyFacts, create_dsn::CreateDsn, key_name};
use crate::{
    answer::{List, Listing, Reply},
    error::Result,
    gate::needs,
    params::{Cursor, OrganizationSlug, ProjectSlug, RegionUrl},
    render::markdown,
    tool::{Context, Effect, Tool, Upstream},
};

pub(crate) struct FindDsns;

/// List a project's DSNs (client keys). Use it to configure an SDK. It creates none.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    organization_slug: OrganizationSlug,
    project_slug: ProjectSlug,
    cursor: Option<Cursor>,
    region_url: Option<RegionUrl>,
}

impl Tool for FindDsns {
    type Params = Params;
    type Output = List<KeyFacts>;

    const NAME: &'static str = "find_dsns";
    const EFFECT: Effect = Effect::Read;
    const REQUIRES: ScopeSet = needs(Scope::ProjectRead);
    const UPSTREAM: Upstream = Upstream {
        endpoint: "GET /api/0/projects/{org}/{project}/keys/",
        accepts: &[needs(Scope::ProjectRead)],
    };

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Reply<List<KeyFacts>>> {
        let Params { organization_slug: org, project_slug: project, .. } = &params;
        let region = cx.region(params.region_url.as_ref())?;
        let list = ListClientKeys {
            per_page: Some(50),
            cursor: params.cursor.as_deref(),
            region: region.as_ref(),
        };
        let page = cx.sentry.list_client_keys(org, project, &list).await?;
        let mut out = Listing::titled(&format!("# DSNs of `{}` in `{}`", **project, **org));
        for key in &page.items {
            out.entry(&entry(key), KeyFacts::of(key));
        }
        if page.items.is_empty() && page.skipped == 0 && page.next.is_none() {
            out.note(&nothing(cx, &params));
        }
        out.end(&page);
        Ok(out.reply(cx))
    }
}

fn entry(key: &ClientKey) -> String {
    let dsn = match key.public_dsn() {
        Some(dsn) => markdown::code(dsn, 500),
        None => "no public DSN".to_owned(),
    };
    let state = if key.accepts_events() { "active" } else { "inactive: drops events" };
    let mut out = format!("- {}: {dsn}\n  ", key_name(key));
    if let Some(id) = &key.id {
        let _ = write!(out, "key id {}, ", markdown::code(id, 64));
    }
    out.push_str(state);
    let limit = key.rate_limit.and_then(|limit| limit.count.zip(limit.window));
    if let Some((count @ 1.., window @ 1..)) = limit {
        let _ = write!(out, ", at most {count} events in {window} s");
    }
    out.push('\n');
    out
}

fn nothing(cx: &Context<'_>, params: &Params) -> String {
    if params.cursor.is_some() {
        return "No more client keys.\n".to_owned();
    }
    match cx.offers::<CreateDsn>() {
        Some(tool) => format!("No client keys yet. `{tool}` creates one.\n"),
        None => "No client keys. Somebody who may change the project creates one.\n".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::{Value, json};
    use test_support::{FakeSentry, fixture};

    use crate::testing::{call, call_fenced};

    const KEYS: &str = "/api/0/projects/acme/web/keys/";

    fn web() -> Value {
        json!({ "organizationSlug": "acme", "projectSlug": "web" })
    }

    #[tokio::test]
    async fn lists_each_key_without_its_secret() {
        let keys = fixture!("client_keys/list.json");
        let sentry = FakeSentry::start().await.get_page(KEYS, keys, Some("2:50:0")).await;
        let out = call(&sentry, "find_dsns", web()).await;
        assert_snapshot!(out, @r"
        # DSNs of `web` in `acme`

        - Default: `https://a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1@sentry.example.test/302`
          key id `a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1`, active
        - Load test: `https://b2@sentry.example.test/302`
          key id `b2`, inactive: drops events, at most 1000 events in 3600 s
        - (no name): no public DSN
          key id `3`, active

        1 entry could not be read and was left out.

        There are more: call again with `cursor`: `2:50:0`
        ");
    }

    #[tokio::test]
    async fn a_project_without_keys_leads_to_creating_one() {
        let sentry = FakeSentry::start().await.get(KEYS, json!([])).await;
        assert_snapshot!(call(&sentry, "find_dsns", web()).await, @r"
        # DSNs of `web` in `acme`

        No client keys yet. `create_dsn` creates one.
        ");
    }

    #[tokio::test]
    async fn the_fence_fixes_the_project() {
        let sentry = FakeSentry::start().await.get(KEYS, json!([])).await;
        let out = call_fenced(&sentry, "acme", Some("web"), "find_dsns", json!({})).await;
        assert!(out.starts_with("# DSNs of `web`"), "{out}");
        let other = json!({ "projectSlug": "other" });
        let out = call_fenced(&sentry, "acme", Some("web"), "find_dsns", other).await;
        assert!(out.contains("limited to `web`"), "{out}");
    }

    #[tokio::test]
    async fn an_unknown_project_is_named() {
        let sentry = FakeSentry::start().await.status("GET", KEYS, 404, json!({})).await;
        let out = call(&sentry, "find_dsns", web()).await;
        assert!(out.starts_with("error: Sentry found nothing") && out.contains("`web`"), "{out}");
    }

    #[tokio::test]
    async fn keys_that_cannot_be_read_are_not_told_as_none() {
        let path = "projects/acme/web/keys/";
        let sentry = FakeSentry::start().await.get(path, json!([null])).await;
        let args = json!({ "organizationSlug": "acme", "projectSlug": "web" });
        let out = call(&sentry, "find_dsns", args).await;
        assert!(out.ends_with("1 entry could not be read and was left out."), "{out:?}");
        assert!(!out.contains("No client keys"), "{out}");
    }
}
