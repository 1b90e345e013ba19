//! What a generated job asks for: how names and text become, in which mode it loads, and types and
//! names of its own.

use std::fmt::Write;

use super::draw::Draw;
use super::kind::Kind;
use super::table::Table;
use crate::support::job::{Answer, Job, scalar};
use crate::support::postgres::Database;
use crate::support::source::SourceDatabase;

/// How the tables come to be at the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Create,
    /// After a load of the same tables by another job.
    Again(&'static str),
    /// Into the tables that `migrate schema` prints.
    Append,
}

pub(super) struct Wish {
    names: &'static str,
    pub(super) generated: bool,
    commit: &'static str,
    pub(super) icu: bool,
    pub(super) views: bool,
    pub(super) domains: bool,
    mode: Mode,
}

impl Wish {
    pub(super) fn draw(draw: &mut Draw) -> Self {
        let mode = match draw.between(0, 7) {
            0 => Mode::Again("replace"),
            1 => Mode::Again("truncate"),
            2 => Mode::Append,
            _ => Mode::Create,
        };
        Self {
            names: *draw.one(&["lowercase", "preserve", "snake_case"]),
            generated: !draw.once_in(3),
            commit: *draw.one(&["1KiB", "64MiB"]),
            icu: draw.once_in(4),
            views: draw.once_in(2),
            domains: draw.once_in(3),
            mode,
        }
    }

    /// The job's settings but for its mode.
    fn settings(&self, tables: &str) -> String {
        let computed = if self.generated { "generated" } else { "plain" };
        let collations = if self.icu { "icu" } else { "plain" };
        let views = if self.views { "try" } else { "none" };
        let types = if self.domains {
            "types: { nvarchar: domain }\n"
        } else {
            ""
        };
        format!(
            "verify: checksums\n{types}{tables}schema: {{ names: {}, computed: {computed}, collations: {collations}, views: {views} }}\n",
            self.names
        )
    }

    fn transfer(&self, mode: &str) -> String {
        format!(
            "transfer: {{ partition_min_rows: 1, max_partitions_per_table: 3, commit_every: {}, mode: {mode} }}",
            self.commit
        )
    }

    /// Loads the target as asked for: the last job and its answer.
    pub(super) fn run(
        &self,
        source: &SourceDatabase,
        target: &Database<'_>,
        tables: &str,
    ) -> (Job, Answer) {
        let settings = self.settings(tables);
        let job = |name: &str, mode: &str| {
            let more = format!("job: {name}\n{settings}{}", self.transfer(mode));
            Job::new(source, &target.target(), &more)
        };
        let last = match self.mode {
            Mode::Create => job("only", "create"),
            Mode::Again(mode) => {
                let first = job("first", "create").run(&["--output", "json"]);
                assert!(matches!(first.code, Some(0 | 6)), "{}", said(&first));
                job("again", mode)
            }
            Mode::Append => {
                let append = job("append", "append");
                let schema = append.run(&["schema"]);
                assert_eq!(schema.code, Some(0), "{}", said(&schema));
                target.sql(&schema.stdout);
                append
            }
        };
        let answer = last.run(&["--output", "json"]);
        (last, answer)
    }
}

pub(super) fn said(answer: &Answer) -> String {
    format!(
        "exit code {:?}\n{}\n{}",
        answer.code, answer.stdout, answer.stderr
    )
}

/// The job's `tables:`, with types and names for some columns and tables.
pub(super) fn overrides(draw: &mut Draw, tables: &[Table]) -> String {
    let mut text = String::new();
    for (number, table) in tables.iter().enumerate() {
        if !draw.once_in(3) {
            continue;
        }
        let (mut types, mut names) = (String::new(), String::new());
        for (place, column) in table.columns.iter().enumerate() {
            let bound = column.exact || column.is_made() || place < table.key.len();
            let wanted = (!bound).then(|| other_type(draw, column.kind)).flatten();
            if let Some(wanted) = wanted.filter(|_| draw.once_in(2)) {
                write!(types, "{}: {}, ", scalar(&column.name), scalar(&wanted)).expect("text");
            }
            if draw.once_in(5) {
                let name = draw.one(&["Other", "other name ", "\"'"]);
                let name = scalar(&format!("{name}{place}"));
                write!(names, "{}: {name}, ", scalar(&column.name)).expect("text");
            }
        }
        let full = scalar(&format!("{}.{}", table.schema, table.plain));
        write!(
            text,
            "    {full}: {{ types: {{ {types} }}, columns: {{ rename: {{ {names} }} }}"
        )
        .expect("text");
        if draw.once_in(2) {
            write!(text, ", rename: 'My Table {number}'").expect("text");
        }
        text.push_str(" }\n");
    }
    if text.is_empty() {
        return text;
    }
    format!("tables:\n  overrides:\n{text}")
}

/// Another type of which the target prints the same text.
fn other_type(draw: &mut Draw, kind: Kind) -> Option<String> {
    let choices: &[&str] = match kind {
        Kind::Bit => &["smallint", "integer", "bigint"],
        Kind::TinyInt | Kind::SmallInt | Kind::Int => &["bigint", "numeric", "text"],
        Kind::BigInt => &["numeric(19,0)", "text"],
        Kind::Decimal(..) => &["numeric", "text"],
        Kind::Money => &["numeric", "numeric(20,4)"],
        Kind::SmallMoney => &["numeric(12,4)"],
        Kind::Date => &["timestamp(0)"],
        Kind::Time(_) => &["time(6)"],
        Kind::SmallDateTime | Kind::DateTime | Kind::DateTime2(_) => &["timestamp(6)"],
        Kind::DateTimeOffset(_) => &["timestamptz(6)"],
        Kind::VarChar(..) | Kind::NVarChar(_) | Kind::Xml | Kind::Guid => &["text"],
        _ => return None,
    };
    Some((*draw.one(choices)).to_owned())
}
