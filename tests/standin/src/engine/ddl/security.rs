//! Logins, users, roles, permissions, security policies, masks and table types.

use std::sync::Arc;

use crate::engine::ddl::module::object_of;
use crate::engine::ddl::work::{moment, place};
use crate::engine::error::{Result, error, unsupported};
use crate::engine::model::facts::Facts;
use crate::engine::model::name::{Name, fold};
use crate::engine::model::object::ModuleKind;
use crate::engine::model::security::{Entry, Policy, Predicate, Principal, Securable};
use crate::engine::model::state::{Database, State, TableType};
use crate::engine::parse::statement::{PermissionSpec, PolicySpec, PredicateSpec, Statement, Verb};
use crate::engine::query::mask;

/// Statements about who may do what.
pub(crate) fn secure(facts: &Facts, state: &mut State, statement: &Statement) -> Result<()> {
    match statement {
        Statement::CreateLogin { name, password } => {
            let taken = facts
                .options
                .logins
                .iter()
                .any(|(n, _)| fold(n) == fold(name));
            if taken || state.logins.contains_key(&fold(name)) {
                let message = format!("The server principal '{name}' already exists.");
                return Err(error(15025, 16, message));
            }
            let logins = Arc::make_mut(&mut state.logins);
            logins.insert(fold(name), password.clone());
            Ok(())
        }
        Statement::CreateUser { name, login } => {
            if let Some(login) = login.as_ref().filter(|l| !is_login(facts, state, l)) {
                let message =
                    format!("'{login}' is not a valid login or you do not have permission.");
                return Err(error(15007, 16, message));
            }
            principal(facts, state, name, login.clone(), false)
        }
        Statement::CreateRole(name) => principal(facts, state, name, None, true),
        Statement::AlterRole { role, member, add } => {
            let database = state.database_mut(&facts.database)?;
            let pair = (known(database, role)?, known(database, member)?);
            let security = Arc::make_mut(&mut database.security);
            security.members.retain(|m| *m != pair);
            if *add {
                security.members.push(pair);
            }
            Ok(())
        }
        Statement::Permission(spec) => permission(facts, state, spec),
        Statement::Policy(spec) => policy(facts, state, spec),
        Statement::CreateTableType(name) => table_type(facts, state, name),
        _ => Err(unsupported("this statement")),
    }
}

fn is_login(facts: &Facts, state: &State, login: &str) -> bool {
    let fixed = facts
        .options
        .logins
        .iter()
        .any(|(n, _)| fold(n) == fold(login));
    fixed || state.logins.contains_key(&fold(login))
}

fn principal(
    facts: &Facts,
    state: &mut State,
    name: &str,
    login: Option<String>,
    role: bool,
) -> Result<()> {
    let database = state.database_mut(&facts.database)?;
    if database.security.principal(name).is_some() {
        let message =
            format!("User, group, or role '{name}' already exists in the current database.");
        return Err(error(15023, 16, message));
    }
    let security = Arc::make_mut(&mut database.security);
    // Users begin at 5, after the four that every database has.
    let id = security.principals.iter().map(|p| p.id).max().unwrap_or(4) + 1;
    security.principals.push(Principal {
        id,
        name: name.to_owned(),
        login,
        role,
    });
    Ok(())
}

fn known(database: &Database, name: &str) -> Result<i32> {
    database.security.principal(name).ok_or_else(|| {
        let message = format!(
            "Cannot find the user '{name}', because it does not exist or you do not have permission."
        );
        error(15151, 16, message)
    })
}

fn permission(facts: &Facts, state: &mut State, spec: &PermissionSpec) -> Result<()> {
    let database = state.database_mut(&facts.database)?;
    let mut entries = Vec::new();
    for grantee in &spec.to {
        let grantee = known(database, grantee)?;
        for (permission, columns) in &spec.permissions {
            let columns = if columns.is_empty() {
                &spec.columns
            } else {
                columns
            };
            for on in securables(database, spec.on.as_ref(), columns)? {
                entries.push(Entry {
                    grantee,
                    permission: permission.clone(),
                    on,
                    denied: spec.verb == Verb::Deny,
                });
            }
        }
    }
    let security = Arc::make_mut(&mut database.security);
    for entry in entries {
        // A later statement takes the place of an earlier one on the same thing.
        security.entries.retain(|e| {
            e.grantee != entry.grantee || e.permission != entry.permission || e.on != entry.on
        });
        if spec.verb != Verb::Revoke {
            security.entries.push(entry);
        }
    }
    Ok(())
}

fn securables(
    database: &Database,
    on: Option<&(String, Name)>,
    columns: &[String],
) -> Result<Vec<Securable>> {
    let Some((class, name)) = on else {
        return Ok(vec![Securable::Database]);
    };
    let missing = |what: &str| {
        let message = format!(
            "Cannot find the {what} '{}', because it does not exist or you do not have permission.",
            name.name
        );
        error(15151, 16, message)
    };
    match class.as_str() {
        "database" => return Ok(vec![Securable::Database]),
        "schema" => {
            let schema = database.schema_id(&name.name);
            return Ok(vec![Securable::Schema(
                schema.ok_or_else(|| missing("schema"))?,
            )]);
        }
        "object" => {}
        other => return Err(unsupported(format!("permissions on {other}::{name}"))),
    }
    let object = object_of(database, name).ok_or_else(|| missing("object"))?;
    if columns.is_empty() {
        return Ok(vec![Securable::Object(object)]);
    }
    let table = database.tables.get(&object);
    let column = |column: &String| {
        let found = table.and_then(|t| t.column(column).map(|at| t.columns[at].id));
        found
            .map(|id| Securable::Column(object, id))
            .ok_or_else(|| crate::engine::error::invalid_column(column))
    };
    columns.iter().map(column).collect()
}

fn policy(facts: &Facts, state: &mut State, spec: &PolicySpec) -> Result<()> {
    let (database, name) = place(facts, state, &spec.name)?;
    let schema = name.schema.as_deref().unwrap_or("dbo");
    let predicates = spec.predicates.iter().map(|p| predicate(database, p));
    let predicates = predicates.collect::<Result<Vec<_>>>()?;
    if spec.alter {
        let id = database.object_id(schema, &name.name);
        let security = Arc::make_mut(&mut database.security);
        let found = security
            .policies
            .iter_mut()
            .find(|p| Some(p.object_id) == id);
        let Some(policy) = found else {
            let message = format!(
                "Cannot alter the security policy '{name}', because it does not exist or you do not have permission."
            );
            return Err(error(15151, 16, message));
        };
        policy.predicates.extend(predicates);
        policy.enabled = spec.enabled.unwrap_or(policy.enabled);
        return Ok(());
    }
    let schema_id = database.schema_id(schema).unwrap_or(1);
    let object_id = database.new_object();
    database.claim(schema_id, &name.name, object_id)?;
    let security = Arc::make_mut(&mut database.security);
    security.policies.push(Policy {
        object_id,
        schema_id,
        name: name.name.clone(),
        // ON where nothing is said (Microsoft, "CREATE SECURITY POLICY").
        enabled: spec.enabled.unwrap_or(true),
        predicates,
        created: moment(facts),
    });
    Ok(())
}

fn predicate(database: &Database, spec: &PredicateSpec) -> Result<Predicate> {
    let table = crate::engine::ddl::work::table_id(database, &spec.table)?;
    let function = object_of(database, &spec.function).and_then(|id| database.modules.get(&id));
    if function.is_none_or(|f| f.kind != ModuleKind::InlineFunction) {
        let message = format!("Cannot find the function '{}'.", spec.function);
        return Err(error(4121, 16, message));
    }
    Ok(Predicate {
        table,
        function: spec.function.clone(),
        arguments: spec.arguments.clone(),
        filter: spec.filter,
    })
}

fn table_type(facts: &Facts, state: &mut State, name: &Name) -> Result<()> {
    let (database, name) = place(facts, state, name)?;
    let schema = database.schema_id(name.schema.as_deref().unwrap_or("dbo"));
    let object_id = database.new_object();
    let types = database.types.iter().map(|t| t.user_type_id);
    let tables = database.table_types.iter().map(|t| t.user_type_id);
    let user_type_id = types.chain(tables).max().unwrap_or(256) + 1;
    Arc::make_mut(&mut database.table_types).push(TableType {
        user_type_id,
        schema_id: schema.unwrap_or(1),
        name: name.name,
        object_id,
    });
    Ok(())
}

impl crate::engine::ddl::work::Work<'_> {
    /// Puts a mask on a column, or takes it away.
    pub(super) fn mask_column(&mut self, name: &str, function: Option<&String>) -> Result<()> {
        if let Some(function) = function {
            mask::check(function)?;
        }
        let table = self.table();
        let at = table
            .column(name)
            .ok_or_else(|| crate::engine::error::invalid_column(name))?;
        Arc::make_mut(&mut table.columns)[at].mask = function.cloned();
        Ok(())
    }
}
