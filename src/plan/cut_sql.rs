//! The T-SQL and the arithmetic that cut a table, or what is left of a partition's range, into partitions.
//!
//! `pipeline::load::cut_points` and `split` ask for cuts, `mssql::cuts` sends the statements.
//! Wherever cuts lie, no row is lost or doubled, so all of this may be approximate; only [`parts`]
//! must tile.

use crate::config::job::Consistency;
use crate::plan::isolation::at_level;
use crate::plan::ntile_cuts;
use crate::plan::query;
use crate::plan::range::{self, Predicates};
use crate::plan::table::{KeyColumn, Range, Slice, Stored, Strategy, TablePlan};
use tsql::key::KeyValue;

/// What is left of a partition: `(after, upto]` in the order of the table's key.
#[derive(Debug, Clone, PartialEq)]
pub struct Remaining {
    /// The last committed key, or the slice's own beginning; `None`: from the first key.
    pub after: Option<Vec<KeyValue>>,
    /// The slice's end, included; `None`: to the last key.
    pub upto: Option<Vec<KeyValue>>,
    /// The partition of the source's that it lies in, if the slice has one.
    pub stored: Option<Stored>,
}

/// Which end of a range a statement asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// The key that comes first in key order, which is the highest value of a descending column.
    First,
    /// The key that comes last in key order.
    Last,
}

impl Remaining {
    /// What is left of `slice` after the last committed key; `None` for a slice that is not a range.
    pub fn new(slice: &Slice, last_key: Option<&[KeyValue]>) -> Option<Self> {
        let range = slice.range()?;
        Some(Self {
            after: last_key.or(range.after).map(<[_]>::to_vec),
            upto: range.upto.map(<[_]>::to_vec),
            stored: range.stored.cloned(),
        })
    }

    /// Up to `upto` only.
    pub fn up_to(&self, upto: &[KeyValue]) -> Self {
        Self {
            upto: Some(upto.to_vec()),
            ..self.clone()
        }
    }

    /// The range as the conjuncts of one statement, for a query that needs all of its rows at once.
    pub(super) fn predicates(&self, key: &[KeyColumn]) -> Predicates {
        let stored = self.stored.as_ref().map(range::stored);
        let whole = range::whole(key, self.after.as_deref(), self.upto.as_deref());
        stored.into_iter().chain(whole).collect()
    }

    /// Parts of what is left, in key order, each of which the server can seek.
    pub fn seeks(&self, key: &[KeyColumn]) -> Vec<Predicates> {
        let range = Range {
            stored: self.stored.as_ref(),
            after: self.after.as_deref(),
            upto: self.upto.as_deref(),
        };
        range::of_slice(key, range)
    }
}

/// The key of a table whose partitions commit on their way, which are those that can be cut again.
/// `None` for strategies whose partitions commit as a whole: nothing tells how far such a one has
/// come.
pub fn key_of(table: &TablePlan) -> Option<&[KeyColumn]> {
    match &table.strategy {
        Strategy::Keyset {
            key, ordered: true, ..
        } => Some(key),
        _ => None,
    }
}

/// The statement that counts the rows of one of [`Remaining::seeks`], and stops counting at `most`.
/// A range that still has `most` rows is long enough to be cut, and counting further would read it
/// all.
pub fn count_up_to(
    table: &TablePlan,
    key: &[KeyColumn],
    seek: Predicates,
    most: u64,
    consistency: Consistency,
) -> String {
    let sql = format!(
        "SELECT COUNT_BIG(*) FROM (SELECT TOP ({most}) {} FROM {}{}) AS counted",
        query::names(key),
        query::from(table, consistency),
        query::where_clause(table, seek),
    );
    at_level(table, consistency, sql)
}

/// The statements of which the first that gives a row gives the first or the last key that is left,
/// in key order; if none does, nothing is left.
pub fn edge(
    table: &TablePlan,
    key: &[KeyColumn],
    left: &Remaining,
    edge: Edge,
    consistency: Consistency,
) -> Vec<String> {
    edges(table, key, left, edge, consistency)
        .into_iter()
        .map(|sql| at_level(table, consistency, sql))
        .collect()
}

/// The same at the session's own isolation level.
fn edges(
    table: &TablePlan,
    key: &[KeyColumn],
    left: &Remaining,
    edge: Edge,
    consistency: Consistency,
) -> Vec<String> {
    let (order, reverse) = match edge {
        Edge::First => (query::order_by(key), false),
        Edge::Last => (query::order_by(&reversed(key)), true),
    };
    let statement = |seek| {
        format!(
            "SELECT TOP (1) {} FROM {}{} ORDER BY {order}",
            query::sent_key(key),
            query::from(table, consistency),
            query::where_clause(table, seek),
        )
    };
    let mut statements = left
        .seeks(key)
        .into_iter()
        .map(statement)
        .collect::<Vec<_>>();
    if reverse {
        statements.reverse();
    }
    statements
}

/// The statement that gives the first and the last key that are left, in one round trip and in
/// either order; see [`in_order`]. `None` if the key is not one integer.
pub fn ends(
    table: &TablePlan,
    key: &[KeyColumn],
    left: &Remaining,
    consistency: Consistency,
) -> Option<String> {
    // Only of integers does the distance of the two ends say anything about what lies between.
    if !matches!(key, [key] if key.is_integer()) {
        return None;
    }
    // ORDER BY belongs to a whole UNION, so each side is a table of its own.
    let side = |end| {
        let sql = edges(table, key, left, end, consistency).pop()?;
        Some(format!("SELECT {} FROM ({sql}) AS side", query::names(key)))
    };
    let (first, last) = (side(Edge::First)?, side(Edge::Last)?);
    let sql = format!("{first} UNION ALL {last}");
    Some(at_level(table, consistency, sql))
}

/// What [`ends`] gave, as the first and the last key; `None` if nothing is left.
pub fn in_order(
    key: &[KeyColumn],
    ends: Vec<Vec<KeyValue>>,
) -> Option<(Vec<KeyValue>, Vec<KeyValue>)> {
    let [one, other]: [Vec<KeyValue>; 2] = ends.try_into().ok()?;
    let ([KeyValue::Int(left)], [KeyValue::Int(right)]) = (&one[..], &other[..]) else {
        return None;
    };
    let descending = key.iter().any(|key| key.descending);
    Some(if (left <= right) != descending || left == right {
        (one, other)
    } else {
        (other, one)
    })
}

/// The statement that finds the last key of each of `parts` equal parts of what is left.
pub fn cut_points(
    table: &TablePlan,
    key: &[KeyColumn],
    left: &Remaining,
    parts: usize,
    consistency: Consistency,
) -> String {
    ntile_cuts::cut_points(table, key, left.predicates(key), parts, consistency)
}

/// The same key in the opposite direction, to find the last key by a seek from that end.
fn reversed(key: &[KeyColumn]) -> Vec<KeyColumn> {
    let turned = key.iter().map(|column| KeyColumn {
        column: column.column.clone(),
        descending: !column.descending,
    });
    turned.collect()
}

/// Cuts of equal distance between two integer keys, in the order from `first` to `last`; `None`
/// if the key is not one integer. The last key itself is not a cut.
/// Computed in `i128`: the distance between two `bigint` keys does not fit 64 bits.
pub fn between(first: &[KeyValue], last: &[KeyValue], parts: usize) -> Option<Vec<Vec<KeyValue>>> {
    let ([KeyValue::Int(first)], [KeyValue::Int(last)]) = (first, last) else {
        return None;
    };
    let (first, last) = (i128::from(*first), i128::from(*last));
    let parts = i128::try_from(parts).ok()?.max(1);
    let mut cuts = (1..parts)
        .map(|part| first + (last - first) * part / parts)
        .filter(|cut| *cut != last)
        .filter_map(|cut| i64::try_from(cut).ok())
        .collect::<Vec<_>>();
    cuts.dedup();
    Some(
        cuts.into_iter()
            .map(|cut| vec![KeyValue::Int(cut)])
            .collect(),
    )
}

/// Whether most integers between the two keys are keys, given the rows that the catalog counts.
/// Parts of equal distance then differ by what is missing at most: a fifth of the whole.
pub fn is_dense(first: &[KeyValue], last: &[KeyValue], rows: u64) -> bool {
    let ([KeyValue::Int(first)], [KeyValue::Int(last)]) = (first, last) else {
        return false;
    };
    let integers = (i128::from(*last) - i128::from(*first)).abs() + 1;
    i128::from(rows) * 5 >= integers * 4
}

/// `slice` cut at `cuts`, which are in key order and lie before `end`: its own head, and the
/// others. `None` if it is not a range, if `cuts` is empty, or if the slice ends elsewhere than the range
/// that the cuts were found in: they may then lie in what is another partition's.
pub fn parts(
    slice: &Slice,
    end: Option<&[KeyValue]>,
    cuts: &[Vec<KeyValue>],
) -> Option<(Slice, Vec<Slice>)> {
    let range = slice.range()?;
    if range.upto != end {
        return None;
    }
    let (first, _) = cuts.split_first()?;
    let head = Range {
        upto: Some(first),
        ..range
    };
    let ends = cuts.iter().skip(1).map(|cut| Some(&cut[..]));
    let others = cuts.iter().zip(ends.chain([range.upto]));
    let others = others.map(|(after, upto)| {
        Slice::from(Range {
            after: Some(after),
            upto,
            ..range
        })
    });
    Some((head.into(), others.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample::{column, keyset, plan};
    use tsql::schema::SqlType;
    use tsql::schema::objects::PartitionFunction;

    fn int(value: i64) -> Vec<KeyValue> {
        vec![KeyValue::Int(value)]
    }

    fn table(descending: bool) -> TablePlan {
        let id = column("Id", SqlType::Int);
        plan(vec![id.clone()], keyset(&[(id, descending)]))
    }

    fn left() -> Remaining {
        Remaining {
            after: Some(int(5)),
            upto: Some(int(90)),
            stored: None,
        }
    }

    #[test]
    fn what_is_left_begins_behind_the_last_committed_key() {
        let slice = Slice::Range {
            after: Some(int(1)),
            upto: Some(int(90)),
        };
        let of = |key: Option<&[KeyValue]>| Remaining::new(&slice, key);
        assert_eq!(of(Some(&int(5))), Some(left()));
        assert_eq!(of(None).and_then(|left| left.after), Some(int(1)));
        assert_eq!(Remaining::new(&Slice::Whole, None), None);
    }

    #[test]
    fn statements_stay_within_what_is_left() {
        let (strict, relaxed) = (Consistency::Strict, Consistency::Relaxed);
        let table_ = table(true);
        let key = key_of(&table_).expect("a key");
        assert_eq!(
            count_up_to(&table_, key, left().seeks(key).remove(0), 700, relaxed),
            "SELECT COUNT_BIG(*) FROM (SELECT TOP (700) [Id] FROM [dbo].[Odd]]Name] WITH (NOLOCK) \
             WHERE [Id] < CAST(5 AS int) AND [Id] >= CAST(90 AS int)) AS counted"
        );
        assert_eq!(
            edge(&table_, key, &left(), Edge::Last, strict),
            ["SELECT TOP (1) [Id] FROM [dbo].[Odd]]Name] \
             WHERE [Id] < CAST(5 AS int) AND [Id] >= CAST(90 AS int) ORDER BY [Id]"]
        );
        let first = edge(&table_, key, &left(), Edge::First, strict);
        assert!(first[0].ends_with("ORDER BY [Id] DESC"));
        let mut filtered = table(false);
        filtered.filter = Some("V = 1".into());
        let sql = cut_points(&filtered, key, &left(), 3, strict);
        assert!(sql.contains("NTILE(3)"), "{sql}");
        assert!(
            sql.contains("WHERE (V = 1\n) AND [Id] < CAST(5 AS int)"),
            "{sql}"
        );
    }

    #[test]
    fn both_ends_come_in_one_statement_and_in_the_order_of_the_key() {
        let of = |descending| {
            let table = table(descending);
            let key = key_of(&table).expect("a key").to_vec();
            let sql = ends(&table, &key, &left(), Consistency::Strict).expect("an integer key");
            (key, sql)
        };
        let (up, sql) = of(false);
        let side = |order: &str| {
            format!(
                "SELECT [Id] FROM (SELECT TOP (1) [Id] FROM [dbo].[Odd]]Name] WHERE [Id] > \
                 CAST(5 AS int) AND [Id] <= CAST(90 AS int) ORDER BY [Id]{order}) AS side"
            )
        };
        assert_eq!(sql, format!("{} UNION ALL {}", side(""), side(" DESC")));
        let (down, sql) = of(true);
        assert!(
            sql.contains("ORDER BY [Id] DESC) AS side UNION ALL"),
            "{sql}"
        );
        for came in [vec![int(9), int(4)], vec![int(4), int(9)]] {
            assert_eq!(in_order(&up, came.clone()), Some((int(4), int(9))));
            assert_eq!(in_order(&down, came), Some((int(9), int(4))));
        }
        assert_eq!(in_order(&up, vec![int(4), int(4)]), Some((int(4), int(4))));
        assert_eq!(in_order(&up, Vec::new()), None);
        let text = column("W", SqlType::VarChar { length: Some(9) });
        let text = plan(vec![text.clone()], keyset(&[(text, false)]));
        let key = key_of(&text).expect("a key");
        assert_eq!(ends(&text, key, &left(), Consistency::Strict), None);
    }

    #[test]
    fn integers_are_cut_between_their_ends_in_either_order() {
        assert_eq!(between(&int(0), &int(90), 3), Some(vec![int(30), int(60)]));
        assert_eq!(between(&int(90), &int(0), 3), Some(vec![int(60), int(30)]));
        let ends = (int(i64::MIN), int(i64::MAX));
        assert_eq!(between(&ends.0, &ends.1, 2), Some(vec![int(-1)]));
        // Too close to each other for that many cuts, and nothing after the last key.
        assert_eq!(between(&int(7), &int(8), 4), Some(vec![int(7)]));
        assert_eq!(between(&int(7), &int(7), 4), Some(vec![]));
        assert_eq!(between(&[KeyValue::Bit(true)], &int(7), 2), None);
    }

    #[test]
    fn few_gaps_are_dense_whatever_the_direction() {
        for (one, other) in [(1, 100), (100, 1)] {
            assert!(is_dense(&int(one), &int(other), 80));
            assert!(!is_dense(&int(one), &int(other), 79));
        }
        assert!(is_dense(&int(7), &int(7), 1));
        let ends = (int(i64::MIN), int(i64::MAX));
        assert!(!is_dense(&ends.0, &ends.1, u64::MAX / 2));
        assert!(!is_dense(&[KeyValue::Bit(true)], &int(1), 9));
    }

    #[test]
    fn parts_of_a_partition_of_the_source_stay_within_it() {
        let stored = Box::new(Stored {
            partition: 2,
            function: PartitionFunction {
                name: "Days".into(),
                column: "Day".into(),
                partitions: 3,
                version: "1".into(),
            },
        });
        let within = |after: Option<i64>, upto: Option<i64>| Slice::Within {
            stored: stored.clone(),
            after: after.map(int),
            upto: upto.map(int),
        };
        let (head, others) = parts(&within(None, None), None, &[int(3)]).expect("parts");
        assert_eq!(head, within(None, Some(3)));
        assert_eq!(others, [within(Some(3), None)]);
        let left = Remaining::new(&head, Some(&int(1))).expect("a range");
        let table = table(false);
        let key = key_of(&table).expect("a key");
        let sql = edge(&table, key, &left, Edge::First, Consistency::Strict);
        assert!(
            sql[0].contains(
                "WHERE $PARTITION.[Days]([Day]) = 2 AND [Id] > CAST(1 AS int) AND [Id] <= CAST(3 AS int)"
            ),
            "{sql:?}"
        );
    }

    #[test]
    fn parts_tile_what_they_were_cut_from() {
        for upto in [None, Some(int(9))] {
            let slice = Slice::Range {
                after: Some(int(1)),
                upto: upto.clone(),
            };
            let range = |after, upto| Slice::Range {
                after: Some(int(after)),
                upto,
            };
            let (head, others) = parts(&slice, upto.as_deref(), &[int(3), int(6)]).expect("parts");
            assert_eq!(head, range(1, Some(int(3))));
            assert_eq!(others, [range(3, Some(int(6))), range(6, upto.clone())]);
            assert_eq!(parts(&slice, upto.as_deref(), &[]), None);
            // Cuts of before the slice was cut itself would reach into its neighbour.
            assert_eq!(parts(&slice, Some(&int(8)), &[int(3)]), None);
        }
        assert_eq!(parts(&Slice::Whole, None, &[int(3)]), None);
    }
}
