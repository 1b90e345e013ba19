//! UTF-16 to UTF-8 two units at a time, for text below U+0800: Latin, Greek, Cyrillic, Arabic and
//! others, with ASCII in between.
//!
//! A pair of units is a machine word of 32 bits and becomes two to four bytes in it, without a
//! branch; the compiler turns the loop over the words into vector code.

/// What a block of `PAIRS` pairs becomes: of each the bytes, the first one lowest, and in the
/// lowest two bits by how many they are more than two. Kept from block to block.
pub(super) struct Pairs<const PAIRS: usize> {
    words: [u32; PAIRS],
    lengths: [u32; PAIRS],
}

impl<const PAIRS: usize> Pairs<PAIRS> {
    pub(super) fn new() -> Self {
        Self {
            words: [0; PAIRS],
            lengths: [0; PAIRS],
        }
    }

    /// Encodes `block` into the start of `room`, and tells how many bytes it became; `None` where
    /// it has U+0000 or a unit from U+0800 on.
    ///
    /// `room` has space for `4 * PAIRS` bytes.
    #[inline]
    pub(super) fn encode(&mut self, block: &[[u8; 4]; PAIRS], room: &mut [u8]) -> Option<usize> {
        self.spread(block).then(|| self.pack(room))
    }

    /// `false` where a unit is another.
    ///
    /// One loop over places, and not inlined: only so does the compiler make vectors of it.
    #[inline(never)]
    #[allow(
        clippy::needless_range_loop,
        reason = "iterators over several arrays are not vectorised"
    )]
    fn spread(&mut self, block: &[[u8; 4]; PAIRS]) -> bool {
        let mut seen = 0u32;
        for place in 0..PAIRS {
            let units = u32::from_le_bytes(block[place]);
            // Taking 1 from a zero leaves the highest bit, which no unit below U+0800 has.
            seen |= units | units.wrapping_sub(0x0001_0001);
            // 1 in each half that becomes two bytes, then all ones in it.
            let two = units.wrapping_add(0x7F80_7F80) >> 15 & 0x0001_0001;
            let chosen = (two << 16).wrapping_sub(two);
            let as_two = 0x80C0_80C0 | units >> 6 & 0x001F_001F | (units & 0x003F_003F) << 8;
            let both = units & !chosen | as_two & chosen;
            // Behind a single byte the second half comes down by one.
            let second = both & 0xFFFF_0000;
            let stays = 0u32.wrapping_sub(two & 1);
            self.words[place] = both.wrapping_sub(second.wrapping_sub(second >> 8) & !stays);
            self.lengths[place] = two.wrapping_add(two >> 16);
        }
        seen & 0xF800_F800 == 0
    }

    /// Puts the words down, each over the unused bytes of the one before; tells how many bytes.
    #[inline(never)]
    fn pack(&self, room: &mut [u8]) -> usize {
        let room = &mut room[..PAIRS * 4];
        let mut at = 0;
        for (word, length) in self.words.iter().zip(&self.lengths) {
            room[at..at + 4].copy_from_slice(&word.to_le_bytes());
            at += 2 + (*length & 3) as usize;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(units: [u16; 8]) -> Option<Vec<u8>> {
        let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let mut room = [0xAA; 4 * 4];
        let length =
            Pairs::<4>::new().encode(bytes.as_chunks().0.try_into().unwrap(), &mut room)?;
        Some(room[..length].to_vec())
    }

    /// Every unit there is, in every place, beside short and long ones; the standard library is
    /// the oracle.
    #[test]
    fn every_unit_is_encoded_or_refused() {
        for unit in 0..=u16::MAX {
            for place in 0..8 {
                let mut units = [0x41, 0x7FF, 0x7F, 0x80, 0xE9, 0x01, 0x416, 0x20];
                units[place] = unit;
                let expected = (1..0x800)
                    .contains(&unit)
                    .then(|| String::from_utf16(&units).unwrap().into_bytes());
                assert_eq!(encoded(units), expected, "{unit:x} at {place}");
            }
        }
    }
}
