//! Query options.

use super::cell::Cell;
use super::dialect::{Dialect, Expansion};
use super::expr::{At, Expr, Property};
use super::lexer::Kind;
use super::orderby::{Direction, Order};
use super::parser::Parser;
use super::percent::{self, Plus};
use super::problem::{Bad, What};

/// The options of OData, by which refusals name them.
const NAMES: &[&str] = &[
    "$select",
    "$filter",
    "$orderby",
    "$expand",
    "$top",
    "$skip",
    "$count",
    "$inlinecount",
    "$skiptoken",
    "$deltatoken",
    "$schemaversion",
];
/// The longest query string that is read at all.
const QUERY_BYTES_MAX: usize = 65_536;

/// The options of a request, or of an expanded property.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// `None`: not given. `*` is the path `["*"]`.
    pub select: Option<Vec<Property>>,
    pub filter: Option<Expr>,
    pub orderby: Vec<Order>,
    pub expand: Vec<Expand>,
    pub top: Option<u64>,
    pub skip: Option<u64>,
    /// `$count=true`, or version 3's `$inlinecount=allpages`.
    pub count: bool,
    pub skiptoken: Option<String>,
    pub deltatoken: Option<String>,
    /// `$schemaversion`, by which Business Central grows its grammar: 2.1 has lists after `in`.
    pub schemaversion: Option<String>,
    /// Options without `$`, decoded, in the order they came.
    pub custom: Vec<(String, String)>,
}

/// A property to expand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expand {
    pub property: Property,
    pub options: Options,
}

impl Options {
    /// Reads a query string, as it stands after the `?`. An option without a value has an empty one.
    ///
    /// # Errors
    /// Whatever is malformed, given twice, or not in the dialect.
    pub fn parse(query: &str, dialect: &Dialect) -> Result<Self, Bad> {
        let bad = |at, what| Bad::new("query", at, what);
        if query.len() > QUERY_BYTES_MAX {
            return Err(bad(QUERY_BYTES_MAX, What::TooMuch { of: "bytes", max: QUERY_BYTES_MAX }));
        }
        let (mut options, mut seen, mut at) = (Self::default(), Vec::new(), 0);
        for piece in query.split('&') {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let value_at = at + (name.len() + 1).min(piece.len());
            let decoded = |raw, at| percent::decode(raw, Plus::Blank).map_err(|it| bad(at + it, What::Encoding));
            let (name, value) = (decoded(name, at)?, decoded(value, value_at)?);
            if !name.starts_with('$') {
                if !piece.is_empty() {
                    options.custom.push((name, value));
                }
            } else {
                let name = known(&name, dialect).ok_or_else(|| bad(at, unsupported(&name)))?;
                once(&mut seen, name).map_err(|what| bad(at, what))?;
                options.read(name, &value, dialect)?;
            }
            at += piece.len() + 1;
        }
        Ok(options)
    }

    /// The value of a custom option.
    #[must_use]
    pub fn custom(&self, name: &str) -> Option<&str> {
        self.custom.iter().find(|it| it.0 == name).map(|it| it.1.as_str())
    }

    fn read(&mut self, name: &'static str, value: &str, dialect: &Dialect) -> Result<(), Bad> {
        match name {
            "$skiptoken" => self.skiptoken = Some(value.to_owned()),
            "$deltatoken" => self.deltatoken = Some(value.to_owned()),
            "$schemaversion" => self.schemaversion = Some(value.to_owned()),
            _ => {
                let mut parser = Parser::new(value, name, dialect)?;
                parser.option(name, self)?;
                parser.finish("the end")?;
            }
        }
        Ok(())
    }
}

/// The name of an option that the dialect has.
fn known(name: &str, dialect: &Dialect) -> Option<&'static str> {
    NAMES.iter().find(|it| **it == name && dialect.options.contains(it)).copied()
}

fn unsupported(name: &str) -> What {
    What::Unsupported(format!("the option '{name}'"))
}

fn once(seen: &mut Vec<&'static str>, name: &'static str) -> Result<(), What> {
    if seen.contains(&name) {
        return Err(What::Duplicate(name.to_owned()));
    }
    seen.push(name);
    Ok(())
}

impl Parser<'_> {
    /// The value of an option, into `options`.
    fn option(&mut self, name: &'static str, options: &mut Options) -> Result<(), Bad> {
        match name {
            "$select" => options.select = Some(self.each(Self::selected)?),
            "$filter" => options.filter = Some(self.condition()?),
            "$orderby" => options.orderby = self.each(Self::order)?,
            "$expand" => options.expand = self.each(Self::expand)?,
            "$top" => options.top = Some(self.whole()?),
            "$skip" => options.skip = Some(self.whole()?),
            "$count" => options.count = self.choice("true", "false", "'true' or 'false'")?,
            "$inlinecount" => options.count = self.choice("allpages", "none", "'allpages' or 'none'")?,
            _ => return Err(self.bad(self.at(), unsupported(name))),
        }
        Ok(())
    }

    fn each<T>(&mut self, one: impl Fn(&mut Self) -> Result<T, Bad>) -> Result<Vec<T>, Bad> {
        let mut all = vec![one(self)?];
        while self.take_mark(',') {
            all.push(one(self)?);
        }
        Ok(all)
    }

    fn selected(&mut self) -> Result<Property, Bad> {
        let at = At(self.at());
        if self.take_mark('*') {
            return Ok(Property { path: vec!["*".to_owned()], at });
        }
        self.property()
    }

    fn order(&mut self) -> Result<Order, Bad> {
        let property = self.property()?;
        if matches!(self.peek(), Some(Kind::Mark('('))) {
            return Err(self.unsupported(property.at.0, "ordering by an expression"));
        }
        let direction = if self.take_word("desc") { Direction::Descending } else { Direction::Ascending };
        if direction == Direction::Ascending {
            self.take_word("asc");
        }
        Ok(Order { property, direction })
    }

    fn expand(&mut self) -> Result<Expand, Bad> {
        let (property, at) = (self.property()?, self.at());
        let mut options = Options::default();
        if self.take_mark('(') {
            if self.dialect.expansion == Expansion::Paths {
                return Err(self.unsupported(at, "an option of an expanded property"));
            }
            self.descend(at)?;
            self.nested(&mut options)?;
            self.depth -= 1;
        }
        Ok(Expand { property, options })
    }

    /// `$select=id;$top=5)`
    fn nested(&mut self, options: &mut Options) -> Result<(), Bad> {
        let mut seen = Vec::new();
        loop {
            let at = self.at();
            let Some(Kind::Word(name)) = self.peek() else { return Err(self.expected("an option")) };
            let refused = || self.bad(at, unsupported(name));
            // These are of the whole answer.
            let is_whole = |it: &&str| matches!(*it, "$skiptoken" | "$deltatoken" | "$schemaversion");
            let name = known(name, self.dialect).filter(|it| !is_whole(it)).ok_or_else(refused)?;
            once(&mut seen, name).map_err(|what| self.bad(at, what))?;
            self.skip();
            self.want_mark('=', "'='")?;
            self.option(name, options)?;
            if !self.take_mark(';') {
                return self.want_mark(')', "';' or ')'");
            }
        }
    }

    fn whole(&mut self) -> Result<u64, Bad> {
        let Some(Kind::Literal(Cell::Number(number))) = self.peek() else {
            return Err(self.expected("a whole number"));
        };
        let whole = match number.parts() {
            (mantissa, 0) => u64::try_from(mantissa).ok(),
            _ => None,
        };
        let whole = whole.ok_or_else(|| self.expected("a whole number"))?;
        self.skip();
        Ok(whole)
    }

    fn choice(&mut self, yes: &str, no: &str, expected: &'static str) -> Result<bool, Bad> {
        let is_yes = self.take_word(yes);
        if is_yes || self.take_word(no) { Ok(is_yes) } else { Err(self.expected(expected)) }
    }
}
