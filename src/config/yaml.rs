//! YAML text to a tree that knows the position of every key and value.
//!
//! Bounded in every direction, because a job file may come from elsewhere: text, depth, and the
//! number of nodes after aliases are followed, so that nested aliases cannot grow without end.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, StrInput};

use crate::config::problem::{Position, Problem};

/// Deeper than any job file can mean anything.
const MAX_DEPTH: usize = 32;
/// Nodes of the whole tree, aliases followed: some 10,000 tables with overrides.
const MAX_NODES: usize = 100_000;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    /// Written without quotes, so `null` and `~` mean nothing at all.
    pub(crate) plain: bool,
    /// Holds something from outside the file, so errors must not show it.
    pub(crate) substituted: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) at: Position,
    pub(crate) node: Node,
}

impl Scalar {
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
        nodes: 0,
    };
    builder.document()
}

struct Builder<'t> {
    parser: Parser<'t, StrInput<'t>>,
    /// Finished nodes by anchor id, with the number of nodes in each.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
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

    fn node(&mut self, event: Event<'_>, at: Position, depth: usize) -> Result<Node, Problem> {
        if depth > MAX_DEPTH {
            return Err(Problem::at(
                at,
                "",
                format!("nested deeper than {MAX_DEPTH} levels"),
            ));
        }
        let before = self.nodes;
        self.count(1, at)?;
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
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
            Event::Alias(anchor) => return self.alias(anchor, at),
            _ => return Err(Problem::at(at, "", "not valid YAML: a value is missing")),
        };
        let node = Node { at, value };
        if anchor > 0 {
            let size = self.nodes - before;
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

    fn alias(&mut self, anchor: usize, at: Position) -> Result<Node, Problem> {
        // The parser refuses unknown names, so what is not finished yet encloses the alias.
        let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
            return Err(Problem::at(at, "", "an alias inside of what it stands for"));
        };
        self.count(size, at)?;
        Ok(Node { at, ..node })
    }

    fn count(&mut self, more: usize, at: Position) -> Result<(), Problem> {
        self.nodes += more;
        if self.nodes > MAX_NODES {
            return Err(Problem::at(
                at,
                "",
                format!("more than {MAX_NODES} values, aliases followed"),
            ));
        }
        Ok(())
    }
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
