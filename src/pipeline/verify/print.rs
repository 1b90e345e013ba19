//! Differences as the report shows them: keys always, other values only if they were asked for.
//!
//! A difference is listed even if its values cannot be printed. Only here, and only for this
//! report, do values of rows become text.

use crate::error::Result;
use crate::pipeline::verify::differences::{Fields, FoundDifference};
use crate::pipeline::verify::reads::{ComparedTable, Reads};
use crate::postgres::pool::Lease;
use crate::postgres::verify::{Field, show};
use crate::report::verify::{ColumnDifference, KeyPart, RowDifference, Values};
use tds_copy::transcode::digest::fields_of;
use tsql::hex::hex;
use tsql::typemap::PgType;

/// The differences in words, and why their keys are left out if PostgreSQL would not print them.
pub(super) async fn printed(
    reads: &Reads,
    table: &ComparedTable,
    found: Vec<FoundDifference>,
    values: bool,
) -> (Vec<RowDifference>, Option<String>) {
    let lease = match reads.target.acquire().await {
        Ok(lease) => lease,
        Err(error) => {
            let bare = found.iter().map(|found| bare(table, found)).collect();
            return (bare, Some(problem(&error)));
        }
    };
    let mut problems = None;
    let mut all = Vec::new();
    for found in found {
        match row(&lease, table, &found, values).await {
            Ok(difference) => all.push(difference),
            Err(error) => {
                problems.get_or_insert_with(|| problem(&error));
                all.push(bare(table, &found));
            }
        }
    }
    (all, problems)
}

fn problem(error: &crate::error::Error) -> String {
    format!("keys and values could not be printed: {error}")
}

/// Without any value.
fn bare(table: &ComparedTable, found: &FoundDifference) -> RowDifference {
    let name = |place: &usize| table.plan.columns[*place].source.name.clone();
    RowDifference {
        difference: found.difference,
        key: Vec::new(),
        row: (table.key_fields == 0).then(|| hexadecimal(&found.key)),
        source_rows: found.source_rows,
        target_rows: found.target_rows,
        columns: found
            .columns
            .iter()
            .map(|place| ColumnDifference {
                column: name(place),
                values: None,
            })
            .collect(),
    }
}

/// The first 16 digits, by which two rows of a report can be told apart.
fn hexadecimal(key: &[u8]) -> String {
    hex(&key[..key.len().min(8)])
}

/// # Errors
/// PostgreSQL could not print a value.
async fn row(
    lease: &Lease,
    table: &ComparedTable,
    found: &FoundDifference,
    values: bool,
) -> Result<RowDifference> {
    let mut difference = bare(table, found);
    let columns = &table.plan.columns;
    let ty = |place: usize| &columns[place].target_type;
    if table.key_fields > 0 {
        let key = fields_of(&found.key)
            .map(|field| field.map(whole))
            .collect::<Vec<_>>();
        let typed = key.iter().enumerate();
        let typed = typed
            .map(|(place, field)| (ty(place), field.as_ref()))
            .collect::<Vec<_>>();
        let texts = show(lease, &typed).await?;
        difference.key = texts
            .into_iter()
            .zip(columns)
            .map(|(value, column)| KeyPart {
                column: column.source.name.clone(),
                value,
            })
            .collect();
    }
    if values {
        difference.columns = shown(lease, table, found).await?;
    }
    Ok(difference)
}

fn whole(bytes: &[u8]) -> Field {
    Field {
        bytes: bytes.into(),
        length: bytes.len(),
    }
}

/// The columns that differ with both sides' values; a row without a key that only one side has is
/// shown whole, because nothing else tells which it is.
async fn shown(
    lease: &Lease,
    table: &ComparedTable,
    found: &FoundDifference,
) -> Result<Vec<ColumnDifference>> {
    let columns = &table.plan.columns;
    let alone = table.key_fields == 0 && found.columns.is_empty();
    let places = if alone {
        (0..columns.len()).collect()
    } else {
        found.columns.clone()
    };
    let typed = |fields: &Option<Fields>| {
        let of = |place: &usize| fields.as_ref().and_then(|all| all[*place].clone());
        places.iter().map(of).collect::<Vec<Option<Field>>>()
    };
    let (source, target) = (typed(&found.source), typed(&found.target));
    let print = |fields: Vec<Option<Field>>| {
        let types = places.iter().map(|place| &columns[*place].target_type);
        print(lease, types.cloned().collect(), fields)
    };
    let (source, target) = (print(source).await?, print(target).await?);
    let both = source.into_iter().zip(target).zip(&places);
    Ok(both
        .map(|((source, target), place)| ColumnDifference {
            column: columns[*place].source.name.clone(),
            values: Some(Values { source, target }),
        })
        .collect())
}

/// PostgreSQL has at most 65,535 parameters and 1,664 columns of a result, a table 1,600 columns.
async fn print(
    lease: &Lease,
    types: Vec<PgType>,
    fields: Vec<Option<Field>>,
) -> Result<Vec<Option<String>>> {
    if fields.is_empty() {
        return Ok(Vec::new());
    }
    let typed = types.iter().zip(fields.iter().map(Option::as_ref));
    show(lease, &typed.collect::<Vec<_>>()).await
}
