//! What a predicate says about the keys of one index, by the rules of SQL Server's seeks.
//!
//! A seek has an equality on the first columns of the key and a range on the next one; everything
//! else is a residual predicate, tested on each row of the range ("SQL Server Index Architecture and
//! Design Guide"; "Index Seek" in "Showplan Logical and Physical Operators Reference" tells `Seek
//! Predicates` and `Predicate`). An OR is a seek of several ranges only where it speaks about one
//! column: `a >= 1 AND (a > 1 OR b > 2)` seeks with `a >= 1` (dba.stackexchange.com 316232).

use crate::engine::eval::expr::{Bound, Kind, collation_of};
use crate::engine::eval::plan::KeyRange;
use crate::engine::eval::range::{intersect, merge, successor, under};
use crate::engine::model::index::Index;
use crate::engine::model::partition::{Placement, prefix};
use crate::engine::model::table::Table;
use crate::engine::value::compare::{Comparison, append_ordered_key};
use crate::types::Value;

/// The key ranges that a predicate leaves.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) ranges: Vec<KeyRange>,
    /// Nothing is left to check in the rows of the ranges.
    pub(super) exact: bool,
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

/// Splits a tree of AND (or of OR) into its leaves.
pub(super) fn leaves<'a>(expr: &'a Bound, and: bool, into: &mut Vec<&'a Bound>) {
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

/// The ranges of an index, or of the heap, under all of `conjuncts`; and which partitions they lie in.
pub(super) fn found(
    table: &Table,
    index: Option<&Index>,
    conjuncts: &[&Bound],
) -> (Found, Option<Vec<u16>>) {
    let parts = index.map_or_else(Vec::new, |index| parts(table, index));
    let placed = table.placement(index);
    let analysis = Analysis {
        table,
        parts: &parts,
        placed,
    };
    let Some(placed) = placed else {
        return (analysis.all(conjuncts, &[], 0), None);
    };
    // Each partition is a tree of its own, and each is sought ("Query Processing Enhancements on
    // Partitioned Tables and Indexes": the partition is the leading column, reached by a skip scan).
    let wanted = analysis.partitions(placed, conjuncts);
    let mut found = Found {
        ranges: Vec::new(),
        exact: true,
    };
    for number in &wanted {
        let one = analysis.all(conjuncts, &prefix(*number), 0);
        found.ranges.extend(one.ranges);
        found.exact &= one.exact;
    }
    found.ranges = merge(found.ranges);
    (found, Some(wanted))
}

struct Analysis<'a> {
    table: &'a Table,
    parts: &'a [Part],
    placed: Option<&'a Placement>,
}

impl Analysis<'_> {
    /// The numbers of the partitions that may hold rows for which all conjuncts are true.
    fn partitions(&self, placed: &Placement, conjuncts: &[&Bound]) -> Vec<u16> {
        let at = self.table.position(placed.column);
        let may = |number: &u16| {
            conjuncts.iter().all(|conjunct| {
                if let Some((op, wanted)) = self.numbered(conjunct) {
                    return holds(op, i64::from(*number), wanted);
                }
                match &conjunct.kind {
                    Kind::Compare(op, l, r) => {
                        let (op, column, constant) = match l.as_column() {
                            Some(_) => (*op, l, r),
                            None => (turned(*op), r, l),
                        };
                        let constant = constant.as_constant();
                        let constant = constant.filter(|v| !matches!(v, Value::Null));
                        column.as_column() != Some(at)
                            || constant.is_none_or(|c| placed.function.may_hold(*number, op, c))
                    }
                    Kind::IsNull(column) if column.as_column() == Some(at) => *number == 1,
                    _ => true,
                }
            })
        };
        (1..=placed.function.partitions()).filter(may).collect()
    }

    /// `$PARTITION.function(column) op number` for the function and the column of this index.
    fn numbered(&self, expr: &Bound) -> Option<(Comparison, i64)> {
        let placed = self.placed?;
        let Kind::Compare(op, l, r) = &expr.kind else {
            return None;
        };
        let (op, call, number) = match &l.kind {
            Kind::Partition(..) => (*op, l, r),
            _ => (turned(*op), r, l),
        };
        let Kind::Partition(function, column) = &call.kind else {
            return None;
        };
        let same = function.id == placed.function.id
            && column.as_column() == Some(self.table.position(placed.column));
        match number.as_constant() {
            Some(Value::Int(number)) if same => Some((op, *number)),
            _ => None,
        }
    }

    /// The ranges of `conjuncts` for keys that start with `prefix`, which fixes the first `level` columns.
    fn all(&self, conjuncts: &[&Bound], prefix: &[u8], level: usize) -> Found {
        // A column that is fixed lengthens the prefix; the rest speaks about the next column.
        for (i, conjunct) in conjuncts.iter().enumerate() {
            if let Some(points) = self.points(conjunct, prefix, level) {
                let mut rest = conjuncts.to_vec();
                rest.remove(i);
                let each = points.iter().map(|p| self.all(&rest, p, level + 1));
                let mut found = Found {
                    ranges: Vec::new(),
                    exact: true,
                };
                for one in each {
                    found.exact &= one.exact;
                    found.ranges.extend(one.ranges);
                }
                found.ranges = merge(found.ranges);
                return found;
            }
        }
        let mut found = Found {
            ranges: vec![under(prefix)],
            exact: true,
        };
        for conjunct in conjuncts {
            if self.numbered(conjunct).is_some() {
                continue;
            }
            match self.column_only(conjunct, prefix, level) {
                Some(ranges) => found.ranges = intersect(&found.ranges, &ranges),
                None => found.exact = false,
            }
        }
        found
    }

    /// The prefixes to which `column = value`, `column IN (...)` or `column IS NULL` fixes the column.
    fn points(&self, expr: &Bound, prefix: &[u8], level: usize) -> Option<Vec<Vec<u8>>> {
        let points = match &expr.kind {
            Kind::Compare(..) => match self.comparison(expr, level)? {
                (Comparison::Eq, key) => vec![[prefix, &key].concat()],
                _ => return None,
            },
            Kind::InList(column, items) => {
                let keys = items.iter().map(|item| self.sides(column, item, level));
                let keys: Option<Vec<Vec<u8>>> = keys.collect();
                keys?.iter().map(|key| [prefix, key].concat()).collect()
            }
            Kind::IsNull(column) => {
                let part = self.parts.get(level)?;
                if column.as_column() != Some(part.at) {
                    return None;
                }
                vec![[prefix, &[part.markers()[0]]].concat()]
            }
            _ => return None,
        };
        Some(points)
    }

    /// The ranges of an expression that speaks about the column at `level` and no other.
    fn column_only(&self, expr: &Bound, prefix: &[u8], level: usize) -> Option<Vec<KeyRange>> {
        if let Some(points) = self.points(expr, prefix, level) {
            return Some(merge(points.iter().map(|p| under(p)).collect()));
        }
        match &expr.kind {
            Kind::And(l, r) => {
                let (l, r) = (
                    self.column_only(l, prefix, level)?,
                    self.column_only(r, prefix, level)?,
                );
                Some(intersect(&l, &r))
            }
            Kind::Or(l, r) => {
                let mut both = self.column_only(l, prefix, level)?;
                both.extend(self.column_only(r, prefix, level)?);
                Some(merge(both))
            }
            Kind::Not(inner) => match &inner.kind {
                Kind::IsNull(column) => {
                    let part = self.parts.get(level)?;
                    let same = column.as_column() == Some(part.at);
                    same.then(|| vec![under(&[prefix, &[part.markers()[1]]].concat())])
                }
                _ => None,
            },
            _ => {
                let (op, key) = self.comparison(expr, level)?;
                Some(self.compared(op, &key, prefix, level))
            }
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
        Some((turned(*op), self.sides(r, l, level)?))
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

fn turned(op: Comparison) -> Comparison {
    match op {
        Comparison::Lt => Comparison::Gt,
        Comparison::Le => Comparison::Ge,
        Comparison::Gt => Comparison::Lt,
        Comparison::Ge => Comparison::Le,
        same => same,
    }
}

fn holds(op: Comparison, value: i64, constant: i64) -> bool {
    match op {
        Comparison::Eq => value == constant,
        Comparison::Ne => value != constant,
        Comparison::Lt => value < constant,
        Comparison::Le => value <= constant,
        Comparison::Gt => value > constant,
        Comparison::Ge => value >= constant,
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
