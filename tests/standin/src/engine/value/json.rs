//! JSON texts and the paths into them ("JSON Path Expressions in the SQL Database Engine").

use crate::engine::error::{Result, error};
use crate::types::SqlError;

/// A value in a JSON text; what it is made of keeps its place there.
#[derive(Debug, Clone)]
pub(crate) struct Json {
    pub(crate) kind: Kind,
    /// Where it stands in the text, in characters.
    span: (usize, usize),
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// As it is written in the text.
    pub(crate) fn written(&self, text: &[char]) -> String {
        text[self.span.0..self.span.1].iter().collect()
    }

    /// The text of a scalar: what OPENJSON and JSON_VALUE show. `None` is the JSON null.
    pub(crate) fn scalar(&self, text: &[char]) -> Option<String> {
        match &self.kind {
            Kind::Null => None,
            Kind::Text(shown) => Some(shown.clone()),
            _ => Some(self.written(text)),
        }
    }

    pub(crate) fn is_scalar(&self) -> bool {
        !matches!(self.kind, Kind::Array(_) | Kind::Object(_))
    }

    /// OPENJSON's number of the type.
    pub(crate) fn type_number(&self) -> i64 {
        match self.kind {
            Kind::Null => 0,
            Kind::Text(_) => 1,
            Kind::Number => 2,
            Kind::Bool => 3,
            Kind::Array(_) => 4,
            Kind::Object(_) => 5,
        }
    }
}

/// Parses a whole text.
///
/// # Errors
/// 13609 with the first character that does not fit.
pub(crate) fn parse(text: &[char]) -> Result<Json> {
    let mut reader = Reader { text, at: 0 };
    reader.blanks();
    let value = reader.value(0)?;
    reader.blanks();
    if reader.at < text.len() {
        return Err(reader.unexpected());
    }
    Ok(value)
}

struct Reader<'t> {
    text: &'t [char],
    at: usize,
}

impl Reader<'_> {
    fn unexpected(&self) -> SqlError {
        let shown = self.text.get(self.at).copied().unwrap_or('.');
        error(
            13609,
            16,
            format!(
                "JSON text is not properly formatted. Unexpected character '{shown}' is found at position {}.",
                self.at
            ),
        )
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\r' | '\n')) {
            self.at += 1;
        }
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: char) -> Result<()> {
        if self.take(wanted) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn value(&mut self, depth: usize) -> Result<Json> {
        if depth > 128 {
            return Err(self.unexpected());
        }
        let start = self.at;
        let kind = match self.peek() {
            Some('{') => Kind::Object(self.object(depth)?),
            Some('[') => Kind::Array(self.array(depth)?),
            Some('"') => Kind::Text(self.string()?),
            Some('t') => self.word("true", Kind::Bool)?,
            Some('f') => self.word("false", Kind::Bool)?,
            Some('n') => self.word("null", Kind::Null)?,
            Some('-' | '0'..='9') => self.number()?,
            _ => return Err(self.unexpected()),
        };
        Ok(Json {
            kind,
            span: (start, self.at),
        })
    }

    fn word(&mut self, word: &str, kind: Kind) -> Result<Kind> {
        for c in word.chars() {
            self.expect(c)?;
        }
        Ok(kind)
    }

    fn digits(&mut self) -> Result<()> {
        if !self.peek().is_some_and(|c| c.is_ascii_digit()) {
            return Err(self.unexpected());
        }
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Kind> {
        self.take('-');
        if !self.take('0') {
            self.digits()?;
        }
        if self.take('.') {
            self.digits()?;
        }
        if self.take('e') || self.take('E') {
            let _signed = self.take('+') || self.take('-');
            self.digits()?;
        }
        Ok(Kind::Number)
    }

    fn string(&mut self) -> Result<String> {
        self.expect('"')?;
        let mut units: Vec<u16> = Vec::new();
        loop {
            let c = self.peek().ok_or_else(|| self.unexpected())?;
            if c < ' ' {
                return Err(self.unexpected());
            }
            self.at += 1;
            let plain = match c {
                '"' => return Ok(String::from_utf16_lossy(&units)),
                '\\' => {
                    let escaped = self.peek().ok_or_else(|| self.unexpected())?;
                    match escaped {
                        '"' | '\\' | '/' => escaped,
                        'b' => '\u{8}',
                        'f' => '\u{c}',
                        'n' => '\n',
                        'r' => '\r',
                        't' => '\t',
                        'u' => {
                            self.at += 1;
                            units.push(self.unit()?);
                            continue;
                        }
                        _ => return Err(self.unexpected()),
                    }
                }
                other => {
                    units.extend_from_slice(other.encode_utf16(&mut [0; 2]));
                    continue;
                }
            };
            self.at += 1;
            units.extend_from_slice(plain.encode_utf16(&mut [0; 2]));
        }
    }

    /// Four digits of `\u`.
    fn unit(&mut self) -> Result<u16> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|c| c.to_digit(16));
            unit = unit << 4 | digit.ok_or_else(|| self.unexpected())? as u16;
            self.at += 1;
        }
        Ok(unit)
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Json>> {
        self.expect('[')?;
        self.blanks();
        let mut items = Vec::new();
        if self.take(']') {
            return Ok(items);
        }
        loop {
            self.blanks();
            items.push(self.value(depth + 1)?);
            self.blanks();
            if !self.take(',') {
                break;
            }
        }
        self.expect(']')?;
        Ok(items)
    }

    fn object(&mut self, depth: usize) -> Result<Vec<(String, Json)>> {
        self.expect('{')?;
        self.blanks();
        let mut items = Vec::new();
        if self.take('}') {
            return Ok(items);
        }
        loop {
            self.blanks();
            let key = self.string()?;
            self.blanks();
            self.expect(':')?;
            self.blanks();
            items.push((key, self.value(depth + 1)?));
            self.blanks();
            if !self.take(',') {
                break;
            }
        }
        self.expect('}')?;
        Ok(items)
    }
}

/// `[lax | strict] $.key."key"[n]`.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    pub(crate) strict: bool,
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
enum Step {
    Key(String),
    At(usize),
}

impl Path {
    /// # Errors
    /// 13607 for an invalid path.
    pub(crate) fn parse(text: &str) -> Result<Path> {
        let chars: Vec<char> = text.chars().collect();
        let mut reader = Reader {
            text: &chars,
            at: 0,
        };
        let wrong = |at: usize| {
            let shown = chars.get(at).copied().unwrap_or('.');
            error(
                13607,
                16,
                format!(
                    "JSON path is not properly formatted. Unexpected character '{shown}' is found at position {at}."
                ),
            )
        };
        reader.blanks();
        let mut strict = false;
        for (word, is_strict) in [("strict ", true), ("lax ", false)] {
            if text[..].trim_start().starts_with(word) {
                strict = is_strict;
                reader.at += word.len();
            }
        }
        reader.blanks();
        if !reader.take('$') {
            return Err(wrong(reader.at));
        }
        let mut steps = Vec::new();
        while let Some(c) = reader.peek() {
            let start = reader.at;
            reader.at += 1;
            match c {
                '.' if reader.peek() == Some('"') => {
                    let key = reader.string().map_err(|_| wrong(start))?;
                    steps.push(Step::Key(key));
                }
                '.' => {
                    let mut key = String::new();
                    while let Some(c) = reader
                        .peek()
                        .filter(|c| c.is_alphanumeric() || *c == '_' || *c == '$')
                    {
                        key.push(c);
                        reader.at += 1;
                    }
                    if key.is_empty() {
                        return Err(wrong(reader.at));
                    }
                    steps.push(Step::Key(key));
                }
                '[' => {
                    let mut digits = String::new();
                    while let Some(c) = reader.peek().filter(char::is_ascii_digit) {
                        digits.push(c);
                        reader.at += 1;
                    }
                    let at = digits.parse().map_err(|_| wrong(reader.at))?;
                    if !reader.take(']') {
                        return Err(wrong(reader.at));
                    }
                    steps.push(Step::At(at));
                }
                _ => return Err(wrong(start)),
            }
        }
        Ok(Path { strict, steps })
    }

    /// The value at the path; the first of several equal keys.
    ///
    /// # Errors
    /// 13608 for a strict path to nothing.
    pub(crate) fn find<'j>(&self, root: &'j Json) -> Result<Option<&'j Json>> {
        let mut value = root;
        for step in &self.steps {
            let next = match (step, &value.kind) {
                (Step::Key(key), Kind::Object(items)) => {
                    items.iter().find(|(k, _)| k == key).map(|(_, v)| v)
                }
                (Step::At(at), Kind::Array(items)) => items.get(*at),
                _ => None,
            };
            match next {
                Some(next) => value = next,
                None if self.strict => {
                    return Err(error(
                        13608,
                        16,
                        "Property cannot be found on the specified JSON path.",
                    ));
                }
                None => return Ok(None),
            }
        }
        Ok(Some(value))
    }
}
