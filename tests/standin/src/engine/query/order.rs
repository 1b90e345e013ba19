//! The order in which a plan's rows come, so that nothing is sorted that is in order already.

use crate::engine::eval::plan::{Plan, Scan, SortKey};
use crate::engine::model::index::Index;
use crate::engine::model::table::Table;

/// A column by which rows are in order.
#[derive(Debug, Clone, PartialEq, Eq)]
struct By {
    /// Position in the row.
    at: usize,
    descending: bool,
    /// The name of the collation whose order it is.
    collation: Option<String>,
}

/// Columns by which rows are in order, the first before the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Order {
    columns: Vec<By>,
    /// No two rows agree in all of them.
    unique: bool,
}

impl Order {
    /// The order of an index that is read from its start.
    pub(super) fn of_index(table: &Table, index: &Index) -> Order {
        let columns = index.keys.iter().map(|(id, descending)| {
            let at = table.position(*id);
            let collation = table.columns[at].collation.as_ref();
            By {
                at,
                descending: *descending,
                collation: collation.map(|c| c.name.clone()),
            }
        });
        Order {
            columns: columns.collect(),
            unique: index.unique,
        }
    }

    /// The order of the same rows from the last to the first.
    pub(super) fn reversed(mut self) -> Order {
        for by in &mut self.columns {
            by.descending = !by.descending;
        }
        self
    }

    /// Whether rows in this order are in the wanted one too.
    pub(super) fn serves(&self, wanted: &[SortKey]) -> bool {
        let same = |key: &SortKey, by: &By| {
            key.expr.as_column() == Some(by.at)
                && key.descending == by.descending
                && key.expr.t.collation.as_deref().map(|c| &c.name) == by.collation.as_ref()
        };
        let pairs = wanted.iter().zip(&self.columns);
        let matching = pairs.take_while(|(key, by)| same(key, by)).count();
        matching == wanted.len() || (self.unique && matching == self.columns.len())
    }

    fn of_scan(scan: &Scan) -> Order {
        let Some(index) = scan.index.filter(|_| scan.ordered) else {
            return Order::default();
        };
        let order = Order::of_index(&scan.table, &scan.table.indexes[index]);
        if scan.backward {
            order.reversed()
        } else {
            order
        }
    }

    /// Columns elsewhere; the order ends with the first column that is nowhere.
    fn moved(self, place: impl Fn(usize) -> Option<usize>) -> Order {
        let before = self.columns.len();
        let places = self.columns.into_iter().map_while(|by| {
            let at = place(by.at)?;
            Some(By { at, ..by })
        });
        let columns: Vec<By> = places.collect();
        Order {
            unique: self.unique && columns.len() == before,
            columns,
        }
    }
}

/// The order of a plan's rows, as far as it is known.
pub(crate) fn given(plan: &Plan) -> Order {
    match plan {
        Plan::Scan(scan) => Order::of_scan(scan),
        Plan::Filter(input, _) | Plan::Limit { input, .. } => given(input),
        // Window functions append columns to rows that keep their order.
        Plan::Window(window) => given(&window.input),
        Plan::Trim(input, n) => given(input).moved(|at| (at < *n).then_some(at)),
        Plan::Project(input, exprs) => given(input).moved(|at| {
            let same = |e: &crate::engine::eval::expr::Bound| e.as_column() == Some(at);
            exprs.iter().position(same)
        }),
        _ => Order::default(),
    }
}
