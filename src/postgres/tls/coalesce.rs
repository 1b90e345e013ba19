//! Sends many TLS records with one call.
//!
//! rustls gives its records as slices of a vectored write; here they become one write. Bytes are
//! copied once more for it, which costs less than a system call for each 16 KiB.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that are collected for one call before the socket has shown what it takes.
const INITIAL_LIMIT: usize = 64 * 1024;

/// Bytes of two records, the least that is worth collecting.
const MINIMUM_LIMIT: usize = 32 * 1024;

/// A socket that is handed records in one piece. The driver's own has no vectored writes, so each
/// record of 16 KiB would be a system call and a segment, which PostgreSQL is woken for.
///
/// What the socket leaves is copied again with the next call. A distant server takes some 100 KiB at
/// a time of the 512 KiB that may wait, so each byte would be copied several times: no more than
/// twice what the socket took last is collected.
pub(super) struct CoalescingSocket<S> {
    socket: S,
    /// What one call hands over; empty between calls.
    buffer: Vec<u8>,
    /// Bytes to collect for one call at most.
    limit: usize,
}

impl<S> CoalescingSocket<S> {
    pub(super) fn new(socket: S) -> Self {
        Self {
            socket,
            buffer: Vec::new(),
            limit: INITIAL_LIMIT,
        }
    }
}

/// The limit of the next call, after `taken` of the `offered` bytes were taken.
fn next_limit(limit: usize, offered: usize, taken: usize) -> usize {
    let twice = taken.saturating_mul(2).max(MINIMUM_LIMIT);
    // A short message that went whole says nothing of what the socket would have left.
    if taken < offered {
        twice
    } else {
        twice.max(limit)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for CoalescingSocket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for CoalescingSocket<S> {
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
        let Self {
            socket,
            buffer,
            limit,
        } = self.get_mut();
        if let [slice] = slices {
            return Pin::new(socket).poll_write(context, slice);
        }
        buffer.clear();
        for slice in slices {
            let room = *limit - buffer.len();
            buffer.extend_from_slice(&slice[..slice.len().min(room)]);
            if buffer.len() == *limit {
                break;
            }
        }
        let written = Pin::new(socket).poll_write(context, buffer);
        if let Poll::Ready(Ok(taken)) = written {
            *limit = next_limit(*limit, buffer.len(), taken);
        }
        written
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

    /// A socket that takes a fixed number of bytes at a time, then makes its writer wait, and remembers what
    /// it was offered and what it took.
    struct Narrow {
        takes: usize,
        waits: bool,
        full: bool,
        offered: Vec<usize>,
        writes: Vec<Vec<u8>>,
    }

    impl AsyncWrite for Narrow {
        fn poll_write(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.offered.push(bytes.len());
            if std::mem::take(&mut self.full) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            let taken = bytes.len().min(self.takes);
            self.writes.push(bytes[..taken].to_vec());
            self.full = self.waits && taken == self.takes;
            Poll::Ready(Ok(taken))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn into_narrow(takes: usize, waits: bool) -> CoalescingSocket<Narrow> {
        CoalescingSocket::new(Narrow {
            takes,
            waits,
            full: false,
            offered: Vec::new(),
            writes: Vec::new(),
        })
    }

    async fn write_all(coalescing: &mut CoalescingSocket<Narrow>, records: &[&[u8]]) {
        let mut slices: Vec<_> = records.iter().map(|record| IoSlice::new(record)).collect();
        let mut rest = slices.as_mut_slice();
        while !rest.is_empty() {
            let written = coalescing.write_vectored(rest).await.unwrap();
            IoSlice::advance_slices(&mut rest, written);
        }
    }

    async fn write(takes: usize, records: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut coalescing = into_narrow(takes, false);
        write_all(&mut coalescing, records).await;
        coalescing.socket.writes
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

    /// 32 records as they wait for a distant server, which takes 100 KiB and then none until it has
    /// been waited for.
    #[tokio::test]
    async fn little_more_is_gathered_than_a_socket_takes() {
        const RECORD: usize = 16 * 1024;
        const TAKES: usize = 100 * 1024;
        let record: Vec<u8> = (0..RECORD).map(|at| (at % 251) as u8).collect();
        let records = [record.as_slice(); 32];
        let mut coalescing = into_narrow(TAKES, true);
        for _ in 0..4 {
            write_all(&mut coalescing, &records).await;
        }
        let socket = coalescing.socket;
        assert!(socket.writes.concat() == records.concat().repeat(4));
        assert!(socket.offered.iter().all(|offered| *offered <= 2 * TAKES));
        let (all, offered) = (4 * 32 * RECORD, socket.offered.iter().sum::<usize>());
        // Twice as much as it takes, and as much again if it must be waited for.
        assert!(offered <= 4 * all + 2 * TAKES, "{offered} of {all}");
    }

    #[tokio::test]
    async fn a_socket_that_takes_all_gets_all_in_one_write_soon() {
        let record = [7; 16 * 1024];
        let mut coalescing = into_narrow(usize::MAX, false);
        let mut writes = Vec::new();
        for _ in 0..4 {
            write_all(&mut coalescing, &[record.as_slice(); 32]).await;
            // Short messages between do not make it careful again.
            write_all(&mut coalescing, &[b"short", b"message"]).await;
            let sizes = coalescing.socket.writes.drain(..).map(|write| write.len());
            writes.push(sizes.collect::<Vec<_>>());
        }
        let kib = 1024;
        assert_eq!(
            writes[0],
            [64 * kib, 128 * kib, 256 * kib, 64 * kib, 12],
            "it grows"
        );
        assert_eq!(writes[1], [512 * kib, 12]);
        assert_eq!(writes[3], writes[1]);
    }

    #[test]
    fn what_is_gathered_follows_what_was_taken() {
        let kib = 1024;
        assert_eq!(next_limit(64 * kib, 64 * kib, 64 * kib), 128 * kib);
        assert_eq!(next_limit(512 * kib, 512 * kib, 100 * kib), 200 * kib);
        assert_eq!(next_limit(512 * kib, 512 * kib, kib), MINIMUM_LIMIT);
        assert_eq!(next_limit(512 * kib, 40, 40), 512 * kib);
    }
}
