//! The sequence that continues an identity of the source.

use crate::plan::object::{CounterForm, CounterPlan};
use crate::plan::objects::context::Remarks;
use crate::plan::table::ColumnPlan;
use tsql::schema::{Identity, SqlType};
use tsql::typemap::PgType;

/// Gives each identity its counter, named when all names are known; what can have none is listed.
pub(super) fn fill(columns: &mut [ColumnPlan], remarks: &mut Remarks) {
    for column in columns {
        let Some(identity) = &column.identity else {
            continue;
        };
        match counter(identity, &column.source.ty, &column.target_type) {
            Ok(counter) => column.clauses.counter = Some(counter),
            Err(reason) => {
                remarks.omit(format!("identity of column {}", column.source.name), reason);
                column.identity = None;
            }
        }
    }
}

fn counter(identity: &Identity, source: &SqlType, ty: &PgType) -> Result<CounterPlan, String> {
    let whole = (i64::MIN, i64::MAX);
    let (form, (least, most)) = match *ty {
        PgType::SmallInt => (CounterForm::Identity, (i16::MIN.into(), i16::MAX.into())),
        PgType::Integer => (CounterForm::Identity, (i32::MIN.into(), i32::MAX.into())),
        PgType::BigInt => (CounterForm::Identity, whole),
        PgType::Numeric(Some((precision, 0))) => {
            let most = 10_i64.checked_pow(precision.into()).map(|end| end - 1);
            let bounds = most.map_or(whole, |most| (-most, most));
            (CounterForm::Default, bounds)
        }
        PgType::Numeric(None) => (CounterForm::Default, whole),
        ref other => {
            return Err(format!(
                "PostgreSQL counts in numbers, and the column is {other}"
            ));
        }
    };
    // An identity ends where its own type does, which smallint goes beyond.
    let (least, most) = match source {
        SqlType::TinyInt => (0, 255),
        _ => (least, most),
    };
    let fits = |value: i128| (i128::from(least)..=i128::from(most)).contains(&value);
    let step = identity.increment != 0 && i64::try_from(identity.increment).is_ok();
    if !step || !fits(identity.seed) || identity.last_value.is_some_and(|last| !fits(last)) {
        return Err(format!(
            "its seed, increment or last value does not fit a sequence for {ty}"
        ));
    }
    Ok(CounterPlan {
        sequence: String::new(),
        form,
        least,
        most,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan_of(ty: PgType, seed: i128, increment: i128, last: Option<i128>) -> Option<CounterPlan> {
        let identity = Identity {
            seed,
            increment,
            last_value: last,
        };
        counter(&identity, &SqlType::Int, &ty).ok()
    }

    #[test]
    fn integers_are_identities_and_decimals_count_by_default() {
        let int = plan_of(PgType::Integer, 1, 1, None).unwrap();
        assert_eq!((int.form, int.most), (CounterForm::Identity, 2_147_483_647));
        let decimal = plan_of(PgType::Numeric(Some((18, 0))), 1, 1, Some(5)).unwrap();
        let bounds = (decimal.least, decimal.most);
        assert_eq!(decimal.form, CounterForm::Default);
        assert_eq!(bounds, (-999_999_999_999_999_999, 999_999_999_999_999_999));
        let wide = plan_of(PgType::Numeric(Some((38, 0))), 1, 1, None).unwrap();
        assert_eq!((wide.least, wide.most), (i64::MIN, i64::MAX));
    }

    #[test]
    fn what_a_sequence_cannot_count_has_none() {
        assert_eq!(plan_of(PgType::Text, 1, 1, None), None);
        assert_eq!(plan_of(PgType::SmallInt, 40_000, 1, None), None);
        assert_eq!(
            plan_of(PgType::Numeric(Some((38, 0))), 1, 1, Some(1 << 64)),
            None
        );
        assert_eq!(plan_of(PgType::BigInt, 1, 1 << 64, None), None);
    }
}
