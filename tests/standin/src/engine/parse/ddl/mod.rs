//! CREATE, ALTER and DROP.

mod alter;
mod index;
mod module;
pub(crate) mod option;
mod routine;
pub(crate) mod security;
mod sequence;
pub(crate) mod table;

use sqlparser::tokenizer::Token;

use crate::engine::error::{Result, unsupported};
use crate::engine::parse::ddl::alter::{alter, drop, triggers};
use crate::engine::parse::ddl::module::{By, MODULES, module, skipped};
use crate::engine::parse::ddl::option::storage;
use crate::engine::parse::ddl::table::{nullability, table};
use crate::engine::parse::definition::PartitionFunctionSpec;
use crate::engine::parse::statement::Statement;
use crate::engine::parse::tokens::Tokens;

pub(crate) fn statement(t: &mut Tokens) -> Result<Option<Statement>> {
    if t.take_word("CREATE") {
        return create(t).map(Some);
    }
    if t.take_word("ALTER") {
        return alter(t).map(Some);
    }
    if t.take_word("DROP") {
        return drop(t).map(Some);
    }
    if t.are_words(&["ENABLE", "TRIGGER"]) || t.are_words(&["DISABLE", "TRIGGER"]) {
        return triggers(t).map(Some);
    }
    if t.take_words(&["DBCC", "CHECKIDENT"]) {
        return alter::reseed(t).map(Some);
    }
    if t.take_words(&["BULK", "INSERT"]) {
        return skipped(t, "BULK INSERT").map(Some);
    }
    Ok(None)
}

fn create(t: &mut Tokens) -> Result<Statement> {
    let by = if t.take_words(&["OR", "ALTER"]) {
        By::Either
    } else {
        By::Create
    };
    if let Some(word) = t.take_one_of(&MODULES) {
        return module(t, word, by);
    }
    if let Some(index) = index::create(t)? {
        return Ok(index);
    }
    if t.take_word("SEQUENCE") {
        return sequence::sequence(t).map(Statement::CreateSequence);
    }
    if t.take_word("SYNONYM") {
        return synonym(t);
    }
    if t.take_words(&["XML", "SCHEMA", "COLLECTION"]) {
        return skipped(t, "XML SCHEMA COLLECTION");
    }
    if t.take_words(&["FULLTEXT", "CATALOG"]) {
        return full_text_catalog(t);
    }
    if t.take_word("STATISTICS") {
        return skipped(t, "STATISTICS");
    }
    if let Some(found) = security::create(t)? {
        return Ok(found);
    }
    if t.take_words(&["EXTERNAL", "TABLE"]) {
        return table(t, true);
    }
    for kind in ["EXTERNAL DATA SOURCE", "EXTERNAL FILE FORMAT"] {
        if t.take_words(&kind.split(' ').collect::<Vec<_>>()) {
            return skipped(t, kind);
        }
    }
    if t.take_word("TABLE") {
        return table(t, false);
    }
    if t.take_word("DATABASE") {
        return database(t);
    }
    if t.take_word("SCHEMA") {
        let name = t.identifier()?;
        if t.take_word("AUTHORIZATION") {
            t.identifier()?;
        }
        return Ok(Statement::CreateSchema(name));
    }
    if t.take_word("TYPE") {
        return create_type(t);
    }
    if t.take_words(&["PARTITION", "FUNCTION"]) {
        return partition_function(t);
    }
    if t.take_words(&["PARTITION", "SCHEME"]) {
        return partition_scheme(t);
    }
    Err(unsupported(format!("CREATE {}", t.peek())))
}

/// `name (type) AS RANGE [LEFT | RIGHT] FOR VALUES (boundaries)`.
fn partition_function(t: &mut Tokens) -> Result<Statement> {
    let name = t.identifier()?;
    t.expect(&Token::LParen)?;
    let ty = t.type_name()?;
    let collation = if t.take_word("COLLATE") {
        Some(t.identifier()?)
    } else {
        None
    };
    t.expect(&Token::RParen)?;
    if !t.take_words(&["AS", "RANGE"]) {
        return Err(t.unexpected());
    }
    let right = t.take_one_of(&["LEFT", "RIGHT"]) == Some("RIGHT");
    if !t.take_words(&["FOR", "VALUES"]) {
        return Err(t.unexpected());
    }
    t.expect(&Token::LParen)?;
    let boundaries = if matches!(t.peek(), Token::RParen) {
        Vec::new()
    } else {
        t.separated(Tokens::expression)?
    };
    t.expect(&Token::RParen)?;
    Ok(Statement::CreatePartitionFunction(PartitionFunctionSpec {
        name,
        ty,
        collation,
        right,
        boundaries,
    }))
}

/// `name AS PARTITION function [ALL] TO (filegroups)`: all rows lie in one place here.
fn partition_scheme(t: &mut Tokens) -> Result<Statement> {
    let name = t.identifier()?;
    if !t.take_words(&["AS", "PARTITION"]) {
        return Err(t.unexpected());
    }
    let function = t.identifier()?;
    t.take_word("ALL");
    t.expect_word("TO")?;
    t.list(Tokens::identifier)?;
    Ok(Statement::CreatePartitionScheme(name, function))
}

fn synonym(t: &mut Tokens) -> Result<Statement> {
    let name = t.name()?;
    t.expect_word("FOR")?;
    let target = t.name()?;
    let parts = [target.database, target.schema, Some(target.name)];
    let parts: Vec<String> = parts
        .into_iter()
        .flatten()
        .map(|p| format!("[{}]", p.replace(']', "]]")))
        .collect();
    Ok(Statement::CreateSynonym {
        name,
        target: parts.join("."),
    })
}

fn full_text_catalog(t: &mut Tokens) -> Result<Statement> {
    let name = t.identifier()?;
    t.skip_statement();
    Ok(Statement::CreateFullTextCatalog(name))
}

fn database(t: &mut Tokens) -> Result<Statement> {
    let name = t.identifier()?;
    let mut collation = None;
    while !matches!(t.peek(), Token::SemiColon | Token::EOF) {
        if t.take_word("COLLATE") {
            collation = Some(t.identifier()?);
        } else if t.is_word("AS") {
            return Err(unsupported("CREATE DATABASE ... AS SNAPSHOT OF"));
        } else if matches!(t.peek(), Token::LParen) {
            t.skip_parentheses()?;
        } else if ["ON", "PRIMARY", "LOG", "WITH", "CONTAINMENT", "NONE"]
            .iter()
            .any(|w| t.is_word(w))
            || matches!(t.peek(), Token::Comma | Token::Eq)
        {
            t.next();
        } else {
            break;
        }
    }
    Ok(Statement::CreateDatabase { name, collation })
}

fn create_type(t: &mut Tokens) -> Result<Statement> {
    let name = t.name()?;
    if t.take_words(&["AS", "TABLE"]) {
        t.skip_parentheses()?;
        storage(t)?;
        return Ok(Statement::CreateTableType(name));
    }
    if !t.take_word("FROM") {
        return Err(unsupported(
            "CREATE TYPE that is neither an alias (FROM) nor a table",
        ));
    }
    let ty = t.type_name()?;
    let nullable = nullability(t)?.unwrap_or(true);
    Ok(Statement::CreateType { name, ty, nullable })
}
