//! What a command line shows: the same lists, refusals and calls that a client would get.

use scopes::{Granted, ScopeSet};
use serde_json::{Map, Value};
use tools::{
    gate::{self, Grant, Refusal},
    tool::{Meta, ToolSpec},
};

use crate::{handler::McpServer, wire};

/// One tool and whether it can be called.
#[derive(Clone, Debug)]
pub struct Status {
    /// What is known about the tool.
    pub meta: Meta,
    /// What it is for, in one sentence.
    pub summary: String,
    /// Why it cannot be called; `None` if it can.
    pub refusal: Option<Refusal>,
}

impl McpServer {
    /// The tools that a client would see, in the order of the list.
    pub async fn tools(&self) -> Vec<ToolSpec> {
        let Some(caller) = self.own_caller() else { return Vec::new() };
        let grant = self.grant_for_list(caller).await;
        self.registry().visible(&grant).into_iter().map(std::borrow::Cow::into_owned).collect()
    }

    /// The exact result of `tools/list`, as a client of the newest protocol would get it.
    pub async fn list_json(&self) -> serde_json::Result<Value> {
        let Some(caller) = self.own_caller() else { return Ok(Value::Null) };
        serde_json::to_value(self.list(caller).await)
    }

    /// Runs a tool as a client would. An error is the text that the client would show.
    pub async fn call_text(&self, name: &str, args: Map<String, Value>) -> Result<String, String> {
        let Some(caller) = self.own_caller() else { return Err("there is no caller".to_owned()) };
        match self.call(caller, name, args, &()).await {
            Ok(result) if result.is_error == Some(true) => Err(wire::text_of(&result)),
            Ok(result) => Ok(wire::text_of(&result)),
            Err(err) => Err(err.message.into_owned()),
        }
    }

    /// The scopes that were granted, and by whom.
    pub fn granted(&self) -> Option<Granted> {
        Some(self.own_caller()?.grant.granted.clone())
    }

    /// Asks Sentry what the token may do.
    pub async fn ask_token(&self) -> sentry_client::Result<Option<ScopeSet>> {
        let Some(caller) = self.own_caller() else { return Ok(None) };
        let names = caller.sentry.for_call().token_scopes().await?;
        Ok(Some(gate::token_scopes(names.iter().map(String::as_str))))
    }

    /// Every tool and its state, given what is known about the token.
    pub fn statuses(&self, token: Option<ScopeSet>) -> Vec<Status> {
        let Some(caller) = self.own_caller() else { return Vec::new() };
        let grant = Grant { token, ..caller.grant.clone() };
        let status = |spec: &ToolSpec| Status {
            meta: spec.meta,
            summary: spec.summary().to_owned(),
            refusal: self.registry().check(&grant, spec.meta.name).err(),
        };
        self.registry().all().into_iter().map(status).collect()
    }

    /// The scopes that a Sentry token needs for all tools that the grant opens.
    ///
    /// Of several alternatives that Sentry accepts, one that is needed anyway is preferred, and
    /// otherwise the first.
    pub fn token_needs(&self) -> ScopeSet {
        self.own_caller().map_or(ScopeSet::EMPTY, |caller| self.needs_of(&caller.grant))
    }

    /// The same for the tools that some grant opens.
    pub(crate) fn needs_of(&self, grant: &Grant) -> ScopeSet {
        let grant = Grant { token: None, ..grant.clone() };
        let specs = self.registry().all().into_iter();
        let open = specs.filter(|spec| self.registry().check(&grant, spec.meta.name).is_ok());
        let accepts: Vec<_> = open.map(|spec| spec.meta.upstream.accepts).collect();
        // Tools without a choice come first, so that a choice can fall on what they need.
        let fixed = accepts.iter().filter(|sets| sets.len() == 1);
        let free = accepts.iter().filter(|sets| sets.len() > 1);
        fixed.chain(free).fold(ScopeSet::EMPTY, |needs, alternatives| match alternatives.first() {
            Some(&first) if !alternatives.iter().any(|&set| needs.covers(set)) => {
                needs.union(first)
            }
            _ => needs,
        })
    }
}
