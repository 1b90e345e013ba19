//! TABLESAMPLE: the rows of some pages of a table, whole pages at a time.
//!
//! As "FROM clause plus JOIN, APPLY, PIVOT" and "Limiting Result Sets by Using TABLESAMPLE" describe
//! it: each page gets a random value of its own and is in the sample or not, with all of its rows. Only
//! pages of the sample are read. A small table often gives nothing at all.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;

use sqlparser::ast;

use crate::engine::error::{Result, error, unsupported};
use crate::engine::expr::Run;
use crate::engine::pages::rows_per_page;
use crate::engine::query::run::{Consumer, Flow};
use crate::engine::table::Table;
use crate::prng::SplitMix64;

#[derive(Clone)]
pub(crate) struct Sample {
    table: Arc<Table>,
    /// Of the pages, 0 to 1.
    part: f64,
    /// The same one gives the same pages; each execution has its own without.
    seed: Option<u64>,
}

impl Sample {
    /// As many as are estimated.
    pub(crate) fn rows(&self) -> u64 {
        (self.table.row_count() as f64 * self.part) as u64
    }
}

/// What 475 says of everything that is not a table's name.
pub(crate) fn only_tables() -> crate::types::SqlError {
    let message = "Invalid SAMPLE clause. Only table names in the FROM clause of SELECT, UPDATE, and DELETE queries may be sampled.";
    error(475, 16, message)
}

/// Msg 494, for views and tables of other servers.
pub(crate) fn only_local() -> crate::types::SqlError {
    let message = "The TABLESAMPLE clause can only be used with local tables.";
    error(494, 16, message)
}

impl Sample {
    /// # Errors
    /// 476 and 477 for numbers out of range; anything but SYSTEM with a constant is not T-SQL.
    pub(crate) fn bind(table: &Arc<Table>, clause: &ast::TableSample) -> Result<Sample> {
        let quantity = match clause {
            ast::TableSample {
                modifier: ast::TableSampleModifier::TableSample,
                name: None | Some(ast::TableSampleMethod::System),
                quantity: Some(quantity),
                bucket: None,
                offset: None,
                ..
            } if quantity.parenthesized => quantity,
            other => return Err(unsupported(format!("'{other}'"))),
        };
        let number = quantity.value.to_string();
        let number: f64 = number
            .parse()
            .map_err(|_| unsupported(format!("TABLESAMPLE of '{number}'")))?;
        let part = match quantity.unit {
            Some(ast::TableSampleUnit::Rows) if number <= 0.0 => return Err(not_positive(table)),
            // Made a percentage of the rows that the table is known to have.
            Some(ast::TableSampleUnit::Rows) => number / table.row_count().max(1) as f64,
            _ if !(0.0..=100.0).contains(&number) => {
                let message = format!(
                    "Invalid PERCENT tablesample size \"{number:.6}\" for table \"{}\". The PERCENT tablesample size must be between 0 and 100.",
                    table.name
                );
                return Err(error(476, 16, message));
            }
            _ => number / 100.0,
        };
        let seed = match &clause.seed {
            None => None,
            Some(seed) => match seed.value.value.to_string().parse::<u64>() {
                Ok(0) | Err(_) => return Err(not_positive(table)),
                Ok(seed) => Some(seed),
            },
        };
        Ok(Sample {
            table: Arc::clone(table),
            part,
            seed,
        })
    }

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
                    for row in self.table.primary().rows_at(from, to) {
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

fn not_positive(table: &Table) -> crate::types::SqlError {
    let message = format!(
        "Invalid ROWS value or REPEATABLE seed in the TABLESAMPLE clause for table \"{}\". The value or seed must be greater than 0.",
        table.name
    );
    error(477, 16, message)
}
