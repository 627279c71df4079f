//! The kinds of values that fields have, and the places where fields may stand.
//!
//! It says nothing about single fields.

use std::ops::BitOr;

/// What kind of values a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text. Wildcards are allowed; comparisons are not.
    Text,
    /// A number, with `k`, `m`, or `b` for thousands, millions, and billions.
    Number,
    /// A whole number, written like [`Kind::Number`].
    Integer,
    /// `true`, `false`, `1`, or `0`.
    Boolean,
    /// A length of time, such as `500ms` or `2h`.
    Duration,
    /// A number of bytes, such as `10kb` or `4mib`.
    Size,
    /// A share, between 0 and 1.
    Percentage,
    /// A point in time: `-24h`, `+7d`, or `>2026-01-31T12:00:00`.
    Date,
    /// A semantic version or a build number, which can be compared.
    Version,
    /// The name of a release, or `latest`.
    Release,
    /// 32 hexadecimal digits, with or without dashes.
    EventId,
    /// 32 hexadecimal digits, with or without dashes.
    TraceId,
    /// 16 hexadecimal digits.
    SpanId,
    /// A person or a team: `me`, `my_teams`, `none`, `#team`, or an e-mail address.
    Actor,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 14] = [
        Kind::Text,
        Kind::Number,
        Kind::Integer,
        Kind::Boolean,
        Kind::Duration,
        Kind::Size,
        Kind::Percentage,
        Kind::Date,
        Kind::Version,
        Kind::Release,
        Kind::EventId,
        Kind::TraceId,
        Kind::SpanId,
        Kind::Actor,
    ];

    /// The kind in one word, such as `duration`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Text => "string",
            Kind::Number => "number",
            Kind::Integer => "integer",
            Kind::Boolean => "boolean",
            Kind::Duration => "duration",
            Kind::Size => "size",
            Kind::Percentage => "percentage",
            Kind::Date => "date",
            Kind::Version => "version",
            Kind::Release => "release",
            Kind::EventId | Kind::TraceId | Kind::SpanId => "id",
            Kind::Actor => "user or team",
        }
    }

    /// Whether functions such as `avg` can work on it.
    pub fn is_numeric(self) -> bool {
        matches!(
            self,
            Kind::Number | Kind::Integer | Kind::Duration | Kind::Size | Kind::Percentage
        )
    }

    /// Whether `>` and `<` mean something for it.
    pub fn is_ordered(self) -> bool {
        self.is_numeric() || matches!(self, Kind::Date | Kind::Version)
    }
}

/// The places where a field may stand. A set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uses(u8);

impl Uses {
    /// In the query.
    pub const FILTER: Uses = Uses(1);
    /// Among the columns.
    pub const COLUMN: Uses = Uses(2);
    /// As the order of the answer.
    pub const SORT: Uses = Uses(4);
    /// As the argument of a function.
    pub const ARGUMENT: Uses = Uses(8);
    /// Everywhere.
    pub const ALL: Uses = Uses(15);

    /// Whether the set has every place of `other`.
    pub const fn contains(self, other: Uses) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Uses {
    type Output = Uses;

    fn bitor(self, other: Uses) -> Uses {
        Uses(self.0 | other.0)
    }
}
