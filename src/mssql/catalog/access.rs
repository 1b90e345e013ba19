//! What the login would read less of than there is: masks, row filters, columns without SELECT.
//!
//! `HAS_PERMS_BY_NAME` answers for the login itself, so nothing here needs more rights than the
//! rows do. A server that refuses a question counts as one that hides nothing it does not say;
//! `plan::access` decides what follows from the answers.

use std::collections::{HashMap, HashSet};

use crate::error::Result;
use crate::mssql::connection::Connection;

use super::ask::{all, none_if_refused, warn_if_refused};
use super::row::catalog_row;
#[cfg(test)]
use super::row::samples;

catalog_row! {
    /// What the login may do in the whole database. NULL if the server knows no such permission: UNMASK
    /// and security policies came with 2016, VIEW SECURITY DEFINITION with 2022. NULL as the first
    /// argument is the current database, whatever its name (Microsoft, "HAS_PERMS_BY_NAME").
    struct PermissionsRow {
        select: Option<bool> = "CONVERT(int, HAS_PERMS_BY_NAME(NULL, N'DATABASE', N'SELECT'))",
        unmask: bool = "CONVERT(int, HAS_PERMS_BY_NAME(NULL, N'DATABASE', N'UNMASK'))",
        view_definition: bool = "CONVERT(int, HAS_PERMS_BY_NAME(NULL, N'DATABASE', N'VIEW DEFINITION'))",
        view_security: bool = "CONVERT(int, HAS_PERMS_BY_NAME(NULL, N'DATABASE', N'VIEW SECURITY DEFINITION'))",
        alter_policies: bool = "CONVERT(int, HAS_PERMS_BY_NAME(NULL, N'DATABASE', N'ALTER ANY SECURITY POLICY'))",
    }
    from ""
}

catalog_row! {
    /// A filter predicate (type 0) on a table, of a security policy that is switched on; since 2016.
    struct PolicyRow {
        object_id: i64 = "CONVERT(bigint, p.target_object_id)",
    }
    from "sys.security_predicates AS p \
          JOIN sys.security_policies AS s ON s.object_id = p.object_id \
          WHERE s.is_enabled = 1 AND p.predicate_type = 0"
}

catalog_row! {
    /// A masked column. From 2022 on UNMASK is granted on schemas, tables and columns too (Microsoft,
    /// "Dynamic data masking"); before that the answer is NULL. The column's name has no brackets:
    /// "Sub-securables cannot use brackets in the form '[sub name]'" (Microsoft, "HAS_PERMS_BY_NAME").
    struct MaskedRow {
        object_id: i64 = "CONVERT(bigint, c.object_id)",
        column_id: i64 = "CONVERT(int, c.column_id)",
        unmask: Option<bool> = "CONVERT(int, HAS_PERMS_BY_NAME(QUOTENAME(s.name) + N'.' \
            + QUOTENAME(t.name), N'OBJECT', N'UNMASK', c.name, N'COLUMN'))",
    }
    from "sys.columns AS c JOIN sys.tables AS t ON t.object_id = c.object_id \
          JOIN sys.schemas AS s ON s.schema_id = t.schema_id WHERE c.is_masked = 1"
}

catalog_row! {
    /// Each column of tables that the login may not read as a whole, or on which SELECT is granted or
    /// denied by column (a login sees its own permissions and those of its roles: Microsoft,
    /// "sys.database_permissions"). `sys.columns` shows all columns of an object that the login may
    /// see anything of.
    struct ReadableRow {
        object_id: i64 = "CONVERT(bigint, c.object_id)",
        column: String = "c.name",
        /// Whether the login may read the column.
        select: Option<bool> = "CONVERT(int, HAS_PERMS_BY_NAME(QUOTENAME(s.name) + N'.' \
            + QUOTENAME(t.name), N'OBJECT', N'SELECT', c.name, N'COLUMN'))",
    }
    from "sys.tables AS t JOIN sys.schemas AS s ON s.schema_id = t.schema_id \
          JOIN sys.columns AS c ON c.object_id = t.object_id \
          WHERE HAS_PERMS_BY_NAME(QUOTENAME(s.name) + N'.' + QUOTENAME(t.name), N'OBJECT', \
          N'SELECT') = 0 \
          OR EXISTS (SELECT 1 FROM sys.database_permissions AS p WHERE p.class = 1 \
          AND p.minor_id > 0 AND p.permission_name = N'SELECT' AND p.major_id = t.object_id) \
          ORDER BY c.object_id, c.column_id"
}

/// What the catalog says of the login's own view of the data.
#[derive(Debug, Default)]
pub(super) struct Access {
    /// `None` if the server does not tell.
    pub(super) select_on_all: Option<bool>,
    /// The server has security policies and does not show them to this login.
    pub(super) filters_hidden: bool,
    /// The login has UNMASK in the whole database.
    unmask: bool,
    /// Masked columns by `object_id` and `column_id`, with whether the login has UNMASK there.
    unmasked: HashMap<(i64, i64), bool>,
    /// `object_id` of tables with a filter predicate.
    filtered: HashSet<i64>,
    /// Columns without SELECT, of tables that have any.
    denied: HashMap<i64, Vec<String>>,
}

impl Access {
    /// Asks four questions; that about masks only since 2016, before which no column could have one.
    ///
    /// # Errors
    /// A lost connection. A refusal is an empty answer.
    pub(super) async fn ask(connection: &mut Connection, since_2016: bool) -> Result<Self> {
        let mut access = Self::default();
        let permissions = warn_if_refused::<PermissionsRow>(all(connection).await)?;
        if let Some(row) = permissions.first() {
            access.select_on_all = row.select;
            access.unmask = row.unmask;
            let sees = row.view_definition || row.view_security || row.alter_policies;
            access.filters_hidden = since_2016 && !sees;
        }
        let policies = none_if_refused::<PolicyRow>(all(connection).await)?;
        access.filtered = policies.iter().map(|row| row.object_id).collect();
        if since_2016 {
            access.masks(&none_if_refused(all(connection).await)?);
        }
        access.columns(none_if_refused(all(connection).await)?);
        Ok(access)
    }

    fn masks(&mut self, rows: &[MaskedRow]) {
        for row in rows {
            let unmasked = row.unmask.unwrap_or(self.unmask);
            self.unmasked
                .insert((row.object_id, row.column_id), unmasked);
        }
    }

    fn columns(&mut self, rows: Vec<ReadableRow>) {
        for row in rows {
            if row.select == Some(false) {
                self.denied
                    .entry(row.object_id)
                    .or_default()
                    .push(row.column);
            }
        }
    }

    /// Whether a masked column is read as its mask.
    pub(super) fn masks_column(&self, part: (i64, i64)) -> bool {
        !self.unmasked.get(&part).copied().unwrap_or(self.unmask)
    }

    /// Whether a security policy filters the table's rows; it may filter them for this login or
    /// not.
    pub(super) fn filters(&self, table: i64) -> bool {
        self.filtered.contains(&table)
    }

    /// Columns that the login may not read, in the table's order.
    pub(super) fn denied(&self, table: i64) -> Vec<String> {
        self.denied.get(&table).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
impl Access {
    /// Rows as the question about UNMASK gives them, and tables with a filter.
    pub(super) fn sample(unmasked: &[&str], filtered: &[i64]) -> Self {
        let mut access = Self {
            filtered: filtered.iter().copied().collect(),
            ..Self::default()
        };
        access.masks(&samples(unmasked));
        access
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_without_select_are_denied_by_name() {
        let mut access = Access::default();
        let rows = ["7|A|1", "7|B|0", "7|C|0", "8|A|1", "9|A|NULL"];
        access.columns(samples(&rows));
        assert_eq!(access.denied(7), ["B", "C"]);
        assert!(access.denied(8).is_empty() && access.denied(9).is_empty());
    }

    /// Before 2022 UNMASK is known for the database alone.
    #[test]
    fn unmask_of_the_database_holds_where_the_server_knows_no_other() {
        let mut access = Access {
            unmask: true,
            ..Access::default()
        };
        access.masks(&samples(&["7|1|NULL", "7|2|0", "7|3|1"]));
        let masked = [1, 2, 3].map(|column| access.masks_column((7, column)));
        assert_eq!(masked, [false, true, false]);
    }
}
