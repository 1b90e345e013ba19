//! Rows that the source touches for each row that is moved.
//!
//! On a real server a read costs rows and pages that are touched, and sorts. The stand-in counts them
//! by SQL Server's rules (`tests/standin/README.md`); a table of 40,000 rows in 8 partitions tells what
//! each shape of key costs, cut points included. `make bench BENCH_ONLY=source_work` measures the same
//! shapes with a million rows, and with connections that break while rows are on their way.

use crate::support::scenario::Scenario;

const ROWS: u64 = 40_000;
const PARTITIONS: u64 = 8;
/// A dense key has its cut points by arithmetic.
const ONCE: f64 = 1.001;
/// With a sample of the table's pages.
const SAMPLED: f64 = 1.1;
/// Resumed in the middle of every partition, or cut as a straggler (and [`AHEAD`]).
const AGAIN: f64 = 1.2;
/// What the stand-in has read beyond the cut when the straggler's statement is stopped, for each row of
/// this table: 0.05 to 0.1 on a quiet machine, and up to 0.25 seen on a busy one, where little of it
/// had been sent. It does not grow with the table (`make bench BENCH_ONLY=source_work`: 1.2 with a
/// million rows).
const AHEAD: f64 = 0.3;
/// A range of a clustered index that is not unique commits as a whole, because its key does not say
/// which of several equal rows have come: a connection lost in the middle costs the first half again.
const WHOLE_RANGES: f64 = 1.6;
/// Rows of the sample that finds the cut points: 32 pages for each partition, of one row each, and a
/// quarter more because pages are drawn by chance.
const SAMPLE: u64 = 40 * PARTITIONS;
/// NTILE, LEAD and ORDER BY each sort it.
const SAMPLE_SORTS: u64 = 3;

/// A table `dbo.t` that is filled from the numbers 1 to [`ROWS`], called `value`. No two rows share a
/// page, so that a sample of pages is a small part of it.
struct Shape {
    name: &'static str,
    columns: &'static str,
    keys: &'static str,
    values: &'static str,
    before: &'static str,
    on: &'static str,
    after: &'static str,
    /// The column that no key needs, and its value.
    pad: (&'static str, &'static str),
}

const fn shape(
    name: &'static str,
    columns: &'static str,
    keys: &'static str,
    values: &'static str,
) -> Shape {
    Shape {
        name,
        columns,
        keys,
        values,
        before: "",
        on: "",
        after: "",
        // The stand-in takes a varchar(max) for 512 bytes of the page.
        pad: (
            "t1 varchar(max), t2 varchar(max), t3 varchar(max), pad char(3000) NOT NULL",
            "NULL, NULL, NULL, 'x'",
        ),
    }
}

const DENSE: Shape = shape(
    "one dense integer",
    "id int NOT NULL",
    "PRIMARY KEY (id)",
    "value",
);

/// Keys of one column, of which no arithmetic finds cut points.
const ONE_COLUMN: [Shape; 5] = [
    shape(
        "GUID",
        "id uniqueidentifier NOT NULL",
        "PRIMARY KEY (id)",
        "CAST(CAST(value * CAST(2654435761 AS bigint) % CAST(4294967296 AS bigint) AS binary(8)) + CAST(value * CAST(2654435761 AS bigint) % CAST(4294967296 AS bigint) AS binary(8)) AS uniqueidentifier)",
    ),
    shape(
        "text",
        "id varchar(30) COLLATE Latin1_General_CI_AS NOT NULL",
        "PRIMARY KEY (id)",
        "CONCAT('k', value * CAST(2654435761 AS bigint) % CAST(4294967296 AS bigint))",
    ),
    shape(
        "sparse integer",
        "id bigint NOT NULL",
        "PRIMARY KEY (id)",
        "value * CAST(2654435761 AS bigint) % CAST(4294967296 AS bigint)",
    ),
    shape(
        "decimal",
        "id decimal(18, 2) NOT NULL",
        "PRIMARY KEY (id)",
        "CAST(value AS decimal(18, 2)) * 3.07",
    ),
    shape(
        "date",
        "id datetime2(3) NOT NULL",
        "PRIMARY KEY (id)",
        "DATEADD(second, value * 61, CAST('2001-01-01' AS datetime2(3)))",
    ),
];

/// Keys of several columns.
const COMPOSITE: [Shape; 4] = [
    shape(
        "(constant, id)",
        "a int NOT NULL, id int NOT NULL",
        "PRIMARY KEY (a, id)",
        "1, value",
    ),
    shape(
        "(few values, id)",
        "a int NOT NULL, id int NOT NULL",
        "PRIMARY KEY (a, id)",
        "value % 5, value",
    ),
    shape(
        "(a, b, c)",
        "a int NOT NULL, b int NOT NULL, c int NOT NULL",
        "PRIMARY KEY (a, b, c)",
        "value % 3, value % 700, value",
    ),
    shape(
        "descending columns",
        "a int NOT NULL, id int NOT NULL",
        "PRIMARY KEY (a DESC, id DESC)",
        "value % 5, value",
    ),
];

const PARTITIONED: Shape = Shape {
    before: "CREATE PARTITION FUNCTION pf (int) AS RANGE RIGHT FOR VALUES (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)\nGO\n\
             CREATE PARTITION SCHEME ps AS PARTITION pf ALL TO ([PRIMARY])\nGO\n",
    on: " ON ps (day)",
    ..shape(
        "partition scheme on another column",
        "id int NOT NULL, day int NOT NULL",
        "PRIMARY KEY (id, day)",
        "value, value % 12",
    )
};

/// Tables whose key is not the order in which they are stored.
const NOT_CLUSTERED: [Shape; 3] = [
    shape(
        "heap with a nonclustered key",
        "id int NOT NULL",
        "PRIMARY KEY NONCLUSTERED (id)",
        "value",
    ),
    shape(
        "clustered index that is not unique",
        "id int NOT NULL, day int NOT NULL",
        "PRIMARY KEY NONCLUSTERED (id), INDEX c CLUSTERED (day)",
        "value, value / 50",
    ),
    shape(
        "clustered columnstore",
        "id int NOT NULL",
        "PRIMARY KEY NONCLUSTERED (id), INDEX c CLUSTERED COLUMNSTORE",
        "value",
    ),
];

const FROZEN: Shape = Shape {
    after: "GO\nALTER DATABASE CURRENT SET READ_ONLY\n",
    // Columns that can all be ordered exactly.
    pad: ("pad bigint NOT NULL", "value"),
    ..shape(
        "no key, frozen database",
        "id int NOT NULL",
        "CHECK (id > 0)",
        "value",
    )
};

/// What a run cost the source, in rows.
struct Cost {
    touched: u64,
    sorted: u64,
    /// How often a straggler was cut.
    splits: u64,
}

impl Cost {
    fn is_at_most(&self, limit: f64, what: &str) {
        let found = self.touched as f64 / ROWS as f64;
        assert!(
            found <= limit,
            "{what}: {found:.3} rows touched for each row moved, not {limit}"
        );
    }
}

/// Moves the table with these faults on the source's side, and checks that every row came once.
fn cost(shape: &Shape, transfer: &str, faults: &[String]) -> Cost {
    let scenario = Scenario::on_stand_in(&format!(
        "{}CREATE TABLE dbo.t ({}, {}, {}){}\nGO\n\
         INSERT dbo.t SELECT {}, {} FROM GENERATE_SERIES(1, {ROWS})\n{}",
        shape.before,
        shape.columns,
        shape.pad.0,
        shape.keys,
        shape.on,
        shape.values,
        shape.pad.1,
        shape.after
    ));
    let more = format!(
        "verify: none\ntransfer: {{ {transfer}, retry: {{ attempts: 20, initial_backoff: 10ms, max_backoff: 50ms }} }}"
    );
    let job = scenario.job(&more);
    let stand_in = scenario.stand_in();
    for fault in faults {
        let fault = fault.parse().expect("a fault");
        stand_in.handle.faults().add(fault);
    }
    stand_in.engine.reset_work();
    // A columnstore index cannot be created in PostgreSQL, which the exit code says.
    let code = if shape.keys.contains("COLUMNSTORE") {
        6
    } else {
        0
    };
    let report = job.report(&[], code);
    let work = stand_in.engine.work();
    let fired = stand_in.handle.faults().fired();
    assert!(fired >= faults.len() as u64, "{}: {fired}", shape.name);
    // A table in key order has no row twice: its key is made here, except where there is none.
    let rows = scenario.value("SELECT count(*) FROM public.t");
    assert_eq!(rows, ROWS.to_string(), "{}", shape.name);
    let cost = Cost {
        touched: work.touched(),
        sorted: work.sorted_rows,
        splits: report["tables"][0]["splits"].as_u64().unwrap_or(0),
    };
    eprintln!(
        "{}, {transfer}, {faults:?}: {:.3} touched for each row moved, {} sorted, {} splits",
        shape.name,
        cost.touched as f64 / ROWS as f64,
        cost.sorted,
        cost.splits
    );
    cost
}

/// The run as it should be, and the rows that it may sort.
fn whole(shape: &Shape, limit: f64, sorted: u64) {
    let transfer = format!("max_partitions_per_table: {PARTITIONS}, partition_min_rows: 100");
    let cost = cost(shape, &transfer, &[]);
    cost.is_at_most(limit, shape.name);
    assert!(
        cost.sorted <= sorted,
        "{}: {} sorted",
        shape.name,
        cost.sorted
    );
}

/// Each partition loses its connection in its middle and is read on from what was committed. The
/// connection is silent before it is lost, so that all rows that were sent have arrived and nothing but
/// the second statement's own work is counted, however slow the machine is.
fn resumed(shape: &Shape, limit: f64) {
    let transfer = format!(
        "max_partitions_per_table: {PARTITIONS}, partition_min_rows: 100, commit_every: 8KiB, \
         split_stragglers: false"
    );
    let half = ROWS / PARTITIONS / 2;
    let reads = format!("rows={half},times={PARTITIONS},match=[pad] FROM");
    let faults = [format!("stall:for=2s,{reads}"), format!("drop:{reads}")];
    let cost = cost(shape, &transfer, &faults);
    cost.is_at_most(limit, &format!("{}, resumed", shape.name));
}

/// One partition that is still long when the other workers are idle is cut, and they help.
fn straggler(shape: &Shape) {
    let transfer = "max_partitions_per_table: 4, commit_every: 8KiB";
    let fault = "stall:rows=2500,for=5s,times=1,match=[pad] FROM";
    let cost = cost(shape, transfer, &[fault.to_owned()]);
    let what = format!("{}, a straggler", shape.name);
    assert!(cost.splits > 0, "{what} was not cut");
    cost.is_at_most(AGAIN + AHEAD, &what);
}

/// MIN and MAX find the cut points.
#[test]
fn a_dense_integer_key_is_read_once() {
    whole(&DENSE, ONCE, 0);
    resumed(&DENSE, AGAIN);
    straggler(&DENSE);
}

/// F12: cut points of keys that no arithmetic divides.
#[test]
fn keys_of_one_column_are_read_once_with_their_cut_points() {
    for shape in &ONE_COLUMN {
        whole(shape, SAMPLED, SAMPLE_SORTS * SAMPLE);
    }
}

#[test]
fn keys_of_one_column_are_resumed_without_reading_the_rest() {
    for shape in &ONE_COLUMN {
        resumed(shape, AGAIN);
    }
}

#[test]
fn keys_of_one_column_are_cut_again_without_reading_the_rest() {
    for shape in &ONE_COLUMN {
        straggler(shape);
    }
}

/// F3: each range of a composite key is sought with an equality on its first columns.
#[test]
fn composite_keys_are_read_once() {
    for shape in &COMPOSITE {
        whole(shape, SAMPLED, SAMPLE_SORTS * SAMPLE);
    }
}

/// F3: the ranges that are left of a partition are sought as exactly as those that were planned.
#[test]
fn composite_keys_are_resumed_without_reading_the_rest() {
    for shape in &COMPOSITE {
        resumed(shape, AGAIN);
    }
}

#[test]
fn composite_keys_are_cut_again_without_reading_the_rest() {
    for shape in &COMPOSITE {
        straggler(shape);
    }
}

/// F4: one partition of the scheme after the other, each in its own order.
#[test]
fn a_table_on_a_partition_scheme_is_read_once_and_never_sorted() {
    whole(&PARTITIONED, ONCE, 0);
    resumed(&PARTITIONED, AGAIN);
}

/// F5: what a nonclustered key leads to is not looked for range by range.
#[test]
fn a_table_in_another_order_than_its_key_is_read_once() {
    let [heap, not_unique, columnstore] = &NOT_CLUSTERED;
    whole(heap, 1.0, 0);
    whole(not_unique, SAMPLED, SAMPLE_SORTS * SAMPLE);
    whole(columnstore, 1.0, 0);
    resumed(not_unique, WHOLE_RANGES);
}

/// F16: no order over all columns, and no scan for each slice.
#[test]
fn a_table_without_a_key_in_a_frozen_database_is_read_once() {
    whole(&FROZEN, 1.0, 0);
}
