//! Addresses of Sentry's web pages, for people. Nothing here is ever asked.

use std::fmt::Write as _;

use crate::{EventId, Region, Site, Slug, route::Encoded};

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

    /// An event of an issue.
    pub fn event_url(&self, org: &Slug, issue_id: &str, event: &EventId) -> String {
        self.web_url(org, &format!("{}events/{event}/", page("/issues/", issue_id)))
    }

    /// The list of issues for a search; `project` is a numeric id.
    pub fn issues_url(&self, org: &Slug, query: &str, project: Option<&str>) -> String {
        let mut path = "/issues/?query=".to_owned();
        // Writing to a string cannot fail.
        let _ = Encoded(&mut path).write_str(query);
        if let Some(project) = project {
            path.push_str("&project=");
            let _ = Encoded(&mut path).write_str(project);
        }
        self.web_url(org, &path)
    }

    /// A trace.
    pub fn trace_url(&self, org: &Slug, trace_id: &str) -> String {
        self.web_url(org, &page("/explore/traces/trace/", trace_id))
    }

    /// A session replay.
    pub fn replay_url(&self, org: &Slug, replay_id: &str) -> String {
        self.web_url(org, &page("/explore/replays/", replay_id))
    }

    /// A release.
    pub fn release_url(&self, org: &Slug, version: &str) -> String {
        self.web_url(org, &page("/releases/", version))
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
        assert_eq!(
            site.release_url(&acme, "app@1 ä/x"),
            format!("{base}/releases/app%401%20%C3%A4%2Fx/")
        );
        assert_eq!(site.trace_url(&acme, "abc"), format!("{base}/explore/traces/trace/abc/"));
        assert_eq!(site.replay_url(&acme, "abc"), format!("{base}/explore/replays/abc/"));
        let event = "7ca573c0f4814912aaa9bdc77d1a7d51".parse().unwrap();
        assert_eq!(
            site.event_url(&acme, "17", &event),
            format!("{base}/issues/17/events/{event}/")
        );
        let list = site.issues_url(&acme, "is:unresolved a&b", Some("4505"));
        assert_eq!(list, format!("{base}/issues/?query=is%3Aunresolved%20a%26b&project=4505"));
        let plain = Site::parse_host("127.0.0.1:9000", true).unwrap();
        assert_eq!(plain.web_url(&acme, "/x/"), "http://127.0.0.1:9000/organizations/acme/x/");
    }
}
