//! Translates between our types and those of the protocol. Nothing else names both.

use std::{error::Error as _, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use rmcp::{
    ErrorData,
    model::{CallToolResult, ContentBlock, ResourceContents, Tool, ToolAnnotations},
};
use tools::{
    answer::{Answer, File},
    error::{Error, Result as ToolResult},
    gate::Reason,
    tool::{Effect, ToolSpec},
};

/// A tool as a client sees it.
pub fn tool(spec: &ToolSpec) -> Tool {
    let tool = Tool::new(spec.meta.name, spec.description.clone(), spec.input_schema.clone())
        .with_annotations(hints(spec.meta.effect));
    match &spec.output_schema {
        Some(schema) => tool.with_raw_output_schema(Arc::new(schema.clone())),
        None => tool,
    }
}

/// The hints about safety, which follow from what a tool may do.
fn hints(effect: Effect) -> ToolAnnotations {
    let hints = ToolAnnotations::new().read_only(effect == Effect::Read);
    let hints = match effect {
        Effect::Read | Effect::Start => hints.destructive(false).idempotent(true),
        Effect::Create => hints.destructive(false).idempotent(false),
        // What was there before is lost.
        Effect::Update => hints.destructive(true).idempotent(true),
    };
    hints.open_world(true)
}

/// The outcome of a call.
///
/// Only a name that no tool has is an error of the protocol: a model can read, and act on, the
/// text of a result, while clients show errors of the protocol to nobody.
pub(crate) fn outcome(outcome: ToolResult<Answer>) -> Result<CallToolResult, ErrorData> {
    match outcome {
        Ok(answer) => {
            let files: Vec<ContentBlock> = answer.files().iter().map(file).collect();
            let structured = answer.structured().cloned();
            let text = ContentBlock::text(answer.into_string());
            let mut result = CallToolResult::success([vec![text], files].concat());
            result.structured_content = structured;
            Ok(result)
        }
        Err(Error::Refused(refusal)) if matches!(refusal.reason, Reason::Unknown { .. }) => {
            Err(ErrorData::invalid_params(refusal.to_string(), None))
        }
        Err(err) => Ok(failure(text(&err))),
    }
}

/// A file: an image where clients can show it, an embedded resource otherwise.
fn file(file: &File) -> ContentBlock {
    let data = BASE64.encode(&file.bytes);
    if file.media_type.starts_with("image/") {
        return ContentBlock::image(data, file.media_type.clone());
    }
    // Only a name: there is no file behind it, and nobody is to open one.
    let name: String = url::form_urlencoded::byte_serialize(file.name.as_bytes()).collect();
    let contents = ResourceContents::blob(data, format!("attachment:///{name}"));
    ContentBlock::resource(contents.with_mime_type(file.media_type.clone()))
}

/// A call that failed in a way that the model is told about.
pub(crate) fn failure(text: String) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}

/// What a model is told about an error.
fn text(err: &Error) -> String {
    let mut text = err.to_string();
    // Everything but a bare error of Sentry says all there is to say by itself.
    if let Error::Sentry(cause) = err {
        let mut cause = cause.source();
        while let Some(err) = cause {
            text = format!("{text}: {err}");
            cause = err.source();
        }
    }
    text
}

/// The text of a result; only text is ever sent.
pub(crate) fn text_of(result: &CallToolResult) -> String {
    let blocks = result.content.iter().filter_map(|block| block.as_text());
    blocks.map(|block| block.text.as_str()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(effect: Effect, read_only: bool, destructive: bool, idempotent: bool) {
        assert_eq!(
            serde_json::to_value(hints(effect)).unwrap(),
            json!({
                "readOnlyHint": read_only,
                "destructiveHint": destructive,
                "idempotentHint": idempotent,
                "openWorldHint": true,
            }),
        );
    }

    #[test]
    fn the_hints_follow_from_the_effect() {
        check(Effect::Read, true, false, true);
        check(Effect::Create, false, false, false);
        check(Effect::Start, false, false, true);
        check(Effect::Update, false, true, true);
    }

    #[test]
    fn a_mistake_in_the_arguments_is_told_to_the_model() {
        let result = outcome(Err(Error::input("name the organization"))).unwrap();
        assert_eq!(result.is_error, Some(true));
        assert_eq!(text_of(&result), "name the organization");
    }
}
