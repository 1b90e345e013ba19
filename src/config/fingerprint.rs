//! Whether a checkpoint still belongs to a job: a hash over what the copied rows depend on.
//!
//! In, because a change of it would leave rows of two kinds on the target:
//! - source database (the server itself is compared by its own name when a run continues);
//! - target database;
//! - which tables, columns and rows: `tables.include`, `exclude` and every override except
//!   `partitions`, `values`, `accept` and `without`;
//! - names and types on the target: `target.schemas`, `schema.names`, `schema.identity`,
//!   `schema.computed`, `schema.collations`, overrides' `rename`, `columns.rename` and `types`, the
//!   job's own `types`;
//! - `transfer.mode` and `transfer.consistency`: what the earlier run did to the target's tables,
//!   and how its partitions were cut.
//!
//! Out, because an operator changes them between a failure and its continuation, and committed
//! rows stay right:
//! - hosts, ports, users, passwords, TLS: the state is in the target database itself, which may
//!   have moved with it;
//! - pools, time-outs, retry, `commit_every`, `max_partitions_per_table`, `partition_min_rows`,
//!   `partition_min_size`, `partitions_in_flight`, `split_stragglers`, `synchronous_commit`, `vacuum`,
//!   overrides' `partitions`: a run continues the partitions that were recorded;
//! - `values`, overrides' too: another policy is what the failure on a value asks for;
//! - overrides' `accept`: nothing was read without it;
//! - `schema.indexes` and the other objects made after the load, overrides' `without`, `verify`,
//!   `report`, `lineage`, `hooks`.

use xxhash_rust::xxh3::Xxh3;

use crate::config::job::{Collations, Job, TableOverride};
use crate::config::words::Words;

/// Changes when what is hashed, or how, changes: old checkpoints are then refused, not misread.
const VERSION: &str = "1";

/// 32 hexadecimal digits, the same on every machine.
/// XXH3-128 of the fields, each with its name and lengths. It guards against mistakes and not
/// against attack: who can change the state tables can change the hash with them. A run compares it
/// with that of the runs that recorded the job's tables.
pub fn fingerprint(job: &Job) -> String {
    let mut hash = Fields(Xxh3::new());
    hash.field("version", VERSION);
    hash.field("source.database", &job.source.database);
    hash.field("target.database", &job.target.database);
    for (source, target) in &job.target.schemas {
        hash.field("schema", source);
        hash.field("to", target);
    }
    for pattern in &job.tables.include {
        hash.field("include", pattern);
    }
    for pattern in &job.tables.exclude {
        hash.field("exclude", pattern);
    }
    for (table, changes) in &job.tables.overrides {
        if !changes_rows(changes) {
            continue;
        }
        hash.field("override", table);
        table_override(&mut hash, changes);
    }
    for (source, target) in &job.types {
        hash.field("every", source);
        hash.field("becomes", target);
    }
    hash.field("mode", job.transfer.mode.word());
    hash.field("consistency", job.transfer.consistency.word());
    hash.field("names", job.schema.names.shown());
    hash.field(
        "identity",
        if job.schema.identity { "true" } else { "false" },
    );
    hash.field("computed", job.schema.computed.word());
    if job.schema.collations == Collations::Icu {
        hash.field("collations", job.schema.collations.word());
    }
    format!("{:032x}", hash.0.digest128())
}

/// An override that is written after a failure, for `values` alone, must not refuse the checkpoint.
fn changes_rows(changes: &TableOverride) -> bool {
    changes.filter.is_some()
        || changes.rename.is_some()
        || !changes.exclude_columns.is_empty()
        || !changes.rename_columns.is_empty()
        || !changes.types.is_empty()
}

fn table_override(hash: &mut Fields, changes: &TableOverride) {
    if let Some(filter) = &changes.filter {
        hash.field("where", filter);
    }
    for column in &changes.exclude_columns {
        hash.field("without", column);
    }
    if let Some(rename) = &changes.rename {
        hash.field("rename", rename);
    }
    for (column, name) in &changes.rename_columns {
        hash.field("rename column", column);
        hash.field("to", name);
    }
    for (column, ty) in &changes.types {
        hash.field("column", column);
        hash.field("type", ty);
    }
}

struct Fields(Xxh3);

impl Fields {
    /// Lengths keep neighbours apart: `ab` + `c` is not `a` + `bc`.
    fn field(&mut self, name: &str, value: &str) {
        for part in [name, value] {
            self.0.update(&(part.len() as u64).to_le_bytes());
            self.0.update(part.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;

    const JOB: &str = "
job: j
source: {host: a, database: S, user: u, password: p}
target: {host: b, database: t, user: u, password: p}
";

    fn of(changes: &str) -> String {
        let text = format!("{JOB}{changes}");
        fingerprint(&parse(&text, "j", &|_| None).expect("a job"))
    }

    #[test]
    fn what_rows_depend_on_changes_it() {
        let mut seen = vec![of("")];
        for changes in [
            "tables: {include: ['dbo.A']}",
            "tables: {exclude: ['dbo.A']}",
            "tables: {include: ['dbo.A', 'dbo.B']}",
            "tables: {overrides: {dbo.A: {where: 'x > 1'}}}",
            "tables: {overrides: {dbo.A: {where: 'x > 2'}}}",
            "tables: {overrides: {dbo.A: {rename: b}}}",
            "tables: {overrides: {dbo.A: {types: {b: text}}}}",
            "tables: {overrides: {dbo.A: {columns: {exclude: [b]}}}}",
            "types: {money: numeric}",
            "types: {money: text}",
            "transfer: {mode: append}",
            "transfer: {consistency: relaxed}",
            "schema: {names: preserve}",
            "schema: {identity: false}",
            "schema: {computed: plain}",
            "schema: {collations: icu}",
            "tables: {overrides: {dbo.A: {columns: {rename: {b: c}}}}}",
        ] {
            let fingerprint = of(changes);
            assert!(!seen.contains(&fingerprint), "{changes}");
            seen.push(fingerprint);
        }
    }

    #[test]
    fn what_an_operator_tunes_does_not() {
        for changes in [
            "transfer: {max_partitions_per_table: 2, commit_every: 1MiB, retry: {attempts: 9}}",
            "tables: {overrides: {}}",
            "tables: {overrides: {dbo.A: {partitions: 3, values: {b: {undecodable: strip}}}}}",
            "tables: {overrides: {dbo.A: {without: [IX_A, FK_A]}}}",
            "values: {nul_characters: strip}",
            "values: {undecodable: reject}",
            "verify: none",
            "report: {json: x.json}",
            "lineage: {file: x.jsonl}",
            "hooks: {before_load: make ready, timeout: 1s}",
            "schema: {indexes: false}",
            "schema: {untranslated: ignore, views: try, sequences: false}",
            "schema: {rowversion: counter, history: trigger}",
            "schema: {functions: try, helpers: none, indexed_views: materialized}",
        ] {
            assert_eq!(of(changes), of(""), "{changes}");
        }
        let moved = JOB
            .replace("host: b", "host: c")
            .replace("password: p", "password: q");
        let moved = parse(&moved, "other", &|_| None).expect("a job");
        assert_eq!(fingerprint(&moved), of(""));
    }

    /// A new release must not refuse the checkpoints of the last one by accident.
    #[test]
    fn it_is_the_same_in_every_release() {
        assert_eq!(of(""), "d6775a7b565e4db5b8e779f0b666b306");
    }
}
