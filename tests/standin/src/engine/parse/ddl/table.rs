//! CREATE TABLE: columns, constraints and options.

use sqlparser::tokenizer::Token;

use crate::engine::error::{Result, syntax, unsupported};
use crate::engine::model::index::IndexKind;
use crate::engine::model::name::Name;
use crate::engine::model::table::GeneratedAlways;
use crate::engine::parse::ddl::option::{key_column, storage, with_options};
use crate::engine::parse::ddl::{index, security};
use crate::engine::parse::definition::{
    ColumnSpec, ConstraintKind, ConstraintSpec, CreateTable, Graph, On, Versioning,
};
use crate::engine::parse::statement::Statement;
use crate::engine::parse::tokens::Tokens;
use crate::engine::parse::word::is_word;

pub(crate) fn nullability(t: &mut Tokens) -> Result<Option<bool>> {
    if t.take_words(&["NOT", "NULL"]) {
        return Ok(Some(false));
    }
    Ok(t.take_word("NULL").then_some(true))
}

pub(crate) fn table(t: &mut Tokens, external: bool) -> Result<Statement> {
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
pub(crate) fn period(t: &mut Tokens) -> Result<(String, String)> {
    t.take_words(&["PERIOD", "FOR", "SYSTEM_TIME"]);
    let columns = t.list(Tokens::identifier)?;
    match <[String; 2]>::try_from(columns) {
        Ok([start, end]) => Ok((start, end)),
        Err(_) => Err(syntax("PERIOD")),
    }
}

/// What follows a table's parentheses: storage, and `SYSTEM_VERSIONING = ON`.
pub(crate) fn table_options(t: &mut Tokens) -> Result<(Option<Versioning>, Option<On>)> {
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
pub(crate) fn versioning_option(t: &mut Tokens) -> Result<Option<Versioning>> {
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

/// `WITH (MEMORY_OPTIMIZED = ON [, DURABILITY = ...])`: whether the rows are durable.
pub(crate) fn memory_option(t: &Tokens) -> Option<bool> {
    let has = |word| {
        (0..)
            .map(|ahead| t.peek_at(ahead))
            .take_while(|token| !matches!(token, Token::RParen | Token::EOF))
            .any(|token| is_word(token, word))
    };
    with_options(t, "MEMORY_OPTIMIZED").then(|| !has("SCHEMA_ONLY"))
}

pub(crate) fn begins_constraint(t: &Tokens) -> bool {
    ["CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK"]
        .iter()
        .any(|w| t.is_word(w))
}

pub(crate) fn column(t: &mut Tokens) -> Result<ColumnSpec> {
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

pub(crate) fn column_option(t: &mut Tokens, spec: &mut ColumnSpec) -> Result<bool> {
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
pub(crate) fn constraint(t: &mut Tokens) -> Result<ConstraintSpec> {
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

pub(crate) fn key(t: &mut Tokens, kind: IndexKind) -> Result<ConstraintKind> {
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

pub(crate) fn foreign(
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

pub(crate) fn action(t: &mut Tokens) -> Result<u8> {
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
