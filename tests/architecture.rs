//! The code map holds: imports go down, only the edge prints, files stay short.
//!
//! Reads `src/` as text. Comments and string literals are cut out first, so that prose about
//! `crate::` is no import.

use std::fs;
use std::path::{Path, PathBuf};

#[path = "support/rust_code.rs"]
mod rust_code;

use rust_code::code_of;

/// The tool and the crates that it is built on. Cargo holds the arrows between them.
const CRATES: [&str; 4] = [
    "src",
    "crates/gssapi/src",
    "crates/tds-copy/src",
    "crates/tsql/src",
];

/// The floors of docs/architecture.md. A file imports from lower floors and from its own folder.
const FLOORS: &[(&str, u8)] = &[
    ("calendar", 1),
    ("child", 1),
    ("error", 1),
    ("hex", 1),
    ("locale", 1),
    ("mutex", 1),
    ("raw", 1),
    ("step", 1),
    ("config", 2),
    ("library", 2),
    ("schema", 2),
    ("acceptor", 3),
    ("initiator", 3),
    ("typemap", 3),
    ("names", 3),
    ("key", 3),
    ("page", 4),
    ("translate", 4),
    ("plan", 5),
    ("report", 6),
    ("tds", 6),
    ("credential", 7),
    ("route", 7),
    ("tls", 7),
    ("transcode", 7),
    ("mssql", 8),
    ("postgres", 8),
    ("pipeline", 9),
    ("lib", 10),
    ("cli", 11),
    ("main", 12),
];

/// Lines of a file, and of what of it is not a test.
const MOST_LINES: usize = 500;
const MOST_PRODUCTION_LINES: usize = 400;

/// Files that may use each other: an expression of T-SQL holds expressions, a query queries.
const RECURSION: [&str; 12] = [
    "translate/condition.rs",
    "translate/expression.rs",
    "translate/function/choice.rs",
    "translate/function/date.rs",
    "translate/function/json.rs",
    "translate/function/mod.rs",
    "translate/function/number.rs",
    "translate/function/text.rs",
    "translate/operators.rs",
    "translate/query/apply.rs",
    "translate/query/from.rs",
    "translate/query/pivot.rs",
];

struct Source {
    path: PathBuf,
    /// Below the root of its crate, as `plan/build.rs`.
    below: PathBuf,
    /// The root of its crate, one of [`CRATES`].
    root: PathBuf,
    /// The module that owns the file: its folder, or its own name at the top of `src/`.
    module: String,
    text: String,
    /// Without comments and the insides of string literals.
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for crate_root in CRATES {
        sources_below(&root.join(crate_root), &mut sources);
    }
    assert!(sources.len() > 30, "only {} sources found", sources.len());
    sources
}

fn sources_below(root: &Path, sources: &mut Vec<Source>) {
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source in UTF-8");
                let below = path.strip_prefix(root).expect("below src").to_owned();
                let first = below.iter().next().expect("a name").to_string_lossy();
                let module = first.trim_end_matches(".rs").to_owned();
                let code = code_of(&text);
                sources.push(Source {
                    path,
                    below,
                    root: root.to_owned(),
                    module,
                    text,
                    code,
                });
            }
        }
    }
}

impl Source {
    fn is_one_of(&self, files: &[&str]) -> bool {
        files.iter().any(|file| self.below == Path::new(file))
    }

    fn is_test(&self) -> bool {
        let name = self.path.file_stem().unwrap_or_default().to_string_lossy();
        name == "tests" || name.ends_with("_tests") || self.below.iter().any(|part| part == "tests")
    }

    /// What is not a test.
    fn production(&self) -> &str {
        self.code.split("#[cfg(test)]\nmod ").next().unwrap_or("")
    }

    /// The path of its module within the crate.
    fn module_path(&self) -> Vec<String> {
        let path = self.below.with_extension("");
        let mut names: Vec<String> = path
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        if ["mod", "lib", "main"].contains(&names.last().map_or("", String::as_str)) {
            names.pop();
        }
        names
    }

    /// The files of its crate whose items it names. A folder's `mod.rs` is a face and not a room, so
    /// that it counts as a user of others and not as used.
    fn uses<'a>(&self, sources: &'a [Source]) -> Vec<&'a Path> {
        let own = self.module_path();
        let mut parent = own.clone();
        parent.pop();
        // Each more `super::` is one more folder up.
        let starts = [
            ("crate::", Vec::new()),
            ("self::", own),
            ("super::", parent),
        ];
        let mut used = Vec::new();
        for (root, start) in starts {
            for path in paths(self.production(), root) {
                let mut names = start.clone();
                for name in path {
                    if name == "super" {
                        names.pop();
                    } else {
                        names.push(name);
                    }
                }
                used.extend(file_of(&names, &self.root, sources));
            }
        }
        used.retain(|path| *path != self.path);
        used.sort_unstable();
        used.dedup();
        used
    }
}

/// The file that holds the item of this path, unless that is a folder's face.
fn file_of<'a>(names: &[String], root: &Path, sources: &'a [Source]) -> Option<&'a Path> {
    (1..=names.len()).rev().find_map(|count| {
        let path = root.join(names[..count].join("/")).with_extension("rs");
        let found = sources.iter().find(|source| source.path == path);
        found.map(|source| source.path.as_path())
    })
}

/// All paths that begin with `root`, without it, braces opened.
fn paths(code: &str, root: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find(root) {
        let before = rest[..at].chars().next_back();
        rest = &rest[at + root.len()..];
        if !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            open(rest, &mut Vec::new(), &mut found);
        }
    }
    found
}

/// Adds the paths that `text` begins with; gives how many bytes they take.
fn open(text: &str, prefix: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> usize {
    if let Some(group) = text.strip_prefix('{') {
        let mut at = 0;
        loop {
            let rest = &group[at..];
            match rest.chars().next() {
                None => return text.len(),
                Some('}') => return at + 2,
                Some(c) if c == ',' || c.is_whitespace() => at += c.len_utf8(),
                Some(_) => at += open(rest, &mut prefix.clone(), found).max(1),
            }
        }
    }
    let name = segment(text);
    prefix.push(name.clone());
    let rest = &text[name.len()..];
    match rest.strip_prefix("::") {
        Some(more) if more.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '{') => {
            name.len() + 2 + open(more, prefix, found)
        }
        _ => {
            found.push(prefix.clone());
            name.len()
        }
    }
}

fn floor(module: &str) -> Option<u8> {
    let known = FLOORS.iter().find(|(name, _)| *name == module)?;
    Some(known.1)
}

/// The first path segments after `crate::` (or, in `main`, after `migrate::`), braces opened.
fn imports(code: &str, root: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find(root) {
        let before = rest[..at].chars().next_back();
        rest = &rest[at + root.len()..];
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        match rest.strip_prefix('{') {
            Some(group) => found.extend(first_segments(group)),
            None => found.push(segment(rest)),
        }
    }
    found
}

/// First segments of each path of a group such as `{a::b, c::{d, e}}`, up to its closing brace.
fn first_segments(group: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut depth = 0;
    let mut start = true;
    for (index, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if start && !c.is_whitespace() => {
                found.push(segment(&group[index..]));
                start = false;
            }
            _ => {}
        }
    }
    found
}

fn segment(path: &str) -> String {
    path.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

fn faults(check: impl Fn(&Source) -> Vec<String>) {
    let mut all = Vec::new();
    for source in sources() {
        for fault in check(&source) {
            all.push(format!("{}: {fault}", source.path.display()));
        }
    }
    assert!(all.is_empty(), "\n{}", all.join("\n"));
}

#[test]
fn every_module_has_a_floor() {
    faults(|source| match floor(&source.module) {
        Some(_) => Vec::new(),
        None => vec![format!("module `{}` has no floor", source.module)],
    });
}

#[test]
fn imports_go_down_to_the_owner() {
    faults(|source| upward(&source.module, &source.code));
}

/// What is wrong with the imports of a file of `module`.
fn upward(module: &str, code: &str) -> Vec<String> {
    let here = floor(module).unwrap_or(0);
    let root = if module == "main" {
        "migrate::"
    } else {
        "crate::"
    };
    let mut wrong = Vec::new();
    for import in imports(code, root) {
        match floor(&import) {
            Some(there) if there < here || import == module => {}
            Some(there) => wrong.push(format!("floor {here} imports {import}, floor {there}")),
            // The crate root is the public face, not a way around the owner.
            None => wrong.push(format!("`crate::{import}` is not its owner's path")),
        }
    }
    wrong
}

#[test]
fn only_the_edge_prints_and_only_main_exits() {
    const PRINTING: [&str; 6] = [
        "println!",
        "print!",
        "dbg!",
        "io::stdout(",
        "io::stderr(",
        "stdout()",
    ];
    faults(|source| {
        let mut wrong = Vec::new();
        if !["cli", "main"].contains(&source.module.as_str()) {
            for word in PRINTING {
                if source.code.contains(word) {
                    wrong.push(format!("`{word}` outside of cli and main"));
                }
            }
        }
        if source.module != "main" && source.code.contains("process::exit") {
            wrong.push("`process::exit` outside of main".to_owned());
        }
        wrong
    });
}

#[test]
fn the_middle_is_pure() {
    const PURE: [&str; 11] = [
        "error",
        "config",
        "schema",
        "typemap",
        "names",
        "key",
        "page",
        "translate",
        "plan",
        "tds",
        "transcode",
    ];
    const SHORES: [&str; 6] = [
        "tokio::",
        "tokio_postgres",
        "tiberius",
        "bb8",
        "deadpool",
        "async fn",
    ];
    faults(|source| {
        // Differential tests compare with the drivers; they are test code in a file of their own.
        if !PURE.contains(&source.module.as_str()) {
            return Vec::new();
        }
        let code = source.code.split("#[cfg(test)]").next().unwrap_or("");
        SHORES
            .iter()
            .filter(|word| code.contains(**word) && !source.path.ends_with("tests.rs"))
            .map(|word| format!("`{word}` in a pure module"))
            .collect()
    });
}

#[test]
fn no_files_go_in_a_circle() {
    let sources = sources();
    let rooms: Vec<&Source> = sources.iter().filter(|source| !source.is_test()).collect();
    let uses: Vec<Vec<&Path>> = rooms.iter().map(|source| source.uses(&sources)).collect();
    let known = |source: &Source| source.is_one_of(&RECURSION);
    let mut circles = Vec::new();
    for (place, source) in rooms.iter().enumerate() {
        if let Some(way) = way_back(place, &rooms, &uses)
            && !known(source)
        {
            circles.push(format!("{}: {way}", source.below.display()));
        }
    }
    assert!(circles.is_empty(), "\n{}", circles.join("\n"));
}

/// How a file comes back to itself, the shortest way; `None` if it does not.
fn way_back(start: usize, rooms: &[&Source], uses: &[Vec<&Path>]) -> Option<String> {
    let place = |path: &Path| rooms.iter().position(|source| source.path == path);
    let mut from = vec![None; rooms.len()];
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(here) = queue.pop_front() {
        for next in uses[here].iter().filter_map(|path| place(path)) {
            if next == start {
                let mut way = vec![here];
                while let Some(before) = from[way[way.len() - 1]] {
                    way.push(before);
                }
                way.reverse();
                let names = way.iter().map(|at| rooms[*at].below.display().to_string());
                return Some(names.collect::<Vec<_>>().join(" -> ") + " -> back");
            }
            if from[next].is_none() {
                from[next] = Some(here);
                queue.push_back(next);
            }
        }
    }
    None
}

#[test]
fn files_are_short_and_say_what_they_are() {
    faults(|source| {
        let mut wrong = Vec::new();
        let lines = source.text.lines().count();
        if lines > MOST_LINES {
            wrong.push(format!("{lines} lines, more than {MOST_LINES}"));
        }
        let lines = source.production().lines().count();
        let known = source.is_test();
        if lines > MOST_PRODUCTION_LINES && !known {
            wrong.push(format!(
                "{lines} lines without tests, more than {MOST_PRODUCTION_LINES}"
            ));
        }
        if !source.text.starts_with("//! ") {
            wrong.push("the first line does not say what the file is".to_owned());
        }
        wrong
    });
}

#[test]
fn paths_are_read_out_of_braces() {
    let found = |code: &str| {
        let paths = paths(code, "crate::").into_iter();
        paths.map(|path| path.join("::")).collect::<Vec<_>>()
    };
    assert_eq!(found("use crate::a::b::C;"), ["a::b::C"]);
    assert_eq!(
        found("use crate::a::{self, b::{C, D}, e};"),
        ["a::self", "a::b::C", "a::b::D", "a::e"]
    );
    assert_eq!(found("fn f(x: crate::a::B<C>) {}"), ["a::B"]);
}

/// The checks above find what they look for.
#[test]
fn an_arrow_that_goes_up_is_seen() {
    let plan = |code: &str| upward("plan", &code_of(code));
    assert_eq!(plan("use crate::error::Error; use tsql::key;").len(), 0);
    assert_eq!(plan("use crate::pipeline::run;").len(), 1);
    assert_eq!(
        plan("use crate::{error::Error, cli::{self, x}, tds};").len(),
        2
    );
    assert_eq!(plan("fn f() { let x = crate::mssql::pool(); }").len(), 1);
    assert_eq!(plan("use crate::Error;").len(), 1);
    assert_eq!(
        plan("// use crate::cli::x;\nlet s = \"crate::cli\";").len(),
        0
    );
    assert_eq!(
        plan("let s = r#\"crate::cli \" x\"#; let c = '\"'; crate::cli::x").len(),
        1
    );
    assert_eq!(upward("mssql", "use crate::postgres::pool;").len(), 1);
}
