//! The approval dialog: what the person sees. What the answer means is decided in `approve`.
//!
//! It works without scripts: the list of what Sentry will be asked for follows the boxes by
//! `:has(:checked)`, and a browser without that shows every line with its condition.

use std::fmt::Write as _;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use scopes::{Scope, ScopeSet};
use url::Url;

use super::{
    display,
    request::AuthorizationRequest,
    respond::{Problem, html},
};
use crate::{
    clients::{ClientKind, redirect::Destination},
    config::Config,
    secret::Secret,
};

/// With `no-referrer` a browser sends `Origin: null` along with a form (Fetch §3.1), and the
/// check of the origin could not tell this page from a foreign one. Other sites see nothing
/// either way.
const REFERRER_POLICY: &str = "same-origin";

#[derive(Template)]
#[template(path = "dialog.html")]
struct Dialog<'a> {
    nonce: &'a str,
    /// The ticket of the form.
    request: &'a str,
    /// Style rules that are made of scope names and level ids.
    rules: String,
    sentry_host: &'a str,
    client: ClientView,
    redirect: RedirectView,
    fence: FenceView,
    base: BaseView<'a>,
    levels: Vec<LevelChoice<'a>>,
    singles: Vec<SingleChoice>,
    advanced_open: bool,
    upstream: Vec<UpstreamLine>,
}

struct ClientView {
    name: String,
    initial: String,
    vouch: String,
}

struct RedirectView {
    host: String,
    uri: String,
    loopback: bool,
    private_scheme: bool,
}

struct FenceView {
    organization: Option<String>,
    project: Option<String>,
}

struct BaseView<'a> {
    title: &'a str,
    summary: &'a str,
    tools: &'a [String],
}

struct LevelChoice<'a> {
    id: &'a str,
    title: &'a str,
    summary: &'a str,
    tools: &'a [String],
    asked: bool,
    checked: bool,
}

struct SingleChoice {
    scope: Scope,
    slug: String,
    tools: String,
    asked: bool,
    checked: bool,
}

struct UpstreamLine {
    name: &'static str,
    slug: String,
    always: bool,
    with: String,
}

/// What has boxes ticked in advance.
#[derive(Clone, Copy)]
pub(super) struct Wishes {
    /// What the client asks for.
    pub(super) asked: ScopeSet,
    /// What the person ticked last time.
    pub(super) last: ScopeSet,
}

impl Wishes {
    /// What is ticked in advance. No `admin` scope because a client asks for it: a person who
    /// wants that has to say so. The person's own last choice counts as it is.
    fn ticked(self) -> ScopeSet {
        let modest: ScopeSet =
            self.asked.iter().filter(|scope| !scope.as_str().ends_with(":admin")).collect();
        modest.union(self.last)
    }
}

/// The dialog for a request.
pub(super) fn page(
    config: &Config,
    request: &AuthorizationRequest,
    last: ScopeSet,
    ticket: &str,
) -> Response {
    let nonce = match Secret::random() {
        Ok(nonce) => nonce,
        Err(error) => {
            return axum::response::IntoResponse::into_response(Problem::internal(&error));
        }
    };
    let wishes = Wishes { asked: request.asked, last };
    let dialog = dialog(config, request, wishes, ticket, nonce.expose());
    let targets = form_targets(&config.upstream.authorize_url, request);
    html(&dialog, StatusCode::OK, nonce.expose(), &targets, REFERRER_POLICY)
}

fn dialog<'a>(
    config: &'a Config,
    request: &AuthorizationRequest,
    wishes: Wishes,
    ticket: &'a str,
    nonce: &'a str,
) -> Dialog<'a> {
    let (organization, project) = request.resource.fence();
    let levels = levels(config, wishes);
    let base = config.base();
    let covered = config
        .levels
        .iter()
        .filter(|level| levels.iter().any(|choice| choice.checked && choice.id == level.id))
        .fold(base, |all, level| all.union(level.scopes));
    let singles = singles(config, wishes, covered);
    let upstream = upstream_lines(config, organization.is_some());
    let name = display::client_name(request.client.name.as_deref());
    let base_level = config.levels.first();
    Dialog {
        nonce,
        request: ticket,
        rules: rules(&upstream, config, organization.is_some()),
        sentry_host: config.upstream.authorize_url.host_str().unwrap_or("Sentry"),
        client: ClientView {
            initial: display::initial(&name),
            name,
            vouch: vouch(request.client.kind, &request.client.id),
        },
        redirect: redirect_view(request),
        fence: FenceView {
            organization: organization.map(ToString::to_string),
            project: project.map(ToString::to_string),
        },
        base: BaseView {
            title: base_level.map_or("", |level| &level.title),
            summary: base_level.map_or("", |level| &level.summary),
            tools: base_level.map_or(&[], |level| &level.tools),
        },
        levels,
        advanced_open: singles.iter().any(|single| single.checked || single.asked),
        singles,
        upstream,
    }
}

/// How far the name of a client can be believed.
fn vouch(kind: ClientKind, client_id: &str) -> String {
    match kind {
        ClientKind::Configured => "Set up by the operator of this server".to_owned(),
        ClientKind::Cimd => match Url::parse(client_id).ok().as_ref().and_then(Url::host_str) {
            Some(host) => format!("A program of {host}, which gave it this name"),
            None => "A program that nobody has checked".to_owned(),
        },
        ClientKind::Dynamic => {
            "A program that chose this name itself; nobody has checked it".to_owned()
        }
    }
}

fn redirect_view(request: &AuthorizationRequest) -> RedirectView {
    let (host, loopback, private_scheme) = match request.redirect.destination() {
        Destination::Website(host) => (host.to_owned(), false, false),
        Destination::Loopback(host) => (format!("{host}, your own computer"), true, false),
        Destination::Program(scheme) => (format!("{scheme}:"), false, true),
    };
    RedirectView { host, uri: display::uri(request.redirect.as_str()), loopback, private_scheme }
}

fn levels(config: &Config, wishes: Wishes) -> Vec<LevelChoice<'_>> {
    let ticked = wishes.ticked();
    let add_ons = config.levels.iter().skip(1);
    add_ons
        .map(|level| LevelChoice {
            id: &level.id,
            title: &level.title,
            summary: &level.summary,
            tools: &level.tools,
            asked: wishes.asked.covers(level.scopes),
            checked: ticked.covers(level.scopes),
        })
        .collect()
}

/// The scopes that add something to the base. One that a ticked level covers is not ticked
/// again, so that un-ticking the level is enough, and not marked again either.
fn singles(config: &Config, wishes: Wishes, covered: ScopeSet) -> Vec<SingleChoice> {
    let base = config.base();
    let adds = |scope: Scope, held: ScopeSet| !held.covers(ScopeSet::of(&[scope]));
    config
        .single_scopes
        .iter()
        .filter(|view| adds(view.scope, base))
        .map(|view| SingleChoice {
            scope: view.scope,
            slug: slug(view.scope),
            tools: view.tools.join(", "),
            asked: wishes.asked.contains(view.scope) && adds(view.scope, covered),
            checked: wishes.ticked().contains(view.scope) && adds(view.scope, covered),
        })
        .collect()
}

/// One box: its id on the page, its title, and what ticking it adds.
fn boxes(config: &Config) -> impl Iterator<Item = (String, &str, ScopeSet)> {
    let levels = config.levels.iter().skip(1);
    let singles = config.single_scopes.iter().map(|view| view.scope);
    levels.map(|level| (format!("level-{}", level.id), level.title.as_str(), level.scopes)).chain(
        singles.map(|scope| {
            (format!("scope-{}", slug(scope)), scope.as_str(), ScopeSet::of(&[scope]))
        }),
    )
}

/// What Sentry is asked for in any case, and what only with some box. Together they are the
/// most that can be asked for.
fn upstream_lines(config: &Config, fenced: bool) -> Vec<UpstreamLine> {
    let base = config.base();
    let ask = |granted: ScopeSet| (config.upstream_scopes)(granted, fenced);
    let always = ask(base);
    let everything = boxes(config).fold(base, |all, (_, _, adds)| all.union(adds));
    let most = ask(everything).union(always);
    most.iter()
        .map(|scope| {
            let with: Vec<&str> = boxes(config)
                .filter(|(_, _, adds)| ask(base.union(*adds)).contains(scope))
                .map(|(_, title, _)| title)
                .collect();
            UpstreamLine {
                name: scope.as_str(),
                slug: slug(scope),
                always: always.contains(scope),
                with: if with.is_empty() {
                    "some combinations".to_owned()
                } else {
                    with.join(" or ")
                },
            }
        })
        .collect()
}

/// Shows a line of [`upstream_lines`] while one of its boxes is ticked. A scope that no single
/// box brings is always shown: the list then says more than is asked, never less.
fn rules(lines: &[UpstreamLine], config: &Config, fenced: bool) -> String {
    let base = config.base();
    let mut rules = String::from("@supports selector(:has(*)){");
    for line in lines.iter().filter(|line| !line.always) {
        let bringing: Vec<String> = boxes(config)
            .filter(|(_, _, adds)| {
                let asked = (config.upstream_scopes)(base.union(*adds), fenced);
                asked.iter().any(|scope| scope.as_str() == line.name)
            })
            .map(|(id, _, _)| format!("form:has(#{id}:checked) .up-{}", line.slug))
            .collect();
        if bringing.is_empty() {
            continue;
        }
        let _ = write!(
            rules,
            ".up-{}{{display:none}}{}{{display:block}}",
            line.slug,
            bringing.join(",")
        );
    }
    rules.push('}');
    rules
}

fn slug(scope: Scope) -> String {
    scope.as_str().replace(':', "-")
}

/// The value of `form-action`: this server, and, because Chromium holds the redirects that
/// follow a form to it too, Sentry (with its subdomains, one per organization) and the
/// client's redirect.
fn form_targets(sentry: &Url, request: &AuthorizationRequest) -> String {
    let mut targets = format!("'self' {}", sentry.origin().ascii_serialization());
    if let Some(url::Host::Domain(host)) = sentry.host()
        && host != "localhost"
    {
        let port = sentry.port().map(|port| format!(":{port}")).unwrap_or_default();
        let _ = write!(targets, " {}://*.{host}{port}", sentry.scheme());
    }
    let client = match request.redirect.destination() {
        Destination::Program(scheme) => format!("{scheme}:"),
        // CSP has no IPv6 addresses in its sources (CSP 3 §2.3.1), only whole schemes.
        Destination::Loopback("[::1]") => "http: https:".to_owned(),
        Destination::Website(host) if host.starts_with('[') => "https:".to_owned(),
        Destination::Website(_) | Destination::Loopback(_) => {
            match Url::parse(request.redirect.as_str()) {
                Ok(url) => url.origin().ascii_serialization(),
                Err(_) => return targets,
            }
        }
    };
    let _ = write!(targets, " {client}");
    targets
}
