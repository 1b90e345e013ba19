//! The database that runs are broken on: four tables whose whole content two sums can tell.

use crate::support::postgres::Database;

/// Rows of each table.
pub(crate) const ROWS: i64 = 16_384;

/// Narrow, wide and composite keys, and a heap that has no key at all.
pub(crate) fn script() -> String {
    let mut script = String::from(
        "CREATE TABLE dbo.Narrow (Id int NOT NULL PRIMARY KEY CLUSTERED, V int NULL);\n\
         INSERT INTO dbo.Narrow VALUES (0, 0);\n",
    );
    for power in 0..14 {
        let step = 1 << power;
        script.push_str(&format!(
            "INSERT INTO dbo.Narrow SELECT Id + {step}, V + {step} FROM dbo.Narrow;\n"
        ));
    }
    script.push_str(
        "CREATE TABLE dbo.Wide (Id bigint IDENTITY(1, 1) NOT NULL PRIMARY KEY CLUSTERED, V int NULL, Body nvarchar(max) NULL);\n\
         INSERT INTO dbo.Wide (V, Body) SELECT V, REPLICATE(N'Straße ', 40) FROM dbo.Narrow;\n\
         CREATE TABLE dbo.Pair (A int NOT NULL, B int NOT NULL, V int NULL, CONSTRAINT PK_Pair PRIMARY KEY CLUSTERED (A, B));\n\
         INSERT INTO dbo.Pair SELECT V / 100, V % 100, V FROM dbo.Narrow;\n\
         CREATE TABLE dbo.Heap (V int NULL, Pad varchar(100) NULL);\n\
         INSERT INTO dbo.Heap SELECT V, 'pad' FROM dbo.Narrow;\n",
    );
    script
}

pub(crate) const TRANSFER: &str = "transfer: { partition_min_rows: 2000, max_partitions_per_table: 4, commit_every: 32KiB, \
     retry: { attempts: 5, initial_backoff: 10ms, max_backoff: 100ms } }";

/// Every row is there, and there once.
pub(crate) fn check(target: &Database<'_>) {
    let sum = ROWS * (ROWS - 1) / 2;
    for table in ["narrow", "wide", "pair", "heap"] {
        let sql = format!("SELECT count(*), count(DISTINCT v), sum(v) FROM public.{table}");
        let expected = [ROWS.to_string(), ROWS.to_string(), sum.to_string()].map(Some);
        assert_eq!(target.sql(&sql)[0], expected, "{table}");
    }
    assert_eq!(
        target.value("SELECT count(*) FROM public.wide WHERE body = repeat('Straße ', 40)"),
        ROWS.to_string()
    );
    let keys = "SELECT count(*) FROM pg_constraint WHERE contype = 'p' AND connamespace = 'public'::regnamespace";
    assert_eq!(target.value(keys), "3", "every primary key was made");
}
