//! Reports of a long call, on their way to the client that asked for them.

use rmcp::{
    Peer, RoleServer,
    model::{ProgressNotificationParam, ProgressToken},
};
use tokio::sync::mpsc;
use tools::tool::Progress;

/// Reports that may wait for a client that reads slowly; further ones are dropped, since a
/// newer report says more than an older one.
const WAITING: usize = 16;

/// The end that a call reports to. It never waits.
pub(crate) struct Reporter(mpsc::Sender<(u32, String)>);

impl Progress for Reporter {
    fn report(&self, step: u32, message: &str) {
        // A full queue means a slow client, a closed one that the call is being dropped.
        let _ = self.0.try_send((step, message.to_owned()));
    }
}

/// The end that sends them on.
pub(crate) struct Forwarder {
    reports: mpsc::Receiver<(u32, String)>,
    peer: Peer<RoleServer>,
    token: ProgressToken,
}

/// A reporter, and what must be driven beside the call.
pub(crate) fn channel(peer: Peer<RoleServer>, token: ProgressToken) -> (Reporter, Forwarder) {
    let (sender, reports) = mpsc::channel(WAITING);
    (Reporter(sender), Forwarder { reports, peer, token })
}

impl Forwarder {
    /// Sends reports for as long as it is polled.
    pub(crate) async fn run(mut self) {
        while let Some((step, message)) = self.reports.recv().await {
            let report = ProgressNotificationParam::new(self.token.clone(), f64::from(step))
                .with_message(message);
            // A client that does not take reports still gets its answer.
            if let Err(err) = self.peer.notify_progress(report).await {
                tracing::debug!(%err, "a report of progress was not sent");
            }
        }
    }
}
