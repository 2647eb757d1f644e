//! From a parsed statement to what is to be done.

use sqlparser::ast;
use sqlparser::dialect::OracleDialect;
use sqlparser::parser::Parser;

use super::cell::{Cell, SqlError};
use super::compile::Compiler;
use super::expr::Expr;
use super::tables::Table;
use crate::known::Known;
use crate::netsuite::settings::Settings;

/// Statements as they were parsed.
static STATEMENTS: Known<Vec<ast::Statement>> = Known::new();

/// A table of the query, and how it is joined to those before it.
pub(super) struct Source {
    pub table: Table,
    pub alias: String,
    pub on: Option<Expr>,
    /// Rows before it stay even when it has none for them.
    pub is_outer: bool,
}

/// How rows are ordered by one expression.
pub(super) struct Order {
    pub expr: Expr,
    pub is_descending: bool,
    pub nulls_first: bool,
}

/// A query, ready to run.
pub(super) struct Plan {
    pub sources: Vec<Source>,
    pub filter: Option<Expr>,
    pub group_by: Vec<Expr>,
    pub select: Vec<(String, Expr)>,
    pub order: Vec<Order>,
    pub is_distinct: bool,
    /// `FETCH FIRST n ROWS ONLY`.
    pub rows_max: Option<usize>,
}

impl Plan {
    /// Understands a statement.
    pub(super) fn of(statement: &str, params: &[Cell<'static>], settings: &Settings) -> Result<Self, SqlError> {
        let statements = STATEMENTS
            .of(statement, |it| Parser::parse_sql(&OracleDialect {}, it))
            .map_err(|it| SqlError::new(format!("Invalid or unsupported search: {it}")))?;
        let [ast::Statement::Query(query)] = statements.as_slice() else {
            return Err(SqlError::new("Only one SELECT statement is allowed"));
        };
        let ast::SetExpr::Select(select) = query.body.as_ref() else {
            return Err(unsupported("set operations"));
        };
        refuse(query, select)?;
        let mut compiler = Compiler::new(settings, params);
        let mut sources = Vec::new();
        for from in &select.from {
            sources.push(source(&mut compiler, &from.relation, None)?);
            for join in &from.joins {
                sources.push(source(&mut compiler, &join.relation, Some(&join.join_operator))?);
            }
        }
        if sources.is_empty() {
            return Err(SqlError::new("FROM keyword not found where expected"));
        }
        let filter = select.selection.as_ref().map(|it| compiler.expr(it)).transpose()?;
        let group_by = match &select.group_by {
            ast::GroupByExpr::Expressions(exprs, modifiers) if modifiers.is_empty() => {
                exprs.iter().map(|it| compiler.expr(it)).collect::<Result<_, _>>()?
            }
            _ => return Err(unsupported("GROUP BY ALL")),
        };
        let projection = projection(&compiler, &select.projection, &sources)?;
        let order = order(&compiler, query, &projection)?;
        let rows_max = query.fetch.as_ref().map(rows_max).transpose()?;
        let is_distinct = matches!(select.distinct, Some(ast::Distinct::Distinct));
        let select = projection.into_iter().map(|it| (it.name, it.expr)).collect();
        Ok(Self { sources, filter, group_by, select, order, is_distinct, rows_max })
    }

    /// The query folds rows together.
    pub(super) fn is_grouped(&self) -> bool {
        !self.group_by.is_empty() || self.select.iter().any(|(_, it)| it.is_aggregate())
    }
}

pub(super) fn unsupported(what: &str) -> SqlError {
    SqlError::new(format!("Invalid or unsupported search: {what}"))
}

/// Refuses what the language has and this search engine does not.
fn refuse(query: &ast::Query, select: &ast::Select) -> Result<(), SqlError> {
    let refused = [
        (query.with.is_some(), "WITH"),
        (query.limit_clause.is_some(), "LIMIT; use FETCH FIRST n ROWS ONLY or ROWNUM"),
        (!query.locks.is_empty(), "FOR UPDATE"),
        (select.having.is_some(), "HAVING"),
        (select.top.is_some(), "TOP"),
        (select.into.is_some(), "INTO"),
        (!select.connect_by.is_empty(), "CONNECT BY"),
        (select.qualify.is_some(), "QUALIFY"),
        (matches!(select.distinct, Some(ast::Distinct::On(_))), "DISTINCT ON"),
    ];
    match refused.into_iter().find(|(is_there, _)| *is_there) {
        Some((_, what)) => Err(unsupported(what)),
        None => Ok(()),
    }
}

/// One table of FROM. Its alias is known to expressions from here on, its own ON included.
fn source(
    compiler: &mut Compiler<'_>,
    factor: &ast::TableFactor,
    join: Option<&ast::JoinOperator>,
) -> Result<Source, SqlError> {
    let ast::TableFactor::Table { name, alias, .. } = factor else {
        return Err(unsupported("only tables may stand in FROM"));
    };
    let shown = name.to_string();
    let table = Table::named(&shown.to_lowercase(), compiler.settings());
    let table = table.ok_or_else(|| SqlError::new(format!("Record '{shown}' was not found.")))?;
    let alias = alias.as_ref().map_or_else(|| shown.to_lowercase(), |it| it.name.value.to_lowercase());
    compiler.add_source(alias.clone(), table);
    let (constraint, is_outer) = match join {
        None => (None, false),
        Some(ast::JoinOperator::Join(it) | ast::JoinOperator::Inner(it) | ast::JoinOperator::CrossJoin(it)) => {
            (Some(it), false)
        }
        Some(ast::JoinOperator::Left(it) | ast::JoinOperator::LeftOuter(it)) => (Some(it), true),
        Some(_) => return Err(unsupported("only INNER, LEFT and CROSS JOIN")),
    };
    let on = match constraint {
        None | Some(ast::JoinConstraint::None) => None,
        Some(ast::JoinConstraint::On(condition)) => Some(compiler.expr(condition)?),
        Some(_) => return Err(unsupported("a JOIN needs ON")),
    };
    Ok(Source { table, alias, on, is_outer })
}

/// A column of the answer.
struct Projected<'q> {
    name: String,
    expr: Expr,
    /// As written; `None` for a column of `*`.
    written: Option<&'q ast::Expr>,
}

fn projection<'q>(
    compiler: &Compiler<'_>,
    items: &'q [ast::SelectItem],
    sources: &[Source],
) -> Result<Vec<Projected<'q>>, SqlError> {
    let mut projected = Vec::new();
    for (at, item) in items.iter().enumerate() {
        match item {
            ast::SelectItem::UnnamedExpr(written) => {
                let name = match written {
                    ast::Expr::Identifier(it) => it.value.to_lowercase(),
                    ast::Expr::CompoundIdentifier(parts) => {
                        parts.last().map(|it| it.value.to_lowercase()).unwrap_or_default()
                    }
                    _ => format!("expr{}", at + 1),
                };
                projected.push(Projected { name, expr: compiler.expr(written)?, written: Some(written) });
            }
            ast::SelectItem::ExprWithAlias { expr, alias } => projected.push(Projected {
                name: alias.value.to_lowercase(),
                expr: compiler.expr(expr)?,
                written: Some(expr),
            }),
            ast::SelectItem::Wildcard(_) => projected.extend(compiler.all_columns(sources, None)),
            ast::SelectItem::QualifiedWildcard(ast::SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                projected.extend(compiler.all_columns(sources, Some(&name.to_string().to_lowercase())));
            }
            _ => return Err(unsupported("this column of SELECT")),
        }
    }
    Ok(projected)
}

impl Compiler<'_> {
    fn all_columns<'q>(&self, sources: &[Source], alias: Option<&str>) -> Vec<Projected<'q>> {
        let mut columns = Vec::new();
        for (at, source) in sources.iter().enumerate().filter(|(_, it)| alias.is_none_or(|alias| alias == it.alias)) {
            let of_table = source.table.columns().iter();
            for column in of_table.filter_map(|it| source.table.column(it.name, self.settings())) {
                columns.push(Projected { name: column.name.to_owned(), expr: Expr::Column(at, column), written: None });
            }
        }
        columns
    }
}

fn order(compiler: &Compiler<'_>, query: &ast::Query, projected: &[Projected<'_>]) -> Result<Vec<Order>, SqlError> {
    let Some(order_by) = &query.order_by else { return Ok(Vec::new()) };
    let ast::OrderByKind::Expressions(exprs) = &order_by.kind else { return Err(unsupported("ORDER BY ALL")) };
    let mut order = Vec::new();
    for by in exprs {
        let is_descending = match by.options.sort {
            None | Some(ast::OrderBySort::Asc) => false,
            Some(ast::OrderBySort::Desc) => true,
            Some(ast::OrderBySort::Using(_)) => return Err(unsupported("ORDER BY … USING")),
        };
        let expr = match ordered_column(&by.expr, projected)? {
            Some(Projected { written: Some(written), .. }) => compiler.expr(written)?,
            Some(Projected { expr: Expr::Column(at, column), .. }) => Expr::Column(*at, column),
            _ => compiler.expr(&by.expr)?,
        };
        // As in the database behind it: nulls come last, and first when descending.
        order.push(Order { expr, is_descending, nulls_first: by.options.nulls_first.unwrap_or(is_descending) });
    }
    Ok(order)
}

/// The column of the answer that an ORDER BY names by its position or its alias.
fn ordered_column<'p, 'q>(
    by: &ast::Expr,
    projected: &'p [Projected<'q>],
) -> Result<Option<&'p Projected<'q>>, SqlError> {
    match by {
        ast::Expr::Value(value) => {
            let ast::Value::Number(position, _) = &value.value else { return Ok(None) };
            let at = position.parse::<usize>().ok().and_then(|it| it.checked_sub(1));
            let column = at.and_then(|it| projected.get(it));
            column
                .map(Some)
                .ok_or_else(|| SqlError::new("ORDER BY item must be the number of a SELECT-list expression"))
        }
        ast::Expr::Identifier(name) => Ok(projected.iter().find(|it| it.name == name.value.to_lowercase())),
        _ => Ok(None),
    }
}

fn rows_max(fetch: &ast::Fetch) -> Result<usize, SqlError> {
    let quantity = match &fetch.quantity {
        None => Some(1),
        Some(ast::Expr::Value(value)) => match &value.value {
            ast::Value::Number(number, _) => number.parse().ok(),
            _ => None,
        },
        Some(_) => None,
    };
    if fetch.percent || fetch.with_ties {
        return Err(unsupported("FETCH with PERCENT or TIES"));
    }
    quantity.ok_or_else(|| unsupported("FETCH FIRST takes a number"))
}
