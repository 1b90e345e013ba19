//! How a column is read back so that its bytes are those that were sent.
//!
//! A checksum compares the bytes that were sent with those that come back, so each column has to
//! come back in the form in which it went. A type that PostgreSQL normalises needs a cast, or an
//! encoder that writes the normal form.

use crate::plan::table::ColumnPlan;
use crate::postgres::ddl::type_text;
use tsql::names::quote_ident;
use tsql::schema::SqlType;
use tsql::typemap::PgType;

/// The form in which a column comes back.
enum Form {
    /// PostgreSQL sends back what it was sent.
    AsStored,
    /// `xml_send` writes the declaration again; the cast gives the text as it was stored (both in
    /// postgres, xml.c).
    AsText,
}

/// No wildcard, so that a new type must choose: a test per type holds the choice to what
/// PostgreSQL gives back (tests/row_path/differential.rs).
fn form(ty: &PgType) -> Form {
    match ty {
        PgType::Xml => Form::AsText,
        PgType::Boolean
        | PgType::SmallInt
        | PgType::Integer
        | PgType::BigInt
        | PgType::Numeric(_)
        | PgType::Real
        | PgType::DoublePrecision
        | PgType::Date
        | PgType::Time(_)
        | PgType::Timestamp(_)
        | PgType::TimestampTz(_)
        | PgType::Char(_)
        | PgType::VarChar(_)
        | PgType::Text
        | PgType::Bytea
        | PgType::Uuid
        // The encoder writes jsonb as PostgreSQL prints it if checksums are asked for.
        | PgType::Json
        | PgType::Jsonb
        | PgType::RealArray
        | PgType::Vector(_)
        | PgType::Geography
        | PgType::Geometry => Form::AsStored,
    }
}

/// The column in the select list of a comparison.
pub(super) fn selected(column: &ColumnPlan) -> String {
    let name = quote_ident(&column.target_name);
    match form(&column.target_type) {
        Form::AsStored => match scale(column) {
            // Without a scale of its own a number has as many digits as its expression gave it.
            Some(scale) if column.target_type == PgType::Numeric(None) => {
                let digits = format!("pg_catalog.round({name}, {scale})");
                format!("CASE WHEN {name} = {digits} THEN {digits} ELSE {name} END")
            }
            _ => name,
        },
        Form::AsText => format!("{name}::pg_catalog.text"),
    }
}

/// The digits after the point that a number of the source has.
fn scale(column: &ColumnPlan) -> Option<u8> {
    match column.source.ty {
        SqlType::Decimal { scale, .. } => Some(scale),
        SqlType::Money | SqlType::SmallMoney => Some(4),
        _ => None,
    }
}

/// The type of what [`selected`] gives.
pub(super) fn read_type(ty: &PgType) -> String {
    match form(ty) {
        Form::AsStored => type_text(ty),
        Form::AsText => "text".to_owned(),
    }
}

/// Whether a value of [`read_type`] may be cut short and still be read: text and bytes, not numbers.
pub(super) fn is_long(ty: &PgType) -> bool {
    matches!(
        ty,
        PgType::Char(_)
            | PgType::VarChar(_)
            | PgType::Text
            | PgType::Bytea
            | PgType::Xml
            | PgType::Json
    )
}
