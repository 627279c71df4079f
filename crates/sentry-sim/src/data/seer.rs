//! Seer runs: those that exist from the start and those that a `POST` makes, and how they move on
//! with every look at them. Decides nothing about who may look.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use serde_json::{Value, json};

use crate::data::{BASE_INSTANT, hex_id, precise_date};

/// The runs by issue position; looking at one moves it on, so that they are behind a lock.
#[derive(Debug, Default)]
pub(crate) struct Runs(Mutex<HashMap<u64, Run>>);

#[derive(Clone, Debug)]
struct Run {
    id: u64,
    looks: u32,
    instruction: Option<String>,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// `blocks` with artifacts, complete.
    Blocks,
    /// `steps` of the older Seer, complete.
    Steps,
    /// In progress until it was looked at often enough, then `Blocks`.
    Moving,
    /// In progress for ever.
    Stuck,
    Asking,
    Failed,
    /// A status that nobody has heard of.
    Strange,
}

/// The runs that exist from the start, by issue id.
const EXISTING: [(u64, Shape); 7] = [
    (9001, Shape::Blocks),
    (9002, Shape::Steps),
    (9003, Shape::Moving),
    (9004, Shape::Asking),
    (9005, Shape::Failed),
    (9006, Shape::Strange),
    (9016, Shape::Stuck),
];

impl Runs {
    pub(crate) fn new() -> Self {
        let run = |(issue, shape)| {
            (issue, Run { id: issue * 10 + 1, looks: 0, instruction: None, shape })
        };
        Self(Mutex::new(EXISTING.into_iter().map(run).collect()))
    }

    /// The body of `GET …/autofix/`.
    pub(crate) fn look(&self, issue: u64) -> Value {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(run) = runs.get_mut(&issue) else { return json!({ "autofix": null }) };
        run.looks = run.looks.saturating_add(1);
        json!({ "autofix": state(run) })
    }

    /// Starts a run, in place of the one that there was; its id and its uuid.
    pub(crate) fn start(
        &self,
        issue: u64,
        number: u64,
        instruction: Option<String>,
    ) -> (u64, String) {
        let id = 200_000 + number;
        let run = Run { id, looks: 0, instruction, shape: Shape::Moving };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(issue, run);
        (id, uuid(id))
    }
}

fn uuid(run: u64) -> String {
    let hex = hex_id(&format!("seer run {run}"));
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default().to_owned();
    format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32))
}

fn state(run: &Run) -> Value {
    let done =
        run.shape == Shape::Blocks || (run.shape == Shape::Moving && run.looks > crate::SEER_POLLS);
    let (status, blocks, pending) = match run.shape {
        Shape::Steps => return steps(run),
        Shape::Blocks | Shape::Moving if done => ("completed", complete(run), Value::Null),
        Shape::Blocks | Shape::Moving | Shape::Stuck => ("processing", working(run), Value::Null),
        Shape::Asking => (
            "awaiting_user_input",
            vec![
                thought(0, "Two vouchers are read differently; which one is right?"),
                root_cause(1),
            ],
            json!({
                "id": "ask-1", "input_type": "ask_user_question",
                "data": { "questions": ["Should non-ASCII voucher codes be accepted?"] },
            }),
        ),
        Shape::Failed => ("error", vec![thought(0, "Reading the repository …")], Value::Null),
        Shape::Strange => {
            ("defragmenting", vec![thought(0, "Sorting what was found.")], Value::Null)
        }
    };
    let done = status == "completed";
    json!({
        "run_id": run.id,
        "sentry_run_id": uuid(run.id),
        "status": status,
        "updated_at": precise_date(BASE_INSTANT + i64::from(run.looks)),
        "blocks": blocks,
        "pending_user_input": pending,
        "metadata": { "instruction": run.instruction },
        "repo_pr_states": if done {
            json!({
                "aurora-labs/checkout-api": {
                    "repo_name": "aurora-labs/checkout-api",
                    "branch_name": "seer/paywise-timeout",
                    "pr_number": 412,
                    "pr_url": "https://github.com/aurora-labs/checkout-api/pull/412",
                    "pr_id": 990_412,
                    "pr_creation_status": "completed",
                    "pr_creation_error": null,
                },
            })
        } else {
            json!({})
        },
        "coding_agents": {},
    })
}

fn block(number: u32, content: &str, artifacts: &Value, todos: &Value) -> Value {
    json!({
        "id": format!("block-{number}"),
        "message": {
            "role": "assistant", "content": content, "thinking_content": null, "tool_calls": [],
        },
        "timestamp": precise_date(BASE_INSTANT - 3600 + i64::from(number) * 40),
        "loading": false,
        "artifacts": artifacts,
        "todos": todos,
        "file_patches": [],
    })
}

fn thought(number: u32, content: &str) -> Value {
    block(number, content, &json!([]), &json!([]))
}

fn root_cause(number: u32) -> Value {
    block(
        number,
        "The timeout is shorter than the provider's usual answer.",
        &json!([{
            "key": "root_cause",
            "reason": "The client gives up before the provider answers.",
            "data": {
                "one_line_description": "Release 3.14.0 lowered the paywise timeout to 4.0 s, below the provider's p99 of 5.2 s.",
                "five_whys": [
                    "Why does checkout fail? PaymentTimeout is raised after three attempts.",
                    "Why do all attempts fail? Each is cut off after 4.0 s.",
                    "Why 4.0 s? The setting PAYWISE_TIMEOUT was lowered in 3.14.0.",
                    "Why was it lowered? To keep worker slots free during the sale.",
                    "Why did nobody notice? No test runs against the provider's real latency.",
                ],
                "reproduction_steps": [
                    "Put an item into a cart and choose to pay by card.",
                    "Delay the provider's answer by five seconds.",
                    "Submit the payment and wait for three attempts.",
                ],
            },
        }]),
        &json!([]),
    )
}

fn complete(run: &Run) -> Vec<Value> {
    let asked = run.instruction.as_deref().unwrap_or("no instruction");
    vec![
        thought(0, &format!("Looking at the issue ({asked}).")),
        root_cause(1),
        block(
            2,
            "A longer timeout and a queue for the rest.",
            &json!([{
                "key": "solution",
                "reason": "It removes the failures without blocking workers.",
                "data": {
                    "one_line_summary": "Raise the timeout to 8 s and hand slow payments to the retry queue.",
                    "steps": [
                        {
                            "title": "Raise PAYWISE_TIMEOUT",
                            "description": "Set it to 8.0 in checkout/settings.py.",
                        },
                        {
                            "title": "Queue what is still slow",
                            "description": "In PaymentService.charge, publish to payment-retry after the first timeout.",
                        },
                    ],
                },
            }]),
            &json!([{ "content": "Write the solution", "status": "completed" }]),
        ),
    ]
}

fn working(run: &Run) -> Vec<Value> {
    let mut blocks = vec![block(
        0,
        "Reading checkout/payments/client.py",
        &json!([]),
        &json!([
            { "content": "Read the code around the failing frame", "status": "completed" },
            { "content": "Compare the releases", "status": "in_progress" },
            { "content": "Write the root cause", "status": "pending" },
        ]),
    )];
    if run.looks > 1 {
        blocks.push(root_cause(1));
    }
    blocks
}

/// The form of 2025: upper-case status, steps by type.
fn steps(run: &Run) -> Value {
    let step = |index: u32, kind: &str, key: &str, title: &str, more: Value| {
        let mut step = json!({
            "id": uuid(u64::from(index) + run.id),
            "index": index,
            "type": kind,
            "key": key,
            "title": title,
            "status": "COMPLETED",
            "progress": [{
                "message": "Looking at `checkout/cart.py` in `aurora-labs/checkout-api`...",
                "type": "INFO", "timestamp": "2026-11-15T23:20:49.671212", "data": null,
            }],
            "insights": [],
            "output_stream": null,
            "completedMessage": null,
            "queued_user_messages": [],
        });
        super::issues_extend(&mut step, more);
        step
    };
    json!({
        "run_id": run.id,
        "status": "COMPLETED",
        "updated_at": "2026-11-15T23:22:18.160885",
        "last_triggered_at": "2026-11-15T23:20:46.696678",
        "completed_at": null,
        "request": { "organization_id": 101, "project_id": 301, "repos": [] },
        "codebases": {},
        "coding_agents": {},
        "repositories": [],
        "steps": [
            step(0, "default", "root_cause_analysis_processing", "Analyzing the Issue", json!({
                "insights": [{
                    "insight": "`priced_lines` is empty when a cart holds only gift cards.",
                    "justification": "Gift cards have no price line.", "sources": null,
                }],
            })),
            step(1, "root_cause_analysis", "root_cause_analysis", "Root Cause Analysis", json!({
                "causes": [{
                    "id": 0,
                    "description": "`Cart.total` divides by the number of priced lines, which is zero for a cart of gift cards.",
                    "relevant_repos": ["aurora-labs/checkout-api"],
                    "reproduction_urls": [],
                    "root_cause_reproduction": [{
                        "title": "The cart is loaded with one gift card.",
                        "code_snippet_and_analysis": "`self.lines` has one line, so that the guard does not return.",
                        "is_most_important_event": true,
                        "relevant_code_file": {
                            "file_path": "src/checkout/cart.py", "repo_name": "aurora-labs/checkout-api",
                        },
                        "timeline_item_type": "internal_code",
                    }],
                }],
                "selection": { "cause_id": 0, "instruction": null },
                "termination_reason": null,
            })),
            step(2, "solution", "solution", "Solution", json!({
                "description": "Guard the division by the number of priced lines.",
                "solution": [{
                    "title": "Return early for carts without priced lines",
                    "code_snippet_and_analysis": "`if not self.priced_lines: return Money.zero(self.currency)`",
                    "is_active": true,
                    "is_most_important_event": true,
                    "timeline_item_type": "internal_code",
                }],
                "solution_selected": true,
            })),
        ],
    })
}
