//! One request to Sentry, from its route to a typed answer. It sends nothing itself (`send` does)
//! and knows no resource.
//!
//! A resource file looks like this:
//!
//! ```text
//! //! Teams of an organization. It does not manage their members.
//!
//! use serde::Deserialize;
//!
//! use crate::{Client, Cursor, Page, Region, Result, Slug, drift, request::Route};
//!
//! /// A team.
//! #[derive(Clone, Debug, Deserialize)]
//! pub struct Team {
//!     /// The numeric id.
//!     #[serde(deserialize_with = "drift::id")]
//!     pub id: String,
//!     /// The name in URLs.
//!     pub slug: Slug,
//!     /// The name for people.
//!     #[serde(default, deserialize_with = "drift::text")]
//!     pub name: Option<String>,
//! }
//!
//! /// Query parameters of [`Client::list_teams`].
//! #[derive(Clone, Debug, Default)]
//! pub struct ListTeams<'a> {
//!     /// Search text.
//!     pub query: Option<&'a str>,
//!     /// Where to go on.
//!     pub cursor: Option<&'a Cursor>,
//! }
//!
//! impl Client {
//!     /// `GET /api/0/organizations/{org}/teams/`
//!     pub async fn list_teams(
//!         &self,
//!         org: &Slug,
//!         region: Option<&Region>,
//!         params: &ListTeams<'_>,
//!     ) -> Result<Page<Team>> {
//!         let request = self.get(Route::organization(org).seg("teams")).in_region(region);
//!         request.query_opt("query", params.query).query_opt("cursor", params.cursor).page().await
//!     }
//!
//!     /// `POST /api/0/organizations/{org}/teams/`
//!     pub async fn create_team(&self, org: &Slug, region: Option<&Region>, name: &str) -> Result<Team> {
//!         let request = self.post(Route::organization(org).seg("teams")).in_region(region);
//!         request.body(&serde_json::json!({ "name": name })).json().await
//!     }
//! }
//! ```

use std::fmt::{Display, Write as _};

use bytes::Bytes;
use reqwest::{Method, header::CONTENT_TYPE};
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

pub(crate) use crate::route::Route;
use crate::{
    Client, Cursor, Error, ErrorKind, Page, Region, Result, Untrusted, decode, page,
    route::Encoded,
    send::{Answer, Outgoing},
};

/// A request that is being built. A mistake on the way is kept and told by the method that sends.
#[must_use = "a request does nothing until it is sent"]
pub(crate) struct Request<'a> {
    client: &'a Client,
    method: Method,
    route: Route<'a>,
    query: String,
    body: Option<Bytes>,
    place: Place<'a>,
    problem: Option<ErrorKind>,
    file: Option<usize>,
}

/// The content of a file.
#[derive(Clone, Debug)]
pub struct Download {
    /// The content.
    pub bytes: Bytes,
    /// The media type that came with it (RFC 9110 8.3); whoever sent the file chose it.
    pub media_type: Option<Untrusted>,
}

/// Which host is asked.
enum Place<'a> {
    /// The organization's region, if the site has regions, else the configured host.
    Home,
    /// The host that knows users, tokens and regions.
    Main,
    /// A certain region.
    Region(&'a Region),
}

impl Client {
    /// Starts a `GET`.
    pub(crate) fn get<'a>(&'a self, route: Route<'a>) -> Request<'a> {
        self.request(Method::GET, route)
    }

    /// Starts a `POST`. It is sent once, whatever happens.
    pub(crate) fn post<'a>(&'a self, route: Route<'a>) -> Request<'a> {
        self.request(Method::POST, route)
    }

    /// Starts a `PUT`. It is sent once, whatever happens.
    pub(crate) fn put<'a>(&'a self, route: Route<'a>) -> Request<'a> {
        self.request(Method::PUT, route)
    }

    fn request<'a>(&'a self, method: Method, route: Route<'a>) -> Request<'a> {
        let problem = match route.bad() {
            Some(bad) => Some(ErrorKind::Segment(bad.clone())),
            None => route.refused_by(self.fence()).map(|what| ErrorKind::OutsideFence { what }),
        };
        let query = String::new();
        Request {
            client: self,
            method,
            route,
            query,
            body: None,
            place: Place::Home,
            problem,
            file: None,
        }
    }
}

impl<'a> Request<'a> {
    /// Asks this region. Without one, the organization's region is looked up (once) where
    /// the site has regions.
    pub(crate) fn in_region(mut self, region: Option<&'a Region>) -> Request<'a> {
        if let Some(region) = region {
            if let Err(refused) = self.client.site().admits(region) {
                self.problem.get_or_insert(ErrorKind::Region(refused));
            }
            self.place = Place::Region(region);
        }
        self
    }

    /// Asks the host that knows users, tokens and regions, and looks no region up.
    pub(crate) fn at_main(mut self) -> Request<'a> {
        self.place = Place::Main;
        self
    }

    /// Adds query parameters: a list of pairs, or a struct whose `None` fields are left out.
    pub(crate) fn query(mut self, params: &(impl Serialize + ?Sized)) -> Request<'a> {
        match serde_urlencoded::to_string(params) {
            Ok(text) if text.is_empty() => {}
            Ok(text) => {
                self.separate();
                self.query.push_str(&text);
            }
            Err(error) => {
                self.problem.get_or_insert(ErrorKind::Build { reason: error.to_string() });
            }
        }
        self
    }

    /// Adds one query parameter.
    pub(crate) fn param(mut self, name: &str, value: impl Display) -> Request<'a> {
        self.separate();
        // Writing to a string cannot fail.
        let _ = Encoded(&mut self.query).write_str(name);
        self.query.push('=');
        let _ = write!(Encoded(&mut self.query), "{value}");
        self
    }

    /// Adds one query parameter, if there is a value.
    pub(crate) fn query_opt(self, name: &str, value: Option<impl Display>) -> Request<'a> {
        match value {
            Some(value) => self.param(name, value),
            None => self,
        }
    }

    fn separate(&mut self) {
        if !self.query.is_empty() {
            self.query.push('&');
        }
    }

    /// Sends this as JSON.
    pub(crate) fn body(mut self, body: &(impl Serialize + ?Sized)) -> Request<'a> {
        match serde_json::to_vec(body) {
            Ok(json) => self.body = Some(json.into()),
            Err(error) => {
                self.problem.get_or_insert(ErrorKind::Build { reason: error.to_string() });
            }
        }
        self
    }

    /// Sends the request and reads the answer as one JSON value.
    pub(crate) async fn json<T: DeserializeOwned>(self) -> Result<T> {
        self.finish(|answer| decode::json(answer.status, &answer.body)).await
    }

    /// Sends the request and reads the answer as one page of a list. Elements that cannot
    /// be read are skipped and counted.
    pub(crate) async fn page<T: DeserializeOwned>(self) -> Result<Page<T>> {
        self.finish(|answer| {
            let list = decode::list(answer.status, &answer.body)?;
            let (previous, next) = ends(answer);
            Ok(Page { items: list.items, skipped: list.skipped, next, previous })
        })
        .await
    }

    /// Sends the request and reads the answer as one JSON object that holds a page of a list:
    /// the object, where the previous page starts, and where the next one does.
    pub(crate) async fn json_page<T: DeserializeOwned>(
        self,
    ) -> Result<(T, Option<Cursor>, Option<Cursor>)> {
        self.finish(|answer| {
            let object = decode::json(answer.status, &answer.body)?;
            let (previous, next) = ends(answer);
            Ok((object, previous, next))
        })
        .await
    }

    /// Sends the request and returns a JSON object unread, for a type that borrows from it.
    pub(crate) async fn object(self) -> Result<Bytes> {
        self.finish(|answer| match answer.body.trim_ascii_start().first() {
            Some(b'{') => Ok(answer.body.clone()),
            _ => decode::json::<serde_json::Map<String, serde_json::Value>>(
                answer.status,
                &answer.body,
            )
            .map(|_| answer.body.clone()),
        })
        .await
    }

    /// Sends the request and returns a JSON list unread, for a type that borrows from it.
    pub(crate) async fn list_body(self) -> Result<Bytes> {
        self.finish(|answer| match answer.body.trim_ascii_start().first() {
            Some(b'[') => Ok(answer.body.clone()),
            _ => decode::list::<serde::de::IgnoredAny>(answer.status, &answer.body)
                .map(|_| answer.body.clone()),
        })
        .await
    }

    /// Sends the request and ignores what a successful answer holds.
    pub(crate) async fn done(self) -> Result<()> {
        self.finish(|_| Ok(())).await
    }

    /// Sends the request and returns the content of a file, of at most `limit` bytes. A longer
    /// one is refused as soon as its length is known, and read no further than that.
    pub(crate) async fn download(mut self, limit: usize) -> Result<Download> {
        self.file = Some(limit);
        self.finish(|answer| {
            let media_type = answer.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            Ok(Download { bytes: answer.body.clone(), media_type: media_type.map(Untrusted::new) })
        })
        .await
    }

    async fn finish<T>(mut self, read: impl FnOnce(&Answer) -> Result<T, ErrorKind>) -> Result<T> {
        let region = match self.problem.take() {
            Some(problem) => return Err(self.fail(self.client.site().own(), problem)),
            None => self.region().await,
        };
        let url = match self.url(&region) {
            Ok(url) => url,
            Err(problem) => return Err(self.fail(&region, problem)),
        };
        let outgoing = Outgoing {
            client: self.client,
            method: &self.method,
            host: region.host().into(),
            url,
            body: self.body.take(),
            external: None,
            file: self.file,
        };
        let answer = outgoing.send().await.map_err(|kind| self.fail(&region, kind))?;
        read(&answer).map_err(|kind| self.fail(&region, unread(&self.method, answer.status, kind)))
    }

    async fn region(&self) -> Region {
        match (&self.place, self.route.organization_slug()) {
            (Place::Region(region), _) => (*region).clone(),
            (Place::Main, _) => self.client.site().main().clone(),
            (Place::Home, Some(organization)) if self.client.site().has_regions() => {
                // Boxed: the lookup is a request as well.
                let lookup = Box::pin(self.client.organization_region(organization)).await;
                lookup.unwrap_or_else(|| self.client.site().own().clone())
            }
            (Place::Home, _) => self.client.site().own().clone(),
        }
    }

    fn url(&self, region: &Region) -> Result<Url, ErrorKind> {
        let (origin, path) = (region.as_str(), self.route.path());
        let mut text = String::with_capacity(origin.len() + path.len() + self.query.len() + 1);
        text.push_str(origin);
        text.push_str(path);
        if !self.query.is_empty() {
            text.push('?');
            text.push_str(&self.query);
        }
        Url::parse(&text).map_err(|error| ErrorKind::Build { reason: error.to_string() })
    }

    fn fail(&self, region: &Region, kind: ErrorKind) -> Error {
        Error::new(format!("{} {}", self.method, self.route.path()), region.host(), kind)
    }
}

/// Where the previous page starts and where the next one does.
fn ends(answer: &Answer) -> page::Links {
    let link = answer.headers.get(reqwest::header::LINK).and_then(|link| link.to_str().ok());
    link.map(page::links).unwrap_or_default()
}

/// A write that Sentry accepted, with an answer that cannot be read, has happened: the
/// caller must not be led to repeat it.
fn unread(method: &Method, status: u16, kind: ErrorKind) -> ErrorKind {
    if *method == Method::GET {
        return kind;
    }
    // This reason begins with the status anyway.
    let reason = match kind {
        ErrorKind::NotJson { .. } => kind.fact(),
        _ => format!("sentry answered with status {status}, but {}", kind.fact()),
    };
    ErrorKind::OutcomeUnknown { reason }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use test_support::FakeSentry;

    use super::*;
    use crate::{
        Slug,
        testing::{client, client_at, told},
    };

    #[derive(serde::Deserialize)]
    struct Thing {
        slug: Slug,
    }

    #[derive(Serialize)]
    struct Params<'a> {
        query: Option<&'a str>,
        limit: u32,
    }

    #[tokio::test]
    async fn parameters_are_encoded_and_absent_ones_left_out() {
        let sentry = FakeSentry::start().await.get("thing/", json!({})).await;
        let client = client(&sentry);
        let thing = || client.get(Route::root().seg("thing"));
        let query = "is:unresolved a&b=c #ä+%";
        thing().query(&Params { query: Some(query), limit: 7 }).json::<Value>().await.unwrap();
        thing()
            .query(&[("query", query)])
            .query_opt("limit", Some(7))
            .json::<Value>()
            .await
            .unwrap();
        thing()
            .param("query", query)
            .query(&Params { query: None, limit: 7 })
            .json::<Value>()
            .await
            .unwrap();
        thing()
            .query_opt("cursor", None::<&str>)
            .query(&[("", "")][..0])
            .json::<Value>()
            .await
            .unwrap();
        let got: Vec<_> =
            sentry.requests().await.into_iter().map(|request| request.query).collect();
        let full =
            vec![("query".to_owned(), query.to_owned()), ("limit".to_owned(), "7".to_owned())];
        assert_eq!(got, [full.clone(), full.clone(), full, vec![]]);
    }

    #[tokio::test]
    async fn a_request_that_cannot_be_built_is_not_sent() {
        let sentry = FakeSentry::start().await;
        let client = client(&sentry);
        for segment in ["", "..", "a/b"] {
            let error = client.get(Route::root().seg(segment)).json::<Value>().await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Segment(_)), "{error:?}");
        }
        let nested = [("a", [("b", "c")])];
        let error = client.get(Route::root()).query(&nested).json::<Value>().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Build { .. }), "{error:?}");
        let keys = std::collections::HashMap::from([((1, 2), 3)]);
        let error = client.post(Route::root()).body(&keys).json::<Value>().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Build { .. }), "{error:?}");
        assert_eq!(sentry.requests().await.len(), 0);
    }

    #[tokio::test]
    async fn a_page_has_its_cursors_and_counts_what_it_skips() {
        let sentry = FakeSentry::start()
            .await
            .get_page(
                "things/",
                json!([{"slug": "a"}, {"slug": "b/c"}, {"slug": 7}, ["d"]]),
                Some("0:100:0"),
            )
            .await;
        let page = client(&sentry).get(Route::root().seg("things")).page::<Thing>().await.unwrap();
        let slugs: Vec<_> = page.items.iter().map(|thing| thing.slug.as_str()).collect();
        assert_eq!(slugs, ["a", "7"]);
        assert_eq!((page.skipped, page.previous), (2, None));
        assert_eq!(page.next.unwrap().as_str(), "0:100:0");
    }

    #[tokio::test]
    async fn a_body_is_json_and_a_write_may_answer_nothing() {
        let sentry = FakeSentry::start().await.status("PUT", "thing/", 204, Value::Null).await;
        let body = json!({"name": "ä"});
        client(&sentry).put(Route::root().seg("thing")).body(&body).done().await.unwrap();
        assert_eq!(sentry.requests().await[0].body, body);
    }

    #[tokio::test]
    async fn an_error_names_the_path_and_never_the_query() {
        let sentry = FakeSentry::start().await;
        let client = client(&sentry);
        let request = client.get(Route::root().seg("thing")).param("query", "hunter2");
        let error = request.json::<Value>().await.unwrap_err();
        assert_eq!(error.request(), "GET /api/0/thing/");
        assert_eq!(error.host(), sentry.host());
        assert!(!format!("{error:?}{}", told(&error)).contains("hunter2"));
    }

    #[tokio::test]
    async fn clients_of_several_tokens_share_no_token() {
        let sentry = FakeSentry::start().await.get("auth/", json!({"id": 1})).await;
        let first = client_at(&sentry.host(), |_| {});
        let second = first.with_token(crate::TokenSource::Missing);
        assert!(first.authenticated_user().await.is_ok());
        let error = second.authenticated_user().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NoToken), "{error:?}");
    }
}
