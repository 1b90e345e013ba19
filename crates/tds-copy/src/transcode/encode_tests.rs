//! A row that is too long, with a limit that a test can reach.

use tsql::schema::SqlType;
use tsql::typemap::PgType;

use super::*;
use crate::error::Kind;
use crate::tds::metadata::ColumnInfo;
use crate::tds::type_info::{Length, TypeInfo};
use crate::transcode::layout::ResultColumn;
use crate::transcode::value_policy::{ValuePolicy, Values};

/// Two columns of `varbinary(max)`.
fn encoder(policy: ValuePolicy) -> Encoder {
    let column = |name: &str| ResultColumn {
        name: name.into(),
        source: SqlType::VarBinary { length: None },
        code_page: None,
        target_name: name.to_lowercase(),
        target: PgType::Bytea,
    };
    let values = Values::uniform(ValuePolicy::Error, policy);
    let layout = RowLayout::new(&[column("A"), column("B")], &[], values).unwrap();
    let info = ColumnInfo {
        ty: TypeInfo::Binary {
            length: Length::Max,
        },
        name: String::new(),
        user_type: 0,
        flags: 1,
    };
    let columns = layout.agree(&[info.clone(), info]).unwrap();
    let mut encoder = Encoder::new(layout, columns, 1 << 20);
    encoder.row_limit = 1000;
    encoder
}

/// MS-TDS 2.2.5.2.3: an unknown length, one chunk and the terminator.
fn plp(bytes: usize) -> Vec<u8> {
    let mut field = (u64::MAX - 1).to_le_bytes().to_vec();
    field.extend_from_slice(&(bytes as u32).to_le_bytes());
    field.extend(vec![7; bytes]);
    field.extend_from_slice(&[0; 4]);
    field
}

fn rows(lengths: &[(usize, usize)]) -> Vec<u8> {
    let row = |(a, b): &(usize, usize)| [vec![ROW], plp(*a), plp(*b)].concat();
    lengths.iter().flat_map(row).collect()
}

fn feed(encoder: &mut Encoder, bytes: &[u8], piece: usize) -> Result<()> {
    let mut held = Vec::new();
    for part in bytes.chunks(piece) {
        held.extend_from_slice(part);
        let (done, _) = encoder.read(&held)?;
        held.drain(..done);
    }
    Ok(())
}

#[test]
fn a_value_that_is_too_long_is_kept_by_its_length() {
    for piece in [1, 50, 10_000] {
        let mut encoder = encoder(ValuePolicy::Reject);
        let bytes = rows(&[(10, 10), (5000, 20), (20, 2000), (600, 600), (10, 10)]);
        feed(&mut encoder, &bytes, piece).unwrap();
        let batch = encoder.take_batch().unwrap().unwrap();
        assert_eq!(
            (batch.rows, batch.rejects.len()),
            (2, 3),
            "pieces of {piece}"
        );
        let faults = batch.rejects.iter().map(|reject| {
            assert_eq!(reject.faults.len(), 1);
            assert_eq!(reject.faults[0].reason, Reason::OutOfRange);
            reject.faults[0].column.as_str()
        });
        // Of two that are too long together, the one that is met last gives way.
        assert_eq!(faults.collect::<Vec<_>>(), ["A", "B", "B"]);
        assert!(
            batch.rejects[0]
                .row
                .contains(r#""a":{"$omitted_bytes":5000}"#),
            "{}",
            batch.rejects[0].row
        );
        assert!(batch.rejects[0].row.contains(r#""b":"\\x0707"#));
        assert!(
            batch.rejects[1]
                .row
                .contains(r#""b":{"$omitted_bytes":2000}"#)
        );
    }
}

#[test]
fn a_row_that_is_too_long_fails_where_the_job_says_so() {
    for piece in [50, 10_000] {
        let mut encoder = encoder(ValuePolicy::Error);
        let error = feed(&mut encoder, &rows(&[(10, 10), (5000, 20)]), piece).unwrap_err();
        assert_eq!(error.kind(), Kind::Value);
        assert_eq!(error.column(), Some("A"));
        assert_eq!(error.row(), Some(2));
        assert!(error.message().contains("values.out_of_range"), "{error}");
    }
}
