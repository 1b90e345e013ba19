//! Values and names at the edge of what PostgreSQL holds.

use crate::support::job::{Job, table};
use crate::support::postgres::Postgres;
use crate::support::scenario::Scenario;
use crate::support::source::Source;

/// D03: rounding the seventh digit would carry the end of time into the year 10000, which .NET and
/// Python cannot read, and the end of a day to 24:00.
#[test]
fn the_end_of_time_stays_in_its_day_and_is_counted() {
    let script = include_str!("../fixtures/field/D03_end_of_time.sql");
    let Some(scenario) = Scenario::if_supported(script) else {
        return;
    };
    let job = scenario.job("verify: checksums");
    let plan = job.report(&["plan"], 0).to_string();
    assert!(plan.contains("the report counts those"), "{plan}");
    let report = job.report(&[], 0);
    assert_eq!(
        scenario.value(
            "SELECT concat_ws('|', until2, untilo AT TIME ZONE 'UTC', until, untilt) \
             FROM public.d03_sentinels WHERE id = 1"
        ),
        "9999-12-31 23:59:59.999999|9999-12-31 23:59:59.999999|9999-12-31 23:59:59.997|23:59:59.999999"
    );
    assert_eq!(
        scenario.value("SELECT string_agg(DISTINCT validto::text, ',') FROM public.d03_contract"),
        "9999-12-31 23:59:59.999999"
    );
    let counted = |name: &str| {
        let table = table(&report, name);
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
    if Source::shared().differs("has a catalog that loses letters beyond its code page") {
        return;
    }
    let script = include_str!("../fixtures/field/D37_umlauts_fold.sql");
    let Some(scenario) = Scenario::if_supported(script) else {
        return;
    };
    scenario.job("").report(&[], 0);
    assert_eq!(
        scenario.value("SELECT D37_GRÖSSE || D37_Наименование FROM D37_ÄNDERUNG"),
        "5x"
    );
}

/// D04: the counter stands where the source's does, not after the highest row.
#[test]
fn an_identity_goes_on_where_the_source_stands_and_rows_beyond_it_are_said() {
    let fixture = include_str!("../fixtures/field/D04_identity_counters.sql");
    // The same downwards, and without a collision: a gap below the counter.
    let more = "CREATE TABLE dbo.D04_Low (Id int IDENTITY(-1, -1) NOT NULL PRIMARY KEY, V varchar(10) NULL);\n\
         GO\n\
         INSERT INTO dbo.D04_Low (V) VALUES ('a'), ('b');\n\
         GO\n\
         SET IDENTITY_INSERT dbo.D04_Low ON;\n\
         INSERT INTO dbo.D04_Low (Id, V) VALUES (-900, 'by hand');\n\
         SET IDENTITY_INSERT dbo.D04_Low OFF;\n\
         GO\n\
         DBCC CHECKIDENT ('dbo.D04_Low', RESEED, -2);\n\
         GO\n";
    let script = format!("{fixture}\nGO\n{more}");
    let Some(scenario) = Scenario::if_supported(&script) else {
        return;
    };
    let report = scenario.job("").report(&[], 0);
    for (table, next) in [
        ("d04_big", "9000000001"),
        ("d04_down", "-15"),
        ("d04_gone", "6"),
        ("d04_high", "4"),
        ("d04_low", "-3"),
        ("d04_unused", "100"),
    ] {
        let insert = format!("INSERT INTO public.{table} (v) VALUES ('new') RETURNING id");
        // Babelfish gives a counter that was never used a last value.
        if table != "d04_unused" || !scenario.server().is_babelfish() {
            assert_eq!(scenario.value(&insert), next, "{table}");
        }
    }
    let spelled = |text: &str| scenario.server().spelled(text);
    let said = |name: &str| table(&report, &spelled(name))["notes"].to_string();
    let high = said("dbo.D04_High");
    assert!(
        high.contains(&spelled("identity Id: the next value is 4"))
            && high.contains("values up to 2147483647"),
        "{high}"
    );
    let low = said("dbo.D04_Low");
    assert!(
        low.contains("the next value is -3") && low.contains("values up to -900"),
        "{low}"
    );
    for table in [
        "dbo.D04_Big",
        "dbo.D04_Down",
        "dbo.D04_Gone",
        "dbo.D04_Unused",
    ] {
        assert!(!said(table).contains("next value"), "{table}");
    }
}

/// D11: known before anything is made, with both numbers and the remedy.
#[test]
fn a_table_with_too_many_columns_is_refused_while_planning() {
    let script = include_str!("../fixtures/field/D11_1700_columns.sql");
    let Some(scenario) = Scenario::if_supported(script) else {
        return;
    };
    let answer = scenario.job("").ends(&[], 1);
    answer.says(&[
        "dbo.D11_Sparse",
        "1702",
        "1600",
        "columns.exclude",
        "AllOfThem",
    ]);
    let made = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(scenario.value(made), "0");
    let narrowed =
        "tables: { overrides: { dbo.D11_Sparse: { columns: { exclude: [\"S????\"] } } } }";
    scenario.job(narrowed).report(&[], 0);
    assert_eq!(
        scenario.value(
            "SELECT string_agg(concat_ws(':', id, allofthem), ',' ORDER BY id) FROM d11_sparse"
        ),
        "1:<S0001>11</S0001><S1700>17</S1700>,2"
    );
    assert_eq!(scenario.value("SELECT v FROM d11_other"), "one");
}

/// D10: PostgreSQL names the line that its buffer has reached; the plan warns, and the row is found.
#[test]
fn a_row_that_no_page_holds_is_warned_of_and_named() {
    let script = include_str!("../fixtures/field/D10_row_over_8160.sql");
    let Some(database) = Source::shared().database_if_supported(script) else {
        return;
    };
    let target = Postgres::shared().database();
    let plain = Job::new(&database, &target.target(), "");
    let plan = plain.report(&["plan"], 0).to_string();
    assert!(
        plan.contains("takes 8216 bytes") && plan.contains("8160"),
        "{plan}"
    );
    let failed = plain.run(&[]);
    let said = failed.said();
    assert_eq!(failed.code, Some(1), "{said}");
    for part in [
        "dbo.D10_Wide",
        "row 2 of the partition by Id",
        "8216 bytes",
        "8160",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(target.value("SELECT count(*) FROM d10_other"), "2");
    let target = Postgres::shared().database();
    let rejecting = Job::new(
        &database,
        &target.target(),
        "values: { out_of_range: reject }",
    );
    let report = rejecting.report(&[], 5);
    assert_eq!(report["totals"]["rejected"], 1, "{report}");
    assert_eq!(
        target.value(
            "SELECT string_agg(concat_ws('|', id, w0001, w1023), ',' ORDER BY id) FROM d10_wide"
        ),
        "1,3|2024-05-06 07:08:00|2024-05-06 07:09:00"
    );
    let rejects = rejecting.report(&["rejects"], 0);
    assert_eq!(rejects["rejects"][0]["key"]["Id"], "2", "{rejects}");
}

/// D21: an edge without `$from_id` and `$to_id` connects nothing.
#[test]
fn graph_tables_keep_what_connects_them() {
    let script = include_str!("../fixtures/field/D21_graph.sql");
    let Some(scenario) = Scenario::if_supported(script) else {
        return;
    };
    scenario.job("verify: checksums").report(&[], 0);
    assert_eq!(
        scenario.value(
            "SELECT concat_ws('|', e.since, a.name, b.name) FROM d21_knows e \
             JOIN d21_person a ON a.\"$node_id\" = e.\"$from_id\" \
             JOIN d21_person b ON b.\"$node_id\" = e.\"$to_id\""
        ),
        "2020-01-01|Ann|Bob"
    );
    let ids = scenario
        .source
        .texts("SELECT $edge_id FROM dbo.D21_Knows", 1);
    assert_eq!(
        scenario.value("SELECT \"$edge_id\" FROM d21_knows"),
        ids[0][0].clone().expect("an id")
    );
    let columns = "SELECT string_agg(column_name, ',' ORDER BY ordinal_position) \
                   FROM information_schema.columns WHERE table_name = 'd21_knows'";
    assert_eq!(scenario.value(columns), "$edge_id,$from_id,$to_id,since");
    scenario.sql("INSERT INTO d21_person (id, name) VALUES (3, 'Cy')");
    // As the server documents it: its internal columns cannot be named.
    let internal = scenario.source.texts(
        "SELECT CONVERT(nvarchar(200), c.name) FROM sys.columns AS c WHERE c.graph_type = 1 AND c.object_id = OBJECT_ID(N'dbo.D21_Knows')",
        1,
    );
    let internal = internal[0][0].clone().expect("a name");
    let asked = scenario
        .source
        .attempts(&[format!("SELECT [{internal}] FROM dbo.D21_Knows")]);
    assert!(
        asked[0].as_ref().is_err_and(|why| why.contains("13908")),
        "{asked:?}"
    );
}

/// Columns that the server fills. The stand-in has no HASHBYTES; UPPER is not translated either.
fn filled_by_the_server() -> String {
    let script = include_str!("../fixtures/field/D38_insert_after_migration.sql");
    let hash = "CONVERT(varchar(20), HASHBYTES('MD5', V), 2)";
    assert!(script.contains(hash));
    match Source::shared().stand_in {
        Some(_) => script.replace(hash, "ISNULL(PARSENAME(V, 1), '')"),
        None => script.to_owned(),
    }
}

/// D38: what only the source's server fills does not refuse the application's first INSERT.
#[test]
fn the_applications_first_insert_works() {
    let script = filled_by_the_server();
    let Some(scenario) = Scenario::if_supported(&script) else {
        return;
    };
    let report = scenario
        .job("schema: { untranslated: ignore }")
        .report(&[], 0);
    scenario.sql("INSERT INTO d38_order (id, v) VALUES (2, 'new')");
    scenario.sql("INSERT INTO d38_price (id, amount) VALUES (2, 5)");
    scenario.sql("INSERT INTO d38_mark (id, v) VALUES (1, 'new')");
    assert_eq!(
        scenario.value(
            "SELECT validto::text || (abs(extract(epoch FROM validfrom - now() AT TIME ZONE 'UTC')) < 60) \
             FROM d38_price WHERE id = 2"
        ),
        "9999-12-31 23:59:59.99true"
    );
    let said = |name: &str, words: &str| {
        let notes = table(&report, name)["notes"].to_string();
        assert!(notes.contains(words), "{name}: {notes}");
    };
    said("dbo.D38_Order", "column Stamp: a rowversion");
    said("dbo.D38_Order", "made without NOT NULL");
    said("dbo.D38_Price", "column ValidFrom: a period column");
    said("dbo.D38_Price", "column ValidTo: a period column");
    said("dbo.D38_Mark", "column Mark: a computed column");
    assert_eq!(
        scenario.value("SELECT string_agg((stamp IS NULL)::text, ',' ORDER BY id) FROM d38_order"),
        "false,true"
    );
}

/// D38, on request: a rowversion that grows, and a history that goes on.
#[test]
fn rowversions_grow_and_history_goes_on_where_the_job_asks() {
    let update = "UPDATE dbo.D38_Price SET Amount = 10 WHERE Id = 1";
    let script = format!("{}\nGO\n{update}", filled_by_the_server());
    let Some(scenario) = Scenario::if_supported(&script) else {
        return;
    };
    let asked = "schema: { untranslated: ignore, rowversion: counter, history: trigger }";
    let job = scenario.job(asked);
    job.report(&[], 0);
    let number = "('x' || encode(stamp, 'hex'))::bit(64)::bigint";
    let stamp = |id: u32| {
        let sql = format!("SELECT {number} FROM d38_order WHERE id = {id}");
        scenario.value(&sql).parse::<i64>().expect("a number")
    };
    let last = scenario.source.number("SELECT CONVERT(bigint, @@DBTS)");
    let old = stamp(1);
    scenario.sql("INSERT INTO d38_order (id, v) VALUES (2, 'new')");
    scenario.sql("UPDATE d38_order SET v = v WHERE id = 1");
    assert!(
        old <= last && stamp(2) == last + 1 && stamp(1) == last + 2,
        "{old} {last}"
    );
    assert_eq!(
        scenario.value("SELECT min(octet_length(stamp)) FROM d38_order"),
        "8"
    );
    assert_eq!(scenario.value("SELECT count(*) FROM d38_pricehistory"), "1");
    scenario.sql("UPDATE d38_price SET amount = 11 WHERE id = 1");
    scenario.sql("DELETE FROM d38_price WHERE id = 1");
    assert_eq!(
        scenario.value(
            "SELECT string_agg(amount::text, ',' ORDER BY amount) || ' ' || \
             bool_and(validto <= now() AT TIME ZONE 'UTC' + interval '1 second') FROM d38_pricehistory"
        ),
        "9.9900,10.0000,11.0000 true"
    );
    // An application has rights on its tables, not on what the triggers need.
    scenario.sql(&format!(
        "CREATE ROLE {app}; GRANT INSERT, SELECT, UPDATE, DELETE ON d38_order, d38_price TO {app}; \
         SET ROLE {app}; INSERT INTO d38_order (id, v) VALUES (3, 'app'); \
         UPDATE d38_order SET v = v WHERE id = 3; \
         INSERT INTO d38_price (id, amount) VALUES (9, 1); UPDATE d38_price SET amount = 2 WHERE id = 9; \
         RESET ROLE; DROP OWNED BY {app}; DROP ROLE {app}",
        app = "d38_application"
    ));
    assert_eq!(stamp(3), last + 4);
    // A row of the source whose clock was ahead: its period ends where it began.
    scenario.sql("INSERT INTO d38_price (id, amount, validfrom) VALUES (8, 1, '2999-01-01')");
    scenario.sql("DELETE FROM d38_price WHERE id = 8");
    let ahead = "SELECT validfrom = validto FROM d38_pricehistory WHERE id = 8";
    assert_eq!(scenario.value(ahead), "t");
    // What is there is taken over, by the next run and by one into the printed schema.
    job.report(&["--restart"], 0);
    let printed = job.run(&["schema"]).stdout;
    for part in [
        "CREATE SEQUENCE \"public\".\"d38_order_stamp_seq\"",
        "CREATE TRIGGER \"d38_price_history\"",
    ] {
        assert!(printed.contains(part), "{printed}");
    }
    let fresh = Postgres::shared().database();
    fresh.sql(&printed);
    let append = format!("{asked}\ntransfer: {{ mode: append }}");
    Job::new(&scenario.source, &fresh.target(), &append).report(&[], 0);
    fresh.sql("INSERT INTO d38_order (id, v) VALUES (2, 'new')");
    let next = format!("SELECT {number} FROM d38_order WHERE id = 2");
    assert_eq!(fresh.value(&next), (last + 1).to_string());
}
