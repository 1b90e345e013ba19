//! The rows of the buckets that differ, held in memory until both sides were read.
//!
//! What bounds memory is decided before: the buckets are chosen by the number of rows that their
//! sums counted. A tally is filled by each reader alone, then merged.

use std::collections::HashMap;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::postgres::verify::Field;
use tds_copy::transcode::digest::{Division, Tally, fields, leading, row_hash};

/// Bytes that are kept of a field to be shown.
const SHOWN_BYTES: usize = 512;

/// Which rows are held, and how much of them.
#[derive(Debug)]
pub(super) struct WantedRows {
    division: Division,
    /// By bucket.
    buckets: Vec<bool>,
    /// Values are kept too.
    values: bool,
}

impl WantedRows {
    pub(super) fn new(division: Division, chosen: &[usize], values: bool) -> Self {
        let mut buckets = vec![false; 1 << division.bits];
        chosen.iter().for_each(|bucket| buckets[*bucket] = true);
        Self {
            division,
            buckets,
            values,
        }
    }

    /// Memory that a held row takes, at least: what bounds how many buckets are looked at.
    pub(super) fn bytes_per_row(columns: usize, values: bool) -> u64 {
        let column = if values { 8 + 64 } else { 8 };
        200 + columns as u64 * column
    }
}

/// One side's rows of the wanted buckets, by key; rows without a key by their own hash.
#[derive(Debug)]
pub(super) struct HeldRows {
    wanted: Arc<WantedRows>,
    pub(super) rows: HashMap<Box<[u8]>, Vec<HeldRow>>,
}

/// Equal rows of one key.
#[derive(Debug, Clone)]
pub(super) struct HeldRow {
    /// The hash of the whole row that the checksum adds up.
    pub(super) hash: u128,
    /// How often the side has this very row.
    pub(super) count: u64,
    /// A hash of each field.
    pub(super) columns: Box<[u64]>,
    /// In the row's order, if values are wanted.
    pub(super) fields: Option<Box<[Option<Field>]>>,
}

impl HeldRows {
    pub(super) fn new(wanted: Arc<WantedRows>) -> Self {
        Self {
            wanted,
            rows: HashMap::new(),
        }
    }
}

impl Tally for HeldRows {
    fn fresh(&self) -> Self {
        Self::new(Arc::clone(&self.wanted))
    }

    fn add(&mut self, row: &[u8]) {
        let hash = row_hash(row);
        let division = self.wanted.division;
        if !self.wanted.buckets[division.bucket(row, hash)] {
            return;
        }
        let key: Box<[u8]> = match division.key_fields {
            0 => hash.to_be_bytes().into(),
            count => leading(row, count).into(),
        };
        let rows = self.rows.entry(key).or_default();
        match rows.iter_mut().find(|known| known.hash == hash) {
            Some(known) => known.count += 1,
            None => rows.push(HeldRow {
                hash,
                count: 1,
                columns: fields(row).map(field_hash).collect(),
                fields: self.wanted.values.then(|| fields(row).map(kept).collect()),
            }),
        }
    }

    fn merge(&mut self, other: Self) {
        for (key, rows) in other.rows {
            let here = self.rows.entry(key).or_default();
            for row in rows {
                match here.iter_mut().find(|known| known.hash == row.hash) {
                    Some(known) => known.count += row.count,
                    None => here.push(row),
                }
            }
        }
    }
}

/// NULL has a hash that no value has.
fn field_hash(field: Option<&[u8]>) -> u64 {
    field.map_or(0, |bytes| xxh3_64(bytes).max(1))
}

fn kept(field: Option<&[u8]>) -> Option<Field> {
    field.map(|bytes| Field {
        bytes: bytes[..bytes.len().min(SHOWN_BYTES)].into(),
        length: bytes.len(),
    })
}
