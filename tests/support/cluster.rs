//! A PostgreSQL cluster made from the installed binaries, gone with the process that made it.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::certificate::{self, CLIENT};

pub const USER: &str = "migrator";
pub const PASSWORD: &str = "it's a s3cret";

/// The host name in the server's certificate; 127.0.0.1 is not in it.
pub const TLS_HOST: &str = "localhost";

/// Directories are `<PREFIX><pid>-<number>`, so that one can tell whose they are.
const PREFIX: &str = "migrate-test-pg-";

/// Free ports are found by asking for one and letting go of it, which another process can see too.
const PORT_TRIES: u32 = 5;

/// Roles that `pg_hba.conf` treats apart.
pub const TLS_ONLY: &str = "tls_only";
pub const PLAIN_ONLY: &str = "plain_only";
/// Asked for a login by Kerberos.
pub const KERBEROS: &str = "by_kerberos";

static NUMBER: AtomicU32 = AtomicU32::new(0);

#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub tls: bool,
}

pub struct Cluster {
    pub port: u16,
    directory: PathBuf,
    binaries: PathBuf,
    /// Waits for the end of this process, however it comes, then stops the server and removes
    /// the directory.
    reaper: Child,
}

impl Cluster {
    /// Makes and starts a cluster; panics with the server's log when it does not come up.
    pub fn start(options: Options) -> Self {
        let binaries = find_binaries();
        remove_stale(&binaries);
        let directory = new_directory();
        let reaper = spawn_reaper(&binaries, &directory);
        let mut cluster = Self {
            port: 0,
            directory,
            binaries,
            reaper,
        };
        cluster.init();
        cluster.configure(options);
        for attempt in 1.. {
            cluster.port = free_port();
            match cluster.try_start() {
                Ok(()) => break,
                Err(log) if attempt == PORT_TRIES => panic!("PostgreSQL does not start: {log}"),
                Err(_) => {}
            }
        }
        cluster
    }

    fn init(&self) {
        let password = self.write("password", PASSWORD);
        self.run(
            "initdb",
            &[
                "--pgdata",
                &self.path("data"),
                "--username",
                USER,
                "--pwfile",
                &password,
                "--auth",
                "scram-sha-256",
                "--encoding",
                "UTF8",
                "--locale",
                "C",
                "--no-sync",
            ],
        )
        .unwrap_or_else(|log| panic!("initdb: {log}"));
    }

    fn configure(&self, options: Options) {
        let mut settings = format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\nfsync = off\n\
             full_page_writes = off\nmax_connections = 60\nshared_buffers = 64MB\n\
             log_line_prefix = '%m [%p] '\nlog_statement = ddl\n",
            self.directory.display()
        );
        if options.tls {
            let made = certificate::make(TLS_HOST);
            self.write("ca.pem", &made.authority);
            let certificate = self.write("server.pem", &made.server);
            let key = self.write("server.key", &made.server_key);
            self.write("client.pem", &made.client);
            self.write("client.key", &made.client_key);
            settings.push_str(&format!(
                "ssl = on\nssl_cert_file = '{certificate}'\nssl_key_file = '{key}'\nssl_ca_file = '{}'\n",
                self.path("ca.pem")
            ));
        }
        self.write("data/postgresql.auto.conf", &settings);
        let hba = format!(
            "local all all scram-sha-256\n\
             hostnossl all {TLS_ONLY} 127.0.0.1/32 reject\n\
             hostssl all {PLAIN_ONLY} 127.0.0.1/32 reject\n\
             hostssl all {CLIENT} 127.0.0.1/32 cert\n\
             hostnossl all {CLIENT} 127.0.0.1/32 reject\n\
             host all {KERBEROS} 127.0.0.1/32 gss\n\
             host all all 127.0.0.1/32 scram-sha-256\n"
        );
        self.write("data/pg_hba.conf", &hba);
    }

    fn try_start(&self) -> Result<(), String> {
        let (data, log) = (self.path("data"), self.path("log"));
        let port = format!("-p {}", self.port);
        let command = [
            "start", "-w", "-t", "60", "-D", &data, "-l", &log, "-o", &port,
        ];
        self.run("pg_ctl", &command).map_err(|error| {
            let log = fs::read_to_string(&log).unwrap_or_default();
            format!("{error}\n{log}")
        })
    }

    /// Stops the server as a crash would, or politely, and starts it again on the same port.
    pub fn restart(&self, crash: bool) {
        self.stop(crash);
        self.try_start()
            .unwrap_or_else(|log| panic!("restart: {log}"));
    }

    /// Starts it again as a standby that has no primary to follow: it answers and takes no rows.
    pub fn become_standby(&self) {
        self.stop(false);
        self.write("data/standby.signal", "");
        self.try_start()
            .unwrap_or_else(|log| panic!("standby: {log}"));
    }

    pub fn stop(&self, crash: bool) {
        let mode = if crash { "immediate" } else { "fast" };
        self.run(
            "pg_ctl",
            &["stop", "-w", "-m", mode, "-D", &self.path("data")],
        )
        .unwrap_or_else(|log| panic!("stop: {log}"));
    }

    pub fn ca_file(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }

    /// Where the unix socket is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn path(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    /// Writes a file that the server may read; gives its path.
    fn write(&self, name: &str, text: &str) -> String {
        let path = self.directory.join(name);
        fs::write(&path, text).expect("the cluster's directory can be written");
        // Keys must be private, and authorities are read by the tests.
        let mode = if name == "ca.pem" { 0o644 } else { 0o600 };
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("own file");
        hand_over(&path);
        path.display().to_string()
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        let mut command = unprivileged(&self.binaries.join(program));
        let output = command
            .args(arguments)
            .current_dir(&self.directory)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            // Not a pipe: the server inherits it, and a pipe would stay open as long as it runs.
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.directory.join("stderr")).expect("own directory"))
            .status()
            .map_err(|error| format!("{program}: {error}"))?;
        if output.success() {
            return Ok(());
        }
        Err(fs::read_to_string(self.directory.join("stderr")).unwrap_or_default())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.reaper.stdin.take());
        let _ = self.reaper.wait();
    }
}

/// From `PATH`, or the newest of Debian's.
fn find_binaries() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut debian: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    debian.sort();
    std::env::split_paths(&path)
        .chain(debian.into_iter().rev().map(|(_, path)| path))
        .find(|path| path.join("initdb").is_file() && path.join("pg_ctl").is_file())
        .expect("PostgreSQL's initdb and pg_ctl in PATH or /usr/lib/postgresql (apt-get install postgresql)")
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

/// PostgreSQL refuses to run as root, so root borrows the account of the package, or nobody's.
pub fn account() -> (&'static str, u32, u32) {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| {
            let line = passwd
                .lines()
                .find(|line| line.starts_with(&format!("{name}:")))?;
            let mut fields = line.split(':').skip(2);
            Some((
                name,
                fields.next()?.parse().ok()?,
                fields.next()?.parse().ok()?,
            ))
        })
        .expect("an account postgres or nobody in /etc/passwd")
}

fn unprivileged(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", account().0, "--"]).arg(program);
    command
}

fn hand_over(path: &Path) {
    if is_root() {
        let (_, user, group) = account();
        chown(path, Some(user), Some(group)).expect("root may give files away");
    }
}

fn new_directory() -> PathBuf {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("{PREFIX}{}-{number}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    fs::create_dir(&directory).expect("a new directory for the cluster");
    fs::set_permissions(&directory, Permissions::from_mode(0o755)).expect("own directory");
    hand_over(&directory);
    directory
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound socket").port()
}

/// A shell whose standard input is a pipe from this process: it ends when this process does, even
/// by SIGKILL.
fn spawn_reaper(binaries: &Path, directory: &Path) -> Child {
    const SCRIPT: &str =
        r#"trap '' INT TERM HUP; read -r _; "$@" >/dev/null 2>&1; rm -rf "$DIRECTORY""#;
    let stop = stop_command(binaries, directory);
    Command::new("sh")
        .args(["-c", SCRIPT, "sh"])
        .arg(stop.get_program())
        .args(stop.get_args())
        .env("DIRECTORY", directory)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell")
}

fn stop_command(binaries: &Path, directory: &Path) -> Command {
    let mut command = unprivileged(&binaries.join("pg_ctl"));
    command
        .args(["stop", "-w", "-m", "immediate", "-D"])
        .arg(directory.join("data"));
    command
}

/// Clusters of processes that are gone, whose reaper was killed as well.
fn remove_stale(binaries: &Path) {
    for entry in fs::read_dir(std::env::temp_dir())
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX))
            .and_then(|rest| rest.split('-').next());
        let Some(owner) = owner else { continue };
        if Path::new("/proc").join(owner).exists() {
            continue;
        }
        // Either may fail because the reaper is at it, or the directory is another user's.
        let _ = stop_command(binaries, &entry.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let _ = fs::remove_dir_all(entry.path());
    }
}
