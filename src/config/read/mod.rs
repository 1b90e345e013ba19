//! The parsed job file to the job as meant: every key with its default.
//!
//! Defaults are in this folder and nowhere else; `migrations-config/full.yaml` shows them and a test
//! compares.

mod source;
mod tables;
mod target;

use std::time::Duration;

use crate::config::job::{
    Collations, Computed, Consistency, Functions, Helpers, History, IndexedViews, Job, Mode,
    NameStyle, ReportFiles, Retry, RowVersion, SchemaOptions, Transfer, Untranslated, ValuePolicy,
    Values, VerifyLevel, Views,
};
use crate::config::problem::Problem;
use crate::config::section::{Gathered, Section};
use crate::config::substitute::Lookup;
use crate::config::units;
use crate::config::yaml::Node;

const MOST_CONNECTIONS: usize = 1000;
/// Below this a table is read in a second or two; cutting it costs more than it saves.
const PARTITION_MIN_ROWS: u64 = 500_000;
/// About what half a million rows of a wide table are, and what reading an index for cuts is worth.
const PARTITION_MIN_SIZE: u64 = 1 << 30;
/// Half a second of COPY into one backend, of which two seeks and a claim are a tenth at most.
const PARTITION_MIN_SIZE_DENSE: u64 = 64 << 20;
/// Some seconds of work: what a crash costs at most per partition.
const COMMIT_EVERY: u64 = 64 << 20;

/// `problems` are those that reading and substituting found already.
pub(crate) fn job(
    root: Node,
    stem: &str,
    env: Lookup<'_>,
    problems: Vec<Problem>,
) -> Result<Job, Vec<Problem>> {
    let mut gathered = Gathered {
        env,
        problems,
        settings: Vec::new(),
    };
    let g = &mut gathered;
    let mut top = Section::new(root, "", g);
    let name = name(&mut top, stem, g);
    let mut job = Job {
        name,
        source: source::source(&mut top, g),
        target: target::target(&mut top, g),
        tables: tables::tables(&mut top, g),
        types: top.names("types", &[], g),
        transfer: transfer(&mut top, g),
        schema: schema(&mut top, g),
        values: values(&mut top, g),
        verify: verify(&mut top, g),
        report: report(&mut top, g),
        settings: Vec::new(),
    };
    top.finish(g);
    if gathered.problems.is_empty() {
        job.settings = gathered.settings;
        Ok(job)
    } else {
        Err(gathered.problems)
    }
}

fn name(top: &mut Section, stem: &str, g: &mut Gathered<'_>) -> String {
    let name = top.string("job", stem, g);
    if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
        top.problem(
            "job",
            "a job's name is 1 to 200 characters without control characters",
            g,
        );
    }
    name
}

fn transfer(top: &mut Section, g: &mut Gathered<'_>) -> Transfer {
    let mut section = top.section("transfer", g);
    let mode = section.choice("mode", Mode::Create, g);
    let consistency = section.choice("consistency", Consistency::Strict, g);
    if consistency == Consistency::DatabaseSnapshot {
        section.unavailable("consistency", consistency.word(), g);
    }
    let rows = section.number("partition_min_rows", PARTITION_MIN_ROWS, 1..=u64::MAX, g);
    let either = format!(
        "{}, or {} if sampled",
        units::show_size(PARTITION_MIN_SIZE_DENSE),
        units::show_size(PARTITION_MIN_SIZE)
    );
    let size = section.optional_size("partition_min_size", &either, 1024..=1 << 50, g);
    let transfer = Transfer {
        mode,
        consistency,
        max_partitions_per_table: section.number("max_partitions_per_table", 8, 1..=1024, g),
        partition_min_rows: rows,
        partition_min_size: size.unwrap_or(PARTITION_MIN_SIZE),
        partition_min_size_dense: size.unwrap_or(PARTITION_MIN_SIZE_DENSE),
        commit_every: section.size("commit_every", COMMIT_EVERY, 1024..=16 << 30, g),
        unlogged_load: section.boolean("unlogged_load", false, g),
        synchronous_commit: section.boolean("synchronous_commit", false, g),
        vacuum: section.boolean("vacuum", false, g),
        split_stragglers: section.boolean("split_stragglers", true, g),
        partitions_in_flight: section.optional_number(
            "partitions_in_flight",
            1..=MOST_CONNECTIONS,
            g,
        ),
        retry: retry(&mut section, g),
    };
    section.finish(g);
    transfer
}

fn retry(transfer: &mut Section, g: &mut Gathered<'_>) -> Retry {
    let mut section = transfer.section("retry", g);
    let second = Duration::from_secs(1);
    let retry = Retry {
        attempts: section.number("attempts", 10, 1..=100, g),
        initial_backoff: section.duration("initial_backoff", second, None, g),
        max_backoff: section.duration("max_backoff", 60 * second, None, g),
        at_start: section.duration("at_start", 30 * second, None, g),
    };
    if retry.max_backoff < retry.initial_backoff {
        section.problem("max_backoff", "is less than initial_backoff", g);
    }
    section.finish(g);
    retry
}

fn schema(top: &mut Section, g: &mut Gathered<'_>) -> SchemaOptions {
    let mut section = top.section("schema", g);
    let options = SchemaOptions {
        names: section.choice("names", NameStyle::Lowercase, g),
        indexes: section.boolean("indexes", true, g),
        foreign_keys: section.boolean("foreign_keys", true, g),
        checks: section.boolean("checks", true, g),
        defaults: section.boolean("defaults", true, g),
        identity: section.boolean("identity", true, g),
        computed: section.choice("computed", Computed::Generated, g),
        comments: section.boolean("comments", true, g),
        sequences: section.boolean("sequences", true, g),
        views: section.choice("views", Views::None, g),
        functions: section.choice("functions", Functions::Needed, g),
        helpers: section.choice("helpers", Helpers::Create, g),
        indexed_views: section.choice("indexed_views", IndexedViews::Plain, g),
        collations: section.choice("collations", Collations::Plain, g),
        untranslated: section.choice("untranslated", Untranslated::Report, g),
        rowversion: section.choice("rowversion", RowVersion::Bytes, g),
        history: section.choice("history", History::None, g),
    };
    section.finish(g);
    options
}

fn values(top: &mut Section, g: &mut Gathered<'_>) -> Values {
    let mut section = top.section("values", g);
    let mut policy = |key| section.choice(key, ValuePolicy::Error, g);
    let values = Values {
        nul_characters: policy("nul_characters"),
        unpaired_surrogates: policy("unpaired_surrogates"),
        undecodable: policy("undecodable"),
        out_of_range: policy("out_of_range"),
    };
    check_range(&section, Some(values.out_of_range), g);
    section.finish(g);
    values
}

fn check_range(section: &Section, policy: Option<ValuePolicy>, g: &mut Gathered<'_>) {
    if matches!(policy, Some(ValuePolicy::Strip | ValuePolicy::Replace)) {
        let message = "strip and replace are for text only; expected one of error, reject";
        section.problem("out_of_range", message, g);
    }
}

fn verify(top: &mut Section, g: &mut Gathered<'_>) -> VerifyLevel {
    top.choice("verify", VerifyLevel::Counts, g)
}

fn report(top: &mut Section, g: &mut Gathered<'_>) -> ReportFiles {
    let mut section = top.section("report", g);
    let files = ReportFiles {
        json: section.path("json", g),
        html: section.path("html", g),
    };
    section.finish(g);
    files
}
