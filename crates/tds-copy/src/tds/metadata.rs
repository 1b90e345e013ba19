//! What a result's rows are made of (COLMETADATA, MS-TDS 2.2.7.4).
//!
//! The columns of a result come once, before its first row. `transcode::layout` compares them with
//! what was planned, and decides how each is read.

use crate::tds::cursor::{Cursor, Parsed, Stop};
use crate::tds::type_info::TypeInfo;

/// The most columns that a SELECT can have.
const MAX_COLUMNS: u16 = 4096;

/// One column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnInfo {
    /// As the statement names it; empty for an expression without a name.
    pub name: String,
    /// The type that its values have on the wire.
    pub ty: TypeInfo,
    /// UserType: 80 for `rowversion`, 0 for most others.
    pub user_type: u32,
    /// The bits of Flags (MS-TDS 2.2.7.4).
    pub flags: u16,
}

impl ColumnInfo {
    /// Added by the server for a browsing client, not selected by the statement.
    pub fn is_hidden(&self) -> bool {
        self.flags & 0x2000 != 0
    }

    /// Always Encrypted: the bytes are not the value.
    pub fn is_encrypted(&self) -> bool {
        self.flags & 0x0800 != 0
    }

    /// Whether the server allows NULL in it.
    pub fn is_nullable(&self) -> bool {
        self.flags & 0x0001 != 0
    }
}

/// Reads COLMETADATA after its token byte.
///
/// # Errors
/// `Protocol` for more columns than a SELECT can have, and for a type that is not known: its values
/// would have no end.
pub fn parse(cursor: &mut Cursor<'_>) -> Parsed<Vec<ColumnInfo>> {
    let count = cursor.u16()?;
    // 0xFFFF: the statement has no metadata.
    if count == 0xFFFF {
        return Ok(Vec::new());
    }
    if count > MAX_COLUMNS {
        return Err(Stop::protocol(format!(
            "the server announces a result of {count} columns"
        )));
    }
    (0..count).map(|_| column(cursor)).collect()
}

fn column(cursor: &mut Cursor<'_>) -> Parsed<ColumnInfo> {
    let user_type = cursor.u32()?;
    let flags = cursor.u16()?;
    let ty = TypeInfo::parse(cursor)?;
    if matches!(ty, TypeInfo::Text(_) | TypeInfo::NText(_) | TypeInfo::Image) {
        table_name(cursor)?;
    }
    Ok(ColumnInfo {
        name: cursor.short_string()?,
        ty,
        user_type,
        flags,
    })
}

/// The table of a text, ntext or image column, in parts.
fn table_name(cursor: &mut Cursor<'_>) -> Parsed<()> {
    for _ in 0..cursor.u8()? {
        cursor.long_string()?;
    }
    Ok(())
}
