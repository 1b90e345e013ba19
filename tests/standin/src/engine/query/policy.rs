//! Row-level security: the filter predicates of a table, as conditions over its rows.

use std::sync::Arc;

use sqlparser::tokenizer::Token;

use crate::engine::error::{Result, unsupported};
use crate::engine::eval::expr::Bound;
use crate::engine::eval::plan::Plan;
use crate::engine::model::name::Name;
use crate::engine::model::object::Module;
use crate::engine::model::security::Predicate;
use crate::engine::model::state::Database;
use crate::engine::model::table::Table;
use crate::engine::parse::expression::parse_expression;
use crate::engine::parse::tokens::Tokens;
use crate::engine::query::bind::{Binder, Source};
use crate::engine::query::source::table_outputs;

/// How the predicate names the row that it looks at.
const ROW: &str = "filtered row";

impl Binder<'_> {
    /// The rows of a table that its security policies let through, for everybody, dbo too
    /// (Microsoft, "Row-level security").
    pub(super) fn let_through(
        &self,
        plan: Plan,
        database: &Arc<Database>,
        table: &Table,
    ) -> Result<Plan> {
        let policies = database.security.policies.iter().filter(|p| p.enabled);
        let predicates = policies
            .flat_map(|p| &p.predicates)
            .filter(|p| p.filter && p.table == table.object_id);
        let mut plan = plan;
        for predicate in predicates {
            let condition = self.predicate(predicate, database, table)?;
            plan = Plan::Filter(Box::new(plan), condition);
        }
        Ok(plan)
    }

    fn predicate(
        &self,
        predicate: &Predicate,
        database: &Arc<Database>,
        table: &Table,
    ) -> Result<Bound> {
        let function = &predicate.function;
        let id = database.object_id(function.schema.as_deref().unwrap_or("dbo"), &function.name);
        let module = id.and_then(|id| database.modules.get(&id));
        let module = module.ok_or_else(|| crate::engine::error::invalid_object(function))?;
        let query = inlined(module, &predicate.arguments)?;
        let mut binder = Binder::new(self.facts);
        // The predicate reads whatever the user may not.
        binder.trusted = true;
        binder.scope().sources.push(Source {
            alias: ROW.to_owned(),
            name: None::<Name>,
            columns: table_outputs(table),
            start: 0,
        });
        binder.condition(&parse_expression(&format!("EXISTS ({query})"))?)
    }
}

/// The query of an inline function with the arguments in the places of its parameters.
fn inlined(module: &Module, arguments: &[String]) -> Result<String> {
    let refused = || unsupported(format!("the predicate function '{}'", module.name));
    let mut t = Tokens::new(&module.definition)?;
    while !matches!(t.peek(), Token::LParen | Token::EOF) {
        t.next();
    }
    let parameters = t.list(|t| {
        let name = t.identifier()?;
        t.take_word("AS");
        t.type_name()?;
        Ok(name)
    });
    let parameters = parameters.map_err(|_| refused())?;
    if parameters.len() != arguments.len() {
        return Err(refused());
    }
    while !t.take_word("RETURN") {
        if t.done() {
            return Err(refused());
        }
        t.next();
    }
    let mut words = Vec::new();
    while !t.done() {
        let token = t.next();
        let parameter = parameters
            .iter()
            .position(|p| matches!(&token, Token::Word(w) if w.value.eq_ignore_ascii_case(p)));
        words.push(match parameter {
            Some(at) => argument(&arguments[at]),
            None if token == Token::SemiColon => String::new(),
            None => token.to_string(),
        });
    }
    Ok(words.join(" "))
}

/// A column of the row; anything else stands for itself.
fn argument(text: &str) -> String {
    let name = text.trim_matches(|c| c == '[' || c == ']');
    let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if is_name && !name.contains(['(', '\'', ' ']) {
        format!("[{ROW}].[{name}]")
    } else {
        text.to_owned()
    }
}
