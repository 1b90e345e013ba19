//! The section `tables` of a job file: patterns and overrides.
//!
//! Names are taken as written. Whether the source has such tables, columns and types is checked by
//! `plan` against the catalog, which names all that are unknown at once.

use std::collections::BTreeMap;

use crate::config::job::{Accept, LeftOut, TableOverride, Tables, ValuesOverride};
use crate::config::read::check_range;
use crate::config::section::{Gathered, Section};

pub(super) fn tables(top: &mut Section, g: &mut Gathered<'_>) -> Tables {
    let mut section = top.section("tables", g);
    let include = patterns(&mut section, "include", g);
    let exclude = patterns(&mut section, "exclude", g);
    let mut overrides = BTreeMap::new();
    let mut written = section.section("overrides", g);
    for entry in written.take_rest() {
        let path = written.path_of(&entry.key);
        if !entry.key.contains('.') {
            let message = "a table is named `schema.table`";
            g.problem(entry.at, &path, message);
        }
        let fields = Section::new(entry.node, &path, written.keys(), g);
        overrides.insert(entry.key, table_override(fields, g));
    }
    section.finish(g);
    Tables {
        include,
        exclude,
        overrides,
    }
}

/// A pattern without a dot would match nothing, so it is refused here, with its place.
fn patterns(section: &mut Section, key: &'static str, g: &mut Gathered<'_>) -> Vec<String> {
    let path = section.path_of(key);
    let mut patterns = Vec::new();
    for (pattern, at) in section.list(key, g) {
        if !pattern.contains('.') {
            let message = "a pattern is `schema.table`, as `dbo.*` or `*.Posts`";
            g.problem(at, &path, message);
        }
        patterns.push(pattern);
    }
    patterns
}

/// The mapping of one table. An empty `where` is refused: it would be an error of the server later.
fn table_override(mut section: Section, g: &mut Gathered<'_>) -> TableOverride {
    let filter = section.optional("where", g);
    let mut columns = section.section("columns", g);
    let exclude_columns = columns.list("exclude", g);
    let rename_columns = columns.names("rename", g);
    columns.finish(g);
    let rename = section.optional("rename", g);
    if filter
        .as_ref()
        .is_some_and(|filter| filter.trim().is_empty())
    {
        section.problem("where", "has no condition", g);
    }
    if rename.as_ref().is_some_and(String::is_empty) {
        section.problem("rename", "a table's name is not empty", g);
    }
    let partitions = section.optional_number("partitions", g);
    let types = section.names("types", g);
    let values = column_values(&mut section, g);
    let accept = accept(&mut section, g);
    let without = section.list("without", g).into_iter();
    let without = without.map(|(name, at)| LeftOut {
        name,
        line: at.line,
    });
    let without = without.collect();
    section.finish(g);
    TableOverride {
        filter,
        exclude_columns: exclude_columns.into_iter().map(|(name, _)| name).collect(),
        rename,
        rename_columns,
        partitions,
        types,
        values,
        accept,
        without,
    }
}

/// Words that are not known were reported by `list` already.
fn accept(section: &mut Section, g: &mut Gathered<'_>) -> Accept {
    let words = section.list("accept", g);
    let says = |wanted: &str| words.iter().any(|(word, _)| word == wanted);
    Accept {
        masked: says("masked"),
        filtered: says("filtered"),
    }
}

/// `values:` of an override: column to what differs from the job's own.
fn column_values(table: &mut Section, g: &mut Gathered<'_>) -> BTreeMap<String, ValuesOverride> {
    let mut written = table.section("values", g);
    let mut columns = BTreeMap::new();
    for entry in written.take_rest() {
        let path = written.path_of(&entry.key);
        let mut section = Section::new(entry.node, &path, written.keys(), g);
        let mut policy = |key| section.optional_choice(key, g);
        let values = ValuesOverride {
            nul_characters: policy("nul_characters"),
            unpaired_surrogates: policy("unpaired_surrogates"),
            undecodable: policy("undecodable"),
            out_of_range: policy("out_of_range"),
        };
        check_range(&section, values.out_of_range, g);
        section.finish(g);
        columns.insert(entry.key, values);
    }
    columns
}
