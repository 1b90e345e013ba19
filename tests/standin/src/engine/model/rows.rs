//! An ordered list of rows in shared chunks: cheap to copy, so every statement reads a snapshot.

use std::sync::Arc;

use crate::types::Value;

/// Rows of a chunk before it splits; a copied chunk costs this many reference counts.
const CHUNK: usize = 256;

/// A stored row; every index of a table points to the same one.
#[derive(Debug)]
pub(crate) struct Row {
    /// Unique in the table, in order of insertion.
    pub(crate) id: u64,
    pub(crate) values: Box<[Value]>,
}

#[derive(Debug, Clone)]
struct Entry {
    key: Arc<[u8]>,
    row: Arc<Row>,
}

/// Rows ordered by a byte key.
#[derive(Debug, Clone, Default)]
pub(crate) struct OrderedRows {
    chunks: Arc<Vec<Arc<Vec<Entry>>>>,
    len: u64,
}

impl OrderedRows {
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The chunk where `key` is or would be.
    fn chunk_of(&self, key: &[u8]) -> usize {
        self.chunks
            .partition_point(|c| c[0].key.as_ref() <= key)
            .saturating_sub(1)
    }

    pub(crate) fn insert(&mut self, key: Arc<[u8]>, row: Arc<Row>) {
        let at = self.chunk_of(&key);
        let chunks = Arc::make_mut(&mut self.chunks);
        self.len += 1;
        if chunks.is_empty() {
            chunks.push(Arc::new(vec![Entry { key, row }]));
            return;
        }
        let last = at + 1 == chunks.len();
        let chunk = Arc::make_mut(&mut chunks[at]);
        let slot = chunk.partition_point(|e| e.key < key);
        if last && slot == chunk.len() && slot >= CHUNK {
            // Ascending loads fill their chunks instead of splitting them in half.
            chunks.push(Arc::new(vec![Entry { key, row }]));
            return;
        }
        chunk.insert(slot, Entry { key, row });
        if chunk.len() > CHUNK {
            let tail = chunk.split_off(CHUNK / 2);
            chunks.insert(at + 1, Arc::new(tail));
        }
    }

    pub(crate) fn remove(&mut self, key: &[u8]) {
        let at = self.chunk_of(key);
        let chunks = Arc::make_mut(&mut self.chunks);
        let Some(chunk) = chunks.get_mut(at) else {
            return;
        };
        let Ok(slot) = chunk.binary_search_by(|e| e.key.as_ref().cmp(key)) else {
            return;
        };
        Arc::make_mut(chunk).remove(slot);
        self.len -= 1;
        if chunks[at].is_empty() {
            chunks.remove(at);
        }
    }

    /// The first row whose key starts with `prefix`.
    pub(crate) fn find_prefix(&self, prefix: &[u8]) -> Option<&Arc<Row>> {
        let (key, row) = self.range(prefix, None).next()?;
        key.starts_with(prefix).then_some(row)
    }

    /// Rows with `low <= key < high`, in key order; `None` is no upper end.
    pub(crate) fn range<'a>(
        &'a self,
        low: &[u8],
        high: Option<&[u8]>,
    ) -> impl Iterator<Item = (&'a [u8], &'a Arc<Row>)> + use<'a> {
        self.slices(low, high)
            .flatten()
            .map(|e| (e.key.as_ref(), &e.row))
    }

    /// The same rows without their keys, which are not even looked at: for scans of many rows.
    pub(crate) fn rows_between<'a>(
        &'a self,
        low: &[u8],
        high: Option<&[u8]>,
    ) -> impl DoubleEndedIterator<Item = &'a Arc<Row>> + use<'a> {
        self.slices(low, high).flatten().map(|e| &e.row)
    }

    /// The parts of the chunks between two keys.
    fn slices<'a>(
        &'a self,
        low: &[u8],
        high: Option<&[u8]>,
    ) -> impl DoubleEndedIterator<Item = &'a [Entry]> + use<'a> {
        let (first, skip) = self.place(low);
        let (last, end) = high.map_or((self.chunks.len(), 0), |h| self.place(h));
        let from = first.min(self.chunks.len());
        let to = last.saturating_add(1).min(self.chunks.len()).max(from);
        let chunks = self.chunks[from..to].iter().enumerate();
        chunks.map(move |(i, chunk)| {
            let to = if from + i == last { end } else { chunk.len() };
            let from = if i == 0 { skip.min(to) } else { 0 };
            &chunk[from..to]
        })
    }

    /// The chunk of the first key that is not below `key`, and its position there.
    fn place(&self, key: &[u8]) -> (usize, usize) {
        let at = self.chunk_of(key);
        let below = self
            .chunks
            .get(at)
            .map_or(0, |c| c.partition_point(|e| e.key.as_ref() < key));
        (at, below)
    }

    /// Looks rows up by their position: made once for a statement, it finds a page without a walk over
    /// all of them.
    pub(crate) fn positions(&self) -> Positions<'_> {
        let mut before = 0;
        let starts = self.chunks.iter().map(|chunk| {
            let start = before;
            before += chunk.len() as u64;
            start
        });
        Positions {
            starts: starts.collect(),
            chunks: &self.chunks,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Row>> {
        self.chunks.iter().flat_map(|c| c.iter().map(|e| &e.row))
    }

    /// How many rows have `low <= key < high`; looks at no key but those where the range ends.
    pub(crate) fn count(&self, low: &[u8], high: Option<&[u8]>) -> u64 {
        let (first, skip) = self.place(low);
        let (last, end) = high.map_or((self.chunks.len(), 0), |h| self.place(h));
        let Some(chunks) = self.chunks.get(first..last) else {
            return 0;
        };
        let up_to_last: usize = chunks.iter().map(|c| c.len()).sum();
        (up_to_last + end).saturating_sub(skip) as u64
    }
}

/// The rows of a table by position.
pub(crate) struct Positions<'a> {
    /// The position of each chunk's first row.
    starts: Vec<u64>,
    chunks: &'a [Arc<Vec<Entry>>],
}

impl<'a> Positions<'a> {
    /// The rows at the positions `from` to `to`, without the latter.
    pub(crate) fn rows(&self, from: u64, to: u64) -> impl Iterator<Item = &'a Arc<Row>> {
        let first = self.starts.partition_point(|start| *start <= from);
        let first = first.saturating_sub(1);
        let chunks = self.starts[first..].iter().zip(&self.chunks[first..]);
        let parts = chunks
            .take_while(move |(start, _)| **start < to)
            .map(move |(start, chunk)| {
                let inside = |position: u64| {
                    position.saturating_sub(*start).min(chunk.len() as u64) as usize
                };
                &chunk[inside(from)..inside(to)]
            });
        parts.flatten().map(|entry| &entry.row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(n: u64) -> OrderedRows {
        let mut rows = OrderedRows::default();
        for i in 0..n {
            // A permutation, so that chunks split in the middle too.
            let id = (i * 7919) % n;
            let row = Arc::new(Row {
                id,
                values: Box::new([]),
            });
            rows.insert(id.to_be_bytes().as_slice().into(), row);
        }
        rows
    }

    #[test]
    fn stays_ordered_and_counts() {
        let mut rows = filled(5000);
        let ids: Vec<u64> = rows.iter().map(|r| r.id).collect();
        assert_eq!(ids, (0..5000).collect::<Vec<_>>());
        let (low, high) = (1000u64.to_be_bytes(), 3000u64.to_be_bytes());
        assert_eq!(rows.count(&low, Some(&high)), 2000);
        assert_eq!(rows.range(&low, Some(&high)).count(), 2000);
        let at: Vec<u64> = rows.positions().rows(300, 900).map(|r| r.id).collect();
        assert_eq!(at, (300..900).collect::<Vec<_>>());
        assert_eq!(rows.positions().rows(4990, 9000).count(), 10);
        let before = rows.clone();
        for i in (0..5000u64).step_by(2) {
            rows.remove(&i.to_be_bytes());
        }
        assert_eq!((rows.len(), before.len()), (2500, 5000));
        assert!(rows.iter().all(|r| r.id % 2 == 1));
        assert!(rows.find_prefix(&4u64.to_be_bytes()).is_none());
        assert!(before.find_prefix(&4u64.to_be_bytes()).is_some());
    }
}
