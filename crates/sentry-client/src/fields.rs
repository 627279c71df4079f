//! What can be searched in an organization: the tags of its events, the attributes of its spans,
//! logs, and metrics, and samples of their values. It does not search.

use serde::Deserialize;

use crate::{
    Client, Cursor, Page, Region, Result, Slug, SlugOrId, Untrusted, drift, request::Route,
};

/// A tag of an organization's events. Whoever sends events names tags.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tag {
    /// The name, as a query has it.
    pub key: Untrusted,
    /// How many events have it, in the time asked for; older Sentrys count distinct values.
    #[serde(default, deserialize_with = "drift::count")]
    pub total_values: Option<u64>,
    /// The most frequent values, where Sentry sends them along.
    #[serde(default, deserialize_with = "drift::list")]
    pub top_values: Vec<Sample>,
}

/// A value that a tag or an attribute really has.
#[derive(Clone, Debug, Deserialize)]
pub struct Sample {
    /// The value; empty for events without one.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub value: Option<Untrusted>,
}

/// An attribute of spans, logs, or metrics. Whoever sends them names attributes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attribute {
    /// The name, as a query has it: `span.op`, `tags[Batch Size,number]`.
    pub key: Untrusted,
    /// `string`, `number`, or `boolean`; newer Sentrys only.
    #[serde(default, deserialize_with = "drift::text")]
    pub attribute_type: Option<String>,
    /// Who defined it; newer Sentrys only.
    #[serde(default, deserialize_with = "drift::maybe")]
    pub attribute_source: Option<AttributeSource>,
}

/// Who defined an [`Attribute`].
#[derive(Clone, Debug, Deserialize)]
pub struct AttributeSource {
    /// `sentry` or `user`.
    #[serde(default, deserialize_with = "drift::text")]
    pub source_type: Option<String>,
}

/// Whose tags or attributes, and in which data.
#[derive(Clone, Copy, Debug)]
pub struct FieldsOf<'a> {
    /// For tags `events`, `search_issues`, or `replays`; for attributes `spans`, `logs`, or
    /// `tracemetrics`.
    pub dataset: &'a str,
    /// Only this project; Sentry before 25 knows it by its id alone.
    pub project: Option<&'a SlugOrId>,
    /// Only what was seen since: a number and a unit (`m`, `h`, `d`, `w`).
    pub period: &'a str,
    /// The organization's region, where it is known.
    pub region: Option<&'a Region>,
}

/// The types that are asked for. An older Sentry takes one type only, and of several the last.
const TYPES: [&str; 3] = ["number", "boolean", "string"];

impl Client {
    /// `GET /api/0/organizations/{org}/tags/`
    ///
    /// All tags at once: Sentry does not page them.
    pub async fn list_tags(&self, org: &Slug, of: &FieldsOf<'_>) -> Result<Page<Tag>> {
        self.get(Route::organization(org).seg("tags"))
            .in_region(of.region)
            .param("dataset", of.dataset)
            .param("statsPeriod", of.period)
            .param("use_cache", 1)
            .query_opt("project", of.project)
            .page()
            .await
    }

    /// `GET /api/0/organizations/{org}/tags/{key}/values/`
    ///
    /// The most frequent values first. Not in Sentry's API description; recorded.
    pub async fn tag_values(
        &self,
        org: &Slug,
        key: &Untrusted,
        of: &FieldsOf<'_>,
    ) -> Result<Page<Sample>> {
        let route = Route::organization(org).seg("tags").seg(key.expose()).seg("values");
        self.get(route)
            .in_region(of.region)
            .param("dataset", of.dataset)
            .param("statsPeriod", of.period)
            .param("sort", "-count")
            .query_opt("project", of.project)
            .page()
            .await
    }

    /// `GET /api/0/organizations/{org}/trace-items/attributes/`
    ///
    /// `containing` is compared with the case; `per_page` is 1 to 100.
    pub async fn list_attributes(
        &self,
        org: &Slug,
        of: &FieldsOf<'_>,
        containing: Option<&str>,
        per_page: u32,
        cursor: Option<&Cursor>,
    ) -> Result<Page<Attribute>> {
        let mut request = self
            .get(Route::organization(org).seg("trace-items").seg("attributes"))
            .in_region(of.region)
            // The name of the parameter until 2026, and since.
            .param("itemType", of.dataset)
            .param("dataset", of.dataset);
        for kind in TYPES {
            request = request.param("attributeType", kind);
        }
        request
            .param("statsPeriod", of.period)
            .param("per_page", per_page)
            .query_opt("substringMatch", containing)
            .query_opt("project", of.project)
            .query_opt("cursor", cursor)
            .page()
            .await
    }

    /// `GET /api/0/organizations/{org}/trace-items/attributes/{key}/values/`
    ///
    /// Values of an attribute that is text. Not in Sentry's API description.
    pub async fn attribute_values(
        &self,
        org: &Slug,
        key: &Untrusted,
        of: &FieldsOf<'_>,
    ) -> Result<Page<Sample>> {
        let route = Route::organization(org).seg("trace-items").seg("attributes");
        self.get(route.seg(key.expose()).seg("values"))
            .in_region(of.region)
            .param("itemType", of.dataset)
            .param("dataset", of.dataset)
            .param("attributeType", "string")
            .param("statsPeriod", of.period)
            .query_opt("project", of.project)
            .page()
            .await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use test_support::FakeSentry;

    use super::*;
    use crate::testing::client;

    fn acme() -> Slug {
        "acme".parse().unwrap()
    }

    fn of(dataset: &str) -> FieldsOf<'_> {
        FieldsOf { dataset, project: None, period: "14d", region: None }
    }

    #[tokio::test]
    async fn a_tag_needs_a_key_only() {
        let tags = json!([
            { "key": "tier", "name": "Tier", "totalValues": 3, "topValues": [{ "value": "gold" }, 7] },
            { "key": 5, "totalValues": null, "topValues": null },
            { "name": "no key" },
        ]);
        let sentry = FakeSentry::start().await.get("organizations/acme/tags/", tags).await;
        let page = client(&sentry).list_tags(&acme(), &of("events")).await.unwrap();
        assert_eq!((page.items.len(), page.skipped), (2, 1));
        assert_eq!(page.items[0].total_values, Some(3));
        assert_eq!(page.items[0].top_values.len(), 1);
        let request = &sentry.requests().await[0];
        assert_eq!(request.param("dataset"), Some("events"));
        assert_eq!(request.param("statsPeriod"), Some("14d"));
    }

    #[tokio::test]
    async fn attributes_of_every_age_of_sentry_are_read() {
        let attributes = json!([
            { "key": "span.op", "name": "span.op", "attributeType": "string",
              "attributeSource": { "source_type": "sentry" } },
            { "key": "tenant", "name": "tenant" },
            { "name": "no key" },
        ]);
        let at = "organizations/acme/trace-items/attributes/";
        let sentry = FakeSentry::start().await.get_page(at, attributes, Some("0:50:0")).await;
        let client = client(&sentry);
        let (org, of) = (acme(), of("spans"));
        let list = client.list_attributes(&org, &of, Some("p"), 50, None);
        let page = list.await.unwrap();
        assert_eq!((page.items.len(), page.skipped), (2, 1));
        let source = page.items[0].attribute_source.as_ref().unwrap();
        assert_eq!(source.source_type.as_deref(), Some("sentry"));
        assert_eq!(page.items[1].attribute_type, None);
        assert_eq!(page.next.as_ref().map(Cursor::as_str), Some("0:50:0"));
        let request = &sentry.requests().await[0];
        // An older Sentry takes the last one.
        assert_eq!(request.params("attributeType").last(), Some(&"string"));
        assert_eq!(
            (request.param("itemType"), request.param("dataset")),
            (Some("spans"), Some("spans"))
        );
        assert_eq!(request.param("substringMatch"), Some("p"));
    }

    #[tokio::test]
    async fn values_are_asked_for_by_an_encoded_key() {
        let sentry = FakeSentry::start()
            .await
            .get(
                "organizations/acme/tags/a%20b/values/",
                json!([{ "value": "x" }, { "value": null }]),
            )
            .await;
        let client = client(&sentry);
        let values =
            client.tag_values(&acme(), &Untrusted::new("a b"), &of("events")).await.unwrap();
        assert_eq!(values.items[0].value, Some(Untrusted::new("x")));
        assert_eq!(values.items[1].value, None);
        // A slash cannot be part of a path segment, so nothing is sent.
        let slash = client.attribute_values(&acme(), &Untrusted::new("a/b"), &of("spans")).await;
        assert!(slash.is_err());
        assert_eq!(sentry.requests().await.len(), 1);
    }
}
