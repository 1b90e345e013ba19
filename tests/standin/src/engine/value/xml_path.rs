//! Plain paths into XML.

use crate::engine::value::xml::{Element, Found, Node};

/// `(/a/b[@c="d"]/@e)[1]` and its like; nothing with prefixes, functions or other axes.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    steps: Vec<Step>,
    /// The place of the one that is taken of all that are found.
    nth: Option<usize>,
    /// It begins at the root, `/a`.
    pub(crate) absolute: bool,
}

#[derive(Debug, Clone)]
enum Step {
    /// Children of a name, or all; of any depth; with an attribute's or a child's value; at a place.
    Child {
        name: Option<String>,
        deep: bool,
        equal: Option<(String, bool, String)>,
        nth: Option<usize>,
    },
    Attribute(String),
    /// The texts of an element; the flag takes the first.
    Text(bool),
    This,
}

impl Path {
    /// `None` for anything but a plain path.
    pub(crate) fn parse(text: &str) -> Option<Path> {
        let text = text.trim();
        let (inner, nth) = match text.strip_prefix('(') {
            Some(rest) => {
                let (inner, place) = rest.rsplit_once(')')?;
                let place = place.trim().strip_prefix('[')?.strip_suffix(']')?;
                (inner.trim(), Some(place.trim().parse().ok()?))
            }
            None => (text, None),
        };
        let mut steps = Vec::new();
        let mut rest = inner;
        let mut deep = false;
        let mut first = true;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix("//") {
                (rest, deep) = (after, true);
            } else if let Some(after) = rest.strip_prefix('/') {
                rest = after;
                if rest.is_empty() && first {
                    break;
                }
            } else if !first {
                return None;
            }
            first = false;
            let (step, after) = one_step(rest, deep)?;
            steps.push(step);
            (rest, deep) = (after, false);
        }
        Some(Path {
            steps,
            nth,
            absolute: inner.starts_with('/'),
        })
    }

    /// Whether no more than one can be found ("value() Method": a singleton).
    pub(crate) fn single(&self) -> bool {
        let one = |step: &Step| match step {
            Step::Child { nth, deep, .. } => nth.is_some() && !deep,
            Step::Attribute(_) | Step::This => true,
            Step::Text(first) => *first,
        };
        self.nth.is_some() || self.steps.iter().all(one)
    }

    pub(crate) fn find<'x>(&self, root: &'x Element) -> Vec<Found<'x>> {
        let mut found = vec![Found::Element(root)];
        for step in &self.steps {
            let mut next = Vec::new();
            for at in &found {
                if let Found::Element(element) = at {
                    step.take(element, &mut next);
                }
            }
            found = next;
        }
        match self.nth {
            Some(nth) => found
                .into_iter()
                .skip(nth.saturating_sub(1))
                .take(1)
                .collect(),
            None => found,
        }
    }
}

/// A step and what follows it.
fn one_step(text: &str, deep: bool) -> Option<(Step, &str)> {
    let name_end = |t: &str| {
        t.find(|c: char| !(c.is_alphanumeric() || "_-.".contains(c)))
            .unwrap_or(t.len())
    };
    if let Some(rest) = text.strip_prefix("text()") {
        return Some(match rest.strip_prefix("[1]") {
            Some(rest) => (Step::Text(true), rest),
            None => (Step::Text(false), rest),
        });
    }
    if let Some(rest) = text.strip_prefix('@') {
        let end = name_end(rest);
        let (name, after) = rest.split_at(end);
        return (end > 0 && !after.starts_with(':'))
            .then(|| (Step::Attribute(name.to_owned()), after));
    }
    if text == "." || text.starts_with("./") {
        return Some((Step::This, &text[1..]));
    }
    let (name, mut rest) = match text.strip_prefix('*') {
        Some(rest) => (None, rest),
        None => {
            let end = name_end(text);
            let (name, rest) = text.split_at(end);
            if name.is_empty() || name.starts_with('.') || rest.starts_with([':', '(']) {
                return None;
            }
            (Some(name.to_owned()), rest)
        }
    };
    let (mut equal, mut nth) = (None, None);
    while let Some(after) = rest.strip_prefix('[') {
        let (inner, tail) = after.split_once(']')?;
        match inner.trim().parse::<usize>() {
            Ok(place) => nth = Some(place),
            Err(_) if equal.is_none() && nth.is_none() => {
                let (left, right) = inner.split_once('=')?;
                let left = left.trim();
                let right = right.trim();
                let quote = right.chars().next().filter(|c| *c == '"' || *c == '\'')?;
                let value = right.strip_prefix(quote)?.strip_suffix(quote)?;
                let (name, attribute) = match left.strip_prefix('@') {
                    Some(name) => (name, true),
                    None => (left, false),
                };
                if name.is_empty() || name_end(name) != name.len() {
                    return None;
                }
                equal = Some((name.to_owned(), attribute, value.to_owned()));
            }
            Err(_) => return None,
        }
        rest = tail;
    }
    let step = Step::Child {
        name,
        deep,
        equal,
        nth,
    };
    Some((step, rest))
}

impl Step {
    fn take<'x>(&self, element: &'x Element, found: &mut Vec<Found<'x>>) {
        match self {
            Step::This => found.push(Found::Element(element)),
            Step::Text(first) => {
                let most = if *first { 1 } else { usize::MAX };
                let texts = element.children.iter().filter_map(|child| match child {
                    Node::Text(text) => Some(Found::Value(text.clone())),
                    Node::Element(_) => None,
                });
                found.extend(texts.take(most));
            }
            Step::Attribute(name) => {
                let value = element.attributes.iter().find(|(n, _)| n == name);
                found.extend(value.map(|(_, v)| Found::Value(v.clone())));
            }
            Step::Child {
                name,
                deep,
                equal,
                nth,
            } => {
                let mut seen = 0;
                for child in &element.children {
                    let Node::Element(child) = child else {
                        continue;
                    };
                    let named = name
                        .as_ref()
                        .is_none_or(|n| !child.spaced && child.name == *n);
                    if named && equal.as_ref().is_none_or(|e| child.has(e)) {
                        seen += 1;
                        if nth.is_none_or(|nth| nth == seen) {
                            found.push(Found::Element(child));
                        }
                    }
                    if *deep {
                        self.take(child, found);
                    }
                }
            }
        }
    }
}

impl Element {
    /// Whether an attribute, or a child, has the value.
    fn has(&self, (name, attribute, value): &(String, bool, String)) -> bool {
        if *attribute {
            return self.attributes.iter().any(|(n, v)| n == name && v == value);
        }
        self.children.iter().any(|child| match child {
            Node::Element(child) => {
                !child.spaced && child.name == *name && Found::Element(child).text() == *value
            }
            Node::Text(_) => false,
        })
    }
}
