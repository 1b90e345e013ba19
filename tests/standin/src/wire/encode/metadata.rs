//! COLMETADATA: the columns of a result set in the forms SQL Server uses (MS-TDS 2.2.7.4).

use crate::types::{Collation, Column, SqlType};
use crate::wire::encode::kind::decimal_width;

/// SQL_Latin1_General_CP1_CI_AS as the five bytes of MS-TDS 4.4.
pub(crate) const DEFAULT_COLLATION: [u8; 5] = [0x09, 0x04, 0xD0, 0x00, 0x34];

const COLMETADATA: u8 = 0x81;

/// Column flags (MS-TDS 2.2.7.4).
mod flag {
    pub(super) const NULLABLE: u16 = 0x0001;
    pub(super) const CASE_SENSITIVE: u16 = 0x0002;
    pub(super) const UPDATABLE_UNKNOWN: u16 = 0x0008;
    pub(super) const IDENTITY: u16 = 0x0010;
    pub(super) const COMPUTED: u16 = 0x0020;
}

/// UserType of rowversion; 0 for everything else since TDS 7.2.
const USER_TYPE_TIMESTAMP: u32 = 80;

pub(super) fn write(columns: &[Column], out: &mut Vec<u8>) {
    out.push(COLMETADATA);
    out.extend_from_slice(&(columns.len() as u16).to_le_bytes());
    for column in columns {
        let user_type = if column.ty == SqlType::RowVersion {
            USER_TYPE_TIMESTAMP
        } else {
            0
        };
        out.extend_from_slice(&user_type.to_le_bytes());
        out.extend_from_slice(&flags(column).to_le_bytes());
        type_info(
            &column.ty,
            column.nullable,
            column.collation.as_deref(),
            out,
        );
        if matches!(column.ty, SqlType::Text | SqlType::NText | SqlType::Image) {
            // TableName: one part, not known here.
            out.extend_from_slice(&[1, 0, 0]);
        }
        name(&column.name, out);
    }
}

fn flags(column: &Column) -> u16 {
    let mut flags = 0;
    if column.nullable {
        flags |= flag::NULLABLE;
    }
    if column
        .collation
        .as_ref()
        .is_some_and(|collation| collation.case_sensitive)
        || column.ty == SqlType::Xml
    {
        flags |= flag::CASE_SENSITIVE;
    }
    flags
        | match (column.identity, column.computed) {
            (true, _) => flag::IDENTITY,
            (false, true) => flag::COMPUTED,
            (false, false) => flag::UPDATABLE_UNKNOWN,
        }
}

/// At most 128 characters by T-SQL's own rule, so the one-byte count suffices.
fn name(name: &str, out: &mut Vec<u8>) {
    let units: Vec<u16> = name.encode_utf16().take(255).collect();
    out.push(units.len() as u8);
    out.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
}

/// TYPE_INFO (MS-TDS 2.2.5.6). NOT NULL columns use the fixed-length types where there are any.
fn type_info(ty: &SqlType, nullable: bool, collation: Option<&Collation>, out: &mut Vec<u8>) {
    match *ty {
        SqlType::Bit => fixed(nullable, 0x32, 0x68, 1, out),
        SqlType::TinyInt => fixed(nullable, 0x30, 0x26, 1, out),
        SqlType::SmallInt => fixed(nullable, 0x34, 0x26, 2, out),
        SqlType::Int => fixed(nullable, 0x38, 0x26, 4, out),
        SqlType::BigInt => fixed(nullable, 0x7F, 0x26, 8, out),
        SqlType::SmallMoney => fixed(nullable, 0x7A, 0x6E, 4, out),
        SqlType::Money => fixed(nullable, 0x3C, 0x6E, 8, out),
        SqlType::Real => fixed(nullable, 0x3B, 0x6D, 4, out),
        SqlType::Float => fixed(nullable, 0x3E, 0x6D, 8, out),
        SqlType::SmallDateTime => fixed(nullable, 0x3A, 0x6F, 4, out),
        SqlType::DateTime => fixed(nullable, 0x3D, 0x6F, 8, out),
        SqlType::Decimal { precision, scale } => {
            out.extend_from_slice(&[0x6A, decimal_width(precision), precision, scale]);
        }
        SqlType::Date => out.push(0x28),
        SqlType::Time { scale } => out.extend_from_slice(&[0x29, scale]),
        SqlType::DateTime2 { scale } => out.extend_from_slice(&[0x2A, scale]),
        SqlType::DateTimeOffset { scale } => out.extend_from_slice(&[0x2B, scale]),
        SqlType::UniqueIdentifier => out.extend_from_slice(&[0x24, 16]),
        SqlType::Xml => out.extend_from_slice(&[0xF1, 0]),
        SqlType::HierarchyId => udt("hierarchyid", 892, out),
        SqlType::Geography => udt("geography", 0xFFFF, out),
        SqlType::Geometry => udt("geometry", 0xFFFF, out),
        SqlType::Json | SqlType::Vector { .. } => {
            strings(&SqlType::NVarChar { length: None }, collation, out);
        }
        SqlType::SqlVariant => long(0x62, 8009, out),
        _ => strings(ty, collation, out),
    }
}

/// UDT_INFO (MS-TDS 2.2.5.5.2): size, database, schema, type, and the assembly's name.
fn udt(type_name: &str, size: u16, out: &mut Vec<u8>) {
    out.push(0xF0);
    out.extend_from_slice(&size.to_le_bytes());
    name("", out);
    name("sys", out);
    name(type_name, out);
    let assembly: Vec<u16> = "Microsoft.SqlServer.Types".encode_utf16().collect();
    out.extend_from_slice(&(assembly.len() as u16).to_le_bytes());
    out.extend(assembly.iter().flat_map(|unit| unit.to_le_bytes()));
}

/// Character and binary types.
fn strings(ty: &SqlType, collation: Option<&Collation>, out: &mut Vec<u8>) {
    /// `max` in place of a length.
    const MAX: u16 = 0xFFFF;
    match *ty {
        SqlType::Char { length } => short(0xAF, length, out),
        SqlType::VarChar { length } => short(0xA7, length.unwrap_or(MAX), out),
        SqlType::NChar { length } => short(0xEF, length * 2, out),
        SqlType::NVarChar { length } => short(0xE7, length.map_or(MAX, |length| length * 2), out),
        SqlType::Binary { length } => return short(0xAD, length, out),
        SqlType::RowVersion => return short(0xAD, 8, out),
        SqlType::VarBinary { length } => return short(0xA5, length.unwrap_or(MAX), out),
        SqlType::Image => return long(0x22, 0x7FFF_FFFF, out),
        SqlType::Text => long(0x23, 0x7FFF_FFFF, out),
        SqlType::NText => long(0x63, 0x7FFF_FFFE, out),
        _ => unreachable!("type_info has handled all other types"),
    }
    out.extend_from_slice(&collation.map_or(DEFAULT_COLLATION, collation_bytes));
}

/// The five bytes of a collation (MS-TDS 2.2.5.1.2).
fn collation_bytes(collation: &Collation) -> [u8; 5] {
    let info = collation.info.to_le_bytes();
    [info[0], info[1], info[2], info[3], collation.sort_id]
}

fn fixed(nullable: bool, fixed: u8, variable: u8, width: u8, out: &mut Vec<u8>) {
    if nullable {
        out.extend_from_slice(&[variable, width]);
    } else {
        out.push(fixed);
    }
}

/// A length of 0 cannot be declared; SQL Server says 1 for the type of `''`.
fn short(token: u8, length: u16, out: &mut Vec<u8>) {
    let least = if matches!(token, 0xE7 | 0xEF) { 2 } else { 1 };
    out.push(token);
    out.extend_from_slice(&length.max(least).to_le_bytes());
}

fn long(token: u8, length: u32, out: &mut Vec<u8>) {
    out.push(token);
    out.extend_from_slice(&length.to_le_bytes());
}
