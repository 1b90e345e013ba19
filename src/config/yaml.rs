//! YAML text to a tree that knows the position of every key and value.
//!
//! Bounded in every direction, because a job file may come from elsewhere: depth, and the number of
//! nodes and the text of the whole tree, aliases followed, with the path of each node, so that
//! neither nested aliases nor aliases of long values nor long keys above many values grow without
//! end.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, StrInput};

use crate::config::problem::{Position, Problem};

/// Deeper than any job file can mean anything.
const MAX_DEPTH: usize = 32;
/// Nodes of the whole tree, aliases followed: some 10,000 tables with overrides.
const MAX_NODES: usize = 100_000;
/// Bytes of all values and of every node's path: each may have to be kept, and named in a problem.
const MAX_TEXT: usize = 32 * 1024 * 1024;

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) value: Value,
}

/// A YAML value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

/// A single value as written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scalar {
    /// Without quotes and escapes. Numbers and booleans are text here; the reader of a key decides.
    pub(crate) text: String,
    /// Written without quotes, so `null` and `~` mean nothing at all.
    pub(crate) plain: bool,
    /// Holds something from outside the file, so errors must not show it.
    pub(crate) substituted: bool,
}

/// A key of a mapping, with its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) at: Position,
    pub(crate) node: Node,
}

impl Scalar {
    /// Unquoted, and empty, `~` or `null`.
    pub(crate) fn is_null(&self) -> bool {
        self.plain
            && !self.substituted
            && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }
}

impl Value {
    /// What it is, for "expected a number, found ...".
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Scalar(scalar) if scalar.is_null() => "nothing",
            Self::Scalar(_) => "a single value",
            Self::Sequence(_) => "a list",
            Self::Mapping(_) => "a mapping",
        }
    }
}

/// The one document of `text`.
pub(crate) fn parse(text: &str) -> Result<Node, Problem> {
    let mut builder = Builder {
        parser: Parser::new_from_str(text),
        anchors: HashMap::new(),
        made: Size::default(),
        copied: Size::default(),
    };
    let root = builder.document()?;
    if paths(&root, 0) > MAX_TEXT {
        return Err(Problem::at(
            root.at,
            "",
            "keys too long for the number of values",
        ));
    }
    Ok(root)
}

/// Bytes of the paths of all nodes, below one whose path has `above`.
fn paths(node: &Node, above: usize) -> usize {
    match &node.value {
        Value::Scalar(_) => above,
        Value::Sequence(items) => items.iter().map(|item| paths(item, above)).sum(),
        Value::Mapping(entries) => entries
            .iter()
            .map(|entry| paths(&entry.node, above + entry.key.len() + 1))
            .sum(),
    }
}

/// What a finished node adds wherever it is repeated.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    /// Values, keys included.
    nodes: usize,
    /// Bytes of scalars.
    text: usize,
    /// Levels below the node.
    height: usize,
}

struct Builder<'t> {
    parser: Parser<'t, StrInput<'t>>,
    /// Finished nodes by anchor id.
    anchors: HashMap<usize, (Node, Size)>,
    /// So far, in the tree and in the anchors.
    made: Size,
    copied: Size,
}

impl<'t> Builder<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Position), Problem> {
        match self.parser.next_event() {
            None => Ok((Event::StreamEnd, Position { line: 1, column: 1 })),
            Some(Ok((event, span))) => Ok((event, position(&span.start))),
            Some(Err(error)) => Err(Problem::at(
                position(error.marker()),
                "",
                format!("not valid YAML: {}", error.info()),
            )),
        }
    }

    /// Skips what comes before the first document, and refuses an empty file and a second document.
    fn document(&mut self) -> Result<Node, Problem> {
        let root = loop {
            let (event, at) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
                Event::StreamEnd | Event::DocumentEnd => {
                    return Err(Problem::of_file("the job file is empty"));
                }
                event => break self.node(event, at, 0)?,
            }
        };
        loop {
            let (event, at) = self.next()?;
            match event {
                Event::DocumentEnd | Event::Nothing => {}
                Event::StreamEnd => return Ok(root),
                _ => return Err(Problem::at(at, "", "a job file holds one document")),
            }
        }
    }

    /// Builds the value that `event` begins. `depth` is its level, 0 for the root.
    fn node(&mut self, event: Event<'_>, at: Position, depth: usize) -> Result<Node, Problem> {
        let before = self.made;
        let one = Size {
            nodes: 1,
            ..Size::default()
        };
        self.count(one, depth, at)?;
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.made.text += text.len();
                let string_tag = tag.is_some_and(|tag| tag.suffix == "str");
                let scalar = Scalar {
                    text: text.into_owned(),
                    plain: style == ScalarStyle::Plain && !string_tag,
                    substituted: false,
                };
                (Value::Scalar(scalar), anchor)
            }
            Event::SequenceStart(anchor, _) => (self.sequence(depth)?, anchor),
            Event::MappingStart(anchor, _) => (self.mapping(depth)?, anchor),
            Event::Alias(anchor) => return self.alias(anchor, depth, at),
            _ => return Err(Problem::at(at, "", "not valid YAML: a value is missing")),
        };
        let node = Node { at, value };
        if anchor > 0 {
            let size = Size {
                nodes: self.made.nodes - before.nodes,
                text: self.made.text - before.text,
                height: height(&node),
            };
            // Of nested anchors each keeps a copy, so copies have the same bounds again.
            self.copied.nodes += size.nodes;
            self.copied.text += size.text;
            bounded(self.copied, at)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Ok(node)
    }

    fn sequence(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut items = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(Value::Sequence(items));
            }
            items.push(self.node(event, at, depth + 1)?);
        }
    }

    /// Keys that are there twice are both kept; `Section::new` reports the second.
    fn mapping(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(Value::Mapping(entries));
            }
            let Value::Scalar(Scalar { text: key, .. }) = self.node(event, at, depth + 1)?.value
            else {
                return Err(Problem::at(at, "", "a key must be a single value"));
            };
            let (event, value_at) = self.next()?;
            let node = self.node(event, value_at, depth + 1)?;
            entries.push(Entry { key, at, node });
        }
    }

    /// A copy of the anchored value at the place of the alias. Its whole size is counted before it
    /// is copied, so a small file cannot unfold into a large tree.
    fn alias(&mut self, anchor: usize, depth: usize, at: Position) -> Result<Node, Problem> {
        // The parser refuses unknown names, so what is not finished yet encloses the alias.
        let Some(size) = self.anchors.get(&anchor).map(|(_, size)| *size) else {
            return Err(Problem::at(at, "", "an alias inside its own anchor"));
        };
        self.count(size, depth, at)?;
        let value = self.anchors[&anchor].0.value.clone();
        Ok(Node { at, value })
    }

    /// Takes note of nodes before they are made, the first of them at `depth`.
    fn count(&mut self, more: Size, depth: usize, at: Position) -> Result<(), Problem> {
        self.made.nodes += more.nodes;
        self.made.text += more.text;
        let height = depth + more.height;
        bounded(
            Size {
                height,
                ..self.made
            },
            at,
        )
    }
}

fn bounded(size: Size, at: Position) -> Result<(), Problem> {
    let message = if size.height > MAX_DEPTH {
        format!("nested deeper than {MAX_DEPTH} levels")
    } else if size.nodes > MAX_NODES {
        format!("more than {MAX_NODES} values, aliases followed")
    } else if size.text > MAX_TEXT {
        format!("more than {MAX_TEXT} bytes of values, aliases followed")
    } else {
        return Ok(());
    };
    Err(Problem::at(at, "", message))
}

/// Levels below a node; its own depth is bounded already.
/// A value without entries has no level below it, and an empty list has one.
fn height(node: &Node) -> usize {
    let below: Option<usize> = match &node.value {
        Value::Scalar(_) => None,
        Value::Sequence(items) => Some(items.iter().map(height).max().unwrap_or(0)),
        Value::Mapping(entries) => Some(
            entries
                .iter()
                .map(|entry| height(&entry.node))
                .max()
                .unwrap_or(0),
        ),
    };
    below.map_or(0, |below| below + 1)
}

/// The parser counts lines from 1 and columns from 0.
fn position(marker: &Marker) -> Position {
    Position {
        line: marker.line().max(1),
        column: marker.col() + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(node: &Node) -> &[Entry] {
        match &node.value {
            Value::Mapping(entries) => entries,
            other => panic!("{other:?} is not a mapping"),
        }
    }

    #[test]
    fn every_key_and_value_knows_its_place() {
        let root = parse("a: 1\nb:\n  - x\n  - {c: 'y'}\n").unwrap();
        let b = &entries(&root)[1];
        assert_eq!(b.at, Position { line: 2, column: 1 });
        let Value::Sequence(items) = &b.node.value else {
            panic!("not a list")
        };
        assert_eq!(items[0].at, Position { line: 3, column: 5 });
        let c = &entries(&items[1])[0];
        assert_eq!(c.at, Position { line: 4, column: 6 });
        assert_eq!(c.node.at, Position { line: 4, column: 9 });
    }

    #[test]
    fn quoted_null_is_a_string() {
        let root = parse("a: null\nb: 'null'\nc: ~\nd:\ne: \"\"\n").unwrap();
        let nulls: Vec<bool> = entries(&root)
            .iter()
            .map(|entry| matches!(&entry.node.value, Value::Scalar(scalar) if scalar.is_null()))
            .collect();
        assert_eq!(nulls, [true, false, true, true, false]);
    }

    #[test]
    fn nested_aliases_do_not_explode() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let below = level - 1;
            let ten = vec![format!("*a{below}"); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{ten}]\n"));
        }
        let problem = parse(&text).unwrap_err();
        assert!(problem.message.contains("aliases followed"), "{problem}");
    }

    /// 500 KB, repeated 50,000 times, would be 25 GB.
    #[test]
    fn aliases_of_a_long_value_do_not_explode() {
        let long = "x".repeat(500_000);
        let text = format!("a: &a {long}\nb: [{}]\n", vec!["*a"; 50_000].join(", "));
        let problem = parse(&text).unwrap_err();
        assert!(problem.message.contains("bytes of values"), "{problem}");
    }

    /// Each alias is shallow where it stands, and deep in what it stands for.
    #[test]
    fn aliases_do_not_nest_deeper_than_the_text_may() {
        let mut text = "a0: &a0 x\n".to_owned();
        for level in 1..70 {
            let below = level - 1;
            let (open, close) = ("[".repeat(29), "]".repeat(29));
            text.push_str(&format!("a{level}: &a{level} {open}*a{below}{close}\n"));
        }
        let problem = parse(&text).unwrap_err();
        assert!(problem.message.contains("nested deeper"), "{problem}");
        assert_eq!(problem.at.map(|at| at.line), Some(3), "{problem}");
    }

    /// Every value below a key has the key in its path.
    #[test]
    fn a_long_key_above_many_values_is_refused() {
        let key = "k".repeat(1_000);
        let items: String = (0..40_000).map(|n| format!("  {n}: 1\n")).collect();
        let problem = parse(&format!("{key}:\n{items}")).unwrap_err();
        assert!(problem.message.contains("keys too long"), "{problem}");
        assert!(parse(&format!("tables:\n{items}")).is_ok());
    }

    #[test]
    fn depth_is_bounded() {
        let text = "[".repeat(10_000);
        assert!(parse(&text).is_err());
        let text = format!("{}1{}", "[".repeat(40), "]".repeat(40));
        assert!(parse(&text).unwrap_err().message.contains("nested deeper"));
    }

    #[test]
    fn bad_yaml_says_where() {
        for text in [
            "a: [1, 2",
            "a: 1\n b: 2\n",
            "a:\n\tb: 1",
            "a: 'x",
            "{",
            "a: &b *b",
            "a: *nobody",
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.at.is_some(), "{text:?}: {problem}");
        }
        assert!(parse("").is_err());
        assert!(parse("a: 1\n---\nb: 2\n").is_err());
    }
}
