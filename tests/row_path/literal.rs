//! What PostgreSQL must read for a value: its text, made without the tool's own code.

use tsql::typemap::PgType;

use crate::cases::Raw;

/// PostgreSQL's text input for a value in a column of type `target`; `None` is NULL.
pub fn literal(raw: &Raw, target: &PgType) -> Option<String> {
    let is_text = matches!(target, PgType::Text | PgType::VarChar(_) | PgType::Char(_));
    let kept = match *target {
        PgType::Time(kept) | PgType::Timestamp(kept) | PgType::TimestampTz(kept) => kept,
        _ => 7,
    };
    Some(match raw {
        Raw::Null => return None,
        Raw::Bool(value) if *target == PgType::Boolean => value.to_string(),
        Raw::Bool(value) => u8::from(*value).to_string(),
        Raw::Int(value) => value.to_string(),
        Raw::Decimal(negative, magnitude, scale) => decimal(*negative, *magnitude, *scale),
        Raw::Money(value) => decimal(*value < 0, value.unsigned_abs().into(), 4),
        Raw::F32(bits) if *target == PgType::DoublePrecision => {
            format!("{:e}", f64::from(f32::from_bits(*bits)))
        }
        Raw::F32(bits) => format!("{:e}", f32::from_bits(*bits)),
        Raw::F64(bits) => format!("{:e}", f64::from_bits(*bits)),
        Raw::Date(day) => date((*day).into()),
        Raw::Time(fraction, scale) => {
            let (fraction, scale) = within_day(*fraction, *scale, kept);
            time(fraction, scale)
        }
        Raw::SmallDateTime(day, minute) => {
            let day = i64::from(*day) + FROM_1900;
            format!("{} {}", date(day), time(u64::from(*minute) * 60, 0))
        }
        Raw::DateTime(day, tick) => {
            let milliseconds = (f64::from(*tick) / 0.3).round() as u64;
            stamp(i64::from(*day) + FROM_1900, milliseconds, 3, kept)
        }
        Raw::DateTime2(day, fraction, scale) => stamp((*day).into(), *fraction, *scale, kept),
        Raw::Offset(day, fraction, offset, scale) if is_text => {
            let second = 10i64.pow((*scale).into());
            let mut local = *fraction as i64 + i64::from(*offset) * 60 * second;
            let mut day = i64::from(*day);
            if local < 0 {
                local += 86_400 * second;
                day -= 1;
            } else if local >= 86_400 * second {
                local -= 86_400 * second;
                day += 1;
            }
            let sign = if *offset < 0 { '-' } else { '+' };
            let minutes = offset.unsigned_abs();
            let local = stamp(day, local as u64, *scale, 7);
            format!("{local} {sign}{:02}:{:02}", minutes / 60, minutes % 60)
        }
        Raw::Offset(day, fraction, offset, scale) => {
            let second = 10i64.pow((*scale).into());
            let local = *fraction as i64 + i64::from(*offset) * 60 * second;
            let (mut fraction, mut scale) = (*fraction, *scale);
            // Rounding up to midnight of the value's own clock, which stays in its day.
            let (up, shown) = rounded(local.rem_euclid(86_400 * second) as u64, scale, kept);
            if scale > kept && up == 86_400 * 10u64.pow(shown.into()) {
                fraction /= 10u64.pow((scale - kept).into());
                scale = kept;
            }
            format!("{}+00", stamp((*day).into(), fraction, scale, kept))
        }
        Raw::Guid(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
            let parts = [
                &hex[..8],
                &hex[8..12],
                &hex[12..16],
                &hex[16..20],
                &hex[20..],
            ];
            parts.join("-")
        }
        Raw::Bytes(bytes) | Raw::Coded(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("\\x{hex}")
        }
        Raw::Text(text) | Raw::Shown(text) => text.clone(),
    })
}

/// Days from 0001-01-01 to 1900-01-01.
const FROM_1900: i64 = 693_595;

fn decimal(negative: bool, magnitude: u128, scale: u8) -> String {
    let scale = usize::from(scale);
    let digits = format!("{magnitude:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if negative && magnitude != 0 { "-" } else { "" };
    match fraction {
        "" => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{fraction}"),
    }
}

/// By counting years and months.
fn date(day: i64) -> String {
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (mut year, mut rest) = (1 + day / 146_097 * 400, day % 146_097);
    while rest >= 365 + i64::from(leap(year)) {
        rest -= 365 + i64::from(leap(year));
        year += 1;
    }
    let february = 28 + i64::from(leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if rest < length {
            break;
        }
        rest -= length;
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", rest + 1)
}

fn rounded(fraction: u64, scale: u8, kept: u8) -> (u64, u8) {
    if scale <= kept {
        return (fraction, scale);
    }
    let unit = 10u64.pow((scale - kept).into());
    let up = u64::from(fraction % unit * 2 >= unit);
    (fraction / unit + up, kept)
}

/// Rounded, and truncated where that would be the next day (docs/types.md).
fn within_day(fraction: u64, scale: u8, kept: u8) -> (u64, u8) {
    match rounded(fraction, scale, kept) {
        (up, scale) if up == 86_400 * 10u64.pow(scale.into()) => (up - 1, scale),
        rounded => rounded,
    }
}

fn time(fraction: u64, scale: u8) -> String {
    let second = 10u64.pow(scale.into());
    let seconds = fraction / second;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let whole = format!("{hours:02}:{minutes:02}:{:02}", seconds % 60);
    match scale {
        0 => whole,
        _ => format!(
            "{whole}.{:0width$}",
            fraction % second,
            width = scale.into()
        ),
    }
}

fn stamp(day: i64, fraction: u64, scale: u8, kept: u8) -> String {
    let (fraction, scale) = within_day(fraction, scale, kept);
    format!("{} {}", date(day), time(fraction, scale))
}
