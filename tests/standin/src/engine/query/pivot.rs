//! PIVOT and UNPIVOT ("Using PIVOT and UNPIVOT").

use sqlparser::ast::{Expr, ExprWithAlias, FunctionArguments, PivotValueSource, TableFactor};

use crate::engine::collate;
use crate::engine::error::{Result, error, invalid_column, syntax, unsupported};
use crate::engine::eval::expr::{Bound, Kind, Ty};
use crate::engine::eval::plan::{Aggregate, Plan};
use crate::engine::model::name::same_name;
use crate::engine::parse::expression::parse_expression;
use crate::engine::query::bind::{Binder, Output};
use crate::engine::query::module::output;
use crate::engine::query::select::call::{aggregate_of, arguments};
use crate::engine::query::source::{rename, wildcard};
use crate::engine::value::text;
use crate::types::SqlType;

/// A plan with the columns of its rows.
type Turned = (Plan, Vec<Output>);

impl Binder<'_> {
    /// A PIVOT or UNPIVOT as a table of its own.
    pub(super) fn turned(&mut self, factor: &TableFactor, start: usize) -> Result<(Plan, usize)> {
        let (TableFactor::Pivot { table, alias, .. } | TableFactor::Unpivot { table, alias, .. }) =
            factor
        else {
            return Err(syntax(factor));
        };
        let Some(alias) = alias else {
            return Err(syntax("PIVOT"));
        };
        let (plan, mut columns, correlated) = self.nested(|binder| {
            let (plan, _) = binder.factor(table, 0)?;
            binder.turn(factor, plan)
        })?;
        self.scope().uses_outer |= correlated;
        rename(&mut columns, alias);
        let width = columns.len();
        self.enter(alias.name.value.clone(), None, columns, start);
        Ok((plan, width))
    }

    fn turn(&mut self, factor: &TableFactor, plan: Plan) -> Result<Turned> {
        match factor {
            TableFactor::Pivot {
                aggregate_functions,
                value_column,
                value_source: PivotValueSource::List(values),
                default_on_null: None,
                ..
            } => match (aggregate_functions.as_slice(), value_column.as_slice()) {
                ([aggregate], [column]) => self.pivot(plan, &aggregate.expr, column, values),
                _ => Err(syntax("PIVOT")),
            },
            TableFactor::Unpivot {
                value: Expr::Identifier(value),
                name,
                columns,
                null_inclusion: None,
                ..
            } => self.unpivot(plan, (&value.value, &name.value), columns),
            other => Err(syntax(other)),
        }
    }

    /// Groups by every column but the two that PIVOT names; each value of the list is a column with
    /// the aggregate over the rows that have it.
    fn pivot(
        &mut self,
        plan: Plan,
        aggregate: &Expr,
        column: &Expr,
        values: &[ExprWithAlias],
    ) -> Result<Turned> {
        let Expr::Function(call) = aggregate else {
            return Err(syntax(aggregate));
        };
        if matches!(call.args, FunctionArguments::None) {
            return Err(syntax(aggregate));
        }
        let (args, distinct, order) = arguments(call)?;
        let name = call.name.to_string().to_uppercase();
        let kind = aggregate_of(&name).ok_or_else(|| syntax(aggregate))?;
        let [Some(value)] = args.as_slice() else {
            return Err(syntax(aggregate));
        };
        if distinct || !order.is_empty() {
            return Err(unsupported(format!("PIVOT with '{aggregate}'")));
        }
        let (value_at, column_at) = (self.place(value)?, self.place(column)?);
        let mut groups = Vec::new();
        let mut columns = Vec::new();
        for (at, output) in wildcard(self.scope(), None) {
            if at != value_at && at != column_at {
                groups.push(Bound {
                    kind: Kind::Column { depth: 0, at },
                    t: output.t.clone(),
                });
                columns.push(output);
            }
        }
        let mut calls = Vec::new();
        for listed in values {
            let Expr::Identifier(word) = &listed.expr else {
                return Err(syntax(&listed.expr));
            };
            let quoted = word.value.replace('\'', "''");
            let text = format!("CASE WHEN {column} = N'{quoted}' THEN {value} END");
            let chosen = parse_expression(&text)?;
            let (call, t) = self.call(kind, &name, &[Some(&chosen)], false, &[])?;
            calls.push(call);
            columns.push(output(&word.value, t));
        }
        let aggregate = Aggregate {
            input: plan,
            scalar: groups.is_empty(),
            groups,
            calls,
            sets: Vec::new(),
        };
        Ok((Plan::Aggregate(Box::new(aggregate)), columns))
    }

    /// The position of a column of the table that is turned.
    fn place(&mut self, expr: &Expr) -> Result<usize> {
        let bound = self.value(expr)?;
        bound.as_column().ok_or_else(|| syntax(expr))
    }

    /// One row for each of the columns that is not NULL, with its value and its name.
    fn unpivot(
        &mut self,
        plan: Plan,
        (value, name): (&str, &str),
        listed: &[ExprWithAlias],
    ) -> Result<Turned> {
        let all = wildcard(self.scope(), None);
        let mut turned = Vec::new();
        for column in listed {
            let Expr::Identifier(word) = &column.expr else {
                return Err(syntax(&column.expr));
            };
            let found = all.iter().find(|(_, o)| same_name(&o.name, &word.value));
            turned.push(found.ok_or_else(|| invalid_column(&word.value))?);
        }
        let Some((_, first)) = turned.first() else {
            return Err(syntax("UNPIVOT"));
        };
        if let Some((_, other)) = turned.iter().find(|(_, o)| o.t.ty != first.t.ty) {
            let message = format!(
                "The type of column \"{}\" conflicts with the type of other columns specified in the UNPIVOT list.",
                other.name
            );
            return Err(error(8167, 16, message));
        }
        let kept: Vec<&(usize, Output)> = all
            .iter()
            .filter(|(at, _)| !turned.iter().any(|(t, _)| t == at))
            .collect();
        let place = |at: usize, t: &Ty| Bound {
            kind: Kind::Column { depth: 0, at },
            t: t.clone(),
        };
        let names = Ty {
            ty: SqlType::NVarChar { length: Some(128) },
            nullable: false,
            collation: Some(collate::default_collation()),
            rank: 0,
        };
        let mut sides = Vec::new();
        for (at, column) in &turned {
            let mut exprs: Vec<Bound> = kept.iter().map(|(at, o)| place(*at, &o.t)).collect();
            exprs.push(place(*at, &column.t));
            let mut called = Bound::constant(text::value(&column.name), names.ty.clone());
            called.t = names.clone();
            exprs.push(called);
            let null = Bound::predicate(Kind::IsNull(Box::new(place(*at, &column.t))));
            let there = Bound::predicate(Kind::Not(Box::new(null)));
            let rows = Plan::Filter(Box::new(plan.clone()), there);
            sides.push(Plan::Project(Box::new(rows), exprs));
        }
        let mut columns: Vec<Output> = kept.into_iter().map(|(_, o)| o.clone()).collect();
        let t = Ty {
            nullable: true,
            ..first.t.clone()
        };
        columns.extend([output(value, t), output(name, names)]);
        Ok((Plan::Union(sides), columns))
    }
}
