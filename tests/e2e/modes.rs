//! `transfer.mode`: what each does with a table that is there.

use crate::support::job::Job;
use crate::support::postgres::Postgres;
use crate::support::source::Source;

const SCRIPT: &str = "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, V varchar(10) NULL);\n\
                      INSERT INTO dbo.T VALUES (1, 'one'), (2, 'two');";

#[test]
fn create_refuses_a_table_that_is_there_and_says_what_to_do() {
    let database = Source::shared().database(SCRIPT);
    let target = Postgres::shared().database();
    target.sql("CREATE TABLE public.t (id int PRIMARY KEY, v varchar(10)); INSERT INTO public.t VALUES (9, 'mine')");
    let answer = Job::new(&database, &target.target(), "").run(&[]);
    assert_eq!(answer.code, Some(1), "{}", answer.stderr);
    assert!(
        answer.stderr.contains("public") && answer.stderr.contains("replace"),
        "{}",
        answer.stderr
    );
    assert_eq!(target.value("SELECT v FROM public.t"), "mine");
}

#[test]
fn replace_drops_truncate_empties_append_adds() {
    let database = Source::shared().database(SCRIPT);
    let target = Postgres::shared().database();
    target.sql("CREATE TABLE public.t (other text)");
    let run = |mode: &str| {
        Job::new(
            &database,
            &target.target(),
            &format!("job: {mode}\ntransfer: {{ mode: {mode} }}"),
        )
        .report(&[], 0)
    };
    run("replace");
    assert_eq!(
        target.value("SELECT string_agg(v, ',' ORDER BY id) FROM public.t"),
        "one,two"
    );
    target.sql("UPDATE public.t SET v = 'changed'");
    run("truncate");
    assert_eq!(
        target.value("SELECT string_agg(v, ',' ORDER BY id) FROM public.t"),
        "one,two"
    );
    target.sql("UPDATE public.t SET id = id + 10");
    run("append");
    assert_eq!(
        target.value("SELECT string_agg(id::text, ',' ORDER BY id) FROM public.t"),
        "1,2,11,12"
    );
}

#[test]
fn a_replace_that_is_run_again_loads_again() {
    let database = Source::shared().database(SCRIPT);
    let target = Postgres::shared().database();
    let job = Job::new(&database, &target.target(), "transfer: { mode: replace }");
    job.report(&[], 0);
    database.script("INSERT INTO dbo.T VALUES (3, 'three');");
    job.report(&[], 0);
    assert_eq!(target.value("SELECT count(*) FROM public.t"), "3");
}

#[test]
fn truncate_refuses_a_table_of_another_shape() {
    let database = Source::shared().database(SCRIPT);
    let target = Postgres::shared().database();
    target.sql("CREATE TABLE public.t (id int, v date); INSERT INTO public.t VALUES (1, NULL)");
    let answer = Job::new(&database, &target.target(), "transfer: { mode: truncate }").run(&[]);
    assert_eq!(answer.code, Some(1), "{}", answer.stderr);
    assert!(
        answer.stderr.contains('v') && answer.stderr.contains("date"),
        "{}",
        answer.stderr
    );
    assert_eq!(target.value("SELECT count(*) FROM public.t"), "1");
}

#[test]
fn identity_goes_on_where_the_source_stopped() {
    let database = Source::shared().database(
        "CREATE TABLE dbo.Up (Id int IDENTITY(10, 5) NOT NULL PRIMARY KEY, V int NULL);\n\
         INSERT INTO dbo.Up (V) VALUES (1), (2), (3);\n\
         CREATE TABLE dbo.Fresh (Id bigint IDENTITY(7, 1) NOT NULL PRIMARY KEY, V int NULL);",
    );
    let target = Postgres::shared().database();
    Job::new(&database, &target.target(), "").report(&[], 0);
    target.sql("INSERT INTO public.up (v) VALUES (4); INSERT INTO public.fresh (v) VALUES (1)");
    assert_eq!(
        target.value("SELECT string_agg(id::text, ',' ORDER BY id) FROM public.up"),
        "10,15,20,25"
    );
    // Babelfish gives a counter that was never used a last value.
    if Source::shared().stand_in.is_some() {
        assert_eq!(target.value("SELECT id FROM public.fresh"), "7");
    }
}

/// An unreadable state once made an append compare the whole table, rows of others included.
#[test]
fn an_append_whose_records_cannot_be_read_is_a_failure_and_no_difference() {
    let database = Source::shared().database(SCRIPT);
    let target = Postgres::shared().database();
    target.sql(
        "CREATE TABLE public.t (id int PRIMARY KEY, v varchar(10)); \
         INSERT INTO public.t VALUES (9, 'mine')",
    );
    let job = Job::new(&database, &target.target(), "transfer: { mode: append }");
    job.report(&[], 0);
    job.report(&["verify"], 0);
    target.sql("UPDATE _migrate.tables SET plan = '{}'");
    let answer = job.run(&["verify"]);
    assert_eq!(answer.code, Some(1), "{}{}", answer.stdout, answer.stderr);
    let said = format!("{}{}", answer.stdout, answer.stderr);
    assert!(said.contains("_migrate cannot be read"), "{said}");
}
