//! Which range of the table the next statement of a sample reads.
//!
//! A range that a sample did not finish goes to the end of the queue, with the key where it
//! stopped. Only a table that commits midway has such a key; other ranges begin again.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use crate::mutex::lock;
use crate::plan::table::Slice;
use tsql::key::KeyValue;

/// A range, and where an earlier sample stopped in it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Range {
    /// One of the table's slices, as a run would cut it.
    pub(super) slice: Slice,
    /// `None`: from the beginning of the slice.
    pub(super) resume_after: Option<Vec<KeyValue>>,
}

/// All ranges of the table, shared by the connections of every sample. What was not read comes
/// before what was: a sample of rows that the source has in memory already would flatter it.
pub(super) struct Ranges {
    all: Vec<Slice>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Not read in this pass.
    unread: VecDeque<Range>,
    /// How often the table was begun; 1 is the first time.
    passes: u32,
}

impl Ranges {
    pub(super) fn new(all: Vec<Slice>) -> Self {
        Self {
            all,
            state: Mutex::default(),
        }
    }

    /// Ranges of the whole table.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// How often the table was begun.
    pub(super) fn passes(&self) -> u32 {
        self.state().passes
    }

    /// The next range; after the last the table begins again.
    pub(super) fn next(&self) -> Option<Range> {
        let mut state = self.state();
        if state.unread.is_empty() {
            let range = |slice: &Slice| Range {
                slice: slice.clone(),
                resume_after: None,
            };
            state.unread = self.all.iter().map(range).collect();
            state.passes += 1;
        }
        state.unread.pop_front()
    }

    /// Puts the rest of a range after the others, so that samples cover the whole table.
    pub(super) fn give_back(&self, range: Range) {
        self.state().unread.push_back(range);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(of: u32) -> Vec<Slice> {
        (0..of).map(|bucket| Slice::Bucket { bucket, of }).collect()
    }

    #[test]
    fn what_was_not_read_comes_first_and_then_the_table_begins_again() {
        let ranges = Ranges::new(buckets(3));
        assert_eq!(ranges.passes(), 0);
        let first = ranges.next().expect("a range");
        let rest = Range {
            resume_after: Some(vec![KeyValue::Int(7)]),
            ..first.clone()
        };
        ranges.give_back(rest.clone());
        let order = [ranges.next(), ranges.next(), ranges.next()];
        let bucket = |bucket| Slice::Bucket { bucket, of: 3 };
        assert_eq!(order[0].as_ref().expect("a range").slice, bucket(1));
        assert_eq!(order[1].as_ref().expect("a range").slice, bucket(2));
        assert_eq!(order[2], Some(rest));
        assert_eq!(ranges.passes(), 1);
        assert_eq!(ranges.next(), Some(first));
        assert_eq!(ranges.passes(), 2);
    }
}
