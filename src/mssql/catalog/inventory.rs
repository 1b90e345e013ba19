//! What the tool never makes, by kind and name: one statement per catalog view.
//!
//! No statement joins texts: their collations may differ, which is an error. A view that is missing
//! or closed to the login makes its kind unread, never the whole catalog.

use crate::error::{Kind, Result};
use crate::mssql::connection::Connection;
use crate::mssql::control::ControlRow;
use tsql::schema::inventory::InventoryKind;

/// A kind, the statement that names all of it, and how its rows are written.
struct Question {
    /// In the plural, as reports show it.
    kind: &'static str,
    /// Gives the columns that `show` reads, in the order of the report.
    sql: &'static str,
    show: fn(&ControlRow) -> Result<String>,
    /// The version that brought the view is told by this column, see `NEWER_COLUMNS`.
    since: Option<&'static str>,
    /// What to know of the whole kind.
    note: Option<&'static str>,
}

const fn question(kind: &'static str, sql: &'static str) -> Question {
    Question {
        kind,
        sql,
        show: two_parts,
        since: None,
        note: None,
    }
}

const QUESTIONS: [Question; 12] = [
    question(
        "procedures",
        "SELECT s.name AS [schema], p.name AS [name] FROM sys.procedures AS p \
         JOIN sys.schemas AS s ON s.schema_id = p.schema_id \
         WHERE p.is_ms_shipped = 0 ORDER BY s.name, p.name",
    ),
    question(
        "functions",
        "SELECT s.name AS [schema], o.name AS [name] FROM sys.objects AS o \
         JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
         WHERE o.type IN ('FN', 'IF', 'TF', 'FS', 'FT', 'AF') AND o.is_ms_shipped = 0 \
         ORDER BY s.name, o.name",
    ),
    Question {
        show: three_parts,
        ..question(
            "triggers",
            "SELECT s.name AS [schema], o.name AS [table], r.name AS [name] FROM sys.triggers AS r \
             JOIN sys.objects AS o ON o.object_id = r.parent_id \
             JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
             WHERE r.is_ms_shipped = 0 ORDER BY s.name, o.name, r.name",
        )
    },
    Question {
        show: one_part,
        ..question(
            "triggers of the database",
            "SELECT r.name AS [name] FROM sys.triggers AS r \
             WHERE r.parent_class = 0 AND r.is_ms_shipped = 0 ORDER BY r.name",
        )
    },
    Question {
        show: synonym,
        ..question(
            "synonyms",
            "SELECT s.name AS [schema], y.name AS [name], \
             CONVERT(nvarchar(1035), y.base_object_name) AS [base] \
             FROM sys.synonyms AS y JOIN sys.schemas AS s ON s.schema_id = y.schema_id \
             ORDER BY s.name, y.name",
        )
    },
    question(
        "table types",
        "SELECT s.name AS [schema], t.name AS [name] FROM sys.table_types AS t \
         JOIN sys.schemas AS s ON s.schema_id = t.schema_id \
         WHERE t.is_user_defined = 1 ORDER BY s.name, t.name",
    ),
    Question {
        since: Some("is_external"),
        note: Some("their rows are kept in another place, which this tool does not read"),
        ..question(
            "external tables",
            "SELECT s.name AS [schema], t.name AS [name] FROM sys.tables AS t \
             JOIN sys.schemas AS s ON s.schema_id = t.schema_id \
             WHERE t.is_external = 1 ORDER BY s.name, t.name",
        )
    },
    Question {
        since: Some("is_masked"),
        ..question(
            "security policies",
            "SELECT s.name AS [schema], p.name AS [name] FROM sys.security_policies AS p \
             JOIN sys.schemas AS s ON s.schema_id = p.schema_id ORDER BY s.name, p.name",
        )
    },
    Question {
        show: one_part,
        ..question(
            "assemblies",
            "SELECT a.name AS [name] FROM sys.assemblies AS a WHERE a.is_user_defined = 1 ORDER BY a.name",
        )
    },
    // Up to 4 are those of every database.
    Question {
        show: one_part,
        ..question(
            "users and roles",
            "SELECT p.name AS [name] FROM sys.database_principals AS p \
             WHERE p.principal_id > 4 AND p.is_fixed_role = 0 ORDER BY p.name",
        )
    },
    // Without those on system objects, which have negative ids, and CONNECT, which every user has.
    Question {
        show: permission,
        ..question(
            "permissions",
            "SELECT CONVERT(nvarchar(60), p.state_desc) AS [state], \
             CONVERT(nvarchar(128), p.permission_name) AS [permission], \
             CONVERT(nvarchar(60), p.class_desc) AS [class_desc], CONVERT(int, p.class) AS [class], \
             CONVERT(int, p.major_id) AS [major_id], s.name AS [schema], o.name AS [name], \
             c.name AS [column], h.name AS [on_schema], r.name AS [on_user], y.name AS [on_type], \
             u.name AS [grantee] \
             FROM sys.database_permissions AS p \
             JOIN sys.database_principals AS u ON u.principal_id = p.grantee_principal_id \
             LEFT JOIN sys.objects AS o ON o.object_id = p.major_id AND p.class = 1 \
             LEFT JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
             LEFT JOIN sys.columns AS c ON c.object_id = p.major_id AND c.column_id = p.minor_id AND p.class = 1 \
             LEFT JOIN sys.schemas AS h ON h.schema_id = p.major_id AND p.class = 3 \
             LEFT JOIN sys.database_principals AS r ON r.principal_id = p.major_id AND p.class = 4 \
             LEFT JOIN sys.types AS y ON y.user_type_id = p.major_id AND p.class = 6 \
             WHERE p.major_id >= 0 AND (p.class <> 0 OR p.permission_name <> 'CONNECT') \
             ORDER BY p.class, p.major_id, p.minor_id",
        )
    },
    // SQL Server Agent's; Azure SQL Database has none and no msdb.
    Question {
        show: one_part,
        ..question(
            "jobs",
            "SELECT DISTINCT j.name FROM msdb.dbo.sysjobs AS j \
             JOIN msdb.dbo.sysjobsteps AS t ON t.job_id = j.job_id \
             WHERE t.database_name = DB_NAME() ORDER BY j.name",
        )
    },
];

/// Asks for every kind; of one that the server or the login does not answer, why.
/// `newer`: columns of catalog views that this version has. Kinds without any object are left out.
///
/// # Errors
/// A lost connection.
pub(super) async fn ask(
    connection: &mut Connection,
    newer: &[String],
) -> Result<Vec<InventoryKind>> {
    let mut kinds = Vec::new();
    for question in &QUESTIONS {
        let there = |since: &str| newer.iter().any(|name| name == since);
        if !question.since.is_none_or(there) {
            continue;
        }
        let mut kind = InventoryKind {
            kind: question.kind.to_owned(),
            note: question.note.map(str::to_owned),
            ..InventoryKind::default()
        };
        match connection.query(question.sql).await {
            Ok(rows) => kind.names = rows.iter().map(question.show).collect::<Result<_>>()?,
            Err(error)
                if matches!(
                    error.kind(),
                    Kind::SourceQuery | Kind::SourcePermission | Kind::SourceDatabase
                ) =>
            {
                tracing::debug!(%error, kind = question.kind, "a kind of object could not be read");
                kind.unread = Some(error.to_string());
            }
            Err(error) => return Err(error),
        }
        if !kind.is_empty() {
            kinds.push(kind);
        }
    }
    Ok(kinds)
}

fn one_part(row: &ControlRow) -> Result<String> {
    Ok(row.need_text("name")?.to_owned())
}

fn two_parts(row: &ControlRow) -> Result<String> {
    let (schema, name) = (row.need_text("schema")?, row.need_text("name")?);
    Ok(format!("{schema}.{name}"))
}

fn three_parts(row: &ControlRow) -> Result<String> {
    let (schema, table) = (row.need_text("schema")?, row.need_text("table")?);
    Ok(format!("{schema}.{table}.{}", row.need_text("name")?))
}

/// The base is as it was written at CREATE SYNONYM, and may be in another database or server.
fn synonym(row: &ControlRow) -> Result<String> {
    Ok(match row.text("base")? {
        Some(base) => format!("{} for {base}", two_parts(row)?),
        None => two_parts(row)?,
    })
}

/// `GRANT SELECT ON dbo.T(Id) TO reader`, with the scope as T-SQL writes it, because the same words without
/// it would grant more.
fn permission(row: &ControlRow) -> Result<String> {
    let (state, name) = (row.need_text("state")?, row.need_text("permission")?);
    let (verb, option) = match state.strip_suffix("_WITH_GRANT_OPTION") {
        Some(verb) => (verb, " WITH GRANT OPTION"),
        None => (state, ""),
    };
    let on = match row.need_int("class")? {
        DATABASE => String::new(),
        _ => format!(" ON {}", securable(row)?),
    };
    let grantee = row.need_text("grantee")?;
    Ok(format!("{verb} {name}{on} TO {grantee}{option}"))
}

/// `sys.database_permissions.class` of the database itself.
const DATABASE: i64 = 0;

/// What a permission is on: `dbo.T`, `dbo.T(Id)`, `SCHEMA::sales`, or its class with its id.
fn securable(row: &ControlRow) -> Result<String> {
    if let (Some(schema), Some(object)) = (row.text("schema")?, row.text("name")?) {
        let column = row.text("column")?.map(|column| format!("({column})"));
        return Ok(format!("{schema}.{object}{}", column.unwrap_or_default()));
    }
    let names = [
        ("on_schema", "SCHEMA"),
        ("on_user", "USER"),
        ("on_type", "TYPE"),
    ];
    for (column, class) in names {
        if let Some(name) = row.text(column)? {
            return Ok(format!("{class}::{name}"));
        }
    }
    Ok(format!(
        "{} {}",
        row.need_text("class_desc")?,
        row.need_int("major_id")?
    ))
}
