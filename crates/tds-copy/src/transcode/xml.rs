//! Makes XML text agree with being UTF-8.
//!
//! PostgreSQL reads a binary `xml` field in the encoding that its declaration names, else as UTF-8
//! (postgres, xml.c xml_recv). The text is UTF-8 by now, so a declared encoding is taken out.
//! SQL Server's own `xml` keeps no declaration; text that was cast may have one.

use crate::transcode::output::Output;

/// A declaration is short; what is longer is not looked at.
const LONGEST_DECLARATION: usize = 512;
const BYTE_ORDER_MARK: &[u8] = "\u{FEFF}".as_bytes();

/// Takes a byte order mark and a declared encoding out of the text that began at `start`.
pub(super) fn make_utf8(start: usize, out: &mut Output) {
    if out.written(start).starts_with(BYTE_ORDER_MARK) {
        out.remove(start, BYTE_ORDER_MARK.len());
    }
    if let Some((from, count)) = encoding(out.written(start)) {
        out.remove(start + from, count);
    }
}

/// Where the blanks and `encoding="..."` lie in an XML declaration.
fn encoding(text: &[u8]) -> Option<(usize, usize)> {
    let text = &text[..text.len().min(LONGEST_DECLARATION)];
    let rest = text.strip_prefix(b"<?xml")?;
    rest.first().filter(|byte| byte.is_ascii_whitespace())?;
    let end = find(text, b"?>")?;
    let name = find(&text[..end], b"encoding")?;
    let from = text[..name]
        .iter()
        .rposition(|byte| !byte.is_ascii_whitespace())?
        + 1;
    let quote = text[name..end]
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\''))?
        + name;
    let close = text[quote + 1..end]
        .iter()
        .position(|byte| *byte == text[quote])?;
    Some((from, quote + 1 + close + 1 - from))
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(text: &str) -> String {
        let mut out = Output::new(8);
        out.put_slice(b"before");
        out.put_slice(text.as_bytes());
        make_utf8(6, &mut out);
        String::from_utf8(out.written(6).to_vec()).unwrap()
    }

    #[test]
    fn a_declared_encoding_goes_and_everything_else_stays() {
        assert_eq!(
            made("<?xml version=\"1.0\" encoding=\"utf-16\" standalone='yes'?><a/>"),
            "<?xml version=\"1.0\" standalone='yes'?><a/>"
        );
        assert_eq!(
            made("\u{FEFF}<?xml version='1.0' encoding = 'UTF-16'?><a/>"),
            "<?xml version='1.0'?><a/>"
        );
        for same in [
            "<a encoding='x'/>",
            "",
            "<?xml-stylesheet encoding='x'?>",
            "<?xml ",
        ] {
            assert_eq!(made(same), same);
        }
    }
}
