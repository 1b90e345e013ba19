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
    check(
        &mut db,
        &[
            ("USE AdventureWorks; SELECT COUNT(*) FROM sys.tables", "71"),
            (
                "SELECT type, COUNT(*) FROM sys.objects WHERE type IN ('PK', 'F', 'UQ', 'V', 'C', 'D', 'TR') GROUP BY type ORDER BY type",
                "C |89; D |152; F |90; PK|71; TR|10; UQ|1; V |20",
            ),
            (
                "SELECT definition FROM sys.check_constraints WHERE name IN ('CK_Employee_BirthDate', 'CK_Person_PersonType') ORDER BY name",
                "([BirthDate]>='1930-01-01' AND [BirthDate]<=dateadd(year,(-18),getdate())); ([PersonType] IS NULL OR (upper([PersonType])='GC' OR upper([PersonType])='SP' OR upper([PersonType])='EM' OR upper([PersonType])='IN' OR upper([PersonType])='VC' OR upper([PersonType])='SC'))",
            ),
            (
                "SELECT definition, is_persisted, is_nullable FROM sys.computed_columns WHERE name IN ('TotalDue', 'OrganizationLevel', 'AccountNumber') ORDER BY OBJECT_NAME(object_id)",
                "(isnull('AW'+[dbo].[ufnLeadingZeros]([CustomerID]),''))|0|0; ([OrganizationNode].[GetLevel]())|0|1; (isnull(([SubTotal]+[TaxAmt])+[Freight],(0)))|1|0; (isnull(([SubTotal]+[TaxAmt])+[Freight],(0)))|0|0",
            ),
            (
                "SELECT t.name, t.system_type_id, t.user_type_id, t.is_assembly_type, c.max_length FROM sys.columns c JOIN sys.types t ON t.user_type_id = c.user_type_id WHERE t.is_assembly_type = 1 ORDER BY t.name",
                "geography|240|130|1|-1; hierarchyid|240|128|1|892; hierarchyid|240|128|1|892; hierarchyid|240|128|1|892",
            ),
            (
                "SELECT type_desc, COUNT(*) FROM sys.indexes WHERE type > 2 GROUP BY type_desc",
                "XML|8",
            ),
            ("SELECT COUNT(*) FROM sys.fulltext_indexes", "3"),
            (
                "SELECT class_desc, COUNT(*) FROM sys.extended_properties GROUP BY class_desc ORDER BY class_desc",
                "DATABASE|1; DATASPACE|1; OBJECT_OR_COLUMN|531; SCHEMA|5",
            ),
            (
                "SELECT t.name, c.is_nullable FROM sys.columns c JOIN sys.types t ON t.user_type_id = c.user_type_id WHERE c.object_id = OBJECT_ID('Sales.SalesOrderHeader') AND c.name IN ('OnlineOrderFlag', 'PurchaseOrderNumber')",
                "Flag|0; OrderNumber|1",
            ),
        ],
    );
}
