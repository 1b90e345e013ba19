//! Calls that are no built-in function: NEXT VALUE FOR, methods of columns, users' functions.

use std::sync::Arc;

use sqlparser::ast::{Expr, Function};

use crate::engine::error::{Result, error, invalid_object, syntax, unsupported};
use crate::engine::eval::expr::{Bound, Kind, Ty};
use crate::engine::model::name::Name;
use crate::engine::parse::rewrite::NEXT_VALUE;
use crate::engine::query::bind::Binder;
use crate::engine::query::routine::refusing;
use crate::engine::query::select::call::arguments;
use crate::engine::query::source::name_of;
use crate::types::SqlType;

impl Binder<'_> {
    /// The call if it is one of these; `None` leaves it to the built-in functions.
    pub(super) fn user_function(&mut self, f: &Function) -> Result<Option<Bound>> {
        let name = name_of(&f.name)?;
        if name.schema.is_none() {
            return if name.name == NEXT_VALUE {
                self.next_value(f).map(Some)
            } else {
                Ok(None)
            };
        }
        if let Some(method) = self.method(&name)? {
            return Ok(Some(method));
        }
        let args = arguments(f)?.0;
        let args: Option<Vec<&Expr>> = args.into_iter().collect();
        let args = args.ok_or_else(|| syntax("*"))?;
        if let Some(call) = self.scalar_call(&name, &args)? {
            return Ok(Some(call));
        }
        for arg in args {
            self.value(arg)?;
        }
        let schema = name.schema.as_deref().unwrap_or("dbo");
        let message = format!(
            "Cannot find either column \"{schema}\" or the user-defined function or aggregate \"{name}\", or the name is ambiguous."
        );
        Err(error(4121, 16, message))
    }

    fn ty(&self, ty: SqlType) -> Result<Ty> {
        let collation = crate::engine::datatype::has_collation(&ty)
            .then(|| self.facts.current().map(|d| Arc::clone(&d.collation)))
            .transpose()?;
        Ok(Ty {
            ty,
            nullable: true,
            collation,
            rank: 0,
        })
    }

    /// `column.GetLevel()` and its like: typed, NULL of NULL, and refused for any value.
    fn method(&mut self, name: &Name) -> Result<Option<Bound>> {
        let returns = match name.name.as_str() {
            "GetLevel" => SqlType::SmallInt,
            "ToString" => SqlType::NVarChar { length: Some(4000) },
            "STAsText" | "AsTextZM" => SqlType::NVarChar { length: None },
            "STAsBinary" | "Serialize" | "AsBinaryZM" => SqlType::VarBinary { length: None },
            "STSrid" | "STNumPoints" => SqlType::Int,
            "STArea" | "STLength" => SqlType::Float,
            _ => return Ok(None),
        };
        let table = name.database.clone().map(|table| Name {
            database: None,
            schema: None,
            name: table,
        });
        let column = name.schema.as_deref().unwrap_or_default();
        let Some(column) = self.column_if(table.as_ref(), column)? else {
            return Ok(None);
        };
        let refused = format!("the method '{}'", name.name);
        Ok(Some(refusing(refused, vec![column], self.ty(returns)?)))
    }

    fn next_value(&mut self, f: &Function) -> Result<Bound> {
        if f.over.is_some() {
            return Err(unsupported("NEXT VALUE FOR ... OVER"));
        }
        let parts = match arguments(f)?.0.as_slice() {
            [Some(Expr::Identifier(i))] => vec![i.value.clone()],
            [Some(Expr::CompoundIdentifier(parts))] => {
                parts.iter().map(|p| p.value.clone()).collect()
            }
            _ => return Err(syntax(NEXT_VALUE)),
        };
        let name = Name::of(parts)?;
        let database = self.facts.database_of(&name)?;
        let found = database
            .object_id(name.schema.as_deref().unwrap_or("dbo"), &name.name)
            .and_then(|id| database.sequences.get(&id));
        let sequence = Arc::clone(found.ok_or_else(|| invalid_object(&name))?);
        // In SQL Server both would have the same number within a row.
        if self.numbered.contains(&sequence.object_id) {
            return Err(unsupported(format!(
                "NEXT VALUE FOR '{name}' twice in one row"
            )));
        }
        self.numbered.push(sequence.object_id);
        let ty = sequence.ty.clone();
        Ok(Bound {
            kind: Kind::NextValue(sequence),
            t: Ty {
                ty,
                nullable: false,
                collation: None,
                rank: 0,
            },
        })
    }
}
