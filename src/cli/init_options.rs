//! What `migrate init` takes from the command line; a terminal is asked for the rest.

use clap::Args;

/// Both servers. Passwords come from MSSQL_PASSWORD and PGPASSWORD, or are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct InitOptions {
    /// SQL Server, as sql01, sql01,1433 or sql01\SHOP
    #[arg(long, value_name = "HOST")]
    pub source_host: Option<String>,

    /// The database to be moved
    #[arg(long, value_name = "NAME")]
    pub source_database: Option<String>,

    /// A SQL Server login that may read it
    #[arg(long, value_name = "LOGIN")]
    pub source_user: Option<String>,

    /// As source.encrypt
    #[arg(long, value_name = "WORD", default_value = "required")]
    pub encrypt: String,

    /// Accept any certificate of the source: for test servers
    #[arg(long)]
    pub trust_server_certificate: bool,

    /// PostgreSQL server, by name or address
    #[arg(long, value_name = "HOST")]
    pub target_host: Option<String>,

    /// Its port
    #[arg(long, value_name = "PORT", default_value_t = 5432)]
    pub target_port: u16,

    /// A database that is there
    #[arg(long, value_name = "NAME")]
    pub target_database: Option<String>,

    /// A role that may create schemas in it
    #[arg(long, value_name = "ROLE")]
    pub target_user: Option<String>,

    /// As target.sslmode
    #[arg(long, value_name = "WORD", default_value = "verify-full")]
    pub sslmode: String,

    /// Write over a job file that is there
    #[arg(long)]
    pub force: bool,

    /// Write the file without connecting
    #[arg(long)]
    pub no_check: bool,
}
