//! Everything the server holds, as one immutable value that writers replace.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::error::{Result, error};
use crate::engine::model::name::{fold, same_name};
use crate::engine::model::object::{FullText, Module, ModuleKind, Sequence, Synonym};
use crate::engine::model::partition::{PartitionFunction, PartitionScheme};
use crate::engine::model::security::Security;
use crate::engine::model::table::Table;
use crate::types::{Collation, SqlType};

#[derive(Debug, Clone)]
pub(crate) struct UserType {
    pub(crate) user_type_id: i32,
    pub(crate) schema_id: i32,
    pub(crate) name: String,
    pub(crate) ty: SqlType,
    /// Declared as `numeric`, which is system type 108.
    pub(crate) numeric: bool,
    pub(crate) nullable: bool,
}

/// A type that tables are passed by; only its name is kept.
#[derive(Debug, Clone)]
pub(crate) struct TableType {
    pub(crate) user_type_id: i32,
    pub(crate) schema_id: i32,
    pub(crate) name: String,
    pub(crate) object_id: i32,
}

#[derive(Debug, Clone)]
pub(crate) struct ExtendedProperty {
    /// `sys.extended_properties.class`: 0 database, 1 object or column, 3 schema, 6 type, 7 index,
    /// 20 data space.
    pub(crate) class: u8,
    pub(crate) major_id: i32,
    pub(crate) minor_id: i32,
    pub(crate) name: String,
    pub(crate) value: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Schema {
    pub(crate) id: i32,
    pub(crate) name: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Database {
    pub(crate) id: i32,
    pub(crate) name: String,
    pub(crate) collation: Arc<Collation>,
    pub(crate) read_only: bool,
    pub(crate) snapshot_isolation: bool,
    pub(crate) read_committed_snapshot: bool,
    /// 100 ns ticks since 0001-01-01 of creation.
    pub(crate) created: u64,
    /// `service_broker_guid`: kept in the database and its backups, of no two that were created.
    pub(crate) guid: [u8; 16],
    pub(crate) schemas: Arc<Vec<Schema>>,
    pub(crate) tables: BTreeMap<i32, Arc<Table>>,
    /// Schema id and folded name of tables and constraints.
    pub(crate) names: Arc<BTreeMap<(i32, String), i32>>,
    pub(crate) types: Arc<Vec<UserType>>,
    pub(crate) table_types: Arc<Vec<TableType>>,
    pub(crate) security: Arc<Security>,
    /// Views, procedures, functions and triggers by object id.
    pub(crate) modules: BTreeMap<i32, Arc<Module>>,
    pub(crate) sequences: BTreeMap<i32, Arc<Sequence>>,
    pub(crate) synonyms: BTreeMap<i32, Arc<Synonym>>,
    pub(crate) full_text: Arc<FullText>,
    pub(crate) properties: Arc<Vec<ExtendedProperty>>,
    pub(crate) partition_functions: Arc<Vec<Arc<PartitionFunction>>>,
    pub(crate) partition_schemes: Arc<Vec<PartitionScheme>>,
    pub(crate) next_object: i32,
    /// The last rowversion given out (`@@DBTS`).
    pub(crate) row_version: u64,
}

/// A random uniqueidentifier (version 4), in the byte order of the wire.
pub(crate) fn random_guid() -> [u8; 16] {
    use std::hash::{BuildHasher, RandomState};
    let mut bytes = [0u8; 16];
    // Every RandomState has fresh keys, so its hash of nothing is random.
    bytes[..8].copy_from_slice(&RandomState::new().hash_one(0u8).to_le_bytes());
    bytes[8..].copy_from_slice(&RandomState::new().hash_one(1u8).to_le_bytes());
    bytes[7] = bytes[7] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    bytes
}

impl Database {
    pub(crate) fn new(id: i32, name: &str, collation: Arc<Collation>, created: u64) -> Database {
        let system = [
            (1, "dbo"),
            (2, "guest"),
            (3, "INFORMATION_SCHEMA"),
            (4, "sys"),
        ];
        let schemas = system.map(|(id, name)| Schema {
            id,
            name: name.to_owned(),
        });
        Database {
            id,
            name: name.to_owned(),
            collation,
            read_only: false,
            snapshot_isolation: false,
            read_committed_snapshot: false,
            created,
            guid: random_guid(),
            schemas: Arc::new(schemas.to_vec()),
            tables: BTreeMap::new(),
            names: Arc::default(),
            types: Arc::default(),
            table_types: Arc::default(),
            security: Arc::default(),
            modules: BTreeMap::new(),
            sequences: BTreeMap::new(),
            synonyms: BTreeMap::new(),
            full_text: Arc::default(),
            properties: Arc::default(),
            partition_functions: Arc::default(),
            partition_schemes: Arc::default(),
            next_object: 901_578_250,
            row_version: 2000,
        }
    }

    pub(crate) fn schema_id(&self, name: &str) -> Option<i32> {
        self.schemas
            .iter()
            .find(|s| same_name(&s.name, name))
            .map(|s| s.id)
    }

    pub(crate) fn schema_name(&self, id: i32) -> Option<&str> {
        self.schemas
            .iter()
            .find(|s| s.id == id)
            .map(|s| s.name.as_str())
    }

    pub(crate) fn object_id(&self, schema: &str, name: &str) -> Option<i32> {
        self.names
            .get(&(self.schema_id(schema)?, fold(name)))
            .copied()
    }

    pub(crate) fn table(&self, schema: &str, name: &str) -> Option<&Arc<Table>> {
        self.tables.get(&self.object_id(schema, name)?)
    }

    pub(crate) fn table_mut(&mut self, object_id: i32) -> Option<&mut Table> {
        self.tables.get_mut(&object_id).map(Arc::make_mut)
    }

    /// A fresh object id; SQL Server's also grow by a large step.
    pub(crate) fn new_object(&mut self) -> i32 {
        self.next_object = self.next_object.checked_add(16_000_057).unwrap_or(100_000);
        while self.tables.contains_key(&self.next_object)
            || self.names.values().any(|id| *id == self.next_object)
        {
            self.next_object += 1;
        }
        self.next_object
    }

    /// Enters a name of an object of the schema.
    ///
    /// # Errors
    /// 2714 when it is taken.
    pub(crate) fn claim(&mut self, schema_id: i32, name: &str, object_id: i32) -> Result<()> {
        let key = (schema_id, fold(name));
        if self.names.contains_key(&key) {
            return Err(error(
                2714,
                16,
                format!("There is already an object named '{name}' in the database."),
            ));
        }
        Arc::make_mut(&mut self.names).insert(key, object_id);
        Ok(())
    }

    pub(crate) fn release(&mut self, schema_id: i32, name: &str) {
        Arc::make_mut(&mut self.names).remove(&(schema_id, fold(name)));
    }

    /// The view of that name.
    pub(crate) fn view(&self, schema: &str, name: &str) -> Option<&Arc<Module>> {
        self.modules
            .get(&self.object_id(schema, name)?)
            .filter(|m| m.kind == ModuleKind::View)
    }

    /// Schema id, name and `sys.objects.type` of an object.
    pub(crate) fn object(&self, id: i32) -> Option<(i32, &str, &'static str)> {
        if let Some(t) = self.tables.get(&id) {
            return Some((t.schema_id, &t.name, "U"));
        }
        if let Some(m) = self.modules.get(&id) {
            return Some((m.schema_id, &m.name, m.kind.code().0.trim_end()));
        }
        if let Some(q) = self.sequences.get(&id) {
            return Some((q.schema_id, &q.name, "SO"));
        }
        if let Some(n) = self.synonyms.get(&id) {
            return Some((n.schema_id, &n.name, "SN"));
        }
        if let Some(p) = self.security.policies.iter().find(|p| p.object_id == id) {
            return Some((p.schema_id, &p.name, "SP"));
        }
        self.tables.values().find_map(|t| {
            let (name, code) = t.constraint(id)?;
            Some((t.schema_id, name, code))
        })
    }

    pub(crate) fn user_type(&self, name: &str) -> Option<&UserType> {
        self.types.iter().find(|t| same_name(&t.name, name))
    }
}

/// All databases by folded name.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) databases: BTreeMap<String, Arc<Database>>,
    /// Passwords of CREATE LOGIN by folded name; those of the options may do everything.
    pub(crate) logins: Arc<BTreeMap<String, String>>,
    pub(crate) next_database: i32,
    /// `@@SERVERNAME` since [`Engine::rename_server`](crate::engine::Engine::rename_server).
    pub(crate) server_name: Option<Arc<str>>,
}

impl State {
    pub(crate) fn database(&self, name: &str) -> Result<&Arc<Database>> {
        self.databases.get(&fold(name)).ok_or_else(|| {
            let message = format!(
                "Database '{name}' does not exist. Make sure that the name is entered correctly."
            );
            error(911, 16, message)
        })
    }

    pub(crate) fn database_mut(&mut self, name: &str) -> Result<&mut Database> {
        self.database(name)?;
        Ok(Arc::make_mut(
            self.databases.get_mut(&fold(name)).expect("found above"),
        ))
    }
}
