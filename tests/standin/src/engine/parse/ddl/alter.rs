//! ALTER and DROP.

use sqlparser::tokenizer::Token;

use crate::engine::error::{Result, syntax, unsupported};
use crate::engine::model::name::Name;
use crate::engine::parse::ddl::module::{self, By, MODULES, module as read_module, skipped};
use crate::engine::parse::ddl::option::storage;
use crate::engine::parse::ddl::table::{
    begins_constraint, column, constraint, period, versioning_option,
};
use crate::engine::parse::ddl::{security, sequence};
use crate::engine::parse::definition::AlterTable;
use crate::engine::parse::statement::Statement;
use crate::engine::parse::tokens::Tokens;
use crate::engine::parse::word::is_word;

pub(super) fn alter(t: &mut Tokens) -> Result<Statement> {
    if let Some(kind) = t.take_one_of(&MODULES) {
        return read_module(t, kind, By::Alter);
    }
    if t.take_word("SEQUENCE") {
        return sequence::sequence(t).map(Statement::AlterSequence);
    }
    if t.take_words(&["XML", "SCHEMA", "COLLECTION"]) {
        return skipped(t, "XML SCHEMA COLLECTION");
    }
    if t.take_word("TABLE") {
        let table = t.name()?;
        let change = alter_table(t)?;
        return Ok(Statement::AlterTable { table, change });
    }
    if t.take_word("INDEX") {
        let index = if t.take_word("ALL") {
            None
        } else {
            Some(t.identifier()?)
        };
        t.expect_word("ON")?;
        let table = t.name()?;
        let rebuild = match t.take_one_of(&["REBUILD", "DISABLE", "REORGANIZE"]) {
            Some("DISABLE") => false,
            Some("REBUILD") => true,
            Some(_) => {
                storage(t)?;
                return Ok(Statement::NoEffect);
            }
            None => return Err(t.unexpected()),
        };
        storage(t)?;
        return Ok(Statement::AlterIndex {
            index,
            table,
            rebuild,
        });
    }
    if t.take_word("DATABASE") {
        return alter_database(t);
    }
    if t.take_words(&["PARTITION", "FUNCTION"]) {
        return split_partition(t);
    }
    if let Some(found) = security::alter(t)? {
        return Ok(found);
    }
    if t.take_word("AUTHORIZATION") {
        while !matches!(t.peek(), Token::SemiColon | Token::EOF) {
            t.next();
        }
        return Ok(Statement::NoEffect);
    }
    Err(unsupported(format!("ALTER {}", t.peek())))
}

/// `name() SPLIT RANGE (boundary)`.
fn split_partition(t: &mut Tokens) -> Result<Statement> {
    let function = t.identifier()?;
    t.expect(&Token::LParen)?;
    t.expect(&Token::RParen)?;
    if !t.take_words(&["SPLIT", "RANGE"]) {
        return Err(unsupported(format!(
            "ALTER PARTITION FUNCTION ... {}",
            t.peek()
        )));
    }
    t.expect(&Token::LParen)?;
    let boundary = t.expression()?;
    t.expect(&Token::RParen)?;
    Ok(Statement::SplitPartition { function, boundary })
}

fn alter_database(t: &mut Tokens) -> Result<Statement> {
    let name = t.identifier()?;
    let name = (!name.eq_ignore_ascii_case("CURRENT")).then_some(name);
    if !t.take_word("SET") {
        return Err(unsupported(format!("ALTER DATABASE ... {}", t.peek())));
    }
    let mut settings = vec![Vec::new()];
    while !matches!(t.peek(), Token::SemiColon | Token::EOF) {
        if t.take(&Token::Comma) {
            settings.push(Vec::new());
        } else if matches!(t.peek(), Token::LParen) {
            t.skip_parentheses()?;
        } else if t.is_word("WITH") {
            t.next();
            while matches!(t.peek(), Token::Word(_) | Token::Number(..)) {
                t.next();
            }
        } else if let Token::Word(_) | Token::Number(..) = t.peek() {
            settings
                .last_mut()
                .expect("never empty")
                .push(t.next().to_string());
        } else {
            t.expect(&Token::Eq)?;
        }
    }
    Ok(Statement::AlterDatabase { name, settings })
}

fn alter_table(t: &mut Tokens) -> Result<AlterTable> {
    let with = if t.take_word("WITH") {
        t.take_one_of(&["CHECK", "NOCHECK"])
    } else {
        None
    };
    if t.take_words(&["DROP", "PERIOD", "FOR", "SYSTEM_TIME"]) {
        return Ok(AlterTable::DropPeriod);
    }
    if t.is_word("SET") && matches!(t.peek_at(1), Token::LParen) {
        t.next();
        t.next();
        if !t.is_word("SYSTEM_VERSIONING") {
            return Err(unsupported(format!("ALTER TABLE ... SET ({})", t.peek())));
        }
        let versioning = versioning_option(t)?;
        t.expect(&Token::RParen)?;
        return Ok(AlterTable::Versioning(versioning));
    }
    if let Some(word) = t.take_one_of(&["ENABLE", "DISABLE"]) {
        t.expect_word("TRIGGER")?;
        let names = trigger_names(t)?;
        return Ok(AlterTable::EnableTriggers {
            names,
            on: word == "ENABLE",
        });
    }
    if t.take_word("ADD") {
        return add(t, with != Some("NOCHECK"));
    }
    if let Some(word) = t.take_one_of(&["CHECK", "NOCHECK"]) {
        t.expect_word("CONSTRAINT")?;
        let names = if t.take_word("ALL") {
            Vec::new()
        } else {
            t.separated(Tokens::identifier)?
        };
        return Ok(AlterTable::Enable {
            names,
            on: word == "CHECK",
            check: with == Some("CHECK"),
        });
    }
    if t.take_words(&["ALTER", "COLUMN"]) {
        if is_word(t.peek_at(2), "MASKED") {
            let column = t.identifier()?;
            let adds = t.take_word("ADD");
            let function = if adds {
                Some(security::mask(t)?)
            } else {
                t.take_words(&["DROP", "MASKED"]);
                None
            };
            return Ok(AlterTable::Mask { column, function });
        }
        return Ok(AlterTable::AlterColumn(Box::new(column(t)?)));
    }
    if t.take_word("DROP") {
        let columns = t.take_word("COLUMN");
        if !columns {
            t.take_word("CONSTRAINT");
        }
        let if_exists = t.take_words(&["IF", "EXISTS"]);
        let names = t.separated(Tokens::identifier)?;
        return Ok(if columns {
            AlterTable::DropColumns { names, if_exists }
        } else {
            AlterTable::DropConstraints { names, if_exists }
        });
    }
    Err(unsupported(format!("ALTER TABLE ... {}", t.peek())))
}

fn trigger_names(t: &mut Tokens) -> Result<Vec<String>> {
    if t.take_word("ALL") {
        return Ok(Vec::new());
    }
    t.separated(|t| Ok(t.name()?.name))
}

/// `DBCC CHECKIDENT (table, RESEED, value) [WITH NO_INFOMSGS]`.
pub(super) fn reseed(t: &mut Tokens) -> Result<Statement> {
    t.expect(&Token::LParen)?;
    let table = match t.peek().clone() {
        Token::SingleQuotedString(s) | Token::NationalStringLiteral(s) => {
            t.next();
            Tokens::new(&s)?.name()?
        }
        _ => t.name()?,
    };
    let explicit = t.take(&Token::Comma) && t.take_word("RESEED") && t.take(&Token::Comma);
    if !explicit {
        return Err(unsupported("DBCC CHECKIDENT without RESEED and a value"));
    }
    let value = t.integer()?;
    t.expect(&Token::RParen)?;
    t.take_words(&["WITH", "NO_INFOMSGS"]);
    Ok(Statement::Reseed { table, value })
}

/// `ENABLE | DISABLE TRIGGER names ON table`.
pub(super) fn triggers(t: &mut Tokens) -> Result<Statement> {
    let on = t.take_word("ENABLE");
    if !on {
        t.expect_word("DISABLE")?;
    }
    t.expect_word("TRIGGER")?;
    let names = trigger_names(t)?;
    t.expect_word("ON")?;
    if t.take_word("DATABASE") {
        return Ok(Statement::EnableDatabaseTriggers { names, on });
    }
    Ok(Statement::AlterTable {
        table: t.name()?,
        change: AlterTable::EnableTriggers { names, on },
    })
}

fn add(t: &mut Tokens, check: bool) -> Result<AlterTable> {
    let (mut columns, mut constraints) = (Vec::new(), Vec::new());
    let mut of_time = None;
    loop {
        if t.are_words(&["PERIOD", "FOR", "SYSTEM_TIME"]) {
            of_time = Some(period(t)?);
        } else if begins_constraint(t) || t.is_word("DEFAULT") {
            constraints.push(constraint(t)?);
        } else {
            columns.push(column(t)?);
        }
        if !t.take(&Token::Comma) {
            return Ok(AlterTable::Add {
                columns,
                constraints,
                check,
                period: of_time,
            });
        }
    }
}

pub(super) fn drop(t: &mut Tokens) -> Result<Statement> {
    let words = [
        "TABLE",
        "DATABASE",
        "INDEX",
        "SCHEMA",
        "TYPE",
        "VIEW",
        "PROCEDURE",
        "PROC",
        "FUNCTION",
        "TRIGGER",
        "SEQUENCE",
        "SYNONYM",
    ];
    let Some(kind) = t.take_one_of(&words) else {
        return Err(unsupported(format!("DROP {}", t.peek())));
    };
    let if_exists = t.take_words(&["IF", "EXISTS"]);
    match kind {
        "TABLE" => Ok(Statement::DropTable {
            names: t.separated(Tokens::name)?,
            if_exists,
        }),
        "DATABASE" => Ok(Statement::DropDatabase {
            names: t.separated(Tokens::identifier)?,
            if_exists,
        }),
        "SCHEMA" => Ok(Statement::DropSchema {
            name: t.identifier()?,
            if_exists,
        }),
        "TYPE" => Ok(Statement::DropType {
            name: t.name()?,
            if_exists,
        }),
        "INDEX" => {
            let first = t.name()?;
            if t.take_word("ON") {
                return Ok(Statement::DropIndex {
                    index: first.name,
                    table: t.name()?,
                    if_exists,
                });
            }
            // The old form: `DROP INDEX table.index`.
            let table = first.schema.ok_or_else(|| syntax(&first.name))?;
            let table = Name {
                database: None,
                schema: first.database,
                name: table,
            };
            Ok(Statement::DropIndex {
                index: first.name,
                table,
                if_exists,
            })
        }
        kind => module::drop(t, kind, if_exists),
    }
}
