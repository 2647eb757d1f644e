//! Resource paths. Without a model a path has no meaning yet: whether a name is an entity set, a property, a function
//! or an action is the service's to say.

use std::fmt;

use super::cell::Cell;
use super::dialect::Dialect;
use super::expr::At;
use super::lexer::Kind;
use super::parser::Parser;
use super::percent::{self, Plus};
use super::problem::{Bad, What};

/// The most segments of a path.
const SEGMENTS_MAX: usize = 64;

/// What a URL names, after the service root. No segments: the service document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    pub segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    Name(Name),
    /// `$count`
    Count,
    /// `$value`
    Value,
    /// `$ref`
    Ref,
    /// `$metadata`
    Metadata,
    /// `$batch`
    Batch,
    /// `$1`: what the part of a batch with this Content-ID made.
    Reference(String),
}

/// As it stands in an address, without what a name is given.
impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(&name.name),
            Self::Count => f.write_str("$count"),
            Self::Value => f.write_str("$value"),
            Self::Ref => f.write_str("$ref"),
            Self::Metadata => f.write_str("$metadata"),
            Self::Batch => f.write_str("$batch"),
            Self::Reference(name) => write!(f, "${name}"),
        }
    }
}

/// An entity set, a navigation or other property, a function or an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// What stands before the last dot: `Microsoft.NAV` of `Microsoft.NAV.shipAndInvoice`.
    pub namespace: Option<String>,
    pub name: String,
    /// What stands in parentheses; `None`: there are none.
    pub arguments: Option<Arguments>,
    pub at: At,
}

/// A key, or a function's arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arguments {
    /// `()`
    Nothing,
    /// `('A1')`, `(91)`, `(5d115c9c-44e3-ea11-bb43-000d3a2feca1)`.
    One(Cell),
    /// `(CardCode='C1',ItemCode='A1')`, in the order they came.
    Named(Vec<(String, Cell)>),
}

impl Path {
    /// Reads what follows the service root in a URL, still percent-encoded, with or without a slash at either end.
    ///
    /// # Errors
    /// Whatever is malformed, or not in the dialect (`$crossjoin`, `$all`, …).
    pub fn parse(raw: &str, dialect: &Dialect) -> Result<Self, Bad> {
        let mut at = usize::from(raw.starts_with('/'));
        let inner = &raw[at..];
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let mut segments = Vec::new();
        for piece in inner.split('/').filter(|_| !inner.is_empty()) {
            if segments.len() == SEGMENTS_MAX {
                return Err(Bad::new("path", at, What::TooMuch { of: "segments", max: SEGMENTS_MAX }));
            }
            let text = percent::decode(piece, Plus::Itself).map_err(|it| Bad::new("path", at + it, What::Encoding))?;
            let segment = segment(&text, segments.is_empty(), dialect);
            // Places were counted in the decoded segment.
            let raw_at = |it: usize| at + percent::raw_offset(piece, it);
            segments.push(match segment.map_err(|bad| Bad { at: raw_at(bad.at), ..bad })? {
                Segment::Name(name) => Segment::Name(Name { at: At(raw_at(name.at.0)), ..name }),
                other => other,
            });
            at += piece.len() + 1;
        }
        Ok(Self { segments })
    }
}

impl Name {
    /// The one value in its parentheses.
    #[must_use]
    pub fn key(&self) -> Option<&Cell> {
        if let Some(Arguments::One(cell)) = &self.arguments { Some(cell) } else { None }
    }

    /// The value of this name in its parentheses.
    #[must_use]
    pub fn argument(&self, name: &str) -> Option<&Cell> {
        let Some(Arguments::Named(arguments)) = &self.arguments else { return None };
        arguments.iter().find(|it| it.0 == name).map(|it| &it.1)
    }
}

fn segment(text: &str, is_first: bool, dialect: &Dialect) -> Result<Segment, Bad> {
    let mut parser = Parser::new(text, "path", dialect)?;
    let (at, word) = match parser.peek() {
        Some(Kind::Word(word)) => (parser.at(), word.clone()),
        _ => return Err(parser.expected("a name")),
    };
    parser.skip();
    let segment = match word.strip_prefix('$') {
        Some(special) => {
            special_segment(special, is_first).ok_or_else(|| parser.unsupported(at, format!("the segment '{word}'")))?
        }
        None => {
            let (namespace, name) =
                word.rsplit_once('.').map_or((None, word.as_str()), |(space, name)| (Some(space.to_owned()), name));
            let arguments = if parser.take_mark('(') { Some(parser.arguments()?) } else { None };
            Segment::Name(Name { namespace, name: name.to_owned(), arguments, at: At(at) })
        }
    };
    parser.finish("the end of a segment")?;
    Ok(segment)
}

fn special_segment(special: &str, is_first: bool) -> Option<Segment> {
    Some(match (special, is_first) {
        ("count", false) => Segment::Count,
        ("value", false) => Segment::Value,
        ("ref", false) => Segment::Ref,
        ("metadata", true) => Segment::Metadata,
        ("batch", true) => Segment::Batch,
        ("all" | "crossjoin" | "entity" | "root" | "count" | "value" | "ref" | "", _) => return None,
        (id, true) => Segment::Reference(id.to_owned()),
        (_, false) => return None,
    })
}

impl Parser<'_> {
    /// What follows a parenthesis, with the one that closes it.
    fn arguments(&mut self) -> Result<Arguments, Bad> {
        if self.take_mark(')') {
            return Ok(Arguments::Nothing);
        }
        if self.peek_second() != Some(&Kind::Mark('=')) {
            let literal = self.take_literal()?.ok_or_else(|| self.expected("a literal or a name"))?;
            self.want_mark(')', "')'")?;
            return Ok(Arguments::One(literal));
        }
        let mut named: Vec<(String, Cell)> = Vec::new();
        loop {
            let at = self.at();
            let name = self.name()?;
            if named.iter().any(|it| it.0 == name) {
                return Err(self.bad(at, What::Duplicate(name)));
            }
            self.want_mark('=', "'='")?;
            named.push((name, self.take_literal()?.ok_or_else(|| self.expected("a literal"))?));
            if !self.take_mark(',') {
                self.want_mark(')', "',' or ')'")?;
                return Ok(Arguments::Named(named));
            }
        }
    }
}
