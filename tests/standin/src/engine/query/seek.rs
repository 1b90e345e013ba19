//! Chooses an index for a scan: key ranges from the predicate, and whether the order comes free.

use crate::engine::expr::{Bound, Comparison, Kind, collation_of};
use crate::engine::query::order::Order;
use crate::engine::query::plan::{KeyRange, Scan, SortKey};
use crate::engine::query::range::{intersect, merge, successor, under, without};
use crate::engine::table::{Index, Table};
use crate::engine::value::compare::append_ordered_key;
use crate::types::Value;

/// What a predicate says about the keys of one index.
#[derive(Debug, Clone)]
struct Found {
    ranges: Vec<KeyRange>,
    /// Nothing is left to check in the rows of the ranges.
    exact: bool,
}

/// One column of an index's key: position in the row, and direction.
struct Part {
    at: usize,
    descending: bool,
}

impl Part {
    /// The first byte of the column's key: of NULL, and of any value.
    fn markers(&self) -> [u8; 2] {
        if self.descending {
            [0xff, 0xfe]
        } else {
            [0, 1]
        }
    }
}

impl Found {
    fn narrow(&mut self, other: Found) {
        self.exact &= other.exact;
        self.ranges = intersect(&self.ranges, &other.ranges);
    }
}

/// What a predicate says about keys that it says nothing about.
fn unknown(prefix: &[u8]) -> Found {
    Found {
        ranges: vec![under(prefix)],
        exact: false,
    }
}

/// Splits a tree of AND (or of OR) into its leaves.
fn leaves<'a>(expr: &'a Bound, and: bool, into: &mut Vec<&'a Bound>) {
    match &expr.kind {
        Kind::And(l, r) if and => {
            leaves(l, and, into);
            leaves(r, and, into);
        }
        Kind::Or(l, r) if !and => {
            leaves(l, and, into);
            leaves(r, and, into);
        }
        _ => into.push(expr),
    }
}

struct Analysis<'a> {
    table: &'a Table,
    parts: &'a [Part],
}

impl Analysis<'_> {
    /// The ranges of `conjuncts` for keys that start with `prefix`, which fixes the first `level` columns.
    fn all(&self, conjuncts: &[&Bound], prefix: &[u8], level: usize) -> Found {
        // A column that is fixed lengthens the prefix; the rest speaks about the next column.
        for (i, conjunct) in conjuncts.iter().enumerate() {
            if let Some((Comparison::Eq, key)) = self.comparison(conjunct, level) {
                let rest: Vec<&Bound> = conjuncts
                    .iter()
                    .enumerate()
                    .filter(|(j, _)| *j != i)
                    .map(|(_, c)| *c)
                    .collect();
                return self.all(&rest, &[prefix, &key].concat(), level + 1);
            }
        }
        let mut found = Found {
            ranges: vec![under(prefix)],
            exact: true,
        };
        // What the others leave tells what is left of an alternative.
        let either = |c: &&&Bound| matches!(c.kind, Kind::Or(..));
        for conjunct in conjuncts.iter().filter(|c| !either(c)) {
            found.narrow(self.one(conjunct, prefix, level));
        }
        for conjunct in conjuncts.iter().filter(either) {
            found.narrow(self.either(conjunct, &found.ranges, prefix, level));
        }
        found
    }

    /// The ranges of an OR among the keys of `context`.
    ///
    /// In `a >= 1 AND (a > 1 OR b > 2)` the second branch matters only where the first is not true:
    /// at `a = 1`, where it speaks about the next column of the key.
    fn either(&self, expr: &Bound, context: &[KeyRange], prefix: &[u8], level: usize) -> Found {
        let mut branches = Vec::new();
        leaves(expr, false, &mut branches);
        let mut found = Found {
            ranges: Vec::new(),
            exact: true,
        };
        let mut rest = context.to_vec();
        let mut others = Vec::new();
        for branch in &branches {
            let one = self.all(&[branch], prefix, level);
            if one.exact {
                rest = without(&rest, &one.ranges);
                found.ranges.extend(one.ranges);
            } else {
                others.push(*branch);
            }
        }
        let mut keys = branches.iter().filter_map(|b| self.comparison(b, level));
        let point = keys.find_map(|(_, key)| {
            let point = [prefix, &key].concat();
            (rest == [under(&point)]).then_some(point)
        });
        for branch in others {
            let one = match &point {
                Some(point) => self.all(&[branch], point, level + 1),
                None => self.all(&[branch], prefix, level),
            };
            found.exact &= one.exact;
            found.ranges.extend(one.ranges);
        }
        found.ranges = merge(found.ranges);
        found
    }

    fn one(&self, expr: &Bound, prefix: &[u8], level: usize) -> Found {
        match &expr.kind {
            Kind::And(..) => {
                let mut conjuncts = Vec::new();
                leaves(expr, true, &mut conjuncts);
                self.all(&conjuncts, prefix, level)
            }
            Kind::Or(..) => self.either(expr, &[under(prefix)], prefix, level),
            Kind::IsNull(column) => self.null(column, true, prefix, level),
            Kind::Not(inner) => match &inner.kind {
                Kind::IsNull(column) => self.null(column, false, prefix, level),
                _ => unknown(prefix),
            },
            Kind::InList(column, items) => self.points(column, items, prefix, level),
            _ => match self.comparison(expr, level) {
                Some((op, key)) => Found {
                    ranges: self.compared(op, &key, prefix, level),
                    exact: true,
                },
                None => unknown(prefix),
            },
        }
    }

    /// `column IS NULL`, or that it is not.
    fn null(&self, column: &Bound, null: bool, prefix: &[u8], level: usize) -> Found {
        let Some(part) = self.parts.get(level) else {
            return unknown(prefix);
        };
        if column.as_column() != Some(part.at) {
            return unknown(prefix);
        }
        let [nulls, values] = part.markers();
        let marker = if null { nulls } else { values };
        Found {
            ranges: vec![under(&[prefix, &[marker]].concat())],
            exact: true,
        }
    }

    fn points(&self, column: &Bound, items: &[Bound], prefix: &[u8], level: usize) -> Found {
        let mut ranges = Vec::new();
        for item in items {
            match self.sides(column, item, level) {
                Some(key) => ranges.push(under(&[prefix, &key].concat())),
                None => return unknown(prefix),
            }
        }
        Found {
            ranges: merge(ranges),
            exact: true,
        }
    }

    fn compared(&self, op: Comparison, key: &[u8], prefix: &[u8], level: usize) -> Vec<KeyRange> {
        let descending = self.parts[level].descending;
        let point = [prefix, key].concat();
        // No comparison is true of NULL.
        let [_, marker] = self.parts[level].markers();
        let values = under(&[prefix, &[marker]].concat());
        let below = KeyRange {
            low: values.low.clone(),
            high: Some(point.clone()),
        };
        let above = |low: Option<Vec<u8>>| {
            low.map(|low| KeyRange {
                low,
                high: values.high.clone(),
            })
        };
        let up_to = KeyRange {
            low: values.low.clone(),
            high: successor(&point),
        };
        match (op, descending) {
            (Comparison::Lt, false) | (Comparison::Gt, true) => vec![below],
            (Comparison::Le, false) | (Comparison::Ge, true) => vec![up_to],
            (Comparison::Gt, false) | (Comparison::Lt, true) => {
                above(successor(&point)).into_iter().collect()
            }
            (Comparison::Ge, false) | (Comparison::Le, true) => {
                above(Some(point)).into_iter().collect()
            }
            (Comparison::Ne, _) => [Some(below), above(successor(&point))]
                .into_iter()
                .flatten()
                .collect(),
            (Comparison::Eq, _) => vec![under(&point)],
        }
    }

    /// A comparison of the key column at `level` with a constant, as operator and key bytes.
    fn comparison(&self, expr: &Bound, level: usize) -> Option<(Comparison, Vec<u8>)> {
        let Kind::Compare(op, l, r) = &expr.kind else {
            return None;
        };
        if let Some(key) = self.sides(l, r, level) {
            return Some((*op, key));
        }
        let turned = match op {
            Comparison::Lt => Comparison::Gt,
            Comparison::Le => Comparison::Ge,
            Comparison::Gt => Comparison::Lt,
            Comparison::Ge => Comparison::Le,
            same => *same,
        };
        Some((turned, self.sides(r, l, level)?))
    }

    /// The key bytes of `constant` when `column` is the key column at `level`, compared in its own order.
    fn sides(&self, column: &Bound, constant: &Bound, level: usize) -> Option<Vec<u8>> {
        let part = self.parts.get(level)?;
        if column.as_column() != Some(part.at) {
            return None;
        }
        let value = constant
            .as_constant()
            .filter(|v| !matches!(v, Value::Null))?;
        let def = &self.table.columns[part.at];
        if def.collation.is_some()
            && collation_of(column, constant).map(|c| &c.name)
                != def.collation.as_deref().map(|c| &c.name)
        {
            return None;
        }
        let mut key = Vec::new();
        append_ordered_key(value, def.collation.as_deref(), part.descending, &mut key);
        Some(key)
    }
}

fn parts(table: &Table, index: &Index) -> Vec<Part> {
    index
        .keys
        .iter()
        .map(|(id, descending)| Part {
            at: table.position(*id),
            descending: *descending,
        })
        .collect()
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

/// The scan of a table under a predicate, and whether it comes in the order asked for.
pub(crate) fn plan(
    table: &std::sync::Arc<Table>,
    filter: Option<&Bound>,
    order: &[SortKey],
) -> (Scan, bool) {
    let full = KeyRange {
        low: Vec::new(),
        high: None,
    };
    let heap = table.clustered().is_none();
    let mut best = Scan {
        table: std::sync::Arc::clone(table),
        index: table.indexes.iter().position(Index::clustered),
        ranges: vec![full.clone()],
        filter: filter.cloned(),
        backward: false,
        key_only: false,
    };
    let mut best_score = (0, heap);
    let mut ordered = order.is_empty();
    let mut conjuncts = Vec::new();
    if let Some(filter) = filter {
        leaves(filter, true, &mut conjuncts);
    }
    for (i, index) in table
        .indexes
        .iter()
        .enumerate()
        .filter(|(_, i)| i.readable())
    {
        let parts = parts(table, index);
        let found = Analysis {
            table,
            parts: &parts,
        }
        .all(&conjuncts, &[], 0);
        // That there is a value at all leaves out too little to read the table by it.
        let values = parts.first().map(|part| under(&[part.markers()[1]]));
        let narrowed =
            found.ranges != [full.clone()] && !values.is_some_and(|v| found.ranges == [v]);
        let direction = direction(table, index, order);
        let score = (
            if narrowed { 4 } else { 0 } + if direction.is_some() { 3 } else { 0 },
            index.clustered(),
        );
        if score > best_score || (index.clustered() && score.0 >= best_score.0) {
            best_score = score;
            best.index = Some(i);
            best.ranges = found.ranges;
            best.filter = if found.exact { None } else { filter.cloned() };
            best.backward = direction == Some(true);
            ordered = order.is_empty() || direction.is_some();
        }
    }
    (best, ordered)
}
