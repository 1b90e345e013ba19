//! Finds the end of a row token without decoding it, for faults that count rows.

use crate::wire::encode::kind::{Cell, Kind, NBCROW, ROW};

pub(super) fn row_length(cells: &[Cell], tokens: &[u8]) -> Option<usize> {
    let token = *tokens.first()?;
    let bitmap = match token {
        ROW => 0,
        NBCROW => cells.len().div_ceil(8),
        _ => return None,
    };
    let nulls = tokens.get(1..1 + bitmap)?;
    let mut at = 1 + bitmap;
    for (index, cell) in cells.iter().enumerate() {
        let is_null = nulls
            .get(index / 8)
            .is_some_and(|bits| bits >> (index % 8) & 1 == 1);
        if !is_null {
            at += cell_length(cell, tokens.get(at..)?)?;
        }
    }
    (at <= tokens.len()).then_some(at)
}

fn cell_length(cell: &Cell, bytes: &[u8]) -> Option<usize> {
    let fixed = |width: usize| {
        if cell.nullable {
            Some(1 + usize::from(*bytes.first()?))
        } else {
            Some(width)
        }
    };
    match &cell.kind {
        Kind::Bit => fixed(1),
        Kind::Int { width } => fixed(usize::from(*width)),
        Kind::SmallMoney | Kind::Real | Kind::SmallDateTime => fixed(4),
        Kind::Money | Kind::Float | Kind::DateTime => fixed(8),
        Kind::Decimal { .. }
        | Kind::Guid
        | Kind::Date
        | Kind::Time { .. }
        | Kind::DateTime2 { .. }
        | Kind::DateTimeOffset { .. } => Some(1 + usize::from(*bytes.first()?)),
        Kind::Ansi { .. } | Kind::Wide { .. } | Kind::Binary { .. } => {
            let length = u16::from_le_bytes(*bytes.first_chunk()?);
            Some(
                2 + if length == u16::MAX {
                    0
                } else {
                    usize::from(length)
                },
            )
        }
        Kind::AnsiMax { .. } | Kind::WideMax | Kind::BinaryMax | Kind::Xml => plp_length(bytes),
        Kind::Text { .. } | Kind::NText | Kind::Image => {
            let pointer = usize::from(*bytes.first()?);
            if pointer == 0 {
                return Some(1);
            }
            let length = bytes.get(1 + pointer + 8..)?.first_chunk()?;
            Some(1 + pointer + 8 + 4 + u32::from_le_bytes(*length) as usize)
        }
        Kind::Variant => Some(4 + u32::from_le_bytes(*bytes.first_chunk()?) as usize),
    }
}

fn plp_length(bytes: &[u8]) -> Option<usize> {
    if u64::from_le_bytes(*bytes.first_chunk()?) == u64::MAX {
        return Some(8);
    }
    let mut at = 8;
    loop {
        let chunk = u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?) as usize;
        at += 4 + chunk;
        if chunk == 0 {
            return Some(at);
        }
    }
}
