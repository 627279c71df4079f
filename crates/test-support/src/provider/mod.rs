//! A provider of language models that says what the test told it to. It speaks three formats
//! (OpenAI Responses, OpenAI chat completions, Anthropic Messages), refuses requests that a
//! real one would refuse, and keeps what arrived. It understands no sentence.

mod formats;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

pub use self::formats::Format;

/// The key that [`FakeProvider`] accepts.
pub const PROVIDER_KEY: &str = "test-provider-key";

/// One answer. The last of a script is repeated without end.
#[derive(Clone, Debug)]
pub enum Says {
    /// This object, as the model's text.
    Json(Value),
    /// This text.
    Text(String),
    /// Calls of tools, by name and arguments.
    Calls(Vec<(&'static str, Value)>),
    /// That the model will not answer.
    Refuses,
    /// Text that was cut off at the limit of tokens.
    CutOff(String),
    /// JSON of another interface, with status 200.
    OtherShape,
    /// A page of HTML, with status 200.
    NotJson,
    /// This status, with an error body that must not be shown to anybody.
    Status(u16),
    /// This status in the body of a 200, as OpenRouter does.
    ErrorInside(u16),
    /// 429, with `Retry-After` in seconds.
    RateLimited(Option<u64>),
    /// A body of so many bytes.
    Huge(usize),
    /// A redirect to this address.
    Redirect(String),
    /// The answer, after a wait.
    Slow(Duration, Box<Says>),
}

/// What stands in the error bodies; no message of ours may hold it.
pub const ERROR_BODY: &str = "provider-error-body";

/// A provider on loopback.
pub struct FakeProvider(MockServer);

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The format of its path.
    pub format: Format,
    /// The path: `/v1/responses`.
    pub path: String,
    /// The query string, without `?`; empty if there is none.
    pub query: String,
    /// The body.
    pub body: Value,
}

impl FakeProvider {
    /// Starts on a free port of loopback, and answers request after request from the script.
    /// The format is that of the path: `…/responses`, `…/chat/completions`, `…/v1/messages`.
    pub async fn start(script: Vec<Says>) -> FakeProvider {
        assert!(!script.is_empty(), "a script has at least one answer");
        let server = MockServer::start().await;
        let asked = AtomicUsize::new(0);
        let respond = move |request: &Request| {
            let Some(format) = Format::of(request.url.path()) else {
                return error(404);
            };
            if let Some(status) = refused(format, request) {
                return error(status);
            }
            let number = asked.fetch_add(1, Ordering::SeqCst);
            script
                .get(number)
                .or(script.last())
                .map_or_else(|| error(500), |says| says.answer(format, number))
        };
        Mock::given(any()).respond_with(respond).mount(&server).await;
        FakeProvider(server)
    }

    /// `http://127.0.0.1:<port>`
    pub fn uri(&self) -> String {
        self.0.uri()
    }

    /// What arrived, in its order.
    pub async fn requests(&self) -> Vec<Asked> {
        let requests = self.0.received_requests().await.unwrap_or_default();
        requests.iter().filter_map(asked).collect()
    }
}

fn asked(request: &Request) -> Option<Asked> {
    Some(Asked {
        format: Format::of(request.url.path())?,
        path: request.url.path().to_owned(),
        query: request.url.query().unwrap_or_default().to_owned(),
        body: serde_json::from_slice(&request.body).unwrap_or_default(),
    })
}

/// The status with which a real provider would refuse this request.
fn refused(format: Format, request: &Request) -> Option<u16> {
    let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = format!("Bearer {PROVIDER_KEY}");
    let known = match format {
        Format::Messages => {
            header("x-api-key") == Some(PROVIDER_KEY) && header("anthropic-version").is_some()
        }
        Format::Responses | Format::Chat => {
            header("authorization") == Some(bearer.as_str())
                || header("api-key") == Some(PROVIDER_KEY)
        }
    };
    if !known {
        return Some(401);
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    (!format.accepts(&body)).then_some(400)
}

fn error(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({"error": {"message": ERROR_BODY}}))
}

impl Says {
    fn answer(&self, format: Format, number: usize) -> ResponseTemplate {
        let ok = |body: Value| ResponseTemplate::new(200).set_body_json(body);
        match self {
            Says::Json(value) => ok(format.text(&value.to_string())),
            Says::Text(text) => ok(format.text(text)),
            Says::Calls(calls) => ok(format.calls(calls, number)),
            Says::Refuses => ok(format.refusal()),
            Says::CutOff(text) => ok(format.cut_off(text)),
            Says::OtherShape => ok(json!({"hello": "world"})),
            Says::NotJson => ResponseTemplate::new(200)
                .set_body_raw(format!("<html>{ERROR_BODY}</html>"), "text/html"),
            Says::Status(status) => error(*status),
            Says::ErrorInside(status) => {
                ok(json!({"error": {"code": status, "message": ERROR_BODY}}))
            }
            Says::RateLimited(seconds) => match seconds {
                Some(seconds) => {
                    error(429).insert_header("Retry-After", seconds.to_string().as_str())
                }
                None => error(429),
            },
            Says::Huge(bytes) => {
                ResponseTemplate::new(200).set_body_raw(vec![b' '; *bytes], "application/json")
            }
            Says::Redirect(to) => ResponseTemplate::new(307).insert_header("Location", to.as_str()),
            Says::Slow(wait, then) => then.answer(format, number).set_delay(*wait),
        }
    }
}

impl Asked {
    /// The system prompt.
    pub fn system(&self) -> String {
        self.format.system(&self.body)
    }

    /// Everything that is not the system prompt, as JSON text: words of the user, earlier
    /// turns, answers of tools.
    pub fn history(&self) -> String {
        self.format.history(&self.body).to_string()
    }

    /// The answers of tools in the history, in their order.
    pub fn tool_results(&self) -> Vec<String> {
        self.format.results(&self.body).into_iter().map(|(_, text)| text).collect()
    }

    /// Whether the model may call tools.
    pub fn may_call(&self) -> bool {
        let choice = &self.body["tool_choice"];
        choice != "none" && choice["type"] != "none"
    }

    /// The JSON schema that the answer must have, if one is asked for.
    pub fn schema(&self) -> Option<&Value> {
        self.format.schema(&self.body)
    }

    /// The reasoning effort that is asked for.
    pub fn effort(&self) -> Option<&str> {
        let body = &self.body;
        let places = [
            body.pointer("/reasoning/effort"),
            body.get("reasoning_effort"),
            body.pointer("/output_config/effort"),
        ];
        places.into_iter().flatten().find_map(Value::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_that_of_the_path() {
        for (path, expected) in [
            ("/v1/responses", Some(Format::Responses)),
            ("/openai/deployments/small/chat/completions", Some(Format::Chat)),
            ("/v1/messages", Some(Format::Messages)),
            ("/v1/models", None),
        ] {
            assert_eq!(Format::of(path), expected, "{path}");
        }
    }

    #[test]
    fn a_result_without_its_call_is_refused_in_every_format() {
        for (format, body) in [
            (
                Format::Responses,
                json!({"model": "m", "instructions": "s",
                       "input": [{"type": "function_call_output", "call_id": "x", "output": ""}]}),
            ),
            (
                Format::Chat,
                json!({"model": "m", "messages": [
                    {"role": "system", "content": "s"},
                    {"role": "tool", "tool_call_id": "x", "content": ""}]}),
            ),
            (
                Format::Messages,
                json!({"model": "m", "max_tokens": 1, "system": "s", "messages": [
                    {"role": "user", "content":
                        [{"type": "tool_result", "tool_use_id": "x", "content": ""}]}]}),
            ),
        ] {
            assert!(!format.accepts(&body), "{format:?}");
        }
    }
}
