//! A person with a browser, in a few lines: follows redirects, keeps cookies, fills in forms.
//!
//! It speaks plain HTTP/1.1 to loopback and nothing else. Whether a page looks right is a question
//! for the browser tests of `crates/server-http`.

mod form;
mod http;

use std::net::Ipv4Addr;

use anyhow::{Context as _, bail, ensure};
use url::Url;

pub(crate) use self::{
    form::{Form, encode},
    http::{Response, send},
};

/// Where our own logins end. It is never opened: the code is read from the address.
pub(crate) const REDIRECT: &str = "http://127.0.0.1:9/callback";

/// More hops than any login has.
const HOPS: usize = 20;

/// A browser with its cookies.
#[derive(Default)]
pub(crate) struct Browser {
    /// Host and port, name, value.
    cookies: Vec<(String, String, String)>,
    /// The address that it seems to come from, where the server believes such a header.
    forwarded_for: Option<Ipv4Addr>,
}

impl Browser {
    /// A browser of somebody else, to a server that takes this machine for a reverse proxy.
    pub(crate) fn from(address: Ipv4Addr) -> Browser {
        Browser { cookies: Vec::new(), forwarded_for: Some(address) }
    }

    /// Goes through the dialog and the sign-in that start at `authorize`, ticking `choices` and
    /// approving, until the client's redirect; gives that address without opening it.
    pub(crate) fn approve(
        &mut self,
        authorize: &Url,
        redirect: &str,
        choices: &[&str],
    ) -> anyhow::Result<Url> {
        let mut url = authorize.clone();
        let mut form: Option<String> = None;
        for _ in 0..HOPS {
            let response = self.open(&url, form.take().as_deref())?;
            match response.status {
                301..=303 | 307 => {
                    let location = response.header("location").context("a redirect to nowhere")?;
                    url = url.join(location)?;
                    if url.as_str().starts_with(redirect) {
                        return Ok(url);
                    }
                }
                200 => {
                    let mut page = Form::find(&response.body)
                        .with_context(|| format!("no form at {url}:\n{}", response.body))?;
                    for choice in choices {
                        page.tick(choice);
                    }
                    url = url.join(&page.action)?;
                    form = Some(page.press("approve")?);
                }
                status => bail!("{status} from {url}:\n{}", response.body),
            }
        }
        bail!("no end after {HOPS} redirects, last {url}")
    }

    /// A login with PKCE for a client that registered [`REDIRECT`]; gives the access token.
    pub(crate) fn log_in(
        &mut self,
        server: &Url,
        client: &str,
        choices: &[&str],
    ) -> anyhow::Result<String> {
        // The pair of RFC 7636 appendix B: nobody else is on this loopback connection.
        const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

        let mut authorize = server.join("/oauth/authorize")?;
        authorize
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", client)
            .append_pair("redirect_uri", REDIRECT)
            .append_pair("code_challenge", CHALLENGE)
            .append_pair("code_challenge_method", "S256")
            .append_pair("state", "xtask");
        let back = self.approve(&authorize, REDIRECT, choices)?;
        let code = back.query_pairs().find(|(name, _)| name == "code");
        let (_, code) = code.with_context(|| format!("no code in {back}"))?;
        let form = encode(&[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("client_id", client),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ]);
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
        headers.extend(self.forwarded_header());
        let response = send("POST", &server.join("/oauth/token")?, &headers, &form)?;
        ensure!(response.status == 200, "no token: {} {}", response.status, response.body);
        response.field("access_token")
    }

    fn forwarded_header(&self) -> Option<(&'static str, String)> {
        self.forwarded_for.map(|address| ("x-forwarded-for", address.to_string()))
    }

    fn open(&mut self, url: &Url, form: Option<&str>) -> anyhow::Result<Response> {
        let site = authority(url)?;
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .filter(|(host, ..)| *host == site)
            .map(|(_, name, value)| format!("{name}={value}"))
            .collect();
        let mut headers = vec![("accept", "text/html".to_owned())];
        headers.extend(self.forwarded_header());
        if !cookies.is_empty() {
            headers.push(("cookie", cookies.join("; ")));
        }
        let method = if form.is_some() {
            headers.push(("content-type", "application/x-www-form-urlencoded".to_owned()));
            headers.push(("origin", url.origin().ascii_serialization()));
            headers.push(("sec-fetch-site", "same-origin".to_owned()));
            "POST"
        } else {
            "GET"
        };
        let response = send(method, url, &headers, form.unwrap_or_default())?;
        for cookie in response.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let pair = cookie.1.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').context("a cookie without a value")?;
            self.cookies.retain(|(host, known, _)| !(*host == site && known == name));
            self.cookies.push((site.clone(), name.to_owned(), value.to_owned()));
        }
        Ok(response)
    }
}

/// Registers a public client with these redirects (RFC 7591) and gives its id.
pub(crate) fn register(server: &Url, redirect: &str) -> anyhow::Result<String> {
    let body = serde_json::json!({
        "client_name": "xtask",
        "redirect_uris": [redirect],
        "token_endpoint_auth_method": "none",
    });
    let headers = [("content-type", "application/json".to_owned())];
    let response = send("POST", &server.join("/oauth/register")?, &headers, &body.to_string())?;
    ensure!(response.status == 201, "registration failed: {} {}", response.status, response.body);
    response.field("client_id")
}

/// Host and port.
fn authority(url: &Url) -> anyhow::Result<String> {
    let host = url.host_str().with_context(|| format!("no host in {url}"))?;
    let port = url.port_or_known_default().with_context(|| format!("no port in {url}"))?;
    Ok(format!("{host}:{port}"))
}
