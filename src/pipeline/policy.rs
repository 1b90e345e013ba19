//! What follows from a kind of error: when a retry can help, and what the operator can do.
//!
//! The kind of an error is decided where it arises; everything that follows from it is here and in
//! `cli::exit`. `retry` uses the first half, reports and messages the second.

use crate::error::{Error, Kind};
use crate::report::table::Cause;

/// When work that failed is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Time does not heal it.
    Never,
    /// Once both servers have been reached. Before, it is told at once: a wrong host, port or name in
    /// the job is more likely than a fault that passes.
    OnceConnected,
    /// Also at the first contact, three tries in all: a server that ends each handshake means it.
    FewAtFirst,
    /// Also at the first contact, for `transfer.retry.at_start`.
    FromTheStart,
    /// Also at the first contact, for longer: the server itself asks for patience.
    Patiently,
}

/// The consequence of one kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    pub retry: Retry,
    /// One sentence for the operator: what to look at or to change.
    pub advice: &'static str,
}

impl Policy {
    /// Whether the same work, done again from the last committed key, may succeed.
    pub fn retries_once_connected(self) -> bool {
        self.retry != Retry::Never
    }
}

/// A row of the table in [`policy`].
const fn says(retry: Retry, advice: &'static str) -> Policy {
    Policy { retry, advice }
}

/// One table without a wildcard, so that a new kind must choose.
///
/// A kind is retried if time alone can heal it. `SourceUnreachable` and `TargetUnreachable` are:
/// a server that restarts is unreachable for a while. So is a TLS handshake that failed when
/// others succeeded, and a database that could be opened before.
pub const fn policy(kind: Kind) -> Policy {
    match kind {
        Kind::Usage => says(Retry::Never, "see `migrate --help`."),
        Kind::JobFile => says(
            Retry::Never,
            "correct the job file that --config names; migrations-config/full.yaml shows every key \
             with its default.",
        ),
        Kind::SourceUnreachable => says(
            Retry::OnceConnected,
            "firewalls must let this machine reach the TCP port of SQL Server; source.instance also \
             needs the SQL Server Browser service (UDP 1434), source.port does not.",
        ),
        Kind::SourceLogin => says(
            Retry::Never,
            "docs/connecting.md lists the ways to log in (source.auth), what each needs on the server, and what \
             each refusal means.",
        ),
        Kind::SourceSecret | Kind::TargetSecret => says(
            Retry::OnceConnected,
            "run the command by hand as the user that runs migrate, with the same environment: it must print \
             the secret alone, and ask for nothing.",
        ),
        Kind::SourceTls => says(
            Retry::OnceConnected,
            "docs/operations.md says which certificates are accepted, and what old servers need.",
        ),
        Kind::SourceCut => says(
            Retry::FromTheStart,
            "if it keeps happening, look into the SQL Server error log, check that source.port is \
             the port of SQL Server, and look for proxies and firewalls between this machine and \
             the server.",
        ),
        Kind::SourceTlsCut => says(
            Retry::FewAtFirst,
            "the SQL Server error log may have the reason; docs/operations.md lists the servers \
             that close such a connection.",
        ),
        Kind::SourceNotReady => says(
            Retry::Patiently,
            "wait until the server takes logins again; the same command continues. \
             transfer.retry.at_start allows more time.",
        ),
        Kind::SourceVersion => says(
            Retry::Never,
            "copy the database to SQL Server 2012 or later (a backup of 2005 to 2008 R2 can be restored there) \
             and migrate from that.",
        ),
        Kind::SourceDatabase => says(
            Retry::Never,
            "the database must be online (state_desc in sys.databases) and readable.",
        ),
        Kind::SourceDatabaseUnavailable => says(
            Retry::OnceConnected,
            "the database must be online (state_desc in sys.databases); after a failover or a \
             restart that may take some minutes.",
        ),
        Kind::SourcePermission => says(
            Retry::Never,
            "grant the login db_datareader and VIEW DEFINITION in the source database; \
             docs/operations.md lists what is needed.",
        ),
        Kind::SourceHidden => says(
            Retry::Never,
            "grant the login what it lacks (UNMASK, or SELECT on the whole table), exclude the column \
             (tables.overrides.<table>.columns.exclude), or take what the login sees with \
             tables.overrides.<table>.accept: [masked, filtered].",
        ),
        Kind::SourceLost => says(
            Retry::FromTheStart,
            "if it keeps happening, look into the SQL Server error log, and for proxies and \
             firewalls between this machine and the server; the same command continues.",
        ),
        Kind::SourceTimeout => says(
            Retry::OnceConnected,
            "look for blocking on the source (sys.dm_exec_requests) before you raise \
             source.read_timeout, or source.first_row_timeout if no row had come yet.",
        ),
        Kind::SourceBusy => says(
            Retry::FromTheStart,
            "if it keeps happening, run at a quieter time or lower source.pool.max_connections; the \
             same command continues.",
        ),
        Kind::SourceQuery => says(
            Retry::Never,
            "the server's own message says what it refused; check tables.overrides.*.where if the \
             table has one.",
        ),
        Kind::SourceChanged => says(
            Retry::Never,
            "the table was changed since the plan was made: undo the change and run the same command, or \
             start over with --restart, which plans the table as it is now.",
        ),
        Kind::SourceProtocol => says(
            Retry::Never,
            "check that host and port are those of SQL Server; if they are, please report it with \
             the version of the server.",
        ),
        Kind::SourcePoolTimeout => says(
            Retry::OnceConnected,
            "fewer readers wait for a connection if transfer.partitions_in_flight or \
             transfer.max_partitions_per_table is lower.",
        ),
        Kind::SourceConsistency => says(
            Retry::Never,
            "transfer.consistency: strict needs no setting of the database.",
        ),
        Kind::TargetUnreachable => says(
            Retry::OnceConnected,
            "PostgreSQL must listen on that address (listen_addresses), and firewalls must let this \
             machine reach it; target.connect_timeout is how long one attempt may take.",
        ),
        Kind::TargetLogin => says(
            Retry::Never,
            "the log of PostgreSQL has the exact reason; pg_hba.conf decides who may log in, and \
             from where.",
        ),
        Kind::TargetTls => says(
            Retry::OnceConnected,
            "docs/operations.md says what each target.sslmode checks.",
        ),
        Kind::TargetCut => says(
            Retry::FromTheStart,
            "if it keeps happening, look into the PostgreSQL log, check that target.port is the \
             port of PostgreSQL, and look for proxies and firewalls between this machine and the \
             server.",
        ),
        Kind::TargetNotReady => says(
            Retry::Patiently,
            "wait until PostgreSQL takes connections again; the same command continues.",
        ),
        Kind::TargetDatabase => says(Retry::Never, "migrate does not create the target database."),
        Kind::TargetPermission => says(
            Retry::Never,
            "grant the role CREATE on the target database and on the schemas it writes to; \
             docs/operations.md lists what is needed.",
        ),
        Kind::TargetRefused => says(
            Retry::OnceConnected,
            "the server answered, so host and port are right; if it keeps refusing, its log has \
             more.",
        ),
        Kind::TargetReadOnly => says(
            Retry::Never,
            "connect to the primary server, to a database and as a role that may write; `verify` \
             and `status` read from a standby too.",
        ),
        Kind::TargetPooler => says(
            Retry::Never,
            "connect to PostgreSQL itself, or let the pooler keep a server connection for each \
             session (PgBouncer: pool_mode = session for this database or user).",
        ),
        Kind::TargetEmptied => says(
            Retry::Never,
            "run the same command: it empties this table and loads it again.",
        ),
        Kind::TargetLost => says(
            Retry::FromTheStart,
            "if it keeps happening, look into the PostgreSQL log; the same command continues.",
        ),
        Kind::TargetBusy => says(
            Retry::FromTheStart,
            "if it keeps happening, look for locks and other work on the target (pg_stat_activity); \
             the same command continues.",
        ),
        Kind::TargetFull => says(
            Retry::Never,
            "make room on the target's disk or memory, then run the same command: it continues.",
        ),
        Kind::TargetQuery => says(
            Retry::Never,
            "the server's own message says what it refused.",
        ),
        Kind::TargetPoolTimeout => says(
            Retry::OnceConnected,
            "pg_stat_activity on the target shows what its connections are busy with.",
        ),
        Kind::TargetExists => says(
            Retry::Never,
            "an earlier job may have made it; check that target.database and target.schemas name the \
             place that you mean.",
        ),
        Kind::Unsupported => says(
            Retry::Never,
            "exclude the column (tables.overrides.<table>.columns.exclude) or give it a type that \
             can be carried (tables.overrides.<table>.types).",
        ),
        Kind::Naming => says(
            Retry::Never,
            "give it another name: tables.overrides.<table>.rename for a table, \
             tables.overrides.<table>.columns.rename for a column; for a schema, set target.schemas.",
        ),
        Kind::Value => says(
            Retry::Never,
            "correct the value at the source or choose another policy under values: (reject keeps \
             such rows in _migrate.rejects; it does not apply to xml, whose remedy is type `text`), then run the same command; leaving the row out with \
             tables.overrides.<table>.where needs \
             --restart.",
        ),
        Kind::Checkpoint => says(
            Retry::Never,
            "undo the change to the job, source or table, or start over with --restart.",
        ),
        Kind::JobHeld => says(
            Retry::Never,
            "wait for the other process, end it, or share its run with `migrate run --join`.",
        ),
        Kind::Difference => says(
            Retry::Never,
            "if rows changed at the source since they were read, that is the difference; if not, \
             load the table again with --restart.",
        ),
        Kind::Stopped => says(Retry::Never, "the same command continues the run."),
        Kind::Hook => says(
            Retry::Never,
            "look at what the hook printed, correct it, and run the same command: it continues.",
        ),
        Kind::Io => says(
            Retry::Never,
            "check the path, its permissions and the free space.",
        ),
        Kind::Internal => says(
            Retry::Never,
            "this is a bug in migrate; please report it with the log.",
        ),
    }
}

/// What to do about an error: its own advice, or that of its kind.
pub fn advice(error: &Error) -> &str {
    error.own_advice().unwrap_or(policy(error.kind()).advice)
}

/// An error as the report keeps it, with the advice for it.
pub fn cause(error: &Error) -> Cause {
    Cause::new(error, advice(error))
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
            assert!(policy(kind).retries_once_connected(), "{kind:?}");
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
            assert_eq!(policy(kind).retry, Retry::Never, "{kind:?}");
        }
    }

    #[test]
    fn what_is_more_likely_a_mistake_in_the_job_is_told_at_the_first_contact() {
        for kind in [
            Kind::SourceUnreachable,
            Kind::SourceTls,
            Kind::SourceDatabaseUnavailable,
            Kind::TargetUnreachable,
            Kind::TargetTls,
        ] {
            assert_eq!(policy(kind).retry, Retry::OnceConnected, "{kind:?}");
        }
    }

    #[test]
    fn advice_is_a_sentence() {
        for kind in Kind::ALL {
            let advice = policy(*kind).advice;
            assert!(advice.ends_with('.') && !advice.contains("  "), "{advice}");
        }
    }
}
