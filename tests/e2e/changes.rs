//! A source that others write to during the run.

use crate::support::scenario::Scenario;
use std::sync::atomic::{AtomicBool, Ordering};

/// 4,096 rows with even keys that nobody touches; writers work on odd keys and on `V` of some.
const SCRIPT: &str = "CREATE TABLE dbo.Live (Id int NOT NULL PRIMARY KEY CLUSTERED, V varchar(50) NULL);\n\
                      INSERT INTO dbo.Live VALUES (0, 'still');\n";

#[test]
fn rows_that_nobody_touched_arrive_exactly_once() {
    let mut script = SCRIPT.to_owned();
    for power in 1..=12 {
        script.push_str(&format!(
            "INSERT INTO dbo.Live SELECT Id + {}, V FROM dbo.Live;\n",
            1 << power
        ));
    }
    let scenario = Scenario::loaded(&script);
    let more = "verify: none\ntransfer: { partition_min_rows: 500, max_partitions_per_table: 8, commit_every: 4KiB }";
    let job = scenario.job(more);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut round = 0;
            while !stop.load(Ordering::Relaxed) {
                let id = (round * 997) % 8_192 / 2 * 2 + 1;
                scenario.script(&format!(
                    "INSERT INTO dbo.Live VALUES ({id}, 'new');\n\
                     UPDATE dbo.Live SET V = 'grown in place by an update' WHERE Id = {};\n\
                     DELETE FROM dbo.Live WHERE Id = {};\n",
                    id - 1,
                    (id + 4_000) % 8_192 / 2 * 2 + 1
                ));
                scenario.script(&format!("DELETE FROM dbo.Live WHERE Id = {id};"));
                round += 1;
            }
        });
        let report = std::panic::catch_unwind(|| job.report(&[], 0));
        stop.store(true, Ordering::Relaxed);
        report.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    let even = "SELECT count(*) FROM public.live WHERE id % 2 = 0";
    assert_eq!(scenario.value(even), "4096");
    assert_eq!(
        scenario.value(
            "SELECT count(*) FROM (SELECT id FROM public.live GROUP BY id HAVING count(*) > 1) d"
        ),
        "0"
    );
}
