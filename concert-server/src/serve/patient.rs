//! A socket that gives up on a peer that does not read.

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

/// How many bytes a peer must take within the patience, once it is slow: some 400 a second with the default. A peer that
/// reads a byte now and then would else hold its answer for days.
const LEAST_PROGRESS: usize = 4_096;

/// A stream whose writes fail once the peer has taken fewer than [`LEAST_PROGRESS`] bytes within the patience. Costs
/// nothing while writes succeed at once.
pub(super) struct Patient {
    stream: TcpStream,
    patience: Duration,
    /// Set while the peer takes less than is written.
    waiting: Option<Waiting>,
}

struct Waiting {
    until: Pin<Box<Sleep>>,
    taken: usize,
}

impl Patient {
    pub(super) const fn new(stream: TcpStream, patience: Duration) -> Self {
        Self { stream, patience, waiting: None }
    }

    /// What a write of `wanted` bytes comes to.
    fn judge(
        &mut self,
        context: &mut Context<'_>,
        wanted: usize,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(taken)) => {
                match &mut self.waiting {
                    // The peer keeps up again: its past slowness counts no more.
                    Some(_) if taken == wanted => self.waiting = None,
                    Some(waiting) => waiting.taken += taken,
                    None => {}
                }
                Poll::Ready(Ok(taken))
            }
            Poll::Pending => self.wait(context),
            failed => failed,
        }
    }

    fn wait(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let patience = self.patience;
        let waiting =
            self.waiting.get_or_insert_with(|| Waiting { until: Box::pin(tokio::time::sleep(patience)), taken: 0 });
        ready!(waiting.until.as_mut().poll(context));
        // A loop, since the new timer has to be polled, or it would wake nobody.
        while waiting.taken >= LEAST_PROGRESS {
            waiting.taken = 0;
            waiting.until.as_mut().reset(Instant::now() + patience);
            ready!(waiting.until.as_mut().poll(context));
        }
        // What the system still holds for this peer is thrown away with the connection.
        let _ = self.stream.set_zero_linger();
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, bytes.len(), written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        let wanted = slices.iter().map(|slice| slice.len()).sum();
        self.judge(context, wanted, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
