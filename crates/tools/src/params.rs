//! Parameters that several tools share, so that each description exists once.

use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// Text that a caller gave; blank counts as not given.
pub(crate) fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// Declares a parameter type: what it holds, and what a model is told about it.
macro_rules! parameter {
    ($(#[doc = $doc:literal])+ $name:ident($inner:ty), $description:literal) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, Deserialize)]
        #[serde(transparent)]
        pub(crate) struct $name(pub(crate) $inner);

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
