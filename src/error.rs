//! The one error of the tool: what kind of thing went wrong, where, and what caused it.
//!
//! An error is a value that travels up unchanged but for its place, which is added on the way by
//! those who know it. Nothing here decides what follows from it: `pipeline::policy` says whether a
//! kind is tried again and what to advise, `cli::exit` gives its exit code. Message, place and
//! advice never hold a cell's value or a secret; the driver's own error stays below as the cause.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

/// The result of everything that can fail in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Cause = Box<dyn StdError + Send + Sync>;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident => $word:literal,)+) => {
        /// What went wrong, as a fact. Whether to retry and what to advise is decided elsewhere, from this.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[$doc])* $kind,)+
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// The word for this kind in JSON reports. It stays when a variant is renamed.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $word,)+
                }
            }
        }
    };
}

kinds! {
    /// The command line does not fit together.
    Usage => "Usage",
    /// The job file cannot be read or is not right, or names what is not there.
    JobFile => "JobFile",
    /// No connection to SQL Server: name, route, port, instance or time-out.
    SourceUnreachable => "SourceUnreachable",
    /// SQL Server refused user and password (error 18456 and kin).
    SourceLogin => "SourceLogin",
    /// The command that prints the password failed, or took too long.
    SourceSecret => "SourceSecret",
    /// The server's certificate or its encryption settings are not acceptable.
    SourceTls => "SourceTls",
    /// The connection was cut while it was being opened: in PRELOGIN, during the login, or by the
    /// session's first statement.
    SourceCut => "SourceCut",
    /// The connection was cut during the TLS handshake.
    SourceTlsCut => "SourceTlsCut",
    /// The server answered that it takes no login now: paused, starting, moving, out of connections
    /// (error 40613 and kin).
    SourceNotReady => "SourceNotReady",
    /// The server's version is older than this tool supports.
    SourceVersion => "SourceVersion",
    /// The database is not open to this login, whatever the time (error 911 and kin).
    SourceDatabase => "SourceDatabase",
    /// The database cannot be opened now, or does not exist: the server says the same of both
    /// (error 4060 and kin).
    SourceDatabaseUnavailable => "SourceDatabaseUnavailable",
    /// The login may not read what the job names (errors 229, 262, 300 and kin).
    SourcePermission => "SourcePermission",
    /// The login would read less than there is: masks, filtered rows, columns without SELECT.
    SourceHidden => "SourceHidden",
    /// The connection broke, or the server ended it.
    SourceLost => "SourceLost",
    /// A statement or a read took longer than allowed.
    SourceTimeout => "SourceTimeout",
    /// Chosen as deadlock victim (1205), lock time-out (1222), throttled, or a row-version conflict.
    SourceBusy => "SourceBusy",
    /// Any other error that SQL Server answered.
    SourceQuery => "SourceQuery",
    /// The table's definition changed after it was planned.
    SourceChanged => "SourceChanged",
    /// Bytes that are not the TDS protocol, or not the part of it that was asked for.
    SourceProtocol => "SourceProtocol",
    /// No source connection came free within `source.pool.acquire_timeout`.
    SourcePoolTimeout => "SourcePoolTimeout",
    /// The source cannot give the consistency that the job asks for.
    SourceConsistency => "SourceConsistency",
    /// No connection to PostgreSQL.
    TargetUnreachable => "TargetUnreachable",
    /// PostgreSQL refused user and password (SQLSTATE class 28).
    TargetLogin => "TargetLogin",
    /// The command that prints the password failed, or took too long.
    TargetSecret => "TargetSecret",
    /// The server's certificate or its TLS settings are not acceptable.
    TargetTls => "TargetTls",
    /// The connection was cut while it was being opened: in the TLS handshake or during the login.
    TargetCut => "TargetCut",
    /// The server answered that it is starting, stopping or recovering (57P01 to 57P03).
    TargetNotReady => "TargetNotReady",
    /// The database does not exist (3D000).
    TargetDatabase => "TargetDatabase",
    /// The role may not do what the job needs (42501).
    TargetPermission => "TargetPermission",
    /// PostgreSQL, or a pooler before it, answered and takes no connection now: it starts, stops or
    /// has no room (57P03, 53300, 08xxx while connecting).
    TargetRefused => "TargetRefused",
    /// A standby, or a server or database that is read-only (25006).
    TargetReadOnly => "TargetReadOnly",
    /// A pooler lends out server connections by the transaction: nothing of a session is kept.
    TargetPooler => "TargetPooler",
    /// A crash of PostgreSQL emptied an UNLOGGED table in the middle of its load.
    TargetEmptied => "TargetEmptied",
    /// The connection broke, or the server is shutting down or starting (57P01..57P03, 08xxx).
    TargetLost => "TargetLost",
    /// Serialization failure, deadlock, lock not available (40001, 40P01, 55P03), too many connections (53300).
    TargetBusy => "TargetBusy",
    /// Disk full or out of memory (53100, 53200).
    TargetFull => "TargetFull",
    /// Any other error that PostgreSQL answered.
    TargetQuery => "TargetQuery",
    /// No target connection came free within `target.pool.acquire_timeout`.
    TargetPoolTimeout => "TargetPoolTimeout",
    /// A table that `transfer.mode` does not allow to touch is there already.
    TargetExists => "TargetExists",
    /// A type or feature of the source that this version cannot carry.
    Unsupported => "Unsupported",
    /// Two things would get one name, or one a name that PostgreSQL keeps for itself.
    Naming => "Naming",
    /// A value that PostgreSQL cannot hold, under the policy `error`.
    Value => "Value",
    /// The recorded state does not belong to this job, source or table shape.
    Checkpoint => "Checkpoint",
    /// Another process runs this job.
    JobHeld => "JobHeld",
    /// Both sides were compared and differ.
    Difference => "Difference",
    /// Stopped by a signal.
    Stopped => "Stopped",
    /// A hook of the job failed, or took too long.
    Hook => "Hook",
    /// A local file.
    Io => "Io",
    /// A broken invariant of the tool itself.
    Internal => "Internal",
}

/// Where it went wrong, as far as known. Never a cell's value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Source schema and table, as `dbo.Posts`.
    pub table: Option<String>,
    /// Partition number within the table, from 1.
    pub partition: Option<u32>,
    /// The source's name of the column.
    pub column: Option<String>,
    /// How to find the row: its ordinal in the partition's read or its key columns' names.
    pub row: Option<String>,
}

/// An error: kind, message, place and cause.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    /// What happened, as a fragment: without a capital letter, a full stop, or what to do.
    message: String,
    place: Place,
    /// As the driver or the system gave it. Shown below the message, with its own causes.
    source: Option<Cause>,
    /// What to do, if it is not what every error of the kind asks for.
    advice: Option<Cow<'static, str>>,
}

impl Error {
    /// `message` is a lower-case fragment without a cell's value and without a secret.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            place: Place::default(),
            source: None,
            advice: None,
        }))
    }

    /// An error of one of this workspace's own crates, which says all that there is to say.
    fn placed(kind: Kind, message: &str, place: Place) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.to_owned(),
            place,
            source: None,
            advice: None,
        }))
    }

    /// Says more, after what was said.
    /// `more` begins with its own separator, such as `: ` or `; `.
    #[must_use]
    pub fn and(mut self, more: &str) -> Self {
        self.0.message.push_str(more);
        self
    }

    /// Says what to do about this error, in place of the advice for its kind: a sentence.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<Cow<'static, str>>) -> Self {
        self.0.advice = Some(advice.into());
        self
    }

    /// Keeps the error that caused this one.
    #[must_use]
    pub fn because(mut self, source: impl Into<Cause>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Names the table, if no table was named yet.
    #[must_use]
    pub fn at_table(mut self, table: impl Into<String>) -> Self {
        self.0.place.table.get_or_insert_with(|| table.into());
        self
    }

    /// Names the partition, from 1, if none was named yet.
    #[must_use]
    pub fn at_partition(mut self, partition: u32) -> Self {
        self.0.place.partition.get_or_insert(partition);
        self
    }

    /// Names the source column, if none was named yet.
    #[must_use]
    pub fn at_column(mut self, column: impl Into<String>) -> Self {
        self.0.place.column.get_or_insert_with(|| column.into());
        self
    }

    /// Names the row by its ordinal or its key, if none was named yet. `row` holds no value of a
    /// column.
    #[must_use]
    pub fn at_row(mut self, row: impl Into<String>) -> Self {
        self.0.place.row.get_or_insert_with(|| row.into());
        self
    }

    /// Says the row's place in other words, if one is known.
    #[must_use]
    pub fn with_row(mut self, words: impl FnOnce(String) -> String) -> Self {
        self.0.place.row = self.0.place.row.take().map(words);
        self
    }

    /// The fact that retry, advice and exit code follow from.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What is known of the table, partition, column and row; all of it may be `None`.
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// The fragment alone, without place and causes. `Display` puts the place before it.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do about this error, if it says more than its kind does.
    pub fn own_advice(&self) -> Option<&str> {
        self.0.advice.as_deref()
    }
}

impl From<tsql::error::Error> for Error {
    /// The crate knows columns and not tables: `at_table` is added by the caller.
    fn from(error: tsql::error::Error) -> Self {
        let kind = match error.kind() {
            tsql::error::Kind::Unsupported => Kind::Unsupported,
            tsql::error::Kind::Naming => Kind::Naming,
            tsql::error::Kind::Setting => Kind::JobFile,
        };
        let place = Place {
            column: error.column().map(str::to_owned),
            ..Place::default()
        };
        Self::placed(kind, error.message(), place)
    }
}

impl From<tds_copy::error::Error> for Error {
    /// The row is its ordinal in the read, from 1; the reader puts the key's columns in its place
    /// if it can.
    fn from(error: tds_copy::error::Error) -> Self {
        let kind = match error.kind() {
            tds_copy::error::Kind::Protocol => Kind::SourceProtocol,
            tds_copy::error::Kind::Changed => Kind::SourceChanged,
            tds_copy::error::Kind::Unsupported => Kind::Unsupported,
            tds_copy::error::Kind::Value => Kind::Value,
            tds_copy::error::Kind::Statement => Kind::SourceQuery,
            tds_copy::error::Kind::Setting => Kind::JobFile,
            tds_copy::error::Kind::Internal => Kind::Internal,
        };
        let place = Place {
            column: error.column().map(str::to_owned),
            row: error.row().map(|row| row.to_string()),
            ..Place::default()
        };
        Self::placed(kind, error.message(), place)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(table) = &self.table {
            write!(f, "table {table}")?;
            separator = ", ";
        }
        if let Some(partition) = self.partition {
            write!(f, "{separator}partition {partition}")?;
            separator = ", ";
        }
        if let Some(column) = &self.column {
            write!(f, "{separator}column {column}")?;
            separator = ", ";
        }
        if let Some(row) = &self.row {
            write!(f, "{separator}row {row}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.place != Place::default() {
            write!(f, "{}: ", self.0.place)?;
        }
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("place", &self.0.place)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_ref()
            .map(|cause| &**cause as &(dyn StdError + 'static))
    }
}
