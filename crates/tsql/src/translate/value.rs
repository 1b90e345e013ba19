//! A translated sub-expression: its text in PostgreSQL and its type in SQL Server.
//!
//! `sql` is what is written; all other fields are what later steps need to decide how the value is
//! compared, converted or stored. Functions that make a new value set only what they know.

use super::collation::Collation;
use super::decimal::Decimal;
use super::types::{self, Family};
use super::{Outcome, Untranslated};
use crate::schema::SqlType;
use crate::typemap::PgType;

/// What is known of a constant.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Constant {
    Null,
    Int(i128),
    Decimal(Decimal),
    /// As written.
    Float(String),
    Text(String),
    Binary(Vec<u8>),
    Bit(bool),
}

/// Which clock a value was read from: its digits are no one's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    Local,
    Utc,
    Offset,
}

/// A translated value, with all that is known of it.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) sql: String,
    /// Can be an operand without brackets.
    pub(super) atom: bool,
    /// `None` is that of an untyped NULL.
    pub(super) ty: Option<SqlType>,
    /// Set if the value is the same for every row and known here.
    pub(super) constant: Option<Constant>,
    /// The collation of a text; `None` is that of a literal, which takes the other side's.
    pub(super) collation: Option<Collation>,
    /// By COLLATE.
    pub(super) explicit: bool,
    /// The text without trailing blanks, where that is the simpler form.
    pub(super) bare: Option<String>,
    /// A `char(n)` whose `n` counts bytes of a code page that has characters of several: how many
    /// blanks fill it up is not known here.
    pub(super) loose: bool,
    /// UPPER or LOWER of this: where case does not count, it is compared instead.
    pub(super) folded: Option<Box<Value>>,
    /// Set for a reading of the server's clock that was converted at most.
    pub(super) clock: Option<Clock>,
    /// The wall clock of a `datetimeoffset` whose zone is known: a `timestamp`.
    pub(super) local: Option<String>,
    /// The target's type of a value that can be passed on and nothing else.
    pub(super) passed: Option<PgType>,
}

impl Value {
    /// Something that binds tighter than any operator: a name, a call, a literal.
    pub(super) fn atom(sql: impl Into<String>, ty: SqlType) -> Self {
        Self {
            sql: sql.into(),
            atom: true,
            ty: Some(ty),
            constant: None,
            collation: None,
            explicit: false,
            bare: None,
            loose: false,
            folded: None,
            clock: None,
            local: None,
            passed: None,
        }
    }

    /// Operators.
    pub(super) fn operation(sql: impl Into<String>, ty: SqlType) -> Self {
        Self {
            atom: false,
            ..Self::atom(sql, ty)
        }
    }

    pub(super) fn null() -> Self {
        Self {
            ty: None,
            constant: Some(Constant::Null),
            ..Self::atom("NULL", SqlType::Int)
        }
    }

    pub(super) fn constant(sql: impl Into<String>, ty: SqlType, constant: Constant) -> Self {
        let sql = sql.into();
        Self {
            atom: !sql.starts_with('-'),
            constant: Some(constant),
            ..Self::atom(sql, ty)
        }
    }

    /// A number beyond `int` is a `decimal`, as T-SQL reads it.
    pub(super) fn int(number: i128) -> Self {
        match i32::try_from(number) {
            Ok(_) => Self::constant(number.to_string(), SqlType::Int, Constant::Int(number)),
            Err(_) => Self::decimal(Decimal::whole(number)),
        }
    }

    pub(super) fn decimal(decimal: Decimal) -> Self {
        let (precision, scale) = decimal.digits();
        Self::constant(
            decimal.to_string(),
            SqlType::Decimal { precision, scale },
            Constant::Decimal(decimal),
        )
    }

    pub(super) fn bit(bit: bool) -> Self {
        Self::constant(bit.to_string(), SqlType::Bit, Constant::Bit(bit))
    }

    /// Its length is in UTF-16 units, as the source counts it.
    pub(super) fn text(text: &str, national: bool) -> Self {
        let units = text.encode_utf16().count();
        let ty = types::text_type(national, u32::try_from(units).ok());
        Self::constant(quote(text), ty, Constant::Text(text.to_owned()))
    }

    /// The same value under another type, when nothing has to be done for it.
    pub(super) fn retyped(self, ty: SqlType) -> Self {
        Self {
            ty: Some(ty),
            ..self
        }
    }

    /// With the collation of `other`, and whether it was given by COLLATE.
    pub(super) fn in_collation_of(mut self, other: &Self) -> Self {
        self.collation.clone_from(&other.collation);
        self.explicit = other.explicit;
        self
    }

    /// As an operand.
    pub(super) fn operand(&self) -> String {
        if self.atom {
            self.sql.clone()
        } else {
            format!("({})", self.sql)
        }
    }

    /// As an operand; a number without the cast that a constant may carry.
    pub(super) fn plain(&self) -> String {
        let text = match &self.constant {
            Some(Constant::Int(number)) => number.to_string(),
            Some(Constant::Decimal(decimal)) => decimal.to_string(),
            _ => return self.operand(),
        };
        if text.starts_with('-') {
            format!("({text})")
        } else {
            text
        }
    }

    pub(super) fn cast(&self, to: &str) -> String {
        format!("{}::{to}", self.operand())
    }

    pub(super) fn is_null(&self) -> bool {
        self.constant == Some(Constant::Null)
    }

    pub(super) fn family(&self) -> Family {
        self.ty.as_ref().map_or(Family::Other, types::family)
    }

    pub(super) fn is_national(&self) -> bool {
        self.ty.as_ref().is_some_and(types::is_national)
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.constant {
            Some(Constant::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// An integer or bit constant.
    pub(super) fn as_int(&self) -> Option<i128> {
        match &self.constant {
            Some(Constant::Int(number)) => Some(*number),
            Some(Constant::Bit(bit)) => Some(i128::from(*bit)),
            _ => None,
        }
    }

    /// Why the value cannot be converted to `to`.
    pub(super) fn refused(&self, to: &SqlType) -> Untranslated {
        Untranslated::new(format!("conversion of {} to {to}", self.shown()))
    }

    /// How errors call its type.
    pub(super) fn shown(&self) -> String {
        self.ty
            .as_ref()
            .map_or_else(|| "NULL".to_owned(), ToString::to_string)
    }

    /// The name of a `char(n)` column, if the value is nothing else.
    pub(super) fn plain_column(&self) -> Option<&str> {
        let column = self.bare.as_deref()?.strip_suffix("::text")?;
        let filled = self.sql.strip_prefix("rpad(")?;
        let fixed = matches!(self.ty, Some(SqlType::Char { .. } | SqlType::NChar { .. }));
        (fixed && self.folded.is_none() && filled.starts_with(column)).then_some(column)
    }

    /// A value to keep; a `char(n)` column is filled up by its own type.
    pub(super) fn kept_or_column(self) -> Outcome<Self> {
        match self.plain_column() {
            Some(_) => Ok(self),
            None => self.kept(),
        }
    }

    /// A value to keep, and not only to compare.
    pub(super) fn kept(mut self) -> Outcome<Self> {
        self.filled()?;
        self.folded = None;
        Ok(self)
    }

    /// Refuses a text of which the trailing blanks are not known.
    pub(super) fn filled(&self) -> Outcome<()> {
        if self.loose {
            Err(Untranslated::new(format!(
                "{} of a code page whose characters have several bytes, other than in a \
                 comparison: its length is in bytes",
                self.shown()
            )))
        } else {
            Ok(())
        }
    }

    /// Its length is in bytes, and a character may have several.
    pub(super) fn counts_bytes(&self) -> bool {
        let wide = |collation: &Collation| !collation.single_byte;
        !self.is_national() && self.constant.is_none() && self.collation.as_ref().is_some_and(wide)
    }

    /// `LEN` and positions count UTF-16 units, of which PostgreSQL has none.
    pub(super) fn counts_units(&self) -> bool {
        self.is_national()
            && self.constant.is_none()
            && !self.collation.as_ref().is_some_and(|it| it.supplementary)
    }
}

/// A literal of PostgreSQL under `standard_conforming_strings`, which every connection sets.
pub(super) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
