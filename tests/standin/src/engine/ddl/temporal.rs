//! System-versioned tables: the period, the history table, and switching versioning.

use std::sync::Arc;

use crate::engine::ddl::work::{Work, moment, table_id};
use crate::engine::error::{Result, error};
use crate::engine::model::index::{Index, IndexForm, IndexKind};
use crate::engine::model::name::Name;
use crate::engine::model::rows::OrderedRows;
use crate::engine::model::table::{ColumnDef, GeneratedAlways, Table, Temporal};
use crate::engine::parse::definition::Versioning;
use crate::types::SqlType;

impl Work<'_> {
    /// PERIOD FOR SYSTEM_TIME over two columns.
    pub(super) fn add_period(&mut self, start: &str, end: &str) -> Result<()> {
        let ids = (self.column_id(start)?, self.column_id(end)?);
        let table = self.table();
        for (id, wanted) in [
            (ids.0, GeneratedAlways::RowStart),
            (ids.1, GeneratedAlways::RowEnd),
        ] {
            let at = table.position(id);
            let column = &mut Arc::make_mut(&mut table.columns)[at];
            let fits = matches!(column.ty, SqlType::DateTime2 { .. })
                && [wanted, GeneratedAlways::No].contains(&column.generated);
            if !fits {
                let message = format!(
                    "Period column '{}' in a system-versioned temporal table has a wrong type or is generated otherwise.",
                    column.name
                );
                return Err(error(13501, 16, message));
            }
            column.generated = wanted;
            column.nullable = false;
        }
        table.period = Some(ids);
        Ok(())
    }

    /// Switches versioning on; the history table is made unless it is there.
    pub(super) fn version(&mut self, versioning: &Versioning) -> Result<()> {
        let snapshot = self.table().clone();
        let name = &snapshot.name;
        let Some(period) = snapshot.period else {
            let message = format!(
                "Cannot set SYSTEM_VERSIONING to ON when SYSTEM_TIME period is not defined in table '{name}'."
            );
            return Err(error(13510, 16, message));
        };
        if !snapshot
            .indexes
            .iter()
            .any(|i| i.kind == IndexKind::PrimaryKey)
        {
            let message =
                format!("System versioned temporal table '{name}' must have primary key defined.");
            return Err(error(13553, 16, message));
        }
        let history = versioning.history.clone().unwrap_or_else(|| Name {
            database: None,
            schema: self
                .database
                .schema_name(snapshot.schema_id)
                .map(str::to_owned),
            name: format!("MSSQL_TemporalHistoryFor_{}", snapshot.object_id),
        });
        let id = match table_id(self.database, &history) {
            Ok(id) => id,
            Err(_) => self.make_history(&snapshot, &history, period)?,
        };
        if let Some(other) = self.database.table_mut(id) {
            let same = other.columns.len() == snapshot.columns.len()
                && other
                    .columns
                    .iter()
                    .zip(snapshot.columns.iter())
                    .all(|(a, b)| a.ty == b.ty && a.name.eq_ignore_ascii_case(&b.name));
            if !same {
                let message = format!(
                    "Setting SYSTEM_VERSIONING to ON failed because table '{name}' and history table '{history}' have different columns."
                );
                return Err(error(13523, 16, message));
            }
            other.temporal = Temporal::History;
        }
        self.table().temporal = Temporal::Versioned(id);
        Ok(())
    }

    /// The history table as SQL Server makes it: the same columns without their constraints, and a
    /// clustered index on the end and the start of the period.
    fn make_history(&mut self, of: &Table, name: &Name, period: (i32, i32)) -> Result<i32> {
        let schema = name.schema.as_deref().unwrap_or("dbo");
        let schema_id = self.database.schema_id(schema).ok_or_else(|| {
            error(2760, 16, format!("The specified schema name \"{schema}\" either does not exist or you do not have permission to use it."))
        })?;
        let object_id = self.database.new_object();
        self.database.claim(schema_id, &name.name, object_id)?;
        let columns: Vec<ColumnDef> = of
            .columns
            .iter()
            .map(|c| ColumnDef {
                identity: None,
                computed: None,
                default: None,
                rowguid: false,
                generated: GeneratedAlways::No,
                ..c.clone()
            })
            .collect();
        let index = Index {
            name: format!("ix_{}", name.name),
            id: 1,
            form: IndexForm::Rows,
            object_id: 0,
            kind: IndexKind::Plain,
            system_named: false,
            unique: false,
            disabled: false,
            keys: vec![(period.1, false), (period.0, false)],
            included: Vec::new(),
            filter: None,
            placed: None,
            rows: OrderedRows::default(),
        };
        let table = Table {
            object_id,
            schema_id,
            name: name.name.clone(),
            columns: Arc::new(columns),
            indexes: vec![index],
            checks: Arc::default(),
            foreign_keys: Arc::default(),
            heap: OrderedRows::default(),
            placed: None,
            next_row: 1,
            next_column: of.next_column,
            generated: None,
            external: false,
            memory: None,
            kept_rows: None,
            temporal: Temporal::History,
            period: None,
            created: moment(self.facts),
        };
        self.database.tables.insert(object_id, Arc::new(table));
        Ok(object_id)
    }

    /// Versioning off: both tables become plain ones.
    pub(super) fn unversion(&mut self) -> Result<()> {
        let table = self.table();
        let Temporal::Versioned(history) = table.temporal else {
            let message = format!(
                "SYSTEM_VERSIONING is not turned ON for table '{}'.",
                table.name
            );
            return Err(error(13591, 16, message));
        };
        table.temporal = Temporal::No;
        if let Some(other) = self.database.table_mut(history) {
            other.temporal = Temporal::No;
        }
        Ok(())
    }

    pub(super) fn drop_period(&mut self) -> Result<()> {
        let table = self.table();
        table.period = None;
        for column in Arc::make_mut(&mut table.columns) {
            column.generated = GeneratedAlways::No;
        }
        Ok(())
    }
}
