//! Finds cut points: where a table, or what is left of a partition, is divided into partitions.

use crate::config::job::Consistency;
use crate::error::Result;
use crate::mssql::{Connection, cuts};
use crate::pipeline::context::Run;
use crate::plan::cut_sql::{self, Edge, Remaining};
use crate::plan::sample_cuts::{self, SampleSize};
use crate::plan::table::{KeyColumn, TablePlan};
use tsql::key::KeyValue;

/// Bytes of a page of SQL Server.
const PAGE: u64 = 8192;

/// Rows of a page, assumed if the server tells no sizes at all. Even if it is off by a factor of ten, the
/// sample is between some dozen and some thousand pages for each part.
const ROWS_OF_A_PAGE: u64 = 100;

/// NTILE numbers this many keys in a second or two, which other tables can wait for.
const FEW_ROWS: u64 = 1_000_000;

/// Parts into which what is left of a partition is to be divided.
#[derive(Debug, Clone, Copy)]
pub struct PartsWanted {
    /// Rows of a part, at least.
    pub least_rows: u64,
    /// Parts, at most.
    pub most: usize,
    /// Keys are known to be spread unevenly, so that distance does not divide them.
    pub uneven: bool,
}

/// Finds cut points of a range of a table's key by asking the source.
pub struct CutFinder<'a> {
    plan: &'a TablePlan,
    key: &'a [KeyColumn],
    left: Remaining,
    consistency: Consistency,
}

impl<'a> CutFinder<'a> {
    /// For what is `left` of a partition; `None` for a table whose partitions are not split.
    pub fn for_remaining(run: &Run, plan: &'a TablePlan, left: &Remaining) -> Option<Self> {
        Some(Self {
            plan,
            key: cut_sql::key_of(plan)?,
            left: left.clone(),
            consistency: run.job.transfer.consistency,
        })
    }

    /// For a whole table.
    pub fn for_table(consistency: Consistency, plan: &'a TablePlan, key: &'a [KeyColumn]) -> Self {
        Self {
            plan,
            key,
            left: Remaining {
                after: None,
                upto: None,
                stored: None,
            },
            consistency,
        }
    }

    /// For the part of the range from its beginning to `upto`.
    pub fn up_to(&self, upto: &[KeyValue]) -> Self {
        Self {
            left: self.left.up_to(upto),
            ..*self
        }
    }

    /// Cut points of a whole table, for as many parts as its plan asks for.
    pub async fn first_cuts(&self, source: &mut Connection) -> Result<Vec<Vec<KeyValue>>> {
        match self.quick_cuts(source).await? {
            Some(cuts) => Ok(cuts),
            None => self.by_rows(source, self.plan.wanted_partitions).await,
        }
    }

    /// The same if reading a few MiB is enough, else `None`. If integer keys leave few gaps by the
    /// catalog's count of rows, two seeks say as much as the scan and sort of a whole index, and such a
    /// table is divided into smaller parts. Other large tables are divided by a sample.
    pub async fn quick_cuts(&self, source: &mut Connection) -> Result<Option<Vec<Vec<KeyValue>>>> {
        let (any, dense) = (self.plan.wanted_partitions, self.plan.dense_partitions);
        if dense.max(any) > 1
            && self.plan.may_be_dense()
            && let Some((first, last)) = self.ends(source).await?
            && cut_sql::is_dense(&first, &last, self.plan.estimated_rows)
            && let Some(cuts) = cut_sql::between(&first, &last, dense.max(any))
        {
            return Ok(Some(cuts));
        }
        if any < 2 {
            return Ok(Some(Vec::new()));
        }
        let wanted = sample_cuts::PAGES_OF_A_PART.saturating_mul(any as u64);
        match sample_cuts::percent(self.pages(source).await?, wanted) {
            Some(percent) => self.by_sample(source, any, percent).await,
            None if self.plan.estimated_rows > FEW_ROWS => Ok(None),
            None => self.by_rows(source, any).await.map(Some),
        }
    }

    /// The table's pages, or an estimate of them; 0 if it has none.
    async fn pages(&self, source: &mut Connection) -> Result<u64> {
        if !sample_cuts::has_pages(self.plan) {
            return Ok(0);
        }
        let counted = cuts::count_if_known(source, &sample_cuts::pages(self.plan)).await?;
        let estimated = match self.plan.estimated_bytes {
            0 => self.plan.estimated_rows / ROWS_OF_A_PAGE,
            bytes => bytes / PAGE,
        };
        Ok(counted.filter(|pages| *pages > 0).unwrap_or(estimated))
    }

    /// Cut points of a whole table by a sample of its pages; `None` if the server gives none. If the
    /// table's filter leaves too little of the sample, the unfiltered sample divides the table as well:
    /// those rows are read too.
    async fn by_sample(
        &self,
        source: &mut Connection,
        parts: usize,
        percent: f64,
    ) -> Result<Option<Vec<Vec<KeyValue>>>> {
        let cuts = self
            .sampled_cuts(source, self.plan, SampleSize { parts, percent })
            .await?;
        if self.plan.filter.is_none() || cuts.as_ref().is_none_or(|cuts| cuts.len() + 1 == parts) {
            return Ok(cuts.filter(|cuts| !cuts.is_empty()));
        }
        let unfiltered = TablePlan {
            filter: None,
            ..self.plan.clone()
        };
        let cuts = self
            .sampled_cuts(source, &unfiltered, SampleSize { parts, percent })
            .await?;
        Ok(cuts.filter(|cuts| !cuts.is_empty()))
    }

    /// Cut points for `parts` by a sample of `percent`; `None` if the server has no samples of the table.
    async fn sampled_cuts(
        &self,
        source: &mut Connection,
        plan: &TablePlan,
        sample: SampleSize,
    ) -> Result<Option<Vec<Vec<KeyValue>>>> {
        let sql = sample_cuts::cut_points(plan, self.key, &self.left, sample, self.consistency);
        cuts::if_understood(self.keys(source, &sql).await)
    }

    /// How many rows are left, by a sample that is large enough to tell, and the sample's percentage;
    /// `None` if the table or what is left of it is small, or the server gives no sample.
    async fn left_by_sample(&self, source: &mut Connection) -> Result<Option<(u64, f64)>> {
        let pages = self.pages(source).await?;
        let rows_of_a_page = (self.plan.estimated_rows / pages.max(1)).max(1);
        for wanted in sample_cuts::PAGES_OF_WHAT_IS_LEFT {
            let Some(percent) = sample_cuts::percent(pages, wanted) else {
                return Ok(None);
            };
            let Self {
                plan, key, left, ..
            } = self;
            let sql = sample_cuts::count(plan, key, left, percent, self.consistency);
            let counted = cuts::if_understood(cuts::count(source, &sql).await)?;
            let Some(rows) = counted else {
                return Ok(None);
            };
            if rows >= sample_cuts::LEAST_PAGES * rows_of_a_page {
                return Ok(Some(((rows as f64 * 100.0 / percent) as u64, percent)));
            }
        }
        Ok(None)
    }

    /// Cut points of what is left; none if less than two parts are. Rows are counted no further than
    /// that takes, and in a large table not at all.
    pub async fn cuts(
        &self,
        source: &mut Connection,
        wanted: PartsWanted,
    ) -> Result<Vec<Vec<KeyValue>>> {
        let PartsWanted {
            least_rows: least,
            most,
            uneven,
        } = wanted;
        let sampled = self.left_by_sample(source).await?;
        let rows = match sampled {
            Some((rows, _)) => rows,
            None => {
                self.count_up_to(
                    source,
                    least.saturating_mul(u64::try_from(most).unwrap_or(u64::MAX)),
                )
                .await?
            }
        };
        let parts = usize::try_from(rows / least.max(1))
            .unwrap_or(most)
            .min(most);
        if parts < 2 {
            return Ok(Vec::new());
        }
        // Keys may be spread unevenly: what turns out long then is split again.
        if !uneven
            && let Some((first, last)) = self.ends(source).await?
            && let Some(cuts) = cut_sql::between(&first, &last, parts)
        {
            return Ok(cuts);
        }
        if let Some((_, percent)) = sampled
            && let Some(cuts) = self
                .sampled_cuts(source, self.plan, SampleSize { parts, percent })
                .await?
        {
            return Ok(cuts);
        }
        self.by_rows(source, parts).await
    }

    /// The rows that are left, up to `enough`.
    async fn count_up_to(&self, source: &mut Connection, enough: u64) -> Result<u64> {
        let Self {
            plan,
            key,
            left,
            consistency,
        } = self;
        let mut rows = 0;
        for seek in left.seeks(key) {
            let sql = cut_sql::count_up_to(plan, key, seek, enough - rows, *consistency);
            rows += cuts::count(source, &sql).await?;
            if rows >= enough {
                break;
            }
        }
        Ok(rows)
    }

    /// Reads the whole range by its key.
    async fn by_rows(&self, source: &mut Connection, parts: usize) -> Result<Vec<Vec<KeyValue>>> {
        let sql = cut_sql::cut_points(self.plan, self.key, &self.left, parts, self.consistency);
        self.keys(source, &sql).await
    }

    /// The first and the last key, by two seeks in one statement; `None` if the key is not one integer
    /// or the range is empty.
    async fn ends(
        &self,
        source: &mut Connection,
    ) -> Result<Option<(Vec<KeyValue>, Vec<KeyValue>)>> {
        let Some(sql) = cut_sql::ends(self.plan, self.key, &self.left, self.consistency) else {
            return Ok(None);
        };
        Ok(cut_sql::in_order(self.key, self.keys(source, &sql).await?))
    }

    /// The first or the last key in the range.
    pub async fn edge(&self, source: &mut Connection, edge: Edge) -> Result<Option<Vec<KeyValue>>> {
        for sql in cut_sql::edge(self.plan, self.key, &self.left, edge, self.consistency) {
            if let Some(key) = self.keys(source, &sql).await?.pop() {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    async fn keys(&self, source: &mut Connection, sql: &str) -> Result<Vec<Vec<KeyValue>>> {
        let columns = self.key.iter().map(|key| key.column.clone());
        cuts::cut_points(source, sql, &columns.collect::<Vec<_>>()).await
    }
}
