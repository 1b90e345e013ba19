//! The job as meant: checked, with every default filled in.
//!
//! Made by `config::read` alone: bounds and rules between keys were checked there, so nothing that
//! uses a [`Job`] checks them again. Defaults are in the table of keys (`config::keys`), never here.
//! Passwords are in [`Secret`] from the moment they are read.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub use crate::config::around::{Hooks, Lineage, ReportFiles};
pub use crate::config::route::{Route, Socks5, Ssh};
pub use crate::config::schema_options::{
    Collations, Computed, Functions, Helpers, History, IndexedViews, RowVersion, SchemaOptions,
    Untranslated, Views,
};
pub use crate::config::secret::{Secret, SecretCommand};
pub use crate::config::target::{
    ChannelBinding, ClientCertificate, Place, SessionAttrs, SslMode, Target, TargetOptions,
    TargetPool, address,
};
pub use tds_copy::transcode::{ValuePolicy, Values};
pub use tsql::names::NameStyle;

use crate::config::setting::Setting;

/// What to move, from where to where, and how. Read-only once it was checked.
#[derive(Debug, Clone)]
pub struct Job {
    /// State is kept under this name.
    /// 1 to 200 characters without control characters; the file's name without its extension if the
    /// job file does not say. State rows carry it, and it names the job lock.
    pub name: String,
    /// Read by `mssql` when it connects, and by `plan` for the name of the database.
    pub source: Source,
    pub target: Target,
    pub tables: Tables,
    /// Source type to PostgreSQL type, as written; for every column without an override of its own.
    pub types: BTreeMap<String, String>,
    pub transfer: Transfer,
    pub schema: SchemaOptions,
    /// For every column that has no policy of its own in `tables.overrides.<table>.values`.
    pub values: Values,
    /// What a run compares at its end. `migrate verify` has a level of its own.
    pub verify: VerifyLevel,
    pub report: ReportFiles,
    pub lineage: Lineage,
    pub hooks: Hooks,
    /// Every setting in force with its origin, secrets masked, in the order in which they were read.
    pub settings: Vec<Setting>,
}

impl Job {
    /// What the job says of one table, by its full name.
    pub fn table_override(&self, full_name: &str) -> Option<&TableOverride> {
        let mut overrides = self.tables.overrides.iter();
        overrides
            .find(|(name, _)| full_name.eq_ignore_ascii_case(name))
            .map(|(_, settings)| settings)
    }
}

/// The SQL Server side: the section `source`.
#[derive(Debug, Clone)]
pub struct Source {
    /// A name or an address alone. Port and instance that were written with it were moved to `port`
    /// and `instance` (see `config::host`).
    pub host: String,
    /// Explicit port; `None` with an instance means "ask the browser service", without: 1433.
    pub port: Option<u16>,
    /// A named instance, as `SQLEXPRESS`. If `port` is known as well, the port is used and the
    /// browser service is not asked. Never `MSSQLSERVER`, which is the default instance.
    pub instance: Option<String>,
    /// UDP port of the browser service, 1434.
    pub browser_port: u16,
    pub database: String,
    pub auth: Auth,
    /// A SQL Server login, or `DOMAIN\user` for `Auth::Ntlm`; empty for the others.
    pub user: String,
    /// The password, or the access token of `Auth::Token`. Empty if `password_command` is used.
    pub password: Secret,
    /// `token_command` for `Auth::Token`.
    pub password_command: Option<SecretCommand>,
    /// Whose keys get the tickets of `Auth::Kerberos`; without it, the ticket cache has them.
    pub keytab: Option<PathBuf>,
    /// Which principal of the keytab; `None` takes its first.
    pub principal: Option<String>,
    /// The service principal name of a Windows login, if it is not `MSSQLSvc/host:port`.
    pub spn: Option<String>,
    pub encrypt: Encrypt,
    pub tls: Tls,
    /// Any certificate is accepted, so a man in the middle is not noticed. For test servers.
    pub trust_server_certificate: bool,
    pub application_intent: ApplicationIntent,
    /// PEM file with the certificate authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// The name expected in the certificate, if it is not `host`.
    pub host_name_in_certificate: Option<String>,
    /// For one attempt to connect, from the name look-up to the end of the login.
    pub connect_timeout: Duration,
    /// A read that receives nothing for this long between rows fails and is retried.
    pub read_timeout: Duration,
    /// The same before a statement's first row: the server may have to sort, or to read far, first.
    pub first_row_timeout: Duration,
    pub route: Route,
    pub pool: SourcePool,
}

/// How the tool logs in to SQL Server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// A SQL Server login with its password.
    Sql,
    /// A Windows account, by a ticket of its domain.
    Kerberos,
    /// A Windows account with its password, by NTLMv2.
    Ntlm,
    /// An access token of Microsoft Entra ID.
    Token,
}

/// How the connection to SQL Server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encrypt {
    /// TLS for the whole connection, negotiated in TDS 7.x.
    Required,
    /// TDS 8: TLS before the first TDS byte.
    Strict,
    /// TLS for the login packet only.
    LoginOnly,
    Off,
}

/// Which versions and ciphers TLS may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// TLS 1.2 and 1.3, with suites that are safe today.
    Modern,
    /// TLS 1.0 to 1.2 with whatever suites OpenSSL has: SQL Server on Windows Server 2012 R2 and older
    /// offers nothing better. In builds with the feature `legacy-tls`.
    Legacy,
}

/// What the login says it will do; an availability group's listener sends `ReadOnly` to a readable
/// secondary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApplicationIntent {
    /// What SQL Server assumes without a word: a listener leads to the primary replica.
    ReadWrite,
    /// A readable secondary, if the availability group routes to one (read-only routing).
    ReadOnly,
}

/// What the cap on source connections holds for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolScope {
    /// Each process.
    Process,
    /// All processes of the job together.
    Cluster,
}

/// Connections to SQL Server: `source.pool`.
#[derive(Debug, Clone)]
pub struct SourcePool {
    /// Hard cap for the whole process, or for all processes of the job, at least 1.
    pub max_connections: usize,
    pub scope: PoolScope,
    /// Opened at start; at most `max_connections`.
    pub min_connections: usize,
    /// How long a caller waits for a free connection before `SourcePoolTimeout`. Long by default,
    /// because partitions queue here on purpose.
    pub acquire_timeout: Duration,
    /// Asks the server for something small before an idle connection is handed out: one round trip
    /// for each acquisition, against a statement that fails on a connection that is dead already.
    pub test_on_checkout: bool,
}

/// Which tables are moved: the section `tables`.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    /// Patterns `schema.table` with `*` and `?`, compared without case; empty means all.
    pub include: Vec<String>,
    /// Patterns of the same form. A table that both lists name is left out.
    pub exclude: Vec<String>,
    /// By `schema.table`.
    pub overrides: BTreeMap<String, TableOverride>,
}

/// Settings of one table: `tables.overrides.<table>`.
#[derive(Debug, Clone, Default)]
pub struct TableOverride {
    /// A T-SQL predicate.
    /// It is put into every statement that reads the table's rows and their keys, in parentheses,
    /// and is never parsed here: the server says what is wrong with it.
    pub filter: Option<String>,
    /// Source columns that are not copied and not created on the target.
    pub exclude_columns: Vec<String>,
    /// The table's name on the target, without its schema.
    pub rename: Option<String>,
    /// Source column to target column.
    pub rename_columns: BTreeMap<String, String>,
    /// Fixes the number of partitions, whatever the row count.
    pub partitions: Option<usize>,
    /// Column to PostgreSQL type, as written.
    pub types: BTreeMap<String, String>,
    /// By column; what is not said there is as the job says.
    pub values: BTreeMap<String, ValuesOverride>,
    pub accept: Accept,
    /// Indexes and constraints that are not made.
    pub without: Vec<LeftOut>,
}

/// What of a table may be less than it holds, because the login does not see the rest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accept {
    /// Masked values in place of the column's own.
    pub masked: bool,
    /// Only the rows and columns that the login sees.
    pub filtered: bool,
}

/// An object that the job leaves out, by its name at the source or on the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    pub name: String,
    /// Line of the job file, from 1: only the source's catalog tells whether the name is one.
    pub line: usize,
}

/// How rows are moved: the section `transfer`.
#[derive(Debug, Clone)]
pub struct Transfer {
    pub mode: Mode,
    pub consistency: Consistency,
    /// Most partitions of one table that are unfinished at a time; straggler splits stay below it
    /// too.
    pub max_partitions_per_table: usize,
    /// A table is divided if the source estimates at least twice as many, or twice the size below.
    pub partition_min_rows: u64,
    /// Bytes at the source; a table of few large rows is cut by these.
    pub partition_min_size: u64,
    /// The same if the cuts of a table cost two seeks. One key of the job file sets both.
    pub partition_min_size_dense: u64,
    /// A keyset partition commits when it has sent about this many bytes.
    pub commit_every: u64,
    /// Tables are UNLOGGED while they are loaded and LOGGED before the run ends. A crash of
    /// PostgreSQL empties them, and the next run finds that and loads them again.
    pub unlogged_load: bool,
    /// Every commit of rows waits until it is on disk.
    pub synchronous_commit: bool,
    /// VACUUM each table after its load.
    pub vacuum: bool,
    /// A partition that is still long when workers fall idle is cut at its remaining key range.
    pub split_stragglers: bool,
    /// Fixes how many partitions are loaded at a time; `None` follows what is measured.
    pub partitions_in_flight: Option<usize>,
    pub retry: Retry,
}

/// What the run does with tables that the target has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A table that exists is refused (`TargetExists`), even if it is empty. The default.
    Create,
    /// A table that exists is dropped and made again by the plan.
    Replace,
    /// A table that exists is emptied and keeps its definition; the plan does not change it.
    Truncate,
    /// Rows are added to what is there. Foreign keys and checks of the table are suspended
    /// meanwhile.
    Append,
}

/// Which rows a run sees while the source is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consistency {
    /// READ COMMITTED, no NOLOCK anywhere: each statement sees committed rows of its own moment.
    Strict,
    /// SNAPSHOT isolation, which the database must allow (`ALLOW_SNAPSHOT_ISOLATION`): no locks are
    /// taken.
    Snapshot,
    /// Known to the job file and refused with "not available yet".
    DatabaseSnapshot,
    /// READ UNCOMMITTED (NOLOCK): rows can be missed, read twice or be uncommitted. The report says
    /// so.
    Relaxed,
}

/// How often and how long transient faults are retried: `transfer.retry`.
#[derive(Debug, Clone)]
pub struct Retry {
    /// Tries in all, the first included; at least 1.
    pub attempts: u32,
    /// The pause after the first failed try. It doubles with each further one, with jitter.
    pub initial_backoff: Duration,
    /// The longest pause; never less than `initial_backoff`.
    pub max_backoff: Duration,
    /// How long connecting, catalog and planning are tried again; a server that says that it is not
    /// ready gets [`Retry::PATIENCE`] times as long.
    pub at_start: Duration,
}

impl Retry {
    /// An Azure database that was paused takes up to two minutes to resume (Microsoft, "Azure SQL
    /// Database serverless", auto-resume; its clients are to try again meanwhile).
    pub const PATIENCE: u32 = 4;
}

/// One column's part of [`Values`]; `None` is what the job says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ValuesOverride {
    pub nul_characters: Option<ValuePolicy>,
    pub unpaired_surrogates: Option<ValuePolicy>,
    pub undecodable: Option<ValuePolicy>,
    pub out_of_range: Option<ValuePolicy>,
}

impl ValuesOverride {
    /// What is in force for the column if `job` is what the job says.
    pub fn over(&self, job: Values) -> Values {
        Values {
            nul_characters: self.nul_characters.unwrap_or(job.nul_characters),
            unpaired_surrogates: self.unpaired_surrogates.unwrap_or(job.unpaired_surrogates),
            undecodable: self.undecodable.unwrap_or(job.undecodable),
            out_of_range: self.out_of_range.unwrap_or(job.out_of_range),
        }
    }

    /// Says anything of text, which a column without text cannot follow.
    pub fn is_of_text(&self) -> bool {
        self.nul_characters.is_some()
            || self.unpaired_surrogates.is_some()
            || self.undecodable.is_some()
    }
}

/// How closely both sides are compared after the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VerifyLevel {
    None,
    /// Both sides count their rows.
    Counts,
    /// Rows are hashed as they are sent and again as the target holds them; counts are compared
    /// too.
    Checksums,
}
