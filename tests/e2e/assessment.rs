//! `plan --output html`: what a whole database holds, what moves by itself, and what needs a person.

use crate::support::job::Job;
use crate::support::scenario::Scenario;

const SHOP: &str = "\
CREATE TABLE dbo.Orders (Id int NOT NULL PRIMARY KEY, Total money NULL DEFAULT 0, A int NULL, \
CONSTRAINT CK_Total CHECK (Total >= 0), CONSTRAINT CK_Odd CHECK (CHECKSUM(A) <> 1));
CREATE INDEX IX_A ON dbo.Orders (A);
CREATE TABLE dbo.Lines (Id int NOT NULL PRIMARY KEY, OrderId int NOT NULL, \
CONSTRAINT FK_Lines FOREIGN KEY (OrderId) REFERENCES dbo.Orders (Id));
INSERT INTO dbo.Orders (Id, Total) VALUES (1, 2);
INSERT INTO dbo.Lines VALUES (1, 1);
GO
CREATE VIEW dbo.Cheap AS SELECT Id FROM dbo.Orders WHERE Total < 5;
GO
CREATE PROCEDURE dbo.Small AS SELECT 1;
GO
CREATE PROCEDURE dbo.Cursors AS BEGIN DECLARE c CURSOR FOR SELECT Id FROM dbo.Orders; OPEN c; CLOSE c; END;
GO
CREATE TRIGGER dbo.OnInsert ON dbo.Orders AFTER INSERT AS SELECT 1;";

fn kind<'a>(report: &'a serde_json::Value, name: &str) -> &'a serde_json::Value {
    let kinds = report["assessment"]["kinds"].as_array().expect("kinds");
    let found = kinds.iter().find(|kind| kind["kind"] == name);
    found.unwrap_or_else(|| panic!("{name}: {kinds:#?}"))
}

#[test]
fn every_object_is_counted_as_moved_or_as_a_persons() {
    let scenario = Scenario::on_stand_in(SHOP);
    let job = scenario.job("schema: { views: try }");
    let report = job.report(&["plan"], 0);
    for (name, moved, by_hand) in [
        ("tables", 2, 0),
        ("columns", 5, 0),
        ("primary keys", 2, 0),
        ("indexes", 1, 0),
        ("foreign keys", 1, 0),
        ("check constraints", 1, 1),
        ("defaults", 1, 0),
        ("views", 1, 0),
        ("procedures", 0, 2),
        ("triggers", 0, 1),
    ] {
        let kind = kind(&report, name);
        assert_eq!(
            (&kind["moved"], &kind["by_hand"]),
            (&moved.into(), &by_hand.into()),
            "{kind}"
        );
    }
    let hands = report["assessment"]["by_hand"].as_array().expect("objects");
    let of = |name: &str| {
        let found = hands.iter().find(|one| one["name"] == name);
        found.unwrap_or_else(|| panic!("{name}: {hands:#?}"))
    };
    assert_eq!(of("dbo.Small")["effort"], "small");
    assert_eq!(of("dbo.Cursors")["effort"], "medium", "{hands:#?}");
    assert_eq!(of("dbo.Orders: check CK_Odd")["kind"], "check constraints");
    assert!(
        of("dbo.Orders: check CK_Odd")["text"].is_null(),
        "the omission has it"
    );
}

#[test]
fn the_page_has_every_object_that_needs_a_person_with_its_text() {
    let scenario = Scenario::on_stand_in(SHOP);
    let page = scenario
        .job("")
        .ends(&["plan", "--output", "html"], 0)
        .stdout;
    assert!(
        page.starts_with("<!doctype html>") && page.ends_with("</html>\n"),
        "{page}"
    );
    for part in [
        "objects (",
        " need a person.",
        "DECLARE c CURSOR FOR SELECT Id FROM dbo.Orders",
        "checksum([A])",
        "dbo.Orders.OnInsert",
        "<td class=\"word\">check constraints</td><td class=\"n\">2</td><td class=\"n\">1</td><td class=\"n\">1</td>",
    ] {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
    for loading in ["http:", "https:", " src=", "url(", "<link", "<iframe"] {
        assert!(!page.contains(loading), "{loading}");
    }
    let none = scenario.job("schema: { views: none }").report(&["plan"], 0);
    assert_eq!(
        kind(&none, "views")["by_hand"],
        1,
        "a view that the job does not ask for"
    );
}

/// The whole page is there even if the job cannot be run yet, and the exit code says that it cannot.
#[test]
fn a_job_that_cannot_be_run_is_assessed_all_the_same() {
    let scenario = Scenario::on_stand_in(SHOP);
    let job: Job = scenario
        .job("tables: { overrides: { dbo.Lines: { columns: { exclude: [Id, OrderId] } } } }");
    let answer = job.run(&["plan", "--output", "html"]);
    assert_ne!(answer.code, Some(0), "{}", answer.stdout);
    for part in ["the job cannot be run yet", "dbo.Lines", "dbo.Cursors"] {
        assert!(
            answer.stdout.contains(part),
            "{part} is not in\n{}",
            answer.stdout
        );
    }
}

#[test]
fn a_sample_puts_the_time_on_the_page() {
    let scenario = Scenario::on_stand_in(SHOP);
    let page = scenario
        .job("")
        .ends(&["plan", "--output", "html", "--sample"], 0)
        .stdout;
    assert!(
        page.contains("The rows take ") && page.contains("to move the rows"),
        "{page}"
    );
    assert!(!page.contains("100 MiB/s"), "{page}");
    let text = scenario.job("").ends(&["plan", "--sample"], 0).stdout;
    assert!(text.contains("rows take: "), "{text}");
}
