//! Sentry's documentation, from a service beside Sentry: searching it, and reading a page.

use sentry_client::{ConnectReason, ErrorKind, docs::DocsService};

use crate::{
    catalog::Toolset,
    error::{Error, Result},
    render::markdown,
    tool::Context,
};

pub(crate) mod get_doc;
pub(crate) mod search_docs;

pub(crate) const DOCS: Toolset =
    Toolset { name: "docs", tools: &[&search_docs::SearchDocs, &get_doc::GetDoc] };

/// The service; the gate has refused the call where there is none.
fn service<'a>(cx: &Context<'a>) -> Result<&'a DocsService> {
    let off = || Error::input("documentation is switched off in this installation");
    cx.installation.docs.as_ref().ok_or_else(off)
}

/// A description with the host that is asked instead of the marker `{host}`.
fn with_host(text: &str, host: Option<&str>) -> String {
    text.replace("{host}", host.unwrap_or("a documentation service"))
}

/// A failure of the documentation service, which the general explanations would blame on
/// Sentry and its token.
fn unreachable(host: &str, err: sentry_client::Error) -> Error {
    let next = match err.kind() {
        ErrorKind::Moved { location: Some(location), .. } => format!(
            "Next: pass {} if that is a page of the documentation.",
            markdown::code(location, 300)
        ),
        ErrorKind::RateLimited { retry_after: Some(wait) } => {
            format!("Next: call again in {} seconds.", wait.as_secs() + 1)
        }
        ErrorKind::RateLimited { .. } | ErrorKind::Unavailable { .. } => {
            "Next: call again in a minute.".to_owned()
        }
        _ => "Next: go on without documentation; the user can check the network, or name another \
              service with `--docs-url` (`SENTRY_MCP_DOCS_URL`)."
            .to_owned(),
    };
    let problem = problem(err.kind());
    let text = format!(
        "The documentation at {host} gave no answer: {problem}. Sentry was not asked, and all \
         other tools work without it. {next}"
    );
    Error::explained(text, err)
}

fn problem(kind: &ErrorKind) -> String {
    match kind {
        ErrorKind::Connect { reason, .. } => match reason {
            ConnectReason::Dns => "the name of the host cannot be resolved".to_owned(),
            ConnectReason::Refused => "the connection was refused".to_owned(),
            ConnectReason::Timeout => "it did not accept the connection in time".to_owned(),
            ConnectReason::Tls(text) => {
                format!("the TLS handshake failed ({})", markdown::line(text, 200))
            }
            ConnectReason::Other => "no connection".to_owned(),
        },
        ErrorKind::Timeout { after, .. } => format!("nothing came within {} s", after.as_secs()),
        ErrorKind::Interrupted { .. } => "the connection broke".to_owned(),
        ErrorKind::TooLarge { limit } => {
            format!("its answer is larger than {} MiB", limit / (1024 * 1024))
        }
        ErrorKind::Decode { .. } | ErrorKind::NotJson { .. } => {
            "what answers there is not a documentation service".to_owned()
        }
        ErrorKind::Unauthorized { .. } | ErrorKind::Forbidden { .. } => {
            "it asks for a login, and no credential is ever sent there".to_owned()
        }
        ErrorKind::NotFound { .. } => "there is no documentation search".to_owned(),
        ErrorKind::Moved { .. } => {
            "it redirects to another place, and redirects are followed only on one host".to_owned()
        }
        ErrorKind::RateLimited { .. } => "its rate limit is reached".to_owned(),
        ErrorKind::Unavailable { status, .. } => {
            format!("it is not available right now (status {status})")
        }
        ErrorKind::Validation { .. } => "it did not accept the request".to_owned(),
        ErrorKind::Status { status, .. } => format!("it failed with status {status}"),
        other => markdown::line(&other.to_string(), 300),
    }
}
