//! Conditions, as a tree.

use super::call::Function;
use super::cell::Cell;

/// Where in its text something stands, in bytes. Two conditions are equal wherever they stand, so all places are.
#[derive(Debug, Clone, Copy, Default)]
pub struct At(pub usize);

impl PartialEq for At {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for At {}

/// The path of a property: `UpdateDate`, `customer/address/city`. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    pub path: Vec<String>,
    pub at: At,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    Add,
    Sub,
    Mul,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantifier {
    Any,
    All,
}

/// A condition or a value. Parsed by [`Options::parse`](super::Options::parse) or [`Expr::parse`]; printed, in version
/// 4's spelling, by `Display` or, in either, by [`Expr::printed`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    Literal(Cell, At),
    Property(Property),
    Not(Box<Expr>, At),
    Negate(Box<Expr>, At),
    /// Two or more.
    And(Vec<Expr>),
    /// Two or more.
    Or(Vec<Expr>),
    /// `at`: of the operator.
    Compare {
        comparison: Comparison,
        at: At,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    Arithmetic {
        operator: Arithmetic,
        at: At,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    In {
        value: Box<Expr>,
        at: At,
        list: Vec<Expr>,
    },
    Call {
        function: Function,
        at: At,
        arguments: Vec<Expr>,
    },
    /// `collection/any(variable:condition)`. No condition: whether there is any at all.
    Lambda {
        quantifier: Quantifier,
        collection: Property,
        variable: String,
        condition: Option<Box<Expr>>,
    },
}

impl Property {
    /// The path as it is written.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.join("/")
    }
}

impl Comparison {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }

    /// The higher, the tighter it binds.
    pub(super) fn level(self) -> u8 {
        if matches!(self, Self::Eq | Self::Ne) { 3 } else { 4 }
    }
}

impl Arithmetic {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Sub => "sub",
            Self::Mul => "mul",
        }
    }

    /// The higher, the tighter it binds.
    pub(super) fn level(self) -> u8 {
        if self == Self::Mul { 6 } else { 5 }
    }
}

impl Quantifier {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::All => "all",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Any, Self::All].into_iter().find(|it| it.name() == name)
    }
}

impl Expr {
    /// The properties it names, each time it does, so that a service can check them without any row. A lambda's are
    /// given with their collection's path before them.
    #[must_use]
    pub fn properties(&self) -> Vec<Property> {
        let mut found = Vec::new();
        self.gather(&mut Vec::new(), &mut found);
        found
    }

    /// Hands on each literal that a property is compared with, to be put into the spelling that the property has. Those
    /// within lambdas are left out.
    pub fn each_compared(&mut self, visit: &mut impl FnMut(&Property, &mut Cell)) {
        match self {
            Self::Not(inner, _) => inner.each_compared(visit),
            Self::And(parts) | Self::Or(parts) => parts.iter_mut().for_each(|it| it.each_compared(visit)),
            Self::Compare { left, right, .. } => match (&mut **left, &mut **right) {
                (Self::Property(property), Self::Literal(cell, _))
                | (Self::Literal(cell, _), Self::Property(property)) => {
                    visit(property, cell);
                }
                _ => {}
            },
            Self::In { value, list, .. } => {
                let Self::Property(property) = &**value else { return };
                for literal in list {
                    if let Self::Literal(cell, _) = literal {
                        visit(property, cell);
                    }
                }
            }
            Self::Literal(..)
            | Self::Property(_)
            | Self::Negate(..)
            | Self::Arithmetic { .. }
            | Self::Call { .. }
            | Self::Lambda { .. } => {}
        }
    }

    /// `variables`: those of the lambdas around, with the paths they stand for.
    fn gather(&self, variables: &mut Vec<(String, Vec<String>)>, found: &mut Vec<Property>) {
        match self {
            Self::Literal(..) => {}
            Self::Property(property) => found.push(property.resolved(variables)),
            Self::Not(inner, _) | Self::Negate(inner, _) => inner.gather(variables, found),
            Self::And(parts) | Self::Or(parts) | Self::Call { arguments: parts, .. } => {
                parts.iter().for_each(|it| it.gather(variables, found));
            }
            Self::Compare { left, right, .. } | Self::Arithmetic { left, right, .. } => {
                left.gather(variables, found);
                right.gather(variables, found);
            }
            Self::In { value, .. } => value.gather(variables, found),
            Self::Lambda { collection, variable, condition, .. } => {
                let collection = collection.resolved(variables);
                let path = collection.path.clone();
                found.push(collection);
                if let Some(condition) = condition {
                    variables.push((variable.clone(), path));
                    condition.gather(variables, found);
                    variables.pop();
                }
            }
        }
    }
}

impl Property {
    /// With what a variable stands for in its place.
    fn resolved(&self, variables: &[(String, Vec<String>)]) -> Self {
        match variables.iter().find(|it| it.0 == self.path[0]) {
            None => self.clone(),
            Some((_, path)) => Self { path: [path, &self.path[1..]].concat(), at: self.at },
        }
    }
}
