//! What a user may do and see in a database.

use std::collections::BTreeSet;

use crate::engine::model::object::ModuleKind;
use crate::engine::model::security::{
    DB_DATAREADER, DB_DENYDATAREADER, DB_OWNER, DBO, PUBLIC, Securable,
};
use crate::engine::model::state::Database;

/// Permissions of which any one lets a user see that an object exists. Metadata is limited to what
/// a user owns or has been granted some permission on (Microsoft, "Metadata visibility
/// configuration").
pub(crate) const ON_ROWS: [&str; 7] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "REFERENCES",
    "VIEW DEFINITION",
    "ALTER",
];

pub(crate) const ON_CODE: [&str; 4] = ["EXECUTE", "REFERENCES", "VIEW DEFINITION", "ALTER"];

/// What one user may do in one database.
pub(crate) struct Rights<'d> {
    database: &'d Database,
    pub(crate) user: i32,
    /// The user itself, `public` and all roles that it belongs to.
    identities: BTreeSet<i32>,
}

impl<'d> Rights<'d> {
    pub(crate) fn new(database: &'d Database, user: i32) -> Rights<'d> {
        let mut identities = BTreeSet::from([user, PUBLIC]);
        loop {
            let more: Vec<i32> = database
                .security
                .members
                .iter()
                .filter(|(role, member)| identities.contains(member) && !identities.contains(role))
                .map(|(role, _)| *role)
                .collect();
            if more.is_empty() {
                break;
            }
            identities.extend(more);
        }
        Rights {
            database,
            user,
            identities,
        }
    }

    /// May do and see everything.
    pub(crate) fn owner(&self) -> bool {
        self.identities.contains(&DBO) || self.identities.contains(&DB_OWNER)
    }

    /// Whether the user has the permission, by itself or by a wider one. A DENY wins, but a
    /// column's own GRANT wins over a DENY on its table (Microsoft, "GRANT Object Permissions").
    pub(crate) fn may(&self, permission: &str, on: Securable) -> bool {
        if self.owner() {
            return true;
        }
        if let Securable::Column(..) = on {
            if self.entry(permission, on, true) {
                return false;
            }
            if self.entry(permission, on, false) {
                return true;
            }
        }
        let scopes = self.scopes(on);
        let reads = permission == "SELECT" && self.is_rows(on);
        if scopes.iter().any(|s| self.entry(permission, *s, true))
            || (reads && self.identities.contains(&DB_DENYDATAREADER))
        {
            return false;
        }
        let granted = |p: &str| scopes.iter().any(|s| self.entry(p, *s, false));
        granted(permission)
            || granted("CONTROL")
            || (reads && self.identities.contains(&DB_DATAREADER))
            || (on == Securable::Database && permission == "CONNECT")
    }

    /// Whether the user is this one or belongs to this role.
    pub(crate) fn is(&self, principal: i32) -> bool {
        self.identities.contains(&principal) || self.owner()
    }

    fn entry(&self, permission: &str, on: Securable, denied: bool) -> bool {
        let mut entries = self.database.security.entries.iter();
        entries.any(|e| {
            e.on == on
                && e.denied == denied
                && e.permission == permission
                && self.identities.contains(&e.grantee)
        })
    }

    /// The securable and those that it is part of, columns aside.
    fn scopes(&self, on: Securable) -> Vec<Securable> {
        let object = match on {
            Securable::Object(id) | Securable::Column(id, _) => Some(id),
            Securable::Database | Securable::Schema(_) => None,
        };
        let schema = match on {
            Securable::Schema(id) => Some(id),
            _ => object.and_then(|id| self.database.object(id).map(|(schema, ..)| schema)),
        };
        let mut scopes = vec![Securable::Database];
        scopes.extend(schema.map(Securable::Schema));
        scopes.extend(object.map(Securable::Object));
        scopes
    }

    /// A table or a view, of which rows are read.
    fn is_rows(&self, on: Securable) -> bool {
        match on {
            Securable::Object(id) | Securable::Column(id, _) => {
                let modules = &self.database.modules;
                self.database.tables.contains_key(&id)
                    || modules.get(&id).is_some_and(|m| m.kind == ModuleKind::View)
            }
            Securable::Database | Securable::Schema(_) => true,
        }
    }

    /// Whether catalog views show the object.
    pub(crate) fn sees(&self, object: i32) -> bool {
        // System objects are everybody's to see.
        if object < 0 {
            return true;
        }
        let on = Securable::Object(object);
        let wanted: &[&str] = if self.is_rows(on) { &ON_ROWS } else { &ON_CODE };
        if wanted.iter().any(|p| self.may(p, on)) {
            return true;
        }
        let mut entries = self.database.security.entries.iter();
        entries.any(|e| {
            let on_column = matches!(e.on, Securable::Column(id, _) if id == object);
            on_column && !e.denied && self.identities.contains(&e.grantee)
        })
    }

    /// Whether the texts of checks, defaults and modules are shown.
    pub(crate) fn sees_definition(&self, object: i32) -> bool {
        let on = Securable::Object(object);
        ["VIEW DEFINITION", "ALTER"].iter().any(|p| self.may(p, on))
    }

    /// Rows of `sys.security_policies` and `sys.security_predicates` are for those with ALTER ANY
    /// SECURITY POLICY or VIEW DEFINITION (Microsoft, "sys.security_policies").
    pub(crate) fn sees_policy(&self, policy: i32) -> bool {
        self.may("ALTER ANY SECURITY POLICY", Securable::Database)
            || self.may("VIEW DEFINITION", Securable::Object(policy))
    }

    /// Whether the values of a masked column are shown as they are. On schemas, tables and columns
    /// UNMASK is granted from SQL Server 2022 on (Microsoft, "Dynamic data masking").
    pub(crate) fn unmasks(&self, object: i32, column: i32) -> bool {
        self.may("UNMASK", Securable::Column(object, column))
    }

    /// The principals whose permissions a user sees: its own and those of its roles (Microsoft,
    /// "sys.database_permissions").
    pub(crate) fn sees_entries_of(&self, grantee: i32) -> bool {
        self.may("VIEW DEFINITION", Securable::Database) || self.identities.contains(&grantee)
    }
}
