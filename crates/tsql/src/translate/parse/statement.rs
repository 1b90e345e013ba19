//! The statements of a function's or procedure's body.
//!
//! T-SQL needs nothing between two statements, so each is cut out first: it ends where a word stands that
//! only begins one. What it is made of is then read to its end.

use sqlparser::ast::{DataType, Expr, Query};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::super::{Outcome, Untranslated};
use super::assignment::{computed, names, plain_assignments, variable};
use super::cursor::Cursor;
use super::{DEEPEST_NESTING, is_word, parser_of, syntax};

/// A statement, and where it begins.
#[derive(Debug)]
pub(in super::super) struct Statement {
    pub(in super::super) start: Location,
    pub(in super::super) kind: StatementKind,
}

/// What a statement is. Names of variables have their `@`.
#[derive(Debug)]
pub(in super::super) enum StatementKind {
    Declare(Vec<Declaration>),
    /// `SET @a = ...`, also from `SET @a += ...` and `EXEC @a = function ...`.
    Set {
        name: String,
        value: Expr,
    },
    /// `SELECT @a = ..., @b = ...`: the variables, and the query that has them as names of its columns.
    Assign {
        names: Vec<String>,
        query: Box<Query>,
    },
    If {
        condition: Expr,
        then: Box<Statement>,
        otherwise: Option<Box<Statement>>,
    },
    While {
        condition: Expr,
        body: Box<Statement>,
    },
    Block(Vec<Statement>),
    Return(Option<Expr>),
    Break,
    Continue,
    /// One that is not translated: what errors call it.
    Other(String),
}

/// A variable of DECLARE.
#[derive(Debug)]
pub(in super::super) struct Declaration {
    pub(in super::super) name: String,
    pub(in super::super) data_type: DataType,
    pub(in super::super) value: Option<Expr>,
}

/// The body of a module: its statements, to the end of the text.
pub(super) fn body(parser: &mut Parser<'_>) -> Outcome<Vec<Statement>> {
    let mut tokens = Vec::new();
    loop {
        let token = parser.next_token();
        if token.token == Token::EOF {
            break;
        }
        tokens.push(token);
    }
    let mut cursor = Cursor::new(&tokens);
    let mut statements = Vec::new();
    while cursor.goes_on() {
        statements.push(cursor.statement()?);
    }
    Ok(statements)
}

impl Cursor<'_> {
    fn refused(&self) -> Untranslated {
        Untranslated::new("a statement that was not understood").at(self.place())
    }

    fn statement(&mut self) -> Outcome<Statement> {
        if self.depth >= DEEPEST_NESTING {
            return Err(Untranslated::new("statements nested more than 100 deep").at(self.place()));
        }
        let start = self.place();
        self.depth += 1;
        let kind = self.kind();
        self.depth -= 1;
        Ok(Statement { start, kind: kind? })
    }

    fn kind(&mut self) -> Outcome<StatementKind> {
        let Token::Word(word) = self.peek(0) else {
            return Err(self.refused());
        };
        let word = word.value.to_ascii_uppercase();
        match word.as_str() {
            "DECLARE" => self.declare(),
            "SET" if variable(self.peek(1)).is_some() => self.set(),
            "SELECT" => self.select(),
            "IF" => self.if_statement(),
            "WHILE" => {
                self.at += 1;
                let condition = self.expression()?;
                let body = Box::new(self.statement()?);
                Ok(StatementKind::While { condition, body })
            }
            "BEGIN" if !self.begins_another_kind() => self.block(),
            "RETURN" => {
                self.at += 1;
                let ends = self.end() == self.at;
                let value = (!ends).then(|| self.expression()).transpose()?;
                Ok(StatementKind::Return(value))
            }
            "BREAK" => {
                self.at += 1;
                Ok(StatementKind::Break)
            }
            "CONTINUE" => {
                self.at += 1;
                Ok(StatementKind::Continue)
            }
            "EXEC" | "EXECUTE" if variable(self.peek(1)).is_some() => self.execute(),
            "ELSE" | "END" => Err(self.refused()),
            _ => Ok(self.other(&word)),
        }
    }

    /// `BEGIN TRY`, `BEGIN TRANSACTION` and the like do not begin a block.
    fn begins_another_kind(&self) -> bool {
        let words = [
            "TRY",
            "CATCH",
            "TRAN",
            "TRANSACTION",
            "DISTRIBUTED",
            "DIALOG",
            "CONVERSATION",
            "ATOMIC",
        ];
        words.iter().any(|word| is_word(self.peek(1), word))
    }

    /// `DECLARE @a int = 1, @b AS varchar(9)`.
    fn declare(&mut self) -> Outcome<StatementKind> {
        if variable(self.peek(1)).is_none() || is_word(self.peek(2), "CURSOR") {
            return Ok(self.other("a cursor"));
        }
        let is_table = |cursor: &Self, at: usize| is_word(cursor.peek(at), "TABLE");
        if is_table(self, 2) || is_table(self, 3) {
            return Ok(self.other("a table variable"));
        }
        self.at += 1;
        let mut declarations = Vec::new();
        loop {
            let Some(name) = variable(self.peek(0)) else {
                return Err(self.refused());
            };
            self.at += 1;
            let _ = self.take_word("AS");
            let end = self.end_of(|token| matches!(token, Token::Comma | Token::Eq));
            let data_type = read(self.cut(end), Parser::parse_data_type)?;
            let mut value = None;
            if self.take(&Token::Eq) {
                let end = self.end_of(|token| *token == Token::Comma);
                value = Some(read(self.cut(end), Parser::parse_expr)?);
            }
            declarations.push(Declaration {
                name,
                data_type,
                value,
            });
            if !self.take(&Token::Comma) {
                return Ok(StatementKind::Declare(declarations));
            }
        }
    }

    /// `SET @a = ...` and `SET @a += ...`.
    fn set(&mut self) -> Outcome<StatementKind> {
        self.at += 1;
        let name = variable(self.peek(0)).ok_or_else(|| self.refused())?;
        let end = self.end();
        let own = self.cut(end);
        let value = match own {
            [_, eq, value @ ..] if eq.token == Token::Eq => value.to_vec(),
            [own, operator, eq, value @ ..] if eq.token == Token::Eq => {
                computed(own, operator, value)
            }
            _ => return Err(self.refused()),
        };
        let value = read(&value, Parser::parse_expr)?;
        Ok(StatementKind::Set { name, value })
    }

    /// A SELECT that sets variables.
    fn select(&mut self) -> Outcome<StatementKind> {
        let start = self.place();
        let end = self.end();
        let own = plain_assignments(self.cut(end));
        let query = read(&own, Parser::parse_query)?;
        let names = names(&query);
        match names.iter().flatten().count() {
            0 => Ok(StatementKind::Other(
                "a SELECT whose rows are a result".to_owned(),
            )),
            set if set == names.len() => {
                let names = names.into_iter().flatten().collect();
                Ok(StatementKind::Assign { names, query })
            }
            _ => {
                let mixed = Untranslated::new("a SELECT that sets variables and has other columns");
                Err(mixed.at(start))
            }
        }
    }

    fn if_statement(&mut self) -> Outcome<StatementKind> {
        self.at += 1;
        let condition = self.expression()?;
        let then = Box::new(self.statement()?);
        let back = self.at;
        while self.take(&Token::SemiColon) {}
        let mut otherwise = None;
        if self.take_word("ELSE") {
            otherwise = Some(Box::new(self.statement()?));
        } else {
            self.at = back;
        }
        Ok(StatementKind::If {
            condition,
            then,
            otherwise,
        })
    }

    /// `BEGIN ... END`.
    fn block(&mut self) -> Outcome<StatementKind> {
        self.at += 1;
        let mut statements = Vec::new();
        while self.goes_on() {
            if self.take_word("END") {
                return Ok(StatementKind::Block(statements));
            }
            statements.push(self.statement()?);
        }
        Err(self.refused())
    }

    /// `EXEC @a = function argument, ...`, which sets the variable to what the function gives.
    fn execute(&mut self) -> Outcome<StatementKind> {
        self.at += 1;
        let name = variable(self.peek(0)).ok_or_else(|| self.refused())?;
        self.at += 1;
        if !self.take(&Token::Eq) {
            return Ok(self.other("EXECUTE"));
        }
        let end = self.end();
        let refused = self.refused();
        let own = self.cut(end);
        let parts = own
            .iter()
            .position(|token| !matches!(token.token, Token::Word(_) | Token::Period));
        let named = own
            .windows(2)
            .position(|pair| is_name(&pair[0].token) && is_name(&pair[1].token));
        let parts = parts
            .unwrap_or(own.len())
            .min(named.map_or(own.len(), |at| at + 1));
        let (function, arguments) = own.split_at(parts);
        if arguments
            .iter()
            .any(|token| token.token == Token::Eq || is_word(&token.token, "OUTPUT"))
        {
            return Ok(StatementKind::Other(
                "EXECUTE with named arguments".to_owned(),
            ));
        }
        let span = own.first().ok_or(refused)?.span;
        let mut call = function.to_vec();
        call.push(TokenWithSpan::new(Token::LParen, span));
        call.extend_from_slice(arguments);
        call.push(TokenWithSpan::new(Token::RParen, span));
        let value = read(&call, Parser::parse_expr)?;
        Ok(StatementKind::Set { name, value })
    }

    /// A statement that is not translated; passes over it.
    fn other(&mut self, what: &str) -> StatementKind {
        self.at += 1;
        self.at = self.end();
        StatementKind::Other(what.to_owned())
    }

    /// An expression to the end of its part of the statement.
    fn expression(&mut self) -> Outcome<Expr> {
        let end = self.end();
        read(self.cut(end), Parser::parse_expr)
    }
}

fn is_name(token: &Token) -> bool {
    matches!(token, Token::Word(_))
}

/// The tokens read as one thing, to their end.
fn read<T>(
    tokens: &[TokenWithSpan],
    parse: impl FnOnce(&mut Parser<'static>) -> Result<T, ParserError>,
) -> Outcome<T> {
    let start = tokens.first().map(|token| token.span.start);
    let mut parser = parser_of(tokens.to_vec());
    let read = parse(&mut parser).map_err(|error| syntax(&error));
    let read = read.map_err(|error| match start {
        Some(start) => error.at(start),
        None => error,
    })?;
    let next = parser.peek_token();
    match next.token {
        Token::EOF => Ok(read),
        _ => Err(
            Untranslated::new("text in a statement that was not understood").at(next.span.start),
        ),
    }
}
