//! Every object of Microsoft's sample databases is made, or listed with the reason why not.
//!
//! `MIGRATE_TEST_SAMPLES` names the folder with `instnwnd.sql` and `instpubs.sql`.

use crate::accounting;
use crate::support::job::Job;
use crate::support::postgres::Postgres;
use crate::support::source::{Source, SourceDatabase};

const ADVENTURE_WORKS_ROWS: &str = "\
INSERT INTO Person.PhoneNumberType (Name) VALUES (N'Cell'), (N'Home');
INSERT INTO Person.ContactType (Name) VALUES (N'Owner');
INSERT INTO Person.CountryRegion (CountryRegionCode, Name) VALUES (N'NL', N'Nederland'), (N'DE', N'Deutschland');
INSERT INTO Production.UnitMeasure (UnitMeasureCode, Name) VALUES (N'CM', N'Centimeter'), (N'G', N'Gram');
INSERT INTO Production.ProductCategory (Name) VALUES (N'Bikes');
INSERT INTO Production.ProductSubcategory (ProductCategoryID, Name) VALUES (1, N'Road Bikes'), (1, N'Touring Bikes');
INSERT INTO Production.Product (Name, ProductNumber, SafetyStockLevel, ReorderPoint, StandardCost, ListPrice, Size, SizeUnitMeasureCode, WeightUnitMeasureCode, Weight, DaysToManufacture, ProductLine, Class, Style, ProductSubcategoryID, SellStartDate) VALUES
 (N'Road-150 Red, 62', N'BK-R93R-62', 100, 75, 2171.2942, 3578.27, N'62', N'CM', N'G', 15.00, 4, N'R', N'H', N'U', 1, '2011-05-31'),
 (N'Touring 1000', N'BK-T79Y-60', 100, 75, 1481.9379, 2384.07, NULL, NULL, NULL, NULL, 4, N'T ', NULL, NULL, NULL, '2012-05-30T00:00:00.003');
INSERT INTO Production.Location (Name, CostRate, Availability) VALUES (N'Tool Crib', 0.00, 0.00), (N'Frame Forming', 22.50, 96.00);
INSERT INTO Sales.Currency (CurrencyCode, Name) VALUES (N'EUR', N'Euro'), (N'USD', N'US Dollar');
INSERT INTO Sales.CurrencyRate (CurrencyRateDate, FromCurrencyCode, ToCurrencyCode, AverageRate, EndOfDayRate) VALUES ('2011-05-31', N'USD', N'EUR', 0.8985, 0.9001);
INSERT INTO Person.BusinessEntity (rowguid) VALUES (NEWID()), (NEWID()), (NEWID());
INSERT INTO Person.Person (BusinessEntityID, PersonType, FirstName, MiddleName, LastName, EmailPromotion, AdditionalContactInfo) VALUES
 (1, N'EM', N'Ken', N'J', N'S\u{00e1}nchez', 0, NULL), (2, N'in', N'Terri', NULL, N'\u{1f600} Duffy', 1, N'<a>x</a>');
INSERT INTO Person.Password (BusinessEntityID, PasswordHash, PasswordSalt) VALUES (1, 'pbFwXWE99vobT6g+vPWFy93NtUU/orrIWafF01hccfM=', 'bE3XiWw=');
INSERT INTO Person.EmailAddress (BusinessEntityID, EmailAddress) VALUES (1, N'ken0@adventure-works.com'), (2, NULL);
INSERT INTO HumanResources.Department (Name, GroupName) VALUES (N'Engineering', N'Research and Development');
INSERT INTO HumanResources.Shift (Name, StartTime, EndTime) VALUES (N'Night', '23:00:00', '23:59:59.9999999');
";

#[test]
fn northwind_is_accounted_for() {
    let expected = [
        ("tables", 13, 13),
        ("columns", 88, 88),
        ("primary keys", 13, 13),
        ("indexes", 26, 26),
        ("foreign keys", 13, 13),
        ("checks", 8, 8),
        ("defaults", 9, 9),
        ("identities", 6, 6),
        ("sequences", 0, 0),
        ("included columns", 0, 0),
        ("filters of indexes", 0, 0),
        ("descending columns", 0, 0),
        ("computed columns", 0, 0),
        ("views", 16, 2),
        ("triggers", 0, 0),
        ("full-text indexes", 0, 0),
        ("comments", 0, 0),
    ];
    account("instnwnd.sql", "Northwind", "", &expected);
}

#[test]
fn pubs_is_accounted_for() {
    let expected = [
        ("tables", 11, 11),
        ("columns", 64, 64),
        ("primary keys", 9, 9),
        ("indexes", 7, 7),
        ("foreign keys", 10, 10),
        ("checks", 6, 6),
        ("defaults", 9, 9),
        ("identities", 1, 1),
        ("sequences", 0, 0),
        ("included columns", 0, 0),
        ("filters of indexes", 0, 0),
        ("descending columns", 0, 0),
        ("computed columns", 0, 0),
        ("views", 1, 0),
        ("triggers", 1, 0),
        ("full-text indexes", 0, 0),
        ("comments", 0, 0),
    ];
    account("instpubs.sql", "pubs", "", &expected);
}

/// The script's rows come by BULK INSERT from files that are not there, so some are put in by hand.
#[test]
fn adventure_works_is_accounted_for() {
    let expected = [
        ("tables", 71, 71),
        ("columns", 486, 486),
        ("primary keys", 71, 71),
        // The others are XML indexes.
        ("indexes", 102, 94),
        ("foreign keys", 90, 90),
        ("checks", 89, 89),
        ("defaults", 152, 152),
        ("identities", 39, 39),
        ("sequences", 0, 0),
        ("included columns", 1, 0),
        ("filters of indexes", 0, 0),
        ("descending columns", 0, 0),
        // The others call GetLevel() of a hierarchyid, and a function of the database.
        ("computed columns", 10, 7),
        ("views", 20, 5),
        ("triggers", 10, 0),
        ("full-text indexes", 3, 0),
        ("comments", 530, 530),
    ];
    account(
        "instawdb.sql",
        "AdventureWorks",
        ADVENTURE_WORKS_ROWS,
        &expected,
    );
}

fn account(file: &str, name: &str, rows: &str, expected: &[(&str, i64, i64)]) {
    let Ok(folder) = std::env::var("MIGRATE_TEST_SAMPLES") else {
        eprintln!("SKIPPED: MIGRATE_TEST_SAMPLES is not set, {file} was not moved");
        return;
    };
    let script = std::fs::read_to_string(format!("{folder}/{file}")).expect("the script");
    let source = Source::stand_in();
    let named = |name: &str| SourceDatabase {
        server: std::sync::Arc::clone(&source),
        name: name.into(),
    };
    // Both scripts need a database of that name; the one of pubs drops it and makes its own.
    named("master").script(&format!("CREATE DATABASE [{name}]"));
    named(name).sqlcmd(&script);
    named(name).script(rows);
    let database = named(name);
    let target = Postgres::shared().database();
    let job = Job::new(&database, &target.target(), "schema: { views: try }");
    let answer = job.run(&["--output", "json"]);
    assert!(
        matches!(answer.code, Some(0 | 6)),
        "{}{}",
        answer.stdout,
        answer.stderr
    );
    let report = answer.json();
    let accounts = accounting::balance(&database, &target, &report, name);
    for account in &accounts {
        eprintln!(
            "{name}: {}: {} at the source, {} made, {} left out",
            account.kind, account.source, account.made, account.left_out
        );
    }
    for omission in report["omissions"].as_array().into_iter().flatten() {
        eprintln!("{name}: left out: {omission}");
    }
    job.report(&["verify", "--level", "rows"], 0);
    let counted = accounts
        .iter()
        .map(|account| (account.kind, account.source, account.made));
    assert_eq!(counted.collect::<Vec<_>>(), expected);
}
