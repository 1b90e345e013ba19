//! What several tables still lack of their planned indexes and checks.
//!
//! For `finish_group`: the decisions are those of `index`, made for many tables with few
//! statements. If there is any doubt about a table, it gets `None` and is then looked at alone.

use std::collections::BTreeMap;

use tokio_postgres::Transaction;
use tokio_postgres::types::Oid;

use crate::error::Result;
use crate::plan::object::{CheckPlan, IndexPlan};
use crate::plan::table::{TablePlan, TargetName};
use crate::postgres::ddl;
use crate::postgres::objects::existing::{self, Constraint, Index};
use crate::postgres::objects::table::knows;
use crate::postgres::objects::twin::{Planned, wanted_all};

/// A table and what there is of it.
struct Present<'a> {
    plan: &'a TablePlan,
    indexes: Vec<Index>,
    checks: Vec<Constraint>,
    /// What has the name of each planned index.
    named: Vec<Option<Oid>>,
}

/// The statements that make what each table lacks; `None` for a table with an object that has a planned name
/// and is another one, of which [`make_index`](super::make_index) and [`make_check`](super::make_check) say
/// more. Decides as they do.
pub(in crate::postgres) async fn missing_objects(
    transaction: &mut Transaction<'_>,
    tables: &[(&TablePlan, Oid)],
    version: i32,
) -> Result<Vec<Option<Vec<String>>>> {
    let tables = look(transaction, tables).await?;
    let mut compared = Vec::new();
    for table in &tables {
        let target = &table.plan.target;
        let indexes = table.indexes_to_compare();
        compared.extend(indexes.map(|index| (target, Planned::Index(index))));
        let checks = table.checks_to_compare();
        compared.extend(checks.map(|check| (target, Planned::Check(check))));
    }
    let wanted = wanted_all(transaction, &compared, version).await?;
    let mut wanted = wanted.into_iter();
    let statements = tables.iter().map(|table| {
        let indexes = table.indexes_to_compare().map(|index| index.name.as_str());
        let indexes: BTreeMap<&str, String> = indexes.zip(&mut wanted).collect();
        let checks = table.checks_to_compare().map(|check| check.name.as_str());
        let checks: BTreeMap<&str, String> = checks.zip(&mut wanted).collect();
        let mut all = table.missing_indexes(&indexes, version)?;
        all.extend(table.missing_checks(&checks)?);
        Some(all)
    });
    Ok(statements.collect())
}

/// Asks what there is, once for all tables.
async fn look<'a>(
    transaction: &Transaction<'_>,
    tables: &[(&'a TablePlan, Oid)],
) -> Result<Vec<Present<'a>>> {
    let names = tables.iter().flat_map(|(plan, _)| {
        let indexes = plan.objects.indexes.iter();
        indexes.map(|index| TargetName {
            schema: plan.target.schema.clone(),
            table: index.name.clone(),
        })
    });
    let names = names.collect::<Vec<_>>();
    let found = ddl::find_all(transaction, names.iter()).await?;
    let mut found = found.into_iter().map(|found| found.map(|found| found.oid));
    let oids: Vec<Oid> = tables.iter().map(|(_, oid)| *oid).collect();
    let mut indexes = by_owner(existing::indexes_of(transaction, &oids).await?);
    let mut checks = by_owner(existing::constraints_of(transaction, &oids).await?);
    let present = tables.iter().map(|(plan, oid)| Present {
        plan,
        indexes: indexes.remove(oid).unwrap_or_default(),
        checks: checks.remove(oid).unwrap_or_default(),
        named: found.by_ref().take(plan.objects.indexes.len()).collect(),
    });
    Ok(present.collect())
}

/// Groups what was asked for several tables at once.
fn by_owner<T>(all: Vec<(Oid, T)>) -> BTreeMap<Oid, Vec<T>> {
    let mut by_owner: BTreeMap<Oid, Vec<T>> = BTreeMap::new();
    for (owner, one) in all {
        by_owner.entry(owner).or_default().push(one);
    }
    by_owner
}

impl<'a> Present<'a> {
    /// Planned indexes that may be there.
    fn indexes_to_compare(&self) -> impl Iterator<Item = &'a IndexPlan> + '_ {
        let plan = self.plan;
        let others = self.indexes.iter().any(|known| !knows(plan, &known.name));
        let planned = plan.objects.indexes.iter().zip(&self.named);
        let planned = planned.filter(move |(_, named)| others || named.is_some());
        planned.map(|(index, _)| index)
    }

    /// Planned checks that may be there.
    fn checks_to_compare(&self) -> impl Iterator<Item = &'a CheckPlan> + '_ {
        let plan = self.plan;
        let others = self.checks.iter().any(|known| !knows(plan, &known.name));
        let planned = plan.objects.checks.iter();
        planned.filter(move |check| others || self.named_check(check).is_some())
    }

    /// A constraint of the check's name, whatever its definition.
    fn named_check(&self, check: &CheckPlan) -> Option<&Constraint> {
        self.checks.iter().find(|known| known.name == check.name)
    }

    /// `wanted` is how PostgreSQL prints those that were compared. `None` if a planned name is
    /// taken.
    fn missing_indexes(
        &self,
        wanted: &BTreeMap<&str, String>,
        version: i32,
    ) -> Option<Vec<String>> {
        let mut all = Vec::new();
        for (index, named) in self.plan.objects.indexes.iter().zip(&self.named) {
            let wanted = wanted.get(index.name.as_str());
            let same = |known: &&Index| Some(&known.definition) == wanted;
            let mut same = self.indexes.iter().filter(same);
            let there = match named {
                Some(oid) => same.any(|known| known.oid == *oid).then_some(true)?,
                None => same.next().is_some(),
            };
            if !there {
                all.push(ddl::index(&self.plan.target, &index.name, index, version));
            }
        }
        Some(all)
    }

    /// As `missing_indexes`. Adds VALIDATE for those that the source vouches for.
    fn missing_checks(&self, wanted: &BTreeMap<&str, String>) -> Option<Vec<String>> {
        let target = &self.plan.target;
        let mut all = Vec::new();
        for check in &self.plan.objects.checks {
            let wanted = wanted.get(check.name.as_str());
            let same = |known: &&Constraint| Some(&known.definition) == wanted;
            let there = match self.named_check(check) {
                Some(named) => Some(Some(named).filter(same)?),
                None => self.checks.iter().find(same),
            };
            let name = there.map_or(check.name.as_str(), |known| known.name.as_str());
            if there.is_none() {
                all.push(ddl::check_constraint(target, name, check));
            }
            if check.valid && there.is_none_or(|known| !known.valid) {
                all.push(ddl::validate(target, name));
            }
        }
        Some(all)
    }
}
