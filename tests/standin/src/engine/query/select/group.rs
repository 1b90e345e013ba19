//! GROUP BY: groups, grouping sets, and whether a query has groups at all.

use sqlparser::ast::{
    self, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr,
    GroupByWithModifier, Select, SelectItem, WindowType,
};

use crate::engine::error::{Result, error, syntax, unsupported};
use crate::engine::eval::expr::{Bound, Kind, Ty};
use crate::engine::eval::plan::{AggregateCall, AggregateFunction};
use crate::engine::eval::types::sortable;
use crate::engine::query::bind::column::same_expression;
use crate::engine::query::bind::{Binder, Grouping};
use crate::engine::query::select::call::aggregate_of;
use crate::types::SqlType;

/// Grouping sets, each with its expressions.
type Sets<'e> = Vec<Vec<&'e Expr>>;

impl Binder<'_> {
    pub(super) fn is_grouped(&self, select: &Select, order: &[ast::OrderByExpr]) -> bool {
        let by = match &select.group_by {
            GroupByExpr::Expressions(list, _) => !list.is_empty(),
            GroupByExpr::All(_) => true,
        };
        by || select.having.is_some()
            || select.projection.iter().any(|i| match i {
                SelectItem::UnnamedExpr(e) | SelectItem::ExprWithAlias { expr: e, .. } => {
                    has_aggregate(e)
                }
                _ => false,
            })
            || order.iter().any(|o| has_aggregate(&o.expr))
    }

    pub(super) fn group(&mut self, select: &Select, grouped: bool) -> Result<()> {
        let GroupByExpr::Expressions(list, modifiers) = &select.group_by else {
            return Err(unsupported("GROUP BY ALL"));
        };
        if !grouped {
            return Ok(());
        }
        let (sets, plain) = match modifiers.as_slice() {
            [] => sets_of_list(list)?,
            [GroupByWithModifier::Rollup] => {
                (rolled(list.iter().map(|e| vec![e]).collect()), false)
            }
            [GroupByWithModifier::Cube] => (cubed(list.iter().map(|e| vec![e]).collect())?, false),
            _ => return Err(syntax("WITH")),
        };
        let mut grouping = Grouping::default();
        for set in &sets {
            let mut places = Vec::new();
            for expr in set {
                let known = grouping
                    .groups
                    .iter()
                    .position(|(g, _)| same_expression(g, expr));
                let at = match known {
                    Some(at) => at,
                    None => {
                        let bound = self.group_expression(expr)?;
                        grouping.groups.push(((*expr).clone(), bound));
                        grouping.groups.len() - 1
                    }
                };
                if !places.contains(&at) {
                    places.push(at);
                }
            }
            grouping.sets.push(places);
        }
        if plain {
            grouping.sets.clear();
        } else {
            // A set that leaves a group out has NULL in its place.
            for (_, group) in &mut grouping.groups {
                group.t.nullable = true;
            }
        }
        self.scope().grouping = Some(grouping);
        Ok(())
    }

    fn group_expression(&mut self, expr: &Expr) -> Result<Bound> {
        let bound = self.value(expr)?;
        sortable(&bound)?;
        if bound.reads_nothing() {
            return Err(error(
                164,
                15,
                "Each GROUP BY expression must contain at least one column that is not an outer reference.",
            ));
        }
        Ok(bound)
    }

    /// GROUPING of one group, GROUPING_ID of many.
    pub(super) fn grouping(&mut self, name: &str, args: &[Option<&Expr>]) -> Result<Bound> {
        let unknown = |n: usize| {
            error(
                8161,
                16,
                format!(
                    "Argument {n} of the {name} function does not match any of the expressions in the GROUP BY clause."
                ),
            )
        };
        let mut of = Vec::new();
        for (n, arg) in (1..).zip(args) {
            let arg = arg.ok_or_else(|| syntax("*"))?;
            let found = self.group_at(arg)?;
            of.push(found.ok_or_else(|| unknown(n))?);
        }
        let ty = if name == "GROUPING" {
            SqlType::TinyInt
        } else {
            SqlType::Int
        };
        let grouping = self.scope().grouping.as_mut();
        let grouping = grouping.ok_or_else(|| unknown(1))?;
        let at = grouping.groups.len() + grouping.calls.len();
        grouping.calls.push(AggregateCall {
            function: AggregateFunction::Grouping,
            arg: None,
            distinct: false,
            ty: ty.clone(),
            separator: None,
            order: Vec::new(),
            of,
        });
        Ok(Bound {
            kind: Kind::Column { depth: 0, at },
            t: Ty {
                ty,
                nullable: true,
                collation: None,
                rank: 0,
            },
        })
    }
}

/// The grouping sets of a list, and whether it is a plain list. The sets of its elements multiply.
fn sets_of_list(list: &[Expr]) -> Result<(Sets<'_>, bool)> {
    let mut all: Sets<'_> = vec![Vec::new()];
    let mut plain = true;
    for expr in list {
        let sets = sets_of(expr)?;
        plain &= sets.is_none();
        let sets = sets.unwrap_or_else(|| vec![vec![expr]]);
        let joined = all.iter().flat_map(|before| {
            sets.iter().map(move |set| {
                let mut both = before.clone();
                both.extend(set);
                both
            })
        });
        all = joined.collect();
    }
    Ok((all, plain))
}

/// The sets of ROLLUP, CUBE, GROUPING SETS or `()`; `None` for any other expression.
fn sets_of(expr: &Expr) -> Result<Option<Sets<'_>>> {
    Ok(Some(match expr {
        Expr::Rollup(list) => rolled(elements(list)),
        Expr::Cube(list) => cubed(elements(list))?,
        Expr::GroupingSets(list) => {
            let mut sets = Vec::new();
            for set in list {
                match set.as_slice() {
                    [one] => match sets_of(one)? {
                        Some(inner) => sets.extend(inner),
                        None => sets.push(vec![one]),
                    },
                    several => sets.push(several.iter().collect()),
                }
            }
            sets
        }
        Expr::Tuple(list) if list.is_empty() => vec![Vec::new()],
        // Inside of GROUPING SETS they are read as calls.
        Expr::Function(f) => match f.name.to_string().to_uppercase().as_str() {
            "ROLLUP" => rolled(called(f)?),
            "CUBE" => cubed(called(f)?)?,
            _ => return Ok(None),
        },
        _ => return Ok(None),
    }))
}

fn elements(list: &[Vec<Expr>]) -> Sets<'_> {
    list.iter().map(|e| e.iter().collect()).collect()
}

/// The elements of ROLLUP or CUBE where they are read as arguments.
fn called(f: &Function) -> Result<Sets<'_>> {
    let FunctionArguments::List(list) = &f.args else {
        return Err(syntax(&f.name));
    };
    let element = |arg| match arg {
        &FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Tuple(ref several))) => {
            Ok(several.iter().collect())
        }
        &FunctionArg::Unnamed(FunctionArgExpr::Expr(ref one)) => Ok(vec![one]),
        other => Err(syntax(other)),
    };
    list.args.iter().map(element).collect()
}

/// All elements, all but the last, and so on to none.
fn rolled(elements: Sets<'_>) -> Sets<'_> {
    (0..=elements.len())
        .rev()
        .map(|n| elements[..n].iter().flatten().copied().collect())
        .collect()
}

/// Every choice of the elements.
fn cubed(elements: Sets<'_>) -> Result<Sets<'_>> {
    if elements.len() > 12 {
        return Err(error(
            10703,
            15,
            "Too many grouping sets. The maximum number is 4096.",
        ));
    }
    let choices = 0..1usize << elements.len();
    let chosen = |bits: usize| {
        let kept = elements
            .iter()
            .enumerate()
            .filter(|(i, _)| bits >> i & 1 == 1);
        kept.flat_map(|(_, e)| e).copied().collect()
    };
    Ok(choices.rev().map(chosen).collect())
}

/// Whether an aggregate without OVER is in the expression, subqueries aside.
fn has_aggregate(expr: &Expr) -> bool {
    let mut found = false;
    any_function(expr, &mut |f| {
        let name = f.name.to_string().to_uppercase();
        found |= f.over.is_none() && aggregate_of(&name).is_some();
    });
    found
}

fn any_function(expr: &Expr, f: &mut dyn FnMut(&Function)) {
    let mut each = |e: &Expr| any_function(e, f);
    match expr {
        Expr::Function(call) => {
            f(call);
            if let FunctionArguments::List(list) = &call.args {
                for arg in &list.args {
                    if let FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) = arg {
                        any_function(e, f);
                    }
                }
            }
            if let Some(WindowType::WindowSpec(spec)) = &call.over {
                spec.partition_by.iter().for_each(|e| any_function(e, f));
                spec.order_by.iter().for_each(|o| any_function(&o.expr, f));
            }
        }
        Expr::Nested(e)
        | Expr::UnaryOp { expr: e, .. }
        | Expr::Cast { expr: e, .. }
        | Expr::Convert { expr: e, .. }
        | Expr::Collate { expr: e, .. }
        | Expr::IsNull(e)
        | Expr::IsNotNull(e)
        | Expr::Floor { expr: e, .. }
        | Expr::Ceil { expr: e, .. }
        | Expr::Trim { expr: e, .. }
        | Expr::InSubquery { expr: e, .. } => each(e),
        Expr::BinaryOp { left, right, .. } => {
            each(left);
            each(right);
        }
        Expr::Between {
            expr, low, high, ..
        } => [expr, low, high].into_iter().for_each(|e| each(e)),
        Expr::Like { expr, pattern, .. } => {
            each(expr);
            each(pattern);
        }
        Expr::InList { expr, list, .. } => {
            each(expr);
            list.iter().for_each(each);
        }
        Expr::Substring {
            expr,
            substring_from,
            substring_for,
            ..
        } => {
            each(expr);
            substring_from
                .iter()
                .chain(substring_for)
                .for_each(|e| each(e));
        }
        Expr::Case {
            operand,
            conditions,
            else_result,
            ..
        } => {
            operand.iter().chain(else_result).for_each(|e| each(e));
            for when in conditions {
                each(&when.condition);
                each(&when.result);
            }
        }
        _ => {}
    }
}
