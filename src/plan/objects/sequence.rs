//! Sequences: made before the tables, whose defaults may use them, and continued after the load.
//!
//! Numbers are those of the source when it was planned, which every run does again. The sequence is
//! made before the load and set to its next value after it.

use crate::config::job::Job;
use crate::plan::object::SequencePlan;
use crate::plan::objects::context::Remarks;
use crate::plan::objects::default::HIDDEN;
use crate::plan::objects::scope::Names;
use crate::plan::table::TargetName;
use tsql::names;
use tsql::schema::objects::Sequence;
use tsql::schema::{Database, SqlType};

/// What was decided of all sequences.
#[derive(Debug, Default)]
pub(in crate::plan) struct Sequences {
    pub(in crate::plan) made: Vec<SequencePlan>,
    /// With the sequence's full name in front.
    pub(in crate::plan) remarks: Vec<(String, Remarks)>,
}

/// Adds each that is made to `names`, so that defaults can use it.
pub(in crate::plan) fn plan_all(database: &Database, job: &Job, names: &mut Names) -> Sequences {
    let mut found = Sequences::default();
    if !job.schema.sequences {
        return found;
    }
    for sequence in &database.sequences {
        let mut remarks = Remarks::default();
        match plan_one(sequence, job, &mut remarks) {
            Ok(plan) => {
                names.add_sequence(&sequence.schema, &sequence.name, &plan.target);
                found.made.push(plan);
            }
            Err(reason) => remarks.omit(format!("sequence {}", sequence.name), reason),
        }
        found.remarks.push((sequence.full_name(), remarks));
    }
    for name in &database.hidden_sequences {
        let mut remarks = Remarks::default();
        remarks.omit(format!("sequence {name}"), HIDDEN);
        found.remarks.push((name.clone(), remarks));
    }
    found
}

/// # Errors
/// Why it is left out: its type or a number of it does not fit a sequence of PostgreSQL, or its
/// name.
fn plan_one(sequence: &Sequence, job: &Job, remarks: &mut Remarks) -> Result<SequencePlan, String> {
    let (ty, (least, most)) = type_of(&sequence.ty)
        .ok_or_else(|| "PostgreSQL has sequences of integers only".to_owned())?;
    let within = |value: i128| (least..=most).contains(&value);
    let exact = |value: i128, what: &str| match i64::try_from(value) {
        Ok(value) if within(value.into()) => Ok(value),
        _ => Err(format!(
            "its {what} does not fit {ty}, PostgreSQL's type for it"
        )),
    };
    let (minimum, maximum) = (sequence.minimum.max(least), sequence.maximum.min(most));
    if (minimum, maximum) != (sequence.minimum, sequence.maximum) {
        if sequence.cycle {
            return Err(format!("it cycles at bounds that do not fit {ty}"));
        }
        remarks.notes.push(format!(
            "sequence {} ends at the bounds of {ty}, before those of the source",
            sequence.full_name()
        ));
    }
    let used = sequence.used.unwrap_or(true);
    if sequence.used.is_none() {
        remarks.notes.push(format!(
            "sequence {}: this version of the source does not tell whether its first value was given out, so it is skipped",
            sequence.full_name()
        ));
    }
    if sequence.cache.is_some() {
        remarks.notes.push(format!(
            "sequence {}: in PostgreSQL every session caches values of its own",
            sequence.full_name()
        ));
    }
    Ok(SequencePlan {
        source: sequence.full_name(),
        target: target(sequence, job)?,
        ty: ty.to_owned(),
        start: exact(sequence.start, "start")?,
        increment: exact(sequence.increment, "increment")?,
        minimum: exact(minimum, "minimum")?,
        maximum: exact(maximum, "maximum")?,
        cycle: sequence.cycle,
        cache: sequence.cache.filter(|cache| *cache > 1),
        last_value: exact(sequence.last_value, "last value")?,
        used,
    })
}

/// PostgreSQL's type and its bounds.
fn type_of(ty: &SqlType) -> Option<(&'static str, (i128, i128))> {
    match ty {
        SqlType::TinyInt | SqlType::SmallInt => {
            Some(("smallint", (i16::MIN.into(), i16::MAX.into())))
        }
        SqlType::Int => Some(("integer", (i32::MIN.into(), i32::MAX.into()))),
        SqlType::BigInt | SqlType::Decimal { scale: 0, .. } => {
            Some(("bigint", (i64::MIN.into(), i64::MAX.into())))
        }
        _ => None,
    }
}

fn target(sequence: &Sequence, job: &Job) -> Result<TargetName, String> {
    let style = job.schema.names;
    let plain = |error: tsql::error::Error| error.to_string();
    let mapped = job.target.schemas.get(&sequence.schema).map(String::as_str);
    let schema = names::target_schema(&sequence.schema, mapped, style).map_err(plain)?;
    let table = names::target(&sequence.name, style).map_err(plain)?.text;
    Ok(TargetName { schema, table })
}
