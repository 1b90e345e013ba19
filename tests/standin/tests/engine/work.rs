//! What statements touch, by SQL Server's rules: seeks, residual predicates, lookups, sorts, spools.

use standin::engine::Work;

use crate::harness::Db;

/// Rows of each table, and of one value of its column `a`.
const ROWS: u64 = 20_000;
const ONE_A: u64 = ROWS / 4;

/// The same rows with another key each: `a` has four values, `id` is 1 to ROWS, `b` counts down.
fn db() -> Db {
    let mut db = Db::new();
    let columns = "a int NOT NULL, id int NOT NULL, b int NOT NULL, pad char(100) NOT NULL";
    for (name, keys) in [
        ("pair", "PRIMARY KEY CLUSTERED (a, id)"),
        ("down", "PRIMARY KEY CLUSTERED (a DESC, id DESC)"),
        ("heap", "PRIMARY KEY NONCLUSTERED (id)"),
        (
            "store",
            "PRIMARY KEY NONCLUSTERED (id), INDEX c CLUSTERED COLUMNSTORE",
        ),
        (
            "loose",
            "INDEX c CLUSTERED (a), PRIMARY KEY NONCLUSTERED (id)",
        ),
    ] {
        db.ok(&format!("CREATE TABLE {name} ({columns}, {keys})"));
        db.ok(&format!(
            "INSERT {name} SELECT value % 4, value, {ROWS} - value, 'x' FROM GENERATE_SERIES(1, {ROWS})"
        ));
    }
    db
}

fn work_of(db: &mut Db, sql: &str) -> Work {
    db.engine.reset_work();
    db.ok(sql);
    db.engine.work()
}

/// A seek on an equality and one range reads no more than it returns.
#[test]
fn an_equality_and_a_range_are_a_seek() {
    let mut db = db();
    for table in ["pair", "down"] {
        let work = work_of(
            &mut db,
            &format!("SELECT * FROM {table} WHERE a = 2 AND id > 100 AND id <= 900"),
        );
        assert_eq!((work.table_rows, work.touched(), work.sorts), (200, 200, 0));
    }
    // Several values of the first column are several seeks.
    let work = work_of(
        &mut db,
        "SELECT * FROM pair WHERE a IN (1, 2) AND id <= 900",
    );
    assert_eq!(work.table_rows, 450);
}

/// F3: the OR of the usual paging predicate is tested row by row, and only the first column is sought.
#[test]
fn an_or_over_two_columns_is_a_residual_predicate() {
    let mut db = db();
    let asked = "SELECT * FROM pair WHERE a >= 2 AND (a > 2 OR (id > 15000)) ORDER BY a, id";
    let work = work_of(&mut db, asked);
    // All rows of a = 2 and a = 3, for one in four of the first and all of the second.
    assert_eq!((work.table_rows, work.sorts), (2 * ONE_A, 0));
    assert_eq!(db.lines(asked).len() as u64, ONE_A + ONE_A / 4);
    // TOP stops there: the rows in front of the first hit are read all the same.
    let first = asked.replacen("SELECT", "SELECT TOP (1)", 1);
    assert_eq!(work_of(&mut db, &first).table_rows, ONE_A * 3 / 4 + 1);
}

/// An order that no index gives is a sort of all that was read, TOP or not.
#[test]
fn another_order_than_the_index_is_a_sort() {
    let mut db = db();
    let work = work_of(&mut db, "SELECT TOP (5) * FROM pair ORDER BY b");
    assert_eq!(
        (work.table_rows, work.sorts, work.sorted_rows),
        (ROWS, 1, ROWS)
    );
    let work = work_of(
        &mut db,
        "SELECT TOP (5) * FROM pair ORDER BY a DESC, id DESC",
    );
    assert_eq!((work.table_rows, work.sorts), (5, 0));
    // The rows of a columnstore, of a heap, and of an index that is not unique beyond its key.
    for (table, order) in [("store", "id"), ("heap", "id"), ("loose", "a, id")] {
        let work = work_of(&mut db, &format!("SELECT * FROM {table} ORDER BY {order}"));
        assert_eq!((work.sorts, work.sorted_rows), (1, ROWS), "{table}");
    }
    assert_eq!(work_of(&mut db, "SELECT * FROM loose ORDER BY a").sorts, 0);
}

/// F5: few rows are looked up one by one, many by a scan of the whole table.
#[test]
fn a_nonclustered_key_is_looked_up_below_the_tipping_point_and_scanned_beyond() {
    let mut db = db();
    for table in ["heap", "store", "loose"] {
        let few = format!("SELECT * FROM {table} WHERE id > 100 AND id <= 110");
        let work = work_of(&mut db, &few);
        assert_eq!(
            (work.index_rows, work.lookups, work.table_rows),
            (10, 10, 0),
            "{table}"
        );
        let many = format!("SELECT * FROM {table} WHERE id > 100 AND id <= 2600");
        let work = work_of(&mut db, &many);
        assert_eq!(
            (work.index_rows, work.lookups, work.table_rows),
            (0, 0, ROWS),
            "{table}"
        );
        // What the index holds needs neither.
        let held = format!("SELECT id FROM {table} WHERE id > 100 AND id <= 2600");
        let work = work_of(&mut db, &held);
        assert_eq!((work.index_rows, work.touched()), (2500, 2500), "{table}");
    }
}

/// The predicate is tested on the index where the index holds its columns.
#[test]
fn only_rows_that_pass_the_index_are_looked_up() {
    let mut db = db();
    db.ok("CREATE INDEX b ON loose (b) INCLUDE (id)");
    let work = work_of(&mut db, "SELECT * FROM loose WHERE b < 10 AND id % 2 = 0");
    assert_eq!((work.index_rows, work.lookups), (10, 5));
    let work = work_of(&mut db, "SELECT * FROM loose WHERE b < 10 AND pad = 'y'");
    assert_eq!((work.index_rows, work.lookups), (10, 10));
}

/// MIN, MAX and TOP (1) of a leading column are seeks; counts read the narrowest index.
#[test]
fn ends_are_seeks_and_counts_read_the_narrowest_index() {
    let mut db = db();
    let work = work_of(&mut db, "SELECT MIN(id), MAX(b) FROM loose");
    assert!(work.touched() >= ROWS, "two of them are a scan");
    assert_eq!(work_of(&mut db, "SELECT MAX(id) FROM loose").touched(), 1);
    assert_eq!(work_of(&mut db, "SELECT MIN(a) FROM pair").touched(), 1);
    let work = work_of(&mut db, "SELECT COUNT_BIG(*) FROM loose");
    assert_eq!((work.index_rows, work.table_rows), (ROWS, 0));
    let work = work_of(&mut db, "SELECT COUNT_BIG(*) FROM pair");
    assert_eq!((work.index_rows, work.table_rows), (0, ROWS));
    let work = work_of(
        &mut db,
        "SELECT COUNT_BIG(*) FROM pair WHERE a = 1 AND id < 41",
    );
    assert_eq!(work.touched(), 10);
}

/// F13: the server's own counts touch no row of the table.
#[test]
fn the_catalog_costs_nothing() {
    let mut db = db();
    let asked = "SELECT SUM(row_count) FROM sys.dm_db_partition_stats WHERE index_id < 2";
    assert_eq!(work_of(&mut db, asked), Work::default());
}

/// F12: NTILE reads its index, puts every row into a spool, and sorts where no index has its order.
#[test]
fn ntile_is_a_scan_a_spool_and_perhaps_a_sort() {
    let mut db = db();
    let tiles = |table: &str, order: &str| {
        format!(
            "SELECT MAX(t) FROM (SELECT NTILE(8) OVER (ORDER BY {order}) AS t FROM {table}) AS tiles"
        )
    };
    let work = work_of(&mut db, &tiles("pair", "a, id"));
    assert_eq!(
        (work.table_rows, work.spooled_rows, work.sorts),
        (ROWS, ROWS, 0)
    );
    let work = work_of(&mut db, &tiles("heap", "id"));
    assert_eq!(
        (work.index_rows, work.table_rows, work.spooled_rows),
        (ROWS, 0, ROWS)
    );
    let work = work_of(&mut db, &tiles("pair", "b"));
    assert_eq!((work.sorted_rows, work.spooled_rows), (ROWS, ROWS));
    // A filter beside the key is no second read: the rows are in the spool.
    let filtered = tiles("pair", "a, id").replace("FROM pair", "FROM pair WHERE b % 2 = 0");
    assert_eq!(work_of(&mut db, &filtered).table_rows, ROWS);
    // F16.
    let numbered = "SELECT * FROM (SELECT a, id, ROW_NUMBER() OVER (ORDER BY b, a, id) AS r FROM pair) AS n WHERE r > 15000";
    let work = work_of(&mut db, numbered);
    assert_eq!(
        (work.table_rows, work.sorted_rows, work.spooled_rows),
        (ROWS, ROWS, 0)
    );
}

/// TABLESAMPLE reads its share of the pages, and the order of the key is a sort of what it read.
#[test]
fn a_sample_touches_its_share() {
    let mut db = db();
    let asked =
        "SELECT a, id FROM pair TABLESAMPLE SYSTEM (10 PERCENT) REPEATABLE (7) ORDER BY a, id";
    let work = work_of(&mut db, asked);
    assert!((ROWS / 20..ROWS / 5).contains(&work.touched()), "{work:?}");
    assert_eq!(work.sorted_rows, work.table_rows);
    assert_eq!(db.lines(asked).len() as u64, work.table_rows);
}

/// The histogram of an index's first column, of any type that a `sql_variant` holds, costs nothing.
#[test]
fn a_histogram_has_up_to_200_steps_and_reads_nothing() {
    let mut db = db();
    let id = db.rows("SELECT index_id FROM sys.indexes WHERE object_id = OBJECT_ID('heap') AND is_primary_key = 1");
    let from = format!("FROM sys.dm_db_stats_histogram(OBJECT_ID('heap'), {id}) AS h");
    assert_eq!(
        work_of(&mut db, &format!("SELECT * {from}")),
        Work::default()
    );
    let ends = db.rows(&format!(
        "SELECT MIN(CAST(range_high_key AS int)), MAX(CAST(range_high_key AS int)), CAST(SUM(range_rows + equal_rows) AS int) {from}"
    ));
    assert_eq!(ends, format!("1|{ROWS}|{ROWS}"));
    let steps: usize = db.rows(&format!("SELECT COUNT(*) {from}")).parse().unwrap();
    assert!((100..=200).contains(&steps), "{steps}");
    // Few values are a step each.
    let few = "SELECT CAST(range_high_key AS int), equal_rows FROM sys.dm_db_stats_histogram(OBJECT_ID('down'), 1) ORDER BY step_number";
    assert_eq!(
        db.rows(few),
        "0|Real(5000.0); 1|Real(5000.0); 2|Real(5000.0); 3|Real(5000.0)"
    );
    db.ok("CREATE TABLE g (g uniqueidentifier NOT NULL PRIMARY KEY, t nvarchar(40) NOT NULL UNIQUE, d datetime2 NOT NULL UNIQUE)");
    db.ok("INSERT g VALUES ('00000000-0000-0000-0000-000000000001', N'x', '2024-01-01'), ('00000000-0000-0000-0000-000000000002', N'y', '2024-01-02')");
    for (index, ty, last) in [
        (
            1,
            "uniqueidentifier",
            "CAST('00000000-0000-0000-0000-000000000002' AS uniqueidentifier)",
        ),
        (2, "nvarchar(40)", "N'y'"),
        (3, "datetime2", "CAST('2024-01-02' AS datetime2)"),
    ] {
        let asked = format!(
            "SELECT COUNT(*) FROM sys.dm_db_stats_histogram(OBJECT_ID('g'), {index}) WHERE CAST(range_high_key AS {ty}) = {last}"
        );
        assert_eq!(db.rows(&asked), "1", "{ty}");
    }
}

/// Counted in total and by the text of the batch.
#[test]
fn work_is_told_by_statement() {
    let mut db = db();
    db.engine.reset_work();
    let (one, all) = ("SELECT MAX(id) FROM heap", "SELECT * FROM pair");
    db.ok(one);
    db.ok(all);
    db.ok(one);
    let told = db.engine.work_by_text();
    let texts: Vec<&str> = told.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(texts, [all, one]);
    assert_eq!((told[1].1.statements, told[1].1.index_rows), (2, 2));
    assert_eq!(db.engine.work().touched(), ROWS + 2);
}
