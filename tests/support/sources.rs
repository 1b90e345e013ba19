//! A tree of Rust sources as text: its files, what they import, its circles and its functions.
//!
//! Comments and string literals are cut out first, so that prose about `crate::` is no import.
//! Inline test modules and files named `tests.rs` or `*_tests.rs` are not production code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

mod rust_code;

pub use rust_code::code_of;

/// One file.
pub struct Source {
    /// Below the root, such as `engine/eval/plan.rs`.
    pub name: String,
    /// Its module, such as `["engine", "eval", "plan"]`; empty for `lib.rs` and `main.rs`.
    pub module: Vec<String>,
    /// The text as it is.
    pub text: String,
    /// Production code without comments and the insides of string literals.
    pub code: String,
}

impl Source {
    /// Lines of production code, comments included.
    pub fn lines(&self) -> usize {
        self.code.lines().count()
    }
}

/// All files below a folder, in order of their names.
pub fn read(root: &Path) -> Vec<Source> {
    let mut folders = vec![root.to_owned()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source in UTF-8");
                let below = path.strip_prefix(root).expect("below the root");
                let name = below.to_string_lossy().into_owned();
                if !name.ends_with("tests.rs") {
                    sources.push(source(name, text));
                }
            }
        }
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    sources
}

/// A file by its name and text.
pub fn source(name: String, text: String) -> Source {
    let stem = name.trim_end_matches(".rs");
    let mut module: Vec<String> = stem.split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod") || stem == "lib" || stem == "main" {
        module.pop();
    }
    let whole = code_of(&text);
    let code = match test_module(&whole) {
        Some(at) => whole[..at].to_owned(),
        None => whole,
    };
    Source {
        name,
        module,
        text,
        code,
    }
}

/// Where an inline `#[cfg(test)] mod name {` begins.
fn test_module(code: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(found) = code[from..].find("#[cfg(test)]") {
        let at = from + found;
        let rest = code[at + "#[cfg(test)]".len()..].trim_start();
        if rest.starts_with("mod ") && rest.find('{') < rest.find(';').or(Some(usize::MAX)) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Every path of the file that begins at the crate, at its parent, at itself or at a module that it
/// declares, as seen from the crate; `use` groups are opened.
pub fn paths(source: &Source) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, _) in source.code.match_indices("::") {
        let before = &source.code[..at];
        let first = before.rfind(|c| !is_word(c)).map_or(0, |i| i + 1);
        if before[..first].ends_with("::") {
            continue;
        }
        let word = &before[first..];
        let mut base = match word {
            "crate" => Vec::new(),
            "self" => source.module.clone(),
            "super" => {
                let mut parent = source.module.clone();
                parent.pop();
                parent
            }
            _ if declares(&source.code, word) => {
                [source.module.clone(), vec![word.into()]].concat()
            }
            _ => continue,
        };
        let mut rest = &source.code[at + 2..];
        while let Some(further) = rest.strip_prefix("super::") {
            base.pop();
            rest = further;
        }
        let mut chars = rest.chars().peekable();
        tree(&mut chars, &base, &mut found);
    }
    found
}

fn declares(code: &str, module: &str) -> bool {
    !module.is_empty() && code.contains(&format!("mod {module};"))
}

/// Reads one branch of a `use` tree, or a plain path.
fn tree(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    base: &[String],
    found: &mut Vec<Vec<String>>,
) {
    let mut path = base.to_vec();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.next_if_eq(&'{').is_some() {
            loop {
                tree(chars, &path, found);
                while chars.next_if(|c| !matches!(c, ',' | '}')).is_some() {}
                if chars.next() != Some(',') {
                    return;
                }
            }
        }
        let mut word = String::new();
        while let Some(c) = chars.next_if(|c| is_word(*c)) {
            word.push(c);
        }
        if word.is_empty() {
            break;
        }
        path.push(word);
        if chars.next_if_eq(&':').is_none() || chars.next_if_eq(&':').is_none() {
            break;
        }
    }
    found.push(path);
}

/// The files that each file imports from.
pub fn graph(sources: &[Source]) -> BTreeMap<&str, BTreeSet<&str>> {
    let named = |source: &&Source| !source.module.is_empty();
    let by_module: BTreeMap<&[String], &str> = sources
        .iter()
        .filter(named)
        .map(|source| (source.module.as_slice(), source.name.as_str()))
        .collect();
    let owner = |path: &[String]| {
        let mut prefixes = (1..=path.len()).rev().map(|length| &path[..length]);
        prefixes.find_map(|prefix| by_module.get(prefix).copied())
    };
    let imported = |source: &Source| {
        let owners = paths(source).into_iter().filter_map(|path| owner(&path));
        owners.filter(|name| *name != source.name).collect()
    };
    let files = sources.iter();
    files
        .map(|source| (source.name.as_str(), imported(source)))
        .collect()
}

/// The circles of a graph: sets of files each of which reaches all others.
pub fn circles<'a>(graph: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<BTreeSet<&'a str>> {
    let reach = |from: &'a str| {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(file) = open.pop() {
            for next in graph.get(file).into_iter().flatten() {
                if seen.insert(*next) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        graph.keys().map(|file| (*file, reach(file))).collect();
    let mut circles: Vec<BTreeSet<&str>> = Vec::new();
    for (file, forward) in &reached {
        if !forward.contains(file) || circles.iter().any(|circle| circle.contains(file)) {
            continue;
        }
        let back = |other: &&&str| reached.get(**other).is_some_and(|r| r.contains(file));
        circles.push(forward.iter().filter(back).copied().collect());
    }
    circles
}

/// A function: its name, its lines from `fn` to the closing brace, and its parameters without `self`.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    pub lines: usize,
    pub parameters: usize,
}

/// The functions of production code.
pub fn functions(code: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if code[..at].ends_with(is_word) {
            continue;
        }
        let rest = &code[at + 3..];
        let name: String = rest.chars().take_while(|c| is_word(*c)).collect();
        let Some(body) = head(rest) else {
            continue;
        };
        if name.is_empty() || rest[body..].starts_with(';') {
            continue;
        }
        let close = closing(&rest[body..]);
        found.push(Function {
            name,
            lines: rest[..body + close].lines().count(),
            parameters: parameters(&rest[..body]),
        });
    }
    found
}

/// Where the head of a function ends: at its body, or at the semicolon of one without.
fn head(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.checked_sub(1)?,
            '{' | ';' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

/// The length of a text that begins with a brace, up to the brace that closes it.
fn closing(text: &str) -> usize {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

fn parameters(head: &str) -> usize {
    let Some(open) = head.find('(') else {
        return 0;
    };
    let (mut depth, mut count, mut word) = (0usize, 0, String::new());
    let mut before = ' ';
    for c in head[open..].chars() {
        match c {
            '(' | '[' | '<' => depth += 1,
            ')' | ']' => depth -= 1,
            '>' if before != '-' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && c == ',') {
            let own = word.trim_start_matches(['(', '&', ' ', '\n']);
            let own = own
                .trim_start_matches("'_ ")
                .trim_start_matches("mut ")
                .trim();
            count += usize::from(!own.is_empty() && own != "self");
            word.clear();
        } else {
            word.push(c);
        }
        if depth == 0 {
            break;
        }
        before = c;
    }
    count
}
