//! The T-SQL of partition reads, cut points and counts, from the plan alone.

use std::fmt::Write;

use crate::config::job::Consistency;
use crate::names::bracket;
use crate::plan::key::KeyValue;
use crate::plan::table::{ColumnPlan, KeyColumn, Slice, Strategy, TablePlan};
use crate::schema::{Column, SqlType};

/// Which end of a range a predicate closes.
#[derive(Clone, Copy)]
enum End {
    /// Strictly behind the key.
    After,
    /// Up to the key and the key itself.
    UpTo,
}

/// The statement that reads `slice`, behind `resume_after` where the partition was begun before.
///
/// Columns come in the order of `table.columns`.
pub fn read(
    table: &TablePlan,
    slice: &Slice,
    resume_after: Option<&[KeyValue]>,
    consistency: Consistency,
) -> String {
    match (&table.strategy, slice) {
        (Strategy::RowNumber { order }, Slice::Rows { after, upto }) => {
            read_rows(table, order, *after, *upto, consistency)
        }
        (Strategy::Hash { columns }, Slice::Bucket { bucket, of }) => {
            let bucket = format!("({}) % {of} = {bucket}", hash(columns));
            select(table, vec![bucket], consistency)
        }
        (Strategy::Keyset { key, ordered, .. }, Slice::Range { after, upto }) => {
            let after = resume_after.or(after.as_deref());
            let predicates = range(key, after, upto.as_deref());
            let mut sql = select(table, predicates, consistency);
            if *ordered {
                let _ = write!(sql, " ORDER BY {}", order_by(key));
            }
            sql
        }
        _ => select(table, Vec::new(), consistency),
    }
}

/// The statement that finds, in key order, the last key of each but the last of `partitions` equal
/// parts of the rows that satisfy `predicates`.
///
/// NTILE in a derived table and LEAD above it: the row whose successor lies in another tile is the
/// last of its own. Works for keys of several columns, where MAX per tile does not.
pub(super) fn cut_points(
    table: &TablePlan,
    key: &[KeyColumn],
    predicates: Vec<String>,
    partitions: usize,
    consistency: Consistency,
) -> String {
    let (columns, sent, order) = (names(key), sent_key(key), order_by(key));
    let tile = free_name(table, "migrate_tile");
    let next = free_name(table, "migrate_next");
    let from = from(table, consistency);
    let filter = where_clause(table, predicates);
    format!(
        "SELECT {sent} FROM (SELECT {columns}, {tile}, LEAD({tile}) OVER (ORDER BY {order}) AS {next} \
         FROM (SELECT {columns}, NTILE({partitions}) OVER (ORDER BY {order}) AS {tile} FROM {from}{filter}) AS tiles) AS ends \
         WHERE {next} <> {tile} ORDER BY {order}"
    )
}

/// The key's columns by name.
pub(super) fn names(key: &[KeyColumn]) -> String {
    let names = key.iter().map(|key| bracket(&key.column.name));
    names.collect::<Vec<_>>().join(", ")
}

/// The key's columns as they are selected.
pub(super) fn sent_key(key: &[KeyColumn]) -> String {
    let columns = key.iter().map(|key| sent(&key.column));
    columns.collect::<Vec<_>>().join(", ")
}

/// The statement that counts what the partitions of the table read.
pub fn count(table: &TablePlan, consistency: Consistency) -> String {
    format!(
        "SELECT COUNT_BIG(*) FROM {}{}",
        from(table, consistency),
        where_clause(table, Vec::new())
    )
}

fn select(table: &TablePlan, predicates: Vec<String>, consistency: Consistency) -> String {
    format!(
        "SELECT {} FROM {}{}",
        select_list(&table.columns),
        from(table, consistency),
        where_clause(table, predicates)
    )
}

fn read_rows(
    table: &TablePlan,
    order: &[String],
    after: u64,
    upto: Option<u64>,
    consistency: Consistency,
) -> String {
    let names = table.columns.iter().map(|column| named(&column.source));
    let columns = names.collect::<Vec<_>>().join(", ");
    let sent = select_list(&table.columns);
    let order = order
        .iter()
        .map(|name| bracket(name))
        .collect::<Vec<_>>()
        .join(", ");
    let row = free_name(table, "migrate_row");
    let upper = upto
        .map(|upto| format!(" AND {row} <= {upto}"))
        .unwrap_or_default();
    format!(
        "SELECT {sent} FROM (SELECT {columns}, ROW_NUMBER() OVER (ORDER BY {order}) AS {row} FROM {}{}) AS numbered \
         WHERE {row} > {after}{upper}",
        from(table, consistency),
        where_clause(table, Vec::new())
    )
}

/// CHECKSUM is a signed int; without its sign bit the remainder is never negative.
fn hash(columns: &[String]) -> String {
    let columns = columns
        .iter()
        .map(|name| bracket(name))
        .collect::<Vec<_>>()
        .join(", ");
    format!("BINARY_CHECKSUM({columns}) & 2147483647")
}

fn select_list(columns: &[ColumnPlan]) -> String {
    columns
        .iter()
        .map(|column| sent(&column.source))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A column in a statement. A pseudo-column of a graph table is no name, and stands without brackets
/// (Microsoft, "SQL Graph architecture").
fn named(column: &Column) -> String {
    match column.extras.pseudo {
        true => column.name.clone(),
        false => bracket(&column.name),
    }
}

/// The code page of `_UTF8` collations.
const UTF_8: u16 = 65_001;

/// A column as it is selected.
///
/// Converted are the types whose own form on the wire is the server's to choose or nobody's to
/// document:
/// - UTF-8 text. The login does not offer UTF8_SUPPORT (MS-TDS 2.2.6.4), without which a server
///   recodes it into a code page, with loss; as nvarchar it arrives whole.
/// - `json` and `vector`, which the login does not offer to take either.
/// - `hierarchyid`, whose bytes are short enough for a key only as varbinary; a CLR type is sent
///   as `max`.
/// - `geography` and `geometry`: their SRID, then the WKB with Z and M. `STAsBinary()` would drop
///   both, and none of the methods gives the SRID along.
fn sent(column: &Column) -> String {
    let name = named(column);
    match column.ty {
        SqlType::Json | SqlType::Vector { .. } => return format!("CAST({name} AS nvarchar(max))"),
        SqlType::HierarchyId => return format!("CAST({name} AS varbinary(892))"),
        SqlType::Geography | SqlType::Geometry => {
            return format!("CAST({name}.STSrid AS binary(4)) + {name}.AsBinaryZM()");
        }
        _ => {}
    }
    if column.code_page != Some(UTF_8) {
        return name;
    }
    match column.ty {
        SqlType::Char { length }
        | SqlType::VarChar {
            length: Some(length),
        } if length <= 4_000 => {
            format!("CAST({name} AS nvarchar({length}))")
        }
        _ => format!("CAST({name} AS nvarchar(max))"),
    }
}

pub(super) fn from(table: &TablePlan, consistency: Consistency) -> String {
    let hint = if consistency == Consistency::Relaxed {
        " WITH (NOLOCK)"
    } else {
        ""
    };
    format!("{}.{}{hint}", bracket(&table.schema), bracket(&table.name))
}

pub(super) fn where_clause(table: &TablePlan, predicates: Vec<String>) -> String {
    let filter = table.filter.iter().map(|filter| format!("({filter}\n)"));
    let all = filter.chain(predicates).collect::<Vec<_>>();
    if all.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", all.join(" AND "))
    }
}

pub(super) fn order_by(key: &[KeyColumn]) -> String {
    key.iter()
        .map(|column| {
            let direction = if column.descending { " DESC" } else { "" };
            format!("{}{direction}", bracket(&column.column.name))
        })
        .collect::<Vec<_>>()
        .join(", ")
}

/// A name for a computed column that no column of the table has.
fn free_name(table: &TablePlan, wish: &str) -> String {
    let mut name = wish.to_owned();
    while table
        .columns
        .iter()
        .any(|column| column.source.name.eq_ignore_ascii_case(&name))
    {
        name.push('_');
    }
    bracket(&name)
}

/// The predicates of `(after, upto]`. Leading columns on which both ends agree are pinned, so that
/// a range inside one value of them is sought and not filtered.
pub(super) fn range(
    key: &[KeyColumn],
    after: Option<&[KeyValue]>,
    upto: Option<&[KeyValue]>,
) -> Vec<String> {
    let agreed = match (after, upto) {
        (Some(after), Some(upto)) => {
            let pairs = after.iter().zip(upto).take(key.len().saturating_sub(1));
            pairs.take_while(|(one, other)| one == other).count()
        }
        _ => 0,
    };
    let pinned = key.iter().zip(after.unwrap_or_default()).take(agreed);
    let mut predicates = pinned
        .map(|(key, value)| {
            let source = &key.column;
            let literal = value.literal(&source.ty, source.collation.as_deref());
            format!("{} = {literal}", bracket(&source.name))
        })
        .collect::<Vec<_>>();
    for (values, end) in [(after, End::After), (upto, End::UpTo)] {
        if let Some(values) = values {
            predicates.push(bound(&key[agreed..], &values[agreed..], end));
        }
    }
    predicates
}

/// One end of a key range. Several columns expand to
/// `a >= 1 AND (a > 1 OR (b >= 2 AND (b > 2 OR c > 3)))`: the first conjunct is what SQL Server
/// seeks with, which `(a > 1) OR (a = 1 AND b > 2)` does not give it.
fn bound(key: &[KeyColumn], values: &[KeyValue], end: End) -> String {
    let mut predicate = String::new();
    let pairs = key.iter().zip(values).enumerate().collect::<Vec<_>>();
    let last = pairs.len().saturating_sub(1);
    for (index, (column, value)) in pairs.into_iter().rev() {
        let name = bracket(&column.column.name);
        let source = &column.column;
        let literal = value.literal(&source.ty, source.collation.as_deref());
        let strict = match (end, column.descending) {
            (End::After, false) | (End::UpTo, true) => ">",
            (End::After, true) | (End::UpTo, false) => "<",
        };
        predicate = match (index == last, end) {
            (true, End::After) => format!("{name} {strict} {literal}"),
            (true, End::UpTo) => format!("{name} {strict}= {literal}"),
            (false, _) => {
                format!(
                    "{name} {strict}= {literal} AND ({name} {strict} {literal} OR ({predicate}))"
                )
            }
        };
    }
    predicate
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample::{column, keyset, plan};

    fn int(value: i64) -> KeyValue {
        KeyValue::Int(value)
    }

    fn one_key() -> TablePlan {
        let id = column("Id", SqlType::Int);
        plan(
            vec![
                id.clone(),
                column("Body", SqlType::NVarChar { length: None }),
            ],
            keyset(&[(id, false)]),
        )
    }

    #[test]
    fn a_range_is_half_open_and_in_key_order() {
        let slice = Slice::Range {
            after: Some(vec![int(5)]),
            upto: Some(vec![int(9)]),
        };
        assert_eq!(
            read(&one_key(), &slice, None, Consistency::Strict),
            "SELECT [Id], [Body] FROM [dbo].[Odd]]Name] WHERE [Id] > CAST(5 AS int) AND [Id] <= CAST(9 AS int) ORDER BY [Id]"
        );
    }

    #[test]
    fn a_resumed_range_begins_behind_its_last_committed_key() {
        let slice = Slice::Range {
            after: Some(vec![int(5)]),
            upto: None,
        };
        assert_eq!(
            read(&one_key(), &slice, Some(&[int(7)]), Consistency::Strict),
            "SELECT [Id], [Body] FROM [dbo].[Odd]]Name] WHERE [Id] > CAST(7 AS int) ORDER BY [Id]"
        );
    }

    #[test]
    fn a_whole_table_has_no_predicate_and_nolock_only_when_relaxed() {
        let whole = Slice::Range {
            after: None,
            upto: None,
        };
        let strict = read(&one_key(), &whole, None, Consistency::Strict);
        assert_eq!(
            strict,
            "SELECT [Id], [Body] FROM [dbo].[Odd]]Name] ORDER BY [Id]"
        );
        let relaxed = read(&one_key(), &whole, None, Consistency::Relaxed);
        assert!(relaxed.contains("FROM [dbo].[Odd]]Name] WITH (NOLOCK) ORDER BY"));
        assert!(
            !cut_points(&one_key(), &[], Vec::new(), 2, Consistency::Strict).contains("NOLOCK")
        );
    }

    #[test]
    fn several_columns_keep_a_conjunct_that_the_server_can_seek_with() {
        let (a, b) = (column("A", SqlType::Int), column("B", SqlType::Int));
        let table = plan(vec![a.clone(), b.clone()], keyset(&[(a, false), (b, true)]));
        let slice = Slice::Range {
            after: Some(vec![int(1), int(2)]),
            upto: Some(vec![int(3), int(4)]),
        };
        assert_eq!(
            read(&table, &slice, None, Consistency::Strict),
            "SELECT [A], [B] FROM [dbo].[Odd]]Name] \
             WHERE [A] >= CAST(1 AS int) AND ([A] > CAST(1 AS int) OR ([B] < CAST(2 AS int))) \
             AND [A] <= CAST(3 AS int) AND ([A] < CAST(3 AS int) OR ([B] >= CAST(4 AS int))) \
             ORDER BY [A], [B] DESC"
        );
    }

    /// One large tenant would otherwise be read from its start by each of its ranges.
    #[test]
    fn columns_on_which_both_ends_agree_are_pinned() {
        let (a, b) = (column("A", SqlType::Int), column("B", SqlType::Int));
        let table = plan(
            vec![a.clone(), b.clone()],
            keyset(&[(a, false), (b, false)]),
        );
        let slice = Slice::Range {
            after: Some(vec![int(1), int(2)]),
            upto: Some(vec![int(1), int(9)]),
        };
        let sql = read(&table, &slice, None, Consistency::Strict);
        assert!(
            sql.contains("WHERE [A] = CAST(1 AS int) AND [B] > CAST(2 AS int) AND [B] <= CAST(9 AS int) ORDER BY [A], [B]"),
            "{sql}"
        );
    }

    #[test]
    fn utf8_text_is_asked_for_as_nvarchar_and_ordered_as_it_is() {
        let mut id = column("Id", SqlType::VarChar { length: Some(20) });
        id.code_page = Some(65_001);
        let mut long = column("Long", SqlType::VarChar { length: None });
        long.code_page = Some(65_001);
        let table = plan(vec![id.clone(), long], keyset(&[(id, false)]));
        let whole = Slice::Range {
            after: None,
            upto: None,
        };
        assert_eq!(
            read(&table, &whole, None, Consistency::Strict),
            "SELECT CAST([Id] AS nvarchar(20)), CAST([Long] AS nvarchar(max)) FROM [dbo].[Odd]]Name] ORDER BY [Id]"
        );
    }

    #[test]
    fn types_that_have_no_form_of_their_own_are_converted_and_keyed_as_they_are() {
        let id = column("Id", SqlType::HierarchyId);
        let columns = vec![
            id.clone(),
            column("Place", SqlType::Geography),
            column("Doc", SqlType::Json),
            column("V", SqlType::Vector { dimensions: 3 }),
            column("Any", SqlType::SqlVariant),
        ];
        let table = plan(columns, keyset(&[(id, false)]));
        let slice = Slice::Range {
            after: Some(vec![KeyValue::Bytes(vec![0x58])]),
            upto: None,
        };
        assert_eq!(
            read(&table, &slice, None, Consistency::Strict),
            "SELECT CAST([Id] AS varbinary(892)), \
             CAST([Place].STSrid AS binary(4)) + [Place].AsBinaryZM(), \
             CAST([Doc] AS nvarchar(max)), CAST([V] AS nvarchar(max)), [Any] \
             FROM [dbo].[Odd]]Name] WHERE [Id] > CAST(0x58 AS hierarchyid) ORDER BY [Id]"
        );
    }

    #[test]
    fn the_jobs_filter_cannot_swallow_the_range() {
        let mut table = one_key();
        table.filter = Some("Score > 1 OR 1 = 1 -- all".into());
        let slice = Slice::Range {
            after: Some(vec![int(5)]),
            upto: None,
        };
        let sql = read(&table, &slice, None, Consistency::Strict);
        assert!(
            sql.contains("WHERE (Score > 1 OR 1 = 1 -- all\n) AND [Id] > CAST(5 AS int)"),
            "{sql}"
        );
    }

    #[test]
    fn row_numbers_and_hashes_divide_tables_without_a_key() {
        let columns = vec![
            column("A", SqlType::Int),
            column("migrate_row", SqlType::Int),
        ];
        let table = plan(
            columns.clone(),
            Strategy::RowNumber {
                order: vec!["A".into(), "migrate_row".into()],
            },
        );
        assert_eq!(
            read(
                &table,
                &Slice::Rows {
                    after: 3,
                    upto: Some(6)
                },
                None,
                Consistency::Strict
            ),
            "SELECT [A], [migrate_row] FROM (SELECT [A], [migrate_row], ROW_NUMBER() OVER (ORDER BY [A], [migrate_row]) \
             AS [migrate_row_] FROM [dbo].[Odd]]Name]) AS numbered WHERE [migrate_row_] > 3 AND [migrate_row_] <= 6"
        );
        let table = plan(
            columns,
            Strategy::Hash {
                columns: vec!["A".into()],
            },
        );
        assert_eq!(
            read(
                &table,
                &Slice::Bucket { bucket: 1, of: 4 },
                None,
                Consistency::Strict
            ),
            "SELECT [A], [migrate_row] FROM [dbo].[Odd]]Name] WHERE (BINARY_CHECKSUM([A]) & 2147483647) % 4 = 1"
        );
    }
}
