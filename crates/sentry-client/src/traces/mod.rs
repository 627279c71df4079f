//! Traces: their totals, and their spans as a tree. The text of spans was written by whoever
//! could send them; nothing here renders, filters or trusts it.

mod arena;
mod id;
mod scan;
mod span;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use serde::{Deserialize, de::IgnoredAny};

pub use self::{
    id::{SpanId, TraceId},
    span::{Attributes, Part, Problem, Span},
};
use crate::{Client, Error, ErrorKind, Region, Result, Slug, decode, drift, request::Route};

/// How far back Sentry looks for the spans of a trace.
const PERIOD: &str = "14d";

/// What a trace holds, as Sentry counts it: over all projects that the user can see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Totals")]
pub struct TraceTotals {
    /// Spans.
    pub spans: u64,
    /// Error events.
    pub errors: u64,
    /// Problems that Sentry detected in the spans.
    pub performance_issues: u64,
    /// Log entries.
    pub logs: u64,
}

/// The same in both spellings that Sentry has had for it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Totals {
    #[serde(rename = "spansCount", deserialize_with = "drift::count")]
    spans_new: Option<u64>,
    #[serde(rename = "spanCount", deserialize_with = "drift::count")]
    spans_old: Option<u64>,
    #[serde(rename = "span_count", deserialize_with = "drift::count")]
    spans_snake: Option<u64>,
    #[serde(rename = "errorsCount", deserialize_with = "drift::count")]
    errors_new: Option<u64>,
    #[serde(rename = "errors", deserialize_with = "drift::count")]
    errors_old: Option<u64>,
    #[serde(rename = "performanceIssuesCount", deserialize_with = "drift::count")]
    issues_new: Option<u64>,
    #[serde(rename = "performanceIssues", deserialize_with = "drift::count")]
    issues_old: Option<u64>,
    #[serde(rename = "performance_issues", deserialize_with = "drift::count")]
    issues_snake: Option<u64>,
    #[serde(rename = "logsCount", deserialize_with = "drift::count")]
    logs_new: Option<u64>,
    #[serde(rename = "logs", deserialize_with = "drift::count")]
    logs_old: Option<u64>,
}

impl From<Totals> for TraceTotals {
    fn from(totals: Totals) -> TraceTotals {
        let spans = totals.spans_new.or(totals.spans_old).or(totals.spans_snake);
        let issues = totals.issues_new.or(totals.issues_old).or(totals.issues_snake);
        TraceTotals {
            spans: spans.unwrap_or_default(),
            errors: totals.errors_new.or(totals.errors_old).unwrap_or_default(),
            performance_issues: issues.unwrap_or_default(),
            logs: totals.logs_new.or(totals.logs_old).unwrap_or_default(),
        }
    }
}

/// A trace as it came, to be read by types that borrow from it: traces are large.
#[derive(Clone, Debug)]
pub struct TraceBody {
    json: Bytes,
    request: String,
    host: String,
}

impl TraceBody {
    /// The trace. Only broken JSON fails.
    pub fn read(&self) -> Result<Trace<'_>> {
        std::str::from_utf8(&self.json).ok().and_then(parse).ok_or_else(|| {
            let kind = decode::list::<IgnoredAny>(200, &self.json).err().unwrap_or_else(|| {
                let problem = "a list of spans that cannot be followed".to_owned();
                ErrorKind::Decode { path: ".".to_owned(), problem }
            });
            Error::new(&self.request, &self.host, kind)
        })
    }
}

/// The spans of a trace and what went wrong in them.
#[derive(Clone, Debug, Default)]
pub struct Trace<'a> {
    /// All spans, each after its parent and directly followed by its descendants.
    pub spans: Vec<Span<'a>>,
    /// Errors and detected problems, in no order.
    pub problems: Vec<Problem<'a>>,
    /// How many nodes could not be read.
    pub skipped: usize,
}

/// Reads the body of a trace; `None` if it is not a list of JSON objects.
pub fn parse(body: &str) -> Option<Trace<'_>> {
    arena::read(body)
}

impl Client {
    /// `GET /api/0/organizations/{org}/trace-meta/{trace}/`
    pub async fn get_trace_totals(
        &self,
        org: &Slug,
        trace: &TraceId,
        region: Option<&Region>,
    ) -> Result<TraceTotals> {
        let route = Route::organization(org).seg("trace-meta").seg(trace.as_str());
        self.get(route).in_region(region).param("statsPeriod", PERIOD).json().await
    }

    /// `GET /api/0/organizations/{org}/trace/{trace}/`
    ///
    /// At most `limit` spans, of all projects. `attributes` are asked for in addition to what
    /// Sentry sends of each span anyway.
    pub async fn get_trace(
        &self,
        org: &Slug,
        trace: &TraceId,
        limit: u64,
        attributes: &[&str],
        region: Option<&Region>,
    ) -> Result<TraceBody> {
        let route = Route::organization(org).seg("trace").seg(trace.as_str());
        let request = format!("GET {}", route.path());
        let host = region.unwrap_or(self.site().own()).host().to_owned();
        let mut call = self
            .get(route)
            .in_region(region)
            .param("limit", limit)
            .param("project", -1)
            .param("statsPeriod", PERIOD);
        for attribute in attributes {
            call = call.param("additional_attributes", attribute);
        }
        Ok(TraceBody { json: call.list_body().await?, request, host })
    }
}
