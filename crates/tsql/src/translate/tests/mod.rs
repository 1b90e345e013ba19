//! Text in, text out: what each construct becomes, and what is refused in which words.

use super::*;

mod bounds;
mod columns;
mod functions;
mod numbers;
mod texts;
mod values;
mod views;

/// Every family of types, under the most common collation.
const COLUMNS: &[(&str, SqlType, Option<&str>)] = &[
    ("Flag", SqlType::Bit, None),
    ("Tiny", SqlType::TinyInt, None),
    ("Small", SqlType::SmallInt, None),
    ("N", SqlType::Int, None),
    ("Big", SqlType::BigInt, None),
    (
        "D",
        SqlType::Decimal {
            precision: 10,
            scale: 2,
        },
        None,
    ),
    (
        "D38",
        SqlType::Decimal {
            precision: 38,
            scale: 10,
        },
        None,
    ),
    ("Cash", SqlType::Money, None),
    ("R", SqlType::Real, None),
    ("F", SqlType::Float, None),
    ("Day", SqlType::Date, None),
    ("T", SqlType::Time { scale: 3 }, None),
    ("At", SqlType::DateTime, None),
    ("At2", SqlType::DateTime2 { scale: 3 }, None),
    ("At7", SqlType::DateTime2 { scale: 7 }, None),
    ("SmallAt", SqlType::SmallDateTime, None),
    ("Off", SqlType::DateTimeOffset { scale: 3 }, None),
    ("Id", SqlType::UniqueIdentifier, None),
    ("Bytes", SqlType::VarBinary { length: Some(20) }, None),
    ("Bytes8", SqlType::Binary { length: 8 }, None),
    ("C", SqlType::Char { length: 5 }, Some(CI)),
    ("V", SqlType::VarChar { length: Some(50) }, Some(CI)),
    ("W", SqlType::NVarChar { length: Some(50) }, Some(CI)),
    (
        "Vcs",
        SqlType::VarChar { length: Some(50) },
        Some("Latin1_General_CS_AS"),
    ),
    (
        "Vai",
        SqlType::VarChar { length: Some(50) },
        Some("Latin1_General_CI_AI"),
    ),
    (
        "Vbin",
        SqlType::VarChar { length: Some(50) },
        Some("Latin1_General_BIN2"),
    ),
    (
        "Wbin",
        SqlType::NVarChar { length: Some(50) },
        Some("Latin1_General_BIN2"),
    ),
    ("C3", SqlType::Char { length: 3 }, Some(CI)),
    ("C8", SqlType::Char { length: 5 }, Some(UTF8)),
    ("V8", SqlType::VarChar { length: Some(50) }, Some(UTF8)),
    ("Cjp", SqlType::Char { length: 5 }, Some("Japanese_CI_AS")),
    ("Order Date", SqlType::Date, None),
    ("X", SqlType::Xml, None),
];

const CI: &str = "SQL_Latin1_General_CP1_CI_AS";
const UTF8: &str = "Latin1_General_100_CI_AS_SC_UTF8";

struct Names;

impl TargetNames for Names {
    fn sequence(&self, schema: Option<&str>, name: &str) -> Option<String> {
        (schema == Some("dbo") && name == "Seq").then(|| "\"public\".\"it's\"".to_owned())
    }

    fn relation(&self, _: &str, _: &str) -> Option<Relation<'_>> {
        None
    }
}

fn pg_type(ty: &SqlType) -> PgType {
    match *ty {
        SqlType::Xml => PgType::Xml,
        SqlType::Char { length } => PgType::Char(length.into()),
        SqlType::VarChar {
            length: Some(length),
        }
        | SqlType::NVarChar {
            length: Some(length),
        } => PgType::VarChar(length.into()),
        _ => types::natural(ty).unwrap(),
    }
}

fn with_scope<T>(run: impl FnOnce(&Scope<'_>) -> T) -> T {
    let made: Vec<_> = COLUMNS
        .iter()
        .map(|(name, ty, collation)| (*name, name.to_lowercase(), ty, pg_type(ty), *collation))
        .collect();
    let columns: Vec<_> = made
        .iter()
        .map(|(name, target, sql_type, pg_type, collation)| ScopeColumn {
            source: name,
            target,
            sql_type,
            pg_type,
            collation: *collation,
            nullable: true,
            generated: *name == "Big",
        })
        .collect();
    run(&Scope {
        columns: &columns,
        names: &Names,
        default_collation: Some(CI),
    })
}

fn check_of(text: &str) -> Result<Translated, Untranslated> {
    with_scope(|scope| check(text, scope))
}

fn column<'a>(sql_type: &'a SqlType, pg_type: &'a PgType) -> ScopeColumn<'a> {
    ScopeColumn {
        source: "col",
        target: "col",
        sql_type,
        pg_type,
        collation: None,
        nullable: true,
        generated: false,
    }
}

fn default_of(text: &str, ty: SqlType) -> Result<String, String> {
    let pg = pg_type(&ty);
    with_scope(|scope| default(text, &column(&ty, &pg), scope))
        .map(|it| it.sql)
        .map_err(|it| it.reason)
}

fn generated_of(text: &str, ty: SqlType) -> Result<String, String> {
    let pg = pg_type(&ty);
    with_scope(|scope| generated(text, &column(&ty, &pg), scope))
        .map(|it| it.sql)
        .map_err(|it| it.reason)
}

/// Source, target.
fn checks(pairs: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (text, expected) in pairs {
        let got = match check_of(text) {
            Ok(translated) => translated.sql,
            Err(error) => format!("REFUSED {}", error.reason),
        };
        if got != *expected {
            wrong.push(format!("{text}\n  expected {expected}\n  got      {got}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Source, a part of the reason.
fn refusals(pairs: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (text, part) in pairs {
        match check_of(text) {
            Err(error) if error.reason.contains(part) => {}
            other => wrong.push(format!("{text}\n  expected {part}\n  got      {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
