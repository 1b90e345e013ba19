//! Calls of aggregates, window functions and scalar functions.

use sqlparser::ast::{
    self, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments,
};

use crate::engine::datatype::{self, is_integer};
use crate::engine::error::{Result, argument_count, error, syntax, unsupported};
use crate::engine::eval::expr::{Bound, Kind, Ty};
use crate::engine::eval::plan::{AggregateCall, AggregateFunction};
use crate::engine::eval::types::{convert_to, sortable};
use crate::engine::function;
use crate::engine::model::name::same_name;
use crate::engine::parse::rewrite::PARTITION;
use crate::engine::query::bind::Binder;
use crate::engine::query::source::name_of;
use crate::engine::query::special;
use crate::types::SqlType;

impl Binder<'_> {
    /// A function call: aggregate, window, or scalar.
    pub(crate) fn function(&mut self, f: &Function) -> Result<Bound> {
        if matches!(f.args, FunctionArguments::None) {
            // CURRENT_TIMESTAMP and its like, which take no parentheses.
            let name = f.name.to_string();
            return function::bare(self.facts, &name, false).ok_or_else(|| syntax(name));
        }
        let (args, distinct, separator_order) = arguments(f)?;
        if let Some(found) = self.spatial_method(&f.name, &args)? {
            return Ok(found);
        }
        if let Some(found) = self.xml_call(&f.name, &args)? {
            return Ok(found);
        }
        if let Some(found) = self.user_function(f)? {
            return Ok(found);
        }
        let name = name_of(&f.name)?.name;
        if let (Some(function), [Some(value)]) = (name.strip_prefix(PARTITION), args.as_slice()) {
            return self.partition_number(function, value);
        }
        let name = name.to_uppercase();
        if let Some(over) = &f.over {
            let ignored = f.null_treatment == Some(ast::NullTreatment::IgnoreNulls);
            if ignored && !matches!(name.as_str(), "FIRST_VALUE" | "LAST_VALUE") {
                return Err(unsupported(format!("IGNORE NULLS of {name}")));
            }
            return self.window(&name, &args, (distinct, ignored), over);
        }
        if matches!(name.as_str(), "GROUPING" | "GROUPING_ID") {
            return self.grouping(&name, &args);
        }
        if let Some(kind) = aggregate_of(&name) {
            return self.aggregate(kind, &name, &args, distinct, &separator_order);
        }
        if let Some(found) = special::special(self, &name, &args)? {
            return Ok(found);
        }
        let bound = args
            .iter()
            .map(|a| a.ok_or_else(|| syntax("*")).and_then(|e| self.value(e)))
            .collect::<Result<Vec<_>>>()?;
        function::call(self.facts, &name, bound)
    }

    /// `$PARTITION.function(value)`; the value is converted to the function's type.
    fn partition_number(&mut self, function: &str, value: &Expr) -> Result<Bound> {
        let database = self.facts.current()?;
        let found = database
            .partition_functions
            .iter()
            .find(|f| same_name(&f.name, function));
        let function = found.cloned().ok_or_else(|| {
            error(
                7720,
                16,
                format!("Invalid partition function '{function}'."),
            )
        })?;
        let value = self.value(value)?;
        let value = if value.t.ty == function.ty {
            value
        } else {
            convert_to(value, &function.ty)
        };
        Ok(Bound {
            kind: Kind::Partition(function, Box::new(value)),
            t: Ty {
                ty: SqlType::Int,
                nullable: false,
                collation: None,
                rank: 0,
            },
        })
    }

    pub(super) fn aggregate(
        &mut self,
        kind: AggregateFunction,
        name: &str,
        args: &[Option<&Expr>],
        distinct: bool,
        order: &[ast::OrderByExpr],
    ) -> Result<Bound> {
        if self.scope().grouping.as_ref().is_none_or(|g| g.inside) {
            return Err(error(
                147,
                15,
                "An aggregate may not appear in the WHERE clause unless it is in a subquery contained in a HAVING clause or a select list.",
            ));
        }
        self.scope()
            .grouping
            .as_mut()
            .expect("checked above")
            .inside = true;
        let call = self.call(kind, name, args, distinct, order);
        let grouping = self.scope().grouping.as_mut().expect("checked above");
        grouping.inside = false;
        let (call, t) = call?;
        let at = grouping.groups.len() + grouping.calls.len();
        grouping.calls.push(call);
        Ok(Bound {
            kind: Kind::Column { depth: 0, at },
            t,
        })
    }

    pub(crate) fn call(
        &mut self,
        kind: AggregateFunction,
        name: &str,
        args: &[Option<&Expr>],
        distinct: bool,
        order: &[ast::OrderByExpr],
    ) -> Result<(AggregateCall, Ty)> {
        let approximate = name == "APPROX_COUNT_DISTINCT";
        let int = if approximate || name == "COUNT_BIG" {
            SqlType::BigInt
        } else {
            SqlType::Int
        };
        let plain = |ty: SqlType| Ty {
            ty,
            nullable: true,
            collation: None,
            rank: 0,
        };
        if args == [None] && kind == AggregateFunction::Count {
            let call = AggregateCall {
                function: AggregateFunction::CountRows,
                arg: None,
                distinct: false,
                ty: int.clone(),
                separator: None,
                order: Vec::new(),
                of: Vec::new(),
            };
            return Ok((call, plain(int)));
        }
        let Some(Some(first)) = args.first() else {
            return Err(argument_count(name, 1));
        };
        let mut arg = self.value(first)?;
        let mut separator = None;
        if kind == AggregateFunction::StringAgg {
            let Some(Some(by)) = args.get(1) else {
                return Err(argument_count(name, 2));
            };
            separator = Some(self.constant(by)?.0);
            if !datatype::is_text(&arg.t.ty) {
                arg = convert_to(arg, &SqlType::NVarChar { length: Some(4000) });
            }
        } else if args.len() != 1 {
            return Err(argument_count(name, 1));
        }
        if kind != AggregateFunction::Count {
            sortable(&arg)?;
        }
        let t = aggregate_type(kind, &arg, &int)?;
        let order = order
            .iter()
            .map(|o| {
                Ok((
                    self.value(&o.expr)?,
                    crate::engine::query::bind::is_descending(o),
                ))
            })
            .collect::<Result<_>>()?;
        Ok((
            AggregateCall {
                function: kind,
                arg: Some(arg),
                distinct: distinct || approximate,
                ty: t.ty.clone(),
                separator,
                order,
                of: Vec::new(),
            },
            t,
        ))
    }
}

/// Arguments (`None` is `*`), DISTINCT, and the order within the group.
type Arguments<'f> = (Vec<Option<&'f Expr>>, bool, Vec<ast::OrderByExpr>);

pub(crate) fn arguments(f: &Function) -> Result<Arguments<'_>> {
    let list = match &f.args {
        FunctionArguments::None => return Ok((Vec::new(), false, Vec::new())),
        FunctionArguments::Subquery(_) => {
            return Err(unsupported(format!("a query as argument of {}", f.name)));
        }
        FunctionArguments::List(list) => list,
    };
    let mut args = Vec::new();
    for arg in &list.args {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => args.push(Some(e)),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => args.push(None),
            other => return Err(unsupported(format!("the argument '{other}'"))),
        }
    }
    let mut order = f.within_group.clone();
    for clause in &list.clauses {
        match clause {
            FunctionArgumentClause::OrderBy(keys) => order.extend(keys.iter().cloned()),
            other => return Err(unsupported(format!("'{other}'"))),
        }
    }
    let distinct = matches!(
        list.duplicate_treatment,
        Some(ast::DuplicateTreatment::Distinct)
    );
    Ok((args, distinct, order))
}

pub(crate) fn aggregate_of(name: &str) -> Option<AggregateFunction> {
    Some(match name {
        "COUNT" | "COUNT_BIG" | "APPROX_COUNT_DISTINCT" => AggregateFunction::Count,
        "SUM" => AggregateFunction::Sum,
        "AVG" => AggregateFunction::Avg,
        "MIN" => AggregateFunction::Min,
        "MAX" => AggregateFunction::Max,
        "STRING_AGG" => AggregateFunction::StringAgg,
        "CHECKSUM_AGG" => AggregateFunction::ChecksumAgg,
        "STDEV" => AggregateFunction::Deviation { all: false },
        "STDEVP" => AggregateFunction::Deviation { all: true },
        "VAR" => AggregateFunction::Variance { all: false },
        "VARP" => AggregateFunction::Variance { all: true },
        _ => return None,
    })
}

/// "SUM" and "AVG (Transact-SQL)", return types.
fn aggregate_type(kind: AggregateFunction, arg: &Bound, int: &SqlType) -> Result<Ty> {
    use AggregateFunction as F;
    let plain = |ty: SqlType| Ty {
        ty,
        nullable: true,
        collation: None,
        rank: 0,
    };
    Ok(match kind {
        F::CountRows | F::Count => plain(int.clone()),
        F::ChecksumAgg | F::Grouping => plain(SqlType::Int),
        F::Deviation { .. } | F::Variance { .. } if datatype::is_number(&arg.t.ty) => {
            plain(SqlType::Float)
        }
        F::Deviation { .. } | F::Variance { .. } => {
            let name = datatype::name(&arg.t.ty);
            let message = format!("Operand data type {name} is invalid for stdev operator.");
            return Err(error(8117, 16, message));
        }
        F::StringAgg => {
            let ty = match &arg.t.ty {
                t if datatype::is_unicode(t) && datatype::length(t).is_none() => {
                    SqlType::NVarChar { length: None }
                }
                t if datatype::is_unicode(t) => SqlType::NVarChar { length: Some(4000) },
                t if datatype::length(t).is_none() => SqlType::VarChar { length: None },
                _ => SqlType::VarChar { length: Some(8000) },
            };
            Ty {
                ty,
                nullable: true,
                ..arg.t.clone()
            }
        }
        F::Min | F::Max if arg.t.ty == SqlType::Bit => {
            let name = if kind == F::Min { "min" } else { "max" };
            return Err(error(
                8117,
                16,
                format!("Operand data type bit is invalid for {name} operator."),
            ));
        }
        F::Min | F::Max => Ty {
            nullable: true,
            ..arg.t.clone()
        },
        F::Sum | F::Avg => plain(match &arg.t.ty {
            SqlType::BigInt => SqlType::BigInt,
            t if is_integer(t) => SqlType::Int,
            SqlType::Decimal { scale, .. } if kind == F::Sum => SqlType::Decimal {
                precision: 38,
                scale: *scale,
            },
            SqlType::Decimal { scale, .. } => SqlType::Decimal {
                precision: 38,
                scale: (*scale).max(6),
            },
            SqlType::Money | SqlType::SmallMoney => SqlType::Money,
            SqlType::Float | SqlType::Real => SqlType::Float,
            other => {
                let name = if kind == F::Sum { "sum" } else { "avg" };
                return Err(error(
                    8117,
                    16,
                    format!(
                        "Operand data type {} is invalid for {name} operator.",
                        datatype::name(other)
                    ),
                ));
            }
        }),
    })
}
