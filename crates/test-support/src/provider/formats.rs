//! The three formats: writing answers, and finding the parts of requests. Only what the
//! formats say is here, nothing of any client.

use serde_json::{Value, json};

/// How a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenAI Responses.
    Responses,
    /// OpenAI chat completions.
    Chat,
    /// Anthropic Messages.
    Messages,
}

impl Format {
    /// The format of a path.
    pub fn of(path: &str) -> Option<Format> {
        let formats = [
            ("/responses", Format::Responses),
            ("/chat/completions", Format::Chat),
            ("/v1/messages", Format::Messages),
        ];
        formats.into_iter().find(|(end, _)| path.ends_with(end)).map(|(_, format)| format)
    }

    /// Whether a request has what the format requires, and every call its one result.
    pub(super) fn accepts(self, body: &Value) -> bool {
        let must = match self {
            Format::Responses => ["model", "input"],
            Format::Chat => ["model", "messages"],
            Format::Messages => ["model", "max_tokens"],
        };
        let results: Vec<String> = self.results(body).into_iter().map(|(id, _)| id).collect();
        must.iter().all(|key| body.get(key).is_some())
            && !self.system(body).is_empty()
            && self.called(body) == results
    }

    pub(super) fn text(self, text: &str) -> Value {
        match self {
            Format::Responses => responses("completed", &json!([said(text)])),
            Format::Chat => chat(&json!({"role": "assistant", "content": text}), "stop"),
            Format::Messages => messages(&json!([{"type": "text", "text": text}]), "end_turn"),
        }
    }

    pub(super) fn cut_off(self, text: &str) -> Value {
        match self {
            Format::Responses => responses("incomplete", &json!([said(text)])),
            Format::Chat => chat(&json!({"role": "assistant", "content": text}), "length"),
            Format::Messages => messages(&json!([{"type": "text", "text": text}]), "max_tokens"),
        }
    }

    pub(super) fn refusal(self) -> Value {
        match self {
            Format::Responses => responses(
                "completed",
                &json!([{"type": "message", "role": "assistant",
                         "content": [{"type": "refusal", "refusal": "no"}]}]),
            ),
            Format::Chat => {
                chat(&json!({"role": "assistant", "content": null, "refusal": "no"}), "stop")
            }
            Format::Messages => messages(&json!([]), "refusal"),
        }
    }

    /// Calls, with ids that differ from answer to answer.
    pub(super) fn calls(self, calls: &[(&str, Value)], number: usize) -> Value {
        let numbered = calls.iter().enumerate();
        let id = |at: usize| format!("call_{number}_{at}");
        match self {
            Format::Responses => {
                // A model that thinks has its thought in front.
                let thought = json!({"type": "reasoning", "id": "rs_1", "summary": []});
                let calls = numbered.map(|(at, (name, arguments))| {
                    json!({"type": "function_call", "id": format!("fc_{at}"), "call_id": id(at),
                           "name": name, "arguments": arguments.to_string(), "status": "completed"})
                });
                responses("completed", &std::iter::once(thought).chain(calls).collect())
            }
            Format::Chat => {
                let calls: Vec<Value> = numbered
                    .map(|(at, (name, arguments))| {
                        json!({"id": id(at), "type": "function",
                               "function": {"name": name, "arguments": arguments.to_string()}})
                    })
                    .collect();
                chat(
                    &json!({"role": "assistant", "content": null, "tool_calls": calls}),
                    "tool_calls",
                )
            }
            Format::Messages => {
                let blocks = numbered
                    .map(|(at, (name, arguments))| {
                        json!({"type": "tool_use", "id": id(at), "name": name, "input": arguments})
                    })
                    .collect();
                messages(&blocks, "tool_use")
            }
        }
    }

    pub(super) fn system(self, body: &Value) -> String {
        let system = match self {
            Format::Responses => &body["instructions"],
            Format::Chat if body["messages"][0]["role"] == "system" => {
                &body["messages"][0]["content"]
            }
            Format::Chat => &Value::Null,
            Format::Messages => &body["system"],
        };
        system.as_str().unwrap_or_default().to_owned()
    }

    pub(super) fn history(self, body: &Value) -> Value {
        match self {
            Format::Responses => body["input"].clone(),
            Format::Chat => list(&body["messages"]).iter().skip(1).cloned().collect(),
            Format::Messages => body["messages"].clone(),
        }
    }

    pub(super) fn schema(self, body: &Value) -> Option<&Value> {
        match self {
            Format::Responses => body.pointer("/text/format/schema"),
            Format::Chat => body.pointer("/response_format/json_schema/schema"),
            Format::Messages => body.pointer("/output_config/format/schema"),
        }
    }

    /// The ids and texts of the results.
    pub(super) fn results(self, body: &Value) -> Vec<(String, String)> {
        let pair = |item: &Value, id: &str, text: &str| (string(&item[id]), string(&item[text]));
        match self {
            Format::Responses => list(&body["input"])
                .iter()
                .filter(|item| item["type"] == "function_call_output")
                .map(|item| pair(item, "call_id", "output"))
                .collect(),
            Format::Chat => list(&body["messages"])
                .iter()
                .filter(|message| message["role"] == "tool")
                .map(|message| pair(message, "tool_call_id", "content"))
                .collect(),
            Format::Messages => blocks(body)
                .filter(|block| block["type"] == "tool_result")
                .map(|block| pair(block, "tool_use_id", "content"))
                .collect(),
        }
    }

    /// The ids of the calls that the history repeats.
    fn called(self, body: &Value) -> Vec<String> {
        match self {
            Format::Responses => list(&body["input"])
                .iter()
                .filter(|item| item["type"] == "function_call")
                .map(|item| string(&item["call_id"]))
                .collect(),
            Format::Chat => list(&body["messages"])
                .iter()
                .flat_map(|message| list(&message["tool_calls"]))
                .map(|call| string(&call["id"]))
                .collect(),
            Format::Messages => blocks(body)
                .filter(|block| block["type"] == "tool_use")
                .map(|block| string(&block["id"]))
                .collect(),
        }
    }
}

fn said(text: &str) -> Value {
    json!({"type": "message", "role": "assistant",
           "content": [{"type": "output_text", "text": text, "annotations": []}]})
}

fn responses(status: &str, output: &Value) -> Value {
    json!({"id": "resp_1", "object": "response", "status": status, "error": null,
           "output": output})
}

fn chat(message: &Value, finish: &str) -> Value {
    json!({"id": "gen_1", "object": "chat.completion",
           "choices": [{"index": 0, "message": message, "finish_reason": finish}]})
}

fn messages(content: &Value, stop: &str) -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "content": content,
           "stop_reason": stop})
}

/// The content blocks of all messages.
fn blocks(body: &Value) -> impl Iterator<Item = &Value> {
    list(&body["messages"]).iter().flat_map(|message| list(&message["content"]))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
