//! Conditions, read.

use super::call::Function;
use super::dialect::Dialect;
use super::expr::{Arithmetic, At, Comparison, Expr, Property, Quantifier};
use super::lexer::Kind;
use super::parser::Parser;
use super::problem::{Bad, What};

/// An operator between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Compare(Comparison),
    In,
    Arithmetic(Arithmetic),
}

impl Operator {
    fn named(word: &str) -> Option<Self> {
        Some(match word {
            "or" => Self::Or,
            "and" => Self::And,
            "in" => Self::In,
            "eq" => Self::Compare(Comparison::Eq),
            "ne" => Self::Compare(Comparison::Ne),
            "gt" => Self::Compare(Comparison::Gt),
            "ge" => Self::Compare(Comparison::Ge),
            "lt" => Self::Compare(Comparison::Lt),
            "le" => Self::Compare(Comparison::Le),
            "add" => Self::Arithmetic(Arithmetic::Add),
            "sub" => Self::Arithmetic(Arithmetic::Sub),
            "mul" => Self::Arithmetic(Arithmetic::Mul),
            _ => return None,
        })
    }

    /// The higher, the tighter it binds.
    fn level(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Compare(comparison) => comparison.level(),
            Self::In => 4,
            Self::Arithmetic(arithmetic) => arithmetic.level(),
        }
    }
}

impl Expr {
    /// Reads a condition, as the decoded value of `$filter`.
    ///
    /// # Errors
    /// Whatever is malformed or not in the dialect.
    pub fn parse(text: &str, dialect: &Dialect) -> Result<Self, Bad> {
        let mut parser = Parser::new(text, "$filter", dialect)?;
        let expr = parser.condition()?;
        parser.finish("an operator or the end")?;
        Ok(expr)
    }
}

impl Parser<'_> {
    pub(super) fn condition(&mut self) -> Result<Expr, Bad> {
        self.operation(1)
    }

    /// Operands joined by operators of at least this level.
    fn operation(&mut self, level_min: u8) -> Result<Expr, Bad> {
        let depth = self.depth;
        let mut left = self.operand()?;
        while let Some(operator) = self.operator(level_min)? {
            let at = At(self.at());
            left = match operator {
                Operator::Or => self.either(left)?,
                Operator::And => Expr::And(self.joined("and", left, operator.level())?),
                Operator::In => {
                    self.lengthen(at)?;
                    Expr::In { value: Box::new(left), at, list: self.list()? }
                }
                Operator::Compare(comparison) => {
                    self.lengthen(at)?;
                    let right = Box::new(self.operation(operator.level() + 1)?);
                    Expr::Compare { comparison, at, left: Box::new(left), right }
                }
                Operator::Arithmetic(arithmetic) => {
                    self.lengthen(at)?;
                    let right = Box::new(self.operation(operator.level() + 1)?);
                    Expr::Arithmetic { operator: arithmetic, at, left: Box::new(left), right }
                }
            };
        }
        self.depth = depth;
        Ok(left)
    }

    /// The next token as an operator of at least this level.
    fn operator(&self, level_min: u8) -> Result<Option<Operator>, Bad> {
        let Some(Kind::Word(word)) = self.peek() else { return Ok(None) };
        let supported = match Operator::named(word) {
            Some(Operator::In) => self.dialect.in_lists,
            Some(Operator::Arithmetic(_)) => self.dialect.arithmetic,
            None => !matches!(word.as_str(), "div" | "divby" | "mod" | "has"),
            _ => true,
        };
        if !supported {
            return Err(self.unsupported(self.at(), format!("the operator '{word}'")));
        }
        Ok(Operator::named(word).filter(|it| it.level() >= level_min))
    }

    /// `left` and all that follow it by `word`.
    fn joined(&mut self, word: &str, left: Expr, level: u8) -> Result<Vec<Expr>, Bad> {
        let mut parts = vec![left];
        while self.take_word(word) {
            parts.push(self.operation(level + 1)?);
        }
        Ok(parts)
    }

    fn either(&mut self, left: Expr) -> Result<Expr, Bad> {
        let at = self.at();
        let expr = Expr::Or(self.joined("or", left, Operator::Or.level())?);
        if !self.dialect.or_over_fields {
            let properties = expr.properties();
            if properties.iter().any(|it| it.path != properties[0].path) {
                return Err(self.unsupported(at, "the operator 'or' on distinct fields"));
            }
        }
        Ok(expr)
    }

    /// Passes an operator; a chain of them is a tree as deep as the chain is long.
    fn lengthen(&mut self, at: At) -> Result<(), Bad> {
        self.descend(at.0)?;
        self.skip();
        Ok(())
    }

    fn list(&mut self) -> Result<Vec<Expr>, Bad> {
        self.want_mark('(', "'(' and a list")?;
        let mut list = Vec::new();
        loop {
            let at = At(self.at());
            let literal = self.take_literal()?.ok_or_else(|| self.expected("a literal"))?;
            list.push(Expr::Literal(literal, at));
            if !self.take_mark(',') {
                self.want_mark(')', "',' or ')'")?;
                return Ok(list);
            }
        }
    }

    fn operand(&mut self) -> Result<Expr, Bad> {
        let at = self.at();
        if let Some(literal) = self.take_literal()? {
            return Ok(Expr::Literal(literal, At(at)));
        }
        let depth = self.depth;
        let expr = match self.peek() {
            Some(Kind::Mark('(')) => self.group(at),
            Some(Kind::Mark('-')) if self.dialect.arithmetic => self.negation(at),
            Some(Kind::Mark('-')) => Err(self.unsupported(at, "the operator '-'")),
            Some(Kind::Word(word)) if word == "not" => self.negation(at),
            Some(Kind::Word(word)) if Operator::named(word).is_some() => Err(self.expected("an operand")),
            Some(Kind::Word(_)) if self.peek_second() == Some(&Kind::Mark('(')) => self.call(at),
            Some(Kind::Word(_)) => self.path(),
            _ => Err(self.expected("an operand")),
        }?;
        self.depth = depth;
        Ok(expr)
    }

    fn group(&mut self, at: usize) -> Result<Expr, Bad> {
        self.descend(at)?;
        self.skip();
        let inner = self.condition()?;
        self.want_mark(')', "')'")?;
        Ok(inner)
    }

    /// `not` or `-`, which bind tighter than any operator between operands.
    fn negation(&mut self, at: usize) -> Result<Expr, Bad> {
        self.count_node()?;
        self.descend(at)?;
        let is_sign = self.peek() == Some(&Kind::Mark('-'));
        self.skip();
        let operand = Box::new(self.operand()?);
        Ok(if is_sign { Expr::Negate(operand, At(at)) } else { Expr::Not(operand, At(at)) })
    }

    fn call(&mut self, at: usize) -> Result<Expr, Bad> {
        self.count_node()?;
        let Some(Kind::Word(name)) = self.peek() else { return Err(self.expected("a function")) };
        let Some(function) = Function::named(name) else { return Err(self.bad(at, What::NoFunction(name.clone()))) };
        if !self.dialect.functions.contains(&function) {
            return Err(self.unsupported(at, format!("the function '{name}'")));
        }
        self.skip();
        self.descend(at)?;
        self.skip();
        let mut arguments = Vec::new();
        if !self.take_mark(')') {
            arguments.push(self.condition()?);
            while self.take_mark(',') {
                arguments.push(self.condition()?);
            }
            self.want_mark(')', "',' or ')'")?;
        }
        if function.takes(arguments.len()) {
            return Ok(Expr::Call { function, at: At(at), arguments });
        }
        let found = format!("{} arguments", arguments.len());
        Err(self.bad(at, What::Syntax { expected: function.signature(), found }))
    }

    /// A property, or a lambda over one.
    fn path(&mut self) -> Result<Expr, Bad> {
        self.count_node()?;
        let at = At(self.at());
        let mut path = vec![self.name()?];
        while self.take_mark('/') {
            self.count_node()?;
            if let Some(quantifier) = self.quantifier() {
                return self.lambda(quantifier, Property { path, at });
            }
            path.push(self.name()?);
        }
        Ok(Expr::Property(Property { path, at }))
    }

    fn quantifier(&self) -> Option<Quantifier> {
        let (Some(Kind::Word(word)), Some(Kind::Mark('('))) = (self.peek(), self.peek_second()) else { return None };
        Quantifier::named(word)
    }

    fn lambda(&mut self, quantifier: Quantifier, collection: Property) -> Result<Expr, Bad> {
        let at = self.at();
        if !self.dialect.lambdas {
            return Err(self.unsupported(at, format!("the operator '{}'", quantifier.name())));
        }
        self.descend(at)?;
        self.skip();
        self.skip();
        if quantifier == Quantifier::Any && self.take_mark(')') {
            return Ok(Expr::Lambda { quantifier, collection, variable: String::new(), condition: None });
        }
        let at = self.at();
        let variable = self.name()?;
        if self.variables.contains(&variable) {
            return Err(self.bad(at, What::Duplicate(variable)));
        }
        if is_reserved(&variable) {
            return Err(self.bad(at, What::Malformed("name of a variable")));
        }
        self.want_mark(':', "':'")?;
        self.variables.push(variable.clone());
        let condition = Some(Box::new(self.condition()?));
        self.variables.pop();
        self.want_mark(')', "')'")?;
        Ok(Expr::Lambda { quantifier, collection, variable, condition })
    }
}

/// A word that no variable can have, because a condition would not read it as one.
fn is_reserved(word: &str) -> bool {
    Operator::named(word).is_some() || matches!(word, "not" | "null" | "true" | "false" | "INF" | "NaN")
}
