//! A bounds-checked reader over a request's bytes.

use std::io;

use crate::wire::packet::invalid;

/// Reads little-endian fields from the front of `rest`.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn take(&mut self, count: usize) -> io::Result<&'a [u8]> {
        let (head, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or_else(|| invalid("request ends early"))?;
        self.rest = rest;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let (head, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or_else(|| invalid("request ends early"))?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> io::Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u16(&mut self) -> io::Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> io::Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> io::Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Text with a one-byte count of UTF-16 units in front (B_VARCHAR).
    pub(crate) fn b_varchar(&mut self) -> io::Result<String> {
        let units = usize::from(self.u8()?);
        Ok(utf16(self.take(units * 2)?))
    }

    /// Text with a two-byte count of UTF-16 units in front (US_VARCHAR).
    pub(crate) fn us_varchar(&mut self, units: u16) -> io::Result<String> {
        Ok(utf16(self.take(usize::from(units) * 2)?))
    }
}

/// UTF-16LE bytes as a string; what is no UTF-16 becomes U+FFFD.
pub(crate) fn utf16(bytes: &[u8]) -> String {
    String::from_utf16_lossy(&units(bytes))
}

/// UTF-16LE bytes as units; an odd last byte is dropped.
pub(crate) fn units(bytes: &[u8]) -> Vec<u16> {
    bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect()
}
