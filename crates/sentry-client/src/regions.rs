//! Which regions there are, and in which one an organization lives. It decides nothing about
//! which hosts may be asked: `site` does.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Deserialize;
use tokio::sync::OnceCell;

use crate::{
    Client, Cursor, Error, ErrorKind, Region, Result, Slug, drift, page::REGIONS, request::Route,
};

/// The regions of at most this many organizations are kept per token.
const KEPT: usize = 512;

/// The longest time for a lookup: what it is for can be asked without it.
const LIMIT: Duration = Duration::from_secs(5);

/// What was learnt about regions with one token.
#[derive(Default)]
pub(crate) struct RegionCaches {
    all: OnceCell<Vec<String>>,
    by_organization: Mutex<HashMap<Slug, Arc<OnceCell<Option<Region>>>>>,
}

impl RegionCaches {
    /// The place for the region of an organization. Concurrent callers share it, so that
    /// one of them asks and the others wait.
    fn cell(&self, organization: &Slug) -> Arc<OnceCell<Option<Region>>> {
        let mut cells = self.by_organization.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = cells.get(organization) {
            return Arc::clone(cell);
        }
        // A model may make slugs up without end: start over rather than grow.
        if cells.len() >= KEPT {
            cells.clear();
        }
        Arc::clone(cells.entry(organization.clone()).or_default())
    }
}

#[derive(Deserialize)]
struct RegionList {
    regions: Vec<NamedRegion>,
}

#[derive(Deserialize)]
struct NamedRegion {
    #[serde(default, deserialize_with = "drift::text")]
    url: Option<String>,
}

impl Client {
    /// The region of an organization, where the site has regions and Sentry names an allowed
    /// one. Asked once per organization and token; a failure is asked again.
    pub async fn organization_region(&self, org: &Slug) -> Option<Region> {
        if !self.site().has_regions() {
            return None;
        }
        let credential = self.credential().ok()?;
        let cell = credential.regions.cell(org);
        let found = cell.get_or_try_init(|| async {
            let organization = self.within(LIMIT).get_organization(org, None).await?;
            Ok::<_, Error>(organization.region_url.and_then(|url| self.allowed(&url)))
        });
        match found.await {
            Ok(region) => region.clone(),
            Err(error) => {
                tracing::debug!(%error, kind = %error.kind(), "the region of an organization is unknown");
                None
            }
        }
    }

    fn allowed(&self, url: &str) -> Option<Region> {
        match self.site().region(url) {
            Ok(region) => Some(region),
            Err(refused) => {
                tracing::warn!(%refused, "a region of Sentry is ignored");
                None
            }
        }
    }

    /// The regions to ask, in Sentry's order, and those that are not allowed. None where
    /// Sentry names no allowed one: then the main host is asked.
    pub(crate) async fn usable_regions(&self) -> Result<(Vec<Region>, Vec<String>)> {
        let route = Route::root().seg("users").seg("me").seg("regions");
        let credential = self.credential().map_err(|kind| self.error("GET", &route, kind))?;
        let asked = credential.regions.all.get_or_try_init(|| async {
            let list: RegionList = self.within(LIMIT).get(route).at_main().json().await?;
            Ok::<_, Error>(list.regions.into_iter().filter_map(|region| region.url).collect())
        });
        let urls = match asked.await {
            Ok(urls) => urls,
            Err(error) if matches!(error.kind(), ErrorKind::Unauthorized { .. }) => {
                return Err(error);
            }
            // An API token may be refused here, and older versions do not have it.
            Err(error) => {
                tracing::debug!(%error, kind = %error.kind(), "the list of regions is unknown");
                return Ok((Vec::new(), Vec::new()));
            }
        };
        let (mut regions, mut skipped) = (Vec::new(), Vec::new());
        for url in urls {
            match self.site().region(url) {
                Ok(region) if !regions.contains(&region) => regions.push(region),
                Ok(_) => {}
                Err(_) => skipped.push(crate::ids::shorten(url, 80)),
            }
        }
        if regions.is_empty() {
            skipped.clear();
        }
        Ok((regions, skipped))
    }
}

/// One cursor for several regions: `regions:`, then for each region that has more a hash of
/// its host (16 hexadecimal digits), the length of its cursor (2), and the cursor.
///
/// The host itself is not in it, so that a cursor can never name a host to ask.
pub(crate) fn join_cursor(ends: &[(&Region, Cursor)]) -> Option<Cursor> {
    if ends.is_empty() {
        return None;
    }
    let mut text = REGIONS.to_owned();
    for (region, cursor) in ends {
        let cursor = cursor.as_str();
        // Writing to a string cannot fail.
        let _ = write!(text, "{:016x}{:02x}{cursor}", hash(region.host()), cursor.len());
    }
    text.parse().ok()
}

/// The regions of a cursor and where each goes on; `None` if it is not one of these regions'.
pub(crate) fn split_cursor<'a>(
    cursor: &Cursor,
    regions: &'a [Region],
) -> Option<Vec<(&'a Region, Option<Cursor>)>> {
    let mut rest = cursor.as_str().strip_prefix(REGIONS)?;
    let mut starts: Vec<(&Region, Option<Cursor>)> = Vec::new();
    while !rest.is_empty() {
        let wanted = u64::from_str_radix(rest.get(..16)?, 16).ok()?;
        let length = usize::from_str_radix(rest.get(16..18)?, 16).ok()?;
        let text = rest.get(18..18 + length)?;
        rest = rest.get(18 + length..)?;
        let region = regions.iter().find(|region| hash(region.host()) == wanted)?;
        if starts.iter().any(|(known, _)| *known == region) {
            return None;
        }
        starts.push((region, Some(text.parse().ok()?)));
    }
    (!starts.is_empty()).then_some(starts)
}

/// FNV-1a: the same in every process, which a cursor needs and `DefaultHasher` does not promise.
fn hash(host: &str) -> u64 {
    host.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use test_support::FakeSentry;

    use super::*;
    use crate::testing::{client, main_with, paths};

    async fn issues(client: &Client, region: Option<&Region>) -> Result<Value> {
        let acme = "acme".parse().unwrap();
        client.get(Route::organization(&acme).seg("issues")).in_region(region).json().await
    }

    #[tokio::test]
    async fn the_region_of_an_organization_is_looked_up_once() {
        let region = FakeSentry::start().await.get("organizations/acme/issues/", json!({})).await;
        let (main, client) = main_with(&[&region], &[]).await;
        let main = main
            .get(
                "organizations/acme/",
                json!({"slug": "acme", "links": {"regionUrl": region.uri()}}),
            )
            .await;
        let twice = futures::future::join(issues(&client, None), issues(&client, None)).await;
        assert!(twice.0.is_ok() && twice.1.is_ok());
        assert!(issues(&client.for_call(), None).await.is_ok());
        assert_eq!(paths(&main).await, ["/api/0/organizations/acme/"]);
        assert_eq!(region.requests().await.len(), 3);

        let explicit = client.site().region(&main.uri()).unwrap();
        assert!(issues(&client, Some(&explicit)).await.is_err());
        assert_eq!(paths(&main).await.len(), 2);
    }

    #[tokio::test]
    async fn an_unknown_region_falls_back_to_the_configured_host() {
        let region = FakeSentry::start().await;
        for (status, body, lookups) in [
            (500, json!({}), 2),
            (200, json!({"slug": "acme", "links": {"regionUrl": "https://evil.test"}}), 1),
            (200, json!({"slug": "acme"}), 1),
        ] {
            let (main, client) = main_with(&[&region], &[]).await;
            let main = main.status("GET", "organizations/acme/", status, body).await;
            let main = main.get("organizations/acme/issues/", json!({})).await;
            assert!(issues(&client, None).await.is_ok());
            assert!(issues(&client, None).await.is_ok());
            assert_eq!(paths(&main).await.len(), 2 + lookups);
        }
        assert_eq!(region.requests().await.len(), 0);
    }

    #[tokio::test]
    async fn a_site_without_regions_looks_none_up() {
        let sentry = FakeSentry::start().await.get("organizations/acme/issues/", json!({})).await;
        let client = client(&sentry);
        assert!(issues(&client, None).await.is_ok());
        assert_eq!(sentry.requests().await.len(), 1);
        let error = issues(&client, Some(crate::Site::saas().own())).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Region(_)), "{error:?}");
        assert_eq!(sentry.requests().await.len(), 1);
    }
}
