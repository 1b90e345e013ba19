//! What a comparison of both sides found.
//!
//! A run and `migrate verify` fill it (`pipeline::verify`). A sum is taken over hashes of rows and
//! does not depend on their order, so both sides can be read in parallel and in any order.

use serde::{Deserialize, Serialize};

use crate::report::table::Cause;

/// One table, compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedTable {
    /// `dbo.Posts`.
    pub table: String,
    /// `public.posts`, unquoted.
    pub target: String,
    /// `None` if the side could not be counted; `cause` says why.
    pub source_rows: Option<u64>,
    /// Rows of the target's table; those in `_migrate.rejects` are not among them.
    pub target_rows: Option<u64>,
    /// Source rows that PostgreSQL cannot hold, in `_migrate.rejects`.
    #[serde(default)]
    pub rejected: u64,
    /// `None` if only counts were compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksums: Option<Checksums>,
    /// Why the table could not be compared; then nothing is said of its rows.
    pub cause: Option<Cause>,
}

/// The sums over all rows of a table, and the rows that differ if the sums do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksums {
    /// 32 hexadecimal digits.
    pub source: String,
    pub target: String,
    /// Decides what a difference can mean: after `Loading` the target changed or was written
    /// wrongly, after `Comparing` it may be the source that changed since.
    pub source_taken: Taken,
    /// Rows that differ, by key; not all if `unlisted` is not 0.
    pub differences: Vec<RowDifference>,
    /// At least this many more rows differ.
    pub unlisted: u64,
    /// What else is to be known of the comparison, lower-case fragments.
    pub notes: Vec<String>,
}

/// When the source's sum was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    /// While the rows were loaded: what was sent is compared with what is there.
    Loading,
    /// By reading the source again, at another moment than the load did.
    Comparing,
}

/// A row that both sides do not have alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowDifference {
    pub difference: Difference,
    /// The key's columns in key order; empty if the table has no key.
    pub key: Vec<KeyPart>,
    /// The first 16 digits of the row's hash, if the table has no key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    /// How often each side has the key, or the row if there is no key.
    pub source_rows: u64,
    pub target_rows: u64,
    /// The columns that differ.
    pub columns: Vec<ColumnDifference>,
}

/// How a row differs between both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// The target lacks it, or has it less often.
    Missing,
    /// The source lacks it.
    Extra,
    /// Both have it, the target more often.
    Doubled,
    /// Both have the key, with other values.
    Changed,
}

/// A column of a key, with its value as PostgreSQL prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPart {
    /// The source's name.
    pub column: String,
    /// `None` is NULL.
    pub value: Option<String>,
}

/// A column of a row that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnDifference {
    /// The source's name.
    pub column: String,
    /// Only if values were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Values>,
}

/// As PostgreSQL prints them, long ones cut; `None` is NULL, or no such row on that side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Values {
    pub source: Option<String>,
    pub target: Option<String>,
}

impl VerifiedTable {
    /// Both sides were read, every source row is on the target or among the rejected and, if they
    /// were compared, the sums are the same.
    pub fn equal(&self) -> bool {
        let accounted = self.target_rows.map(|rows| rows + self.rejected);
        let counted = self.source_rows.is_some() && self.source_rows == accounted;
        self.cause.is_none() && counted && self.checksums.as_ref().is_none_or(Checksums::equal)
    }
}

impl Checksums {
    /// Both sides have the same sum.
    pub fn equal(&self) -> bool {
        self.source == self.target
    }
}

/// A whole comparison.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct VerifyReport {
    pub job: String,
    pub tables: Vec<VerifiedTable>,
    /// Views, if they were asked for, each compared by checksum.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<VerifiedTable>,
    /// Wall time of the comparison alone: a run has counted tables before, beside the load.
    pub seconds: f64,
}

impl VerifyReport {
    /// Tables and views that were compared and differ.
    /// A table that could not be compared is not among them.
    pub fn differences(&self) -> impl Iterator<Item = &VerifiedTable> {
        self.all()
            .filter(|table| table.cause.is_none() && !table.equal())
    }

    /// Tables and views that could not be compared.
    pub fn failures(&self) -> impl Iterator<Item = &VerifiedTable> {
        self.all().filter(|table| table.cause.is_some())
    }

    fn all(&self) -> impl Iterator<Item = &VerifiedTable> {
        self.tables.iter().chain(&self.views)
    }

    /// More than row counts was compared.
    pub fn by_checksum(&self) -> bool {
        self.tables.iter().any(|table| table.checksums.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_counts_with_other_sums_are_a_difference() {
        let sums = |source: &str, target: &str| Checksums {
            source: source.into(),
            target: target.into(),
            source_taken: Taken::Comparing,
            differences: Vec::new(),
            unlisted: 0,
            notes: Vec::new(),
        };
        let mut table = VerifiedTable {
            table: "dbo.A".into(),
            target: "public.a".into(),
            source_rows: Some(5),
            target_rows: Some(5),
            rejected: 0,
            checksums: None,
            cause: None,
        };
        assert!(table.equal());
        table.checksums = Some(sums("0a", "0a"));
        assert!(table.equal());
        table.checksums = Some(sums("0a", "0b"));
        assert!(!table.equal());
        let report = VerifyReport {
            job: "demo".into(),
            tables: vec![table.clone()],
            views: vec![table],
            seconds: 0.1,
        };
        assert_eq!(report.differences().count(), 2);
        assert_eq!(report.failures().count(), 0);
    }
}
