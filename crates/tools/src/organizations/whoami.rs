//! `whoami`: the user behind the token, and the limits of the session. Roles are not shown.

use std::fmt::Write as _;

use schemars::JsonSchema;
use scopes::ScopeSet;
use serde::{Deserialize, Serialize};

use crate::{
    answer::{Answer, Reply},
    error::Result,
    params::given,
    render::markdown,
    tool::{Context, Effect, Tool, Upstream},
};

pub(crate) struct Whoami;

/// Show the Sentry user behind this connection, and the organization and project it is limited to.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Params {}

/// The caller as data.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Known {
    /// The Sentry installation.
    host: String,
    name: Option<String>,
    email: Option<String>,
    user_id: Option<String>,
    /// The organization that the session is limited to.
    organization: Option<String>,
    /// The project that the session is limited to.
    project: Option<String>,
}

impl Tool for Whoami {
    type Params = Params;
    type Output = Known;

    const NAME: &'static str = "whoami";
    const EFFECT: Effect = Effect::Read;
    const REQUIRES: ScopeSet = ScopeSet::EMPTY;
    const UPSTREAM: Upstream = Upstream { endpoint: "GET /api/0/auth/", accepts: &[] };

    async fn call(&self, cx: &Context<'_>, _: Params) -> Result<Reply<Known>> {
        let user = cx.sentry.authenticated_user().await?;
        let mut out = format!("# User at {}\n\n", cx.sentry.site().host());
        if let Some(name) = given(user.name.as_deref()) {
            let _ = writeln!(out, "- Name: {}", markdown::line(name, 200));
        }
        if let Some(email) = given(user.email.as_deref()) {
            let _ = writeln!(out, "- Email: {}", markdown::code(email, 254));
        }
        if let Some(id) = &user.id {
            let _ = writeln!(out, "- User id: {}", markdown::code(id, 40));
        }
        if out.ends_with("\n\n") {
            out.push_str("Sentry accepts the auth token, but does not tell whose it is.\n");
        }
        limits(&mut out, cx);
        let fence = cx.sentry.fence();
        Ok(cx.reply(Answer::new(out), || Known {
            host: cx.sentry.site().host().to_owned(),
            name: given(user.name.as_deref()).map(str::to_owned),
            email: given(user.email.as_deref()).map(str::to_owned),
            user_id: user.id,
            organization: fence.organization.as_ref().map(ToString::to_string),
            project: fence.project.as_ref().map(ToString::to_string),
        }))
    }
}

fn limits(out: &mut String, cx: &Context<'_>) {
    let fence = cx.sentry.fence();
    let limits = [("organization", &fence.organization), ("project", &fence.project)];
    let limits: Vec<_> = limits
        .into_iter()
        .filter_map(|(kind, slug)| Some(format!("the {kind} `{}`", slug.as_ref()?)))
        .collect();
    if !limits.is_empty() {
        let _ = write!(
            out,
            "\nThis session is limited to {}. Tools fill this in; leave the arguments out.",
            limits.join(" and ")
        );
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use scopes::{Granted, Origin, ScopeSet};
    use serde_json::json;
    use test_support::FakeSentry;

    use crate::{
        gate::Grant,
        testing::{call, call_as, call_fenced},
    };

    #[tokio::test]
    async fn shows_the_user_and_the_limits_of_the_session() {
        let user = json!({ "id": 1, "name": "Admin", "email": "admin@example.test" });
        let sentry = FakeSentry::start().await.get("/api/0/auth/", user).await;
        let out = call_fenced(&sentry, "acme", Some("api"), "whoami", json!({})).await;
        assert_snapshot!(out.replace(&sentry.host(), "HOST"), @r"
        # User at HOST

        - Name: Admin
        - Email: `admin@example.test`
        - User id: `1`

        This session is limited to the organization `acme` and the project `api`. Tools fill this in; leave the arguments out.
        ");
    }

    #[tokio::test]
    async fn a_user_without_a_name_is_one_too_and_no_scope_is_needed() {
        let user = json!({ "id": "1", "name": null, "email": "`\n# x" });
        let sentry = FakeSentry::start().await.get("/api/0/auth/", user).await;
        let nothing = Grant::new(Granted { scopes: ScopeSet::EMPTY, origin: Origin::Default });
        let out = call_as(&sentry, &nothing, "whoami", json!({})).await;
        assert_snapshot!(out.replace(&sentry.host(), "HOST"), @r"
        # User at HOST

        - Email: `` ` # x ``
        - User id: `1`
        ");
    }

    #[tokio::test]
    async fn a_user_of_whom_nothing_is_known_is_told_as_such() {
        let user = json!({ "id": null, "email": "" });
        let sentry = FakeSentry::start().await.get("/api/0/auth/", user).await;
        let out = call(&sentry, "whoami", json!({})).await;
        assert_snapshot!(out.replace(&sentry.host(), "HOST"), @r"
        # User at HOST

        Sentry accepts the auth token, but does not tell whose it is.
        ");
    }

    #[tokio::test]
    async fn a_bad_token_is_told_as_such() {
        let body = json!({ "detail": "Invalid token" });
        let sentry = FakeSentry::start().await.status("GET", "/api/0/auth/", 401, body).await;
        let out = call(&sentry, "whoami", json!({})).await;
        assert!(
            out.starts_with("error: ") && out.contains("did not accept the auth token"),
            "{out}"
        );
    }
}
