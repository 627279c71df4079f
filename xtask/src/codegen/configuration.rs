//! docs/configuration.md and the JSON schema of the config file, from `server::config`.

use std::fmt::Write as _;

use server::config::{self, Field};

use super::{cell, header};

/// docs/configuration.md: every setting, and where it can be given.
pub(super) fn page() -> String {
    let mut page = header("Configuration");
    page.push_str(
        "Each setting can be given in several places. The highest that has it wins, in this \
         order:\n\n\
         1. a flag: `--host=sentry.example.test`\n\
         2. an environment variable; an empty one counts as unset\n\
         3. the config file: `--config`, else `$XDG_CONFIG_HOME/sentry-mcp/config.toml`\n\
         4. the default\n\n\
         A key that is not in this table is an error, and says which one was probably meant.\n\
         `sentry-mcp config show` prints every value with where it came from, secrets masked; \
         `sentry-mcp config check` only says whether the settings can be used.\n\
         An editor can check the file against [configuration.schema.json]\
         (configuration.schema.json).\n\n\
         | Key in the file | Flag | Variable | Default |\n| --- | --- | --- | --- |\n",
    );
    let fields = config::fields();
    for field in &fields {
        let Field { name, flag, .. } = field;
        let env = field.env.map_or_else(|| "only as a flag".to_owned(), code);
        let default = field.default.as_deref().map_or_else(String::new, code);
        let key = if field.env.is_some() { code(name) } else { String::new() };
        let _ = writeln!(page, "| {key} | `{flag}` | {env} | {default} |");
    }
    page.push_str("\n## What each decides\n\n");
    for Field { name, doc, .. } in &fields {
        let _ = writeln!(page, "- **`{name}`**: {}", cell(doc));
    }
    page
}

/// The JSON schema of the config file.
pub(super) fn schema() -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(&config::schema())? + "\n")
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_setting_twice() {
        let page = page();
        for Field { name, flag, .. } in config::fields() {
            assert!(page.contains(&format!("| `{flag}` |")), "{flag}");
            assert!(page.contains(&format!("\n- **`{name}`**: ")), "{name}");
        }
    }
}
