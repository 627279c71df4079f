//! The user behind the token. It does not list the user's organizations.

use serde::Deserialize;

use crate::{Client, Result, drift, request::Route};

/// Whom a token belongs to, as far as Sentry tells.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct User {
    /// The numeric id, as text.
    #[serde(default, deserialize_with = "drift::maybe_id")]
    pub id: Option<String>,
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
    async fn a_user_is_read_whatever_is_missing() {
        for (body, id, email) in [
            (
                json!({"id": "1", "name": "tester", "email": "tester@example.test"}),
                Some("1"),
                Some("tester@example.test"),
            ),
            (json!({"id": 1, "name": null, "email": null}), Some("1"), None),
            (json!({"id": [], "email": {"x": 1}, "avatar": []}), None, None),
            (json!({"email": "tester@example.test"}), None, Some("tester@example.test")),
        ] {
            let sentry = FakeSentry::start().await.get("/api/0/auth/", body).await;
            let user = client(&sentry).authenticated_user().await.unwrap();
            assert_eq!((user.id.as_deref(), user.email.as_deref()), (id, email));
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
