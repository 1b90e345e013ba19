//! A cursor over the tokens of a batch, and hand-over of a run of them to `sqlparser`.

use sqlparser::parser::ParserError;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::engine::error::{Result, error, syntax};
use crate::engine::model::name::{Name, TypeName};
use crate::engine::parse::dialect::TSql;
use crate::engine::parse::rewrite::{
    aliases, next_value_calls, partition_calls, pseudo_columns, samples_before_hints,
    static_methods,
};
use crate::engine::parse::word::is_word;
use crate::types::SqlError;

pub(super) const DIALECT: TSql = TSql;

pub(crate) struct Tokens {
    pub(super) tokens: Vec<TokenWithSpan>,
    pub(super) at: usize,
    pub(super) source: String,
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
        aliases(&mut tokens);
        next_value_calls(&mut tokens);
        samples_before_hints(&mut tokens)?;
        partition_calls(&mut tokens);
        Ok(Tokens {
            tokens,
            at: 0,
            source: sql.to_owned(),
        })
    }

    /// The tokens with their names in small letters and without quotes.
    pub(crate) fn folded(self) -> Vec<Token> {
        let fold = |token: Token| match token {
            Token::Word(w) => Token::make_word(&w.value.to_lowercase(), None),
            other => other,
        };
        self.tokens.into_iter().map(|t| fold(t.token)).collect()
    }

    /// The text that is being read.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// The text from the next token on.
    pub(crate) fn rest(&self) -> &str {
        let Some(start) = self.tokens.get(self.at).map(|t| t.span.start) else {
            return "";
        };
        let mut line = 1;
        let mut column = 1;
        for (at, c) in self.source.char_indices() {
            if (line, column) == (start.line, start.column) {
                return &self.source[at..];
            }
            (line, column) = match c {
                '\n' => (line + 1, 1),
                _ => (line, column + 1),
            };
        }
        ""
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
}

/// Parses a type as `sqlparser` prints it.
pub(crate) fn parse_type(sql: &str) -> Result<TypeName> {
    Tokens::new(sql)?.type_name()
}
