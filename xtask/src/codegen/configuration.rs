//! docs/configuration.md, docs/configuration-http.md and the JSON schemas of the config files,
//! from `server::config`.

use std::fmt::Write as _;

use server::config::{self, Field};

use super::{cell, header};

/// docs/configuration.md: every setting of `sentry-mcp`, and where it can be given.
pub(super) fn page() -> String {
    let example = "--host=sentry.example.test";
    page_of("Configuration", "sentry-mcp", ("config.toml", example), &config::fields())
}

/// docs/configuration-http.md: the same of `sentry-mcp-http`.
pub(super) fn http_page() -> String {
    let example = "--public-url=https://mcp.example.test";
    let fields = config::http_fields();
    page_of("Configuration of the HTTP server", "sentry-mcp-http", ("http.toml", example), &fields)
}

fn page_of(title: &str, program: &str, (file, example): (&str, &str), fields: &[Field]) -> String {
    let schema = match file {
        "http.toml" => "configuration-http.schema.json",
        _ => "configuration.schema.json",
    };
    let mut page = header(title);
    let _ = write!(
        page,
        "Each setting can be given in several places. The highest that has it wins, in this \
         order:\n\n\
         1. a flag: `{example}`\n\
         2. an environment variable; an empty one counts as unset\n\
         3. the config file: `--config`, else `$XDG_CONFIG_HOME/sentry-mcp/{file}`\n\
         4. the default\n\n\
         A key that is not in this table is an error, and says which one was probably meant.\n\
         `{program} config show` prints every value with where it came from, secrets masked; \
         `{program} config check` only says whether the settings can be used.\n\
         An editor can check the file against [{schema}]({schema}).\n\n\
         | Key in the file | Flag | Variable | Default |\n| --- | --- | --- | --- |\n",
    );
    for field in fields {
        let Field { name, flag, .. } = field;
        let env = match field.env {
            Some(env) => code(env),
            None if field.in_file => String::new(),
            None => "only as a flag".to_owned(),
        };
        let default = field.default.as_deref().map_or_else(String::new, code);
        let key = if field.in_file { code(name) } else { String::new() };
        let flag = if flag.is_empty() { String::new() } else { code(flag) };
        let _ = writeln!(page, "| {key} | {flag} | {env} | {default} |");
    }
    page.push_str("\n## What each decides\n\n");
    for Field { name, doc, .. } in fields {
        let _ = writeln!(page, "- **`{name}`**: {}", cell(doc));
    }
    page
}

/// The JSON schema of the HTTP server's config file.
pub(super) fn http_schema() -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(&config::http_schema())? + "\n")
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
        for (page, fields) in [(page(), config::fields()), (http_page(), config::http_fields())] {
            for Field { name, flag, .. } in fields {
                assert!(flag.is_empty() || page.contains(&format!("| `{flag}` |")), "{flag}");
                assert!(page.contains(&format!("\n- **`{name}`**: ")), "{name}");
            }
        }
    }
}
