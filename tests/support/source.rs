//! The source server of a test: the stand-in, or any server that `MIGRATE_TEST_MSSQL` names.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use migrate::config::job::{
    ApplicationIntent, Auth, Consistency, Encrypt, Route, Secret, Source as Settings,
    SourcePool as PoolSettings, Tls,
};
use migrate::mssql::pool::SourcePool;
use standin::engine::{Engine, Options as EngineOptions};
use standin::server::{Server, ServerHandle, ServerOptions};

/// `mssql://user:password@host:port`; user and password without `:`, `@` and `/`.
pub const SERVER_VARIABLE: &str = "MIGRATE_TEST_MSSQL";
/// A file with the certificate authority of that server, in PEM: jobs then demand TLS and verify it.
pub const AUTHORITY_VARIABLE: &str = "MIGRATE_TEST_MSSQL_CA";
pub const USER: &str = "sa";
/// Holds what must never appear in a log: tests search for it.
pub const PASSWORD: &str = "Str0ng-Passw0rd";

static SHARED: OnceLock<Arc<Source>> = OnceLock::new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A server that speaks TDS.
pub struct Source {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: String,
    /// The certificate authority that verifies the server; without one there is no TLS.
    pub ca_file: Option<PathBuf>,
    /// `None` for a server that nobody here wrote.
    pub stand_in: Option<StandIn>,
}

/// The stand-in's insides, for tests that count or break.
pub struct StandIn {
    pub handle: ServerHandle,
    pub engine: Arc<Engine>,
}

impl Source {
    /// One for all tests of a process.
    pub fn shared() -> &'static Arc<Self> {
        SHARED.get_or_init(Self::own)
    }

    /// A server for one test: the one that `MIGRATE_TEST_MSSQL` names, where only the results are
    /// tested, or a stand-in whose counters and faults concern no other test.
    pub fn own() -> Arc<Self> {
        match std::env::var(SERVER_VARIABLE) {
            Ok(url) => Arc::new(Self::external(&url)),
            Err(_) => Self::stand_in(),
        }
    }

    /// A stand-in for one test, whatever the environment says: to count and to break.
    pub fn stand_in() -> Arc<Self> {
        let engine = Engine::new(EngineOptions {
            logins: vec![(USER.into(), PASSWORD.into())],
            ..EngineOptions::default()
        });
        let handle =
            Server::with_engine(ServerOptions::default(), &engine).expect("the stand-in starts");
        let address = handle.address();
        Arc::new(Self {
            host: address.ip().to_string(),
            port: address.port(),
            user: USER.into(),
            password: PASSWORD.into(),
            ca_file: None,
            stand_in: Some(StandIn { handle, engine }),
        })
    }

    fn external(url: &str) -> Self {
        let rest = url
            .strip_prefix("mssql://")
            .expect("MIGRATE_TEST_MSSQL is mssql://user:password@host:port");
        let (login, address) = rest.rsplit_once('@').expect("a user and a password");
        let (user, password) = login.split_once(':').expect("a password");
        let (host, port) = address.rsplit_once(':').expect("a port");
        Self {
            host: host.into(),
            port: port.parse().expect("a port number"),
            user: user.into(),
            password: password.into(),
            ca_file: std::env::var_os(AUTHORITY_VARIABLE).map(PathBuf::from),
            stand_in: None,
        }
    }

    /// The stand-in; for tests that make no sense elsewhere.
    pub fn expect_stand_in(&self) -> &StandIn {
        self.stand_in.as_ref().expect("a stand-in")
    }

    /// A new database with what the `GO`-separated T-SQL script makes.
    pub fn database(self: &Arc<Self>, script: &str) -> SourceDatabase {
        self.named(&new_name(), script)
    }

    /// The same, or `None` from Babelfish for PostgreSQL when it refuses the script, which lacks many
    /// features of SQL Server: its error is printed. Any other server must run the script.
    pub fn database_if_supported(self: &Arc<Self>, script: &str) -> Option<SourceDatabase> {
        let database = self.empty(&new_name());
        database.runs_if_supported(script).then_some(database)
    }

    /// Whether the server is Babelfish for PostgreSQL.
    pub fn is_babelfish(&self) -> bool {
        // Only one external server is named.
        static EXTERNAL: OnceLock<bool> = OnceLock::new();
        let asked = || self.version().contains("Babelfish");
        self.stand_in.is_none() && *EXTERNAL.get_or_init(asked)
    }

    /// Whether to skip a test because Babelfish takes its script and does another thing than SQL Server's
    /// documentation says; `difference` is printed.
    pub fn differs(&self, difference: &str) -> bool {
        let differs = self.is_babelfish();
        if differs {
            skip(&format!("Babelfish {difference}"));
        }
        differs
    }

    /// A text with names as the server reports them: Babelfish keeps names in lower case.
    pub fn spelled(&self, text: &str) -> String {
        if self.is_babelfish() {
            text.to_lowercase()
        } else {
            text.to_owned()
        }
    }

    fn version(&self) -> String {
        with_pool(&self.settings("master"), async |pool| {
            let mut connection = pool.acquire().await.expect("a connection");
            let asked = "SELECT CONVERT(nvarchar(400), @@VERSION)";
            let rows = connection.query(asked).await.expect("a version");
            rows[0]
                .text(0)
                .expect("a text")
                .unwrap_or_default()
                .to_owned()
        })
    }

    /// The same under a name of the caller's.
    pub fn named(self: &Arc<Self>, name: &str, script: &str) -> SourceDatabase {
        let database = self.empty(name);
        database.script(script);
        database
    }

    fn empty(self: &Arc<Self>, name: &str) -> SourceDatabase {
        // Some servers cannot make two databases at a time.
        static MAKING: Mutex<()> = Mutex::new(());
        {
            let _one = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
            let quoted = name.replace(']', "]]");
            self.execute("master", &[format!("CREATE DATABASE [{quoted}]")]);
        }
        SourceDatabase {
            server: Arc::clone(self),
            name: name.to_owned(),
        }
    }

    /// The job's `source` for a database of this server.
    pub fn settings(&self, database: &str) -> Settings {
        Settings {
            host: self.host.clone(),
            port: Some(self.port),
            instance: None,
            browser_port: 1434,
            database: database.into(),
            auth: Auth::Sql,
            user: self.user.clone(),
            password: Secret::new(self.password.clone()),
            password_command: None,
            keytab: None,
            principal: None,
            spn: None,
            encrypt: match self.ca_file {
                Some(_) => Encrypt::Required,
                None => Encrypt::Off,
            },
            tls: Tls::Modern,
            trust_server_certificate: false,
            application_intent: ApplicationIntent::ReadWrite,
            ca_file: self.ca_file.clone(),
            host_name_in_certificate: None,
            connect_timeout: Duration::from_secs(20),
            read_timeout: Duration::from_secs(60),
            first_row_timeout: Duration::from_secs(60),
            route: Route::Direct,
            pool: PoolSettings {
                max_connections: 4,
                min_connections: 1,
                acquire_timeout: Duration::from_secs(30),
                test_on_checkout: true,
                scope: migrate::config::job::PoolScope::Process,
            },
        }
    }

    /// Drops the database and makes another one under its name.
    pub fn recreate(&self, database: &str) {
        let batches = ["DROP", "CREATE"].map(|verb| format!("{verb} DATABASE [{database}]"));
        self.execute("master", &batches);
    }

    fn execute(&self, database: &str, batches: &[String]) {
        self.try_execute(database, batches)
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// Gives the beginning of the batch that the server refuses, with its error.
    fn try_execute(&self, database: &str, batches: &[String]) -> Result<(), String> {
        with_pool(&self.settings(database), async |pool| {
            let mut connection = pool.acquire().await.expect("a connection");
            for batch in batches {
                let start = batch.chars().take(120).collect::<String>();
                let outcome = connection.execute(batch).await;
                outcome.map_err(|error| format!("{error}: {start}"))?;
            }
            Ok(())
        })
    }
}

/// A name that no other test process uses.
fn new_name() -> String {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("migrate_test_{}_{number}", std::process::id())
}

/// The parts of a script between lines that say `GO`.
fn batches(script: &str) -> Vec<String> {
    let mut batches = vec![String::new()];
    for line in script.lines() {
        if line.trim().eq_ignore_ascii_case("GO") {
            batches.push(String::new());
        } else if let Some(batch) = batches.last_mut() {
            batch.push_str(line);
            batch.push('\n');
        }
    }
    batches.retain(|batch| !batch.trim().is_empty());
    batches
}

/// Says that the running test, or the rest of it, is skipped and why, also when the test's other
/// output is captured.
pub fn skip(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
    writeln!(std::io::stderr(), "SKIPPED: {test}: {why}").expect("stderr takes a line");
}

/// A database that is dropped with its handle.
pub struct SourceDatabase {
    pub server: Arc<Source>,
    pub name: String,
}

impl SourceDatabase {
    fn with_pool<T: Send>(&self, work: impl AsyncFnOnce(&SourcePool) -> T + Send) -> T {
        with_pool(&self.server.settings(&self.name), work)
    }

    /// Runs a `GO`-separated script; panics on an error.
    pub fn script(&self, script: &str) {
        self.server.execute(&self.name, &batches(script));
    }

    /// Runs a script and gives whether it ran: Babelfish may refuse it, and its error is printed.
    pub fn runs_if_supported(&self, script: &str) -> bool {
        match self.server.try_execute(&self.name, &batches(script)) {
            Ok(()) => true,
            Err(error) if self.server.is_babelfish() => {
                skip(&format!("Babelfish refuses the script: {error}"));
                false
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Runs a script as sqlcmd does: variables are filled in, `GO` ends a batch.
    pub fn sqlcmd(&self, script: &str) {
        self.server
            .execute(&self.name, &standin::engine::batches(script));
    }

    /// Runs each statement, and says of each whether the server took it.
    pub fn attempts(&self, statements: &[String]) -> Vec<Result<(), String>> {
        self.with_pool(async |pool| {
            let mut taken = Vec::with_capacity(statements.len());
            let mut connection = pool.acquire().await.expect("a connection");
            for statement in statements {
                let outcome = connection.query(statement).await;
                if outcome.is_err() {
                    // What an error leaves behind is not this statement's matter.
                    drop(connection);
                    connection = pool.acquire().await.expect("a connection");
                }
                taken.push(outcome.map(|_| ()).map_err(|error| format!("{error:?}")));
            }
            taken
        })
    }

    /// The texts of every row of a query of text columns.
    pub fn texts(&self, query: &str, columns: usize) -> Vec<Vec<Option<String>>> {
        self.with_pool(async |pool| {
            let mut connection = pool.acquire().await.expect("a connection");
            let rows = connection
                .query(query)
                .await
                .unwrap_or_else(|error| panic!("{query}: {error:?}"));

            rows.iter()
                .map(|row| {
                    (0..columns)
                        .map(|column| row.text(column).expect("a text").map(str::to_owned))
                        .collect()
                })
                .collect()
        })
    }

    /// The texts of the second column of each query, in the order of the first; or why there are
    /// none.
    pub fn answers(&self, queries: &[String]) -> Vec<Result<Vec<Option<String>>, String>> {
        self.with_pool(async |pool| {
            let mut answers = Vec::with_capacity(queries.len());
            for query in queries {
                let mut connection = pool.acquire().await.expect("a connection");
                answers.push(match connection.query(query).await {
                    Ok(rows) => Ok(rows
                        .iter()
                        .map(|row| row.text(1).expect("a text").map(str::to_owned))
                        .collect()),
                    Err(error) => Err(format!("{error:?}")),
                });
            }
            answers
        })
    }

    /// The one number that a query gives.
    pub fn number(&self, sql: &str) -> i64 {
        self.with_pool(async |pool| {
            let mut connection = pool.acquire().await.expect("a connection");
            let rows = connection
                .query(sql)
                .await
                .unwrap_or_else(|error| panic!("{sql}: {error:?}"));

            rows[0].need_int(0).expect("a number")
        })
    }
}

impl Drop for SourceDatabase {
    fn drop(&mut self) {
        // A stand-in goes as a whole; elsewhere a failing test must not hide its own message.
        if self.server.stand_in.is_none() && !std::thread::panicking() {
            self.server
                .execute("master", &[format!("DROP DATABASE [{}]", self.name)]);
        }
    }
}

/// On a thread of its own, because the caller may be inside of a runtime.
fn with_pool<T: Send>(settings: &Settings, work: impl AsyncFnOnce(&SourcePool) -> T + Send) -> T {
    let on_pool = async || {
        let pool = SourcePool::open(settings, Consistency::Strict)
            .await
            .expect("connect to the source");
        let result = work(&pool).await;
        pool.close().await;
        result
    };
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime")
                .block_on(on_pool())
        });
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
