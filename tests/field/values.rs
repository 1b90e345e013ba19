//! Values and names at the edge of what PostgreSQL holds.

use crate::support::job::Job;
use crate::support::postgres::Postgres;
use crate::support::source::Source;

/// D03: rounding the seventh digit would carry the end of time into the year 10000, which .NET and
/// Python cannot read, and the end of a day to 24:00.
#[test]
fn the_end_of_time_stays_in_its_day_and_is_counted() {
    let source = Source::stand_in();
    let database = source.database(include_str!("../fixtures/field/D03_end_of_time.sql"));
    let target = Postgres::shared().database();
    let job = Job::new(&database, &target.target(), "verify: checksums");
    let plan = job.report(&["plan"], 0).to_string();
    assert!(plan.contains("the report counts those"), "{plan}");
    let report = job.report(&[], 0);
    assert_eq!(
        target.value(
            "SELECT concat_ws('|', until2, untilo AT TIME ZONE 'UTC', until, untilt) \
             FROM public.d03_sentinels WHERE id = 1"
        ),
        "9999-12-31 23:59:59.999999|9999-12-31 23:59:59.999999|9999-12-31 23:59:59.997|23:59:59.999999"
    );
    assert_eq!(
        target.value("SELECT string_agg(DISTINCT validto::text, ',') FROM public.d03_contract"),
        "9999-12-31 23:59:59.999999"
    );
    let counted = |name: &str| {
        let tables = report["tables"].as_array().expect("tables");
        let table = tables.iter().find(|table| table["table"] == name);
        let table = table.expect("the table");
        assert_eq!(table["changed_values"], 0, "{table}");
        (
            table["truncated_values"].clone(),
            table["truncated_columns"].clone(),
        )
    };
    let each = serde_json::json!({ "Until2": 1, "UntilO": 1, "UntilT": 1 });
    assert_eq!(counted("dbo.D03_Sentinels"), (3.into(), each));
    let ends = serde_json::json!({ "ValidTo": 2 });
    assert_eq!(counted("dbo.D03_Contract"), (2.into(), ends));
    assert_eq!(report["totals"]["truncated_values"], 5);
    // The same values read again are the same bytes.
    job.report(&["verify", "--level", "checksums"], 0);
    let screen = job.run(&["--restart"]);
    assert!(
        screen.stdout.contains("(Until2: 1, UntilO: 1, UntilT: 1)"),
        "{}",
        screen.stdout
    );
}

/// D37: PostgreSQL folds a name without quotes in ASCII only.
#[test]
fn a_name_beyond_ascii_can_be_written_as_at_the_source() {
    let source = Source::stand_in();
    let database = source.database(include_str!("../fixtures/field/D37_umlauts_fold.sql"));
    let target = Postgres::shared().database();
    Job::new(&database, &target.target(), "").report(&[], 0);
    assert_eq!(
        target.value("SELECT D37_GRÖSSE || D37_Наименование FROM D37_ÄNDERUNG"),
        "5x"
    );
}
