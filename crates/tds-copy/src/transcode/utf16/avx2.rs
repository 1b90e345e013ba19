//! UTF-16 to UTF-8 by AVX2: sixteen units at once, but for surrogates.
//!
//! A unit gets 32 bits in which its bytes stand, the first one lowest. How many bytes each of four
//! units has chooses the shuffle that moves them together.

#![allow(unsafe_code, reason = "vectors are loaded and stored through pointers")]

use std::arch::x86_64::*;

/// Units in a vector.
const UNITS: usize = 16;

/// The machine has what [`encode`] needs.
pub(super) fn is_there() -> bool {
    is_x86_feature_detected!("avx2")
}

/// How the bytes of four units are moved together, and how many they are. Bit n of the place tells
/// that unit n has two bytes or more, bit 4 + n that it has three.
static SHUFFLES: [([u8; 16], u8); 256] = shuffles();

const fn shuffles() -> [([u8; 16], u8); 256] {
    // A byte from 0x80 on makes a zero.
    let mut all = [([0x80; 16], 0); 256];
    let mut place = 0;
    while place < 256 {
        let mut unit = 0;
        while unit < 4 {
            // The last of a unit's bytes is the third of its four places.
            let more = (place >> unit & 1) + (place >> (4 + unit) & 1);
            let mut byte = 2 - more;
            while byte < 3 {
                let (shuffle, length) = &mut all[place];
                shuffle[*length as usize] = (4 * unit + byte) as u8;
                *length += 1;
                byte += 1;
            }
            unit += 1;
        }
        place += 1;
    }
    all
}

/// Puts text from the start of `bytes` into `room`, and tells how many bytes it took and wrote. It
/// stops in front of a vector that has U+0000 or a surrogate, and of less than a vector.
///
/// `room` has three bytes for each unit and 16 more, all of which may be written.
#[target_feature(enable = "avx2")]
pub(super) fn encode(bytes: &[u8], room: &mut [u8]) -> (usize, usize) {
    let (mut done, mut at) = (0, 0);
    while let Some(block) = bytes[done..].first_chunk() {
        let units = load(block);
        // Of a unit and the unit less 1, one has a bit above the seventh unless the unit is 1..=127.
        let less = _mm256_sub_epi16(units, _mm256_set1_epi16(1));
        let beyond_ascii = _mm256_set1_epi16(0xFF80_u16.cast_signed());
        if _mm256_testz_si256(_mm256_or_si256(units, less), beyond_ascii) != 0 {
            let (first, second) = halves(units);
            store(_mm_packus_epi16(first, second), &mut room[at..]);
            at += UNITS;
        } else if has_other(units) {
            break;
        } else {
            let (first, second) = halves(units);
            at += put(first, &mut room[at..]);
            at += put(second, &mut room[at..]);
        }
        done += 2 * UNITS;
    }
    (done, at)
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(block: &[u8; 2 * UNITS]) -> __m256i {
    // SAFETY: the reference has all 32 bytes, and the load wants no alignment.
    unsafe { _mm256_loadu_si256(block.as_ptr().cast()) }
}

/// Writes all 16 bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn store(bytes: __m128i, room: &mut [u8]) {
    let place = room[..16].as_mut_ptr();
    // SAFETY: the slice has all 16 bytes, and the store wants no alignment.
    unsafe { _mm_storeu_si128(place.cast(), bytes) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn halves(vector: __m256i) -> (__m128i, __m128i) {
    (
        _mm256_castsi256_si128(vector),
        _mm256_extracti128_si256::<1>(vector),
    )
}

/// A unit is U+0000 or a surrogate.
#[inline]
#[target_feature(enable = "avx2")]
fn has_other(units: __m256i) -> bool {
    let kind = _mm256_and_si256(units, _mm256_set1_epi16(0xF800_u16.cast_signed()));
    let surrogate = _mm256_cmpeq_epi16(kind, _mm256_set1_epi16(0xD800_u16.cast_signed()));
    let zero = _mm256_cmpeq_epi16(units, _mm256_setzero_si256());
    let other = _mm256_or_si256(surrogate, zero);
    _mm256_testz_si256(other, other) == 0
}

/// Puts eight units down, and tells how many bytes they became.
#[inline]
#[target_feature(enable = "avx2")]
fn put(units: __m128i, room: &mut [u8]) -> usize {
    let units = _mm256_cvtepu16_epi32(units);
    let two = _mm256_cmpgt_epi32(units, _mm256_set1_epi32(0x7F));
    let three = _mm256_cmpgt_epi32(units, _mm256_set1_epi32(0x7FF));
    let (first, second) = halves(spread(units, two, three));
    let bits = |mask| _mm256_movemask_ps(_mm256_castsi256_ps(mask)) as usize;
    let (two, three) = (bits(two), bits(three));
    let at = pack(first, two & 0xF | three << 4 & 0xF0, room);
    at + pack(second, two >> 4 | three & 0xF0, &mut room[at..])
}

/// The bytes of units, where `two` and `three` tell which have that many or more.
#[inline]
#[target_feature(enable = "avx2")]
fn spread(units: __m256i, two: __m256i, three: __m256i) -> __m256i {
    let two_bytes = _mm256_set1_epi32(0x80_C000);
    let marks = _mm256_blendv_epi8(two_bytes, _mm256_set1_epi32(0x80_80E0), three);
    // A single byte stands where the last of several does.
    let single = _mm256_slli_epi32::<16>(units);
    let last = _mm256_and_si256(single, _mm256_set1_epi32(0x3F_0000));
    let middle = _mm256_slli_epi32::<2>(units);
    let middle = _mm256_and_si256(middle, _mm256_set1_epi32(0x3F00));
    let first = _mm256_srli_epi32::<12>(units);
    let bytes = _mm256_or_si256(_mm256_or_si256(last, middle), _mm256_or_si256(first, marks));
    _mm256_blendv_epi8(single, bytes, two)
}

/// Puts the bytes of four units together, and tells how many.
#[inline]
#[target_feature(enable = "avx2")]
fn pack(bytes: __m128i, lengths: usize, room: &mut [u8]) -> usize {
    let (shuffle, length) = &SHUFFLES[lengths & 0xFF];
    // SAFETY: the reference has all 16 bytes, and the load wants no alignment.
    let shuffle = unsafe { _mm_loadu_si128(shuffle.as_ptr().cast()) };
    store(_mm_shuffle_epi8(bytes, shuffle), room);
    usize::from(*length)
}
