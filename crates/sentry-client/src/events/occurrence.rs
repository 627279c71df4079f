//! What Sentry detected by itself, and the spans that prove it, borrowed from the event's
//! JSON. Which evidence belongs to which type of occurrence is not decided here.

use serde::{Deserialize, Deserializer};

use super::{
    lax::{self, Fields, Lax},
    text::Text,
};

/// What Sentry detected: a slow query, a missed check-in, a breached threshold.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Occurrence<'a> {
    /// The number of the detector's group type: 1006 is N+1 queries, 8001 a metric alert.
    #[serde(rename = "type", deserialize_with = "lax::read")]
    pub kind: Option<u64>,
    /// The headline.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub issue_title: Option<Text<'a>>,
    /// What is under the headline.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub subtitle: Option<Text<'a>>,
    /// What the detector found, in its own format.
    #[serde(borrow, deserialize_with = "lax::or_empty")]
    pub evidence_data: Fields<'a>,
    /// The same for people.
    #[serde(borrow, deserialize_with = "lax::or_empty")]
    pub evidence_display: Vec<Evidence<'a>>,
}

/// One line of evidence for people.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Evidence<'a> {
    /// What it is.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub name: Option<Text<'a>>,
    /// Its value.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub value: Option<Text<'a>>,
    /// Whether the detector finds it worth showing.
    #[serde(deserialize_with = "lax::read")]
    pub important: Option<bool>,
}

/// A span of a transaction.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Span<'a> {
    /// Its id: 16 hexadecimal digits.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub span_id: Option<Text<'a>>,
    /// The span that it happened in.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub parent_span_id: Option<Text<'a>>,
    /// What kind of work: `db`, `http.client`, …
    #[serde(borrow, deserialize_with = "lax::read")]
    pub op: Option<Text<'a>>,
    /// The work: a query, an address.
    #[serde(borrow, deserialize_with = "lax::read")]
    pub description: Option<Text<'a>>,
    /// When it began, in seconds since 1970.
    #[serde(deserialize_with = "lax::read")]
    pub start_timestamp: Option<f64>,
    /// When it ended, in seconds since 1970.
    #[serde(deserialize_with = "lax::read")]
    pub timestamp: Option<f64>,
    /// More about it.
    #[serde(borrow, deserialize_with = "lax::or_empty")]
    pub data: Fields<'a>,
}

impl Span<'_> {
    /// How long it took, in milliseconds.
    pub fn milliseconds(&self) -> Option<f64> {
        let taken = (self.timestamp? - self.start_timestamp?) * 1_000.0;
        (taken >= 0.0).then_some(taken)
    }
}

/// These are read from an object; anything else in their place counts as absent.
macro_rules! objects {
    ($($name:ident),+) => {
        $(impl<'de: 'a, 'a> Lax<'de> for $name<'a> {
            fn lax<D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
                lax::object(deserializer)
            }
        })+
    };
}

objects!(Occurrence, Evidence, Span);

#[cfg(test)]
mod tests {
    use crate::events::Event;

    #[test]
    fn spans_are_a_list_where_other_entries_are_objects() {
        let event: Event<'_> = serde_json::from_str(
            r#"{"entries": [{"data": [{"span_id": "a", "start_timestamp": 1.5, "timestamp": "1.75"},
                null, 7, {"span_id": "b", "start_timestamp": 2, "timestamp": 1}], "type": "spans"}]}"#,
        )
        .unwrap();
        let taken: Vec<_> = event.spans().map(super::Span::milliseconds).collect();
        assert_eq!(taken, [Some(250.0), None]);
    }

    #[test]
    fn evidence_is_found_whichever_way_its_name_is_written() {
        for name in ["offenderSpanIds", "offender_span_ids"] {
            let json =
                format!(r#"{{"occurrence": {{"type": "1006", "evidenceData": {{"{name}": 1}}}}}}"#);
            let event: Event<'_> = serde_json::from_str(&json).unwrap();
            let occurrence = event.occurrence.unwrap();
            assert_eq!(occurrence.kind, Some(1006));
            assert!(occurrence.evidence_data.get("offenderSpanIDs").is_some());
        }
    }
}
