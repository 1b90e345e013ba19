//! A value that comes in pieces, and goes on where it stopped.

use crate::tds::code_page::CodePage;
use crate::transcode::coded::{self, MultiByte};
use crate::transcode::fault::Fault;
use crate::transcode::form::{Finish, Form};
use crate::transcode::layout::{Column, TextSource};
use crate::transcode::out::Out;
use crate::transcode::policy::TextPolicy;
use crate::transcode::utf16::Utf16;
use crate::transcode::value::{begin_text, finish_text};
use crate::transcode::wire::Pieces;

/// How far a long value came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    More,
    Whole,
}

/// A long value in work.
pub(super) struct Long {
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
    finish: Finish,
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

impl Long {
    pub(super) fn new(column: &Column, pieces: Pieces, out: &mut Out) -> Self {
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
            content,
            finish,
        }
    }

    /// The bytes before `count` left the output.
    pub(super) fn moved(&mut self, count: usize) {
        self.start -= count;
    }

    /// Takes what `input` has from `at` on.
    pub(super) fn feed(
        &mut self,
        input: &[u8],
        at: &mut usize,
        out: &mut Out,
        policy: &mut TextPolicy,
    ) -> Result<Progress, Fault> {
        loop {
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
            *at += piece.len();
            self.left -= piece.len();
            self.taken += piece.len() as u64;
        }
        if self.told.is_some_and(|told| told != self.taken) {
            return Err(Fault::Form);
        }
        self.end(out, policy)?;
        Ok(Progress::Whole)
    }

    fn piece(&mut self, piece: &[u8], out: &mut Out, policy: &mut TextPolicy) -> Result<(), Fault> {
        match &mut self.content {
            Content::Bytes => out.put_slice(piece),
            Content::Utf16(text) => text.feed(piece, out, policy)?,
            Content::Page(page) => coded::whole(page, piece, out, policy)?,
            Content::MultiByte(text) => text.decode(piece, out, policy, false)?,
            Content::Skipped => return Ok(()),
            Content::Refused => return Err(Fault::Form),
        }
        if out.is_over() {
            return Err(Fault::TooLong);
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Out, policy: &mut TextPolicy) -> Result<(), Fault> {
        match &mut self.content {
            Content::Utf16(text) => text.finish(out, policy)?,
            Content::MultiByte(text) => text.decode(&[], out, policy, true)?,
            Content::Skipped => return Ok(()),
            Content::Refused => return Err(Fault::Form),
            Content::Bytes | Content::Page(_) => {}
        }
        finish_text(self.finish, self.start, out, policy)
    }
}

fn content(column: &Column) -> (Content, Finish) {
    if column.planned.is_none() {
        return (Content::Skipped, Finish::Plain);
    }
    match (&column.form, &column.text) {
        (Form::Bytes, _) => (Content::Bytes, Finish::Plain),
        (Form::Made(finish), _) => (Content::Bytes, *finish),
        (Form::Text(finish), Some(TextSource::Utf16)) => {
            (Content::Utf16(Utf16::default()), *finish)
        }
        (Form::Text(finish), Some(TextSource::Page(page))) => {
            let content = match page {
                CodePage::SingleByte(_) => Content::Page(page.clone()),
                CodePage::MultiByte(encoding) => {
                    Content::MultiByte(Box::new(MultiByte::new(encoding)))
                }
            };
            (content, *finish)
        }
        _ => (Content::Refused, Finish::Plain),
    }
}
