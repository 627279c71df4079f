//! Traces: `trace/{id}/` and `trace-meta/{id}/`. Where the spans come from is in `data::traces`.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use bytes::Bytes;

use crate::{
    data::{
        World,
        traces::{self, MOST_SPANS, Trace},
    },
    routes::{Answer, Context, Reply, explore::times},
};

/// Traces at least this large are written once per process.
const LARGE: usize = 1000;

/// The bodies of large traces by id and limit.
static WRITTEN: LazyLock<Mutex<HashMap<(String, usize), Bytes>>> = LazyLock::new(Mutex::default);

/// Sentry's route takes 32 to 36 hex digits and dashes; anything else is not its address.
fn check(id: &str) -> Result<(), Reply> {
    let fits = (32..=36).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if fits { Ok(()) } else { Err(Reply::no_route()) }
}

fn of_organization(world: &World, org: usize, id: &str) -> Option<Arc<Trace>> {
    traces::find(world, id).filter(|trace| trace.organization == org)
}

/// An unknown trace has no spans.
pub(super) fn trace(world: &World, context: &Context<'_>, org: usize, id: &str) -> Answer {
    check(id)?;
    times(context)?;
    let call = context.call;
    let limit = match call.param("limit").or_else(|| call.param("per_page")) {
        None => MOST_SPANS,
        Some(text) => match text.parse::<usize>() {
            Ok(number @ 1..) => number.min(MOST_SPANS),
            _ => return Err(Reply::detail(400, "Invalid limit parameter.")),
        },
    };
    let Some(trace) = of_organization(world, org, id) else {
        return Ok(Reply::stored(Bytes::from_static(b"[]")));
    };
    let wanted: Vec<&str> = call.params("additional_attributes").collect();
    if trace.spans.len() < LARGE || !wanted.is_empty() {
        return Ok(Reply::stored(trace.body(limit, &wanted)));
    }
    let mut written = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    let body = written.entry((trace.id.clone(), limit)).or_insert_with(|| trace.body(limit, &[]));
    Ok(Reply::stored(body.clone()))
}

pub(super) fn meta(world: &World, context: &Context<'_>, org: usize, id: &str) -> Answer {
    check(id)?;
    times(context)?;
    let meta =
        of_organization(world, org, id).map_or_else(traces::empty_meta, |trace| trace.meta());
    Ok(Reply::json(200, &meta))
}
