//! Chooses an index for a scan: key ranges from the predicate, and whether the order comes free.

use crate::engine::expr::{Bound, Comparison, Kind, collation_of};
use crate::engine::query::plan::{KeyRange, Scan, SortKey};
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

/// The least byte string above every string that starts with `prefix`.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut next = prefix.to_vec();
    while let Some(last) = next.pop() {
        if last < 0xff {
            next.push(last + 1);
            return Some(next);
        }
    }
    None
}

fn under(prefix: &[u8]) -> KeyRange {
    KeyRange {
        low: prefix.to_vec(),
        high: successor(prefix),
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
        for conjunct in conjuncts {
            let one = self.one(conjunct, prefix, level);
            found.exact &= one.exact;
            found.ranges = intersect(&found.ranges, &one.ranges);
        }
        found
    }

    fn one(&self, expr: &Bound, prefix: &[u8], level: usize) -> Found {
        match &expr.kind {
            Kind::And(..) => {
                let mut conjuncts = Vec::new();
                leaves(expr, true, &mut conjuncts);
                self.all(&conjuncts, prefix, level)
            }
            Kind::Or(..) => {
                let mut branches = Vec::new();
                leaves(expr, false, &mut branches);
                let mut found = Found {
                    ranges: Vec::new(),
                    exact: true,
                };
                for branch in branches {
                    let one = self.all(&[branch], prefix, level);
                    found.exact &= one.exact;
                    found.ranges.extend(one.ranges);
                }
                found.ranges = merge(found.ranges);
                found
            }
            Kind::InList(column, items) => self.points(column, items, prefix, level),
            _ => match self.comparison(expr, level) {
                Some((op, key)) => Found {
                    ranges: self.compared(op, &key, prefix, level),
                    exact: true,
                },
                None => Found {
                    ranges: vec![under(prefix)],
                    exact: false,
                },
            },
        }
    }

    fn points(&self, column: &Bound, items: &[Bound], prefix: &[u8], level: usize) -> Found {
        let mut ranges = Vec::new();
        for item in items {
            match self.sides(column, item, level) {
                Some(key) => ranges.push(under(&[prefix, &key].concat())),
                None => {
                    return Found {
                        ranges: vec![under(prefix)],
                        exact: false,
                    };
                }
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
        // NULL is marked 0 (255 descending), values 1 (254): no comparison is true of NULL.
        let marker = if descending { 0xfe } else { 1 };
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

fn intersect(a: &[KeyRange], b: &[KeyRange]) -> Vec<KeyRange> {
    let mut both = Vec::new();
    for x in a {
        for y in b {
            let low = x.low.clone().max(y.low.clone());
            let high = match (&x.high, &y.high) {
                (Some(p), Some(q)) => Some(p.min(q).clone()),
                (p, q) => p.clone().or_else(|| q.clone()),
            };
            if high.as_ref().is_none_or(|h| low < *h) {
                both.push(KeyRange { low, high });
            }
        }
    }
    both
}

/// Sorts ranges and joins those that touch.
fn merge(mut ranges: Vec<KeyRange>) -> Vec<KeyRange> {
    ranges.sort_by(|a, b| a.low.cmp(&b.low));
    let mut merged: Vec<KeyRange> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if last.high.as_ref().is_none_or(|h| range.low <= *h) => {
                last.high = match (last.high.take(), range.high) {
                    (Some(a), Some(b)) => Some(a.max(b)),
                    _ => None,
                };
            }
            _ => merged.push(range),
        }
    }
    merged
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

/// Whether reading the index gives the order: its columns in turn, up to one that makes rows unique.
fn gives_order(table: &Table, index: &Index, parts: &[Part], order: &[SortKey]) -> bool {
    let same = |key: &SortKey, part: &Part| {
        let def = &table.columns[part.at];
        key.expr.as_column() == Some(part.at)
            && key.descending == part.descending
            && key.expr.t.collation.as_ref().map(|c| &c.name)
                == def.collation.as_ref().map(|c| &c.name)
    };
    let matching = order
        .iter()
        .zip(parts)
        .take_while(|(key, part)| same(key, part))
        .count();
    matching == order.len() || (index.unique && matching == parts.len())
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
        let narrowed = found.ranges.as_slice() != [full.clone()];
        let gives = !order.is_empty() && gives_order(table, index, &parts, order);
        let score = (
            if narrowed { 4 } else { 0 } + if gives { 3 } else { 0 },
            index.clustered(),
        );
        if score > best_score || (index.clustered() && score.0 >= best_score.0) {
            best_score = score;
            best.index = Some(i);
            best.ranges = found.ranges;
            best.filter = if found.exact { None } else { filter.cloned() };
            ordered = order.is_empty() || gives;
        }
    }
    (best, ordered)
}
