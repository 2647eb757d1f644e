//! Texts of options and paths, cut into tokens.

use truthsource_core::{Decimal, decimal};

use super::cell::{Cell, Guid, instant};
use super::dialect::{Dates, Dialect, Version};
use super::problem::{Bad, What};

/// The longest text that is read at all.
const TEXT_BYTES_MAX: usize = 65_536;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name with or without dots, an operator, `$filter`, `null`, `true`.
    Word(String),
    Literal(Cell),
    /// `guid'…'`, `Ns.Type'…'`: what stands before the quote, and between the quotes.
    Prefixed(String, String),
    Mark(char),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: Kind,
    pub at: usize,
}

impl Kind {
    pub(super) fn words(&self) -> String {
        match self {
            Self::Word(word) => format!("'{word}'"),
            Self::Mark(mark) => format!("'{mark}'"),
            Self::Literal(_) | Self::Prefixed(..) => "a literal".to_owned(),
        }
    }
}

/// Cuts a text. `place` names it in refusals.
pub(super) fn tokens(text: &str, place: &'static str, dialect: &Dialect) -> Result<Vec<Token>, Bad> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(Bad::new(place, TEXT_BYTES_MAX, What::TooMuch { of: "bytes", max: TEXT_BYTES_MAX }));
    }
    let (mut tokens, mut at) = (Vec::new(), 0);
    while let Some(first) = text[at..].chars().next() {
        if first.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let (kind, length) = one(&text[at..], first, dialect).map_err(|what| Bad::new(place, at, what))?;
        tokens.push(Token { kind, at });
        at += length;
    }
    Ok(tokens)
}

/// The token that `rest` begins with, and its length.
fn one(rest: &str, first: char, dialect: &Dialect) -> Result<(Kind, usize), What> {
    if let Some(guid) = guid(rest) {
        return match dialect.version {
            Version::V3 => Err(What::Unsupported("a GUID without guid'…'".to_owned())),
            Version::V4 => Ok((Kind::Literal(Cell::Guid(guid)), Guid::LENGTH)),
        };
    }
    match first {
        '\'' => text(rest).map(|(text, length)| (Kind::Literal(Cell::Text(text)), length)),
        '0'..='9' => digits(rest, dialect),
        '-' if rest[1..].starts_with(|it: char| it.is_ascii_digit()) => number(rest, dialect),
        '(' | ')' | ',' | '/' | ':' | ';' | '=' | '*' | '-' => Ok((Kind::Mark(first), 1)),
        '@' => Err(What::Unsupported("a parameter alias".to_owned())),
        _ if first.is_alphabetic() || first == '_' || first == '$' => word(rest),
        _ => Err(What::Syntax { expected: "a name or a literal", found: format!("'{first}'") }),
    }
}

fn continues(it: char) -> bool {
    it.is_alphanumeric() || it == '_'
}

/// The part of `rest` before the first character that is not `wanted`.
fn run(rest: &str, wanted: impl Fn(char) -> bool) -> &str {
    &rest[..rest.find(|it| !wanted(it)).unwrap_or(rest.len())]
}

fn word(rest: &str) -> Result<(Kind, usize), What> {
    // A `$` comes first or not at all.
    let dollar = usize::from(rest.starts_with('$'));
    let word = &rest[..dollar + run(&rest[dollar..], |it| continues(it) || it == '.').len()];
    if word.split('.').any(str::is_empty) {
        return Err(What::Malformed("name"));
    }
    if !rest[word.len()..].starts_with('\'') {
        return Ok((Kind::Word(word.to_owned()), word.len()));
    }
    let (text, length) = text(&rest[word.len()..])?;
    Ok((Kind::Prefixed(word.to_owned(), text), word.len() + length))
}

/// A text between quotes, in which a quote is doubled.
fn text(rest: &str) -> Result<(String, usize), What> {
    let (mut text, mut at) = (String::new(), 1);
    loop {
        let end = rest[at..].find('\'').ok_or(What::Malformed("text: it is not closed"))?;
        text.push_str(&rest[at..at + end]);
        at += end + 1;
        if !rest[at..].starts_with('\'') {
            return Ok((text, at));
        }
        text.push('\'');
        at += 1;
    }
}

/// A GUID, if `rest` begins with one and nothing that would go on.
fn guid(rest: &str) -> Option<Guid> {
    let guid = rest.get(..Guid::LENGTH)?.parse().ok()?;
    (!rest[Guid::LENGTH..].starts_with(continues)).then_some(guid)
}

/// A number, a date, a date-time or a time of day.
fn digits(rest: &str, dialect: &Dialect) -> Result<(Kind, usize), What> {
    let shape = |shape: &str| {
        rest.len() >= shape.len()
            && shape.bytes().zip(rest.bytes()).all(|(a, b)| if a == b'0' { b.is_ascii_digit() } else { a == b })
    };
    let (is_date, is_time) = (shape("0000-00-00"), shape("00:00"));
    if !is_date && !is_time {
        return number(rest, dialect);
    }
    if dialect.dates == Dates::Quoted || dialect.version == Version::V3 {
        return Err(What::Unsupported("a date or time without quotes".to_owned()));
    }
    let literal = run(rest, |it| it.is_ascii_alphanumeric() || ":.+-".contains(it));
    let cell = if is_time {
        literal.parse().map(Cell::Time).map_err(|_| What::Malformed("time of day"))
    } else if literal.contains(['T', 't']) {
        instant(literal).map(Cell::Instant).ok_or(What::Malformed("date-time: it needs an offset, as 'Z'"))
    } else {
        literal.parse().map(Cell::Date).map_err(|_| What::Malformed("date"))
    };
    Ok((Kind::Literal(cell?), literal.len()))
}

fn number(rest: &str, dialect: &Dialect) -> Result<(Kind, usize), What> {
    let mut length = rest.starts_with('-').into();
    length += run(&rest[length..], |it| it.is_ascii_digit()).len();
    if rest[length..].starts_with('.') {
        let places = run(&rest[length + 1..], |it| it.is_ascii_digit()).len();
        if places == 0 {
            return Err(What::Malformed("number"));
        }
        length += 1 + places;
    }
    if rest[length..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[length + 1..].starts_with(['+', '-']));
        length += 1 + sign + run(&rest[length + 1 + sign..], |it| it.is_ascii_digit()).len();
    }
    let number: Decimal = rest[..length].parse().map_err(|error| match error {
        decimal::Error::OutOfRange => What::Malformed("number: it has too many digits"),
        decimal::Error::Malformed(_) => What::Malformed("number"),
    })?;
    // Version 3 says the type of a number by a letter after it.
    if dialect.version == Version::V3 && rest[length..].starts_with(['L', 'l', 'M', 'm', 'D', 'd', 'F', 'f']) {
        length += 1;
    }
    match rest[length..].starts_with(|it| continues(it) || it == '.') {
        true => Err(What::Malformed("number")),
        false => Ok((Kind::Literal(Cell::Number(number)), length)),
    }
}
