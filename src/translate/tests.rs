//! Text in, text out: what each construct becomes, and what is refused in which words.

use super::*;

/// Every family of types, under the most common collation.
const COLUMNS: &[(&str, SqlType, Option<&str>)] = &[
    ("Flag", SqlType::Bit, None),
    ("Tiny", SqlType::TinyInt, None),
    ("Small", SqlType::SmallInt, None),
    ("N", SqlType::Int, None),
    ("Big", SqlType::BigInt, None),
    ("D", SqlType::Decimal { precision: 10, scale: 2 }, None),
    ("D38", SqlType::Decimal { precision: 38, scale: 10 }, None),
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
    ("C", SqlType::Char { length: 5 }, Some(CI)),
    ("V", SqlType::VarChar { length: Some(50) }, Some(CI)),
    ("W", SqlType::NVarChar { length: Some(50) }, Some(CI)),
    ("Vcs", SqlType::VarChar { length: Some(50) }, Some("Latin1_General_CS_AS")),
    ("Vai", SqlType::VarChar { length: Some(50) }, Some("Latin1_General_CI_AI")),
    ("Vbin", SqlType::VarChar { length: Some(50) }, Some("Latin1_General_BIN2")),
    ("Wbin", SqlType::NVarChar { length: Some(50) }, Some("Latin1_General_BIN2")),
    ("Order Date", SqlType::Date, None),
    ("X", SqlType::Xml, None),
];

const CI: &str = "SQL_Latin1_General_CP1_CI_AS";

struct Names;

impl TargetNames for Names {
    fn sequence(&self, schema: Option<&str>, name: &str) -> Option<String> {
        (schema == Some("dbo") && name == "Seq").then(|| "\"public\".\"it's\"".to_owned())
    }

    fn relation(&self, _: Option<&str>, _: &str) -> Option<Relation<'_>> {
        None
    }
}

fn pg_type(ty: &SqlType) -> PgType {
    match *ty {
        SqlType::Xml => PgType::Xml,
        SqlType::Char { length } => PgType::Char(length.into()),
        SqlType::VarChar { length: Some(length) } | SqlType::NVarChar { length: Some(length) } => {
            PgType::VarChar(length.into())
        }
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

#[test]
fn numbers_and_logic() {
    checks(&[
        ("([N]>=(0))", r#""n" >= 0"#),
        ("([n]>=(0) AND [N]<=(10) OR NOT [N]=(5))", r#""n" >= 0 AND "n" <= 10 OR NOT ("n" = 5)"#),
        ("(([N]=(1) OR [N]=(2)) AND [N]<>(3))", r#"("n" = 1 OR "n" = 2) AND "n" <> 3"#),
        ("([N] between (1) and (5))", r#""n" >= 1 AND "n" <= 5"#),
        ("(NOT [N] BETWEEN -1 AND 5)", r#"NOT ("n" >= (-1) AND "n" <= 5)"#),
        ("([N] IN ((1),(2),(-3)))", r#""n" IN (1, 2, (-3))"#),
        ("([N] NOT IN (1,2))", r#""n" NOT IN (1, 2)"#),
        ("([N] IS NULL OR [D] IS NOT NULL)", r#""n" IS NULL OR "d" IS NOT NULL"#),
        ("([Flag]=(1))", r#""flag" = true"#),
        ("([Flag]<>(0))", r#""flag" <> false"#),
        ("([Flag]='True')", r#""flag" = true"#),
        ("([Flag]+[N]>(2))", r#"("flag"::integer + "n") > 2"#),
        ("([Flag]=(2))", r#""flag"::integer = 2"#),
        ("([N]/(2)=(1))", r#"("n" / 2) = 1"#),
        ("([N]%(2)=(1))", r#"("n" % 2) = 1"#),
        ("([N]&(4)=(4))", r#"("n" & 4) = 4"#),
        ("(([N]|(1))^(3)=(~[N]))", r#"(("n" | 1) # 3) = (~"n")"#),
        ("([D]*(1.5)>(0.00))", r#"("d" * 1.5) > 0.00"#),
        ("([D]/(3.0)>(1))", r#"(div("d" * 100000::numeric, 3.0) * 0.00001) > 1"#),
        ("([N]>(2147483648))", r#""n" > 2147483648"#),
        ("([R]>(0.5))", r#""r" > '0.5'::real"#),
        ("([F]>=(1.5e3))", r#""f" >= '1.5e3'::double precision"#),
        ("([Cash]>=($1.5))", r#""cash" >= 1.5000"#),
        ("([Cash]+[Cash]*(2)<(100))", r#"("cash" + ("cash" * 2)) < 100"#),
        ("(abs([N])<(5) AND round([D],(1))=[D] AND floor([D])=(1))", r#"abs("n") < 5 AND round("d", 1) = "d" AND floor("d") = 1"#),
        ("(sign([N])=(-1))", r#"sign("n")::integer = (-1)"#),
        ("([N]='12')", r#""n" = 12"#),
    ]);
}
