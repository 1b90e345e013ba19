//! Expressions and queries, which the parser library reads.

use sqlparser::ast::{Expr, Ident, Query, Setting, Value};
use sqlparser::dialect::{Dialect, Precedence};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use crate::engine::error::{Result, error, syntax};
use crate::engine::model::name::Name;
use crate::engine::parse::tokens::{DIALECT, Tokens, parse_error};
use crate::engine::parse::word::is_word;

/// Words that begin a statement, and so end the one before; all reserved in T-SQL except THROW.
pub(crate) const STARTERS: &[&str] = &[
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

/// The error of a keyword where none may be.
pub(crate) const SECOND_STATEMENT: i32 = 156;

pub(crate) const MAX_RECURSION: &str = "MAXRECURSION";

/// Parses an expression that the catalog keeps as text.
pub(crate) fn parse_expression(sql: &str) -> Result<Expr> {
    let mut tokens = Tokens::new(sql)?;
    let end = tokens.tokens.len();
    tokens.parse_run(end, |p| p.parse_expr())
}

impl Tokens {
    /// Whether the token at `i` begins a statement, so that an expression or query ends before it.
    pub(crate) fn starts_statement(&self, i: usize) -> bool {
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
    pub(crate) fn end(&self, stop: &dyn Fn(&Token) -> bool) -> usize {
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

    pub(crate) fn parse_run<T>(
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

    /// The call of a function whose arguments follow without brackets: `EXEC @a = function argument, ...`.
    pub(crate) fn call_of(&mut self, function: &Name) -> Result<Expr> {
        let mut arguments = Vec::new();
        if !self.done() && *self.peek() != Token::SemiColon && !self.starts_statement(self.at) {
            arguments = self.separated(Tokens::expression)?;
        }
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        parse_expression(&format!("{function}({})", arguments.join(", ")))
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

    /// A query up to the next statement. Of a trailing OPTION clause MAXRECURSION is kept, as a
    /// setting of the query; the rest are hints.
    pub(crate) fn query(&mut self) -> Result<Box<Query>> {
        let end = self.end(&|t| is_word(t, "OPTION"));
        let mut query = self.parse_run(end, |p| p.parse_query())?;
        if self.take_word("OPTION") {
            let mut ahead = 0;
            while !matches!(self.peek_at(ahead), Token::RParen | Token::EOF) {
                if is_word(self.peek_at(ahead), MAX_RECURSION)
                    && let Token::Number(n, _) = self.peek_at(ahead + 1)
                {
                    query.settings = Some(vec![Setting {
                        key: Ident::new(MAX_RECURSION),
                        value: Expr::value(Value::Number(n.clone(), false)),
                    }]);
                }
                ahead += 1;
            }
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
        // A second statement: CREATE VIEW is alone in its batch.
        let next = self.end(&|_| false);
        if next < end {
            let message = format!("Incorrect syntax near the keyword '{}'.", self.tokens[next]);
            return Err(error(SECOND_STATEMENT, 15, message));
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
