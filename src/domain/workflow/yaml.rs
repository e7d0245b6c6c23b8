//! YAML as a tree that knows where everything stands.
//!
//! Errors of a workflow file name line and column of each key and value, and environment values keep the text that
//! was written (`1.10` is not `1.1`), so the tree is built from the parser's events and holds scalars as text.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};

/// Deepest nesting of lists and mappings; a workflow has no use for more than 5.
const DEPTH_MAX: usize = 32;
/// Most that a tree may hold once its aliases are followed: bytes of text, and [`NODE_COST`] for each node.
/// A file of nested aliases that would unfold into more is refused.
const SIZE_MAX: usize = 16 * 1024 * 1024;
/// What a node counts as towards [`SIZE_MAX`].
const NODE_COST: usize = 16;

/// A place in the file, both numbers from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub line: u64,
    pub column: u64,
}

impl Mark {
    /// Where a file begins.
    pub const START: Mark = Mark { line: 1, column: 1 };

    fn of(marker: granit_parser::Marker) -> Self {
        Self { line: marker.line().max(1) as u64, column: marker.col() as u64 + 1 }
    }
}

/// A value and where it begins.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub mark: Mark,
    pub kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Nothing was written, or `~` or `null`.
    Nothing,
    /// Text, a number, true or false, as it was written; `plain` if it stood without quotes and on no block.
    Scalar { text: String, plain: bool },
    /// `[a, b]`, or lines that begin with `-`.
    List(Vec<Node>),
    /// `{a: b}`, or lines of `key: value`; in the order of the file, repeated keys included.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub mark: Mark,
    pub text: String,
}

/// Why a text is no YAML that a workflow may use.
pub(super) struct Flaw {
    pub mark: Mark,
    pub message: String,
}

impl Flaw {
    fn at(span: &Span, message: impl Into<String>) -> Self {
        Self { mark: Mark::of(span.start), message: message.into() }
    }
}

/// Reads the one document of a file.
pub(super) fn read(text: &str) -> Result<Node, Flaw> {
    let mut tree = Tree { events: Parser::new_from_str(text), anchors: HashMap::new(), size: 0 };
    let mut document = None;
    loop {
        let (event, span) = tree.next()?;
        match event {
            Event::StreamEnd => break,
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            _ if document.is_some() => {
                return Err(Flaw::at(&span, "one file holds one workflow; remove what follows `---`"));
            }
            _ => document = Some(tree.node(event, &span, 0)?),
        }
    }
    Ok(document.unwrap_or(Node { mark: Mark::START, kind: Kind::Nothing }))
}

struct Tree<'t> {
    events: Parser<'t, StrInput<'t>>,
    anchors: HashMap<usize, Node>,
    size: usize,
}

impl<'t> Tree<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Flaw> {
        match self.events.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => {
                Err(Flaw { mark: Mark::of(*error.marker()), message: format!("this is not YAML: {}", error.info()) })
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'t>, span: &Span, depth: usize) -> Result<Node, Flaw> {
        if depth > DEPTH_MAX {
            return Err(too_deep(span));
        }
        let anchor = event.anchor_id();
        let text_tag = event.tag().is_some_and(says_text);
        if let Some(tag) = event.tag().filter(|tag| !says_text(tag)) {
            return Err(Flaw::at(span, format!("the tag {:?} is not part of the format; remove it", tag.original())));
        }
        let kind = match event {
            Event::Scalar(text, style, ..) => scalar(text.into_owned(), style == ScalarStyle::Plain && !text_tag),
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.map(depth)?,
            Event::Alias(id) => self.aliased(id, span, depth)?,
            _ => return Err(Flaw::at(span, "a value should be here")),
        };
        let own = if let Kind::Scalar { text, .. } = &kind { text.len() } else { 0 };
        self.grow(NODE_COST + own, span)?;
        let node = Node { mark: Mark::of(span.start), kind };
        if let Some(id) = anchor {
            self.grow(node.extent().size, span)?;
            self.anchors.insert(id, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Kind, Flaw> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Kind::List(items)),
                (event, span) => items.push(self.node(event, &span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Kind, Flaw> {
        let mut entries = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(Kind::Map(entries)),
                Event::Scalar(text, ..) => Key { mark: Mark::of(span.start), text: text.into_owned() },
                _ => return Err(Flaw::at(&span, "a key is a word, not a list, a mapping or an alias")),
            };
            self.grow(key.text.len(), &span)?;
            let (event, span) = self.next()?;
            entries.push((key, self.node(event, &span, depth + 1)?));
        }
    }

    /// A copy of what an anchor holds. An anchor that is still being read can't be held by itself.
    fn aliased(&mut self, id: usize, span: &Span, depth: usize) -> Result<Kind, Flaw> {
        let Some(node) = self.anchors.get(&id) else { return Err(Flaw::at(span, "this alias stands for itself")) };
        let extent = node.extent();
        if depth + extent.height > DEPTH_MAX {
            return Err(too_deep(span));
        }
        self.grow(extent.size, span)?;
        // Its size was asked for first, so what is copied is bounded.
        Ok(self.anchors.get(&id).map_or(Kind::Nothing, |node| node.kind.clone()))
    }

    fn grow(&mut self, by: usize, span: &Span) -> Result<(), Flaw> {
        self.size = self.size.saturating_add(by);
        if self.size > SIZE_MAX {
            return Err(Flaw::at(span, "the aliases of this file unfold into more than 16 MiB"));
        }
        Ok(())
    }
}

/// How much of the bounds a value takes.
#[derive(Clone, Copy, Default)]
struct Extent {
    /// Towards [`SIZE_MAX`].
    size: usize,
    /// Towards [`DEPTH_MAX`].
    height: usize,
}

impl Extent {
    fn and(self, other: Extent) -> Extent {
        Extent { size: self.size + other.size, height: self.height.max(other.height) }
    }
}

impl Node {
    fn extent(&self) -> Extent {
        let (own, inner) = match &self.kind {
            Kind::Nothing => (0, Extent::default()),
            Kind::Scalar { text, .. } => (text.len(), Extent::default()),
            Kind::List(items) => (0, items.iter().map(Node::extent).fold(Extent::default(), Extent::and)),
            Kind::Map(entries) => (
                entries.iter().map(|(key, _)| key.text.len()).sum(),
                entries.iter().map(|(_, node)| node.extent()).fold(Extent::default(), Extent::and),
            ),
        };
        Extent { size: NODE_COST + own + inner.size, height: inner.height + 1 }
    }

    /// What a person would say it is.
    pub fn described(&self) -> String {
        match &self.kind {
            Kind::Nothing => "nothing".to_owned(),
            Kind::Scalar { text, .. } => format!("{:?}", text.chars().take(60).collect::<String>()),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a mapping".to_owned(),
        }
    }
}

fn too_deep(span: &Span) -> Flaw {
    Flaw::at(span, format!("lists and mappings are nested more than {DEPTH_MAX} deep"))
}

fn scalar(text: String, plain: bool) -> Kind {
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" if plain => Kind::Nothing,
        _ => Kind::Scalar { text, plain },
    }
}

/// `!!str`, or a lone `!`.
fn says_text(tag: &Tag) -> bool {
    tag.is_yaml_core_schema_tag("str") || tag.parts() == ("", "!") || tag.parts() == ("!", "")
}
