//! What is in front of every request, and the text of a batch (MS-TDS 2.2.5.3, 2.2.6.7).

use std::io;

use crate::wire::cursor::{Cursor, utf16};
use crate::wire::packet::invalid;

/// Steps over ALL_HEADERS. None of them changes what this server does.
pub(crate) fn skip_all_headers(cursor: &mut Cursor<'_>) -> io::Result<()> {
    let total = cursor.u32()? as usize;
    let rest = total
        .checked_sub(4)
        .ok_or_else(|| invalid("ALL_HEADERS shorter than its length"))?;
    let mut headers = Cursor::new(cursor.take(rest)?);
    while !headers.is_empty() {
        let length = headers.u32()? as usize;
        headers.take(
            length
                .checked_sub(4)
                .ok_or_else(|| invalid("header shorter than its length"))?,
        )?;
    }
    Ok(())
}

/// The text of a SQL batch.
pub(crate) fn batch_text(payload: &[u8]) -> io::Result<String> {
    let mut cursor = Cursor::new(payload);
    skip_all_headers(&mut cursor)?;
    Ok(utf16(cursor.rest()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_of_the_specification() {
        // MS-TDS 4.6
        let mut payload = vec![
            0x16, 0, 0, 0, 0x12, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0,
        ];
        let text = "\nselect 'foo' as 'bar'\n        ";
        payload.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(batch_text(&payload).unwrap(), text);
        for end in 0..0x16 {
            assert!(batch_text(&payload[..end]).is_err(), "cut at {end}");
        }
    }
}
