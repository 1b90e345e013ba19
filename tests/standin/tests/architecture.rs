//! The stand-in keeps the rules of the tool: imports go down, files and functions are short, and
//! there is no circle of files.

use std::collections::BTreeSet;
use std::path::Path;

#[path = "../../support/sources.rs"]
mod sources;

use sources::{Source, circles, functions, graph, paths, read, source};

/// The floors. A module imports from lower floors and from itself. Folders of `engine` are modules of
/// their own.
const FLOORS: &[(&str, u8)] = &[
    ("types", 1),
    ("prng", 1),
    ("work", 1),
    ("counters", 1),
    ("session", 2),
    ("fault", 2),
    ("wire", 3),
    ("engine/error", 2),
    ("engine/datatype", 2),
    ("engine/collate", 3),
    ("engine/type_name", 3),
    ("engine/value", 4),
    ("engine/arithmetic", 5),
    ("engine/model", 5),
    ("engine/parse", 6),
    ("engine/eval", 6),
    ("engine/catalog", 7),
    ("engine/function", 8),
    ("engine/query", 9),
    ("engine/rules", 10),
    ("engine/ddl", 11),
    ("engine/dml", 11),
    ("engine/session", 11),
    ("engine/procedure", 12),
    ("engine/control", 13),
    ("engine/server", 14),
    ("engine", 15),
    ("sample", 16),
    ("load", 17),
    ("admin", 17),
    ("server", 18),
    ("serve", 19),
    ("lib", 20),
    ("main", 21),
];

/// A subquery is an expression that holds a plan, and a plan is made of expressions: two types that
/// contain each other.
const RECURSION: [&str; 2] = ["engine/eval/expr.rs", "engine/eval/plan.rs"];

const MOST_LINES: usize = 400;
const MOST_LINES_OF_A_FUNCTION: usize = 80;
const MOST_PARAMETERS: usize = 5;

fn tree() -> Vec<Source> {
    let sources = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(sources.len() > 100, "only {} sources found", sources.len());
    sources
}

/// The module of FLOORS that a path or a file belongs to.
fn module(path: &[String]) -> Option<(&'static str, u8)> {
    let first = path.first().map_or("lib", String::as_str);
    let inner = path.get(1).map(|second| format!("{first}/{second}"));
    let known = |name: &str| FLOORS.iter().find(|(known, _)| *known == name).copied();
    inner.and_then(|name| known(&name)).or_else(|| known(first))
}

fn faults(check: impl Fn(&Source) -> Vec<String>) {
    let mut all = Vec::new();
    for source in tree() {
        for fault in check(&source) {
            all.push(format!("{}: {fault}", source.name));
        }
    }
    assert!(all.is_empty(), "\n{}", all.join("\n"));
}

/// What is wrong with the imports of a file.
fn upward(source: &Source) -> Vec<String> {
    if source.name == "main.rs" {
        return Vec::new();
    }
    let Some((own, here)) = module(&source.module) else {
        return vec!["its module has no floor".to_owned()];
    };
    let mut wrong = Vec::new();
    for path in paths(source) {
        match module(&path) {
            Some((there, floor)) if there == own || floor < here => {}
            Some((there, floor)) => {
                wrong.push(format!("floor {here} imports {there}, floor {floor}"));
            }
            None => wrong.push(format!("`{}` has no floor", path.join("::"))),
        }
    }
    wrong
}

#[test]
fn imports_go_down() {
    faults(upward);
}

#[test]
fn there_is_no_circle_of_files_but_that_of_plans_and_expressions() {
    let sources = tree();
    let known = BTreeSet::from(RECURSION);
    let others: Vec<_> = circles(&graph(&sources))
        .into_iter()
        .filter(|circle| *circle != known)
        .collect();
    assert!(others.is_empty(), "{others:#?}");
}

#[test]
fn files_are_short_and_say_what_they_are() {
    faults(|source| {
        let mut wrong = Vec::new();
        if source.lines() > MOST_LINES {
            wrong.push(format!("{} lines, more than {MOST_LINES}", source.lines()));
        }
        if !source.text.starts_with("//! ") {
            wrong.push("the first line does not say what the file is".to_owned());
        }
        wrong
    });
}

#[test]
fn functions_are_short_and_take_few_parameters() {
    faults(|source| {
        let mut wrong = Vec::new();
        for function in functions(&source.code) {
            let (name, lines) = (&function.name, function.lines);
            if lines > MOST_LINES_OF_A_FUNCTION {
                wrong.push(format!("`{name}` has {lines} lines"));
            }
            if function.parameters > MOST_PARAMETERS {
                wrong.push(format!("`{name}` has {} parameters", function.parameters));
            }
        }
        wrong
    });
}

#[test]
fn only_main_prints() {
    faults(|source| {
        let printing = ["println!", "print!", "dbg!", "process::exit"];
        let found = printing.iter().filter(|word| source.code.contains(**word));
        let wrong = found.map(|word| format!("`{word}` outside of main"));
        wrong.filter(|_| source.name != "main.rs").collect()
    });
}

/// The checks above find what they look for.
#[test]
fn an_arrow_up_a_circle_and_a_long_function_are_seen() {
    let file = |name: &str, text: &str| source(name.to_owned(), text.to_owned());
    let up = file(
        "engine/model/table.rs",
        "use crate::engine::{error::E, query::bind};\n// crate::engine::ddl\nlet s = \"crate::serve\";",
    );
    assert_eq!(upward(&up), ["floor 5 imports engine/query, floor 9"]);
    let parent = file("wire/a/mod.rs", "mod b;\nfn f() { b::g() }");
    let child = file(
        "wire/a/b.rs",
        "use super::f;\nfn g() {}\n#[cfg(test)]\nmod tests { use crate::serve; }",
    );
    let both = [parent, child];
    assert_eq!(circles(&graph(&both)).len(), 1);
    assert!(upward(&both[1]).is_empty());
    let found = functions("fn f(&mut self, a: (u8, u8), b: Vec<u8>) -> u8 {\n\n}\nfn g();");
    let shown: Vec<_> = found
        .iter()
        .map(|f| (f.name.as_str(), f.lines, f.parameters))
        .collect();
    assert_eq!(shown, [("f", 3, 2)]);
}
