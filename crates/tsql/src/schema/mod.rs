//! The source database's schema as plain data, as the catalog query found it.

pub mod inventory;
pub mod objects;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::schema::inventory::InventoryKind;
use crate::schema::objects::{ColumnExtras, Sequence, TableExtras, View};

/// What the catalog says of the database as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Database {
    pub name: String,
    /// `@@SERVERNAME` or its nearest equivalent: what it is called now. After a failover, or in a
    /// container made again, the same database is of a server of another name.
    pub server: String,
    /// `sys.databases.service_broker_guid`, which is kept in the database: with `name`, which database a
    /// checkpoint belongs to. `None` where the server does not tell.
    #[serde(default)]
    pub guid: Option<String>,
    /// `SERVERPROPERTY('ProductVersion')`, as `16.0.4135.4`.
    pub version: String,
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
    pub tables: Vec<Table>,
    /// By schema and name.
    #[serde(default)]
    pub sequences: Vec<Sequence>,
    /// By schema and name.
    #[serde(default)]
    pub views: Vec<View>,
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
    pub object_id: i64,
    pub schema: String,
    pub name: String,
    /// By `column_id`.
    pub columns: Vec<Column>,
    /// All indexes, the primary key included; heaps have no entry.
    pub indexes: Vec<Index>,
    /// Objects of the table that are neither columns nor indexes, by kind and name; those that the
    /// server describes are in `extras` or with their column too.
    pub others: Vec<OtherObject>,
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

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    #[serde(rename = "type")]
    pub ty: SqlType,
    pub nullable: bool,
    pub identity: Option<Identity>,
    /// The definition, where the column is computed.
    pub computed: Option<String>,
    /// Of character columns.
    pub collation: Option<String>,
    /// Of `char`, `varchar` and `text`: the code page of the collation, 65001 for UTF-8.
    pub code_page: Option<u16>,
    /// Under dynamic data masking, and the login has no UNMASK on it: what is read are masked values.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub masked: bool,
    #[serde(default)]
    pub extras: ColumnExtras,
}

/// Seed, increment and where the counter stands. `decimal(38)` identities exist, hence `i128`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub seed: i128,
    pub increment: i128,
    /// `None` where no row was ever inserted.
    pub last_value: Option<i128>,
}

/// A column's type. Lengths are the declared ones: bytes of `char`, `varchar`, `binary` and
/// `varbinary`, UTF-16 units of `nchar` and `nvarchar`; `None` is `max`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SqlType {
    Bit,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Decimal {
        precision: u8,
        scale: u8,
    },
    SmallMoney,
    Money,
    Real,
    Float,
    Date,
    Time {
        scale: u8,
    },
    SmallDateTime,
    DateTime,
    DateTime2 {
        scale: u8,
    },
    DateTimeOffset {
        scale: u8,
    },
    Char {
        length: u16,
    },
    VarChar {
        length: Option<u16>,
    },
    Text,
    NChar {
        length: u16,
    },
    NVarChar {
        length: Option<u16>,
    },
    NText,
    Binary {
        length: u16,
    },
    VarBinary {
        length: Option<u16>,
    },
    Image,
    RowVersion,
    UniqueIdentifier,
    Xml,
    SqlVariant,
    HierarchyId,
    Geography,
    Geometry,
    /// SQL Server 2025's `json`.
    Json,
    /// SQL Server 2025's `vector(n)`.
    Vector {
        dimensions: u16,
    },
    /// A type of a CLR assembly, by its name.
    Clr {
        name: String,
    },
    /// Anything else, by the name the catalog gives it.
    Other {
        name: String,
    },
}

/// In place of a predicate where the server does not tell whether there is one.
pub const FILTER_UNKNOWN: &str = "(this server does not tell whether the index is filtered)";
impl fmt::Display for SqlType {
    /// As T-SQL declares it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Self::Decimal { precision, scale } => write!(f, "{name}({precision},{scale})"),
            Self::Time { scale } | Self::DateTime2 { scale } | Self::DateTimeOffset { scale } => {
                write!(f, "{name}({scale})")
            }
            Self::Char { length } | Self::NChar { length } | Self::Binary { length } => {
                write!(f, "{name}({length})")
            }
            Self::VarChar { length } | Self::NVarChar { length } | Self::VarBinary { length } => {
                match length {
                    Some(length) => write!(f, "{name}({length})"),
                    None => write!(f, "{name}(max)"),
                }
            }
            Self::Vector { dimensions } => write!(f, "{name}({dimensions})"),
            _ => f.write_str(name),
        }
    }
}

impl SqlType {
    /// The name in `sys.types`; a CLR type has its own.
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

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Index {
    pub name: String,
    pub role: IndexRole,
    pub unique: bool,
    pub clustered: bool,
    pub disabled: bool,
    pub rowstore: bool,
    /// What it is where it is no rowstore, as `columnstore`, `xml`, `spatial`, `full-text`.
    #[serde(default)]
    pub kind: String,
    /// The predicate of a filtered index, or [`FILTER_UNKNOWN`].
    pub filter: Option<String>,
    /// In key order.
    pub key: Vec<IndexColumn>,
    /// Names of INCLUDE columns.
    pub included: Vec<String>,
}

/// A constraint, by kind (`foreign key`, `check`, `default`) and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherObject {
    pub kind: String,
    pub name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexRole {
    PrimaryKey,
    UniqueConstraint,
    Index,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexColumn {
    pub column: String,
    pub descending: bool,
}

impl Table {
    /// `dbo.Posts`: how the job file, logs and errors name a table.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}
