//! UTF-16LE to UTF-8, for text that may arrive in pieces.
//!
//! `vectors` takes what the processor can do at once; surrogates, U+0000 and the ends of pieces are
//! taken one unit at a time here. A character that is cut between two pieces waits in [`Utf16`].

use crate::transcode::column_policy::TextPolicy;
use crate::transcode::fault::Fault;
use crate::transcode::output::Output;

mod ascii;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod block;
mod pairs;
mod vectors;

/// Units that are taken one by one where vectors stopped.
const RUN: usize = 16;

/// What a piece of text left for the next one.
#[derive(Debug, Default)]
pub(super) struct Utf16 {
    /// Half a unit.
    odd: Option<u8>,
    /// The first half of a surrogate pair.
    high: Option<u16>,
}

impl Utf16 {
    /// Appends `bytes` as UTF-8, as far as they are whole characters.
    ///
    /// # Errors
    /// What the policy says of U+0000 and of half a surrogate pair.
    #[inline]
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        out: &mut Output,
        policy: &mut TextPolicy,
    ) -> Result<(), Fault> {
        let mut rest = bytes;
        if let Some(low) = self.odd {
            let Some((high, after)) = rest.split_first() else {
                return Ok(());
            };
            self.odd = None;
            self.unit(u16::from_le_bytes([low, *high]), out, policy)?;
            rest = after;
        }
        loop {
            if self.high.is_none() && !rest.is_empty() {
                rest = &rest[vectors::encode(rest, out)..];
            }
            let (units, odd) = rest.as_chunks::<2>();
            if units.is_empty() {
                self.odd = odd.first().copied();
                return Ok(());
            }
            let run = units.len().min(RUN);
            for unit in &units[..run] {
                self.unit(u16::from_le_bytes(*unit), out, policy)?;
            }
            rest = &rest[run * 2..];
        }
    }

    /// The text is at its end.
    ///
    /// # Errors
    /// `Malformed` for half a unit; what the policy says of half a pair.
    #[inline]
    pub(super) fn finish(
        &mut self,
        out: &mut Output,
        policy: &mut TextPolicy,
    ) -> Result<(), Fault> {
        if self.odd.take().is_some() {
            return Err(Fault::Malformed);
        }
        match self.high.take() {
            None => Ok(()),
            Some(_) => policy.surrogate(out),
        }
    }

    #[inline]
    fn unit(&mut self, unit: u16, out: &mut Output, policy: &mut TextPolicy) -> Result<(), Fault> {
        if self.high.is_none() {
            match unit {
                0x0001..0x0080 => {
                    out.put([unit as u8]);
                    return Ok(());
                }
                0x0080..0x0800 => {
                    out.put([0xC0 | (unit >> 6) as u8, continuation(unit)]);
                    return Ok(());
                }
                0x0800..0xD800 | 0xE000.. => {
                    out.put([
                        0xE0 | (unit >> 12) as u8,
                        continuation(unit >> 6),
                        continuation(unit),
                    ]);
                    return Ok(());
                }
                _ => {}
            }
        }
        self.rare(unit, out, policy)
    }

    /// Surrogates and U+0000.
    fn rare(&mut self, unit: u16, out: &mut Output, policy: &mut TextPolicy) -> Result<(), Fault> {
        let is_low = (0xDC00..0xE000).contains(&unit);
        match self.high.take() {
            Some(high) if is_low => {
                let character =
                    0x1_0000 + (u32::from(high & 0x3FF) << 10 | u32::from(unit & 0x3FF));
                out.put([
                    0xF0 | (character >> 18) as u8,
                    continuation((character >> 12) as u16),
                    continuation((character >> 6) as u16),
                    continuation(character as u16),
                ]);
                Ok(())
            }
            Some(_) => {
                policy.surrogate(out)?;
                self.unit(unit, out, policy)
            }
            None if unit == 0 => policy.nul(out),
            None if is_low => policy.surrogate(out),
            None => {
                self.high = Some(unit);
                Ok(())
            }
        }
    }
}

#[inline]
fn continuation(bits: u16) -> u8 {
    0x80 | (bits & 0x3F) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcode::value_policy::ValuePolicy;
    use proptest::prelude::*;

    fn convert(
        units: &[u16],
        cuts: &[usize],
        policy: ValuePolicy,
    ) -> (Result<(), Fault>, Vec<u8>, u64) {
        let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let mut policy = TextPolicy::uniform(policy);
        let mut out = Output::new(8);
        let mut state = Utf16::default();
        let mut run = || -> Result<(), Fault> {
            let mut from = 0;
            for cut in cuts {
                let upto = (*cut % (bytes.len() + 1)).max(from);
                state.feed(&bytes[from..upto], &mut out, &mut policy)?;
                from = upto;
            }
            state.feed(&bytes[from..], &mut out, &mut policy)?;
            state.finish(&mut out, &mut policy)
        };
        let result = run();
        (result, out.written(0).to_vec(), policy.changed)
    }

    #[test]
    fn what_postgresql_cannot_hold_follows_the_policy() {
        let nul = [0x61, 0, 0x62];
        let lone = [0x61, 0xD83D, 0x62, 0xDE00];
        assert_eq!(convert(&nul, &[], ValuePolicy::Error).0, Err(Fault::Nul));
        assert_eq!(
            convert(&lone, &[], ValuePolicy::Error).0,
            Err(Fault::Surrogate)
        );
        assert_eq!(
            convert(&[0xD83D], &[], ValuePolicy::Error).0,
            Err(Fault::Surrogate)
        );
        assert_eq!(
            convert(&nul, &[], ValuePolicy::Strip),
            (Ok(()), b"ab".to_vec(), 1)
        );
        let replaced = "a\u{FFFD}b\u{FFFD}".as_bytes().to_vec();
        assert_eq!(
            convert(&lone, &[], ValuePolicy::Replace),
            (Ok(()), replaced, 2)
        );
    }

    #[test]
    fn u_0000_is_seen_in_every_lane() {
        for length in 1..70 {
            for place in 0..length {
                let mut units = vec![0x41; length];
                units[place] = 0;
                assert_eq!(convert(&units, &[], ValuePolicy::Error).0, Err(Fault::Nul));
            }
        }
    }

    /// Found by the tests below while the vectors were written.
    #[test]
    fn a_lone_half_behind_one_unit_and_a_pair_at_the_end_of_a_vector() {
        let (_, bytes, changed) = convert(&[1, 0xD800], &[], ValuePolicy::Replace);
        assert_eq!((bytes, changed), ("\u{1}\u{FFFD}".as_bytes().to_vec(), 1));
        for text in [
            "0A a 000aAAAa a aa0 AAA A0 0AAA\u{10000}A 0  AA0A0aA  a0     AAA A  A A0 0",
            "0AAA0Aa¡  ¡0\u{1}¡¡A¡\u{10000}\u{10000}  \u{10000}\u{10000}0¡aA \u{10000}\u{10000}0\u{10000}\u{10000}",
        ] {
            let units: Vec<u16> = text.encode_utf16().collect();
            let (result, bytes, _) = convert(&units, &[], ValuePolicy::Error);
            assert_eq!((result, bytes), (Ok(()), text.as_bytes().to_vec()));
        }
    }

    proptest! {
        /// The standard library is the oracle.
        #[test]
        fn text_equals_the_standard_library_however_it_is_cut(
            text in "(\\PC|[ -~]{0,40}|[\u{1}-\u{10FFFF}]){0,40}",
            cuts in prop::collection::vec(0usize..2000, 0..6),
        ) {
            let units: Vec<u16> = text.encode_utf16().filter(|unit| *unit != 0).collect();
            let mut cuts = cuts;
            let length = units.len() * 2 + 1;
            cuts.iter_mut().for_each(|cut| *cut %= length);
            cuts.sort_unstable();
            let (result, bytes, _) = convert(&units, &cuts, ValuePolicy::Error);
            prop_assert_eq!(result, Ok(()));
            prop_assert_eq!(bytes, text.replace('\0', "").into_bytes());
        }

        #[test]
        fn any_units_become_what_the_standard_library_replaces(
            units in prop::collection::vec(prop_oneof![1u16..0x80, 0xD7F0u16..0xE010, 1u16..], 0..60),
        ) {
            let (result, bytes, _) = convert(&units, &[], ValuePolicy::Replace);
            prop_assert_eq!(result, Ok(()));
            prop_assert_eq!(bytes, String::from_utf16_lossy(&units).into_bytes());
        }
    }
}
