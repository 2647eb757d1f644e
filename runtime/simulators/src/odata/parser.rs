//! A walk over the tokens of one text, with its limits.

use super::cell::{Cell, instant, local};
use super::dialect::{Dialect, Version};
use super::expr::{At, Property};
use super::lexer::{self, Kind, Token};
use super::problem::{Bad, What};

/// How deep parentheses, calls, `not` and chains of operators may nest.
pub(super) const DEPTH_MAX: usize = 64;
/// How many properties, literals, calls and so on a text may have.
pub(super) const NODES_MAX: usize = 4_000;

pub(super) struct Parser<'a> {
    pub dialect: &'a Dialect,
    /// The variables of the lambdas around.
    pub variables: Vec<String>,
    place: &'static str,
    tokens: Vec<Token>,
    next: usize,
    /// The length of the text.
    end: usize,
    pub depth: usize,
    nodes: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &str, place: &'static str, dialect: &'a Dialect) -> Result<Self, Bad> {
        let tokens = lexer::tokens(text, place, dialect)?;
        Ok(Self { dialect, variables: Vec::new(), place, tokens, next: 0, end: text.len(), depth: 0, nodes: 0 })
    }

    pub(super) fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.next).map(|it| &it.kind)
    }

    pub(super) fn peek_second(&self) -> Option<&Kind> {
        self.tokens.get(self.next + 1).map(|it| &it.kind)
    }

    /// Where the next token stands.
    pub(super) fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |it| it.at)
    }

    pub(super) fn skip(&mut self) {
        self.next += 1;
    }

    pub(super) fn bad(&self, at: usize, what: What) -> Bad {
        Bad::new(self.place, at, what)
    }

    pub(super) fn unsupported(&self, at: usize, what: impl Into<String>) -> Bad {
        self.bad(at, What::Unsupported(what.into()))
    }

    /// A refusal of the next token.
    pub(super) fn expected(&self, expected: &'static str) -> Bad {
        let found = self.peek().map_or_else(|| "the end".to_owned(), Kind::words);
        self.bad(self.at(), What::Syntax { expected, found })
    }

    pub(super) fn take_mark(&mut self, mark: char) -> bool {
        let is_next = self.peek() == Some(&Kind::Mark(mark));
        self.next += usize::from(is_next);
        is_next
    }

    pub(super) fn want_mark(&mut self, mark: char, expected: &'static str) -> Result<(), Bad> {
        if self.take_mark(mark) { Ok(()) } else { Err(self.expected(expected)) }
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let is_next = matches!(self.peek(), Some(Kind::Word(it)) if it == word);
        self.next += usize::from(is_next);
        is_next
    }

    pub(super) fn finish(&self, expected: &'static str) -> Result<(), Bad> {
        if self.peek().is_none() { Ok(()) } else { Err(self.expected(expected)) }
    }

    /// Goes a level deeper. Whoever calls this sets `depth` back.
    pub(super) fn descend(&mut self, at: usize) -> Result<(), Bad> {
        self.depth += 1;
        if self.depth <= DEPTH_MAX {
            return Ok(());
        }
        Err(self.bad(at, What::TooMuch { of: "levels", max: DEPTH_MAX }))
    }

    pub(super) fn count_node(&mut self) -> Result<(), Bad> {
        self.nodes += 1;
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        Err(self.bad(self.at(), What::TooMuch { of: "nodes", max: NODES_MAX }))
    }

    /// A name without dots.
    pub(super) fn name(&mut self) -> Result<String, Bad> {
        let Some(Kind::Word(word)) = self.peek() else { return Err(self.expected("a name")) };
        if word.starts_with('$') {
            return Err(self.unsupported(self.at(), format!("'{word}'")));
        }
        if word.contains('.') {
            return Err(self.unsupported(self.at(), format!("the qualified name '{word}'")));
        }
        let word = word.clone();
        self.skip();
        Ok(word)
    }

    /// A path of names.
    pub(super) fn property(&mut self) -> Result<Property, Bad> {
        self.count_node()?;
        let at = At(self.at());
        let mut path = vec![self.name()?];
        while self.take_mark('/') {
            self.count_node()?;
            path.push(self.name()?);
        }
        Ok(Property { path, at })
    }

    /// A literal, if the next token is one.
    pub(super) fn take_literal(&mut self) -> Result<Option<Cell>, Bad> {
        let cell = match self.peek() {
            Some(Kind::Literal(cell)) => cell.clone(),
            Some(Kind::Prefixed(prefix, text)) => self.prefixed(prefix, text)?,
            Some(Kind::Word(word)) => match word.as_str() {
                "null" => Cell::Null,
                "true" => Cell::Flag(true),
                "false" => Cell::Flag(false),
                "INF" | "NaN" => return Err(self.unsupported(self.at(), format!("the number '{word}'"))),
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        self.count_node()?;
        self.skip();
        Ok(Some(cell))
    }

    fn prefixed(&self, prefix: &str, text: &str) -> Result<Cell, Bad> {
        let malformed = |what| self.bad(self.at(), What::Malformed(what));
        if prefix.contains('.') {
            return Ok(Cell::Enum { ty: prefix.to_owned(), member: text.to_owned() });
        }
        match (self.dialect.version, prefix) {
            (Version::V3, "guid") => text.parse().map(Cell::Guid).map_err(|_| malformed("GUID")),
            (Version::V3, "datetime") => local(text).map(Cell::Instant).ok_or_else(|| malformed("date-time")),
            (Version::V3, "datetimeoffset") => instant(text).map(Cell::Instant).ok_or_else(|| malformed("date-time")),
            _ => Err(self.unsupported(self.at(), format!("the literal {prefix}'…'"))),
        }
    }
}
