//! The tables of StackOverflow2013 at any size, made when they are read and never stored.

use std::sync::Arc;

use crate::engine::model::table::Generator;
use crate::prng::SplitMix64;
use crate::sample::growing::Growing;
use crate::sample::table::{REAL, Sizes, Table, TableSource};
use crate::sample::{activity, posts, text};
use crate::types::Value;

/// UTF-16 units that the texts are pieces of.
const POOL: usize = 64 * 1024;
/// UTF-16 units of every comment and every post: a target of 106 million rows stays under 25 GB.
const COMMENT_UNITS: usize = 60;
const POST_UNITS: usize = 120;

/// A table whose rows are computed from their ordinal.
pub struct Made {
    pub name: &'static str,
    /// Its CREATE TABLE; the key of a row is its ordinal plus one.
    pub ddl: &'static str,
    pub rows: u64,
    pub generator: Generator,
}

/// The growing tables in the proportions of the real database, `total` rows together.
pub fn scale(total: u64) -> Vec<Made> {
    let sizes = Sizes::new(total, &REAL);
    let mut pool = text::pool(POOL, &mut SplitMix64::new(total));
    // Twice over, so that a piece may begin anywhere.
    pool.extend_from_within(..);
    let pool: Arc<[u16]> = pool.into();
    let made = REAL.map(|(table, _)| {
        let pool = Arc::clone(&pool);
        let growing = Growing {
            table,
            sizes,
            shape: |_, row, _| row,
        };
        Made {
            name: growing.name(),
            ddl: growing.ddl(),
            rows: growing.row_count(),
            generator: Arc::new(move |ordinal| row(table, ordinal, &sizes, &pool)),
        }
    });
    made.into_iter().collect()
}

/// A row with a dense key and, where the table has a long text, a short one.
fn row(table: Table, ordinal: u64, sizes: &Sizes, pool: &[u16]) -> Vec<Value> {
    let mut random =
        SplitMix64::new(((table as u64 + 1) << 56) ^ ordinal.wrapping_mul(0x9E37_79B9));
    let mut row = crate::sample::growing::maker(table)(ordinal, sizes, &mut random);
    row[0] = Value::Int(ordinal as i64 + 1);
    match table {
        Table::Comments => row[activity::COMMENT_TEXT] = piece(COMMENT_UNITS, pool, &mut random),
        Table::Posts => row[posts::BODY] = piece(POST_UNITS, pool, &mut random),
        _ => {}
    }
    row
}

fn piece(units: usize, pool: &[u16], random: &mut SplitMix64) -> Value {
    let from = random.below(POOL as u64) as usize;
    let mut piece = pool[from..from + units].to_vec();
    text::mend(&mut piece);
    Value::Text(piece.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_dense_and_repeat_in_the_real_proportions() {
        let tables = scale(106_000);
        assert_eq!(tables.iter().map(|t| t.rows).sum::<u64>(), 106_000);
        let votes = tables.iter().find(|t| t.name == "Votes").unwrap();
        assert!((52_000..54_000).contains(&votes.rows));
        for table in &tables {
            for ordinal in [0, 1, table.rows - 1] {
                let row = (table.generator)(ordinal);
                assert_eq!(format!("{:?}", row[0]), format!("Int({})", ordinal + 1));
                assert_eq!(
                    format!("{row:?}"),
                    format!("{:?}", (table.generator)(ordinal))
                );
            }
        }
    }
}
