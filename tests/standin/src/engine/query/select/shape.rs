//! The operators around the input of a SELECT.

use crate::engine::expr::Bound;
use crate::engine::query::aggregate;
use crate::engine::query::plan::{Plan, SortKey};
use crate::engine::query::seek;
use crate::engine::query::window::{self, Window, WindowCall};

use super::items::Item;

/// Puts the filter on a plan; a scan takes it in as key ranges.
pub(super) fn filtered(plan: Plan, filter: Bound, seekable: bool) -> Plan {
    match plan {
        Plan::Scan(scan) if seekable => {
            Plan::Scan(Box::new(seek::plan(&scan.table, Some(&filter), &[]).0))
        }
        other => Plan::Filter(Box::new(other), filter),
    }
}

/// Under an aggregate, a generated table makes no more than its key when that is all it needs.
pub(super) fn narrowed(plan: Plan, groups: &[Bound], calls: &[aggregate::Call]) -> Plan {
    let Plan::Scan(mut scan) = plan else {
        return plan;
    };
    let exprs = groups
        .iter()
        .chain(calls.iter().filter_map(|c| c.arg.as_ref()))
        .chain(scan.filter.as_ref());
    scan.key_only = only_key(&scan, exprs);
    Plan::Scan(scan)
}

fn only_key<'e>(
    scan: &crate::engine::query::plan::Scan,
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
    scan: &crate::engine::query::plan::Scan,
    filter: Option<&Bound>,
    items: &[Item],
    keys: &[SortKey],
    windows: &[WindowCall],
) -> bool {
    if windows.iter().any(|w| {
        !w.partition.is_empty()
            || !matches!(
                w.function,
                window::Function::RowNumber | window::Function::Ntile(_)
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

/// Streams when the rows come in the windows' one order.
pub(super) fn windowed(input: Plan, calls: Vec<WindowCall>, ordered: bool) -> Plan {
    let same_order = |c: &WindowCall| {
        c.order.len() == calls[0].order.len()
            && c.order.iter().zip(&calls[0].order).all(|(a, b)| {
                a.descending == b.descending
                    && a.expr.as_column().is_some()
                    && a.expr.as_column() == b.expr.as_column()
            })
    };
    let ordered = ordered
        && calls.iter().all(|c| {
            c.partition.is_empty()
                && same_order(c)
                && matches!(
                    c.function,
                    window::Function::RowNumber | window::Function::Ntile(_)
                )
        });
    Plan::Window(Box::new(Window {
        input,
        calls,
        ordered,
    }))
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
