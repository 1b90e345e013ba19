//! Hashes of COPY rows, and sums of them that do not depend on the rows' order.
//!
//! A row's hash is XXH3-128 (seed 0) of its COPY BINARY bytes. Sums are taken modulo 2^128: unlike
//! an exclusive or, under which two equal rows vanish, a sum tells how often each row is there. It
//! guards against faults, not against rows that are made to have equal sums.

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::error::{Error, Kind, Result};

/// Field count of COPY's trailer (PostgreSQL documentation, COPY, "Binary Format").
const TRAILER: i16 = -1;

/// The hash of one row.
///
/// ```
/// use tds_copy::transcode::digest::{Sum, row_hash};
///
/// // A sum does not depend on the order of the rows, and counts each of them.
/// let sum = |rows: &[&[u8]]| {
///     let mut sum = Sum::default();
///     rows.iter().for_each(|row| sum.add(row_hash(row)));
///     sum
/// };
/// assert_eq!(sum(&[b"a", b"b"]), sum(&[b"b", b"a"]));
/// assert_ne!(sum(&[b"a"]), sum(&[b"a", b"a"]));
/// ```
#[inline]
pub fn row_hash(row: &[u8]) -> u128 {
    xxh3_128(row)
}

/// What comes next in COPY data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// A whole row; its length in bytes.
    Row(usize),
    /// The trailer: no row follows.
    End,
    /// The bytes end within a row.
    More,
}

/// Looks for a row of `fields` fields at the start of `bytes`.
///
/// ```
/// use tds_copy::transcode::digest::{Next, next_row};
///
/// let row = [0, 1, 0, 0, 0, 2, b'a', b'b'];
/// assert_eq!(next_row(&row, 1)?, Next::Row(8));
/// assert_eq!(next_row(&row[..5], 1)?, Next::More);
/// assert_eq!(next_row(&[0xFF, 0xFF], 1)?, Next::End);
/// # Ok::<(), tds_copy::error::Error>(())
/// ```
///
/// # Errors
/// Bytes that are no such row.
#[inline]
pub fn next_row(bytes: &[u8], fields: usize) -> Result<Next> {
    let Some(count) = bytes.first_chunk::<2>() else {
        return Ok(Next::More);
    };
    let count = i16::from_be_bytes(*count);
    if count == TRAILER {
        return Ok(Next::End);
    }
    if usize::try_from(count) != Ok(fields) {
        return Err(broken(&format!("a row of {count} fields, not {fields}")));
    }
    let mut at = 2;
    for _ in 0..fields {
        let Some(length) = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>) else {
            return Ok(Next::More);
        };
        at += 4 + match i32::from_be_bytes(*length) {
            -1 => 0,
            length => usize::try_from(length).map_err(|_| broken("a field of negative length"))?,
        };
    }
    Ok(if at <= bytes.len() {
        Next::Row(at)
    } else {
        Next::More
    })
}

/// Calls `each` with every row of `bytes`, which hold whole rows only, as a batch does.
///
/// ```
/// use tds_copy::transcode::digest::each_row;
///
/// let rows = [0, 1, 0, 0, 0, 1, b'a', 0, 1, 0xFF, 0xFF, 0xFF, 0xFF];
/// let mut lengths = Vec::new();
/// each_row(&rows, 1, |row| lengths.push(row.len()))?;
/// assert_eq!(lengths, [7, 6]);
/// # Ok::<(), tds_copy::error::Error>(())
/// ```
///
/// # Errors
/// Bytes that are no rows of `fields` fields.
pub fn each_row(bytes: &[u8], fields: usize, mut each: impl FnMut(&[u8])) -> Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let Next::Row(length) = next_row(rest, fields)? else {
            return Err(broken("half a row"));
        };
        let (row, after) = rest.split_at(length);
        each(row);
        rest = after;
    }
    Ok(())
}

#[cold]
fn broken(what: &str) -> Error {
    Error::new(Kind::Internal, format!("COPY data hold {what}"))
}

/// The fields of a row that [`next_row`] found; `None` is NULL.
///
/// ```
/// use tds_copy::transcode::digest::fields;
///
/// let row = [0, 2, 0, 0, 0, 1, 7, 0xFF, 0xFF, 0xFF, 0xFF];
/// assert_eq!(fields(&row).collect::<Vec<_>>(), [Some(&[7][..]), None]);
/// ```
pub fn fields(row: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    fields_of(row.get(2..).unwrap_or_default())
}

/// The fields of what [`leading`] gave.
pub fn fields_of(mut rest: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            rest = after;
            return Some(None);
        };
        let (field, after) = after.split_at_checked(length)?;
        rest = after;
        Some(Some(field))
    })
}

/// The first `count` fields with their lengths, which keep neighbours apart.
///
/// ```
/// use tds_copy::transcode::digest::leading;
///
/// let row = [0, 2, 0, 0, 0, 1, 7, 0xFF, 0xFF, 0xFF, 0xFF];
/// assert_eq!(leading(&row, 1), [0, 0, 0, 1, 7]);
/// ```
pub fn leading(row: &[u8], count: usize) -> &[u8] {
    let body = row.get(2..).unwrap_or_default();
    let mut at = 0;
    for _ in 0..count {
        let Some(length) = body.get(at..).and_then(<[u8]>::first_chunk::<4>) else {
            break;
        };
        at += 4 + usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0);
    }
    body.get(..at).unwrap_or(body)
}

/// How many rows, and the sum of their hashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many rows.
    pub rows: u64,
    /// Sum of their hashes modulo 2^128.
    pub hash: u128,
}

impl Sum {
    /// Adds a row by its hash.
    #[inline]
    pub fn add(&mut self, hash: u128) {
        self.rows += 1;
        self.hash = self.hash.wrapping_add(hash);
    }

    /// Adds the rows of another sum.
    pub fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.hash = self.hash.wrapping_add(other.hash);
    }
}

/// What rows are gathered into, on either side of a comparison.
pub trait Tally: Sized {
    /// The same, without rows.
    fn fresh(&self) -> Self;
    /// Adds a row.
    fn add(&mut self, row: &[u8]);
    /// Adds the rows of another tally.
    fn merge(&mut self, other: Self);
}

/// Divides rows by a hash of their key: both sides send the same bytes for the same key, so equal
/// keys meet in one bucket, whatever order either server gives the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Division {
    /// Leading fields that are the key; 0: the whole row is.
    pub key_fields: usize,
    /// There are 2^bits buckets.
    pub bits: u32,
}

impl Division {
    /// Rows are all in one bucket.
    pub fn whole(key_fields: usize) -> Self {
        Self {
            key_fields,
            bits: 0,
        }
    }

    /// The bucket of a row whose hash is `hash`.
    #[inline]
    pub fn bucket(&self, row: &[u8], hash: u128) -> usize {
        if self.bits == 0 {
            return 0;
        }
        let key = if self.key_fields == 0 {
            (hash >> 64) as u64
        } else {
            xxh3_64(leading(row, self.key_fields))
        };
        (key >> (64 - self.bits)) as usize
    }
}

/// A sum per bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums {
    /// How rows are divided.
    pub division: Division,
    buckets: Vec<Sum>,
}

impl Sums {
    /// A sum of nothing in each bucket.
    pub fn new(division: Division) -> Self {
        Self {
            division,
            buckets: vec![Sum::default(); 1 << division.bits],
        }
    }

    /// All buckets in one.
    pub fn total(&self) -> Sum {
        let mut total = Sum::default();
        self.buckets.iter().for_each(|sum| total.merge(*sum));
        total
    }

    /// Buckets in which the sides differ, with the rows that both have in them.
    pub fn differing(&self, other: &Self) -> Vec<(usize, u64)> {
        let pairs = self.buckets.iter().zip(&other.buckets).enumerate();
        pairs
            .filter(|(_, (one, other))| one != other)
            .map(|(bucket, (one, other))| (bucket, one.rows + other.rows))
            .collect()
    }
}

impl Tally for Sums {
    fn fresh(&self) -> Self {
        Self::new(self.division)
    }

    #[inline]
    fn add(&mut self, row: &[u8]) {
        let hash = row_hash(row);
        let bucket = self.division.bucket(row, hash);
        self.buckets[bucket].add(hash);
    }

    fn merge(&mut self, other: Self) {
        for (sum, more) in self.buckets.iter_mut().zip(other.buckets) {
            sum.merge(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Laid out by hand after PostgreSQL's documentation of COPY.
    fn row(fields: &[Option<&[u8]>]) -> Vec<u8> {
        let mut row = (fields.len() as i16).to_be_bytes().to_vec();
        for field in fields {
            match field {
                None => row.extend([0xFF; 4]),
                Some(bytes) => {
                    row.extend((bytes.len() as i32).to_be_bytes());
                    row.extend_from_slice(bytes);
                }
            }
        }
        row
    }

    fn sums(bits: u32, rows: &[Vec<u8>]) -> Sums {
        let division = Division {
            key_fields: 1,
            bits,
        };
        let mut sums = Sums::new(division);
        rows.iter().for_each(|row| sums.add(row));
        sums
    }

    #[test]
    fn rows_are_found_wherever_the_bytes_end() {
        let bytes = [
            row(&[Some(b"key"), None]),
            row(&[Some(b""), Some(b"value")]),
        ]
        .concat();
        let first = 2 + 4 + 3 + 4;
        for end in 0..first {
            assert_eq!(next_row(&bytes[..end], 2).unwrap(), Next::More, "{end}");
        }
        assert_eq!(next_row(&bytes, 2).unwrap(), Next::Row(first));
        assert_eq!(next_row(&[0xFF, 0xFF], 2).unwrap(), Next::End);
        assert!(next_row(&bytes, 3).is_err(), "another number of fields");
        let mut seen = Vec::new();
        each_row(&bytes, 2, |row| {
            seen.push(
                fields(row)
                    .map(|field| field.map(<[u8]>::to_vec))
                    .collect::<Vec<_>>(),
            );
        })
        .unwrap();
        assert_eq!(
            seen,
            [
                vec![Some(b"key".to_vec()), None],
                vec![Some(Vec::new()), Some(b"value".to_vec())]
            ]
        );
        assert!(each_row(&bytes[..bytes.len() - 1], 2, |_| {}).is_err());
    }

    #[test]
    fn a_key_of_two_fields_keeps_them_apart() {
        let one = row(&[Some(b"ab"), Some(b"c"), Some(b"1")]);
        let other = row(&[Some(b"a"), Some(b"bc"), Some(b"1")]);
        assert_ne!(leading(&one, 2), leading(&other, 2));
        let same = row(&[Some(b"ab"), Some(b"c"), Some(b"2")]);
        assert_eq!(leading(&one, 2), leading(&same, 2));
        let null = row(&[None, Some(b"c"), Some(b"2")]);
        assert_ne!(leading(&one, 2), leading(&null, 2));
    }

    #[test]
    fn order_does_not_count_and_how_often_does() {
        let (a, b) = (row(&[Some(b"a"), None]), row(&[Some(b"b"), Some(b"")]));
        for bits in [0, 4, 10] {
            let two = sums(bits, &[a.clone(), b.clone()]);
            assert_eq!(two, sums(bits, &[b.clone(), a.clone()]));
            assert_ne!(two.total(), sums(bits, &[b.clone(), b.clone()]).total());
            // Two equal rows more or less vanish under an exclusive or, and not under a sum.
            let doubled = sums(bits, &[a.clone(), b.clone(), a.clone(), a.clone()]);
            assert_eq!(two.differing(&doubled).len(), 1);
        }
    }

    #[test]
    fn null_is_not_the_empty_string() {
        let (null, empty) = (row(&[Some(b"1"), None]), row(&[Some(b"1"), Some(b"")]));
        assert_ne!(row_hash(&null), row_hash(&empty));
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let rows = (0u32..500)
            .map(|n| row(&[Some(&n.to_be_bytes()), Some(b"v")]))
            .collect::<Vec<_>>();
        let whole = sums(6, &rows);
        let mut parts = whole.fresh();
        rows.chunks(33).for_each(|part| parts.merge(sums(6, part)));
        assert_eq!(parts, whole);
        assert_eq!(whole.total().rows, 500);
        let moved = sums(6, &rows[1..]);
        assert_eq!(whole.differing(&moved).len(), 1);
    }
}
