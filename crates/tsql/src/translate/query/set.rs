//! UNION, INTERSECT and EXCEPT.

use sqlparser::ast::{SetExpr, SetOperator, SetQuantifier};

use super::super::context::Context;
use super::super::types::Family;
use super::super::value::Value;
use super::super::{Outcome, Untranslated, common, convert};
use super::{Body, Made, SetBody, distinct, group, table, typed_null};

/// A set operation of two queries.
pub(super) fn set(
    context: &mut Context<'_>,
    [left, right]: [&SetExpr; 2],
    op: SetOperator,
    quantifier: SetQuantifier,
) -> Outcome<Body> {
    let mut left = super::body(context, left)?;
    let mut right = super::body(context, right)?;
    let shapes = unified(context, &left, &right)?;
    let mut plain = vec![true; shapes.len()];
    for body in [&mut left, &mut right] {
        convert(context, body, &shapes)?;
        body.each_item(&mut |at, item| {
            if let Some(plain) = plain.get_mut(at) {
                *plain &= item.value.plain_column().is_some();
            }
            Ok(())
        })?;
    }
    // A `char(n)` column stays one only beside others: PostgreSQL would drop its blanks for a text.
    for body in [&mut left, &mut right] {
        body.each_item(&mut |at, item| {
            if plain.get(at) == Some(&false) {
                item.value.bare = None;
            }
            Ok(())
        })?;
    }
    let all = match quantifier {
        SetQuantifier::All => true,
        SetQuantifier::None | SetQuantifier::Distinct => false,
        _ => return Err(Untranslated::new("UNION BY NAME")),
    };
    // Of texts and binaries, unlike values can be equal.
    let loose = |it: &Value| matches!(it.family(), Family::Text | Family::Binary);
    let text = shapes.iter().any(loose);
    let operator = match (op, all) {
        (SetOperator::Union, true) => "UNION ALL",
        (SetOperator::Union, false) if text => return union_of_texts(context, left, right),
        (SetOperator::Union, false) => "UNION",
        (SetOperator::Intersect, false) if text => return matched(context, [left, right], ""),
        (SetOperator::Except, false) if text => return matched(context, [left, right], "NOT "),
        (SetOperator::Intersect, false) => "INTERSECT",
        (SetOperator::Except, false) => "EXCEPT",
        _ => return Err(Untranslated::new("INTERSECT ALL or EXCEPT ALL")),
    };
    let (left, right) = (Box::new(left), Box::new(right));
    Ok(Body::Set(SetBody {
        operator,
        left,
        right,
    }))
}

/// INTERSECT and EXCEPT of texts: the rows of the left that have, or have not, an equal one on the
/// right; of those that are equal at the source one.
fn matched(context: &mut Context<'_>, sides: [Body; 2], not: &str) -> Outcome<Body> {
    let [left, right] = sides.map(Made::from);
    let (mut left, _) = table::around(context, left)?;
    let (right, _) = table::around_as(context, right, "\u{b7}r")?;
    let mut equal = Vec::with_capacity(left.items.len());
    for (one, other) in left.items.iter().zip(&right.items) {
        let one = group::key(context, &one.value)?;
        let other = group::key(context, &other.value)?;
        equal.push(format!("{one} IS NOT DISTINCT FROM {other}"));
    }
    left.tail = format!(
        "{}\nWHERE {not}EXISTS (SELECT{}\nWHERE {})",
        left.tail,
        right.tail,
        equal.join(" AND ")
    );
    Ok(Body::Select(distinct::distinct(context, left)?))
}

/// UNION of texts: all rows, and of those that are equal at the source one.
fn union_of_texts(context: &mut Context<'_>, left: Body, right: Body) -> Outcome<Body> {
    let all = Made::from(Body::Set(SetBody {
        operator: "UNION ALL",
        left: Box::new(left),
        right: Box::new(right),
    }));
    let (select, _) = table::around(context, all)?;
    Ok(Body::Select(distinct::distinct(context, select)?))
}

/// The common type of each column, as a value without text.
fn unified(context: &mut Context<'_>, left: &Body, right: &Body) -> Outcome<Vec<Value>> {
    let (left, right) = (left.items(), right.items());
    if left.len() != right.len() {
        return Err(Untranslated::new(
            "a set operation of queries with other numbers of columns",
        ));
    }
    let pairs = left.iter().zip(right);
    pairs
        .map(|(a, b)| {
            let (a, b) = (a.value.clone(), b.value.clone());
            if a.ty.is_none() && b.ty.is_none() {
                return Ok(Value::null());
            }
            if a.family() == Family::Other || b.family() == Family::Other {
                let same = a.ty == b.ty || a.ty.is_none() || b.ty.is_none();
                return same
                    .then_some(if a.ty.is_some() { a } else { b })
                    .ok_or_else(|| Untranslated::new("a set operation of unlike types"));
            }
            Ok(common::unified(context, vec![a, b])?.1)
        })
        .collect()
}

/// Every SELECT of a query in common types.
fn convert(context: &mut Context<'_>, body: &mut Body, shapes: &[Value]) -> Outcome<()> {
    body.each_item(&mut |at, item| {
        let Some((shape, ty)) = shapes.get(at).and_then(|it| Some((it, it.ty.as_ref()?))) else {
            return Ok(());
        };
        let value = item.value.clone();
        item.value = if value.ty.is_none() {
            typed_null(value, ty).in_collation_of(shape)
        } else if value.family() == Family::Other || value.ty.as_ref() == Some(ty) {
            value.in_collation_of(shape)
        } else {
            convert::converted(context, value, ty)?.in_collation_of(shape)
        };
        Ok(())
    })
}
