//! Values that only views and functions may hold: by helper functions, by a setting, with a note.

use super::*;

struct Helped<'a>(&'a [ScopeColumn<'a>]);

impl TargetNames for Helped<'_> {
    fn sequence(&self, _: Option<&str>, _: &str) -> Option<String> {
        None
    }

    fn relation(&self, schema: &str, name: &str) -> Option<Relation<'_>> {
        Some(Relation {
            source: format!("{schema}.{name}"),
            sql: "t".to_owned(),
            columns: self.0.to_vec(),
        })
    }

    fn collation(&self, source: &str) -> Option<String> {
        (source == "Latin1_General_CI_AI").then(|| "\"app\".\"ai\"".to_owned())
    }

    fn helper(&self, helper: Helper) -> Option<String> {
        Some(format!("h.{}", helper.name()))
    }
}

fn read(text: &str) -> Result<TranslatedView, String> {
    with_scope(|scope| {
        let names = Helped(scope.columns);
        let scope = ViewScope {
            schema: "dbo",
            names: &names,
            default_collation: Some(CI),
            recorded: &[],
            quoted_identifiers: true,
        };
        let text = format!("CREATE VIEW v AS SELECT {text} AS x FROM T");
        view(&text, &scope).map_err(|it| it.reason)
    })
}

/// Source, target, without the rest of the SELECT.
fn values(pairs: &[(&str, &str)]) {
    for (text, expected) in pairs {
        let sql = read(text).map(|it| it.sql.replace("\"T\".", ""));
        let got = sql.as_deref().map(|sql| {
            let sql = sql.strip_prefix("SELECT ").unwrap_or(sql);
            sql.split(" AS \"x\"").next().unwrap_or(sql)
        });
        assert_eq!(got, Ok(*expected), "{text}");
    }
}

#[test]
fn conversions_that_make_null() {
    values(&[
        (
            "TRY_CAST(V AS int)",
            r#"CASE WHEN h.migrate_try_int("v") BETWEEN -2147483648 AND 2147483647 THEN h.migrate_try_int("v")::integer END"#,
        ),
        (
            "TRY_CONVERT(decimal(5,2), V)",
            r#"h.migrate_try_decimal("v", 5, 2)::numeric(5,2)"#,
        ),
        (
            "TRY_CONVERT(date, V, 103)",
            r#"h.migrate_try_moment("v", 'dmy', false)::date"#,
        ),
        (
            "TRY_CAST(Big AS int)",
            r#"CASE WHEN "big" BETWEEN -2147483648 AND 2147483647 THEN "big"::integer END"#,
        ),
    ]);
    let made = read("TRY_CAST(V AS float)").unwrap();
    assert_eq!(made.helpers, [Helper::TryFloat]);
    assert!(
        read("TRY_CAST(Bytes AS int)")
            .unwrap_err()
            .contains("TRY_CAST")
    );
}

#[test]
fn texts_as_dates() {
    values(&[
        (
            "CAST(V AS date)",
            r#"coalesce(h.migrate_try_moment("v", 'mdy', false)::date, CASE WHEN "v" IS NOT NULL THEN ('no date: ' || "v")::date END)"#,
        ),
        (
            "CASE WHEN At >= '2000-01-05' THEN 1 ELSE 0 END",
            r#"CASE WHEN "at" >= timestamp '2000-01-05 00:00:00' THEN 1 ELSE 0 END"#,
        ),
    ]);
    let notes = read("CAST(V AS datetime)").unwrap().notes;
    assert!(
        notes.iter().any(|it| it.contains("us_english")),
        "{notes:?}"
    );
    let notes = read("DATEDIFF(day, CAST('2000-01-05' AS datetime), At)").unwrap();
    assert!(notes.notes.iter().any(|it| it.contains("DATEFORMAT")));
}

#[test]
fn patterns_and_accents() {
    values(&[
        (
            "CASE WHEN V LIKE '%' + Vcs + '%' COLLATE Latin1_General_CS_AS THEN 1 END",
            r#"CASE WHEN "v" COLLATE "C" ~ h.migrate_like_pattern((('%' || "vcs") || '%') COLLATE "C", NULL, false) THEN 1 END"#,
        ),
        (
            "CASE WHEN Vai = N'\u{e9}' THEN 1 END",
            "CASE WHEN rtrim(\"vai\") COLLATE \"app\".\"ai\" = rtrim('\u{e9}') COLLATE \"app\".\"ai\" THEN 1 END",
        ),
    ]);
}

/// "CAST and CONVERT": with compatibility level 130, `.003` is `.0033333`.
#[test]
fn thirds_of_a_second() {
    let made = read("CAST(At AS time)").unwrap();
    assert!(
        made.sql.contains("* 0.0003) / 300.0))::time(6)"),
        "{}",
        made.sql
    );
    assert!(made.notes.iter().any(|it| it.contains("130")));
    values(&[
        (
            "CAST(CAST(At AS datetimeoffset) AS date)",
            r#"("at")::date"#,
        ),
        (
            "CAST(Bytes8 AS bigint)",
            r#"('x' || encode("bytes8", 'hex'))::bit(64)::bigint"#,
        ),
        ("GREATEST(N, Small)", r#"greatest("n", "small"::integer)"#),
        ("CONVERT(varchar(10), NULL, 101)", "NULL::text::text"),
        ("Bytes + 0x01", r#""bytes" || '\x01'::bytea"#),
        (
            "(DATEPART(dw, Day) + @@DATEFIRST) % 7",
            r#"((extract(dow from "day")::integer + 1) + 7) % 7"#,
        ),
    ]);
}

/// Weeks and weekdays of "DATEPART" with DATEFIRST 7; FORMAT of "FORMAT", culture en-US.
#[test]
fn parts_and_formats_by_a_setting() {
    values(&[
        (
            "DATEPART(weekday, Day)",
            r#"(extract(dow from "day")::integer + 1)"#,
        ),
        (
            "FORMAT(Day, 'M/d/yyyy')",
            r#"to_char("day"::timestamp, 'FMMM"/"FMDD"/"YYYY')"#,
        ),
        (
            "FORMAT(D, 'N2', 'en-US')",
            r#"to_char(round("d", 2), 'FM999,999,999,999,999,999,999,990.00')"#,
        ),
        (
            "POWER(N, 2)",
            r#"trunc(power("n"::double precision, '2'::double precision))::integer"#,
        ),
        ("CAST(F AS varchar(20))", r#"h.migrate_float_text("f")"#),
    ]);
    for (text, part) in [
        ("ROUND(F, 1)", "the last digit"),
        ("CAST(F AS decimal(5, 2))", "float as decimal"),
        ("FORMAT(D, 'P')", "the format"),
        ("FORMAT(Day, 'D')", "the format"),
        ("FORMAT(Day, 'd', 'de-DE')", "a culture"),
        ("TRY_CONVERT(date, V, 130)", "style 130"),
        ("At AT TIME ZONE 'Mars Standard Time'", "Mars"),
        (
            "CAST(Off AS date)",
            "conversion of datetimeoffset(3) to date",
        ),
    ] {
        let reason = read(text).unwrap_err();
        assert!(reason.contains(part), "{text}: {reason}");
    }
}
