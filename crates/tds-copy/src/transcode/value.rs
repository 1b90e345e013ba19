//! One value to one field.
//!
//! The match is ordered by how common the forms are, and rare ones have a function of their own, so
//! that the row loop stays small. Long values come through `streamed`, and end in `finish_text`
//! here too.

use crate::transcode::code_page_text;
use crate::transcode::column_policy::TextPolicy;
use crate::transcode::encoding::{ColumnEncoding, PostProcess, Shown};
use crate::transcode::fault::Fault;
use crate::transcode::float;
use crate::transcode::hex;
use crate::transcode::hierarchy;
use crate::transcode::json;
use crate::transcode::layout::{Column, TextSource};
use crate::transcode::number::{self, array, put_field, put_int, put_numeric};
use crate::transcode::output::Output;
use crate::transcode::render;
use crate::transcode::spatial;
use crate::transcode::time::{self, put_date, put_time, put_timestamp};
use crate::transcode::utf16::Utf16;
use crate::transcode::variant::put_variant;
use crate::transcode::vector;
use crate::transcode::xml;

/// Appends a value that is there as a whole.
///
/// # Errors
/// The fault of the value; what was written of its field is for the caller to cut off.
#[inline]
pub(super) fn put_value(
    column: &Column,
    bytes: &[u8],
    out: &mut Output,
    policy: &mut TextPolicy,
) -> Result<(), Fault> {
    match &column.form {
        ColumnEncoding::Reverse4 => put_field(out, reversed::<4>(bytes)?),
        ColumnEncoding::Reverse8 => put_field(out, reversed::<8>(bytes)?),
        ColumnEncoding::Reverse2 => put_field(out, reversed::<2>(bytes)?),
        ColumnEncoding::Boolean => put_field(out, [u8::from(array::<1>(bytes)? != [0])]),
        ColumnEncoding::Int(width) => put_int(out, number::int(bytes)?, *width)?,
        ColumnEncoding::Timestamp(source, rounding) => {
            if put_timestamp(out, time::read(*source, bytes)?, *rounding) {
                policy.end_of_day(column.policy);
            }
        }
        ColumnEncoding::Text(finish) => {
            if column.planned.is_some() {
                put_text(column, *finish, bytes, out, policy)?;
            }
        }
        ColumnEncoding::Bytes => {
            if column.planned.is_some() {
                out.put_length(bytes.len());
                out.put_slice(bytes);
            }
        }
        ColumnEncoding::Processed(finish) => {
            let start = out.open_field();
            out.put_slice(bytes);
            finish_text(*finish, start, out, policy)?;
        }
        ColumnEncoding::Variant(shape) => {
            policy.column = column.policy;
            put_variant(*shape, bytes, out, policy)?;
        }
        ColumnEncoding::Time(source, rounding) => {
            if put_time(out, time::read(*source, bytes)?, *rounding) {
                policy.end_of_day(column.policy);
            }
        }
        other => put_rare(other, bytes, out)?,
    }
    Ok(())
}

/// Forms whose own work is far more than a call.
fn put_rare(form: &ColumnEncoding, bytes: &[u8], out: &mut Output) -> Result<(), Fault> {
    match form {
        ColumnEncoding::BitInt(width) => {
            put_int(out, i64::from(array::<1>(bytes)? != [0]), *width)?
        }
        ColumnEncoding::DecimalNumeric {
            scale,
            display_scale,
        } => {
            let (negative, magnitude) = number::decimal(bytes)?;
            put_numeric(out, negative, magnitude, *scale, *display_scale);
        }
        ColumnEncoding::DecimalInt(width) => {
            let (negative, magnitude) = number::decimal(bytes)?;
            let value = i64::try_from(magnitude).map_err(|_| Fault::Malformed)?;
            put_int(out, if negative { -value } else { value }, *width)?;
        }
        ColumnEncoding::IntNumeric { display_scale } => {
            let value = number::int(bytes)?;
            let magnitude = u128::from(value.unsigned_abs());
            put_numeric(out, value < 0, magnitude, 0, *display_scale);
        }
        ColumnEncoding::MoneyNumeric { display_scale } => {
            let value = number::money(bytes)?;
            let magnitude = u128::from(value.unsigned_abs());
            put_numeric(out, value < 0, magnitude, 4, *display_scale);
        }
        ColumnEncoding::RealDouble => {
            let value = f64::from(f32::from_le_bytes(array(bytes)?));
            put_field(out, value.to_be_bytes());
        }
        ColumnEncoding::Date => put_date(out, time::read(time::Source::Date, bytes)?),
        ColumnEncoding::DateTimestamp => {
            let moment = time::read(time::Source::Date, bytes)?;
            put_timestamp(out, moment, time::Rounding::new(0, 0));
        }
        ColumnEncoding::Uuid => put_field(out, render::uuid(bytes)?),
        ColumnEncoding::Hierarchy => {
            let path = hierarchy::path(bytes)?;
            out.put_length(path.len());
            out.put_slice(path.as_bytes());
        }
        ColumnEncoding::Shown { what, pad } => shown(*what, bytes)?.put(out, *pad),
        // The common forms are the caller's.
        _ => return Err(Fault::Malformed),
    }
    Ok(())
}

/// The value as a line of ASCII.
fn shown(what: Shown, bytes: &[u8]) -> Result<render::Line, Fault> {
    Ok(match what {
        Shown::Bit => render::int(i64::from(array::<1>(bytes)? != [0])),
        Shown::Int => render::int(number::int(bytes)?),
        Shown::Decimal { scale } => {
            let (negative, magnitude) = number::decimal(bytes)?;
            render::decimal(negative, magnitude, scale)
        }
        Shown::Money => {
            let value = number::money(bytes)?;
            render::decimal(value < 0, u128::from(value.unsigned_abs()), 4)
        }
        Shown::Float(decimals) => float::lossless(number::double(bytes)?, decimals),
        Shown::Moment(source) => render::moment(source, time::read(source, bytes)?)?,
        Shown::Guid => render::guid(render::uuid(bytes)?),
    })
}

/// PostgreSQL's binary forms are big-endian.
#[inline]
fn reversed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Fault> {
    let mut bytes: [u8; N] = array(bytes)?;
    bytes.reverse();
    Ok(bytes)
}

fn put_text(
    column: &Column,
    finish: PostProcess,
    bytes: &[u8],
    out: &mut Output,
    policy: &mut TextPolicy,
) -> Result<(), Fault> {
    policy.column = column.policy;
    let start = out.open_field();
    begin_text(finish, out);
    match &column.text {
        Some(TextSource::Utf16) => {
            let mut text = Utf16::default();
            text.feed(bytes, out, policy)?;
            text.finish(out, policy)?;
        }
        Some(TextSource::Page(page)) => code_page_text::whole(page, bytes, out, policy)?,
        None => return Err(Fault::Malformed),
    }
    finish_text(finish, start, out, policy)
}

/// What stands in a field before its text.
#[inline]
pub(super) fn begin_text(finish: PostProcess, out: &mut Output) {
    if finish == PostProcess::Jsonb {
        out.put([json::JSONB_VERSION]);
    }
}

/// The text that began at `start` is whole.
///
/// # Errors
/// What only the end shows: JSON, WKB or a vector that is none, or a row that is too long.
#[inline]
pub(super) fn finish_text(
    finish: PostProcess,
    start: usize,
    out: &mut Output,
    policy: &mut TextPolicy,
) -> Result<(), Fault> {
    match finish {
        PostProcess::Plain => {}
        PostProcess::Pad(length) => pad(start, length as usize, out),
        PostProcess::Xml => xml::make_utf8(start, out),
        PostProcess::Jsonb => {
            json::mend_escapes(start + 1, out, policy)?;
            if policy.canonical_json() {
                json::canonicalise(start + 1, out);
            }
        }
        PostProcess::Elements(shape) => vector::make_elements(shape, start, out)?,
        PostProcess::Ewkb => spatial::make_ewkb(start, out)?,
        PostProcess::Digits => hex::make_digits(start, out),
    }
    if out.is_over() {
        return Err(Fault::TooLong);
    }
    out.close_field(start);
    Ok(())
}

/// Blanks up to `length` characters: how PostgreSQL stores and sends `char(n)`.
fn pad(start: usize, length: usize, out: &mut Output) {
    let text = out.written(start);
    let characters = text.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
    let blanks = length.saturating_sub(characters);
    out.room(blanks)[..blanks].fill(b' ');
    out.advance(blanks);
}
