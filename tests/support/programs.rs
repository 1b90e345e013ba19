//! PostgreSQL's own programs, for tests that ask them what was made.

use std::path::PathBuf;
use std::process::Command;

use migrate::config::job::Target;

/// One of PostgreSQL's own programs, from `PATH` or the newest of Debian's.
pub fn tool(program: &str, target: &Target, arguments: &[&str]) -> String {
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut folders: Vec<PathBuf> = debian.map(|entry| entry.path().join("bin")).collect();
    folders.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::split_paths(&path).chain(folders.into_iter().rev());
    let file = all
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .expect("PostgreSQL's client programs");
    let output = Command::new(file)
        .args(arguments)
        .env("PGHOST", &target.host)
        .env("PGPORT", target.port.to_string())
        .env("PGUSER", &target.user)
        .env("PGPASSWORD", target.password.expose())
        .env("PGDATABASE", &target.database)
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {said}");
    String::from_utf8(output.stdout).expect("UTF-8")
}
