//! The boundary between the tools and whatever serves them.

use std::{borrow::Cow, sync::OnceLock, time::Duration};

use async_trait::async_trait;
use scopes::ScopeSet;
use sentry_client::{Client, ErrorKind};
use serde_json::{Map, Value};

use crate::{
    answer::Answer,
    arguments, catalog,
    error::{Error, Result},
    explain,
    gate::{self, Grant, Reason, Refusal},
    installation::Installation,
    schema, spelling,
    tool::{Context, DynTool, Meta, Progress, ToolSpec, token_of},
};

/// Which tools a caller may see, and how to run one of them.
///
/// All three questions go through [`gate::decide`]; there is no second gate.
#[async_trait]
pub trait ToolRegistry: Send + Sync {
    /// Every tool, callable or not, in the fixed order of listings.
    fn all(&self) -> Vec<&ToolSpec>;

    /// Whether a caller may call a tool, and if not, why and what to do.
    fn check(&self, grant: &Grant, name: &str) -> Result<(), Refusal>;

    /// The tools that a caller may call, without the parameters that the fence fixes.
    fn visible(&self, grant: &Grant) -> Vec<Cow<'_, ToolSpec>>;

    /// How long a call of this tool may take, where that is longer than usual.
    fn takes(&self, name: &str) -> Option<Duration>;

    /// Checks, then runs one tool on behalf of a caller.
    async fn call(&self, call: Call<'_>) -> Result<Answer>;
}

/// One call of one tool.
pub struct Call<'a> {
    /// Sentry, with the caller's credential, fence, and the deadline of this call.
    pub sentry: &'a Client,
    /// What the caller may do.
    pub grant: &'a Grant,
    /// The tool's name, as the caller wrote it.
    pub name: &'a str,
    /// The arguments, as the caller wrote them.
    pub args: Map<String, Value>,
    /// Whoever wants to hear how the call is getting on.
    pub progress: &'a dyn Progress,
}

/// The tools of this crate, as one installation offers them.
pub struct Catalog {
    entries: Vec<Entry>,
    installation: Installation,
}

struct Entry {
    meta: Meta,
    tool: &'static dyn DynTool,
    /// Built when first needed: a start must not wait for schemas.
    spec: OnceLock<ToolSpec>,
}

impl Catalog {
    /// The catalogue for an installation. Costs nothing until something is listed.
    pub fn new(installation: Installation) -> Catalog {
        let entry =
            |tool: &'static dyn DynTool| Entry { meta: tool.meta(), tool, spec: OnceLock::new() };
        Catalog { entries: catalog::all().map(entry).collect(), installation }
    }

    fn spec<'a>(&'a self, entry: &'a Entry) -> &'a ToolSpec {
        entry.spec.get_or_init(|| entry.tool.spec(&self.installation))
    }

    fn find(&self, grant: &Grant, name: &str) -> Result<&Entry, Refusal> {
        let Some(entry) = self.entries.iter().find(|entry| entry.meta.name == name) else {
            let nearest = spelling::nearest(name, self.callable(grant));
            let (tool, reason) = (spelling::shorten(name), Reason::Unknown { nearest });
            return Err(Refusal::of(&tool, ScopeSet::EMPTY, grant, reason));
        };
        gate::decide(&entry.meta, grant, &self.installation)
            .map(|()| entry)
            .map_err(|reason| Refusal::new(&entry.meta, grant, reason))
    }

    fn callable(&self, grant: &Grant) -> impl Iterator<Item = &'static str> {
        let may_call = |meta: &&Meta| gate::decide(meta, grant, &self.installation).is_ok();
        self.entries.iter().map(|entry| &entry.meta).filter(may_call).map(|meta| meta.name)
    }
}

#[async_trait]
impl ToolRegistry for Catalog {
    fn all(&self) -> Vec<&ToolSpec> {
        self.entries.iter().map(|entry| self.spec(entry)).collect()
    }

    fn check(&self, grant: &Grant, name: &str) -> Result<(), Refusal> {
        self.find(grant, name).map(|_| ())
    }

    fn visible(&self, grant: &Grant) -> Vec<Cow<'_, ToolSpec>> {
        let may_call =
            |entry: &&Entry| gate::decide(&entry.meta, grant, &self.installation).is_ok();
        let fenced = |entry| {
            let mut spec = Cow::Borrowed(self.spec(entry));
            for (parameter, _) in arguments::fixed(&grant.fence) {
                if schema::property(&spec.input_schema, parameter).is_some() {
                    schema::without(&mut spec.to_mut().input_schema, parameter);
                }
            }
            spec
        };
        self.entries.iter().filter(may_call).map(fenced).collect()
    }

    fn takes(&self, name: &str) -> Option<Duration> {
        self.entries.iter().find(|entry| entry.meta.name == name)?.meta.takes
    }

    async fn call(&self, call: Call<'_>) -> Result<Answer> {
        Ok(self.whole(call).await?.fitted(self.installation.max_tokens))
    }
}

impl Catalog {
    /// The answer before it is fitted to its budget.
    pub(crate) async fn whole(&self, call: Call<'_>) -> Result<Answer> {
        let Call { sentry, grant, name, args, progress } = call;
        let grant = &with_known_token(grant, sentry);
        let entry = self.find(grant, name)?;
        let args = arguments::prepare(&self.spec(entry).input_schema, &grant.fence, args)?;
        let installation = &self.installation;
        let cx = Context { meta: &entry.meta, sentry, grant, installation, progress };
        match entry.tool.call_json(&cx, args.clone()).await {
            Err(Error::Sentry(cause)) => {
                let token = token_behind(&cause, grant, sentry).await;
                let text = explain::explain(&cause, &cx, token, &args);
                Err(Error::explained(text, cause))
            }
            done => done,
        }
    }
}

/// A token that turned out to be too narrow is refused from then on, without a request.
fn with_known_token<'a>(grant: &'a Grant, sentry: &Client) -> Cow<'a, Grant> {
    match (grant.token, sentry.known_token_scopes()) {
        (None, Some(names)) => {
            let token = Some(gate::token_scopes(names.iter().map(String::as_str)));
            Cow::Owned(Grant { token, ..grant.clone() })
        }
        _ => Cow::Borrowed(grant),
    }
}

/// Sentry's 403 never says why, so the token is asked for its scopes, once.
async fn token_behind(
    cause: &sentry_client::Error,
    grant: &Grant,
    sentry: &Client,
) -> Option<ScopeSet> {
    match cause.kind() {
        ErrorKind::Forbidden { .. } => token_of(grant, sentry).await,
        _ => grant.token,
    }
}
