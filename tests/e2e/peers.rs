//! What other tools got wrong with the same tables: one test for each.

use crate::support::postgres::Database;
use crate::support::scenario::Scenario;

/// Runs a job of a script to its end, which must be a good one.
fn moved(script: &str, more: &str) -> Database<'static> {
    let scenario = Scenario::loaded(script);
    scenario.job(more).report(&[], 0);
    scenario.target
}

/// Decimals beyond 96 bits panicked, and money went through a float.
#[test]
fn decimals_keep_every_digit_beyond_96_bits() {
    let target = moved(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, D decimal(38, 0) NULL, F decimal(38, 38) NULL, M money NULL);\n\
         INSERT INTO dbo.T VALUES (1, 79228162514264337593543950336, 0.99999999999999999999999999999999999999, 922337203685477.5807),\n\
         (2, -99999999999999999999999999999999999999, -0.00000000000000000000000000000000000001, -922337203685477.5808);",
        "",
    );
    assert_eq!(
        target.value("SELECT string_agg(concat_ws('|', d, f, m), ';' ORDER BY id) FROM public.t"),
        "79228162514264337593543950336|0.99999999999999999999999999999999999999|922337203685477.5807;\
         -99999999999999999999999999999999999999|-0.00000000000000000000000000000000000001|-922337203685477.5808"
    );
}

/// 128 to 255 arrived negative.
#[test]
fn tinyint_above_127_is_positive() {
    let target = moved(
        "CREATE TABLE dbo.T (Id tinyint NOT NULL PRIMARY KEY);\n\
         INSERT INTO dbo.T VALUES (0), (127), (128), (255);",
        "",
    );
    let sql = "SELECT string_agg(id::text, ',' ORDER BY id) FROM public.t";
    assert_eq!(target.value(sql), "0,127,128,255");
}

/// `0x` arrived as NULL.
#[test]
fn empty_binary_is_not_null() {
    let target = moved(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, V varbinary(10) NULL, M varbinary(max) NULL);\n\
         INSERT INTO dbo.T VALUES (1, 0x, 0x), (2, NULL, NULL);",
        "",
    );
    let sql = "SELECT string_agg(concat_ws('|', v IS NULL, m IS NULL, length(v), length(m)), ';' ORDER BY id) FROM public.t";
    assert_eq!(target.value(sql), "f|f|0|0;t|t");
}

/// A time became the text `0001-01-01T12:34:56Z`.
#[test]
fn time_is_a_time() {
    let target = moved(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, T time(3) NULL);\n\
         INSERT INTO dbo.T VALUES (1, '12:34:56.789');",
        "",
    );
    let sql = "SELECT concat_ws('|', t, pg_typeof(t)) FROM public.t";
    assert_eq!(target.value(sql), "12:34:56.789|time without time zone");
}

/// .003 s arrived as .003333.
#[test]
fn datetime_keeps_the_milliseconds_that_sql_server_prints() {
    let target = moved(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, T datetime NULL);\n\
         INSERT INTO dbo.T VALUES (1, '2024-05-06T07:08:09.003'), (2, '2024-05-06T07:08:09.007'), (3, '2024-05-06T07:08:09.000');",
        "",
    );
    let sql = "SELECT string_agg(extract(microseconds FROM t)::int % 1000000 || '', ',' ORDER BY id) FROM public.t";
    assert_eq!(target.value(sql), "3000,7000,0");
}

/// U+FEFF at the start of nvarchar(max) was taken for a byte order mark.
#[test]
fn a_leading_byte_order_mark_is_a_character() {
    let target = moved(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, M nvarchar(max) NULL, N nvarchar(20) NULL);\n\
         INSERT INTO dbo.T VALUES (1, NCHAR(65279) + N'bom', NCHAR(65279) + N'bom'), \
         (2, NCHAR(65279) + REPLICATE(CAST(N'x' AS nvarchar(max)), 20000), NULL);",
        "",
    );
    let sql = "SELECT string_agg(concat_ws('|', length(m), ascii(m), length(n), ascii(n)), ';' ORDER BY id) FROM public.t";
    assert_eq!(target.value(sql), "4|65279|4|65279;20001|65279");
}

/// Integers of sql_variant arrived as `t`.
#[test]
fn integers_of_a_variant_are_their_digits() {
    let target = moved(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, V sql_variant NULL);\n\
         INSERT INTO dbo.T VALUES (1, CAST(1 AS int)), (2, CAST(42 AS int)), (3, CAST(9223372036854775807 AS bigint)), (4, NULL);",
        "",
    );
    let sql = "SELECT string_agg(coalesce(v, 'NULL'), ',' ORDER BY id) FROM public.t";
    assert_eq!(target.value(sql), "1,42,9223372036854775807,NULL");
}

/// Rows of a heap with duplicates were lost and doubled while the count stayed.
#[test]
fn duplicates_of_a_heap_keep_their_numbers() {
    let mut script = "CREATE TABLE dbo.T (A int NULL, B nvarchar(10) NULL);\n".to_owned();
    for row in 0..300 {
        script.push_str(&format!("INSERT INTO dbo.T VALUES ({}, N'x');\n", row % 7));
    }
    script.push_str(
        "INSERT INTO dbo.T VALUES (NULL, NULL);\nINSERT INTO dbo.T VALUES (NULL, NULL);\n",
    );
    let small = "transfer: { partition_min_rows: 10, max_partitions_per_table: 5 }";
    let target = moved(&script, small);
    let sql = "SELECT string_agg(n::text, ',' ORDER BY a) FROM (SELECT a, count(*) AS n FROM public.t GROUP BY a) AS g";
    assert_eq!(target.value(sql), "43,43,43,43,43,43,42,2");
}

/// A name of 63 bytes and a suffix were cut to the name itself, so that dropping the temporary
/// table dropped the result.
#[test]
fn a_table_whose_name_fills_63_bytes_survives() {
    let name = "n".repeat(63);
    let twin = format!("{}2", "n".repeat(62));
    let script = format!(
        "CREATE TABLE dbo.{name} (Id int NOT NULL PRIMARY KEY);\nINSERT INTO dbo.{name} VALUES (1), (2);\n\
         CREATE TABLE dbo.{twin} (Id int NOT NULL PRIMARY KEY);\nINSERT INTO dbo.{twin} VALUES (3);"
    );
    for mode in ["create", "replace"] {
        let target = moved(
            &script,
            &format!("transfer: {{ mode: {mode}, unlogged_load: true }}"),
        );
        let sum = |table: &str| target.value(&format!("SELECT sum(id) FROM public.{table}"));
        assert_eq!(
            (sum(&name).as_str(), sum(&twin).as_str()),
            ("3", "3"),
            "{mode}"
        );
        let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
        assert_eq!(target.value(tables), "2", "{mode}");
    }
}

/// Empty tables were not made.
#[test]
fn an_empty_table_is_made() {
    let target = moved(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, V nvarchar(10) NULL);",
        "",
    );
    assert_eq!(target.value("SELECT count(*) FROM public.t"), "0");
    let key = "SELECT count(*) FROM pg_constraint WHERE conrelid = 'public.t'::regclass AND contype = 'p'";
    assert_eq!(target.value(key), "1");
}

/// Filters refused blanks and letters outside of ASCII.
#[test]
fn tables_are_chosen_by_names_with_blanks_and_other_letters() {
    let script = "CREATE TABLE dbo.[Order Details] (Id int NOT NULL PRIMARY KEY);\n\
                  CREATE TABLE dbo.[Größe über] (Id int NOT NULL PRIMARY KEY);\n\
                  CREATE TABLE dbo.[Other] (Id int NOT NULL PRIMARY KEY);";
    let more = "tables:\n  include: ['dbo.order details', 'dbo.Größe*']\n  overrides:\n    'dbo.Order Details': { where: 'Id > 0' }";
    let target = moved(script, more);
    let sql = "SELECT string_agg(tablename, ',' ORDER BY length(tablename)) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(target.value(sql), "größe über,order details");
}

/// A column whose name has a quote or a tab was refused. A closing bracket, which Babelfish cannot
/// parse, is in names.rs.
#[test]
fn column_names_may_hold_quotes_and_tabs() {
    let target = moved(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, [say \"hi\"] int NULL, [it's] int NULL, [a\tb] int NULL);\n\
         INSERT INTO dbo.T VALUES (1, 2, 3, 4);",
        "",
    );
    let sql = "SELECT concat_ws(',', \"say \"\"hi\"\"\", \"it's\", \"a\tb\") FROM public.t";
    assert_eq!(target.value(sql), "2,3,4");
}

/// The exit code was 0 after every row of a table was lost. Here a trigger of the target drops
/// them behind the tool's back.
#[test]
fn rows_that_are_lost_are_no_success() {
    let script = "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY);\nINSERT INTO dbo.T VALUES (1), (2), (3);";
    let scenario = Scenario::loaded(script);
    scenario.sql(
        "CREATE TABLE public.t (id int PRIMARY KEY); \
         CREATE FUNCTION public.lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
         CREATE TRIGGER lose BEFORE INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.lose()",
    );
    let answer = scenario.job("transfer: { mode: append }").run(&[]);
    assert!(
        matches!(answer.code, Some(1 | 4)),
        "{:?}: {}",
        answer.code,
        answer.stdout
    );
    assert_eq!(scenario.value("SELECT count(*) FROM public.t"), "0");
}
