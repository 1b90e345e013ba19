//! The counters of columns that were identities: where they continue, and which rows are in their way.
//!
//! "Furthest" is the greatest value of a counter that counts up, the least of one that counts down.
//! All values are `i128` here, because a column may be `numeric(38)`.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::{Client, GenericClient, Row, Transaction};

use crate::error::Result;
use crate::plan::table::{ColumnPlan, TablePlan};
use crate::postgres::ddl::quote_literal;
use crate::postgres::fault;
use tsql::names::{qualified, quote_ident};
use tsql::schema::Identity;

/// The sequences that columns own, by position; a column without one gives NULL.
const SEQUENCES: &str = "\
SELECT w.number, pg_catalog.pg_get_serial_sequence(w.name, w.column_name) AS sequence \
FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) \
WITH ORDINALITY AS w(name, column_name, number) \
JOIN pg_catalog.pg_attribute a ON a.attrelid = pg_catalog.to_regclass(w.name) \
AND a.attname = w.column_name AND NOT a.attisdropped";

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

/// Columns that the plan gives a counter and that were an identity at the source.
fn counted(plan: &TablePlan) -> impl Iterator<Item = (&ColumnPlan, &Identity)> {
    let columns = plan.columns.iter();
    let columns = columns.filter(|column| column.clauses.counter.is_some());
    columns.filter_map(|column| Some((column, column.identity.as_ref()?)))
}

/// The aggregate that finds the value that is furthest in the counter's direction.
fn furthest(identity: &Identity) -> &'static str {
    if identity.increment < 0 { "min" } else { "max" }
}

/// Whether a value of the column is beyond the counter as planned.
fn is_past(identity: &Identity, value: i128) -> bool {
    identity.last_value.is_none_or(|last| {
        if identity.increment < 0 {
            value < last
        } else {
            value > last
        }
    })
}

/// Whether the table holds values beyond its counter as planned.
///
/// # Errors
/// The table cannot be read.
pub async fn is_beyond(client: &Client, plan: &TablePlan) -> Result<bool> {
    for (column, identity) in counted(plan) {
        let value = furthest_value(client, plan, column, identity).await?;
        if value.is_some_and(|value| is_past(identity, value)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The same for several tables, asked at once: the positions of those that hold such values.
pub(super) async fn beyond_of(
    client: &impl GenericClient,
    plans: &[&TablePlan],
) -> Result<BTreeSet<usize>> {
    let mut asked = Vec::new();
    let mut selects = Vec::new();
    for (at, plan) in plans.iter().enumerate() {
        for (column, identity) in counted(plan) {
            selects.push(format!(
                "SELECT {}::bigint AS number, ({})::text AS value",
                asked.len(),
                select_furthest(plan, column, identity)
            ));
            asked.push((at, identity));
        }
    }
    if asked.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rows = client.query(&selects.join(" UNION ALL "), &[]).await;
    let rows = rows.map_err(|error| fault::from_driver(error, "read the furthest values"))?;
    let mut beyond = BTreeSet::new();
    for row in rows {
        let place = usize::try_from(row.get::<_, i64>("number")).unwrap_or(usize::MAX);
        let value = row.get::<_, Option<&str>>("value");
        if let Some((at, identity)) = asked.get(place)
            && value
                .and_then(|text| text.parse().ok())
                .is_some_and(|value| is_past(identity, value))
        {
            beyond.insert(*at);
        }
    }
    Ok(beyond)
}

/// A scan of the column, or a look at one end of an index if there is one. NULL for an empty table.
fn select_furthest(plan: &TablePlan, column: &ColumnPlan, identity: &Identity) -> String {
    format!(
        "SELECT pg_catalog.{}({})::text FROM {}",
        furthest(identity),
        quote_ident(&column.target_name),
        qualified(&plan.target)
    )
}

async fn furthest_value(
    client: &Client,
    plan: &TablePlan,
    column: &ColumnPlan,
    identity: &Identity,
) -> Result<Option<i128>> {
    let select = select_furthest(plan, column, identity);
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
    client: &Transaction<'_>,
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
///
/// # Errors
/// The value does not fit the sequence, or the table cannot be read.
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
    let set = set_statement(plan, column, identity, &sequence);
    transaction
        .batch_execute(&set)
        .await
        .map(drop)
        .map_err(|error| {
            fault::from_driver(error, &format!("set the identity of {name}"))
                .at_column(&column.source.name)
        })
}

/// The statements that set the counters of several tables as [`set`] does, by table.
pub(super) async fn set_all(
    client: &impl GenericClient,
    plans: &[&TablePlan],
) -> Result<Vec<Vec<String>>> {
    let mut asked = Vec::new();
    for (at, &plan) in plans.iter().enumerate() {
        asked.extend(counted(plan).map(|(column, identity)| Numbered {
            at,
            plan,
            column,
            identity,
        }));
    }
    let mut statements: Vec<Vec<String>> = plans.iter().map(|_| Vec::new()).collect();
    for (place, sequence) in sequences_of(client, &asked).await? {
        let one = &asked[place];
        let set = set_statement(one.plan, one.column, one.identity, &sequence);
        statements[one.at].push(set);
    }
    Ok(statements)
}

/// `last_value` of a sequence that was never used is its start, and was not given out.
/// HAVING leaves the counter as it is if neither the source nor the table nor the sequence has a
/// value.
fn set_statement(
    plan: &TablePlan,
    column: &ColumnPlan,
    identity: &Identity,
    sequence: &str,
) -> String {
    let furthest = furthest(identity);
    let last = match identity.last_value {
        Some(last) => format!("SELECT '{last}'::bigint"),
        None => format!(
            "SELECT pg_catalog.{furthest}({})::bigint FROM {}",
            quote_ident(&column.target_name),
            qualified(&plan.target)
        ),
    };
    format!(
        "SELECT pg_catalog.setval({}::pg_catalog.regclass, pg_catalog.{furthest}(v), true) FROM (\
         {last} UNION ALL SELECT last_value FROM {sequence} WHERE is_called\
         ) AS s(v) HAVING pg_catalog.count(v) > 0",
        quote_literal(sequence)
    )
}

/// A counter whose column leads a key, and its sequence.
struct Numbered<'a> {
    /// Position of the table.
    at: usize,
    plan: &'a TablePlan,
    column: &'a ColumnPlan,
    identity: &'a Identity,
}

/// Finds counters whose next values are taken by rows, if a key or a unique index begins with their column;
/// each with the position of its table. Two statements for all tables.
pub async fn collisions(client: &Client, plans: &[&TablePlan]) -> Result<Vec<(usize, Collision)>> {
    let mut asked = Vec::new();
    for (at, &plan) in plans.iter().enumerate() {
        let leading = counted(plan).filter(|(column, _)| leads_a_key(plan, &column.target_name));
        asked.extend(leading.map(|(column, identity)| Numbered {
            at,
            plan,
            column,
            identity,
        }));
    }
    let sequences = sequences_of(client, &asked).await?;
    let selects = sequences.iter().map(|(place, sequence)| {
        let Numbered {
            plan,
            column,
            identity,
            ..
        } = asked[*place];
        format!(
            "SELECT {place}::bigint AS number, ({}) AS furthest, last_value, is_called FROM {sequence}",
            select_furthest(plan, column, identity)
        )
    });
    let select = selects.collect::<Vec<_>>().join(" UNION ALL ");
    if select.is_empty() {
        return Ok(Vec::new());
    }
    let rows = client.query(&select, &[]).await;
    let rows = rows.map_err(|error| {
        fault::from_driver(error, "read the values of identities and their sequences")
    })?;
    let found = rows.iter().filter_map(|row| {
        let place = usize::try_from(row.get::<_, i64>("number")).ok()?;
        let sequence = sequences.get(&place)?;
        collision(row, asked.get(place)?, sequence)
    });
    Ok(found.collect())
}

/// The sequences by the position of their counter. None for a table of the user's own, without a counter,
/// and for one that was dropped, renamed or replaced since it was loaded.
async fn sequences_of(
    client: &impl GenericClient,
    asked: &[Numbered<'_>],
) -> Result<BTreeMap<usize, String>> {
    let tables: Vec<_> = asked
        .iter()
        .map(|one| qualified(&one.plan.target))
        .collect();
    let columns: Vec<_> = asked
        .iter()
        .map(|one| one.column.target_name.as_str())
        .collect();
    let rows = client.query(SEQUENCES, &[&tables, &columns]).await;
    let rows =
        rows.map_err(|error| fault::from_driver(error, "look for the sequences of identities"))?;
    let found = rows.iter().filter_map(|row| {
        let place = usize::try_from(row.get::<_, i64>("number") - 1).ok()?;
        Some((place, row.get::<_, Option<String>>("sequence")?))
    });
    Ok(found.collect())
}

/// `None` for an empty table, and if the next value is free.
fn collision(row: &Row, asked: &Numbered<'_>, sequence: &str) -> Option<(usize, Collision)> {
    let furthest: i128 = row.get::<_, Option<&str>>("furthest")?.parse().ok()?;
    let last = i128::from(row.get::<_, i64>("last_value"));
    let next = if row.get("is_called") {
        last + asked.identity.increment
    } else {
        last
    };
    let meets = if asked.identity.increment < 0 {
        furthest <= next
    } else {
        furthest >= next
    };
    meets.then(|| {
        let collision = Collision {
            column: asked.column.source.name.clone(),
            sequence: sequence.to_owned(),
            next,
            furthest,
        };
        (asked.at, collision)
    })
}

/// A value that is taken matters only if a key refuses it.
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
