//! JSON text for `jsonb`, and JSON strings.
//!
//! `jsonb` stores characters, not escapes, so it refuses `\u0000` and half of a surrogate pair
//! (postgres, "JSON Types"). Those are values that PostgreSQL cannot hold, as in any other text.

use crate::transcode::column_policy::TextPolicy;
use crate::transcode::fault::Fault;
use crate::transcode::jsonb;
use crate::transcode::output::Output;

/// What `jsonb_recv` wants before the text (jsonb.c): the version of the form.
pub(super) const JSONB_VERSION: u8 = 1;

/// `\uXXXX`.
const ESCAPE: usize = 6;

/// An escape that `jsonb` refuses.
#[derive(Clone, Copy)]
enum Refused {
    Nul,
    Half,
}

/// Applies the job's policy to the escapes of the text from `start` that `jsonb` refuses.
pub(super) fn mend_escapes(
    start: usize,
    out: &mut Output,
    policy: &mut TextPolicy,
) -> Result<(), Fault> {
    let refused = refused(out.written(start));
    if refused.is_empty() {
        return Ok(());
    }
    let text = out.written(start).to_vec();
    out.cut_back(start);
    let mut from = 0;
    for (at, what) in refused {
        out.put_slice(&text[from..at]);
        match what {
            Refused::Nul => policy.nul(out)?,
            Refused::Half => policy.surrogate(out)?,
        }
        from = at + ESCAPE;
    }
    out.put_slice(&text[from..]);
    Ok(())
}

/// Writes the text from `start` as `jsonb` prints it; leaves it where that is not certain, for
/// PostgreSQL to judge.
pub(super) fn canonicalise(start: usize, out: &mut Output) {
    if let Some(text) = jsonb::canonical(out.written(start)) {
        out.cut_back(start);
        out.put_slice(&text);
    }
}

/// Places of the escapes that `jsonb` refuses, in order. A pair of surrogates is one character and
/// fine.
fn refused(text: &[u8]) -> Vec<(usize, Refused)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(ahead) = text[at..].iter().position(|byte| *byte == b'\\') {
        at += ahead;
        let Some(unit) = unit(&text[at..]) else {
            // Another escape: two characters, the second of which may be a backslash.
            at = (at + 2).min(text.len());
            continue;
        };
        let next = self::unit(&text[at + ESCAPE..]);
        match (unit, next) {
            (0, _) => found.push((at, Refused::Nul)),
            (0xD800..=0xDBFF, Some(0xDC00..=0xDFFF)) => at += ESCAPE,
            (0xD800..=0xDFFF, _) => found.push((at, Refused::Half)),
            _ => {}
        }
        at += ESCAPE;
    }
    found
}

/// The unit of an escape that stands at the start.
/// `None` if no `\uXXXX` begins there.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = text.get(..ESCAPE)?.strip_prefix(b"\\u")?;
    let digits = std::str::from_utf8(digits).ok()?;
    u16::from_str_radix(digits, 16).ok()
}

/// Makes a JSON string of the characters from `start` on, escaped as PostgreSQL's own
/// `escape_json` does.
pub(super) fn quote(start: usize, out: &mut Output) {
    let text = out.written(start).to_vec();
    out.cut_back(start);
    out.put(*b"\"");
    for byte in text {
        match byte {
            b'"' => out.put(*b"\\\""),
            b'\\' => out.put(*b"\\\\"),
            0x08 => out.put(*b"\\b"),
            0x0C => out.put(*b"\\f"),
            b'\n' => out.put(*b"\\n"),
            b'\r' => out.put(*b"\\r"),
            b'\t' => out.put(*b"\\t"),
            0..0x20 => out.put_slice(format!("\\u{byte:04x}").as_bytes()),
            other => out.put([other]),
        }
    }
    out.put(*b"\"");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcode::value_policy::ValuePolicy;

    fn repaired(text: &str, policy: ValuePolicy) -> Result<String, Fault> {
        let mut out = Output::new(8);
        out.put_slice(b"\x01");
        out.put_slice(text.as_bytes());
        let mut policy = TextPolicy::uniform(policy);
        mend_escapes(1, &mut out, &mut policy)?;
        Ok(String::from_utf8(out.written(1).to_vec()).unwrap())
    }

    #[test]
    fn escapes_that_jsonb_refuses_follow_the_policy() {
        let text = r#"["a\u0000b","\ud83d\ude00","\ud83dx","\\u0000","\udc00"]"#;
        let strip = repaired(text, ValuePolicy::Strip).unwrap();
        assert_eq!(strip, r#"["ab","\ud83d\ude00","x","\\u0000",""]"#);
        let replace = repaired(r#""\u0000""#, ValuePolicy::Replace).unwrap();
        assert_eq!(replace, "\"\u{FFFD}\"");
        assert_eq!(repaired(r#""\u0000""#, ValuePolicy::Error), Err(Fault::Nul));
        assert_eq!(
            repaired(r#""\uD800""#, ValuePolicy::Error),
            Err(Fault::Surrogate)
        );
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for text in [r#"{"a": "\"\\\n"}"#, "\"\\", "\"\\u12", "", "null"] {
            assert_eq!(repaired(text, ValuePolicy::Error).unwrap(), text);
        }
    }
}
