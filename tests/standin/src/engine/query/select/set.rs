//! UNION, EXCEPT, INTERSECT and VALUES.

use sqlparser::ast::{self, Expr, SetExpr, SetOperator, SetQuantifier};

use crate::engine::error::{Result, error, unsupported};
use crate::engine::eval::expr::{Bound, Kind, Ty};
use crate::engine::eval::plan::{Plan, SetKind, SortKey};
use crate::engine::eval::types::{convert_to, union_type};
use crate::engine::model::name::same_name;
use crate::engine::query::bind::{Binder, Output};
use crate::engine::query::mask;
use crate::types::{SqlType, Value};

impl Binder<'_> {
    pub(super) fn set_operation(
        &mut self,
        left: &SetExpr,
        op: SetOperator,
        quantifier: SetQuantifier,
        right: &SetExpr,
    ) -> Result<Bounded> {
        let (left, l) = self.body(left)?;
        let (right, r) = self.body(right)?;
        let sides = [(left, l), (right, r)];
        let columns = united(&sides)?;
        let [(left, l), (right, r)] = sides;
        let types: Vec<Ty> = columns.iter().map(|c| c.t.clone()).collect();
        let (left, right) = (converted(left, &l, &types), converted(right, &r, &types));
        let all = matches!(quantifier, SetQuantifier::All);
        let plan = match op {
            SetOperator::Union if all => Plan::Union(vec![left, right]),
            SetOperator::Union => Plan::Distinct(Box::new(Plan::Union(vec![left, right])), types),
            SetOperator::Except | SetOperator::Intersect if !all => {
                let kind = if op == SetOperator::Except {
                    SetKind::Except
                } else {
                    SetKind::Intersect
                };
                Plan::SetOperation {
                    kind,
                    left: Box::new(left),
                    right: Box::new(right),
                    types,
                }
            }
            other => return Err(unsupported(format!("{other} ALL"))),
        };
        Ok((plan, columns))
    }

    pub(super) fn values(&mut self, values: &ast::Values) -> Result<Bounded> {
        let mut rows = Vec::new();
        for row in &values.rows {
            rows.push(
                row.content
                    .iter()
                    .map(|e| self.value(e))
                    .collect::<Result<Vec<_>>>()?,
            );
        }
        let width = rows.first().map_or(0, Vec::len);
        if rows.iter().any(|r| r.len() != width) {
            return Err(error(
                10709,
                16,
                "The number of columns for each row in a table value constructor must be the same.",
            ));
        }
        let mut columns = Vec::new();
        for i in 0..width {
            let t = union_type(
                rows.iter()
                    .map(|r| (&r[i].t, matches!(r[i].as_constant(), Some(Value::Null)))),
            )?;
            columns.push(Output {
                name: String::new(),
                t,
                identity: false,
                computed: false,
                hidden: false,
                mask: None,
                denied: None,
                internal: false,
            });
        }
        let convert = |row: Vec<Bound>| {
            row.into_iter()
                .zip(&columns)
                .map(|(b, c)| convert_to(b, &c.t.ty))
                .collect()
        };
        Ok((
            Plan::Values(rows.into_iter().map(convert).collect()),
            columns,
        ))
    }

    /// ORDER BY after a set operation: names or positions of the result.
    pub(super) fn order_outputs(
        &mut self,
        plan: Plan,
        columns: &[Output],
        order: &[ast::OrderByExpr],
    ) -> Result<Plan> {
        if order.is_empty() {
            return Ok(plan);
        }
        let mut keys = Vec::new();
        for key in order {
            let at = position(&key.expr, columns).ok_or_else(|| {
                error(104, 16, "ORDER BY items must appear in the select list if the statement contains a UNION, INTERSECT or EXCEPT operator.")
            })?;
            let expr = Bound {
                kind: Kind::Column { depth: 0, at },
                t: columns[at].t.clone(),
            };
            keys.push(SortKey {
                expr,
                descending: crate::engine::query::bind::is_descending(key),
            });
        }
        Ok(Plan::Sort(Box::new(plan), keys))
    }
}

/// The columns that queries have together: named by the first, in their common types.
pub(super) fn united(sides: &[Bounded]) -> Result<Vec<Output>> {
    let Some(((_, first), others)) = sides.split_first() else {
        return Ok(Vec::new());
    };
    if others.iter().any(|(_, o)| o.len() != first.len()) {
        return Err(error(
            205,
            16,
            "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in their target lists.",
        ));
    }
    let mut columns = first.clone();
    for (at, column) in columns.iter_mut().enumerate() {
        column.t = union_type(sides.iter().map(|(p, o)| (&o[at].t, untyped(p, at))))?;
        (column.identity, column.computed) = (false, false);
        if others.iter().any(|(_, o)| o[at].mask != column.mask) {
            column.mask = Some(mask::DEFAULT.to_owned());
        }
    }
    Ok(columns)
}

/// The rows of all queries, in the types of the columns that [`united`] gives.
pub(super) fn all(mut sides: Vec<Bounded>, columns: &[Output]) -> Plan {
    let types: Vec<Ty> = columns.iter().map(|c| c.t.clone()).collect();
    if sides.len() == 1 {
        return sides.remove(0).0;
    }
    let plans = sides.into_iter().map(|(p, o)| converted(p, &o, &types));
    Plan::Union(plans.collect())
}

/// Whether the column is a bare NULL, which takes the type of what it is united with.
fn untyped(plan: &Plan, at: usize) -> bool {
    match plan {
        Plan::Project(_, exprs) => exprs.get(at).is_some_and(|e| {
            matches!(e.as_constant(), Some(Value::Null)) && e.t.ty == SqlType::Int
        }),
        Plan::Union(sides) => sides.iter().all(|side| untyped(side, at)),
        Plan::Distinct(input, _)
        | Plan::Trim(input, _)
        | Plan::Sort(input, _)
        | Plan::Limit { input, .. } => untyped(input, at),
        _ => false,
    }
}

fn converted(plan: Plan, from: &[Output], to: &[Ty]) -> Plan {
    if from.iter().zip(to).all(|(f, t)| f.t.ty == t.ty) {
        return plan;
    }
    let column = |at: usize, f: &Output| Bound {
        kind: Kind::Column { depth: 0, at },
        t: f.t.clone(),
    };
    let exprs = from
        .iter()
        .enumerate()
        .zip(to)
        .map(|((i, f), t)| convert_to(column(i, f), &t.ty))
        .collect();
    Plan::Project(Box::new(plan), exprs)
}

/// The result column that an ORDER BY item names, by position or name.
pub(super) fn position(expr: &Expr, columns: &[Output]) -> Option<usize> {
    match expr {
        Expr::Value(v) => match &v.value {
            ast::Value::Number(n, _) => n
                .parse::<usize>()
                .ok()?
                .checked_sub(1)
                .filter(|i| *i < columns.len()),
            _ => None,
        },
        Expr::Identifier(i) => columns.iter().position(|c| same_name(&c.name, &i.value)),
        _ => None,
    }
}

pub(crate) type Bounded = (Plan, Vec<Output>);
