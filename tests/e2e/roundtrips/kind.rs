//! The types of generated columns: their T-SQL, and the text that both servers have of a value.

use super::draw::Draw;

/// What a `char` or `varchar` may hold, and the letters that its code page has.
pub(super) const COLLATIONS: [(&str, &str, bool); 7] = [
    ("SQL_Latin1_General_CP1_CI_AS", "aZé€ß", false),
    ("Latin1_General_BIN2", "aZ~ÿ", false),
    ("Cyrillic_General_CI_AS", "aЖя№", false),
    ("Greek_CI_AS", "aΩς", false),
    ("Japanese_CI_AS", "a日本ｱ", true),
    ("Latin1_General_100_CI_AS_SC_UTF8", "aé日😀", true),
    ("Turkish_CS_AS", "aıİ", false),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bit,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Decimal(u32, u32),
    SmallMoney,
    Money,
    Real,
    Float,
    Date,
    Time(u32),
    SmallDateTime,
    DateTime,
    DateTime2(u32),
    DateTimeOffset(u32),
    /// The length, and which of `COLLATIONS`.
    Char(usize, usize),
    VarChar(usize, usize),
    VarCharMax(usize),
    Text(usize),
    NChar(usize),
    NVarChar(usize),
    NVarCharMax,
    NText,
    Binary(usize),
    VarBinary(usize),
    VarBinaryMax,
    Image,
    RowVersion,
    Guid,
    Xml,
    Variant,
    Hierarchy,
    Geography,
    Geometry,
    Json,
    Vector,
    /// An alias type of `nvarchar(20)`.
    Alias,
}

/// How the two texts of a value become the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Same,
    /// The source's is of a moment, the target's its microseconds.
    Moment,
}

/// A type that a table may have anywhere.
pub(super) fn any(draw: &mut Draw) -> Kind {
    let page = draw.size(0, COLLATIONS.len() - 1);
    match draw.between(0, 21) {
        0 => Kind::VarCharMax(page),
        1 => Kind::Text(page),
        2 => Kind::NVarCharMax,
        3 => Kind::NText,
        4 => Kind::VarBinaryMax,
        5 => Kind::Image,
        6 => Kind::Xml,
        7 => Kind::Variant,
        8 => *draw.one(&[Kind::Hierarchy, Kind::Geography, Kind::Geometry]),
        9 => *draw.one(&[Kind::Json, Kind::Vector]),
        10 => Kind::Alias,
        11 => Kind::VarChar(draw.size(1, 8000), page),
        12 => Kind::NVarChar(draw.size(1, 4000)),
        13 => Kind::VarBinary(draw.size(1, 8000)),
        _ => of_key(draw),
    }
}

/// A type that a key may have, of at most 80 bytes.
pub(super) fn of_key(draw: &mut Draw) -> Kind {
    let page = draw.size(0, COLLATIONS.len() - 1);
    let digits = u32::try_from(draw.between(0, 7)).expect("a digit");
    match draw.between(0, 21) {
        0 => Kind::Bit,
        1 => Kind::TinyInt,
        2 => Kind::SmallInt,
        3 | 4 => Kind::Int,
        5 => Kind::BigInt,
        6 => {
            let precision = u32::try_from(draw.between(1, 38)).expect("small");
            let scale = draw.between(0, i64::from(precision));
            Kind::Decimal(precision, u32::try_from(scale).expect("small"))
        }
        7 => *draw.one(&[Kind::Money, Kind::SmallMoney]),
        8 => *draw.one(&[Kind::Real, Kind::Float]),
        9 => Kind::Date,
        10 => Kind::Time(digits),
        11 => *draw.one(&[Kind::SmallDateTime, Kind::DateTime]),
        12 => Kind::DateTime2(digits),
        13 => Kind::DateTimeOffset(digits),
        14 => Kind::Char(draw.size(1, 20), page),
        15 | 16 => Kind::VarChar(draw.size(1, 80), page),
        17 => Kind::NChar(draw.size(1, 20)),
        18 | 19 => Kind::NVarChar(draw.size(1, 40)),
        20 => *draw.one(&[Kind::Binary(16), Kind::VarBinary(40)]),
        _ => Kind::Guid,
    }
}

impl Kind {
    /// The type as CREATE TABLE has it, with its collation.
    pub(super) fn sql(self) -> String {
        let page = |page: usize| COLLATIONS[page].0;
        match self {
            Self::Bit => "bit".into(),
            Self::TinyInt => "tinyint".into(),
            Self::SmallInt => "smallint".into(),
            Self::Int => "int".into(),
            Self::BigInt => "bigint".into(),
            Self::Decimal(p, s) => format!("decimal({p},{s})"),
            Self::SmallMoney => "smallmoney".into(),
            Self::Money => "money".into(),
            Self::Real => "real".into(),
            Self::Float => "float".into(),
            Self::Date => "date".into(),
            Self::Time(n) => format!("time({n})"),
            Self::SmallDateTime => "smalldatetime".into(),
            Self::DateTime => "datetime".into(),
            Self::DateTime2(n) => format!("datetime2({n})"),
            Self::DateTimeOffset(n) => format!("datetimeoffset({n})"),
            Self::Char(n, p) => format!("char({n}) COLLATE {}", page(p)),
            Self::VarChar(n, p) => format!("varchar({n}) COLLATE {}", page(p)),
            Self::VarCharMax(p) => format!("varchar(max) COLLATE {}", page(p)),
            Self::Text(p) => format!("text COLLATE {}", page(p)),
            Self::NChar(n) => format!("nchar({n})"),
            Self::NVarChar(n) => format!("nvarchar({n})"),
            Self::NVarCharMax => "nvarchar(max)".into(),
            Self::NText => "ntext".into(),
            Self::Binary(n) => format!("binary({n})"),
            Self::VarBinary(n) => format!("varbinary({n})"),
            Self::VarBinaryMax => "varbinary(max)".into(),
            Self::Image => "image".into(),
            Self::RowVersion => "rowversion".into(),
            Self::Guid => "uniqueidentifier".into(),
            Self::Xml => "xml".into(),
            Self::Variant => "sql_variant".into(),
            Self::Hierarchy => "hierarchyid".into(),
            Self::Geography => "geography".into(),
            Self::Geometry => "geometry".into(),
            Self::Json => "json".into(),
            Self::Vector => "vector(3)".into(),
            Self::Alias => "dbo.Phone".into(),
        }
    }

    pub(super) fn is_integer(self) -> bool {
        matches!(
            self,
            Self::TinyInt | Self::SmallInt | Self::Int | Self::BigInt
        )
    }

    pub(super) fn is_number(self) -> bool {
        let exact = matches!(self, Self::Decimal(..) | Self::Money | Self::SmallMoney);
        exact || self.is_integer() || matches!(self, Self::Real | Self::Float)
    }

    /// Text that is compared and computed with.
    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::VarChar(..) | Self::NVarChar(_))
    }

    /// How many characters of ASCII a key of text takes.
    pub(super) fn letters(self) -> Option<usize> {
        match self {
            Self::Char(most, _) | Self::VarChar(most, _) => Some(most),
            Self::NChar(most) | Self::NVarChar(most) => Some(most),
            Self::Alias => Some(20),
            _ => None,
        }
    }

    pub(super) fn is_dated(self) -> bool {
        matches!(
            self,
            Self::Date | Self::SmallDateTime | Self::DateTime | Self::DateTime2(_)
        )
    }

    /// May be a key of an index.
    pub(super) fn is_orderable(self) -> bool {
        match self {
            Self::VarChar(n, _) | Self::VarBinary(n) => n <= 80,
            Self::NVarChar(n) => n <= 40,
            Self::VarCharMax(_) | Self::Text(_) | Self::NVarCharMax | Self::NText => false,
            Self::VarBinaryMax | Self::Image | Self::Xml | Self::Variant | Self::Json => false,
            Self::Vector | Self::Geography | Self::Geometry | Self::Hierarchy => false,
            _ => true,
        }
    }

    /// May be an included column of an index.
    pub(super) fn is_includable(self) -> bool {
        !matches!(self, Self::Text(_) | Self::NText | Self::Image)
    }

    /// A value's text as the source and as the target write it, given the quoted column. `None`
    /// where they have none in common.
    pub(super) fn texts(self, source: &str, target: &str) -> Option<(String, String, Form)> {
        let convert = |ty: &str, style: &str| format!("CONVERT({ty}, {source}{style})");
        let same = |source: String, target: String| Some((source, target, Form::Same));
        let bytes = |n: u32, send: &str| {
            let inner = convert(&format!("binary({n})"), "");
            let text = format!("CONVERT(varchar(max), {inner}, 2)");
            same(text, format!("upper(encode({send}({target}), 'hex'))"))
        };
        let wide = || convert("nvarchar(max)", "");
        match self {
            Self::Bit => same(wide(), format!("{target}::int::text")),
            Self::Money | Self::SmallMoney => {
                same(convert("varchar(max)", ", 2"), format!("{target}::text"))
            }
            Self::Real => bytes(4, "float4send"),
            Self::Float => bytes(8, "float8send"),
            Self::Date | Self::SmallDateTime | Self::DateTime | Self::Time(_) => {
                self.moment(source, target)
            }
            Self::DateTime2(_) | Self::DateTimeOffset(_) => self.moment(source, target),
            Self::Char(..) | Self::NChar(_) => same(
                format!("RTRIM({})", wide()),
                format!("rtrim({target}::text)"),
            ),
            Self::Binary(_) | Self::VarBinary(_) | Self::VarBinaryMax | Self::RowVersion => same(
                convert("varchar(max)", ", 2"),
                format!("upper(encode({target}, 'hex'))"),
            ),
            Self::Image => {
                let inner = convert("varbinary(max)", "");
                same(
                    format!("CONVERT(varchar(max), {inner}, 2)"),
                    format!("upper(encode({target}, 'hex'))"),
                )
            }
            Self::Guid => same(wide(), format!("upper({target}::text)")),
            Self::Hierarchy | Self::Geography | Self::Geometry | Self::Vector | Self::Json => None,
            _ => same(wide(), format!("{target}::text")),
        }
    }

    fn moment(self, source: &str, target: &str) -> Option<(String, String, Form)> {
        let style = if self == Self::Date { 23 } else { 121 };
        let epoch = format!("trunc(extract(epoch FROM {target}) * 1000000)::text");
        let text = format!("CONVERT(varchar(max), {source}, {style})");
        Some((text, epoch, Form::Moment))
    }
}
