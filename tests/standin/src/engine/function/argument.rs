//! What the built-in functions share: arguments, constants and results.

use std::sync::Arc;

use crate::engine::datatype;
use crate::engine::error::{Result, argument_count};
use crate::engine::eval::expr::{Bound, Call, Kind, Ty};
use crate::engine::eval::types::convert_to;
use crate::engine::value::text;
use crate::types::{SqlType, Value};

/// A call whose result is NULL when any argument is.
pub(crate) fn strict(
    args: Vec<Bound>,
    t: Ty,
    body: impl Fn(&[Value]) -> Result<Value> + Send + Sync + 'static,
) -> Bound {
    let call: Call = Arc::new(move |values: &[Value]| {
        if values.iter().any(|v| matches!(v, Value::Null)) {
            Ok(Value::Null)
        } else {
            body(values)
        }
    });
    Bound {
        kind: Kind::Call(call, args),
        t,
    }
}

pub(crate) fn plain(ty: SqlType) -> Ty {
    Ty {
        ty,
        nullable: true,
        collation: None,
        rank: 0,
    }
}

pub(crate) fn expect(name: &str, args: &[Bound], count: usize) -> Result<()> {
    if args.len() == count {
        Ok(())
    } else {
        Err(argument_count(name, count))
    }
}

pub(crate) fn sysname(s: &str) -> Bound {
    nvarchar(Some(s))
}

pub(crate) fn nvarchar(s: Option<&str>) -> Bound {
    let value = s.map_or(Value::Null, text::value);
    let mut bound = Bound::constant(value, SqlType::NVarChar { length: Some(128) });
    bound.t.nullable = true;
    bound.t.collation = Some(crate::engine::collate::default_collation());
    bound
}

pub(crate) fn int(i: i64) -> Bound {
    Bound::constant(Value::Int(i), SqlType::Int)
}

pub(crate) fn nullable_int(i: Option<i64>) -> Bound {
    Bound::constant(i.map_or(Value::Null, Value::Int), SqlType::Int)
}

/// The argument as text.
pub(crate) fn as_text(b: &Bound) -> Bound {
    if datatype::is_text(&b.t.ty) {
        b.clone()
    } else {
        convert_to(b.clone(), &SqlType::NVarChar { length: Some(4000) })
    }
}

pub(crate) fn as_int(b: &Bound) -> Bound {
    convert_to(b.clone(), &SqlType::BigInt)
}

/// An argument that binds to a text constant, such as an object's name.
pub(crate) fn units_of(value: &Value) -> String {
    text::units(value)
        .map(|u| text::to_string(u))
        .unwrap_or_default()
}

pub(crate) fn integer_of(value: &Value) -> i64 {
    match value {
        Value::Int(i) => *i,
        _ => 0,
    }
}
