//! Serving over standard input and output: bounded lines in, whole lines out, a clean end.
//!
//! rmcp's own transport says nothing to a line that it cannot parse, buffers up to 16 MiB, drops
//! a last line without its end, and its handshake ends the server when a notification comes
//! first. So the lines are read here, and the service starts without a handshake: the handler
//! answers `initialize` like any other request.

mod line;
#[cfg(test)]
mod tests;

use std::{future::Future, io, pin::pin, time::Duration};

use rmcp::service::{QuitReason, serve_directly_with_ct};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use self::line::LineTransport;
use crate::handler::McpServer;

/// How long answers in flight may take once the input has ended or the process was asked to stop.
/// Whoever ends the input is as good as gone, and does not wait long for the process to end.
const STOP_GRACE: Duration = Duration::from_millis(500);

/// Serves one client until it closes standard input or the process is asked to stop.
///
/// Must run on a runtime with I/O, time and signals. Answers in flight at the end
/// have half a second to finish.
pub async fn serve(server: McpServer) -> io::Result<()> {
    let stop = stop_signal()?;
    let (input, output) = rmcp::transport::stdio_pipes();
    run(server, input, output, stop).await
}

async fn run<R, W>(
    server: McpServer,
    input: R,
    output: W,
    stop: impl Future<Output = ()>,
) -> io::Result<()>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let end_of_input = CancellationToken::new();
    let transport = LineTransport::new(input, output, end_of_input.clone());
    let probe = tokio::spawn({
        let server = server.clone();
        async move { server.probe().await }
    });
    let cancel = CancellationToken::new();
    let running = serve_directly_with_ct(server, transport, None, cancel.clone());
    let mut ended = pin!(running.waiting());
    let reason = tokio::select! {
        reason = &mut ended => reason,
        () = stop => {
            cancel.cancel();
            // Whoever does not read the answers does not hold up the end.
            timeout(STOP_GRACE, ended).await.unwrap_or(Ok(QuitReason::Cancelled))
        }
        () = overdue(&end_of_input) => {
            cancel.cancel();
            timeout(STOP_GRACE, ended).await.unwrap_or(Ok(QuitReason::Cancelled))
        }
    };
    probe.abort();
    reason.map(|_reason| ()).map_err(io::Error::other)
}

/// Resolves when the answers in flight had their time after the end of the input.
async fn overdue(end_of_input: &CancellationToken) {
    end_of_input.cancelled().await;
    sleep(STOP_GRACE).await;
}

/// Resolves when the process is asked to stop.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Resolves when the process is asked to stop.
#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
