//! Variables that look like settings and are none: what is said of them at the start.
//!
//! They are no error, because a newer version may know them. Their values are never read.

use super::{
    layer::variable_names,
    table::{HTTP, Program, STDIO, Setting},
};

/// What all variables begin with that only this program reads.
const PREFIX: &str = "SENTRY_MCP_";
/// A name is cut after this many characters.
const SHOWN: usize = 60;

/// One line for each `SENTRY_MCP_…` variable that sets nothing, in the order of their names.
///
/// A misspelled limit must not pass for a limit that holds.
pub fn unknown_variables() -> Vec<String> {
    // The two programs may share a machine and its environment.
    let settings = STDIO.settings.iter().chain(&HTTP.settings);
    let known = |name: &str| settings.clone().any(|setting| setting.env == Some(name));
    let mut unknown: Vec<String> = variable_names()
        .into_iter()
        .filter(|name| name.starts_with(PREFIX) && !known(name))
        .collect();
    unknown.sort_unstable();
    unknown.iter().map(|name| told(name)).collect()
}

fn told(name: &str) -> String {
    let mut shown: String = name.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if name.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    let nearest = |name| {
        let of = |program: &'static Program| program.setting(program.nearest(name)?);
        of(&STDIO).or_else(|| of(&HTTP))
    };
    let hint = match name.strip_prefix(PREFIX).and_then(nearest) {
        Some(Setting { env: Some(env), .. }) => format!("; did you mean `{env}`?"),
        Some(Setting { env: None, flag, .. }) => format!("; there is only the flag `{flag}`"),
        None => String::new(),
    };
    format!("the environment variable `{shown}` is no setting and has no effect{hint}")
}

#[cfg(test)]
#[expect(clippy::result_large_err, reason = "`figment::Jail` fixes the error type")]
mod tests {
    use figment::Jail;

    use super::*;

    fn unknown(variables: &[(&str, &str)]) -> Vec<String> {
        let mut found = Vec::new();
        Jail::expect_with(|jail| {
            jail.clear_env();
            for (name, value) in variables {
                jail.set_env(name, value);
            }
            found = unknown_variables();
            Ok(())
        });
        found
    }

    #[test]
    fn a_misspelled_variable_is_told_with_the_nearest_known_one_and_without_its_value() {
        for (name, hint) in [
            ("SENTRY_MCP_CALL_TIMOUT", "; did you mean `SENTRY_MCP_CALL_TIMEOUT`?"),
            ("SENTRY_MCP_ORGANISATION_SLUG", "; did you mean `SENTRY_MCP_ORGANIZATION_SLUG`?"),
            ("SENTRY_MCP_PROJECTSLUG", "; did you mean `SENTRY_MCP_PROJECT_SLUG`?"),
            ("SENTRY_MCP_HOST", "; did you mean `SENTRY_HOST`?"),
            ("SENTRY_MCP_SCOPES", "; did you mean `MCP_SCOPES`?"),
            ("SENTRY_MCP_ALL_SCOPES", "; there is only the flag `--all-scopes`"),
            ("SENTRY_MCP_FOO", ""),
            ("SENTRY_MCP_", ""),
        ] {
            let expected =
                format!("the environment variable `{name}` is no setting and has no effect{hint}");
            assert_eq!(unknown(&[(name, "hunter2")]), [expected]);
        }
    }

    #[test]
    fn known_foreign_and_empty_variables_are_not_told() {
        let mut quiet: Vec<_> = STDIO
            .settings
            .iter()
            .filter_map(|setting| setting.env)
            .map(|name| (name, "x"))
            .collect();
        quiet.extend([("SENTRY_DSN", "x"), ("SENTRY_MCPX", "x"), ("SENTRY_MCP_FOO", "")]);
        assert_eq!(unknown(&quiet), [""; 0]);
    }

    #[test]
    fn each_unknown_variable_is_one_line_in_the_order_of_the_names() {
        let long = format!("SENTRY_MCP_{}", "Z".repeat(100));
        let told = unknown(&[(&long, "x"), ("SENTRY_MCP_B\n\u{1b}", "x"), ("SENTRY_MCP_A", "x")]);
        assert_eq!(told.len(), 3);
        assert!(told[0].contains("`SENTRY_MCP_A`"), "{told:?}");
        assert!(told[1].contains(r"`SENTRY_MCP_B\n\u{1b}`"), "{told:?}");
        assert!(told[2].contains(&format!("{}…`", "Z".repeat(49))), "{told:?}");
        assert!(told.iter().all(|line| !line.contains(char::is_control)), "{told:?}");
    }
}
