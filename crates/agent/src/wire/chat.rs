//! OpenAI's chat completions (`POST …/chat/completions`): OpenRouter, and Azure's deployments.
//! One choice is read, the first.

use serde_json::{Value, json};

use super::{MAX_TOKENS, Manner, Reply, Setting, Unreadable, call, text};
use crate::provider::ProviderKind;

pub(super) fn body(setting: &Setting<'_>, history: &[Value], manner: Manner) -> Value {
    let tools: Vec<Value> = setting
        .tools
        .iter()
        .map(|tool| {
            json!({"type": "function", "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
            }})
        })
        .collect();
    let mut messages = vec![json!({"role": "system", "content": setting.system})];
    messages.extend_from_slice(history);
    let provider = setting.provider;
    let mut body = json!({
        "model": provider.model,
        "messages": messages,
        "tools": tools,
        "tool_choice": if manner.may_call { "auto" } else { "none" },
    });
    let openrouter = provider.kind == ProviderKind::OpenRouter;
    if openrouter {
        // Azure has two names for this, by the age of the model.
        body["max_tokens"] = json!(MAX_TOKENS);
    }
    if manner.structured {
        body["response_format"] = json!({"type": "json_schema", "json_schema": {
            "name": "search", "schema": setting.schema, "strict": false,
        }});
        if let Some(effort) = provider.effort.openai() {
            if openrouter {
                body["reasoning"] = json!({ "effort": effort });
            } else {
                body["reasoning_effort"] = json!(effort);
            }
        }
    }
    body
}

pub(super) fn read(body: &Value) -> Result<Reply, Unreadable> {
    if let Some(error) = body.get("error").filter(|error| !error.is_null()) {
        let status =
            error.get("code").and_then(Value::as_u64).and_then(|it| u16::try_from(it).ok());
        return Err(status.map_or(Unreadable::Shape, Unreadable::Status));
    }
    let choice = body.pointer("/choices/0").ok_or(Unreadable::Shape)?;
    let message = choice.get("message").filter(|it| it.is_object()).ok_or(Unreadable::Shape)?;
    let finish = text(choice, "finish_reason");
    let mut reply = Reply {
        text: said(message),
        refused: finish == Some("content_filter")
            || text(message, "refusal").is_some_and(|refusal| !refusal.is_empty()),
        cut: finish == Some("length"),
        ..Reply::default()
    };
    for item in message.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
        let function = item.get("function").ok_or(Unreadable::Shape)?;
        reply.calls.push(call(text(item, "id"), function)?);
    }
    if !reply.calls.is_empty() || !reply.text.is_empty() {
        reply.turn.push(repeated(message));
    }
    Ok(reply)
}

/// The turn with what the next request has to repeat. OpenRouter's `reasoning_details` let a
/// model go on with its thought; other fields are answers only, and some servers refuse them.
fn repeated(message: &Value) -> Value {
    let mut turn = json!({"role": "assistant", "content": message.get("content")});
    for key in ["tool_calls", "reasoning_details"] {
        if let Some(value) = message.get(key).filter(|value| !value.is_null()) {
            turn[key] = value.clone();
        }
    }
    turn
}

/// The text, which is a string or a list of parts.
fn said(message: &Value) -> String {
    match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts.iter().filter_map(|part| text(part, "text")).collect(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_inside_a_success_keeps_its_status() {
        let body = json!({"error": {"code": 429, "message": "slow down"}});
        assert_eq!(read(&body), Err(Unreadable::Status(429)));
        assert_eq!(read(&json!({"error": {"code": "x"}})), Err(Unreadable::Shape));
    }

    #[test]
    fn a_turn_is_repeated_without_what_only_answers_have() {
        let message = json!({
            "role": "assistant", "content": null, "annotations": [], "refusal": null,
            "tool_calls": [{"id": "c1", "type": "function",
                            "function": {"name": "who_am_i", "arguments": ""}}],
        });
        let reply =
            read(&json!({"choices": [{"message": message, "finish_reason": "tool_calls"}]}))
                .unwrap();
        assert_eq!(
            reply.turn,
            [json!({"role": "assistant", "content": null, "tool_calls": message["tool_calls"]})]
        );
        assert_eq!(reply.calls[0].arguments, Value::Null);
    }

    #[test]
    fn text_may_come_in_parts() {
        let body = json!({"choices": [{"message":
            {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}}]});
        assert_eq!(read(&body).unwrap().text, "ab");
    }

    #[test]
    fn other_shapes_are_not_an_answer() {
        for body in [
            json!({}),
            json!({"choices": []}),
            json!({"choices": [{"message": "hi"}]}),
            json!({"choices": [{"message": {"tool_calls": [{"id": "c1"}]}}]}),
        ] {
            assert_eq!(read(&body), Err(Unreadable::Shape), "{body}");
        }
    }
}
