//! Names that readers fold, cut or run as SQL.

use super::draw::Draw;

const PARTS: [&str; 24] = [
    "",
    "]",
    "\"",
    "'",
    ".",
    " ",
    "  ",
    "\n",
    "\r",
    "\t",
    "\\",
    "%",
    "$",
    "😀",
    "Заказ",
    "e\u{301}",
    "select",
    "Order",
    "CamelCase",
    "--",
    "/*",
    "'; DROP TABLE t; --",
    "İ",
    "ß",
];

/// A name with that number in it, which alone keeps it apart from others under every folding.
pub(super) fn name(draw: &mut Draw, number: usize) -> String {
    if draw.once_in(12) {
        // 128 characters are 63 bytes after the same first 60.
        let number = format!("n{number}");
        return format!("{}{number}", "Ж".repeat(128 - number.len()));
    }
    if draw.once_in(3) {
        return format!("Col{number}");
    }
    let (front, back) = (draw.one(&PARTS), draw.one(&PARTS));
    format!("{front}n{number}{back}")
}

pub(super) fn bracket(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
