//! What a tool is. It does not say who may call one: that is [`crate::gate`].

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use scopes::ScopeSet;
use sentry_client::{Client, Region};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    answer::{Answer, Reply},
    arguments,
    error::{Error, Result},
    gate::{self, Constraint, Feature, Grant, Refusal},
    installation::{Format, Installation},
    params::RegionUrl,
    schema,
};

/// One entry of the catalogue: a unit struct, in a file named after the tool.
pub trait Tool: Send + Sync + 'static {
    /// The arguments. The doc comment on this type is the description that the
    /// model reads, and the doc comments on its fields describe the parameters.
    type Params: DeserializeOwned + JsonSchema + Send;
    /// What the tool says, as data, for clients that read `structuredContent`.
    type Output: Serialize + JsonSchema + Send;

    /// The name on the wire, `verb_noun`, the same as the file's.
    const NAME: &'static str;
    /// What the tool may do to the world.
    const EFFECT: Effect;
    /// The weakest scopes that suffice. This is the gate.
    const REQUIRES: ScopeSet;
    /// What Sentry asks of the token for the tool's main request.
    const UPSTREAM: Upstream;
    /// The constraint under which the tool has no purpose, if there is one.
    const POINTLESS_IN: Option<Constraint> = None;
    /// What the installation must offer for the tool to work, if anything.
    const NEEDS: Option<Feature> = None;
    /// How long a call may take, where that is longer than the usual limit of a call.
    const TAKES: Option<Duration> = None;

    /// The description as a model sees it in this installation.
    fn describe(text: String, _installation: &Installation) -> String {
        text
    }

    /// Does the work. Scopes and arguments were checked before.
    fn call(
        &self,
        cx: &Context<'_>,
        params: Self::Params,
    ) -> impl Future<Output = Result<Reply<Self::Output>>> + Send;
}

/// What a tool may do to the world. Each MCP safety hint follows from this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Changes nothing.
    Read,
    /// Adds something; calling twice adds twice.
    Create,
    /// Changes something that exists; calling twice changes nothing more.
    Update,
    /// Asks Sentry to begin work; repeating it starts no second one.
    Start,
}

/// What Sentry asks of the token for a tool's main request, by its own rules.
///
/// Only compared with the scopes of the Sentry token, never with the grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Method and path as Sentry documents them; empty when Sentry is not asked.
    pub endpoint: &'static str,
    /// Alternatives, each of which suffices; none means that any token will do.
    pub accepts: &'static [ScopeSet],
}

impl Upstream {
    /// For a tool that any token, or none, can run.
    pub const ANY: Upstream = Upstream { endpoint: "", accepts: &[] };
}

/// Everything about a tool that is known without building its schema.
#[derive(Clone, Copy, Debug)]
pub struct Meta {
    /// The name on the wire.
    pub name: &'static str,
    /// What it may do to the world.
    pub effect: Effect,
    /// The scopes that the gate asks for.
    pub requires: ScopeSet,
    /// The scopes that Sentry asks for.
    pub upstream: Upstream,
    /// The constraint that makes it pointless.
    pub pointless_in: Option<Constraint>,
    /// The feature it needs.
    pub needs: Option<Feature>,
    /// How long a call may take, where that is longer than usual.
    pub takes: Option<Duration>,
}

/// What a client is told about a tool.
#[derive(Clone, Debug)]
pub struct ToolSpec {
    /// What is known without the schema.
    pub meta: Meta,
    /// What the tool is for, when to use it, and what it does not do.
    pub description: String,
    /// A portable JSON Schema of the arguments; see [`crate::schema`].
    pub input_schema: Map<String, Value>,
    /// A portable JSON Schema of the data, where the installation sends any.
    pub output_schema: Option<Map<String, Value>>,
}

impl ToolSpec {
    /// The first sentence of the description.
    pub fn summary(&self) -> &str {
        self.description.lines().next().unwrap_or_default()
    }
}

/// Hears how a long call is getting on.
pub trait Progress: Send + Sync {
    /// One short sentence; `step` grows with each report. Must not wait.
    fn report(&self, step: u32, message: &str);
}

/// Nobody listens.
impl Progress for () {
    fn report(&self, _step: u32, _message: &str) {}
}

/// What a call needs besides its arguments.
pub struct Context<'a> {
    /// The tool that was called.
    pub meta: &'a Meta,
    /// Sentry, on behalf of this caller, within this call's deadline and fence.
    pub sentry: &'a Client,
    /// What this caller may do.
    pub grant: &'a Grant,
    /// What this deployment offers.
    pub installation: &'a Installation,
    /// Whoever wants to hear how the call is getting on.
    pub progress: &'a dyn Progress,
}

impl Context<'_> {
    /// Refuses to go on without scopes that the tool needs only now and then.
    ///
    /// The same decision as the one before the call, from the same function.
    pub fn require(&self, scopes: ScopeSet) -> Result<()> {
        let meta = Meta { requires: self.meta.requires.union(scopes), ..*self.meta };
        gate::decide(&meta, self.grant, self.installation)
            .map_err(|reason| Error::from(Refusal::new(&meta, self.grant, reason)))
    }

    /// Gives an answer its data, which are only made where the installation sends them.
    pub(crate) fn reply<T: Serialize + JsonSchema>(
        &self,
        answer: Answer,
        data: impl FnOnce() -> T,
    ) -> Reply<T> {
        Reply::new(answer, self.wants_data().then(data))
    }

    /// Whether the installation sends data.
    pub(crate) fn wants_data(&self) -> bool {
        self.installation.output == Format::Structured
    }

    /// The name of `T` if this caller could call it; a follow-up is offered only then.
    pub fn offers<T: Tool>(&self) -> Option<&'static str> {
        gate::decide(&meta::<T>(), self.grant, self.installation).is_ok().then_some(T::NAME)
    }

    /// Whether the Sentry token has these scopes, which is asked once; `false` where that
    /// cannot be known. Only for what to do after Sentry refused: it opens nothing.
    pub(crate) async fn token_has(&self, wanted: ScopeSet) -> bool {
        let token = token_of(self.grant, self.sentry).await;
        token.is_some_and(|token| scopes::narrow(token, &[wanted]).is_none())
    }

    /// The region that a caller named; blank counts as not named.
    pub(crate) fn region(&self, url: Option<&RegionUrl>) -> Result<Option<Region>> {
        match url.map(|url| url.trim()) {
            None | Some("") => Ok(None),
            Some(url) => match self.sentry.site().region(url) {
                Ok(region) => Ok(Some(region)),
                Err(err) => Err(Error::argument("regionUrl", err)),
            },
        }
    }

    /// Refuses an object of another project when the session is limited to one.
    pub fn admit_project(&self, what: &str, project: Option<&str>) -> Result<()> {
        let fence = self.sentry.fence();
        match (&fence.project, project) {
            (None, _) => Ok(()),
            (Some(_), Some(project)) if fence.admits_project(project) => Ok(()),
            (Some(only), _) => Err(Error::input(format!(
                "{what} does not belong to the project `{only}`, and this session is limited to that project"
            ))),
        }
    }
}

/// What the Sentry token can do: as the grant knows it, else as Sentry says when asked, once.
pub(crate) async fn token_of(grant: &Grant, sentry: &Client) -> Option<ScopeSet> {
    if grant.token.is_some() {
        return grant.token;
    }
    let names = sentry.token_scopes().await.ok()?;
    Some(gate::token_scopes(names.iter().map(String::as_str)))
}

/// A [`Tool`] with its parameter type erased, so that a slice can hold it.
#[async_trait]
pub trait DynTool: Send + Sync {
    /// What is known without building the schema.
    fn meta(&self) -> Meta;
    /// Builds the description and the schema; called once per tool and catalogue.
    fn spec(&self, installation: &Installation) -> ToolSpec;
    /// Parses prepared arguments and runs the tool.
    async fn call_json(&self, cx: &Context<'_>, args: Map<String, Value>) -> Result<Answer>;
}

#[async_trait]
impl<T: Tool> DynTool for T {
    fn meta(&self) -> Meta {
        meta::<T>()
    }

    fn spec(&self, installation: &Installation) -> ToolSpec {
        let (description, input_schema) = schema::portable::<T::Params>();
        ToolSpec {
            meta: meta::<T>(),
            description: T::describe(description, installation),
            input_schema,
            output_schema: match installation.output {
                Format::Text => None,
                Format::Structured => Some(schema::output::<T::Output>()),
            },
        }
    }

    async fn call_json(&self, cx: &Context<'_>, args: Map<String, Value>) -> Result<Answer> {
        let params = arguments::parse(T::NAME, args)?;
        Ok(self.call(cx, params).await?.into_answer())
    }
}

const fn meta<T: Tool>() -> Meta {
    Meta {
        name: T::NAME,
        effect: T::EFFECT,
        requires: T::REQUIRES,
        upstream: T::UPSTREAM,
        pointless_in: T::POINTLESS_IN,
        needs: T::NEEDS,
        takes: T::TAKES,
    }
}
