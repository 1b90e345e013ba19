//! Key order, range seeks and generated tables.

use std::sync::Arc;

use standin::types::Value;

use crate::harness::{Db, check};

#[test]
fn uniqueidentifiers_sort_by_their_last_bytes_first() {
    let mut db = Db::new();
    db.ok("CREATE TABLE g (id uniqueidentifier PRIMARY KEY, n int)
           INSERT g VALUES ('00000001-0000-0000-0000-000000000000', 1), ('00000000-0001-0000-0000-000000000000', 2), ('00000000-0000-0001-0000-000000000000', 3),
             ('00000000-0000-0000-0001-000000000000', 4), ('00000000-0000-0000-0000-000000000001', 5), ('00000000-0000-0000-0000-010000000000', 6)");
    check(
        &mut db,
        &[
            ("SELECT n FROM g ORDER BY id", "1; 2; 3; 4; 5; 6"),
            (
                "SELECT n FROM g WHERE id > '00000000-0000-0001-0000-000000000000' AND id <= '00000000-0000-0000-0000-000000000001' ORDER BY id",
                "4; 5",
            ),
        ],
    );
}

#[test]
fn strings_follow_their_collation() {
    let mut db = Db::new();
    db.ok(
        "CREATE TABLE s (ci varchar(10) PRIMARY KEY, bin varchar(10) COLLATE Latin1_General_BIN2)
           INSERT s VALUES ('b', 'b'), ('A', 'A'), ('a_', 'a_'), ('B%', 'B%'), ('é', 'é')",
    );
    assert_eq!(db.error("INSERT s VALUES ('a  ', 'x')"), 2627);
    check(
        &mut db,
        &[
            (
                "SELECT ci FROM s WHERE ci IN ('a', 'B', 'É') ORDER BY ci",
                "A; b; é",
            ),
            ("SELECT bin FROM s ORDER BY bin", "A; B%; a_; b; é"),
            ("SELECT ci FROM s WHERE ci = 'A   '", "A"),
        ],
    );
}

#[test]
fn composite_ranges_tile_the_table() {
    let mut db = Db::new();
    db.ok("CREATE TABLE k (a int NOT NULL, b varchar(5) NOT NULL, c datetime2(7) NOT NULL, n int IDENTITY, CONSTRAINT pk PRIMARY KEY (a, b DESC, c))");
    for a in -2..3 {
        for b in ["x", "Y", "z"] {
            db.ok(&format!("INSERT k VALUES ({a}, '{b}', '2024-01-01'), ({a}, '{b}', '2024-01-02 00:00:00.0000001')"));
        }
    }
    let all = db.lines("SELECT a, b, n FROM k ORDER BY a, b DESC, c");
    assert_eq!(all.len(), 30);
    // Every cut (a, b) splits the table in two without loss, in both the usual forms.
    for a in -2..3 {
        for b in ["x", "y", "Z"] {
            let low = format!(
                "SELECT a, b, n FROM k WHERE (a < {a} OR (a = {a} AND b >= '{b}')) ORDER BY a, b DESC, c"
            );
            let high = format!(
                "SELECT a, b, n FROM k WHERE a >= {a} AND (a > {a} OR b < '{b}') ORDER BY a, b DESC, c"
            );
            let mut both = db.lines(&low);
            both.extend(db.lines(&high));
            assert_eq!(both, all, "cut at {a}, {b}");
        }
    }
    check(
        &mut db,
        &[
            ("SELECT COUNT(*) FROM k WHERE a IN (1, 2) AND b = 'X'", "4"),
            ("SELECT COUNT(*) FROM k WHERE a <> 1", "24"),
        ],
    );
}

#[test]
fn generated_tables_need_no_memory() {
    let mut db = Db::new();
    let make: standin::engine::Generator =
        Arc::new(|i| vec![Value::Int(i as i64 + 1), Value::Text(vec![0x61; 10].into())]);
    db.engine
        .add_generated_table(
            "t",
            "CREATE TABLE big (id bigint PRIMARY KEY, body nvarchar(max))",
            1_000_000_000,
            make,
        )
        .unwrap();
    check(
        &mut db,
        &[
            ("SELECT COUNT_BIG(*) FROM big", "1000000000"),
            (
                "SELECT id, LEN(body) FROM big WHERE id > 999999998 ORDER BY id",
                "999999999|10; 1000000000|10",
            ),
            (
                "SELECT COUNT_BIG(*) FROM big WHERE id > 10 AND id <= 500000000",
                "499999990",
            ),
            (
                "SELECT b, MAX(id) FROM (SELECT id, NTILE(4) OVER (ORDER BY id) b FROM big WHERE id <= 1000) x GROUP BY b",
                "1|250; 2|500; 3|750; 4|1000",
            ),
            ("SELECT TOP (1) id FROM big ORDER BY id", "1"),
        ],
    );
}

#[test]
fn decimals_offsets_and_binaries() {
    let mut db = Db::new();
    db.ok("CREATE TABLE d (v decimal(38,10) PRIMARY KEY); INSERT d VALUES (-1.5), (10), (9.9999999999), (0)
           CREATE TABLE o (v datetimeoffset PRIMARY KEY, n int); INSERT o VALUES ('2024-01-01 12:00 +05:00', 1), ('2024-01-01 08:00 +00:00', 2), ('2024-01-01 01:00 -08:00', 3)
           CREATE TABLE x (v binary(16) PRIMARY KEY, n int); INSERT x VALUES (0x02, 2), (0x0101, 1), (0xFF, 3)");
    assert_eq!(
        db.error("INSERT o VALUES ('2024-01-01 07:00 +00:00', 9)"),
        2627
    );
    check(
        &mut db,
        &[
            (
                "SELECT v FROM d WHERE v > -2 AND v <= 10 ORDER BY v",
                "-1.5000000000; 0.0000000000; 9.9999999999; 10.0000000000",
            ),
            ("SELECT n FROM o ORDER BY v", "1; 2; 3"),
            ("SELECT n FROM x WHERE v > 0x0101 ORDER BY v", "2; 3"),
        ],
    );
}
