//! Reads little-endian fields from bytes that may not all be there yet.
//!
//! A parse that ends early changes nothing: the caller keeps the bytes and begins again at the same
//! place when there are more. So no parser has a state of its own.

use crate::error::{Error, Kind};

/// Why a parse ended early.
#[derive(Debug)]
pub enum Stop {
    /// The bytes end before the field does: come again with more.
    More,
    /// The bytes are wrong.
    Fail(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Fail(error)
    }
}

impl Stop {
    /// Bytes that are not the protocol.
    pub fn protocol(message: impl Into<String>) -> Self {
        Self::Fail(Error::new(Kind::Protocol, message))
    }
}

/// What a parse came to.
pub type Parsed<T> = Result<T, Stop>;

/// A place in a run of bytes.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Whether all bytes were read.
    pub fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// The next `count` bytes; [`Stop::More`] if there are fewer, and then nothing is read.
    ///
    /// ```
    /// use tds_copy::tds::cursor::{Cursor, Stop};
    ///
    /// let mut cursor = Cursor::new(&[1, 2, 3]);
    /// assert_eq!(cursor.take(2).unwrap(), [1, 2]);
    /// assert!(matches!(cursor.u16(), Err(Stop::More)));
    /// assert_eq!(cursor.position(), 2);
    /// ```
    pub fn take(&mut self, count: usize) -> Parsed<&'a [u8]> {
        let end = self.at.checked_add(count).ok_or(Stop::More)?;
        let piece = self.bytes.get(self.at..end).ok_or(Stop::More)?;
        self.at = end;
        Ok(piece)
    }

    fn array<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    /// One byte.
    pub fn u8(&mut self) -> Parsed<u8> {
        Ok(self.array::<1>()?[0])
    }

    /// Two bytes, little-endian.
    pub fn u16(&mut self) -> Parsed<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// Four bytes, little-endian.
    pub fn u32(&mut self) -> Parsed<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Four bytes, little-endian, signed.
    pub fn i32(&mut self) -> Parsed<i32> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    /// Eight bytes, little-endian.
    pub fn u64(&mut self) -> Parsed<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A string of at most 255 UTF-16 units (B_VARCHAR).
    pub fn short_string(&mut self) -> Parsed<String> {
        let units = usize::from(self.u8()?);
        self.utf16(units)
    }

    /// A string of at most 65,535 UTF-16 units (US_VARCHAR).
    pub fn long_string(&mut self) -> Parsed<String> {
        let units = usize::from(self.u16()?);
        self.utf16(units)
    }

    /// Names and messages only, never a cell: what is not UTF-16 becomes U+FFFD.
    fn utf16(&mut self, units: usize) -> Parsed<String> {
        let (pairs, _) = self.take(units * 2)?.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        Ok(String::from_utf16_lossy(&units))
    }
}
