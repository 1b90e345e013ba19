//! The tokens of a body, and where in them a statement ends.

use sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::is_word;

/// Words that begin a statement and, without quotes, are nothing else.
const BEGINS: &[&str] = &[
    "ALTER",
    "BEGIN",
    "BREAK",
    "CLOSE",
    "COMMIT",
    "CONTINUE",
    "CREATE",
    "DBCC",
    "DEALLOCATE",
    "DECLARE",
    "DELETE",
    "DROP",
    "ELSE",
    "END",
    "EXEC",
    "EXECUTE",
    "FETCH",
    "GOTO",
    "GRANT",
    "IF",
    "INSERT",
    "KILL",
    "MERGE",
    "OPEN",
    "PRINT",
    "RAISERROR",
    "RETURN",
    "REVERT",
    "REVOKE",
    "ROLLBACK",
    "SAVE",
    "SELECT",
    "SET",
    "TRUNCATE",
    "UPDATE",
    "USE",
    "WAITFOR",
    "WHILE",
];

/// After one of these words, SELECT continues a query.
const GOES_ON: &[&str] = &["UNION", "ALL", "EXCEPT", "INTERSECT"];

/// Where in the tokens of a body the next statement, or a part of it, begins.
pub(super) struct Cursor<'t> {
    tokens: &'t [TokenWithSpan],
    pub(super) at: usize,
    /// Statements around.
    pub(super) depth: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(tokens: &'t [TokenWithSpan]) -> Self {
        Self {
            tokens,
            at: 0,
            depth: 0,
        }
    }

    pub(super) fn peek(&self, ahead: usize) -> &Token {
        let token = self.tokens.get(self.at + ahead);
        token.map_or(&Token::EOF, |token| &token.token)
    }

    pub(super) fn place(&self) -> Location {
        let token = self.tokens.get(self.at).or(self.tokens.last());
        token.map_or(Location { line: 0, column: 0 }, |token| token.span.start)
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = is_word(self.peek(0), word);
        self.at += usize::from(found);
        found
    }

    pub(super) fn take(&mut self, token: &Token) -> bool {
        let found = self.peek(0) == token;
        self.at += usize::from(found);
        found
    }

    /// Passes over semicolons; whether there is another statement.
    pub(super) fn goes_on(&mut self) -> bool {
        while self.take(&Token::SemiColon) {}
        self.at < self.tokens.len()
    }

    pub(super) fn end(&self) -> usize {
        self.end_of(|_| false)
    }

    /// The place of the token outside of brackets that stops what begins here: one that `stops`, or the
    /// beginning of another statement.
    pub(super) fn end_of(&self, stops: impl Fn(&Token) -> bool) -> usize {
        let (mut brackets, mut cases) = (0_usize, 0_usize);
        for at in self.at..self.tokens.len() {
            let token = &self.tokens[at].token;
            match token {
                Token::LParen => brackets += 1,
                Token::RParen => brackets = brackets.saturating_sub(1),
                _ if brackets > 0 => {}
                Token::SemiColon => return at,
                _ if is_word(token, "CASE") => cases += 1,
                _ if cases > 0 => cases -= usize::from(is_word(token, "END")),
                _ if stops(token) || (at > self.at && self.begins(at)) => return at,
                _ if at == self.at && !is_word(token, "SELECT") && self.begins(at) => return at,
                _ => {}
            }
        }
        self.tokens.len()
    }

    /// Whether a word begins a statement.
    fn begins(&self, at: usize) -> bool {
        let token = &self.tokens[at].token;
        if !BEGINS.iter().any(|word| is_word(token, word)) {
            return false;
        }
        let before = at.checked_sub(1).map(|at| &self.tokens[at].token);
        let follows = |words: &[&str]| {
            before.is_some_and(|token| words.iter().any(|word| is_word(token, word)))
        };
        let part_of_name = before == Some(&Token::Period);
        let goes_on = is_word(token, "SELECT") && follows(GOES_ON);
        let next = self.tokens.get(at + 1);
        let hint = is_word(token, "MERGE") && next.is_some_and(|it| is_word(&it.token, "JOIN"));
        let page = is_word(token, "FETCH") && follows(&["ROW", "ROWS"]);
        !part_of_name && !goes_on && !hint && !page
    }

    /// The tokens up to a place, which is the next then.
    pub(super) fn cut(&mut self, end: usize) -> &'t [TokenWithSpan] {
        let start = std::mem::replace(&mut self.at, end);
        &self.tokens[start..end]
    }
}
