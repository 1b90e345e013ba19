//! What an expression of the source may refer to, and what that is called in the target.

use std::collections::HashMap;

use crate::config::job::NameStyle;
use crate::plan::table::{ColumnPlan, TablePlan, TargetName};
use tsql::names::{self, qualified};
use tsql::schema::Database;
use tsql::translate::{Relation, Scope, ScopeColumn, TargetNames};

/// The schema that a sequence's name without one belongs to.
const DEFAULT_SCHEMA: &str = "dbo";

/// Sequences and relations of the target by their names at the source, in any case: most
/// collations there make no difference. Under the others, several names may be one here.
#[derive(Debug)]
pub(in crate::plan) struct Names {
    style: NameStyle,
    sequences: HashMap<String, Vec<(String, String)>>,
    relations: HashMap<String, Vec<(String, PlannedRelation)>>,
}

#[derive(Debug)]
struct PlannedRelation {
    sql: String,
    columns: Vec<ColumnPlan>,
}

impl Names {
    pub(in crate::plan) fn new(style: NameStyle) -> Self {
        Self {
            style,
            sequences: HashMap::new(),
            relations: HashMap::new(),
        }
    }

    pub(in crate::plan) fn add_sequence(&mut self, schema: &str, name: &str, target: &TargetName) {
        let full = full_name(schema, name);
        let named = self.sequences.entry(full.to_lowercase()).or_default();
        named.push((full, qualified(target)));
    }

    pub(in crate::plan) fn add_table(&mut self, plan: &TablePlan) {
        let mut columns: Vec<_> = plan.all_columns().cloned().collect();
        columns.sort_by_key(|column| column.position);
        let planned = PlannedRelation {
            sql: qualified(&plan.target),
            columns,
        };
        self.add(full_name(&plan.schema, &plan.name), planned);
    }

    fn add(&mut self, full: String, planned: PlannedRelation) {
        let named = self.relations.entry(full.to_lowercase()).or_default();
        named.push((full, planned));
    }

    pub(super) fn add_view(
        &mut self,
        (schema, name): (&str, &str),
        target: &TargetName,
        columns: Vec<ColumnPlan>,
    ) {
        let sql = qualified(target);
        self.add(full_name(schema, name), PlannedRelation { sql, columns });
    }
}

fn full_name(schema: &str, name: &str) -> String {
    format!("{schema}.{name}")
}

/// The one of exactly that name, else the only one of that name in another case.
fn find<'a, T>(all: &'a HashMap<String, Vec<(String, T)>>, full: &str) -> Option<&'a (String, T)> {
    let named = all.get(&full.to_lowercase())?;
    let exact = named.iter().find(|(name, _)| name == full);
    exact.or_else(|| named.first().filter(|_| named.len() == 1))
}

impl TargetNames for Names {
    fn sequence(&self, schema: Option<&str>, name: &str) -> Option<String> {
        let full = full_name(schema.unwrap_or(DEFAULT_SCHEMA), name);
        find(&self.sequences, &full).map(|(_, sql)| sql.clone())
    }

    fn relation(&self, schema: &str, name: &str) -> Option<Relation<'_>> {
        let (source, planned) = find(&self.relations, &full_name(schema, name))?;
        Some(Relation {
            source: source.clone(),
            sql: planned.sql.clone(),
            columns: planned.columns.iter().map(column).collect(),
        })
    }

    fn view_column(&self, name: &str) -> Option<String> {
        let named = names::target_column(name, self.style);
        named.ok().map(|name| name.text)
    }
}

/// A column as expressions see it. Every computed one counts as generated: PostgreSQL lets no
/// generated column refer to another, and one that stays plain does not follow its sources.
pub(super) fn column(plan: &ColumnPlan) -> ScopeColumn<'_> {
    ScopeColumn {
        source: &plan.source.name,
        target: &plan.target_name,
        sql_type: &plan.source.ty,
        pg_type: &plan.target_type,
        collation: plan.source.collation.as_deref(),
        nullable: plan.source.nullable,
        generated: plan.source.computed.is_some(),
    }
}

/// What an expression may name: columns, and other objects of the source.
pub(super) fn scope<'a>(
    columns: &'a [ScopeColumn<'a>],
    names: &'a Names,
    database: &'a Database,
) -> Scope<'a> {
    let collation = database.collation.as_str();
    Scope {
        columns,
        names,
        default_collation: (!collation.is_empty()).then_some(collation),
    }
}
