//! The tool table of README.md, and docs/tools.md, from the catalogue.

use std::fmt::Write as _;

use anyhow::Context as _;
use scopes::{DEFAULT_GRANT, LEVELS, ScopeSet};
use serde_json::Value;
use tools::{
    catalog::TOOLSETS,
    gate,
    tool::{Effect, ToolSpec},
};

use super::{cell, header};

/// A table with a row per tool, for README.md.
pub(super) fn table() -> String {
    let mut table = "| Tool | What it does | Needs |\n| --- | --- | --- |\n".to_owned();
    for (_, spec) in specs() {
        let summary = cell(first_sentence(spec.summary()));
        let _ = writeln!(table, "| `{}` | {summary} | {} |", spec.meta.name, needs(&spec));
    }
    table
}

/// docs/tools.md: everything about every tool.
pub(super) fn page() -> anyhow::Result<String> {
    let mut page = header("Tools");
    page.push_str(
        "What a caller may use follows from its grant: a tool is listed when the grant covers \
         the scopes that it *needs*.\n\
         What Sentry wants from the token for the same work is another list, shown beside it.\n\
         Sizes are bytes of the tool's entry in the answer to `tools/list`, as JSON.\n\n",
    );
    page.push_str(&totals()?);
    let mut toolset = "";
    for (set, spec) in specs() {
        if set != toolset {
            let _ = writeln!(page, "\n## Toolset `{set}`");
            toolset = set;
        }
        page.push_str(&section(&spec)?);
    }
    Ok(page)
}

fn specs() -> impl Iterator<Item = (&'static str, ToolSpec)> {
    let installation = server::config::default_installation();
    TOOLSETS.iter().flat_map(move |set| {
        let installation = installation.clone();
        set.tools.iter().map(move |tool| (set.name, tool.spec(&installation)))
    })
}

fn totals() -> anyhow::Result<String> {
    let mut table = "| Grant | Tools | Bytes |\n| --- | ---: | ---: |\n".to_owned();
    let mut row = |title: String, grant: ScopeSet| {
        let open = specs().filter(|(_, spec)| grant.covers(spec.meta.requires));
        let sizes = open.map(|(_, spec)| size(&spec)).collect::<anyhow::Result<Vec<usize>>>()?;
        let total: usize = sizes.iter().sum();
        anyhow::Ok(writeln!(table, "| {title} | {} | {total} |", sizes.len())?)
    };
    for level in &LEVELS {
        let title = if level.adds == DEFAULT_GRANT {
            format!("{} (the default)", level.title)
        } else {
            format!("Read-only + {}", level.title)
        };
        row(title, DEFAULT_GRANT.union(level.adds))?;
    }
    row("Every scope (`--all-scopes`)".to_owned(), ScopeSet::ALL)?;
    Ok(table)
}

fn section(spec: &ToolSpec) -> anyhow::Result<String> {
    let meta = &spec.meta;
    let mut text = format!("\n### `{}`\n\n", meta.name);
    for paragraph in spec.description.lines().filter(|line| !line.is_empty()) {
        let _ = writeln!(text, "{paragraph}\n");
    }
    text.push_str(&parameters(spec)?);
    let _ = writeln!(text, "- Needs: {}", needs(spec));
    if meta.upstream.endpoint.is_empty() {
        text.push_str("- Sentry wants: any token, or none\n");
    } else {
        let accepts = gate::alternatives(meta.upstream.accepts);
        let _ = writeln!(text, "- Sentry wants: {accepts}, for `{}`", meta.upstream.endpoint);
    }
    let _ = writeln!(text, "- Effect: {}", effect(meta.effect));
    if let Some(constraint) = meta.pointless_in {
        let _ = writeln!(text, "- Not listed in a session that is limited to one {constraint}");
    }
    let _ = writeln!(text, "- Size: {} bytes", size(spec)?);
    Ok(text)
}

fn needs(spec: &ToolSpec) -> String {
    let scopes: Vec<String> = spec.meta.requires.iter().map(|scope| format!("`{scope}`")).collect();
    if scopes.is_empty() { "nothing".to_owned() } else { scopes.join(" and ") }
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Read => "reads, changes nothing",
        Effect::Create => "creates; calling twice creates twice",
        Effect::Update => "changes what exists; calling twice changes nothing more",
        Effect::Start => "begins work at Sentry; calling twice starts no second one",
    }
}

fn size(spec: &ToolSpec) -> anyhow::Result<usize> {
    Ok(serde_json::to_string(&server::wire::tool(spec))?.len())
}

fn parameters(spec: &ToolSpec) -> anyhow::Result<String> {
    let properties = spec.input_schema.get("properties").and_then(Value::as_object);
    let properties = properties
        .with_context(|| format!("the schema of `{}` has no properties", spec.meta.name))?;
    if properties.is_empty() {
        return Ok("No parameters.\n\n".to_owned());
    }
    let required = spec.input_schema.get("required").and_then(Value::as_array);
    let mut table =
        "| Parameter | Type | Required | What it is |\n| --- | --- | --- | --- |\n".to_owned();
    for (name, schema) in properties {
        let is_required = required.is_some_and(|names| names.iter().any(|one| one == name));
        let is_required = if is_required { "yes" } else { "no" };
        let description = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let (kind, description) = (kind(schema), cell(description));
        let _ = writeln!(table, "| `{name}` | {kind} | {is_required} | {description} |");
    }
    table.push('\n');
    Ok(table)
}

/// A table has room for what a tool does, not for when to use it.
fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.')
}

/// The type of a parameter, in words.
fn kind(schema: &Value) -> String {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
        return values.join(", ").replace('"', "");
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("array") => match schema.get("items") {
            Some(items) => format!("list of {}", kind(items)),
            None => "list".to_owned(),
        },
        Some(name) => name.to_owned(),
        None => "any".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_are_told_in_words() {
        assert_eq!(kind(&json!({ "type": "string" })), "string");
        assert_eq!(kind(&json!({ "type": "string", "enum": ["a", "b"] })), "`a`, `b`");
        let list = json!({ "type": "array", "items": { "type": "integer" } });
        assert_eq!(kind(&list), "list of integer");
        assert_eq!(kind(&json!({})), "any");
    }

    #[test]
    fn the_table_holds_one_sentence_per_tool() {
        assert_eq!(first_sentence("Lists DSNs (client keys). Use it."), "Lists DSNs (client keys)");
        assert_eq!(first_sentence("Lists DSNs."), "Lists DSNs");
        for row in table().lines() {
            assert!(!row.contains(". "), "{row}");
        }
    }

    #[test]
    fn the_page_has_a_section_for_every_tool() {
        let page = page().unwrap();
        for (_, spec) in specs() {
            assert!(page.contains(&format!("\n### `{}`\n", spec.meta.name)), "{}", spec.meta.name);
        }
    }
}
