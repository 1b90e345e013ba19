//! UTF-16 to UTF-8 where it is ASCII, without instructions that a machine may lack.

use crate::transcode::output::Output;

/// Units that are taken at once.
const LANES: usize = 16;

/// Appends the ASCII at the start of `bytes`, by whole groups of units, and tells how many bytes
/// that were. U+0000 ends it like any other character.
#[inline]
pub(super) fn encode(bytes: &[u8], out: &mut Output) -> usize {
    let room = out.room(bytes.len() / 2);
    let blocks = match bytes.len() {
        0..32 => 0,
        _ => ascii_blocks(bytes, room),
    };
    let done = blocks * LANES;
    let units = done + ascii_words(&bytes[done * 2..], &mut room[done..]);
    out.advance(units);
    units * 2
}

/// Sixteen units at once, and how many times that was done. Of a unit and the unit less 1, one has
/// a bit above the seventh unless the unit is 1..=127, so U+0000 is seen at no cost.
///
/// Reading, testing and writing are apart, and the function is not inlined: only so does the
/// compiler make vectors of it.
#[inline(never)]
fn ascii_blocks(bytes: &[u8], room: &mut [u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<{ LANES * 2 }>();
    let (slots, _) = room.as_chunks_mut::<LANES>();
    let mut done = 0;
    for (block, slot) in blocks.iter().zip(slots) {
        let (pairs, _) = block.as_chunks::<2>();
        let mut units = [0; LANES];
        for (unit, pair) in units.iter_mut().zip(pairs) {
            *unit = u16::from_le_bytes(*pair);
        }
        let seen = units
            .iter()
            .fold(0u16, |seen, unit| seen | unit | unit.wrapping_sub(1));
        if seen & 0xFF80 != 0 {
            break;
        }
        for (byte, unit) in slot.iter_mut().zip(units) {
            *byte = unit as u8;
        }
        done += 1;
    }
    done
}

/// Four units at once, in a machine word.
#[inline]
fn ascii_words(bytes: &[u8], room: &mut [u8]) -> usize {
    const OTHER: u64 = 0xFF80_FF80_FF80_FF80;
    const ONES: u64 = 0x0001_0001_0001_0001;
    let (words, _) = bytes.as_chunks::<8>();
    let (slots, _) = room.as_chunks_mut::<4>();
    let mut done = 0;
    for (word, slot) in words.iter().zip(slots) {
        let units = u64::from_le_bytes(*word);
        // All units are below 0x80, so that taking 1 away borrows only from a zero.
        if units & OTHER != 0 || units.wrapping_sub(ONES) & 0x8000_8000_8000_8000 != 0 {
            break;
        }
        let pairs = units | units >> 8;
        let packed = pairs & 0xFFFF | pairs >> 16 & 0xFFFF_0000;
        *slot = (packed as u32).to_le_bytes();
        done += 1;
    }
    done * 4
}
