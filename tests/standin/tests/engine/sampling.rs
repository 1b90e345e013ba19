//! TABLESAMPLE: whole pages, repeatable, of tables alone.

use crate::harness::Db;

/// 20,000 rows in the order of a key that is not the order of insertion.
fn filled() -> Db {
    let mut db = Db::new();
    db.ok("CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY, a int NOT NULL, b char(50) NOT NULL)");
    db.ok("INSERT INTO dbo.t SELECT (value * 7919) % 20000, value, 'x' FROM GENERATE_SERIES(1, 20000)");
    db
}

#[test]
fn a_sample_is_whole_pages_and_reads_no_others() {
    let mut db = filled();
    db.engine.reset_work();
    let sampled = db.lines("SELECT id FROM dbo.t TABLESAMPLE SYSTEM (5 PERCENT) REPEATABLE (7)");
    let read = db.engine.work().table_rows;
    assert_eq!(read, sampled.len() as u64);
    assert!((300..2_000).contains(&sampled.len()), "{}", sampled.len());
    let mut ids: Vec<i64> = sampled.iter().map(|id| id.parse().unwrap()).collect();
    assert!(!ids.is_sorted(), "a sample comes in no order");
    ids.sort_unstable();
    // Rows of one page stand next to each other in the order of the clustered index.
    let neighbours = ids.windows(2).filter(|pair| pair[1] == pair[0] + 1);
    assert!(neighbours.count() * 10 > ids.len() * 9);
}

#[test]
fn a_seed_repeats_a_sample_and_another_does_not() {
    let mut db = filled();
    let mut sampled = |seed: u32| {
        let sql = format!("SELECT id FROM dbo.t TABLESAMPLE (5 PERCENT) REPEATABLE ({seed})");
        db.lines(&sql)
    };
    assert_eq!(sampled(1), sampled(1));
    assert_ne!(sampled(1), sampled(2));
}

#[test]
fn a_sample_is_filtered_ordered_and_tiled() {
    let mut db = filled();
    let all = "SELECT COUNT(*) FROM dbo.t TABLESAMPLE SYSTEM (100 PERCENT) WITH (NOLOCK)";
    assert_eq!(db.lines(all), ["20000"]);
    let some = "SELECT id FROM dbo.t AS s TABLESAMPLE SYSTEM (100 PERCENT) WITH (NOLOCK) \
                WHERE s.id BETWEEN 5 AND 7 ORDER BY id DESC";
    assert_eq!(db.lines(some), ["7", "6", "5"]);
    let tiles = "SELECT t, COUNT(*) FROM (SELECT NTILE(2) OVER (ORDER BY id) AS t \
                 FROM dbo.t TABLESAMPLE SYSTEM (100 PERCENT)) AS tiles GROUP BY t ORDER BY t";
    assert_eq!(db.lines(tiles), ["1|10000", "2|10000"]);
    let nothing = "SELECT COUNT(*) FROM dbo.t TABLESAMPLE SYSTEM (0 PERCENT)";
    assert_eq!(db.lines(nothing), ["0"]);
}

#[test]
fn only_tables_can_be_sampled() {
    let mut db = filled();
    db.ok("CREATE VIEW dbo.v AS SELECT id FROM dbo.t");
    for (sql, number) in [
        ("SELECT id FROM dbo.v TABLESAMPLE (5 PERCENT)", 494),
        ("SELECT name FROM sys.tables TABLESAMPLE (5 PERCENT)", 494),
        (
            "SELECT id FROM (SELECT id FROM dbo.t) AS d TABLESAMPLE (5 PERCENT)",
            475,
        ),
        ("SELECT id FROM dbo.t TABLESAMPLE (101 PERCENT)", 476),
        (
            "SELECT id FROM dbo.t TABLESAMPLE (5 PERCENT) REPEATABLE (0)",
            477,
        ),
        (
            "SELECT id FROM dbo.t WITH (NOLOCK) TABLESAMPLE (5 PERCENT)",
            102,
        ),
    ] {
        assert_eq!(db.error(sql), number, "{sql}");
    }
}
