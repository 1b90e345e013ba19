//! Text of a code page to UTF-8, for text that may arrive in pieces.
//!
//! Most text is ASCII, which every code page shares, so runs of it are copied in groups of 16
//! bytes. What comes after goes through a table or, for pages of several bytes, through
//! `encoding_rs`.

use encoding_rs::{Decoder, DecoderResult, Encoding};

use crate::tds::code_page::{CodePage, Entry};
use crate::transcode::column_policy::TextPolicy;
use crate::transcode::fault::Fault;
use crate::transcode::output::Output;

/// Bytes that the vector path takes at once.
const LANES: usize = 16;

/// A piece of text decoded by a page of single bytes: nothing is left for the next piece.
///
/// # Errors
/// The fault of the first character that the policy does not strip or replace; so for the others
/// here.
pub(super) fn single_byte(
    table: &[Entry; 256],
    bytes: &[u8],
    out: &mut Output,
    policy: &mut TextPolicy,
) -> Result<(), Fault> {
    let mut rest = bytes;
    loop {
        rest = &rest[ascii(rest, out)..];
        if rest.is_empty() {
            return Ok(());
        }
        let run = rest.len().min(LANES);
        for byte in &rest[..run] {
            let [a, b, c, length] = table[usize::from(*byte)];
            match length {
                0 => policy.undecodable(out)?,
                _ if *byte == 0 => policy.nul(out)?,
                _ => {
                    out.room(3)[..3].copy_from_slice(&[a, b, c]);
                    out.advance(usize::from(length));
                }
            }
        }
        rest = &rest[run..];
    }
}

/// A value that is there as a whole.
pub(super) fn whole(
    page: &CodePage,
    bytes: &[u8],
    out: &mut Output,
    policy: &mut TextPolicy,
) -> Result<(), Fault> {
    match page {
        CodePage::SingleByte(table) => single_byte(table, bytes, out, policy),
        CodePage::MultiByte(encoding) => {
            let rest = &bytes[ascii(bytes, out)..];
            if rest.is_empty() {
                return Ok(());
            }
            MultiByte::new(encoding).decode(rest, out, policy, true)
        }
    }
}

/// Text of a multi-byte page; a character may be cut between two pieces.
pub(super) struct MultiByte(Decoder);

impl MultiByte {
    pub(super) fn new(encoding: &'static Encoding) -> Self {
        Self(encoding.new_decoder_without_bom_handling())
    }

    /// Appends a piece; `last` says that the text ends with it.
    pub(super) fn decode(
        &mut self,
        bytes: &[u8],
        out: &mut Output,
        policy: &mut TextPolicy,
        last: bool,
    ) -> Result<(), Fault> {
        let mut rest = bytes;
        loop {
            let room = self
                .0
                .max_utf8_buffer_length_without_replacement(rest.len())
                .ok_or(Fault::TooLong)?;
            let from = out.position();
            let (result, read, written) =
                self.0
                    .decode_to_utf8_without_replacement(rest, out.room(room), last);
            out.advance(written);
            rest = &rest[read..];
            if out.written(from).contains(&0) {
                nuls(from, out, policy)?;
            }
            match result {
                DecoderResult::InputEmpty => return Ok(()),
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => policy.undecodable(out)?,
            }
        }
    }
}

/// Applies the policy to each U+0000 that was written after `from`.
#[cold]
fn nuls(from: usize, out: &mut Output, policy: &mut TextPolicy) -> Result<(), Fault> {
    let text = out.written(from).to_vec();
    out.cut_back(from);
    for (place, piece) in text.split(|byte| *byte == 0).enumerate() {
        if place != 0 {
            policy.nul(out)?;
        }
        out.put_slice(piece);
    }
    Ok(())
}

/// Copies the ASCII at the start of `bytes`, by whole groups, U+0000 excluded. Every page that
/// SQL Server knows holds ASCII in its first half.
#[inline]
fn ascii(bytes: &[u8], out: &mut Output) -> usize {
    let (blocks, tail) = bytes.as_chunks::<LANES>();
    let room = out.room(bytes.len());
    let mut done = 0;
    for block in blocks {
        let seen = block
            .iter()
            .fold(0u8, |seen, byte| seen | byte | byte.wrapping_sub(1));
        if seen & 0x80 != 0 {
            out.advance(done);
            return done;
        }
        room[done..done + LANES].copy_from_slice(block);
        done += LANES;
    }
    let (words, _) = tail.as_chunks::<4>();
    for word in words {
        let value = u32::from_le_bytes(*word);
        if value & 0x8080_8080 != 0 || value.wrapping_sub(0x0101_0101) & 0x8080_8080 != 0 {
            break;
        }
        room[done..done + 4].copy_from_slice(word);
        done += 4;
    }
    out.advance(done);
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcode::value_policy::ValuePolicy;
    use proptest::prelude::*;

    fn decode(number: u16, bytes: &[u8], policy: ValuePolicy) -> (Result<(), Fault>, Vec<u8>, u64) {
        let page = CodePage::new(number).unwrap();
        let mut policy = TextPolicy::uniform(policy);
        let mut out = Output::new(4);
        let result = whole(&page, bytes, &mut out, &mut policy);
        (result, out.written(0).to_vec(), policy.changed)
    }

    #[test]
    fn u_0000_and_undefined_bytes_follow_the_policy() {
        for number in [1252, 932, 65001] {
            let strip = decode(number, b"abcdefghijklmnopqrst\0u", ValuePolicy::Strip);
            assert_eq!(
                strip,
                (Ok(()), b"abcdefghijklmnopqrstu".to_vec(), 1),
                "{number}"
            );
            let error = decode(number, b"\0", ValuePolicy::Error);
            assert_eq!(error.0, Err(Fault::Nul), "{number}");
        }
        for (number, bytes) in [(1253, &b"a\xAAb"[..]), (65001, b"a\xFFb"), (932, b"a\xFEb")] {
            assert_eq!(
                decode(number, bytes, ValuePolicy::Error).0,
                Err(Fault::Undecodable)
            );
            let replaced = decode(number, bytes, ValuePolicy::Replace);
            assert_eq!(replaced, (Ok(()), "a\u{FFFD}b".as_bytes().to_vec(), 1));
        }
    }

    proptest! {
        /// The page's own whole-value decoding is the oracle of decoding in pieces.
        #[test]
        fn a_multi_byte_text_is_the_same_however_it_is_cut(
            text in "[a-zあ-んァ-ヶ一-三가-갖]{0,40}",
            cuts in prop::collection::vec(0usize..120, 0..6),
        ) {
            for encoding in [encoding_rs::SHIFT_JIS, encoding_rs::GBK, encoding_rs::UTF_8] {
                let (bytes, _, unmapped) = encoding.encode(&text);
                if unmapped {
                    continue;
                }
                let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
                cuts.sort_unstable();
                cuts.push(bytes.len());
                let (mut out, mut from) = (Output::new(1), 0);
                let mut policy = TextPolicy::uniform(ValuePolicy::Error);
                let mut decoder = MultiByte::new(encoding);
                for cut in cuts {
                    decoder.decode(&bytes[from..cut], &mut out, &mut policy, false).unwrap();
                    from = cut;
                }
                decoder.decode(&[], &mut out, &mut policy, true).unwrap();
                prop_assert_eq!(out.written(0), text.as_bytes());
            }
        }
    }
}
