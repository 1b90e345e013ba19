//! What an error of SQL Server or of the driver means: its number becomes a kind and an advice.

use std::io;

use crate::error::{Error, Kind};

/// From this class on the server ends the connection (Microsoft, "Database engine error severities").
const CLASS_ENDS_CONNECTION: u8 = 20;

/// An error that SQL Server answered.
pub(super) fn server_error(number: u32, state: u8, class: u8, text: &str) -> Error {
    let kind = kind_of(number, class);
    let head = format!("SQL Server error {number}, state {state}, class {class}");
    let text = if quotes_a_value(number) {
        "(its text quotes a value and is left out)"
    } else {
        text.trim_end()
    };
    Error::new(kind, format!("{head}: {text}{}", advice(number)))
}

/// What the numbers mean (Microsoft, "Database engine events and errors", and for those from 10928
/// and 40000 on "Troubleshoot transient connection errors in SQL Database").
fn kind_of(number: u32, class: u8) -> Kind {
    match number {
        // Wrong password, wrong authentication, disabled, locked, expired, firewall rule.
        18452 | 18456 | 18461 | 18468 | 18470 | 18486 | 18487 | 18488 | 40615 => Kind::SourceLogin,
        // Unknown, offline, restoring, single user, suspect, a replica that cannot be read.
        911 | 921 | 922 | 924 | 926 | 927 | 942 | 945 | 976 | 978 | 983 | 4060 | 4064 => {
            Kind::SourceDatabase
        }
        229 | 230 | 262 | 297 | 300 | 371 | 916 | 15562 => Kind::SourcePermission,
        // Deadlock, locks used up, lock time-out, NOLOCK scan overtaken by moves, snapshot conflicts.
        1205 | 1204 | 1222 | 601 | 3960 | 3961 | 3963 => Kind::SourceBusy,
        // Memory, latch and worker shortage.
        701 | 802 | 845 | 8645 | 8651 | 8628 | 17142 | 18401 | 17187 => Kind::SourceBusy,
        // Azure: throttled or moving.
        10928 | 10929 | 10936 | 40501 | 40544 | 40613 | 40627 | 49918 | 49919 | 49920 => {
            Kind::SourceBusy
        }
        // Killed, shutting down, moved away.
        64 | 233 | 596 | 6001 | 6005 | 10053 | 10054 | 10060 | 40143 | 40197 | 40540 | 42108
        | 42109 => Kind::SourceLost,
        3951 | 3952 | 3954 | 3956 | 3957 => Kind::SourceConsistency,
        _ if class >= CLASS_ENDS_CONNECTION => Kind::SourceLost,
        _ => Kind::SourceQuery,
    }
}

fn advice(number: u32) -> &'static str {
    match number {
        18456 => "; check source.user and source.password (the server's error log has the reason)",
        18452 => "; the server takes Windows logins only: enable SQL Server authentication",
        18470 => "; the login is disabled: ALTER LOGIN ... ENABLE",
        18486..=18488 => "; unlock the login or change its password",
        40615 => "; add this address to the server's firewall rules",
        911 | 4060 | 4064 => {
            "; check source.database, and that the login has a user in that database"
        }
        916 => "; create a user for the login in that database",
        229 | 230 => "; grant SELECT on it to the login's user",
        262 | 297 | 300 => "; grant the permission that it names",
        978 => "; the replica takes read-intent connections only: connect to the primary",
        3952 => {
            "; ALTER DATABASE ... SET ALLOW_SNAPSHOT_ISOLATION ON, or another \
                 transfer.consistency"
        }
        _ => "",
    }
}

/// Conversion and duplicate-key messages contain cell values, which errors never show.
fn quotes_a_value(number: u32) -> bool {
    matches!(
        number,
        220 | 232 | 244 | 245 | 248 | 2601 | 2627 | 2628 | 8114 | 8169
    )
}

/// An error of the driver: what the server said, or what happened to the connection.
pub(super) fn driver_error(error: tiberius::error::Error) -> Error {
    use tiberius::error::Error as Driver;
    match error {
        Driver::Server(told) => {
            server_error(told.code(), told.state(), told.class(), told.message())
        }
        Driver::Io { kind, message } => lost(io::Error::new(kind, message)),
        Driver::Tls(message) => Error::new(Kind::SourceTls, message),
        other => Error::new(
            Kind::SourceProtocol,
            "the server's answer could not be understood",
        )
        .because(other),
    }
}

/// The connection broke.
pub(super) fn lost(cause: io::Error) -> Error {
    let message = if cause.kind() == io::ErrorKind::UnexpectedEof {
        "SQL Server closed the connection"
    } else {
        "the connection to SQL Server broke"
    };
    Error::new(Kind::SourceLost, message).because(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_the_kinds_that_retry_depends_on() {
        for (number, class, kind) in [
            (18456, 14, Kind::SourceLogin),
            (4060, 11, Kind::SourceDatabase),
            (229, 14, Kind::SourcePermission),
            (262, 14, Kind::SourcePermission),
            (300, 14, Kind::SourcePermission),
            (916, 14, Kind::SourcePermission),
            (1205, 13, Kind::SourceBusy),
            (1222, 16, Kind::SourceBusy),
            (3960, 16, Kind::SourceBusy),
            (40501, 20, Kind::SourceBusy),
            (40197, 17, Kind::SourceLost),
            (596, 21, Kind::SourceLost),
            (824, 24, Kind::SourceLost),
            (208, 16, Kind::SourceQuery),
            (3952, 16, Kind::SourceConsistency),
        ] {
            assert_eq!(server_error(number, 1, class, "x").kind(), kind, "{number}");
        }
    }

    #[test]
    fn an_error_says_what_to_do() {
        let text = server_error(18456, 1, 14, "Login failed for user 'app'.").to_string();
        assert!(
            text.contains("18456") && text.contains("source.password"),
            "{text}"
        );
        let text = server_error(4060, 1, 11, "Cannot open database \"x\".").to_string();
        assert!(text.contains("source.database"), "{text}");
    }

    #[test]
    fn values_in_server_messages_stay_out() {
        let text = "Conversion failed when converting the varchar value 'Alice' to data type int.";
        let error = server_error(245, 1, 16, text);
        assert!(!error.to_string().contains("Alice"), "{error}");
        assert!(error.to_string().contains("245"));
    }

    #[test]
    fn a_closed_connection_is_lost() {
        let error = driver_error(tiberius::error::Error::Io {
            kind: io::ErrorKind::UnexpectedEof,
            message: "eof".into(),
        });
        assert_eq!(error.kind(), Kind::SourceLost);
    }
}
