//! Expressions that schemas contain, evaluated by both servers for each row.

use tsql::schema::SqlType;
use tsql::translate::{ScopeColumn, check, generated};
use tsql::typemap::PgType;

use crate::babelfish::deviates;
use crate::sample::{self, Sample};

/// One per construct of docs/expressions.md that a check can hold.
const CONDITIONS: &[&str] = &[
    "[N]>=(0)",
    "[N] between (-7) and (5)",
    "NOT [N] IN (1,2,3)",
    "[Flag]=(1)",
    "[Flag]<>(1) OR [N] IS NULL",
    "[Flag]+[Small]>(5)",
    "[Small]/(2)=(-3)",
    "[Small]%(5)=(-2)",
    "([Small]&(4))=(4)",
    "([Small]|(8))=(15)",
    "([Small]^(1))=(6)",
    "~[Small]=(-1)",
    "[D]*(2)>=(14.98)",
    "[D]/(3.0)<(2.5)",
    "[D]%(1)=(0.49)",
    "[D]+[Small]<(0)",
    "[Cash]>=(7.49)",
    "-[Cash]>(0)",
    "abs([Small])=(7)",
    "sign([D])=(-1)",
    "floor([D])=(-1)",
    "ceiling([D])=(1)",
    "round([D],(1))=(2.5)",
    "round([D],(0))=(-8)",
    "CONVERT([int],[D])=(-7)",
    "CONVERT([decimal](10,1),[D])=(0.1)",
    "[V]='abc'",
    "[V]=''",
    "[V]<>'ABC'",
    "[W]=N'ABC'",
    "[B]='abc'",
    "[B]='Abc'",
    "[C]='A B'",
    "[C] IN ('A','f ')",
    "upper([V])='ABC'",
    "len([V])=(3)",
    "len([W])=(3)",
    "len([C])=(0)",
    "datalength([V])=(4)",
    "datalength([W])=(10)",
    "datalength([C])=(5)",
    "left([V],(1))='a'",
    "right([C],(1))=''",
    "right([V],(2))='4'",
    "substring([V],(2),(2))='bc'",
    "substring([V],(0),(2))='a'",
    "charindex('B',[V])=(2)",
    "charindex('-',[V])>(0)",
    "replace([V],'-','')='1234'",
    "ltrim(rtrim([V]))=''",
    "[V]+'x'='abc x'",
    "[C]+'x'='a    x'",
    "[V] like 'A%'",
    "[V] like 'abc '",
    "[W] like N'abc'",
    "[V] like '%[0-9]-%'",
    "NOT [V] like '%[^0-9-]%'",
    "[V] like '[a-c]__%'",
    "[V] like '50[%]'",
    "[V] like '50!%' ESCAPE '!'",
    "[V] like 'a[_]b\\'",
    "[V] like '[[]x]'",
    "[B] like 'A%'",
    "[B] like '[A-C]%'",
    "[Day]>='2000-01-02'",
    "[At]<'20000101'",
    "[At]>='1999-12-31T12:30:45.123'",
    "[Day]<=[At]",
    "dateadd(month,(1),[Day])='20240229'",
    "dateadd(year,(1),[Day])='20010228'",
    "dateadd(day,(-1),[Day])='20231231'",
    "dateadd(hour,(1),[At])='20000101 01:00'",
    "datediff(day,[Day],'20240101')=(1)",
    "datediff(year,[Day],'20240101')=(1)",
    "datediff(month,[Day],'20240229')=(1)",
    "datediff(week,[Day],'20240107')=(1)",
    "datediff(hour,[At],'20240101')=(1)",
    "case when year([At])=(2023) then datediff(minute,'20231231 23:58:59',[At]) end=(1)",
    "datepart(quarter,[Day])=(4)",
    "datepart(dayofyear,[Day])=(60)",
    "datepart(second,[At])=(59)",
    "datepart(iso_week,[Day])=(52)",
    "year([Day])=(2024) AND month([Day])=(1) AND day([Day])=(31)",
    "eomonth([Day])=[Day]",
    "CONVERT([date],[At])=[Day]",
    "isnull([N],(-1))=(-1)",
    "isnull([V],'none')='NONE'",
    "coalesce([N],[D],(5))=(5)",
    "nullif([N],(0)) IS NULL",
    "nullif([V],'ABC') IS NULL",
    "case when [N]>(0) then 'p' when [N]<(0) then 'n' end='n'",
    "case [N] when (0) then (1) else (2) end=(1)",
    "iif([N]>(0),(1),(0))=(1)",
    "choose([N],(5),(6),(7))=(7)",
    "CONVERT([varchar](11),[N])='7'",
    "CONVERT([varchar](2),[V])='ab'",
    "concat([V],'-',[N])='-'",
    "NOT ([N]>(0) AND [V]='abc')",
];

/// What the documentation of LIKE says of trailing blanks of `char` and `varchar`, which are not
/// significant in the value and are in the pattern. The stand-in takes both for significant, so
/// the expected rows are given here, by number.
const DOCUMENTED: &[(&str, &[&str])] = &[
    ("[V] like 'abc'", &["2"]),
    ("[V] like 'abc '", &["2"]),
    ("[V] like 'abc  '", &[]),
    ("[V] like 'abc_'", &["2"]),
    ("[C] like 'a'", &["1"]),
    ("[C] like '%b'", &["2", "5"]),
    ("[W] like N'abc'", &[]),
];

#[test]
fn trailing_blanks_in_like_are_as_documented() {
    let sample = sample::make();
    for (text, expected) in DOCUMENTED {
        let translated = sample::with_scope(|scope| check(&format!("({text})"), scope));
        let sql = translated.unwrap_or_else(|error| panic!("{text}: {}", error.reason));
        let query = format!("SELECT id FROM sample WHERE {} ORDER BY id", sql.sql);
        let rows = sample.target.sql(&query);
        let got: Vec<_> = rows.iter().filter_map(|row| row[0].as_deref()).collect();
        assert_eq!(got, *expected, "{text}");
    }
}

fn source_query(condition: &str) -> String {
    format!(
        "SELECT [Id], CAST(CASE WHEN {condition} THEN 'yes' WHEN NOT ({condition}) THEN 'no' ELSE \
         'unknown' END AS nvarchar(10)) FROM dbo.Sample ORDER BY [Id]"
    )
}

pub fn target_answers(sample: &Sample, sql: &str) -> Vec<Option<String>> {
    let query = format!(
        "SELECT CASE WHEN {sql} THEN 'yes' WHEN NOT ({sql}) THEN 'no' ELSE 'unknown' END FROM \
         sample ORDER BY id"
    );
    let rows = sample.target.sql(&query);
    rows.into_iter().map(|mut row| row.remove(0)).collect()
}

/// How many expressions both servers evaluated, and how many the source would not. Those that a
/// foreign server is known to answer otherwise are in neither.
#[derive(Debug, Default)]
pub struct Compared {
    pub both: usize,
    pub refused: usize,
}

/// Compares what both servers say of conditions and their translations.
pub fn compare(sample: &Sample, pairs: &[(String, String)]) -> Compared {
    let queries: Vec<String> = pairs.iter().map(|(text, _)| source_query(text)).collect();
    let answers = sample.source.answers(&queries);
    let mut compared = Compared::default();
    let mut wrong = Vec::new();
    for ((text, sql), answer) in pairs.iter().zip(answers) {
        match answer {
            _ if deviates(text) => {}
            Err(error) => {
                compared.refused += 1;
                eprintln!("not evaluated by the source: {text}: {error}");
            }
            Ok(expected) => {
                compared.both += 1;
                let got = target_answers(sample, sql);
                if got != expected {
                    wrong.push(format!(
                        "{text}\n  {sql}\n  source {expected:?}\n  target {got:?}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    compared
}

#[test]
fn conditions_are_equal_for_every_row() {
    let sample = sample::make();
    let pairs: Vec<(String, String)> = CONDITIONS
        .iter()
        .map(|text| {
            let translated = sample::with_scope(|scope| check(&format!("({text})"), scope));
            let sql = translated.unwrap_or_else(|error| panic!("{text}: {}", error.reason));
            ((*text).to_owned(), sql.sql)
        })
        .collect();
    // All of them stand as checks, those without a clock as predicates too.
    for (_, sql) in &pairs {
        sample
            .target
            .sql(&format!("CREATE INDEX ON sample (id) WHERE {sql}"));
    }
    let compared = compare(&sample, &pairs);
    assert!(compared.both >= compared.refused * 9, "{compared:?}");
}

#[test]
fn computed_columns_are_equal_for_every_row() {
    let decimal = |precision, scale| SqlType::Decimal { precision, scale };
    let text = |length| SqlType::VarChar {
        length: Some(length),
    };
    let cases: Vec<(&str, SqlType, PgType)> = vec![
        ("[Small]/(3)", SqlType::Int, PgType::Integer),
        ("[D]*(1.5)", decimal(13, 3), PgType::Numeric(Some((13, 3)))),
        ("[D]/(7)", decimal(16, 6), PgType::Numeric(Some((16, 6)))),
        ("[D]/(3.0)", decimal(16, 6), PgType::Numeric(Some((16, 6)))),
        (
            "isnull([D],(0.00))",
            decimal(10, 2),
            PgType::Numeric(Some((10, 2))),
        ),
        (
            "round([D],(1))",
            decimal(10, 2),
            PgType::Numeric(Some((10, 2))),
        ),
        ("[C]+'|'", text(6), PgType::VarChar(6)),
        ("[V]+' '+[V]", text(41), PgType::VarChar(41)),
        ("concat([V],'/',[N])", text(33), PgType::VarChar(33)),
        ("ltrim([V])", text(20), PgType::VarChar(20)),
        ("reverse([V])", text(20), PgType::VarChar(20)),
        ("substring([V],(2),(3))", text(3), PgType::VarChar(3)),
        ("replace([B],'b','xx')", text(8000), PgType::Text),
        (
            "datediff(day,'20000101',[At])",
            SqlType::Int,
            PgType::Integer,
        ),
        (
            "case when [N]>(0) then [D] else (0) end",
            decimal(10, 2),
            PgType::Numeric(Some((10, 2))),
        ),
        ("CONVERT([varchar](12),[N])", text(12), PgType::VarChar(12)),
        ("CONVERT([varchar](13),[D])", text(13), PgType::VarChar(13)),
        (
            "CONVERT([varchar](8),[At],(112))",
            text(8),
            PgType::VarChar(8),
        ),
        (
            "CONVERT([varchar](10),[Day],(23))",
            text(10),
            PgType::VarChar(10),
        ),
        ("[Flag]", SqlType::Bit, PgType::Boolean),
    ];
    let sample = sample::make();
    let queries: Vec<String> = cases
        .iter()
        .map(|(text, ..)| {
            format!("SELECT [Id], CAST({text} AS nvarchar(100)) FROM dbo.Sample ORDER BY [Id]")
        })
        .collect();
    let answers = sample.source.answers(&queries);
    let mut compared = Compared::default();
    let mut wrong = Vec::new();
    for ((text, sql_type, pg_type), answer) in cases.iter().zip(answers) {
        let column = ScopeColumn {
            source: "made",
            target: "made",
            sql_type,
            pg_type,
            collation: None,
            nullable: true,
            generated: true,
        };
        let translated =
            sample::with_scope(|scope| generated(&format!("({text})"), &column, scope));
        let sql = translated
            .unwrap_or_else(|error| panic!("{text}: {}", error.reason))
            .sql;
        sample.target.sql(&format!(
            "ALTER TABLE sample ADD made {pg_type} GENERATED ALWAYS AS ({sql}) STORED"
        ));
        let shown = match pg_type {
            PgType::Boolean => "made::integer::text",
            _ => "made::text",
        };
        let rows = sample
            .target
            .sql(&format!("SELECT {shown} FROM sample ORDER BY id"));
        let got: Vec<_> = rows.into_iter().map(|mut row| row.remove(0)).collect();
        sample.target.sql("ALTER TABLE sample DROP made");
        match answer {
            _ if deviates(text) => {}
            Err(error) => {
                compared.refused += 1;
                eprintln!("not evaluated by the source: {text}: {error}");
            }
            Ok(expected) => {
                compared.both += 1;
                if got != expected {
                    wrong.push(format!(
                        "{text}\n  {sql}\n  source {expected:?}\n  target {got:?}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(compared.both >= compared.refused * 4, "{compared:?}");
}
