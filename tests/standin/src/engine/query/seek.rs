//! Chooses how a table is read, as SQL Server would: which index, which ranges, lookups or a scan.
//!
//! A cost in pages decides, with row counts that are exact where the server has statistics:
//! - a scan or a seek costs the pages of its rows;
//! - a row that a nonclustered index leads to and that is looked up costs [`LOOKUP`] pages, since it
//!   is a random read: beyond about a quarter of the table's pages a scan is cheaper (Kimberly Tripp,
//!   "The Tipping Point Query Answers": between 25 % and 33 % of the pages, as a number of rows);
//! - an order that no index gives costs a sort ([`SORT`]);
//! - TOP counts for as many rows as it asks for where the order comes from the index.

use std::sync::Arc;

use crate::engine::eval::expr::Bound;
use crate::engine::eval::plan::{KeyRange, Lookup, Scan, SortKey};
use crate::engine::eval::scan::rows_in;
use crate::engine::model::index::Index;
use crate::engine::model::table::Table;
use crate::engine::query::order::Order;
use crate::engine::query::sargable::{Found, found, leaves};

/// What a lookup costs, in pages that are read one after the other.
const LOOKUP: f64 = 4.0;
/// What sorting a page of rows costs, in pages that are read.
const SORT: f64 = 2.0;
/// What a seek costs beside the rows that it reads.
const DESCENT: f64 = 0.01;

/// What is asked of a table.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) table: &'a Arc<Table>,
    pub(crate) filter: Option<&'a Bound>,
    pub(crate) order: &'a [SortKey],
    /// Positions of the columns that are needed beside those of the filter; `None` is all of them.
    pub(crate) columns: Option<&'a [usize]>,
    /// No more rows than these are asked for.
    pub(crate) most: Option<u64>,
}

impl<'a> Request<'a> {
    /// All columns of all rows that pass the filter.
    pub(crate) fn of(table: &'a Arc<Table>, filter: Option<&'a Bound>) -> Request<'a> {
        Request {
            table,
            filter,
            order: &[],
            columns: None,
            most: None,
        }
    }
}

/// Whether reading the index gives the order, and if so whether it is read from its end.
fn direction(table: &Table, index: &Index, wanted: &[SortKey]) -> Option<bool> {
    if wanted.is_empty() {
        return None;
    }
    let order = Order::of_index(table, index);
    if order.serves(wanted) {
        return Some(false);
    }
    order.reversed().serves(wanted).then_some(true)
}

/// A way to read the table.
struct Path {
    scan: Scan,
    /// In the order asked for.
    ordered: bool,
    cost: f64,
}

/// The scan of a table, and whether it comes in the order asked for.
pub(crate) fn plan(request: &Request<'_>) -> (Scan, bool) {
    let table = request.table;
    let base = table.indexes.iter().position(Index::clustered);
    let mut best = path(request, base);
    for (i, index) in table.indexes.iter().enumerate() {
        // A generated table keeps no rows by other keys than its own.
        if !index.readable() || index.clustered() || table.generated.is_some() {
            continue;
        }
        let other = path(request, Some(i));
        if other.cost < best.cost {
            best = other;
        }
    }
    (best.scan, best.ordered)
}

fn path(request: &Request<'_>, at: Option<usize>) -> Path {
    let table = request.table;
    let index = at.map(|i| &table.indexes[i]);
    let mut conjuncts = Vec::new();
    if let Some(filter) = request.filter {
        leaves(filter, true, &mut conjuncts);
    }
    let (Found { ranges, exact }, partitions) = found(table, index, &conjuncts);
    let in_order = index.is_some_and(|index| match (&index.placed, partitions) {
        (Some(placed), Some(wanted)) => {
            wanted.len() < 2 || index.keys.first() == Some(&(placed.column, false))
        }
        _ => true,
    });
    let way = index
        .filter(|_| in_order)
        .and_then(|index| direction(table, index, request.order));
    let lookup = lookup(request, index);
    let ordered = request.order.is_empty() || way.is_some();
    let cost = cost(request, index, (&ranges, exact), (ordered, lookup));
    let scan = Scan {
        table: Arc::clone(table),
        index: at,
        ranges,
        filter: request.filter.filter(|_| !exact).cloned(),
        backward: way == Some(true),
        key_only: false,
        ordered: in_order,
        lookup,
    };
    Path {
        scan,
        ordered,
        cost,
    }
}

/// Whether the index holds what is needed, or the row must be fetched.
fn lookup(request: &Request<'_>, index: Option<&Index>) -> Lookup {
    let table = request.table;
    let Some(index) = index.filter(|i| !i.clustered()) else {
        return Lookup::No;
    };
    let held = table.held(index);
    let holds = |columns: &[usize]| columns.iter().all(|at| held.contains(at));
    let mut filtered = Vec::new();
    let passes = match request.filter {
        None => true,
        Some(filter) => filter.columns(&mut filtered).is_some() && holds(&filtered),
    };
    match (passes, request.columns.is_some_and(holds)) {
        (true, true) => Lookup::No,
        (true, false) => Lookup::Passed,
        (false, _) => Lookup::All,
    }
}

fn cost(
    request: &Request<'_>,
    index: Option<&Index>,
    (ranges, exact): (&[KeyRange], bool),
    (ordered, lookup): (bool, Lookup),
) -> f64 {
    let table = request.table;
    let all = table.rows_of(index).max(1) as f64;
    let mut rows = rows_in(table, index, ranges) as f64;
    if let Some(most) = request.most.filter(|_| ordered) {
        // How many rows are read for one that passes is anybody's guess.
        let guess = if exact { 1.0 } else { 3.0 };
        rows = rows.min(most as f64 * guess);
    }
    let pages = rows * table.pages(index) as f64 / all;
    let lookups = match lookup {
        Lookup::No => 0.0,
        Lookup::Passed | Lookup::All => rows * LOOKUP,
    };
    let sort = if ordered {
        0.0
    } else {
        rows * table.pages(None) as f64 / all * SORT
    };
    pages + lookups + sort + ranges.len() as f64 * DESCENT
}
