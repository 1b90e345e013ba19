//! Any bytes as tokens, types and key values, and as packets cut anywhere.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tds_copy::tds::code_page::CodePage;
use tds_copy::tds::cursor::{Cursor, Stop};
use tds_copy::tds::deframe::Deframer;
use tds_copy::tds::key::key_value;
use tds_copy::tds::token::{self, Token};

fuzz_target!(|data: &[u8]| {
    parse(data);
    // As packets, in one piece and in many: the payload is the same, or both are refused.
    let piece = data.last().map_or(1, |last| usize::from(*last) + 1);
    let whole = payload(data, data.len().max(1));
    assert_eq!(payload(data, piece), whole);
    if let Some(payload) = whole {
        parse(&payload);
    }
});

fn parse(bytes: &[u8]) {
    let mut cursor = Cursor::new(bytes);
    while !cursor.is_at_end() {
        let before = cursor.position();
        match token::parse(&mut cursor) {
            Ok(Token::Columns(columns)) => {
                let values = &bytes[cursor.position()..];
                for column in &columns {
                    let mut value = Cursor::new(values);
                    let _ = token::skip_value(column.ty.wire(), &mut value);
                    let page = CodePage::new(1252).expect("a page of SQL Server");
                    let _ = key_value(&column.ty, &values[..value.position()], Some(&page));
                }
            }
            Ok(_) => {}
            Err(Stop::More | Stop::Fail(_)) => return,
        }
        assert!(cursor.position() > before);
    }
}

/// What is between the headers; `None` where they are refused.
fn payload(bytes: &[u8], piece: usize) -> Option<Vec<u8>> {
    let mut deframer = Deframer::new();
    let mut payload = Vec::new();
    for piece in bytes.chunks(piece) {
        let space = deframer.space();
        let count = piece.len().min(space.len());
        space[..count].copy_from_slice(&piece[..count]);
        deframer.filled(count);
        while deframer.advance().ok()? {
            // Half of it stays, as a token that is not whole would.
            let half = deframer.payload().len().div_ceil(2);
            payload.extend_from_slice(&deframer.payload()[..half]);
            deframer.consume(half);
        }
    }
    payload.extend_from_slice(deframer.payload());
    Some(payload)
}
