//! `sentry-mcp scopes`: what is granted, what the token can do, and which tools that opens.

use std::io::{self, Write};

use ::tools::gate::Refusal;
use anstyle::Style;
use scopes::{Scope, ScopeSet};
use serde_json::{Value, json};
use server::{
    Status,
    cli::{self, BAD, GOOD, PLAIN, QUIET, TITLE},
};

use crate::{
    args::{Args, Output},
    session::Session,
};

pub(super) async fn run(args: Args, output: Output) -> anyhow::Result<()> {
    let session = Session::start(args).await?;
    let overview = Overview::of(&session).await;
    let mut out = anstream::stdout().lock();
    if output.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&overview.json())?)?;
    } else {
        overview.print(&mut out)?;
    }
    Ok(())
}

struct Overview {
    granted: scopes::Granted,
    token: Token,
    tools: Vec<Status>,
    fence: String,
}

/// What is known about the token.
enum Token {
    Missing,
    Unknown(String),
    Scopes(ScopeSet),
}

impl Token {
    async fn of(session: &Session) -> Token {
        if !session.loaded.has_token() {
            return Token::Missing;
        }
        match session.server.ask_token().await {
            Ok(Some(scopes)) => Token::Scopes(scopes),
            Ok(None) => Token::Missing,
            Err(err) => Token::Unknown(format!("{:#}", anyhow::Error::new(err))),
        }
    }

    fn scopes(&self) -> Option<ScopeSet> {
        match self {
            Token::Scopes(scopes) => Some(*scopes),
            Token::Missing | Token::Unknown(_) => None,
        }
    }
}

impl Overview {
    async fn of(session: &Session) -> Overview {
        let token = Token::of(session).await;
        let fence = session.loaded.fence();
        let fence = match (&fence.organization, &fence.project) {
            (Some(organization), Some(project)) => format!("{organization}/{project}"),
            (Some(organization), None) => organization.to_string(),
            (None, _) => String::new(),
        };
        let tools = session.server.statuses(token.scopes());
        Overview { granted: session.loaded.granted(), token, tools, fence }
    }

    fn json(&self) -> Value {
        let scope = |scope: Scope| {
            let holds = |set: ScopeSet| set.covers(ScopeSet::of(&[scope]));
            json!({
                "name": scope,
                "granted": holds(self.granted.scopes),
                "listed": self.granted.scopes.contains(scope),
                "token": self.token.scopes().map(holds),
                "description": scope.description(),
            })
        };
        let tool = |status: &Status| {
            json!({
                "name": status.meta.name,
                "state": state(status.refusal.as_ref()),
                "reason": status.refusal.as_ref().map(Refusal::to_string),
                "needs": status.meta.requires,
                "sentry_accepts": status.meta.upstream.accepts,
                "summary": status.summary,
            })
        };
        let (known, problem) = match &self.token {
            Token::Missing => ("missing", None),
            Token::Unknown(problem) => ("unknown", Some(problem)),
            Token::Scopes(_) => ("known", None),
        };
        json!({
            "granted": self.granted.scopes,
            "granted_by": self.granted.origin.to_string(),
            "limited_to": if self.fence.is_empty() { None } else { Some(&self.fence) },
            "token": { "state": known, "problem": problem, "scopes": self.token.scopes() },
            "scopes": Scope::ALL.map(scope),
            "tools": self.tools.iter().map(tool).collect::<Vec<_>>(),
        })
    }

    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{TITLE}Granted by:{TITLE:#} {}", self.granted.origin)?;
        match &self.token {
            Token::Missing => writeln!(out, "{TITLE}Token:{TITLE:#} none")?,
            Token::Unknown(problem) => writeln!(
                out,
                "{TITLE}Token:{TITLE:#} {BAD}unknown{BAD:#}, Sentry did not say what it may do: {problem}"
            )?,
            Token::Scopes(scopes) if scopes.is_empty() => {
                writeln!(out, "{TITLE}Token:{TITLE:#} {BAD}none of the sixteen scopes{BAD:#}")?;
            }
            Token::Scopes(scopes) => writeln!(out, "{TITLE}Token:{TITLE:#} {scopes}")?,
        }
        if !self.fence.is_empty() {
            writeln!(out, "{TITLE}Limited to:{TITLE:#} {}", self.fence)?;
        }
        writeln!(out)?;
        let rows: Vec<_> = Scope::ALL.into_iter().map(|scope| self.scope_row(scope)).collect();
        cli::print(out, &["SCOPE", "GRANTED", "TOKEN", "WHAT IT PERMITS"], &rows)?;
        writeln!(out)?;
        let rows: Vec<_> = self.tools.iter().map(tool_row).collect();
        cli::print(out, &["TOOL", "STATE", "NEEDS", "WHAT TO DO"], &rows)
    }

    fn scope_row(&self, scope: Scope) -> Vec<(Style, String)> {
        let (granted, token) = (self.granted.scopes, self.token.scopes());
        vec![
            (PLAIN, scope.to_string()),
            holding(granted, scope),
            token.map_or((QUIET, "?".to_owned()), |token| holding(token, scope)),
            (QUIET, scope.description().to_owned()),
        ]
    }
}

fn holding(set: ScopeSet, scope: Scope) -> (Style, String) {
    if set.contains(scope) {
        (GOOD, "yes".to_owned())
    } else if set.covers(ScopeSet::of(&[scope])) {
        (GOOD, "implied".to_owned())
    } else {
        (QUIET, "no".to_owned())
    }
}

fn tool_row(status: &Status) -> Vec<(Style, String)> {
    let refusal = status.refusal.as_ref();
    let needs = status.meta.requires;
    let needs = if needs.is_empty() { "nothing".to_owned() } else { needs.to_string() };
    vec![
        (PLAIN, status.meta.name.to_owned()),
        (if refusal.is_none() { GOOD } else { BAD }, state(refusal).to_owned()),
        (QUIET, needs),
        (PLAIN, refusal.map(Refusal::advice).unwrap_or_default()),
    ]
}

fn state(refusal: Option<&Refusal>) -> &'static str {
    refusal.map_or("available", |refusal| refusal.reason.state())
}
