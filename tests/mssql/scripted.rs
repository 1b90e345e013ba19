//! A server with the stand-in's wire and a few fixed answers behind it, and jobs that point at it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use migrate::config::job::{
    ApplicationIntent, Encrypt, Route, Secret, Source, SourcePool as PoolOptions, Tls,
};
use standin::server::{Server, ServerHandle, ServerOptions};
use standin::session::{Login, Parameter, Session, Sink};
use standin::types::{Column, SqlError, SqlType, Value};

pub(crate) const USER: &str = "mover";
/// Gets in with any password, and only after 300 ms.
pub(crate) const SLOW_USER: &str = "sleeper";
/// Meets a server that is about to shut down.
pub(crate) const LATE_USER: &str = "late";
pub(crate) const PASSWORD: &str = "Pa55 wörd; 'quoted'";
pub(crate) const DATABASE: &str = "Shop";

/// Knows one user, one password and one database.
struct OneUser;

impl Login for OneUser {
    fn login(
        &self,
        user: &str,
        password: &str,
        database: Option<&str>,
    ) -> Result<Box<dyn Session>, SqlError> {
        if user == LATE_USER {
            return Err(error(18401, 14, format!("Login failed for user '{user}'.")));
        }
        if user == SLOW_USER {
            std::thread::sleep(Duration::from_millis(300));
        } else if user != USER || password != PASSWORD {
            return Err(error(18456, 14, format!("Login failed for user '{user}'.")));
        }
        match database {
            Some(DATABASE) => Ok(Box::new(Scripted)),
            other => Err(error(
                4060,
                11,
                format!(
                    "Cannot open database \"{}\" requested by the login. The login failed.",
                    other.unwrap_or_default()
                ),
            )),
        }
    }
}

/// `SET ...` succeeds, `SELECT n` and `SELECT n ROWS` answer numbers, `WAIT` never ends,
/// `RAISE n` fails; anything else is error 208.
struct Scripted;

impl Session for Scripted {
    fn execute(&mut self, batch: &str, _: &[Parameter], sink: &mut dyn Sink) {
        let words: Vec<&str> = batch.split_whitespace().collect();
        // A sink that asks to stop is asked for nothing more below.
        let _stopped = match words[..] {
            ["SET", ..] => sink.done(None),
            ["SELECT", number] => numbers(number, 1, sink),
            ["SELECT", count, "ROWS"] => numbers("0", count.parse().unwrap(), sink),
            ["WAIT"] => {
                std::thread::sleep(Duration::from_secs(3));
                sink.done(None)
            }
            ["RAISE", number] => sink.message(&error(
                number.parse().unwrap(),
                16,
                "it went wrong for 'Alice'".to_owned(),
            )),
            _ => sink.message(&error(208, 16, "Invalid object name 'nothing'.".to_owned())),
        };
    }

    fn reset(&mut self) {}

    fn database(&self) -> &str {
        DATABASE
    }
}

fn numbers(from: &str, count: i64, sink: &mut dyn Sink) -> std::ops::ControlFlow<()> {
    let from: i64 = from.parse().unwrap();
    sink.columns(&[Column {
        name: "Id".to_owned(),
        ty: SqlType::BigInt,
        nullable: false,
        identity: false,
        computed: false,
        collation: None,
    }])?;
    for row in 0..count {
        sink.row(&[Value::Int(from + row)])?;
    }
    sink.done(Some(count as u64))
}

fn error(number: i32, class: u8, message: String) -> SqlError {
    SqlError {
        number,
        class,
        state: 1,
        message,
        line: 1,
    }
}

pub(crate) fn server() -> ServerHandle {
    server_with(ServerOptions::default())
}

pub(crate) fn server_with(options: ServerOptions) -> ServerHandle {
    Server::start(options, Arc::new(OneUser)).unwrap()
}

/// A source that may log in to `server` without TLS.
pub(crate) fn source(server: &ServerHandle) -> Source {
    Source {
        host: "127.0.0.1".into(),
        port: Some(server.address().port()),
        instance: None,
        browser_port: 1434,
        database: DATABASE.into(),
        user: USER.into(),
        password: Secret::new(PASSWORD),
        password_command: None,
        auth: migrate::config::job::Auth::Sql,
        keytab: None,
        principal: None,
        spn: None,
        encrypt: Encrypt::Off,
        tls: Tls::Modern,
        trust_server_certificate: false,
        application_intent: ApplicationIntent::ReadWrite,
        ca_file: None,
        host_name_in_certificate: None,
        connect_timeout: Duration::from_secs(10),
        read_timeout: Duration::from_secs(5),
        first_row_timeout: Duration::from_secs(5),
        route: Route::Direct,
        pool: PoolOptions {
            max_connections: 3,
            min_connections: 1,
            acquire_timeout: Duration::from_secs(20),
            test_on_checkout: true,
            scope: migrate::config::job::PoolScope::Process,
        },
    }
}

/// The server's authority as a file of its own, removed with the value.
pub(crate) struct CaFile(pub(crate) PathBuf);

impl CaFile {
    pub(crate) fn of(server: &ServerHandle) -> Self {
        let name = format!(
            "migrate-ca-{}-{}.pem",
            std::process::id(),
            server.address().port()
        );
        let file = std::env::temp_dir().join(name);
        server.write_ca_pem(&file).unwrap();
        Self(file)
    }
}

impl Drop for CaFile {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

/// Waits for the server to have no connection left; it notices a moment after the client knows.
pub(crate) async fn all_gone(server: &ServerHandle) {
    for _ in 0..200 {
        if server.counters().snapshot().connections == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("connections are left: {:?}", server.counters().snapshot());
}
