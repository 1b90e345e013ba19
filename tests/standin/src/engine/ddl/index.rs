//! Indexes: created, rebuilt, disabled and dropped.

use std::sync::Arc;

use crate::engine::ddl::work::{Work, facts_of, place, table_id};
use crate::engine::error::{Result, error, unsupported};
use crate::engine::model::facts::Facts;
use crate::engine::model::graph;
use crate::engine::model::index::{Index, IndexForm, IndexKind};
use crate::engine::model::name::{Name, same_name};
use crate::engine::model::rows::{OrderedRows, Row};
use crate::engine::model::state::State;
use crate::engine::parse::definition::{CreateIndex, FormSpec};
use crate::engine::parse::normal::filter_definition;
use crate::engine::rules::check::{Rules, bind_over};
use crate::types::SqlType;

/// Where `index_id` begins for XML and spatial indexes ("sys.indexes", "sys.xml_indexes").
const FIRST_XML: i32 = 256_000;
const FIRST_SPATIAL: i32 = 384_000;

impl Work<'_> {
    pub(super) fn key_columns(&mut self, columns: &[(String, bool)]) -> Result<Vec<(i32, bool)>> {
        columns
            .iter()
            .map(|(c, d)| Ok((self.column_id(c)?, *d)))
            .collect()
    }

    pub(super) fn add_index(&mut self, mut index: Index, clustered: bool) -> Result<()> {
        let table = self.table();
        if table
            .indexes
            .iter()
            .any(|i| same_name(&i.name, &index.name))
        {
            let message = format!(
                "The operation failed because an index or statistics with name '{}' already exists on table '{}'.",
                index.name, table.name
            );
            return Err(error(1913, 16, message));
        }
        if clustered && table.indexes.iter().any(|i| i.id == 1) {
            let message = format!(
                "Cannot create more than one clustered index on table '{}'. Drop the existing clustered index before creating another.",
                table.name
            );
            return Err(error(1902, 16, message));
        }
        index.id = if clustered {
            1
        } else {
            let first = match index.form {
                IndexForm::Xml(_) => FIRST_XML,
                IndexForm::Spatial(_) => FIRST_SPATIAL,
                _ => 2,
            };
            let taken = table.indexes.iter().map(|i| i.id);
            let of_kind = taken.filter(|id| (first..first + 128_000).contains(id));
            of_kind.max().map_or(first, |id| id + 1)
        };
        table.indexes.push(index);
        table.indexes.sort_by_key(|i| i.id);
        self.rebuild()
    }

    /// Puts every row into every index again, checking what is unique.
    pub(super) fn rebuild(&mut self) -> Result<()> {
        let facts = facts_of(self.facts, self.database);
        let rows: Vec<Arc<Row>> = {
            let table = self.table();
            // A new clustered index is still empty: the rows are wherever they were.
            let fullest = table
                .indexes
                .iter()
                .filter(|i| i.readable())
                .map(|i| &i.rows)
                .chain([&table.heap])
                .max_by_key(|r| r.len());
            fullest
                .map(|r| r.iter().cloned().collect())
                .unwrap_or_default()
        };
        if rows.is_empty() {
            return Ok(());
        }
        let rules = Rules::new(&facts, &self.database.clone(), &self.table().clone())?;
        let table = self.table();
        table.heap = OrderedRows::default();
        for index in &mut table.indexes {
            index.rows = OrderedRows::default();
        }
        for row in rows {
            rules.insert(table, row).map_err(|e| error(1505, 16, format!("The CREATE UNIQUE INDEX statement terminated because a duplicate key was found. {}", e.message)))?;
        }
        Ok(())
    }
}

pub(crate) fn create_index(facts: &Facts, state: &mut State, create: &CreateIndex) -> Result<()> {
    let (database, name) = place(facts, state, &create.table)?;
    let object_id = table_id(database, &name)?;
    let mut work = Work {
        facts,
        database,
        object_id,
    };
    if create.drop_existing {
        let old = work
            .table()
            .indexes
            .iter()
            .find(|i| same_name(&i.name, &create.name));
        if old.is_some_and(|i| i.kind != IndexKind::Plain) {
            return Err(unsupported("DROP_EXISTING on the index of a constraint"));
        }
        work.remove_index(&create.name);
    }
    work.create_index(create)
}

impl Work<'_> {
    pub(super) fn remove_index(&mut self, name: &str) -> bool {
        let table = self.table();
        let Some(at) = table.indexes.iter().position(|i| same_name(&i.name, name)) else {
            return false;
        };
        let removed = table.indexes.remove(at);
        if removed.clustered() {
            // The heap stays where the index was.
            table.placed.clone_from(&removed.placed);
            for row in removed.rows.iter() {
                table.insert(Arc::clone(row), &|_| false);
            }
        }
        true
    }

    pub(super) fn create_index(&mut self, create: &CreateIndex) -> Result<()> {
        let form = self.form(create)?;
        let mut keys = self.key_columns(&create.columns)?;
        let mut included = create
            .included
            .iter()
            .map(|c| self.column_id(c))
            .collect::<Result<Vec<_>>>()?;
        if form == IndexForm::Columnstore {
            // A columnstore index has no key: the catalog shows its columns as included ones.
            included = keys.drain(..).map(|k| k.0).collect();
            if create.clustered {
                included = self.table().columns.iter().map(|c| c.id).collect();
            }
        }
        let filter = create.filter.as_ref().map(filter_definition);
        if let Some(filter) = &filter {
            let (facts, snapshot) = (facts_of(self.facts, self.database), self.table().clone());
            bind_over(&facts, &snapshot, filter, true)?;
        }
        let mut index = Index {
            name: create.name.clone(),
            id: 0,
            form,
            object_id: 0,
            kind: IndexKind::Plain,
            system_named: false,
            unique: create.unique,
            disabled: false,
            keys,
            included,
            filter,
            placed: None,
            rows: OrderedRows::default(),
        };
        self.place_index(&mut index, create.on.as_ref(), create.clustered)?;
        self.add_index(index, create.clustered)
    }

    /// "A default unique, nonclustered index is automatically created" ("SQL Graph architecture"), on
    /// the internal column.
    pub(super) fn add_graph_index(&mut self) -> Result<()> {
        let suffix = graph::suffix(self.object_id);
        let id = self.column_id(&format!("graph_id_{suffix}"))?;
        let index = Index {
            name: format!("GRAPH_UNIQUE_INDEX_{suffix}"),
            id: 0,
            form: IndexForm::Rows,
            object_id: 0,
            kind: IndexKind::Plain,
            system_named: true,
            unique: true,
            disabled: false,
            keys: vec![(id, false)],
            included: Vec::new(),
            filter: None,
            placed: None,
            rows: OrderedRows::default(),
        };
        self.add_index(index, false)
    }

    fn form(&mut self, create: &CreateIndex) -> Result<IndexForm> {
        let first = create.columns.first().map(|(c, _)| c.clone());
        let column = match &first {
            Some(name) => {
                let id = self.column_id(name)?;
                let table = self.table();
                Some(table.columns[table.position(id)].clone())
            }
            None => None,
        };
        let misplaced = |what: &str| {
            let message = format!(
                "Column '{}' in table '{}' is of a type that is invalid for {what}.",
                first.clone().unwrap_or_default(),
                create.table
            );
            error(1919, 16, message)
        };
        Ok(match &create.form {
            FormSpec::Rows => IndexForm::Rows,
            FormSpec::Columnstore => IndexForm::Columnstore,
            FormSpec::PrimaryXml | FormSpec::Xml(..)
                if column.as_ref().is_none_or(|c| c.ty != SqlType::Xml) =>
            {
                return Err(misplaced("an XML index"));
            }
            FormSpec::PrimaryXml => IndexForm::Xml(None),
            FormSpec::Xml(primary, what) => {
                let table = self.table();
                let found = table
                    .indexes
                    .iter()
                    .find(|i| i.form == IndexForm::Xml(None) && same_name(&i.name, primary));
                let Some(found) = found else {
                    let message = format!("Cannot find the primary XML index '{primary}'.");
                    return Err(error(6332, 16, message));
                };
                IndexForm::Xml(Some((found.id, *what)))
            }
            FormSpec::Spatial(scheme) => {
                let Some(geography) = column.as_ref().and_then(|c| match c.user_type_id {
                    130 => Some(true),
                    129 => Some(false),
                    _ => None,
                }) else {
                    return Err(misplaced("a spatial index"));
                };
                let usual = if geography {
                    "GEOGRAPHY_AUTO_GRID"
                } else {
                    "GEOMETRY_AUTO_GRID"
                };
                IndexForm::Spatial(scheme.clone().unwrap_or_else(|| usual.to_owned()))
            }
        })
    }
}

/// Makes the catalog count other rows than there are, as it does in databases that come from SQL
/// Server 2000 (Microsoft, "DBCC UPDATEUSAGE").
pub(crate) fn keep_rows(facts: &Facts, state: &mut State, table: &Name, rows: i64) -> Result<()> {
    let (database, name) = place(facts, state, table)?;
    let object_id = table_id(database, &name)?;
    let mut work = Work {
        facts,
        database,
        object_id,
    };
    work.table().kept_rows = Some(rows);
    Ok(())
}
