//! The source database's schema as plain data, as the catalog query found it.
//!
//! Names are as the source writes them, without brackets, and in its case. `mssql::catalog` fills
//! it; parts of it are recorded with a plan as JSON, so fields are added with a default and never
//! renamed.

mod facts;
mod index;
pub mod inventory;
pub mod modules;
pub mod objects;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use crate::schema::index::{FILTER_UNKNOWN, Index, IndexColumn, IndexRole, OtherObject};
use crate::schema::inventory::InventoryKind;
use crate::schema::modules::{Function, Module, Synonym};
use crate::schema::objects::{ColumnExtras, Sequence, TableExtras, View};

/// What the catalog says of the database as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Database {
    /// Name of the database.
    pub name: String,
    /// `@@SERVERNAME` or its nearest equivalent: what it is called now. After a failover, or in a
    /// container made again, the same database is of a server of another name.
    pub server: String,
    /// `sys.databases.service_broker_guid`: with `name`, which database a checkpoint belongs to.
    #[serde(default)]
    pub guid: Option<String>,
    /// `SERVERPROPERTY('ProductVersion')`, as `16.0.4135.4`.
    pub version: String,
    /// Name of its collation.
    pub collation: String,
    /// `ALTER DATABASE ... SET ALLOW_SNAPSHOT_ISOLATION ON` is in force.
    pub snapshot_isolation: bool,
    /// Read-only, or itself a database snapshot: every statement sees the same rows.
    pub frozen: bool,
    /// The login may SELECT from everything in the database; `None` where the server does not tell.
    pub select_on_all: Option<bool>,
    /// `@@DBTS`, the rowversion that was given out last; `None` where the server does not tell.
    #[serde(default)]
    pub last_rowversion: Option<i64>,
    /// By schema and name.
    pub tables: Vec<Table>,
    /// By schema and name.
    #[serde(default)]
    pub sequences: Vec<Sequence>,
    /// By schema and name.
    #[serde(default)]
    pub views: Vec<View>,
    /// By schema and name.
    #[serde(default)]
    pub synonyms: Vec<Synonym>,
    /// Scalar and inline table functions, by schema and name.
    #[serde(default)]
    pub functions: Vec<Function>,
    /// Procedures, functions and triggers, by schema and name.
    #[serde(default)]
    pub modules: Vec<Module>,
    /// The code pages of the collations that columns have, by name in the catalog's case; 65001 for
    /// UTF-8.
    #[serde(default)]
    pub code_pages: BTreeMap<String, u16>,
    /// Full names of sequences of which the server tells no more.
    #[serde(default)]
    pub hidden_sequences: Vec<String>,
    /// The server has security policies and does not show them to this login.
    #[serde(default)]
    pub filters_hidden: bool,
    /// What is never made, by kind; a kind of which there is nothing has no entry.
    #[serde(default)]
    pub inventory: Vec<InventoryKind>,
}

/// A user table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Its number in `sys.objects`.
    pub object_id: i64,
    /// Schema, unquoted.
    pub schema: String,
    /// Name, unquoted.
    pub name: String,
    /// By `column_id`.
    pub columns: Vec<Column>,
    /// All indexes, the primary key included; heaps have no entry.
    pub indexes: Vec<Index>,
    /// Objects of the table that are neither columns nor indexes, by kind and name; those that the
    /// server describes are in `extras` or with their column too.
    pub others: Vec<OtherObject>,
    /// Constraints, comments and the like.
    #[serde(default)]
    pub extras: TableExtras,
    /// Row count as the catalog estimates it.
    pub estimated_rows: u64,
    /// Bytes of the rows as the catalog estimates it, LOBs included; 0 where unknown.
    pub estimated_bytes: u64,
    /// A security policy is in force that may hide rows from the login, from counts as well. Where
    /// the login cannot see that, `Database::filters_hidden` says so.
    #[serde(default)]
    pub filtered_by_policy: bool,
    /// In-Memory OLTP; since 2014.
    #[serde(default)]
    pub memory_optimized: bool,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Name, unquoted.
    pub name: String,
    /// Its declared type; that of an alias type is the built-in one.
    #[serde(rename = "type")]
    pub ty: SqlType,
    /// Whether it takes NULL.
    pub nullable: bool,
    /// Its counter, if the server numbers its rows.
    pub identity: Option<Identity>,
    /// The definition, where the column is computed.
    pub computed: Option<String>,
    /// The collation of a character column, by name.
    pub collation: Option<String>,
    /// For `char`, `varchar` and `text`: the code page of the collation, 65001 for UTF-8.
    pub code_page: Option<u16>,
    /// Under dynamic data masking, and the login has no UNMASK on it: what is read are masked values.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub masked: bool,
    /// Default, comment and the like.
    #[serde(default)]
    pub extras: ColumnExtras,
}

/// Seed, increment and where the counter stands. `decimal(38)` identities exist, hence `i128`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The first value.
    pub seed: i128,
    /// From one value to the next; may be negative.
    pub increment: i128,
    /// `None` where no row was ever inserted.
    pub last_value: Option<i128>,
}

/// A column's type. Lengths are the declared ones: bytes of `char`, `varchar`, `binary` and
/// `varbinary`, UTF-16 units of `nchar` and `nvarchar`; `None` is `max`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SqlType {
    /// `bit`.
    Bit,
    /// `tinyint`: 0 to 255.
    TinyInt,
    /// `smallint`.
    /// From -32,768 to 32,767, as PostgreSQL's.
    SmallInt,
    /// `int`.
    Int,
    /// `bigint`.
    /// 8 bytes, as PostgreSQL's.
    BigInt,
    /// `decimal` and `numeric`.
    Decimal {
        /// Digits in all, 1 to 38.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// `smallmoney`.
    /// 4 bytes, four digits after the point: up to about 214,748.
    SmallMoney,
    /// `money`.
    /// 8 bytes, four digits after the point: up to about 922 trillion.
    Money,
    /// `real`, `float(1)` to `float(24)`.
    Real,
    /// `float(25)` to `float(53)`.
    Float,
    /// `date`.
    /// 0001-01-01 to 9999-12-31.
    Date,
    /// `time`.
    Time {
        /// Fractional digits of the second, 0 to 7.
        scale: u8,
    },
    /// `smalldatetime`.
    /// 1900-01-01 to 2079-06-06, to the minute.
    SmallDateTime,
    /// `datetime`.
    /// 1753-01-01 to 9999-12-31, in ticks of 1/300 s.
    DateTime,
    /// `datetime2`.
    DateTime2 {
        /// Fractional digits of the second, 0 to 7.
        scale: u8,
    },
    /// `datetimeoffset`.
    /// A time of UTC with an offset of up to 14 hours; equal instants are equal, whatever their
    /// offsets.
    DateTimeOffset {
        /// Fractional digits of the second, 0 to 7.
        scale: u8,
    },
    /// `char`.
    /// In the code page of the column's collation, padded with blanks.
    Char {
        /// Bytes.
        length: u16,
    },
    /// `varchar`.
    VarChar {
        /// Bytes.
        length: Option<u16>,
    },
    /// `text`.
    /// Deprecated in favour of `varchar(max)`; up to 2 GiB.
    Text,
    /// `nchar`.
    /// Padded with blanks.
    NChar {
        /// UTF-16 units.
        length: u16,
    },
    /// `nvarchar`.
    NVarChar {
        /// UTF-16 units.
        length: Option<u16>,
    },
    /// `ntext`.
    /// Deprecated in favour of `nvarchar(max)`.
    NText,
    /// `binary`.
    Binary {
        /// Bytes.
        length: u16,
    },
    /// `varbinary`.
    VarBinary {
        /// Bytes.
        length: Option<u16>,
    },
    /// `image`.
    /// Deprecated in favour of `varbinary(max)`.
    Image,
    /// `rowversion`, also called `timestamp`.
    /// 8 bytes; the server gives a row a new one with each change, unique in the database. Not a
    /// time.
    RowVersion,
    /// `uniqueidentifier`.
    UniqueIdentifier,
    /// `xml`.
    /// Sent as UTF-16 text, without a declaration of its encoding.
    Xml,
    /// `sql_variant`.
    /// Each value has a type of its own, any but the large ones.
    SqlVariant,
    /// `hierarchyid`.
    /// A path in a tree, as bytes of variable length.
    HierarchyId,
    /// `geography`.
    /// On the round earth, with a SRID.
    Geography,
    /// `geometry`.
    /// On a plane, with a SRID.
    Geometry,
    /// SQL Server 2025's `json`.
    Json,
    /// SQL Server 2025's `vector(n)`.
    Vector {
        /// Numbers of a value.
        dimensions: u16,
    },
    /// A type of a CLR assembly, by its name.
    Clr {
        /// Name of the type.
        name: String,
    },
    /// Anything else, by the name the catalog gives it.
    Other {
        /// Name of the type.
        name: String,
    },
}

impl SqlType {
    /// The name in `sys.types`; a CLR type has its own.
    ///
    /// ```
    /// use tsql::schema::SqlType;
    ///
    /// let price = SqlType::Decimal { precision: 10, scale: 2 };
    /// assert_eq!(price.name(), "decimal");
    /// assert_eq!(price.to_string(), "decimal(10,2)");
    /// assert_eq!(SqlType::NVarChar { length: None }.to_string(), "nvarchar(max)");
    /// ```
    pub fn name(&self) -> &str {
        match self {
            Self::Bit => "bit",
            Self::TinyInt => "tinyint",
            Self::SmallInt => "smallint",
            Self::Int => "int",
            Self::BigInt => "bigint",
            Self::Decimal { .. } => "decimal",
            Self::SmallMoney => "smallmoney",
            Self::Money => "money",
            Self::Real => "real",
            Self::Float => "float",
            Self::Date => "date",
            Self::Time { .. } => "time",
            Self::SmallDateTime => "smalldatetime",
            Self::DateTime => "datetime",
            Self::DateTime2 { .. } => "datetime2",
            Self::DateTimeOffset { .. } => "datetimeoffset",
            Self::Char { .. } => "char",
            Self::VarChar { .. } => "varchar",
            Self::Text => "text",
            Self::NChar { .. } => "nchar",
            Self::NVarChar { .. } => "nvarchar",
            Self::NText => "ntext",
            Self::Binary { .. } => "binary",
            Self::VarBinary { .. } => "varbinary",
            Self::Image => "image",
            Self::RowVersion => "rowversion",
            Self::UniqueIdentifier => "uniqueidentifier",
            Self::Xml => "xml",
            Self::SqlVariant => "sql_variant",
            Self::HierarchyId => "hierarchyid",
            Self::Geography => "geography",
            Self::Geometry => "geometry",
            Self::Json => "json",
            Self::Vector { .. } => "vector",
            Self::Clr { name } | Self::Other { name } => name,
        }
    }
}

impl Table {
    /// `dbo.Posts`: how the job file, logs and errors name a table.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    /// A column by its name, as the source writes it.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}
