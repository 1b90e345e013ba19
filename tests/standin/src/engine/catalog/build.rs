//! Builds catalog views: columns by short type codes, rows by values.

use std::sync::Arc;

use crate::engine::value::calendar::{DAY, DAYS_1900};
use crate::engine::value::text;
use crate::engine::{collate, datatype};
use crate::types::{Column, SqlType, Value};

pub(super) struct Build {
    view: View,
}

/// The types of catalog columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum T {
    Bit,
    Tiny,
    Small,
    Int,
    Big,
    /// `sysname`.
    Name,
    /// `nvarchar(60)`, as the `_desc` columns have.
    Desc,
    /// `char(2)`.
    Code,
    /// `nvarchar(max)`.
    Text,
    Date,
    Binary,
    Guid,
    Variant,
    /// `sql_variant`, of whatever type the value is.
    Any,
    Real,
}

impl T {
    fn ty(self) -> SqlType {
        match self {
            T::Bit => SqlType::Bit,
            T::Tiny => SqlType::TinyInt,
            T::Small => SqlType::SmallInt,
            T::Int => SqlType::Int,
            T::Big => SqlType::BigInt,
            T::Name => SqlType::NVarChar { length: Some(128) },
            T::Desc => SqlType::NVarChar { length: Some(60) },
            T::Code => SqlType::Char { length: 2 },
            T::Text => SqlType::NVarChar { length: None },
            T::Date => SqlType::DateTime,
            T::Binary => SqlType::VarBinary { length: Some(85) },
            T::Guid => SqlType::UniqueIdentifier,
            T::Any => SqlType::SqlVariant,
            T::Real => SqlType::Real,
            // The values here are all text or bigint; sql_variant itself has no comparison here.
            T::Variant => SqlType::NVarChar { length: Some(4000) },
        }
    }
}

impl Build {
    pub(super) fn new(columns: &[(&str, T)]) -> Build {
        let columns = columns
            .iter()
            .map(|(name, t)| {
                let ty = t.ty();
                let collation = datatype::has_collation(&ty).then(collate::default_collation);
                Column {
                    name: (*name).to_owned(),
                    ty,
                    nullable: true,
                    identity: false,
                    computed: false,
                    collation,
                }
            })
            .collect();
        Build {
            view: View {
                columns,
                rows: Vec::new(),
            },
        }
    }

    pub(super) fn row(&mut self, values: Vec<Value>) {
        debug_assert_eq!(
            values.len(),
            self.view.columns.len(),
            "a catalog row has a value for every column"
        );
        self.view.rows.push(values);
    }

    pub(super) fn names(&self) -> Vec<String> {
        let columns = self.view.columns.iter();
        columns.map(|column| column.name.clone()).collect()
    }

    pub(super) fn finish(self) -> View {
        self.view
    }
}

pub(super) fn s(text: &str) -> Value {
    text::value(text)
}

pub(super) fn opt(text: Option<&str>) -> Value {
    text.map_or(Value::Null, s)
}

pub(super) fn i(n: impl Into<i64>) -> Value {
    Value::Int(n.into())
}

pub(super) fn b(on: bool) -> Value {
    Value::Bit(on)
}

pub(super) const NULL: Value = Value::Null;

/// A `datetime` of ticks since 0001-01-01.
pub(super) fn at(ticks: u64) -> Value {
    let days = (ticks / DAY) as i32 - DAYS_1900;
    Value::DateTime {
        days,
        ticks: crate::engine::value::temporal::to_300ths(ticks % DAY).min(300 * 86_400 - 1),
    }
}

pub(super) fn bytes(b: &[u8]) -> Value {
    Value::Bytes(Arc::from(b))
}

/// A view's columns and rows.
pub(crate) struct View {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Value>>,
}

/// The object id of a system view; negative, as those of all system objects are.
pub(crate) fn system_view(name: &str) -> Option<i32> {
    match name.to_ascii_lowercase().as_str() {
        "columns" => Some(-391),
        "tables" => Some(-397),
        _ => None,
    }
}
