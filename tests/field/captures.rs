//! Packets that a real server sent, as whole packets and cut at every byte.
//!
//! What they hold is read off the bytes by MS-TDS 2.2.7 and the capture's own description; the
//! parser's part is that it says so too, wherever the socket cuts them.

use tds_copy::tds::cursor::{Cursor, Stop};
use tds_copy::tds::deframe::Deframer;
use tds_copy::tds::metadata::ColumnInfo;
use tds_copy::tds::token::{self, Token};

const CAPTURE: &str = include_str!("../fixtures/captures/real-server-packets.txt");

fn packet(number: &str) -> Vec<u8> {
    let line = CAPTURE.lines().find_map(|line| line.strip_prefix(number));
    let hex = line
        .and_then(|rest| rest.strip_prefix(' '))
        .expect("the packet");
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal digits");
    (0..hex.len()).step_by(2).map(byte).collect()
}

/// What a response says, in order: columns as `name`, rows as their bytes, DONE as its row count.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Columns(Vec<String>),
    Row(Vec<Vec<u8>>),
    Done(u16, u64),
    ReturnStatus(i32),
    Other,
}

#[derive(Default)]
struct Reading {
    deframer: Deframer,
    columns: Vec<ColumnInfo>,
    said: Vec<Said>,
}

impl Reading {
    fn feed(&mut self, bytes: &[u8]) {
        self.deframer.space()[..bytes.len()].copy_from_slice(bytes);
        self.deframer.filled(bytes.len());
        while self.deframer.advance().expect("packets of a response") {}
        while self.one() {}
    }

    /// Reads one token, with a row's values; `false` where the bytes end before it does.
    fn one(&mut self) -> bool {
        let payload = self.deframer.payload();
        let mut cursor = Cursor::new(payload);
        let said = match token::parse(&mut cursor) {
            Ok(Token::Columns(columns)) => {
                let names = columns.iter().map(|column| column.name.clone()).collect();
                self.columns = columns;
                Said::Columns(names)
            }
            Ok(Token::Row) => {
                let mut values = Vec::new();
                for column in &self.columns {
                    let start = cursor.position();
                    match token::skip_value(column.ty.wire(), &mut cursor) {
                        Ok(()) => values.push(payload[start..cursor.position()].to_vec()),
                        Err(Stop::More) => return false,
                        Err(Stop::Fail(error)) => panic!("{error}"),
                    }
                }
                Said::Row(values)
            }
            Ok(Token::Done(done)) => Said::Done(done.status, done.rows),
            Ok(Token::ReturnStatus(status)) => Said::ReturnStatus(status),
            Ok(_) => Said::Other,
            Err(Stop::More) => return false,
            Err(Stop::Fail(error)) => panic!("{error}"),
        };
        let count = cursor.position();
        self.deframer.consume(count);
        self.said.push(said);
        true
    }

    fn is_whole(&self) -> bool {
        self.deframer.message_complete() && self.deframer.payload().is_empty()
    }
}

/// The whole packet's content, which must be that of the packet cut at any byte.
fn read(number: &str) -> Vec<Said> {
    let bytes = packet(number);
    let mut whole = Reading::default();
    whole.feed(&bytes);
    assert!(whole.is_whole(), "packet {number}: {:?}", whole.said);
    for cut in 0..=bytes.len() {
        let mut pieces = Reading::default();
        pieces.feed(&bytes[..cut]);
        pieces.feed(&bytes[cut..]);
        assert!(pieces.is_whole(), "packet {number} cut at {cut}");
        assert_eq!(pieces.said, whole.said, "packet {number} cut at {cut}");
    }
    whole.said
}

/// A value of nchar(n) or char(n): two bytes of length, then the text, padded (MS-TDS 2.2.5.2.3).
fn padded(text: &str, length: usize, wide: bool) -> Vec<u8> {
    let padded = format!("{text:length$}");
    let bytes: Vec<u8> = if wide {
        padded.encode_utf16().flat_map(u16::to_le_bytes).collect()
    } else {
        padded.into_bytes()
    };
    let size = u16::try_from(bytes.len())
        .expect("a short text")
        .to_le_bytes();
    [&size[..], &bytes].concat()
}

const MORE: u16 = 0x0001;
const COUNT: u16 = 0x0010;

#[test]
fn a_procedures_result_of_nchar_columns_is_read_wherever_it_is_cut() {
    let names = ["name", "surname", "city", "id"].map(str::to_owned);
    let row = vec![
        padded("zzz", 30, true),
        padded("bbb", 30, true),
        padded("cxxx", 40, true),
        2_i32.to_le_bytes().to_vec(),
    ];
    let expected = [
        Said::Columns(names.to_vec()),
        Said::Row(row),
        Said::Done(MORE | COUNT, 1),
        Said::ReturnStatus(0),
        Said::Other,
        Said::Done(0, 0),
    ];
    assert_eq!(read("4"), expected);
}

#[test]
fn three_rows_of_char_columns_are_read_wherever_they_are_cut() {
    let names = ["column1", "column2", "column3"].map(str::to_owned);
    let row = ["first", "second", "third"].map(|text| padded(text, 30, false));
    let mut expected = vec![Said::Columns(names.to_vec())];
    expected.extend(vec![Said::Row(row.to_vec()); 3]);
    expected.extend([Said::Done(MORE | COUNT, 3), Said::ReturnStatus(0)]);
    let end = Said::Done(0, 0);
    assert_eq!(read("20"), [expected.clone(), vec![end.clone()]].concat());
    // The same with a RETURNVALUE.
    assert_eq!(read("18"), [expected, vec![Said::Other, end]].concat());
}

#[test]
fn answers_without_a_result_are_read_wherever_they_are_cut() {
    for number in ["2", "10"] {
        assert_eq!(read(number), [Said::Done(MORE, 0), Said::Done(0, 0)]);
    }
    for (number, status, rows) in [("12", MORE, 0), ("14", MORE | COUNT, 1), ("22", MORE, 0)] {
        let first = Said::Done(status, rows);
        let rest = [Said::ReturnStatus(0), Said::Other, Said::Done(0, 0)];
        assert_eq!(read(number), [&[first][..], &rest].concat(), "{number}");
    }
    let two = read("16");
    assert_eq!(
        two.iter()
            .filter(|said| **said == Said::ReturnStatus(0))
            .count(),
        4
    );
    assert_eq!(two.last(), Some(&Said::Done(0, 0)));
}

/// Packet 6 counts rows in four bytes, as TDS before 7.2 does: this tool does not speak that, and
/// must not take it for whole.
#[test]
fn an_answer_of_an_older_protocol_is_not_taken_for_whole() {
    let mut reading = Reading::default();
    reading.feed(&packet("6"));
    assert!(reading.said.is_empty() && !reading.is_whole());
}
