//! A plan as text: what would be made, how each table would be read, what would be left out.

use crate::cli::text::figures::{count, counted, mebibytes, wrap};
use crate::cli::text::{cause, inventory, list, omissions};
use crate::plan::table::{KeyColumn, Strategy, TablePlan};
use crate::report::planned::{PlanReport, PlannedTable};

/// The report as text.
pub(crate) fn render(report: &PlanReport) -> String {
    let mut out = format!(
        "job {}\nfrom {}, database {} (SQL Server {})\n",
        report.job, report.source.address, report.source.database, report.source.version
    );
    for table in &report.tables {
        out.push('\n');
        planned(&mut out, table);
    }
    if !report.others.is_empty() || !report.notes.is_empty() {
        out.push_str("\nother objects\n");
        for note in &report.notes {
            out.push_str(&wrap(&format!("note: {note}"), "  ", "    "));
        }
        for line in report.others.iter().flat_map(|statement| statement.lines()) {
            out.push_str(&format!("    {line}\n"));
        }
    }
    if !report.failed.is_empty() {
        out.push_str("\nCANNOT be planned\n");
        for table in &report.failed {
            cause(&mut out, &table.table, &table.cause);
        }
    }
    if !report.problems.is_empty() {
        out.push_str("\nthe job as a whole\n");
        for problem in &report.problems {
            cause(&mut out, "problem", problem);
        }
    }
    if !report.skipped.is_empty() {
        out.push_str("\nleft out by the job\n");
        let line = |table: &crate::report::planned::SkippedTable| {
            format!("{}: {}", table.table, table.reason)
        };
        list(&mut out, report.skipped.iter().map(line));
    }
    omissions(&mut out, &report.omissions);
    inventory(&mut out, &report.inventory);
    out.push_str(&format!(
        "\n{} to move, {} that cannot be planned, {} left out by the job\n",
        counted(report.tables.len(), "table"),
        report.failed.len(),
        report.skipped.len()
    ));
    out
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
    use crate::plan::changes::TypeChange;
    use crate::plan::table::TargetName;
    use crate::report::Endpoint;
    use tsql::schema::{Column, SqlType};

    #[test]
    fn a_planned_table_says_how_it_is_read_and_made() {
        let plan = TablePlan {
            schema: "dbo".into(),
            name: "Posts".into(),
            target: TargetName {
                schema: "public".into(),
                table: "posts".into(),
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
        let text = render(&PlanReport {
            job: "demo".into(),
            source: Endpoint::default(),
            tables: vec![PlannedTable {
                plan,
                ddl: vec!["CREATE TABLE \"public\".\"posts\" ()".into()],
                changes: vec![TypeChange {
                    column: "Price".into(),
                    from: "money".into(),
                    to: "numeric(19,4)".into(),
                }],
            }],
            skipped: Vec::new(),
            failed: Vec::new(),
            problems: Vec::new(),
            omissions: Vec::new(),
            notes: Vec::new(),
            inventory: Vec::new(),
            others: vec!["CREATE SEQUENCE s".into()],
            kind: None,
        });
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
}
