//! Traces.

use crate::catalog::Toolset;

pub(crate) mod get_trace_details;

pub(crate) const TRACES: Toolset =
    Toolset { name: "traces", tools: &[&get_trace_details::GetTraceDetails] };
