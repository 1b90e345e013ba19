//! Dates and times.

use tsql::schema::SqlType;
use tsql::typemap::PgType;

use super::{Case, Random, Raw, case};
use crate::wire::byte;

const LAST_DAY: u64 = 3_652_058;

fn day(place: usize, random: &mut Random) -> u32 {
    match place {
        0 => 0,
        1 => LAST_DAY as u32,
        2 => 730_119,
        3 => 730_118,
        _ => random.below(LAST_DAY + 1) as u32,
    }
}

fn fraction(place: usize, scale: u8, random: &mut Random) -> u64 {
    let second = 10u64.pow(scale.into());
    match place {
        0 => 0,
        1 => 86_400 * second - 1,
        2 => 86_400 * second - 5.min(second),
        _ => random.below(86_400 * second),
    }
}

fn time_bytes(fraction: u64, scale: u8) -> Vec<u8> {
    let size = match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    };
    fraction.to_le_bytes()[..size].to_vec()
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for target in [PgType::Date, PgType::Timestamp(3), PgType::Text] {
        let name = format!("date to {target}");
        cases.push(case(
            name,
            SqlType::Date,
            target,
            vec![0x28],
            |place, random| {
                let day = day(place, random);
                (Raw::Date(day), byte(&day.to_le_bytes()[..3]))
            },
        ));
    }
    for scale in 0..=7u8 {
        let kept = scale.min(6);
        for target in [PgType::Time(kept), PgType::Time(2), PgType::Text] {
            let name = format!("time({scale}) to {target}");
            let source = SqlType::Time { scale };
            cases.push(case(
                name,
                source,
                target,
                vec![0x29, scale],
                move |place, random| {
                    let fraction = fraction(place, scale, random);
                    (
                        Raw::Time(fraction, scale),
                        byte(&time_bytes(fraction, scale)),
                    )
                },
            ));
        }
        for target in [PgType::Timestamp(kept), PgType::Timestamp(1), PgType::Text] {
            let name = format!("datetime2({scale}) to {target}");
            let source = SqlType::DateTime2 { scale };
            cases.push(case(
                name,
                source,
                target,
                vec![0x2A, scale],
                move |place, random| {
                    let (day, fraction) = (day(place, random), fraction(place, scale, random));
                    let mut bytes = time_bytes(fraction, scale);
                    bytes.extend_from_slice(&day.to_le_bytes()[..3]);
                    (Raw::DateTime2(day, fraction, scale), byte(&bytes))
                },
            ));
        }
        for target in [PgType::TimestampTz(kept), PgType::Text] {
            let name = format!("datetimeoffset({scale}) to {target}");
            let source = SqlType::DateTimeOffset { scale };
            cases.push(case(
                name,
                source,
                target,
                vec![0x2B, scale],
                move |place, random| {
                    // A day from both ends, so that the local time stays in the calendar.
                    let day = day(place, random).clamp(1, LAST_DAY as u32 - 1);
                    let fraction = fraction(place, scale, random);
                    let offset = random.below(1681) as i16 - 840;
                    let mut bytes = time_bytes(fraction, scale);
                    bytes.extend_from_slice(&day.to_le_bytes()[..3]);
                    bytes.extend_from_slice(&offset.to_le_bytes());
                    (Raw::Offset(day, fraction, offset, scale), byte(&bytes))
                },
            ));
        }
    }
    for target in [PgType::Timestamp(0), PgType::Text] {
        let name = format!("smalldatetime to {target}");
        cases.push(case(
            name,
            SqlType::SmallDateTime,
            target,
            vec![0x6F, 4],
            |_, random| {
                let (day, minute) = (random.next() as u16, random.below(1440) as u16);
                let bytes = [day.to_le_bytes(), minute.to_le_bytes()].concat();
                (Raw::SmallDateTime(day, minute), byte(&bytes))
            },
        ));
    }
    for target in [
        PgType::Timestamp(3),
        PgType::Timestamp(6),
        PgType::Timestamp(0),
        PgType::Text,
    ] {
        let name = format!("datetime to {target}");
        cases.push(case(
            name,
            SqlType::DateTime,
            target,
            vec![0x6F, 8],
            |place, random| {
                let (day, tick) = match place {
                    0 => (-53_690, 0),
                    1 => (2_958_463, 25_919_999),
                    2..400 => (0, place as u32),
                    _ => (
                        random.below(3_012_154) as i32 - 53_690,
                        random.below(25_920_000) as u32,
                    ),
                };
                let bytes = [day.to_le_bytes(), tick.to_le_bytes()].concat();
                (Raw::DateTime(day, tick), byte(&bytes))
            },
        ));
    }
    cases
}
