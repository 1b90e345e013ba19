//! Numbers, dates, choices and conversions.

use super::*;

#[test]
fn numbers_and_logic() {
    checks(&[
        ("([N]>=(0))", r#""n" >= 0"#),
        (
            "([n]>=(0) AND [N]<=(10) OR NOT [N]=(5))",
            r#""n" >= 0 AND "n" <= 10 OR NOT ("n" = 5)"#,
        ),
        (
            "(([N]=(1) OR [N]=(2)) AND [N]<>(3))",
            r#"("n" = 1 OR "n" = 2) AND "n" <> 3"#,
        ),
        ("([N] between (1) and (5))", r#""n" >= 1 AND "n" <= 5"#),
        (
            "(NOT [N] BETWEEN -1 AND 5)",
            r#"NOT ("n" >= (-1) AND "n" <= 5)"#,
        ),
        ("([N] IN ((1),(2),(-3)))", r#""n" IN (1, 2, (-3))"#),
        ("([N] NOT IN (1,2))", r#""n" NOT IN (1, 2)"#),
        (
            "([N] IS NULL OR [D] IS NOT NULL)",
            r#""n" IS NULL OR "d" IS NOT NULL"#,
        ),
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
        (
            "([D]/(3.0)>(1))",
            r#"(div("d" * 1000000::numeric, 3.0) * 0.000001) > 1"#,
        ),
        ("([N]>(2147483648))", r#""n" > 2147483648"#),
        ("([R]>(0.5))", r#""r" > '0.5'::real"#),
        ("([F]>=(1.5e3))", r#""f" >= '1.5e3'::double precision"#),
        ("([Cash]>=($1.5))", r#""cash" >= 1.5000"#),
        (
            "([Cash]+[Cash]*(2)<(100))",
            r#"("cash" + ("cash" * 2)) < 100"#,
        ),
        (
            "(abs([N])<(5) AND round([D],(1))=[D] AND floor([D])=(1))",
            r#"abs("n") < 5 AND round("d", 1) = "d" AND floor("d") = 1"#,
        ),
        ("(sign([N])=(-1))", r#"sign("n")::integer = (-1)"#),
        ("([N]='12')", r#""n" = 12"#),
    ]);
}

#[test]
fn dates() {
    checks(&[
        ("([Day]>='1930-01-01')", r#""day" >= date '1930-01-01'"#),
        (
            "([At]>='19300102')",
            r#""at" >= timestamp '1930-01-02 00:00:00'"#,
        ),
        (
            "([At]<='2079-06-06T23:59:59.997')",
            r#""at" <= timestamp '2079-06-06 23:59:59.997'"#,
        ),
        ("([Day]<=[At])", r#""day" <= "at""#),
        ("([T]>='08:00')", r#""t" >= time '08:00:00'"#),
        (
            "(dateadd(day,(1),[Day])>[Order Date])",
            r#"("day" + 1) > "order date""#,
        ),
        (
            "(dateadd(month,-(1),[Day])>[Day])",
            r#"("day" + make_interval(months => (-1)))::date > "day""#,
        ),
        (
            "(dateadd(hour,[N],[At])>[At])",
            r#"("at" + make_interval(hours => "n")) > "at""#,
        ),
        (
            "(datediff(day,[Day],[At])>(0))",
            r#"("at"::date - "day") > 0"#,
        ),
        (
            "(datediff(year,[Day],[At])>(0))",
            r#"(extract(year from "at") - extract(year from "day"))::integer > 0"#,
        ),
        (
            "(datepart(quarter,[At])=(1))",
            r#"extract(quarter from "at")::integer = 1"#,
        ),
        (
            "(year([Day])=(2000) AND month([Day])=(2) AND day([Day])=(29))",
            r#"extract(year from "day")::integer = 2000 AND extract(month from "day")::integer = 2 AND extract(day from "day")::integer = 29"#,
        ),
        (
            "(eomonth([At])=[Day])",
            r#"(date_trunc('month', "at"::timestamp) + make_interval(months => 1, days => -1))::date = "day""#,
        ),
        ("(CONVERT([date],[At])=[Day])", r#""at"::date = "day""#),
        (
            "([At]<=getdate())",
            r#""at" <= statement_timestamp()::timestamp(3)"#,
        ),
    ]);
    assert_eq!(
        check_of("([At]<=getdate())").unwrap().volatility,
        Volatility::Stable
    );
    refusals(&[
        ("([At]>='1930-01-02')", "not certain"),
        ("([At]>='01/02/2003')", "not certain"),
        ("(datepart(weekday,[At])=(1))", "DATEFIRST"),
        ("(datepart(week,[At])=(1))", "DATEFIRST"),
        ("(dateadd(hour,(1),[Day])>[Day])", "a time on a date"),
        (
            "(dateadd(day,(1),[Off])=[Off])",
            "DATEADD of datetimeoffset(3)",
        ),
        ("([At]=[At7])", "thirds of a second"),
        ("(datename(dw,[Off])='May')", "DATENAME of datetimeoffset"),
        ("(datediff(day,[T],[T])=(1))", "a time of day"),
    ]);
}

/// "Operator precedence": signs, `+` and bits share a level, below `*`.
#[test]
fn operators_bind_as_in_t_sql() {
    checks(&[
        ("([N]+(1)|(2)=(3))", r#"(("n" + 1) | 2) = 3"#),
        ("([N]|(1)+(2)=(3))", r#"(("n" | 1) + 2) = 3"#),
        ("([N]&(1)*(2)=(3))", r#"("n" & (1 * 2)) = 3"#),
        ("((8)/-(2)*[N]=(3))", r#"(8 / (-(2 * "n"))) = 3"#),
        ("(-[N]%(5)=(3))", r#"(-("n" % 5)) = 3"#),
        ("([N]-[N]-(1)=(0))", r#"(("n" - "n") - 1) = 0"#),
        ("(~[N]&(1)=(0))", r#"((~"n") & 1) = 0"#),
        ("(~[Tiny]=(254))", r#"(~"tiny" & 255::smallint) = 254"#),
        (
            "([Flag]&[Flag]=(1))",
            r#"(("flag"::integer & "flag"::integer) <> 0) = true"#,
        ),
    ]);
}

/// Money: products are rounded and quotients cut after four digits. Decimals: quotients are cut at
/// the scale that "Precision, scale, and length" gives.
#[test]
fn money_and_long_decimals() {
    checks(&[
        ("([Cash]*[Cash]>(1))", r#"round("cash" * "cash", 4) > 1"#),
        (
            "([Cash]/(2)>(1))",
            r#"(div("cash" * 10000::numeric, 2) * 0.0001) > 1"#,
        ),
        (
            "([D38]/[D38]>(1))",
            r#"(div("d38" * 1000000::numeric, "d38") * 0.000001) > 1"#,
        ),
        ("([F]=[D])", r#""f" = "d"::double precision"#),
        (
            "([V]=(1))",
            r#"(CASE btrim("v") WHEN '' THEN 0 ELSE btrim("v")::integer END) = 1"#,
        ),
        ("([N]+'1'=(2))", r#"("n" + 1) = 2"#),
        ("([N]='')", r#""n" = 0"#),
    ]);
}

/// "CAST and CONVERT", styles and truncation.
#[test]
fn numbers_and_dates_as_text() {
    let converted = |text: &str, length| {
        let ty = SqlType::VarChar {
            length: Some(length),
        };
        generated_of(text, ty)
    };
    for (text, expected) in [
        (
            "(CONVERT([varchar](5),[N]))",
            r#"CASE WHEN length("n"::text) > 5 THEN '*' ELSE "n"::text END"#,
        ),
        (
            "(CONVERT([varchar](21),[Cash]))",
            r#"round("cash", 2)::text"#,
        ),
        (
            "(CONVERT([varchar](4),[Day],(112)))",
            r#"left(lpad((extract(year from "day")::integer * 10000 + extract(month from "day")::integer * 100 + extract(day from "day")::integer)::text, 8, '0'), 4)"#,
        ),
    ] {
        assert_eq!(converted(text, 50).as_deref(), Ok(expected), "{text}");
    }
    checks(&[
        (
            "(CONVERT([varchar](30),[At],(100))='5')",
            r#"lower(rtrim((to_char("at", 'Mon ') || lpad(to_char("at", 'FMDD'), 2) || to_char("at", ' YYYY ') || lpad(to_char("at", 'FMHH12'), 2) || to_char("at", ':MIAM'))) COLLATE "C") = '5'"#,
        ),
        (
            "(CONVERT([varchar](10),[At],(120))='5')",
            r#"lower(rtrim(left(to_char("at", 'YYYY-MM-DD HH24:MI:SS'), 10)) COLLATE "C") = '5'"#,
        ),
        (
            "(CONVERT([varchar](5),[T],(108))='5')",
            r#"lower(rtrim(left(to_char("t", 'HH24:MI:SS'), 5)) COLLATE "C") = '5'"#,
        ),
    ]);
}

/// DATEADD to DATEFROMPARTS; values of "DATEDIFF" and "DATETIMEFROMPARTS" hold in PostgreSQL.
#[test]
fn parts_of_dates() {
    checks(&[
        (
            "(datepart(ms,[At])=(1))",
            r#"(extract(microseconds from "at")::integer / 1000 % 1000) = 1"#,
        ),
        (
            "(datediff(ms,[At],[At])=(1))",
            r#"(extract(epoch from date_trunc('milliseconds', "at"::timestamp) - date_trunc('milliseconds', "at"::timestamp)) * 1000)::integer = 1"#,
        ),
        (
            "(datediff_big(day,[Day],'2000-01-05')=(1))",
            r#"(timestamp '2000-01-05 00:00:00'::date - "day")::bigint = 1"#,
        ),
        (
            "(datefromparts([N],(1),(2))=[Day])",
            r#"make_date("n", 1, 2) = "day""#,
        ),
        (
            "(CONVERT([date],[At] AT TIME ZONE 'UTC' AT TIME ZONE 'Tokyo Standard Time')=[Day])",
            r#"(("at" AT TIME ZONE 'UTC') AT TIME ZONE 'Asia/Tokyo')::date = "day""#,
        ),
        (
            "(datename(month,[At])='May')",
            r#"lower(rtrim(to_char("at"::timestamp, 'FMMonth')) COLLATE "C") = 'may'"#,
        ),
        (
            "(dateadd(second,(45),[SmallAt])=[SmallAt])",
            r#"date_trunc('minute', "smallat" + make_interval(secs => 45) + interval '30 seconds') = "smallat""#,
        ),
    ]);
}

/// Numbers are days beside `datetime`.
#[test]
fn days_since_1900() {
    checks(&[
        (
            "([At]+(1)>[At])",
            r#"("at" + make_interval(days => 1)) > "at""#,
        ),
        (
            "([At]-0.5>[At])",
            r#"("at" - make_interval(secs => 43200)) > "at""#,
        ),
        (
            "([At]-[At]>(0))",
            r#"(timestamp '1900-01-01' + ("at" - "at")) > timestamp '1900-01-01 00:00:00'"#,
        ),
        ("([At]>'')", r#""at" > timestamp '1900-01-01 00:00:00'"#),
        (
            "(CONVERT([int],[At])=(0))",
            r#"(("at" + interval '12 hours')::date - date '1900-01-01') = 0"#,
        ),
        (
            "([At]>1/1/1900)",
            r#""at" > (timestamp '1900-01-01' + make_interval(days => ((1 / 1) / 1900)))"#,
        ),
    ]);
}

#[test]
fn choices_and_conversions() {
    checks(&[
        ("(isnull([N],(0))>(0))", r#"coalesce("n", 0) > 0"#),
        (
            "(isnull([Flag],(0))=(1))",
            r#"coalesce("flag", false) = true"#,
        ),
        (
            "(coalesce([N],[D],(0))>(0))",
            r#"coalesce("n"::numeric(12,2), "d"::numeric(12,2), 0.00) > 0"#,
        ),
        (
            "(nullif([N],(0)) IS NULL)",
            r#"(CASE WHEN "n" = 0 THEN NULL ELSE "n" END) IS NULL"#,
        ),
        (
            "(case when [N]>(0) then [V] else 'x' end='x')",
            r#"lower(rtrim(CASE WHEN "n" > 0 THEN "v" ELSE 'x' END) COLLATE "C") = 'x'"#,
        ),
        (
            "(case [N] when (1) then (2) when (3) then NULL end=(2))",
            r#"(CASE WHEN "n" = 1 THEN 2 WHEN "n" = 3 THEN NULL END) = 2"#,
        ),
        (
            "(iif([N]>(0),(1),(0))=(1))",
            r#"(CASE WHEN "n" > 0 THEN 1 ELSE 0 END) = 1"#,
        ),
        (
            "(choose([N],(5),(6))=(6))",
            r#"(CASE WHEN "n" = 1 THEN 5 WHEN "n" = 2 THEN 6 END) = 6"#,
        ),
        ("(CONVERT([int],[D])=(1))", r#"trunc("d")::integer = 1"#),
        (
            "(CAST([D] AS decimal(10,1))=(1.5))",
            r#""d"::numeric(10,1) = 1.5"#,
        ),
        ("(CONVERT([bit],[N])=(1))", r#"("n" <> 0) = true"#),
        (
            "(CONVERT([varchar](11),[N])='5')",
            r#"lower(rtrim("n"::text) COLLATE "C") = '5'"#,
        ),
        (
            "(CONVERT([varchar](3),[V])='abc')",
            r#"lower(rtrim(left("v", 3)) COLLATE "C") = 'abc'"#,
        ),
        (
            "(CONVERT([char](8),[At],(112))='20000101')",
            r#"lower(rtrim(lpad((extract(year from "at")::integer * 10000 + extract(month from "at")::integer * 100 + extract(day from "at")::integer)::text, 8, '0')) COLLATE "C") = '20000101'"#,
        ),
    ]);
}
