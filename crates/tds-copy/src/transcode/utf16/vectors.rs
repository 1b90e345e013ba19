//! Chooses how UTF-16 becomes UTF-8 by the instructions that this machine has.

use std::sync::LazyLock;

use crate::transcode::output::Output;
use crate::transcode::utf16::{ascii, block};
#[cfg(target_arch = "x86_64")]
use crate::transcode::utf16::{avx2, avx512};

/// What the machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vectors {
    /// Intel since Ice Lake (2019), AMD since Zen 4 (2022).
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// Intel since Haswell (2013), AMD since Excavator (2015).
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What the compiler makes of loops without a branch, for any machine.
    Portable,
}

static VECTORS: LazyLock<Vectors> = LazyLock::new(|| Vectors::all()[0]);

impl Vectors {
    /// The ways that work here, the fastest first.
    fn all() -> Vec<Self> {
        let mut all = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if avx2::is_there() {
                all.insert(0, Self::Avx2);
            }
            if avx512::is_there() {
                all.insert(0, Self::Avx512);
            }
        }
        all
    }

    fn encode(self, bytes: &[u8], out: &mut Output) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code, reason = "instructions that not every machine has")]
            Self::Avx512 => by_pieces(bytes, out, |bytes, room| {
                // SAFETY: `all` names this way only where `is_there` found the instructions.
                unsafe { avx512::encode(bytes, room) }
            }),
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code, reason = "instructions that not every machine has")]
            Self::Avx2 => {
                let mut done = 0;
                loop {
                    done += by_pieces(&bytes[done..], out, |bytes, room| {
                        // SAFETY: as above.
                        unsafe { avx2::encode(bytes, room) }
                    });
                    let rest = &bytes[done..];
                    // It was stopped by a pair as a rule: one block without it, and on.
                    match block::encode(&rest[..rest.len().min(block::BLOCK)], out) {
                        0 => return done + ascii::encode(rest, out),
                        taken => done += taken,
                    }
                }
            }
            Self::Portable => portable(bytes, out),
        }
    }
}

/// Appends text from the start of `bytes` and tells how many bytes that were: all of it, or up to
/// less than a block in front of U+0000, of an unpaired surrogate or of the end. It never stops
/// between the halves of a pair.
#[inline]
pub(super) fn encode(bytes: &[u8], out: &mut Output) -> usize {
    VECTORS.encode(bytes, out)
}

/// Bytes that are given to vectors at once, so that a long value needs no more room than they do.
#[cfg(target_arch = "x86_64")]
const PIECE: usize = 8192;

/// What vectors may write beyond the text: the whole of the last one.
#[cfg(target_arch = "x86_64")]
const BEYOND: usize = 64;

/// `encode` takes bytes and room for three bytes a unit and [`BEYOND`], and tells how many bytes it
/// took and wrote.
#[cfg(target_arch = "x86_64")]
#[inline]
fn by_pieces(
    bytes: &[u8],
    out: &mut Output,
    encode: impl Fn(&[u8], &mut [u8]) -> (usize, usize),
) -> usize {
    let mut done = 0;
    loop {
        let rest = &bytes[done..];
        let piece = &rest[..rest.len().min(PIECE)];
        let (taken, written) = encode(piece, out.room(piece.len() / 2 * 3 + BEYOND));
        out.advance(written);
        done += taken;
        if taken == 0 || done == bytes.len() {
            return done;
        }
    }
}

fn portable(bytes: &[u8], out: &mut Output) -> usize {
    let mut done = 0;
    loop {
        done += ascii::encode(&bytes[done..], out);
        let taken = block::encode(&bytes[done..], out);
        if taken == 0 {
            return done;
        }
        done += taken;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Units that were taken, and what they became.
    fn encoded(vectors: Vectors, units: &[u16]) -> (usize, Vec<u8>) {
        let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let mut out = Output::new(4);
        let done = vectors.encode(&bytes, &mut out);
        assert_eq!(done % 2, 0);
        (done / 2, out.written(0).to_vec())
    }

    /// What was taken is what the standard library makes of it, and nothing that it refuses.
    fn holds(units: &[u16]) {
        for vectors in Vectors::all() {
            let (taken, bytes) = encoded(vectors, units);
            let expected = String::from_utf16(&units[..taken]).expect("whole characters");
            assert!(!units[..taken].contains(&0), "{vectors:?}");
            assert_eq!(bytes, expected.into_bytes(), "{vectors:?}");
        }
    }

    /// All of it is taken but for less than a block at its end.
    fn is_taken(text: &str) {
        let units: Vec<u16> = text.encode_utf16().collect();
        holds(&units);
        for vectors in Vectors::all() {
            let (taken, _) = encoded(vectors, &units);
            assert!(units.len() - taken < 16, "{vectors:?}: {taken} of {text}");
        }
    }

    #[test]
    fn this_machine_has_at_least_one_way() {
        assert_eq!(Vectors::all().last(), Some(&Vectors::Portable));
        assert_eq!(*VECTORS, Vectors::all()[0]);
    }

    #[test]
    fn text_of_every_kind_is_taken() {
        is_taken("");
        is_taken(&"it returns nothing at all; ".repeat(400));
        is_taken(&"функция не возвращает значение, ".repeat(30));
        is_taken(&"関数は値を返しません。エラーです、".repeat(30));
        is_taken(&"naïve Ωμέγα 😀 txt, “naïve” 日本 👩\u{200D}💻 𝒳 ".repeat(30));
        is_taken(&"😀".repeat(9000));
        is_taken(&"a😀".repeat(9000));
    }

    /// Every unit there is, in every place of a vector and after it, among others of all lengths.
    #[test]
    fn every_unit_is_encoded_or_refused() {
        let among = [
            0x41, 0x7FF, 0x7F, 0x80, 0xFFFF, 0x800, 0x416, 0x20, 0xD7FF, 0xE000, 0x3042,
        ];
        for unit in 0..=u16::MAX {
            let place = usize::from(unit) % 37;
            let mut units: Vec<u16> = among.into_iter().cycle().skip(place).take(40).collect();
            units[place] = unit;
            holds(&units);
        }
        for place in 0..70 {
            for unit in [
                0, 0x7F, 0x80, 0x7FF, 0x800, 0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0xFFFF,
            ] {
                let mut units = vec![0x41; 70];
                units[place] = unit;
                holds(&units);
            }
        }
    }

    proptest! {
        #[test]
        fn any_units_are_encoded_or_refused(
            units in prop::collection::vec(
                prop_oneof![1u16..0x80, 0x80u16..0x800, 0xD7F0u16..0xE010, any::<u16>()], 0..150,
            ),
        ) {
            holds(&units);
        }

        #[test]
        fn any_text_is_taken(text in "[ -~]{0,40}([\u{80}-\u{7FF}]|[\u{1}-\u{10FFFF}]|[ -~]){0,120}") {
            is_taken(&text);
        }
    }
}
