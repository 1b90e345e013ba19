//! CREATE, ALTER and DROP.

mod alter;

use sqlparser::tokenizer::Token;

use crate::engine::error::{Result, syntax, unsupported};
use crate::engine::parse::statement::{
    ColumnSpec, ConstraintKind, ConstraintSpec, CreateIndex, CreateTable, Statement,
};
use crate::engine::parse::tokens::{Tokens, is_word};
use crate::engine::table::IndexKind;

use alter::{alter, drop};

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
    Ok(None)
}

const MODULES: [&str; 5] = ["VIEW", "PROCEDURE", "PROC", "FUNCTION", "TRIGGER"];

fn create(t: &mut Tokens) -> Result<Statement> {
    t.take_words(&["OR", "ALTER"]);
    if let Some(kind) = t.take_one_of(&MODULES) {
        return skipped(t, kind);
    }
    if t.take_word("TABLE") {
        return table(t);
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
    let unique = t.take_word("UNIQUE");
    let clustered = t.take_one_of(&["CLUSTERED", "NONCLUSTERED"]) == Some("CLUSTERED");
    if t.take_word("INDEX") {
        return index(t, unique, clustered);
    }
    Err(unsupported(format!("CREATE {}", t.peek())))
}

/// A module takes the rest of its batch.
fn skipped(t: &mut Tokens, kind: &str) -> Result<Statement> {
    let name = t.name()?.to_string();
    t.skip_rest();
    Ok(Statement::Skipped {
        kind: kind.to_owned(),
        name,
    })
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
    if !t.take_word("FROM") {
        return Err(unsupported("CREATE TYPE that is not an alias (FROM)"));
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

fn table(t: &mut Tokens) -> Result<Statement> {
    let name = t.name()?;
    let mut created = CreateTable {
        name,
        columns: Vec::new(),
        constraints: Vec::new(),
    };
    t.expect(&Token::LParen)?;
    loop {
        if matches!(t.peek(), Token::RParen) {
            break;
        }
        if begins_constraint(t) {
            created.constraints.push(constraint(t)?);
        } else if t.is_word("INDEX") || t.is_word("PERIOD") {
            return Err(unsupported(format!("{} in CREATE TABLE", t.peek())));
        } else {
            created.columns.push(column(t)?);
        }
        if !t.take(&Token::Comma) {
            break;
        }
    }
    t.expect(&Token::RParen)?;
    storage(t)?;
    Ok(Statement::CreateTable(created))
}

/// `WITH (...)`, `ON filegroup`, `TEXTIMAGE_ON filegroup`: where and how, which mean nothing here.
fn storage(t: &mut Tokens) -> Result<()> {
    loop {
        if t.is_word("WITH") && matches!(t.peek_at(1), Token::LParen) {
            t.next();
            let mut ahead = 1;
            while !matches!(t.peek_at(ahead), Token::RParen | Token::EOF) {
                for refused in ["SYSTEM_VERSIONING", "MEMORY_OPTIMIZED"] {
                    if is_word(t.peek_at(ahead), refused) {
                        return Err(unsupported(refused));
                    }
                }
                ahead += 1;
            }
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
            t.identifier()?;
            if matches!(t.peek(), Token::LParen) {
                t.skip_parentheses()?;
            }
        } else {
            return Ok(());
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
        spec.computed = Some(t.prefix_expression()?);
        spec.persisted = t.take_word("PERSISTED");
    } else if matches!(t.peek(), Token::Comma | Token::RParen)
        && spec.name.eq_ignore_ascii_case("timestamp")
    {
        spec.ty = Some(crate::engine::parse::statement::TypeName {
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
        t.take_words(&["NOT", "FOR", "REPLICATION"]);
    } else if t.take_word("COLLATE") {
        spec.collation = Some(t.identifier()?);
    } else if t.take_word("ROWGUIDCOL") {
        spec.rowguid = true;
    } else if t.take_word("SPARSE") {
        spec.sparse = true;
    } else if t.take_words(&["NOT", "FOR", "REPLICATION"]) || t.take_word("PERSISTED") {
    } else if begins_constraint(t) || t.is_word("DEFAULT") || t.is_word("REFERENCES") {
        let found = constraint(t)?;
        spec.constraints.push(found);
    } else if t.is_word("MASKED") || t.is_word("ENCRYPTED") || t.is_word("GENERATED") {
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
        foreign(t, columns)?
    } else if t.is_word("REFERENCES") {
        foreign(t, Vec::new())?
    } else if t.take_word("CHECK") {
        t.take_words(&["NOT", "FOR", "REPLICATION"]);
        t.expect(&Token::LParen)?;
        let condition = t.expression()?;
        t.expect(&Token::RParen)?;
        ConstraintKind::Check(condition)
    } else if t.take_word("DEFAULT") {
        let value = t.prefix_expression()?;
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
    Ok(ConstraintSpec { name, kind })
}

fn key(t: &mut Tokens, kind: IndexKind) -> Result<ConstraintKind> {
    let clustered = t
        .take_one_of(&["CLUSTERED", "NONCLUSTERED"])
        .map(|w| w == "CLUSTERED");
    let columns = if matches!(t.peek(), Token::LParen) {
        t.list(key_column)?
    } else {
        Vec::new()
    };
    // At a column, `ON DELETE` of a following REFERENCES cannot come here.
    storage(t)?;
    Ok(ConstraintKind::Key {
        kind,
        clustered,
        columns,
    })
}

fn key_column(t: &mut Tokens) -> Result<(String, bool)> {
    let name = t.identifier()?;
    let descending = t.take_one_of(&["ASC", "DESC"]) == Some("DESC");
    Ok((name, descending))
}

fn foreign(t: &mut Tokens, columns: Vec<String>) -> Result<ConstraintKind> {
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
    t.take_words(&["NOT", "FOR", "REPLICATION"]);
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

fn index(t: &mut Tokens, unique: bool, clustered: bool) -> Result<Statement> {
    let name = t.identifier()?;
    t.expect_word("ON")?;
    let table = t.name()?;
    let columns = t.list(key_column)?;
    let included = if t.take_word("INCLUDE") {
        t.list(Tokens::identifier)?
    } else {
        Vec::new()
    };
    let filter = if t.take_word("WHERE") {
        Some(t.expression_until(&|token| is_word(token, "WITH") || is_word(token, "ON"))?)
    } else {
        None
    };
    storage(t)?;
    Ok(Statement::CreateIndex(CreateIndex {
        name,
        table,
        unique,
        clustered,
        columns,
        included,
        filter,
    }))
}
