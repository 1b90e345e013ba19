//! The words of reports: every variant of every enum that reaches their JSON.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::config::job::{Consistency, Mode};
use crate::config::setting::Origin;
use crate::plan::object::{CounterForm, IndexKind, TriggerAction};
use crate::plan::table::{KeyColumn, Slice, Strategy};
use crate::report::bottleneck::Bound;
use crate::report::check::Severity;
use crate::report::pool::Side;
use crate::report::run::RunOutcome;
use crate::report::status::RunState;
use crate::report::table::TableOutcome;
use crate::report::time::Activity;
use crate::report::tune::advice::Saturates;
use crate::report::verify::{Difference, Taken};
use tsql::key::KeyValue;
use tsql::names::TargetName;
use tsql::schema::inventory::{Effort, Statements};
use tsql::schema::objects::Action;
use tsql::schema::{Column, Identity, SqlType};
use tsql::typemap::PgType;

/// Every word that a report may hold in one place.
pub(super) fn words() -> BTreeMap<&'static str, Vec<Value>> {
    BTreeMap::from([
        ("outcome of a run", all(&RunOutcome::ALL)),
        (
            "state of a run",
            all(&[
                RunState::Running,
                RunState::Died,
                RunState::Ended(RunOutcome::Done),
            ]),
        ),
        (
            "outcome of a table",
            all(&[
                TableOutcome::Done,
                TableOutcome::Failed,
                TableOutcome::Skipped,
                TableOutcome::Unfinished,
            ]),
        ),
        (
            "statements of a module",
            all(&[
                Statements::All,
                Statements::Some,
                Statements::Few,
                Statements::Hidden,
            ]),
        ),
        (
            "effort of a module",
            all(&[
                Effort::Small,
                Effort::Medium,
                Effort::Large,
                Effort::Unknown,
            ]),
        ),
        (
            "severity",
            all(&[
                Severity::Good,
                Severity::Note,
                Severity::Warning,
                Severity::Problem,
            ]),
        ),
        (
            "origin of a setting",
            all(&[
                Origin::Default,
                Origin::File,
                Origin::Connection,
                Origin::Service,
                Origin::Environment("PGPASSWORD"),
            ]),
        ),
        ("side", all(&[Side::Source, Side::Target])),
        ("activity", all(&Activity::ALL)),
        ("checksum taken", all(&[Taken::Loading, Taken::Comparing])),
        (
            "difference",
            all(&[
                Difference::Missing,
                Difference::Extra,
                Difference::Doubled,
                Difference::Changed,
            ]),
        ),
        (
            "bound",
            all(&[Bound::Source, Bound::Target, Bound::Both, Bound::ToolCpu]),
        ),
        (
            "saturates",
            all(&[
                Saturates::Source,
                Saturates::Target,
                Saturates::Both,
                Saturates::ToolCpu,
                Saturates::NothingYet,
            ]),
        ),
        (
            "consistency",
            all(&[
                Consistency::Strict,
                Consistency::Snapshot,
                Consistency::DatabaseSnapshot,
                Consistency::Relaxed,
            ]),
        ),
        (
            "mode",
            all(&[Mode::Create, Mode::Replace, Mode::Truncate, Mode::Append]),
        ),
        ("strategy", all(&strategies())),
        ("slice", all(&slices())),
        (
            "kind of index",
            all(&[
                IndexKind::Plain,
                IndexKind::Unique { one_null: true },
                IndexKind::Constraint { one_null: false },
            ]),
        ),
        (
            "counter",
            all(&[CounterForm::Identity, CounterForm::Default]),
        ),
        (
            "action of a foreign key",
            all(&[
                Action::NoAction,
                Action::Cascade,
                Action::SetNull,
                Action::SetDefault,
            ]),
        ),
        ("trigger", all(&triggers())),
        ("type at the source", all(&source_types())),
        ("type at the target", all(&target_types())),
    ])
}

fn all<T: Serialize>(values: &[T]) -> Vec<Value> {
    let word = |value| serde_json::to_value(value).expect("JSON");
    values.iter().map(word).collect()
}

fn strategies() -> Vec<Strategy> {
    let key = vec![KeyColumn {
        column: column(),
        descending: false,
    }];
    vec![
        Strategy::Keyset {
            index: "PK_Posts".into(),
            key: key.clone(),
            ordered: true,
            stored_by: None,
        },
        Strategy::Clustered {
            index: "CI_Posts".into(),
            key,
        },
        Strategy::RowNumber {
            order: vec!["A".into()],
        },
        Strategy::Hash {
            columns: vec!["A".into()],
        },
        Strategy::Single,
    ]
}

fn slices() -> Vec<Slice> {
    vec![
        Slice::Range {
            after: None,
            upto: Some(vec![KeyValue::Int(5)]),
        },
        Slice::Rows {
            after: 0,
            upto: Some(10),
        },
        Slice::Bucket { bucket: 1, of: 4 },
        Slice::Whole,
    ]
}

fn triggers() -> Vec<TriggerAction> {
    vec![
        TriggerAction::RowVersion {
            column: "stamp".into(),
            sequence: "posts_stamp_seq".into(),
            above: 2000,
        },
        TriggerAction::History {
            table: target(),
            columns: vec![("id".into(), "id".into())],
            start: "valid_from".into(),
            end: "valid_to".into(),
            end_of_time: "9999-12-31 23:59:59".into(),
        },
    ]
}

fn source_types() -> Vec<SqlType> {
    vec![
        SqlType::Bit,
        SqlType::TinyInt,
        SqlType::SmallInt,
        SqlType::Int,
        SqlType::BigInt,
        SqlType::Decimal {
            precision: 18,
            scale: 2,
        },
        SqlType::SmallMoney,
        SqlType::Money,
        SqlType::Real,
        SqlType::Float,
        SqlType::Date,
        SqlType::Time { scale: 7 },
        SqlType::SmallDateTime,
        SqlType::DateTime,
        SqlType::DateTime2 { scale: 7 },
        SqlType::DateTimeOffset { scale: 7 },
        SqlType::Char { length: 10 },
        SqlType::VarChar { length: Some(50) },
        SqlType::Text,
        SqlType::NChar { length: 10 },
        SqlType::NVarChar { length: None },
        SqlType::NText,
        SqlType::Binary { length: 8 },
        SqlType::VarBinary { length: None },
        SqlType::Image,
        SqlType::RowVersion,
        SqlType::UniqueIdentifier,
        SqlType::Xml,
        SqlType::SqlVariant,
        SqlType::HierarchyId,
        SqlType::Geography,
        SqlType::Geometry,
        SqlType::Json,
        SqlType::Vector { dimensions: 3 },
        SqlType::Clr {
            name: "Point3D".into(),
        },
        SqlType::Other {
            name: "cursor".into(),
        },
    ]
}

fn target_types() -> Vec<PgType> {
    vec![
        PgType::Boolean,
        PgType::SmallInt,
        PgType::Integer,
        PgType::BigInt,
        PgType::Numeric(Some((18, 2))),
        PgType::Real,
        PgType::DoublePrecision,
        PgType::Date,
        PgType::Time(6),
        PgType::Timestamp(3),
        PgType::TimestampTz(6),
        PgType::Char(10),
        PgType::VarChar(50),
        PgType::Text,
        PgType::Bytea,
        PgType::Uuid,
        PgType::Xml,
        PgType::Json,
        PgType::Jsonb,
        PgType::RealArray,
        PgType::Vector(3),
        PgType::Geography,
        PgType::Geometry,
    ]
}

pub(super) fn target() -> TargetName {
    TargetName {
        schema: "public".into(),
        table: "posts".into(),
    }
}

pub(super) fn column() -> Column {
    Column {
        name: "Id".into(),
        ty: SqlType::Int,
        nullable: false,
        identity: Some(Identity {
            seed: 1,
            increment: 1,
            last_value: Some(7),
        }),
        computed: None,
        collation: None,
        code_page: None,
        masked: false,
        extras: Default::default(),
    }
}
