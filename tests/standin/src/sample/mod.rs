//! StackOverflow-shaped sample data: the tables of StackOverflow2013, made up, the same every time,

//! and the same tables in the proportion and with the widths that the budgets are written for.

mod activity;
mod lookup;
mod people;
mod posts;
mod scale;
mod text;
mod wide;

use crate::prng::SplitMix64;
use crate::types::Value;

pub use crate::sample::scale::{Made, scale};
pub use crate::sample::wide::Wide;

/// A table that is generated row by row.
pub trait TableSource: Send + Sync {
    /// Such as `Posts`; the schema is `dbo`.
    fn name(&self) -> &'static str;
    /// T-SQL that creates the table with its primary key.
    fn ddl(&self) -> &'static str;
    /// The rows in the order of the primary key, a value for every column.
    fn rows(&self) -> Box<dyn Iterator<Item = Vec<Value>> + Send>;
    /// How many there are.
    fn row_count(&self) -> u64;
}

/// Rows of each table in the real database of 2013.
const REAL: [(Table, u64); 6] = [
    (Table::Users, 2_465_713),
    (Table::Posts, 17_142_169),
    (Table::Comments, 24_534_730),
    (Table::Votes, 52_928_720),
    (Table::Badges, 8_042_005),
    (Table::PostLinks, 1_421_208),
];

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

/// The tables that grow with the sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Users,
    Posts,
    Comments,
    Votes,
    Badges,
    PostLinks,
}

/// How many rows each growing table has, so that rows can point to each other.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    rows: [u64; 6],
}

impl Sizes {
    /// `total` rows in a proportion; what rounding leaves over goes to Votes.
    fn new(total: u64, proportion: &[(Table, u64); 6]) -> Self {
        let all: u64 = proportion.iter().map(|(_, rows)| rows).sum();
        let share = |rows: u64| (u128::from(total) * u128::from(rows) / u128::from(all)) as u64;
        let mut rows = proportion.map(|(_, rows)| share(rows).max(1));
        let rest = total.saturating_sub(rows.iter().sum());
        rows[Table::Votes as usize] += rest;
        Self { rows }
    }

    fn of(&self, table: Table) -> u64 {
        self.rows[table as usize]
    }
}

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

/// What becomes of a row's long text.
type Shape = fn(Table, Vec<Value>, &mut SplitMix64) -> Vec<Value>;

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

struct Growing {
    table: Table,
    sizes: Sizes,
    shape: Shape,
}

impl TableSource for Growing {
    fn name(&self) -> &'static str {
        match self.table {
            Table::Users => "Users",
            Table::Posts => "Posts",
            Table::Comments => "Comments",
            Table::Votes => "Votes",
            Table::Badges => "Badges",
            Table::PostLinks => "PostLinks",
        }
    }

    fn ddl(&self) -> &'static str {
        match self.table {
            Table::Users => people::USERS,
            Table::Posts => posts::POSTS,
            Table::Comments => activity::COMMENTS,
            Table::Votes => activity::VOTES,
            Table::Badges => people::BADGES,
            Table::PostLinks => activity::POST_LINKS,
        }
    }

    fn rows(&self) -> Box<dyn Iterator<Item = Vec<Value>> + Send> {
        let sizes = self.sizes;
        let (table, shape) = (self.table, self.shape);
        let row = maker(table);
        Box::new((0..sizes.of(table)).map(move |index| {
            // Each row has its own sequence, so that a change to one row's making moves no other.
            let mut random =
                SplitMix64::new(((table as u64 + 1) << 56) ^ index.wrapping_mul(0x9E37_79B9));
            let made = row(index, &sizes, &mut random);
            shape(table, made, &mut random)
        }))
    }

    fn row_count(&self) -> u64 {
        self.sizes.of(self.table)
    }
}

/// Makes the row at an index.
type Maker = fn(u64, &Sizes, &mut SplitMix64) -> Vec<Value>;

fn maker(table: Table) -> Maker {
    match table {
        Table::Users => people::user,
        Table::Posts => posts::post,
        Table::Comments => activity::comment,
        Table::Votes => activity::vote,
        Table::Badges => people::badge,
        Table::PostLinks => activity::post_link,
    }
}

/// Ids have gaps, as deleted rows leave them: every eleventh is missing.
fn id_with_gaps(index: u64) -> i64 {
    (1 + index + index / 10) as i64
}

/// A post that exists, the newer the likelier not.
fn some_post(sizes: &Sizes, random: &mut SplitMix64) -> Value {
    Value::Int(id_with_gaps(random.below(sizes.of(Table::Posts))))
}

/// A user that exists, without the community user at index 0.
fn some_user(sizes: &Sizes, random: &mut SplitMix64) -> Value {
    let users = sizes.of(Table::Users);
    Value::Int(if users > 1 {
        id_with_gaps(random.below(users - 1))
    } else {
        -1
    })
}

/// `value` in all but one of `one_in` cases.
fn mostly(
    one_in: u64,
    random: &mut SplitMix64,
    value: impl FnOnce(&mut SplitMix64) -> Value,
) -> Value {
    if random.chance(one_in) {
        Value::Null
    } else {
        value(random)
    }
}

/// `value` once in `one_in` cases.
fn seldom(
    one_in: u64,
    random: &mut SplitMix64,
    value: impl FnOnce(&mut SplitMix64) -> Value,
) -> Value {
    if random.chance(one_in) {
        value(random)
    } else {
        Value::Null
    }
}

/// A `datetime` that grows with `index` from 2008-07-31 over about `days` days.
fn moment(index: u64, of: u64, days: u64, random: &mut SplitMix64) -> Value {
    /// 2008-07-31, the first day of Stack Overflow, in days since 1900-01-01.
    const FIRST_DAY: i32 = 39_658;
    /// 1/300 s ticks of a day.
    const TICKS: u64 = 25_920_000;
    let day = index * days / of.max(1);
    Value::DateTime {
        days: FIRST_DAY + day as i32,
        ticks: random.below(TICKS) as u32,
    }
}

/// Days from the first post to the end of 2013.
const DAYS: u64 = 1979;

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
