//! Sixteen UTF-16 units at once to UTF-8, whatever characters they are.
//!
//! Text in which scripts alternate defeats branch prediction: a branch per unit costs three times
//! what this does. Each unit's bytes and their number are computed without a branch, which the
//! compiler turns into vector code, and then put down one after another.

use crate::transcode::output::Output;
use crate::transcode::utf16::pairs::Pairs;

/// Units in a block.
const UNITS: usize = 16;
/// Bytes of a block.
pub(super) const BLOCK: usize = UNITS * 2;
/// The most that is written at once: two blocks of two bytes for each unit, or one of three, and
/// what its last word writes beyond.
const ROOM: usize = 2 * UNITS * 2;
/// Bits of a unit that has more bytes than one, or than two, four units wide.
const BEYOND_ASCII: u64 = 0xFF80_FF80_FF80_FF80;
const BEYOND_TWO_BYTES: u64 = 0xF800_F800_F800_F800;

/// The bytes of each unit, the first one lowest, and how many of the four they are.
struct Spread {
    words: [u32; UNITS],
    lengths: [u32; UNITS],
}

/// Appends whole blocks from the start of `bytes` and tells how many bytes that were. It stops in
/// front of a block that has U+0000 or an unpaired surrogate or is all ASCII, and never between the
/// halves of a pair.
pub(super) fn encode(bytes: &[u8], out: &mut Output) -> usize {
    if bytes.len() < BLOCK {
        return 0;
    }
    let mut spread = Spread {
        words: [0; UNITS],
        lengths: [0; UNITS],
    };
    let (mut one, mut two) = (Pairs::new(), Pairs::new());
    let mut done = 0;
    while let Some(block) = bytes[done..].first_chunk::<BLOCK>() {
        let bits = bits(block);
        if bits & BEYOND_ASCII == 0 {
            // For such a block there is a faster way.
            break;
        }
        if bits & BEYOND_TWO_BYTES == 0 {
            let (taken, written) = short(&bytes[done..], &mut one, &mut two, out.room(ROOM));
            out.advance(written);
            done += taken;
            if taken > 0 {
                continue;
            }
        }
        let taken = if plain(block, &mut spread) {
            BLOCK
        } else if paired(&units(block), &mut spread) {
            // A first half at the block's end waits for its second.
            BLOCK - 2 * usize::from(is_high(units(block)[UNITS - 1]))
        } else {
            break;
        };
        let written = pack(&spread, out.room(ROOM));
        out.advance(written);
        done += taken;
    }
    done
}

/// Encodes a block that has no unit of three bytes, and the next with it where that has none
/// either: bytes taken and written, none where there is U+0000.
#[inline]
fn short(
    bytes: &[u8],
    one: &mut Pairs<{ UNITS / 2 }>,
    two: &mut Pairs<UNITS>,
    room: &mut [u8],
) -> (usize, usize) {
    let (words, _) = bytes.as_chunks::<4>();
    let next = bytes[BLOCK..].first_chunk::<BLOCK>();
    if next.is_some_and(|next| bits(next) & BEYOND_TWO_BYTES == 0)
        && let Some(written) = words
            .first_chunk()
            .and_then(|blocks| two.encode(blocks, room))
    {
        return (2 * BLOCK, written);
    }
    let block = words.first_chunk();
    let written = block.and_then(|block| one.encode(block, room));
    written.map_or((0, 0), |written| (BLOCK, written))
}

/// The bits that any unit of the block has, four units wide.
#[inline]
fn bits(block: &[u8; BLOCK]) -> u64 {
    let (words, _) = block.as_chunks::<8>();
    let words = words.iter();
    words.fold(0, |bits, word| bits | u64::from_le_bytes(*word))
}

fn units(block: &[u8; BLOCK]) -> [u32; UNITS] {
    let (pairs, _) = block.as_chunks::<2>();
    let mut units = [0; UNITS];
    for (unit, pair) in units.iter_mut().zip(pairs) {
        *unit = u16::from_le_bytes(*pair).into();
    }
    units
}

/// All ones where `is`, for choosing without a branch.
#[inline]
fn mask(is: bool) -> u32 {
    0u32.wrapping_sub(is.into())
}

#[inline]
fn is_high(unit: u32) -> bool {
    unit & 0xFC00 == 0xD800
}

#[inline]
fn is_low(unit: u32) -> bool {
    unit & 0xFC00 == 0xDC00
}

/// Spreads units of up to three bytes; `false` where one is a surrogate or U+0000.
///
/// One loop over places, and not inlined: only so does the compiler make vectors of it.
#[inline(never)]
#[allow(
    clippy::needless_range_loop,
    reason = "iterators over several arrays are not vectorised"
)]
fn plain(block: &[u8; BLOCK], spread: &mut Spread) -> bool {
    let (pairs, _) = block.as_chunks::<2>();
    let mut other = 0u32;
    for place in 0..UNITS {
        let unit = u32::from(u16::from_le_bytes(pairs[place]));
        let two_up = mask(unit >= 0x80);
        let three = mask(unit >= 0x800);
        let as_two = 0x80C0 | unit >> 6 | (unit & 0x3F) << 8;
        let as_three = 0x80_80E0 | unit >> 12 | (unit >> 6 & 0x3F) << 8 | (unit & 0x3F) << 16;
        spread.words[place] = unit & !two_up | as_two & two_up & !three | as_three & three;
        spread.lengths[place] = 1u32.wrapping_sub(two_up).wrapping_sub(three);
        other |= u32::from(unit & 0xF800 == 0xD800) | u32::from(unit == 0);
    }
    other == 0
}

/// Corrects what [`plain`] made of surrogate pairs: nothing of a first half, four bytes of a
/// second. `false` where a half is alone, the block's last unit excepted, or a unit is U+0000.
#[inline(never)]
#[allow(clippy::needless_range_loop, reason = "as for `plain`")]
fn paired(units: &[u32; UNITS], spread: &mut Spread) -> bool {
    let mut former = [0; UNITS];
    former[1..].copy_from_slice(&units[..UNITS - 1]);
    let mut other = 0;
    for place in 0..UNITS {
        let (unit, former) = (units[place], former[place]);
        let (high, low) = (mask(is_high(unit)), mask(is_low(unit)));
        other |= (low ^ mask(is_high(former))) | mask(unit == 0);
        let code = 0x1_0000 + ((former & 0x3FF) << 10 | unit & 0x3FF);
        let as_four = 0x8080_80F0
            | code >> 18
            | (code >> 12 & 0x3F) << 8
            | (code >> 6 & 0x3F) << 16
            | (code & 0x3F) << 24;
        spread.words[place] = spread.words[place] & !low & !high | as_four & low;
        spread.lengths[place] = spread.lengths[place] & !low & !high | 4 & low;
    }
    other == 0
}

/// Puts the words down, each over the unused bytes of the one before; tells how many bytes.
#[inline(never)]
fn pack(spread: &Spread, room: &mut [u8]) -> usize {
    let room = &mut room[..ROOM];
    let mut at = 0;
    for (word, length) in spread.words.iter().zip(&spread.lengths) {
        room[at..at + 4].copy_from_slice(&word.to_le_bytes());
        at += *length as usize;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &[u16]) -> (usize, Vec<u8>) {
        let bytes: Vec<u8> = text.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let mut out = Output::new(4);
        let done = encode(&bytes, &mut out);
        (done, out.written(0).to_vec())
    }

    /// The standard library is the oracle.
    fn holds(text: &str) {
        let units: Vec<u16> = text.encode_utf16().collect();
        assert_eq!(encoded(&units), (units.len() * 2, text.as_bytes().to_vec()));
    }

    #[test]
    fn every_length_of_character_is_encoded() {
        holds("aé€бя日本x¡\u{7FF}\u{800}\u{FFFF}\u{FEFF}yz!");
        holds(&"жabcdefghijklmnо".repeat(3));
        holds("😀😀😀😀😀😀😀😀");
        holds(&"naïve Ωμέγα txt ".repeat(5));
        holds(&"naïve Ωμέγα txt, naïve “Ωμέγα” txt ".repeat(16));
        holds("a😀b𝒳ccc\u{10FFFF}\u{10000}ddd");
    }

    #[test]
    fn a_pair_across_two_blocks_stays_whole() {
        let text = "fifteen letters😀 and the rest of it all";
        let units: Vec<u16> = text.encode_utf16().collect();
        assert!(is_high(units[UNITS - 1].into()));
        let whole = "fifteen letters😀 and the rest ";
        assert_eq!(encoded(&units), (62, whole.as_bytes().to_vec()));
        assert_eq!(encoded(&units[..16]), (30, b"fifteen letters".to_vec()));
    }

    #[test]
    fn what_has_no_utf_8_is_left_to_the_caller() {
        for bad in [0, 0xD800, 0xDC00] {
            for place in 0..UNITS - 1 {
                let mut units = [0x416; UNITS];
                units[place] = bad;
                assert_eq!(encoded(&units), (0, Vec::new()), "{bad:x} at {place}");
            }
        }
    }
}
