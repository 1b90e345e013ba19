//! Memory-optimised tables, which have other isolation levels than tables on disk.

use std::sync::Arc;

use crate::support::job::Job;
use crate::support::postgres::Postgres;
use crate::support::source::{Source, SourceDatabase};

const SCRIPT: &str = include_str!("../fixtures/field/D23_memory_optimised.sql");

/// A table on disk beside it, and one of a range index that is divided.
const MORE: &str = "\
CREATE TABLE dbo.Disk (Id int NOT NULL PRIMARY KEY, V int NULL);
DECLARE @i int = 1;
WHILE @i <= 500 BEGIN INSERT INTO dbo.Disk VALUES (@i, @i); SET @i = @i + 1; END;
GO
CREATE TABLE dbo.Ranged (Id int NOT NULL, V int NOT NULL,
  CONSTRAINT PK_Ranged PRIMARY KEY NONCLUSTERED (Id)) WITH (MEMORY_OPTIMIZED = ON, DURABILITY = SCHEMA_ONLY);
GO
DECLARE @i int = 1;
WHILE @i <= 900 BEGIN INSERT INTO dbo.Ranged VALUES (@i * @i, @i); SET @i = @i + 1; END;
GO
ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON;
";

/// The script, after what it needs of a server that has files.
fn filled(source: &Arc<Source>) -> Option<SourceDatabase> {
    let filegroup = "\
ALTER DATABASE CURRENT ADD FILEGROUP memory CONTAINS MEMORY_OPTIMIZED_DATA;
DECLARE @add nvarchar(max) = N'ALTER DATABASE CURRENT ADD FILE (NAME = memory, FILENAME = '''
  + CONVERT(nvarchar(400), SERVERPROPERTY('InstanceDefaultDataPath')) + DB_NAME()
  + N'.memory'') TO FILEGROUP memory';
EXEC (@add);
GO
";
    let needed = if source.stand_in.is_some() {
        ""
    } else {
        filegroup
    };
    source.database_if_supported(&format!("{needed}{SCRIPT}\n{MORE}"))
}

/// F6, D23. Errors 41332 and 41368, and no READ UNCOMMITTED: each consistency once failed on such a
/// table but `strict`.
#[test]
fn memory_optimised_tables_arrive_under_every_consistency() {
    let Some(database) = filled(Source::shared()) else {
        return;
    };
    for consistency in ["strict", "snapshot", "relaxed"] {
        for verify in ["counts", "checksums"] {
            let target = Postgres::shared().database();
            let more = format!(
                "verify: {verify}\ntransfer: {{ consistency: {consistency}, partition_min_rows: 200, \
                 max_partitions_per_table: 4 }}"
            );
            let job = Job::new(&database, &target.target(), &more);
            let report = job.report(&[], 0);
            let told = format!("{consistency}, {verify}: {report}");
            let sql = "SELECT (SELECT string_agg(id || ' ' || coalesce(payload::text, 'NULL'), ',' ORDER BY id) \
                       FROM public.d23_session), (SELECT count(*) FROM public.disk), \
                       (SELECT count(*) || ' ' || sum(v) FROM public.ranged)";
            let expected =
                ["1 \\x01,2 NULL", "500", "900 405450"].map(|text| Some(text.to_owned()));
            assert_eq!(target.sql(sql)[0], expected, "{told}");
            let compared = report["verification"]["tables"].as_array().expect("tables");
            assert_eq!(compared.len(), 3, "{told}");
            for table in compared {
                assert_eq!(table["source_rows"], table["target_rows"], "{told}");
            }
        }
    }
}

/// A session that was lowered to READ COMMITTED for such a table and met an error there does not go
/// back to the pool: other tables would no longer be read under SNAPSHOT.
#[test]
fn an_error_does_not_leave_a_session_below_snapshot() {
    let source = Source::stand_in();
    let database = filled(&source).expect("the stand-in takes the script");
    let target = Postgres::shared().database();
    let more = "verify: none\ntransfer: { consistency: snapshot, partitions_in_flight: 1, \
                retry: { attempts: 3, initial_backoff: 10ms, max_backoff: 20ms } }";
    let stand_in = source.expect_stand_in();
    let logins = stand_in.handle.counters().snapshot().logins;
    let deadlock = "error:number=1205,times=2,match=FROM [dbo].[D23_Session] WITH (SNAPSHOT)";
    stand_in
        .handle
        .faults()
        .add(deadlock.parse().expect("a fault"));
    let job = Job::new(&database, &target.target(), more);
    job.report(&[], 0);
    assert_eq!(target.value("SELECT count(*) FROM public.d23_session"), "2");
    assert_eq!(target.value("SELECT count(*) FROM public.disk"), "500");
    let opened = stand_in.handle.counters().snapshot().logins - logins;
    assert!(
        opened >= 3,
        "two sessions were given up, {opened} were opened"
    );
}
