//! libpq's password file, `~/.pgpass`: `host:port:database:user:password`, the first line that fits counts.
//!
//! PostgreSQL documentation, "The Password File", 34.16.

use std::path::Path;

use zeroize::Zeroizing;

use crate::config::libpq::file;
use crate::config::secret::Secret;

/// Where libpq's own socket is by default: upstream and on Debian. A line for `localhost` fits there too.
const SOCKET_FOLDERS: [&str; 2] = ["/tmp", "/var/run/postgresql"];

/// Whom a password is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Login<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) database: &'a str,
    pub(crate) user: &'a str,
}

/// The text of the file. `None` if there is no such file, or others than its owner may use it: such a file is
/// ignored, with a warning, as libpq does.
///
/// # Errors
/// The file is there and cannot be read.
pub(crate) fn read(path: &Path) -> Result<Option<Zeroizing<String>>, String> {
    let Ok(found) = path.metadata() else {
        return Ok(None);
    };
    if !found.is_file() {
        tracing::warn!(file = %path.display(), "the password file is not a plain file and is ignored");
        return Ok(None);
    }
    if is_open_to_others(&found) {
        tracing::warn!(
            file = %path.display(),
            "the password file may be used by others than its owner and is ignored: chmod 0600"
        );
        return Ok(None);
    }
    file::read(path).map(Some)
}

#[cfg(unix)]
fn is_open_to_others(found: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    found.permissions().mode() & 0o077 != 0
}

/// Windows keeps the file in the user's own folder, and libpq checks nothing there.
#[cfg(not(unix))]
fn is_open_to_others(_: &std::fs::Metadata) -> bool {
    false
}

/// The password of the first line that fits.
pub(crate) fn password(text: &str, login: Login<'_>) -> Option<Secret> {
    let port = login.port.to_string();
    let is_local = SOCKET_FOLDERS.contains(&login.host);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    for line in lines {
        let Some((fields, password)) = fields(line) else {
            continue;
        };
        let [host, on_port, database, user] = fields.each_ref().map(|field| field.as_str());
        let fits = |field: &str, value: &str| field == "*" || field == value;
        let host_fits = fits(host, login.host) || is_local && host == "localhost";
        if host_fits
            && fits(on_port, &port)
            && fits(database, login.database)
            && fits(user, login.user)
        {
            return Some(Secret::new(password.as_str()));
        }
    }
    None
}

/// The four fields before the password, and the password. A backslash takes the next character as it is.
fn fields(line: &str) -> Option<([String; 4], Zeroizing<String>)> {
    let mut before = Vec::new();
    let mut field = Zeroizing::new(String::with_capacity(line.len()));
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => field.extend(characters.next()),
            ':' if before.len() < 4 => {
                before.push(field.as_str().to_owned());
                field.clear();
            }
            other => field.push(other),
        }
    }
    Some((before.try_into().ok()?, field))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# host:port:database:user:password
pg01:5432:shop:migrator:first
pg01:*:shop:*:any port
pg\\:02:5433:shop:mig\\\\rator:with \\: and \\\\ and # inside
short:line
localhost:5432:*:migrator:socket
*:5439:*:*:last:with:colons
";

    fn found(host: &str, port: u16, user: &str) -> Option<String> {
        let login = Login {
            host,
            port,
            database: "shop",
            user,
        };
        password(FILE, login).map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn the_first_line_that_fits_has_the_password() {
        for (host, port, user, expected) in [
            ("pg01", 5432, "migrator", Some("first")),
            ("pg01", 5432, "other", Some("any port")),
            (
                "pg:02",
                5433,
                "mig\\rator",
                Some("with : and \\ and # inside"),
            ),
            ("/var/run/postgresql", 5432, "migrator", Some("socket")),
            ("/elsewhere", 5432, "migrator", None),
            ("short", 5432, "migrator", None),
            ("pg09", 5439, "x", Some("last:with:colons")),
            ("PG01", 5432, "migrator", None),
        ] {
            assert_eq!(
                found(host, port, user).as_deref(),
                expected,
                "{host}:{port}:{user}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_use_is_ignored() {
        use std::os::unix::fs::PermissionsExt as _;
        let path = std::env::temp_dir().join(format!("migrate-pgpass-{}", std::process::id()));
        assert!(read(&path).unwrap().is_none());
        std::fs::write(&path, FILE).unwrap();
        for (mode, used) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(&path).unwrap().is_some(), used, "{mode:o}");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(read(&std::env::temp_dir()).unwrap().is_none());
    }
}
