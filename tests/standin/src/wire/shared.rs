//! What all connections of a server share.

use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};

use crate::counters::Counters;
use crate::fault::Faults;
use crate::session::Login;
use crate::wire::doors::Doors;
use crate::wire::prelogin::TlsMode;
use crate::wire::tls::Tls;

/// The longest packet of TDS (MS-TDS 2.2.6.4).
pub const MOST_PACKET: u32 = 32767;

/// A logged-in connection, as `sys.dm_exec_sessions` and `sys.dm_exec_connections` show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionInfo {
    pub session_id: u16,
    pub login: String,
    /// The client's machine and program, by its own account.
    pub host: String,
    pub program: String,
    pub database: String,
    pub client_address: String,
    pub packet_size: u32,
    pub encrypted: bool,
    /// `SQL`, `NTLM` or `KERBEROS`.
    pub auth_scheme: &'static str,
}

/// An accepted connection.
pub(crate) struct OpenConnection {
    /// A twin, to close it from outside.
    pub(crate) socket: TcpStream,
    /// From its login on; the connection's thread keeps it true.
    pub(crate) info: Option<ConnectionInfo>,
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) login: Arc<dyn Login>,
    pub(crate) doors: Doors,
    pub(crate) tls: Tls,
    pub(crate) tls_mode: TlsMode,
    pub(crate) most_packet: u32,
    pub(crate) instance: String,
    pub(crate) version: [u8; 4],
    pub(crate) counters: Counters,
    pub(crate) faults: Faults,
    pub(crate) stop: AtomicBool,
    /// By connection number.
    pub(crate) open: Mutex<HashMap<u64, OpenConnection>>,
    pub(crate) accepted: AtomicU64,
}

impl Shared {
    /// `MSSQLServer` is what clients send for "the default one".
    pub(crate) fn is_instance(&self, name: &[u8]) -> bool {
        name.eq_ignore_ascii_case(b"MSSQLServer")
            || name.eq_ignore_ascii_case(self.instance.as_bytes())
    }

    /// The connections that are logged in.
    pub(crate) fn connections(&self) -> Vec<ConnectionInfo> {
        let mut found: Vec<_> = self
            .open()
            .values()
            .filter_map(|connection| connection.info.clone())
            .collect();
        found.sort_by_key(|info| info.session_id);
        found
    }

    /// Says who connection `number` is.
    pub(crate) fn set_info(&self, number: u64, info: ConnectionInfo) {
        if let Some(connection) = self.open().get_mut(&number) {
            connection.info = Some(info);
        }
    }

    pub(crate) fn drop_connections(&self) {
        for connection in self.open().values() {
            // A socket that is closed already is what is wanted.
            connection.socket.shutdown(Shutdown::Both).ok();
        }
    }

    pub(crate) fn open(&self) -> std::sync::MutexGuard<'_, HashMap<u64, OpenConnection>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
