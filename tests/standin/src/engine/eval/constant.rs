//! Expressions that are constants: computed once, and the exact types of literals.

use crate::engine::datatype::is_integer;
use crate::engine::eval::expr::{Bound, Env, Kind, Run};
use crate::engine::value::decimal;
use crate::types::{SqlType, Value};

/// Evaluates what needs no row now, so that ranges and styles see constants.
pub(crate) fn fold_constant(bound: Bound) -> Bound {
    // A NULL that is converted has that type, and a bare one has none.
    let typed_null = matches!(&bound.kind, Kind::Convert { inner, .. } if matches!(inner.kind, Kind::Const(Value::Null)));
    let foldable = matches!(bound.kind, Kind::Convert { .. } | Kind::Arithmetic(..))
        && bound.reads_nothing()
        && !typed_null;
    if !foldable {
        return bound;
    }
    let run = Run::default();
    match bound.eval(&Env {
        row: &[],
        outer: None,
        run: &run,
    }) {
        Ok(value) => Bound {
            kind: Kind::Const(value),
            t: bound.t,
        },
        // The error belongs to the row that reaches it, if any does.
        Err(_) => bound,
    }
}

/// A numeric constant in the other side's type, when it is the same number there.
pub(crate) fn exact_constant(constant: &Bound, to: &SqlType) -> Option<Bound> {
    let (unscaled, scale) = match constant.as_constant()? {
        Value::Int(i) => (i128::from(*i), 0),
        Value::Decimal { unscaled, scale } => (*unscaled, *scale),
        _ => return None,
    };
    let value = match to {
        SqlType::Decimal { scale: target, .. } => {
            let there = decimal::rescale(unscaled, scale, *target)?;
            (decimal::rescale(there, *target, scale.max(*target))
                == decimal::rescale(unscaled, scale, scale.max(*target)))
            .then_some(Value::Decimal {
                unscaled: there,
                scale: *target,
            })?
        }
        t if is_integer(t) => {
            let there = decimal::rescale(unscaled, scale, 0)?;
            (decimal::rescale(there, 0, scale) == Some(unscaled)).then_some(())?;
            Value::Int(i64::try_from(there).ok()?)
        }
        _ => return None,
    };
    Some(Bound::constant(value, to.clone()))
}

/// An integer constant beside a decimal has just the digits it needs.
pub(crate) fn exact_literal(bound: Bound) -> Bound {
    match (bound.as_constant(), &bound.t.ty) {
        (Some(Value::Int(i)), SqlType::Int) => {
            let precision = i.unsigned_abs().to_string().len() as u8;
            Bound::constant(
                Value::Decimal {
                    unscaled: i128::from(*i),
                    scale: 0,
                },
                SqlType::Decimal {
                    precision,
                    scale: 0,
                },
            )
        }
        _ => bound,
    }
}
