//! Partition functions and schemes: where rows go, what is read of them, and what the catalog shows.

use standin::engine::Work;

use crate::harness::{Db, check};

const ROWS: u64 = 8_000;

/// A table on a scheme by `day`, whose key begins with `id`; 8 partitions of 1,000 rows.
fn db() -> Db {
    let mut db = Db::new();
    db.ok("CREATE PARTITION FUNCTION pf (int) AS RANGE RIGHT FOR VALUES (7, 6, 5, 4, 3, 2, 1)");
    db.ok("CREATE PARTITION SCHEME ps AS PARTITION pf ALL TO ([PRIMARY])");
    db.ok(
        "CREATE TABLE log (id int NOT NULL, day int NOT NULL, pad char(50) NOT NULL, \
           CONSTRAINT pk_log PRIMARY KEY CLUSTERED (id, day)) ON ps (day)",
    );
    db.ok(&format!(
        "INSERT log SELECT value, value % 8, 'x' FROM GENERATE_SERIES(1, {ROWS})"
    ));
    db
}

fn work_of(db: &mut Db, sql: &str) -> Work {
    db.engine.reset_work();
    db.ok(sql);
    db.engine.work()
}

/// F4: each partition is in order for itself; across them the order is a sort.
#[test]
fn an_order_across_partitions_is_a_sort_and_inside_of_one_it_is_not() {
    let mut db = db();
    let work = work_of(
        &mut db,
        "SELECT * FROM log WHERE id > 4000 ORDER BY id, day",
    );
    assert_eq!((work.table_rows, work.sorted_rows), (4_000, 4_000));
    let work = work_of(
        &mut db,
        "SELECT * FROM log WHERE $PARTITION.[pf]([day]) = 3 AND id > 4000 ORDER BY id, day",
    );
    assert_eq!((work.table_rows, work.sorts), (500, 0));
    let work = work_of(
        &mut db,
        "SELECT * FROM log WHERE day = 2 AND id > 4000 ORDER BY id, day",
    );
    assert_eq!((work.table_rows, work.sorts), (500, 0));
    // Ranges of the partitioning column leave out partitions, too, and are tested in the others:
    // the partition of the constant is one of them, even where its first value is the constant.
    let work = work_of(&mut db, "SELECT * FROM log WHERE day < 2 AND id > 4000");
    assert_eq!(work.table_rows, 1_500);
    // TOP goes through all partitions.
    let work = work_of(&mut db, "SELECT TOP (1) id FROM log ORDER BY id, day");
    assert_eq!((work.table_rows, work.sorts), (ROWS, 1));
}

/// Where the scheme divides by the key's first column, the partitions follow one another in its order.
#[test]
fn a_scheme_by_the_first_key_column_keeps_the_order() {
    let mut db = db();
    db.ok("CREATE TABLE by_day (day int NOT NULL, id int NOT NULL, PRIMARY KEY (day, id) ON ps (day))");
    db.ok("INSERT by_day SELECT day, id FROM log");
    let asked = "SELECT day, id FROM by_day WHERE day >= 3 ORDER BY day, id";
    let work = work_of(&mut db, asked);
    assert_eq!((work.table_rows, work.sorts), (5_000, 0));
    let lines = db.lines(asked);
    assert_eq!(
        (lines[0].as_str(), lines[4_999].as_str()),
        ("3|3", "7|7999")
    );
    assert_eq!(
        db.rows("SELECT TOP (1) day, id FROM by_day ORDER BY day DESC, id DESC"),
        "7|7999"
    );
}

/// Rows come from where they were put, whatever the form of the table.
#[test]
fn heaps_columnstores_and_their_indexes_are_divided_too() {
    let mut db = db();
    let columns = "id int NOT NULL, day int NULL, CONSTRAINT";
    for (name, rest, more) in [
        ("h", "UNIQUE NONCLUSTERED (id, day)) ON ps (day)", ""),
        (
            "c",
            "UNIQUE NONCLUSTERED (id, day))",
            "CREATE CLUSTERED COLUMNSTORE INDEX x ON c ON ps (day)",
        ),
        (
            "i",
            "UNIQUE NONCLUSTERED (id, day))",
            "CREATE CLUSTERED INDEX x ON i (id) ON ps (day)",
        ),
    ] {
        db.ok(&format!(
            "CREATE TABLE {name} ({columns} u_{name} {rest} {more}"
        ));
        db.ok(&format!("INSERT {name} SELECT id, NULLIF(day, 0) FROM log"));
        let work = work_of(
            &mut db,
            &format!("SELECT * FROM {name} WHERE $PARTITION.pf(day) = 1"),
        );
        assert_eq!(work.table_rows, 1_000, "{name}");
        check(
            &mut db,
            &[
                (
                    &format!("SELECT COUNT(*), COUNT(day), SUM(id) FROM {name}"),
                    "8000|7000|32004000",
                ),
                (
                    &format!("SELECT MIN(id), MAX(id) FROM {name} WHERE $PARTITION.pf(day) > 7"),
                    "7|7999",
                ),
                (
                    &format!(
                        "SELECT COUNT(*), MAX(row_count) FROM sys.dm_db_partition_stats WHERE object_id = OBJECT_ID('{name}') AND index_id < 2"
                    ),
                    "8|1000",
                ),
            ],
        );
        db.ok(&format!("DELETE {name} WHERE id > 100"));
        assert_eq!(db.rows(&format!("SELECT COUNT(*) FROM {name}")), "100");
    }
}

/// A unique index on a scheme has the partitioning column in its key.
#[test]
fn a_unique_index_must_name_its_partitioning_column() {
    let mut db = db();
    assert_eq!(db.error("CREATE UNIQUE INDEX u ON log (id)"), 1908);
    assert_eq!(
        db.error("CREATE INDEX u ON log (id) ON nowhere (day)"),
        1921
    );
    assert_eq!(db.error("INSERT log VALUES (8, 0, 'y')"), 2627);
    db.ok("INSERT log VALUES (8, 1, 'y')");
    assert_eq!(db.error("SELECT $PARTITION.nope(day) FROM log"), 7720);
    assert_eq!(
        db.error("CREATE PARTITION FUNCTION pf (int) AS RANGE FOR VALUES (1)"),
        2714
    );
    assert_eq!(
        db.error("CREATE PARTITION FUNCTION p2 (int) AS RANGE FOR VALUES (1, 1)"),
        7708
    );
}

/// LEFT and RIGHT say to which side a boundary belongs; NULL is in the first partition.
#[test]
fn boundaries_belong_to_one_side() {
    let mut db = db();
    db.ok(
        "CREATE PARTITION FUNCTION pl (date) AS RANGE LEFT FOR VALUES ('2020-01-01', '2021-01-01')",
    );
    check(
        &mut db,
        &[
            (
                "SELECT $PARTITION.pf(0), $PARTITION.pf(1), $PARTITION.pf(7), $PARTITION.pf(NULL)",
                "1|2|8|1",
            ),
            (
                "SELECT $PARTITION.pl('2020-01-01'), $PARTITION.pl('2020-01-02'), $PARTITION.pl('2099-01-01')",
                "1|2|3",
            ),
        ],
    );
}

#[test]
fn the_catalog_shows_schemes_functions_and_partitions() {
    let mut db = db();
    db.ok("CREATE INDEX extra ON log (pad)");
    check(
        &mut db,
        &[
            (
                "SELECT s.name, f.name, f.fanout, f.boundary_value_on_right, s.type FROM sys.partition_schemes s JOIN sys.partition_functions f ON f.function_id = s.function_id",
                "ps|pf|8|1|PS",
            ),
            (
                "SELECT boundary_id, CONVERT(int, value) FROM sys.partition_range_values WHERE boundary_id IN (1, 7)",
                "1|1; 7|7",
            ),
            (
                "SELECT i.name, d.name, d.type FROM sys.indexes i JOIN sys.data_spaces d ON d.data_space_id = i.data_space_id WHERE i.object_id = OBJECT_ID('log') ORDER BY i.index_id",
                "pk_log|ps|PS; extra|ps|PS",
            ),
            // The partitioning column of an index that does not name it has the key ordinal 0.
            (
                "SELECT c.index_id, COL_NAME(c.object_id, c.column_id), c.key_ordinal, c.partition_ordinal, c.is_included_column FROM sys.index_columns c WHERE c.object_id = OBJECT_ID('log') ORDER BY c.index_id, c.index_column_id",
                "1|id|1|0|0; 1|day|2|1|0; 2|pad|1|0|0; 2|day|0|1|0",
            ),
            (
                "SELECT partition_number, rows FROM sys.partitions WHERE object_id = OBJECT_ID('log') AND index_id = 1 AND partition_number < 3",
                "1|1000; 2|1000",
            ),
        ],
    );
}

/// "ALTER PARTITION FUNCTION": one partition more, and every row above the boundary has another number.
#[test]
fn a_split_range_moves_rows_to_new_numbers() {
    let mut db = db();
    db.ok("CREATE INDEX by_id ON log (id) ON ps (day)");
    db.ok("CREATE TABLE heap (id int NOT NULL, day int NOT NULL) ON ps (day)");
    db.ok("INSERT heap SELECT id, day FROM log");
    assert_eq!(
        db.error("ALTER PARTITION FUNCTION pf() SPLIT RANGE (3)"),
        7708
    );
    assert_eq!(
        db.error("ALTER PARTITION FUNCTION nope() SPLIT RANGE (3)"),
        208
    );
    let altered = "SELECT COUNT(*) FROM sys.partition_functions WHERE modify_date > create_date";
    assert_eq!(db.rows(altered), "0");
    std::thread::sleep(std::time::Duration::from_millis(10));
    db.ok("ALTER PARTITION FUNCTION pf() SPLIT RANGE (0)");
    assert_eq!(db.rows(altered), "1");
    for name in ["log", "heap"] {
        check(
            &mut db,
            &[
                (
                    &format!("SELECT COUNT(*), MAX(day) FROM {name} WHERE $PARTITION.pf(day) = 1"),
                    "0|NULL",
                ),
                (
                    &format!(
                        "SELECT COUNT(*), MAX(day), SUM(id) FROM {name} WHERE $PARTITION.pf(day) = 9"
                    ),
                    "1000|7|4003000",
                ),
                (
                    &format!(
                        "SELECT COUNT(*), MIN(row_count), MAX(row_count) FROM sys.dm_db_partition_stats WHERE object_id = OBJECT_ID('{name}') AND index_id < 2"
                    ),
                    "9|0|1000",
                ),
                (&format!("SELECT COUNT(DISTINCT id) FROM {name}"), "8000"),
            ],
        );
    }
    let work = work_of(&mut db, "SELECT id, day FROM log WHERE day = 7 AND id < 50");
    assert!(work.touched() < 20, "{work:?}");
}
