//! The tables that the views of the tests read, and their rows: NULL, empty, negative, ties, edge
//! dates, text in several scripts, and few enough values that joins and groups meet.

/// The tables, in T-SQL.
const TABLES: &str = "
CREATE TABLE dbo.Dept (
  Id int NOT NULL PRIMARY KEY,
  Title nvarchar(20) NULL,
  Kind varchar(8) NULL,
  Parent int NULL,
  Budget bigint NULL,
  Opened date NULL)
GO
CREATE TABLE dbo.Staff (
  Id int NOT NULL PRIMARY KEY,
  Name nvarchar(20) NULL,
  Code varchar(8) NOT NULL,
  Mail varchar(30) COLLATE Latin1_General_BIN2 NULL,
  Tag char(5) NULL,
  Boss int NULL,
  Dept int NULL,
  Grade tinyint NULL,
  Pay decimal(10,2) NULL,
  Cash money NULL,
  Active bit NULL,
  Born date NULL,
  Hired datetime NULL,
  Seen datetime2(3) NULL)
GO
CREATE TABLE dbo.Sale (
  Id int NOT NULL PRIMARY KEY,
  Staff int NULL,
  Dept int NOT NULL,
  Kind varchar(8) NULL,
  Units smallint NULL,
  Amount decimal(12,3) NULL,
  Sold datetime NULL,
  Note nvarchar(30) NULL,
  Guid uniqueidentifier NULL)
GO
CREATE TABLE dbo.Doc (
  Id int NOT NULL PRIMARY KEY,
  Staff int NULL,
  Body nvarchar(400) NULL)
GO
CREATE SCHEMA other
GO
CREATE TABLE other.Kind (
  Code varchar(8) NOT NULL PRIMARY KEY,
  Word nvarchar(20) NULL,
  Weight decimal(5,2) NULL)
GO
";

const NAMES: &[&str] = &[
    "NULL",
    "N''",
    "N'abc'",
    "N'ABC'",
    "N'Abc '",
    "N'Zoë'",
    "N'Ελλάδα'",
    "N'москва'",
    "N'日本語'",
    "N'a_b%'",
    "N'42'",
];
/// No two of these are equal under the collation: any of a group may stand for it.
const KINDS: &[&str] = &["'new'", "'old'", "NULL", "''", "'x-1'", "'new'", "'old'"];
const MAILS: &[&str] = &["NULL", "'a@b.org'", "'A@b.org'", "''", "'x'", "'7'"];
const TAGS: &[&str] = &["NULL", "'A'", "'a b'", "'12345'", "''"];
const NUMBERS: &[&str] = &["NULL", "0", "1", "2", "-3", "7", "2", "100"];
const GRADES: &[&str] = &["NULL", "0", "1", "2", "3", "250"];
const DECIMALS: &[&str] = &[
    "NULL", "0", "1.50", "-7.25", "99.99", "1.50", "1234.56", "0.01",
];
const MONEYS: &[&str] = &["NULL", "0", "3.3333", "-0.0001", "12.5", "1000000.0001"];
const BITS: &[&str] = &["NULL", "0", "1", "1"];
const DAYS: &[&str] = &[
    "NULL",
    "'20000229'",
    "'19991231'",
    "'20240131'",
    "'20240229'",
    "'20231231'",
    "'17530101'",
    "'20240101'",
    "'20210103'",
];
const MOMENTS: &[&str] = &[
    "NULL",
    "'20000229 23:59:59.997'",
    "'19991231 12:30:45.123'",
    "'20240131'",
    "'20240229 08:05:00.003'",
    "'17530101'",
    "'20231231 23:59:59'",
    "'20240101'",
];
const SEEN: &[&str] = &[
    "NULL",
    "'2000-02-29T23:59:59.999'",
    "'1900-01-01T00:00:00.001'",
    "'2024-02-29T08:05:00'",
    "'0001-01-01T00:00:00'",
];
const BUDGETS: &[&str] = &["NULL", "0", "3000000000", "-5", "17", "17"];
const GUIDS: &[&str] = &[
    "NULL",
    "'6F9619FF-8B86-D011-B42D-00C04FC964FF'",
    "'00000000-0000-0000-0000-000000000001'",
];
const BODIES: &[&str] = &[
    "NULL",
    r#"N'{"a":1,"b":"x","t":["p","q","p"],"o":{"k":true}}'"#,
    r#"N'{"a":-2.50,"b":null,"t":[],"o":{}}'"#,
    "N'[]'",
    r#"N'[{"n":1,"w":"é"},{"n":2},{"w":"日本"}]'"#,
    "N'no json'",
    "N''",
];

/// Walks through lists with another step for each column, so that columns do not go in step.
struct Rows(usize);

impl Rows {
    fn of(&self, list: &[&'static str], step: usize) -> &'static str {
        list[(self.0 * step + self.0 / list.len()) % list.len()]
    }
}

/// Tables and rows, with `GO` between the batches.
pub fn script() -> String {
    let mut script = TABLES.to_owned();
    let mut add = |table: &str, cells: &[&str]| {
        script.push_str(&format!(
            "INSERT INTO {table} VALUES ({})\nGO\n",
            cells.join(", ")
        ));
    };
    for id in 1..=6_usize {
        let row = Rows(id);
        let parent = if id > 2 {
            (id / 2).to_string()
        } else {
            "NULL".into()
        };
        let cells = [
            row.of(NAMES, 2),
            row.of(KINDS, 1),
            &parent,
            row.of(BUDGETS, 1),
            row.of(DAYS, 2),
        ];
        add(
            "dbo.Dept",
            &[&[id.to_string().as_str()], &cells[..]].concat(),
        );
    }
    for id in 1..=18_usize {
        let row = Rows(id);
        let boss = if id % 3 == 0 {
            "NULL".into()
        } else {
            (id / 3).max(1).to_string()
        };
        let dept = if id % 5 == 0 {
            "NULL".into()
        } else {
            (id % 7 + 1).to_string()
        };
        let code = format!("'C{}'", id % 12);
        let id = id.to_string();
        let cells = [
            &id,
            row.of(NAMES, 1),
            &code,
            row.of(MAILS, 1),
            row.of(TAGS, 2),
            &boss,
            &dept,
            row.of(GRADES, 1),
            row.of(DECIMALS, 3),
            row.of(MONEYS, 1),
            row.of(BITS, 1),
            row.of(DAYS, 1),
            row.of(MOMENTS, 3),
            row.of(SEEN, 1),
        ];
        add("dbo.Staff", &cells);
    }
    for id in 1..=30_usize {
        let row = Rows(id);
        let staff = if id % 6 == 0 {
            "NULL".into()
        } else {
            (id % 20 + 1).to_string()
        };
        let dept = (id % 5 + 1).to_string();
        let id = id.to_string();
        let cells = [
            &id,
            &staff,
            &dept,
            row.of(KINDS, 3),
            row.of(NUMBERS, 1),
            row.of(DECIMALS, 1),
            row.of(MOMENTS, 1),
            row.of(NAMES, 3),
            row.of(GUIDS, 1),
        ];
        add("dbo.Sale", &cells);
    }
    for (id, body) in BODIES.iter().enumerate() {
        let (id, staff) = (id.to_string(), (id * 3).to_string());
        add("dbo.Doc", &[id.as_str(), staff.as_str(), body]);
    }
    for cells in [
        ["'new'", "N'neu'", "1.25"],
        ["'old'", "N'alt'", "NULL"],
        ["'none'", "NULL", "-0.50"],
    ] {
        add("other.Kind", &cells);
    }
    script
}
