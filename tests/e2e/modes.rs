//! `transfer.mode`: what each does with a table that is there.

use crate::support::scenario::Scenario;
use crate::support::source::Source;

const SCRIPT: &str = "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, V varchar(10) NULL);\n\
                      INSERT INTO dbo.T VALUES (1, 'one'), (2, 'two');";

#[test]
fn create_refuses_a_table_that_is_there_and_says_what_to_do() {
    let scenario = Scenario::loaded(SCRIPT);
    scenario.sql("CREATE TABLE public.t (id int PRIMARY KEY, v varchar(10)); INSERT INTO public.t VALUES (9, 'mine')");
    let answer = scenario.job("").ends(&[], 1);
    answer.says(&["public", "replace"]);
    assert_eq!(scenario.value("SELECT v FROM public.t"), "mine");
}

#[test]
fn replace_drops_truncate_empties_append_adds() {
    let scenario = Scenario::loaded(SCRIPT);
    scenario.sql("CREATE TABLE public.t (other text)");
    let run = |mode: &str| {
        scenario
            .job(&format!("job: {mode}\ntransfer: {{ mode: {mode} }}"))
            .report(&[], 0)
    };
    run("replace");
    assert_eq!(
        scenario.value("SELECT string_agg(v, ',' ORDER BY id) FROM public.t"),
        "one,two"
    );
    scenario.sql("UPDATE public.t SET v = 'changed'");
    run("truncate");
    assert_eq!(
        scenario.value("SELECT string_agg(v, ',' ORDER BY id) FROM public.t"),
        "one,two"
    );
    scenario.sql("UPDATE public.t SET id = id + 10");
    run("append");
    assert_eq!(
        scenario.value("SELECT string_agg(id::text, ',' ORDER BY id) FROM public.t"),
        "1,2,11,12"
    );
}

#[test]
fn a_replace_that_is_run_again_loads_again() {
    let scenario = Scenario::loaded(SCRIPT);
    let job = scenario.job("transfer: { mode: replace }");
    job.report(&[], 0);
    scenario.script("INSERT INTO dbo.T VALUES (3, 'three');");
    job.report(&[], 0);
    assert_eq!(scenario.value("SELECT count(*) FROM public.t"), "3");
}

#[test]
fn truncate_refuses_a_table_of_another_shape() {
    let scenario = Scenario::loaded(SCRIPT);
    scenario.sql("CREATE TABLE public.t (id int, v date); INSERT INTO public.t VALUES (1, NULL)");
    let answer = scenario.job("transfer: { mode: truncate }").ends(&[], 1);
    answer.says(&["v", "date"]);
    assert_eq!(scenario.value("SELECT count(*) FROM public.t"), "1");
}

#[test]
fn identity_goes_on_where_the_source_stopped() {
    let scenario = Scenario::loaded(
        "CREATE TABLE dbo.Up (Id int IDENTITY(10, 5) NOT NULL PRIMARY KEY, V int NULL);\n\
         INSERT INTO dbo.Up (V) VALUES (1), (2), (3);\n\
         CREATE TABLE dbo.Fresh (Id bigint IDENTITY(7, 1) NOT NULL PRIMARY KEY, V int NULL);",
    );
    scenario.job("").report(&[], 0);
    scenario.sql("INSERT INTO public.up (v) VALUES (4); INSERT INTO public.fresh (v) VALUES (1)");
    assert_eq!(
        scenario.value("SELECT string_agg(id::text, ',' ORDER BY id) FROM public.up"),
        "10,15,20,25"
    );
    // Babelfish gives a counter that was never used a last value.
    if Source::shared().stand_in.is_some() {
        assert_eq!(scenario.value("SELECT id FROM public.fresh"), "7");
    }
}

/// An unreadable state once made an append compare the whole table, rows of others included.
#[test]
fn an_append_whose_records_cannot_be_read_is_a_failure_and_no_difference() {
    let scenario = Scenario::loaded(SCRIPT);
    scenario.sql(
        "CREATE TABLE public.t (id int PRIMARY KEY, v varchar(10)); \
         INSERT INTO public.t VALUES (9, 'mine')",
    );
    let job = scenario.job("transfer: { mode: append }");
    job.report(&[], 0);
    job.report(&["verify"], 0);
    scenario.sql("UPDATE _migrate.tables SET plan = '{}'");
    let answer = job.ends(&["verify"], 1);
    let said = answer.said();
    assert!(said.contains("_migrate cannot be read"), "{said}");
}
