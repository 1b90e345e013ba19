//! How the server calls itself, whom it lets in, and the connections it has.

/// How the server calls itself and whom it lets in.
#[derive(Debug, Clone)]
pub struct Options {
    /// `@@SERVERNAME`.
    pub server_name: String,
    /// Logins and their passwords; names compare without regard to case.
    pub logins: Vec<(String, String)>,
    /// `query governor cost limit` in seconds; 0 is no limit. A second is a thousand rows here.
    pub cost_limit: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            server_name: "standin".to_owned(),
            logins: vec![("sa".to_owned(), "Passw0rd!".to_owned())],
            cost_limit: 1,
        }
    }
}

impl Options {
    /// `@@VERSION`.
    pub(crate) fn version_text(&self) -> String {
        format!(
            "Microsoft SQL Server 2022 (RTM) - {} (X64) \n\tStand-in for tests of migrate\n\tDeveloper Edition (64-bit) on Linux",
            PRODUCT_VERSION
        )
    }
}

/// A row of `sys.dm_exec_sessions` and `sys.dm_exec_connections`, as the wire knows it.
#[derive(Debug, Clone)]
pub struct ConnectionFacts {
    pub session_id: u16,
    pub login: String,
    pub host: String,
    pub program: String,
    pub database: String,
    pub client_address: String,
    pub packet_size: u32,
    pub encrypted: bool,
    pub auth_scheme: &'static str,
}

/// Tells the connections of the moment.
pub type Connections = Box<dyn Fn() -> Vec<ConnectionFacts> + Send + Sync>;

/// `SERVERPROPERTY('ProductVersion')`: SQL Server 2022 RTM.
pub const PRODUCT_VERSION: &str = "16.0.1000.6";
