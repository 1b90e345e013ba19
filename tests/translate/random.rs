//! Conditions made at random: what is translated stands in PostgreSQL, and means the same.

use tsql::translate::{check, predicate};

use crate::draw::Draw;
use crate::{equivalence, sample};

/// A different stream for each run of the tests, printed with every failure.
pub const SEED_VARIABLE: &str = "MIGRATE_TEST_SEED";
const CASES: usize = 150;

/// Makes conditions.
struct Conditions(Draw);

impl Conditions {
    fn next(&mut self) -> u64 {
        self.0.next()
    }

    fn one<'a>(&mut self, from: &[&'a str]) -> &'a str {
        self.0.one(from)
    }

    fn number(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self
                .one(&[
                    "[Small]",
                    "[D]",
                    "(3)",
                    "(-2)",
                    "(1.5)",
                    "[Flag]",
                    "len([V])",
                    "month([Day])",
                ])
                .to_owned();
        }
        let (a, b) = (self.number(depth - 1), self.number(depth - 1));
        match self.next() % 8 {
            0 => format!("({a}+{b})"),
            1 => format!("({a}-{b})"),
            2 => format!("({a}*{b})"),
            3 => format!("isnull({a},(0))"),
            4 => format!("coalesce({a},{b})"),
            5 => format!("abs({a})"),
            6 => format!(
                "case when {} then {a} else {b} end",
                self.condition(depth - 1)
            ),
            _ => format!("iif({},{a},{b})", self.condition(depth - 1)),
        }
    }

    fn text(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self
                .one(&["[V]", "[C]", "[B]", "'a'", "'Abc '", "''"])
                .to_owned();
        }
        let a = self.text(depth - 1);
        match self.next() % 7 {
            0 => format!("ltrim({a})"),
            1 => format!("rtrim({a})"),
            2 => format!("left({a},(2))"),
            3 => format!("substring({a},(1),(2))"),
            4 => format!("({a}+'b')"),
            5 => format!("isnull({a},'x')"),
            _ => format!("upper({a})"),
        }
    }

    fn condition(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self
                .one(&[
                    "[N]>(0)",
                    "[V]='abc'",
                    "[Flag]=(1)",
                    "[B] like 'A%'",
                    "[Day] IS NULL",
                ])
                .to_owned();
        }
        let less = depth - 1;
        match self.next() % 9 {
            0 => format!("({} AND {})", self.condition(less), self.condition(less)),
            1 => format!("({} OR {})", self.condition(less), self.condition(less)),
            2 => format!("NOT ({})", self.condition(less)),
            3 | 4 => {
                let sign = self.one(&["=", "<>", "<", ">=", ">"]);
                format!("{}{sign}{}", self.number(less), self.number(less))
            }
            5 => format!(
                "{}={}",
                self.text(less),
                self.one(&["'a'", "'ABC'", "''", "'b'"])
            ),
            6 => {
                let pattern = self.one(&["'a%'", "'[a-c]%'", "'%[0-9]%'", "'a%b%'", "'%c%'"]);
                format!("{} like {pattern}", self.text(less))
            }
            7 => format!("{} IN ('a','abc','')", self.text(less)),
            _ => format!("{} IS NULL", self.number(less)),
        }
    }
}

#[test]
fn random_conditions_are_equal_for_every_row() {
    let seed = std::env::var(SEED_VARIABLE)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| u64::from(std::process::id()));
    eprintln!("{SEED_VARIABLE}={seed}");
    let mut draw = Conditions(Draw::seeded(seed));
    let sample = sample::make();
    let mut pairs = Vec::new();
    let mut made = 0;
    while pairs.len() < CASES {
        made += 1;
        assert!(made < CASES * 20, "hardly anything is translated");
        let text = draw.condition(1 + made as u32 % 3);
        let whole = format!("({text})");
        let Ok(translated) = sample::with_scope(|scope| check(&whole, scope)) else {
            continue;
        };
        if let Ok(immutable) = sample::with_scope(|scope| predicate(&whole, scope)) {
            // Made and dropped: it parses, and PostgreSQL too calls it immutable.
            let sql = immutable.sql;
            sample.target.sql(&format!(
                "CREATE TABLE made (LIKE sample); CREATE INDEX ON made (id) WHERE {sql}; DROP \
                 TABLE made"
            ));
        }
        pairs.push((text, translated.sql));
    }
    let compared = equivalence::compare(&sample, &pairs);
    assert!(compared.both >= compared.refused, "{compared:?}");
}
