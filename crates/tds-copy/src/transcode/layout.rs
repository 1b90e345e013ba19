//! What was planned for a result, and whether the server's announcement agrees with it.
//!
//! [`RowLayout`] is made once for a table and cloned by its readers, which costs reference counts.
//! When a server announces its result, `agree` makes a `Column` of each, in which every decision is
//! made.

use std::sync::Arc;

use crate::error::{Error, Kind, Result};
use crate::tds::code_page::CodePage;
use crate::tds::metadata::ColumnInfo;
use crate::tds::type_info::{Collation, TypeInfo, Wire};
use crate::transcode::announced::fits;
use crate::transcode::column_policy::ColumnPolicy;
use crate::transcode::encoding::ColumnEncoding;
use crate::transcode::value_policy::Values;
use crate::transcode::width::Widths;
use tsql::schema::SqlType;
use tsql::typemap::PgType;

/// One column of a result: its type at the source and what it becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultColumn {
    /// At the source. Errors and rejected rows name it.
    pub name: String,
    /// The declared type.
    pub source: SqlType,
    /// Windows number of the code page of `char`, `varchar` and `text`; 65001 is UTF-8.
    pub code_page: Option<u16>,
    /// In the target.
    pub target_name: String,
    /// The type that COPY BINARY sends.
    pub target: PgType,
}

/// What was planned for one result: checked once, shared by all readers of the table.
#[derive(Debug, Clone)]
pub struct RowLayout {
    pub(super) columns: Arc<[Planned]>,
    /// Places in `columns` of the key's columns, in key order.
    pub(super) key: Arc<[usize]>,
    /// Places in `columns` of what tells a rejected row from others, in key order.
    pub(super) identity: Arc<[usize]>,
    /// Batches carry the sum of their rows' hashes.
    pub(super) checksums: bool,
    /// Where a row may be too large for a page.
    pub(super) widths: Option<Widths>,
}

/// One planned column.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) name: String,
    pub(super) target_name: String,
    source: SqlType,
    pub(super) target: PgType,
    form: ColumnEncoding,
    /// The code page of `char`, `varchar` and `text` columns.
    pub(super) page: Option<CodePage>,
    /// The number of `page`.
    pub(super) code_page: Option<u16>,
    /// The column's collation is UTF-8 at the source.
    utf8: bool,
    policy: ColumnPolicy,
}

/// One column of the result as it is read: all decisions are made.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) wire: Wire,
    pub(super) form: ColumnEncoding,
    pub(super) text: Option<TextSource>,
    pub(super) key: bool,
    pub(super) policy: ColumnPolicy,
    pub(super) ty: TypeInfo,
    /// Place in the layout; `None` for a column that the server added, which is left out.
    pub(super) planned: Option<usize>,
}

/// How a character column's bytes become text.
#[derive(Debug, Clone)]
pub(super) enum TextSource {
    /// `nchar`, `nvarchar`, `ntext` and `xml`.
    Utf16,
    Page(CodePage),
}

impl RowLayout {
    /// The layout of a result that has `columns`, in their order. `key` are the places in
    /// `columns` of the key, in key order; without them, batches carry no last key.
    ///
    /// `values` apply to every column, and `key` identifies rejected rows.
    ///
    /// ```
    /// use tds_copy::error::Kind;
    /// use tds_copy::transcode::{ResultColumn, RowLayout, ValuePolicy, Values};
    /// use tsql::schema::SqlType;
    /// use tsql::typemap::PgType;
    ///
    /// let column = ResultColumn {
    ///     name: "Id".to_owned(),
    ///     source: SqlType::BigInt,
    ///     code_page: None,
    ///     target_name: "id".to_owned(),
    ///     target: PgType::Integer,
    /// };
    /// let values = Values::uniform(ValuePolicy::Error, ValuePolicy::Error);
    /// let error = RowLayout::new(&[column], &[], values).unwrap_err();
    /// assert_eq!((error.kind(), error.column()), (Kind::Unsupported, Some("Id")));
    /// ```
    ///
    /// # Errors
    /// A pair of types that cannot be encoded and a code page that is not known, at its column.
    pub fn new(columns: &[ResultColumn], key: &[usize], values: Values) -> Result<Self> {
        Self::by_column(columns, key, |_| values)
    }

    /// The same with policies for each column, by its place in `columns`.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn by_column(
        columns: &[ResultColumn],
        key: &[usize],
        values: impl Fn(usize) -> Values,
    ) -> Result<Self> {
        if key.iter().any(|place| *place >= columns.len()) {
            return Err(Error::new(
                Kind::Internal,
                "a key column lies outside of the layout",
            ));
        }
        let planned = |(place, column): (usize, &ResultColumn)| {
            Planned::new(column, ColumnPolicy::new(values(place), place)?)
        };
        Ok(Self {
            columns: columns
                .iter()
                .enumerate()
                .map(planned)
                .collect::<Result<_>>()?,
            key: key.into(),
            identity: key.into(),
            checksums: false,
            widths: None,
        })
    }

    /// Other columns than the key's identify a rejected row: their places, in order. Places beyond
    /// the layout are left out.
    #[must_use]
    pub fn with_identity(mut self, identity: &[usize]) -> Self {
        let known = |place: &usize| *place < self.columns.len();
        self.identity = identity.iter().copied().filter(known).collect();
        self
    }

    /// Rows that no page of PostgreSQL holds are faults of their values. `order` are the places of
    /// the copied columns in the order of the target's table. It costs a pass over each row.
    #[must_use]
    pub fn with_page_limit(mut self, order: &[usize]) -> Self {
        let column = |place: &usize| Some((*place, &self.columns.get(*place)?.target));
        self.widths = Some(Widths::new(order.iter().filter_map(column)));
        self
    }

    /// Batches carry the sum of their rows' hashes, which costs a pass over each row's bytes.
    #[must_use]
    pub fn with_checksums(mut self, wanted: bool) -> Self {
        self.checksums = wanted;
        self
    }

    /// Decides how each announced column is read.
    ///
    /// # Errors
    /// `Protocol` for another number of columns; `Changed` or `Unsupported` at a column that is
    /// another one now, is encrypted, or cannot be a key.
    pub(super) fn agree(&self, announced: &[ColumnInfo]) -> Result<Vec<Column>> {
        let selected = announced.iter().filter(|info| !info.is_hidden()).count();
        if selected != self.columns.len() {
            return Err(Error::new(
                Kind::Protocol,
                format!(
                    "the server announces {selected} columns, but {} were planned",
                    self.columns.len()
                ),
            ));
        }
        let mut next = 0;
        let mut columns = Vec::with_capacity(announced.len());
        for info in announced {
            if info.is_hidden() {
                columns.push(hidden(info)?);
                continue;
            }
            let planned = &self.columns[next];
            let key = self.key.contains(&next);
            let column = planned.agree(info, next, key);
            columns.push(column.map_err(|error| error.at_column(&planned.name))?);
            next += 1;
        }
        Ok(columns)
    }
}

/// A column that the server added is read, because it is on the wire, and not encoded.
fn hidden(info: &ColumnInfo) -> Result<Column> {
    Ok(Column {
        wire: info.ty.wire(),
        form: ColumnEncoding::Bytes,
        text: None,
        key: false,
        policy: ColumnPolicy::strict(),
        ty: info.ty.clone(),
        planned: None,
    })
}

impl Planned {
    fn new(column: &ResultColumn, policy: ColumnPolicy) -> Result<Self> {
        let form = ColumnEncoding::new(&column.source, &column.target).ok_or_else(|| {
            Error::new(
                Kind::Unsupported,
                format!(
                    "this type cannot be moved into {} (tables.overrides.<table>.types)",
                    column.target
                ),
            )
            .at_column(&column.name)
        })?;
        let page = if column.source.has_code_page() {
            Some(page(column.code_page).map_err(|error| error.at_column(&column.name))?)
        } else {
            None
        };
        Ok(Self {
            name: column.name.clone(),
            target_name: column.target_name.clone(),
            source: column.source.clone(),
            target: column.target.clone(),
            form,
            code_page: column.code_page.filter(|_| page.is_some()),
            page,
            utf8: column.code_page == Some(65001),
            policy,
        })
    }

    fn agree(&self, info: &ColumnInfo, place: usize, key: bool) -> Result<Column> {
        if info.is_encrypted() {
            return Err(Error::new(
                Kind::Unsupported,
                "the column is encrypted at the client (Always Encrypted)",
            ));
        }
        if !fits(&self.source, &info.ty) {
            return Err(Error::new(
                Kind::Changed,
                format!(
                    "the column was {} when the table was planned and is {} now",
                    self.source, info.ty
                ),
            ));
        }
        let wire = info.ty.wire();
        if key && matches!(wire, Wire::Plp | Wire::Pointer) {
            return Err(Error::new(
                Kind::Unsupported,
                "a column without a length limit cannot be a key",
            ));
        }
        Ok(Column {
            wire,
            form: self.announced_form(&info.ty),
            text: self.text_source(&info.ty)?,
            key,
            policy: self.policy,
            ty: info.ty.clone(),
            planned: Some(place),
        })
    }

    /// The wire's own number of fractional digits decides how a time is read: a server may keep
    /// fewer digits than it announces (Babelfish: 6 of 7).
    fn announced_form(&self, ty: &TypeInfo) -> ColumnEncoding {
        let source = match *ty {
            TypeInfo::Time { scale } => SqlType::Time { scale },
            TypeInfo::DateTime2 { scale } => SqlType::DateTime2 { scale },
            TypeInfo::DateTimeOffset { scale } => SqlType::DateTimeOffset { scale },
            _ => return self.form.clone(),
        };
        ColumnEncoding::new(&source, &self.target).unwrap_or_else(|| self.form.clone())
    }

    fn text_source(&self, ty: &TypeInfo) -> Result<Option<TextSource>> {
        match ty {
            TypeInfo::NChar { .. } | TypeInfo::NText(_) | TypeInfo::Xml => {
                Ok(Some(TextSource::Utf16))
            }
            TypeInfo::Char { collation, .. } | TypeInfo::Text(collation) => {
                self.check_encoding(*collation)?;
                Ok(self.page.clone().map(TextSource::Page))
            }
            _ => Ok(None),
        }
    }

    /// A server that was not told that the client takes UTF-8 recodes such a column, with loss.
    fn check_encoding(&self, collation: Collation) -> Result<()> {
        if collation.is_utf8() == self.utf8 {
            return Ok(());
        }
        let (sent, planned) = if self.utf8 {
            ("another code page", "UTF-8")
        } else {
            ("UTF-8", "another code page")
        };
        Err(Error::new(
            Kind::Protocol,
            format!("the server sends the text in {sent}, but {planned} was planned"),
        ))
    }
}

/// # Errors
/// `Unsupported`: the catalog had no code page for the collation, or one that is not known here.
fn page(number: Option<u16>) -> Result<CodePage> {
    let number = number.ok_or_else(|| {
        Error::new(
            Kind::Unsupported,
            "the code page of the column's collation is not known",
        )
    })?;
    CodePage::new(number).ok_or_else(|| {
        Error::new(
            Kind::Unsupported,
            format!("code page {number} of the column's collation is not known to this version"),
        )
    })
}
