//! From a parsed expression to one that is bound to columns.

use std::cell::Cell as Counter;

use sqlparser::ast::{self, BinaryOperator, UnaryOperator};

use super::cell::{Cell, SqlError};
use super::expr::{Aggregate, Arithmetic, Comparison, Expr};
use super::format::Format;
use super::functions::Function;
use super::plan::unsupported;
use super::tables::{Table, Type};
use crate::netsuite::settings::Settings;

/// What names mean while a statement is being understood.
pub(super) struct Compiler<'s> {
    settings: &'s Settings,
    params: &'s [Cell<'static>],
    sources: Vec<(String, Table)>,
    params_used: Counter<usize>,
}

impl<'s> Compiler<'s> {
    pub(super) fn new(settings: &'s Settings, params: &'s [Cell<'static>]) -> Self {
        Self { settings, params, sources: Vec::new(), params_used: Counter::new(0) }
    }

    pub(super) fn settings(&self) -> &'s Settings {
        self.settings
    }

    pub(super) fn add_source(&mut self, alias: String, table: Table) {
        self.sources.push((alias, table));
    }

    pub(super) fn expr(&self, expr: &ast::Expr) -> Result<Expr, SqlError> {
        Ok(match expr {
            ast::Expr::Identifier(name) => self.identifier(&name.value)?,
            ast::Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [alias, name] => self.column(&alias.value, &name.value)?,
                _ => return Err(self.unknown(&expr.to_string())),
            },
            ast::Expr::Nested(inner) => self.expr(inner)?,
            ast::Expr::Value(value) => Expr::Literal(self.literal(&value.value)?),
            ast::Expr::TypedString(it) => return Err(unsupported(&format!("literal {it}"))),
            ast::Expr::IsNull(inner) => Expr::IsNull(self.boxed(inner)?),
            ast::Expr::IsNotNull(inner) => not(Expr::IsNull(self.boxed(inner)?)),
            ast::Expr::UnaryOp { op, expr } => self.unary(*op, expr)?,
            ast::Expr::BinaryOp { left, op, right } => self.binary(left, op, right)?,
            ast::Expr::Between { expr, negated, low, high } => {
                let at_least = compare(Comparison::GreaterOrEqual, self.expr(expr)?, self.expr(low)?);
                let at_most = compare(Comparison::LessOrEqual, self.expr(expr)?, self.expr(high)?);
                not_if(*negated, Expr::And(vec![at_least, at_most]))
            }
            ast::Expr::In { expr, target: ast::InTarget::List(list), negated, .. } => {
                let inner = self.expr(expr)?;
                let list = list.iter().map(|it| Ok(beside(&inner, self.expr(it)?)));
                let list = list.collect::<Result<_, SqlError>>()?;
                not_if(*negated, Expr::In(Box::new(inner), list))
            }
            ast::Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
                not_if(*negated, Expr::Like(self.boxed(expr)?, self.boxed(pattern)?))
            }
            ast::Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())?
            }
            ast::Expr::Trim { expr, trim_where: None, trim_what: None, trim_characters: None } => {
                Expr::Call(Function::Trim, vec![self.expr(expr)?])
            }
            ast::Expr::Substring { expr, substring_from, substring_for, .. } => {
                let rest = [substring_from, substring_for].into_iter().flatten();
                let arguments = std::iter::once(expr).chain(rest).map(|it| self.expr(it));
                Expr::Call(Function::Substr, arguments.collect::<Result<_, _>>()?)
            }
            ast::Expr::Function(function) => self.function(function)?,
            other => return Err(unsupported(&other.to_string())),
        })
    }

    fn boxed(&self, expr: &ast::Expr) -> Result<Box<Expr>, SqlError> {
        self.expr(expr).map(Box::new)
    }

    fn identifier(&self, name: &str) -> Result<Expr, SqlError> {
        let name = name.to_lowercase();
        match name.as_str() {
            "sysdate" | "current_date" => return Ok(Expr::SysDate),
            "rownum" => return Ok(Expr::RowNum),
            _ => {}
        }
        let mut found = self.sources.iter().enumerate().filter_map(|(at, (_, table))| {
            let column = table.column(&name, self.settings)?;
            Some(Expr::Column(at, column))
        });
        match (found.next(), found.next()) {
            (Some(column), None) => Ok(column),
            (Some(_), Some(_)) => Err(SqlError::new(format!("Column '{name}' is ambiguously defined"))),
            (None, _) => Err(self.unknown(&name)),
        }
    }

    fn column(&self, alias: &str, name: &str) -> Result<Expr, SqlError> {
        let (alias, name) = (alias.to_lowercase(), name.to_lowercase());
        let source = self.sources.iter().enumerate().find(|(_, (it, _))| *it == alias);
        let (at, (_, table)) = source.ok_or_else(|| self.unknown(&alias))?;
        let column = table.column(&name, self.settings).ok_or_else(|| self.unknown(&name))?;
        Ok(Expr::Column(at, column))
    }

    fn unknown(&self, name: &str) -> SqlError {
        let known: Vec<String> = self
            .sources
            .iter()
            .map(|(alias, table)| format!("{alias}={}", format!("{table:?}").to_lowercase()))
            .collect();
        SqlError::new(format!("Unknown identifier '{name}'. Available identifiers are: {{{}}}.", known.join(", ")))
    }

    fn literal(&self, value: &ast::Value) -> Result<Cell<'static>, SqlError> {
        Ok(match value {
            ast::Value::Number(text, _) => numeric(text).ok_or_else(|| SqlError::new("Invalid number"))?,
            ast::Value::SingleQuotedString(text) => super::cell::owned(text.clone()),
            ast::Value::Null => Cell::Null,
            ast::Value::Placeholder(mark) if mark == "?" => {
                let at = self.params_used.get();
                self.params_used.set(at + 1);
                self.params.get(at).cloned().ok_or_else(|| SqlError::new("Missing value for a parameter"))?
            }
            other => return Err(unsupported(&format!("literal {other}"))),
        })
    }

    fn unary(&self, op: UnaryOperator, expr: &ast::Expr) -> Result<Expr, SqlError> {
        let inner = self.expr(expr)?;
        match (op, inner) {
            (UnaryOperator::Not, inner) => Ok(not(inner)),
            (UnaryOperator::Plus, inner) => Ok(inner),
            (UnaryOperator::Minus, Expr::Literal(Cell::Int(it))) => Ok(Expr::Literal(Cell::Int(-it))),
            (UnaryOperator::Minus, inner) => {
                Ok(Expr::Arithmetic(Arithmetic::Minus, Box::new(Expr::Literal(Cell::Int(0))), Box::new(inner)))
            }
            _ => Err(unsupported(&op.to_string())),
        }
    }

    fn binary(&self, left: &ast::Expr, op: &BinaryOperator, right: &ast::Expr) -> Result<Expr, SqlError> {
        let comparison = match op {
            BinaryOperator::Eq => Comparison::Equal,
            BinaryOperator::NotEq => Comparison::NotEqual,
            BinaryOperator::Lt => Comparison::Less,
            BinaryOperator::LtEq => Comparison::LessOrEqual,
            BinaryOperator::Gt => Comparison::Greater,
            BinaryOperator::GtEq => Comparison::GreaterOrEqual,
            BinaryOperator::And => return self.chain(left, op, right).map(Expr::And),
            BinaryOperator::Or => return self.chain(left, op, right).map(Expr::Or),
            BinaryOperator::StringConcat => return Ok(Expr::Concat(self.boxed(left)?, self.boxed(right)?)),
            other => {
                let arithmetic = match other {
                    BinaryOperator::Plus => Arithmetic::Plus,
                    BinaryOperator::Minus => Arithmetic::Minus,
                    BinaryOperator::Multiply => Arithmetic::Times,
                    BinaryOperator::Divide => Arithmetic::Over,
                    _ => return Err(unsupported(&other.to_string())),
                };
                return Ok(Expr::Arithmetic(arithmetic, self.boxed(left)?, self.boxed(right)?));
            }
        };
        Ok(compare(comparison, self.expr(left)?, self.expr(right)?))
    }

    /// The parts of `a AND b AND c`, side by side: a list of keys may be hundreds of parts long, and nesting them
    /// would nest every evaluation as deep.
    fn chain(&self, left: &ast::Expr, op: &BinaryOperator, right: &ast::Expr) -> Result<Vec<Expr>, SqlError> {
        let (mut parts, mut rest) = (vec![right], left);
        while let ast::Expr::BinaryOp { left, op: inner, right } = rest
            && inner == op
        {
            parts.push(right);
            rest = left;
        }
        parts.push(rest);
        // From left to right, as parameters are counted.
        parts.into_iter().rev().map(|it| self.expr(it)).collect()
    }

    fn case(
        &self,
        operand: Option<&ast::Expr>,
        conditions: &[ast::CaseWhen],
        otherwise: Option<&ast::Expr>,
    ) -> Result<Expr, SqlError> {
        let mut branches = Vec::new();
        for when in conditions {
            let condition = self.expr(&when.condition)?;
            let condition = match operand {
                Some(operand) => compare(Comparison::Equal, self.expr(operand)?, condition),
                None => condition,
            };
            branches.push((condition, self.expr(&when.result)?));
        }
        Ok(Expr::Case(branches, otherwise.map(|it| self.boxed(it)).transpose()?))
    }

    fn function(&self, function: &ast::Function) -> Result<Expr, SqlError> {
        let name = function.name.to_string().to_lowercase();
        let (arguments, is_distinct) = match &function.args {
            ast::FunctionArguments::None => (Vec::new(), false),
            ast::FunctionArguments::List(list) => {
                (list.args.iter().collect(), list.duplicate_treatment == Some(ast::DuplicateTreatment::Distinct))
            }
            ast::FunctionArguments::Subquery(_) => return Err(unsupported("subqueries")),
        };
        if function.over.is_some() || function.filter.is_some() {
            return Err(unsupported("window functions"));
        }
        if let Some(aggregate) = self.aggregate(&name, &arguments, is_distinct)? {
            return Ok(aggregate);
        }
        let arguments = arguments.into_iter().map(|it| self.argument(it)).collect::<Result<Vec<_>, _>>()?;
        call(&name, arguments)
    }

    fn aggregate(
        &self,
        name: &str,
        arguments: &[&ast::FunctionArg],
        is_distinct: bool,
    ) -> Result<Option<Expr>, SqlError> {
        let aggregate = match name {
            "count" if is_distinct => Aggregate::CountDistinct,
            "count" => Aggregate::Count,
            "max" => Aggregate::Max,
            "min" => Aggregate::Min,
            "sum" => Aggregate::Sum,
            _ => return Ok(None),
        };
        match arguments {
            [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Wildcard)] if aggregate == Aggregate::Count => {
                Ok(Some(Expr::Aggregate(aggregate, None)))
            }
            [argument] => Ok(Some(Expr::Aggregate(aggregate, Some(Box::new(self.argument(argument)?))))),
            _ => Err(SqlError::new(format!("Invalid number of arguments for {name}"))),
        }
    }

    fn argument(&self, argument: &ast::FunctionArg) -> Result<Expr, SqlError> {
        match argument {
            ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => self.expr(expr),
            other => Err(unsupported(&other.to_string())),
        }
    }
}

fn call(name: &str, mut arguments: Vec<Expr>) -> Result<Expr, SqlError> {
    let wrong = || SqlError::new(format!("Invalid number of arguments for {name}"));
    let function = match name {
        "sysdate" | "current_timestamp" if arguments.is_empty() => return Ok(Expr::SysDate),
        "builtin.df" if arguments.len() == 1 => return Ok(Expr::Display(Box::new(arguments.remove(0)))),
        "to_char" if arguments.len() == 1 => Function::ToChar(None),
        "to_char" => Function::ToChar(Some(format(&mut arguments).ok_or_else(wrong)??)),
        "to_date" | "to_timestamp" => Function::ToMoment(format(&mut arguments).ok_or_else(wrong)??),
        _ => {
            let known = Function::named(name);
            let (function, counts) = known.ok_or_else(|| SqlError::new(format!("Unknown function '{name}'")))?;
            if !counts.contains(&arguments.len()) {
                return Err(wrong());
            }
            function
        }
    };
    Ok(Expr::Call(function, arguments))
}

/// Takes the format, the second of two arguments, away.
fn format(arguments: &mut Vec<Expr>) -> Option<Result<Format, SqlError>> {
    if arguments.len() != 2 {
        return None;
    }
    Some(match arguments.pop() {
        Some(Expr::Literal(Cell::Text(text))) => Format::parse(&text),
        _ => Err(SqlError::new("A date format must be a literal")),
    })
}

fn not(inner: Expr) -> Expr {
    Expr::Not(Box::new(inner))
}

fn not_if(negated: bool, inner: Expr) -> Expr {
    if negated { not(inner) } else { inner }
}

fn compare(comparison: Comparison, left: Expr, right: Expr) -> Expr {
    let right = beside(&left, right);
    let left = beside(&right, left);
    Expr::Compare(comparison, Box::new(left), Box::new(right))
}

/// A literal text beside a number is a number: converted once, not for every row.
fn beside(other: &Expr, expr: Expr) -> Expr {
    match (other, expr) {
        (Expr::Column(_, column), Expr::Literal(Cell::Text(text))) if column.ty == Type::Number => {
            numeric(text.trim()).map_or(Expr::Literal(Cell::Text(text)), Expr::Literal)
        }
        (_, expr) => expr,
    }
}

/// A number in its smallest form.
pub(super) fn numeric(text: &str) -> Option<Cell<'static>> {
    text.parse::<i64>().map(Cell::Int).ok().or_else(|| text.parse().map(Cell::Number).ok())
}
