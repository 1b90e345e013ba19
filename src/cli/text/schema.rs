//! The DDL as a script for psql; everything that is not a statement is a comment.

use crate::report::schema::SchemaReport;

/// The report as text.
pub(crate) fn render(report: &SchemaReport) -> String {
    let mut out = String::new();
    comment(
        &mut out,
        &format!(
            "job {}: database {} of {} (SQL Server {}) for PostgreSQL 15 or later",
            report.job, report.source.database, report.source.address, report.source.version
        ),
    );
    // Literals with backslashes read as they are, whatever the role's or database's setting is.
    out.push_str("SET standard_conforming_strings = on;\n");
    for part in &report.parts {
        out.push('\n');
        comment(&mut out, &format!("{}:", part.title));
        let mut of = "";
        for statement in &part.statements {
            if statement.of != of {
                of = &statement.of;
                out.push('\n');
                comment(&mut out, of);
            }
            for note in &statement.notes {
                comment(&mut out, &format!("  note: {note}"));
            }
            out.push_str(&format!("{};\n", statement.sql));
        }
    }
    if !report.omissions.is_empty() {
        out.push('\n');
        comment(&mut out, "left out:");
    }
    for omission in &report.omissions {
        let line = format!(
            "{}: {}: {}",
            omission.table, omission.object, omission.reason
        );
        comment(&mut out, &line);
        if let Some(text) = &omission.text {
            comment(&mut out, &format!("    {text}"));
        }
    }
    out
}

/// Every line of it: a line end in a name must not begin a statement. psql takes `\r` and others
/// for blanks.
fn comment(out: &mut String, text: &str) {
    for line in text.split(['\n', '\r']) {
        out.push_str(&format!("-- {line}\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::schema::{SchemaSection, Statement};
    use crate::report::{Endpoint, Omission};

    #[test]
    fn what_is_no_statement_is_a_comment_whatever_is_in_it() {
        let text = render(&SchemaReport {
            job: "demo".into(),
            source: Endpoint::default(),
            parts: vec![SchemaSection {
                title: "tables",
                statements: vec![Statement {
                    of: "dbo.A\nDROP TABLE b;".into(),
                    notes: vec!["one\rtwo".into()],
                    sql: "CREATE TABLE \"a\" (\n    \"id\" integer\n)".into(),
                }],
            }],
            omissions: vec![Omission {
                table: "dbo.A".into(),
                object: "check CK".into(),
                reason: "not translated: x".into(),
                text: Some("([a]\n>(0))".into()),
            }],
        });
        assert!(
            text.contains("CREATE TABLE \"a\" (\n    \"id\" integer\n);\n"),
            "{text}"
        );
        let statement = [
            "SET standard_conforming_strings = on;",
            "CREATE TABLE",
            "    \"id\"",
            ");",
        ];
        for line in text.lines().filter(|line| !line.is_empty()) {
            let known = statement.iter().any(|start| line.starts_with(start));
            assert!(known || line.starts_with("-- "), "{line}");
        }
    }
}
