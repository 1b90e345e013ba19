//! Rows for generated tables; the server refuses those that break a constraint.

use super::draw::Draw;
use super::table::Table;
use super::value;

/// A row's literals, by column; `None` is left to the server.
pub(super) type Row = Vec<Option<String>>;

/// Rows that may be refused; foreign keys take their values from the parent's rows.
pub(super) fn rows(
    draw: &mut Draw,
    table: &Table,
    tables: &[Table],
    filled: &[Vec<Row>],
) -> Vec<Row> {
    let count = match draw.between(0, 6) {
        0 => 0,
        1 => 1,
        2 => draw.size(40, 120),
        _ => draw.size(2, 40),
    };
    let mut made: Vec<Row> = Vec::new();
    for _ in 0..count {
        if !made.is_empty() && draw.once_in(8) {
            // A heap holds it twice.
            made.push(draw.one(&made).clone());
        } else {
            let mut row = row(draw, table, tables, filled);
            if let Some(own) = table.own {
                // One of the rows before it, or itself. Of text always itself: a row that was refused
                // could have a twin in other case, which only the source takes for it.
                let loose = row[table.key[0]]
                    .as_deref()
                    .is_some_and(|key| key.starts_with("N'"));
                let of = if made.is_empty() || loose || draw.once_in(4) {
                    &row
                } else {
                    draw.one(&made)
                };
                row[own] = of[table.key[0]].clone();
            }
            made.push(row);
        }
    }
    made
}

fn row(draw: &mut Draw, table: &Table, tables: &[Table], filled: &[Vec<Row>]) -> Row {
    let mut row: Row = Vec::new();
    for column in &table.columns {
        row.push(if column.is_made() {
            None
        } else if column.nullable && draw.once_in(5) {
            Some("NULL".into())
        } else if column.default.is_some() && draw.once_in(3) {
            None
        } else {
            Some(value::literal(column.kind, column.exact, draw))
        });
    }
    if let Some((of, first)) = table.parent {
        let keys = &tables[of].key;
        // All of the key of one row, or NULL in some part of it, which refers to nothing.
        let parent = (!filled[of].is_empty()).then(|| draw.one(&filled[of]));
        for (place, key) in keys.iter().enumerate() {
            let null = table.columns[first + place].nullable && draw.once_in(8);
            let value = parent.filter(|_| !null).and_then(|row| row[*key].clone());
            row[first + place] = Some(value.unwrap_or_else(|| "NULL".into()));
        }
    }
    row
}

pub(super) fn insert(table: &Table, row: &Row) -> String {
    let given: Vec<usize> = (0..row.len()).filter(|at| row[*at].is_some()).collect();
    if given.is_empty() {
        return format!("INSERT INTO {} DEFAULT VALUES", table.name);
    }
    let values: Vec<&str> = row.iter().flatten().map(String::as_str).collect();
    format!(
        "INSERT INTO {} ({}) VALUES ({})",
        table.name,
        table.list(&given),
        values.join(", ")
    )
}
