//! From a parsed expression to one that is bound to columns.

use sqlparser::ast::{self, BinaryOperator, UnaryOperator};

use super::Fault;
use super::aggregate::Aggregate;
use super::cell::Cell;
use super::expr::{Arithmetic, Comparison, Expr, Function, Read};
use super::params::numeric;
use super::plan::unsupported;
use super::tables::Table;
use crate::sap_b1::state::State;

/// What a source has.
pub(super) enum Columns {
    Table(Table),
    Query(Vec<String>),
}

/// What names mean while a text is being understood.
pub(super) struct Compiler<'s> {
    state: &'s State,
    /// The sources of each query, from the outermost to the one that is being understood.
    pub scopes: Vec<Vec<(String, Columns)>>,
    pub params: Vec<String>,
}

impl<'s> Compiler<'s> {
    pub(super) fn new(state: &'s State) -> Self {
        Self { state, scopes: Vec::new(), params: Vec::new() }
    }

    /// The table of this name, if the company allows it.
    pub(super) fn table(&self, name: &str) -> Result<Table, Fault> {
        let is_allowed = self.state.settings.sql_tables.iter().any(|it| it.eq_ignore_ascii_case(name));
        let table = Table::named(name).filter(|_| is_allowed);
        table.ok_or_else(|| Fault::Table(name.to_owned()))
    }

    pub(super) fn expr(&mut self, expr: &ast::Expr) -> Result<Expr, Fault> {
        Ok(match expr {
            ast::Expr::Identifier(name) => self.column(None, &name.value)?,
            ast::Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [alias, name] => self.column(Some(&alias.value), &name.value)?,
                _ => return Err(Fault::Column(expr.to_string())),
            },
            ast::Expr::Nested(inner) => self.expr(inner)?,
            ast::Expr::Value(value) => self.literal(&value.value)?,
            ast::Expr::IsNull(inner) => Expr::IsNull(self.boxed(inner)?),
            ast::Expr::IsNotNull(inner) => not_if(true, Expr::IsNull(self.boxed(inner)?)),
            ast::Expr::UnaryOp { op, expr } => self.unary(*op, expr)?,
            ast::Expr::BinaryOp { left, op, right } => self.binary(left, op, right)?,
            ast::Expr::Between { expr, negated, low, high } => {
                let at_least = Expr::Compare(Comparison::GreaterOrEqual, self.boxed(expr)?, self.boxed(low)?);
                let at_most = Expr::Compare(Comparison::LessOrEqual, self.boxed(expr)?, self.boxed(high)?);
                not_if(*negated, Expr::And(vec![at_least, at_most]))
            }
            ast::Expr::In { expr, target, negated, .. } => {
                let inner = self.boxed(expr)?;
                not_if(*negated, self.target(inner, target)?)
            }
            ast::Expr::Exists { subquery, negated } => not_if(*negated, Expr::Exists(Box::new(self.select(subquery)?))),
            ast::Expr::Subquery(query) => Expr::Scalar(Box::new(self.select(query)?)),
            ast::Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
                not_if(*negated, Expr::Like(self.boxed(expr)?, self.boxed(pattern)?))
            }
            ast::Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())?
            }
            ast::Expr::Function(function) => self.function(function)?,
            other => return Err(unsupported(other)),
        })
    }

    fn boxed(&mut self, expr: &ast::Expr) -> Result<Box<Expr>, Fault> {
        self.expr(expr).map(Box::new)
    }

    fn target(&mut self, inner: Box<Expr>, target: &ast::InTarget) -> Result<Expr, Fault> {
        Ok(match target {
            ast::InTarget::List(list) => {
                Expr::In(inner, list.iter().map(|it| self.expr(it)).collect::<Result<_, _>>()?)
            }
            ast::InTarget::Subquery(query) => Expr::InQuery(inner, Box::new(self.select(query)?)),
            _ => return Err(unsupported("this IN")),
        })
    }

    /// A column by its name, looked for in this query and then in those around it.
    fn column(&self, alias: Option<&str>, name: &str) -> Result<Expr, Fault> {
        let shown = || alias.map_or_else(|| name.to_owned(), |it| format!("{it}.{name}"));
        let alias = alias.map(str::to_lowercase);
        for (out, scope) in self.scopes.iter().rev().enumerate() {
            let candidates = scope.iter().enumerate().filter(|(_, (it, _))| alias.as_ref().is_none_or(|own| own == it));
            let mut found = candidates.filter_map(|(source, (_, columns))| Some((source, self.read(columns, name)?)));
            match (found.next(), found.next()) {
                (Some((source, read)), None) => return Ok(Expr::Column { out, source, read }),
                (Some(_), Some(_)) => return Err(Fault::Column(format!("{} is ambiguous", shown()))),
                (None, _) => {}
            }
        }
        Err(Fault::Column(shown()))
    }

    fn read(&self, columns: &Columns, name: &str) -> Option<Read> {
        match columns {
            Columns::Query(names) => names.iter().position(|it| it.eq_ignore_ascii_case(name)).map(Read::Derived),
            Columns::Table(table) => {
                let column = table.columns().iter().find(|it| it.name.eq_ignore_ascii_case(name));
                let of_table = column.map(|it| Read::Column(it.name, it.read));
                of_table.or_else(|| {
                    let mut fields = self.state.fields.names(table.user_table()?);
                    fields.find(|it| it.eq_ignore_ascii_case(name)).map(|it| Read::Field(it.to_owned()))
                })
            }
        }
    }

    fn literal(&mut self, value: &ast::Value) -> Result<Expr, Fault> {
        Ok(match value {
            ast::Value::Number(text, _) => Expr::Literal(numeric(text).ok_or_else(|| unsupported(text))?),
            ast::Value::SingleQuotedString(text) => Expr::Literal(Cell::Text(text.clone().into())),
            ast::Value::Null => Expr::Literal(Cell::Null),
            ast::Value::Placeholder(mark) => {
                let name = mark.strip_prefix(':').ok_or_else(|| Fault::Parameter(mark.clone()))?.to_owned();
                if !self.params.contains(&name) {
                    self.params.push(name.clone());
                }
                Expr::Param(name)
            }
            other => return Err(unsupported(other)),
        })
    }

    fn unary(&mut self, op: UnaryOperator, expr: &ast::Expr) -> Result<Expr, Fault> {
        let inner = self.boxed(expr)?;
        match op {
            UnaryOperator::Not => Ok(Expr::Not(inner)),
            UnaryOperator::Plus => Ok(*inner),
            UnaryOperator::Minus => {
                Ok(Expr::Arithmetic(Arithmetic::Minus, Box::new(Expr::Literal(Cell::Int(0))), inner))
            }
            _ => Err(unsupported(op)),
        }
    }

    fn binary(&mut self, left: &ast::Expr, op: &BinaryOperator, right: &ast::Expr) -> Result<Expr, Fault> {
        let comparison = match op {
            BinaryOperator::Eq => Comparison::Equal,
            BinaryOperator::NotEq => Comparison::NotEqual,
            BinaryOperator::Lt => Comparison::Less,
            BinaryOperator::LtEq => Comparison::LessOrEqual,
            BinaryOperator::Gt => Comparison::Greater,
            BinaryOperator::GtEq => Comparison::GreaterOrEqual,
            BinaryOperator::And => return self.chain(left, op, right).map(Expr::And),
            BinaryOperator::Or => return self.chain(left, op, right).map(Expr::Or),
            other => {
                let arithmetic = match other {
                    BinaryOperator::Plus => Arithmetic::Plus,
                    BinaryOperator::Minus => Arithmetic::Minus,
                    BinaryOperator::Multiply => Arithmetic::Times,
                    BinaryOperator::Divide => Arithmetic::Over,
                    _ => return Err(unsupported(other)),
                };
                return Ok(Expr::Arithmetic(arithmetic, self.boxed(left)?, self.boxed(right)?));
            }
        };
        Ok(Expr::Compare(comparison, self.boxed(left)?, self.boxed(right)?))
    }

    /// The parts of `a AND b AND c`, side by side: a list of keys may be hundreds of parts long, and nesting them
    /// would nest every evaluation as deep.
    fn chain(&mut self, left: &ast::Expr, op: &BinaryOperator, right: &ast::Expr) -> Result<Vec<Expr>, Fault> {
        let (mut parts, mut rest) = (vec![right], left);
        while let ast::Expr::BinaryOp { left, op: inner, right } = rest
            && inner == op
        {
            parts.push(right);
            rest = left;
        }
        parts.push(rest);
        // From left to right, as parameters are listed.
        parts.into_iter().rev().map(|it| self.expr(it)).collect()
    }

    fn case(
        &mut self,
        operand: Option<&ast::Expr>,
        conditions: &[ast::CaseWhen],
        otherwise: Option<&ast::Expr>,
    ) -> Result<Expr, Fault> {
        let mut branches = Vec::new();
        for when in conditions {
            let condition = self.expr(&when.condition)?;
            let condition = match operand {
                Some(operand) => Expr::Compare(Comparison::Equal, self.boxed(operand)?, Box::new(condition)),
                None => condition,
            };
            branches.push((condition, self.expr(&when.result)?));
        }
        Ok(Expr::Case(branches, otherwise.map(|it| self.boxed(it)).transpose()?))
    }

    fn function(&mut self, function: &ast::Function) -> Result<Expr, Fault> {
        let name = function.name.to_string().to_lowercase();
        let ast::FunctionArguments::List(list) = &function.args else { return Err(unsupported(&function.name)) };
        if function.over.is_some() || function.filter.is_some() {
            return Err(unsupported("a window function"));
        }
        let is_distinct = list.duplicate_treatment == Some(ast::DuplicateTreatment::Distinct);
        if let [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Wildcard)] = list.args.as_slice()
            && name == "count"
        {
            return Ok(Expr::Aggregate(Aggregate::Count, None));
        }
        let mut arguments = Vec::new();
        for argument in &list.args {
            let ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) = argument else {
                return Err(unsupported(argument));
            };
            arguments.push(self.expr(expr)?);
        }
        call(&name, arguments, is_distinct)
    }
}

fn call(name: &str, mut arguments: Vec<Expr>, is_distinct: bool) -> Result<Expr, Fault> {
    let aggregate = match name {
        "count" if is_distinct => Some(Aggregate::CountDistinct),
        "count" => Some(Aggregate::Count),
        "max" => Some(Aggregate::Max),
        "min" => Some(Aggregate::Min),
        "sum" => Some(Aggregate::Sum),
        "avg" => Some(Aggregate::Avg),
        _ => None,
    };
    let (function, count) = match name {
        _ if aggregate.is_some() => (None, 1),
        "isnull" | "ifnull" => (Some(Function::IfNull), 2),
        "lower" => (Some(Function::Lower), 1),
        "upper" => (Some(Function::Upper), 1),
        "left" => (Some(Function::Left), 2),
        "right" => (Some(Function::Right), 2),
        _ => return Err(unsupported(format!("function '{name}'"))),
    };
    if arguments.len() != count {
        return Err(Fault::Grammar(format!("function '{name}' takes {count} arguments")));
    }
    Ok(match (aggregate, function) {
        (Some(aggregate), _) => Expr::Aggregate(aggregate, arguments.pop().map(Box::new)),
        (_, Some(function)) => Expr::Call(function, arguments),
        (None, None) => return Err(unsupported(name)),
    })
}

fn not_if(negated: bool, inner: Expr) -> Expr {
    if negated { Expr::Not(Box::new(inner)) } else { inner }
}
