//! Binds window functions: OVER, its order and its frame.

use sqlparser::ast::{self, Expr, WindowType};

use crate::engine::error::{Result, argument_count, error, syntax, unsupported};
use crate::engine::eval::expr::{Bound, Kind, Ty};
use crate::engine::eval::plan::{WindowCall, WindowFunction};
use crate::engine::eval::types::convert_to;
use crate::engine::query::bind::Binder;
use crate::engine::query::select::call::aggregate_of;
use crate::types::{SqlType, Value};

/// The frame: by rows or by peers, up to the current row or the whole partition.
pub(crate) fn frame(frame: Option<&ast::WindowFrame>) -> Result<(bool, bool)> {
    use ast::WindowFrameBound as B;
    let Some(frame) = frame else {
        return Ok((false, false));
    };
    let by_rows = matches!(frame.units, ast::WindowFrameUnits::Rows);
    match (&frame.start_bound, frame.end_bound.as_ref()) {
        (B::Preceding(None), Some(B::Following(None))) => Ok((by_rows, true)),
        (B::Preceding(None), None | Some(B::CurrentRow)) => Ok((by_rows, false)),
        _ => Err(unsupported("this window frame")),
    }
}

impl Binder<'_> {
    pub(crate) fn window(
        &mut self,
        name: &str,
        args: &[Option<&Expr>],
        distinct: bool,
        over: &WindowType,
    ) -> Result<Bound> {
        let WindowType::WindowSpec(spec) = over else {
            return Err(unsupported("named windows"));
        };
        if self.scope().windows.is_none() {
            return Err(error(
                4108,
                15,
                "Windowed functions can only appear in the SELECT or ORDER BY clauses.",
            ));
        }
        let partition = spec
            .partition_by
            .iter()
            .map(|e| self.value(e))
            .collect::<Result<Vec<_>>>()?;
        let mut order = spec
            .order_by
            .iter()
            .map(|o| self.order_key(o))
            .collect::<Result<Vec<_>>>()?;
        order.iter_mut().for_each(|k| k.expr.t.nullable = true);
        let bigint = Ty {
            ty: SqlType::BigInt,
            nullable: true,
            collation: None,
            rank: 0,
        };
        let (function, t) = match name {
            "ROW_NUMBER" => (WindowFunction::RowNumber, bigint),
            "RANK" => (WindowFunction::Rank, bigint),
            "DENSE_RANK" => (WindowFunction::DenseRank, bigint),
            "NTILE" => {
                let Some(Some(n)) = args.first() else {
                    return Err(argument_count(name, 1));
                };
                (WindowFunction::Ntile(self.value(n)?), bigint)
            }
            "LAG" | "LEAD" => self.offset(name, args)?,
            _ => {
                let kind = aggregate_of(name)
                    .ok_or_else(|| unsupported(format!("the window function {name}")))?;
                let (call, t) = self.call(kind, name, args, distinct, &[])?;
                (WindowFunction::Aggregate(call), t)
            }
        };
        if order.is_empty() && !matches!(function, WindowFunction::Aggregate(_)) {
            return Err(error(
                4112,
                15,
                format!("The function '{name}' must have an OVER clause with ORDER BY."),
            ));
        }
        let (by_rows, whole) = frame(spec.window_frame.as_ref())?;
        let windows = self.scope().windows.as_mut().expect("checked above");
        windows.push(WindowCall {
            function,
            partition,
            order,
            by_rows,
            whole,
        });
        Ok(Bound {
            kind: Kind::Window(windows.len() - 1),
            t,
        })
    }

    pub(crate) fn offset(
        &mut self,
        name: &str,
        args: &[Option<&Expr>],
    ) -> Result<(WindowFunction, Ty)> {
        let Some(Some(value)) = args.first() else {
            return Err(argument_count(name, 1));
        };
        let value = self.value(value)?;
        let by = match args.get(1) {
            Some(Some(e)) => match self.constant(e)?.0 {
                Value::Int(n) => n,
                _ => return Err(syntax(name)),
            },
            _ => 1,
        };
        let default = match args.get(2) {
            Some(Some(e)) => Some(convert_to(self.value(e)?, &value.t.ty)),
            _ => None,
        };
        let t = Ty {
            nullable: true,
            ..value.t.clone()
        };
        let by = if name == "LEAD" { -by } else { by };
        Ok((WindowFunction::Offset { value, by, default }, t))
    }
}
