//! docs/errors.md is what the tests expect: each of its lines is the exit code and words of an error.

use std::fs;
use std::path::Path;

use crate::support::job::Answer;
use crate::support::source::PASSWORD;

/// One line of the table.
struct Documented {
    id: String,
    code: i32,
    /// What stands in backticks under "what is said" and "what to do".
    words: Vec<String>,
}

/// Fails unless the answer has the exit code and the words that docs/errors.md gives for `id`.
pub(crate) fn documented(id: &str, answer: &Answer) {
    let lines = table();
    let line = lines.iter().find(|line| line.id == id);
    let line = line.unwrap_or_else(|| panic!("docs/errors.md has no line {id}"));
    let said = answer.said();
    assert_eq!(answer.code, Some(line.code), "{id}: {said}");
    // Reports are broken into lines, so blanks and line ends are one.
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in &line.words {
        assert!(flat.contains(word), "{id}: {word:?} is not in:\n{said}");
    }
    // A run that was stopped, or mended what it found, asks for nothing.
    if (1..=3).contains(&line.code) {
        assert!(flat.contains("advice: "), "{id}: no advice in:\n{said}");
    }
    assert!(!said.contains(PASSWORD), "{id}: a password in:\n{said}");
}

fn table() -> Vec<Documented> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors.md");
    let text = fs::read_to_string(path).expect("docs/errors.md");
    let lines = text.lines().filter(|line| line.starts_with("| `"));
    lines.map(read).collect()
}

/// `| id | what happened | exit code | what is said | what to do |`
fn read(line: &str) -> Documented {
    let cells = line.split(" | ").collect::<Vec<_>>();
    assert_eq!(cells.len(), 5, "five cells: {line}");
    // What is set is in backticks for the reader, what is said for the test as well.
    let quoted = |cell: &str| {
        let parts = cell.split('`').skip(1).step_by(2);
        parts.map(str::to_owned).collect::<Vec<_>>()
    };
    let id = quoted(cells[0]).remove(0);
    let words = [quoted(cells[3]), quoted(cells[4])].concat();
    assert!(!words.is_empty(), "no words: {line}");
    Documented {
        id,
        code: cells[2].trim().parse().expect("an exit code"),
        words,
    }
}

/// All files below a folder.
fn texts(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("the tests");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .map(|path| {
            if path.is_dir() {
                texts(&path)
            } else {
                fs::read_to_string(path).expect("a test")
            }
        })
        .collect()
}

/// A line that no test looks at would be a promise that nobody keeps.
#[test]
fn every_documented_error_is_seen_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = ["tests/e2e", "tests/field"].map(|folder| texts(&root.join(folder)));
    let tests = tests.concat();
    let lines = table();
    assert!(lines.len() > 30, "{} lines", lines.len());
    for line in lines {
        let quoted = format!("\"{}\"", line.id);
        assert!(tests.contains(&quoted), "no test sees {}", line.id);
    }
}
