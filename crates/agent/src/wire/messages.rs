//! Anthropic's Messages API (`POST …/v1/messages`). Thinking is neither asked for nor refused;
//! if a model thinks, its blocks are repeated unread.

use serde_json::{Map, Value, json};

use super::{Call, MAX_TOKENS, Manner, Reply, Setting, Unreadable, text};

pub(super) fn body(setting: &Setting<'_>, history: &[Value], manner: Manner) -> Value {
    let tools: Vec<Value> = setting
        .tools
        .iter()
        .map(|tool| {
            json!({
                "name": tool.name,
                "description": tool.description,
                "input_schema": tool.parameters,
            })
        })
        .collect();
    let mut body = json!({
        "model": setting.provider.model,
        "max_tokens": MAX_TOKENS,
        "system": setting.system,
        "messages": history,
        // A history with calls is refused without the tools.
        "tools": tools,
        "tool_choice": {"type": if manner.may_call { "auto" } else { "none" }},
    });
    if manner.structured {
        let mut config = Map::new();
        config
            .insert("format".to_owned(), json!({"type": "json_schema", "schema": setting.schema}));
        if let Some(effort) = setting.provider.effort.anthropic() {
            config.insert("effort".to_owned(), json!(effort));
        }
        body["output_config"] = Value::Object(config);
    }
    body
}

pub(super) fn read(body: &Value) -> Result<Reply, Unreadable> {
    let content = body.get("content").and_then(Value::as_array).ok_or(Unreadable::Shape)?;
    let stop = text(body, "stop_reason");
    let mut reply = Reply {
        refused: stop == Some("refusal"),
        cut: matches!(stop, Some("max_tokens" | "model_context_window_exceeded")),
        ..Reply::default()
    };
    for block in content {
        match text(block, "type") {
            Some("text") => reply.text.push_str(text(block, "text").unwrap_or_default()),
            Some("tool_use") => {
                let (Some(id), Some(name)) = (text(block, "id"), text(block, "name")) else {
                    return Err(Unreadable::Shape);
                };
                let arguments = block.get("input").cloned().unwrap_or_default();
                let (id, name) = (id.to_owned(), name.to_owned());
                reply.calls.push(Call { id, name, arguments });
            }
            _ => {}
        }
    }
    if !content.is_empty() {
        reply.turn.push(json!({"role": "assistant", "content": content}));
    }
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinking_is_repeated_and_not_read() {
        let content = json!([
            {"type": "thinking", "thinking": "secret", "signature": "s"},
            {"type": "tool_use", "id": "t1", "name": "who_am_i", "input": {}},
        ]);
        let reply = read(&json!({"content": content, "stop_reason": "tool_use"})).unwrap();
        assert_eq!(reply.turn, [json!({"role": "assistant", "content": content})]);
        assert_eq!(reply.text, "");
        assert_eq!(reply.calls.len(), 1);
    }

    #[test]
    fn how_it_ended_is_read() {
        let ended =
            |stop| read(&json!({"content": [{"type": "text", "text": "x"}], "stop_reason": stop}));
        assert!(ended("refusal").unwrap().refused);
        assert!(ended("max_tokens").unwrap().cut);
        let normal = ended("end_turn").unwrap();
        assert!(!normal.refused && !normal.cut);
    }

    #[test]
    fn other_shapes_are_not_an_answer() {
        for body in [
            json!({"type": "error", "error": {"type": "overloaded_error"}}),
            json!({"content": "x"}),
            json!({"content": [{"type": "tool_use", "name": "x"}]}),
        ] {
            assert_eq!(read(&body), Err(Unreadable::Shape), "{body}");
        }
    }
}
