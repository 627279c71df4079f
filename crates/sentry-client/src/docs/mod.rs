//! Sentry's documentation: a search service and a host with pages as Markdown, both beside
//! Sentry. Neither ever receives the Sentry token, and no other host can be asked from here.

mod service;

use std::time::Duration;

use reqwest::Method;
use serde::{Deserialize, Serialize};

pub(crate) use self::service::host;
pub use self::service::{BadDocsPath, DocsAddress, DocsService, DocsServiceError};
use crate::{Client, ErrorKind, Result, drift};

/// The longest time for one request to the documentation.
const LIMIT: Duration = Duration::from_secs(15);

/// A search of [`Client::search_docs`].
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchDocs<'a> {
    /// What to search for, 2 to 200 characters.
    pub query: &'a str,
    /// How many results, 1 to 10.
    pub max_results: usize,
    /// A platform, or a platform and a framework: `javascript/nextjs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guide: Option<&'a str>,
}

/// What a search found.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct DocsResults {
    /// The results, best first.
    #[serde(default)]
    pub results: drift::Lenient<DocsHit>,
    /// The service's own words when it could not search. They are data.
    #[serde(default, deserialize_with = "drift::text")]
    pub error: Option<String>,
}

/// A page that a search found.
#[derive(Clone, Debug, Deserialize)]
pub struct DocsHit {
    /// The path of the page, for [`DocsService::page`].
    #[serde(rename = "id", deserialize_with = "drift::id")]
    pub path: String,
    /// The page on the website.
    #[serde(default, deserialize_with = "drift::text")]
    pub url: Option<String>,
    /// The part of the page that matches.
    #[serde(default, deserialize_with = "drift::text")]
    pub snippet: Option<String>,
    /// How well it matches, 0 to 1.
    #[serde(default, deserialize_with = "drift::number")]
    pub relevance: Option<f64>,
}

/// What was at a page's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocsPage {
    /// The page.
    Markdown(String),
    /// Nothing (404 or 410).
    NotFound,
    /// A web page instead of Markdown.
    Html,
}

impl Client {
    /// `POST {search}/api/search`
    ///
    /// An error that the service reports in its own words is no failure: see
    /// [`DocsResults::error`].
    pub async fn search_docs(
        &self,
        service: &DocsService,
        search: &SearchDocs<'_>,
    ) -> Result<DocsResults> {
        let request = self.within(LIMIT);
        let answer = request.external(Method::POST, service.search_url()).body(search).json().await;
        answer.or_else(|error| match error.kind() {
            ErrorKind::Validation { detail: Some(text), .. }
            | ErrorKind::Status { detail: Some(text), .. } => {
                Ok(DocsResults { error: Some(text.clone()), ..DocsResults::default() })
            }
            _ => Err(error),
        })
    }

    /// `GET {page}`, a page of [`DocsService::page`], as Markdown.
    pub async fn get_doc(&self, page: &DocsAddress) -> Result<DocsPage> {
        let client = self.within(LIMIT);
        match client.external(Method::GET, page.url()).text("text/markdown, text/plain").await {
            Ok(text) if is_html(&text) => Ok(DocsPage::Html),
            Ok(text) => Ok(DocsPage::Markdown(text)),
            Err(error) => match error.kind() {
                ErrorKind::NotFound { .. } | ErrorKind::Status { status: 410, .. } => {
                    Ok(DocsPage::NotFound)
                }
                _ => Err(error),
            },
        }
    }
}

/// Whether a text is a web page: it begins with a doctype or the root element. Markdown may
/// begin with another element.
fn is_html(text: &str) -> bool {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    ["<!doctype", "<html"]
        .iter()
        .any(|tag| start.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{body_json, method, path},
    };

    use super::*;
    use crate::{Fence, Settings, TokenSource};

    fn client() -> Client {
        let fence = Fence { organization: "acme".parse().ok(), project: None };
        Client::new(Settings::default(), TokenSource::fixed("hunter2")).with_fence(fence)
    }

    fn service(server: &MockServer) -> DocsService {
        DocsService::parse(&format!("{}/a", server.uri()), &server.uri()).unwrap()
    }

    async fn serve(server: &MockServer, verb: &str, at: &str, answer: ResponseTemplate) {
        Mock::given(method(verb)).and(path(at)).respond_with(answer).mount(server).await;
    }

    async fn read(server: &MockServer, at: &str) -> Result<DocsPage> {
        client().get_doc(&service(server).page(at).unwrap()).await
    }

    const SEARCH: SearchDocs<'static> =
        SearchDocs { query: "source maps", max_results: 3, guide: Some("javascript") };

    #[tokio::test]
    async fn neither_search_nor_page_gets_the_token() {
        let server = MockServer::start().await;
        let wanted = json!({ "query": "source maps", "maxResults": 3, "guide": "javascript" });
        let found = json!({ "query": "", "results": [{ "id": "a.md", "relevance": 0.5 }, {}] });
        let answer = ResponseTemplate::new(200).set_body_json(found);
        let search = Mock::given(method("POST")).and(path("/a/api/search")).and(body_json(wanted));
        search.respond_with(answer).mount(&server).await;
        serve(&server, "GET", "/a.md", ResponseTemplate::new(200).set_body_string("# A")).await;

        let found = client().search_docs(&service(&server), &SEARCH).await.unwrap();
        assert_eq!((found.results.items.len(), found.results.skipped), (1, 1));
        assert_eq!(read(&server, "a.md").await.unwrap(), DocsPage::Markdown("# A".to_owned()));
        let tokenless = Client::new(Settings::default(), TokenSource::Missing);
        let page = service(&server).page("a.md").unwrap();
        assert!(tokenless.get_doc(&page).await.is_ok());

        let requests = server.received_requests().await.unwrap();
        assert_eq!(requests.len(), 3);
        for request in requests {
            assert!(!request.headers.contains_key("authorization"));
            assert!(!format!("{request:?}").contains("hunter2"));
        }
    }

    #[tokio::test]
    async fn the_words_of_the_service_are_kept() {
        for status in [200, 400, 500] {
            let server = MockServer::start().await;
            let answer =
                ResponseTemplate::new(status).set_body_json(json!({ "error": "index is down" }));
            serve(&server, "POST", "/a/api/search", answer).await;
            let found = client().search_docs(&service(&server), &SEARCH).await.unwrap();
            assert_eq!(found.error.as_deref(), Some("index is down"), "{status}");
        }
    }

    #[tokio::test]
    async fn a_search_is_repeated_like_any_read() {
        let server = MockServer::start().await;
        let down = Mock::given(method("POST")).respond_with(ResponseTemplate::new(503));
        down.up_to_n_times(1).mount(&server).await;
        let empty = ResponseTemplate::new(200).set_body_json(json!({ "results": null }));
        serve(&server, "POST", "/a/api/search", empty).await;
        let found = client().search_docs(&service(&server), &SEARCH).await.unwrap();
        assert!(found.results.items.is_empty() && found.error.is_none());
    }

    #[tokio::test]
    async fn a_missing_page_and_a_web_page_are_answers() {
        let server = MockServer::start().await;
        serve(&server, "GET", "/gone.md", ResponseTemplate::new(410)).await;
        let page = ResponseTemplate::new(200).set_body_string("\u{feff}\n<!DOCTYPE html><title>");
        serve(&server, "GET", "/web.md", page).await;
        let markdown = ResponseTemplate::new(200).set_body_string("<Alert>é</Alert>");
        serve(&server, "GET", "/alert.md", markdown).await;
        assert_eq!(read(&server, "missing.md").await.unwrap(), DocsPage::NotFound);
        assert_eq!(read(&server, "gone.md").await.unwrap(), DocsPage::NotFound);
        assert_eq!(read(&server, "web.md").await.unwrap(), DocsPage::Html);
        assert!(matches!(read(&server, "alert.md").await.unwrap(), DocsPage::Markdown(_)));
    }

    #[tokio::test]
    async fn a_redirect_is_followed_on_the_same_host_only() {
        let (server, other) = (MockServer::start().await, MockServer::start().await);
        let to = |location: &str| ResponseTemplate::new(308).insert_header("location", location);
        serve(&server, "GET", "/old.md", to("/new.md")).await;
        serve(&server, "GET", "/new.md", ResponseTemplate::new(200).set_body_string("new")).await;
        serve(&server, "GET", "/away.md", to(&format!("{}/new.md", other.uri()))).await;
        assert_eq!(read(&server, "old.md").await.unwrap(), DocsPage::Markdown("new".to_owned()));
        let error = read(&server, "away.md").await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Moved { location: Some(_), .. }), "{error:?}");
        assert!(other.received_requests().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_service_that_is_not_there_is_named() {
        let service = DocsService::parse("http://127.0.0.1:9", "http://127.0.0.1:9").unwrap();
        let error = client().search_docs(&service, &SEARCH).await.unwrap_err();
        assert_eq!((error.host(), error.request()), ("127.0.0.1:9", "POST /api/search"));
        assert!(matches!(error.kind(), ErrorKind::Connect { .. }), "{error:?}");
    }
}
