//! A key distribution centre of MIT Kerberos, gone with the test that started it.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub const REALM: &str = "TEST.EXAMPLE";

static NUMBER: AtomicU32 = AtomicU32::new(0);

pub struct Kdc {
    process: Option<Child>,
    folder: PathBuf,
    port: u16,
}

impl Kdc {
    /// `None`, said on stderr, where there is no KDC and this is not CI.
    pub fn start() -> Option<Self> {
        if find("krb5kdc").is_none() || find("kinit").is_none() {
            assert!(
                std::env::var_os("CI").is_none(),
                "CI needs a KDC (apt-get install krb5-kdc krb5-admin-server krb5-user)"
            );
            eprintln!(
                "SKIPPED: no KDC here (apt-get install krb5-kdc krb5-admin-server krb5-user)"
            );
            return None;
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("migrate-kdc-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("a port").port();
        drop(listener);
        let mut kdc = Self {
            process: None,
            folder,
            port,
        };
        kdc.configure();
        kdc.done("kdb5_util", &["-r", REALM, "-P", "master", "create", "-s"]);
        kdc.serve();
        Some(kdc)
    }

    fn configure(&self) {
        let (port, folder) = (self.port, self.folder.display());
        let client = format!(
            "[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n \
             dns_canonicalize_hostname = false\n rdns = false\n udp_preference_limit = 1\n kdc_timeout = 2\n \
             max_retries = 1\n\
             [realms]\n {REALM} = {{\n  kdc = 127.0.0.1:{port}\n }}\n\
             [domain_realm]\n localhost = {REALM}\n"
        );
        let server = format!(
            "[kdcdefaults]\n kdc_listen = 127.0.0.1:{port}\n kdc_tcp_listen = 127.0.0.1:{port}\n\
             [realms]\n {REALM} = {{\n  database_name = {folder}/principal\n  key_stash_file = {folder}/stash\n  \
             acl_file = {folder}/acl\n }}\n"
        );
        std::fs::write(self.folder.join("krb5.conf"), client).expect("a file");
        std::fs::write(self.folder.join("kdc.conf"), server).expect("a file");
    }

    /// Answers again after [`Self::stop`].
    pub fn serve(&mut self) {
        let process = self.command("krb5kdc").arg("-n").spawn();
        self.process = Some(process.expect("the KDC starts"));
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "the KDC does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("the KDC is there");
            process.wait().expect("the KDC ends");
        }
    }

    /// A program with the environment in which it finds this KDC.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(find(program).unwrap_or_else(|| program.into()));
        self.environment(&mut command);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    /// Lets a program find this KDC and the ticket cache of [`Self::kinit`].
    pub fn environment<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command
            .env("KRB5_CONFIG", self.folder.join("krb5.conf"))
            .env("KRB5_KDC_PROFILE", self.folder.join("kdc.conf"))
            .env("KRB5CCNAME", self.cache())
    }

    pub fn cache(&self) -> PathBuf {
        self.folder.join("cache")
    }

    fn done(&self, program: &str, arguments: &[&str]) {
        let output = self.command(program).args(arguments).output();
        let output = output.expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr);
        // kadmin.local ends well whatever it could not do.
        let failed = !output.status.success() || said.contains("while");
        assert!(!failed, "{program} {arguments:?}: {said}");
    }

    /// A line for `kadmin.local`.
    pub fn administer(&self, line: &str) {
        self.done("kadmin.local", &["-r", REALM, "-q", line]);
    }

    /// A principal with a password.
    pub fn user(&self, name: &str, password: &str) {
        self.administer(&format!("addprinc -pw {password} {name}"));
    }

    /// A service with a random key.
    pub fn service(&self, name: &str) {
        self.administer(&format!("addprinc -randkey {name}"));
    }

    /// A keytab with the present key of a principal.
    pub fn keytab(&self, principal: &str) -> PathBuf {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let file = self.folder.join(format!("{number}.keytab"));
        let shown = file.display();
        self.administer(&format!("ktadd -norandkey -k {shown} {principal}"));
        file
    }

    /// Fills the ticket cache by a keytab; `life` as `10h` or `2s`.
    pub fn kinit(&self, keytab: &Path, principal: &str, life: &str) {
        let keytab = keytab.to_string_lossy();
        self.done("kinit", &["-l", life, "-k", "-t", &keytab, principal]);
    }

    pub fn forget_tickets(&self) {
        std::fs::remove_file(self.cache()).ok();
    }
}

impl Drop for Kdc {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().ok();
            process.wait().ok();
        }
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

/// From `PATH`, or where Debian keeps what only root needs.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let mut files = all.map(|folder| folder.join(program));
    files.find(|file| file.is_file())
}
