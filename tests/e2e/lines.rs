//! Lines of the type table that the other files have no value for. Expected is what the T-SQL
//! reference says of the value, written as PostgreSQL prints it.

use crate::support::scenario::Scenario;

/// Seven digits are rounded half up to six, and carry into the next second, but never into the next
/// day or year.
#[test]
fn the_seventh_digit_is_rounded_half_up_and_stays_in_its_day() {
    let scenario = Scenario::on_stand_in(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, T time(7) NULL, D datetime2(7) NULL, O datetimeoffset(7) NULL);\n\
         INSERT INTO dbo.T VALUES \
         (1, '23:59:59.9999999', '9999-12-31T23:59:59.9999999', '2024-12-31T23:59:59.9999995+00:00'), \
         (2, '12:00:00.1234564', '2024-05-06T07:08:09.1234565', '2024-05-06T07:08:09.1234564+05:30'), \
         (3, '12:00:59.9999995', '2024-05-06T07:59:59.9999999', '2024-05-06T23:59:59.9999999-02:00');",
    );
    scenario.job("").report(&[], 0);
    let row = |id: u32| {
        scenario.value(&format!(
            "SELECT concat_ws('|', t, d, o AT TIME ZONE 'UTC') FROM public.t WHERE id = {id}"
        ))
    };
    assert_eq!(
        row(1),
        "23:59:59.999999|9999-12-31 23:59:59.999999|2024-12-31 23:59:59.999999"
    );
    assert_eq!(
        row(3),
        "12:01:00|2024-05-06 08:00:00|2024-05-07 01:59:59.999999"
    );
    assert_eq!(
        row(2),
        "12:00:00.123456|2024-05-06 07:08:09.123457|2024-05-06 01:38:09.123456"
    );
}

/// `money` at both ends, a zero with a sign, values padded to their length, the old large types.
#[test]
fn ends_of_money_signed_zero_padding_and_the_old_large_types() {
    let scenario = Scenario::loaded(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, M money NULL, S smallmoney NULL, D decimal(5, 1) NULL, \
         C char(4) NULL, N nchar(4) NULL, B binary(4) NULL, X text NULL, Y ntext NULL, I image NULL);\n\
         INSERT INTO dbo.T VALUES (1, 922337203685477.5807, 214748.3647, CAST('-0.0' AS decimal(5, 1)), \
         'ab', N'жу', 0x01, 'old ', N'ж ', 0x00FF), \
         (2, -922337203685477.5808, -214748.3648, -0.1, '', N'', 0x, '', N'', 0x);",
    );
    scenario.job("").report(&[], 0);
    let row = |id: u32| {
        scenario.value(&format!(
            "SELECT concat_ws('|', m, s, d, octet_length(c), rtrim(c), octet_length(n), rtrim(n), b, x, y, i) \
             FROM public.t WHERE id = {id}"
        ))
    };
    assert_eq!(
        row(1),
        "922337203685477.5807|214748.3647|0.0|4|ab|6|жу|\\x01000000|old |ж |\\x00ff"
    );
    assert_eq!(
        row(2),
        "-922337203685477.5808|-214748.3648|-0.1|4||4||\\x00000000|||\\x"
    );
}

/// Fragments, entities and namespaces, as PostgreSQL reads the same text.
#[test]
fn xml_is_what_postgresql_reads_from_its_text() {
    const VALUES: [&str; 5] = [
        "",
        "plain",
        "<a b=\"1\">text &amp; é😀</a>",
        "<a/><b/>",
        "<x:a xmlns:x=\"urn:x\"> <x:c/> </x:a>",
    ];
    let mut script =
        "CREATE TABLE dbo.T (id int NOT NULL PRIMARY KEY, x xml NULL, t xml NULL);\n".to_owned();
    for (id, text) in VALUES.iter().enumerate() {
        script.push_str(&format!(
            "INSERT INTO dbo.T VALUES ({id}, N'{text}', N'{text}');\n"
        ));
    }
    let scenario = Scenario::loaded(&script);
    let more = "tables: { overrides: { dbo.T: { types: { t: text } } } }";
    scenario.job(more).report(&[], 0);
    for (id, text) in VALUES.iter().enumerate() {
        let read = scenario.value(&format!("SELECT xml '{text}'::text || '.'"));
        for column in ["x", "t"] {
            let sql = format!("SELECT {column}::text || '.' FROM public.t WHERE id = {id}");
            assert_eq!(scenario.value(&sql), read, "{column} {text:?}");
        }
    }
    let ty = "SELECT pg_typeof(x)::text || pg_typeof(t) FROM public.t WHERE id = 0";
    assert_eq!(scenario.value(ty), "xmltext");
}

/// 8 bytes that grow with every row that is written in the database.
#[test]
fn a_rowversion_is_its_eight_bytes() {
    let scenario = Scenario::loaded(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, V int NULL, S rowversion NOT NULL);\n\
         INSERT INTO dbo.T (Id, V) VALUES (1, 0);\nINSERT INTO dbo.T (Id, V) VALUES (2, 0);\n\
         INSERT INTO dbo.T (Id, V) VALUES (3, 0);\nUPDATE dbo.T SET V = 1 WHERE Id = 1;",
    );
    // Elsewhere the column's values are made by a default.
    scenario.job("schema: { defaults: false }").report(&[], 0);
    let order = "SELECT string_agg(id::text, ',' ORDER BY s) || '|' || min(octet_length(s)) || '|' || max(octet_length(s)) FROM public.t";
    assert_eq!(scenario.value(order), "2,3,1|8|8");
    let texts = scenario.source.texts(
        "SELECT CONVERT(varchar(20), CAST(S AS bigint)) FROM dbo.T ORDER BY Id",
        1,
    );
    let found = scenario
        .sql("SELECT ('x' || encode(s, 'hex'))::bit(64)::bigint::text FROM public.t ORDER BY id");
    assert_eq!(found, texts);
}
