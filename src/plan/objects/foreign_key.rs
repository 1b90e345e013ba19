//! Foreign keys, made when all tables are loaded.
//!
//! They are decided when all tables are planned, and dropped from the plan, visibly, if the table
//! that they refer to is not moved, a column is excluded, or PostgreSQL would refuse them.
//! `ON DELETE` and `ON UPDATE` are the source's.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::config::job::Job;
use crate::plan::object::{ForeignKeyPlan, IndexPlan};
use crate::plan::objects::check::not_valid;
use crate::plan::objects::context::Remarks;
use crate::plan::objects::default::HIDDEN;
use crate::plan::objects::locale;
use crate::plan::selection::Selection;
use crate::plan::table::{ColumnPlan, TablePlan};
use tsql::schema::objects::{Action, ForeignKey};
use tsql::schema::{Database, OtherObject, Table};
use tsql::typemap::PgType;

/// Plans the foreign keys of all tables; what is not made is with its table.
pub(in crate::plan) fn plan_all(database: &Database, tables: &mut [TablePlan], job: &Job) {
    if !job.schema.foreign_keys {
        return;
    }
    let sources = database.tables.iter();
    let sources: HashMap<_, _> = sources
        .map(|table| ((table.schema.as_str(), table.name.as_str()), table))
        .collect();
    for at in 0..tables.len() {
        let of = (tables[at].schema.as_str(), tables[at].name.as_str());
        let Some(table) = sources.get(&of) else {
            continue;
        };
        let mut remarks = Remarks::default();
        hidden(table, &mut remarks);
        let keys = table.extras.foreign_keys.iter();
        let made = keys
            .filter_map(|key| plan_one(key, (&tables[at], tables), job, &mut remarks))
            .collect();
        let plan = &mut tables[at];
        plan.objects.foreign_keys = made;
        plan.omissions.append(&mut remarks.omissions);
        plan.notes.append(&mut remarks.notes);
    }
}

/// Those of which the server tells no more than the name.
fn hidden(table: &Table, remarks: &mut Remarks) {
    let keys = table.extras.foreign_keys.iter();
    let described: HashSet<_> = keys.map(|key| key.name.as_str()).collect();
    let foreign = |other: &&OtherObject| other.kind == "foreign key";
    for other in table.others.iter().filter(foreign) {
        if !described.contains(other.name.as_str()) {
            remarks.omit(format!("foreign key {}", other.name), HIDDEN);
        }
    }
}

/// `own` is the table that has the key, among all `tables`. `None` if it is left out, with a
/// remark.
fn plan_one(
    key: &ForeignKey,
    (own, tables): (&TablePlan, &[TablePlan]),
    job: &Job,
    remarks: &mut Remarks,
) -> Option<ForeignKeyPlan> {
    let object = format!("foreign key {}", key.name);
    let other_name = format!("{}.{}", key.referenced_schema, key.referenced_table);
    let named = |table: &&TablePlan| {
        table.schema == key.referenced_schema && table.name == key.referenced_table
    };
    let Some(other) = tables.iter().find(named) else {
        let why = if Selection::new(&job.tables).includes(&other_name) {
            "which this login does not see, or which cannot be planned"
        } else {
            "which the job leaves out"
        };
        remarks.omit(object, format!("it refers to {other_name}, {why}"));
        return None;
    };
    let (Some(columns), Some(referenced)) = (
        columns(own, &key.columns),
        columns(other, &key.referenced_columns),
    ) else {
        remarks.omit(object, "one of its columns is excluded by the job");
        return None;
    };
    if let Some(reason) = obstacle(key, &columns, other, &referenced) {
        remarks.omit(object, reason);
        return None;
    }
    let valid = !key.disabled && !key.not_trusted;
    if !valid {
        remarks.notes.push(not_valid(&object, key.disabled));
    }
    let loose = |column: &&ColumnPlan| {
        column.clauses.collation.is_none() && locale::is_loose(column.source.collation.as_deref())
    };
    Some(ForeignKeyPlan {
        name: key.name.clone(),
        source: key.name.clone(),
        loose: columns.iter().chain(&referenced).any(loose),
        columns: names(&columns),
        referenced: other.target.clone(),
        referenced_source: other_name,
        referenced_columns: names(&referenced),
        on_delete: key.on_delete,
        on_update: key.on_update,
        valid,
    })
}

/// `None` if one of them is not on the target.
fn columns<'a>(plan: &'a TablePlan, names: &[String]) -> Option<Vec<&'a ColumnPlan>> {
    names.iter().map(|name| plan.column(name)).collect()
}

fn names(columns: &[&ColumnPlan]) -> Vec<String> {
    let names = columns.iter().map(|column| column.target_name.clone());
    names.collect()
}

/// Why PostgreSQL would refuse the key; `None` if it would not.
fn obstacle(
    key: &ForeignKey,
    columns: &[&ColumnPlan],
    other: &TablePlan,
    referenced: &[&ColumnPlan],
) -> Option<String> {
    let writes = |action| !matches!(action, Action::NoAction);
    let generated = |column: &&ColumnPlan| column.clauses.generated.is_some();
    let sets = matches!(key.on_delete, Action::SetNull | Action::SetDefault);
    if columns.iter().any(generated) && (writes(key.on_update) || sets) {
        return Some(
            "one of its columns is generated in PostgreSQL, which no action of a key can write"
                .to_owned(),
        );
    }
    if !is_unique(other, referenced) {
        return Some(format!(
            "what it refers to in {} is not unique in PostgreSQL: the primary key, unique constraint or unfiltered unique index on those columns is not made",
            other.full_name()
        ));
    }
    let mut pairs = columns.iter().zip(referenced);
    if let Some((own, theirs)) =
        pairs.find(|(own, theirs)| !comparable(&own.target_type, &theirs.target_type))
    {
        return Some(format!(
            "{} is {} and {} of {} is {}, which PostgreSQL does not compare: give both the same type with types:",
            own.source.name,
            own.target_type,
            theirs.source.name,
            other.full_name(),
            theirs.target_type
        ));
    }
    None
}

/// Whether a key of the first type may refer to one of the second: both of one operator family
/// (PostgreSQL documentation, "Operator Classes and Operator Families"), or an integer that is cast
/// to numeric without being asked. SQL Server wants the same type on both ends, so only a job that
/// changes one of them finds them different.
fn comparable(own: &PgType, theirs: &PgType) -> bool {
    use std::mem::discriminant;
    let integer = |ty: &PgType| matches!(ty, PgType::SmallInt | PgType::Integer | PgType::BigInt);
    let text = |ty: &PgType| matches!(ty, PgType::Char(_) | PgType::VarChar(_) | PgType::Text);
    let float = |ty: &PgType| matches!(ty, PgType::Real | PgType::DoublePrecision);
    let moment = |ty: &PgType| {
        matches!(
            ty,
            PgType::Date | PgType::Timestamp(_) | PgType::TimestampTz(_)
        )
    };
    discriminant(own) == discriminant(theirs)
        || (integer(own) && (integer(theirs) || matches!(theirs, PgType::Numeric(_))))
        || (text(own) && text(theirs))
        || (float(theirs) && (float(own) || integer(own) || matches!(own, PgType::Numeric(_))))
        || (moment(own) && moment(theirs))
}

/// Whether the target will have a unique index on exactly the columns that are referred to.
fn is_unique(other: &TablePlan, referenced: &[&ColumnPlan]) -> bool {
    let wanted = referenced.iter().map(|c| c.target_name.as_str());
    is_unique_on(other, wanted.collect())
}

/// PostgreSQL wants a unique index on exactly those columns, in any order, without a filter.
pub(super) fn is_unique_on(other: &TablePlan, wanted: BTreeSet<&str>) -> bool {
    let primary = other.primary_key.iter();
    let mut primary = primary.map(|key| key.columns.iter().map(String::as_str).collect());
    let unique = |index: &&IndexPlan| index.is_unique() && index.predicate.is_none();
    let keys = other.objects.indexes.iter().filter(unique);
    let mut keys = keys.map(|index| index.key.iter().map(|key| key.column.as_str()).collect());
    primary.any(|key: BTreeSet<_>| key == wanted) || keys.any(|key: BTreeSet<_>| key == wanted)
}
