//! Why PostgreSQL could not be connected to, and what to do about it.
//!
//! It is used while a connection is opened, where some SQLSTATEs mean something else than on an
//! open one (`fault`). Advice names the setting or the SQL that helps, with the job's own names in
//! it.

use std::error::Error as StdError;
use std::io;

use rustls::CertificateError;

use crate::config::job::SslMode;
use crate::error::{Error, Kind};
use crate::postgres::fault;
use crate::postgres::tls::HandshakeError;

/// The server that is connected to, as the job names it.
pub(super) struct Names {
    /// `host:port`.
    pub(super) address: String,
    pub(super) database: String,
    pub(super) user: String,
    pub(super) sslmode: SslMode,
}

/// The driver's text for a server that answers "no" to the request for TLS.
const NO_TLS: &str = "server does not support TLS";
/// Its texts for a login without what it needs.
const NO_PASSWORD: &str = "password missing";
const NO_METHOD: &str = "unsupported authentication method";
const NO_BINDING: &str = "server did not use channel binding";

/// TLS itself failed, or `pg_hba.conf` has no line for this kind of connection (28000).
pub(super) fn is_about_tls(error: &tokio_postgres::Error) -> bool {
    fault::caused_by::<HandshakeError>(error).is_some()
        || error.code().is_some_and(|code| code.code() == "28000")
}

/// Whether the next server of the list is tried. One that refuses a login speaks for all of them (PostgreSQL
/// documentation, "Specifying Multiple Hosts", 34.1.1.3).
pub(super) fn lets_try_another(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::TargetUnreachable | Kind::TargetCut | Kind::TargetNotReady | Kind::TargetRefused
    )
}

/// The server's answer decides if there is one; then TLS; else the driver's own text, pinned by a
/// test.
pub(super) fn explain(error: tokio_postgres::Error, target: &Names) -> Error {
    if let Some(answer) = error.as_db_error() {
        let code = answer.code().code();
        let said = fault::said(answer);
        return answered(code, &said, target).because(Answer(format!("SQLSTATE {code}")));
    }
    if let Some(handshake) = fault::caused_by::<HandshakeError>(&error) {
        let text = handshake_failed(handshake, target);
        // Without a verdict of TLS it is the connection that broke.
        let verdict = fault::caused_by::<rustls::Error>(&handshake.0).is_some()
            || handshake.0.kind() == io::ErrorKind::InvalidInput;
        let kind = if verdict {
            Kind::TargetTls
        } else {
            Kind::TargetCut
        };
        return Error::new(kind, text).because(error);
    }
    let address = &target.address;
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    let (kind, text) = match error.to_string().as_str() {
        _ if cause == NO_TLS => (
            Kind::TargetTls,
            format!(
                "PostgreSQL at {address} does not offer TLS: switch it on there (ssl = on), or lower target.sslmode to prefer or disable"
            ),
        ),
        "invalid configuration" if cause == NO_PASSWORD => (
            Kind::TargetLogin,
            format!(
                "PostgreSQL at {address} asks for a password of {}, and there is none: set target.password, \
                 target.password_command or PGPASSWORD, or add a line to the password file (target.passfile, \
                 ~/.pgpass), which is ignored if others may read it",
                target.user
            ),
        ),
        "authentication error" if cause == NO_METHOD => (
            Kind::TargetLogin,
            format!(
                "PostgreSQL at {address} asks {} for a login by Kerberos (gss or sspi), which this version does not \
                 have for PostgreSQL: let a line of pg_hba.conf allow scram-sha-256 or cert for this user and address",
                target.user
            ),
        ),
        "authentication error" if cause == NO_BINDING => (
            Kind::TargetLogin,
            format!(
                "PostgreSQL at {address} did not bind the login to its certificate, which target.channel_binding asks \
                 for: it needs TLS, scram-sha-256 in pg_hba.conf, and no proxy that ends TLS in between"
            ),
        ),
        "invalid configuration" | "authentication error" => (
            Kind::TargetLogin,
            format!(
                "could not log in to PostgreSQL at {address} as {}: {cause}",
                target.user
            ),
        ),
        "error connecting to server" => (
            Kind::TargetUnreachable,
            format!(
                "could not connect to PostgreSQL at {address}: {cause}: check target.host, target.port, and that the server runs and listens there"
            ),
        ),
        _ => (
            Kind::TargetCut,
            format!("PostgreSQL at {address} ended the connection during the login: {error}"),
        ),
    };
    Error::new(kind, text).because(error)
}

/// Stands in for the server's answer, which the message has.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Answer(String);

/// `said` is the server's message, already without values.
fn answered(code: &str, said: &str, target: &Names) -> Error {
    // A server that starts, stops or is full cannot be connected to by any role; on a connection
    // that was open these codes mean something else.
    let kind = match (code, fault::kind_of(code)) {
        // An answer of PgBouncer and its like to a name that they do not know.
        ("08P01", _) if said.contains("no such database") => Kind::TargetDatabase,
        ("08P01", _) if said.contains("no such user") => Kind::TargetLogin,
        // "database ... is not currently accepting connections" (ALLOW_CONNECTIONS false).
        ("55000", _) => Kind::TargetDatabase,
        // A standby that takes no connections at all stays so.
        ("57P03", _) if said.contains("Hot standby mode is disabled") => Kind::TargetRefused,
        (_, Kind::TargetLost) => Kind::TargetNotReady,
        (_, Kind::TargetBusy) => Kind::TargetRefused,
        (_, kind) => kind,
    };
    let address = &target.address;
    let mut text = format!("PostgreSQL at {address} refused the connection: {said}");
    if let Some(advice) = advice(code, said, kind, target) {
        text.push_str(&format!(": {advice}"));
    }
    Error::new(kind, text)
}

/// What to do, if the code and the words of the answer tell (postgres, `miscinit.c`,
/// `postinit.c`, `postmaster.c`, `auth.c`). `None` if the answer says it.
fn advice(code: &str, said: &str, kind: Kind, target: &Names) -> Option<String> {
    let Names { database, user, .. } = target;
    let quoted = tsql::names::quote_ident;
    let advice = match (kind, code) {
        (Kind::TargetLogin, "28P01" | "08P01") => {
            format!("check target.user ({user}) and target.password")
        }
        (Kind::TargetLogin, _) if said.contains("is not permitted to log in") => {
            format!("ALTER ROLE {} LOGIN, or another target.user", quoted(user))
        }
        (Kind::TargetLogin, _) if said.contains("does not exist") => {
            format!("check target.user ({user}), or make the role")
        }
        (Kind::TargetLogin, _) if target.sslmode == SslMode::Disable => {
            "let pg_hba.conf allow this user, database and address; if it has only hostssl lines, set target.sslmode to require or stronger".into()
        }
        (Kind::TargetLogin, _) => {
            "check target.user, and that pg_hba.conf allows this user, database and address".into()
        }
        (Kind::TargetDatabase, "55000") => {
            format!("ALTER DATABASE {} ALLOW_CONNECTIONS true, or correct target.database", quoted(database))
        }
        (Kind::TargetDatabase, "08P01") => {
            "name it in the pooler's list of databases, or correct target.database".into()
        }
        (Kind::TargetDatabase, _) => {
            format!("create it (CREATE DATABASE {}) or correct target.database", quoted(database))
        }
        (Kind::TargetPermission, _) => {
            format!("GRANT CONNECT ON DATABASE {} TO {}", quoted(database), quoted(user))
        }
        (_, "53300") => too_many(said, target),
        (_, "57P03") if said.contains("Hot standby mode is disabled") => {
            "this is a standby: connect to the primary server".into()
        }
        (_, "57P03" | "57P01" | "57P02") => "run again when it takes connections".into(),
        _ if said.contains("max_client_conn") => {
            "lower target.pool.max_connections, or raise max_client_conn of the pooler".into()
        }
        _ => return None,
    };
    Some(advice)
}

/// Which of four limits was met: of the role, the database, a pooler or the server.
fn too_many(said: &str, target: &Names) -> String {
    let Names { database, user, .. } = target;
    let quoted = tsql::names::quote_ident;
    let raise = if said.contains("for role") {
        format!("ALTER ROLE {} CONNECTION LIMIT ...", quoted(user))
    } else if said.contains("for database") {
        format!("ALTER DATABASE {} CONNECTION LIMIT ...", quoted(database))
    } else if said.contains("max_client_conn") {
        "raise max_client_conn of the pooler".into()
    } else {
        "raise max_connections of the server".into()
    };
    format!(
        "lower target.pool.max_connections (a run needs one more, for the job lock), or {raise}"
    )
}

/// Names what is wrong with the certificate, if the check of the certificate is what failed.
fn handshake_failed(error: &HandshakeError, target: &Names) -> String {
    let address = &target.address;
    let rustls::Error::InvalidCertificate(problem) = (match fault::caused_by(&error.0) {
        Some(inner) => inner,
        None => {
            return format!(
                "the TLS handshake with PostgreSQL at {address} failed: {}",
                error.0
            );
        }
    }) else {
        return format!(
            "the TLS handshake with PostgreSQL at {address} failed: {}",
            error.0
        );
    };
    let what = match problem {
        CertificateError::UnknownIssuer => {
            "it is signed by an authority that is not trusted here: name that authority's certificate in target.ca_file".into()
        }
        // An authority of the right name with another key is one that was made again. If no authority is
        // asked for, it is the signature of the handshake.
        CertificateError::BadSignature => {
            "it is signed by an authority that is not trusted here: name that authority's certificate in target.ca_file; or the server that answers does not have the certificate's key: look for an attacker in between".into()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is not made out to that host: use the name in its subjectAltName as target.host, or set target.sslmode to verify-ca".into()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired: renew it on the server".into()
        }
        other => format!("{other}"),
    };
    format!("the certificate of PostgreSQL at {address} is not acceptable: {what}")
}
