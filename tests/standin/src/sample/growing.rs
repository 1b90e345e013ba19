//! The made-up tables as sources of rows.

use crate::prng::SplitMix64;
use crate::sample::table::{Sizes, Table, TableSource};
use crate::sample::{activity, people, posts};
use crate::types::Value;

/// What becomes of a row's long text.
pub(crate) type Shape = fn(Table, Vec<Value>, &mut SplitMix64) -> Vec<Value>;

/// A made-up table, whose rows are computed from their number.
pub(crate) struct Growing {
    pub(crate) table: Table,
    pub(crate) sizes: Sizes,
    pub(crate) shape: Shape,
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
pub(crate) type Maker = fn(u64, &Sizes, &mut SplitMix64) -> Vec<Value>;

pub(crate) fn maker(table: Table) -> Maker {
    match table {
        Table::Users => people::user,
        Table::Posts => posts::post,
        Table::Comments => activity::comment,
        Table::Votes => activity::vote,
        Table::Badges => people::badge,
        Table::PostLinks => activity::post_link,
    }
}
