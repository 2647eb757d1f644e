//! What a condition says of a row.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::cell::{Cell, Rules};
use super::expr::{Arithmetic, At, Comparison, Expr, Property, Quantifier};
use super::problem::{Bad, What};

/// An entity, as conditions see it.
pub trait Row {
    /// The value at `path`; `None`: there is no such property, which is an error (an empty one is [`Cell::Null`]).
    /// An empty path, which only lambdas over values lead to, is the row itself.
    fn cell(&self, path: &[String]) -> Option<Cell>;

    /// The rows of the collection at `path`, which a lambda walks; `None`: there is no such collection.
    fn rows(&self, path: &[String]) -> Option<Vec<Box<dyn Row + '_>>> {
        let _ = path;
        None
    }
}

impl Expr {
    /// Whether the condition is true of `row`. A condition that is null (a function of null, say) is not.
    ///
    /// # Errors
    /// A property that the row does not have; types that do not go together; a condition that is no condition. Every
    /// part is looked at, whatever the others say, so that an error depends on as few values as can be.
    pub fn holds(&self, row: &dyn Row, rules: &Rules) -> Result<bool, Bad> {
        let scope = Scope { row, rules, bound: None };
        Ok(scope.truth(self)? == Some(true))
    }

    /// Where it begins, or its operator stands.
    fn at(&self) -> usize {
        match self {
            Self::Literal(_, at) | Self::Not(_, at) | Self::Negate(_, at) => at.0,
            Self::Compare { at, .. } | Self::Arithmetic { at, .. } | Self::In { at, .. } | Self::Call { at, .. } => {
                at.0
            }
            Self::Property(property) | Self::Lambda { collection: property, .. } => property.at.0,
            Self::And(parts) | Self::Or(parts) => parts.first().map_or(0, Self::at),
        }
    }
}

/// What names mean: properties of the row, or of a lambda's variables.
#[derive(Clone, Copy)]
struct Scope<'a> {
    row: &'a dyn Row,
    rules: &'a Rules,
    bound: Option<&'a Bound<'a>>,
}

/// A lambda's variable, and those around.
struct Bound<'a> {
    variable: &'a str,
    row: &'a dyn Row,
    outer: Option<&'a Bound<'a>>,
}

fn bad(at: usize, what: What) -> Bad {
    Bad::new("$filter", at, what)
}

impl<'a> Scope<'a> {
    /// True, false or null.
    fn truth(&self, expr: &'a Expr) -> Result<Option<bool>, Bad> {
        match &*self.value(expr)? {
            Cell::Flag(flag) => Ok(Some(*flag)),
            Cell::Null => Ok(None),
            other => Err(bad(expr.at(), What::Type { wanted: "Edm.Boolean", found: other.type_name() })),
        }
    }

    fn value(&self, expr: &'a Expr) -> Result<Cow<'a, Cell>, Bad> {
        let cell = match expr {
            Expr::Literal(cell, _) => return Ok(Cow::Borrowed(cell)),
            Expr::Property(property) => self.property(property)?,
            Expr::Not(inner, _) => flag(self.truth(inner)?.map(|it| !it)),
            Expr::Negate(inner, _) => match &*self.value(inner)? {
                Cell::Null => Cell::Null,
                Cell::Number(number) => Cell::Number(-*number),
                other => {
                    let what = What::Type { wanted: "Edm.Decimal", found: other.type_name() };
                    return Err(bad(inner.at(), what));
                }
            },
            Expr::And(parts) => flag(self.joined(parts, false)?),
            Expr::Or(parts) => flag(self.joined(parts, true)?),
            Expr::Compare { comparison, at, left, right } => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                Cell::Flag(self.compared(*comparison, *at, &left, &right)?)
            }
            Expr::Arithmetic { operator, at, left, right } => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                operator.apply(&left, &right).map_err(|what| bad(at.0, what))?
            }
            Expr::In { value, at, list } => {
                let (value, mut is_in) = (self.value(value)?, false);
                for literal in list {
                    is_in |= self.compared(Comparison::Eq, *at, &value, &*self.value(literal)?)?;
                }
                Cell::Flag(is_in)
            }
            Expr::Call { function, at, arguments } => {
                let values = arguments.iter().map(|it| self.value(it).map(Cow::into_owned));
                let values: Vec<Cell> = values.collect::<Result<_, _>>()?;
                function.apply(&values, self.rules).map_err(|what| bad(at.0, what))?
            }
            Expr::Lambda { quantifier, collection, variable, condition } => {
                flag(self.lambda(*quantifier, collection, variable, condition.as_deref())?)
            }
        };
        Ok(Cow::Owned(cell))
    }

    /// `decisive` if any part is that, else null if any is null.
    fn joined(&self, parts: &'a [Expr], decisive: bool) -> Result<Option<bool>, Bad> {
        let mut joined = Some(!decisive);
        for part in parts {
            joined = either(joined, self.truth(part)?, decisive);
        }
        Ok(joined)
    }

    /// Null equals null and nothing else; nothing is greater or less than null.
    fn compared(&self, comparison: Comparison, at: At, left: &Cell, right: &Cell) -> Result<bool, Bad> {
        if *left == Cell::Null || *right == Cell::Null {
            return Ok(match comparison {
                Comparison::Eq => left == right,
                Comparison::Ne => left != right,
                _ => false,
            });
        }
        self.rules.order(left, right).map(|it| comparison.admits(it)).map_err(|what| bad(at.0, what))
    }

    /// The row that a path starts from, and the path from there.
    fn start(&self, property: &'a Property) -> (&'a dyn Row, &'a [String]) {
        let mut bound = self.bound;
        while let Some(it) = bound {
            if property.path.first().is_some_and(|first| first == it.variable) {
                return (it.row, &property.path[1..]);
            }
            bound = it.outer;
        }
        (self.row, &property.path)
    }

    fn property(&self, property: &'a Property) -> Result<Cell, Bad> {
        let (row, path) = self.start(property);
        row.cell(path).ok_or_else(|| bad(property.at.0, What::NoProperty(property.name())))
    }

    fn lambda(
        &self,
        quantifier: Quantifier,
        collection: &'a Property,
        variable: &'a str,
        condition: Option<&'a Expr>,
    ) -> Result<Option<bool>, Bad> {
        let (row, path) = self.start(collection);
        let rows = row.rows(path).ok_or_else(|| bad(collection.at.0, What::NoProperty(collection.name())))?;
        let Some(condition) = condition else { return Ok(Some(!rows.is_empty())) };
        let decisive = quantifier == Quantifier::Any;
        let mut joined = Some(!decisive);
        for row in &rows {
            let bound = Bound { variable, row: &**row, outer: self.bound };
            let scope = Scope { row: self.row, rules: self.rules, bound: Some(&bound) };
            joined = either(joined, scope.truth(condition)?, decisive);
        }
        Ok(joined)
    }
}

fn either(a: Option<bool>, b: Option<bool>, decisive: bool) -> Option<bool> {
    match (a, b) {
        (Some(it), _) | (_, Some(it)) if it == decisive => Some(decisive),
        (None, _) | (_, None) => None,
        _ => Some(!decisive),
    }
}

fn flag(truth: Option<bool>) -> Cell {
    truth.map_or(Cell::Null, Cell::Flag)
}

impl Comparison {
    fn admits(self, order: Ordering) -> bool {
        match self {
            Self::Eq => order.is_eq(),
            Self::Ne => order.is_ne(),
            Self::Gt => order.is_gt(),
            Self::Ge => order.is_ge(),
            Self::Lt => order.is_lt(),
            Self::Le => order.is_le(),
        }
    }
}

impl Arithmetic {
    fn apply(self, left: &Cell, right: &Cell) -> Result<Cell, What> {
        let (a, b) = match (left, right) {
            (Cell::Null, _) | (_, Cell::Null) => return Ok(Cell::Null),
            (Cell::Number(a), Cell::Number(b)) => (*a, *b),
            _ => return Err(What::Mismatch { left: left.type_name(), right: right.type_name() }),
        };
        let result = match self {
            Self::Add => a.checked_add(b),
            Self::Sub => a.checked_sub(b),
            Self::Mul => a.checked_mul(b),
        };
        result.map(Cell::Number).ok_or(What::Overflow)
    }
}
