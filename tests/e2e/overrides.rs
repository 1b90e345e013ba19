//! Types that a job asks for: per column and for all columns of a type.

use crate::support::job::Job;
use crate::support::postgres::Postgres;
use crate::support::scenario::Scenario;
use crate::support::source::Source;

const SCRIPT: &str = "\
CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY,
    O datetimeoffset(6) NULL, G uniqueidentifier NULL, M money NULL, B bit NULL, T tinyint NULL,
    D decimal(9, 2) NULL, F float NULL, R real NULL, X varbinary(10) NULL, P datetime NULL,
    L nvarchar(max) NULL, N nvarchar(20) NULL);
INSERT INTO dbo.T VALUES
(1, '2024-05-06T07:08:09.123456+05:30', '6F9619FF-8B86-D011-B42D-00C04FC964FF', 922337203685477.5807,
 1, 255, -1234567.89, 0.1, 0.1, 0x00AB, '2024-05-06T07:08:09.003', N'lang', N'kurz'),
(2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);";

/// Column, source type, what the job asks for, and the text of the first row.
const PAIRS: [(&str, &str, &str, &str); 13] = [
    (
        "O",
        "datetimeoffset",
        "text",
        "2024-05-06 07:08:09.123456 +05:30",
    ),
    (
        "G",
        "uniqueidentifier",
        "text",
        "6F9619FF-8B86-D011-B42D-00C04FC964FF",
    ),
    ("M", "money", "numeric", "922337203685477.5807"),
    ("B", "bit", "smallint", "1"),
    ("T", "tinyint", "integer", "255"),
    ("D", "numeric", "text", "-1234567.89"),
    ("F", "float", "text", "1.0000000000000001e-001"),
    ("R", "real", "double precision", "0.10000000149011612"),
    ("X", "varbinary", "text", "0x00AB"),
    ("P", "datetime", "text", "2024-05-06 07:08:09.003"),
    ("L", "nvarchar(max)", "text", "lang"),
    ("N", "nvarchar", "varchar(30)", "kurz"),
    ("Id", "int", "bigint", "1"),
];

fn all_arrive(more: &str) {
    let scenario = Scenario::loaded(SCRIPT);
    scenario.job(more).report(&[], 0);
    for (column, _, ty, expected) in PAIRS {
        let name = column.to_lowercase();
        let value = scenario.value(&format!("SELECT {name} FROM public.t WHERE id = 1"));
        assert_eq!(value, expected, "{column} as {ty}");
        let made = scenario.value(&format!(
            "SELECT replace(format_type(atttypid, atttypmod), 'character varying', 'varchar') FROM pg_attribute \
             WHERE attrelid = 'public.t'::regclass AND attname = '{name}'"
        ));
        assert_eq!(made, ty, "{column}");
        if column != "Id" {
            let sql = format!("SELECT {name} IS NULL FROM public.t WHERE id = 2");
            assert_eq!(scenario.value(&sql), "t", "{column}");
        }
    }
}

#[test]
fn every_column_of_a_type_can_be_given_another() {
    let types = PAIRS.map(|(_, source, ty, _)| format!("  '{source}': '{ty}'\n"));
    all_arrive(&format!("types:\n{}", types.concat()));
}

#[test]
fn a_columns_own_override_wins() {
    let source = Source::shared();
    // Babelfish reports its names in lower case.
    let column = |name: &str| match source.stand_in {
        Some(_) => name.to_owned(),
        None => name.to_lowercase(),
    };
    let types = PAIRS.map(|(name, _, ty, _)| format!("        {}: '{ty}'\n", column(name)));
    all_arrive(&format!(
        "types: {{ money: text, bit: boolean, datetime: timestamp(6) }}\ntables:\n  overrides:\n    {}:\n      types:\n{}",
        column("dbo.T"),
        types.concat()
    ));
}

/// Every column that cannot be carried is named at once, with the setting that says so.
#[test]
fn a_pair_that_would_lose_something_is_refused_with_its_setting() {
    let database = Source::stand_in();
    let database = database.database(SCRIPT);
    let target = Postgres::shared().database();
    let more =
        "types: { money: double precision, float: real, bigint: text, nvarchar: varchar(5) }";
    let answer = Job::new(&database, &target.target(), more).ends(&["plan"], 1);
    for words in [
        "types.money: money cannot be copied into double precision",
        "types.float: float cannot be copied into real",
        "types.nvarchar: nvarchar(max) cannot be copied into varchar(5)",
        "types.nvarchar: nvarchar(20) cannot be copied into varchar(5)",
        "column L",
    ] {
        assert!(answer.stdout.contains(words), "{words}: {}", answer.stdout);
    }
}

/// Every command ends with the same code for the same mistake in the job.
#[test]
fn a_type_that_nobody_has_is_the_job_files_mistake_for_every_command() {
    let scenario = Scenario::on_stand_in(SCRIPT);
    let job = scenario.job("types: { foo: text }");
    for command in ["check", "plan", "schema", "run"] {
        let answer = job.ends(&[command], 2);
        let told = answer.said();
        assert!(told.contains("types.foo"), "{command}: {told}");
    }
    // `plan` goes on with what can be planned.
    let plan = job.report(&["plan"], 2);
    assert_eq!(plan["outcome"], "usage", "{plan}");
    assert_eq!(plan["tables"].as_array().map(Vec::len), Some(1), "{plan}");
}
