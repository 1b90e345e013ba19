//! Asks the source where a table, or what is left of a partition, is to be cut.

use crate::config::job::Consistency;
use crate::error::Result;
use crate::mssql::{Connection, bounds};
use crate::pipeline::context::Run;
use crate::plan::key::KeyValue;
use crate::plan::remaining::{self, Edge, Remaining};
use crate::plan::table::{KeyColumn, TablePlan};

/// A range of a table's key, and how to ask for it.
pub struct Look<'a> {
    plan: &'a TablePlan,
    key: &'a [KeyColumn],
    left: Remaining,
    consistency: Consistency,
}

impl<'a> Look<'a> {
    /// `left` of a partition; `None` of a table whose partitions are not cut again.
    pub fn of(run: &Run, plan: &'a TablePlan, left: &Remaining) -> Option<Self> {
        Some(Self {
            plan,
            key: remaining::key_of(plan)?,
            left: left.clone(),
            consistency: run.job.transfer.consistency,
        })
    }

    /// A table that is not cut yet.
    pub fn whole(consistency: Consistency, plan: &'a TablePlan, key: &'a [KeyColumn]) -> Self {
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

    /// The same from its beginning to `upto`.
    pub fn up_to(&self, upto: &[KeyValue]) -> Self {
        Self {
            left: self.left.up_to(upto),
            ..*self
        }
    }

    /// Cuts of a whole table, as many as its plan asks for.
    pub async fn first_cuts(&self, source: &mut Connection) -> Result<Vec<Vec<KeyValue>>> {
        match self.quick_cuts(source).await? {
            Some(cuts) => Ok(cuts),
            None => self.by_rows(source, self.plan.wanted_partitions).await,
        }
    }

    /// The same where no index has to be read for them, else `None`. Where integer keys leave few
    /// gaps by the catalog's count of rows, two seeks say as much as the scan and sort of the whole
    /// index that [`Self::by_rows`] is; so such a table is cut into smaller parts.
    pub async fn quick_cuts(&self, source: &mut Connection) -> Result<Option<Vec<Vec<KeyValue>>>> {
        let (any, dense) = (self.plan.wanted_partitions, self.plan.dense_partitions);
        if dense.max(any) > 1
            && self.plan.may_be_dense()
            && let Some((first, last)) = self.ends(source).await?
            && remaining::is_dense(&first, &last, self.plan.estimated_rows)
            && let Some(cuts) = remaining::between(&first, &last, dense.max(any))
        {
            return Ok(Some(cuts));
        }
        Ok((any < 2).then(Vec::new))
    }

    /// Cuts into up to `most` parts of `least` rows or more; none where less than two are left.
    /// The rows are counted no further than that takes.
    pub async fn cuts(
        &self,
        source: &mut Connection,
        least: u64,
        most: usize,
        uneven: bool,
    ) -> Result<Vec<Vec<KeyValue>>> {
        let enough = least.saturating_mul(u64::try_from(most).unwrap_or(u64::MAX));
        let Self {
            plan,
            key,
            left,
            consistency,
        } = self;
        let mut rows = 0;
        for seek in left.seeks(key) {
            let sql = remaining::count_up_to(plan, key, seek, enough - rows, *consistency);
            rows += bounds::count(source, &sql).await?;
            if rows >= enough {
                break;
            }
        }
        let parts = usize::try_from(rows / least.max(1))
            .unwrap_or(most)
            .min(most);
        if parts < 2 {
            return Ok(Vec::new());
        }
        // Keys may lie unevenly: what turns out long then is cut again.
        if !uneven
            && let Some((first, last)) = self.ends(source).await?
            && let Some(cuts) = remaining::between(&first, &last, parts)
        {
            return Ok(cuts);
        }
        self.by_rows(source, parts).await
    }

    /// Reads the whole range by its key.
    async fn by_rows(&self, source: &mut Connection, parts: usize) -> Result<Vec<Vec<KeyValue>>> {
        let sql = remaining::cut_points(self.plan, self.key, &self.left, parts, self.consistency);
        self.keys(source, &sql).await
    }

    /// The first and the last key, by two seeks in one statement; `None` where the key is not one
    /// integer, or nothing is there.
    async fn ends(
        &self,
        source: &mut Connection,
    ) -> Result<Option<(Vec<KeyValue>, Vec<KeyValue>)>> {
        let Some(sql) = remaining::ends(self.plan, self.key, &self.left, self.consistency) else {
            return Ok(None);
        };
        Ok(remaining::in_order(
            self.key,
            self.keys(source, &sql).await?,
        ))
    }

    /// The first or the last key in the range.
    pub async fn edge(&self, source: &mut Connection, edge: Edge) -> Result<Option<Vec<KeyValue>>> {
        for sql in remaining::edge(self.plan, self.key, &self.left, edge, self.consistency) {
            if let Some(key) = self.keys(source, &sql).await?.pop() {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    async fn keys(&self, source: &mut Connection, sql: &str) -> Result<Vec<Vec<KeyValue>>> {
        let columns = self.key.iter().map(|key| key.column.clone());
        bounds::cut_points(source, sql, &columns.collect::<Vec<_>>()).await
    }
}
