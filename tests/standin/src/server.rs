//! The server: listens, gives each connection a thread, and is held and stopped through its handle.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{fmt, io};

use crate::admin;
use crate::counters::Counters;
use crate::fault::Faults;
use crate::session::Login;
use crate::wire::browser::{self, Instance};
use crate::wire::connection;
use crate::wire::prelogin::{TlsMode, VERSION};
use crate::wire::shared::{OpenConnection, Shared};
use crate::wire::tls::{Tls, TlsError};
use crate::wire::token::SERVER_NAME;

pub use crate::wire::doors::Doors;
pub use crate::wire::shared::{ConnectionInfo, MOST_PACKET};

/// Stack of a connection's thread; only the touched pages cost memory.
const STACK: usize = 4 << 20;
/// How long a stop waits for the connections' threads.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// How to listen.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Port 0 takes a free one; see [`ServerHandle::address`].
    pub listen: SocketAddr,
    pub tls: TlsMode,
    /// Names and addresses in the server's certificate.
    pub certificate_names: Vec<String>,
    /// The name of the instance, for PRELOGIN and the browser.
    pub instance: String,
    /// The admin port.
    pub admin: Option<SocketAddr>,
    /// The browser's UDP port.
    pub browser: Option<SocketAddr>,
    /// Major, minor and build (two bytes) of the product, as LOGINACK has them.
    pub version: [u8; 4],
    /// The longest packet that a login is granted, whatever it asks for; at least 512.
    pub most_packet: u32,
    /// Ways to log in besides a SQL Server login.
    pub doors: Doors,
}

impl Default for ServerOptions {
    /// A free local port, TLS as the client likes, no second port.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: TlsMode::default(),
            certificate_names: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
            instance: "MSSQLSERVER".to_owned(),
            admin: None,
            browser: None,
            version: VERSION,
            most_packet: MOST_PACKET,
            doors: Doors::default(),
        }
    }
}

/// Why a server did not start.
#[derive(Debug)]
pub enum StartError {
    Tls(TlsError),
    /// The address that could not be taken.
    Listen(SocketAddr, io::Error),
    Thread(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls(cause) => write!(f, "{cause}"),
            Self::Listen(address, cause) => write!(f, "listen on {address}: {cause}"),
            Self::Thread(cause) => write!(f, "start a thread: {cause}"),
        }
    }
}

impl std::error::Error for StartError {}

/// Starts servers.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Listens and answers until the handle is dropped.
    pub fn start(
        options: ServerOptions,
        login: Arc<dyn Login>,
    ) -> Result<ServerHandle, StartError> {
        let tls = Tls::generate(&options.certificate_names).map_err(StartError::Tls)?;
        let (listener, address) = listen(options.listen)?;
        let counters = Counters::default();
        let shared = Arc::new(Shared {
            login,
            doors: options.doors,
            tls,
            tls_mode: options.tls,
            most_packet: options.most_packet,
            instance: options.instance.clone(),
            version: options.version,
            faults: Faults::counted_by(&counters),
            counters,
            stop: AtomicBool::new(false),
            open: Mutex::default(),
            accepted: AtomicU64::new(0),
        });
        let mut handle = ServerHandle {
            shared,
            address,
            admin: None,
            browser: None,
            threads: Vec::new(),
        };
        handle.accept("tds", listener, address, serve_connection)?;
        if let Some(admin) = options.admin {
            let (listener, address) = listen(admin)?;
            handle.admin = Some(address);
            handle.accept("admin", listener, address, admin::serve)?;
        }
        if let Some(browser) = options.browser {
            handle.start_browser(browser, options.instance)?;
        }
        Ok(handle)
    }
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    bound.map_err(|cause| StartError::Listen(address, cause))
}

/// A running server; dropping it closes every connection and stops it.
pub struct ServerHandle {
    shared: Arc<Shared>,
    address: SocketAddr,
    admin: Option<SocketAddr>,
    browser: Option<SocketAddr>,
    /// The accepting threads, and the address that wakes each (`None`: it wakes by itself).
    threads: Vec<(JoinHandle<()>, Option<SocketAddr>)>,
}

impl ServerHandle {
    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin
    }

    pub fn browser_address(&self) -> Option<SocketAddr> {
        self.browser
    }

    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// The certificate authority for clients that verify, in PEM form.
    pub fn ca_pem(&self) -> &str {
        self.shared.tls.ca_pem()
    }

    /// The server's own certificate, in PEM form, for clients that pin it
    /// (`ServerCertificate=` of Microsoft's ODBC driver).
    pub fn server_pem(&self) -> &str {
        self.shared.tls.server_pem()
    }

    pub fn write_ca_pem(&self, path: &Path) -> io::Result<()> {
        std::fs::write(path, self.ca_pem())
    }

    /// The connections that are logged in, by session id.
    pub fn connections(&self) -> Vec<ConnectionInfo> {
        self.shared.connections()
    }

    /// Tells the same later on, without keeping the server alive; nothing once it is gone.
    pub(crate) fn connection_source(
        &self,
    ) -> impl Fn() -> Vec<ConnectionInfo> + Send + Sync + 'static {
        let shared = Arc::downgrade(&self.shared);
        move || {
            shared
                .upgrade()
                .map(|shared| shared.connections())
                .unwrap_or_default()
        }
    }

    /// Ends all connections as a crash would, and goes on listening.
    pub fn drop_connections(&self) {
        self.shared.drop_connections();
    }

    fn accept(
        &mut self,
        name: &str,
        listener: TcpListener,
        address: SocketAddr,
        serve: fn(TcpStream, &Shared),
    ) -> Result<(), StartError> {
        let shared = Arc::clone(&self.shared);
        let thread = thread::Builder::new()
            .name(format!("standin-{name}"))
            .spawn(move || accept_all(&listener, &shared, serve))
            .map_err(StartError::Thread)?;
        self.threads.push((thread, Some(address)));
        Ok(())
    }

    fn start_browser(&mut self, address: SocketAddr, name: String) -> Result<(), StartError> {
        let bound = UdpSocket::bind(address).and_then(|socket| {
            socket.set_read_timeout(Some(Duration::from_millis(100)))?;
            Ok((socket.local_addr()?, socket))
        });
        let (address, socket) = bound.map_err(|cause| StartError::Listen(address, cause))?;
        let instance = Instance {
            server: SERVER_NAME.to_owned(),
            name,
            version: "16.0.4165.0".to_owned(),
            port: self.address.port(),
        };
        let shared = Arc::clone(&self.shared);
        let thread = thread::Builder::new()
            .name("standin-browser".to_owned())
            .spawn(move || browser::serve(&socket, &instance, &shared.stop))
            .map_err(StartError::Thread)?;
        self.threads.push((thread, None));
        self.browser = Some(address);
        Ok(())
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.drop_connections();
        for (thread, wake) in self.threads.drain(..) {
            if let Some(mut address) = wake {
                if address.ip().is_unspecified() {
                    address.set_ip(Ipv4Addr::LOCALHOST.into());
                }
                // The thread looks at `stop` when accept returns; a refused connection means it has.
                TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok();
            }
            // A panic in there has been printed; nothing is to be done about it here.
            thread.join().ok();
        }
        self.drop_connections();
        let end = Instant::now() + STOP_WAIT;
        while !self.shared.open().is_empty() && Instant::now() < end {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

fn accept_all(listener: &TcpListener, shared: &Arc<Shared>, serve: fn(TcpStream, &Shared)) {
    for socket in listener.incoming() {
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        let Ok(socket) = socket else {
            // Out of file descriptors, or the client left at once: the next may do better.
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        let of_thread = Arc::clone(shared);
        let spawned = thread::Builder::new()
            .stack_size(STACK)
            .spawn(move || serve(socket, &of_thread));
        if spawned.is_err() {
            // The socket went with the closure and is closed: the client sees a lost connection.
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Removes a connection's socket however its thread ends.
struct Registered<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.shared.open().remove(&self.number);
    }
}

fn serve_connection(socket: TcpStream, shared: &Shared) {
    let number = shared.accepted.fetch_add(1, Ordering::SeqCst);
    let Ok(twin) = socket.try_clone() else { return };
    shared.open().insert(
        number,
        OpenConnection {
            socket: twin,
            info: None,
        },
    );
    let _registered = Registered { shared, number };
    let _connected = shared.counters.connected();
    if shared.stop.load(Ordering::SeqCst) {
        return;
    }
    // How a connection ended is the client's to see; there is nobody here to tell.
    connection::serve(socket, shared, number).ok();
}
