//! What is there already under a target's name, and whether the plan's rows fit into it.
//!
//! COPY BINARY carries no types: bytes of an `integer` go into a `real` without an error. So a
//! table that was not made by this run is compared column by column before a row is written.

use std::collections::BTreeMap;

use tokio_postgres::GenericClient;
use tokio_postgres::types::Oid;

use crate::error::{Error, Kind, Result};
use crate::plan::table::{ColumnPlan, TablePlan, TargetName};
use crate::postgres::ddl::types::{type_text, widest_text};
use crate::postgres::fault;
use tsql::names;

/// The relation of a name, of any kind.
const FIND: &str = "\
SELECT c.oid, c.relkind FROM pg_catalog.pg_class c \
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2";

/// The same for several names; those that are not there give no row.
const FIND_ALL: &str = "\
SELECT w.number, c.oid, c.relkind FROM ROWS FROM (pg_catalog.unnest($1::text[]), \
pg_catalog.unnest($2::text[])) WITH ORDINALITY AS w(schema, name, number) \
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema \
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name";

/// A column of a domain counts as its base type, whose values it takes; a domain may be made of
/// another one.
const COLUMNS: &str = "\
WITH RECURSIVE base AS (\
SELECT attrelid, attnum, atttypid AS type, atttypmod AS modifier, 0 AS depth \
FROM pg_catalog.pg_attribute WHERE attrelid = ANY ($1) AND attnum > 0 AND NOT attisdropped \
UNION ALL SELECT b.attrelid, b.attnum, t.typbasetype, t.typtypmod, b.depth + 1 FROM base b \
JOIN pg_catalog.pg_type t ON t.oid = b.type WHERE t.typtype = 'd') \
SELECT DISTINCT ON (a.attrelid, a.attnum) a.attrelid AS owner, a.attname::text AS name, \
pg_catalog.format_type(b.type, b.modifier) AS type, a.attgenerated <> '' AS generated, \
a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS must_be_given \
FROM base b JOIN pg_catalog.pg_attribute a ON a.attrelid = b.attrelid AND a.attnum = b.attnum \
ORDER BY a.attrelid, a.attnum, b.depth DESC";

/// A relation under the target's name.
pub(in crate::postgres) struct Found {
    pub(in crate::postgres) oid: Oid,
    /// `pg_class.relkind`.
    kind: u8,
}

impl Found {
    /// Divided into partitions.
    pub(in crate::postgres) fn is_partitioned(&self) -> bool {
        self.kind == b'p'
    }

    /// Ordinary or partitioned.
    pub(super) fn is_table(&self) -> bool {
        matches!(self.kind, b'r' | b'p')
    }

    /// # Errors
    /// `TargetExists` for a view, a sequence and the like.
    pub(super) fn must_be_table(&self, name: &TargetName) -> Result<()> {
        if self.is_table() {
            return Ok(());
        }
        Err(Error::new(
            Kind::TargetExists,
            format!(
                "{} is there already and is not a table: rename the target in tables.overrides, or drop it yourself",
                names::qualified(name)
            ),
        ))
    }
}

/// `None` if nothing has the name. It may be a view, an index or a sequence.
pub(super) async fn find(client: &impl GenericClient, name: &TargetName) -> Result<Option<Found>> {
    let row = client
        .query_opt(FIND, &[&name.schema, &name.table])
        .await
        .map_err(|error| {
            fault::from_driver(error, &format!("look for {}", names::qualified(name)))
        })?;
    Ok(row.map(|row| Found {
        oid: row.get("oid"),
        kind: row.get::<_, i8>("relkind").cast_unsigned(),
    }))
}

/// The relations under several names, asked for at once: one for each name, in the order of the names.
pub(in crate::postgres) async fn find_all<'a>(
    client: &impl GenericClient,
    names: impl Iterator<Item = &'a TargetName>,
) -> Result<Vec<Option<Found>>> {
    let (schemas, names): (Vec<_>, Vec<_>) = names
        .map(|name| (name.schema.as_str(), name.table.as_str()))
        .unzip();
    let rows = client.query(FIND_ALL, &[&schemas, &names]).await;
    let rows =
        rows.map_err(|error| fault::from_driver(error, "look for the tables of the target"))?;
    let mut found: Vec<Option<Found>> = names.iter().map(|_| None).collect();
    for row in rows {
        let at = usize::try_from(row.get::<_, i64>("number") - 1).unwrap_or(usize::MAX);
        if let Some(place) = found.get_mut(at) {
            *place = Some(Found {
                oid: row.get("oid"),
                kind: row.get::<_, i8>("relkind").cast_unsigned(),
            });
        }
    }
    Ok(found)
}

/// Looks for one row, which costs nothing in a large table.
pub(super) async fn holds_rows(client: &impl GenericClient, name: &TargetName) -> Result<bool> {
    let name = names::qualified(name);
    client
        .query_one(&format!("SELECT EXISTS (SELECT 1 FROM {name})"), &[])
        .await
        .map(|row| row.get(0))
        .map_err(|error| fault::from_driver(error, &format!("look into {name}")))
}

/// A column that is there.
struct Column {
    /// As `format_type` prints it.
    ty: String,
    generated: bool,
    /// Not null and nothing fills it.
    must_be_given: bool,
}

/// The columns of a table, by name.
type Columns = BTreeMap<String, Column>;

async fn columns(client: &impl GenericClient, found: &Found) -> Result<Columns> {
    let mut all = columns_of(client, &[found.oid]).await?;
    Ok(all.remove(&found.oid).unwrap_or_default())
}

/// The columns of several tables.
async fn columns_of(client: &impl GenericClient, tables: &[Oid]) -> Result<BTreeMap<Oid, Columns>> {
    let rows = client.query(COLUMNS, &[&tables]).await;
    let rows =
        rows.map_err(|error| fault::from_driver(error, "read the columns of the target table"))?;
    let mut all: BTreeMap<Oid, Columns> = BTreeMap::new();
    for row in rows {
        let column = Column {
            ty: row.get("type"),
            generated: row.get("generated"),
            must_be_given: row.get("must_be_given"),
        };
        let columns = all.entry(row.get("owner")).or_default();
        columns.insert(row.get("name"), column);
    }
    Ok(all)
}

/// All columns that are there have types whose binary form is that of the plan's.
///
/// # Errors
/// `Checkpoint`, naming each column that has another form.
pub(super) async fn must_compare(
    client: &impl GenericClient,
    found: &Found,
    plan: &TablePlan,
) -> Result<()> {
    let columns = columns(client, found).await?;
    let other = |planned: &ColumnPlan| {
        let found = columns.get(&planned.target_name)?;
        let ty = type_text(&planned.target_type);
        (form(&found.ty) != form(&ty)).then(|| {
            format!(
                "column {} is {} there and {ty} in the plan",
                planned.target_name, found.ty
            )
        })
    };
    let others: Vec<_> = plan.all_columns().filter_map(other).collect();
    if others.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        Kind::Checkpoint,
        format!(
            "{} cannot be compared: {}",
            names::qualified(&plan.target),
            others.join("; ")
        ),
    )
    .advise("give the columns the types back that they were made with, or load the table again with --restart."))
}

/// A type without its modifier; texts have one form (`textsend`, `varcharsend`, `bpcharsend`).
fn form(ty: &str) -> String {
    let bare = match (ty.find('('), ty.find(')')) {
        (Some(open), Some(close)) if open < close => format!("{}{}", &ty[..open], &ty[close + 1..]),
        _ => ty.to_owned(),
    };
    match bare.as_str() {
        "character" | "character varying" | "bpchar" => "text".to_owned(),
        _ => bare,
    }
}

/// All of the plan's columns with their types, and no other column that needs a value.
///
/// # Errors
/// `TargetQuery`, naming every misfit at once.
pub(super) async fn must_fit(
    client: &impl GenericClient,
    found: &Found,
    plan: &TablePlan,
) -> Result<()> {
    fits(columns(client, found).await?, plan)
}

/// The same for several tables, in their order.
pub(super) async fn fit_all(
    client: &impl GenericClient,
    tables: &[(&Found, &TablePlan)],
) -> Result<Vec<Result<()>>> {
    let oids: Vec<Oid> = tables.iter().map(|(found, _)| found.oid).collect();
    let mut columns = columns_of(client, &oids).await?;
    let fit = tables
        .iter()
        .map(|(found, plan)| fits(columns.remove(&found.oid).unwrap_or_default(), plan));
    Ok(fit.collect())
}

fn fits(mut columns: Columns, plan: &TablePlan) -> Result<()> {
    let mut problems: Vec<String> = plan
        .columns
        .iter()
        .filter_map(|planned| misfit(planned, columns.remove(&planned.target_name)))
        .collect();
    for planned in &plan.generated {
        let name = &planned.target_name;
        if columns.remove(name).is_none_or(|found| !found.generated) {
            problems.push(format!(
                "column {name} is not generated there, as the source's expression asks for: schema.computed: plain copies its values"
            ));
        }
    }
    problems.extend(
        columns
            .iter()
            .filter(|(_, column)| column.must_be_given)
            .map(|(name, _)| format!("its column {name} is NOT NULL without default, and the source has no such column")),
    );
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        Kind::TargetQuery,
        format!(
            "the rows do not fit into {}: {}",
            names::qualified(&plan.target),
            problems.join("; ")
        ),
    ))
}

/// `None` if the column takes the plan's values.
fn misfit(planned: &ColumnPlan, found: Option<Column>) -> Option<String> {
    let name = &planned.target_name;
    let ty = type_text(&planned.target_type);
    let Some(found) = found else {
        return Some(format!("column {name} ({ty}) is missing"));
    };
    if found.generated {
        return Some(format!(
            "column {name} is generated there and not in the plan: leave it out with tables.overrides.<table>.columns.exclude"
        ));
    }
    if found.ty == ty || found.ty == widest_text(&planned.target_type) {
        return None;
    }
    Some(format!(
        "column {name} is {} there and {ty} in the plan: change one of them, the plan with tables.overrides.<table>.types",
        found.ty
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_one_form_differ_in_their_modifier_or_are_texts() {
        for (one, other, same) in [
            ("character varying(50)", "text", true),
            ("character(5)", "character varying", true),
            ("numeric(10,2)", "numeric(12,2)", true),
            (
                "timestamp(3) without time zone",
                "timestamp without time zone",
                true,
            ),
            (
                "timestamp(3) without time zone",
                "timestamp with time zone",
                false,
            ),
            ("timestamp without time zone", "bigint", false),
            ("integer", "date", false),
            ("integer", "bigint", false),
        ] {
            assert_eq!(form(one) == form(other), same, "{one}, {other}");
        }
    }
}
