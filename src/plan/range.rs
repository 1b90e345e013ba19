//! The predicates of a key range, in the forms that SQL Server can seek with.

use std::cmp::Ordering;

use crate::plan::table::{KeyColumn, Range, Stored};
use tsql::key::KeyValue;
use tsql::names::bracket;
use tsql::schema::objects::PartitionFunction;

/// Which end of a range a predicate closes.
#[derive(Clone, Copy)]
enum End {
    /// Strictly after the key.
    After,
    /// Up to the key and the key itself.
    UpTo,
}

/// The conjuncts of one statement, without the job's filter.
pub type Predicates = Vec<String>;

/// The predicates of the statements that together read `(after, upto]`, in the order of the key.
///
/// T-SQL compares no tuples, and SQL Server seeks with equalities on leading columns and a range of
/// the one that follows them; any other conjunct is checked row by row. As one predicate, the rows
/// after `(1, 5)` are `a >= 1 AND (a > 1 OR b > 5)`: a seek to the start of `a = 1`, and every row
/// from there on examined. So they are two statements: `a = 1 AND b > 5`, then `a > 1`. For `n`
/// columns and two ends there are up to `2n - 1` of them.
pub(super) fn seeks(
    key: &[KeyColumn],
    after: Option<&[KeyValue]>,
    upto: Option<&[KeyValue]>,
) -> Vec<Predicates> {
    let (after, upto) = (points(key, after), points(key, upto));
    let agreed = agreed(&after, &upto);
    let ends = (after.get(agreed), upto.get(agreed));
    // What tells the ends apart; without it a statement at one end could reach past the other.
    let (mut below, mut above) = (None, None);
    let several = after.len().max(upto.len()) > agreed + 1;
    if let (Some(first), Some(last), true) = (ends.0, ends.1, several) {
        match first.order(last) {
            Some(Ordering::Less) => {}
            Some(Ordering::Greater) => return Vec::new(),
            // Only the server knows their order, and whether they are equal under a collation.
            _ => {
                below = Some(bound(&upto[agreed..], End::UpTo));
                above = Some(first.beyond());
            }
        }
    }
    let lower = (agreed + 1..after.len()).rev().map(|depth| {
        let seek = equal(&after[..depth]).chain([after[depth].beyond()]);
        seek.chain(below.clone()).collect()
    });
    let pinned = if after.is_empty() { &upto } else { &after };
    let between = equal(&pinned[..agreed]).chain(between(ends, agreed + 1 == upto.len()));
    let upper = (agreed + 1..upto.len()).map(|depth| {
        let end = upto[depth].up_to(depth + 1 == upto.len());
        let seek = equal(&upto[..depth]).chain([end]);
        seek.chain(above.clone()).collect()
    });
    lower.chain([between.collect()]).chain(upper).collect()
}

/// The same of a slice, whatever it is within.
/// The slice's partition of the source goes first, as one more conjunct of each statement.
pub(super) fn of_slice(key: &[KeyColumn], range: Range<'_>) -> Vec<Predicates> {
    let mut all = seeks(key, range.after, range.upto);
    if let Some(one) = range.stored {
        all.iter_mut().for_each(|seek| seek.insert(0, stored(one)));
    }
    all
}

/// The rows of one of the partitions that the source stores the table in: the server opens no other,
/// and has its rows in key order ("Query Processing Architecture Guide", partitioned tables; the
/// reference of `$PARTITION`).
pub(super) fn stored(stored: &Stored) -> String {
    let PartitionFunction { name, column, .. } = &stored.function;
    let (function, column) = (bracket(name), bracket(column));
    format!("$PARTITION.{function}({column}) = {}", stored.partition)
}

/// The conjuncts of `(after, upto]` as one statement, for a query that needs all of its rows at
/// once. Leading columns on which both ends agree are pinned.
pub(super) fn whole(
    key: &[KeyColumn],
    after: Option<&[KeyValue]>,
    upto: Option<&[KeyValue]>,
) -> Predicates {
    let (after, upto) = (points(key, after), points(key, upto));
    let agreed = agreed(&after, &upto);
    let mut predicates = equal(&after[..agreed]).collect::<Vec<_>>();
    for (points, end) in [(&after, End::After), (&upto, End::UpTo)] {
        if points.len() > agreed {
            predicates.push(bound(&points[agreed..], end));
        }
    }
    predicates
}

/// One column of an end of a range.
struct Point<'a> {
    key: &'a KeyColumn,
    value: &'a KeyValue,
}

impl Point<'_> {
    /// How the server orders the two in the key, if that needs no collation.
    fn order(&self, other: &Self) -> Option<Ordering> {
        let order = self.value.order(other.value)?;
        Some(if self.key.descending {
            order.reverse()
        } else {
            order
        })
    }

    /// In T-SQL, with the column's type and collation, so that the server compares as its index
    /// does.
    fn literal(&self) -> String {
        let column = &self.key.column;
        self.value.literal(&column.ty, column.collation.as_deref())
    }

    /// Strictly after the value in the order of the key.
    fn beyond(&self) -> String {
        self.or_null(self.strict(End::After))
    }

    /// Before the value in the order of the key, or the value itself if `included`.
    fn up_to(&self, included: bool) -> String {
        self.or_null(self.up_to_operator(included))
    }

    fn up_to_operator(&self, included: bool) -> &'static str {
        match (self.strict(End::UpTo), included) {
            ("<", true) => "<=",
            (">", true) => ">=",
            (strict, _) => strict,
        }
    }

    fn strict(&self, end: End) -> &'static str {
        match (end, self.key.descending) {
            (End::After, false) | (End::UpTo, true) => ">",
            (End::After, true) | (End::UpTo, false) => "<",
        }
    }

    fn compare(&self, operator: &str) -> String {
        let name = bracket(&self.key.column.name);
        format!("{name} {operator} {}", self.literal())
    }

    /// NULL is the lowest value in an index (T-SQL reference, "ORDER BY"), and a comparison with it
    /// is never true.
    fn or_null(&self, operator: &str) -> String {
        let compared = self.compare(operator);
        if self.key.column.nullable && operator.starts_with('<') {
            format!("({compared} OR {} IS NULL)", bracket(&self.key.column.name))
        } else {
            compared
        }
    }
}

/// As many points as there are values; none for an open end.
fn points<'a>(key: &'a [KeyColumn], values: Option<&'a [KeyValue]>) -> Vec<Point<'a>> {
    let pairs = key.iter().zip(values.unwrap_or_default());
    pairs.map(|(key, value)| Point { key, value }).collect()
}

/// Leading columns, all but the last at most, that have the same literal at both ends.
fn agreed(after: &[Point<'_>], upto: &[Point<'_>]) -> usize {
    let most = after.len().min(upto.len()).saturating_sub(1);
    let pairs = after.iter().zip(upto).take(most);
    pairs
        .take_while(|(one, other)| one.literal() == other.literal())
        .count()
}

fn equal<'a>(points: &'a [Point<'_>]) -> impl Iterator<Item = String> + 'a {
    points.iter().map(|point| point.compare("="))
}

/// The first column in which the ends differ, between them.
fn between(ends: (Option<&Point<'_>>, Option<&Point<'_>>), included: bool) -> Predicates {
    match ends {
        // NULL is on one side of both.
        (Some(first), Some(last)) => vec![
            first.compare(first.strict(End::After)),
            last.compare(last.up_to_operator(included)),
        ],
        (Some(first), None) => vec![first.beyond()],
        (None, Some(last)) => vec![last.up_to(included)],
        (None, None) => Vec::new(),
    }
}

/// One end of a key range. Several columns expand to
/// `a >= 1 AND (a > 1 OR (b >= 2 AND (b > 2 OR c > 3)))`: the first conjunct is what SQL Server
/// seeks with, which `(a > 1) OR (a = 1 AND b > 2)` does not give it.
fn bound(points: &[Point<'_>], end: End) -> String {
    let mut predicate = String::new();
    let last = points.len().saturating_sub(1);
    for (index, point) in points.iter().enumerate().rev() {
        let strict = point.strict(end);
        predicate = match (index == last, end) {
            (true, End::After) => point.beyond(),
            (true, End::UpTo) => point.up_to(true),
            (false, _) => {
                let reached = point.or_null(&format!("{strict}="));
                let passed = point.or_null(strict);
                format!("{reached} AND ({passed} OR ({predicate}))")
            }
        };
    }
    predicate
}

#[cfg(test)]
#[path = "range_tests.rs"]
mod tests;
