//! The parsed job file to the job as meant, and what has to hold between its keys. Bounds and defaults are
//! in the table of keys.
//!
//! Each section is read by one function, which ends with `finish`: it reports the keys that are
//! left over. Reading never stops at a problem; the job is given only if there was none.

mod route;
mod secret;
mod source;
mod tables;
mod target;

use crate::config::job::{
    Consistency, Hooks, Job, Lineage, ReportFiles, Retry, SchemaOptions, Transfer, ValuePolicy,
    Values, VerifyLevel,
};
use crate::config::keys::{self, PARTITION_MIN_SIZE, PARTITION_MIN_SIZE_DENSE};
use crate::config::problem::Problem;
use crate::config::section::{Gathered, Section};
use crate::config::substitute::Lookup;
use crate::config::yaml::Node;

/// `problems` are those that reading and substituting found already.
///
/// # Errors
/// Every problem of the file, `problems` among them.
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
    let mut top = Section::new(root, "", keys::JOB, g);
    let name = name(&mut top, stem, g);
    let mut job = Job {
        name,
        source: source::source(&mut top, g),
        target: target::target(&mut top, g),
        tables: tables::tables(&mut top, g),
        types: top.names("types", g),
        transfer: transfer(&mut top, g),
        schema: schema(&mut top, g),
        values: values(&mut top, g),
        verify: verify(&mut top, g),
        report: report(&mut top, g),
        lineage: lineage(&mut top, g),
        hooks: hooks(&mut top, g),
        settings: Vec::new(),
    };
    // Last: what is still in the section was asked for by no one and is unknown.
    top.finish(g);
    if gathered.problems.is_empty() {
        job.settings = gathered.settings;
        Ok(job)
    } else {
        Err(gathered.problems)
    }
}

/// The name is part of a lock's key and of messages, so it is short and printable.
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

/// `database_snapshot` reads well and is then refused: the word is reserved for a later version.
fn transfer(top: &mut Section, g: &mut Gathered<'_>) -> Transfer {
    let mut section = top.section("transfer", g);
    let mode = section.choice("mode", g);
    let consistency: Consistency = section.choice("consistency", g);
    if consistency == Consistency::DatabaseSnapshot {
        section.unavailable("consistency", consistency.word(), g);
    }
    let size = section.optional_size("partition_min_size", g);
    let transfer = Transfer {
        mode,
        consistency,
        max_partitions_per_table: section.number("max_partitions_per_table", g),
        partition_min_rows: section.number("partition_min_rows", g),
        partition_min_size: size.unwrap_or(PARTITION_MIN_SIZE),
        partition_min_size_dense: size.unwrap_or(PARTITION_MIN_SIZE_DENSE),
        commit_every: section.size("commit_every", g),
        unlogged_load: section.boolean("unlogged_load", g),
        synchronous_commit: section.boolean("synchronous_commit", g),
        vacuum: section.boolean("vacuum", g),
        split_stragglers: section.boolean("split_stragglers", g),
        partitions_in_flight: section.optional_number("partitions_in_flight", g),
        retry: retry(&mut section, g),
    };
    section.finish(g);
    transfer
}

/// The longest pause is not shorter than the first.
fn retry(transfer: &mut Section, g: &mut Gathered<'_>) -> Retry {
    let mut section = transfer.section("retry", g);
    let retry = Retry {
        attempts: section.number("attempts", g),
        initial_backoff: section.duration("initial_backoff", g),
        max_backoff: section.duration("max_backoff", g),
        at_start: section.duration("at_start", g),
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
        names: section.choice("names", g),
        indexes: section.boolean("indexes", g),
        foreign_keys: section.boolean("foreign_keys", g),
        checks: section.boolean("checks", g),
        defaults: section.boolean("defaults", g),
        identity: section.boolean("identity", g),
        computed: section.choice("computed", g),
        comments: section.boolean("comments", g),
        sequences: section.boolean("sequences", g),
        views: section.choice("views", g),
        functions: section.choice("functions", g),
        helpers: section.choice("helpers", g),
        indexed_views: section.choice("indexed_views", g),
        collations: section.choice("collations", g),
        untranslated: section.choice("untranslated", g),
        rowversion: section.choice("rowversion", g),
        history: section.choice("history", g),
    };
    section.finish(g);
    options
}

fn values(top: &mut Section, g: &mut Gathered<'_>) -> Values {
    let mut section = top.section("values", g);
    let mut policy = |key| section.choice(key, g);
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

/// A number or a date that is out of range has no characters to strip or replace.
fn check_range(section: &Section, policy: Option<ValuePolicy>, g: &mut Gathered<'_>) {
    if matches!(policy, Some(ValuePolicy::Strip | ValuePolicy::Replace)) {
        let message = "strip and replace are for text only; expected one of error, reject";
        section.problem("out_of_range", message, g);
    }
}

fn verify(top: &mut Section, g: &mut Gathered<'_>) -> VerifyLevel {
    top.choice("verify", g)
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

fn lineage(top: &mut Section, g: &mut Gathered<'_>) -> Lineage {
    let mut section = top.section("lineage", g);
    let lineage = Lineage {
        file: section.path("file", g),
    };
    section.finish(g);
    lineage
}

fn hooks(top: &mut Section, g: &mut Gathered<'_>) -> Hooks {
    let mut section = top.section("hooks", g);
    let hooks = Hooks {
        before_load: section.optional("before_load", g),
        after_tables: section.optional("after_tables", g),
        after_run: section.optional("after_run", g),
        timeout: section.duration("timeout", g),
    };
    section.finish(g);
    hooks
}
