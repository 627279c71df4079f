//! OpenAI's Responses API (`POST …/responses`; also Azure's `/openai/v1`). Nothing is stored at
//! the provider: `store` is false, and the history goes along with each request.

use serde_json::{Value, json};

use super::{Call, MAX_TOKENS, Manner, Reply, Setting, Unreadable, call, text};

pub(super) fn body(setting: &Setting<'_>, history: &[Value], manner: Manner) -> Value {
    let tools: Vec<Value> = setting
        .tools
        .iter()
        .map(|tool| {
            json!({
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
                // Strict would require every argument.
                "strict": false,
            })
        })
        .collect();
    let mut body = json!({
        "model": setting.provider.model,
        "instructions": setting.system,
        "input": history,
        "tools": tools,
        "tool_choice": if manner.may_call { "auto" } else { "none" },
        "max_output_tokens": MAX_TOKENS,
        "store": false,
    });
    if manner.structured {
        body["text"] = json!({"format": {
            "type": "json_schema", "name": "search", "schema": setting.schema, "strict": false,
        }});
        if let Some(effort) = setting.provider.effort.openai() {
            body["reasoning"] = json!({ "effort": effort });
        }
    }
    body
}

pub(super) fn read(body: &Value) -> Result<Reply, Unreadable> {
    let output = body.get("output").and_then(Value::as_array).ok_or(Unreadable::Shape)?;
    let mut reply = Reply { cut: text(body, "status") == Some("incomplete"), ..Reply::default() };
    if body.get("error").is_some_and(|error| !error.is_null()) {
        return Err(Unreadable::Shape);
    }
    for item in output {
        match text(item, "type") {
            Some("message") => message(item, &mut reply)?,
            Some("function_call") => {
                let call = call(text(item, "call_id"), item)?;
                reply.turn.push(repeated(&call, item));
                reply.calls.push(call);
            }
            // Reasoning and whatever comes later.
            _ => {}
        }
    }
    if !reply.text.is_empty() {
        reply.turn.push(json!({"role": "assistant", "content": reply.text}));
    }
    Ok(reply)
}

/// A call without the provider's `id`: with it, the reasoning before the call would have to be
/// repeated too, which is not kept at the provider and which not every model gives out.
fn repeated(call: &Call, item: &Value) -> Value {
    json!({
        "type": "function_call",
        "call_id": call.id,
        "name": call.name,
        "arguments": text(item, "arguments").unwrap_or("{}"),
    })
}

fn message(item: &Value, reply: &mut Reply) -> Result<(), Unreadable> {
    let parts = item.get("content").and_then(Value::as_array).ok_or(Unreadable::Shape)?;
    for part in parts {
        match text(part, "type") {
            Some("output_text") => reply.text.push_str(text(part, "text").unwrap_or_default()),
            Some("refusal") => reply.refused = true,
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_repeated_without_the_reasoning_before_it() {
        let reply = read(&json!({"status": "completed", "output": [
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "who_am_i",
             "arguments": "{}"},
        ]}))
        .unwrap();
        assert_eq!(
            reply.turn,
            [json!({"type": "function_call", "call_id": "call_1", "name": "who_am_i",
                    "arguments": "{}"})]
        );
        assert_eq!(reply.calls[0].arguments, json!({}));
    }

    #[test]
    fn a_failed_response_is_not_an_answer() {
        for body in [
            json!({"output": [], "error": {"code": "server_error"}}),
            json!({"choices": []}),
            json!({"output": [{"type": "message"}]}),
            json!({"output": [{"type": "function_call", "name": "x"}]}),
        ] {
            assert_eq!(read(&body), Err(Unreadable::Shape), "{body}");
        }
    }

    #[test]
    fn an_unfinished_response_is_known_as_cut() {
        let reply = read(&json!({"status": "incomplete", "output": []})).unwrap();
        assert!(reply.cut && reply.turn.is_empty());
    }
}
