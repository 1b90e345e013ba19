//! Free space on the target's disk, which PostgreSQL itself does not tell.
//!
//! No function of PostgreSQL says it, and a check runs no program on a server. If the server is on this
//! machine, the system says it of the directory that the server names. Whether it is on this machine is
//! told by the title of the process that serves our own connection; an address does not tell, because ports
//! are forwarded.

use std::fs;
use std::process::Command;

use crate::postgres::facts::Place;

/// Bytes that are free where new tables are kept; if that is not known, why.
pub fn free_bytes(place: &Place, database: &str) -> Result<u64, &'static str> {
    if !is_here(place, database) {
        return Err(
            "PostgreSQL has no function that tells it, and the server is not on this machine",
        );
    }
    let directory = place.directory.as_deref().ok_or(
        "the server is on this machine, but the role may not read where its files are (it needs \
         pg_read_all_settings)",
    )?;
    let failed = "the system does not tell the free space of the server's directory";
    let asked = Command::new("df").args(["-Pk", "--", directory]).output();
    let asked = asked.map_err(|_| failed)?;
    available(&String::from_utf8_lossy(&asked.stdout)).ok_or(failed)
}

/// Whether this machine runs the process, by the title that PostgreSQL gives it: `postgres: user database
/// host(port) state`, with the cluster's name before it if it has one.
fn is_here(place: &Place, database: &str) -> bool {
    let title = fs::read(format!("/proc/{}/cmdline", place.pid)).unwrap_or_default();
    let title = String::from_utf8_lossy(&title);
    title.starts_with("postgres: ") && title.contains(&format!("{} {database} ", place.login))
}

/// The fourth column of the line after the heading, in KiB (POSIX, "df", with `-P` and `-k`).
/// A file system's name may have blanks, so it is counted from the percentage, the fifth.
fn available(said: &str) -> Option<u64> {
    let line = said.lines().nth(1)?;
    let fields: Vec<&str> = line.split_whitespace().collect();
    let percent = fields.iter().position(|field| {
        let digits = field.strip_suffix('%');
        digits.is_some_and(|digits| digits.parse::<u64>().is_ok())
    })?;
    let kibibytes: u64 = fields.get(percent.checked_sub(1)?)?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `df -Pk` of coreutils 9.1 and of the BSDs prints it.
    #[test]
    fn free_space_is_read_as_posix_writes_it() {
        let said = "Filesystem     1024-blocks     Used Available Capacity Mounted on\n\
                    /dev/mapper/my vg  263174212 61235120 188498452      25% /var/lib/postgresql data\n";
        assert_eq!(available(said), Some(188_498_452 * 1024));
        assert_eq!(available("df: /nowhere: No such file or directory\n"), None);
        assert_eq!(available(""), None);
    }

    #[test]
    fn a_process_of_another_name_is_not_the_server() {
        let own = Place {
            pid: std::process::id().cast_signed(),
            login: "postgres".into(),
            directory: Some("/".into()),
        };
        let refused = free_bytes(&own, "shop");
        assert!(refused.is_err_and(|why| why.contains("not on this machine")));
    }
}
