//! RPC parameters as clients write them.

use super::*;

fn read(bytes: &[u8]) -> (SqlType, Value) {
    let mut cursor = Cursor::new(bytes);
    let parameter = parameter(&mut cursor).unwrap();
    assert!(cursor.is_empty(), "bytes left over");
    for end in 0..bytes.len() {
        assert!(
            super::parameter(&mut Cursor::new(&bytes[..end])).is_err(),
            "cut at {end}"
        );
    }
    parameter
}

fn text(value: &Value) -> String {
    let Value::Text(units) = value else {
        panic!("{value:?}")
    };
    String::from_utf16(units).unwrap()
}

#[test]
fn null_int_of_the_specification() {
    // MS-TDS 4.8: INTN(2), NULL.
    let (ty, value) = read(&[0x26, 0x02, 0x00]);
    assert_eq!(ty, SqlType::SmallInt);
    assert!(matches!(value, Value::Null));
}

#[test]
fn numbers() {
    assert!(matches!(
        read(&[0x26, 4, 4, 0xFE, 0xFF, 0xFF, 0xFF]).1,
        Value::Int(-2)
    ));
    assert!(matches!(read(&[0x30, 0xFF]).1, Value::Int(255)));
    let (ty, value) = read(&[0x6C, 9, 10, 2, 5, 0, 0x39, 0x30, 0, 0]);
    assert_eq!(
        ty,
        SqlType::Decimal {
            precision: 10,
            scale: 2
        }
    );
    assert!(matches!(
        value,
        Value::Decimal {
            unscaled: -12345,
            scale: 2
        }
    ));
    // The high half of money comes first.
    assert!(matches!(
        read(&[0x6E, 8, 8, 1, 0, 0, 0, 2, 0, 0, 0]).1,
        Value::Money(0x1_0000_0002)
    ));
}

#[test]
fn strings_by_collation_and_frame() {
    let short = [0xA7, 10, 0, 0x09, 0x04, 0xD0, 0x00, 0x34, 2, 0, b'a', 0xE9];
    let (ty, value) = read(&short);
    assert_eq!(ty, SqlType::VarChar { length: Some(10) });
    assert_eq!(text(&value), "aé");

    let mut max = vec![0xE7, 0xFF, 0xFF, 0x09, 0x04, 0xD0, 0x00, 0x34];
    max.extend_from_slice(&0xFFFF_FFFF_FFFF_FFFE_u64.to_le_bytes());
    for unit in "hi".encode_utf16() {
        max.extend_from_slice(&2_u32.to_le_bytes());
        max.extend_from_slice(&unit.to_le_bytes());
    }
    max.extend_from_slice(&[0; 4]);
    let (ty, value) = read(&max);
    assert_eq!(ty, SqlType::NVarChar { length: None });
    assert_eq!(text(&value), "hi");
}

#[test]
fn dates_and_times() {
    assert!(matches!(read(&[0x28, 3, 1, 0, 0]).1, Value::Date(1)));
    assert!(matches!(
        read(&[0x29, 0, 3, 1, 0, 0]).1,
        Value::Time(10_000_000)
    ));
    let bytes = [0x2B, 7, 10, 1, 0, 0, 0, 0, 2, 0, 0, 0x4A, 0x01];
    assert!(matches!(
        read(&bytes).1,
        Value::DateTimeOffset {
            days: 2,
            ticks: 1,
            offset: 330
        }
    ));
}

#[test]
fn variant_of_an_int() {
    let bytes = [0x62, 0x49, 0x1F, 0, 0, 6, 0, 0, 0, 0x38, 0, 5, 0, 0, 0];
    assert!(matches!(read(&bytes), (SqlType::SqlVariant, Value::Int(5))));
}
