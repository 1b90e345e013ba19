//! What users of libpq set: connection strings, services, variables, password files, certificates, several hosts.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use migrate::config::job::{Job, Target};
use migrate::error::{Error, Kind};
use migrate::postgres::connect::{Connector, Session};

use crate::support::certificate::CLIENT;
use crate::support::cluster::{KERBEROS, Options, PASSWORD, TLS_HOST, USER};
use crate::support::job::scalar;
use crate::support::postgres::{Database, Postgres};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A home with libpq's files, and the environment of a job that is read there.
struct Home {
    folder: PathBuf,
    variables: BTreeMap<&'static str, String>,
}

impl Home {
    fn new() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("migrate-home-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(folder.join(".postgresql")).unwrap();
        let home = folder.display().to_string();
        Self {
            folder,
            variables: BTreeMap::from([("HOME", home)]),
        }
    }

    fn set(mut self, variable: &'static str, value: impl ToString) -> Self {
        self.variables.insert(variable, value.to_string());
        self
    }

    fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    /// The job with these lines as its target.
    fn job(&self, target: &str) -> Job {
        let text =
            format!("source: {{host: a, database: b, user: c, password: d}}\ntarget:\n{target}\n");
        let env = |name: &str| self.variables.get(name).map(OsString::from);
        let job = migrate::config::parse(&text, "job", &env);
        job.unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"))
    }

    fn target(&self, target: &str) -> Target {
        self.job(target).target
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).ok();
    }
}

async fn connected(target: &Target) -> Session {
    let session = Connector::new(target).unwrap().connect().await;
    session.unwrap_or_else(|error| panic!("{error:?}"))
}

async fn refused(target: &Target) -> Error {
    match Connector::new(target) {
        Ok(connector) => connector.connect().await.err().expect("a refusal"),
        Err(error) => error,
    }
}

async fn value(session: &Session, sql: &str) -> String {
    session.query_one(sql, &[]).await.unwrap().get(0)
}

/// Percent-encoded for a URI.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn port(database: &Database<'_>) -> u16 {
    database.target().port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn variables_and_a_password_file_are_enough_for_a_job() {
    let server = Postgres::start(Options { tls: false });
    let database = server.database();
    let home = Home::new()
        .set("PGHOST", "127.0.0.1")
        .set("PGPORT", port(&database))
        .set("PGUSER", USER)
        .set("PGDATABASE", &database.name)
        .set("PGSSLMODE", "disable")
        .set("PGAPPNAME", "by variable")
        .set("PGOPTIONS", "-c work_mem=11MB");
    let line = format!("127.0.0.1:*:{}:{USER}:{PASSWORD}\n", database.name);
    home.write(".pgpass", &line, 0o600);
    let session = connected(&home.target("  {}")).await;
    assert_eq!(
        value(&session, "SELECT current_setting('application_name')").await,
        "by variable"
    );
    assert_eq!(
        value(&session, "SELECT current_setting('work_mem')").await,
        "11MB"
    );

    // A file that others may read is not used, and the error says that one is missing.
    home.write(".pgpass", &line, 0o644);
    let error = refused(&home.target("  {}")).await;
    assert_eq!(error.kind(), Kind::TargetLogin);
    assert!(
        error.message().contains("there is none") && error.message().contains("~/.pgpass"),
        "{error}"
    );

    // Another file, and the password alone.
    let elsewhere = home.write("passwords", &line, 0o600);
    let home = home.set("PGPASSFILE", elsewhere.display());
    connected(&home.target("  {}")).await;
    let home = home
        .set("PGPASSFILE", "/nonexistent")
        .set("PGPASSWORD", PASSWORD);
    connected(&home.target("  {}")).await;
    // A key of the job wins.
    let error = refused(&home.target("  port: 1")).await;
    assert!(error.message().contains("127.0.0.1:1:"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_string_and_a_service_say_what_the_job_does_not() {
    let server = Postgres::start(Options { tls: false });
    let database = server.database();
    let (name, port) = (&database.name, port(&database));
    let home = Home::new();
    let uri = format!(
        "postgresql://{USER}:{}@127.0.0.1:{port}/{name}?sslmode=disable&application_name=by%20URI",
        encoded(PASSWORD)
    );
    let job = home.job(&format!("  connection: {}", scalar(&uri)));
    let session = connected(&job.target).await;
    assert_eq!(
        value(&session, "SELECT current_setting('application_name')").await,
        "by URI"
    );
    for setting in &job.settings {
        assert!(
            !setting.value.contains(PASSWORD),
            "{} is shown",
            setting.key
        );
        assert!(
            !setting.value.contains(&encoded(PASSWORD)),
            "{} is shown",
            setting.key
        );
    }
    let shown = job
        .settings
        .iter()
        .find(|setting| setting.key == "target.port");
    assert_eq!(
        shown.map(|setting| setting.value.as_str()),
        Some(port.to_string().as_str())
    );

    let services = format!(
        "[shop]\nhost=127.0.0.1\nport={port}\ndbname={name}\nuser={USER}\npassword={PASSWORD}\nsslmode=disable\n"
    );
    home.write(".pg_service.conf", &services, 0o644);
    connected(&home.target("  service: shop")).await;
    connected(&home.target("  connection: postgresql://?service=shop")).await;
    let home = home.set("PGSERVICE", "shop").set("PGPORT", 1);
    connected(&home.target("  {}")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unix_socket_is_a_folder_for_a_host() {
    let server = Postgres::start(Options { tls: false });
    let database = server.database();
    let folder = server.cluster().directory().display().to_string();
    let line = format!("{folder}:*:*:{USER}:{PASSWORD}\n");
    let home = Home::new();
    home.write(".pgpass", &line, 0o600);
    let (name, port) = (&database.name, port(&database));
    // No TLS there, whatever sslmode says: verify-full is the default.
    for target in [
        format!("  host: {folder}\n  port: {port}\n  user: {USER}\n  database: {name}"),
        format!(
            "  connection: postgresql://{USER}@{}:{port}/{name}",
            encoded(&folder)
        ),
    ] {
        let session = connected(&home.target(&target)).await;
        let local = value(
            &session,
            "SELECT coalesce(inet_client_addr()::text, 'local')",
        )
        .await;
        assert_eq!(local, "local");
    }
    let target = home.target(&format!(
        "  host: {folder}\n  port: 1\n  user: {USER}\n  database: {name}"
    ));
    let error = refused(&target).await;
    assert_eq!(error.kind(), Kind::TargetUnreachable);
    assert!(error.message().contains("/.s.PGSQL.1"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_hosts_the_first_that_takes_writes_is_used() {
    let primary = Postgres::start(Options { tls: false });
    let standby = Postgres::start(Options { tls: false });
    let database = primary.database();
    let standby_port = standby.database().target().port;
    standby.cluster().become_standby();
    let port = port(&database);
    let home = Home::new();
    // The database is the primary's alone; `postgres` is everywhere.
    let uri = |ports: &str, more: &str| {
        let hosts = ports.split(',').map(|port| format!("127.0.0.1:{port}"));
        let hosts = hosts.collect::<Vec<_>>().join(",");
        let uri = format!(
            "postgresql://{USER}:{}@{hosts}/postgres?sslmode=disable{more}",
            encoded(PASSWORD)
        );
        home.target(&format!("  connection: {}", scalar(&uri)))
    };
    let server_port = "SELECT inet_server_port()::text";
    let all = format!("1,{standby_port},{port}");
    let session = connected(&uri(&all, "&target_session_attrs=read-write")).await;
    assert_eq!(value(&session, server_port).await, port.to_string());
    let session = connected(&uri(&all, "")).await;
    assert_eq!(value(&session, server_port).await, standby_port.to_string());

    let none = format!("{standby_port},1");
    let error = refused(&uri(&none, "&target_session_attrs=read-write")).await;
    assert_eq!(error.kind(), Kind::TargetUnreachable);
    assert!(
        error.message().contains("before that, PostgreSQL at")
            && error.message().contains("takes no writes"),
        "{error}"
    );
    // One that refuses the login ends it: the next would count as one more wrong password.
    let mut wrong = uri(&format!("{port},1"), "");
    wrong.password = migrate::config::job::Secret::new("wr0ng");
    assert_eq!(refused(&wrong).await.kind(), Kind::TargetLogin);
    // A job's own keys: one port for all.
    let target = home.target(&format!(
        "  host: 127.0.0.2,127.0.0.1\n  port: {port}\n  user: {USER}\n  database: postgres\n  password: {}\n  sslmode: disable",
        scalar(PASSWORD)
    ));
    connected(&target).await;
}

/// Runs openssl in a folder.
fn openssl(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .output();
    let output = output.expect("openssl");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_certificate_logs_in_without_a_password() {
    let server = Postgres::start(Options { tls: true });
    let database = server.database();
    let home = Home::new();
    let made = server.cluster().directory();
    let certificate = fs::read_to_string(made.join("client.pem")).unwrap();
    let key = fs::read_to_string(made.join("client.key")).unwrap();
    home.write("client.pem", &certificate, 0o644);
    home.write("client.key", &key, 0o600);
    for (file, cipher, digest) in [
        ("aes256.key", "aes-256-cbc", "hmacWithSHA256"),
        ("aes192.key", "aes-192-cbc", "hmacWithSHA512"),
        ("aes128.key", "aes-128-cbc", "hmacWithSHA1"),
    ] {
        openssl(
            &home.folder,
            &[
                "pkcs8",
                "-topk8",
                "-in",
                "client.key",
                "-out",
                file,
                "-v2",
                cipher,
                "-v2prf",
                digest,
                "-passout",
                "pass:open sesame",
            ],
        );
        fs::set_permissions(home.folder.join(file), Permissions::from_mode(0o600)).unwrap();
    }
    openssl(
        &home.folder,
        &[
            "pkcs8",
            "-topk8",
            "-in",
            "client.key",
            "-out",
            "scrypt.key",
            "-scrypt",
            "-passout",
            "pass:open sesame",
        ],
    );
    fs::set_permissions(
        home.folder.join("scrypt.key"),
        Permissions::from_mode(0o600),
    )
    .unwrap();
    let target = |key: &str, more: &str| {
        home.target(&format!(
            "  host: {TLS_HOST}\n  port: {}\n  database: {}\n  user: {CLIENT}\n  ca_file: {}\n  sslcert: {}\n  sslkey: {}\n{more}",
            port(&database),
            database.name,
            database.ca_file().display(),
            home.folder.join("client.pem").display(),
            home.folder.join(key).display(),
        ))
    };
    let by_passphrase = "  sslpassword: open sesame";
    for (key, more) in [
        ("client.key", ""),
        ("aes256.key", by_passphrase),
        ("aes192.key", by_passphrase),
        ("aes128.key", by_passphrase),
    ] {
        let session = connected(&target(key, more)).await;
        assert_eq!(
            value(&session, "SELECT current_user::text").await,
            CLIENT,
            "{key}"
        );
    }
    for (key, more, part) in [
        ("aes256.key", "", "target.sslpassword has no passphrase"),
        (
            "aes256.key",
            "  sslpassword: wrong s3cret",
            "the passphrase does not fit",
        ),
        ("scrypt.key", by_passphrase, "in another way than PBES2"),
        ("client.pem", "", "may be read by others"),
        ("missing.key", "", "cannot be read"),
    ] {
        let error = refused(&target(key, more)).await;
        assert_eq!(error.kind(), Kind::TargetTls, "{key}");
        assert!(error.message().contains(part), "{error}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
    // Without a certificate; and libpq's own files.
    let plain = format!(
        "  host: {TLS_HOST}\n  port: {}\n  database: {}\n  user: {CLIENT}\n  ca_file: {}",
        port(&database),
        database.name,
        database.ca_file().display(),
    );
    let error = refused(&home.target(&plain)).await;
    assert_eq!(error.kind(), Kind::TargetLogin, "{error}");
    home.write(".postgresql/postgresql.crt", &certificate, 0o644);
    home.write(".postgresql/postgresql.key", &key, 0o600);
    connected(&home.target(&plain)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn channel_binding_is_required_or_not_as_the_job_says() {
    let server = Postgres::start(Options { tls: true });
    let database = server.database();
    let home = Home::new().set("PGPASSWORD", PASSWORD);
    let target = |more: &str| {
        home.target(&format!(
            "  host: {TLS_HOST}\n  port: {}\n  database: {}\n  user: {USER}\n  ca_file: {}\n{more}",
            port(&database),
            database.name,
            database.ca_file().display(),
        ))
    };
    for word in ["require", "prefer", "disable"] {
        connected(&target(&format!("  channel_binding: {word}"))).await;
    }
    let error = refused(&target("  channel_binding: require\n  sslmode: disable")).await;
    assert_eq!(error.kind(), Kind::TargetLogin);
    assert!(
        error.message().contains("target.channel_binding asks for"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_asks_for_kerberos_is_told_apart() {
    let server = Postgres::start(Options { tls: false });
    let database = server.database();
    let home = Home::new().set("PGPASSWORD", PASSWORD);
    let target = home.target(&format!(
        "  host: 127.0.0.1\n  port: {}\n  database: {}\n  user: {KERBEROS}\n  sslmode: disable",
        port(&database),
        database.name,
    ));
    let error = refused(&target).await;
    assert_eq!(error.kind(), Kind::TargetLogin);
    assert!(
        error.message().contains("Kerberos") && error.message().contains("pg_hba.conf"),
        "{error}"
    );
}
