//! Text arguments and the type of text results.

use std::sync::Arc;

use crate::engine::error::Result;
use crate::engine::eval::expr::{Bound, Ty};
use crate::engine::eval::types::common_collation;
use crate::engine::value::text;
use crate::engine::{collate, datatype};
use crate::types::{Collation, SqlType, Value};

pub(crate) fn units(v: &Value) -> Arc<[u16]> {
    text::units(v).map_or_else(|| Arc::from([]), Arc::clone)
}

pub(crate) fn cut(v: &Value, from: usize, count: usize) -> Value {
    let u = units(v);
    let from = from.min(u.len());
    Value::Text(u[from..(from + count).min(u.len())].into())
}

/// The variable-length type of a text type.
pub(crate) fn varying(t: &Ty) -> Ty {
    let ty = match &t.ty {
        SqlType::Char { length } => SqlType::VarChar {
            length: Some(*length),
        },
        SqlType::NChar { length } => SqlType::NVarChar {
            length: Some(*length),
        },
        SqlType::Text => SqlType::VarChar { length: None },
        SqlType::NText => SqlType::NVarChar { length: None },
        other => other.clone(),
    };
    Ty {
        ty,
        nullable: true,
        ..t.clone()
    }
}

/// The longest text type of the argument's family.
pub(crate) fn widest(t: &Ty) -> Ty {
    let max = datatype::length(&t.ty).is_none();
    let ty = match (datatype::is_unicode(&t.ty), max) {
        (true, true) => SqlType::NVarChar { length: None },
        (true, false) => SqlType::NVarChar { length: Some(4000) },
        (false, true) => SqlType::VarChar { length: None },
        (false, false) => SqlType::VarChar { length: Some(8000) },
    };
    Ty {
        ty,
        nullable: true,
        ..t.clone()
    }
}

pub(crate) fn code_page(t: &Ty) -> u16 {
    t.collation.as_ref().map_or(1252, |c| c.code_page)
}

/// "When using SC collations, the returned integer value counts UTF-16 surrogate pairs as a single
/// character" (LEN). Those of UTF-8 are among them.
pub(crate) fn supplementary(collation: &Collation) -> bool {
    let name = collation.name.to_ascii_uppercase();
    name.contains("_SC") || name.contains("_140_") || name.ends_with("_UTF8")
}

pub(crate) fn text_type(ty: SqlType) -> Ty {
    Ty {
        ty,
        nullable: true,
        collation: Some(collate::default_collation()),
        rank: 0,
    }
}

pub(crate) fn collation_of(a: &Bound, b: &Bound) -> Result<Arc<Collation>> {
    Ok(common_collation(&a.t, &b.t, "charindex")?
        .0
        .unwrap_or_else(collate::default_collation))
}

/// The first place from `start` on where `pattern` occurs, under the collation.
pub(crate) fn find(
    subject: &[u16],
    pattern: &[u16],
    start: usize,
    collation: &Collation,
) -> Option<(usize, usize)> {
    let n = pattern.len();
    if n == 0 || n > subject.len() {
        return None;
    }
    let same = |window: &[u16]| {
        window == pattern
            || (!collation.binary
                && collate::compare(collation, window, pattern).is_eq()
                && blanks(window) == blanks(pattern))
    };
    (start..=subject.len() - n)
        .find(|i| same(&subject[*i..*i + n]))
        .map(|i| (i, n))
}

/// Trailing blanks, which comparison ignores but searching does not.
pub(crate) fn blanks(u: &[u16]) -> usize {
    u.len() - collate::trim(u).len()
}
