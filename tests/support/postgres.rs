//! A PostgreSQL server for tests, and databases on it that live as long as a test.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use migrate::config::job::{Secret, SslMode, Target, TargetOptions, TargetPool};
use tokio_postgres::config::Host;
use tokio_postgres::{Config, NoTls, SimpleQueryMessage};

use super::certificate::CLIENT;
use super::cluster::{Cluster, KERBEROS, Options, PASSWORD, PLAIN_ONLY, TLS_ONLY, USER};

/// Names a server to use instead of a cluster of our own, as `postgres://user:password@host/db`:
/// a superuser of a server that checks passwords, without TLS.
pub const SERVER_VARIABLE: &str = "MIGRATE_TEST_PG";

static SHARED: OnceLock<Postgres> = OnceLock::new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A server: a cluster of this process, or the one that `MIGRATE_TEST_PG` names.
pub struct Postgres {
    config: Config,
    cluster: Option<Cluster>,
}

impl Postgres {
    /// One for all tests of a process; with TLS where it is a cluster of ours.
    pub fn shared() -> &'static Self {
        SHARED.get_or_init(|| match std::env::var(SERVER_VARIABLE) {
            Ok(url) => Self {
                config: url.parse().expect("MIGRATE_TEST_PG is a connection string"),
                cluster: None,
            },
            Err(_) => Self::start(Options { tls: true }),
        })
    }

    /// A cluster for one test, whatever `MIGRATE_TEST_PG` says: to be restarted, or with TLS.
    pub fn start(options: Options) -> Self {
        let cluster = Cluster::start(options);
        let mut config = Config::new();
        config
            .host("127.0.0.1")
            .port(cluster.port)
            .user(USER)
            .password(PASSWORD)
            .dbname("postgres");
        let server = Self {
            config,
            cluster: Some(cluster),
        };
        let quoted = PASSWORD.replace('\'', "''");
        for role in [TLS_ONLY, PLAIN_ONLY, KERBEROS, CLIENT] {
            server.sql(&format!(
                "CREATE ROLE {role} LOGIN SUPERUSER PASSWORD '{quoted}'"
            ));
        }
        server
    }

    /// The cluster, where it is ours.
    pub fn cluster(&self) -> &Cluster {
        self.cluster.as_ref().expect("a cluster of this process")
    }

    /// A new, empty database.
    pub fn database(&self) -> Database<'_> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("migrate_test_{}_{number}", std::process::id());
        self.sql(&format!(
            "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"
        ));
        Database { server: self, name }
    }

    /// Runs statements in the server's own database; panics on an error.
    pub fn sql(&self, sql: &str) -> Rows {
        run(self.config.clone(), sql)
    }

    /// Whether the server takes a statement.
    pub fn try_sql(&self, sql: &str) -> bool {
        try_run(self.config.clone(), sql).is_ok()
    }

    fn host(&self) -> String {
        match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(path)) => path.display().to_string(),
            None => "127.0.0.1".into(),
        }
    }
}

/// Text of every row of the last statement; NULL is `None`.
pub type Rows = Vec<Vec<Option<String>>>;

/// A database that is dropped with its handle.
pub struct Database<'a> {
    server: &'a Postgres,
    pub name: String,
}

impl Database<'_> {
    /// The job's `target` for this database: plain TCP, a pool of four.
    pub fn target(&self) -> Target {
        let config = &self.server.config;
        let password = config.get_password().unwrap_or_default();
        Target {
            host: self.server.host(),
            port: config.get_ports().first().copied().unwrap_or(5432),
            database: self.name.clone(),
            user: config.get_user().unwrap_or(USER).to_owned(),
            password: Secret::new(String::from_utf8_lossy(password)),
            password_command: None,
            sslmode: SslMode::Disable,
            ca_file: None,
            connect_timeout: Duration::from_secs(20),
            options: TargetOptions::default(),
            pool: TargetPool {
                max_connections: 4,
                acquire_timeout: Duration::from_secs(20),
            },
            finish_connections: 4,
            maintenance_work_mem: 256 << 20,
            parallel_maintenance_workers: 2,
            schemas: BTreeMap::new(),
        }
    }

    /// Runs statements on a connection of its own; panics on an error.
    pub fn sql(&self, sql: &str) -> Rows {
        let mut config = self.server.config.clone();
        config.dbname(&self.name);
        run(config, sql)
    }

    /// The one value that a query gives; NULL is an empty string.
    pub fn value(&self, sql: &str) -> String {
        let rows = self.sql(sql);
        assert_eq!(rows.len(), 1, "one row from {sql}");
        rows[0][0].clone().unwrap_or_default()
    }

    pub fn ca_file(&self) -> PathBuf {
        self.server.cluster().ca_file()
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        // A cluster of this process may be stopped by now, and goes as a whole.
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let _ = try_run(self.server.config.clone(), &sql);
    }
}

fn run(config: Config, sql: &str) -> Rows {
    try_run(config, sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

/// On a thread of its own, because the caller may be inside of a runtime.
fn try_run(config: Config, sql: &str) -> Result<Rows, tokio_postgres::Error> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime")
                .block_on(query(config, sql))
        });
        thread.join().expect("a query does not panic")
    })
}

async fn query(config: Config, sql: &str) -> Result<Rows, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    let connection = tokio::spawn(connection);
    let messages = client.simple_query(sql).await?;
    drop(client);
    let _ = connection.await;
    let mut rows = Rows::new();
    for message in messages {
        match message {
            SimpleQueryMessage::RowDescription(_) => rows.clear(),
            SimpleQueryMessage::Row(row) => {
                rows.push(
                    (0..row.len())
                        .map(|index| row.get(index).map(str::to_owned))
                        .collect(),
                );
            }
            _ => {}
        }
    }
    Ok(rows)
}
