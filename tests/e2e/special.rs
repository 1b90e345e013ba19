//! Types without a counterpart: what arrives is what the T-SQL reference prints of the value.

use std::fmt::Write;

use crate::support::job::Job;
use crate::support::postgres::{Database, Postgres};
use crate::support::scenario::Scenario;

/// The values of the T-SQL reference's own pages: "hierarchyid", "AsBinaryZM", "Vector data type".
const SCRIPT: &str = "\
CREATE TABLE dbo.Special (
    Id int NOT NULL PRIMARY KEY,
    V sql_variant NULL, H hierarchyid NULL, G geography NULL, M geometry NULL,
    J json NULL, E vector(3) NULL
);
INSERT INTO dbo.Special VALUES
(1, CAST(7 AS int), CAST(0x5B40 AS hierarchyid),
 geography::STGeomFromWKB(0x0101000000000000000000F03F0000000000000040, 4326),
 geometry::STGeomFromWKB(0x01B90B0000000000000000F03F000000000000F03F00000000000000400000000000000840, 0),
 '{\"b\": 1, \"a\": [true, null, 1.50]}', '[0.1, 2, 30]'),
(2, NULL, NULL, NULL, NULL, NULL, NULL),
(3, CAST('2024-05-06T07:08:09' AS datetime), CAST(0x AS hierarchyid), NULL, NULL, 'null', '[-100.2, 0.123, 9.876]');
INSERT INTO dbo.Special (Id, V) VALUES
(4, CAST(4235.9819 AS money)), (5, CAST(0xDEAD AS varbinary(4))), (6, N'Жук'),
(7, CAST('6F9619FF-8B86-D011-B42D-00C04FC964FF' AS uniqueidentifier)), (8, CAST(1 AS bit)),
(9, CAST(1234567.25 AS float)), (10, CAST('2024-05-06T07:08:09.1234567+05:30' AS datetimeoffset));";

const EXPECTED: [(&str, &str); 12] = [
    ("SELECT h FROM public.special WHERE id = 1", "/1/2/"),
    ("SELECT h FROM public.special WHERE id = 3", "/"),
    (
        "SELECT encode(g, 'hex') FROM public.special WHERE id = 1",
        "0101000020e6100000000000000000f03f0000000000000040",
    ),
    (
        "SELECT encode(m, 'hex') FROM public.special WHERE id = 1",
        "01010000c0000000000000f03f000000000000f03f00000000000000400000000000000840",
    ),
    (
        "SELECT j FROM public.special WHERE id = 1",
        "{\"a\": [true, null, 1.50], \"b\": 1}",
    ),
    (
        "SELECT concat_ws('|', j, j IS NULL) FROM public.special WHERE id = 3",
        "null|f",
    ),
    ("SELECT e FROM public.special WHERE id = 1", "{0.1,2,30}"),
    (
        "SELECT e FROM public.special WHERE id = 3",
        "{-100.2,0.123,9.876}",
    ),
    (
        "SELECT count(*) FROM public.special WHERE id = 2 AND num_nulls(v, h, g, m, j, e) = 6",
        "1",
    ),
    (
        "SELECT string_agg(v, '|' ORDER BY id) FROM public.special WHERE id <> 3",
        "7|4235.98|0xDEAD|Жук|6F9619FF-8B86-D011-B42D-00C04FC964FF|1|1.23457e+006|2024-05-06 07:08:09.1234567 +05:30",
    ),
    (
        "SELECT v FROM public.special WHERE id = 3",
        "May  6 2024  7:08AM",
    ),
    (
        "SELECT string_agg(data_type, '|' ORDER BY ordinal_position) FROM information_schema.columns \
         WHERE table_schema = 'public' AND table_name = 'special'",
        "integer|text|text|bytea|bytea|jsonb|ARRAY",
    ),
];

#[test]
fn types_without_a_counterpart_arrive_as_their_documentation_prints_them() {
    let scenario = Scenario::on_stand_in(SCRIPT);
    scenario.job("").report(&[], 0);
    for (sql, expected) in EXPECTED {
        assert_eq!(scenario.value(sql), expected, "{sql}");
    }
}

#[test]
fn a_job_can_ask_for_json_and_for_the_variants_base_type() {
    let scenario = Scenario::on_stand_in(SCRIPT);
    let more = "types: { sql_variant: jsonb, json: json, vector: text, hierarchyid: bytea }";
    scenario.job(more).report(&[], 0);
    let value = |sql: &str| scenario.value(sql);
    assert_eq!(
        value("SELECT j FROM public.special WHERE id = 1"),
        "{\"b\": 1, \"a\": [true, null, 1.50]}"
    );
    assert_eq!(
        value("SELECT e FROM public.special WHERE id = 1"),
        "[1.0000000e-001,2.0000000e+000,3.0000000e+001]"
    );
    assert_eq!(
        value("SELECT h FROM public.special WHERE id = 1"),
        "\\x5b40"
    );
    assert_eq!(
        value(
            "SELECT string_agg(v::text, '|' ORDER BY id) FROM public.special WHERE id IN (1, 3, 4)"
        ),
        "{\"type\": \"int\", \"value\": 7}|{\"type\": \"datetime\", \"value\": \"2024-05-06 07:08:09.000\"}|\
         {\"type\": \"money\", \"value\": 4235.9819}"
    );
}

/// `/80/` to `/579/`, each 18 bits: `1110xxx0xxx0x1xxxT` (MS-SSCLRT).
#[test]
fn a_table_is_divided_by_a_hierarchyid() {
    let mut script =
        "CREATE TABLE dbo.Org (Node hierarchyid NOT NULL PRIMARY KEY CLUSTERED, V int NOT NULL);\n\
                      INSERT INTO dbo.Org VALUES "
            .to_owned();
    for n in 0..500u32 {
        let (high, middle, one, low) = (n >> 7 & 7, n >> 4 & 7, n >> 3 & 1, n & 7);
        let bits = 0b1110 << 14 | high << 11 | middle << 7 | one << 5 | 1 << 4 | low << 1 | 1;
        let comma = if n == 0 { "" } else { ", " };
        write!(
            script,
            "{comma}(CAST(0x{:06X} AS hierarchyid), {n})",
            bits << 6
        )
        .expect("a string");
    }
    let scenario = Scenario::on_stand_in(&script);
    let more =
        "transfer: { partition_min_rows: 100, max_partitions_per_table: 4, commit_every: 1KiB }";
    let report = scenario.job(more).report(&[], 0);
    let table = &report["tables"][0];
    let strategy = table["strategy"].as_str().expect("a strategy");
    assert!(strategy.starts_with("keyset PK"), "{table}");
    assert!(
        table["partitions"].as_u64().expect("partitions") > 1,
        "{table}"
    );
    let wrong = "SELECT count(*) FROM public.org WHERE node <> '/' || (v + 80) || '/'";
    assert_eq!(scenario.value(wrong), "0");
    assert_eq!(
        scenario.value("SELECT count(DISTINCT node) FROM public.org"),
        "500"
    );
}

/// PostGIS and pgvector are not in a test's PostgreSQL; asking for their types says so.
#[test]
fn an_extension_that_the_target_lacks_is_named_while_planning() {
    let scenario = Scenario::on_stand_in(SCRIPT);
    for (more, extension) in [
        ("types: { vector: vector(3) }", "pgvector"),
        ("types: { geography: geography }", "PostGIS"),
    ] {
        for command in ["plan", "run"] {
            let answer = scenario.job(more).ends(&[command], 1);
            let told = answer.said();
            assert!(told.contains(extension), "{told}");
        }
    }
    let plan = scenario.job("").ends(&["plan"], 0);
    assert!(plan.stdout.contains("real[]"), "{}", plan.stdout);
}

/// Alias types are their base types, sparse columns and computed ones plain columns.
#[test]
fn alias_sparse_and_computed_columns_are_what_their_types_are() {
    let script = "CREATE TYPE dbo.PhoneNumber FROM varchar(20) NOT NULL;\nGO\n\
         CREATE TABLE dbo.People (Id int NOT NULL PRIMARY KEY, Phone dbo.PhoneNumber, \
         Rare nvarchar(10) SPARSE NULL, Twice AS (Id * 2), Kept AS (Id + 1) PERSISTED);\n\
         INSERT INTO dbo.People (Id, Phone, Rare) VALUES (1, '+49 30', NULL), (2, '', N'ж');";
    let scenario = Scenario::on_stand_in(script);
    let more = "schema: { computed: plain }";
    scenario.job(more).report(&[], 0);
    assert_eq!(
        scenario.value(
            "SELECT string_agg(concat_ws('|', phone, rare IS NULL, twice, kept), ';' ORDER BY id) FROM public.people"
        ),
        "+49 30|t|2|2;|f|4|3"
    );
    assert_eq!(
        scenario.value(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute \
             WHERE attrelid = 'public.people'::regclass AND attname = 'phone'"
        ),
        "character varying(20)"
    );
}

/// `types: domain`: a domain per alias type, whose columns load, verify and are appended to as
/// their base type's, and which a second job on the same target takes over.
#[test]
fn alias_types_are_domains_on_request() {
    let script = "CREATE SCHEMA crm;\nGO\nCREATE TYPE dbo.PhoneNumber FROM varchar(20) NOT NULL;\nGO\n\
         CREATE TYPE crm.Price FROM decimal(9, 3) NULL;\nGO\n\
         CREATE TABLE dbo.People (Phone dbo.PhoneNumber PRIMARY KEY, Other dbo.PhoneNumber NULL, \
         Paid crm.Price DEFAULT 1.5, Twice AS (Paid * 2));\n\
         INSERT INTO dbo.People (Phone, Other, Paid) VALUES ('+49 30', NULL, 1.125), ('', 'x ', NULL);";
    let scenario = Scenario::on_stand_in(script);
    let types = "tables: { overrides: { dbo.People: { types: { Phone: domain, Other: domain, Paid: domain } } } }\n\
         verify: checksums";
    let job = scenario.job(types);
    let schema = job.ends(&["schema"], 0);
    for line in [
        "CREATE DOMAIN \"public\".\"phonenumber\" AS character varying(20);",
        "CREATE DOMAIN \"crm\".\"price\" AS numeric(9,3);",
    ] {
        assert!(schema.stdout.contains(line), "{}", schema.stdout);
    }
    job.report(&[], 0);
    // Again, with the domains there: taken over.
    job.report(&["--restart"], 0);
    let columns = "SELECT string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull), ', ' \
         ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'public.people'::regclass AND attnum > 0";
    assert_eq!(
        scenario.value(columns),
        "phone phonenumber t, other phonenumber f, paid crm.price f, twice numeric(11,3) f"
    );
    let rows = "SELECT string_agg(concat_ws('|', phone, coalesce(other, 'NULL'), paid, twice), ';' ORDER BY phone DESC) FROM public.people";
    assert_eq!(scenario.value(rows), "+49 30|NULL|1.125|2.250;|x ");
    job.report(&["verify", "--level", "rows"], 0);
    // The table that `migrate schema` makes takes the rows as the base type's.
    let by_hand = Postgres::shared().database();
    by_hand.sql(&schema.stdout);
    let more = format!("{types}\ntransfer: {{ mode: append }}");
    Job::new(&scenario.source, &by_hand.target(), &more).report(&[], 0);
    assert_eq!(by_hand.value(columns), scenario.value(columns));
    assert_eq!(by_hand.value(rows), scenario.value(rows));
    // A type of another base in the domain's place is not touched.
    let taken = Postgres::shared().database();
    taken.sql("CREATE DOMAIN public.phonenumber AS integer");
    let answer = Job::new(&scenario.source, &taken.target(), types).ends(&[], 1);
    answer.says(&["is not the domain that the source has"]);
}

/// Whether the target's server can make the extension; then it is made.
fn has_extension(target: &Database<'_>, name: &str) -> bool {
    let sql = format!("SELECT count(*) FROM pg_available_extensions WHERE name = '{name}'");
    let there = target.value(&sql) == "1";
    if there {
        target.sql(&format!("CREATE EXTENSION {name}"));
    } else {
        eprintln!("{name} is not installed on this PostgreSQL: nothing was tested");
    }
    there
}

#[test]
fn places_are_postgis_types_where_postgis_is() {
    let scenario = Scenario::on_stand_in(SCRIPT);
    if !has_extension(&scenario.target, "postgis") {
        return;
    }
    let job = scenario.job("verify: checksums");
    job.report(&[], 0);
    job.report(&["verify", "--level", "checksums"], 0);
    for (sql, expected) in [
        (
            "SELECT ST_AsEWKT(g) || '|' || pg_typeof(g) FROM public.special WHERE id = 1",
            "SRID=4326;POINT(1 2)|geography",
        ),
        (
            "SELECT ST_AsEWKT(m) || '|' || pg_typeof(m) FROM public.special WHERE id = 1",
            "POINT(1 1 2 3)|geometry",
        ),
        // What verification relies on: PostGIS sends what it was sent.
        (
            "SELECT encode(geometry_send(m), 'hex') FROM public.special WHERE id = 1",
            "01010000c0000000000000f03f000000000000f03f00000000000000400000000000000840",
        ),
        (
            "SELECT encode(geography_send(g), 'hex') FROM public.special WHERE id = 1",
            "0101000020e6100000000000000000f03f0000000000000040",
        ),
    ] {
        assert_eq!(scenario.value(sql), expected, "{sql}");
    }
}

#[test]
fn vectors_are_pgvectors_where_pgvector_is() {
    let scenario = Scenario::on_stand_in(SCRIPT);
    if !has_extension(&scenario.target, "vector") {
        return;
    }
    scenario.job("").report(&[], 0);
    let sql = "SELECT e || '|' || pg_typeof(e) FROM public.special WHERE id = 1";
    assert_eq!(scenario.value(sql), "[0.1,2,30]|vector");
}

/// Both tables of a system-versioned pair are plain tables with their rows, period columns that
/// `SELECT *` hides included.
#[test]
fn a_system_versioned_pair_becomes_two_plain_tables() {
    let script = "CREATE TABLE dbo.Price (Id int NOT NULL PRIMARY KEY CLUSTERED, Amount money NOT NULL, \
         Since datetime2(3) GENERATED ALWAYS AS ROW START HIDDEN NOT NULL, \
         Until datetime2(3) GENERATED ALWAYS AS ROW END HIDDEN NOT NULL, \
         PERIOD FOR SYSTEM_TIME (Since, Until)) WITH (SYSTEM_VERSIONING = ON (HISTORY_TABLE = dbo.PriceHistory));\nGO\n\
         INSERT INTO dbo.Price (Id, Amount) VALUES (1, 9.99), (2, 0.5);";
    let scenario = Scenario::on_stand_in(script);
    let more = "schema: { indexes: false }";
    scenario.job(more).report(&[], 0);
    assert_eq!(
        scenario
            .value("SELECT string_agg(amount || '|' || until, ';' ORDER BY id) FROM public.price"),
        "9.9900|9999-12-31 23:59:59.999;0.5000|9999-12-31 23:59:59.999"
    );
    assert_eq!(
        scenario.value(
            "SELECT string_agg(column_name || ' ' || data_type, ',' ORDER BY ordinal_position) \
             FROM information_schema.columns WHERE table_name = 'pricehistory'"
        ),
        "id integer,amount numeric,since timestamp without time zone,until timestamp without time zone"
    );
}
