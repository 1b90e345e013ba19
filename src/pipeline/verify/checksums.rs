//! Compares a table by sums of row hashes, and finds the rows where the sums differ.
//!
//! A sum is a wrapping addition of 128-bit hashes (`tds_copy::transcode`), so it does not depend on
//! the order of rows, and parts add up. If sums differ, rows are divided into buckets by a hash of
//! their key; only rows of buckets that differ are held in memory.

use std::sync::Arc;

use crate::config::job::Job;
use crate::error::{Error, Kind, Result};
use crate::pipeline::options::ComparisonLevel;
use crate::pipeline::verify::differences::differences;
use crate::pipeline::verify::held_rows::{HeldRows, WantedRows};
use crate::pipeline::verify::print::printed;
use crate::pipeline::verify::reads::{BothSides, ComparedTable, Reads};
use crate::plan::table::TablePlan;
use crate::postgres::state::TableRecord;
use crate::report::verify::{Checksums, Taken};
use tds_copy::transcode::digest::{Division, Sum, Sums};

/// Rows that are listed per table; how many more there are is counted.
const MOST_LISTED: usize = 100;

/// Rows that share a bucket, about: one row that differs makes that many be held.
const ROWS_PER_BUCKET: u64 = 128;

/// 65,536 buckets are 2 MiB of sums per reader.
const MOST_BITS: u32 = 16;

/// Bytes of memory for the rows of buckets that differ, both sides together.
const HELD_BYTES: u64 = 64 << 20;

/// How one table is compared.
pub(super) struct Comparing<'a> {
    pub(super) job: &'a Job,
    pub(super) reads: &'a Arc<Reads>,
    pub(super) level: ComparisonLevel,
    pub(super) show_values: bool,
    /// What the load recorded may be used in place of the source.
    pub(super) trust_load: bool,
    /// Rows of the table in `_migrate.rejects`.
    pub(super) rejected: u64,
    /// Others may have put rows there.
    pub(super) shared: bool,
}

/// Both sides' sums, and what differs.
pub(super) struct ComparisonResult {
    /// The sum of the rows that PostgreSQL can hold.
    pub(super) source: Sum,
    pub(super) target: Sum,
    /// Rows of the source that it cannot hold: met by the read, or recorded by a load that is trusted.
    pub(super) met: u64,
    pub(super) checksums: Checksums,
}

impl Comparing<'_> {
    /// # Errors
    /// A side cannot be read, the columns of the target have other types, or, in mode `append`, the
    /// table has rows that the job did not add.
    pub(super) async fn table(
        &self,
        plan: &TablePlan,
        record: Option<&TableRecord>,
    ) -> Result<ComparisonResult> {
        self.reads.must_be_comparable(plan).await?;
        let table = Arc::new(ComparedTable::new(plan, record, self.job)?);
        // What PostgreSQL computed was not loaded, so only the source can tell whether it is right.
        let trusted = self.trust_load && plan.generated.is_empty();
        if let Some(loaded) = record.and_then(loaded).filter(|_| trusted) {
            let empty = Sums::new(Division::whole(table.key_fields));
            let target = self.reads.target(&table, empty).await?.total();
            self.refuse_others(record, target)?;
            return Ok(ComparisonResult {
                source: loaded,
                target,
                met: self.rejected,
                checksums: self.outline(loaded, target, Taken::Loading),
            });
        }
        let bits = match self.level {
            ComparisonLevel::Rows => bits(plan.estimated_rows),
            ComparisonLevel::Counts | ComparisonLevel::Checksums => 0,
        };
        let both = self.sums(&table, bits).await?;
        let (all, there, met) = (both.source.total(), both.target.total(), both.rejected);
        self.refuse_others(record, there)?;
        let mut checksums = self.outline(all, there, Taken::Comparing);
        checksums.notes.extend(unmatched(met, self.rejected));
        // A run keeps its report in the target, where no key of a row belongs.
        if all != there && !self.trust_load {
            self.find_rows(&table, both, &mut checksums).await?;
        }
        Ok(ComparisonResult {
            source: all,
            target: there,
            met,
            checksums,
        })
    }

    /// Reads both sides once, into sums by bucket.
    async fn sums(&self, table: &Arc<ComparedTable>, bits: u32) -> Result<BothSides<Sums>> {
        let key_fields = table.key_fields;
        let empty = Sums::new(Division { key_fields, bits });
        self.reads.both(table, empty).await
    }

    /// The sums, with what their difference means.
    fn outline(&self, source: Sum, target: Sum, source_taken: Taken) -> Checksums {
        let mut notes = Vec::new();
        if source != target {
            notes.push(match source_taken {
                Taken::Loading => "what is there is not what was loaded".to_owned(),
                Taken::Comparing => {
                    "the source was read at another moment than by the load: rows that were \
                     changed since differ too"
                        .to_owned()
                }
            });
            if self.trust_load {
                notes.push("`migrate verify --level rows` lists the rows".to_owned());
            }
        }
        Checksums {
            source: format!("{:032x}", source.hash),
            target: format!("{:032x}", target.hash),
            source_taken,
            differences: Vec::new(),
            unlisted: 0,
            notes,
        }
    }

    /// # Errors
    /// `Usage`: in mode `append`, rows of others cannot be told from the job's own by a sum.
    fn refuse_others(&self, record: Option<&TableRecord>, there: Sum) -> Result<()> {
        let committed = record.map_or(0, |record| record.rows);
        if !self.shared || committed == there.rows {
            return Ok(());
        }
        Err(Error::new(
            Kind::Usage,
            format!(
                "the table holds {} rows and the job added {committed}: in mode append only counts can be compared then (--level counts, or verify: counts)",
                there.rows
            ),
        ))
    }

    /// Finds the rows that differ: sums by bucket first, unless these were taken, then the rows of the
    /// buckets that differ, as many as fit in [`HELD_BYTES`].
    async fn find_rows(
        &self,
        table: &Arc<ComparedTable>,
        mut both: BothSides<Sums>,
        checksums: &mut Checksums,
    ) -> Result<()> {
        let wanted = bits(both.source.total().rows.max(both.target.total().rows));
        // An estimate may have been far off; too many rows in a bucket cost a second look.
        let taken = both.source.division.bits;
        if taken + 4 < wanted || (taken == 0 && wanted > 0) {
            both = self.sums(table, wanted).await?;
        }
        let differing = both.source.differing(&both.target);
        let columns = table.plan.columns.len();
        let chosen = affordable(
            &differing,
            WantedRows::bytes_per_row(columns, self.show_values),
        );
        let unread = (differing.len() - chosen.len()) as u64;
        let division = both.source.division;
        let wanted = Arc::new(WantedRows::new(division, &chosen, self.show_values));
        let held = self.reads.both(table, HeldRows::new(wanted)).await?;
        let mut found = differences(held.source, held.target, table.key_fields > 0);
        let cut = found.len().saturating_sub(MOST_LISTED);
        found.truncate(MOST_LISTED);
        checksums.unlisted = cut as u64 + unread;
        if found.is_empty() {
            checksums.notes.push(
                "the rows were equal when they were read again: one side changed in between"
                    .to_owned(),
            );
        }
        let shown = printed(self.reads, table, found, self.show_values).await;
        let (differences, problem) = shown;
        checksums.differences = differences;
        checksums.notes.extend(problem);
        Ok(())
    }
}

/// The sum that the load recorded, if all of its rows are in it.
/// `None` if some rows were loaded without checksums, by a run that did not ask for them.
fn loaded(record: &TableRecord) -> Option<Sum> {
    let mut sum = Sum::default();
    for part in &record.partitions {
        if part.progress.hashed_rows != part.progress.rows {
            return None;
        }
        sum.merge(Sum {
            rows: part.progress.rows,
            hash: part.progress.checksum,
        });
    }
    Some(sum)
}

/// What it means that the source has other rows to reject than `_migrate.rejects` holds.
fn unmatched(met: u64, recorded: u64) -> Option<String> {
    let repaired = if met > recorded {
        "; rows that were repaired by hand are among the extra ones"
    } else {
        ""
    };
    (met != recorded).then(|| {
        format!(
            "{met} rows of the source cannot be held by PostgreSQL, and _migrate.rejects has \
             {recorded}{repaired}"
        )
    })
}

/// Bits of the bucket number for this many rows: 0 for one bucket, at most [`MOST_BITS`].
fn bits(rows: u64) -> u32 {
    (rows / ROWS_PER_BUCKET).max(1).ilog2().min(MOST_BITS)
}

/// The buckets whose rows fit into memory, at least one.
fn affordable(differing: &[(usize, u64)], bytes_per_row: u64) -> Vec<usize> {
    let mut bytes = 0u64;
    let fits = differing
        .iter()
        .enumerate()
        .take_while(|(place, (_, rows))| {
            bytes = bytes.saturating_add(rows.saturating_mul(bytes_per_row));
            *place == 0 || bytes <= HELD_BYTES
        });
    fits.map(|(_, (bucket, _))| *bucket).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_the_rows() {
        assert_eq!(bits(0), 0);
        assert_eq!(bits(255), 0);
        assert_eq!(bits(1_000_000), 12);
        assert_eq!(bits(u64::MAX), MOST_BITS);
    }

    #[test]
    fn rejects_that_are_not_accounted_for_are_told() {
        assert_eq!(unmatched(3, 3), None);
        let missing = unmatched(3, 1).unwrap();
        assert!(missing.starts_with("3 rows of the source") && missing.contains("repaired"));
        assert!(!unmatched(1, 3).unwrap().contains("repaired"));
    }

    #[test]
    fn memory_bounds_the_buckets_that_are_looked_at() {
        let differing = (0..1000).map(|bucket| (bucket, 300)).collect::<Vec<_>>();
        let chosen = affordable(&differing, 1000);
        assert_eq!(chosen.len(), 223, "64 MiB of 300 rows of 1000 bytes each");
        assert_eq!(affordable(&[(7, u64::MAX)], 1000), [7]);
        assert!(affordable(&[], 1000).is_empty());
    }
}
