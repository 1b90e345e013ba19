//! Reading by key: the results of the slow way, without reading the table.

use std::fmt::Write as _;

use standin::prng::SplitMix64;

use crate::harness::{Db, check};

/// A column of a key, and how its values are written.
struct Column {
    name: &'static str,
    descending: bool,
}

const fn up(name: &'static str) -> Column {
    Column {
        name,
        descending: false,
    }
}

const fn down(name: &'static str) -> Column {
    Column {
        name,
        descending: true,
    }
}

const TEXTS: [&str; 7] = ["NULL", "'a'", "'A'", "'b '", "'B'", "'é'", "''"];

/// A value for a column, NULL among them.
fn value(column: &str, random: &mut SplitMix64) -> String {
    match column {
        "a" if random.chance(8) => "NULL".to_owned(),
        "a" => (random.below(6) as i64 - 3).to_string(),
        "b" => TEXTS[random.below(TEXTS.len() as u64) as usize].to_owned(),
        _ => random.below(400).to_string(),
    }
}

fn bound(key: &[Column], values: &[String], after: bool) -> String {
    let mut predicate = String::new();
    for (index, (column, value)) in key.iter().zip(values).enumerate().rev() {
        let strict = if after == column.descending { "<" } else { ">" };
        let name = column.name;
        predicate = match (index + 1 == key.len(), after) {
            (true, true) => format!("{name} {strict} {value}"),
            (true, false) => format!("{name} {strict}= {value}"),
            (false, _) => {
                format!("{name} {strict}= {value} AND ({name} {strict} {value} OR ({predicate}))")
            }
        };
    }
    predicate
}

/// One comparison, NULL test or list, of a column of the key or of another.
fn leaf(random: &mut SplitMix64) -> String {
    let column = ["a", "b", "id", "f"][random.below(4) as usize];
    let one = value(column, random);
    match random.below(8) {
        0 => format!("{column} IS NULL"),
        1 => format!("{column} IS NOT NULL"),
        2 => format!("{column} IN ({one}, {})", value(column, random)),
        3 => format!("{one} <= {column}"),
        4 => format!("NOT {column} < {one}"),
        n => format!("{column} {} {one}", ["=", "<>", ">"][n as usize - 5]),
    }
}

/// Any tree of AND and OR.
fn tree(depth: u32, random: &mut SplitMix64) -> String {
    if depth == 0 || random.chance(4) {
        return leaf(random);
    }
    let (l, r) = (tree(depth - 1, random), tree(depth - 1, random));
    let word = if random.chance(2) { "AND" } else { "OR" };
    format!("({l} {word} {r})")
}

/// Ranges as a reader of parts writes them, and other conditions.
fn condition(key: &[Column], random: &mut SplitMix64) -> String {
    let mut ends = || -> Vec<String> { key.iter().map(|c| value(c.name, random)).collect() };
    let (after, upto) = (bound(key, &ends(), true), bound(key, &ends(), false));
    let range = match random.below(5) {
        0 => after,
        1 => upto,
        2 => format!("{after} AND {upto}"),
        3 => tree(3, random),
        _ => return String::new(),
    };
    match random.below(3) {
        0 => format!(" WHERE (f % 3 = 0) AND {range}"),
        _ => format!(" WHERE {range}"),
    }
}

fn order(key: &[Column], backward: bool) -> String {
    let columns = key.iter().map(|column| {
        let way = if column.descending == backward {
            ""
        } else {
            " DESC"
        };
        format!("{}{way}", column.name)
    });
    columns.collect::<Vec<_>>().join(", ")
}

/// What is asked of the table `{t}`.
fn questions(key: &[Column], random: &mut SplitMix64) -> Vec<String> {
    let filter = condition(key, random);
    let order = order(key, random.chance(2));
    let n = random.below(12) + 1;
    let mut asked = vec![
        format!("SELECT TOP ({n}) a, b, id, f FROM {{t}}{filter} ORDER BY {order}"),
        format!("SELECT a, b, id FROM {{t}}{filter} ORDER BY {order} OFFSET {n} ROWS"),
        format!("SELECT TOP (1) WITH TIES a FROM {{t}}{filter} ORDER BY a DESC"),
        format!("SELECT COUNT_BIG(*) FROM {{t}}{filter}"),
        format!("SELECT COUNT_BIG(*) FROM (SELECT TOP ({n}) id FROM {{t}}{filter}) AS counted"),
        format!("SELECT LOWER(RTRIM(MIN(b))), COUNT(*) FROM {{t}}{filter}"),
        format!(
            "SELECT a, b, id, t, next, last FROM (SELECT a, b, id, t, LEAD(t, 2, -1) OVER (ORDER BY {order}) AS next, \
             LAG(id) OVER (ORDER BY {order}) AS last FROM (SELECT a, b, id, NTILE({n}) OVER (ORDER BY {order}) AS t \
             FROM {{t}}{filter}) AS tiles) AS ends WHERE next <> t ORDER BY {order}"
        ),
        format!(
            "SELECT id, r FROM (SELECT f, id, ROW_NUMBER() OVER (ORDER BY {order}) AS r FROM {{t}}{filter}) AS n WHERE r > {n} AND f > 9 ORDER BY r"
        ),
    ];
    for column in ["a", "b", "id", "f"] {
        for function in ["MIN", "MAX"] {
            // Which of equal texts it is, nobody says.
            let one = format!("LOWER(RTRIM({function}({column})))");
            asked.push(format!("SELECT {one} FROM {{t}}{filter}"));
        }
    }
    asked
}

/// The same rows in a table without any index, `heap`, and in one with `index`, `keyed`.
fn filled(index: &str, rows: u64, random: &mut SplitMix64) -> Db {
    let mut db = Db::new();
    let columns = "(a int NULL, b varchar(10) COLLATE Latin1_General_CI_AS NULL, id int NOT NULL, f int NOT NULL)";
    db.ok(&format!("CREATE TABLE heap {columns}"));
    db.ok(&format!("CREATE TABLE keyed {columns}"));
    db.ok(index);
    let mut insert = String::new();
    for id in 0..rows {
        let (a, b) = (value("a", random), value("b", random));
        // A permutation, so that rows come in no order.
        let id = id * 7919 % rows;
        let row = format!("({a}, {b}, {id}, {})", random.below(400));
        let _ = writeln!(insert, "INSERT heap VALUES {row} INSERT keyed VALUES {row}");
    }
    db.ok(&insert);
    db
}

fn same_answers(index: &str, key: &[Column], seed: u64) {
    let mut random = SplitMix64::new(seed);
    let mut db = filled(index, 301, &mut random);
    let mut answered = 0;
    for _ in 0..50 {
        for asked in questions(key, &mut random) {
            let quick = db.lines(&asked.replace("{t}", "keyed"));
            let slow = db.lines(&asked.replace("{t}", "heap"));
            assert_eq!(quick, slow, "{index}\n{asked}");
            assert!(
                !slow.iter().any(|line| line.starts_with('!')),
                "{asked}: {slow:?}"
            );
            answered += usize::from(slow.len() > 1);
        }
    }
    assert!(answered > 100, "too few answers to tell: {answered}");
}

#[test]
fn one_column_answers_as_a_scan_does() {
    let index = "CREATE UNIQUE CLUSTERED INDEX i ON keyed (id)";
    same_answers(index, &[up("id")], 1);
    let index = "CREATE UNIQUE CLUSTERED INDEX i ON keyed (id DESC)";
    same_answers(index, &[down("id")], 2);
}

#[test]
fn several_columns_answer_as_a_scan_does() {
    let index = "CREATE UNIQUE CLUSTERED INDEX i ON keyed (a, b DESC, id)";
    same_answers(index, &[up("a"), down("b"), up("id")], 3);
    let index = "CREATE UNIQUE CLUSTERED INDEX i ON keyed (b, a DESC, id DESC)";
    same_answers(index, &[up("b"), down("a"), down("id")], 4);
}

#[test]
fn an_index_of_a_heap_answers_as_a_scan_does() {
    let index = "CREATE UNIQUE INDEX i ON keyed (a DESC, id)";
    same_answers(index, &[down("a"), up("id")], 5);
}

/// Rows that a query reads from tables.
fn read_by(db: &mut Db, sql: &str) -> u64 {
    let before = db.engine.work().table_rows;
    db.ok(sql);
    db.engine.work().table_rows - before
}

const ROWS: u64 = 5_003;

fn big() -> Db {
    let mut random = SplitMix64::new(6);
    filled(
        "CREATE UNIQUE CLUSTERED INDEX i ON keyed (a, id)",
        ROWS,
        &mut random,
    )
}

#[test]
fn a_seek_reads_what_it_returns() {
    let mut db = big();
    let range = "a = 1 AND id > 300 AND id <= 4000";
    for (sql, most) in [
        ("SELECT TOP (1) a, id FROM {t} ORDER BY a, id".to_owned(), 1),
        (
            "SELECT TOP (1) a, id FROM {t} ORDER BY a DESC, id DESC".to_owned(),
            1,
        ),
        (
            format!("SELECT TOP (3) id FROM {{t}} WHERE {range} ORDER BY a, id"),
            3,
        ),
        (
            format!("SELECT TOP (3) id FROM {{t}} WHERE {range} ORDER BY a DESC, id DESC"),
            3,
        ),
        (
            format!(
                "SELECT COUNT_BIG(*) FROM (SELECT TOP (70) a, id FROM {{t}} WHERE {range}) AS c"
            ),
            70,
        ),
        ("SELECT MIN(a) FROM {t}".to_owned(), 1),
        ("SELECT MAX(a) FROM {t}".to_owned(), 1),
        ("SELECT MAX(id) FROM {t} WHERE a = 2".to_owned(), ROWS / 5),
        (
            "SELECT TOP (1) id FROM {t} WHERE a = 1 AND id > 17 ORDER BY a, id".to_owned(),
            1,
        ),
        (
            "SELECT id FROM {t} WHERE a > 7 ORDER BY a DESC, id DESC".to_owned(),
            0,
        ),
    ] {
        let read = read_by(&mut db, &sql.replace("{t}", "keyed"));
        assert!(read <= most, "{read} rows read by {sql}");
        // Without an index the same question takes a scan, which the count must tell.
        let scanned = read_by(&mut db, &sql.replace("{t}", "heap"));
        assert!(scanned > ROWS / 20, "{scanned} rows read by {sql}");
    }
}

#[test]
fn another_filter_reads_on_until_there_are_enough() {
    let mut db = big();
    let every = "SELECT TOP (4) id FROM keyed WHERE f >= 200 AND a >= 0 ORDER BY a, id";
    let read = read_by(&mut db, every);
    assert!((4..100).contains(&read), "{read} rows read");
    // Stopped by the count, and not at the end of the range.
    let none = read_by(
        &mut db,
        "SELECT TOP (4) id FROM keyed WHERE f < 0 AND a = 2 ORDER BY a, id",
    );
    let twos = db.rows("SELECT COUNT(*) FROM keyed WHERE a = 2");
    assert_eq!(none.to_string(), twos);
}

#[test]
fn cut_points_read_the_range_once_and_sort_nothing() {
    let mut db = big();
    let cuts = "SELECT a, id FROM (SELECT a, id, t, LEAD(t) OVER (ORDER BY a, id) AS n FROM \
                (SELECT a, id, NTILE(4) OVER (ORDER BY a, id) AS t FROM keyed) AS tiles) AS ends \
                WHERE n <> t ORDER BY a, id";
    assert_eq!(read_by(&mut db, cuts), ROWS);
    assert_eq!(db.lines(cuts).len(), 3);
    // What comes in order can be left off early: nothing is collected for a sort.
    let first = cuts.replacen("SELECT", "SELECT TOP (1)", 1);
    assert!(read_by(&mut db, &first) < ROWS / 3);
    let filtered = cuts.replace("FROM keyed)", "FROM keyed WHERE f < 200)");
    assert_eq!(read_by(&mut db, &filtered), ROWS);
}

#[test]
fn a_limit_is_not_passed_by_what_comes_behind_another() {
    let mut db = Db::new();
    db.ok("CREATE TABLE n (i int PRIMARY KEY) INSERT n VALUES (1), (2), (3), (4)");
    check(
        &mut db,
        &[
            (
                "SELECT TOP (1) i FROM (SELECT i FROM (SELECT TOP (3) i FROM n ORDER BY i) q UNION ALL SELECT i FROM n) x",
                "1",
            ),
            (
                "SELECT TOP (1) i, l FROM (SELECT i, LEAD(i) OVER (ORDER BY i) l FROM (SELECT TOP (3) i FROM n ORDER BY i) x) y ORDER BY i",
                "1|2",
            ),
            (
                "SELECT i, l FROM (SELECT i, LEAD(i) OVER (ORDER BY i) l FROM (SELECT TOP (3) i FROM n ORDER BY i DESC) x) y ORDER BY i",
                "2|3; 3|4; 4|NULL",
            ),
        ],
    );
}

#[test]
fn a_generated_table_is_read_from_its_end() {
    let mut db = Db::new();
    let make = std::sync::Arc::new(|i: u64| {
        let key = standin::types::Value::Int(i as i64 + 1);
        vec![key.clone(), key]
    });
    let ddl = "CREATE TABLE g (id bigint NOT NULL PRIMARY KEY, twin bigint NOT NULL)";
    db.engine
        .add_generated_table("t", ddl, 1 << 40, make)
        .unwrap();
    check(
        &mut db,
        &[
            ("SELECT TOP (1) id FROM g ORDER BY id DESC", "1099511627776"),
            ("SELECT MAX(id) FROM g", "1099511627776"),
            ("SELECT MAX(id) FROM g WHERE twin < 9 AND id < 20", "8"),
            ("SELECT MIN(twin) FROM g WHERE id > 7 AND id < 10", "8"),
            (
                "SELECT TOP (2) id, twin FROM g WHERE id <= 1000000 AND id > 5 ORDER BY id DESC",
                "1000000|1000000; 999999|999999",
            ),
            (
                "SELECT COUNT_BIG(*) FROM (SELECT TOP (700) id FROM g WHERE id > 500) AS c",
                "700",
            ),
        ],
    );
}
