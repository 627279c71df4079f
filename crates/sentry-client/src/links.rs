//! Addresses of Sentry's web pages, for people. Nothing here is ever asked.

use std::fmt::Write as _;

use crate::{Region, Site, Slug, route::Encoded};

impl Site {
    /// A page of an organization: `https://{org}.sentry.io{path}` on Sentry's own service,
    /// `https://{host}/organizations/{org}{path}` elsewhere. The path begins with a slash
    /// and is taken as it is.
    pub fn web_url(&self, org: &Slug, path: &str) -> String {
        if self.is_saas() {
            format!("https://{org}.sentry.io{path}")
        } else {
            format!("{}/organizations/{org}{path}", Region::as_str(self.own()))
        }
    }

    /// An issue, by its numeric id.
    pub fn issue_url(&self, org: &Slug, issue_id: &str) -> String {
        self.web_url(org, &page("/issues/", issue_id))
    }

    /// Where a person creates an auth token. Sentry's own service has one such page for all
    /// its regions.
    pub fn token_page(&self) -> String {
        let base = if self.is_saas() { "https://sentry.io" } else { self.own().as_str() };
        format!("{base}/settings/account/api/auth-tokens/")
    }
}

/// A path with one more segment, percent-encoded.
fn page(before: &str, segment: &str) -> String {
    let mut path = before.to_owned();
    let _ = Encoded(&mut path).write_str(segment);
    path.push('/');
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_the_service_are_below_the_organizations_name() {
        let acme = "acme".parse().unwrap();
        for host in ["sentry.io", "de.sentry.io"] {
            let site = Site::parse_host(host, false).unwrap();
            assert_eq!(site.issue_url(&acme, "17"), "https://acme.sentry.io/issues/17/");
        }
    }

    #[test]
    fn pages_of_a_self_hosted_installation_are_below_its_host() {
        let acme = "acme".parse().unwrap();
        let site = Site::parse_host("sentry.example.test:8443", false).unwrap();
        let base = "https://sentry.example.test:8443/organizations/acme";
        assert_eq!(site.issue_url(&acme, "1/ä"), format!("{base}/issues/1%2F%C3%A4/"));
        let plain = Site::parse_host("127.0.0.1:9000", true).unwrap();
        assert_eq!(plain.web_url(&acme, "/x/"), "http://127.0.0.1:9000/organizations/acme/x/");
    }

    #[test]
    fn a_token_is_created_at_the_site_and_not_at_a_region() {
        let page = |host, insecure| Site::parse_host(host, insecure).unwrap().token_page();
        let path = "/settings/account/api/auth-tokens/";
        assert_eq!(page("de.sentry.io", false), format!("https://sentry.io{path}"));
        assert_eq!(page("127.0.0.1:9000", true), format!("http://127.0.0.1:9000{path}"));
    }
}
