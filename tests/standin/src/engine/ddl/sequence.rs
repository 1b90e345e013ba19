//! CREATE SEQUENCE and ALTER SEQUENCE.

use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::ddl::module::object_of;
use crate::engine::ddl::work::{moment, place};
use crate::engine::error::{Result, error, unsupported};
use crate::engine::model::facts::Facts;
use crate::engine::model::object::{Position, Sequence};
use crate::engine::model::state::State;
use crate::engine::parse::definition::SequenceSpec;
use crate::types::SqlType;

/// The smallest and largest value of a sequence's type.
fn bounds(ty: &SqlType) -> Result<(i64, i64)> {
    Ok(match ty {
        SqlType::TinyInt => (0, 255),
        SqlType::SmallInt => (i64::from(i16::MIN), i64::from(i16::MAX)),
        SqlType::Int => (i64::from(i32::MIN), i64::from(i32::MAX)),
        SqlType::BigInt => (i64::MIN, i64::MAX),
        SqlType::Decimal {
            precision,
            scale: 0,
        } if *precision <= 18 => {
            let most = 10i64.pow(u32::from(*precision)) - 1;
            (-most, most)
        }
        SqlType::Decimal { scale: 0, .. } => {
            return Err(unsupported("a sequence of more than 18 digits"));
        }
        _ => {
            return Err(error(
                11702,
                16,
                "The sequence object must be of data type int, bigint, smallint, tinyint, or decimal or numeric with a scale of 0, or any user-defined data type that is based on one of the above integer data types.",
            ));
        }
    })
}

fn checked(sequence: &Sequence) -> Result<()> {
    let name = &sequence.name;
    let (low, high) = bounds(&sequence.ty)?;
    let current = sequence.position().current;
    let wrong = if sequence.increment == 0 {
        (
            11700,
            format!("The increment for sequence object '{name}' cannot be zero."),
        )
    } else if sequence.minimum >= sequence.maximum {
        (
            11705,
            format!(
                "The minimum value for sequence object '{name}' must be less than its maximum value."
            ),
        )
    } else if sequence.minimum < low || sequence.maximum > high {
        (
            11708,
            format!(
                "An invalid value was specified for argument 'MINVALUE' or 'MAXVALUE' for the given data type of sequence object '{name}'."
            ),
        )
    } else if !(sequence.minimum..=sequence.maximum).contains(&sequence.start)
        || !(sequence.minimum..=sequence.maximum).contains(&current)
    {
        (
            11703,
            format!(
                "The start value for sequence object '{name}' must be between the minimum and maximum value of the sequence object."
            ),
        )
    } else {
        return Ok(());
    };
    Err(error(wrong.0, 16, wrong.1))
}

pub(crate) fn create_sequence(facts: &Facts, state: &mut State, spec: &SequenceSpec) -> Result<()> {
    let (ty, user_type_id) = match &spec.ty {
        Some(ty) => {
            let (ty, id, _) = facts.resolve_type(ty, false)?;
            (ty, id)
        }
        None => (SqlType::BigInt, 127),
    };
    let (low, high) = bounds(&ty)?;
    let increment = spec.increment.unwrap_or(1);
    let minimum = spec.minimum.flatten().unwrap_or(low);
    let maximum = spec.maximum.flatten().unwrap_or(high);
    // An ascending sequence begins at its least, a descending one at its greatest value.
    let start = spec
        .start
        .unwrap_or(if increment < 0 { maximum } else { minimum });
    let (database, name) = place(facts, state, &spec.name)?;
    let schema = name.schema.as_deref().unwrap_or("dbo");
    let schema_id = database.schema_id(schema).ok_or_else(|| {
        error(2760, 16, format!("The specified schema name \"{schema}\" either does not exist or you do not have permission to use it."))
    })?;
    let object_id = database.new_object();
    let sequence = Sequence {
        object_id,
        schema_id,
        name: name.name.clone(),
        ty,
        user_type_id,
        start,
        increment,
        minimum,
        maximum,
        cycling: spec.cycle.unwrap_or(false),
        cache: spec.cache.unwrap_or(Some(None)),
        created: moment(facts),
        position: Arc::new(Mutex::new(Position {
            current: start,
            used: false,
        })),
    };
    checked(&sequence)?;
    database.claim(schema_id, &name.name, object_id)?;
    database.sequences.insert(object_id, Arc::new(sequence));
    Ok(())
}

pub(crate) fn alter_sequence(facts: &Facts, state: &mut State, spec: &SequenceSpec) -> Result<()> {
    let (database, name) = place(facts, state, &spec.name)?;
    let found = object_of(database, &name).and_then(|id| database.sequences.get(&id));
    let Some(old) = found else {
        return Err(error(208, 16, format!("Invalid object name '{name}'.")));
    };
    let (low, high) = bounds(&old.ty)?;
    let mut changed = Sequence::clone(old);
    changed.increment = spec.increment.unwrap_or(old.increment);
    changed.minimum = spec.minimum.map_or(old.minimum, |m| m.unwrap_or(low));
    changed.maximum = spec.maximum.map_or(old.maximum, |m| m.unwrap_or(high));
    changed.cycling = spec.cycle.unwrap_or(old.cycling);
    changed.cache = spec.cache.unwrap_or(old.cache);
    let mut position = old.position();
    if let Some(restart) = spec.restart {
        changed.start = restart.unwrap_or(old.start);
        position = Position {
            current: changed.start,
            used: false,
        };
    }
    changed.position = Arc::new(Mutex::new(position));
    checked(&changed)?;
    // Those who still hold the old definition count on with the new one's numbers.
    *old.position.lock().unwrap_or_else(PoisonError::into_inner) = position;
    changed.position = Arc::clone(&old.position);
    database
        .sequences
        .insert(changed.object_id, Arc::new(changed));
    Ok(())
}
