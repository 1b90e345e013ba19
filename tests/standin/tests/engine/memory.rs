//! Memory-optimised tables: the levels and hints that they refuse, and how the catalog shows them.

use crate::harness::{Db, check};

fn filled() -> Db {
    let mut db = Db::new();
    db.ok("ALTER DATABASE t SET ALLOW_SNAPSHOT_ISOLATION ON");
    db.ok(
        "CREATE TABLE dbo.m (id int NOT NULL CONSTRAINT pk_m PRIMARY KEY NONCLUSTERED HASH \
         WITH (BUCKET_COUNT = 64), v int NULL, INDEX ix_v (v)) \
         WITH (MEMORY_OPTIMIZED = ON, DURABILITY = SCHEMA_ONLY)",
    );
    db.ok("INSERT INTO dbo.m VALUES (1, 10), (2, 20)");
    db.ok("CREATE TABLE dbo.d (id int NOT NULL PRIMARY KEY)");
    db
}

#[test]
fn a_session_under_snapshot_is_refused_and_a_hint_does_not_help() {
    let mut db = filled();
    db.ok("SET TRANSACTION ISOLATION LEVEL SNAPSHOT");
    assert_eq!(db.error("SELECT * FROM dbo.m"), 41332);
    assert_eq!(db.error("SELECT * FROM dbo.m WITH (SNAPSHOT)"), 41332);
    let lowered = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; \
                   SELECT COUNT(*) FROM dbo.m WITH (SNAPSHOT); \
                   SET TRANSACTION ISOLATION LEVEL SNAPSHOT";
    assert_eq!(db.rows(lowered), "2");
    assert_eq!(db.error("SELECT * FROM dbo.m"), 41332);
}

#[test]
fn read_uncommitted_and_locks_are_refused() {
    let mut db = filled();
    for hint in ["NOLOCK", "READUNCOMMITTED", "TABLOCK", "ROWLOCK"] {
        assert_eq!(
            db.error(&format!("SELECT * FROM dbo.m WITH ({hint})")),
            10794
        );
    }
    assert_eq!(
        db.error("SELECT * FROM dbo.m TABLESAMPLE (50 PERCENT)"),
        10794
    );
    db.ok("SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED");
    assert_eq!(db.error("SELECT * FROM dbo.m"), 10794);
    assert_eq!(db.rows("SELECT COUNT(*) FROM dbo.m WITH (SNAPSHOT)"), "2");
}

#[test]
fn read_committed_is_for_single_statements() {
    let mut db = filled();
    assert_eq!(db.rows("SELECT id FROM dbo.m WHERE v = 20"), "2");
    db.ok("BEGIN TRANSACTION");
    assert_eq!(db.error("SELECT * FROM dbo.m"), 41368);
    assert_eq!(db.rows("SELECT COUNT(*) FROM dbo.m WITH (SNAPSHOT)"), "2");
    db.ok("COMMIT");
}

#[test]
fn the_hint_is_for_such_tables_alone_and_they_have_no_clustered_index() {
    let mut db = filled();
    db.error("SELECT * FROM dbo.d WITH (SNAPSHOT)");
    let clustered = "CREATE TABLE dbo.c (id int NOT NULL PRIMARY KEY) WITH (MEMORY_OPTIMIZED = ON)";
    assert_eq!(db.error(clustered), 12317);
    check(
        &mut db,
        &[
            (
                "SELECT is_memory_optimized, durability_desc FROM sys.tables WHERE name = 'm'",
                "1|SCHEMA_ONLY",
            ),
            (
                "SELECT index_id, type, type_desc FROM sys.indexes WHERE object_id = OBJECT_ID('dbo.m') ORDER BY index_id",
                "2|7|NONCLUSTERED HASH; 3|2|NONCLUSTERED",
            ),
            (
                "SELECT COUNT(*) FROM sys.dm_db_partition_stats WHERE object_id = OBJECT_ID('dbo.m') AND index_id IN (0, 1)",
                "0",
            ),
        ],
    );
}

#[test]
fn the_kept_count_can_be_made_to_lie() {
    let mut db = filled();
    let kept =
        "SELECT row_count FROM sys.dm_db_partition_stats WHERE object_id = OBJECT_ID('dbo.d')";
    db.ok("INSERT INTO dbo.d VALUES (1), (2)");
    assert_eq!(db.rows(kept), "2");
    db.ok("UPDATE STATISTICS dbo.d WITH ROWCOUNT = 7");
    assert_eq!(db.rows(kept), "7");
    assert_eq!(db.rows("SELECT COUNT(*) FROM dbo.d"), "2");
}

#[test]
fn a_durable_table_needs_a_primary_key() {
    let mut db = filled();
    let columns = "(id int NOT NULL, INDEX ix (id))";
    for durable in ["", ", DURABILITY = SCHEMA_AND_DATA"] {
        let sql = format!("CREATE TABLE dbo.k {columns} WITH (MEMORY_OPTIMIZED = ON{durable})");
        assert_eq!(db.error(&sql), 41321, "{sql}");
    }
    db.ok(&format!(
        "CREATE TABLE dbo.k {columns} WITH (MEMORY_OPTIMIZED = ON, DURABILITY = SCHEMA_ONLY)"
    ));
}
