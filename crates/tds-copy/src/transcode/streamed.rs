//! A value that comes in pieces; encoding continues where it stopped.
//!
//! The input is consumed piece by piece, so a value of a gigabyte needs no gigabyte of input. Its
//! encoded form grows in the output, because COPY wants a field's length before its bytes.

use crate::tds::code_page::CodePage;
use crate::transcode::code_page_text::{self, MultiByte};
use crate::transcode::column_policy::TextPolicy;
use crate::transcode::encoding::{ColumnEncoding, PostProcess};
use crate::transcode::fault::Fault;
use crate::transcode::field::Pieces;
use crate::transcode::layout::{Column, TextSource};
use crate::transcode::output::Output;
use crate::transcode::reject::{Kept, MOST_OF_A_VALUE};
use crate::transcode::utf16::Utf16;
use crate::transcode::value::{begin_text, finish_text};

/// How far a long value came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    More,
    Whole,
}

/// A long value in work.
pub(super) struct Streamed {
    /// Where its field begins in the output.
    start: usize,
    /// Bytes left of the current piece.
    left: usize,
    /// Further pieces follow, each with its length.
    chunked: bool,
    /// What the pieces' lengths must add up to, and what they did so far.
    told: Option<u64>,
    taken: u64,
    content: Content,
    finish: PostProcess,
    /// The bytes so far, where a fault of the value would ask for them, and up to
    /// [`MOST_OF_A_VALUE`].
    raw: Option<Vec<u8>>,
    /// All pieces were taken.
    ended: bool,
    /// Found out, and read only to be kept.
    faulty: bool,
}

/// What the bytes are, with what a piece leaves for the next.
enum Content {
    Bytes,
    Utf16(Utf16),
    Page(CodePage),
    MultiByte(Box<MultiByte>),
    /// Not planned: read and left out.
    Skipped,
    /// A form that has no long values.
    Refused,
}

impl Streamed {
    pub(super) fn new(column: &Column, pieces: Pieces, out: &mut Output) -> Self {
        let (content, finish) = content(column);
        let start = match content {
            Content::Skipped => out.position(),
            _ => out.open_field(),
        };
        begin_text(finish, out);
        let (left, chunked, told) = match pieces {
            Pieces::Chunks { told } => (0, true, told),
            Pieces::Run(length) => (length as usize, false, None),
        };
        Self {
            start,
            left,
            chunked,
            told,
            taken: 0,
            raw: may_be_kept(column, finish).then(Vec::new),
            content,
            finish,
            ended: false,
            faulty: false,
        }
    }

    /// Something is wrong with the value: what is left of it is read, and not encoded.
    #[cold]
    pub(super) fn leave_out(&mut self) {
        self.content = Content::Skipped;
        self.faulty = true;
    }

    /// What is kept of a value that was left out, when it is whole.
    pub(super) fn kept(self) -> Option<Kept> {
        let kept = match self.raw {
            Some(raw) => Kept::Wire(raw),
            None => Kept::Length(self.taken),
        };
        self.faulty.then_some(kept)
    }

    /// Bytes that are held beside the output.
    pub(super) fn held(&self) -> usize {
        self.raw.as_ref().map_or(0, Vec::len)
    }

    /// The bytes before `count` left the output.
    pub(super) fn moved(&mut self, count: usize) {
        self.start -= count;
    }

    /// Takes what `input` has from `at` on.
    ///
    /// # Errors
    /// A fault of the value; the caller then calls `leave_out` and feeds on, so that the stream
    /// stays in step.
    pub(super) fn feed(
        &mut self,
        input: &[u8],
        at: &mut usize,
        out: &mut Output,
        policy: &mut TextPolicy,
    ) -> Result<Progress, Fault> {
        while !self.ended {
            if self.left == 0 {
                if !self.chunked {
                    break;
                }
                let Some(length) = input[*at..].first_chunk::<4>() else {
                    return Ok(Progress::More);
                };
                *at += 4;
                self.left = u32::from_le_bytes(*length) as usize;
                if self.left == 0 {
                    break;
                }
            }
            let rest = &input[*at..];
            if rest.is_empty() {
                return Ok(Progress::More);
            }
            let piece = &rest[..rest.len().min(self.left)];
            self.piece(piece, out, policy)?;
            self.keep(piece);
            *at += piece.len();
            self.left -= piece.len();
            self.taken += piece.len() as u64;
        }
        if self.told.is_some_and(|told| told != self.taken) {
            return Err(Fault::Malformed);
        }
        // A fault from here on comes back with nothing left to read.
        self.ended = true;
        self.end(out, policy)?;
        Ok(Progress::Whole)
    }

    fn keep(&mut self, piece: &[u8]) {
        match &mut self.raw {
            Some(raw) if raw.len() + piece.len() <= MOST_OF_A_VALUE => raw.extend_from_slice(piece),
            // Too long to be kept, or not wanted.
            _ => self.raw = None,
        }
    }

    fn piece(
        &mut self,
        piece: &[u8],
        out: &mut Output,
        policy: &mut TextPolicy,
    ) -> Result<(), Fault> {
        match &mut self.content {
            Content::Bytes => out.put_slice(piece),
            Content::Utf16(text) => text.feed(piece, out, policy)?,
            Content::Page(page) => code_page_text::whole(page, piece, out, policy)?,
            Content::MultiByte(text) => text.decode(piece, out, policy, false)?,
            Content::Skipped => return Ok(()),
            Content::Refused => return Err(Fault::Malformed),
        }
        if out.is_over() {
            return Err(Fault::TooLong);
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Output, policy: &mut TextPolicy) -> Result<(), Fault> {
        match &mut self.content {
            Content::Utf16(text) => text.finish(out, policy)?,
            Content::MultiByte(text) => text.decode(&[], out, policy, true)?,
            Content::Skipped => return Ok(()),
            Content::Refused => return Err(Fault::Malformed),
            Content::Bytes | Content::Page(_) => {}
        }
        finish_text(self.finish, self.start, out, policy)
    }
}

/// Whether a fault of the value, other than its length, may cost the row.
fn may_be_kept(column: &Column, finish: PostProcess) -> bool {
    let text = column.text.is_some() && column.policy.may_reject_text();
    text || (finish == PostProcess::Ewkb && column.policy.rejects(Fault::FullGlobe))
}

fn content(column: &Column) -> (Content, PostProcess) {
    if column.planned.is_none() {
        return (Content::Skipped, PostProcess::Plain);
    }
    match (&column.form, &column.text) {
        (ColumnEncoding::Bytes, _) => (Content::Bytes, PostProcess::Plain),
        (ColumnEncoding::Processed(finish), _) => (Content::Bytes, *finish),
        (ColumnEncoding::Text(finish), Some(TextSource::Utf16)) => {
            (Content::Utf16(Utf16::default()), *finish)
        }
        (ColumnEncoding::Text(finish), Some(TextSource::Page(page))) => {
            let content = match page {
                CodePage::SingleByte(_) => Content::Page(page.clone()),
                CodePage::MultiByte(encoding) => {
                    Content::MultiByte(Box::new(MultiByte::new(encoding)))
                }
            };
            (content, *finish)
        }
        _ => (Content::Refused, PostProcess::Plain),
    }
}
