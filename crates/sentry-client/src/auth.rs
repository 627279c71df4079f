//! The user behind the token. It does not list the user's organizations.

use serde::Deserialize;

use crate::{Client, Result, drift, request::Route};

/// Whom a token belongs to.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct User {
    /// The numeric id.
    #[serde(deserialize_with = "drift::id")]
    pub id: String,
    /// The name for people; free text that the user chose.
    #[serde(default, deserialize_with = "drift::text")]
    pub name: Option<String>,
    /// The name to sign in with, often the mail address.
    #[serde(default, deserialize_with = "drift::text")]
    pub username: Option<String>,
    /// The mail address.
    #[serde(default, deserialize_with = "drift::text")]
    pub email: Option<String>,
}

impl Client {
    /// `GET /api/0/auth/`, which works with every token; on Sentry's own service it is
    /// asked at `sentry.io`, because the regions know no users.
    pub async fn authenticated_user(&self) -> Result<User> {
        self.get(Route::root().seg("auth")).at_main().json().await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use test_support::FakeSentry;

    use crate::{ErrorKind, testing::client};

    #[tokio::test]
    async fn a_user_needs_only_an_id() {
        for (body, email) in [
            (
                json!({"id": "1", "name": "tester", "email": "tester@example.test"}),
                Some("tester@example.test"),
            ),
            (json!({"id": 1, "name": null, "email": null}), None),
            (json!({"id": 1, "email": {"x": 1}, "avatar": []}), None),
        ] {
            let sentry = FakeSentry::start().await.get("/api/0/auth/", body).await;
            let user = client(&sentry).authenticated_user().await.unwrap();
            assert_eq!((user.id.as_str(), user.email.as_deref()), ("1", email));
        }
    }

    #[tokio::test]
    async fn a_token_that_is_not_accepted_is_told_in_sentrys_words() {
        let body = json!({"detail": "Invalid token"});
        let sentry = FakeSentry::start().await.status("GET", "/api/0/auth/", 401, body).await;
        let error = client(&sentry).authenticated_user().await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Unauthorized { detail: Some(text) } if text == "Invalid token"),
            "{error:?}"
        );
    }
}
