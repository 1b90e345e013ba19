//! StackOverflow-shaped sample data: the tables of StackOverflow2013, made up, the same every time,
//! and the same tables in the proportion and with the widths that the budgets are written for.

mod activity;
pub(crate) mod growing;
mod lookup;
mod people;
mod posts;
mod scale;
pub(crate) mod table;
mod text;
mod wide;

use crate::prng::SplitMix64;
use crate::sample::growing::{Growing, Shape};
use crate::sample::table::{REAL, Sizes, Table, TableSource};
use crate::types::Value;

pub use crate::sample::scale::{Made, scale};
pub use crate::sample::wide::Wide;

/// Rows of each table in the database of the budgets.
const BENCHMARK: [(Table, u64); 6] = [
    (Table::Users, 300_000),
    (Table::Posts, 500_000),
    (Table::Comments, 1_000_000),
    (Table::Votes, 3_000_000),
    (Table::Badges, 500_000),
    (Table::PostLinks, 100_000),
];
/// UTF-16 units of every comment of the benchmark, all ASCII.
const COMMENT_UNITS: usize = 180;
/// UTF-16 units of every post of the benchmark, three in four with characters beyond ASCII.
const POST_UNITS: usize = 815;

/// The sample's tables, `total` rows in the growing ones together, plus the three lookups.
pub fn stackoverflow(total: u64) -> Vec<Box<dyn TableSource>> {
    tables(Sizes::new(total, &REAL), text_as_it_comes)
}

/// The same tables as the budgets are written for: comments and posts of one width each.
pub fn benchmark(total: u64) -> Vec<Box<dyn TableSource>> {
    tables(Sizes::new(total, &BENCHMARK), text_of_one_width)
}

/// The three lookups alone.
pub fn lookups() -> Vec<Box<dyn TableSource>> {
    lookup::tables()
}

fn tables(sizes: Sizes, shape: Shape) -> Vec<Box<dyn TableSource>> {
    let growing = REAL.map(|(table, _)| {
        Box::new(Growing {
            table,
            sizes,
            shape,
        }) as Box<dyn TableSource>
    });
    lookup::tables().into_iter().chain(growing).collect()
}

fn text_as_it_comes(_: Table, row: Vec<Value>, _: &mut SplitMix64) -> Vec<Value> {
    row
}

fn text_of_one_width(table: Table, mut row: Vec<Value>, random: &mut SplitMix64) -> Vec<Value> {
    match table {
        Table::Comments => row[activity::COMMENT_TEXT] = text::exact(COMMENT_UNITS, true, random),
        Table::Posts => {
            let ascii = random.chance(4);
            row[posts::BODY] = text::exact(POST_UNITS, ascii, random);
        }
        _ => {}
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_add_up_and_repeat() {
        let tables = stackoverflow(20_000);
        assert_eq!(
            tables
                .iter()
                .filter(|table| !table.name().ends_with("Types"))
                .map(|table| table.row_count())
                .sum::<u64>(),
            20_000
        );
        for table in &tables {
            let first = format!("{:?}", table.rows().take(50).collect::<Vec<_>>());
            let again = format!("{:?}", table.rows().take(50).collect::<Vec<_>>());
            assert_eq!(first, again, "{}", table.name());
            assert_eq!(
                table.rows().count() as u64,
                table.row_count(),
                "{}",
                table.name()
            );
        }
    }

    #[test]
    fn keys_rise_and_rows_have_the_width_of_the_table() {
        for table in stackoverflow(5_000) {
            let columns = table
                .ddl()
                .lines()
                .filter(|line| line.trim_start().starts_with('['))
                .count();
            let mut last = i64::MIN;
            for row in table.rows() {
                assert_eq!(row.len(), columns, "{}", table.name());
                let Value::Int(id) = row[0] else {
                    panic!("{}: key {:?}", table.name(), row[0])
                };
                assert!(id > last, "{}: {id} after {last}", table.name());
                last = id;
            }
        }
    }

    #[test]
    fn bodies_are_long_and_not_ascii() {
        let posts = stackoverflow(50_000)
            .into_iter()
            .find(|table| table.name() == "Posts")
            .unwrap();
        let bodies: Vec<usize> = posts
            .rows()
            .map(|row| match &row[3] {
                Value::Text(units) => {
                    assert!(
                        units.iter().any(|unit| *unit > 0x7F),
                        "a body in ASCII alone"
                    );
                    assert!(String::from_utf16(units).is_ok());
                    units.len()
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert!(bodies.iter().max().unwrap() > &20_000);
        assert!(bodies.iter().sum::<usize>() / bodies.len() > 300);
    }

    #[test]
    fn the_benchmark_has_the_widths_of_the_budgets() {
        let width = |value: &Value| match value {
            Value::Text(units) => (units.len(), units.iter().all(|unit| *unit < 0x80)),
            other => panic!("{other:?}"),
        };
        let tables = benchmark(54_000);
        let of = |name: &str| tables.iter().find(|table| table.name() == name).unwrap();
        assert_eq!(of("Votes").row_count(), 30_000);
        assert!(
            of("Comments")
                .rows()
                .all(|row| width(&row[activity::COMMENT_TEXT]) == (180, true))
        );
        let posts: Vec<_> = of("Posts")
            .rows()
            .map(|row| width(&row[posts::BODY]))
            .collect();
        assert!(posts.iter().all(|(units, _)| *units == 815));
        let ascii = posts.iter().filter(|(_, ascii)| *ascii).count();
        assert!(
            (23..=27).contains(&(ascii * 100 / posts.len())),
            "{ascii} of {}",
            posts.len()
        );
    }
}
