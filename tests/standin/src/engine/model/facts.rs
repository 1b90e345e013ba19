//! What a statement knows of its session and server when it is bound.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::error::{Result, error, invalid_object};
use crate::engine::model::name::{Name, TypeName, fold};
use crate::engine::model::object::Module;
use crate::engine::model::options::{ConnectionFacts, Options};
use crate::engine::model::rights::Rights;
use crate::engine::model::security::{DBO, GUEST};
use crate::engine::model::state::{Database, State};
use crate::engine::model::table::Table;
use crate::engine::value::temporal::DateOrder;
use crate::engine::{datatype, type_name};
use crate::types::{SqlType, Value};

/// A declared variable.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    pub(crate) ty: SqlType,
    pub(crate) value: Value,
}

/// The last identity values: of the session, and of the current scope.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastIdentity {
    pub(crate) session: Option<i64>,
    pub(crate) scope: Option<i64>,
}

#[derive(Clone)]
pub(crate) struct Facts {
    pub(crate) options: Arc<Options>,
    pub(crate) state: Arc<State>,
    pub(crate) database: String,
    pub(crate) user: String,
    pub(crate) spid: u16,
    /// UTC, as days since 0001-01-01 and 100 ns ticks.
    pub(crate) now: (i32, u64),
    pub(crate) transactions: u32,
    pub(crate) row_count: u64,
    pub(crate) last_error: i32,
    pub(crate) identity: LastIdentity,
    /// By folded name, with the `@`.
    pub(crate) variables: BTreeMap<String, Variable>,
    pub(crate) date_order: DateOrder,
    pub(crate) connections: Arc<Vec<ConnectionFacts>>,
    /// Number and message of the error that a CATCH block handles.
    pub(crate) caught: Option<crate::types::SqlError>,
    /// The table of SET IDENTITY_INSERT.
    pub(crate) identity_insert: Option<i32>,
    pub(crate) isolation: u8,
    pub(crate) lock_timeout: i32,
    /// SET ANSI_NULLS and SET QUOTED_IDENTIFIER, which a module keeps.
    pub(crate) ansi_nulls: bool,
    pub(crate) quoted_identifier: bool,
    /// How many views and functions are being read one inside the other.
    pub(crate) nesting: u8,
}

impl Facts {
    /// `@@SERVERNAME`.
    pub(crate) fn server_name(&self) -> &str {
        let renamed = self.state.server_name.as_deref();
        renamed.unwrap_or(&self.options.server_name)
    }

    pub(crate) fn current(&self) -> Result<&Arc<Database>> {
        self.state.database(&self.database)
    }

    pub(crate) fn database_of(&self, name: &Name) -> Result<&Arc<Database>> {
        match &name.database {
            Some(database) => self.state.database(database),
            None => self.current(),
        }
    }

    /// Finds a table by its name as written.
    ///
    /// # Errors
    /// 208 when there is none.
    pub(crate) fn table(&self, name: &Name) -> Result<(&Arc<Database>, &Arc<Table>)> {
        let name = &self.place(name);
        let database = self.database_of(name)?;
        let schema = name.schema.as_deref().unwrap_or("dbo");
        let table = database
            .table(schema, &name.name)
            .ok_or_else(|| invalid_object(name))?;
        if self.isolation == SNAPSHOT && !database.snapshot_isolation && database.id > 4 {
            let message = format!(
                "Snapshot isolation transaction failed accessing database '{}' because snapshot isolation is not allowed in this database. Use ALTER DATABASE to allow snapshot isolation.",
                database.name
            );
            return Err(error(3952, 16, message));
        }
        Ok((database, table))
    }

    /// What the login may do in a database. Logins of the server's options may do everything; one of
    /// CREATE LOGIN is its user, or `guest`.
    pub(crate) fn rights<'d>(&self, database: &'d Database) -> Rights<'d> {
        let made = self.state.logins.contains_key(&fold(&self.user));
        let user = if made {
            user_of(database, &self.user).unwrap_or(GUEST)
        } else {
            DBO
        };
        Rights::new(database, user)
    }

    /// The view that a name means.
    pub(crate) fn view(&self, name: &Name) -> Option<&Arc<Module>> {
        let name = &self.place(name);
        let database = self.database_of(name).ok()?;
        database.view(name.schema.as_deref().unwrap_or("dbo"), &name.name)
    }

    /// Where a name lives: temporary tables are the session's own, in `tempdb`.
    pub(crate) fn place(&self, name: &Name) -> Name {
        if !name.name.starts_with('#') {
            return name.clone();
        }
        let padded = if name.name.starts_with("##") {
            name.name.clone()
        } else {
            format!("{}_{:012X}", name.name, self.spid)
        };
        Name {
            database: Some("tempdb".to_owned()),
            schema: Some("dbo".to_owned()),
            name: padded,
        }
    }

    /// What a body in a database is bound with.
    ///
    /// # Errors
    /// 217 beyond 32 levels of views and functions.
    pub(crate) fn within(&self, database: &Database) -> Result<Facts> {
        if self.nesting >= 32 {
            return Err(error(
                217,
                16,
                "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32).",
            ));
        }
        Ok(Facts {
            database: database.name.clone(),
            nesting: self.nesting + 1,
            ..self.clone()
        })
    }

    pub(crate) fn variable(&self, name: &str) -> Result<&Variable> {
        self.variables.get(&fold(name)).ok_or_else(|| {
            error(
                137,
                15,
                format!("Must declare the scalar variable \"{name}\"."),
            )
        })
    }

    /// The type of a name: the system's, or an alias type of the database with its own id.
    pub(crate) fn resolve_type(
        &self,
        name: &TypeName,
        cast: bool,
    ) -> Result<(SqlType, i32, Option<bool>)> {
        let database = self.current()?;
        if let Some(alias) = database.user_type(&name.name) {
            return Ok((alias.ty.clone(), alias.user_type_id, Some(alias.nullable)));
        }
        let ty = type_name::from_name(&name.name, &name.args, cast).ok_or_else(|| {
            error(
                243,
                16,
                format!("Type {} is not a defined system type.", name.name),
            )
        })?;
        let id = match name.name.to_ascii_lowercase().as_str() {
            "numeric" => 108,
            "sysname" => 256,
            _ => datatype::user_type_id(&ty),
        };
        Ok((ty, id, (id == 256).then_some(false)))
    }
}

/// The user of a login in a database.
pub(crate) fn user_of(database: &Database, login: &str) -> Option<i32> {
    let mut principals = database.security.principals.iter();
    let mapped = principals.find(|p| p.login.as_deref().is_some_and(|l| fold(l) == fold(login)));
    mapped.map(|p| p.id)
}

/// `sys.dm_exec_sessions.transaction_isolation_level` of SNAPSHOT.
pub(crate) const SNAPSHOT: u8 = 5;
