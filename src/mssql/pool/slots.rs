//! Slots that several processes share: a connection is opened only with one in hand.

use std::io;
use std::net::Shutdown;
use std::time::Duration;

use socket2::{SockRef, Socket};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::error::{Error, Kind, Result};

/// How long a connection that ends keeps its slot for the server to close its end.
const GOODBYE: Duration = Duration::from_secs(1);

/// Asks for slots; who keeps them answers.
#[derive(Debug, Clone)]
pub struct SlotRequests(pub mpsc::Sender<oneshot::Sender<Slot>>);

impl SlotRequests {
    /// Waits for a slot. Cancel safe.
    pub(super) async fn take(&self) -> Result<Slot> {
        let closed = || Error::new(Kind::Stopped, "no source connection is opened any more");
        let (answer, slot) = oneshot::channel();
        self.0.send(answer).await.map_err(|_| closed())?;
        slot.await.map_err(|_| closed())
    }
}

/// The right to one connection; given back when it is dropped.
#[derive(Debug)]
pub struct Slot {
    pub number: i32,
    /// Which session of the keeper holds it.
    pub session: u64,
    /// Where it is given back.
    pub back: mpsc::UnboundedSender<(u64, i32)>,
    /// Cancelled when that session is lost: another process may have the slot.
    pub lost: CancellationToken,
}

impl Drop for Slot {
    fn drop(&mut self) {
        // A keeper that is gone has no slots to be given back.
        let _ = self.back.send((self.session, self.number));
    }
}

/// A slot in use.
#[derive(Debug)]
pub(super) struct SlotInUse {
    /// Both are taken by the end.
    slot: Option<Slot>,
    socket: Option<Socket>,
    /// Shuts the socket when the slot is lost.
    watch: Option<AbortOnDropHandle<()>>,
}

impl SlotInUse {
    /// No connection is open yet.
    pub(super) fn new(slot: Slot) -> Self {
        Self {
            slot: Some(slot),
            socket: None,
            watch: None,
        }
    }

    /// The slot's connection is open: it is shut when the slot is lost, also while a reader waits on it.
    pub(super) fn occupy(&mut self, stream: &TcpStream) -> io::Result<()> {
        let Some(slot) = &self.slot else {
            return Ok(());
        };
        self.socket = Some(SockRef::from(stream).try_clone()?);
        let (watched, lost) = (SockRef::from(stream).try_clone()?, slot.lost.clone());
        let watch = async move {
            lost.cancelled().await;
            if let Err(cause) = watched.shutdown(Shutdown::Both) {
                tracing::debug!(%cause, "a source connection was closed already");
            }
        };
        self.watch = Some(AbortOnDropHandle::new(tokio::spawn(watch)));
        Ok(())
    }
}

impl Drop for SlotInUse {
    /// The connection itself is dropped by now. The slot is given back when the server has closed its end,
    /// because another process may log in at once.
    fn drop(&mut self) {
        let (slot, socket) = (self.slot.take(), self.socket.take());
        if let (Some(socket), Ok(runtime)) = (socket, tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                if let Ok(Err(cause)) = timeout(GOODBYE, closed_by_server(socket)).await {
                    tracing::debug!(%cause, "a source connection ended without goodbye");
                }
                drop(slot);
            });
        }
    }
}

async fn closed_by_server(socket: Socket) -> io::Result<()> {
    socket.shutdown(Shutdown::Write)?;
    socket.set_nonblocking(true)?;
    let mut stream = TcpStream::from_std(socket.into())?;
    let mut rest = [0; 4096];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}
