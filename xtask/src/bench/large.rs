//! What large bodies and many different calls cost: traces, deep stacks, and memory over time.

use anyhow::Context;
use sentry_sim::{BIG_TRACE, RECURSIVE_EVENT, TRACE};
use serde_json::{Value, json};

use super::{Target, mib, ms, process::Process, report};

/// So many calls of each kind: `/proc` counts CPU time in steps of 10 ms.
const CALLS: u32 = 50;
/// Calls of all kinds, and after how many the memory is first looked at.
const MIXED: u32 = 10_000;
const WARM: u32 = 500;
const IN_FLIGHT: u32 = 8;

/// A whole trace, a deep stack, and everything in turn.
pub(super) fn run(target: &Target) -> anyhow::Result<()> {
    let organization = &target.organization;
    let trace = json!({ "organizationSlug": organization, "traceId": BIG_TRACE });
    one(target, "get_trace_details, 5,000 spans", "get_trace_details", &trace)?;
    let event = json!({
        "organizationSlug": organization, "issueId": target.issue, "eventId": RECURSIVE_EVENT,
    });
    one(target, "get_issue_details, 6,000 frames", "get_issue_details", &event)?;
    mixed(target)
}

fn one(target: &Target, what: &str, tool: &str, arguments: &Value) -> anyhow::Result<()> {
    let mut process = Process::ready(&mut target.server())?;
    let idle = process.peak_kib()?;
    // The first call of a process also sets up its connection.
    let bytes = process.ask(&call(0, tool, arguments))?;
    let before = process.cpu()?;
    for id in 1..=CALLS {
        process.ask(&call(id, tool, arguments))?;
    }
    let cpu = process.cpu()?.saturating_sub(before) / CALLS;
    report(&format!("{what} ({bytes} bytes)"), ms(cpu), "10 ms CPU");
    report("  peak memory above idle", mib(process.peak_kib()?.saturating_sub(idle)), "40 MB");
    Ok(())
}

fn mixed(target: &Target) -> anyhow::Result<()> {
    let organization = &target.organization;
    let calls = [
        ("get_issue_details", json!({ "organizationSlug": organization, "issueId": target.issue })),
        ("search_issues", json!({ "organizationSlug": organization, "query": "is:unresolved" })),
        ("search_events", json!({ "organizationSlug": organization })),
        ("get_trace_details", json!({ "organizationSlug": organization, "traceId": TRACE })),
        ("find_projects", json!({ "organizationSlug": organization })),
        ("find_releases", json!({ "organizationSlug": organization })),
        ("whoami", json!({})),
    ];
    let message = |id: u32| {
        let (tool, arguments) = &calls[id as usize % calls.len()];
        call(id, tool, arguments)
    };
    let mut process = Process::ready(&mut target.server())?;
    process.flood(WARM, IN_FLIGHT, message)?;
    let warm = super::rss_kib(process.id())?;
    process.flood(MIXED - WARM, IN_FLIGHT, message)?;
    let after = super::rss_kib(process.id())?;
    report(&format!("memory after {WARM} mixed calls"), mib(warm), "");
    report(&format!("memory after {MIXED} mixed calls"), mib(after), "");
    let growth = i64::try_from(after)? * 100 / i64::try_from(warm)?.max(1) - 100;
    report("  growth", format!("{growth} %"), "20 %");
    Ok(())
}

fn call(id: u32, tool: &str, arguments: &Value) -> String {
    let params = json!({ "name": tool, "arguments": arguments });
    json!({ "jsonrpc": "2.0", "id": id + 10, "method": "tools/call", "params": params }).to_string()
}

impl Process {
    /// The most resident memory so far, in KiB (`VmHWM` of proc(5)).
    fn peak_kib(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let digits = line.and_then(|line| line.split_whitespace().next());
        digits.and_then(|digits| digits.parse().ok()).context("no VmHWM in /proc")
    }
}
