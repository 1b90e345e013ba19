//! CREATE, ALTER and DROP.

mod alter;
mod index;
mod module;
pub(crate) mod security;
mod sequence;

use sqlparser::tokenizer::Token;

use crate::engine::error::{Result, syntax, unsupported};
use crate::engine::model::name::Name;
use crate::engine::model::table::{GeneratedAlways, IndexKind};
use crate::engine::parse::ddl::alter::{alter, drop, triggers};
use crate::engine::parse::ddl::module::{By, MODULES, module, skipped};
use crate::engine::parse::statement::{
    ColumnSpec, ConstraintKind, ConstraintSpec, CreateTable, Graph, On, PartitionFunctionSpec,
    Statement, Versioning,
};
use crate::engine::parse::tokens::{Tokens, is_word};

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

fn nullability(t: &mut Tokens) -> Result<Option<bool>> {
    if t.take_words(&["NOT", "NULL"]) {
        return Ok(Some(false));
    }
    Ok(t.take_word("NULL").then_some(true))
}

fn table(t: &mut Tokens, external: bool) -> Result<Statement> {
    let name = t.name()?;
    let mut created = CreateTable {
        name,
        columns: Vec::new(),
        constraints: Vec::new(),
        indexes: Vec::new(),
        period: None,
        versioning: None,
        on: None,
        external,
        durable: None,
        graph: None,
    };
    if t.take_words(&["AS", "EDGE"]) {
        created.graph = Some(Graph::Edge);
        return Ok(Statement::CreateTable(created));
    }
    t.expect(&Token::LParen)?;
    loop {
        if matches!(t.peek(), Token::RParen) {
            break;
        }
        if begins_constraint(t) {
            created.constraints.push(constraint(t)?);
        } else if t.is_word("INDEX") {
            created.indexes.push(index::inline(t, None)?);
        } else if t.are_words(&["PERIOD", "FOR", "SYSTEM_TIME"]) {
            created.period = Some(period(t)?);
        } else {
            created.columns.push(column(t)?);
        }
        if !t.take(&Token::Comma) {
            break;
        }
    }
    t.expect(&Token::RParen)?;
    created.durable = memory_option(t);
    if t.take_words(&["AS", "NODE"]) {
        created.graph = Some(Graph::Node);
    } else if t.take_words(&["AS", "EDGE"]) {
        created.graph = Some(Graph::Edge);
    }
    (created.versioning, created.on) = table_options(t)?;
    Ok(Statement::CreateTable(created))
}

/// `PERIOD FOR SYSTEM_TIME (start, end)`.
fn period(t: &mut Tokens) -> Result<(String, String)> {
    t.take_words(&["PERIOD", "FOR", "SYSTEM_TIME"]);
    let columns = t.list(Tokens::identifier)?;
    match <[String; 2]>::try_from(columns) {
        Ok([start, end]) => Ok((start, end)),
        Err(_) => Err(syntax("PERIOD")),
    }
}

/// What follows a table's parentheses: storage, and `SYSTEM_VERSIONING = ON`.
fn table_options(t: &mut Tokens) -> Result<(Option<Versioning>, Option<On>)> {
    let on = storage(t)?;
    if !(t.is_word("WITH") && matches!(t.peek_at(1), Token::LParen)) {
        return Ok((None, on));
    }
    t.next();
    t.next();
    let mut versioning = None;
    let mut depth = 0;
    loop {
        if depth == 0 && t.is_word("SYSTEM_VERSIONING") {
            versioning = versioning_option(t)?;
            continue;
        }
        match t.next() {
            Token::LParen => depth += 1,
            Token::RParen if depth == 0 => break,
            Token::RParen => depth -= 1,
            Token::EOF => return Err(syntax("end of batch")),
            _ => {}
        }
    }
    let on = storage(t)?.or(on);
    Ok((versioning, on))
}

/// `SYSTEM_VERSIONING = ON [(HISTORY_TABLE = name, ...)]` or `= OFF`.
fn versioning_option(t: &mut Tokens) -> Result<Option<Versioning>> {
    t.expect_word("SYSTEM_VERSIONING")?;
    t.expect(&Token::Eq)?;
    if t.take_word("OFF") {
        return Ok(None);
    }
    t.expect_word("ON")?;
    let mut history: Option<Name> = None;
    if t.take(&Token::LParen) {
        while !t.take(&Token::RParen) {
            if t.take_word("HISTORY_TABLE") {
                t.expect(&Token::Eq)?;
                history = Some(t.name()?);
            } else if t.take_word("DATA_CONSISTENCY_CHECK") {
                t.expect(&Token::Eq)?;
                t.next();
            } else if !t.take(&Token::Comma) {
                return Err(unsupported(format!("SYSTEM_VERSIONING with {}", t.peek())));
            }
        }
    }
    Ok(Some(Versioning { history }))
}

/// Of `WITH (MEMORY_OPTIMIZED = ON [, DURABILITY = ...])`: whether the rows are durable.
fn memory_option(t: &Tokens) -> Option<bool> {
    let has = |word| {
        (0..)
            .map(|ahead| t.peek_at(ahead))
            .take_while(|token| !matches!(token, Token::RParen | Token::EOF))
            .any(|token| is_word(token, word))
    };
    with_options(t, "MEMORY_OPTIMIZED").then(|| !has("SCHEMA_ONLY"))
}

/// Whether the WITH parentheses that come next switch an option ON.
fn with_options(t: &Tokens, option: &str) -> bool {
    let mut ahead = 0;
    if !(t.is_word("WITH") && matches!(t.peek_at(1), Token::LParen)) {
        return false;
    }
    while !matches!(t.peek_at(ahead), Token::RParen | Token::EOF) {
        if is_word(t.peek_at(ahead), option) && is_word(t.peek_at(ahead + 2), "ON") {
            return true;
        }
        ahead += 1;
    }
    false
}

/// `WITH (...)`, `ON filegroup`, `TEXTIMAGE_ON filegroup`: where and how, which mean nothing here,
/// except for a partition scheme with its column.
fn storage(t: &mut Tokens) -> Result<Option<On>> {
    let mut on = None;
    loop {
        if t.is_word("WITH") && matches!(t.peek_at(1), Token::LParen) {
            let mut ahead = 2;
            while !matches!(t.peek_at(ahead), Token::RParen | Token::EOF) {
                if is_word(t.peek_at(ahead), "SYSTEM_VERSIONING") {
                    return Ok(on);
                }
                ahead += 1;
            }
            if with_options(t, "IGNORE_DUP_KEY") {
                return Err(unsupported("IGNORE_DUP_KEY = ON"));
            }
            t.next();
            t.skip_parentheses()?;
        } else if t.is_word("WITH") && is_word(t.peek_at(1), "FILLFACTOR") {
            t.next();
            t.next();
            t.expect(&Token::Eq)?;
            t.integer()?;
        } else if t
            .take_one_of(&["ON", "TEXTIMAGE_ON", "FILESTREAM_ON"])
            .is_some()
        {
            let scheme = t.text()?;
            if matches!(t.peek(), Token::LParen) {
                let columns = t.list(Tokens::identifier)?;
                on = columns
                    .into_iter()
                    .next()
                    .map(|column| On { scheme, column });
            }
        } else {
            return Ok(on);
        }
    }
}

fn begins_constraint(t: &Tokens) -> bool {
    ["CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK"]
        .iter()
        .any(|w| t.is_word(w))
}

fn column(t: &mut Tokens) -> Result<ColumnSpec> {
    let mut spec = ColumnSpec {
        name: t.identifier()?,
        ..ColumnSpec::default()
    };
    if t.take_word("AS") {
        spec.computed = Some(t.leading_expression()?);
        spec.persisted = t.take_word("PERSISTED");
    } else if matches!(t.peek(), Token::Comma | Token::RParen)
        && spec.name.eq_ignore_ascii_case("timestamp")
    {
        spec.ty = Some(crate::engine::model::name::TypeName {
            name: "timestamp".to_owned(),
            args: Vec::new(),
        });
    } else {
        spec.ty = Some(t.type_name()?);
    }
    while column_option(t, &mut spec)? {}
    Ok(spec)
}

fn column_option(t: &mut Tokens, spec: &mut ColumnSpec) -> Result<bool> {
    if let Some(nullable) = nullability(t)? {
        spec.nullable = Some(nullable);
    } else if t.take_word("IDENTITY") {
        spec.identity = Some((1, 1));
        if matches!(t.peek(), Token::LParen) {
            let numbers = t.list(Tokens::integer)?;
            let [seed, increment] = numbers.as_slice() else {
                return Err(syntax("IDENTITY"));
            };
            spec.identity = Some((*seed, *increment));
        }
        spec.not_for_replication |= t.take_words(&["NOT", "FOR", "REPLICATION"]);
    } else if t.take_word("COLLATE") {
        spec.collation = Some(t.identifier()?);
    } else if t.take_word("ROWGUIDCOL") {
        spec.rowguid = true;
    } else if t.take_word("SPARSE") {
        spec.sparse = true;
    } else if t.take_words(&["NOT", "FOR", "REPLICATION"]) {
        spec.not_for_replication = true;
    } else if t.is_word("PERSISTED") && spec.computed.is_some() {
        t.next();
        spec.persisted = true;
    } else if t.take_words(&["GENERATED", "ALWAYS", "AS"]) {
        spec.generated = if t.take_words(&["ROW", "START"]) {
            GeneratedAlways::RowStart
        } else if t.take_words(&["ROW", "END"]) {
            GeneratedAlways::RowEnd
        } else {
            return Err(unsupported(format!("GENERATED ALWAYS AS {}", t.peek())));
        };
        spec.hidden = t.take_word("HIDDEN");
    } else if t.is_word("INDEX") {
        let found = index::inline(t, Some(&spec.name))?;
        spec.indexes.push(found);
    } else if begins_constraint(t) || t.is_word("DEFAULT") || t.is_word("REFERENCES") {
        let found = constraint(t)?;
        spec.constraints.push(found);
    } else if t.is_word("MASKED") {
        spec.mask = Some(security::mask(t)?);
    } else if t.take_words(&["COLUMN_SET", "FOR", "ALL_SPARSE_COLUMNS"]) {
        spec.column_set = true;
    } else if t.is_word("ENCRYPTED") || t.is_word("FILESTREAM") {
        return Err(unsupported(format!("{} columns", t.peek())));
    } else {
        return Ok(false);
    }
    Ok(true)
}

/// A constraint, at a column or at the table.
fn constraint(t: &mut Tokens) -> Result<ConstraintSpec> {
    let name = if t.take_word("CONSTRAINT") {
        Some(t.identifier()?)
    } else {
        None
    };
    let mut not_for_replication = false;
    let kind = if t.take_words(&["PRIMARY", "KEY"]) {
        key(t, IndexKind::PrimaryKey)?
    } else if t.take_word("UNIQUE") {
        key(t, IndexKind::UniqueConstraint)?
    } else if t.take_words(&["FOREIGN", "KEY"]) {
        let columns = if matches!(t.peek(), Token::LParen) {
            t.list(Tokens::identifier)?
        } else {
            Vec::new()
        };
        foreign(t, columns, &mut not_for_replication)?
    } else if t.is_word("REFERENCES") {
        foreign(t, Vec::new(), &mut not_for_replication)?
    } else if t.take_word("CHECK") {
        not_for_replication = t.take_words(&["NOT", "FOR", "REPLICATION"]);
        t.expect(&Token::LParen)?;
        let condition = t.expression()?;
        t.expect(&Token::RParen)?;
        ConstraintKind::Check(condition)
    } else if t.take_word("DEFAULT") {
        let value = t.leading_expression()?;
        let column = if t.take_word("FOR") {
            Some(t.identifier()?)
        } else {
            None
        };
        t.take_words(&["WITH", "VALUES"]);
        ConstraintKind::Default { value, column }
    } else {
        return Err(t.unexpected());
    };
    Ok(ConstraintSpec {
        name,
        kind,
        not_for_replication,
    })
}

fn key(t: &mut Tokens, kind: IndexKind) -> Result<ConstraintKind> {
    let clustered = t
        .take_one_of(&["CLUSTERED", "NONCLUSTERED"])
        .map(|w| w == "CLUSTERED");
    let hash = t.take_word("HASH");
    let columns = if matches!(t.peek(), Token::LParen) {
        t.list(key_column)?
    } else {
        Vec::new()
    };
    // At a column, `ON DELETE` of a following REFERENCES cannot come here.
    let on = storage(t)?;
    Ok(ConstraintKind::Key {
        kind,
        clustered,
        hash,
        columns,
        on,
    })
}

fn key_column(t: &mut Tokens) -> Result<(String, bool)> {
    let name = t.identifier()?;
    let descending = t.take_one_of(&["ASC", "DESC"]) == Some("DESC");
    Ok((name, descending))
}

fn foreign(
    t: &mut Tokens,
    columns: Vec<String>,
    not_for_replication: &mut bool,
) -> Result<ConstraintKind> {
    t.expect_word("REFERENCES")?;
    let target = t.name()?;
    let target_columns = if matches!(t.peek(), Token::LParen) {
        t.list(Tokens::identifier)?
    } else {
        Vec::new()
    };
    let (mut on_delete, mut on_update) = (0, 0);
    while t.is_word("ON") {
        if t.take_words(&["ON", "DELETE"]) {
            on_delete = action(t)?;
        } else if t.take_words(&["ON", "UPDATE"]) {
            on_update = action(t)?;
        } else {
            break;
        }
    }
    *not_for_replication = t.take_words(&["NOT", "FOR", "REPLICATION"]);
    Ok(ConstraintKind::Foreign {
        columns,
        target,
        target_columns,
        on_delete,
        on_update,
    })
}

fn action(t: &mut Tokens) -> Result<u8> {
    for (words, code) in [
        (["NO", "ACTION"].as_slice(), 0),
        (["CASCADE"].as_slice(), 1),
        (["SET", "NULL"].as_slice(), 2),
        (["SET", "DEFAULT"].as_slice(), 3),
    ] {
        if t.take_words(words) {
            return Ok(code);
        }
    }
    Err(t.unexpected())
}
