//! Views, and the functions and synonyms that they use: what is made, what is left out with whose fault, and
//! whether both sides show the same.

use serde_json::Value;

use crate::support::job::Job;
use crate::support::scenario::Scenario;

const SHOP: &str = "\
CREATE TABLE dbo.Orders (Id int NOT NULL PRIMARY KEY, Price decimal(10,2) NOT NULL, Note nvarchar(20) NULL);
GO
CREATE FUNCTION dbo.Twice (@n int) RETURNS int AS BEGIN RETURN @n * 2 END;
GO
CREATE FUNCTION dbo.Unused (@n int) RETURNS int AS BEGIN RETURN @n END;
GO
ALTER TABLE dbo.Orders ADD CONSTRAINT CK_Twice CHECK (dbo.Twice(Id) > 0);
INSERT INTO dbo.Orders VALUES (1, 10.50, N'a'), (2, 0.25, NULL), (3, 99.99, N'c');
GO
CREATE SYNONYM dbo.Sales FOR dbo.Orders;
GO
CREATE VIEW dbo.Doubled AS SELECT s.Id, dbo.Twice(s.Id) AS Twice, s.Price FROM dbo.Sales AS s;
GO
CREATE VIEW dbo.Dear AS SELECT Id, Price, Note FROM dbo.Orders WHERE Price > 1 WITH CHECK OPTION;
GO
CREATE FUNCTION dbo.From_ (@least int) RETURNS TABLE AS RETURN (SELECT Id, Twice FROM dbo.Doubled WHERE Id >= @least);
GO
CREATE VIEW dbo.Last AS SELECT f.Id, f.Twice FROM dbo.From_(2) AS f;
GO
CREATE VIEW dbo.Numbers AS SELECT Id, ISNUMERIC(Note) AS Numeric FROM dbo.Orders;
GO
CREATE VIEW dbo.Lost AS SELECT Id, CHECKSUM(Note) AS Program FROM dbo.Orders;
GO
CREATE VIEW dbo.OverLost AS SELECT Id FROM dbo.Lost;
GO
CREATE PROCEDURE dbo.Recount AS BEGIN SELECT COUNT(*) AS N INTO #n FROM dbo.Orders END;";

const TRY: &str = "schema: { views: try }";

fn omission(report: &Value, object: &str) -> String {
    let all = report["omissions"].as_array().expect("omissions");
    let found = all.iter().find(|one| one["table"] == object);
    let found = found.unwrap_or_else(|| panic!("{object} is not left out: {all:#?}"));
    found["reason"].as_str().expect("a reason").to_owned()
}

#[test]
fn views_arrive_with_the_functions_and_synonyms_that_they_use() {
    let scenario = Scenario::on_stand_in(SHOP);
    let job = scenario.job(TRY);
    let report = job.report(&[], 6);
    let all = report["omissions"].as_array().expect("omissions");
    assert_eq!(all.len(), 2, "{all:#?}");
    let own = omission(&report, "dbo.Lost");
    let fault = own.strip_prefix("not translated: ").expect("its own fault");
    assert_eq!(
        omission(&report, "dbo.OverLost"),
        format!("it reads view dbo.Lost, which is left out: {fault}")
    );
    let shown = |sql: &str| scenario.value(sql);
    assert_eq!(
        shown("SELECT string_agg(twice::text, ',' ORDER BY id) FROM public.doubled"),
        "2,4,6"
    );
    assert_eq!(
        shown("SELECT string_agg(twice::text, ',' ORDER BY id) FROM public.last"),
        "4,6"
    );
    assert_eq!(
        shown("SELECT provolatile FROM pg_proc WHERE proname = 'twice'"),
        "i"
    );
    assert_eq!(
        shown("SELECT count(*) FROM pg_proc WHERE proname = 'unused'"),
        "0"
    );
    let helper = "SELECT pronamespace::regnamespace FROM pg_proc WHERE proname LIKE 'migrate_%'";
    assert_eq!(shown(helper), "public");
    let check = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_twice'";
    assert!(shown(check).contains("twice("), "{}", shown(check));
    let refused = "DO $$ BEGIN INSERT INTO public.dear VALUES (9, 0.5, NULL); RAISE 'taken'; \
                   EXCEPTION WHEN with_check_option_violation THEN NULL; END $$";
    scenario.sql(refused);
    // Again, and over: what is there is taken over or comes back.
    job.report(&["--restart"], 6);
    let replace = "job: r\ntransfer: { mode: replace }\nschema: { views: try }";
    scenario.job(replace).report(&[], 6);
    assert_eq!(shown("SELECT count(*) FROM public.last"), "2");
}

#[test]
fn the_inventory_tells_how_much_work_is_left() {
    let scenario = Scenario::on_stand_in(SHOP);
    let report = scenario.job(TRY).report(&["plan"], 0);
    let kinds = report["inventory"].as_array().expect("kinds");
    let kind = |name: &str| {
        let found = kinds.iter().find(|kind| kind["kind"] == name);
        found.unwrap_or_else(|| panic!("no {name}: {kinds:#?}"))
    };
    let recount = &kind("procedures")["modules"][0];
    assert_eq!(recount["name"], "dbo.Recount");
    assert_eq!(
        recount["constructs"],
        serde_json::json!(["temporary table"])
    );
    assert_eq!(recount["effort"], "medium");
    // Those that are made are not among those that never are.
    assert_eq!(
        kind("functions")["names"],
        serde_json::json!(["dbo.Unused"])
    );
    let text = scenario.job(TRY).ends(&["plan"], 0).stdout;
    assert!(
        text.contains("to rewrite: 1 medium in 1 line of T-SQL"),
        "{text}"
    );
}

#[test]
fn both_sides_of_a_view_are_compared() {
    let scenario = Scenario::on_stand_in(SHOP);
    let job = scenario.job(TRY);
    job.report(&[], 6);
    let report = job.report(&["verify", "--views"], 0);
    let views = report["views"].as_array().expect("views");
    let names: Vec<_> = views
        .iter()
        .map(|view| view["table"].as_str().expect("a name"))
        .collect();
    assert_eq!(
        names,
        ["dbo.Dear", "dbo.Doubled", "dbo.Last", "dbo.Numbers"]
    );
    for view in views {
        let sums = &view["checksums"];
        assert_eq!(sums["source"], sums["target"], "{view}");
        assert_ne!(sums["source"], "0".repeat(32), "{view}");
    }
    // A view that reads differently, over tables that are equal.
    scenario.sql(
        "CREATE OR REPLACE VIEW public.dear AS SELECT id, price, note FROM public.orders WHERE price > 50",
    );
    let report = job.report(&["verify", "--views"], 4);
    let different: Vec<_> = report["views"]
        .as_array()
        .expect("views")
        .iter()
        .filter(|view| view["source_rows"] != view["target_rows"])
        .collect();
    assert_eq!(different.len(), 1);
    assert_eq!(different[0]["table"], "dbo.Dear");
    let listed = &different[0]["checksums"]["differences"];
    assert_eq!(listed[0]["difference"], "missing", "{listed}");
    let text = job.ends(&["verify", "--views"], 4).stdout;
    assert!(
        text.contains("3 of 4 views equal") && text.contains("DIFFERENT"),
        "{text}"
    );
}

#[test]
fn functions_and_views_are_made_as_the_job_says() {
    let scenario = Scenario::on_stand_in(SHOP);
    let all = "job: a\nschema: { views: try, functions: try }";
    scenario.job(all).report(&[], 6);
    let unused = "SELECT count(*) FROM pg_proc WHERE proname = 'unused'";
    assert_eq!(scenario.value(unused), "1");
    let none = "job: n\ntransfer: { mode: replace }\nschema: { views: try, functions: none }";
    let report = scenario.job(none).report(&["plan"], 0);
    let reason = omission(&report, "dbo.Doubled");
    assert_eq!(
        reason,
        "it calls function dbo.Twice, which is left out: schema.functions is none"
    );
    let refused = "job: h\ntransfer: { mode: replace }\nschema: { views: try, helpers: none }";
    let report = scenario.job(refused).report(&["plan"], 0);
    let reason = omission(&report, "dbo.Numbers");
    assert!(reason.contains("a helper function"), "{reason}");
    let answer = scenario.job("job: v").ends(&["verify", "--views"], 2);
    answer.says(&["schema.views is none"]);
}

/// The printed DDL makes what a run makes.
#[test]
fn the_printed_schema_has_functions_where_they_are_needed() {
    let scenario = Scenario::on_stand_in(SHOP);
    let job: Job = scenario.job(TRY);
    let printed = job.ends(&["schema"], 0).stdout;
    let place = |part: &str| {
        printed
            .find(part)
            .unwrap_or_else(|| panic!("{part}: {printed}"))
    };
    assert!(place("FUNCTION \"public\".\"twice\"") < place("CREATE TABLE"));
    assert!(place("VIEW \"public\".\"doubled\"") < place("FUNCTION \"public\".\"from_\""));
    assert!(place("FUNCTION \"public\".\"from_\"") < place("VIEW \"public\".\"last\""));
    assert!(place("WITH CASCADED CHECK OPTION") > place("VIEW \"public\".\"dear\""));
}
