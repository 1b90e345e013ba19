//! Views, and functions in the language SQL. Existing ones of the same definition are kept.
//!
//! Each function answers [`Kind::JobHeld`] if a younger run has the job.

use tokio_postgres::{Client, GenericClient, Row, Transaction};

use crate::error::{Kind, Result};
use crate::plan::function::{FunctionPlan, HelperPlan};
use crate::plan::view::{ViewForm, ViewPlan};
use crate::postgres::objects::existing;
use crate::postgres::objects::standalone::other;
use crate::postgres::state::RunFence;
use crate::postgres::{ddl, fault};
use tsql::names::{TargetName, qualified};

/// A view's query as PostgreSQL prints it, and what else its definition says.
const VIEW: &str = "\
SELECT pg_catalog.pg_get_viewdef(c.oid) AS query, c.relkind = 'm' AS materialized, \
coalesce(pg_catalog.array_to_string(c.reloptions, ','), '') AS options \
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('v', 'm')";

/// Every function of a name.
const FUNCTION: &str = "\
SELECT p.prosrc AS body, p.provolatile::text = $3 AND p.proisstrict = $4 AS same \
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
WHERE n.nspname = $1 AND p.proname = $2";

/// What makes a view what it is, but for its name.
#[derive(PartialEq, Eq)]
struct Definition {
    /// As `pg_get_viewdef` prints it.
    query: String,
    materialized: bool,
    /// `reloptions`, such as `check_option=cascaded`.
    options: String,
}

/// Makes a view with its indexes, unless one of its definition is there; the rows of a materialized one
/// that is there are brought up to date. [`Kind::TargetExists`] if another thing has its name.
pub async fn make_view(client: &mut Client, fence: RunFence<'_>, plan: &ViewPlan) -> Result<()> {
    let name = qualified(&plan.target);
    let failed = |error| fault::from_driver(error, &format!("make view {name}"));
    let mut transaction = client.transaction().await.map_err(failed)?;
    fence.check(&transaction).await?;
    ddl::make_schema(&transaction, &plan.target.schema).await?;
    match existing::relation(&transaction, &plan.target.schema, &plan.target.table).await? {
        None => {
            let make = ddl::view(plan);
            transaction.batch_execute(&make).await.map_err(failed)?;
        }
        Some(_) => {
            let there = definition(&transaction, &plan.target).await?;
            if there.is_none() || there != wanted(&mut transaction, plan).await? {
                return Err(other("view", &name));
            }
            if plan.form == ViewForm::Materialized {
                let refresh = format!("REFRESH MATERIALIZED VIEW {name}");
                transaction.batch_execute(&refresh).await.map_err(failed)?;
            }
        }
    }
    let version = existing::version(&transaction).await?;
    for index in &plan.indexes {
        let schema = &plan.target.schema;
        let there = existing::relation(&transaction, schema, &index.name).await?;
        if there.is_none() {
            let make = ddl::index(&plan.target, &index.name, index, version);
            transaction.batch_execute(&make).await.map_err(failed)?;
        }
    }
    transaction.commit().await.map_err(failed)
}

/// Drops a view of the plan's own definition, and no other.
pub async fn drop_view(client: &mut Client, fence: RunFence<'_>, plan: &ViewPlan) -> Result<()> {
    let name = qualified(&plan.target);
    let failed = |error| fault::from_driver(error, &format!("drop view {name}"));
    let mut transaction = client.transaction().await.map_err(failed)?;
    fence.check(&transaction).await?;
    drop_view_within(&mut transaction, plan).await?;
    transaction.commit().await.map_err(failed)
}

/// The same within a transaction.
pub(in crate::postgres) async fn drop_view_within(
    transaction: &mut Transaction<'_>,
    plan: &ViewPlan,
) -> Result<()> {
    let name = qualified(&plan.target);
    let Some(there) = definition(transaction, &plan.target).await? else {
        return Ok(());
    };
    let kind = if there.materialized {
        "MATERIALIZED VIEW"
    } else {
        "VIEW"
    };
    match wanted(transaction, plan).await {
        Ok(wanted) if wanted.as_ref() == Some(&there) => {
            let drop = format!("DROP {kind} {name}");
            let dropped = transaction.batch_execute(&drop).await;
            dropped.map_err(|error| fault::from_driver(error, &format!("drop view {name}")))
        }
        // What it reads is not there any more, so it is not that view.
        Err(error) if error.kind() == Kind::TargetLost => Err(error),
        _ => Ok(()),
    }
}

/// `None` if there is no view or materialized view of the name.
async fn definition(client: &impl GenericClient, name: &TargetName) -> Result<Option<Definition>> {
    let row = client.query_opt(VIEW, &[&name.schema, &name.table]).await;
    let row = row.map_err(|error| fault::from_driver(error, "read a view"))?;
    Ok(row.map(|row| Definition {
        query: row.get("query"),
        materialized: row.get("materialized"),
        options: row.get("options"),
    }))
}

/// How PostgreSQL would print the view: made under another name, without rows, and rolled back.
async fn wanted(transaction: &mut Transaction<'_>, plan: &ViewPlan) -> Result<Option<Definition>> {
    let failed = |error| fault::from_driver(error, "compare a view with the one that is there");
    let savepoint = transaction.transaction().await.map_err(failed)?;
    let target = TargetName {
        schema: plan.target.schema.clone(),
        table: "migrate twin view".to_owned(),
    };
    let twin = ViewPlan {
        target: target.clone(),
        ..plan.clone()
    };
    let mut make = ddl::view(&twin);
    if twin.form == ViewForm::Materialized {
        make.push_str("\nWITH NO DATA");
    }
    savepoint.batch_execute(&make).await.map_err(failed)?;
    let wanted = definition(&savepoint, &target).await?;
    savepoint.rollback().await.map_err(failed)?;
    Ok(wanted)
}

/// Makes a function with its schema, unless one of its definition is there. [`Kind::TargetExists`] if
/// another one has its name.
pub async fn make_function(
    client: &mut Client,
    fence: RunFence<'_>,
    plan: &FunctionPlan,
) -> Result<()> {
    let name = qualified(&plan.target);
    let failed = |error| fault::from_driver(error, &format!("make function {name}"));
    let transaction = client.transaction().await.map_err(failed)?;
    fence.check(&transaction).await?;
    let TargetName { schema, table } = &plan.target;
    ddl::make_schema(&transaction, schema).await?;
    let letter = plan.volatility.letter();
    let there = transaction
        .query(FUNCTION, &[schema, table, &letter, &plan.strict])
        .await
        .map_err(failed)?;
    let same = |row: &Row| row.get::<_, bool>("same") && row.get::<_, String>("body") == plan.body;
    if there.is_empty() {
        let make = ddl::function(plan);
        transaction.batch_execute(&make).await.map_err(failed)?;
    } else if !there.iter().any(same) {
        return Err(other("function", &name));
    }
    transaction.commit().await.map_err(failed)
}

/// Makes a helper function with its schema, or replaces that of an earlier version of the tool.
pub async fn make_helper(
    client: &mut Client,
    fence: RunFence<'_>,
    plan: &HelperPlan,
) -> Result<()> {
    let name = qualified(&plan.target);
    let failed = |error| fault::from_driver(error, &format!("make helper function {name}"));
    let transaction = client.transaction().await.map_err(failed)?;
    fence.check(&transaction).await?;
    ddl::make_schema(&transaction, &plan.target.schema).await?;
    transaction
        .batch_execute(&plan.statement)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}
