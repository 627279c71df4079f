//! What a span did, in a few words, from the semantic conventions that its SDK followed
//! (OpenTelemetry's, and the older names that Sentry's SDKs still send). It only reads
//! attributes; which spans are shown is decided elsewhere.

use std::borrow::Cow;

use sentry_client::{
    Untrusted,
    traces::{Attributes, Span},
};
use url::Url;

use super::secrets;
use crate::render::markdown;

/// The longest label, in characters.
const LABEL: usize = 160;
/// The longest piece of metadata, in characters.
const METADATA: usize = 64;

/// What Sentry is asked to send with each span, because the labels below are made of it.
pub(crate) const ATTRIBUTES: &[&str] = &[
    "mcp.method.name",
    "mcp.tool.name",
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "url.full",
    "url.path",
    "server.address",
    "gen_ai.operation.name",
    "gen_ai.agent.name",
    "gen_ai.tool.name",
    "gen_ai.request.model",
    "gen_ai.conversation.id",
    "db.system.name",
    "db.query.summary",
    "db.operation.name",
    "db.collection.name",
    "rpc.system",
    "rpc.service",
    "rpc.method",
    "messaging.system",
    "messaging.operation.name",
    "messaging.destination.name",
    "error.type",
];

/// A span in one line: what it did, and what else is worth a word.
pub(crate) struct Label {
    text: String,
    metadata: Vec<String>,
}

impl Label {
    /// The label, safe inside a code block.
    pub(crate) fn text(&self) -> String {
        markdown::line(&secrets::masked(&self.text), LABEL)
    }

    /// The metadata without what is said already, each safe inside a code block.
    pub(crate) fn metadata(&self, op: Option<&str>) -> Vec<String> {
        let mut said: Vec<String> = Vec::new();
        for piece in op.into_iter().chain(self.metadata.iter().map(String::as_str)) {
            let piece = markdown::line(piece, METADATA);
            if !piece.is_empty() && !said.iter().any(|other| other.eq_ignore_ascii_case(&piece)) {
                said.push(piece);
            }
        }
        said
    }
}

/// The label of a span: by the first family of attributes that it has, else by its name.
pub(crate) fn label(span: &Span<'_>) -> Label {
    let read = Read { attributes: span.attributes(), span };
    let families: [fn(&Read<'_>) -> Option<Label>; 15] = [
        mcp,
        http,
        gen_ai,
        database,
        graphql,
        s3,
        rpc,
        messaging,
        cloud_event,
        faas,
        cicd,
        feature_flag,
        process,
        exception,
        error_type,
    ];
    let found = families.into_iter().find_map(|family| family(&read));
    found.unwrap_or_else(|| Label { text: read.fallback(), metadata: Vec::new() })
}

/// The attributes of one span.
struct Read<'a> {
    attributes: Attributes<'a>,
    span: &'a Span<'a>,
}

impl Read<'_> {
    /// The first of these attributes that the span has.
    fn any(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.attributes.get(name)).as_ref().map(plain)
    }

    /// The same as a list of none or one, for metadata.
    fn meta(&self, names: &[&[&str]]) -> Vec<String> {
        names.iter().filter_map(|names| self.any(names)).collect()
    }

    /// What the span calls itself.
    fn fallback(&self) -> String {
        self.named().unwrap_or_else(|| "unnamed".to_owned())
    }

    fn named(&self) -> Option<String> {
        let span = self.span;
        let named = span.name().filter(|name| Some(name) != span.op().as_ref());
        let text = named.or_else(|| span.description()).or_else(|| span.name());
        text.or_else(|| span.transaction()).as_ref().map(plain)
    }

    /// A label of these words, or the fallback if there are none.
    fn label(&self, words: &[Option<String>], metadata: Vec<String>) -> Label {
        let words: Vec<&str> = words.iter().flatten().map(String::as_str).collect();
        let text = if words.is_empty() { self.fallback() } else { words.join(" ") };
        Label { text, metadata }
    }
}

/// Taken apart here and put through `markdown::line` by [`Label`] before anybody sees it.
fn plain(text: &Untrusted) -> String {
    text.expose().trim().to_owned()
}

const ERROR: &[&str] = &["error.type"];

fn mcp(read: &Read<'_>) -> Option<Label> {
    let method = read.any(&["mcp.method.name"]);
    let resource = read.any(&["mcp.resource.uri"]);
    if method.is_none() && resource.is_none() {
        return None;
    }
    let named =
        read.any(&["mcp.tool.name", "gen_ai.tool.name", "mcp.prompt.name", "gen_ai.prompt.name"]);
    let target = named.or_else(|| resource.map(|uri| bare(&uri).to_owned()));
    let meta = read.meta(&[&["rpc.response.status_code", "rpc.jsonrpc.error_code"], ERROR]);
    Some(read.label(&[method, target], meta))
}

fn http(read: &Read<'_>) -> Option<Label> {
    let method = read.any(&["http.request.method", "http.method", "http.request_method"]);
    let status = read.any(&["http.response.status_code", "http.status_code"]);
    let route = read.any(&["http.route", "url.template"]);
    let full = read.any(&["url.full", "http.url"]);
    let path = read.any(&["url.path", "http.target"]);
    if [&method, &status, &route, &full, &path].iter().all(|value| value.is_none()) {
        return None;
    }
    let target = route
        .map(|route| bare(&route).to_owned())
        .or_else(|| full.map(|url| host_and_path(&url)))
        .or_else(|| path.map(|path| bare(&path).to_owned()))
        .or_else(|| server(read));
    let method = method.map(|method| method.to_ascii_uppercase());
    let mut meta: Vec<String> = status.into_iter().collect();
    meta.extend(read.any(ERROR));
    // A method alone says less than the span's own name.
    let words = if target.is_some() { [method, target] } else { [None, None] };
    Some(read.label(&words, meta))
}

fn server(read: &Read<'_>) -> Option<String> {
    let address = read.any(&["server.address"])?;
    Some(match read.any(&["server.port"]) {
        Some(port) => format!("{address}:{port}"),
        None => address,
    })
}

fn gen_ai(read: &Read<'_>) -> Option<Label> {
    let operation = read.any(&["gen_ai.operation.name"]);
    let (tool, agent) = (read.any(&["gen_ai.tool.name"]), read.any(&["gen_ai.agent.name"]));
    let model = read.any(&["gen_ai.request.model", "gen_ai.response.model"]);
    let source = read.any(&["gen_ai.data_source.id"]);
    if [&operation, &tool, &agent, &model, &source].iter().all(|value| value.is_none()) {
        return None;
    }
    let provider = read.any(&["gen_ai.provider.name", "gen_ai.system"]);
    let by_model = || match (&provider, &model) {
        (Some(provider), Some(model)) => Some(format!("{provider}/{model}")),
        (provider, model) => model.clone().or_else(|| provider.clone()),
    };
    let named = tool.or(agent);
    let is_subject = named.is_none();
    let subject = named.or_else(by_model).or(source);
    let mut meta: Vec<String> = model.filter(|_| !is_subject).into_iter().collect();
    meta.extend(read.any(ERROR));
    Some(read.label(&[operation, subject], meta))
}

fn database(read: &Read<'_>) -> Option<Label> {
    let system = read.any(&["db.system.name", "db.system"]);
    let summary = read.any(&["db.query.summary"]);
    let operation = read.any(&["db.operation.name", "db.operation"]);
    let target = read.any(&["db.collection.name", "db.sql.table", "db.namespace", "db.name"]);
    let procedure = read.any(&["db.stored_procedure.name"]);
    let query = read.any(&["db.query.text", "db.statement"]);
    if [&system, &summary, &operation, &target, &procedure, &query].iter().all(|it| it.is_none()) {
        return None;
    }
    let error = ["db.response.status_code"];
    let mut meta: Vec<String> = system.into_iter().collect();
    meta.extend(read.meta(&[&error, ERROR]));
    let text = summary
        .or_else(|| procedure.map(|name| format!("CALL {name}")))
        .or_else(|| {
            let operation = operation?;
            let target = target.or_else(|| server(read))?;
            Some(format!("{operation} {target}"))
        })
        .or_else(|| query.map(|query| masked(&query).into_owned()))
        .or_else(|| read.named().map(|name| masked(&name).into_owned()));
    Some(read.label(&[text], meta))
}

fn graphql(read: &Read<'_>) -> Option<Label> {
    let kind = read.any(&["graphql.operation.type"]);
    let name = read.any(&["graphql.operation.name"]);
    let document = read.any(&["graphql.document"]);
    match (&kind, &name, document) {
        (None, None, None) => None,
        (None, None, Some(document)) => {
            Some(read.label(&[Some(masked(&document).into_owned())], Vec::new()))
        }
        _ => Some(read.label(&[kind, name], Vec::new())),
    }
}

fn s3(read: &Read<'_>) -> Option<Label> {
    let bucket = read.any(&["aws.s3.bucket"]);
    let key = read.any(&["aws.s3.key"]);
    let source = read.any(&["aws.s3.copy_source"]);
    let place = match (bucket, key) {
        (Some(bucket), Some(key)) => format!("{bucket}/{key}"),
        (bucket, key) => bucket.or(key).or(source)?,
    };
    let meta = read.meta(&[&["cloud.region", "aws.region"], ERROR]);
    Some(read.label(&[read.any(&["rpc.method"]), Some(bare(&place).to_owned())], meta))
}

fn rpc(read: &Read<'_>) -> Option<Label> {
    let system = read.any(&["rpc.system.name", "rpc.system"]);
    let service = read.any(&["rpc.service"]);
    let method = read.any(&["rpc.method"]);
    if system.is_none() && service.is_none() && method.is_none() {
        return None;
    }
    let text = match (service, method) {
        (Some(service), Some(method)) => Some(format!("{service}/{method}")),
        (service, method) => service.or(method),
    };
    let mut meta: Vec<String> = system.into_iter().collect();
    let status = ["rpc.response.status_code", "rpc.grpc.status_code"];
    meta.extend(read.meta(&[&status, &["cloud.region", "aws.region"], ERROR]));
    Some(read.label(&[text], meta))
}

fn messaging(read: &Read<'_>) -> Option<Label> {
    let system = read.any(&["messaging.system"]);
    let operation =
        read.any(&["messaging.operation.name", "messaging.operation.type", "messaging.operation"]);
    let destination = read.any(&["messaging.destination.template", "messaging.destination.name"]);
    if system.is_none() && operation.is_none() && destination.is_none() {
        return None;
    }
    let mut meta: Vec<String> = system.into_iter().collect();
    meta.extend(read.any(&["messaging.consumer.group.name"]));
    meta.extend(
        read.any(&["messaging.batch.message_count"]).map(|count| format!("messages:{count}")),
    );
    meta.extend(read.any(ERROR));
    Some(read.label(&[operation, destination], meta))
}

fn cloud_event(read: &Read<'_>) -> Option<Label> {
    let kind = read.any(&["cloudevents.event_type"]);
    let about = read.any(&["cloudevents.event_subject", "cloudevents.event_source"]);
    if kind.is_none() && about.is_none() {
        return None;
    }
    let version = read.any(&["cloudevents.event_spec_version"]);
    let meta = version.map(|version| format!("cloudevents:{version}")).into_iter().collect();
    Some(read.label(&[kind, about.map(|about| bare(&about).to_owned())], meta))
}

fn faas(read: &Read<'_>) -> Option<Label> {
    let trigger = read.any(&["faas.trigger"]);
    let name = read.any(&["faas.invoked_name", "faas.name"]);
    let about = read.any(&["faas.document.operation", "faas.cron"]);
    if trigger.is_none() && name.is_none() && about.is_none() {
        return None;
    }
    let mut meta = read.meta(&[
        &["faas.invoked_provider", "cloud.provider"],
        &["faas.invoked_region", "cloud.region"],
    ]);
    let cold = read.any(&["faas.coldstart"]).filter(|cold| cold == "true");
    meta.extend(cold.map(|_| "coldstart".to_owned()));
    meta.extend(read.any(ERROR));
    Some(read.label(&[trigger, name, about], meta))
}

fn cicd(read: &Read<'_>) -> Option<Label> {
    let action = read.any(&["cicd.pipeline.action.name"]);
    let pipeline = read.any(&["cicd.pipeline.name"]);
    let task = read.any(&["cicd.pipeline.task.name"]);
    if action.is_none() && pipeline.is_none() && task.is_none() {
        return None;
    }
    let meta = read.meta(&[&["cicd.pipeline.result"], &["cicd.pipeline.task.run.result"], ERROR]);
    let words = if pipeline.is_some() { [action, pipeline] } else { [action, task] };
    Some(read.label(&words, meta))
}

fn feature_flag(read: &Read<'_>) -> Option<Label> {
    let key = read.any(&["feature_flag.key"])?;
    let value = read.any(&[
        "feature_flag.result.variant",
        "feature_flag.variant",
        "feature_flag.result.value",
    ]);
    let provider = ["feature_flag.provider.name", "feature_flag.provider_name"];
    let meta = read.meta(&[&provider, &["feature_flag.result.reason"], ERROR]);
    Some(read.label(&[Some(key), value], meta))
}

fn process(read: &Read<'_>) -> Option<Label> {
    let names = ["process.executable.name", "process.executable.path", "process.command"];
    let command = read.any(&names)?;
    let exit = read.any(&["process.exit.code"]).map(|code| format!("exit:{code}"));
    let meta = exit.into_iter().chain(read.any(ERROR)).collect();
    Some(read.label(&[Some(command)], meta))
}

fn exception(read: &Read<'_>) -> Option<Label> {
    let said = read.any(&["exception.type", "exception.message"])?;
    let text = read.named().unwrap_or_else(|| said.clone());
    Some(Label { text, metadata: vec![said] })
}

fn error_type(read: &Read<'_>) -> Option<Label> {
    let kind = read.any(ERROR)?;
    Some(Label { text: read.fallback(), metadata: vec![kind] })
}

/// A URI without its query and fragment, where secrets are.
fn bare(uri: &str) -> &str {
    uri.split(['?', '#']).next().unwrap_or_default()
}

/// A URL without scheme, user, query and fragment.
fn host_and_path(text: &str) -> String {
    let Some(url) = Url::parse(text).ok().filter(Url::has_host) else {
        return bare(text).rsplit('@').next().unwrap_or_default().to_owned();
    };
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}{}", url.path()),
        None => format!("{host}{}", url.path()),
    }
}

/// A query with its quoted texts and its numbers replaced. What is in double quotes and
/// looks like a name stays: most databases quote names so.
fn masked(query: &str) -> Cow<'_, str> {
    if !query.contains(|c: char| c.is_ascii_digit() || matches!(c, '\'' | '"')) {
        return Cow::Borrowed(query);
    }
    let mut out = String::with_capacity(query.len());
    let mut rest = query;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let in_word = before.is_alphanumeric() || matches!(before, '_' | '$' | '"' | '`');
        let taken = match c {
            '\'' | '"' => quoted(rest, c),
            '0'..='9' if !in_word => {
                rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(rest.len())
            }
            _ => c.len_utf8(),
        };
        let (piece, after) = rest.split_at(taken);
        match c {
            '"' if is_name(piece) => out.push_str(piece),
            '\'' | '"' => out.push('?'),
            '0'..='9' if !in_word => out.push('?'),
            _ => out.push_str(piece),
        }
        before = piece.chars().next_back().unwrap_or(' ');
        rest = after;
    }
    Cow::Owned(out)
}

/// How long the quoted text at the beginning is; all of it if the quote is not closed.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if !escaped && c == quote {
            return at + 1;
        }
        escaped = !escaped && c == '\\';
    }
    text.len()
}

fn is_name(quoted: &str) -> bool {
    let name = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
#[path = "label_tests.rs"]
mod tests;
