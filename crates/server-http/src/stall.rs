//! Clients that take no bytes: a connection on which nothing could be written for a while ends,
//! with whatever its answer holds. How long a client may take to ask is said in `listen`.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// How long nothing may be taken. The system buffers what comes in slowly, so a client on a bad
/// line takes some tens of kilobytes at once and then nothing for a second or two.
const LIMIT: Duration = Duration::from_secs(30);

/// A stream whose writes fail once they stalled for too long. Reads are passed on.
pub(crate) struct Unstalled<I> {
    inner: I,
    /// Set while a write waits.
    limit: Option<Pin<Box<Sleep>>>,
}

impl<I> Unstalled<I> {
    pub(crate) fn new(inner: I) -> Unstalled<I> {
        Unstalled { inner, limit: None }
    }

    fn unless_stalled<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.limit = None;
            return written;
        }
        let limit = self.limit.get_or_insert_with(|| Box::pin(sleep(LIMIT)));
        limit.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Unstalled<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Unstalled<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.unless_stalled(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.unless_stalled(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        self.unless_stalled(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.unless_stalled(cx, shut)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, duplex},
        time::Instant,
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (ours, _theirs) = duplex(16);
        let start = Instant::now();
        let err = Unstalled::new(ours).write_all(&[0; 17]).await.unwrap_err();
        assert_eq!((err.kind(), start.elapsed()), (io::ErrorKind::TimedOut, LIMIT));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_something_now_and_then_gets_everything() {
        let (ours, mut theirs) = duplex(16);
        let mut ours = Unstalled::new(ours);
        let slow = async {
            let mut got = 0;
            while got < 160 {
                sleep(LIMIT / 2).await;
                got += theirs.read(&mut [0; 16]).await.unwrap();
            }
        };
        let (sent, ()) = tokio::join!(ours.write_all(&[0; 160]), slow);
        sent.unwrap();
    }
}
