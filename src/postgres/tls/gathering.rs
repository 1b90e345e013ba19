//! One send for many TLS records.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A socket that is handed records in one piece. The driver's own has no vectored writes, so each
/// record of 16 KiB would be a system call and a segment, which PostgreSQL is woken for.
pub(super) struct Gathering<S> {
    socket: S,
    /// Room for what one call hands over; holds nothing between calls.
    together: Vec<u8>,
}

impl<S> Gathering<S> {
    pub(super) fn new(socket: S) -> Self {
        Self {
            socket,
            together: Vec::new(),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gathering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    /// What the socket does not take is not kept: it comes again with the next call.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Self { socket, together } = self.get_mut();
        if let [slice] = slices {
            return Pin::new(socket).poll_write(context, slice);
        }
        together.clear();
        for slice in slices {
            together.extend_from_slice(slice);
        }
        Pin::new(socket).poll_write(context, together)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    /// A socket that takes so many bytes of each write, and remembers the writes.
    struct Narrow {
        takes: usize,
        writes: Vec<Vec<u8>>,
    }

    impl AsyncWrite for Narrow {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let taken = bytes.len().min(self.takes);
            self.writes.push(bytes[..taken].to_vec());
            Poll::Ready(Ok(taken))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    async fn write(takes: usize, records: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut gathering = Gathering::new(Narrow {
            takes,
            writes: Vec::new(),
        });
        let mut slices: Vec<_> = records.iter().map(|record| IoSlice::new(record)).collect();
        let mut rest = slices.as_mut_slice();
        while !rest.is_empty() {
            let written = gathering.write_vectored(rest).await.unwrap();
            IoSlice::advance_slices(&mut rest, written);
        }
        gathering.socket.writes
    }

    #[tokio::test]
    async fn records_go_in_one_write() {
        let writes = write(100, &[b"first", b"second", b"third"]).await;
        assert_eq!(writes, [b"firstsecondthird"]);
    }

    #[tokio::test]
    async fn what_a_socket_leaves_is_written_once() {
        let writes = write(4, &[b"first", b"second", b"third"]).await;
        assert_eq!(writes, [&b"firs"[..], b"tsec", b"ondt", b"hird"]);
    }
}
