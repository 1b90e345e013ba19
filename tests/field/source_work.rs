//! Rows that the source touches for each row that is moved.
//!
//! On a real server a read costs rows and pages that are touched, and sorts. The stand-in counts them
//! by SQL Server's rules (`tests/standin/README.md`); a table of 20,000 rows in 8 partitions tells what
//! each shape of key costs, cut points included. `make bench BENCH_ONLY=source_work` measures the same
//! shapes with a million rows.

use crate::support::job::Job;
use crate::support::postgres::Postgres;
use crate::support::source::Source;

const ROWS: u64 = 20_000;
const PARTITIONS: u64 = 8;
/// Resumed in the middle of every partition, or cut as a straggler.
const AGAIN: f64 = 1.2;
/// Sorted rows for each row moved: a sort of a sample is no sort of the table.
const SORTED: f64 = 0.1;

/// A table `dbo.t`, of two rows a page so that a sample is a small part of it, that is filled from the numbers 1 to [`ROWS`], called `value`.
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
        pad: ("pad char(3000) NOT NULL", "'x'"),
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

/// What a run cost the source for each row that it moved.
struct Cost {
    touched: f64,
    sorted: f64,
}

/// Moves the table with these faults on the source's side, and checks that every row came once.
fn cost(shape: &Shape, transfer: &str, fault: Option<&str>) -> Cost {
    let source = Source::stand_in();
    let database = source.database(&format!(
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
    let target = Postgres::shared().database();
    let more = format!(
        "verify: none\ntransfer: {{ {transfer}, retry: {{ attempts: 20, initial_backoff: 10ms, max_backoff: 50ms }} }}"
    );
    let job = Job::new(&database, &target.target(), &more);
    let stand_in = source.expect_stand_in();
    if let Some(fault) = fault {
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
    job.report(&[], code);
    let work = stand_in.engine.work();
    if fault.is_some() {
        let fired = stand_in.handle.faults().fired();
        assert!(fired > 0, "{}: the fault happened", shape.name);
    }
    // A table in key order has no row twice: its key is made here, except where there is none.
    let rows = target.value("SELECT count(*) FROM public.t");
    assert_eq!(rows, ROWS.to_string(), "{}", shape.name);
    let cost = Cost {
        touched: work.touched() as f64 / ROWS as f64,
        sorted: work.sorted_rows as f64 / ROWS as f64,
    };
    eprintln!(
        "{}, {transfer}, {fault:?}: {:.3} touched, {:.3} sorted for each row moved",
        shape.name, cost.touched, cost.sorted
    );
    cost
}

/// What a shape must not pass.
#[derive(Clone, Copy)]
struct Limit(f64);

const fn reached(goal: f64) -> Limit {
    Limit(goal)
}

impl Limit {
    fn holds(self, what: &str, found: f64) {
        let Self(goal) = self;
        assert!(
            found <= goal,
            "{what}: {found:.3} for each row moved, not {goal}"
        );
    }
}

/// The run as it should be: what it touches, and what it sorts.
fn whole_and_unsorted(shape: &Shape, limit: Limit, sorted: Limit) {
    let transfer = format!("max_partitions_per_table: {PARTITIONS}, partition_min_rows: 100");
    let cost = cost(shape, &transfer, None);
    limit.holds(shape.name, cost.touched);
    sorted.holds(&format!("{}, sorted", shape.name), cost.sorted);
}

/// Each partition loses its connection in its middle and is read on from what was committed.
fn resumed(shape: &Shape, limit: Limit) {
    let transfer = format!(
        "max_partitions_per_table: {PARTITIONS}, partition_min_rows: 100, commit_every: 8KiB"
    );
    let half = ROWS / PARTITIONS / 2;
    let fault = format!("drop:rows={half},times={PARTITIONS},match=[pad] FROM");
    let found = cost(shape, &transfer, Some(&fault)).touched;
    limit.holds(&format!("{}, resumed", shape.name), found);
}

/// One partition that is still long when the other workers are idle is cut, and they help.
fn straggler(shape: &Shape, limit: Limit) {
    let transfer = "max_partitions_per_table: 4, commit_every: 8KiB";
    let fault = "stall:rows=2500,for=5s,times=1,match=[pad] FROM";
    let found = cost(shape, transfer, Some(fault)).touched;
    limit.holds(&format!("{}, a straggler", shape.name), found);
}

/// What a source that sent on before its connection broke has read in vain, beside [`AGAIN`]: in a
/// table of 20,000 rows the buffers between the two ends hold a good part of a partition, of a million
/// rows (`make bench BENCH_ONLY=source_work`) they hold little.
const BUFFERED: f64 = 0.4;

/// What the sample that judges and cuts a straggler adds: 512 pages, which are a twentieth of this
/// table and nothing of one of a million rows.
const SAMPLED: f64 = 0.1;

/// MIN and MAX find the cut points.
#[test]
fn a_dense_integer_key_is_read_once() {
    whole_and_unsorted(&DENSE, reached(1.001), reached(SORTED));
    resumed(&DENSE, reached(AGAIN + BUFFERED));
    straggler(&DENSE, reached(AGAIN + SAMPLED));
}

/// F12: cut points of keys that no arithmetic divides.
#[test]
fn keys_of_one_column_are_read_once_with_their_cut_points() {
    for shape in &ONE_COLUMN {
        whole_and_unsorted(shape, reached(1.1), reached(SORTED));
    }
    straggler(&ONE_COLUMN[0], reached(AGAIN + SAMPLED));
}

/// F3: each range of a composite key is sought with an equality on its first columns.
#[test]
fn composite_keys_are_read_once() {
    for shape in &COMPOSITE {
        whole_and_unsorted(shape, reached(1.1), reached(SORTED));
    }
}

/// F3: the ranges that are left of a partition are sought as exactly as those that were planned.
#[test]
fn composite_keys_are_resumed_and_cut_again_without_reading_the_rest() {
    resumed(&COMPOSITE[0], reached(AGAIN + BUFFERED));
    resumed(&COMPOSITE[1], reached(AGAIN + BUFFERED));
    straggler(&COMPOSITE[0], reached(AGAIN + SAMPLED));
    straggler(&COMPOSITE[3], reached(AGAIN + SAMPLED));
}

/// F4: one partition of the scheme after the other, each in its own order.
#[test]
fn a_table_on_a_partition_scheme_is_read_once_and_never_sorted() {
    whole_and_unsorted(&PARTITIONED, reached(1.1), reached(SORTED));
}

/// F5: what a nonclustered key leads to is not looked for range by range.
#[test]
fn a_table_in_another_order_than_its_key_is_read_once() {
    for shape in &NOT_CLUSTERED {
        whole_and_unsorted(shape, reached(1.1), reached(SORTED));
    }
}

/// F16: no order over all columns, and no scan for each slice.
#[test]
fn a_table_without_a_key_in_a_frozen_database_is_read_once() {
    whole_and_unsorted(&FROZEN, reached(1.1), reached(SORTED));
}
