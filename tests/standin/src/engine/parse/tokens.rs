//! A cursor over the tokens of a batch, and hand-over of a run of them to `sqlparser`.

use sqlparser::ast::{Expr, Query};
use sqlparser::dialect::{Dialect, MsSqlDialect, Precedence};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::engine::error::{Result, error, syntax};
use crate::engine::model::name::{Name, TypeName};
use crate::engine::parse::rewrite::{
    next_value_calls, partition_calls, pseudo_columns, samples_before_hints, static_methods,
};
use crate::engine::parse::word::is_word;
use crate::types::SqlError;

/// Words that begin a statement, and so end the one before; all reserved in T-SQL except THROW.
const STARTERS: &[&str] = &[
    "ALTER",
    "BEGIN",
    "BREAK",
    "CHECKPOINT",
    "COMMIT",
    "CONTINUE",
    "CREATE",
    "DBCC",
    "DECLARE",
    "DELETE",
    "DENY",
    "DROP",
    "ELSE",
    "END",
    "EXEC",
    "EXECUTE",
    "GRANT",
    "IF",
    "INSERT",
    "MERGE",
    "PRINT",
    "RAISERROR",
    "RETURN",
    "REVOKE",
    "ROLLBACK",
    "SAVE",
    "SELECT",
    "SET",
    "THROW",
    "TRUNCATE",
    "UPDATE",
    "USE",
    "WAITFOR",
    "WHILE",
];

const DIALECT: MsSqlDialect = MsSqlDialect {};

pub(crate) struct Tokens {
    tokens: Vec<TokenWithSpan>,
    at: usize,
    source: String,
}

pub(crate) fn parse_error(e: ParserError) -> SqlError {
    match e {
        ParserError::RecursionLimitExceeded => error(
            191,
            15,
            "Some part of your SQL statement is nested too deeply.",
        ),
        ParserError::TokenizerError(m) | ParserError::ParserError(m) => {
            error(102, 15, format!("Incorrect syntax. {m}"))
        }
    }
}

impl Tokens {
    pub(crate) fn new(sql: &str) -> Result<Tokens> {
        let mut tokens = Tokenizer::new(&DIALECT, sql)
            .tokenize_with_location()
            .map_err(|e| error(105, 15, format!("Incorrect syntax. {e}")))?;
        tokens.retain(|t| !matches!(t.token, Token::Whitespace(_)));
        static_methods(&mut tokens);
        pseudo_columns(&mut tokens);
        next_value_calls(&mut tokens);
        samples_before_hints(&mut tokens)?;
        partition_calls(&mut tokens);
        Ok(Tokens {
            tokens,
            at: 0,
            source: sql.to_owned(),
        })
    }

    /// The text that is being read.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    pub(crate) fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    pub(crate) fn peek_at(&self, ahead: usize) -> &Token {
        self.tokens
            .get(self.at + ahead)
            .map_or(&Token::EOF, |t| &t.token)
    }

    pub(crate) fn line(&self) -> u32 {
        let token = self.tokens.get(self.at).or(self.tokens.last());
        token.map_or(1, |t| u32::try_from(t.span.start.line).unwrap_or(u32::MAX))
    }

    pub(crate) fn done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    pub(crate) fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    pub(crate) fn skip_rest(&mut self) {
        self.at = self.tokens.len();
    }

    /// Passes over the rest of a statement that ends at a semicolon, a statement's first word or
    /// the batch.
    pub(crate) fn skip_statement(&mut self) {
        while !self.done()
            && !matches!(self.peek(), Token::SemiColon)
            && !self.starts_statement(self.at)
        {
            if !matches!(self.peek(), Token::LParen) || self.skip_parentheses().is_err() {
                self.at += 1;
            }
        }
    }

    pub(crate) fn unexpected(&self) -> SqlError {
        syntax(self.peek())
    }

    pub(crate) fn is_word(&self, word: &str) -> bool {
        is_word(self.peek(), word)
    }

    pub(crate) fn are_words(&self, words: &[&str]) -> bool {
        words
            .iter()
            .enumerate()
            .all(|(i, w)| is_word(self.peek_at(i), w))
    }

    /// Takes the words if all of them come next.
    pub(crate) fn take_words(&mut self, words: &[&str]) -> bool {
        let found = self.are_words(words);
        if found {
            self.at += words.len();
        }
        found
    }

    pub(crate) fn take_word(&mut self, word: &str) -> bool {
        self.take_words(&[word])
    }

    /// Takes whichever of the words comes next.
    pub(crate) fn take_one_of(&mut self, words: &[&'static str]) -> Option<&'static str> {
        let found = words.iter().copied().find(|w| self.is_word(w))?;
        self.at += 1;
        Some(found)
    }

    pub(crate) fn expect_word(&mut self, word: &str) -> Result<()> {
        if self.take_word(word) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    pub(crate) fn take(&mut self, token: &Token) -> bool {
        let found = self.peek() == token;
        if found {
            self.at += 1;
        }
        found
    }

    pub(crate) fn expect(&mut self, token: &Token) -> Result<()> {
        if self.take(token) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    /// An identifier, quoted or not.
    pub(crate) fn identifier(&mut self) -> Result<String> {
        match self.peek() {
            Token::Word(w) => {
                let name = w.value.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    pub(crate) fn name(&mut self) -> Result<Name> {
        let mut parts = vec![self.identifier()?];
        while self.take(&Token::Period) {
            parts.push(if matches!(self.peek(), Token::Period) {
                String::new()
            } else {
                self.identifier()?
            });
        }
        Name::of(parts)
    }

    /// An identifier or a string, as procedure arguments allow.
    pub(crate) fn text(&mut self) -> Result<String> {
        match self.next() {
            Token::Word(w) => Ok(w.value),
            Token::SingleQuotedString(s) | Token::NationalStringLiteral(s) => Ok(s),
            other => Err(syntax(other)),
        }
    }

    pub(crate) fn integer(&mut self) -> Result<i64> {
        let negative = self.take(&Token::Minus);
        if !negative {
            self.take(&Token::Plus);
        }
        match self.next() {
            Token::Number(n, _) => {
                let value: i64 = n.parse().map_err(|_| syntax(&n))?;
                Ok(if negative { -value } else { value })
            }
            other => Err(syntax(other)),
        }
    }

    /// Items between parentheses, separated by commas.
    pub(crate) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Tokens) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.expect(&Token::LParen)?;
        let items = self.separated(&mut item)?;
        self.expect(&Token::RParen)?;
        Ok(items)
    }

    pub(crate) fn separated<T>(
        &mut self,
        mut item: impl FnMut(&mut Tokens) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.take(&Token::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Passes over a parenthesis and all within.
    pub(crate) fn skip_parentheses(&mut self) -> Result<()> {
        self.expect(&Token::LParen)?;
        let mut depth = 1;
        while depth > 0 {
            match self.next() {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                Token::EOF => return Err(syntax("end of batch")),
                _ => {}
            }
        }
        Ok(())
    }

    /// A type name with its arguments; several words where T-SQL has them.
    pub(crate) fn type_name(&mut self) -> Result<TypeName> {
        let mut name = self.identifier()?;
        if self.take(&Token::Period) {
            // A schema before an alias type, or `sys`.
            name = self.identifier()?;
        }
        for (first, second) in [
            ("national", "char"),
            ("national", "character"),
            ("national", "text"),
            ("double", "precision"),
        ] {
            if name.eq_ignore_ascii_case(first) && self.take_word(second) {
                name = format!("{first} {second}");
            }
        }
        if self.take_word("varying") {
            name.push_str(" varying");
        }
        let mut args = Vec::new();
        if name.eq_ignore_ascii_case("xml") && matches!(self.peek(), Token::LParen) {
            // A schema collection: it says what the XML may hold, which is not checked here.
            self.skip_parentheses()?;
        } else if matches!(self.peek(), Token::LParen) {
            args = self.list(|t| {
                if t.take_word("max") {
                    return Ok(None);
                }
                let n = t.integer()?;
                u32::try_from(n).map(Some).map_err(|_| syntax(n))
            })?;
        }
        Ok(TypeName { name, args })
    }

    /// Whether the token at `i` begins a statement, so that an expression or query ends before it.
    fn starts_statement(&self, i: usize) -> bool {
        let Token::Word(w) = &self.tokens[i].token else {
            return false;
        };
        if w.quote_style.is_some() || !STARTERS.iter().any(|s| w.value.eq_ignore_ascii_case(s)) {
            return false;
        }
        let before = i.checked_sub(1).map(|p| &self.tokens[p].token);
        let follows = |words: &[&str]| before.is_some_and(|t| words.iter().any(|w| is_word(t, w)));
        if w.value.eq_ignore_ascii_case("select")
            && follows(&["UNION", "ALL", "EXCEPT", "INTERSECT"])
        {
            return false;
        }
        !matches!(before, Some(Token::Period))
    }

    /// The end of the expression or query that starts here: a statement's first word, a semicolon,
    /// or, at depth 0, whatever `stop` says.
    fn end(&self, stop: &dyn Fn(&Token) -> bool) -> usize {
        let (mut depth, mut cases) = (0i32, 0i32);
        // The SELECT behind the common tables of a WITH belongs to it.
        let mut with = is_word(self.peek(), "WITH");
        for i in self.at..self.tokens.len() {
            let token = &self.tokens[i].token;
            match token {
                Token::LParen => depth += 1,
                Token::RParen if depth == 0 => return i,
                Token::RParen => depth -= 1,
                Token::SemiColon if depth == 0 => return i,
                _ if is_word(token, "CASE") => cases += 1,
                _ if is_word(token, "END") && cases > 0 => {
                    cases -= 1;
                    continue;
                }
                _ => {}
            }
            if depth == 0 && with && is_word(token, "SELECT") {
                with = false;
                continue;
            }
            let inside_case = cases > 0 && is_word(token, "ELSE");
            if depth == 0
                && i > self.at
                && !inside_case
                && (stop(token) || self.starts_statement(i))
            {
                return i;
            }
        }
        self.tokens.len()
    }

    fn parse_run<T>(
        &mut self,
        end: usize,
        parse: impl FnOnce(&mut Parser) -> std::result::Result<T, ParserError>,
    ) -> Result<T> {
        let run = &self.tokens[self.at..end];
        if run.is_empty() {
            return Err(self.unexpected());
        }
        let mut parser = Parser::new(&DIALECT)
            .with_recursion_limit(200)
            .with_tokens_with_locations(run.to_vec());
        let parsed = parse(&mut parser).map_err(parse_error)?;
        match parser.peek_token().token {
            Token::EOF => {}
            other => return Err(syntax(other)),
        }
        self.at = end;
        Ok(parsed)
    }

    /// An expression up to a comma, closing parenthesis, statement, or a token of `stop`.
    pub(crate) fn expression_until(&mut self, stop: &dyn Fn(&Token) -> bool) -> Result<Expr> {
        let end = self.end(&|t| matches!(t, Token::Comma) || stop(t));
        self.parse_run(end, |p| p.parse_expr())
    }

    pub(crate) fn expression(&mut self) -> Result<Expr> {
        self.expression_until(&|_| false)
    }

    /// A value that ends where `sqlparser` cannot go on, such as a column's DEFAULT: not a condition,
    /// so that the column's NOT NULL behind it is not read as a part of it.
    pub(crate) fn leading_expression(&mut self) -> Result<Expr> {
        let run = self.tokens[self.at..].to_vec();
        let mut parser = Parser::new(&DIALECT)
            .with_recursion_limit(200)
            .with_tokens_with_locations(run);
        let value = DIALECT.prec_value(Precedence::Between);
        let parsed = parser.parse_subexpr(value).map_err(parse_error)?;
        self.at += parser.get_current_index() + 1;
        Ok(parsed)
    }

    /// A query up to the next statement; a trailing OPTION clause is a hint and dropped.
    pub(crate) fn query(&mut self) -> Result<Box<Query>> {
        let end = self.end(&|t| is_word(t, "OPTION"));
        let query = self.parse_run(end, |p| p.parse_query())?;
        if self.take_word("OPTION") {
            self.skip_parentheses()?;
        }
        Ok(query)
    }

    /// A view's query; it ends at WITH CHECK OPTION or the batch.
    pub(crate) fn view_query(&mut self) -> Result<Box<Query>> {
        while matches!(self.tokens.last(), Some(t) if t.token == Token::SemiColon) {
            self.tokens.pop();
        }
        let mut end = self.tokens.len();
        let tail = ["WITH", "CHECK", "OPTION"];
        if end >= self.at + 3 && (0..3).all(|i| is_word(&self.tokens[end - 3 + i].token, tail[i])) {
            end -= 3;
        }
        self.parse_run(end, |p| p.parse_query())
    }

    /// FROM's table references, up to WHERE or OPTION.
    pub(crate) fn table_references(&mut self) -> Result<Vec<sqlparser::ast::TableWithJoins>> {
        let end = self.end(&|t| is_word(t, "WHERE") || is_word(t, "OPTION"));
        self.parse_run(end, |p| {
            p.parse_comma_separated(Parser::parse_table_and_joins)
        })
    }
}

/// Parses an expression that the catalog keeps as text.
pub(crate) fn parse_expression(sql: &str) -> Result<Expr> {
    let mut tokens = Tokens::new(sql)?;
    let end = tokens.tokens.len();
    tokens.parse_run(end, |p| p.parse_expr())
}

/// Parses a type as `sqlparser` prints it.
pub(crate) fn parse_type(sql: &str) -> Result<TypeName> {
    Tokens::new(sql)?.type_name()
}
