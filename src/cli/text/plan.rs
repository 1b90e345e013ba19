//! A plan as text: what would be made, how each table would be read, what would be left out.

use std::collections::HashMap;

use crate::cli::text::check::estimated;
use crate::cli::text::figures::{count, counted, fit, mebibytes, wrap};
use crate::cli::text::grid::{Align, Grid};
use crate::cli::text::{cause, inventory, list, omissions};
use crate::plan::changes::TypeChange;
use crate::plan::table::{KeyColumn, Strategy, TablePlan};
use crate::report::planned::{PlanReport, PlannedTable, SkippedTable};

/// Columns of the terminal for a target's name in the list of tables.
const TARGET_WIDTH: usize = 32;

/// Tables named in a line that several share; the rest is counted.
const MOST_NAMES: usize = 3;

/// How much of each table is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// A line for each table, and what is out of the ordinary.
    Summary,
    /// Each table with its statements, changes of type and notes.
    Full,
}

/// The report as text.
pub(crate) fn render(report: &PlanReport, detail: Detail) -> String {
    let mut out = format!(
        "job {}\nfrom {}, database {} (SQL Server {})\n",
        report.job, report.source.address, report.source.database, report.source.version
    );
    match detail {
        Detail::Summary => summary(&mut out, report),
        Detail::Full => {
            for table in &report.tables {
                out.push('\n');
                planned(&mut out, table);
            }
            others(&mut out, report);
        }
    }
    exceptions(&mut out, report);
    let rows = report.tables.iter().map(|table| table.plan.estimated_rows);
    let bytes = report.tables.iter().map(|table| table.plan.estimated_bytes);
    out.push_str(&format!(
        "\n{} to move (about {} rows, {}), {} that cannot be planned, {} left out by the job\n",
        counted(report.tables.len(), "table"),
        count(rows.sum()),
        mebibytes(bytes.sum()),
        report.failed.len(),
        report.skipped.len()
    ));
    if let Some(estimate) = &report.estimate {
        out.push('\n');
        estimated(&mut out, estimate);
    }
    if detail == Detail::Summary && !report.tables.is_empty() {
        out.push_str(
            "`migrate plan --table SCHEMA.TABLE` shows one table with its statements, -v all of them; `migrate \
             schema`\nprints the whole DDL.\n",
        );
    }
    out
}

/// A line for each table, then what several tables have in common, each once.
fn summary(out: &mut String, report: &PlanReport) {
    if !report.tables.is_empty() {
        let mut grid = Grid::new(&[
            ("table", Align::Left),
            ("target", Align::Left),
            ("rows", Align::Right),
            ("size", Align::Right),
            ("read by", Align::Left),
        ]);
        for PlannedTable { plan, .. } in &report.tables {
            grid.row(vec![
                plan.full_name(),
                fit(&plan.target.to_string(), TARGET_WIDTH),
                count(plan.estimated_rows),
                mebibytes(plan.estimated_bytes),
                reading(plan),
            ]);
        }
        out.push('\n');
        out.push_str(&grid.render());
    }
    let changes = report.tables.iter().flat_map(|table| {
        let change = |change: &TypeChange| format!("{} -> {}", change.from, change.to);
        table.changes.iter().map(move |c| (change(c), &table.plan))
    });
    shared(out, "types that change", changes);
    let filters = report.tables.iter().filter_map(|table| {
        let filter = table.plan.filter.as_ref()?;
        Some((format!("where {filter}"), &table.plan))
    });
    shared(out, "rows that the job leaves out", filters);
    let notes = report.tables.iter().flat_map(|table| {
        let notes = table.plan.notes.iter();
        notes.map(|note| (note.clone(), &table.plan))
    });
    shared(out, "notes", notes);
    for note in &report.notes {
        out.push_str(&wrap(note, "  ", "    "));
    }
    if !report.others.is_empty() {
        out.push_str(&format!(
            "\n{} for collations, sequences, functions and views\n",
            counted(report.others.len(), "statement")
        ));
    }
}

/// Says each text once, with the tables that have it, in the order in which it first comes.
fn shared<'a>(
    out: &mut String,
    heading: &str,
    lines: impl Iterator<Item = (String, &'a TablePlan)>,
) {
    let mut said: Vec<(String, Vec<String>, usize)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (text, plan) in lines {
        let at = *places.entry(text.clone()).or_insert_with(|| {
            said.push((text, Vec::new(), 0));
            said.len() - 1
        });
        let (_, tables, times) = &mut said[at];
        *times += 1;
        let name = plan.full_name();
        if tables.last() != Some(&name) {
            tables.push(name);
        }
    }
    if said.is_empty() {
        return;
    }
    out.push_str(&format!("\n{heading}\n"));
    let line = |(text, tables, times): &(String, Vec<String>, usize)| match tables.len() {
        0..=MOST_NAMES if *times == tables.len() => format!("{text}: {}", tables.join(", ")),
        0..=MOST_NAMES => format!("{text}: {times} columns of {}", tables.join(", ")),
        number => format!(
            "{text}: {} and {} more",
            tables[..MOST_NAMES].join(", "),
            number - MOST_NAMES
        ),
    };
    list(out, said.iter().map(line));
}

/// What is made beside tables.
fn others(out: &mut String, report: &PlanReport) {
    if report.others.is_empty() && report.notes.is_empty() {
        return;
    }
    out.push_str("\nother objects\n");
    for note in &report.notes {
        out.push_str(&wrap(&format!("note: {note}"), "  ", "    "));
    }
    for line in report.others.iter().flat_map(|statement| statement.lines()) {
        out.push_str(&format!("    {line}\n"));
    }
}

/// What cannot be planned, is left out, or is never moved.
fn exceptions(out: &mut String, report: &PlanReport) {
    if !report.failed.is_empty() {
        out.push_str("\nCANNOT be planned\n");
        for table in &report.failed {
            cause(out, &table.table, &table.cause);
        }
    }
    if !report.problems.is_empty() {
        out.push_str("\nthe job as a whole\n");
        for problem in &report.problems {
            cause(out, "problem", problem);
        }
    }
    if !report.skipped.is_empty() {
        out.push_str("\nleft out by the job\n");
        let line = |table: &SkippedTable| format!("{}: {}", table.table, table.reason);
        list(out, report.skipped.iter().map(line));
    }
    omissions(out, &report.omissions);
    inventory(out, &report.inventory);
}

/// How a table is read, in a few words.
fn reading(plan: &TablePlan) -> String {
    let readers = plan.wanted_partitions.max(plan.dense_partitions).max(1);
    let parts = match readers {
        1 => "1 reader".to_owned(),
        _ => format!("up to {readers} partitions"),
    };
    match &plan.strategy {
        Strategy::Keyset { .. } => format!("key, {parts}"),
        Strategy::Clustered { .. } => format!("clustered index, {parts}"),
        Strategy::RowNumber { .. } => format!("row numbers, {parts}"),
        Strategy::Hash { .. } => format!("hash, {parts}"),
        Strategy::Single => "1 statement".to_owned(),
    }
}

fn planned(out: &mut String, table: &PlannedTable) {
    let plan = &table.plan;
    let head = format!(
        "{}.{} -> {}.{}: about {} rows, {}",
        plan.schema,
        plan.name,
        plan.target.schema,
        plan.target.table,
        count(plan.estimated_rows),
        mebibytes(plan.estimated_bytes)
    );
    out.push_str(&wrap(&head, "", "  "));
    out.push_str(&wrap(&format!("read: {}", strategy(plan)), "  ", "    "));
    if let Some(filter) = &plan.filter {
        out.push_str(&wrap(&format!("where: {filter}"), "  ", "    "));
    }
    for change in &table.changes {
        let line = format!(
            "type: column {} {} -> {}",
            change.column, change.from, change.to
        );
        out.push_str(&wrap(&line, "  ", "    "));
    }
    for note in &plan.notes {
        out.push_str(&wrap(&format!("note: {note}"), "  ", "    "));
    }
    // Statements are kept as they will be sent, so they may be longer than a line.
    for statement in &table.ddl {
        for line in statement.lines() {
            out.push_str(&format!("    {line}\n"));
        }
    }
}

fn strategy(plan: &TablePlan) -> String {
    let columns = |key: &[KeyColumn]| {
        let column = |key: &KeyColumn| {
            let direction = if key.descending { " desc" } else { "" };
            format!("{}{direction}", key.column.name)
        };
        key.iter().map(column).collect::<Vec<_>>().join(", ")
    };
    let partitions = partitions(plan);
    match &plan.strategy {
        Strategy::Keyset {
            index,
            key,
            ordered,
            stored_by,
        } => {
            let order = match (ordered, stored_by) {
                (true, None) => "in key order".to_owned(),
                (true, Some(function)) => format!(
                    "in key order within each partition by {} ({})",
                    function.name, function.column
                ),
                (false, _) => "each range commits as a whole".to_owned(),
            };
            format!("keyset {index} ({}), {partitions}, {order}", columns(key))
        }
        Strategy::Clustered { index, key } => format!(
            "clustered ranges {index} ({}), {partitions}, each range commits as a whole",
            columns(key)
        ),
        Strategy::RowNumber { order } => {
            format!("row_number over ({}), {partitions}", order.join(", "))
        }
        Strategy::Hash { columns } => format!("hash of ({}), {partitions}", columns.join(", ")),
        Strategy::Single => "single, one statement".to_owned(),
    }
}

/// How far the cuts go may depend on the key's values, which are looked at when the run begins.
fn partitions(plan: &TablePlan) -> String {
    let (wanted, dense) = (plan.wanted_partitions.max(1), plan.dense_partitions);
    match wanted {
        _ if dense > wanted => {
            format!("up to {dense} partitions if the key has few gaps, else {wanted}")
        }
        1 => "1 partition".to_owned(),
        _ => format!("up to {wanted} partitions"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::table::TargetName;
    use crate::report::Endpoint;
    use tsql::schema::{Column, SqlType};

    fn posts(name: &str) -> PlannedTable {
        let plan = TablePlan {
            schema: "dbo".into(),
            name: name.into(),
            target: TargetName {
                schema: "public".into(),
                table: name.to_lowercase(),
            },
            columns: Vec::new(),
            generated: Vec::new(),
            objects: Default::default(),
            primary_key: None,
            strategy: Strategy::Keyset {
                index: "PK_Posts".into(),
                key: vec![KeyColumn {
                    column: Column {
                        name: "Id".into(),
                        ty: SqlType::Int,
                        nullable: false,
                        identity: None,
                        computed: None,
                        collation: None,
                        code_page: None,
                        masked: false,
                        extras: Default::default(),
                    },
                    descending: true,
                }],
                ordered: true,
                stored_by: None,
            },
            wanted_partitions: 8,
            dense_partitions: 8,
            estimated_rows: 17_142_169,
            estimated_bytes: 35 << 30,
            filter: Some("Id > 0".into()),
            memory_optimized: false,
            filtered_by_policy: false,
            omissions: Vec::new(),
            notes: vec!["column Created: the 7th digit goes".into()],
        };
        PlannedTable {
            plan,
            ddl: vec!["CREATE TABLE \"public\".\"posts\" ()".into()],
            changes: vec![TypeChange {
                column: "Price".into(),
                from: "money".into(),
                to: "numeric(19,4)".into(),
            }],
        }
    }

    fn report(tables: Vec<PlannedTable>) -> PlanReport {
        PlanReport {
            job: "demo".into(),
            source: Endpoint::default(),
            tables,
            skipped: Vec::new(),
            failed: Vec::new(),
            problems: Vec::new(),
            omissions: Vec::new(),
            notes: Vec::new(),
            inventory: Vec::new(),
            others: vec!["CREATE SEQUENCE s".into()],
            assessment: Default::default(),
            estimate: None,
            kind: None,
        }
    }

    #[test]
    fn a_planned_table_says_how_it_is_read_and_made() {
        let text = render(&report(vec![posts("Posts")]), Detail::Full);
        for part in [
            "dbo.Posts -> public.posts: about 17,142,169 rows, 35.0 GiB",
            "read: keyset PK_Posts (Id desc), up to 8 partitions, in key order",
            "where: Id > 0",
            "note: column Created: the 7th digit goes",
            "    CREATE TABLE \"public\".\"posts\" ()",
            "type: column Price money -> numeric(19,4)",
            "    CREATE SEQUENCE s",
            "1 table to move",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn a_summary_has_a_line_for_each_table_and_says_nothing_twice() {
        let names = ["Posts", "Users", "Votes", "Badges"];
        let text = render(&report(names.map(posts).into()), Detail::Summary);
        for name in names {
            let lines = text
                .lines()
                .filter(|line| line.starts_with(&format!("dbo.{name} ")));
            assert_eq!(lines.count(), 1, "{name} in\n{text}");
        }
        for part in [
            "17,142,169",
            "key, up to 8 partitions",
            "money -> numeric(19,4): dbo.Posts, dbo.Users, dbo.Votes and 1 more",
            "column Created: the 7th digit goes: dbo.Posts",
            "1 statement for collations, sequences, functions and views",
            "4 tables to move (about 68,568,676 rows, 140.0 GiB)",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert!(!text.contains("CREATE"), "{text}");
        let lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
        let once: std::collections::HashSet<_> = lines.iter().collect();
        assert_eq!(lines.len(), once.len(), "{text}");
    }
}
