//! The JSON of every report, compared with the one that was reviewed: programs read it, so neither a
//! word nor a key may change because something was renamed here.

use std::collections::BTreeMap;

use serde_json::json;

use super::json_words_tests::{column, target, words};
use crate::config::job::Consistency;
use crate::config::setting::{Origin, Setting};
use crate::error::{Error, Kind};
use crate::plan::changes::TypeChange;
use crate::plan::table::{ColumnPlan, PrimaryKey, Strategy, TablePlan};
use crate::report::assessment::{Assessment, ByHand, KindCount};
use crate::report::check::{
    AtRisk, ChangedColumns, CheckReport, Finding, OneReader, Outlook, Severity, TableSize, Volume,
};
use crate::report::estimate::{Estimate, TableSamples};
use crate::report::file::ReportFile;
use crate::report::live::{LivePool, LiveState, LiveTable};
use crate::report::planned::{PlanReport, PlannedTable, SkippedTable, UnplannedTable};
use crate::report::pool::{PoolReport, Side};
use crate::report::rejects::{FaultyColumn, RejectedRow, RejectedTable, RejectsReport};
use crate::report::run::tests::facts;
use crate::report::run::{Report, RunOutcome};
use crate::report::schema::{SchemaReport, SchemaSection, Statement};
use crate::report::server::ServerFacts;
use crate::report::status::{
    LiveProcess, MemberStatus, RunState, RunStatus, StatusReport, TableStatus,
};
use crate::report::table::{Cause, TableOutcome, TableReport};
use crate::report::time::TimeSpent;
use crate::report::timeline::{Bar, Sample, StepSpan, TableSpan, Timeline};
use crate::report::tune::TuneReport;
use crate::report::tune::tests as tune;
use crate::report::verify::{
    Checksums, ColumnDifference, Difference, KeyPart, RowDifference, Taken, Values, VerifiedTable,
    VerifyReport,
};
use crate::report::{Endpoint, Omission};
use tsql::schema::inventory::{AssessedModule, Effort, InventoryKind, Statements};
use tsql::typemap::PgType;

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/reports.json");

#[test]
fn the_json_of_every_report_is_the_one_that_was_reviewed() {
    let all = json!({
        "words": words(),
        "run": run(),
        "report_file": ReportFile::new(&run(), &timeline(), &settings()),
        "plan": plan(),
        "check": check(),
        "status": status(),
        "verify": verification(),
        "tune": TuneReport::draw_up(tune::facts(vec![tune::sample(1, 100.0, 0.75)])),
        "schema": schema(),
        "rejects": rejects(),
    });
    let made = format!("{:#}\n", all);
    if std::env::var_os("MIGRATE_TEST_BLESS").is_some() {
        std::fs::write(FIXTURE, &made).expect("the fixture");
    }
    let reviewed = std::fs::read_to_string(FIXTURE).expect("the fixture");
    assert_eq!(
        made, reviewed,
        "review the change, then MIGRATE_TEST_BLESS=1"
    );
}

fn endpoint() -> Endpoint {
    Endpoint {
        address: "db:1433".into(),
        database: "shop".into(),
        version: "16.0.4135.4".into(),
        tls: Some("legacy".into()),
    }
}

fn cause() -> Cause {
    let error = Error::new(Kind::SourceLost, "the connection broke").at_table("dbo.Posts");
    Cause::new(&error, "look into the server's log")
}

fn omission() -> Omission {
    Omission {
        table: "dbo.Posts".into(),
        object: "index IX_Posts".into(),
        reason: "its predicate was not translated".into(),
        text: Some("([A] IS NOT NULL)".into()),
    }
}

fn inventory() -> Vec<InventoryKind> {
    vec![InventoryKind {
        kind: "procedures".into(),
        names: vec!["dbo.DoIt".into()],
        unread: None,
        note: Some("why".into()),
        modules: vec![AssessedModule {
            name: "dbo.DoIt".into(),
            lines: 12,
            constructs: vec!["cursor".into()],
            statements: Statements::Some,
            effort: Effort::Medium,
            reason: Some("a cursor".into()),
        }],
    }]
}

fn run() -> Report {
    let mut facts = facts();
    facts.source = endpoint();
    facts.target = endpoint();
    facts.consistency = Consistency::Relaxed;
    facts.tables.push(TableReport {
        cause: Some(cause()),
        changed_columns: BTreeMap::from([("Note".to_owned(), 2)]),
        truncated_columns: BTreeMap::from([("At".to_owned(), 1)]),
        notes: vec!["a note".into()],
        ..TableReport::new("dbo.B", "public.b", TableOutcome::Failed)
    });
    facts.pools = vec![PoolReport {
        side: Side::Source,
        max_connections: 8,
        peak_in_use: 3,
        acquisitions: 20,
        waits: 1,
        longest_wait: 0.5,
        mean_wait: 0.5,
        use_seconds: 12.0,
        mean_use: 0.6,
        timeouts: 0,
        connects: 3,
        reconnects: 0,
        connect_errors: 1,
    }];
    facts.verification = Some(verification());
    facts.omissions = vec![omission()];
    facts.inventory = inventory();
    Report::draw_up(facts)
}

fn timeline() -> Timeline {
    let bar = |table: Option<&str>, partition| Bar {
        lane: 1,
        table: table.map(str::to_owned),
        partition,
        partitions: 1,
        start: 3.0,
        end: 4.0,
        committed: 4.5,
        rows: 600,
        bytes: 6000,
        failed: false,
        waits: TimeSpent::default(),
    };
    Timeline {
        steps: vec![StepSpan {
            number: 4,
            name: "loading".into(),
            start: 2.0,
            end: 10.0,
        }],
        lanes: 1,
        bars: vec![bar(Some("dbo.A"), Some(1)), bar(None, None)],
        tables: vec![TableSpan {
            table: "dbo.A".into(),
            start: Some(3.0),
            loaded: Some(4.5),
            end: None,
        }],
        sample_seconds: 1.0,
        samples: vec![Sample::default()],
    }
}

fn settings() -> Vec<Setting> {
    let origins = [
        Origin::Default,
        Origin::File,
        Origin::Environment("MAX_PG_CONNECTIONS"),
    ];
    let setting = |origin| Setting {
        key: "target.pool.max_connections".into(),
        value: "8".into(),
        origin,
    };
    origins.map(setting).to_vec()
}

fn plan() -> PlanReport {
    let plan = TablePlan {
        schema: "dbo".into(),
        name: "Posts".into(),
        target: target(),
        columns: vec![ColumnPlan {
            source: column(),
            position: 0,
            target_name: "id".into(),
            target_type: PgType::Integer,
            identity: column().identity,
            clauses: Default::default(),
        }],
        generated: Vec::new(),
        primary_key: Some(PrimaryKey {
            name: "posts_pkey".into(),
            columns: vec!["id".into()],
        }),
        strategy: Strategy::Single,
        wanted_partitions: 8,
        dense_partitions: 8,
        estimated_rows: 1000,
        estimated_bytes: 8192,
        filter: Some("[A] > 0".into()),
        memory_optimized: true,
        filtered_by_policy: true,
        objects: Default::default(),
        omissions: Vec::new(),
        notes: vec!["a note".into()],
    };
    PlanReport {
        job: "demo".into(),
        source: endpoint(),
        tables: vec![PlannedTable {
            plan,
            ddl: vec!["CREATE TABLE public.posts (id integer)".into()],
            changes: vec![TypeChange {
                column: "Id".into(),
                from: "int".into(),
                to: "integer".into(),
            }],
        }],
        skipped: vec![SkippedTable {
            table: "dbo.Old".into(),
            reason: "excluded".into(),
        }],
        failed: vec![UnplannedTable {
            table: "dbo.Odd".into(),
            cause: cause(),
        }],
        problems: vec![cause()],
        omissions: vec![omission()],
        notes: vec!["a note".into()],
        inventory: inventory(),
        others: vec!["CREATE SEQUENCE s".into()],
        assessment: Assessment {
            kinds: vec![KindCount {
                kind: "tables".into(),
                moved: 1,
                by_hand: 1,
                left_out: 1,
                unread: Some("no right".into()),
            }],
            by_hand: vec![ByHand {
                kind: "procedures".into(),
                name: "dbo.DoIt".into(),
                reason: "a cursor".into(),
                effort: Effort::Medium,
                lines: 12,
                text: Some("CREATE PROCEDURE".into()),
            }],
        },
        estimate: None,
        kind: None,
    }
}

fn check() -> CheckReport {
    CheckReport {
        job: "demo".into(),
        settings: vec![Setting {
            key: "source.password".into(),
            value: "***".into(),
            origin: Origin::Environment("MSSQL_PASSWORD"),
        }],
        source: Some(endpoint()),
        target: None,
        source_facts: Some(ServerFacts {
            edition: Some("Developer Edition (64-bit)".into()),
            collation: "Latin1_General_CI_AS".into(),
            login: "reader".into(),
            sign_in: Some("SQL".into()),
            encryption: "TLS, verified".into(),
            round_trip_ms: 0.25,
            clock_ahead_s: -1,
            isolation: "read committed, snapshot on".into(),
            database_bytes: Some(8 << 20),
            free_bytes: None,
            free_unknown: Some("the server is on another machine".into()),
        }),
        target_facts: None,
        volume: Some(Volume {
            tables: 2,
            rows: 1000,
            bytes: 4096,
        }),
        estimate: Some(Estimate {
            shortest_seconds: 10.0,
            longest_seconds: 20.5,
            samples: vec![TableSamples {
                table: "dbo.Posts".into(),
                connections: 4,
                bytes_per_second: vec![100.0, 200.0],
                rows_per_second: vec![1.0, 2.0],
            }],
            sampled_share: 0.5,
            notes: vec!["a note".into()],
        }),
        outlook: Outlook {
            one_reader: vec![OneReader {
                reason: "no unique key".into(),
                tables: vec![TableSize {
                    table: "dbo.Log".into(),
                    bytes: 4096,
                }],
            }],
            changed_columns: vec![ChangedColumns {
                table: "dbo.Posts".into(),
                columns: vec![TypeChange {
                    column: "Price".into(),
                    from: "money".into(),
                    to: "numeric(19,4)".into(),
                }],
            }],
            at_risk: vec![AtRisk {
                risk: "U+0000 in text".into(),
                columns: vec!["dbo.Posts.Body".into()],
            }],
            omissions: vec![omission()],
        },
        findings: vec![Finding {
            severity: Severity::Warning,
            finding: "consistency relaxed".into(),
            advice: "use strict".into(),
        }],
        unreachable: false,
        kind: None,
    }
}

fn status() -> StatusReport {
    StatusReport {
        job: "demo".into(),
        run: Some(RunStatus {
            run_id: "7".into(),
            state: RunState::Ended(RunOutcome::Failed),
            started: "2026-03-04T05:06:07Z".into(),
            ended: Some("2026-03-04T06:00:00Z".into()),
            rows: 10,
            expected_rows: 20,
            rows_per_second: Some(2.5),
            seconds_left: Some(4.0),
            tables: vec![TableStatus {
                table: "dbo.Posts".into(),
                state: "failed",
                rows: 10,
                expected_rows: 20,
                bytes: 100,
                rows_per_second: Some(2.5),
                seconds_left: Some(4.0),
                finishing: false,
                rejected_rows: 1,
                partitions_done: 1,
                partitions: 2,
                cause: Some("the connection broke".into()),
            }],
        }),
        held_by: Some("pid 4711".into()),
        members: vec![MemberStatus {
            host: "etl-2".into(),
            pid: 4712,
            since: "2026-03-04T05:06:07Z".into(),
            leads: false,
            doing: "loads 1 of dbo.Posts".into(),
        }],
        live: vec![LiveProcess {
            host: "etl-2".into(),
            pid: 4712,
            state: LiveState {
                step: 4,
                steps: 8,
                doing: "loading".into(),
                step_tables: (0, 0),
                pools: vec![LivePool {
                    side: Side::Source,
                    max_connections: 12,
                    in_use: 12,
                    waiting: 3,
                }],
                bottleneck: Some("waiting for the source 80 %".into()),
                warning: Some("warning: 2 waits".into()),
                rows_per_second: 2.5,
                bytes_per_second: 100.0,
                active_partitions: 1,
                tables: vec![LiveTable {
                    table: "dbo.Posts".into(),
                    rows_per_second: 2.5,
                    finishing: false,
                }],
            },
        }],
    }
}

fn verification() -> VerifyReport {
    let values = Values {
        source: Some("1".into()),
        target: None,
    };
    VerifyReport {
        job: "demo".into(),
        tables: vec![VerifiedTable {
            table: "dbo.Posts".into(),
            target: "public.posts".into(),
            source_rows: Some(2),
            target_rows: Some(1),
            rejected: 0,
            checksums: Some(Checksums {
                source: "0a".into(),
                target: "0b".into(),
                source_taken: Taken::Loading,
                differences: vec![RowDifference {
                    difference: Difference::Changed,
                    key: vec![KeyPart {
                        column: "Id".into(),
                        value: Some("1".into()),
                    }],
                    row: Some("0123456789abcdef".into()),
                    source_rows: 1,
                    target_rows: 1,
                    columns: vec![ColumnDifference {
                        column: "A".into(),
                        values: Some(values),
                    }],
                }],
                unlisted: 1,
                notes: vec!["a note".into()],
            }),
            cause: Some(cause()),
        }],
        views: vec![VerifiedTable {
            table: "dbo.Active".into(),
            target: "public.active".into(),
            source_rows: Some(2),
            target_rows: Some(2),
            rejected: 0,
            checksums: None,
            cause: None,
        }],
        seconds: 0.5,
    }
}

fn schema() -> SchemaReport {
    SchemaReport {
        job: "demo".into(),
        source: endpoint(),
        parts: vec![SchemaSection {
            title: "tables",
            statements: vec![Statement {
                of: "dbo.Posts".into(),
                notes: vec!["a note".into()],
                sql: "CREATE TABLE public.posts (id integer)".into(),
            }],
        }],
        omissions: vec![omission()],
    }
}

fn rejects() -> RejectsReport {
    RejectsReport {
        job: "demo".into(),
        tables: vec![RejectedTable {
            table: "dbo.Posts".into(),
            rows: 1,
        }],
        rejects: vec![RejectedRow {
            id: 1,
            run_id: "7".into(),
            table: "dbo.Posts".into(),
            partition: 1,
            key: Some(json!({ "Id": 1 })),
            faults: vec![FaultyColumn {
                column: "Note".into(),
                reason: "nul_characters".into(),
            }],
            at: "2026-03-04T05:06:07Z".into(),
            row: Some(json!({ "id": "1" })),
        }],
    }
}
