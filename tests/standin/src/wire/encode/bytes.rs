//! Single values as bytes.

use crate::wire::encode::kind::time_width;

pub(crate) fn wide_bytes(units: &[u16], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + units.len() * 2, 0);
    let (places, _) = out[start..].as_chunks_mut::<2>();
    for (place, unit) in places.iter_mut().zip(units) {
        *place = unit.to_le_bytes();
    }
}

/// High half first (MS-TDS 2.2.5.5.1.3).
pub(crate) fn money_bytes(money: i64) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&((money >> 32) as i32).to_le_bytes());
    bytes[4..].copy_from_slice(&(money as u32).to_le_bytes());
    bytes
}

pub(crate) fn datetime_bytes(days: i32, ticks: u32) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&days.to_le_bytes());
    bytes[4..].copy_from_slice(&ticks.to_le_bytes());
    bytes
}

pub(crate) fn smalldatetime_bytes(days: u16, minutes: u16) -> [u8; 4] {
    let (days, minutes) = (days.to_le_bytes(), minutes.to_le_bytes());
    [days[0], days[1], minutes[0], minutes[1]]
}

pub(crate) fn date(days: i32, out: &mut Vec<u8>) {
    out.extend_from_slice(&days.to_le_bytes()[..3]);
}

pub(crate) fn time(ticks: u64, scale: u8, out: &mut Vec<u8>) {
    let units = ticks / TICKS[usize::from(scale.min(7))];
    out.extend_from_slice(&units.to_le_bytes()[..usize::from(time_width(scale))]);
}

/// Sign and magnitude of `width` bytes in all.
pub(crate) fn decimal(unscaled: i128, width: u8, out: &mut Vec<u8>) -> Result<(), &'static str> {
    let magnitude = unscaled.unsigned_abs().to_le_bytes();
    let (kept, cut) = magnitude.split_at(usize::from(width) - 1);
    if cut.iter().any(|byte| *byte != 0) {
        return Err(OUT_OF_RANGE);
    }
    out.push(u8::from(unscaled >= 0));
    out.extend_from_slice(kept);
    Ok(())
}

/// The ticks of 100 ns in one unit of `time(scale)`.
pub(crate) const TICKS: [u64; 8] = [10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];

pub(crate) const OUT_OF_RANGE: &str = "number outside of its column's range";
