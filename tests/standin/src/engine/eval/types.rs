//! The types that operators bring their sides to.

use std::sync::Arc;

use crate::engine::arithmetic::{Operator, result_type};
use crate::engine::datatype::{self, is_binary, is_integer, is_text, precedence};
use crate::engine::error::{Result, clash, error};
use crate::engine::eval::constant::{exact_constant, exact_literal, fold_constant};
use crate::engine::eval::expr::{Bound, Kind, Ty};
use crate::engine::value::compare::Comparison;
use crate::engine::value::convert::how::How;
use crate::types::{Collation, SqlType, Value};

pub(crate) fn convert_to(bound: Bound, ty: &SqlType) -> Bound {
    if bound.t.ty == *ty {
        return bound;
    }
    let t = Ty {
        ty: ty.clone(),
        nullable: bound.t.nullable,
        collation: bound.t.collation.clone(),
        rank: bound.t.rank,
    };
    let how = How {
        truncate: true,
        code_page: t.collation.as_ref().map(|c| c.code_page),
        ..How::default()
    };
    fold_constant(Bound {
        kind: Kind::Convert {
            inner: Box::new(bound),
            how,
            attempt: false,
        },
        t,
    })
}

/// The collation of two sides together and its rank.
///
/// # Errors
/// 468 when two columns, or two COLLATE clauses, disagree.
pub(crate) fn common_collation(
    l: &Ty,
    r: &Ty,
    operation: &str,
) -> Result<(Option<Arc<Collation>>, u8)> {
    match (&l.collation, &r.collation) {
        (Some(a), Some(b))
            if l.rank == r.rank && l.rank > 0 && !a.name.eq_ignore_ascii_case(&b.name) =>
        {
            let message = format!(
                "Cannot resolve the collation conflict between \"{}\" and \"{}\" in the {operation} operation.",
                b.name, a.name
            );
            Err(error(468, 16, message))
        }
        (Some(a), Some(b)) => Ok(if r.rank > l.rank {
            (Some(Arc::clone(b)), r.rank)
        } else {
            (Some(Arc::clone(a)), l.rank)
        }),
        (a, b) => Ok((a.clone().or_else(|| b.clone()), l.rank.max(r.rank))),
    }
}

/// The type that two sides of a comparison, CASE or UNION share.
pub(crate) fn common_type(l: &SqlType, r: &SqlType) -> Result<SqlType> {
    if l == r {
        return Ok(l.clone());
    }
    let (strong, weak) = if precedence(l) >= precedence(r) {
        (l, r)
    } else {
        (r, l)
    };
    let longest = |most: u16| match (datatype::length(l), datatype::length(r)) {
        (Some(a), Some(b)) => Some(a.max(b).min(most)),
        _ => None,
    };
    Ok(match strong {
        SqlType::Decimal {
            precision: p1,
            scale: s1,
        } => match weak {
            _ if is_text(weak) || is_binary(weak) => strong.clone(),
            _ => {
                let (p2, s2) = crate::engine::arithmetic::as_decimal(weak);
                let scale = (*s1).max(s2);
                let whole = (p1 - s1).max(p2 - s2);
                SqlType::Decimal {
                    precision: (whole + scale).min(38),
                    scale: scale.min(38 - whole.min(38)),
                }
            }
        },
        SqlType::NVarChar { .. } | SqlType::NChar { .. } if is_text(weak) => SqlType::NVarChar {
            length: longest(4000),
        },
        SqlType::VarChar { .. } if is_text(weak) => SqlType::VarChar {
            length: longest(8000),
        },
        SqlType::Char { .. } if is_text(weak) => SqlType::Char {
            length: longest(8000).unwrap_or(8000),
        },
        SqlType::VarBinary { .. } if is_binary(weak) => SqlType::VarBinary {
            length: longest(8000),
        },
        SqlType::UniqueIdentifier if is_text(weak) || is_binary(weak) => strong.clone(),
        SqlType::UniqueIdentifier | SqlType::Xml if !is_text(weak) => {
            return Err(clash(datatype::name(weak), datatype::name(strong)));
        }
        _ if datatype::is_temporal(strong)
            && matches!(
                strong,
                SqlType::Date
                    | SqlType::Time { .. }
                    | SqlType::DateTime2 { .. }
                    | SqlType::DateTimeOffset { .. }
            )
            && datatype::is_number(weak) =>
        {
            return Err(clash(datatype::name(weak), datatype::name(strong)));
        }
        _ => strong.clone(),
    })
}

/// A comparison with both sides brought to one type; a constant takes the column's type when that
/// loses nothing, so that an index can be used.
pub(crate) fn comparison(op: Comparison, l: Bound, r: Bound) -> Result<Bound> {
    sortable(&l).or_else(|e| {
        if matches!(l.t.ty, SqlType::Xml) {
            Err(e)
        } else {
            Ok(())
        }
    })?;
    let mut collation = None;
    if is_text(&l.t.ty) && is_text(&r.t.ty) {
        collation = Some(common_collation(&l.t, &r.t, "equal to")?);
    }
    let (l, r) = same_type(l, r)?;
    let (mut l, r) = (l, r);
    if let Some((Some(c), rank)) = collation {
        (l.t.collation, l.t.rank) = (Some(c), rank.max(r.t.rank));
    }
    Ok(Bound::predicate(Kind::Compare(
        op,
        Box::new(l),
        Box::new(r),
    )))
}

fn same_type(l: Bound, r: Bound) -> Result<(Bound, Bound)> {
    let (a, b) = (&l.t.ty, &r.t.ty);
    // These pairs hold the same kind of value.
    if is_integer(a) && is_integer(b)
        || is_text(a) && is_text(b)
        || is_binary(a) && is_binary(b)
        || datatype::is_money(a) && datatype::is_money(b)
    {
        return Ok((l, r));
    }
    if matches!(l.as_constant(), Some(Value::Null)) || matches!(r.as_constant(), Some(Value::Null))
    {
        return Ok((l, r));
    }
    if let Some(exact) = exact_constant(&r, a) {
        return Ok((l, exact));
    }
    if let Some(exact) = exact_constant(&l, b) {
        return Ok((exact, r));
    }
    let common = common_type(a, b)?;
    let bring = |side: Bound| {
        if side.t.ty == common {
            side
        } else {
            convert_to(side, &common)
        }
    };
    Ok((bring(l), bring(r)))
}

pub(crate) fn arithmetic(op: Operator, l: Bound, r: Bound) -> Result<Bound> {
    // An untyped NULL takes the other side's type.
    let null = |b: &Bound| matches!(b.as_constant(), Some(Value::Null)) && b.t.ty == SqlType::Int;
    let (l, r) = match (null(&l), null(&r)) {
        (true, false) => (Bound::constant(Value::Null, r.t.ty.clone()), r),
        (false, true) => {
            let ty = l.t.ty.clone();
            (l, Bound::constant(Value::Null, ty))
        }
        _ => (l, r),
    };
    let (l, r) = if matches!(r.t.ty, SqlType::Decimal { .. }) {
        (exact_literal(l), r)
    } else {
        (l, r)
    };
    let (l, r) = if matches!(l.t.ty, SqlType::Decimal { .. }) {
        (l, exact_literal(r))
    } else {
        (l, r)
    };
    let (ty, operand) = result_type(op, &l.t.ty, &r.t.ty)?;
    // "The result of most expressions is considered nullable even if only nonnullable columns are
    // present" ("Specify computed columns in a table").
    let constants = l.as_constant().is_some() && r.as_constant().is_some();
    let nullable = !constants || l.t.nullable || r.t.nullable;
    let (collation, rank) = if is_text(&ty) {
        common_collation(&l.t, &r.t, "add")?
    } else {
        (None, 0)
    };
    let op = if is_text(&ty) || is_binary(&ty) {
        Operator::Concat
    } else {
        op
    };
    let bring = |side: Bound| match (&operand, &ty) {
        (Some(to), _) => convert_to(side, to),
        (None, SqlType::Decimal { .. }) if is_text(&side.t.ty) => convert_to(side, &ty),
        _ => side,
    };
    let (l, r) = (bring(l), bring(r));
    Ok(Bound {
        kind: Kind::Arithmetic(op, Box::new(l), Box::new(r)),
        t: Ty {
            ty,
            nullable,
            collation,
            rank,
        },
    })
}

/// CASE over results of several types.
pub(crate) fn choose(whens: Vec<(Bound, Bound)>, otherwise: Option<Bound>) -> Result<Bound> {
    let results = whens.iter().map(|(_, r)| r).chain(otherwise.as_ref());
    let t = union_type(results.map(|r| (&r.t, matches!(r.as_constant(), Some(Value::Null)))))?;
    let nullable = t.nullable || otherwise.is_none();
    let whens = whens
        .into_iter()
        .map(|(c, r)| (c, convert_to(r, &t.ty)))
        .collect();
    let otherwise = otherwise.map(|e| Box::new(convert_to(e, &t.ty)));
    Ok(Bound {
        kind: Kind::Case { whens, otherwise },
        t: Ty { nullable, ..t },
    })
}

/// The common type of many; untyped NULLs (the flag) say nothing about it.
pub(crate) fn union_type<'t>(types: impl Iterator<Item = (&'t Ty, bool)>) -> Result<Ty> {
    let mut found: Option<Ty> = None;
    let mut nullable = false;
    for (t, null) in types {
        nullable |= t.nullable;
        if null {
            continue;
        }
        found = Some(match found {
            None => t.clone(),
            Some(f) => {
                let (collation, rank) = if f.collation.is_some() && t.collation.is_some() {
                    common_collation(&f, t, "UNION")?
                } else {
                    (
                        f.collation.clone().or_else(|| t.collation.clone()),
                        f.rank.max(t.rank),
                    )
                };
                let ty = common_type(&f.ty, &t.ty)?;
                let collation = collation.filter(|_| datatype::has_collation(&ty));
                Ty {
                    ty,
                    nullable: false,
                    collation,
                    rank,
                }
            }
        });
    }
    let mut t = found.unwrap_or(Ty {
        ty: SqlType::Int,
        nullable: true,
        collation: None,
        rank: 0,
    });
    t.nullable = nullable;
    Ok(t)
}

/// # Errors
/// 306 for the types that cannot be compared or sorted.
pub(crate) fn sortable(expr: &Bound) -> Result<()> {
    match expr.t.ty {
        SqlType::Text | SqlType::NText | SqlType::Image | SqlType::Xml => Err(error(
            306,
            16,
            "The text, ntext, and image data types cannot be compared or sorted, except when using IS NULL or LIKE operator.",
        )),
        SqlType::Geography | SqlType::Geometry | SqlType::Json | SqlType::Vector { .. } => {
            Err(error(
                249,
                16,
                format!(
                    "The type \"{}\" is not comparable. It cannot be used in the ORDER BY clause.",
                    datatype::name(&expr.t.ty)
                ),
            ))
        }
        _ => Ok(()),
    }
}

/// Conditions are told from bit values by their form.
pub(crate) fn is_condition(bound: &Bound) -> bool {
    matches!(
        bound.kind,
        Kind::Compare(..)
            | Kind::And(..)
            | Kind::Or(..)
            | Kind::Not(_)
            | Kind::IsNull(_)
            | Kind::Like { .. }
            | Kind::InList(..)
            | Kind::Exists(..)
            | Kind::InQuery(..)
            | Kind::Quantified(_)
    )
}

pub(crate) fn negate(bound: Bound, negated: bool) -> Bound {
    if negated {
        Bound::predicate(Kind::Not(Box::new(bound)))
    } else {
        bound
    }
}
