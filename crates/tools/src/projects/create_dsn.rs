//! `create_dsn`. It creates an unlimited, active key, and changes none.

use std::fmt::Write as _;

use schemars::JsonSchema;
use scopes::{Scope, ScopeSet};
use serde::Deserialize;

use super::{KeyFacts, find_dsns::FindDsns, key_name, required, unless_renamed, write_failed};
use crate::{
    answer::{Answer, Reply},
    error::Result,
    gate::needs,
    params::{OrganizationSlug, ProjectSlug, RegionUrl},
    render::markdown,
    tool::{Context, Effect, Tool, Upstream},
};

pub(crate) struct CreateDsn;

/// Create another DSN (client key) for a project. Use it to tell senders apart; every
/// new project has one already. It changes no existing key.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    organization_slug: OrganizationSlug,
    project_slug: ProjectSlug,
    name: String,
    region_url: Option<RegionUrl>,
}

impl Tool for CreateDsn {
    type Params = Params;
    type Output = KeyFacts;

    const NAME: &'static str = "create_dsn";
    const EFFECT: Effect = Effect::Create;
    const REQUIRES: ScopeSet = needs(Scope::ProjectWrite);
    const UPSTREAM: Upstream = Upstream {
        endpoint: "POST /api/0/projects/{org}/{project}/keys/",
        accepts: &[needs(Scope::ProjectWrite)],
    };

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Reply<KeyFacts>> {
        let Params { organization_slug: org, project_slug: project, .. } = &params;
        let region = cx.region(params.region_url.as_ref())?;
        let name = required("name", &params.name)?;
        let created = cx.sentry.create_client_key(org, project, name, region.as_ref()).await;
        let key = created.map_err(|err| {
            let err = write_failed::<FindDsns>(cx, "The client key may have been created", err);
            unless_renamed(cx, project.as_str(), err)
        })?;
        let dsn = match key.public_dsn() {
            Some(dsn) => markdown::code(dsn, 500),
            None => "Sentry did not tell; see the project's settings".to_owned(),
        };
        let mut out = format!("# DSN created for `{}` in `{}`\n\n- DSN: {dsn}\n", **project, **org);
        if let Some(id) = &key.id {
            let _ = writeln!(out, "- Key id: {}", markdown::code(id, 64));
        }
        let _ = writeln!(out, "- Name: {}", key_name(&key));
        Ok(cx.reply(Answer::new(out), || KeyFacts::of(&key)))
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::{Value, json};
    use test_support::FakeSentry;

    use crate::testing::call;

    const KEYS: &str = "/api/0/projects/acme/web/keys/";

    fn mobile() -> Value {
        json!({ "organizationSlug": "acme", "projectSlug": "web", "name": " mobile " })
    }

    #[tokio::test]
    async fn tells_the_dsn_of_the_new_key() {
        let key = json!({
            "id": "c3", "name": "mobile", "isActive": true,
            "dsn": { "public": "https://c3@sentry.example.test/2" },
        });
        let sentry = FakeSentry::start().await.post(KEYS, key).await;
        assert_snapshot!(call(&sentry, "create_dsn", mobile()).await, @r"
        # DSN created for `web` in `acme`

        - DSN: `https://c3@sentry.example.test/2`
        - Key id: `c3`
        - Name: mobile
        ");
        let sent = sentry.requests().await.pop().unwrap();
        assert_eq!(sent.body, json!({ "name": "mobile" }));
    }

    #[tokio::test]
    async fn a_key_without_an_id_is_created_all_the_same() {
        let key = json!({ "dsn": { "public": "https://c3@sentry.example.test/2" } });
        let sentry = FakeSentry::start().await.post(KEYS, key).await;
        assert_snapshot!(call(&sentry, "create_dsn", mobile()).await, @r"
        # DSN created for `web` in `acme`

        - DSN: `https://c3@sentry.example.test/2`
        - Name: (no name)
        ");
    }

    #[tokio::test]
    async fn a_blank_name_is_refused_before_anything_is_sent() {
        let sentry = FakeSentry::start().await;
        let args = json!({ "organizationSlug": "acme", "projectSlug": "web", "name": " " });
        let out = call(&sentry, "create_dsn", args).await;
        assert_eq!(out, "error: invalid arguments: `name`: it is blank; pass some text");
        assert!(sentry.requests().await.is_empty());
    }

    #[tokio::test]
    async fn an_unknown_outcome_says_how_to_check() {
        let sentry = FakeSentry::start().await.post(KEYS, json!("?")).await;
        let out = call(&sentry, "create_dsn", mobile()).await;
        assert!(out.starts_with("error: the outcome is unknown"), "{out}");
        assert!(out.contains("call `find_dsns` to see whether it was"), "{out}");
    }

    #[tokio::test]
    async fn a_renamed_project_is_named() {
        let moved = json!({ "slug": "shop", "detail": { "extra": { "slug": "shop" } } });
        let sentry = FakeSentry::start().await.status("POST", KEYS, 302, moved).await;
        let out = call(&sentry, "create_dsn", mobile()).await;
        assert!(out.contains("call again with `projectSlug`: `shop`"), "{out}");
        assert_eq!(sentry.requests().await.len(), 1);
    }

    #[tokio::test]
    async fn sentry_s_complaint_about_the_name_is_told() {
        let complaint = json!({ "name": ["Ensure this field has no more than 64 characters."] });
        let sentry = FakeSentry::start().await.status("POST", KEYS, 400, complaint).await;
        let out = call(&sentry, "create_dsn", mobile()).await;
        assert!(
            out.contains("- `name`: Ensure this field has no more than 64 characters."),
            "{out}"
        );
    }
}
