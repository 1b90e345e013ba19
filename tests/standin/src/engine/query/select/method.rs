//! Methods and properties of `geography` and `geometry`: as many as a migration reads with.
//!
//! A value is its SRID, four bytes with the highest first, and its WKB, see [`Value::Bytes`].

use sqlparser::ast::{Expr, Ident, ObjectName};

use crate::engine::datatype::is_spatial;
use crate::engine::error::{Result, argument_count, unsupported};
use crate::engine::eval::expr::Bound;
use crate::engine::eval::types::convert_to;
use crate::engine::function::argument::{as_int, integer_of, plain, strict};
use crate::engine::model::name::Name;
use crate::engine::query::bind::Binder;
use crate::engine::type_name;
use crate::types::{SqlType, Value};

/// What `tokens` makes of `geometry::STGeomFromWKB(...)`.
const FROM_WKB: &str = "::STGeomFromWKB";

impl Binder<'_> {
    /// `column.STSrid`; `None` where this is a column of a table.
    pub(crate) fn property(&mut self, parts: &[Ident]) -> Result<Option<Bound>> {
        let Some((property, of)) = parts.split_last() else {
            return Ok(None);
        };
        let Some(value) = self.spatial(of, "STSrid", &property.value)? else {
            return self.refuse_property(of, &property.value).map(|()| None);
        };
        let srid = strict(vec![value], plain(SqlType::Int), |v| {
            let bytes = bytes(&v[0]);
            let srid = bytes.first_chunk().copied().unwrap_or_default();
            Ok(Value::Int(i64::from(u32::from_be_bytes(srid))))
        });
        Ok(Some(srid))
    }

    /// # Errors
    /// Refuses other properties of a spatial column, by their names.
    fn refuse_property(&mut self, of: &[Ident], member: &str) -> Result<()> {
        let Some((column, table)) = of.split_last() else {
            return Ok(());
        };
        let names: Vec<String> = table.iter().map(|n| n.value.clone()).collect();
        let table = (!names.is_empty()).then(|| Name::of(names)).transpose()?;
        let found = self.lookup(table.as_ref(), &column.value);
        match found {
            Ok(Some((_, _, output))) if is_spatial(&output.t.ty) => {
                Err(unsupported(format!("the property '{member}'")))
            }
            _ => Ok(()),
        }
    }

    /// `column.AsBinaryZM()` and `geometry::STGeomFromWKB(wkb, srid)`; `None` for other calls.
    pub(crate) fn spatial_method(
        &mut self,
        name: &ObjectName,
        args: &[Option<&Expr>],
    ) -> Result<Option<Bound>> {
        let parts: Vec<Ident> = name
            .0
            .iter()
            .filter_map(|p| p.as_ident().cloned())
            .collect();
        let Some((method, of)) = parts.split_last() else {
            return Ok(None);
        };
        if let Some(ty) = method.value.strip_suffix(FROM_WKB) {
            return self.made_of_wkb(ty, args).map(Some);
        }
        let Some(value) = self.spatial(of, "AsBinaryZM", &method.value)? else {
            return Ok(None);
        };
        let t = plain(SqlType::VarBinary { length: None });
        let wkb = |v: &[Value]| {
            Ok(Value::Bytes(
                bytes(&v[0]).get(4..).unwrap_or_default().into(),
            ))
        };
        Ok(Some(strict(vec![value], t, wkb)))
    }

    /// The column, where the member's name is the wanted one and the column is spatial.
    fn spatial(&mut self, of: &[Ident], wanted: &str, member: &str) -> Result<Option<Bound>> {
        let Some((column, table)) = of.split_last() else {
            return Ok(None);
        };
        if member != wanted {
            return Ok(None);
        }
        let table = match table {
            [] => None,
            names => Some(Name::of(names.iter().map(|n| n.value.clone()).collect())?),
        };
        let value = self.column(table.as_ref(), &column.value)?;
        Ok(is_spatial(&value.t.ty).then_some(value))
    }

    fn made_of_wkb(&mut self, ty: &str, args: &[Option<&Expr>]) -> Result<Bound> {
        let ty = type_name::from_name(ty, &[], false)
            .filter(is_spatial)
            .ok_or_else(|| unsupported("a static method of another type"))?;
        let [Some(wkb), Some(srid)] = args else {
            return Err(argument_count("STGeomFromWKB", 2));
        };
        let wkb = convert_to(self.value(wkb)?, &SqlType::VarBinary { length: None });
        let srid = as_int(&self.value(srid)?);
        Ok(strict(vec![wkb, srid], plain(ty), |v| {
            let srid = (integer_of(&v[1]) as u32).to_be_bytes();
            Ok(Value::Bytes([&srid, bytes(&v[0])].concat().into()))
        }))
    }
}

fn bytes(value: &Value) -> &[u8] {
    match value {
        Value::Bytes(bytes) => bytes,
        _ => &[],
    }
}
