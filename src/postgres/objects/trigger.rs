//! Triggers for what SQL Server does by itself; see `plan::objects::trigger`.

use tokio_postgres::{Client, Transaction};

use crate::error::Result;
use crate::plan::object::{TriggerAction, TriggerPlan};
use crate::postgres::objects::table::{TableContext, begin, taken};
use crate::postgres::{ddl, fault};
use tsql::names::{qualified, quote_ident};

/// The body of a trigger's function.
const TRIGGER: &str = "\
SELECT p.prosrc FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid \
WHERE t.tgrelid = $1 AND t.tgname = $2";

/// The body of a function without arguments under the trigger's name.
const FUNCTION: &str = "\
SELECT p.prosrc FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
WHERE n.nspname = $1 AND p.proname = $2 AND p.pronargs = 0";

/// Makes a trigger with its function, or takes over what is there with the same body; the sequence
/// of a rowversion continues after all numbers of the table and of the source.
///
/// # Errors
/// [`crate::error::Kind::TargetExists`] if another trigger or function has its name.
pub async fn make(
    client: &mut Client,
    context: &TableContext<'_>,
    trigger: &TriggerPlan,
) -> Result<()> {
    make_in_transaction(client, context, trigger)
        .await
        .map_err(|error| error.at_table(context.table.full_name()))
}

async fn make_in_transaction(
    client: &mut Client,
    context: &TableContext<'_>,
    trigger: &TriggerPlan,
) -> Result<()> {
    let locked = begin(client, context).await?;
    let transaction = locked.transaction;
    let target = &context.plan.target;
    let doing = format!("make trigger {}", quote_ident(&trigger.name));
    let failed = |error| fault::from_driver(error, &doing);
    let body = ddl::trigger_body(target, trigger);
    let there = transaction
        .query_opt(TRIGGER, &[&locked.oid, &trigger.name])
        .await
        .map_err(failed)?;
    match there {
        Some(row) if row.get::<_, &str>(0) == body => {}
        Some(_) => return Err(taken("trigger", &trigger.name, target)),
        None => {
            let function = transaction
                .query_opt(FUNCTION, &[&target.schema, &trigger.name])
                .await
                .map_err(failed)?;
            // One that a table left which was dropped since is the same.
            if function.is_some_and(|row| row.get::<_, &str>(0) != body) {
                return Err(taken("function", &trigger.name, target));
            }
            let make = ddl::trigger(target, trigger).join(";\n");
            transaction.batch_execute(&make).await.map_err(failed)?;
        }
    }
    go_on_above(&transaction, context, trigger).await?;
    transaction.commit().await.map_err(failed)
}

/// Never back: if the sequence has got further by itself, it stays there.
/// It continues after the greatest of the source's number, the sequence's own and the table's.
async fn go_on_above(
    transaction: &Transaction<'_>,
    context: &TableContext<'_>,
    trigger: &TriggerPlan,
) -> Result<()> {
    let TriggerAction::RowVersion {
        column,
        sequence,
        above,
    } = &trigger.does
    else {
        return Ok(());
    };
    let (table, column) = (qualified(&context.plan.target), quote_ident(column));
    let sequence = format!(
        "{}.{}",
        quote_ident(&context.plan.target.schema),
        quote_ident(sequence)
    );
    let set = format!(
        "SELECT pg_catalog.setval($1::text::pg_catalog.regclass, pg_catalog.max(v), true) FROM (\
         SELECT $2::text::bigint UNION ALL SELECT last_value FROM {sequence} WHERE is_called UNION ALL \
         SELECT ('x' || pg_catalog.encode({column}, 'hex'))::bit(64)::bigint FROM (\
         SELECT {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY {column} DESC LIMIT 1) AS last\
         ) AS s(v) HAVING pg_catalog.max(v) > 0"
    );
    transaction
        .execute(&set, &[&sequence, &above.to_string()])
        .await
        .map(drop)
        .map_err(|error| {
            fault::from_driver(error, &format!("set the next value of sequence {sequence}"))
        })
}
