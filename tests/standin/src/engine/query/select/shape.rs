//! The operators around the input of a SELECT.

use crate::engine::eval::expr::{Bound, Kind, Ty};
use crate::engine::eval::plan::{
    AggregateCall, AggregateFunction, Plan, SortKey, Window, WindowCall, WindowFunction,
};
use crate::engine::query::order;
use crate::engine::query::seek::{self, Request};
use crate::engine::query::select::items::Item;

/// Reads for an aggregate: under the filter, for the columns that the aggregate needs.
pub(super) fn sought(
    plan: Plan,
    filter: Option<&Bound>,
    groups: &[Bound],
    calls: &[AggregateCall],
) -> Plan {
    let Plan::Scan(scan) = &plan else {
        return plan;
    };
    let order = calls.iter().flat_map(|c| c.order.iter().map(|(e, _)| e));
    let args = calls.iter().filter_map(|c| c.arg.as_ref());
    let columns = columns(groups.iter().chain(args).chain(order));
    let request = Request {
        columns: columns.as_deref(),
        ..Request::of(&scan.table, filter)
    };
    Plan::Scan(Box::new(seek::plan(&request).0))
}

/// The columns of the row at hand that expressions read; `None` where a subquery may read any.
pub(super) fn columns<'e>(exprs: impl Iterator<Item = &'e Bound>) -> Option<Vec<usize>> {
    let mut used = Vec::new();
    for expr in exprs {
        expr.columns(&mut used)?;
    }
    Some(used)
}

/// Under an aggregate, a generated table makes no more than its key when that is all it needs.
pub(super) fn narrowed(plan: Plan, groups: &[Bound], calls: &[AggregateCall]) -> Plan {
    let mut scan = match plan {
        Plan::Scan(scan) => scan,
        Plan::Limit {
            input,
            offset,
            count,
            ties,
        } => {
            let input = narrowed(*input, groups, calls);
            return limited(input, (offset, count), ties);
        }
        other => return other,
    };
    let exprs = groups
        .iter()
        .chain(calls.iter().filter_map(|c| c.arg.as_ref()))
        .chain(scan.filter.as_ref());
    scan.key_only = only_key(&scan, exprs);
    Plan::Scan(scan)
}

fn only_key<'e>(
    scan: &crate::engine::eval::plan::Scan,
    exprs: impl Iterator<Item = &'e Bound>,
) -> bool {
    let Some(generated) = &scan.table.generated else {
        return false;
    };
    let mut used = Vec::new();
    for expr in exprs {
        if expr.columns(&mut used).is_none() {
            return false;
        }
    }
    used.iter().all(|c| *c == generated.key)
}

pub(super) fn reads_key_only(
    scan: &crate::engine::eval::plan::Scan,
    filter: Option<&Bound>,
    items: &[Item],
    keys: &[SortKey],
    windows: &[WindowCall],
) -> bool {
    if windows.iter().any(|w| {
        !w.partition.is_empty()
            || !matches!(
                w.function,
                WindowFunction::RowNumber | WindowFunction::Ntile(_)
            )
    }) {
        return false;
    }
    let exprs = items
        .iter()
        .map(|i| &i.expr)
        .chain(keys.iter().map(|k| &k.expr))
        .chain(filter);
    only_key(
        scan,
        exprs.chain(windows.iter().flat_map(|w| w.order.iter().map(|k| &k.expr))),
    )
}

/// Under window functions, only the columns of a scan that they and the result need: rows of many
/// columns are not carried along. Gives the number of columns in front of the functions' results.
pub(super) fn carried(
    plan: Plan,
    width: usize,
    items: &mut [Item],
    keys: &mut [SortKey],
    windows: &mut [WindowCall],
) -> (Plan, usize) {
    let Plan::Scan(scan) = &plan else {
        return (plan, width);
    };
    let mut exprs: Vec<&mut Bound> = items.iter_mut().map(|item| &mut item.expr).collect();
    exprs.extend(keys.iter_mut().map(|key| &mut key.expr));
    exprs.extend(windows.iter_mut().flat_map(WindowCall::exprs));
    let mut used = Vec::new();
    if exprs.iter().any(|e| e.columns(&mut used).is_none()) {
        return (plan, width);
    }
    used.sort_unstable();
    used.dedup();
    if used.len() == width {
        return (plan, width);
    }
    for expr in exprs {
        expr.walk(&mut |e| {
            if let Kind::Column { depth: 0, at } = &mut e.kind {
                *at = used.partition_point(|column| column < at);
            }
        });
    }
    let columns = used.iter().map(|at| {
        let column = &scan.table.columns[*at];
        Bound {
            kind: Kind::Column { depth: 0, at: *at },
            t: Ty {
                ty: column.ty.clone(),
                nullable: column.nullable,
                collation: column.collation.clone(),
                rank: 1,
            },
        }
    });
    let columns = columns.collect::<Vec<_>>();
    (Plan::Project(Box::new(plan), columns), used.len())
}

/// Streams when the rows come in the windows' one order.
pub(super) fn windowed(input: Plan, calls: Vec<WindowCall>) -> Plan {
    let comes = order::given(&input);
    let ordered = calls
        .iter()
        .all(|call| call.streams() && comes.serves(&call.order));
    Plan::Window(Box::new(Window {
        input,
        calls,
        ordered,
    }))
}

/// A minimum or maximum alone is the first row of an index in its order, NULL aside.
pub(super) fn at_edge(plan: Plan, filter: Option<&Bound>, calls: &[AggregateCall]) -> Plan {
    let (Plan::Scan(scan), [call]) = (&plan, calls) else {
        return plan;
    };
    let descending = match call.function {
        AggregateFunction::Min => false,
        AggregateFunction::Max => true,
        _ => return plan,
    };
    let Some(expr) = call.arg.clone().filter(|arg| arg.as_column().is_some()) else {
        return plan;
    };
    let null = Bound::predicate(Kind::IsNull(Box::new(expr.clone())));
    let value = Bound::predicate(Kind::Not(Box::new(null)));
    let wanted = match filter {
        Some(filter) => Bound::predicate(Kind::And(Box::new(filter.clone()), Box::new(value))),
        None => value,
    };
    let columns: Vec<usize> = expr.as_column().into_iter().collect();
    let order = [SortKey { expr, descending }];
    let request = Request {
        order: &order,
        columns: Some(&columns),
        most: Some(1),
        ..Request::of(&scan.table, Some(&wanted))
    };
    match seek::plan(&request) {
        (found, true) => limited(Plan::Scan(Box::new(found)), (0, Some(1)), None),
        _ => plan,
    }
}

pub(super) fn limited(
    plan: Plan,
    (offset, count): (u64, Option<u64>),
    ties: Option<Vec<SortKey>>,
) -> Plan {
    if offset == 0 && count.is_none() {
        return plan;
    }
    Plan::Limit {
        input: Box::new(plan),
        offset,
        count,
        ties,
    }
}
