//! What stands beside generated tables: sequences, circles of foreign keys, views.

use super::draw::Draw;
use super::kind::Kind;
use super::name::{bracket, name};
use super::rows::Row;
use super::table::{Column, Table};
use super::{Tally, attempted};
use crate::support::postgres::Database;
use crate::support::source::SourceDatabase;

/// A sequence or view of the source, and the number that is in its name on both sides.
pub(super) struct Named {
    name: String,
    number: usize,
}

/// Makes some sequences; gives those that the source took.
pub(super) fn sequences(
    draw: &mut Draw,
    database: &SourceDatabase,
    tally: &mut Tally,
) -> Vec<Named> {
    let mut made = Vec::new();
    for number in 900..900 + draw.size(0, 2) {
        let name = format!("dbo.{}", bracket(&short_name(draw, number)));
        let ty = draw.one(&["int", "bigint", "smallint", "decimal(18,0)"]);
        let rest = draw.one(&[
            "START WITH 1 INCREMENT BY 1 NO CACHE",
            "START WITH 100 INCREMENT BY 5 MINVALUE -10 MAXVALUE 30000 CACHE 10",
            "START WITH -1 INCREMENT BY -3 MAXVALUE 0",
            "START WITH 3 INCREMENT BY 2 MINVALUE 1 MAXVALUE 7 CYCLE",
        ]);
        let statement = format!("CREATE SEQUENCE {name} AS {ty} {rest}");
        if attempted(database, vec![statement], tally) == 1 {
            made.push(Named { name, number });
        }
    }
    made
}

/// Numbers some column by a sequence.
pub(super) fn number(draw: &mut Draw, table: &mut Table, sequences: &[Named]) {
    let wide = |column: &&mut Column| {
        matches!(column.kind, Kind::Int | Kind::BigInt) && !column.is_made() && !column.exact
    };
    let column = table.columns.iter_mut().find(wide);
    if let (Some(column), false) = (column, sequences.is_empty()) {
        column.default = Some(format!("NEXT VALUE FOR {}", draw.one(sequences).name));
        column.sparse = false;
    }
}

/// Lets tables refer to those that refer to them.
pub(super) fn circles(
    draw: &mut Draw,
    database: &SourceDatabase,
    (tables, filled): (&mut [Table], &[Vec<Row>]),
    tally: &mut Tally,
) {
    for child in 0..tables.len() {
        let Some((parent, _)) = tables[child].parent else {
            continue;
        };
        let key = tables[child].key.clone();
        let made = key.iter().any(|at| tables[child].columns[*at].is_made());
        if key.is_empty() || made || draw.once_in(2) {
            continue;
        }
        let mut added = Vec::new();
        for place in &key {
            let number = 800 + tables[parent].columns.len();
            let column = Column {
                name: name(draw, number),
                kind: tables[child].columns[*place].kind,
                nullable: true,
                exact: true,
                default: None,
                identity: None,
                computed: None,
                sparse: false,
            };
            let name = bracket(&column.name);
            let statement = format!(
                "ALTER TABLE {} ADD {name} {} NULL",
                tables[parent].name,
                column.kind.sql()
            );
            assert_eq!(attempted(database, vec![statement], tally), 1, "a column");
            added.push(name);
            tables[parent].columns.push(column);
        }
        let (of, to) = (&tables[parent], &tables[child]);
        let mut statements = vec![format!(
            "ALTER TABLE {} ADD FOREIGN KEY ({}) REFERENCES {} ({})",
            of.name,
            added.join(", "),
            to.name,
            to.list(&key)
        )];
        if !filled[child].is_empty() {
            let row = draw.one(&filled[child]);
            let values = added.iter().zip(&key).map(|(name, place)| {
                let value = row[*place].as_deref().unwrap_or("NULL");
                format!("{name} = {value}")
            });
            let values = values.collect::<Vec<_>>().join(", ");
            statements.push(format!("UPDATE {} SET {values}", of.name));
        }
        attempted(database, statements, tally);
    }
}

/// Makes some views, each over a table or over the view before it.
pub(super) fn views(
    draw: &mut Draw,
    database: &SourceDatabase,
    tables: &[Table],
    tally: &mut Tally,
) -> Vec<Named> {
    let mut made: Vec<Named> = Vec::new();
    for number in 950..950 + draw.size(0, 3) {
        let name = format!("dbo.{}", bracket(&short_name(draw, number)));
        let query = match made.last() {
            Some(below) if draw.once_in(2) => {
                format!("SELECT v.[x0] AS [x0] FROM {} AS v", below.name)
            }
            _ => {
                let table = draw.one(tables);
                let all: Vec<usize> = (0..table.columns.len()).collect();
                let count = draw.size(1, 3);
                let columns = draw.some(&all, count);
                let column = |place: &usize| bracket(&table.columns[*place].name);
                let list: Vec<String> = columns
                    .iter()
                    .enumerate()
                    .map(|(at, place)| format!("t.{} AS [x{at}]", column(place)))
                    .collect();
                let only = if draw.once_in(2) {
                    format!(" WHERE t.{} IS NOT NULL", column(&columns[0]))
                } else {
                    String::new()
                };
                format!("SELECT {} FROM {} AS t{only}", list.join(", "), table.name)
            }
        };
        let statement = format!("CREATE VIEW {name} AS {query}");
        if attempted(database, vec![statement], tally) == 1 {
            made.push(Named { name, number });
        }
    }
    made
}

/// Sequences give the same next value on both sides, views have as many rows.
pub(super) fn equal(
    sequences: &[Named],
    views: &[Named],
    source: &SourceDatabase,
    target: &Database<'_>,
    seed: u64,
) {
    for sequence in sequences {
        let Some(name) = at_target(target, 'S', sequence.number) else {
            continue;
        };
        let next = source.number(&format!(
            "SELECT CAST(NEXT VALUE FOR {} AS bigint)",
            sequence.name
        ));
        let sql = format!("SELECT nextval('{}')", name.replace('\'', "''"));
        assert_eq!(target.value(&sql), next.to_string(), "{seed}: {name}");
    }
    for view in views {
        let Some(name) = at_target(target, 'v', view.number) else {
            continue;
        };
        let rows = source.number(&format!("SELECT COUNT(*) FROM {}", view.name));
        let found = target.value(&format!("SELECT count(*) FROM {name}"));
        assert_eq!(found, rows.to_string(), "{seed}: {name}");
    }
}

/// The quoted name of what was made of it; nothing where it is listed as left out.
fn at_target(target: &Database<'_>, kind: char, number: usize) -> Option<String> {
    let rows = target.sql(&format!(
        "SELECT c.oid::regclass FROM pg_class c WHERE relkind = '{kind}' AND relname ~ 'n_?{number}'"
    ));
    rows.into_iter().next().and_then(|mut row| row.remove(0))
}

/// A name that keeps its number on both sides.
fn short_name(draw: &mut Draw, number: usize) -> String {
    loop {
        let name = name(draw, number);
        if name.len() <= 60 {
            return match name.strip_prefix("Col") {
                Some(number) => format!("n{number}"),
                None => name,
            };
        }
    }
}
