//! The DDL text of indexes, constraints, comments, collations, domains and sequences.
//!
//! Pure: plan in, one statement out, without a semicolon. Names are quoted here; expressions are
//! the translator's and go in as they are, in parentheses.

use crate::plan::object::{
    CheckPlan, CollationPlan, DomainPlan, ForeignKeyPlan, IndexKind, IndexPlan, SequencePlan,
    TriggerAction, TriggerPlan,
};
use crate::plan::table::{ColumnPlan, TablePlan};
use crate::postgres::ddl::types::type_text;
use tsql::names::{TargetName, qualified, quote_ident};
use tsql::schema::objects::Action;

/// `server_version_num` of the first version in which a unique index can treat NULLs as equal.
pub const NULLS_NOT_DISTINCT: i32 = 150_000;

/// A text as a literal that reads the same whatever `standard_conforming_strings` says.
pub fn quote_literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') {
        format!("E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    }
}

/// An index or unique constraint of `table` under `name`. Before version 15 a unique one treats NULLs as
/// different.
pub fn index(table: &TargetName, name: &str, plan: &IndexPlan, version: i32) -> String {
    let nulls = match plan.kind {
        IndexKind::Unique { one_null: true } | IndexKind::Constraint { one_null: true }
            if version >= NULLS_NOT_DISTINCT =>
        {
            " NULLS NOT DISTINCT"
        }
        _ => "",
    };
    let included = if plan.included.is_empty() {
        String::new()
    } else {
        format!(" INCLUDE ({})", list(&plan.included))
    };
    let (table, name) = (qualified(table), quote_ident(name));
    if plan.is_constraint() {
        let columns: Vec<_> = plan.key.iter().map(|key| key.column.clone()).collect();
        return format!(
            "ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE{nulls} ({}){included}",
            list(&columns)
        );
    }
    let unique = if plan.is_unique() { "UNIQUE " } else { "" };
    let key = plan.key.iter().map(|key| {
        let direction = if key.descending { " DESC" } else { "" };
        format!("{}{direction}", quote_ident(&key.column))
    });
    let key = key.collect::<Vec<_>>().join(", ");
    let predicate = match &plan.predicate {
        Some(predicate) => format!(" WHERE ({predicate})"),
        None => String::new(),
    };
    format!("CREATE {unique}INDEX {name} ON {table} ({key}){included}{nulls}{predicate}")
}

/// A check constraint, NOT VALID: existing rows are not checked.
pub fn check(table: &TargetName, name: &str, plan: &CheckPlan) -> String {
    format!(
        "ALTER TABLE {} ADD CONSTRAINT {} CHECK ({}) NOT VALID",
        qualified(table),
        quote_ident(name),
        plan.expression
    )
}

/// A foreign key, NOT VALID: existing rows are not checked.
pub fn foreign_key(table: &TargetName, plan: &ForeignKeyPlan) -> String {
    format!("{} NOT VALID", foreign_key_at_once(table, plan))
}

/// A foreign key that existing rows must meet.
pub fn foreign_key_at_once(table: &TargetName, plan: &ForeignKeyPlan) -> String {
    format!(
        "ALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({}){}{}",
        qualified(table),
        quote_ident(&plan.name),
        list(&plan.columns),
        qualified(&plan.referenced),
        list(&plan.referenced_columns),
        action("DELETE", plan.on_delete),
        action("UPDATE", plan.on_update),
    )
}

/// `NO ACTION` is PostgreSQL's default too, and not written.
fn action(event: &str, action: Action) -> String {
    let words = match action {
        Action::NoAction => return String::new(),
        Action::Cascade => "CASCADE",
        Action::SetNull => "SET NULL",
        Action::SetDefault => "SET DEFAULT",
    };
    format!(" ON {event} {words}")
}

/// Checks the existing rows against a constraint.
/// Takes SHARE UPDATE EXCLUSIVE on the table: rows can be written meanwhile (PostgreSQL
/// documentation, ALTER TABLE).
pub fn validate(table: &TargetName, constraint: &str) -> String {
    format!(
        "ALTER TABLE {} VALIDATE CONSTRAINT {}",
        qualified(table),
        quote_ident(constraint)
    )
}

/// The comments of a table and its columns.
pub fn comments(plan: &TablePlan) -> Vec<String> {
    let table = qualified(&plan.target);
    let own = plan.objects.comment.iter();
    let own = own.map(|text| format!("COMMENT ON TABLE {table} IS {}", quote_literal(text)));
    let mut columns: Vec<&ColumnPlan> = plan.all_columns().collect();
    columns.sort_by_key(|column| column.position);
    let columns = columns.into_iter().filter_map(|column| {
        let text = column.clauses.comment.as_ref()?;
        let name = quote_ident(&column.target_name);
        Some(format!(
            "COMMENT ON COLUMN {table}.{name} IS {}",
            quote_literal(text)
        ))
    });
    own.chain(columns).collect()
}

/// A nondeterministic collation.
pub fn collation(plan: &CollationPlan) -> String {
    format!(
        "CREATE COLLATION {}.{} (provider = icu, locale = {}, deterministic = false)",
        quote_ident(&plan.schema),
        quote_ident(&plan.name),
        quote_literal(&plan.locale)
    )
}

/// A domain without constraints: NOT NULL is each column's own.
pub fn domain(plan: &DomainPlan) -> String {
    format!(
        "CREATE DOMAIN {} AS {}",
        qualified(&plan.target),
        type_text(&plan.ty)
    )
}

/// What makes a trigger: its function and the trigger itself, after the sequence of a rowversion.
///
/// The function runs with its owner's rights, because an application that may write the table has no rights
/// on the sequence and the history. So EXECUTE on it is revoked: otherwise any role could attach it to a
/// table of its own.
pub fn trigger(table: &TargetName, plan: &TriggerPlan) -> Vec<String> {
    let function = function_name(table, plan);
    let name = quote_ident(&plan.name);
    let mut all = Vec::new();
    let events = match &plan.does {
        TriggerAction::RowVersion {
            column,
            sequence,
            above,
        } => {
            let column = quote_ident(column);
            let sequence = format!("{}.{}", quote_ident(&table.schema), quote_ident(sequence));
            all.push(format!(
                "CREATE SEQUENCE {sequence} AS bigint START WITH {} OWNED BY {}.{column}",
                above.saturating_add(1).max(1),
                qualified(table)
            ));
            "INSERT OR UPDATE"
        }
        TriggerAction::History { .. } => "UPDATE OR DELETE",
    };
    all.push(format!(
        "CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql \
         SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS {}",
        quote_literal(&trigger_body(table, plan))
    ));
    all.push(format!(
        "REVOKE EXECUTE ON FUNCTION {function}() FROM PUBLIC"
    ));
    all.push(format!(
        "CREATE TRIGGER {name} BEFORE {events} ON {} FOR EACH ROW EXECUTE FUNCTION {function}()",
        qualified(table)
    ));
    all
}

/// The trigger's own name, in the table's schema.
fn function_name(table: &TargetName, plan: &TriggerPlan) -> String {
    format!("{}.{}", quote_ident(&table.schema), quote_ident(&plan.name))
}

/// 8 bytes, the most significant first, as SQL Server's are compared.
fn next_number(sequence: &str) -> String {
    format!(
        "pg_catalog.int8send(pg_catalog.nextval({}::pg_catalog.regclass))",
        quote_literal(sequence)
    )
}

/// The body of a trigger's function, by which an existing one is recognised.
pub fn trigger_body(table: &TargetName, plan: &TriggerPlan) -> String {
    match &plan.does {
        TriggerAction::RowVersion {
            column, sequence, ..
        } => {
            let sequence = format!("{}.{}", quote_ident(&table.schema), quote_ident(sequence));
            let column = quote_ident(column);
            // A load gives the source's value.
            format!(
                "\nBEGIN\n    IF TG_OP = 'UPDATE' OR NEW.{column} IS NULL THEN\n        NEW.{column} := {};\n    END IF;\n    RETURN NEW;\nEND;\n",
                next_number(&sequence)
            )
        }
        TriggerAction::History {
            table: history,
            columns,
            start,
            end,
            end_of_time,
        } => {
            // A period does not end before it began, even if the clock of the source was ahead.
            let now = format!(
                "GREATEST(pg_catalog.now() AT TIME ZONE 'UTC', OLD.{})",
                quote_ident(start)
            );
            let values = columns.iter().map(|(own, _)| {
                if own == end {
                    now.clone()
                } else {
                    format!("OLD.{}", quote_ident(own))
                }
            });
            let names: Vec<_> = columns.iter().map(|(_, other)| other.clone()).collect();
            format!(
                "\nBEGIN\n    INSERT INTO {} ({})\n    VALUES ({});\n    IF TG_OP = 'DELETE' THEN\n        RETURN OLD;\n    END IF;\n    NEW.{} := {now};\n    NEW.{} := timestamp '{end_of_time}';\n    RETURN NEW;\nEND;\n",
                qualified(history),
                list(&names),
                values.collect::<Vec<_>>().join(", "),
                quote_ident(start),
                quote_ident(end),
            )
        }
    }
}

/// A sequence with all its settings.
pub fn sequence(plan: &SequencePlan) -> String {
    let cache = plan.cache.map(|cache| format!(" CACHE {cache}"));
    format!(
        "CREATE SEQUENCE {} AS {} START WITH {} INCREMENT BY {} MINVALUE {} MAXVALUE {}{}{}",
        qualified(&plan.target),
        plan.ty,
        plan.start,
        plan.increment,
        plan.minimum,
        plan.maximum,
        cache.unwrap_or_default(),
        if plan.cycle { " CYCLE" } else { " NO CYCLE" }
    )
}

/// Quoted, with commas between them.
fn list(columns: &[String]) -> String {
    let quoted: Vec<_> = columns.iter().map(|name| quote_ident(name)).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::object::IndexKey;

    fn table() -> TargetName {
        TargetName {
            schema: "app".into(),
            table: "or\"ders".into(),
        }
    }

    fn index_plan(kind: IndexKind) -> IndexPlan {
        IndexPlan {
            name: "ix".into(),
            source: "IX".into(),
            kind,
            key: vec![
                IndexKey {
                    column: "a".into(),
                    descending: false,
                },
                IndexKey {
                    column: "b".into(),
                    descending: true,
                },
            ],
            included: vec!["c".into()],
            predicate: Some("\"a\" > 0".into()),
        }
    }

    #[test]
    fn indexes_keep_order_direction_included_columns_and_filter() {
        let plain = index_plan(IndexKind::Plain);
        assert_eq!(
            index(&table(), "ix", &plain, 160_000),
            "CREATE INDEX \"ix\" ON \"app\".\"or\"\"ders\" (\"a\", \"b\" DESC) INCLUDE (\"c\") WHERE (\"a\" > 0)"
        );
        let unique = index_plan(IndexKind::Unique { one_null: true });
        let text = index(&table(), "ix", &unique, 150_000);
        assert!(
            text.starts_with("CREATE UNIQUE INDEX")
                && text.ends_with("INCLUDE (\"c\") NULLS NOT DISTINCT WHERE (\"a\" > 0)"),
            "{text}"
        );
        let older = index(&table(), "ix", &unique, 149_999);
        assert!(!older.contains("NULLS"), "{older}");
        let constraint = IndexPlan {
            predicate: None,
            included: Vec::new(),
            ..index_plan(IndexKind::Constraint { one_null: true })
        };
        assert_eq!(
            index(&table(), "uq", &constraint, 150_000),
            "ALTER TABLE \"app\".\"or\"\"ders\" ADD CONSTRAINT \"uq\" UNIQUE NULLS NOT DISTINCT (\"a\", \"b\")"
        );
    }

    #[test]
    fn a_foreign_key_has_its_actions() {
        let plan = ForeignKeyPlan {
            name: "fk".into(),
            source: "FK".into(),
            columns: vec!["a".into(), "b".into()],
            referenced: TargetName {
                schema: "x".into(),
                table: "y".into(),
            },
            referenced_source: "dbo.Y".into(),
            referenced_columns: vec!["c".into(), "d".into()],
            on_delete: Action::Cascade,
            on_update: Action::SetDefault,
            valid: true,
            loose: false,
        };
        assert_eq!(
            foreign_key(&table(), &plan),
            "ALTER TABLE \"app\".\"or\"\"ders\" ADD CONSTRAINT \"fk\" FOREIGN KEY (\"a\", \"b\") \
             REFERENCES \"x\".\"y\" (\"c\", \"d\") ON DELETE CASCADE ON UPDATE SET DEFAULT NOT VALID"
        );
    }

    #[test]
    fn a_literal_is_closed_by_nothing_inside_of_it() {
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal("\\'; DROP"), "E'\\\\''; DROP'");
    }
}
