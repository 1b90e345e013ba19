//! A table that is changed while it is read.

use super::{ended, script, text, wait_until};
use crate::documented::documented;
use crate::support::job::Job;
use crate::support::scenario::Scenario;

#[test]
fn a_column_that_got_another_type_is_said_as_t_sql_writes_it() {
    for (change, said) in [
        (
            "ALTER TABLE dbo.T ALTER COLUMN V nvarchar(200) NOT NULL;",
            "the column was int when the table was planned and is nvarchar(200) now",
        ),
        (
            "ALTER TABLE dbo.T ALTER COLUMN V bigint NOT NULL;",
            "the column was int when the table was planned and is bigint now",
        ),
    ] {
        let scenario = Scenario::on_stand_in(&script());
        let job = Job::from_text(&text(&scenario.source, &scenario.target.target()));
        let stand_in = scenario.stand_in();
        let faults = stand_in.handle.faults();
        let stall = "stall:rows=200,for=30s,times=4,match=FROM [dbo].[T]";
        scenario.fault(stall);
        let child = job.spawn(&[]);
        wait_until("a partition is read", || faults.fired() > 0);
        scenario.clear_faults();
        scenario.script(change);
        // What is read on after this is read as the table is now.
        stand_in.handle.drop_connections();
        let answer = ended(child);
        documented("run-changed", &answer);
        let all = format!("{} {}", answer.stdout, answer.stderr);
        // The report is broken into lines.
        let flat = all.split_whitespace().collect::<Vec<_>>().join(" ");
        let advice = "the table was changed since the plan was made";
        for words in ["table dbo.T", "column V", said, advice] {
            assert!(flat.contains(words), "{words} is not in:\n{all}");
        }
    }
}
