//! The T-SQL of partition reads and counts, from the plan alone.
//!
//! Statements are text without parameters: literals come from `KeyValue::literal` and names from
//! `bracket`, never from elsewhere. `pipeline::load::reader` runs the reads, `pipeline::verify` and
//! `tune` use the same, so that all see the same rows. No statement ends in a semicolon.

use crate::config::job::Consistency;
use crate::plan::isolation::{at_level, hint};
use crate::plan::range;
use crate::plan::table::{ColumnPlan, KeyColumn, Range, Slice, Strategy, TablePlan};
use tsql::key::KeyValue;
use tsql::names::bracket;
use tsql::schema::{Column, SqlType};

/// The statements that read `slice`, after the key `resume_after` if an earlier attempt committed it:
/// to be run one after the other, which gives the rows in key order if the plan's key is
/// ordered. Any of them may have no rows.
///
/// Columns come in the order of `table.columns`.
pub fn read(
    table: &TablePlan,
    slice: &Slice,
    resume_after: Option<&[KeyValue]>,
    consistency: Consistency,
) -> Vec<String> {
    let statements = statements(table, slice, resume_after, consistency);
    statements
        .into_iter()
        .map(|sql| at_level(table, consistency, sql))
        .collect()
}

/// A pair of strategy and slice that do not belong together reads the whole table; plans make none.
fn statements(
    table: &TablePlan,
    slice: &Slice,
    resume_after: Option<&[KeyValue]>,
    consistency: Consistency,
) -> Vec<String> {
    match (&table.strategy, slice) {
        (Strategy::RowNumber { order }, Slice::Rows { after, upto }) => {
            vec![unordered(read_rows(
                table,
                order,
                *after,
                *upto,
                consistency,
            ))]
        }
        (Strategy::Hash { columns }, Slice::Bucket { bucket, of }) => {
            let bucket = format!("({}) % {of} = {bucket}", hash(columns));
            vec![unordered(select(table, vec![bucket], consistency))]
        }
        (
            Strategy::Keyset { key, .. } | Strategy::Clustered { key, .. },
            Slice::Range { .. } | Slice::Within { .. },
        ) => {
            let range = slice.range().map(|range| Range {
                // The committed key lies inside the slice, so it takes the place of its beginning.
                after: resume_after.or(range.after),
                ..range
            });
            let seeks = range.map(|range| range::of_slice(key, range));
            let statements = seeks.into_iter().flatten().map(|seek| {
                let sql = select(table, seek, consistency);
                if table.commits_midway() {
                    format!("{sql} ORDER BY {}", order_by(key))
                } else {
                    unordered(sql)
                }
            });
            statements.collect()
        }
        _ => vec![unordered(select(table, Vec::new(), consistency))],
    }
}

/// What tells, after the last row, whether the slice has been the same rows all the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unchanged {
    /// A statement that gives one text, or no row.
    pub sql: String,
    pub expected: String,
    /// What it is about, for an operator.
    pub of: String,
}

/// `None` if the slice's predicates say the same whatever happens at the source. The number of a
/// partition is another one's after ALTER PARTITION FUNCTION, with rows that were read already or
/// that nothing would read.
pub fn unchanged(slice: &Slice) -> Option<Unchanged> {
    let function = &slice.range()?.stored?.function;
    Some(Unchanged {
        sql: format!(
            "SELECT CONVERT(nvarchar(30), f.modify_date, 126) FROM sys.partition_functions AS f \
             WHERE f.name = N'{}' AND f.fanout = {}",
            function.name.replace('\'', "''"),
            function.partitions
        ),
        expected: function.version.clone(),
        of: format!("partition function {}", function.name),
    })
}

/// Nothing else keeps the server from a parallel plan, whose threads would all wait for as long as
/// the rows are being sent: a small server has few (error THREADPOOL waits). In key order the plan is
/// a seek of one thread by itself.
fn unordered(sql: String) -> String {
    format!("{sql} OPTION (MAXDOP 1)")
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
    let sql = format!(
        "SELECT COUNT_BIG(*) FROM {}{}",
        from(table, consistency),
        where_clause(table, Vec::new())
    );
    at_level(table, consistency, sql)
}

/// The table's columns with the job's filter and these conjuncts.
fn select(table: &TablePlan, predicates: Vec<String>, consistency: Consistency) -> String {
    format!(
        "SELECT {} FROM {}{}",
        select_list(&table.columns),
        from(table, consistency),
        where_clause(table, predicates)
    )
}

/// Numbers from 1, over the filtered rows; `(after, upto]` of them. The inner select names columns
/// and the outer one converts, so that a conversion does not disturb the order.
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

/// What each column is sent as, in the order of the plan.
fn select_list(columns: &[ColumnPlan]) -> String {
    columns
        .iter()
        .map(|column| sent(&column.source))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A column in a statement. A pseudo-column of a graph table is not a name, and is written without brackets
/// (Microsoft, "SQL Graph architecture").
fn named(column: &Column) -> String {
    if column.extras.pseudo {
        column.name.clone()
    } else {
        bracket(&column.name)
    }
}

/// The code page of `_UTF8` collations.
const UTF_8: u16 = 65_001;

/// A column as it is selected.
///
/// Converted are the types whose own form on the wire is the server's to choose or not for this client to
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
        SqlType::Bit
        | SqlType::TinyInt
        | SqlType::SmallInt
        | SqlType::Int
        | SqlType::BigInt
        | SqlType::Decimal { .. }
        | SqlType::SmallMoney
        | SqlType::Money
        | SqlType::Real
        | SqlType::Float
        | SqlType::Date
        | SqlType::Time { .. }
        | SqlType::SmallDateTime
        | SqlType::DateTime
        | SqlType::DateTime2 { .. }
        | SqlType::DateTimeOffset { .. }
        | SqlType::Char { .. }
        | SqlType::VarChar { .. }
        | SqlType::Text
        | SqlType::NChar { .. }
        | SqlType::NVarChar { .. }
        | SqlType::NText
        | SqlType::Binary { .. }
        | SqlType::VarBinary { .. }
        | SqlType::Image
        | SqlType::RowVersion
        | SqlType::UniqueIdentifier
        | SqlType::Xml
        | SqlType::SqlVariant
        | SqlType::Clr { .. }
        | SqlType::Other { .. } => {}
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

/// The quoted table, with the hint that its consistency needs.
pub(super) fn from(table: &TablePlan, consistency: Consistency) -> String {
    format!("{}{}", name(table), hint(table, consistency))
}

/// Schema and table in brackets.
pub(super) fn name(table: &TablePlan) -> String {
    format!("{}.{}", bracket(&table.schema), bracket(&table.name))
}

/// The filter has a line of its own end, so that a `--` comment in it hides nothing else.
pub(super) fn where_clause(table: &TablePlan, predicates: Vec<String>) -> String {
    let filter = table.filter.iter().map(|filter| format!("({filter}\n)"));
    let all = filter.chain(predicates).collect::<Vec<_>>();
    if all.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", all.join(" AND "))
    }
}

/// The key's order, without the words ORDER BY.
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
pub(super) fn free_name(table: &TablePlan, wish: &str) -> String {
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

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
