//! Binds window functions: OVER, its order and its frame.

use sqlparser::ast::{self, Expr, WindowType};

use crate::engine::error::{Result, argument_count, error, syntax, unsupported};
use crate::engine::eval::expr::{Bound, Kind, Ty};
use crate::engine::eval::plan::{Edge, Frame, SortKey, WindowCall, WindowFunction};
use crate::engine::eval::types::convert_to;
use crate::engine::query::bind::Binder;
use crate::engine::query::select::call::aggregate_of;
use crate::types::{SqlType, Value};

/// The frame, and what is in its place where none is written: all up to the peers of the current
/// row, or without an order all of the partition ("SELECT - OVER Clause").
///
/// # Errors
/// 4194 for a RANGE by number, 10756 for a frame without order.
pub(crate) fn frame(written: Option<&ast::WindowFrame>, ordered: bool) -> Result<Frame> {
    let Some(written) = written else {
        let end = if ordered { Edge::Away(0) } else { Edge::Last };
        return Ok(Frame {
            rows: false,
            start: Edge::First,
            end,
        });
    };
    if !ordered {
        return Err(error(
            10756,
            15,
            "Window frame with ROWS or RANGE must have an ORDER BY clause.",
        ));
    }
    let rows = match written.units {
        ast::WindowFrameUnits::Rows => true,
        ast::WindowFrameUnits::Range => false,
        ast::WindowFrameUnits::Groups => return Err(syntax("GROUPS")),
    };
    let end = written.end_bound.as_ref();
    let frame = Frame {
        rows,
        start: edge(&written.start_bound)?,
        end: end.map_or(Ok(Edge::Away(0)), edge)?,
    };
    let by_number = |edge| matches!(edge, Edge::Away(by) if by != 0);
    if !rows && (by_number(frame.start) || by_number(frame.end)) {
        return Err(error(
            4194,
            16,
            "RANGE is only supported with UNBOUNDED and CURRENT ROW window frame delimiters.",
        ));
    }
    Ok(frame)
}

fn edge(bound: &ast::WindowFrameBound) -> Result<Edge> {
    use ast::WindowFrameBound as B;
    let number = |expr: &Expr| match expr {
        Expr::Value(v) => match &v.value {
            ast::Value::Number(n, _) => n.parse::<i64>().map_err(|_| syntax(n)),
            other => Err(syntax(other)),
        },
        other => Err(syntax(other)),
    };
    Ok(match bound {
        B::CurrentRow => Edge::Away(0),
        B::Preceding(None) => Edge::First,
        B::Following(None) => Edge::Last,
        B::Preceding(Some(n)) => Edge::Away(-number(n)?),
        B::Following(Some(n)) => Edge::Away(number(n)?),
    })
}

impl Binder<'_> {
    pub(crate) fn window(
        &mut self,
        name: &str,
        args: &[Option<&Expr>],
        (distinct, ignore_nulls): (bool, bool),
        over: &WindowType,
    ) -> Result<Bound> {
        let WindowType::WindowSpec(spec) = over else {
            return Err(unsupported("named windows"));
        };
        if distinct {
            return Err(error(
                10759,
                15,
                "Use of DISTINCT is not allowed with the OVER clause.",
            ));
        }
        if self.scope().windows.is_none() {
            return Err(error(
                4108,
                15,
                "Windowed functions can only appear in the SELECT or ORDER BY clauses.",
            ));
        }
        let partition = spec.partition_by.iter().map(|e| self.value(e));
        let partition = partition.collect::<Result<Vec<_>>>()?;
        let order = spec.order_by.iter().map(|o| self.window_key(o));
        let order = order.collect::<Result<Vec<_>>>()?;
        let (function, t) = self.window_function(name, args, ignore_nulls)?;
        if order.is_empty() && !matches!(function, WindowFunction::Aggregate(_)) {
            return Err(error(
                4112,
                15,
                format!("The function '{name}' must have an OVER clause with ORDER BY."),
            ));
        }
        let framed = matches!(
            function,
            WindowFunction::Aggregate(_) | WindowFunction::Edge { .. }
        );
        if spec.window_frame.is_some() && !framed {
            let message = format!("The function '{name}' may not have a window frame.");
            return Err(error(10752, 15, message));
        }
        let frame = frame(spec.window_frame.as_ref(), !order.is_empty())?;
        let windows = self.scope().windows.as_mut().expect("checked above");
        windows.push(WindowCall {
            function,
            partition,
            order,
            frame,
        });
        Ok(Bound {
            kind: Kind::Window(windows.len() - 1),
            t,
        })
    }

    fn window_key(&mut self, key: &ast::OrderByExpr) -> Result<SortKey> {
        if matches!(&key.expr, Expr::Value(_)) {
            return Err(error(
                5308,
                16,
                "Windowed functions, aggregates and NEXT VALUE FOR functions do not support integer indices as ORDER BY clause expressions.",
            ));
        }
        let mut key = self.order_key(key)?;
        key.expr.t.nullable = true;
        Ok(key)
    }

    fn window_function(
        &mut self,
        name: &str,
        args: &[Option<&Expr>],
        ignore_nulls: bool,
    ) -> Result<(WindowFunction, Ty)> {
        let plain = |ty| Ty {
            ty,
            nullable: true,
            collation: None,
            rank: 0,
        };
        let (bigint, float) = (plain(SqlType::BigInt), plain(SqlType::Float));
        let first = || {
            let first = args.first().copied().flatten();
            first.ok_or_else(|| argument_count(name, 1))
        };
        Ok(match name {
            "ROW_NUMBER" => (WindowFunction::RowNumber, bigint),
            "RANK" => (WindowFunction::Rank, bigint),
            "DENSE_RANK" => (WindowFunction::DenseRank, bigint),
            "NTILE" => (WindowFunction::Ntile(self.value(first()?)?), bigint),
            "PERCENT_RANK" => (WindowFunction::PercentRank, float),
            "CUME_DIST" => (WindowFunction::CumeDist, float),
            "LAG" | "LEAD" => self.offset(name, args)?,
            "FIRST_VALUE" | "LAST_VALUE" => {
                let value = self.value(first()?)?;
                let t = Ty {
                    nullable: true,
                    ..value.t.clone()
                };
                let function = WindowFunction::Edge {
                    value,
                    last: name == "LAST_VALUE",
                    ignore_nulls,
                };
                (function, t)
            }
            _ => {
                let kind = aggregate_of(name)
                    .ok_or_else(|| unsupported(format!("the window function {name}")))?;
                let (call, t) = self.call(kind, name, args, false, &[])?;
                (WindowFunction::Aggregate(call), t)
            }
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
