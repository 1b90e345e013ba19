//! Integers, decimals, money and floats.

use tsql::schema::SqlType;
use tsql::typemap::PgType;

use super::{Case, Raw, case};
use crate::wire::byte;

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, source, target, width, nullable) in [
        ("tinyint", SqlType::TinyInt, PgType::SmallInt, 1, true),
        ("smallint", SqlType::SmallInt, PgType::SmallInt, 2, true),
        ("int", SqlType::Int, PgType::Integer, 4, true),
        ("int not null", SqlType::Int, PgType::Integer, 4, false),
        ("bigint", SqlType::BigInt, PgType::BigInt, 8, true),
        (
            "tinyint to bigint",
            SqlType::TinyInt,
            PgType::BigInt,
            1,
            true,
        ),
        ("int to bigint", SqlType::Int, PgType::BigInt, 4, true),
        (
            "bigint to numeric",
            SqlType::BigInt,
            PgType::Numeric(None),
            8,
            true,
        ),
        (
            "int to numeric",
            SqlType::Int,
            PgType::Numeric(Some((14, 3))),
            4,
            true,
        ),
        ("bigint to text", SqlType::BigInt, PgType::Text, 8, true),
        (
            "smallint to char",
            SqlType::SmallInt,
            PgType::Char(9),
            2,
            true,
        ),
    ] {
        let info = if nullable {
            vec![0x26, width]
        } else {
            vec![0x38]
        };
        cases.push(case(name, source, target, info, move |place, random| {
            let bits = match place {
                0 => 1u64 << (u64::from(width) * 8 - 1),
                1 => (1u64 << (u64::from(width) * 8 - 1)) - 1,
                2 => u64::MAX,
                _ => random.wide() ^ if random.below(2) == 0 { 0 } else { u64::MAX },
            };
            let bytes = bits.to_le_bytes()[..usize::from(width)].to_vec();
            let value = match width {
                1 => i64::from(bits as u8),
                2 => i64::from(bits as i16),
                4 => i64::from(bits as i32),
                _ => bits as i64,
            };
            (Raw::Int(value), if nullable { byte(&bytes) } else { bytes })
        }));
    }
    for target in [PgType::Boolean, PgType::SmallInt, PgType::Text] {
        let name = format!("bit to {target}");
        cases.push(case(
            name,
            SqlType::Bit,
            target,
            vec![0x68, 1],
            |_, random| {
                let value = random.below(2) == 1;
                (Raw::Bool(value), vec![1, u8::from(value)])
            },
        ));
    }
    for (precision, scale, target) in [
        (1, 0, PgType::Numeric(Some((1, 0)))),
        (5, 5, PgType::Numeric(Some((5, 5)))),
        (9, 4, PgType::Numeric(Some((9, 4)))),
        (18, 2, PgType::Numeric(Some((18, 2)))),
        (19, 0, PgType::Numeric(Some((19, 0)))),
        (28, 10, PgType::Numeric(Some((28, 10)))),
        (38, 0, PgType::Numeric(Some((38, 0)))),
        (38, 10, PgType::Numeric(Some((38, 10)))),
        (38, 37, PgType::Numeric(None)),
        (38, 38, PgType::Numeric(Some((38, 38)))),
        (10, 3, PgType::Numeric(Some((20, 7)))),
        (38, 9, PgType::Text),
        (18, 0, PgType::BigInt),
        (9, 0, PgType::Integer),
        (4, 0, PgType::SmallInt),
    ] {
        cases.push(decimal(precision, scale, target));
    }
    cases.extend(money());
    for (name, source, target, width) in [
        ("real", SqlType::Real, PgType::Real, 4),
        ("float", SqlType::Float, PgType::DoublePrecision, 8),
        ("real to double", SqlType::Real, PgType::DoublePrecision, 4),
    ] {
        cases.push(case(
            name,
            source,
            target,
            vec![0x6D, width],
            move |place, random| {
                if width == 4 {
                    let edges = [0, 0x8000_0000, 1, 0x007F_FFFF, 0x7F7F_FFFF, 0xFF7F_FFFF];
                    let mut bits = edges.get(place).copied().unwrap_or(random.next() as u32);
                    if !f32::from_bits(bits).is_finite() {
                        bits &= 0xBFFF_FFFF;
                    }
                    return (Raw::F32(bits), byte(&bits.to_le_bytes()));
                }
                let edges = [
                    0,
                    1 << 63,
                    1,
                    (1 << 52) - 1,
                    f64::MAX.to_bits(),
                    f64::MIN.to_bits(),
                ];
                let mut bits = edges.get(place).copied().unwrap_or(random.next());
                if !f64::from_bits(bits).is_finite() {
                    bits &= 0xBFFF_FFFF_FFFF_FFFF;
                }
                (Raw::F64(bits), byte(&bits.to_le_bytes()))
            },
        ));
    }
    cases
}

fn decimal(precision: u8, scale: u8, target: PgType) -> Case {
    let size = match precision {
        1..=9 => 4,
        10..=19 => 8,
        20..=28 => 12,
        _ => 16,
    };
    let name = format!("decimal({precision},{scale}) to {target}");
    let info = vec![0x6C, size as u8 + 1, precision, scale];
    case(
        name,
        SqlType::Decimal { precision, scale },
        target,
        info,
        move |place, random| {
            let digits = random.below(u64::from(precision)) as u32 + 1;
            let wide = u128::from(random.next()) << 64 | u128::from(random.next());
            let magnitude = match place {
                0 => 0,
                1 | 2 => 10u128.pow(u32::from(precision)) - 1,
                3 => 1,
                _ if random.below(4) == 0 => 10u128.pow(digits - 1),
                _ => wide % 10u128.pow(digits),
            };
            let negative = place == 0 || place == 1 || random.below(2) == 0;
            let mut bytes = vec![u8::from(!negative)];
            bytes.extend_from_slice(&magnitude.to_le_bytes()[..size]);
            (Raw::Decimal(negative, magnitude, scale), byte(&bytes))
        },
    )
}

fn money() -> Vec<Case> {
    let mut cases = Vec::new();
    for (target, small) in [
        (PgType::Numeric(Some((19, 4))), false),
        (PgType::Numeric(None), false),
        (PgType::Text, false),
        (PgType::Numeric(Some((10, 4))), true),
        (PgType::Numeric(Some((12, 6))), true),
    ] {
        let name = format!("{} to {target}", if small { "smallmoney" } else { "money" });
        let (source, width) = if small {
            (SqlType::SmallMoney, 4)
        } else {
            (SqlType::Money, 8)
        };
        let mut case = case(
            name,
            source,
            target,
            vec![0x6E, width],
            move |place, random| {
                let mut value = random.wide() as i64;
                if random.below(2) == 0 {
                    value = value.wrapping_neg();
                }
                value = [i64::MAX, i64::MIN, 0, 1, -1]
                    .get(place)
                    .copied()
                    .unwrap_or(value);
                if small {
                    let value = match place {
                        0 => i32::MAX,
                        1 => i32::MIN,
                        _ => value as i32,
                    };
                    return (Raw::Money(value.into()), byte(&value.to_le_bytes()));
                }
                let high = ((value >> 32) as i32).to_le_bytes();
                let low = (value as u32).to_le_bytes();
                (Raw::Money(value), byte(&[high, low].concat()))
            },
        );
        // It turns money into a float.
        case.other_driver = false;
        cases.push(case);
    }
    cases
}
