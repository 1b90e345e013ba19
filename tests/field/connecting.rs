//! Connecting to servers as they are configured in the field: packets, TLS, certificates, addresses.

mod addresses;
mod certificates;
#[cfg(feature = "legacy-tls")]
mod legacy;
mod old_server;
mod packets;
mod refused;
mod windows;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use standin::engine::{Engine, Options};
use standin::server::{Server, ServerOptions};

use crate::support::job::{Job, scalar};
use crate::support::postgres::Database;
use crate::support::source::{PASSWORD, Source, StandIn, USER};

/// A stand-in that listens as the test says.
fn stand_in(options: ServerOptions) -> Arc<Source> {
    let engine = Engine::new(Options {
        logins: vec![(USER.into(), PASSWORD.into())],
        ..Options::default()
    });
    let handle = Server::with_engine(options, &engine).expect("the stand-in starts");
    let address = handle.address();
    Arc::new(Source {
        host: address.ip().to_string(),
        port: address.port(),
        user: USER.into(),
        password: PASSWORD.into(),
        ca_file: None,
        stand_in: Some(StandIn { handle, engine }),
    })
}

/// A job whose source is reached by these lines of YAML, each with its indentation.
fn job(connection: &str, database: &str, target: &Database<'_>, more: &str) -> Job {
    let login = format!("  user: {USER}\n  password: {}\n", scalar(PASSWORD));
    job_as(&format!("{connection}{login}"), database, target, more)
}

/// The same with a login of the caller's.
fn job_as(connection: &str, database: &str, target: &Database<'_>, more: &str) -> Job {
    let target = target.target();
    let mut text = format!(
        "source:\n{connection}  database: {}\n  pool: {{ max_connections: 4, min_connections: 1 }}\n",
        scalar(database),
    );
    write!(
        text,
        "target:\n  host: {}\n  port: {}\n  database: {}\n  user: {}\n  password: {}\n  \
         sslmode: disable\n{more}",
        scalar(&target.host),
        target.port,
        scalar(&target.database),
        scalar(&target.user),
        scalar(target.password.expose()),
    )
    .expect("a string takes text");
    Job::from_text(&text)
}

/// PEM in a file of its own.
struct PemFile(PathBuf);

impl PemFile {
    fn with(pem: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("migrate-field-{}-{number}.pem", std::process::id());
        let file = std::env::temp_dir().join(name);
        std::fs::write(&file, pem).expect("the file");
        Self(file)
    }

    /// The line of the job file.
    fn line(&self) -> String {
        format!("  ca_file: {}\n", scalar(&self.0.display().to_string()))
    }
}

impl Drop for PemFile {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}
