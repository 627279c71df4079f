//! Parameters that several tools share, so that each description exists once.

use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

/// Text that a caller gave; blank counts as not given.
pub(crate) fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// The longest [`NamePart`], in characters: names in Sentry are shorter, and URLs have a limit.
const MAX_NAME_PART: usize = 200;

/// Declares a parameter type: what it holds, and what a model is told about it.
macro_rules! parameter {
    ($(#[doc = $doc:literal])+ $name:ident($(#[$read:meta])? $inner:ty), $description:literal) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, Deserialize)]
        #[serde(transparent)]
        pub(crate) struct $name($(#[$read])? pub(crate) $inner);

        impl Deref for $name {
            type Target = $inner;

            fn deref(&self) -> &$inner {
                &self.0
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                described($description)
            }
        }
    };
}

/// A string, with a description unless the name says it all.
fn described(description: &str) -> Schema {
    match description {
        "" => json_schema!({ "type": "string" }),
        text => json_schema!({ "type": "string", "description": text }),
    }
}

parameter!(
    /// Which organization.
    OrganizationSlug(sentry_client::Slug),
    "From find_organizations."
);
parameter!(
    /// Which project.
    ProjectSlug(sentry_client::Slug),
    "From find_projects."
);
parameter!(
    /// Which team.
    TeamSlug(sentry_client::Slug),
    "From find_teams."
);
parameter!(
    /// Which region, where the caller knows it; it is looked up otherwise, and the server's
    /// instructions say so once for all tools.
    RegionUrl(String),
    ""
);
parameter!(
    /// Part of the names in a list; blank text is an empty part, which every name has.
    NamePart(
        #[serde(deserialize_with = "name_part")]
        String
    ),
    "Part of name or slug."
);
parameter!(
    /// Where the next page of a list starts.
    Cursor(sentry_client::Cursor),
    "From the last answer."
);
parameter!(
    /// Which issue, as people write it; see `issue_address`.
    IssueIdText(String),
    "Short or numeric id, such as BACKEND-4F."
);
parameter!(
    /// A link to an issue, instead of its organization and id.
    IssueUrl(String),
    "Replaces organizationSlug and issueId."
);
parameter!(
    /// Which project, by either of its names.
    ProjectSlugOrId(sentry_client::SlugOrId),
    "Project slug or id."
);

/// The budget of one answer in tokens, 200 to 100,000.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "u32")]
pub(crate) struct MaxTokens(u32);

impl MaxTokens {
    const LEAST: u32 = 200;
    const MOST: u32 = 100_000;

    /// The budget.
    pub(crate) fn get(self) -> usize {
        self.0 as usize
    }
}

impl TryFrom<u32> for MaxTokens {
    type Error = String;

    fn try_from(tokens: u32) -> Result<MaxTokens, String> {
        if (Self::LEAST..=Self::MOST).contains(&tokens) {
            return Ok(MaxTokens(tokens));
        }
        Err(format!("expected a budget of {} to {} tokens", Self::LEAST, Self::MOST))
    }
}

impl JsonSchema for MaxTokens {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MaxTokens".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "integer",
            "minimum": Self::LEAST,
            "maximum": Self::MOST,
            "description": "Budget of the answer.",
        })
    }
}

impl NamePart {
    /// The text, unless it is blank.
    pub(crate) fn of(part: Option<&NamePart>) -> Option<&str> {
        given(part.map(|part| part.as_str()))
    }
}

fn name_part<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let length = text.trim().chars().count();
    if length <= MAX_NAME_PART {
        return Ok(text);
    }
    Err(de::Error::custom(format!(
        "{length} characters are too many; pass part of a name, at most {MAX_NAME_PART}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: &str) -> Result<NamePart, String> {
        serde_json::from_value(text.into()).map_err(|err| err.to_string())
    }

    #[test]
    fn a_blank_part_of_a_name_counts_as_not_given() {
        let shown = |text| NamePart::of(part(text).ok().as_ref()).map(str::to_owned);
        assert_eq!(shown(" web "), Some("web".to_owned()));
        assert_eq!(shown(" "), None);
        assert_eq!(NamePart::of(None), None);
    }

    #[test]
    fn a_part_of_a_name_has_at_most_200_characters() {
        assert!(part(&format!(" {} ", "ä".repeat(200))).is_ok());
        let problem = part(&"ä".repeat(201)).unwrap_err();
        assert_eq!(problem, "201 characters are too many; pass part of a name, at most 200");
    }
}
