//! Users, roles, permissions and security policies of a database, and what a user may do and see.

use crate::engine::model::name::{Name, same_name};

/// `sys.database_principals.principal_id` of those that every database has.
pub(crate) const PUBLIC: i32 = 0;
pub(crate) const DBO: i32 = 1;
pub(crate) const GUEST: i32 = 2;
/// Fixed principals: id, name and whether it is a role.
pub(crate) const FIXED: [(i32, &str, bool); 14] = [
    (PUBLIC, "public", true),
    (DBO, "dbo", false),
    (GUEST, "guest", false),
    (3, "INFORMATION_SCHEMA", false),
    (4, "sys", false),
    (DB_OWNER, "db_owner", true),
    (16385, "db_accessadmin", true),
    (16386, "db_securityadmin", true),
    (16387, "db_ddladmin", true),
    (16389, "db_backupoperator", true),
    (DB_DATAREADER, "db_datareader", true),
    (16391, "db_datawriter", true),
    (DB_DENYDATAREADER, "db_denydatareader", true),
    (16393, "db_denydatawriter", true),
];

/// A user or a role that somebody made.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    pub(crate) id: i32,
    pub(crate) name: String,
    /// The login of a user; none of a role and of a user WITHOUT LOGIN.
    pub(crate) login: Option<String>,
    pub(crate) role: bool,
}

/// What a permission is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Securable {
    Database,
    Schema(i32),
    Object(i32),
    /// Object id and column id.
    Column(i32, i32),
}

/// One GRANT or DENY.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) grantee: i32,
    /// In capitals, as `SELECT`.
    pub(crate) permission: String,
    pub(crate) on: Securable,
    pub(crate) denied: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub(crate) object_id: i32,
    pub(crate) schema_id: i32,
    pub(crate) name: String,
    pub(crate) enabled: bool,
    pub(crate) predicates: Vec<Predicate>,
    pub(crate) created: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Predicate {
    /// Object id of the table.
    pub(crate) table: i32,
    pub(crate) function: Name,
    /// Columns of the table and constants, as written.
    pub(crate) arguments: Vec<String>,
    /// FILTER; else BLOCK.
    pub(crate) filter: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Security {
    pub(crate) principals: Vec<Principal>,
    /// Role and member.
    pub(crate) members: Vec<(i32, i32)>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) policies: Vec<Policy>,
}

impl Security {
    /// The id of a user or role by its name.
    pub(crate) fn principal(&self, name: &str) -> Option<i32> {
        let fixed = FIXED.iter().find(|(_, fixed, _)| same_name(fixed, name));
        let made = self.principals.iter().find(|p| same_name(&p.name, name));
        fixed.map(|(id, ..)| *id).or(made.map(|p| p.id))
    }

    pub(crate) fn name_of(&self, id: i32) -> &str {
        let fixed = FIXED.iter().find(|(fixed, ..)| *fixed == id);
        let made = self.principals.iter().find(|p| p.id == id);
        fixed
            .map(|(_, name, _)| *name)
            .or(made.map(|p| p.name.as_str()))
            .unwrap_or_default()
    }
}

pub(crate) const DB_OWNER: i32 = 16384;

pub(crate) const DB_DATAREADER: i32 = 16390;

pub(crate) const DB_DENYDATAREADER: i32 = 16392;
