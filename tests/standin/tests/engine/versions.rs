//! System-versioned tables.

use crate::harness::{Db, check};

#[test]
fn a_table_and_its_history() {
    let mut db = Db::new();
    db.ok("CREATE TABLE t (id int NOT NULL PRIMARY KEY, a int, f datetime2(0) GENERATED ALWAYS AS ROW START HIDDEN NOT NULL, u datetime2(0) GENERATED ALWAYS AS ROW END HIDDEN NOT NULL, PERIOD FOR SYSTEM_TIME (f, u)) WITH (SYSTEM_VERSIONING = ON (HISTORY_TABLE = dbo.th, DATA_CONSISTENCY_CHECK = ON))");
    db.ok("INSERT t VALUES (1, 10), (2, 20)");
    db.ok("UPDATE t SET a = 11 WHERE id = 1; DELETE t WHERE id = 2");
    check(
        &mut db,
        &[
            (
                "SELECT name, temporal_type, temporal_type_desc, OBJECT_NAME(history_table_id) FROM sys.tables ORDER BY name",
                "t|2|SYSTEM_VERSIONED_TEMPORAL_TABLE|th; th|1|HISTORY_TABLE|NULL",
            ),
            (
                "SELECT name, generated_always_type, generated_always_type_desc, is_hidden FROM sys.columns WHERE object_id = OBJECT_ID('t') ORDER BY column_id",
                "id|0|NOT_APPLICABLE|0; a|0|NOT_APPLICABLE|0; f|1|AS_ROW_START|1; u|2|AS_ROW_END|1",
            ),
            (
                "SELECT name, period_type_desc, start_column_id, end_column_id FROM sys.periods",
                "SYSTEM_TIME|SYSTEM_TIME_PERIOD|3|4",
            ),
            (
                "SELECT name, type_desc, is_unique FROM sys.indexes WHERE object_id = OBJECT_ID('th')",
                "ix_th|CLUSTERED|0",
            ),
            // Hidden columns are there for those who name them.
            ("SELECT * FROM t", "1|11"),
            (
                "SELECT CONVERT(varchar(30), u, 126) FROM t",
                "9999-12-31T23:59:59",
            ),
            ("SELECT id, a FROM th ORDER BY id", "1|10; 2|20"),
            ("SELECT COUNT(*) FROM th WHERE f <= u", "2"),
        ],
    );
    assert_eq!(db.error("INSERT t (id, f) VALUES (3, '2020-01-01')"), 13536);
    assert_eq!(db.error("DROP TABLE t"), 13552);
    db.ok("ALTER TABLE t SET (SYSTEM_VERSIONING = OFF); DROP TABLE th; DROP TABLE t");
    // Versioning comes to a table that is there, with its rows.
    db.ok("CREATE TABLE late (id int PRIMARY KEY); INSERT late VALUES (1)");
    db.ok("ALTER TABLE late ADD f datetime2 GENERATED ALWAYS AS ROW START HIDDEN NOT NULL CONSTRAINT DF_f DEFAULT '2020-01-01', u datetime2 GENERATED ALWAYS AS ROW END HIDDEN NOT NULL CONSTRAINT DF_u DEFAULT '9999-12-31 23:59:59.9999999', PERIOD FOR SYSTEM_TIME (f, u)");
    db.ok("ALTER TABLE late SET (SYSTEM_VERSIONING = ON (HISTORY_TABLE = dbo.late_history))");
    assert_eq!(
        db.rows("SELECT temporal_type FROM sys.tables ORDER BY name"),
        "2; 1"
    );
    assert_eq!(
        db.error("CREATE TABLE n (id int) WITH (SYSTEM_VERSIONING = ON)"),
        13510
    );
}
