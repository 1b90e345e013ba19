//! Well-known binary with an SRID before it to EWKB.
//!
//! The select list puts the SRID, four bytes with the highest first, before what `AsBinaryZM()`
//! gives. That is WKB of ISO 13249-3: Z adds 1000 to the type and M 2000. EWKB (PostGIS,
//! "geometry formats") has flags instead and the SRID within, after the first type; the
//! coordinates stay as they are. PostGIS itself leaves out an SRID of 0.

use crate::transcode::fault::Fault;
use crate::transcode::output::Output;

const Z: u32 = 0x8000_0000;
const M: u32 = 0x4000_0000;
const SRID: u32 = 0x2000_0000;
/// The whole globe, which only SQL Server has (T-SQL reference, "FullGlobe").
const FULL_GLOBE: u32 = 126;
/// Collections within collections.
const DEEPEST: usize = 32;

/// Rewrites the value that began at `start`.
pub(super) fn make_ewkb(start: usize, out: &mut Output) -> Result<(), Fault> {
    let srid = *out
        .written(start)
        .first_chunk::<4>()
        .ok_or(Fault::Malformed)?;
    let srid = u32::from_be_bytes(srid);
    if srid == 0 {
        out.remove(start, 4);
        let end = geometry(out.written_mut(start), 0, 0)?;
        return exactly(end, out.written(start));
    }
    let bytes = out.written_mut(start);
    let end = geometry(bytes, 4, 0)?;
    exactly(end, bytes)?;
    let order = bytes[4];
    let ty = word(bytes, 5, order)? | SRID;
    bytes[0] = order;
    put(bytes, 1, order, ty);
    put(bytes, 5, order, srid);
    Ok(())
}

fn exactly(end: usize, bytes: &[u8]) -> Result<(), Fault> {
    if end == bytes.len() {
        Ok(())
    } else {
        Err(Fault::Malformed)
    }
}

/// Rewrites the type of the geometry at `at` and of those within; gives where it ends.
fn geometry(bytes: &mut [u8], at: usize, depth: usize) -> Result<usize, Fault> {
    if depth > DEEPEST {
        return Err(Fault::Malformed);
    }
    let order = *bytes.get(at).ok_or(Fault::Malformed)?;
    let written = word(bytes, at + 1, order)?;
    let (flags, code) = match written / 1000 {
        0 => (0, written),
        1 => (Z, written - 1000),
        2 => (M, written - 2000),
        3 => (Z | M, written - 3000),
        _ => return Err(Fault::Malformed),
    };
    put(bytes, at + 1, order, code | flags);
    let point = 8 * (2 + usize::from(flags & Z != 0) + usize::from(flags & M != 0));
    let at = at + 5;
    match code {
        1 => Ok(at + point),
        // Points of a line string or a circular string.
        2 | 8 => points(bytes, at, order, point),
        // Rings of a polygon.
        3 => members(bytes, at, order, |bytes, at| {
            points(bytes, at, order, point)
        }),
        // Whole geometries: multi-parts, collections, compound curves, curve polygons.
        4..=7 | 9..=12 => members(bytes, at, order, |bytes, at| geometry(bytes, at, depth + 1)),
        FULL_GLOBE => Err(Fault::FullGlobe),
        _ => Err(Fault::Malformed),
    }
}

/// Skips a count and its points; gives where they end.
fn points(bytes: &mut [u8], at: usize, order: u8, point: usize) -> Result<usize, Fault> {
    let count = word(bytes, at, order)? as usize;
    let end = count
        .checked_mul(point)
        .and_then(|length| length.checked_add(at + 4));
    end.filter(|end| *end <= bytes.len())
        .ok_or(Fault::Malformed)
}

/// Goes through a count and that number of members.
fn members(
    bytes: &mut [u8],
    at: usize,
    order: u8,
    member: impl Fn(&mut [u8], usize) -> Result<usize, Fault>,
) -> Result<usize, Fault> {
    let count = word(bytes, at, order)?;
    let mut at = at + 4;
    for _ in 0..count {
        at = member(bytes, at)?;
    }
    Ok(at)
}

/// `order` is 1 for little-endian, 0 for big-endian.
fn word(bytes: &[u8], at: usize, order: u8) -> Result<u32, Fault> {
    let word = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>);
    let word = *word.ok_or(Fault::Malformed)?;
    match order {
        0 => Ok(u32::from_be_bytes(word)),
        1 => Ok(u32::from_le_bytes(word)),
        _ => Err(Fault::Malformed),
    }
}

fn put(bytes: &mut [u8], at: usize, order: u8, value: u32) {
    let word = match order {
        0 => value.to_be_bytes(),
        _ => value.to_le_bytes(),
    };
    bytes[at..at + 4].copy_from_slice(&word);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let hex: Vec<u8> = hex.bytes().filter(|byte| *byte != b' ').collect();
        hex.chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    fn made(srid: u32, wkb: &str) -> Result<Vec<u8>, Fault> {
        let mut out = Output::new(8);
        out.put_slice(b"before");
        out.put_slice(&srid.to_be_bytes());
        out.put_slice(&bytes(wkb));
        make_ewkb(6, &mut out).map(|()| out.written(6).to_vec())
    }

    const ONE: &str = "000000000000F03F";
    const TWO: &str = "0000000000000040";
    const THREE: &str = "0000000000000840";

    /// The example of the T-SQL reference, "AsBinaryZM (geometry Data Type)", which is
    /// `POINT(1 1 2 3)`; its EWKB is what PostGIS 3.3 prints of `SRID=4326;POINT ZM (1 1 2 3)`.
    #[test]
    fn a_point_with_z_and_m_keeps_both_and_its_srid() {
        let wkb = format!("01B90B0000{ONE}{ONE}{TWO}{THREE}");
        let ewkb = format!("01010000E0E6100000{ONE}{ONE}{TWO}{THREE}");
        assert_eq!(made(4326, &wkb), Ok(bytes(&ewkb)));
        let ewkb = format!("01010000C0{ONE}{ONE}{TWO}{THREE}");
        assert_eq!(made(0, &wkb), Ok(bytes(&ewkb)));
    }

    /// `GEOMETRYCOLLECTION M (POINT M (1 1 2), LINESTRING M EMPTY)`.
    #[test]
    fn geometries_within_get_flags_and_no_srid() {
        let wkb = format!("01D7070000 02000000 01D1070000{ONE}{ONE}{TWO} 01D207000000000000");
        let ewkb =
            format!("0107000060E6100000 02000000 0101000040{ONE}{ONE}{TWO} 010200004000000000");
        assert_eq!(made(4326, &wkb), Ok(bytes(&ewkb)));
    }

    #[test]
    fn rings_are_skipped_whole() {
        let ring = format!("02000000{ONE}{ONE}{TWO}{TWO}");
        let wkb = format!("010300000002000000{ring}{ring}");
        let ewkb = format!("0103000020E610000002000000{ring}{ring}");
        assert_eq!(made(4326, &wkb), Ok(bytes(&ewkb)));
    }

    #[test]
    fn what_is_no_wkb_is_refused_and_the_globe_by_name() {
        assert_eq!(made(4326, "017E000000"), Err(Fault::FullGlobe));
        for wkb in [
            "",
            "02",
            "0101000000",
            "0102000000FFFFFFFF",
            "01A00F0000",
            "010700000001000000",
            &format!("0101000000{ONE}{ONE}00"),
        ] {
            assert_eq!(made(4326, wkb), Err(Fault::Malformed), "{wkb}");
        }
        let nested = "010700000001000000".repeat(100);
        assert_eq!(made(4326, &nested), Err(Fault::Malformed));
    }
}
