//! The way to the rows of a query over one table, and the sort after it.

use crate::engine::eval::expr::{Bound, Kind};
use crate::engine::eval::plan::{Plan, Scan, SortKey, WindowCall};
use crate::engine::query::seek::{self, Request};
use crate::engine::query::select::items::Item;
use crate::engine::query::select::shape::{columns, reads_key_only};

/// What a select list, its ORDER BY and its window functions read.
pub(super) struct Read<'a> {
    pub(super) items: &'a [Item],
    pub(super) keys: &'a [SortKey],
    pub(super) windows: &'a [WindowCall],
}

/// The way to the rows of a table; `most` is how many are read, if that is known.
pub(super) fn access(
    scan: &Scan,
    filter: Option<&Bound>,
    most: Option<u64>,
    read: &Read<'_>,
) -> Plan {
    let order = match read.windows.first() {
        Some(first) => &first.order,
        None => read.keys,
    };
    let exprs = read.items.iter().map(|i| &i.expr);
    let exprs = exprs.chain(read.keys.iter().map(|k| &k.expr));
    let mut called = read.windows.to_vec();
    let called = called.iter_mut().flat_map(WindowCall::exprs);
    let called: Vec<Bound> = called.map(|e| e.clone()).collect();
    let columns = columns(exprs.chain(&called));
    let request = Request {
        order,
        columns: columns.as_deref(),
        most,
        ..Request::of(&scan.table, filter)
    };
    let (mut scan, _) = seek::plan(&request);
    scan.key_only = reads_key_only(&scan, filter, read.items, read.keys, read.windows);
    Plan::Scan(Box::new(scan))
}

/// Sorts by the result columns and what else the keys need, which `limit` may use and nothing after.
pub(crate) fn sorted_and_trimmed(
    plan: Plan,
    mut exprs: Vec<Bound>,
    mut keys: Vec<SortKey>,
    limit: impl FnOnce(Plan, Vec<SortKey>) -> Plan,
) -> Plan {
    let width = exprs.len();
    for key in &mut keys {
        let column = Bound {
            kind: Kind::Column {
                depth: 0,
                at: exprs.len(),
            },
            t: key.expr.t.clone(),
        };
        exprs.push(std::mem::replace(&mut key.expr, column));
    }
    let sorted = Plan::Sort(Box::new(Plan::Project(Box::new(plan), exprs)), keys.clone());
    Plan::Trim(Box::new(limit(sorted, keys)), width)
}

/// Results of window functions become the columns after the first `width`.
pub(crate) fn read_windows(expr: &mut Bound, width: usize) {
    expr.walk(&mut |e| {
        if let Kind::Window(k) = e.kind {
            e.kind = Kind::Column {
                depth: 0,
                at: width + k,
            };
        }
    });
}
