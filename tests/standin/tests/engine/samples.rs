//! Microsoft's Northwind and pubs scripts load unmodified.
//!
//! `MIGRATE_TEST_SAMPLES` names the folder with `instnwnd.sql` and `instpubs.sql`.

use crate::harness::{Db, check};

fn load(db: &mut Db, file: &str) -> bool {
    let Ok(folder) = std::env::var("MIGRATE_TEST_SAMPLES") else {
        eprintln!("SKIPPED: MIGRATE_TEST_SAMPLES is not set, {file} was not loaded");
        return false;
    };
    let script = std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
    let mut failed = Vec::new();
    for batch in standin::engine::batches(&script) {
        let errors: Vec<String> = db
            .lines(&batch)
            .into_iter()
            .filter(|l| l.starts_with('!'))
            .collect();
        if !errors.is_empty() {
            let shown: String = batch.trim().chars().take(200).collect();
            failed.push(format!("{shown}: {errors:?}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    true
}

#[test]
fn northwind() {
    let mut db = Db::new();
    db.ok("CREATE DATABASE Northwind");
    db.ok("USE Northwind");
    if !load(&mut db, "instnwnd.sql") {
        return;
    }
    check(
        &mut db,
        &[
            ("SELECT COUNT(*) FROM Customers", "91"),
            ("SELECT COUNT(*) FROM Orders", "830"),
            ("SELECT COUNT(*) FROM [Order Details]", "2155"),
            ("SELECT COUNT(*) FROM Products", "77"),
            ("SELECT COUNT(*) FROM Employees", "9"),
            (
                "SELECT SUM(UnitPrice * Quantity) FROM [Order Details]",
                "$1354458.5900",
            ),
            (
                "SELECT TOP 1 LastName, DATALENGTH(Photo) FROM Employees ORDER BY EmployeeID",
                "Davolio|21626",
            ),
        ],
    );
}

#[test]
fn pubs() {
    let mut db = Db::new();
    if !load(&mut db, "instpubs.sql") {
        return;
    }
    check(
        &mut db,
        &[
            ("SELECT COUNT(*) FROM pubs..authors", "23"),
            ("SELECT COUNT(*) FROM pubs..titles", "18"),
            ("SELECT COUNT(*) FROM pubs..sales", "21"),
            ("SELECT COUNT(*) FROM pubs..employee", "43"),
            (
                "USE pubs; SELECT t.name, c.max_length FROM sys.columns c JOIN sys.types t ON t.user_type_id = c.user_type_id WHERE c.object_id = OBJECT_ID('authors') AND c.name = 'au_id'",
                "id|11",
            ),
        ],
    );
}

/// Microsoft's AdventureWorks script: all tables and what belongs to them. Its data comes by BULK
/// INSERT from other files and is passed over, by name; so are its procedures.
#[test]
fn adventure_works() {
    let mut db = Db::new();
    if !load(&mut db, "instawdb.sql") {
        return;
    }
    check(&mut db, &[("SELECT COUNT(*) FROM AdventureWorks.sys.tables", "71")]);
}
