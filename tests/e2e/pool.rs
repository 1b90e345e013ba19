//! One cap for the process: the server's own count of connections never passes it.

use crate::support::job::Job;
use crate::support::scenario::Scenario;

/// 16 tables of 2,000 rows.
fn sixteen_tables() -> String {
    let mut script =
        String::from("CREATE TABLE dbo.T0 (Id int NOT NULL PRIMARY KEY, V varchar(100) NULL);\n");
    script.push_str("INSERT INTO dbo.T0 VALUES (0, REPLICATE('x', 100));\n");
    for power in 0..11 {
        script.push_str(&format!(
            "INSERT INTO dbo.T0 SELECT Id + {}, V FROM dbo.T0;\n",
            1 << power
        ));
    }
    for table in 1..16 {
        script.push_str(&format!(
            "CREATE TABLE dbo.T{table} (Id int NOT NULL PRIMARY KEY, V varchar(100) NULL);\n"
        ));
        script.push_str(&format!(
            "INSERT INTO dbo.T{table} SELECT Id, V FROM dbo.T0;\n"
        ));
    }
    script
}

fn run_under(cap: usize) -> (serde_json::Value, u64) {
    let scenario = Scenario::on_stand_in(&sixteen_tables());
    let stand_in = scenario.stand_in();
    let counters = stand_in.handle.counters();
    counters.reset_peak();
    let pool = format!("{{ max_connections: {cap} }}");
    // More readers than connections, so that some are seen to wait.
    let more = "transfer: { partition_min_rows: 256, max_partitions_per_table: 8, commit_every: 16KiB, \
                partitions_in_flight: 4 }";
    let job = Job::with(
        scenario.server(),
        &scenario.source.name,
        &scenario.target.target(),
        &pool,
        more,
    );
    // Whoever has a connection keeps it for a moment, so that the others are seen to wait.
    let stall = "stall:rows=5,for=200ms,times=6,match=SELECT [Id], [V]";
    stand_in
        .handle
        .faults()
        .add(stall.parse().expect("a fault"));
    let report = job.report(&[], 0);
    for table in 0..16 {
        assert_eq!(
            scenario.value(&format!("SELECT count(DISTINCT id) FROM public.t{table}")),
            "2048"
        );
    }
    let snapshot = counters.snapshot();
    assert_eq!(
        snapshot.connections, 0,
        "every connection is closed at the end"
    );
    (report, snapshot.peak_connections)
}

fn source_pool(report: &serde_json::Value) -> &serde_json::Value {
    let pools = report["pools"].as_array().expect("pools");
    pools
        .iter()
        .find(|pool| pool["side"] == "source")
        .expect("the source's pool")
}

#[test]
fn sixteen_tables_of_eight_partitions_share_three_connections() {
    let (report, peak) = run_under(3);
    assert!(peak <= 3, "the server counted {peak} connections");
    let pool = source_pool(&report);
    assert!(
        pool["waits"].as_u64().expect("waits") > 0,
        "readers waited: {pool}"
    );
    assert!(pool["peak_in_use"].as_u64().expect("peak") <= 3);
    assert!(
        report["tables"]
            .as_array()
            .expect("tables")
            .iter()
            .all(|table| table["partitions"] == 8)
    );
}

#[test]
fn a_single_connection_is_enough() {
    let (_, peak) = run_under(1);
    assert_eq!(peak, 1);
}
