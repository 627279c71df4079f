//! Organizations, over all regions. Where regions come from is in `regions`.

use futures::future::join_all;
use serde::Deserialize;

use crate::{
    Client, Cursor, Error, ErrorKind, Page, Region, Result, Slug, drift,
    page::REGIONS,
    regions::{join_cursor, split_cursor},
    request::Route,
};

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub struct Organization {
    /// The name in URLs.
    pub slug: Slug,
    /// The name for people; the slug where there is none.
    pub name: String,
    /// The numeric id, if Sentry tells it.
    pub id: Option<String>,
    /// Where people find it.
    pub web_url: Option<String>,
    /// Where its data is, as Sentry writes it; [`crate::Site::region`] says whether it may be asked.
    pub region_url: Option<String>,
}

#[derive(Deserialize)]
struct Wire {
    slug: Slug,
    #[serde(default, deserialize_with = "drift::text")]
    name: Option<String>,
    #[serde(default, deserialize_with = "drift::text")]
    id: Option<String>,
    #[serde(default, deserialize_with = "drift::maybe")]
    links: Option<Links>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Links {
    #[serde(default, deserialize_with = "drift::text")]
    organization_url: Option<String>,
    #[serde(default, deserialize_with = "drift::text")]
    region_url: Option<String>,
}

impl From<Wire> for Organization {
    fn from(wire: Wire) -> Organization {
        let some = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let links = wire.links.unwrap_or_default();
        Organization {
            name: some(wire.name).unwrap_or_else(|| wire.slug.to_string()),
            slug: wire.slug,
            id: some(wire.id),
            web_url: some(links.organization_url),
            region_url: some(links.region_url),
        }
    }
}

/// Query parameters of [`Client::list_organizations`].
#[derive(Clone, Debug, Default)]
pub struct ListOrganizations<'a> {
    /// Text that the name or the slug contains.
    pub query: Option<&'a str>,
    /// How many on a page of each region, 1 to 100; Sentry's default is 100.
    pub per_page: Option<u32>,
    /// Where to go on, from an earlier answer of the same list.
    pub cursor: Option<&'a Cursor>,
}

/// Organizations over all regions.
#[derive(Debug, Default)]
pub struct OrganizationList {
    /// What was found, region by region.
    pub organizations: Vec<Organization>,
    /// The regions that did not answer, by host. What they have is missing, and the next
    /// page leaves them out as well.
    pub failed_regions: Vec<(String, Error)>,
    /// Regions that Sentry named and that are not allowed, so they were not asked.
    pub skipped_regions: Vec<String>,
    /// Where the next page starts: one cursor for all regions that have more.
    pub next: Option<Cursor>,
    /// How many organizations could not be read.
    pub skipped: usize,
}

impl Client {
    /// `GET /api/0/organizations/` in every region of the user, or at the main host of a
    /// Sentry without regions.
    ///
    /// A region that fails is reported and does not fail the list, unless all fail. With a
    /// fence, only the organization inside is shown.
    pub async fn list_organizations(
        &self,
        params: &ListOrganizations<'_>,
    ) -> Result<OrganizationList> {
        let (regions, skipped_regions) = self.usable_regions().await?;
        let mut list = match regions.as_slice() {
            [] | [_] => {
                let page = self.organizations_in(regions.first(), params, params.cursor).await?;
                OrganizationList {
                    organizations: page.items,
                    next: page.next,
                    skipped: page.skipped,
                    ..OrganizationList::default()
                }
            }
            several => self.organizations_over(several, params).await?,
        };
        list.organizations
            .retain(|organization| self.fence().admits_organization(&organization.slug));
        list.skipped_regions = skipped_regions;
        Ok(list)
    }

    /// `GET /api/0/organizations/{org}/`
    pub async fn get_organization(
        &self,
        org: &Slug,
        region: Option<&Region>,
    ) -> Result<Organization> {
        let request = self.get(Route::organization(org));
        match region {
            Some(_) => request.in_region(region).json().await,
            // The main host knows the organizations of all regions.
            None => request.at_main().json().await,
        }
    }

    async fn organizations_in(
        &self,
        region: Option<&Region>,
        params: &ListOrganizations<'_>,
        cursor: Option<&Cursor>,
    ) -> Result<Page<Organization>> {
        let route = Route::root().seg("organizations");
        if cursor.is_some_and(|cursor| cursor.as_str().starts_with(REGIONS)) {
            return Err(self.error("GET", &route, ErrorKind::Cursor));
        }
        let request = self.get(route).at_main().in_region(region);
        let request =
            request.query_opt("query", params.query).query_opt("per_page", params.per_page);
        request.query_opt("cursor", cursor).page().await
    }

    async fn organizations_over(
        &self,
        regions: &[Region],
        params: &ListOrganizations<'_>,
    ) -> Result<OrganizationList> {
        let starts = match params.cursor {
            None => regions.iter().map(|region| (region, None)).collect(),
            Some(cursor) => split_cursor(cursor, regions).ok_or_else(|| {
                self.error("GET", &Route::root().seg("organizations"), ErrorKind::Cursor)
            })?,
        };
        let asked = starts
            .iter()
            .map(|(region, cursor)| self.organizations_in(Some(region), params, cursor.as_ref()));
        let mut list = OrganizationList::default();
        let mut ends = Vec::new();
        for ((region, _), answer) in starts.iter().zip(join_all(asked).await) {
            match answer {
                Ok(page) => {
                    list.organizations.extend(page.items);
                    list.skipped += page.skipped;
                    ends.extend(page.next.map(|cursor| (*region, cursor)));
                }
                Err(error) => list.failed_regions.push((region.host().to_owned(), error)),
            }
        }
        if list.failed_regions.len() == starts.len() && !list.failed_regions.is_empty() {
            return Err(list.failed_regions.swap_remove(0).1);
        }
        list.next = join_cursor(&ends);
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use test_support::{FakeSentry, fixture};

    use super::*;
    use crate::{
        Fence,
        testing::{client, main_with, paths, told},
    };

    const LIST: &str = "/api/0/organizations/";
    const REGIONS_OF_ME: &str = "/api/0/users/me/regions/";

    fn org(slug: &str) -> Value {
        json!({"id": "1", "slug": slug, "name": slug})
    }

    fn slugs(list: &OrganizationList) -> Vec<&str> {
        list.organizations.iter().map(|organization| organization.slug.as_str()).collect()
    }

    #[test]
    fn an_organization_needs_only_its_slug() {
        let list: Vec<Organization> =
            serde_json::from_str(&fixture!("organizations/list.json").to_string()).unwrap();
        assert_eq!(list[0].region_url.as_deref(), Some("https://us.example.test"));
        assert_eq!(list[0].web_url.as_deref(), Some("https://acme.example.test"));
        assert_eq!((list[1].name.as_str(), list[1].id.as_deref()), ("beta", Some("3")));
        assert_eq!((&list[1].web_url, &list[1].region_url), (&None, &None));
        let blank = r#"{"slug": "a", "links": {"regionUrl": ""}}"#;
        assert_eq!(serde_json::from_str::<Organization>(blank).unwrap().region_url, None);
        assert!(serde_json::from_str::<Organization>(r#"{"name": "a"}"#).is_err());
    }

    #[tokio::test]
    async fn a_sentry_without_regions_is_asked_at_its_only_host() {
        for (status, body) in [
            (200, json!({"regions": []})),
            (200, json!({"regions": [{"name": "x", "url": "https://evil.test"}, {"url": null}]})),
            (403, json!({"detail": "no"})),
            (404, json!({})),
            (200, json!([])),
        ] {
            let sentry = FakeSentry::start().await.status("GET", REGIONS_OF_ME, status, body).await;
            let sentry =
                sentry.get_page(LIST, json!([org("a"), {"slug": null}]), Some("0:100:0")).await;
            let list =
                client(&sentry).list_organizations(&ListOrganizations::default()).await.unwrap();
            assert_eq!((slugs(&list), list.skipped), (vec!["a"], 1));
            assert_eq!(list.next.unwrap().as_str(), "0:100:0");
            assert!(list.skipped_regions.is_empty());
            assert_eq!(paths(&sentry).await, [REGIONS_OF_ME, LIST]);
        }
    }

    #[tokio::test]
    async fn a_token_that_is_not_accepted_is_told_at_once() {
        let sentry = FakeSentry::start().await.status("GET", REGIONS_OF_ME, 401, json!({})).await;
        let error =
            client(&sentry).list_organizations(&ListOrganizations::default()).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unauthorized { .. }));
        assert_eq!(paths(&sentry).await, [REGIONS_OF_ME]);
    }

    #[tokio::test]
    async fn regions_are_listed_in_their_order_and_asked_for_once() {
        let first = FakeSentry::start().await.get(LIST, json!([org("b"), org("c")])).await;
        let second = FakeSentry::start().await.get(LIST, json!([org("a")])).await;
        let (main, client) = main_with(&[&first, &second], &["https://us.sentry.io"]).await;
        let params = ListOrganizations { query: Some("x y"), per_page: None, cursor: None };
        for _ in 0..2 {
            let list = client.list_organizations(&params).await.unwrap();
            assert_eq!(slugs(&list), ["b", "c", "a"]);
            assert_eq!(list.skipped_regions, ["https://us.sentry.io"]);
            assert_eq!(list.next, None);
        }
        assert_eq!(paths(&main).await, [REGIONS_OF_ME]);
        assert_eq!(first.requests().await[0].param("query"), Some("x y"));
    }

    #[tokio::test]
    async fn one_failing_region_is_reported_and_all_failing_fail() {
        let good = FakeSentry::start().await.get(LIST, json!([org("a")])).await;
        let bad = FakeSentry::start().await.status("GET", LIST, 500, json!({})).await;
        let (_main, client) = main_with(&[&bad, &good], &[]).await;
        let list = client.list_organizations(&ListOrganizations::default()).await.unwrap();
        assert_eq!(slugs(&list), ["a"]);
        assert_eq!(list.failed_regions[0].0, bad.host());

        let worse = FakeSentry::start().await.status("GET", LIST, 403, json!({})).await;
        let (_main, client) = main_with(&[&bad, &worse], &[]).await;
        let error = client.list_organizations(&ListOrganizations::default()).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Status { status: 500, .. }), "{error:?}");
    }

    #[tokio::test]
    async fn one_cursor_goes_on_in_each_region_that_has_more() {
        let first = FakeSentry::start()
            .await
            .get_query(LIST, &[("cursor", "5:1:0")], json!([org("b")]))
            .await;
        let first = first.get_page(LIST, json!([org("a")]), Some("5:1:0")).await;
        let second = FakeSentry::start().await.get(LIST, json!([org("c")])).await;
        let (_main, client) = main_with(&[&first, &second], &[]).await;
        let one = client.list_organizations(&ListOrganizations::default()).await.unwrap();
        assert_eq!(slugs(&one), ["a", "c"]);
        let cursor: Cursor = one.next.unwrap().as_str().parse().unwrap();
        let params = ListOrganizations { query: None, per_page: None, cursor: Some(&cursor) };
        let two = client.list_organizations(&params).await.unwrap();
        assert_eq!((slugs(&two), &two.next), (vec!["b"], &None));
        assert_eq!(second.requests().await.len(), 1);
    }

    #[tokio::test]
    async fn a_cursor_of_another_list_is_refused() {
        let (first, second) = (FakeSentry::start().await, FakeSentry::start().await);
        let (_main, client) = main_with(&[&first, &second], &[]).await;
        let foreign =
            join_cursor(&[(crate::Site::saas().own(), "0:1:0".parse().unwrap())]).unwrap();
        let twice = client.site().region(&first.uri()).unwrap();
        let twice =
            join_cursor(&[(&twice, "1".parse().unwrap()), (&twice, "1".parse().unwrap())]).unwrap();
        let cut = twice.as_str().get(..twice.as_str().len() - 1).unwrap();
        for text in ["0:100:0", "regions:", "regions:00", foreign.as_str(), twice.as_str(), cut] {
            let cursor = text.parse().unwrap();
            let params = ListOrganizations { query: None, per_page: None, cursor: Some(&cursor) };
            let error = client.list_organizations(&params).await.unwrap_err();
            assert!(told(&error).contains("does not belong to this list"), "{text}: {error:?}");
        }
        assert_eq!(first.requests().await.len() + second.requests().await.len(), 0);

        let plain = FakeSentry::start().await.get(REGIONS_OF_ME, json!({"regions": []})).await;
        let params = ListOrganizations { query: None, per_page: None, cursor: Some(&foreign) };
        let error = self::client(&plain).list_organizations(&params).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Cursor), "{error:?}");
    }

    #[tokio::test]
    async fn a_fence_hides_the_other_organizations() {
        let sentry = FakeSentry::start().await.get(LIST, json!([org("a"), org("b")])).await;
        let fence = Fence { organization: "b".parse().ok(), project: None };
        let client = client(&sentry).with_fence(fence);
        let list = client.list_organizations(&ListOrganizations::default()).await.unwrap();
        assert_eq!(slugs(&list), ["b"]);
    }
}
