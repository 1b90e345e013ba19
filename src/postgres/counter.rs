//! The counters of columns that were identities: where they continue, and which rows are in their way.

use tokio_postgres::{Client, GenericClient, Transaction};

use crate::error::Result;
use crate::plan::table::{ColumnPlan, TablePlan};
use crate::postgres::fault;
use tsql::names::{qualified, quote_ident};
use tsql::schema::Identity;

/// A counter whose next values are taken by rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collision {
    /// The column's name at the source.
    pub column: String,
    /// Quoted, with its schema.
    pub sequence: String,
    /// What the counter gives out next.
    pub next: i128,
    /// The furthest value in the counter's direction.
    pub furthest: i128,
}

fn counted(plan: &TablePlan) -> impl Iterator<Item = (&ColumnPlan, &Identity)> {
    let columns = plan.columns.iter();
    let columns = columns.filter(|column| column.clauses.counter.is_some());
    columns.filter_map(|column| Some((column, column.identity.as_ref()?)))
}

/// The aggregate that finds the value that is furthest in the counter's direction.
fn furthest(identity: &Identity) -> &'static str {
    if identity.increment < 0 { "min" } else { "max" }
}

/// Whether the table holds values beyond its counter as planned.
pub async fn is_beyond(client: &Client, plan: &TablePlan) -> Result<bool> {
    for (column, identity) in counted(plan) {
        let Some(value) = furthest_value(client, plan, column, identity).await? else {
            continue;
        };
        let beyond = |last: i128| {
            if identity.increment < 0 {
                value < last
            } else {
                value > last
            }
        };
        if identity.last_value.is_none_or(beyond) {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn furthest_value(
    client: &Client,
    plan: &TablePlan,
    column: &ColumnPlan,
    identity: &Identity,
) -> Result<Option<i128>> {
    let select = format!(
        "SELECT pg_catalog.{}({})::text FROM {}",
        furthest(identity),
        quote_ident(&column.target_name),
        qualified(&plan.target)
    );
    let row = client.query_one(&select, &[]).await.map_err(|error| {
        let doing = format!("read the furthest value of {}", qualified(&plan.target));
        fault::from_driver(error, &doing).at_column(&column.source.name)
    })?;
    // A whole number, with any number of digits.
    Ok(row
        .get::<_, Option<&str>>(0)
        .and_then(|text| text.parse().ok()))
}

/// `None` for a table of the user's own, without a counter, and for one that was dropped, renamed or
/// replaced since it was loaded.
async fn sequence_of(
    client: &impl GenericClient,
    plan: &TablePlan,
    column: &ColumnPlan,
) -> Result<Option<String>> {
    let owned = "SELECT pg_catalog.pg_get_serial_sequence($1, $2) FROM pg_catalog.pg_attribute \
                 WHERE attrelid = pg_catalog.to_regclass($1) AND attname = $2 AND NOT attisdropped";
    let name = qualified(&plan.target);
    client
        .query_opt(owned, &[&name, &column.target_name])
        .await
        .map(|row| row.and_then(|row| row.get(0)))
        .map_err(|error| {
            fault::from_driver(error, &format!("look for the sequence of {name}"))
                .at_column(&column.source.name)
        })
}

/// Sets the counter to the source's last value, or leaves it if it has got further itself: it numbered
/// rows that an append found there. Rows beyond it do not move it, because the source would give out its
/// next value too; they do if the source does not tell its last value.
pub(super) async fn set(
    transaction: &Transaction<'_>,
    plan: &TablePlan,
    column: &ColumnPlan,
) -> Result<()> {
    let Some(identity) = &column.identity else {
        return Ok(());
    };
    let Some(sequence) = sequence_of(transaction, plan, column).await? else {
        return Ok(());
    };
    let name = qualified(&plan.target);
    let furthest = furthest(identity);
    let last = identity.last_value.map(|value| value.to_string());
    let rows = match last {
        Some(_) => String::new(),
        None => format!(
            " UNION ALL SELECT pg_catalog.{furthest}({})::bigint FROM {name}",
            quote_ident(&column.target_name)
        ),
    };
    // `last_value` of a sequence that was never used is its start, and was not given out.
    let set = format!(
        "SELECT pg_catalog.setval($1::text::regclass, pg_catalog.{furthest}(v), true) FROM (\
         SELECT $2::text::bigint UNION ALL SELECT last_value FROM {sequence} WHERE is_called{rows}\
         ) AS s(v) HAVING pg_catalog.count(v) > 0"
    );
    transaction
        .execute(&set, &[&sequence, &last])
        .await
        .map(drop)
        .map_err(|error| {
            fault::from_driver(error, &format!("set the identity of {name}"))
                .at_column(&column.source.name)
        })
}

/// Finds counters whose next values are taken by rows, if a key or a unique index begins with their column.
pub async fn collisions(client: &Client, plan: &TablePlan) -> Result<Vec<Collision>> {
    let mut found = Vec::new();
    for (column, identity) in counted(plan) {
        if !leads_a_key(plan, &column.target_name) {
            continue;
        }
        let Some(sequence) = sequence_of(client, plan, column).await? else {
            continue;
        };
        let Some(furthest) = furthest_value(client, plan, column, identity).await? else {
            continue;
        };
        let state = format!("SELECT last_value, is_called FROM {sequence}");
        let row = client.query_one(&state, &[]).await.map_err(|error| {
            fault::from_driver(error, &format!("read the value of sequence {sequence}"))
        })?;
        let last = i128::from(row.get::<_, i64>("last_value"));
        let next = if row.get("is_called") {
            last + identity.increment
        } else {
            last
        };
        let meets = if identity.increment < 0 {
            furthest <= next
        } else {
            furthest >= next
        };
        if meets {
            found.push(Collision {
                column: column.source.name.clone(),
                sequence,
                next,
                furthest,
            });
        }
    }
    Ok(found)
}

fn leads_a_key(plan: &TablePlan, column: &str) -> bool {
    let key = plan
        .primary_key
        .as_ref()
        .and_then(|key| key.columns.first());
    let indexes = plan.objects.indexes.iter();
    let mut unique = indexes.filter(|index| index.is_unique() && index.predicate.is_none());
    key.is_some_and(|first| first == column)
        || unique.any(|index| {
            index
                .key
                .first()
                .is_some_and(|first| first.column == column)
        })
}
