//! Client keys of a project: the DSNs that SDKs send events to.
//! Changing and deleting a key are not covered, and the secret half of a DSN is never read.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{Client, Cursor, Page, Region, Result, Slug, drift, request::Route};

/// A client key. It has an id or a public DSN; what has neither is not read as a key.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", remote = "Self")]
pub struct ClientKey {
    /// The id: 32 hexadecimal digits, or a UUID in a compatible server.
    #[serde(default, deserialize_with = "drift::maybe_id")]
    pub id: Option<String>,
    /// The name for people; new keys of new projects are called `Default`.
    #[serde(default, deserialize_with = "drift::text")]
    pub name: Option<String>,
    /// Whether events sent with it are accepted; absent in old versions, where all are.
    #[serde(default, deserialize_with = "drift::flag")]
    pub is_active: Option<bool>,
    /// How many events are accepted, if that is limited.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub rate_limit: Option<RateLimit>,
    /// The key as the URLs that SDKs are configured with.
    #[serde(default, deserialize_with = "drift::maybe")]
    dsn: Option<Dsn>,
}

impl<'de> Deserialize<'de> for ClientKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ClientKey, D::Error> {
        // Not this function: the one that `remote` derives from the fields.
        let key = ClientKey::deserialize(deserializer)?;
        if key.id.is_none() && key.public_dsn().is_none() {
            return Err(de::Error::custom("expected an id"));
        }
        Ok(key)
    }
}

impl ClientKey {
    /// The DSN for SDKs. It has no secret, and may be shipped to browsers.
    pub fn public_dsn(&self) -> Option<&str> {
        self.dsn.as_ref()?.public.as_deref().filter(|dsn| !dsn.is_empty())
    }

    /// Whether events sent with it are accepted.
    pub fn accepts_events(&self) -> bool {
        self.is_active != Some(false)
    }
}

/// How many events a [`ClientKey`] accepts.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct RateLimit {
    /// Events per window; absent or zero means no limit.
    #[serde(default, deserialize_with = "drift::count")]
    pub count: Option<u64>,
    /// The window in seconds, at most 86,400; absent or zero means no limit.
    #[serde(default, deserialize_with = "drift::count")]
    pub window: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
struct Dsn {
    #[serde(default, deserialize_with = "drift::text")]
    public: Option<String>,
}

#[derive(Serialize)]
struct NewClientKey<'a> {
    name: &'a str,
}

/// Which page [`Client::list_client_keys`] lists.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListClientKeys<'a> {
    /// How many on a page, 1 to 100; Sentry's default is 100.
    pub per_page: Option<u32>,
    /// Where the page starts.
    pub cursor: Option<&'a Cursor>,
    /// The organization's region, where it is known.
    pub region: Option<&'a Region>,
}

impl Client {
    /// `GET /api/0/projects/{org}/{project}/keys/`
    ///
    /// Active and inactive ones.
    pub async fn list_client_keys(
        &self,
        org: &Slug,
        project: &Slug,
        params: &ListClientKeys<'_>,
    ) -> Result<Page<ClientKey>> {
        let per_page = params.per_page.map(|number| number.to_string());
        self.get(Route::project(org, project).seg("keys"))
            .in_region(params.region)
            .query_opt("per_page", per_page.as_deref())
            .query_opt("cursor", params.cursor.map(Cursor::as_str))
            .page()
            .await
    }

    /// `POST /api/0/projects/{org}/{project}/keys/`
    ///
    /// The name has at most 64 characters and need not be unique.
    pub async fn create_client_key(
        &self,
        org: &Slug,
        project: &Slug,
        name: &str,
        region: Option<&Region>,
    ) -> Result<ClientKey> {
        let route = Route::project(org, project).seg("keys");
        self.post(route).in_region(region).body(&NewClientKey { name }).json().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(json: &str) -> ClientKey {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_key_without_details_counts_as_active() {
        let key = key(r#"{"id": 5, "isActive": null, "rateLimit": null, "dsn": null}"#);
        assert_eq!(key.id.as_deref(), Some("5"));
        assert!(key.accepts_events());
        assert_eq!(key.public_dsn(), None);
    }

    #[test]
    fn a_key_needs_an_id_or_a_dsn() {
        let key = key(r#"{"dsn": {"public": "http://ab@host/1"}}"#);
        assert_eq!((key.id.as_deref(), key.public_dsn()), (None, Some("http://ab@host/1")));
        for bad in ["{}", r#"{"name": "web"}"#, r#"{"id": "", "dsn": {"public": ""}}"#] {
            let err = serde_json::from_str::<ClientKey>(bad).unwrap_err();
            assert!(err.to_string().starts_with("expected an id"), "{bad}: {err}");
        }
    }

    #[test]
    fn the_secret_of_a_key_is_not_read() {
        let key = key(
            r#"{"id": "ab", "secret": "s3cret", "dsn": {"secret": "http://ab:s3cret@host/1", "public": "http://ab@host/1"}}"#,
        );
        assert_eq!(key.public_dsn(), Some("http://ab@host/1"));
        assert!(!format!("{key:?}").contains("s3cret"));
    }

    #[test]
    fn an_inactive_key_says_so() {
        assert!(!key(r#"{"id": "ab", "isActive": false}"#).accepts_events());
    }
}
