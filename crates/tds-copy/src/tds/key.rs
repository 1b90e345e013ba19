//! A key column's wire bytes as a value that can be kept and sent back without loss.
//!
//! Not on the row path: one key is read for each batch. The forms are those of `transcode`; here a
//! value is kept, not encoded, so nothing is rounded and text stays in its own units.

use crate::error::{Error, Kind, Result};
use crate::tds::code_page::CodePage;
use crate::tds::type_info::TypeInfo;
use tsql::key::KeyValue;

/// The value of `bytes`, which are a value of type `ty` without its length prefix. `page` is
/// needed for `char` and `varchar` only.
///
/// Types that no index takes, and bytes that are no value of the type, are errors.
///
/// ```
/// use tds_copy::tds::key::key_value;
/// use tds_copy::tds::type_info::{TypeInfo, Width};
/// use tsql::key::KeyValue;
///
/// let int = TypeInfo::Int(4, Width::Fixed);
/// assert_eq!(key_value(&int, &[0xFE, 0xFF, 0xFF, 0xFF], None)?, KeyValue::Int(-2));
/// # Ok::<(), tds_copy::error::Error>(())
/// ```
pub fn key_value(ty: &TypeInfo, bytes: &[u8], page: Option<&CodePage>) -> Result<KeyValue> {
    parse(ty, bytes, page).ok_or_else(|| {
        Error::new(
            Kind::Protocol,
            "a key value does not have the form of its type",
        )
    })
}

/// `None` for a type that no index takes, and for bytes of a wrong length.
fn parse(ty: &TypeInfo, bytes: &[u8], page: Option<&CodePage>) -> Option<KeyValue> {
    Some(match ty {
        TypeInfo::Bit(_) => KeyValue::Bit(array::<1>(bytes)? != [0]),
        TypeInfo::Int(..) => KeyValue::Int(int(bytes)?),
        TypeInfo::Float(..) => match bytes.len() {
            4 => KeyValue::Real {
                bits: u32::from_le_bytes(array(bytes)?),
            },
            _ => KeyValue::Float {
                bits: u64::from_le_bytes(array(bytes)?),
            },
        },
        TypeInfo::Money(..) => KeyValue::Money(money(bytes)?),
        TypeInfo::Decimal { precision, scale } => KeyValue::Decimal {
            unscaled: decimal(bytes)?,
            precision: *precision,
            scale: *scale,
        },
        TypeInfo::Guid => KeyValue::Guid(array(bytes)?),
        TypeInfo::Binary { .. } => KeyValue::Bytes(bytes.to_vec()),
        TypeInfo::Char { .. } => KeyValue::Text(page?.decode(bytes)?),
        TypeInfo::NChar { .. } => KeyValue::National(units(bytes)?),
        _ => return time(ty, bytes),
    })
}

/// Dates and times; on the wire the time comes before the date.
fn time(ty: &TypeInfo, bytes: &[u8]) -> Option<KeyValue> {
    Some(match ty {
        TypeInfo::DateTime(..) if bytes.len() == 4 => {
            let (days, minutes) = bytes.split_at(2);
            KeyValue::SmallDateTime {
                days: u16::from_le_bytes(array(days)?),
                minutes: u16::from_le_bytes(array(minutes)?),
            }
        }
        TypeInfo::DateTime(..) => {
            let (days, ticks) = bytes.split_at_checked(4)?;
            KeyValue::DateTime {
                days: i32::from_le_bytes(array(days)?),
                ticks: u32::from_le_bytes(array(ticks)?),
            }
        }
        TypeInfo::Date => KeyValue::Date { days: days(bytes)? },
        TypeInfo::Time { scale } => KeyValue::Time {
            ticks: ticks(bytes, *scale)?,
            scale: *scale,
        },
        TypeInfo::DateTime2 { scale } => {
            let (time, date) = bytes.split_at_checked(TypeInfo::time_bytes(*scale))?;
            KeyValue::DateTime2 {
                days: days(date)?,
                ticks: ticks(time, *scale)?,
                scale: *scale,
            }
        }
        TypeInfo::DateTimeOffset { scale } => {
            let (time, rest) = bytes.split_at_checked(TypeInfo::time_bytes(*scale))?;
            let (date, offset) = rest.split_at_checked(3)?;
            KeyValue::DateTimeOffset {
                days: days(date)?,
                ticks: ticks(time, *scale)?,
                offset: i16::from_le_bytes(array(offset)?),
                scale: *scale,
            }
        }
        _ => return None,
    })
}

fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

/// `tinyint` has no sign, the others do.
fn int(bytes: &[u8]) -> Option<i64> {
    match bytes.len() {
        1 => Some(i64::from(bytes[0])),
        2 => array(bytes).map(i16::from_le_bytes).map(i64::from),
        4 => array(bytes).map(i32::from_le_bytes).map(i64::from),
        _ => array(bytes).map(i64::from_le_bytes),
    }
}

/// Eight bytes of money come with the upper half first (MS-TDS 2.2.5.5.1.2).
fn money(bytes: &[u8]) -> Option<i64> {
    if bytes.len() == 4 {
        return int(bytes);
    }
    let (high, low) = bytes.split_at_checked(4)?;
    let high = i64::from(i32::from_le_bytes(array(high)?));
    Some(high << 32 | i64::from(u32::from_le_bytes(array(low)?)))
}

/// A sign byte (1 is positive) and 4, 8, 12 or 16 bytes of magnitude (MS-TDS 2.2.5.5.1.6).
fn decimal(bytes: &[u8]) -> Option<String> {
    let (sign, magnitude) = bytes.split_first()?;
    if !matches!(magnitude.len(), 4 | 8 | 12 | 16) {
        return None;
    }
    let mut wide = [0; 16];
    wide[..magnitude.len()].copy_from_slice(magnitude);
    let magnitude = u128::from_le_bytes(wide);
    let sign = if *sign == 0 && magnitude != 0 {
        "-"
    } else {
        ""
    };
    Some(format!("{sign}{magnitude}"))
}

/// Days since 0001-01-01 in three bytes.
fn days(bytes: &[u8]) -> Option<u32> {
    let [low, middle, high] = array(bytes)?;
    Some(u32::from_le_bytes([low, middle, high, 0]))
}

/// Units of 10^-scale s in 3 to 5 bytes, made ticks of 100 ns.
fn ticks(bytes: &[u8], scale: u8) -> Option<u64> {
    if bytes.len() != TypeInfo::time_bytes(scale) {
        return None;
    }
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    Some(u64::from_le_bytes(wide) * 10u64.pow(7 - u32::from(scale)))
}

/// `None` for half a unit.
fn units(bytes: &[u8]) -> Option<Vec<u16>> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    rest.is_empty()
        .then(|| pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tds::type_info::{Collation, Length, Width};

    fn value(ty: TypeInfo, bytes: &[u8]) -> KeyValue {
        let page = CodePage::new(1251).unwrap();
        key_value(&ty, bytes, Some(&page)).unwrap()
    }

    #[test]
    fn integers_keep_their_sign_and_tinyint_has_none() {
        let int = |bytes: &[u8]| value(TypeInfo::Int(bytes.len() as u8, Width::Prefixed), bytes);
        assert_eq!(int(&[0xFF]), KeyValue::Int(255));
        assert_eq!(int(&[0xFF, 0xFF]), KeyValue::Int(-1));
        assert_eq!(int(&i64::MIN.to_le_bytes()), KeyValue::Int(i64::MIN));
    }

    #[test]
    fn money_takes_its_upper_half_first() {
        let bytes = [0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF];
        assert_eq!(
            value(TypeInfo::Money(8, Width::Prefixed), &bytes),
            KeyValue::Money(i64::MAX)
        );
    }

    #[test]
    fn decimals_keep_38_digits_and_zero_has_no_sign() {
        let ty = TypeInfo::Decimal {
            precision: 38,
            scale: 10,
        };
        let mut bytes = vec![0];
        bytes.extend_from_slice(&(10u128.pow(38) - 1).to_le_bytes());
        let KeyValue::Decimal { unscaled, .. } = value(ty.clone(), &bytes) else {
            panic!()
        };
        assert_eq!(unscaled, format!("-{}", "9".repeat(38)));
        let KeyValue::Decimal { unscaled, .. } = value(ty, &[0, 0, 0, 0, 0]) else {
            panic!()
        };
        assert_eq!(unscaled, "0");
    }

    #[test]
    fn times_keep_their_ticks() {
        assert_eq!(
            value(TypeInfo::DateTime2 { scale: 3 }, &[1, 0, 0, 0, 2, 0, 0]),
            KeyValue::DateTime2 {
                days: 2,
                ticks: 10_000,
                scale: 3
            }
        );
        assert_eq!(
            value(
                TypeInfo::DateTimeOffset { scale: 7 },
                &[1, 0, 0, 0, 0, 2, 0, 0, 0xB6, 0xFE]
            ),
            KeyValue::DateTimeOffset {
                days: 2,
                ticks: 1,
                offset: -330,
                scale: 7
            }
        );
    }

    #[test]
    fn text_is_decoded_by_the_code_page_and_units_are_kept() {
        let collation = Collation {
            info: 0,
            sort_id: 0,
        };
        let length = Length::Limited(10);
        assert_eq!(
            value(TypeInfo::Char { length, collation }, b"\xC0 "),
            KeyValue::Text("А ".into())
        );
        assert_eq!(
            value(TypeInfo::NChar { length, collation }, &[0, 0xD8, 0x20, 0]),
            KeyValue::National(vec![0xD800, 0x20])
        );
    }

    #[test]
    fn bytes_of_another_form_are_refused() {
        for (ty, bytes) in [
            (TypeInfo::Guid, &[0u8; 15][..]),
            (TypeInfo::Int(4, Width::Prefixed), &[0; 3]),
            (TypeInfo::Time { scale: 7 }, &[0; 3]),
            (TypeInfo::Xml, &[]),
        ] {
            assert!(key_value(&ty, bytes, None).is_err());
        }
    }
}
