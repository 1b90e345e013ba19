//! What happens to values that PostgreSQL cannot hold.
//!
//! The policy is looked at only when a fault is met, on paths marked cold: text without faults pays
//! nothing for it. Changes are counted by row first, because a row that is rejected changes
//! nothing.

use crate::error::{Error, Kind, Result};
use crate::transcode::fault::Fault;
use crate::transcode::output::Output;
use crate::transcode::value_policy::{ValuePolicy, Values};

/// U+FFFD in UTF-8.
const REPLACEMENT: [u8; 3] = [0xEF, 0xBF, 0xBD];

/// One column's `values:`, small enough to be copied with every text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ColumnPolicy {
    nul: ValuePolicy,
    surrogate: ValuePolicy,
    undecodable: ValuePolicy,
    range: ValuePolicy,
    /// The column's place in the layout.
    place: u16,
}

impl ColumnPolicy {
    /// # Errors
    /// `Setting`: strip or replace for values that are not text.
    pub(super) fn new(values: Values, place: usize) -> Result<Self> {
        if matches!(
            values.out_of_range,
            ValuePolicy::Strip | ValuePolicy::Replace
        ) {
            return Err(Error::new(
                Kind::Setting,
                "values.out_of_range takes `error` or `reject`: strip and replace are for text",
            ));
        }
        Ok(Self {
            nul: values.nul_characters,
            surrogate: values.unpaired_surrogates,
            undecodable: values.undecodable,
            range: values.out_of_range,
            // SQL Server ends at 4,096 columns of a result.
            place: u16::try_from(place).unwrap_or(u16::MAX),
        })
    }

    /// For a column that the job does not know.
    pub(super) const fn strict() -> Self {
        Self {
            nul: ValuePolicy::Error,
            surrogate: ValuePolicy::Error,
            undecodable: ValuePolicy::Error,
            range: ValuePolicy::Error,
            place: 0,
        }
    }

    /// A fault of the value costs the row, not the table.
    pub(super) fn rejects(self, fault: Fault) -> bool {
        self.of(fault) == Some(ValuePolicy::Reject)
    }

    /// Some fault of a text costs the row, so that its bytes must be at hand then.
    pub(super) fn may_reject_text(self) -> bool {
        [self.nul, self.surrogate, self.undecodable].contains(&ValuePolicy::Reject)
    }

    /// `None` for faults that no policy covers: bytes that are not a valid value, and NULL in a key.
    fn of(self, fault: Fault) -> Option<ValuePolicy> {
        match fault {
            Fault::Nul => Some(self.nul),
            Fault::Surrogate => Some(self.surrogate),
            Fault::Undecodable => Some(self.undecodable),
            Fault::TooLong | Fault::TooWide(_) | Fault::FullGlobe => Some(self.range),
            Fault::Malformed | Fault::NullKey => None,
        }
    }
}

/// Applies the policy of the column that is being encoded, and counts what it changed; truncated times too.
#[derive(Debug)]
pub(super) struct TextPolicy {
    /// The policy of the column that is being encoded.
    pub(super) column: ColumnPolicy,
    /// `jsonb` is sent as PostgreSQL prints it, so that its bytes can be compared.
    canonical_json: bool,
    /// Characters that were changed, and times that were truncated, in the current row.
    pub(super) changed: u64,
    /// The same by column.
    in_row: Vec<u64>,
    /// Counts over completed rows, by column; empty until something was changed.
    in_batch: Vec<u64>,
}

impl TextPolicy {
    pub(super) fn new(columns: usize) -> Self {
        Self {
            column: ColumnPolicy::strict(),
            canonical_json: false,
            changed: 0,
            in_row: vec![0; columns],
            in_batch: Vec::new(),
        }
    }

    pub(super) fn with_canonical_json(mut self, wanted: bool) -> Self {
        self.canonical_json = wanted;
        self
    }

    pub(super) fn canonical_json(&self) -> bool {
        self.canonical_json
    }

    /// U+0000 was met.
    #[cold]
    pub(super) fn nul(&mut self, out: &mut Output) -> std::result::Result<(), Fault> {
        self.apply(Fault::Nul, out)
    }

    /// An unpaired surrogate was met.
    #[cold]
    pub(super) fn surrogate(&mut self, out: &mut Output) -> std::result::Result<(), Fault> {
        self.apply(Fault::Surrogate, out)
    }

    /// Bytes that the code page does not define were met.
    #[cold]
    pub(super) fn undecodable(&mut self, out: &mut Output) -> std::result::Result<(), Fault> {
        self.apply(Fault::Undecodable, out)
    }

    fn apply(&mut self, fault: Fault, out: &mut Output) -> std::result::Result<(), Fault> {
        match self.column.of(fault) {
            Some(ValuePolicy::Strip) => {}
            Some(ValuePolicy::Replace) => out.put(REPLACEMENT),
            Some(ValuePolicy::Error | ValuePolicy::Reject) | None => return Err(fault),
        }
        self.count(self.column);
        Ok(())
    }

    /// A time was truncated to stay in its day.
    #[cold]
    pub(super) fn end_of_day(&mut self, column: ColumnPolicy) {
        self.count(column);
    }

    /// A column beyond the layout is counted in the sum only.
    fn count(&mut self, column: ColumnPolicy) {
        self.changed += 1;
        if let Some(count) = self.in_row.get_mut(usize::from(column.place)) {
            *count += 1;
        }
    }

    /// The row in work is whole.
    #[inline]
    pub(super) fn keep_row(&mut self) {
        if self.changed != 0 {
            self.keep_changes();
        }
    }

    #[cold]
    fn keep_changes(&mut self) {
        self.changed = 0;
        self.in_batch.resize(self.in_row.len(), 0);
        for (sum, count) in self.in_batch.iter_mut().zip(&mut self.in_row) {
            *sum += std::mem::take(count);
        }
    }

    /// The row in work does not reach the target.
    pub(super) fn forget_row(&mut self) {
        self.changed = 0;
        self.in_row.fill(0);
    }

    /// What was changed in whole rows since the last call, by column: characters of text, times that
    /// were truncated. Empty for none.
    pub(super) fn take_batch(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.in_batch)
    }

    /// One policy for everything.
    #[cfg(test)]
    pub(super) fn uniform(policy: ValuePolicy) -> Self {
        let mut uniform = Self::new(1);
        let values = Values::uniform(policy, ValuePolicy::Error);
        uniform.column = ColumnPolicy::new(values, 0).unwrap();
        uniform
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_count_only_in_rows_that_are_kept() {
        let mut policy = TextPolicy::uniform(ValuePolicy::Strip);
        let mut out = Output::new(8);
        policy.nul(&mut out).unwrap();
        policy.forget_row();
        policy.surrogate(&mut out).unwrap();
        policy.undecodable(&mut out).unwrap();
        policy.keep_row();
        policy.nul(&mut out).unwrap();
        assert_eq!(policy.take_batch(), [2]);
        policy.keep_row();
        assert_eq!(policy.take_batch(), [1]);
        assert!(policy.take_batch().is_empty());
    }

    #[test]
    fn only_faults_of_values_can_be_rejected() {
        let values = Values::uniform(ValuePolicy::Reject, ValuePolicy::Reject);
        let all = ColumnPolicy::new(values, 0).unwrap();
        for fault in [
            Fault::Nul,
            Fault::Surrogate,
            Fault::Undecodable,
            Fault::TooLong,
            Fault::TooWide(9000),
            Fault::FullGlobe,
        ] {
            assert!(all.rejects(fault), "{fault:?}");
        }
        for fault in [Fault::Malformed, Fault::NullKey] {
            assert!(!all.rejects(fault), "{fault:?}");
        }
    }
}
