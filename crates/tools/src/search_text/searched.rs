//! The parameter that says what is searched: issues, or a dataset of events.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use search_query::Dataset;
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::spelling;

/// What is searched: issues, or a dataset of events.
pub(crate) struct Searched(pub(crate) Dataset);

impl<'de> Deserialize<'de> for Searched {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Searched, D::Error> {
        let name = String::deserialize(deserializer)?;
        let wanted = name.trim().to_ascii_lowercase();
        if let Some(known) = Dataset::ALL.into_iter().find(|known| known.name() == wanted) {
            return Ok(Searched(known));
        }
        let names = Dataset::ALL.map(Dataset::name);
        let advice = match spelling::nearest(&wanted, names.into_iter()) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("there are {}", names.join(", ")),
        };
        let name = spelling::shorten(&name.replace('`', "'"));
        Err(D::Error::custom(format!("unknown dataset `{name}`: {advice}")))
    }
}

impl JsonSchema for Searched {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Searched".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": Dataset::ALL.map(Dataset::name) })
    }
}
