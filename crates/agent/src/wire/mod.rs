//! The three formats that providers speak, behind one conversation. No I/O, and no knowledge of
//! what the conversation is about.

mod chat;
mod messages;
mod responses;

use serde_json::{Value, json};

use crate::provider::Provider;

/// The most output tokens of one answer, thinking included. A search is short; the bound is for
/// models that think.
const MAX_TOKENS: u32 = 8_192;

/// Which format a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// OpenAI Responses.
    Responses,
    /// OpenAI chat completions.
    Chat,
    /// Anthropic Messages.
    Messages,
}

/// A tool as the model sees it.
pub(crate) struct ToolSpec {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    /// The JSON schema of its arguments.
    pub(crate) parameters: Value,
}

/// What is the same in all requests of one run.
pub(crate) struct Setting<'a> {
    pub(crate) provider: &'a Provider,
    /// The system prompt.
    pub(crate) system: &'a str,
    pub(crate) tools: &'a [ToolSpec],
    /// The JSON schema of the answer.
    pub(crate) schema: &'a Value,
}

/// What differs from request to request.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    /// The model may call tools.
    pub(crate) may_call: bool,
    /// The format of the answer and the effort are asked for; some models refuse that.
    pub(crate) structured: bool,
}

/// What a model answered.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Reply {
    /// Its turn as the history has to repeat it; empty if there is nothing to repeat.
    pub(crate) turn: Vec<Value>,
    /// What it said.
    pub(crate) text: String,
    /// The tools that it calls.
    pub(crate) calls: Vec<Call>,
    /// It will not answer.
    pub(crate) refused: bool,
    /// It was cut off at the limit of tokens.
    pub(crate) cut: bool,
}

/// A tool that a model calls.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    /// The provider's name for this call.
    pub(crate) id: String,
    pub(crate) name: String,
    /// The arguments; null if they are not JSON.
    pub(crate) arguments: Value,
}

/// An answer that is not one.
#[derive(Debug, PartialEq)]
pub(crate) enum Unreadable {
    /// Not the shape of this format.
    Shape,
    /// An error in an answer with status 200, as OpenRouter sends them.
    Status(u16),
}

/// The user's words as a piece of history, which is the same in all formats.
pub(crate) fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

impl Wire {
    /// The body of a request.
    pub(crate) fn body(self, setting: &Setting<'_>, history: &[Value], manner: Manner) -> Value {
        match self {
            Wire::Responses => responses::body(setting, history, manner),
            Wire::Chat => chat::body(setting, history, manner),
            Wire::Messages => messages::body(setting, history, manner),
        }
    }

    /// Reads the body of an answer.
    pub(crate) fn read(self, body: &Value) -> Result<Reply, Unreadable> {
        match self {
            Wire::Responses => responses::read(body),
            Wire::Chat => chat::read(body),
            Wire::Messages => messages::read(body),
        }
    }

    /// The answers of the tools as pieces of history, by the id of their call.
    pub(crate) fn results(self, results: &[(String, String)]) -> Vec<Value> {
        match self {
            Wire::Responses => results
                .iter()
                .map(|(id, text)| {
                    json!({"type": "function_call_output", "call_id": id, "output": text})
                })
                .collect(),
            Wire::Chat => results
                .iter()
                .map(|(id, text)| json!({"role": "tool", "tool_call_id": id, "content": text}))
                .collect(),
            Wire::Messages => {
                let blocks: Vec<Value> = results
                    .iter()
                    .map(|(id, text)| {
                        json!({"type": "tool_result", "tool_use_id": id, "content": text})
                    })
                    .collect();
                vec![json!({"role": "user", "content": blocks})]
            }
        }
    }
}

/// A string inside a value.
fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// A call whose arguments are JSON in a string, as in both formats of OpenAI.
fn call(id: Option<&str>, function: &Value) -> Result<Call, Unreadable> {
    let (Some(id), Some(name)) = (id, text(function, "name")) else {
        return Err(Unreadable::Shape);
    };
    let arguments = text(function, "arguments").unwrap_or_default();
    Ok(Call {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: serde_json::from_str(arguments).unwrap_or_default(),
    })
}
