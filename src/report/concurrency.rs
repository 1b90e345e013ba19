//! How many partitions were loaded at a time, and why that changed.
//!
//! `pipeline::load::adapt` keeps the record while the load runs; the report and its text read it.

use serde::Serialize;

/// Partitions in concurrency over a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Concurrency {
    /// What the pools, or the job, allowed.
    pub cap: usize,
    /// The job fixed the number.
    pub pinned: bool,
    /// At the beginning of the load; 0 if nothing was loaded.
    pub first: usize,
    /// At its end.
    pub last: usize,
    pub changes: Vec<Change>,
}

/// A change of the number that may be in concurrency.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Seconds since the run began.
    pub at: f64,
    /// Partitions that could be loaded at a time before the change.
    pub from: usize,
    pub to: usize,
    /// A lower-case fragment.
    pub why: String,
}

impl Concurrency {
    /// One sentence; `None` if there is nothing to tell.
    pub fn sentence(&self) -> Option<String> {
        if self.first == 0 {
            return None;
        }
        let Self {
            cap, first, last, ..
        } = self;
        if self.pinned {
            return Some(format!(
                "up to {first} partitions were loaded at a time, as the job says."
            ));
        }
        let Some(change) = self.changes.last() else {
            let limit = if first == cap {
                ", which is the cap"
            } else {
                ""
            };
            return Some(format!(
                "up to {first} partitions were loaded at a time{limit}."
            ));
        };
        Some(format!(
            "up to {first} partitions were loaded at a time at first and {last} at the end (cap \
             {cap}); last change: {}.",
            change.why
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_reason_is_told() {
        assert_eq!(Concurrency::default().sentence(), None);
        let mut concurrency = Concurrency {
            cap: 8,
            pinned: false,
            first: 4,
            last: 4,
            changes: Vec::new(),
        };
        let told = |concurrency: &Concurrency| concurrency.sentence().expect("a sentence");
        assert_eq!(
            told(&concurrency),
            "up to 4 partitions were loaded at a time."
        );
        concurrency.changes.push(Change {
            at: 1.5,
            from: 4,
            to: 6,
            why: "still faster".into(),
        });
        concurrency.last = 6;
        assert_eq!(
            told(&concurrency),
            "up to 4 partitions were loaded at a time at first and 6 at the end (cap 8); last \
             change: still faster."
        );
        concurrency.pinned = true;
        assert!(told(&concurrency).ends_with("as the job says."));
    }
}
