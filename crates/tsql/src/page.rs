//! How much of a page of PostgreSQL a row takes, which no row may exceed.
//!
//! A value of variable length can be moved out of the row (PostgreSQL documentation, "TOAST"), and
//! leaves a pointer of 18 bytes; one of a fixed length cannot.
//!
//! `plan` warns of tables whose rows may not fit, `tds_copy` rejects a single row that does not.
//! Sizes here are lower bounds: a row that is said to fit may still be refused by PostgreSQL, never
//! the other way round.

use crate::typemap::PgType;

/// What fits: a block of 8 KiB less its header and the row's pointer (PostgreSQL,
/// src/include/access/htup_details.h, MaxHeapTupleSize).
pub const PAGE: usize = 8160;

/// In front of the values (htup_details.h, SizeofHeapTupleHeader), before the bitmap of NULLs.
const TUPLE_HEADER: usize = 23;

/// Header and pointer of a value that was moved out (varatt.h, TOAST_POINTER_SIZE).
const POINTER: usize = 18;

/// A value of up to this number of bytes stays in the row (heaptoast.c: what is not larger than an aligned
/// pointer is not moved).
const STAYS: usize = 24;

/// A value of fewer bytes is not compressed (pg_lzcompress.c, `min_input_size`).
const COMPRESSED_FROM: usize = 32;

/// What compression leaves at the very least: two headers of 4 bytes and 4 bytes of data.
const LEAST_COMPRESSED: usize = 12;

/// How values of a type lie in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// Always the same number of bytes.
    Fixed {
        /// Bytes of a value.
        bytes: usize,
        /// Its place in the row is a multiple of this.
        align: usize,
    },
    /// Stored with as many bytes as COPY BINARY sends.
    Plain,
    /// Stored in two bytes for each group of four digits; COPY BINARY has 8 bytes in front.
    Numeric,
    /// Stored in a form of its own.
    Other,
}

impl Storage {
    /// How values of `ty` lie in a row.
    pub fn new(ty: &PgType) -> Self {
        let fixed = |bytes, align| Self::Fixed { bytes, align };
        match ty {
            PgType::Boolean => fixed(1, 1),
            PgType::SmallInt => fixed(2, 2),
            PgType::Integer | PgType::Real | PgType::Date => fixed(4, 4),
            PgType::BigInt
            | PgType::DoublePrecision
            | PgType::Time(_)
            | PgType::Timestamp(_)
            | PgType::TimestampTz(_) => fixed(8, 8),
            PgType::Uuid => fixed(16, 1),
            PgType::Numeric(_) => Self::Numeric,
            PgType::Char(_)
            | PgType::VarChar(_)
            | PgType::Text
            | PgType::Bytea
            | PgType::Xml
            | PgType::Json => Self::Plain,
            PgType::Jsonb
            | PgType::RealArray
            | PgType::Vector(_)
            | PgType::Geography
            | PgType::Geometry => Self::Other,
        }
    }

    /// The fewest bytes that a value takes in its row of which COPY BINARY sends `sent`.
    ///
    /// ```
    /// use tsql::page::Storage;
    /// use tsql::typemap::PgType;
    ///
    /// assert_eq!(Storage::new(&PgType::Uuid).least(16), 16);
    /// // A long text is moved out of its row or compressed.
    /// assert_eq!(Storage::new(&PgType::Text).least(9000), 12);
    /// ```
    pub fn least(self, sent: usize) -> usize {
        let stored = match self {
            Self::Fixed { bytes, .. } => return bytes,
            Self::Plain => sent + 1,
            Self::Numeric => sent.saturating_sub(8) + 3,
            Self::Other => return LEAST_COMPRESSED.min(sent),
        };
        match stored {
            0..=STAYS => stored,
            _ if stored <= COMPRESSED_FROM => POINTER,
            _ => LEAST_COMPRESSED,
        }
    }
}

/// Adds up a row's values in the order of the table's columns.
#[derive(Debug, Default)]
pub struct Row {
    bytes: usize,
    /// Each has a bit in the bitmap, if there is a NULL.
    columns: usize,
    has_null: bool,
}

impl Row {
    /// Adds a value of `bytes` bytes.
    pub fn add(&mut self, storage: Storage, bytes: usize) {
        self.columns += 1;
        if let Storage::Fixed { align, .. } = storage {
            self.bytes = self.bytes.next_multiple_of(align);
        }
        self.bytes += bytes;
    }

    /// Adds a NULL.
    pub fn add_null(&mut self) {
        self.columns += 1;
        self.has_null = true;
    }

    /// With its header, as PostgreSQL holds it against [`PAGE`].
    ///
    /// ```
    /// use tsql::page::Row;
    ///
    /// let mut row = Row::default();
    /// row.add_null();
    /// // 23 bytes of header and one of NULL bits.
    /// assert_eq!(row.size(), 24);
    /// ```
    pub fn size(&self) -> usize {
        let nulls = if self.has_null {
            self.columns.div_ceil(8)
        } else {
            0
        };
        let header = (TUPLE_HEADER + nulls).next_multiple_of(8);
        (header + self.bytes).next_multiple_of(8)
    }
}

/// Size of a row without NULLs whose columns have `types`, in the order of the table, with its
/// longer values moved out.
///
/// ```
/// use tsql::page::full_row;
/// use tsql::typemap::PgType;
///
/// // 24 bytes of header, 4 of integer, 4 of alignment, 8 of bigint.
/// assert_eq!(full_row([&PgType::Integer, &PgType::BigInt]), 40);
/// ```
pub fn full_row<'a>(types: impl IntoIterator<Item = &'a PgType>) -> usize {
    let mut row = Row::default();
    for ty in types {
        let storage = Storage::new(ty);
        let bytes = match (storage, ty) {
            (Storage::Fixed { bytes, .. }, _) => bytes,
            (_, PgType::Char(length) | PgType::VarChar(length)) if (*length as usize) < STAYS => {
                *length as usize + 1
            }
            (_, PgType::Numeric(Some((precision, _)))) => {
                (3 + 2 * (usize::from(*precision) / 4 + 2)).min(STAYS)
            }
            _ => POINTER,
        };
        row.add(storage, bytes);
    }
    row.size()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_aligned_and_has_a_bitmap_for_its_nulls() {
        let mut row = Row::default();
        row.add(Storage::new(&PgType::Integer), 4);
        row.add(Storage::new(&PgType::BigInt), 8);
        assert_eq!(row.size(), 24 + 16);
        for _ in 0..7 {
            row.add_null();
        }
        // Two bytes of bitmap: 25, aligned to 32.
        assert_eq!(row.size(), 32 + 16);
    }

    #[test]
    fn what_can_be_moved_or_compressed_counts_by_its_least() {
        let text = Storage::new(&PgType::Text);
        assert_eq!(
            [0, 23, 24, 31, 32, 9000].map(|sent| text.least(sent)),
            [1, 24, 18, 18, 12, 12]
        );
        assert_eq!(Storage::new(&PgType::Numeric(None)).least(8 + 2 * 10), 23);
        assert_eq!(Storage::new(&PgType::Uuid).least(16), 16);
    }
}
