//! XML as far as plain paths read it: elements, attributes and text.

/// An element, or the nameless one around a whole text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Element {
    /// Without its prefix.
    pub(super) name: String,
    /// It is in a namespace, where a plain name does not find it.
    pub(super) spaced: bool,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Node>,
    /// As it is written.
    written: String,
}

#[derive(Debug, Clone)]
pub(super) enum Node {
    Element(Element),
    Text(String),
}

/// What a path finds.
#[derive(Debug, Clone)]
pub(crate) enum Found<'x> {
    Element(&'x Element),
    Value(String),
}

impl Found<'_> {
    /// The text of it and all within.
    pub(crate) fn text(&self) -> String {
        match self {
            Found::Value(text) => text.clone(),
            Found::Element(element) => {
                let mut out = String::new();
                element.collect(&mut out);
                out
            }
        }
    }

    /// As XML.
    pub(crate) fn written(&self) -> String {
        match self {
            Found::Value(text) => escape(text),
            Found::Element(element) => element.written.clone(),
        }
    }
}

impl Element {
    fn collect(&self, out: &mut String) {
        for child in &self.children {
            match child {
                Node::Text(text) => out.push_str(text),
                Node::Element(element) => element.collect(out),
            }
        }
    }
}

/// `&`, `<` and `>` as entities, and the carriage return.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#x0D;"),
            c => out.push(c),
        }
    }
    out
}

/// In front of the XML of a node that nodes() gave: a path begins at the node and not around it.
const NODE: char = '\u{0}';

/// The XML of a node of its own; `None` for anything but an element.
pub(crate) fn node(found: &Found<'_>) -> Option<String> {
    match found {
        Found::Element(element) if !element.written.is_empty() => {
            Some(format!("{NODE}{}", element.written))
        }
        _ => None,
    }
}

/// Parses a document, a fragment, or a node of its own, and whether it is the last.
pub(crate) fn context(text: &str) -> Option<(Element, bool)> {
    let Some(written) = text.strip_prefix(NODE) else {
        return parse(text).map(|root| (root, false));
    };
    match parse(written)?.children.pop()? {
        Node::Element(element) => Some((element, true)),
        Node::Text(_) => None,
    }
}

/// Parses a document or fragment; `None` for what is not well-formed.
fn parse(text: &str) -> Option<Element> {
    let mut reader = Reader { text, at: 0 };
    let mut root = Element::default();
    reader.children(&mut root, false, 0)?;
    (reader.at == text.len()).then_some(root)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn until(&mut self, end: &str) -> Option<String> {
        let length = self.rest().find(end)?;
        let found = self.rest()[..length].to_owned();
        self.at += length + end.len();
        Some(found)
    }

    fn blanks(&mut self) {
        let trimmed = self.rest().trim_start().len();
        self.at = self.text.len() - trimmed;
    }

    fn name(&mut self) -> Option<String> {
        let end = |c: char| !(c.is_alphanumeric() || "_-.:".contains(c));
        let length = self.rest().find(end).unwrap_or(self.rest().len());
        let found = self.rest()[..length].to_owned();
        self.at += length;
        (!found.is_empty()).then_some(found)
    }

    /// Up to the end of the text or the closing tag, which is left.
    fn children(&mut self, parent: &mut Element, spaced: bool, depth: usize) -> Option<()> {
        if depth > 128 {
            return None;
        }
        while !self.rest().is_empty() && !self.rest().starts_with("</") {
            if self.take("<!--") {
                self.until("-->")?;
            } else if self.take("<?") {
                self.until("?>")?;
            } else if self.take("<![CDATA[") {
                let text = self.until("]]>")?;
                parent.children.push(Node::Text(text));
            } else if self.take("<") {
                let element = self.element(spaced, depth)?;
                parent.children.push(Node::Element(element));
            } else {
                let length = self.rest().find('<').unwrap_or(self.rest().len());
                let raw = self.rest()[..length].to_owned();
                self.at += length;
                // Blanks between elements are not kept.
                if !raw.trim().is_empty() {
                    parent.children.push(Node::Text(unescape(&raw)?));
                }
            }
        }
        Some(())
    }

    /// Behind the `<` of an element.
    fn element(&mut self, spaced: bool, depth: usize) -> Option<Element> {
        let start = self.at - 1;
        let tag = self.name()?;
        let mut element = Element {
            spaced,
            ..Element::default()
        };
        loop {
            self.blanks();
            if self.take("/>") {
                break;
            }
            if self.take(">") {
                let inner = element.spaced;
                self.children(&mut element, inner, depth + 1)?;
                if !(self.take("</") && self.name()? == tag) {
                    return None;
                }
                self.blanks();
                if !self.take(">") {
                    return None;
                }
                break;
            }
            let name = self.name()?;
            self.blanks();
            if !self.take("=") {
                return None;
            }
            self.blanks();
            let quote = if self.take("\"") {
                "\""
            } else if self.take("'") {
                "'"
            } else {
                return None;
            };
            let value = unescape(&self.until(quote)?)?;
            if name == "xmlns" {
                element.spaced = !value.is_empty();
            } else {
                element.attributes.push((name, value));
            }
        }
        match tag.split_once(':') {
            Some((_, local)) => (element.name, element.spaced) = (local.to_owned(), true),
            None => element.name = tag,
        }
        element.written = self.text[start..self.at].to_owned();
        Some(element)
    }
}

fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let end = rest[at..].find(';')? + at;
        let entity = &rest[at + 1..end];
        out.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            other => {
                let number = other.strip_prefix('#')?;
                let code = match number.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)?
            }
        });
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    Some(out)
}
