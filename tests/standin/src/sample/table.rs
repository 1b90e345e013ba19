//! What the made-up tables share: sizes, and rows that are computed from their number.

use crate::prng::SplitMix64;
use crate::types::Value;

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
pub(crate) const REAL: [(Table, u64); 6] = [
    (Table::Users, 2_465_713),
    (Table::Posts, 17_142_169),
    (Table::Comments, 24_534_730),
    (Table::Votes, 52_928_720),
    (Table::Badges, 8_042_005),
    (Table::PostLinks, 1_421_208),
];

/// The tables that grow with the sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    Users,
    Posts,
    Comments,
    Votes,
    Badges,
    PostLinks,
}

/// How many rows each growing table has, so that rows can point to each other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    rows: [u64; 6],
}

impl Sizes {
    /// `total` rows in a proportion; what rounding leaves over goes to Votes.
    pub(crate) fn new(total: u64, proportion: &[(Table, u64); 6]) -> Self {
        let all: u64 = proportion.iter().map(|(_, rows)| rows).sum();
        let share = |rows: u64| (u128::from(total) * u128::from(rows) / u128::from(all)) as u64;
        let mut rows = proportion.map(|(_, rows)| share(rows).max(1));
        let rest = total.saturating_sub(rows.iter().sum());
        rows[Table::Votes as usize] += rest;
        Self { rows }
    }

    pub(crate) fn of(&self, table: Table) -> u64 {
        self.rows[table as usize]
    }
}

/// Ids have gaps, as deleted rows leave them: every eleventh is missing.
pub(crate) fn id_with_gaps(index: u64) -> i64 {
    (1 + index + index / 10) as i64
}

/// A post that exists, the newer the likelier not.
pub(crate) fn some_post(sizes: &Sizes, random: &mut SplitMix64) -> Value {
    Value::Int(id_with_gaps(random.below(sizes.of(Table::Posts))))
}

/// A user that exists, without the community user at index 0.
pub(crate) fn some_user(sizes: &Sizes, random: &mut SplitMix64) -> Value {
    let users = sizes.of(Table::Users);
    Value::Int(if users > 1 {
        id_with_gaps(random.below(users - 1))
    } else {
        -1
    })
}

/// `value` in all but one of `one_in` cases.
pub(crate) fn mostly(
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
pub(crate) fn seldom(
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
pub(crate) fn moment(index: u64, of: u64, days: u64, random: &mut SplitMix64) -> Value {
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
pub(crate) const DAYS: u64 = 1979;
