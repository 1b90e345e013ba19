//! The SQL Server types and values that the stand-in stores, compares and puts on the wire.

use std::sync::Arc;

/// A column's or expression's SQL Server type.
///
/// Lengths of `Char`, `VarChar`, `Binary` and `VarBinary` are bytes, those of `NChar` and
/// `NVarChar` are UTF-16 units, `None` is `max`.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// SQL Server 2025.
    Json,
    /// SQL Server 2025.
    Vector {
        dimensions: u16,
    },
}

/// A collation as T-SQL names it and as the five wire bytes carry it (MS-TDS 2.2.5.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collation {
    pub name: String,
    /// Windows locale in the low 20 bits, comparison flags and version above them.
    pub info: u32,
    /// Sort id of a `SQL_` collation, 0 for Windows collations.
    pub sort_id: u8,
    /// Code page of `char` and `varchar`; 65001 for `_UTF8`.
    pub code_page: u16,
    pub case_sensitive: bool,
    pub accent_sensitive: bool,
    /// `_BIN` or `_BIN2`: compared by code unit.
    pub binary: bool,
}

/// A column of a result, as COLMETADATA describes it.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub ty: SqlType,
    pub nullable: bool,
    pub identity: bool,
    pub computed: bool,
    /// `Some` for character types, `None` for all others.
    pub collation: Option<Arc<Collation>>,
}

/// One cell. Which variant belongs to which [`SqlType`] is said at each variant.
#[derive(Debug, Clone)]
pub enum Value {
    Null,
    Bit(bool),
    /// `tinyint`, `smallint`, `int`, `bigint`.
    Int(i64),
    /// `decimal`, `numeric`: the value times 10^scale; |unscaled| < 10^38.
    Decimal {
        unscaled: i128,
        scale: u8,
    },
    /// `money`, `smallmoney`: the value times 10,000.
    Money(i64),
    Real(f32),
    Float(f64),
    /// Days since 0001-01-01.
    Date(i32),
    /// 100 ns ticks since midnight, already rounded to the type's scale.
    Time(u64),
    /// Days since 1900-01-01 and minutes since midnight.
    SmallDateTime {
        days: u16,
        minutes: u16,
    },
    /// Days since 1900-01-01 and 1/300 s ticks since midnight.
    DateTime {
        days: i32,
        ticks: u32,
    },
    /// Days since 0001-01-01 and 100 ns ticks since midnight.
    DateTime2 {
        days: i32,
        ticks: u64,
    },
    /// UTC day and tick as in `DateTime2`, and the offset in minutes.
    DateTimeOffset {
        days: i32,
        ticks: u64,
        offset: i16,
    },
    /// Every character type, `xml`, `json` and `vector` (as it is printed), as UTF-16 units (may hold unpaired surrogates and U+0000).
    Text(Arc<[u16]>),
    /// `binary`, `varbinary`, `image`, `rowversion`, `hierarchyid`; `geography` and `geometry` as
    /// their SRID, four bytes with the highest first, and their WKB.
    Bytes(Arc<[u8]>),
    /// `uniqueidentifier` in wire order: the first three groups are little-endian.
    Guid([u8; 16]),
}

/// An error or message as SQL Server reports it (MS-TDS 2.2.7.10).
#[derive(Debug, Clone)]
pub struct SqlError {
    pub number: i32,
    /// 1..=10 informational, 11..=16 the user's error, 20 and above end the connection.
    pub class: u8,
    pub state: u8,
    pub message: String,
    pub line: u32,
}

/// A byte that its code page does not define is kept in a `varchar` as an unpaired surrogate,
/// U+DC00 and the byte, so that it reaches the wire as it was stored.
pub(crate) const ESCAPE: u16 = 0xDC00;

/// The byte that a unit stands for in a `varchar`.
pub(crate) fn escaped(unit: u16) -> Option<u8> {
    let byte = u8::try_from(unit.checked_sub(ESCAPE)?).ok()?;
    (byte >= 0x80).then_some(byte)
}
