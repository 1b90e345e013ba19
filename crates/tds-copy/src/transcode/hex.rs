//! Bytes as SQL Server prints them: `0x` and two digits each (CONVERT, binary style 1).
//!
//! Columns of bytes that a job moves into text. The digits are made in the output buffer.

use crate::transcode::output::Output;

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// Replaces the bytes from `start` on by their digits, from the last to the first, so that no
/// second buffer is needed.
pub(super) fn make_digits(start: usize, out: &mut Output) {
    let count = out.written(start).len();
    let more = count + 2;
    out.room(more);
    out.advance(more);
    let bytes = out.written_mut(start);
    for place in (0..count).rev() {
        let byte = bytes[place];
        bytes[2 + 2 * place] = DIGITS[usize::from(byte >> 4)];
        bytes[3 + 2 * place] = DIGITS[usize::from(byte & 15)];
    }
    bytes[..2].copy_from_slice(b"0x");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_take_the_place_of_the_bytes() {
        for (bytes, text) in [
            (&b""[..], "0x"),
            (b"\x00\xAB\x7F", "0x00AB7F"),
            (b"\x01", "0x01"),
        ] {
            let mut out = Output::new(4);
            out.put_slice(b"before");
            out.put_slice(bytes);
            make_digits(6, &mut out);
            assert_eq!(out.written(6), text.as_bytes());
        }
    }
}
