//! Every base type of `sql_variant`: bytes as MS-TDS lays them, text as the T-SQL reference
//! ("CAST and CONVERT") prints it.

use super::*;
use crate::transcode::value_policy::ValuePolicy;

fn made(shape: Shape, bytes: &[u8]) -> Result<String, Fault> {
    let mut out = Output::new(8);
    let mut policy = TextPolicy::uniform(ValuePolicy::Error);
    put_variant(shape, bytes, &mut out, &mut policy)?;
    let (length, text) = out.written(0).split_first_chunk::<4>().unwrap();
    assert_eq!(i32::from_be_bytes(*length) as usize, text.len());
    Ok(String::from_utf8(text.to_vec()).unwrap())
}

/// SQL_Latin1_General_CP1_CI_AS and 8,000 bytes.
const LATIN: [u8; 7] = [0x09, 0x04, 0xD0, 0x00, 0x34, 0x40, 0x1F];
/// Cyrillic_General_CI_AS.
const CYRILLIC: [u8; 7] = [0x19, 0x04, 0xD0, 0x00, 0x00, 0x40, 0x1F];

/// Token, properties, data, text, base type, and the value in JSON.
type Example = (
    u8,
    Vec<u8>,
    Vec<u8>,
    &'static str,
    &'static str,
    &'static str,
);

fn examples() -> Vec<Example> {
    let plain = Vec::new;
    // 2024-05-06 is day 739,011 after 0001-01-01 and 45,416 after 1900-01-01.
    let day = [0xC3, 0x46, 0x0B];
    let ticks = |scale: u32| (7 * 3600 + 8 * 60 + 9) * 10u64.pow(scale);
    let tick7 = ticks(7) + 1_234_567;
    let utc7 = tick7 - (5 * 3600 + 1800) * 10_000_000;
    vec![
        (0x30, plain(), vec![255], "255", "tinyint", "255"),
        (0x34, plain(), vec![0, 0x80], "-32768", "smallint", "-32768"),
        (0x38, plain(), vec![7, 0, 0, 0], "7", "int", "7"),
        (
            0x7F,
            plain(),
            i64::MIN.to_le_bytes().to_vec(),
            "-9223372036854775808",
            "bigint",
            "-9223372036854775808",
        ),
        (0x32, plain(), vec![1], "1", "bit", "true"),
        (0x32, plain(), vec![0], "0", "bit", "false"),
        (
            0x3B,
            plain(),
            0.1f32.to_le_bytes().to_vec(),
            "0.1",
            "real",
            "0.1",
        ),
        (
            0x3E,
            plain(),
            1_234_567.25f64.to_le_bytes().to_vec(),
            "1.23457e+006",
            "float",
            "1234567.25",
        ),
        (
            0x3E,
            plain(),
            1e-7f64.to_le_bytes().to_vec(),
            "1e-007",
            "float",
            "0.0000001",
        ),
        // 4235.9819, the reference's own example of money styles.
        (
            0x7A,
            plain(),
            42_359_819i32.to_le_bytes().to_vec(),
            "4235.98",
            "smallmoney",
            "4235.9819",
        ),
        (
            0x3C,
            plain(),
            [&(-1i32).to_le_bytes()[..], &(-50i32).to_le_bytes()].concat(),
            "-0.01",
            "money",
            "-0.0050",
        ),
        (
            0x3A,
            plain(),
            [&45_416u16.to_le_bytes()[..], &428u16.to_le_bytes()].concat(),
            "May  6 2024  7:08AM",
            "smalldatetime",
            "\"2024-05-06 07:08:00\"",
        ),
        (
            0x3D,
            plain(),
            [
                &45_416i32.to_le_bytes()[..],
                &(300u32 * 68_889 + 1).to_le_bytes(),
            ]
            .concat(),
            "May  6 2024  7:08PM",
            "datetime",
            "\"2024-05-06 19:08:09.003\"",
        ),
        (
            0x24,
            plain(),
            vec![
                0xFF, 0x19, 0x96, 0x6F, 0x86, 0x8B, 0x11, 0xD0, 0xB4, 0x2D, 0, 0xC0, 0x4F, 0xC9,
                0x64, 0xFF,
            ],
            "6F9619FF-8B86-D011-B42D-00C04FC964FF",
            "uniqueidentifier",
            "\"6F9619FF-8B86-D011-B42D-00C04FC964FF\"",
        ),
        (
            0x28,
            plain(),
            day.to_vec(),
            "2024-05-06",
            "date",
            "\"2024-05-06\"",
        ),
        (
            0x29,
            vec![7],
            tick7.to_le_bytes()[..5].to_vec(),
            "07:08:09.1234567",
            "time",
            "\"07:08:09.1234567\"",
        ),
        (
            0x2A,
            vec![0],
            [&ticks(0).to_le_bytes()[..3], &day].concat(),
            "2024-05-06 07:08:09",
            "datetime2",
            "\"2024-05-06 07:08:09\"",
        ),
        (
            0x2B,
            vec![7],
            [&utc7.to_le_bytes()[..5], &day, &330i16.to_le_bytes()].concat(),
            "2024-05-06 07:08:09.1234567 +05:30",
            "datetimeoffset",
            "\"2024-05-06 07:08:09.1234567 +05:30\"",
        ),
        (
            0x6A,
            vec![5, 2],
            vec![0, 50, 0, 0, 0],
            "-0.50",
            "decimal",
            "-0.50",
        ),
        (
            0x6C,
            vec![38, 0],
            [&[1u8][..], &(10u128.pow(38) - 1).to_le_bytes()].concat(),
            "99999999999999999999999999999999999999",
            "numeric",
            "99999999999999999999999999999999999999",
        ),
        (
            0xA5,
            vec![0x40, 0x1F],
            vec![0, 0xAB],
            "0x00AB",
            "varbinary",
            "\"0x00AB\"",
        ),
        (0xAD, vec![2, 0], vec![], "0x", "binary", "\"0x\""),
        (
            0xA7,
            LATIN.to_vec(),
            b"caf\xE9 \"x\"".to_vec(),
            "café \"x\"",
            "varchar",
            "\"café \\\"x\\\"\"",
        ),
        (
            0xAF,
            CYRILLIC.to_vec(),
            b"\xC6 ".to_vec(),
            "Ж ",
            "char",
            "\"Ж \"",
        ),
        (
            0xE7,
            LATIN.to_vec(),
            vec![0x16, 0x04, 9, 0, 1, 0],
            "Ж\t\u{1}",
            "nvarchar",
            "\"Ж\\t\\u0001\"",
        ),
        (0xEF, LATIN.to_vec(), vec![], "", "nchar", "\"\""),
    ]
}

#[test]
fn every_base_type_prints_as_convert_does() {
    for (token, properties, data, text, name, value) in examples() {
        let bytes = [&[token, properties.len() as u8][..], &properties, &data].concat();
        assert_eq!(made(Shape::Text, &bytes).as_deref(), Ok(text), "{name}");
        let json = format!("{{\"type\": \"{name}\", \"value\": {value}}}");
        assert_eq!(made(Shape::Json, &bytes).as_deref(), Ok(&*json), "{name}");
        let jsonb = format!("\u{1}{json}");
        assert_eq!(made(Shape::Jsonb, &bytes).as_deref(), Ok(&*jsonb), "{name}");
    }
}

#[test]
fn bytes_that_are_no_variant_are_refused() {
    for bytes in [
        &[][..],
        &[0x38],
        &[0x38, 0],
        &[0x38, 1, 0, 7, 0, 0, 0],
        &[0x38, 0, 7, 0, 0],
        &[0xF1, 0],
        &[0x2A, 1, 8, 0, 0, 0, 0, 0, 0],
        &[0x6A, 2, 5, 6, 1, 0, 0, 0, 0],
        &[0xE7, 9, 0],
    ] {
        assert_eq!(
            made(Shape::Text, bytes),
            Err(Fault::Malformed),
            "{bytes:02x?}"
        );
    }
    let mut nul = vec![0xE7, 7];
    nul.extend_from_slice(&LATIN);
    nul.extend_from_slice(&[0, 0]);
    assert_eq!(made(Shape::Text, &nul), Err(Fault::Nul));
}
