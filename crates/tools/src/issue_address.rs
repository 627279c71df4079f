//! Which issue a caller means: an organization and an id, or a link to the issue.
//!
//! The link is only taken apart. Its host is never asked for anything, and whether
//! the issue exists is Sentry's to say.

use sentry_client::{EventRef, Fence, IssueId, Slug, traces::TraceId};
use url::Url;

use crate::{
    error::{Error, Result},
    params::given,
    render::markdown,
    tool::Context,
};

/// First labels of host names that are not organizations.
const NOT_ORGANIZATIONS: &[&str] = &["www", "us", "us2", "de", "eu", "app", "sentry"];

/// An issue, and an event of it if the link led to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IssueAddress {
    /// The organization it belongs to.
    pub(crate) organization: Slug,
    /// The issue.
    pub(crate) issue: IssueId,
    /// The event that the link pointed at.
    pub(crate) event: Option<EventRef>,
}

impl IssueAddress {
    /// Reads the three arguments that name an issue. The link wins over the id.
    pub(crate) fn of(
        cx: &Context<'_>,
        organization: Option<&Slug>,
        issue: Option<&str>,
        url: Option<&str>,
    ) -> Result<IssueAddress> {
        let sentry = cx.sentry;
        IssueAddress::parse(sentry.fence(), sentry.site().host(), organization, issue, url)
    }

    /// The same from values. `host` is the configured Sentry's, which names no organization.
    fn parse(
        fence: &Fence,
        host: &str,
        organization: Option<&Slug>,
        issue: Option<&str>,
        url: Option<&str>,
    ) -> Result<IssueAddress> {
        let address = match (given(url), given(issue)) {
            (Some(url), _) => from_url(url, host, organization.or(fence.organization.as_ref()))?,
            (None, Some(issue)) => from_id(issue, organization)?,
            (None, None) => {
                return Err(Error::input(
                    "no issue given: pass `issueUrl`, or `organizationSlug` and `issueId` such as \
                     `BACKEND-4F` or `1234567`",
                ));
            }
        };
        if fence.admits_organization(&address.organization) {
            return Ok(address);
        }
        Err(Error::input(format!(
            "the issue belongs to the organization `{}`, which is outside of what this session is \
             limited to: name an issue of `{}`",
            address.organization,
            fence.organization.as_ref().map_or("", Slug::as_str)
        )))
    }
}

fn from_id(issue: &str, organization: Option<&Slug>) -> Result<IssueAddress> {
    if issue.contains("://") {
        return Err(Error::argument("issueId", "this is a link: pass it as `issueUrl` instead"));
    }
    let issue = issue_id("issueId", issue)?;
    match organization {
        Some(organization) => {
            Ok(IssueAddress { organization: organization.clone(), issue, event: None })
        }
        None => Err(Error::argument(
            "organizationSlug",
            format!(
                "`issueId` `{issue}` also needs the organization, such as `acme`; or pass \
                 `issueUrl` alone"
            ),
        )),
    }
}

fn from_url(text: &str, host: &str, organization: Option<&Slug>) -> Result<IssueAddress> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| url_error(text, "it is not an http or https URL"))?;
    let segments: Vec<&str> =
        url.path_segments().into_iter().flatten().filter(|part| !part.is_empty()).collect();
    if segments.is_empty() {
        return Err(url_error(text, "it has no path"));
    }
    let named = segments.iter().position(|part| *part == "organizations");
    let start = named.map_or(0, |at| (at + 2).min(segments.len()));
    let rest = segments.get(start..).unwrap_or_default();
    let at = rest.iter().position(|part| *part == "issues").ok_or_else(|| {
        let is_trace = rest.iter().any(|part| matches!(*part, "trace" | "traces"));
        let trace = "it leads to a trace, which `get_trace_details` shows by its id";
        url_error(text, if is_trace { trace } else { "its path has no `issues` part" })
    })?;
    let id = rest.get(at + 1).ok_or_else(|| url_error(text, "no issue id follows `issues`"))?;
    let event = match (rest.get(at + 2), rest.get(at + 3)) {
        (Some(&"events"), Some(event)) => {
            Some(event.parse::<EventRef>().map_err(|err| Error::argument("issueUrl", err))?)
        }
        _ => None,
    };
    let found = match named {
        Some(at) => segments.get(at + 1).copied().map(str::to_owned),
        None => organization_of(&url, &segments, host),
    };
    let organization = the_one(found, organization, text)?;
    Ok(IssueAddress { organization, issue: issue_id("issueUrl", id)?, event })
}

/// The organization of a link without `organizations` in its path.
fn organization_of(url: &Url, segments: &[&str], own_host: &str) -> Option<String> {
    match segments.first() {
        Some(&"issues" | &"api") | None => {}
        Some(first) => return Some((*first).to_owned()),
    }
    let host = url.domain()?;
    let own_host = own_host.split(':').next().unwrap_or_default();
    let (label, parent) = host.split_once('.')?;
    let names_one = parent.contains('.')
        && !host.eq_ignore_ascii_case(own_host)
        && !NOT_ORGANIZATIONS.contains(&label);
    names_one.then(|| label.to_owned())
}

/// The organization that the link names, which must be the one that was asked for.
fn the_one(found: Option<String>, asked: Option<&Slug>, url: &str) -> Result<Slug> {
    let Some(found) = found else {
        return asked.cloned().ok_or_else(|| {
            url_error(url, "the organization cannot be told from it: pass `organizationSlug` too")
        });
    };
    let found: Slug = found.parse().map_err(|err| Error::argument("issueUrl", err))?;
    match asked {
        None => Ok(found),
        Some(asked) if asked.as_str().eq_ignore_ascii_case(found.as_str()) => Ok(asked.clone()),
        Some(asked) => Err(Error::argument(
            "issueUrl",
            format!(
                "the link leads to the organization `{found}`, outside of `{asked}`, which the \
                 session or `organizationSlug` asks for: name one of the two"
            ),
        )),
    }
}

/// Reads an id that people decorate: `#BACKEND-4F`, `(backend-4f)`.
fn issue_id(argument: &str, text: &str) -> Result<IssueId> {
    let bare = text.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    bare.parse().map_err(|_| {
        // An event and a trace have ids of the same form.
        let hint = if bare.parse::<TraceId>().is_ok() {
            "; it has the form of an event's id, which `get_issue_details` takes as `eventId`, and \
             of a trace's, which `get_trace_details` takes as `traceId`"
        } else {
            ""
        };
        Error::argument(
            argument,
            format!(
                "{} is not an issue id; expected a short id such as `BACKEND-4F`, or digits such \
                 as `1234567`{hint}",
                markdown::code(text, 60)
            ),
        )
    })
}

fn url_error(url: &str, problem: &str) -> Error {
    Error::argument(
        "issueUrl",
        format!(
            "{}: {problem}; expected a link such as `https://acme.sentry.io/issues/1234567/` or \
             `https://sentry.example.com/organizations/acme/issues/1234567/`",
            markdown::code(url, 120)
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slug(text: &str) -> Slug {
        text.parse().unwrap()
    }

    fn acme() -> Fence {
        Fence { organization: Some(slug("acme")), project: None }
    }

    fn parsed(fence: &Fence, org: Option<&str>, id: Option<&str>, url: Option<&str>) -> String {
        let org = org.map(slug);
        match IssueAddress::parse(fence, "sentry.example.test:8443", org.as_ref(), id, url) {
            Ok(IssueAddress { organization, issue, event: None }) => {
                format!("{organization} {issue}")
            }
            Ok(IssueAddress { organization, issue, event: Some(event) }) => {
                format!("{organization} {issue} {event}")
            }
            Err(err) => err.to_string(),
        }
    }

    fn of_url(url: &str) -> String {
        parsed(&Fence::none(), None, None, Some(url))
    }

    #[test]
    fn an_id_is_cleaned_and_upper_cased() {
        for text in ["backend-4f", " #BACKEND-4F ", "(BACKEND-4F)", "`backend-4F`."] {
            assert_eq!(parsed(&Fence::none(), Some("acme"), Some(text), None), "acme BACKEND-4F");
        }
        assert_eq!(parsed(&Fence::none(), Some("acme"), Some("42"), None), "acme 42");
        assert_eq!(parsed(&Fence::none(), Some("acme"), Some("A_B-C-1"), None), "acme A_B-C-1");
    }

    #[test]
    fn the_organization_of_a_link_has_three_places() {
        let table = [
            ("https://sentry.io/organizations/acme/issues/42/", "acme 42"),
            ("https://sentry.io/organizations/issues/issues/42/", "issues 42"),
            ("https://sentry.io/api/0/organizations/acme/issues/42/", "acme 42"),
            ("https://sentry.example.test/acme/api/issues/42", "acme 42"),
            ("https://acme.sentry.io/issues/42/", "acme 42"),
            ("https://acme.sentry.io/issues/api-1f?project=2#top", "acme API-1F"),
            ("http://10.0.0.7:9000/organizations/acme/issues/42/", "acme 42"),
        ];
        for (url, expected) in table {
            assert_eq!(of_url(url), expected, "{url}");
        }
    }

    #[test]
    fn a_link_to_an_event_names_the_event() {
        let id = "7ca573c0f4814912aaa9bdc77d1a7d51";
        let base = "https://acme.sentry.io/issues/42/events";
        assert_eq!(of_url(&format!("{base}/{id}/?project=1")), format!("acme 42 {id}"));
        assert_eq!(of_url(&format!("{base}/latest/")), "acme 42 latest");
        assert_eq!(of_url(&format!("{base}/?query=x")), "acme 42");
        assert!(of_url(&format!("{base}/nonsense/")).contains("not an event id"), "{base}");
    }

    #[test]
    fn a_host_that_is_no_organization_is_never_taken_for_one() {
        for host in ["sentry.io", "us.sentry.io", "de.sentry.io", "www.sentry.io", "10.0.0.7:9000"]
        {
            let url = format!("https://{host}/issues/1");
            let message = of_url(&url);
            assert!(message.contains("pass `organizationSlug` too"), "{message}");
            assert_eq!(parsed(&Fence::none(), Some("acme"), None, Some(&url)), "acme 1");
        }
        let own = "https://sentry.example.test:8443/issues/1";
        assert!(of_url(own).contains("pass `organizationSlug` too"));
        assert_eq!(parsed(&acme(), None, None, Some(own)), "acme 1");
    }

    #[test]
    fn each_malformed_link_says_what_is_wrong_and_shows_a_right_one() {
        let table = [
            ("acme.sentry.io/issues/1", "not an http or https URL"),
            ("ftp://acme.sentry.io/issues/1", "not an http or https URL"),
            ("https://acme.sentry.io", "has no path"),
            ("https://acme.sentry.io/projects/api/", "no `issues` part"),
            ("https://acme.sentry.io/issues/", "no issue id follows"),
            ("https://acme.sentry.io/explore/traces/trace/abc/", "`get_trace_details` shows"),
        ];
        for (url, problem) in table {
            let message = of_url(url);
            assert!(message.starts_with("invalid arguments: `issueUrl`: "), "{message}");
            assert!(message.contains(problem), "{message}");
            assert!(message.contains("https://acme.sentry.io/issues/1234567/"), "{message}");
        }
        let message = of_url("https://acme.sentry.io/issues/alerts/rules/");
        assert!(message.contains("`alerts` is not an issue id"), "{message}");
    }

    #[test]
    fn the_id_of_an_event_or_a_trace_is_known_as_one() {
        let err = issue_id("issueId", "7ca573c0f4814912aaa9bdc77d1a7d51").unwrap_err().to_string();
        assert!(err.contains("`eventId`") && err.contains("`traceId`"), "{err}");
        let err = issue_id("issueId", "../x").unwrap_err().to_string();
        assert!(!err.contains("`eventId`"), "{err}");
    }

    #[test]
    fn the_link_wins_over_the_id() {
        let url = Some("https://acme.sentry.io/issues/42/");
        assert_eq!(parsed(&Fence::none(), Some("acme"), Some("OTHER-1"), url), "acme 42");
    }

    #[test]
    fn a_link_out_of_the_organization_is_refused() {
        let url = Some("https://other.sentry.io/issues/42/");
        for (fence, organization) in
            [(Fence::none(), Some("acme")), (acme(), Some("acme")), (acme(), None)]
        {
            let message = parsed(&fence, organization, None, url);
            assert!(message.contains("`other`, outside of `acme`"), "{message}");
        }
    }

    #[test]
    fn an_id_needs_an_organization_and_a_shape() {
        let none = Fence::none();
        let message = parsed(&none, None, Some("BACKEND-4F"), None);
        assert!(message.contains("`BACKEND-4F` also needs the organization"), "{message}");
        for bad in ["backend", "../../users", "a/b-1", "-", "../BACKEND-4F/x"] {
            let message = parsed(&none, Some("acme"), Some(bad), None);
            assert!(message.contains("such as `BACKEND-4F`"), "{bad}: {message}");
        }
        let message = parsed(&none, Some("acme"), Some("https://acme.sentry.io/issues/1"), None);
        assert!(message.contains("pass it as `issueUrl`"), "{message}");
    }

    #[test]
    fn nothing_or_blanks_are_no_issue() {
        for (id, url) in [(None, None), (Some(" "), Some(""))] {
            let message = parsed(&Fence::none(), Some("acme"), id, url);
            assert!(message.starts_with("no issue given: pass `issueUrl`, or"), "{message}");
        }
    }
}
