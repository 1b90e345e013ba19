//! The bytes of a batch, in a buffer that goes back to its reader when they were sent.
//!
//! Batches are made by one task and dropped by another, so buffers go home through a lock that is
//! taken twice for each batch.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

/// Buffers that a reader keeps: one that is filled, two on their way and one that is sent are in
/// use at a time.
const KEPT: usize = 4;

/// A longer buffer was made for a long row, and is given up with it.
const LONGEST_KEPT: usize = 512 * 1024;

/// Buffers of one reader that wait to be filled again. A new one costs its pages and their zeroing,
/// a tenth of the CPU of a table with long text.
#[derive(Debug, Clone, Default)]
pub(super) struct Spares(Arc<Mutex<Vec<Vec<u8>>>>);

impl Spares {
    /// A buffer of at least `length` bytes, whatever they are.
    pub(super) fn take(&self, length: usize) -> Vec<u8> {
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match spare {
            Some(mut buffer) => {
                if buffer.len() < length {
                    buffer.resize(length, 0);
                }
                buffer
            }
            None => vec![0; length],
        }
    }

    /// Gives a buffer up if there are enough, or if it is unusually long.
    fn put(&self, buffer: Vec<u8>) {
        if buffer.is_empty() || buffer.len() > LONGEST_KEPT {
            return;
        }
        let mut spares = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spares.len() < KEPT {
            spares.push(buffer);
        }
    }
}

/// Whole rows as `COPY ... (FORMAT binary)` wants them; read them as a slice. Dropping them gives
/// their buffer back to the reader that made it.
#[derive(Debug, Default)]
pub struct RowBytes {
    buffer: Vec<u8>,
    length: usize,
    home: Spares,
}

impl RowBytes {
    /// The first `length` bytes of `buffer`.
    pub(super) fn new(buffer: Vec<u8>, length: usize, home: Spares) -> Self {
        Self {
            buffer,
            length,
            home,
        }
    }

    /// Bytes of memory that they take.
    pub fn capacity(&self) -> usize {
        self.buffer.len()
    }
}

/// Rows that no reader made.
impl From<Vec<u8>> for RowBytes {
    fn from(buffer: Vec<u8>) -> Self {
        let length = buffer.len();
        Self::new(buffer, length, Spares::default())
    }
}

impl Deref for RowBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

impl AsRef<[u8]> for RowBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Drop for RowBytes {
    fn drop(&mut self) {
        self.home.put(std::mem::take(&mut self.buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_and_shows_only_what_is_its_own() {
        let home = Spares::default();
        let mut buffer = home.take(8);
        buffer.fill(7);
        let place = buffer.as_ptr();
        let bytes = RowBytes::new(buffer, 3, home.clone());
        assert_eq!(*bytes, [7, 7, 7]);
        drop(bytes);
        let again = home.take(4);
        assert_eq!((again.as_ptr(), again.len()), (place, 8));
        assert!(home.take(16).len() >= 16);
    }

    /// A reader of long rows would otherwise keep four of them.
    #[test]
    fn long_buffers_and_more_than_four_are_given_up() {
        let home = Spares::default();
        for length in [LONGEST_KEPT + 1, 8, 8, 8, 8, 8] {
            drop(RowBytes::new(vec![0; length], 1, home.clone()));
        }
        let kept = home.0.lock().unwrap();
        assert_eq!(kept.len(), KEPT);
        assert!(kept.iter().all(|buffer| buffer.len() == 8));
    }
}
