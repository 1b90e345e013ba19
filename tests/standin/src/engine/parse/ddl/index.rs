//! CREATE INDEX in all its forms, and indexes written inside CREATE TABLE.

use sqlparser::tokenizer::Token;

use crate::engine::error::{Result, unsupported};
use crate::engine::model::index::XmlUse;
use crate::engine::model::name::Name;
use crate::engine::parse::ddl::option::{key_column, storage, with_options};
use crate::engine::parse::definition::{CreateFullText, CreateIndex, FormSpec};
use crate::engine::parse::statement::Statement;
use crate::engine::parse::tokens::Tokens;
use crate::engine::parse::word::is_word;

/// What comes between CREATE and INDEX.
#[derive(Debug, Clone, Copy, Default)]
struct Kind {
    unique: bool,
    clustered: bool,
    columnstore: bool,
}

fn kind(t: &mut Tokens) -> Kind {
    let unique = t.take_word("UNIQUE");
    let clustered = t.take_one_of(&["CLUSTERED", "NONCLUSTERED"]) == Some("CLUSTERED");
    Kind {
        unique,
        clustered,
        columnstore: t.take_word("COLUMNSTORE"),
    }
}

/// After CREATE; `None` when it is no index that is created.
pub(super) fn create(t: &mut Tokens) -> Result<Option<Statement>> {
    if t.take_words(&["PRIMARY", "XML", "INDEX"]) {
        return named(t, Kind::default(), FormSpec::PrimaryXml).map(Some);
    }
    if t.take_words(&["XML", "INDEX"]) {
        return secondary_xml(t).map(Some);
    }
    if t.take_words(&["SPATIAL", "INDEX"]) {
        return spatial(t).map(Some);
    }
    if t.take_words(&["FULLTEXT", "INDEX"]) {
        return full_text(t).map(Some);
    }
    let ahead = [
        "UNIQUE",
        "CLUSTERED",
        "NONCLUSTERED",
        "COLUMNSTORE",
        "INDEX",
    ];
    if !ahead.iter().any(|w| t.is_word(w)) {
        return Ok(None);
    }
    let kind = kind(t);
    t.expect_word("INDEX")?;
    let form = if kind.columnstore {
        FormSpec::Columnstore
    } else {
        FormSpec::Rows
    };
    named(t, kind, form).map(Some)
}

/// `name ON table (columns) ...`.
fn named(t: &mut Tokens, kind: Kind, form: FormSpec) -> Result<Statement> {
    let name = t.identifier()?;
    t.expect_word("ON")?;
    let table = t.name()?;
    let mut index = plain(name, table, kind, form);
    rest(t, &mut index)?;
    Ok(Statement::CreateIndex(index))
}

fn plain(name: String, table: Name, kind: Kind, form: FormSpec) -> CreateIndex {
    CreateIndex {
        name,
        table,
        unique: kind.unique,
        clustered: kind.clustered,
        form,
        columns: Vec::new(),
        included: Vec::new(),
        filter: None,
        drop_existing: false,
        on: None,
    }
}

/// Columns, INCLUDE, WHERE and storage.
fn rest(t: &mut Tokens, index: &mut CreateIndex) -> Result<()> {
    if matches!(t.peek(), Token::LParen) {
        index.columns = t.list(key_column)?;
    }
    if t.take_word("INCLUDE") {
        index.included = t.list(Tokens::identifier)?;
    }
    if t.take_word("ORDER") {
        return Err(unsupported("an ordered columnstore index"));
    }
    if t.take_word("WHERE") {
        let stop = |token: &Token| is_word(token, "WITH") || is_word(token, "ON");
        index.filter = Some(t.expression_until(&stop)?);
    }
    index.drop_existing = with_options(t, "DROP_EXISTING");
    index.on = storage(t)?;
    Ok(())
}

/// `INDEX name ...` inside CREATE TABLE; at a column, the column is the key.
pub(super) fn inline(t: &mut Tokens, column: Option<&str>) -> Result<CreateIndex> {
    t.expect_word("INDEX")?;
    let name = t.identifier()?;
    let kind = kind(t);
    let form = if kind.columnstore {
        FormSpec::Columnstore
    } else {
        FormSpec::Rows
    };
    let table = Name {
        database: None,
        schema: None,
        name: String::new(),
    };
    let mut index = plain(name, table, kind, form);
    rest(t, &mut index)?;
    if let Some(column) = column.filter(|_| index.columns.is_empty()) {
        index.columns.push((column.to_owned(), false));
    }
    Ok(index)
}

fn secondary_xml(t: &mut Tokens) -> Result<Statement> {
    let name = t.identifier()?;
    t.expect_word("ON")?;
    let table = t.name()?;
    let columns = t.list(key_column)?;
    if !t.take_words(&["USING", "XML", "INDEX"]) {
        return Err(t.unexpected());
    }
    let primary = t.identifier()?;
    t.expect_word("FOR")?;
    let what = match t.take_one_of(&["PATH", "VALUE", "PROPERTY"]) {
        Some("PATH") => XmlUse::Path,
        Some("VALUE") => XmlUse::Value,
        Some(_) => XmlUse::Property,
        None => return Err(t.unexpected()),
    };
    storage(t)?;
    let mut index = plain(name, table, Kind::default(), FormSpec::Xml(primary, what));
    index.columns = columns;
    Ok(Statement::CreateIndex(index))
}

fn spatial(t: &mut Tokens) -> Result<Statement> {
    let name = t.identifier()?;
    t.expect_word("ON")?;
    let table = t.name()?;
    let columns = t.list(key_column)?;
    let scheme = if t.take_word("USING") {
        Some(t.identifier()?.to_ascii_uppercase())
    } else {
        None
    };
    storage(t)?;
    let mut index = plain(name, table, Kind::default(), FormSpec::Spatial(scheme));
    index.columns = columns;
    Ok(Statement::CreateIndex(index))
}

fn full_text(t: &mut Tokens) -> Result<Statement> {
    t.expect_word("ON")?;
    let table = t.name()?;
    let columns = if matches!(t.peek(), Token::LParen) {
        t.list(|t| {
            let name = t.identifier()?;
            let typed = if t.take_words(&["TYPE", "COLUMN"]) {
                Some(t.identifier()?)
            } else {
                None
            };
            if t.take_word("LANGUAGE") {
                t.next();
            }
            t.take_word("STATISTICAL_SEMANTICS");
            Ok((name, typed))
        })?
    } else {
        Vec::new()
    };
    if !t.take_words(&["KEY", "INDEX"]) {
        return Err(t.unexpected());
    }
    let key_index = t.identifier()?;
    let mut catalog = None;
    if t.take_word("ON") {
        if matches!(t.peek(), Token::LParen) {
            t.next();
            catalog = Some(t.identifier()?);
            while !matches!(t.peek(), Token::RParen | Token::EOF) {
                t.next();
            }
            t.expect(&Token::RParen)?;
        } else {
            catalog = Some(t.identifier()?);
        }
    }
    if t.take_word("WITH") {
        t.skip_statement();
    }
    Ok(Statement::CreateFullText(CreateFullText {
        table,
        columns,
        key_index,
        catalog,
    }))
}
