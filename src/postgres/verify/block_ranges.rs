//! Divides a target table by its blocks, so that several connections read it once between them.
//!
//! `ctid` names block and line of a row, so ranges of blocks are read without an index and without
//! a sort. Rows that are updated meanwhile move; a comparison is of a target that nothing else
//! writes.

use tokio_postgres::Client;

use crate::error::Result;
use crate::plan::table::TargetName;
use crate::postgres::fault;
use tsql::names::qualified;

/// Blocks of a range, at least: 64 MiB, some tenths of a second of reading.
pub const MIN_BLOCKS: i64 = 8192;

/// `server_version_num` of the first version with TID range scans, without which a range costs a scan of
/// the whole table.
const TID_RANGES: i32 = 140_000;

/// Rows of the table in blocks `from..to`; the ranges tile the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockRange {
    from: Option<i64>,
    to: Option<i64>,
}

impl BlockRange {
    /// The whole table.
    pub const WHOLE: Self = Self {
        from: None,
        to: None,
    };

    /// What follows the table's name: ` WHERE ...` over `ctid`, or nothing for the whole table.
    pub fn predicate(&self) -> String {
        match (self.from, self.to) {
            (None, None) => String::new(),
            (Some(from), None) => format!(" WHERE ctid >= '({from},0)'"),
            (None, Some(to)) => format!(" WHERE ctid < '({to},0)'"),
            (Some(from), Some(to)) => {
                format!(" WHERE ctid >= '({from},0)' AND ctid < '({to},0)'")
            }
        }
    }
}

/// At most `most` ranges of about equal size and of `least` blocks or more; one if the table is small, or
/// is not a plain table of a server that can read it by blocks.
///
/// # Errors
/// The catalog cannot be read.
pub async fn block_ranges(
    client: &Client,
    table: &TargetName,
    most: usize,
    least: i64,
) -> Result<Vec<BlockRange>> {
    let row = client
        .query_opt(
            "SELECT pg_catalog.pg_relation_size(c.oid) / s.size AS blocks, \
             pg_catalog.pg_table_size(c.oid) / s.size AS all_blocks \
             FROM (SELECT pg_catalog.current_setting('block_size')::bigint AS size) s, pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1) AND c.relkind = 'r' \
             AND NOT c.relhassubclass AND pg_catalog.current_setting('server_version_num')::int >= $2",
            &[&qualified(table), &TID_RANGES],
        )
        .await
        .map_err(|error| fault::from_driver(error, &format!("size up {}", qualified(table))))?;
    let (blocks, with_long_values) =
        row.map_or((0, 0), |row| (row.get("blocks"), row.get("all_blocks")));
    Ok(divide(blocks, with_long_values, most, least))
}

/// `blocks` can be cut; `size` counts the blocks of long values too, which are what is read.
fn divide(blocks: i64, size: i64, most: usize, least: i64) -> Vec<BlockRange> {
    let most = i64::try_from(most).unwrap_or(1).min(blocks).max(1);
    let count = (size / least.max(1)).clamp(1, most);
    let cut = |number: i64| (number > 0 && number < count).then(|| blocks / count * number);
    (0..count)
        .map(|number| BlockRange {
            from: cut(number),
            to: cut(number + 1),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_tile_the_table_with_both_ends_open() {
        assert_eq!(divide(0, 0, 4, MIN_BLOCKS), [BlockRange::WHOLE]);
        assert_eq!(
            divide(9, 2 * MIN_BLOCKS - 1, 4, MIN_BLOCKS),
            [BlockRange::WHOLE]
        );
        let predicates = divide(30_000, 40_000, 3, MIN_BLOCKS)
            .iter()
            .map(BlockRange::predicate)
            .collect::<Vec<_>>();
        assert_eq!(
            predicates,
            [
                " WHERE ctid < '(10000,0)'",
                " WHERE ctid >= '(10000,0)' AND ctid < '(20000,0)'",
                " WHERE ctid >= '(20000,0)'"
            ]
        );
        assert_eq!(divide(1 << 32, 1 << 32, 8, 1).len(), 8);
        assert_eq!(divide(2, 1 << 32, 8, 1).len(), 2, "long values of few rows");
    }
}
