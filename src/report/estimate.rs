//! How long the rows of a job may take, from samples of some tables.
//!
//! A sample is a second long, so it is a range: each table was sampled twice, and what was not sampled
//! may go as fast as the fastest of the samples or as slowly as the slowest.

use serde::Serialize;

/// A table of the job and its size at the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobTable {
    /// `dbo.Posts`.
    pub table: String,
    /// Bytes of its rows in the source's catalog.
    pub bytes: u64,
    /// It is read by one statement, beside the other tables.
    pub one_reader: bool,
}

/// The samples of one table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableSamples {
    /// `dbo.Posts`.
    pub table: String,
    /// Connections of each side.
    pub connections: usize,
    /// Bytes of the source's catalog per second, one for each sample.
    pub bytes_per_second: Vec<f64>,
    pub rows_per_second: Vec<f64>,
}

/// From which second to which the rows of a job are likely to be moved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    pub shortest_seconds: f64,
    pub longest_seconds: f64,
    pub samples: Vec<TableSamples>,
    /// Bytes of the job's tables that were sampled, as a share of all.
    pub sampled_share: f64,
    /// What a reader must know of the samples.
    pub notes: Vec<String>,
}

/// The range. A table that was sampled takes its bytes by its fastest and slowest sample, any other by the
/// fastest and slowest of all. Tables follow each other, because their readers share the connections; one
/// with a single reader runs beside them at best. `None` if no sample moved a row.
pub fn estimate(tables: &[JobTable], samples: Vec<TableSamples>) -> Option<Estimate> {
    let (slowest, fastest) = range(samples.iter().flat_map(|one| &one.bytes_per_second))?;
    let (mut shared, mut alone, mut longest) = (0.0, 0.0_f64, 0.0);
    let (mut sampled, mut all) = (0_u64, 0_u64);
    for table in tables {
        let own = samples.iter().find(|one| one.table == table.table);
        let own = own.and_then(|one| range(one.bytes_per_second.iter()));
        all += table.bytes;
        sampled += own.map_or(0, |_| table.bytes);
        let (slow, fast) = own.unwrap_or((slowest, fastest));
        let bytes = table.bytes as f64;
        longest += bytes / slow;
        if table.one_reader {
            alone = alone.max(bytes / fast);
        } else {
            shared += bytes / fast;
        }
    }
    Some(Estimate {
        shortest_seconds: alone.max(shared),
        longest_seconds: longest,
        samples,
        sampled_share: if all == 0 {
            0.0
        } else {
            sampled as f64 / all as f64
        },
        notes: Vec::new(),
    })
}

/// The smallest and the largest rate above 0.
fn range<'a>(rates: impl Iterator<Item = &'a f64>) -> Option<(f64, f64)> {
    rates
        .copied()
        .filter(|rate| *rate > 0.0)
        .fold(None, |range, rate| {
            let (least, most) = range.unwrap_or((rate, rate));
            Some((f64::min(least, rate), f64::max(most, rate)))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, bytes: u64, one_reader: bool) -> JobTable {
        JobTable {
            table: name.into(),
            bytes,
            one_reader,
        }
    }

    fn samples(name: &str, rates: &[f64]) -> TableSamples {
        TableSamples {
            table: name.into(),
            connections: 4,
            bytes_per_second: rates.to_vec(),
            rows_per_second: rates.to_vec(),
        }
    }

    #[test]
    fn a_sampled_table_has_its_own_rate_and_others_the_range_of_all() {
        let tables = [
            table("a", 1000, false),
            table("b", 600, false),
            table("c", 400, false),
        ];
        let sampled = vec![samples("a", &[100.0, 200.0]), samples("b", &[50.0, 60.0])];
        let found = estimate(&tables, sampled).expect("rates");
        // a: 5 to 10 s, b: 10 to 12 s, c: 400 / 200 to 400 / 50 s.
        assert!((found.shortest_seconds - 17.0).abs() < 1e-9, "{found:?}");
        assert!((found.longest_seconds - 30.0).abs() < 1e-9, "{found:?}");
        assert!((found.sampled_share - 0.8).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn a_table_with_one_reader_runs_beside_the_others_at_best() {
        let tables = [table("a", 1000, false), table("log", 3000, true)];
        let sampled = vec![samples("a", &[100.0]), samples("log", &[100.0])];
        let found = estimate(&tables, sampled).expect("rates");
        assert_eq!(
            (found.shortest_seconds, found.longest_seconds),
            (30.0, 40.0)
        );
    }

    #[test]
    fn nothing_follows_from_samples_without_rows() {
        let tables = [table("a", 1000, false)];
        assert_eq!(estimate(&tables, vec![samples("a", &[0.0])]), None);
        assert_eq!(estimate(&tables, Vec::new()), None);
    }
}
