//! A TCP proxy that cuts chosen connections after so many bytes of the server's, and counts round trips.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Whole,
    /// Closed on both sides when this many bytes went to the client.
    CutAfter(usize),
}

/// Listens on a free local port until the process ends.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Every connection so far, to be dropped.
    open: Mutex<Vec<TcpStream>>,
    /// Of the next connections, in the order in which they come; then all are whole.
    fates: Mutex<VecDeque<Fate>>,
    cut: AtomicU64,
    /// How often the server answered after the client had sent something.
    round_trips: AtomicU64,
}

impl Proxy {
    pub fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::<Shared>::default();
        let of_thread = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let next = of_thread.fates().pop_front();
                let fate = next.unwrap_or(Fate::Whole);
                let shared = Arc::clone(&of_thread);
                thread::spawn(move || carry(&client, server, fate, &shared));
            }
        });
        Self { address, shared }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Decides over the next connections, in place of what was decided before.
    pub fn decide(&self, fates: &[Fate]) {
        *self.shared.fates() = fates.iter().copied().collect();
    }

    /// Closes every connection that is open now.
    pub fn drop_connections(&self) {
        let mut open = self.shared.open.lock();
        for stream in open.as_mut().expect("no panic").drain(..) {
            stream.shutdown(Shutdown::Both).ok();
        }
    }

    /// How often a client sent something and the server answered, on all connections so far.
    pub fn round_trips(&self) -> u64 {
        self.shared.round_trips.load(Ordering::SeqCst)
    }

    /// How many connections were cut so far.
    pub fn cut(&self) -> u64 {
        self.shared.cut.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn fates(&self) -> std::sync::MutexGuard<'_, VecDeque<Fate>> {
        self.fates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries bytes both ways until one side ends or the cut comes. What fails here is the end of the
/// connection, which both sides see.
fn carry(client: &TcpStream, server: SocketAddr, fate: Fate, shared: &Shared) {
    let Ok(server) = TcpStream::connect(server) else {
        return;
    };
    for stream in [client, &server] {
        stream.set_nodelay(true).ok();
    }
    let twins = [client, &server].map(TcpStream::try_clone);
    let mut open = shared.open.lock().expect("no panic");
    open.extend(twins.into_iter().flatten());
    drop(open);
    // The client has sent something since the server's last answer.
    let asked = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            copy(client, &server, None, || {
                asked.store(true, Ordering::SeqCst)
            });
            server.shutdown(Shutdown::Write).ok();
        });
        let limit = match fate {
            Fate::Whole => None,
            Fate::CutAfter(bytes) => Some(bytes),
        };
        let answered = || {
            if asked.swap(false, Ordering::SeqCst) {
                shared.round_trips.fetch_add(1, Ordering::SeqCst);
            }
        };
        if copy(&server, client, limit, answered) {
            shared.cut.fetch_add(1, Ordering::SeqCst);
        }
        for stream in [client, &server] {
            stream.shutdown(Shutdown::Both).ok();
        }
    });
}

/// Whether the limit ended it. `before` is called before each piece is passed on.
fn copy(mut from: &TcpStream, mut to: &TcpStream, limit: Option<usize>, before: impl Fn()) -> bool {
    let mut left = limit;
    let mut buffer = [0; 16 * 1024];
    while left != Some(0) {
        let most = left.unwrap_or(buffer.len()).min(buffer.len());
        let Ok(read @ 1..) = from.read(&mut buffer[..most]) else {
            return false;
        };
        before();
        if to.write_all(&buffer[..read]).is_err() {
            return false;
        }
        left = left.map(|left| left - read);
    }
    true
}
