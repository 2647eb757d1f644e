//! From the text of a search to its expression.

/// What a search asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// One comparison.
    Term(Term),
    /// All of these; nothing to hold is held by everything.
    All(Vec<Expression>),
    /// At least one of these.
    Any(Vec<Expression>),
    /// Not this.
    Not(Box<Expression>),
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What is compared; `None` searches everywhere.
    pub key: Option<String>,
    /// How.
    pub comparator: Comparator,
    /// With what.
    pub value: String,
    /// Whether the value stood in quotes: then `*` is a star.
    pub quoted: bool,
}

/// How a term compares. `>` and `<` include their bound, as they were seen to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparator {
    /// `:`
    Is,
    /// `:>` and `:>=`
    AtLeast,
    /// `:<` and `:<=`
    AtMost,
}

/// Why a search has no expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// A key or comparator without a value: the real system breaks on it.
    EmptyValue,
    /// A parenthesis or a quote that does not close, or a connective without its side.
    Unbalanced,
}

/// Reads `sku:A OR (updated_at:>'2026-01-01' AND NOT status:draft)`. An empty text asks for everything.
///
/// # Errors
/// See [`Malformed`].
pub fn parse(text: &str) -> Result<Expression, Malformed> {
    let mut parser = Parser { rest: text, depth: 0 };
    let expression = parser.any()?;
    if parser.rest.trim_start().is_empty() { Ok(expression) } else { Err(Malformed::Unbalanced) }
}

/// The deepest nesting of parentheses and negations.
const DEPTH_MAX: u32 = 64;

struct Parser<'a> {
    rest: &'a str,
    depth: u32,
}

impl Parser<'_> {
    fn any(&mut self) -> Result<Expression, Malformed> {
        let mut sides = vec![self.all()?];
        while self.word("OR") {
            sides.push(self.all()?);
        }
        Ok(if sides.len() == 1 { sides.remove(0) } else { Expression::Any(sides) })
    }

    fn all(&mut self) -> Result<Expression, Malformed> {
        let mut sides = Vec::new();
        loop {
            let has_and = self.word("AND");
            if self.at_end() {
                if has_and {
                    return Err(Malformed::Unbalanced);
                }
                break;
            }
            sides.push(self.one()?);
        }
        Ok(if sides.len() == 1 { sides.remove(0) } else { Expression::All(sides) })
    }

    /// The end of a run of terms: of the text, of a parenthesis, or before an `OR`.
    fn at_end(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        self.rest.is_empty() || self.rest.starts_with(')') || is_word(self.rest, "OR")
    }

    fn one(&mut self) -> Result<Expression, Malformed> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Malformed::Unbalanced);
        }
        let expression = self.one_within()?;
        self.depth -= 1;
        Ok(expression)
    }

    fn one_within(&mut self) -> Result<Expression, Malformed> {
        if self.word("NOT") || self.mark('-') {
            if self.at_end() {
                return Err(Malformed::Unbalanced);
            }
            return Ok(Expression::Not(Box::new(self.one()?)));
        }
        if self.mark('(') {
            let inner = self.any()?;
            return if self.mark(')') { Ok(inner) } else { Err(Malformed::Unbalanced) };
        }
        self.term().map(Expression::Term)
    }

    fn term(&mut self) -> Result<Term, Malformed> {
        let key = self.key();
        let comparator = if key.is_some() { self.comparator() } else { Comparator::Is };
        let (value, quoted) = self.value()?;
        if value.is_empty() {
            return Err(Malformed::EmptyValue);
        }
        Ok(Term { key, comparator, value, quoted })
    }

    fn key(&mut self) -> Option<String> {
        let is_key = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '.' | '-' | '$');
        let end = self.rest.find(|it| !is_key(it))?;
        if end == 0 || !self.rest[end..].starts_with(':') {
            return None;
        }
        let key = self.rest[..end].to_owned();
        self.rest = &self.rest[end + 1..];
        Some(key)
    }

    fn comparator(&mut self) -> Comparator {
        for (spelling, comparator) in [
            (">=", Comparator::AtLeast),
            ("<=", Comparator::AtMost),
            (">", Comparator::AtLeast),
            ("<", Comparator::AtMost),
            ("=", Comparator::Is),
        ] {
            if let Some(rest) = self.rest.strip_prefix(spelling) {
                self.rest = rest;
                return comparator;
            }
        }
        Comparator::Is
    }

    fn value(&mut self) -> Result<(String, bool), Malformed> {
        if let Some(quote) = self.rest.chars().next().filter(|it| matches!(it, '\'' | '"')) {
            return self.quoted(quote).map(|value| (value, true));
        }
        let end = self.rest.find(|it: char| it.is_whitespace() || matches!(it, '(' | ')')).unwrap_or(self.rest.len());
        let value = self.rest[..end].replace('\\', "");
        self.rest = &self.rest[end..];
        Ok((value, false))
    }

    /// A value in quotes, in which a backslash takes the next character as it is.
    fn quoted(&mut self, quote: char) -> Result<String, Malformed> {
        let mut value = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            if character == quote {
                self.rest = &self.rest[at + quote.len_utf8()..];
                return Ok(value);
            }
            let taken = if character == '\\' { characters.next().map(|(_, it)| it) } else { Some(character) };
            value.extend(taken);
        }
        Err(Malformed::Unbalanced)
    }

    fn word(&mut self, word: &str) -> bool {
        self.rest = self.rest.trim_start();
        let found = is_word(self.rest, word);
        if found {
            self.rest = &self.rest[word.len()..];
        }
        found
    }

    fn mark(&mut self, mark: char) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

/// Connectives are upper case and stand alone.
fn is_word(text: &str, word: &str) -> bool {
    let Some(rest) = text.strip_prefix(word) else { return false };
    rest.chars().next().is_none_or(|it| it.is_whitespace() || matches!(it, '(' | ')'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes an expression out with all its parentheses.
    fn spelled(expression: &Expression) -> String {
        let join = |sides: &[Expression], word: &str| {
            let sides: Vec<String> = sides.iter().map(spelled).collect();
            format!("({})", sides.join(word))
        };
        match expression {
            Expression::Term(term) => {
                let sign = match term.comparator {
                    Comparator::Is => "=",
                    Comparator::AtLeast => ">=",
                    Comparator::AtMost => "<=",
                };
                format!("{}{sign}{}", term.key.as_deref().unwrap_or("*"), term.value)
            }
            Expression::All(sides) => join(sides, " & "),
            Expression::Any(sides) => join(sides, " | "),
            Expression::Not(inner) => format!("!{}", spelled(inner)),
        }
    }

    fn check(text: &str, expected: Result<&str, Malformed>) {
        let found = parse(text).map(|it| spelled(&it));
        assert_eq!(found.as_deref().map_err(|it| *it), expected, "{text}");
    }

    #[test]
    fn searches_are_read() {
        check("", Ok("()"));
        check("sku:BOLT-8", Ok("sku=BOLT-8"));
        check("updated_at:>'2026-11-21T00:00:00Z'", Ok("updated_at>=2026-11-21T00:00:00Z"));
        check("updated_at:>=2026-11-21T00:00:00Z", Ok("updated_at>=2026-11-21T00:00:00Z"));
        check("updated_at:<2026-11-21", Ok("updated_at<=2026-11-21"));
        check("a:1 b:2 AND c:3", Ok("(a=1 & b=2 & c=3)"));
        check("a:1 OR b:2 c:3", Ok("(a=1 | (b=2 & c=3))"));
        check("(a:1 OR b:2) c:3", Ok("((a=1 | b=2) & c=3)"));
        check("NOT a:1 -b:2", Ok("(!a=1 & !b=2)"));
        check("-(a:1 OR b:2)", Ok("!(a=1 | b=2)"));
        check("sku:\"12\\\" pipe\"", Ok("sku=12\" pipe"));
        check("name:'O\\'Brien & Sons'", Ok("name=O'Brien & Sons"));
        check("red bolt", Ok("(*=red & *=bolt)"));
        check("ORANGE", Ok("*=ORANGE"));
        check("name:#1001", Ok("name=#1001"));
        check("metafields.erp.ext_id:7", Ok("metafields.erp.ext_id=7"));
    }

    #[test]
    fn malformed_searches_are_refused() {
        check("updated_at:>", Err(Malformed::EmptyValue));
        check("sku:''", Err(Malformed::EmptyValue));
        check("sku: A", Err(Malformed::EmptyValue));
        check("(a:1", Err(Malformed::Unbalanced));
        check("a:1)", Err(Malformed::Unbalanced));
        check("sku:'A", Err(Malformed::Unbalanced));
        check("NOT", Err(Malformed::Unbalanced));
        check("a:1 AND", Err(Malformed::Unbalanced));
        check(&"(".repeat(10_000), Err(Malformed::Unbalanced));
    }
}
