//! What an error of SQL Server or of the driver means: its number becomes a kind and an advice.
//!
//! The kind is a fact; whether it is tried again is for `pipeline::policy`. A number that is not
//! listed is `SourceQuery`, which is not retried, unless its class says that the server ended the
//! connection.

use std::io;

use crate::config::job::Auth;
use crate::error::{Error, Kind};

/// From this class on the server ends the connection (Microsoft, "Database engine error severities").
const CLASS_ENDS_CONNECTION: u8 = 20;
/// Class of 605 if the page was moved and nothing is broken (MSSQLSERVER_605).
const CLASS_PAGE_MOVED: u8 = 12;

/// An error that SQL Server answered.
/// `class` is the severity. The message is the server's own, unless it may quote a value.
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

/// What the numbers mean. Texts and classes are those of Microsoft's "Database engine events and
/// errors"; each group names what else says that the fault passes. "Azure" is Microsoft's
/// "Troubleshoot connectivity issues and other errors with Azure SQL Database" (list of transient
/// fault error codes), "SqlClient" its `SqlConfigurableRetryFactory.BaselineTransientErrors`, "EF" is
/// Entity Framework Core's `SqlServerTransientExceptionDetector`.
fn kind_of(number: u32, class: u8) -> Kind {
    match number {
        // Wrong password, wrong authentication, disabled, locked, expired, firewall rule.
        18452 | 18456 | 18461 | 18468 | 18470 | 18486 | 18487 | 18488 | 40615 => Kind::SourceLogin,
        // Unknown, single user, restoring, offline, files missing, a replica for read intent only.
        911 | 924 | 927 | 942 | 945 | 978 | 4064 => Kind::SourceDatabase,
        // Recovering ("try again later" in their texts: 921, 922, 988), suspect (926, Azure: during a
        // reconfiguration), a replica that is suspended or resolving (976, 983: "Troubleshoot Always
        // On Availability Groups"), cannot be opened (4060: Azure, SqlClient).
        921 | 922 | 926 | 976 | 983 | 988 | 4060 => Kind::SourceDatabaseUnavailable,
        // Deadlock, locks used up, lock time-out (SqlClient: 1204, 1205, 1222).
        1204 | 1205 | 1222 => Kind::SourceBusy,
        // A scan without locks that pages moved under (601: "could not continue scan with NOLOCK due to
        // data movement"; 605 of class 12, MSSQLSERVER_605: the same; of class 21 it is corruption).
        601 => Kind::SourceBusy,
        605 if class == CLASS_PAGE_MOVED => Kind::SourceBusy,
        // Row versions: changed or lost under SNAPSHOT (3960, 3961, 3963), aged out or the version
        // store is full (3958, 3966, 3967: "Troubleshoot insufficient disk space in tempdb"), a
        // readable secondary that waits for them (4221: Azure, SqlClient).
        3958 | 3960 | 3961 | 3963 | 3966 | 3967 | 4221 => Kind::SourceBusy,
        // Conflicts and dependencies of memory-optimised tables ("Transactions with memory-optimized
        // tables", retry logic; EF).
        41301 | 41302 | 41305 | 41325 | 41839 => Kind::SourceBusy,
        // Memory, latch and worker shortage ("Memory errors and recommendations").
        701 | 802 | 845 | 8628 | 8645 | 8651 => Kind::SourceBusy,
        // Paused, starting, upgrading, shutting down (18401: SqlClient), no more sessions or tasks,
        // login time-out.
        17142 | 17187 | 17197 | 17300 | 17809 | 18401 | 18451 => Kind::SourceBusy,
        // Throttled or moving (Azure, SqlClient, EF).
        615 | 10928 | 10929 | 10936 | 40501 | 40544 | 40613 | 40627 | 49918 | 49919 | 49920 => {
            Kind::SourceBusy
        }
        229 | 230 | 262 | 297 | 300 | 371 | 916 | 15562 => Kind::SourcePermission,
        // Killed, shutting down, moved away (Azure, SqlClient, EF; 596, 6001, 6005: their texts).
        64 | 233 | 596 | 6001 | 6005 | 10053 | 10054 | 10060 | 40143 | 40197 | 40540 | 42108
        | 42109 => Kind::SourceLost,
        3951 | 3952 | 3954 | 3956 | 3957 => Kind::SourceConsistency,
        _ if class >= CLASS_ENDS_CONNECTION => Kind::SourceLost,
        _ => Kind::SourceQuery,
    }
}

/// As [`driver_error`], for a refused login: what to do depends on who tried to log in.
pub(super) fn login_error(auth: Auth, error: tiberius::error::Error) -> Error {
    let tiberius::error::Error::Server(told) = &error else {
        return driver_error(error);
    };
    let Some(advice) = login_advice(auth, told.code()) else {
        return driver_error(error);
    };
    let (number, state, class) = (told.code(), told.state(), told.class());
    let text = told.message().trim_end();
    Error::new(
        kind_of(number, class),
        format!("SQL Server error {number}, state {state}, class {class}: {text}{advice}"),
    )
}

/// What a refusal means for a login that is not by password; `None` if it means the same.
fn login_advice(auth: Auth, number: u32) -> Option<&'static str> {
    match (auth, number) {
        (Auth::Sql, _) => None,
        (Auth::Kerberos, 18452) => Some(
            "; the SPN belongs to another account than the one that the server runs as (`setspn -Q` shows whose it is), \
             the server does not trust the account's domain, or it requires Extended Protection, which this tool does \
             not have",
        ),
        (Auth::Ntlm, 18452) => Some(
            "; the server does not trust the account's domain, or it requires Extended Protection, which this tool \
             does not have",
        ),
        (Auth::Kerberos, 18456) => Some(
            "; the ticket was taken, so the account most often has no login: CREATE LOGIN [DOMAIN\\user] FROM WINDOWS",
        ),
        (Auth::Ntlm, 18456) => Some(
            "; check source.user (DOMAIN\\user), source.password, and that the account has a login: CREATE LOGIN \
             [DOMAIN\\user] FROM WINDOWS",
        ),
        (Auth::Token, 18456) => Some(
            "; check that the token is of the server's tenant and that its account is a user of the database: \
             CREATE USER [name] FROM EXTERNAL PROVIDER",
        ),
        _ => None,
    }
}

/// A fragment that follows the message, with its separator; empty for most numbers.
fn advice(number: u32) -> &'static str {
    match number {
        18456 => {
            "; check source.user and source.password (the server's error log has the reason; its state 58 \
             says that the server takes Windows logins only: source.auth: kerberos or ntlm)"
        }
        18452 => {
            "; the server takes Windows logins only: set source.auth to kerberos or ntlm, or enable SQL Server \
             authentication"
        }
        18470 => "; the login is disabled: ALTER LOGIN ... ENABLE",
        18486..=18488 => "; unlock the login or change its password",
        40615 => "; add this address to the server's firewall rules",
        911 | 4060 | 4064 => {
            "; check source.database, and that the login has a user in that database"
        }
        916 => "; create a user for the login in that database",
        229 | 230 => "; grant SELECT on it to the login's user",
        262 | 297 | 300 => "; grant the permission that it names",
        8649 => "; the server's query governor forbids statements of this cost",
        978 => {
            "; the replica takes read-intent connections only: connect to the primary, or set \
             source.application_intent: read_only"
        }
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

    /// Number and class as the server sends them (`sys.messages`).
    #[test]
    fn numbers_become_the_kinds_that_retry_depends_on() {
        for (kind, numbers) in [
            (
                Kind::SourceLogin,
                &[(18456, 14), (18452, 14), (18470, 14), (40615, 14)][..],
            ),
            (
                Kind::SourceDatabase,
                &[
                    (911, 16),
                    (924, 14),
                    (927, 14),
                    (942, 14),
                    (978, 14),
                    (4064, 11),
                ],
            ),
            (
                Kind::SourceDatabaseUnavailable,
                &[
                    (921, 14),
                    (922, 14),
                    (926, 14),
                    (976, 14),
                    (983, 14),
                    (988, 14),
                    (4060, 11),
                ],
            ),
            (
                Kind::SourcePermission,
                &[(229, 14), (230, 14), (262, 14), (300, 14), (916, 14)],
            ),
            (
                Kind::SourceBusy,
                &[(1204, 19), (1205, 13), (1222, 16), (601, 12), (605, 12)],
            ),
            (
                Kind::SourceBusy,
                &[
                    (3958, 16),
                    (3960, 16),
                    (3961, 16),
                    (3966, 17),
                    (3967, 17),
                    (4221, 16),
                ],
            ),
            (
                Kind::SourceBusy,
                &[
                    (41301, 16),
                    (41302, 16),
                    (41305, 16),
                    (41325, 16),
                    (41839, 16),
                ],
            ),
            (
                Kind::SourceBusy,
                &[
                    (701, 17),
                    (8645, 17),
                    (17142, 14),
                    (17187, 16),
                    (17197, 16),
                    (17300, 16),
                    (17809, 20),
                    (18401, 14),
                    (18451, 14),
                ],
            ),
            (
                Kind::SourceBusy,
                &[
                    (615, 21),
                    (10928, 20),
                    (10929, 20),
                    (40501, 20),
                    (40613, 17),
                    (49918, 16),
                    (49919, 16),
                    (49920, 16),
                ],
            ),
            (
                Kind::SourceLost,
                &[(40197, 17), (596, 21), (6005, 14), (824, 24), (605, 21)],
            ),
            (Kind::SourceConsistency, &[(3952, 16)]),
            (Kind::SourceQuery, &[(208, 16), (8649, 17), (605, 16)]),
        ] {
            for (number, class) in numbers {
                let error = server_error(*number, 1, *class, "x");
                assert_eq!(error.kind(), kind, "{number}, class {class}");
            }
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
