//! The type map holds together: the table, the questions and the page are one.

use super::*;
use crate::error::Kind;
use crate::schema::{Column, SqlType};

fn column(ty: SqlType) -> Column {
    Column {
        name: "Body".into(),
        ty,
        nullable: true,
        identity: None,
        computed: None,
        collation: None,
        code_page: None,
        masked: false,
        extras: Default::default(),
    }
}

/// A target where PostGIS and pgvector are.
const WITH_EXTENSIONS: TargetTypes = TargetTypes {
    postgis: true,
    pgvector: true,
};

/// One example of each line of the table, in its order.
fn examples() -> Vec<(SqlType, &'static str)> {
    vec![
        (SqlType::Bit, "boolean"),
        (SqlType::TinyInt, "smallint"),
        (SqlType::SmallInt, "smallint"),
        (SqlType::Int, "integer"),
        (SqlType::BigInt, "bigint"),
        (
            SqlType::Decimal {
                precision: 12,
                scale: 3,
            },
            "numeric(12,3)",
        ),
        (SqlType::SmallMoney, "numeric(10,4)"),
        (SqlType::Money, "numeric(19,4)"),
        (SqlType::Real, "real"),
        (SqlType::Float, "double precision"),
        (SqlType::Date, "date"),
        (SqlType::Time { scale: 7 }, "time(6)"),
        (SqlType::SmallDateTime, "timestamp(0)"),
        (SqlType::DateTime, "timestamp(3)"),
        (SqlType::DateTime2 { scale: 3 }, "timestamp(3)"),
        (SqlType::DateTimeOffset { scale: 7 }, "timestamptz(6)"),
        (SqlType::Char { length: 4 }, "char(4)"),
        (SqlType::VarChar { length: Some(8000) }, "varchar(8000)"),
        (SqlType::VarChar { length: None }, "text"),
        (SqlType::NChar { length: 4 }, "char(4)"),
        (SqlType::NVarChar { length: Some(4000) }, "varchar(4000)"),
        (SqlType::NVarChar { length: None }, "text"),
        (SqlType::VarBinary { length: None }, "bytea"),
        (SqlType::RowVersion, "bytea"),
        (SqlType::UniqueIdentifier, "uuid"),
        (SqlType::Xml, "xml"),
        (SqlType::SqlVariant, "text"),
        (SqlType::HierarchyId, "text"),
        (SqlType::Geography, "geography"),
        (SqlType::Geometry, "geometry"),
        (SqlType::Json, "jsonb"),
        (SqlType::Vector { dimensions: 3 }, "vector(3)"),
        (
            SqlType::Clr {
                name: "Point3D".into(),
            },
            "bytea",
        ),
    ]
}

#[test]
fn every_line_of_the_table_is_what_planning_decides() {
    let examples = examples();
    assert_eq!(examples.len(), TYPES.len());
    for (rule, (ty, target)) in TYPES.iter().zip(examples) {
        let made = default_type(&column(ty.clone()), WITH_EXTENSIONS).unwrap();
        assert_eq!(made.to_string(), target, "{}", rule.source);
        assert!(can_encode(&ty, &made), "{}", rule.source);
        // The line's target is the example's, numbers aside.
        let name = |text: &str| text.split(['(', ' ']).next().map(str::to_owned);
        assert_eq!(name(rule.target), name(target));
        assert_eq!(parse_override(target).unwrap(), made);
    }
}

#[test]
fn the_page_shows_the_table() {
    let page = include_str!("../../../../docs/types.md");
    let lines: Vec<_> = TYPES
        .iter()
        .map(|rule| {
            let Rule {
                source,
                target,
                also,
                note,
            } = rule;
            format!("| {source} | {target} | {also} | {note} |")
        })
        .collect();
    assert!(
        page.contains(&lines.join("\n")),
        "docs/types.md must hold:\n{}",
        lines.join("\n")
    );
}

#[test]
fn a_type_that_cannot_be_moved_names_column_and_setting() {
    let ty = SqlType::Other {
        name: "a column under Always Encrypted".into(),
    };
    let error = default_type(&column(ty), WITH_EXTENSIONS).unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
    assert_eq!(error.column(), Some("Body"));
    assert!(error.message().contains("columns.exclude: [Body]"));
}

#[test]
fn a_target_without_the_extension_gets_the_plain_type() {
    for (ty, target) in [
        (SqlType::Geography, "bytea"),
        (SqlType::Geometry, "bytea"),
        (SqlType::Vector { dimensions: 3 }, "real[]"),
    ] {
        let column = column(ty.clone());
        assert!(depends_on_target(&column));
        let made = default_type(&column, TargetTypes::default()).unwrap();
        assert_eq!(made.to_string(), target);
        assert!(can_encode(&ty, &made), "{ty}");
    }
    assert!(!depends_on_target(&column(SqlType::Json)));
}

#[test]
fn a_target_without_room_for_every_value_is_refused() {
    let varchar = |length| SqlType::NVarChar {
        length: Some(length),
    };
    let decimal = |precision, scale| SqlType::Decimal { precision, scale };
    for (source, target, fits) in [
        (varchar(20), "varchar(20)", true),
        (varchar(20), "varchar(19)", false),
        (varchar(20), "text", true),
        (SqlType::NText, "varchar(100)", false),
        (SqlType::Int, "bigint", true),
        (SqlType::Int, "smallint", false),
        (SqlType::Int, "numeric(10)", true),
        (SqlType::Int, "numeric(10,1)", false),
        (SqlType::BigInt, "varchar(20)", true),
        (SqlType::BigInt, "varchar(19)", false),
        (decimal(18, 0), "bigint", true),
        (decimal(19, 0), "bigint", false),
        (decimal(5, 1), "integer", false),
        (decimal(5, 1), "numeric(6,2)", true),
        (decimal(5, 1), "numeric(5,2)", false),
        (SqlType::Money, "numeric(19,4)", true),
        (SqlType::Money, "double precision", false),
        (SqlType::Float, "real", false),
        (SqlType::Float, "text", true),
        (SqlType::Float, "varchar(30)", false),
        (SqlType::DateTimeOffset { scale: 7 }, "timestamp(6)", false),
        (SqlType::DateTimeOffset { scale: 7 }, "varchar(34)", true),
        (SqlType::Bit, "integer", true),
        (SqlType::Xml, "varchar(10)", false),
        (SqlType::SqlVariant, "text", true),
        (SqlType::SqlVariant, "varchar(100)", false),
        (SqlType::Geography, "geometry", false),
        (SqlType::Vector { dimensions: 3 }, "vector(4)", false),
    ] {
        let target = parse_override(target).unwrap();
        assert_eq!(can_encode(&source, &target), fits, "{source:?} {target}");
    }
}

#[test]
fn the_plan_says_what_does_not_arrive() {
    let note = |ty, target| precision_note(&column(ty), &target);
    let seventh = note(SqlType::DateTime2 { scale: 7 }, PgType::Timestamp(6)).unwrap();
    assert!(seventh.contains("from 7 to 6"), "{seventh}");
    let offset = note(SqlType::DateTimeOffset { scale: 3 }, PgType::TimestampTz(3)).unwrap();
    assert!(offset.contains("offset"), "{offset}");
    assert_eq!(
        note(SqlType::DateTimeOffset { scale: 7 }, PgType::Text),
        None
    );
    assert_eq!(
        note(SqlType::DateTime2 { scale: 6 }, PgType::Timestamp(6)),
        None
    );
    assert_eq!(note(SqlType::Int, PgType::BigInt), None);
}
