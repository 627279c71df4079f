//! Remembers the requests that arrived, for tests to look at. Never keeps a credential.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Requests kept; older ones are forgotten.
const KEPT: usize = 4096;

/// One request as it arrived, faulty or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRequest {
    /// The listener that got it: `127.0.0.1:PORT`.
    pub host: String,
    /// `GET`, `PUT`, …
    pub method: String,
    /// The path as sent, still percent-encoded: `/api/0/organizations/`.
    pub path: String,
    /// The query string as sent, without the question mark; empty if there was none.
    pub query: String,
    /// The body as text; bytes that are not UTF-8 are replaced.
    pub body: String,
    /// Whether an `Authorization` header came with it. The value is not kept.
    pub has_authorization: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Recorder(Mutex<VecDeque<RecordedRequest>>);

impl Recorder {
    pub(crate) fn record(&self, request: RecordedRequest) {
        let mut requests = self.lock();
        if requests.len() == KEPT {
            requests.pop_front();
        }
        requests.push_back(request);
    }

    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.lock().iter().cloned().collect()
    }

    pub(crate) fn reset(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<RecordedRequest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
