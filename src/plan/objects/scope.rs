//! What an expression of the source may refer to, and what that is called in the target.
//!
//! The translator asks through the trait `TargetNames`; what is not found here, an expression
//! cannot refer to, and its object is left out. Names are added during planning, so the order of
//! planning decides what an expression may use.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use crate::config::job::{Collations, Helpers, Job, NameStyle};
use crate::plan::function::HelperPlan;
use crate::plan::objects::locale;
use crate::plan::table::{ColumnPlan, TablePlan, TargetName};
use tsql::names::{self, qualified};
use tsql::schema::Database;
use tsql::schema::modules::Synonym;
use tsql::translate::{
    FunctionParameter, Helper, Relation, ScalarFunction, Scope, ScopeColumn, TableFunction,
    TargetNames, Untranslated,
};

/// The schema that a sequence's name without one belongs to.
const DEFAULT_SCHEMA: &str = "dbo";

/// Objects of the target by their names at the source, in any case: most collations there make no
/// difference. Under the others, several names may be one here.
#[derive(Debug)]
pub(in crate::plan) struct Names {
    style: NameStyle,
    /// With their quoted names on the target.
    sequences: ByName<String>,
    /// Tables and views of which every column is on the target.
    relations: ByName<PlannedRelation>,
    /// Each with the schema and name that it stands for.
    synonyms: ByName<(String, String)>,
    scalar_functions: ByName<ScalarFunction>,
    /// The function that is being translated, by its full name.
    own: Option<(String, ScalarFunction)>,
    table_functions: ByName<PlannedTableFunction>,
    /// Functions that no column or constraint can call, in small letters, and why.
    uncallable: Vec<(String, String)>,
    /// Tables were added.
    has_tables: bool,
    tool: Tool,
}

/// Objects that translations use and the source does not have.
#[derive(Debug)]
struct Tool {
    /// The target's schema for it.
    schema: String,
    /// `schema.helpers: create`; otherwise what needs a helper does not translate.
    makes_helpers: bool,
    makes_collations: bool,
    /// Asked for so far. In a `RefCell`, because the translator has the names by shared reference.
    helpers: RefCell<BTreeSet<Helper>>,
    /// By their names at the source.
    collations: RefCell<BTreeSet<String>>,
}

/// Full names in small letters, with what has that name as it is written.
type ByName<T> = HashMap<String, Vec<(String, T)>>;

#[derive(Debug)]
struct PlannedRelation {
    /// Its quoted name with its schema.
    sql: String,
    columns: Vec<ColumnPlan>,
}

#[derive(Debug)]
struct PlannedTableFunction {
    relation: PlannedRelation,
    parameters: Vec<FunctionParameter>,
}

impl Names {
    /// Knows the synonyms, which need no plan; everything else is added.
    pub(in crate::plan) fn new(database: &Database, job: &Job) -> Self {
        let schema = target(DEFAULT_SCHEMA, "helper", job);
        let mut synonyms = ByName::new();
        for synonym in &database.synonyms {
            if let Some(stands_for) = &synonym.stands_for {
                add(
                    &mut synonyms,
                    Synonym::full_name(synonym),
                    stands_for.clone(),
                );
            }
        }
        Self {
            style: job.schema.names,
            sequences: HashMap::new(),
            relations: HashMap::new(),
            synonyms,
            scalar_functions: HashMap::new(),
            own: None,
            table_functions: HashMap::new(),
            uncallable: Vec::new(),
            has_tables: false,
            tool: Tool {
                schema: schema.map_or_else(|_| "public".to_owned(), |name| name.schema),
                makes_helpers: job.schema.helpers == Helpers::Create,
                makes_collations: job.schema.collations == Collations::Icu,
                helpers: RefCell::default(),
                collations: RefCell::default(),
            },
        }
    }

    pub(in crate::plan) fn add_sequence(&mut self, schema: &str, name: &str, target: &TargetName) {
        add(
            &mut self.sequences,
            full_name(schema, name),
            qualified(target),
        );
    }

    /// For views and functions; constraints see the columns of their own table only.
    pub(in crate::plan) fn add_table(&mut self, plan: &TablePlan) {
        let mut columns: Vec<_> = plan.all_columns().cloned().collect();
        columns.sort_by_key(|column| column.position);
        let sql = qualified(&plan.target);
        let planned = PlannedRelation { sql, columns };
        add(
            &mut self.relations,
            full_name(&plan.schema, &plan.name),
            planned,
        );
    }

    pub(super) fn add_view(
        &mut self,
        (schema, name): (&str, &str),
        target: &TargetName,
        columns: Vec<ColumnPlan>,
    ) {
        let sql = qualified(target);
        let planned = PlannedRelation { sql, columns };
        add(&mut self.relations, full_name(schema, name), planned);
    }

    pub(super) fn add_scalar_function(
        &mut self,
        (schema, name): (&str, &str),
        function: ScalarFunction,
    ) {
        add(
            &mut self.scalar_functions,
            full_name(schema, name),
            function,
        );
    }

    /// The function that is being translated, which may call itself.
    pub(super) fn set_own(&mut self, own: Option<(String, ScalarFunction)>) {
        self.own = own;
    }

    pub(super) fn add_table_function(
        &mut self,
        (schema, name): (&str, &str),
        target: &TargetName,
        (columns, parameters): (Vec<ColumnPlan>, Vec<FunctionParameter>),
    ) {
        let sql = qualified(target);
        let function = PlannedTableFunction {
            relation: PlannedRelation { sql, columns },
            parameters,
        };
        add(&mut self.table_functions, full_name(schema, name), function);
    }

    /// A function that columns and constraints cannot call.
    pub(super) fn add_uncallable(&mut self, full: &str, why: &str) {
        self.uncallable.push((full.to_lowercase(), why.to_owned()));
    }

    /// Why an expression does not translate: a function of the source that it calls, if that is why. The
    /// server writes names in brackets.
    pub(super) fn fault(&self, text: &str, why: &Untranslated) -> String {
        let written = text.to_lowercase().replace(['[', ']'], "");
        let calls = |(full, _): &&(String, String)| written.contains(&format!("{full}("));
        match self.uncallable.iter().find(calls) {
            Some((full, fault)) => format!("it calls function {full}, which is left out: {fault}"),
            None => why.reason.clone(),
        }
    }

    /// From here on, a table that is not known is not made as a whole.
    pub(super) fn tables_are_known(&mut self) {
        self.has_tables = true;
    }

    pub(super) fn has_tables(&self) -> bool {
        self.has_tables
    }

    /// A table or view of exactly this full name.
    pub(super) fn has_relation(&self, full: &str) -> bool {
        let named = self.relations.get(&full.to_lowercase());
        named.is_some_and(|named| named.iter().any(|(name, _)| name == full))
    }

    /// The target's schema for what is the tool's own.
    pub(super) fn tool_schema(&self) -> &str {
        &self.tool.schema
    }

    /// Helpers that a translation asked for, whether or not it came to anything.
    pub(super) fn helpers(&self) -> Vec<HelperPlan> {
        let asked = self.tool.helpers.borrow();
        let plan = |helper: &Helper| HelperPlan {
            target: self.tool.target(*helper),
            of: helper.to_string(),
            statement: helper.definition(&qualified(&self.tool.target(*helper))),
        };
        asked.iter().map(plan).collect()
    }

    /// Collations that a translation asked for, by their names at the source.
    pub(super) fn collations(&self) -> Vec<String> {
        self.tool.collations.borrow().iter().cloned().collect()
    }
}

impl Tool {
    fn target(&self, helper: Helper) -> TargetName {
        TargetName {
            schema: self.schema.clone(),
            table: helper.name().to_owned(),
        }
    }
}

/// What an object of the source is called in the target.
///
/// # Errors
/// A name that PostgreSQL cannot have.
pub(super) fn target(schema: &str, name: &str, job: &Job) -> Result<TargetName, String> {
    let style = job.schema.names;
    let plain = |error: tsql::error::Error| error.to_string();
    let mapped = job.target.schemas.get(schema).map(String::as_str);
    let schema = names::target_schema(schema, mapped, style).map_err(plain)?;
    let table = names::target(name, style).map_err(plain)?.text;
    Ok(TargetName { schema, table })
}

fn full_name(schema: &str, name: &str) -> String {
    format!("{schema}.{name}")
}

/// Two names that differ in case only are kept apart, see [`find`].
fn add<T>(all: &mut ByName<T>, full: String, one: T) {
    let named = all.entry(full.to_lowercase()).or_default();
    named.push((full, one));
}

/// The one of exactly that name, else the only one of that name in another case.
fn find<'a, T>(all: &'a ByName<T>, full: &str) -> Option<&'a (String, T)> {
    let named = all.get(&full.to_lowercase())?;
    let exact = named.iter().find(|(name, _)| name == full);
    exact.or_else(|| named.first().filter(|_| named.len() == 1))
}

fn relation<'a>((source, planned): (&String, &'a PlannedRelation)) -> Relation<'a> {
    Relation {
        source: source.clone(),
        sql: planned.sql.clone(),
        columns: planned.columns.iter().map(column).collect(),
    }
}

impl TargetNames for Names {
    fn sequence(&self, schema: Option<&str>, name: &str) -> Option<String> {
        let full = full_name(schema.unwrap_or(DEFAULT_SCHEMA), name);
        find(&self.sequences, &full).map(|(_, sql)| sql.clone())
    }

    fn relation(&self, schema: &str, name: &str) -> Option<Relation<'_>> {
        let (source, planned) = find(&self.relations, &full_name(schema, name))?;
        Some(relation((source, planned)))
    }

    fn synonym(&self, schema: &str, name: &str) -> Option<(String, String)> {
        let found = find(&self.synonyms, &full_name(schema, name));
        found.map(|(_, stands_for)| stands_for.clone())
    }

    fn scalar_function(&self, schema: &str, name: &str) -> Option<ScalarFunction> {
        let full = full_name(schema, name);
        let own = self.own.as_ref().filter(|(own, _)| *own == full);
        let found = own.or_else(|| find(&self.scalar_functions, &full));
        found.map(|(_, function)| function.clone())
    }

    fn table_function(&self, schema: &str, name: &str) -> Option<TableFunction<'_>> {
        let (source, function) = find(&self.table_functions, &full_name(schema, name))?;
        Some(TableFunction {
            relation: relation((source, &function.relation)),
            parameters: function.parameters.clone(),
        })
    }

    fn helper(&self, helper: Helper) -> Option<String> {
        self.tool.makes_helpers.then(|| {
            self.tool.helpers.borrow_mut().insert(helper);
            qualified(&self.tool.target(helper))
        })
    }

    fn view_column(&self, name: &str) -> Option<String> {
        let named = names::target_column(name, self.style);
        named.ok().map(|name| name.text)
    }

    fn collation(&self, source: &str) -> Option<String> {
        if !self.tool.makes_collations || !locale::is_loose(Some(source)) {
            return None;
        }
        let mut asked = self.tool.collations.borrow_mut();
        asked.insert(source.to_owned());
        Some(locale::sql(&self.tool.schema, source))
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
