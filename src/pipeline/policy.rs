//! What follows from a kind of error: whether a retry can help, and what the operator can do.

use crate::error::Kind;

/// The consequence of one kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The same work, done again from the last committed key, may succeed.
    pub retry: bool,
    /// One sentence for the operator: what to look at or to change.
    pub advice: &'static str,
}

const fn retry(advice: &'static str) -> Policy {
    Policy {
        retry: true,
        advice,
    }
}

const fn fatal(advice: &'static str) -> Policy {
    Policy {
        retry: false,
        advice,
    }
}

/// One table without a wildcard, so that a new kind must choose.
///
/// A kind is retried where time alone can heal it. `SourceUnreachable` and `TargetUnreachable`
/// are: a server that restarts is unreachable for a while. At the start of a run nothing is
/// retried, so a wrong host name still fails at once.
pub const fn policy(kind: Kind) -> Policy {
    match kind {
        Kind::Usage => fatal("see `migrate --help`."),
        Kind::JobFile => fatal(
            "correct the job file; migrations-config/full.yaml shows every key with its default.",
        ),
        Kind::SourceUnreachable => retry(
            "check source.host, source.port or source.instance, the firewall, and that SQL Server \
             listens on TCP; a named instance needs the browser service (UDP 1434) or a port.",
        ),
        Kind::SourceLogin => fatal(
            "check source.user and source.password, and that the server allows SQL Server logins \
             (mixed mode).",
        ),
        Kind::SourceTls => fatal(
            "name the certificate authority in source.ca_file, or the certificate's name in \
             source.host_name_in_certificate; source.trust_server_certificate: true gives up the \
             check.",
        ),
        Kind::SourceDatabase => {
            fatal("check source.database, that it is online, and that the login has a user in it.")
        }
        Kind::SourcePermission => fatal(
            "grant the login db_datareader and VIEW DEFINITION in the source database; \
             docs/operations.md lists what is needed.",
        ),
        Kind::SourceHidden => fatal(
            "grant the login what it lacks (UNMASK, or SELECT on the whole table), exclude the column \
             (tables.overrides.<table>.columns.exclude), or take what the login sees with \
             tables.overrides.<table>.accept: [masked, filtered].",
        ),
        Kind::SourceLost => retry(
            "if it stays so, look into the SQL Server error log and at what sits between here and \
             there; the same command continues.",
        ),
        Kind::SourceTimeout => retry(
            "raise source.read_timeout, or look for blocking on the source (sys.dm_exec_requests).",
        ),
        Kind::SourceBusy => retry(
            "if it stays so, run at a quieter time or lower source.pool.max_connections; the same \
             command continues.",
        ),
        Kind::SourceQuery => fatal(
            "the server's own message says what it refused; check tables.overrides.*.where if the \
             table has one.",
        ),
        Kind::SourceProtocol => fatal(
            "this is not the protocol that SQL Server speaks: check that host and port are those \
             of SQL Server; if they are, please report it with the server's version.",
        ),
        Kind::SourcePoolTimeout => retry(
            "raise source.pool.acquire_timeout or source.pool.max_connections, or lower \
             transfer.max_partitions_per_table.",
        ),
        Kind::SourceConsistency => fatal(
            "run ALTER DATABASE ... SET ALLOW_SNAPSHOT_ISOLATION ON on the source, or choose \
             another transfer.consistency.",
        ),
        Kind::TargetUnreachable => retry(
            "check target.host and target.port, listen_addresses of PostgreSQL, and the firewall.",
        ),
        Kind::TargetLogin => {
            fatal("check target.user, target.password and pg_hba.conf of the target server.")
        }
        Kind::TargetTls => fatal(
            "name the certificate authority in target.ca_file, or choose a target.sslmode that \
             the server offers.",
        ),
        Kind::TargetDatabase => {
            fatal("create the database, or correct target.database; it is not made by this tool.")
        }
        Kind::TargetPermission => fatal(
            "grant the role CREATE on the target database and on the schemas it writes to; \
             docs/operations.md lists what is needed.",
        ),
        Kind::TargetLost => {
            retry("if it stays so, look into the PostgreSQL log; the same command continues.")
        }
        Kind::TargetBusy => retry(
            "if it stays so, lower target.pool.max_connections or raise max_connections of \
             PostgreSQL; the same command continues.",
        ),
        Kind::TargetFull => fatal(
            "make room on the target's disk or memory, then run the same command: it continues.",
        ),
        Kind::TargetQuery => fatal("the server's own message says what it refused."),
        Kind::TargetPoolTimeout => {
            retry("raise target.pool.acquire_timeout or target.pool.max_connections.")
        }
        Kind::TargetExists => fatal(
            "choose transfer.mode: replace (drops the table), truncate (empties it) or append \
             (adds to it), or move the table away.",
        ),
        Kind::Unsupported => fatal(
            "exclude the column (tables.overrides.<table>.columns.exclude) or give it a type that \
             can be carried (tables.overrides.<table>.types).",
        ),
        Kind::Naming => fatal(
            "give it another name: tables.overrides.<table>.rename for a table, \
             tables.overrides.<table>.columns.rename for a column; for a schema, set target.schemas.",
        ),
        Kind::Value => fatal(
            "correct the value at the source or choose another policy under values: (reject keeps \
             such rows in _migrate.rejects; it does not apply to xml, whose remedy is type `text`), then run the same command; leaving the row out with tables.overrides.<table>.where needs \
             --restart.",
        ),
        Kind::Checkpoint => {
            fatal("undo the change to the job, source or table, or start over with --restart.")
        }
        Kind::JobHeld => {
            fatal("wait for the other process, or end it; its lock goes with its connection.")
        }
        Kind::Difference => fatal(
            "if rows changed at the source since they were read, that is the difference; if not, \
             load the table again with --restart.",
        ),
        Kind::Stopped => fatal("the same command continues the run."),
        Kind::Io => fatal("check the path, its permissions and the free space."),
        Kind::Internal => fatal("this is a bug in migrate; please report it with the log."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_heals_what_is_lost_or_busy_and_nothing_else() {
        for kind in [
            Kind::SourceLost,
            Kind::SourceBusy,
            Kind::SourceTimeout,
            Kind::SourcePoolTimeout,
            Kind::TargetLost,
            Kind::TargetBusy,
        ] {
            assert!(policy(kind).retry, "{kind:?}");
        }
        for kind in [
            Kind::SourceLogin,
            Kind::SourceQuery,
            Kind::SourceProtocol,
            Kind::TargetQuery,
            Kind::Value,
            Kind::Checkpoint,
            Kind::Stopped,
            Kind::Internal,
        ] {
            assert!(!policy(kind).retry, "{kind:?}");
        }
    }

    #[test]
    fn advice_is_a_sentence() {
        for kind in [Kind::Usage, Kind::SourceTls, Kind::TargetExists, Kind::Io] {
            let advice = policy(kind).advice;
            assert!(advice.ends_with('.') && !advice.contains("  "), "{advice}");
        }
    }
}
