//! UTF-16 to UTF-8 by AVX-512: 32 units of any kind in some forty instructions, without a branch
//! for each.
//!
//! A unit gets 32 bits in which its bytes stand, the first one lowest, with zeros where it has
//! fewer. No byte of UTF-8 is zero but U+0000, which is refused, so the bytes that are not zero are
//! the text, and one instruction (VPCOMPRESSB) moves them together.

#![allow(unsafe_code, reason = "vectors are loaded and stored through pointers")]

use std::arch::x86_64::*;

/// Bytes of a vector.
const VECTOR: usize = 64;

/// The machine has what [`encode`] needs.
pub(super) fn is_there() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512vbmi2")
        && is_x86_feature_detected!("popcnt")
}

/// Puts text from the start of `bytes` into `room`, and tells how many bytes it took and wrote. It
/// stops in front of a vector that has U+0000 or an unpaired surrogate, and between no pair.
///
/// `room` has three bytes for each unit and 64 more, all of which may be written.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,popcnt")]
pub(super) fn encode(bytes: &[u8], room: &mut [u8]) -> (usize, usize) {
    let (mut done, mut at) = (0, 0);
    while let Some((units, there)) = load(&bytes[done..]) {
        if _mm512_mask_testn_epi16_mask(there, units, units) != 0 {
            break;
        }
        let long = _mm512_cmpge_epu16_mask(units, _mm512_set1_epi16(0x80));
        let mut count = there.count_ones() as usize;
        if long == 0 {
            let bytes = _mm512_castsi256_si512(_mm512_cvtepi16_epi8(units));
            store(bytes, &mut room[at..]);
            at += count;
        } else {
            let surrogates = Surrogates::of(units);
            if surrogates.is_none() {
                at += pack(spread(half::<0>(units), long as u16), &mut room[at..]);
                at += pack(
                    spread(half::<1>(units), (long >> 16) as u16),
                    &mut room[at..],
                );
            } else {
                let Some((whole, surrogates)) = surrogates.whole(there) else {
                    break;
                };
                count = whole.count_ones() as usize;
                let units = _mm512_maskz_mov_epi16(whole, units);
                at += put_pairs(units, long & whole, surrogates, &mut room[at..]);
            }
        }
        done += 2 * count;
    }
    (done, at)
}

/// The next units, and a bit for each that is there; zeros after them.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load(bytes: &[u8]) -> Option<(__m512i, u32)> {
    if let Some(block) = bytes.first_chunk::<VECTOR>() {
        // SAFETY: the reference has all 64 bytes, and the load wants no alignment.
        let units = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
        return Some((units, u32::MAX));
    }
    let count = bytes.len() / 2;
    if count == 0 {
        return None;
    }
    let there = (1 << count) - 1;
    // SAFETY: `bytes` has the units that the mask selects; no others are read.
    let units = unsafe { _mm512_maskz_loadu_epi16(there, bytes.as_ptr().cast()) };
    Some((units, there))
}

/// Writes all 64 bytes.
#[inline]
#[target_feature(enable = "avx512f")]
fn store(bytes: __m512i, room: &mut [u8]) {
    let place = room[..VECTOR].as_mut_ptr();
    // SAFETY: the slice has all 64 bytes, and the store wants no alignment.
    unsafe { _mm512_storeu_si512(place.cast(), bytes) }
}

/// Half of the units, each in 32 bits.
#[inline]
#[target_feature(enable = "avx512f")]
fn half<const HALF: i32>(units: __m512i) -> __m512i {
    _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64::<HALF>(units))
}

/// The bytes of units that are no surrogates; `long` has a bit for each from U+0080 on.
#[inline]
#[target_feature(enable = "avx512f,avx512vbmi")]
fn spread(units: __m512i, long: u16) -> __m512i {
    let three = _mm512_cmpge_epu32_mask(units, _mm512_set1_epi32(0x800));
    let two_bytes = _mm512_set1_epi32(0x80_C000);
    let marks = _mm512_mask_mov_epi32(two_bytes, three, _mm512_set1_epi32(0x80_80E0));
    let fields = fields([12, 6, 0, 0], units);
    let bytes = _mm512_or_si512(
        _mm512_and_si512(fields, _mm512_set1_epi32(0x3F_3F0F)),
        marks,
    );
    // A single byte stands where the last of several does.
    _mm512_mask_slli_epi32::<16>(bytes, !long, units)
}

/// For each byte of 32 bits the eight bits of `units` from that position on.
#[inline]
#[target_feature(enable = "avx512f,avx512vbmi")]
fn fields(from: [u8; 4], units: __m512i) -> __m512i {
    let [a, b, c, d] = from;
    let both = i64::from_le_bytes([a, b, c, d, 32 + a, 32 + b, 32 + c, 32 + d]);
    _mm512_multishift_epi64_epi8(_mm512_set1_epi64(both), units)
}

/// Puts the bytes together that are not zero, and tells how many.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,popcnt")]
fn pack(bytes: __m512i, room: &mut [u8]) -> usize {
    let kept = _mm512_test_epi8_mask(bytes, bytes);
    store(_mm512_maskz_compress_epi8(kept, bytes), room);
    kept.count_ones() as usize
}

/// A bit for each first and each second half of a pair.
#[derive(Clone, Copy)]
struct Surrogates {
    high: u32,
    low: u32,
}

impl Surrogates {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn of(units: __m512i) -> Self {
        let kind = _mm512_and_si512(units, _mm512_set1_epi16(0xFC00_u16.cast_signed()));
        let is =
            |kind_of: u16| _mm512_cmpeq_epi16_mask(kind, _mm512_set1_epi16(kind_of.cast_signed()));
        Self {
            high: is(0xD800),
            low: is(0xDC00),
        }
    }

    fn is_none(self) -> bool {
        self.high | self.low == 0
    }

    /// The units of `there` without a first half at their end, which waits for its second, and the
    /// halves among them. `None` where another half is alone, or nothing is left.
    fn whole(self, there: u32) -> Option<(u32, Self)> {
        let last = there & !(there >> 1);
        let whole = there & !(self.high & last);
        let high = self.high & whole;
        (high << 1 == self.low && whole != 0).then_some((whole, Self { high, ..self }))
    }
}

/// Puts units down among which are pairs, and tells how many bytes they became.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,popcnt")]
fn put_pairs(units: __m512i, long: u32, surrogates: Surrogates, room: &mut [u8]) -> usize {
    let Surrogates { high, low } = surrogates;
    let (first, second) = (half::<0>(units), half::<1>(units));
    // In each unit's place the one after it.
    let behind_first = _mm512_alignr_epi32::<1>(second, first);
    let behind_second = _mm512_alignr_epi32::<1>(_mm512_setzero_si512(), second);
    let upper = |bits: u32| (bits >> 16) as u16;
    let bytes = spread(first, long as u16);
    let bytes = join(bytes, (first, behind_first), high as u16, low as u16);
    let at = pack(bytes, room);
    let bytes = spread(second, upper(long));
    let bytes = join(bytes, (second, behind_second), upper(high), upper(low));
    at + pack(bytes, &mut room[at..])
}

/// Gives first halves the four bytes of their pair, and second halves none.
#[inline]
#[target_feature(enable = "avx512f,avx512vbmi")]
fn join(bytes: __m512i, (units, behind): (__m512i, __m512i), high: u16, low: u16) -> __m512i {
    let bits = |units| _mm512_and_si512(units, _mm512_set1_epi32(0x3FF));
    let above = _mm512_or_si512(_mm512_slli_epi32::<10>(bits(units)), bits(behind));
    let character = _mm512_add_epi32(above, _mm512_set1_epi32(0x1_0000));
    let fields = fields([18, 12, 6, 0], character);
    let four = _mm512_or_si512(
        _mm512_and_si512(fields, _mm512_set1_epi32(0x3F3F_3F07)),
        _mm512_set1_epi32(0x8080_80F0_u32.cast_signed()),
    );
    _mm512_maskz_mov_epi32(!low, _mm512_mask_mov_epi32(bytes, high, four))
}
