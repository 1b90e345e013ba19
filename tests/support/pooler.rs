//! A real PgBouncer before a server, gone with the test that started it.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use migrate::config::job::Target;

use super::cluster::account;

static NUMBER: AtomicU32 = AtomicU32::new(0);

pub struct Pooler {
    process: Child,
    folder: PathBuf,
    port: u16,
}

impl Pooler {
    /// Lends out connections to `target` as `settings` say, lines of PgBouncer's configuration;
    /// `None`, said on stderr, where there is no PgBouncer and this is not CI.
    pub fn start(target: &Target, settings: &str) -> Option<Self> {
        let Some(program) = find() else {
            assert!(
                std::env::var_os("CI").is_none(),
                "CI needs PgBouncer (apt-get install pgbouncer)"
            );
            eprintln!("SKIPPED: no pgbouncer here (apt-get install pgbouncer)");
            return None;
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("migrate-pgbouncer-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("a port").port();
        drop(listener);
        let configuration = configuration(target, settings, &folder, port);
        let file = folder.join("pgbouncer.ini");
        std::fs::write(&file, configuration).expect("a file");
        let process = command(&program)
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("PgBouncer starts");
        let pooler = Self {
            process,
            folder,
            port,
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "PgBouncer does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(pooler)
    }

    /// The same target, through the pooler.
    pub fn target(&self, target: &Target) -> Target {
        Target {
            host: "127.0.0.1".into(),
            port: self.port,
            ..target.clone()
        }
    }
}

fn configuration(target: &Target, settings: &str, folder: &Path, port: u16) -> String {
    let users = folder.join("users.txt");
    let password = target.password.expose();
    std::fs::write(&users, format!("\"{}\" \"{password}\"\n", target.user)).expect("a file");
    format!(
        "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {}\n\
         max_client_conn = 200\n{settings}\n",
        target.host,
        target.port,
        users.display()
    )
}

fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join("pgbouncer"))
        .find(|program| program.is_file())
}

/// PgBouncer refuses to run as root. It ends with this process, however that ends.
fn command(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if is_root() {
        let (_, user, group) = account();
        command.args([
            format!("--reuid={user}"),
            format!("--regid={group}"),
            "--clear-groups".to_owned(),
        ]);
    }
    command.arg(program);
    command
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
