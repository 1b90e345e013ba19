//! JSON as PostgreSQL's `jsonb` prints it, so that what is sent is what comes back.
//!
//! `jsonb` keeps no blanks, no order of keys, no repeated key and no notation of a number
//! (PostgreSQL documentation, "JSON Types"; jsonb_util.c compares keys by length, then by bytes).

/// PostgreSQL nests as deep as its stack allows and SQL Server 128 levels; this is in between.
const DEEPEST: usize = 1000;

/// `numeric` takes that many digits before the point and after it (numeric.h).
const MOST_WHOLE: i64 = 131_072;
const MOST_FRACTION: i64 = 16_383;

/// The text that `jsonb` gives for a JSON text; `None` where `jsonb` would not take it, or not for
/// certain.
///
/// ```
/// use tds_copy::transcode::jsonb::canonical;
///
/// let text = canonical(br#"{"bb":1.0,"a":[true],"a":null}"#);
/// assert_eq!(text.as_deref(), Some(&br#"{"a": null, "bb": 1.0}"#[..]));
/// assert_eq!(canonical(b"{"), None);
/// ```
pub fn canonical(text: &[u8]) -> Option<Vec<u8>> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    parser.blanks();
    if parser.at < text.len() {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    value.print(&mut out);
    Some(out)
}

enum Value {
    /// As it is printed.
    Scalar(Vec<u8>),
    Array(Vec<Value>),
    /// Keys without escapes, sorted, each once.
    Object(Vec<(Vec<u8>, Value)>),
}

impl Value {
    fn print(&self, out: &mut Vec<u8>) {
        match self {
            Self::Scalar(text) => out.extend_from_slice(text),
            Self::Array(items) => {
                out.push(b'[');
                for (place, item) in items.iter().enumerate() {
                    separate(place, out);
                    item.print(out);
                }
                out.push(b']');
            }
            Self::Object(members) => {
                out.push(b'{');
                for (place, (key, value)) in members.iter().enumerate() {
                    separate(place, out);
                    quote(key, out);
                    out.extend_from_slice(b": ");
                    value.print(out);
                }
                out.push(b'}');
            }
        }
    }
}

fn separate(place: usize, out: &mut Vec<u8>) {
    if place > 0 {
        out.extend_from_slice(b", ");
    }
}

/// As escape_json does (postgres, json.c).
fn quote(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0C => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    /// `None` at the end of the text.
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes `byte`, where it is next.
    fn take(&mut self, byte: u8) -> bool {
        let next = self.peek() == Some(byte);
        self.at += usize::from(next);
        next
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        self.blanks();
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => {
                let mut text = Vec::new();
                quote(&self.string()?, &mut text);
                Some(Value::Scalar(text))
            }
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number().map(Value::Scalar),
        }
    }

    /// Takes one of the three literals; `None` if another word is there.
    fn word(&mut self, word: &str) -> Option<Value> {
        let rest = self.text.get(self.at..)?;
        rest.starts_with(word.as_bytes()).then(|| {
            self.at += word.len();
            Value::Scalar(word.into())
        })
    }

    /// From its opening bracket on.
    fn array(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut items = Vec::new();
        self.blanks();
        if self.take(b']') {
            return Some(Value::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.blanks();
            if self.take(b']') {
                return Some(Value::Array(items));
            }
            self.take(b',').then_some(())?;
        }
    }

    /// From its opening brace on.
    fn object(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut members: Vec<(Vec<u8>, Value)> = Vec::new();
        self.blanks();
        if !self.take(b'}') {
            loop {
                self.blanks();
                let key = self.string()?;
                self.blanks();
                self.take(b':').then_some(())?;
                members.push((key, self.value(depth + 1)?));
                self.blanks();
                if self.take(b'}') {
                    break;
                }
                self.take(b',').then_some(())?;
            }
        }
        // Of equal keys the last one counts: reversed, and sorted without changing their order, it
        // is the first.
        members.reverse();
        members.sort_by(|(one, _), (other, _)| {
            one.len().cmp(&other.len()).then_with(|| one.cmp(other))
        });
        members.dedup_by(|later, first| later.0 == first.0);
        Some(Value::Object(members))
    }

    /// A string without its quotes and escapes.
    fn string(&mut self) -> Option<Vec<u8>> {
        self.take(b'"').then_some(())?;
        let mut text = Vec::new();
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => return Some(text),
                b'\\' => self.escape(&mut text)?,
                0..0x20 => return None,
                _ => text.push(byte),
            }
        }
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Option<()> {
        let byte = self.peek()?;
        self.at += 1;
        text.push(match byte {
            b'"' | b'\\' | b'/' => byte,
            b'b' => 0x08,
            b'f' => 0x0C,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let character = self.character()?;
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return Some(());
            }
            _ => return None,
        });
        Some(())
    }

    /// Behind `\u`; U+0000 and half a pair are none.
    fn character(&mut self) -> Option<char> {
        let unit = self.unit()?;
        if !(0xD800..0xDC00).contains(&unit) {
            return char::from_u32(unit).filter(|character| *character != '\0');
        }
        (self.take(b'\\') && self.take(b'u')).then_some(())?;
        let low = self
            .unit()?
            .checked_sub(0xDC00)
            .filter(|low| *low < 0x400)?;
        char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + low)
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.iter().try_fold(0, |unit, digit| {
            Some(unit * 16 + char::from(*digit).to_digit(16)?)
        })
    }

    /// A number as `numeric` prints it: no exponent, all digits after the point kept.
    fn number(&mut self) -> Option<Vec<u8>> {
        let negative = self.take(b'-');
        let whole = self.digits();
        if whole.is_empty() || (whole.len() > 1 && whole[0] == b'0') {
            return None;
        }
        let fraction = if self.take(b'.') {
            Some(self.digits()).filter(|digits| !digits.is_empty())?
        } else {
            Vec::new()
        };
        let exponent = match self.peek() {
            Some(b'e' | b'E') => self.exponent()?,
            _ => 0,
        };
        let kept = (fraction.len() as i64 - exponent).max(0);
        let point = whole.len() as i64 + exponent;
        if point > MOST_WHOLE || kept > MOST_FRACTION {
            return None;
        }
        Some(plain(negative, [whole, fraction].concat(), point))
    }

    /// As many decimal digits as follow, perhaps none.
    fn digits(&mut self) -> Vec<u8> {
        let from = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.text[from..self.at].to_vec()
    }

    /// `None` for an exponent that `numeric` cannot write out.
    fn exponent(&mut self) -> Option<i64> {
        self.at += 1;
        let negative = self.take(b'-');
        if !negative {
            self.take(b'+');
        }
        let digits = self.digits();
        let size = std::str::from_utf8(&digits).ok()?.parse::<i64>().ok()?;
        let size = Some(size).filter(|size| *size <= MOST_WHOLE)?;
        Some(if negative { -size } else { size })
    }
}

/// Digits with the point after the first `point` of them.
fn plain(negative: bool, digits: Vec<u8>, point: i64) -> Vec<u8> {
    let zero = digits.iter().all(|digit| *digit == b'0');
    let mut padded = vec![b'0'; usize::try_from(-point).unwrap_or(0)];
    padded.extend(digits);
    let point = usize::try_from(point).unwrap_or(0);
    if padded.len() < point {
        padded.resize(point, b'0');
    }
    let (whole, fraction) = padded.split_at(point);
    let leading = whole.iter().take_while(|digit| **digit == b'0').count();
    let mut text = Vec::with_capacity(padded.len() + 3);
    if negative && !zero {
        text.push(b'-');
    }
    match &whole[leading..] {
        [] => text.push(b'0'),
        whole => text.extend_from_slice(whole),
    }
    if !fraction.is_empty() {
        text.push(b'.');
        text.extend_from_slice(fraction);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(text: &str) -> Option<String> {
        canonical(text.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    /// The examples of PostgreSQL's documentation, "JSON Types", and its regression tests.
    #[test]
    fn as_the_documentation_prints_it() {
        for (text, expected) in [
            (
                r#"{"bar": "baz", "balance": 7.77, "active":false}"#,
                r#"{"bar": "baz", "active": false, "balance": 7.77}"#,
            ),
            (r#"{"reading": 1.230e-5}"#, r#"{"reading": 0.00001230}"#),
            (r#"{"a":1, "b":2, "a":3}"#, r#"{"a": 3, "b": 2}"#),
            (r#"[ 1 ,[ ],{ } , null]"#, "[1, [], {}, null]"),
            (r#""\u00e4\/\n\u0001\ud83d\ude00""#, "\"ä/\\n\\u0001😀\""),
            ("-0.0", "0.0"),
            ("1e2", "100"),
            ("1.50E+1", "15.0"),
            ("0.001e2", "0.1"),
        ] {
            assert_eq!(made(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_left_alone() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "01",
            "1.",
            ".5",
            "+1",
            "\"\\u0000\"",
            "\"\\ud800\"",
            "\"\n\"",
            "nul",
            "1 2",
            "1e999999999",
            "{1: 2}",
        ] {
            assert_eq!(made(text), None, "{text}");
        }
        assert_eq!(made(&"[".repeat(100_000)), None, "no stack is used up");
    }
}
