//! TABLESAMPLE: the rows of some pages of a table, whole pages at a time.
//!
//! As "FROM clause plus JOIN, APPLY, PIVOT" and "Limiting Result Sets by Using TABLESAMPLE" describe
//! it: each page gets a random value of its own and is in the sample or not, with all of its rows. Only
//! pages of the sample are read. A small table often gives nothing at all.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use crate::engine::error::Result;
use crate::engine::eval::expr::Run;
use crate::engine::eval::flow::{Consumer, Flow};
use crate::engine::eval::plan::Sample;
use crate::engine::model::pages::rows_per_page;
use crate::prng::SplitMix64;

impl Sample {
    /// As many as are estimated.
    pub(crate) fn rows(&self) -> u64 {
        (self.table.row_count() as f64 * self.part) as u64
    }
}

impl Sample {
    /// The numbers of the pages of the sample, in no order that means anything: they are read as they
    /// were allocated.
    fn pages(&self) -> Vec<u64> {
        let seed = self.seed.unwrap_or_else(|| RandomState::new().hash_one(()));
        let pages = self.table.row_count().div_ceil(rows_per_page(&self.table));
        let chosen = |page: u64| {
            let mut random = SplitMix64::new(seed.wrapping_mul(0x9E37_79B9) ^ page);
            random.next_u64();
            let (value, place) = (random.next_u64(), random.next_u64());
            let in_sample = (value >> 11) as f64 / (1u64 << 53) as f64;
            (in_sample < self.part).then_some((place, page))
        };
        let mut chosen = (0..pages).filter_map(chosen).collect::<Vec<_>>();
        chosen.sort_unstable();
        chosen.into_iter().map(|(_, page)| page).collect()
    }

    pub(crate) fn run(&self, shared: &Run<'_>, out: &mut Consumer<'_>) -> Flow {
        let (per_page, rows) = (rows_per_page(&self.table), self.table.row_count());
        let positions = self.table.primary().positions();
        for page in self.pages() {
            let (from, to) = (page * per_page, ((page + 1) * per_page).min(rows));
            match &self.table.generated {
                Some(generated) => {
                    for row in from..to {
                        looked_at(shared)?;
                        out(&(generated.make)(row))?;
                    }
                }
                None => {
                    for row in positions.rows(from, to) {
                        looked_at(shared)?;
                        out(&row.values)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Counts a row of a page that is in the sample.
fn looked_at(shared: &Run<'_>) -> Result<()> {
    shared.meter.note(|work| work.table_rows += 1);
    shared.tick()
}
