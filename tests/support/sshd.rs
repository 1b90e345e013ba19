//! An SSH server of the test, run by its user on a free port, and an `ssh` that knows it.

use std::fs::{self, OpenOptions, Permissions};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Debian's place, which is not in the `PATH` of a user.
const SSHD: &str = "/usr/sbin/sshd";

/// Ends with its handle.
pub struct Sshd {
    pub port: u16,
    folder: PathBuf,
    server: Child,
}

impl Sshd {
    /// `None` if this machine has no SSH server; under `CI` that is a failure.
    pub fn start() -> Option<Self> {
        if !Path::new(SSHD).is_file() {
            assert!(
                std::env::var_os("CI").is_none(),
                "{SSHD} is missing (openssh-server)"
            );
            eprintln!("skipped: no {SSHD}");
            return None;
        }
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let folder =
            std::env::temp_dir().join(format!("migrate-sshd-{}-{port}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).expect("own folder");
        for key in ["host", "user", "stranger"] {
            let file = folder.join(key);
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(&file)
                .status();
            assert!(made.expect("ssh-keygen").success());
        }
        let at = |name: &str| folder.join(name).display().to_string();
        let user = fs::read_to_string(folder.join("user.pub")).expect("a key");
        fs::write(folder.join("authorized_keys"), user).expect("a file");
        let host = fs::read_to_string(folder.join("host.pub")).expect("a key");
        fs::write(
            folder.join("known_hosts"),
            format!("[127.0.0.1]:{port} {host}"),
        )
        .expect("a file");
        fs::write(folder.join("nobody_known"), "").expect("a file");
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nPidFile none\nAuthorizedKeysFile {}\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin prohibit-password\nLogLevel VERBOSE\n",
            at("host"),
            at("authorized_keys")
        );
        fs::write(folder.join("sshd_config"), config).expect("a file");
        // As root it wants this folder, which Debian's service makes.
        fs::create_dir_all("/run/sshd").ok();
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join("log"))
            .expect("a log");
        let server = Command::new(SSHD)
            .args(["-D", "-e", "-f"])
            .arg(folder.join("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("sshd starts");
        let sshd = Self {
            port,
            folder,
            server,
        };
        sshd.wait();
        sshd.programs("known_hosts", "ssh");
        sshd.programs("nobody_known", "unknown");
        Some(sshd)
    }

    fn wait(&self) {
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(
                Instant::now() < until,
                "sshd does not start: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A folder with an `ssh` whose known hosts are this file: ssh finds its own by the account, not by `HOME`.
    fn programs(&self, known_hosts: &str, name: &str) {
        let config = self.folder.join(format!("{name}_config"));
        let known = self.folder.join(known_hosts);
        fs::write(
            &config,
            format!(
                "UserKnownHostsFile {}\nGlobalKnownHostsFile none\nStrictHostKeyChecking yes\n",
                known.display()
            ),
        )
        .expect("a file");
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).expect("a folder");
        let program = folder.join("ssh");
        fs::write(
            &program,
            format!(
                "#!/bin/sh\nexec /usr/bin/ssh -F {} \"$@\"\n",
                config.display()
            ),
        )
        .expect("a file");
        fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("own file");
    }

    /// `PATH` with an ssh that knows the host key.
    pub fn path(&self) -> String {
        self.path_of("ssh")
    }

    /// `PATH` with an ssh that does not.
    pub fn path_of_a_stranger(&self) -> String {
        self.path_of("unknown")
    }

    fn path_of(&self, name: &str) -> String {
        let others = std::env::var("PATH").unwrap_or_default();
        format!("{}:{others}", self.folder.join(name).display())
    }

    /// A private key: `user`, whom the server lets in, or `stranger`.
    pub fn key(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The section of a job that leads through it.
    pub fn section(&self, key: &str) -> String {
        format!(
            "ssh: {{ host: 127.0.0.1, port: {}, identity_file: {} }}",
            self.port,
            self.key(key).display()
        )
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// A SOCKS5 proxy, which OpenSSH's client is too; it ends with the handle.
    pub fn socks5(&self) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let client = Command::new(self.folder.join("ssh/ssh"))
            .args(["-N", "-D", &format!("127.0.0.1:{port}"), "-i"])
            .arg(self.key("user"))
            .args(["-p", &self.port.to_string(), "127.0.0.1"])
            .stdin(Stdio::null())
            .spawn()
            .expect("ssh starts");
        let proxy = Proxy { port, client };
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "no proxy: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        proxy
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        end(&mut self.server);
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// `ssh -D`.
pub struct Proxy {
    pub port: u16,
    client: Child,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        end(&mut self.client);
    }
}

fn end(child: &mut Child) {
    child.kill().ok();
    child.wait().ok();
}
