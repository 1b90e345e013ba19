//! What the login would read less of than there is: masks, row filters, columns without SELECT.

use std::collections::{HashMap, HashSet};

use crate::error::Result;
use crate::mssql::connection::Connection;
use crate::mssql::control::ControlRow;

use super::{newest, optional};

/// What the login may do in the whole database. NULL where the server knows no such permission:
/// UNMASK and security policies came with 2016, VIEW SECURITY DEFINITION with 2022. NULL as the
/// first argument is the current database, whatever its name (Microsoft, "HAS_PERMS_BY_NAME").
const PERMISSIONS: &str = "\
SELECT CONVERT(int, HAS_PERMS_BY_NAME(NULL, N'DATABASE', N'SELECT')), \
CONVERT(int, HAS_PERMS_BY_NAME(NULL, N'DATABASE', N'UNMASK')), \
CONVERT(int, HAS_PERMS_BY_NAME(NULL, N'DATABASE', N'VIEW DEFINITION')), \
CONVERT(int, HAS_PERMS_BY_NAME(NULL, N'DATABASE', N'VIEW SECURITY DEFINITION')), \
CONVERT(int, HAS_PERMS_BY_NAME(NULL, N'DATABASE', N'ALTER ANY SECURITY POLICY'))";

/// Tables with a filter predicate (type 0) of a security policy that is switched on; since 2016.
const POLICIES: &str = "\
SELECT DISTINCT CONVERT(bigint, p.target_object_id) FROM sys.security_predicates AS p \
JOIN sys.security_policies AS s ON s.object_id = p.object_id \
WHERE s.is_enabled = 1 AND p.predicate_type = 0";

/// From 2022 on UNMASK is granted on schemas, tables and columns too (Microsoft, "Dynamic data
/// masking"); before that the answer is NULL.
const UNMASKED: &str = "\
SELECT CONVERT(bigint, c.object_id), CONVERT(int, c.column_id), \
CONVERT(int, HAS_PERMS_BY_NAME(QUOTENAME(s.name) + N'.' + QUOTENAME(t.name), N'OBJECT', \
N'UNMASK', QUOTENAME(c.name), N'COLUMN')) \
FROM sys.columns AS c JOIN sys.tables AS t ON t.object_id = c.object_id \
JOIN sys.schemas AS s ON s.schema_id = t.schema_id WHERE c.is_masked = 1";

/// Columns on which SELECT is granted or denied, as far as the login sees that: always of itself
/// and its roles (Microsoft, "sys.database_permissions"). No name: `sys.columns` hides the column,
/// see "Metadata visibility configuration". The last is whether the whole table is the login's.
const BY_COLUMN: &str = "\
SELECT CONVERT(bigint, p.major_id), c.name, \
CONVERT(int, HAS_PERMS_BY_NAME(QUOTENAME(s.name) + N'.' + QUOTENAME(t.name), N'OBJECT', \
N'SELECT', QUOTENAME(c.name), N'COLUMN')), \
CONVERT(int, HAS_PERMS_BY_NAME(QUOTENAME(s.name) + N'.' + QUOTENAME(t.name), N'OBJECT', \
N'SELECT')), CONVERT(int, t.max_column_id_used) \
FROM sys.database_permissions AS p JOIN sys.tables AS t ON t.object_id = p.major_id \
JOIN sys.schemas AS s ON s.schema_id = t.schema_id \
LEFT JOIN sys.columns AS c ON c.object_id = p.major_id AND c.column_id = p.minor_id \
WHERE p.class = 1 AND p.minor_id > 0 AND p.permission_name = N'SELECT'";

/// What the catalog says of the login's own view of the data.
#[derive(Debug, Default)]
pub(super) struct Access {
    /// `None` where the server does not tell.
    pub(super) select_on_all: Option<bool>,
    /// The server has security policies and does not show them to this login.
    pub(super) filters_hidden: bool,
    unmask: bool,
    /// Masked columns by `object_id` and `column_id`, with whether the login has UNMASK there.
    unmasked: HashMap<(i64, i64), bool>,
    filtered: HashSet<i64>,
    by_column: HashMap<i64, ByColumn>,
}

/// A table on which SELECT is granted or denied by column.
#[derive(Debug, Default)]
pub(super) struct ByColumn {
    /// Columns that the login sees and may not read.
    pub(super) denied: Vec<String>,
    /// A column is there that the login does not see.
    hidden: bool,
    /// SELECT is not on the table as a whole.
    partial: bool,
    /// `sys.tables.max_column_id_used`.
    columns: usize,
}

impl ByColumn {
    /// Whether the table may have more columns than these.
    pub(super) fn hides(&self, seen: usize) -> bool {
        self.hidden || (self.partial && seen < self.columns)
    }
}

impl Access {
    pub(super) async fn ask(connection: &mut Connection, since_2016: bool) -> Result<Self> {
        let mut access = Self::default();
        let permissions = optional(connection, PERMISSIONS).await?;
        if let Some(row) = permissions.first() {
            let granted =
                |at| -> Result<Option<bool>> { Ok(row.int(at)?.map(|answer| answer != 0)) };
            access.select_on_all = granted(0)?;
            access.unmask = granted(1)? == Some(true);
            let sees = [granted(2)?, granted(3)?, granted(4)?];
            access.filters_hidden = since_2016 && !sees.contains(&Some(true));
        }
        let policies = newest(connection, POLICIES).await?;
        access.filtered = policies
            .iter()
            .map(|row| row.need_int(0))
            .collect::<Result<_>>()?;
        if since_2016 {
            access.masks(&newest(connection, UNMASKED).await?)?;
        }
        access.columns(&newest(connection, BY_COLUMN).await?)?;
        Ok(access)
    }

    fn masks(&mut self, rows: &[ControlRow]) -> Result<()> {
        for row in rows {
            let unmasked = row.int(2)?.map_or(self.unmask, |answer| answer != 0);
            let part = (row.need_int(0)?, row.need_int(1)?);
            self.unmasked.insert(part, unmasked);
        }
        Ok(())
    }

    fn columns(&mut self, rows: &[ControlRow]) -> Result<()> {
        for row in rows {
            let table = self.by_column.entry(row.need_int(0)?).or_default();
            table.columns = usize::try_from(row.int(4)?.unwrap_or(0)).unwrap_or(0);
            table.partial |= row.int(3)? == Some(0);
            match row.text(1)? {
                None => table.hidden = true,
                Some(name) if row.int(2)? == Some(0) => {
                    if !table.denied.iter().any(|denied| denied == name) {
                        table.denied.push(name.to_owned());
                    }
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Whether a masked column is read as its mask.
    pub(super) fn masks_column(&self, part: (i64, i64)) -> bool {
        !self.unmasked.get(&part).copied().unwrap_or(self.unmask)
    }

    pub(super) fn filters(&self, table: i64) -> bool {
        self.filtered.contains(&table)
    }

    pub(super) fn by_column(&self, table: i64) -> Option<&ByColumn> {
        self.by_column.get(&table)
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
        access
            .masks(&ControlRow::samples(unmasked))
            .expect("numbers");
        access
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_granted_by_column_may_have_more() {
        let mut access = Access::default();
        // Two of three columns are granted, of the fourth the name is not shown.
        let rows = [
            "7|A|1|0|3",
            "7|B|1|0|3",
            "8|A|1|1|2",
            "8|NULL|NULL|1|2",
            "9|A|0|1|1",
        ];
        access.columns(&ControlRow::samples(&rows)).unwrap();
        let table = |id| access.by_column(id).unwrap();
        assert!(table(7).hides(2) && !table(7).hides(3));
        assert!(table(8).hides(1), "a DENY on a column that is not shown");
        assert!(!table(9).hides(1));
        assert_eq!(table(9).denied, ["A"]);
        assert!(access.by_column(10).is_none());
    }

    /// Before 2022 UNMASK is known for the database alone.
    #[test]
    fn unmask_of_the_database_holds_where_the_server_knows_no_other() {
        let mut access = Access {
            unmask: true,
            ..Access::default()
        };
        access
            .masks(&ControlRow::samples(&["7|1|NULL", "7|2|0", "7|3|1"]))
            .unwrap();
        let masked = [1, 2, 3].map(|column| access.masks_column((7, column)));
        assert_eq!(masked, [false, true, false]);
    }
}
