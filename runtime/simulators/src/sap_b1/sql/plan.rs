//! From a parsed statement to what is to be done.

use sqlparser::ast;
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use super::Fault;
use super::compile::{Columns, Compiler};
use super::expr::{Comparison, Expr};
use super::tables::Table;
use crate::known::Known;
use crate::sap_b1::state::State;

/// How deep a statement may nest.
const DEPTH_MAX: usize = 40;

/// Texts as they were parsed.
static STATEMENTS: Known<Vec<ast::Statement>> = Known::new();

/// A stored text, understood.
pub(super) struct Query {
    pub select: Select,
    /// In the order in which the text names them, each once.
    pub params: Vec<String>,
}

/// A query, or several that are put together.
pub(super) struct Select {
    pub names: Vec<String>,
    pub parts: Vec<Part>,
    /// Rows that are alike come once: `UNION` without `ALL`.
    pub is_distinct: bool,
    pub order: Vec<Order>,
}

/// One query of those that are put together.
pub(super) struct Part {
    pub sources: Vec<Source>,
    pub filter: Option<Expr>,
    pub group_by: Vec<Expr>,
    pub having: Option<Expr>,
    pub columns: Vec<Expr>,
    pub is_distinct: bool,
}

/// A table of the query, and how it is joined to those before it.
pub(super) struct Source {
    pub from: From,
    pub on: Option<Expr>,
    /// Rows before it stay even when it has none for them.
    pub is_outer: bool,
    /// What its lead column must equal, where that is known before it is looked at.
    pub lead: Option<Expr>,
}

pub(super) enum From {
    Table(Table),
    Query(Box<Select>),
}

/// How rows are ordered by one column or expression.
pub(super) struct Order {
    pub by: By,
    pub is_descending: bool,
}

pub(super) enum By {
    /// A column of the answer.
    Column(usize),
    Expr(Expr),
}

impl Part {
    /// The query folds rows together.
    pub(super) fn is_grouped(&self) -> bool {
        !self.group_by.is_empty() || self.having.is_some() || self.columns.iter().any(Expr::is_aggregate)
    }
}

pub(super) fn unsupported(what: impl std::fmt::Display) -> Fault {
    Fault::Grammar(format!("{what} is not supported"))
}

impl Query {
    /// Understands a text.
    pub(super) fn parse(state: &State, sql: &str) -> Result<Self, Fault> {
        let parsed = STATEMENTS.of(sql, |sql| {
            let parser = Parser::new(&GenericDialect {}).with_recursion_limit(DEPTH_MAX);
            parser.try_with_sql(sql).and_then(|mut it| it.parse_statements())
        });
        let statements = parsed.map_err(|it| Fault::Grammar(it.to_string()))?;
        let [ast::Statement::Query(query)] = statements.as_slice() else {
            return Err(Fault::Grammar("one SELECT statement was expected".to_owned()));
        };
        let mut compiler = Compiler::new(state);
        let select = compiler.select(query)?;
        Ok(Self { select, params: compiler.params })
    }
}

impl Compiler<'_> {
    /// A whole query, which sees those around it.
    pub(super) fn select(&mut self, query: &ast::Query) -> Result<Select, Fault> {
        let refused = [
            (query.with.is_some(), "WITH"),
            (query.limit_clause.is_some(), "LIMIT"),
            (query.fetch.is_some(), "FETCH"),
            (!query.locks.is_empty(), "FOR UPDATE"),
        ];
        if let Some((_, what)) = refused.into_iter().find(|(is_there, _)| *is_there) {
            return Err(unsupported(what));
        }
        let (mut selects, mut is_distinct) = (Vec::new(), false);
        flatten(&query.body, &mut selects, &mut is_distinct)?;
        let is_single = selects.len() == 1;
        let (mut names, mut parts, mut order) = (Vec::new(), Vec::new(), Vec::new());
        for select in selects {
            self.scopes.push(Vec::new());
            let (own_names, part) = self.part(select)?;
            if parts.is_empty() {
                names = own_names;
            } else if own_names.len() != names.len() {
                return Err(Fault::Grammar("the queries of a UNION need as many columns each".to_owned()));
            }
            if is_single {
                order = self.order(query, &names, true)?;
            }
            self.scopes.pop();
            parts.push(part);
        }
        if !is_single {
            order = self.order(query, &names, false)?;
        }
        Ok(Select { names, parts, is_distinct, order })
    }

    fn part(&mut self, select: &ast::Select) -> Result<(Vec<String>, Part), Fault> {
        let refused = [
            (select.top.is_some(), "TOP"),
            (select.into.is_some(), "INTO"),
            (select.qualify.is_some(), "QUALIFY"),
            (matches!(select.distinct, Some(ast::Distinct::On(_))), "DISTINCT ON"),
        ];
        if let Some((_, what)) = refused.into_iter().find(|(is_there, _)| *is_there) {
            return Err(unsupported(what));
        }
        let mut sources = Vec::new();
        for from in &select.from {
            sources.push(self.source(&from.relation, None)?);
            for join in &from.joins {
                sources.push(self.source(&join.relation, Some(&join.join_operator))?);
            }
        }
        if sources.is_empty() {
            return Err(Fault::Grammar("FROM is missing".to_owned()));
        }
        let filter = select.selection.as_ref().map(|it| self.expr(it)).transpose()?;
        let ast::GroupByExpr::Expressions(group_by, modifiers) = &select.group_by else {
            return Err(unsupported("GROUP BY ALL"));
        };
        if !modifiers.is_empty() {
            return Err(unsupported("this GROUP BY"));
        }
        let group_by = group_by.iter().map(|it| self.expr(it)).collect::<Result<_, _>>()?;
        let having = select.having.as_ref().map(|it| self.expr(it)).transpose()?;
        let (names, columns) = self.columns(&select.projection)?;
        let is_distinct = matches!(select.distinct, Some(ast::Distinct::Distinct));
        self.find_leads(&mut sources, filter.as_ref());
        Ok((names, Part { sources, filter, group_by, having, columns, is_distinct }))
    }

    /// One table or query of FROM. Its alias is known to expressions from here on, its own ON included.
    fn source(&mut self, factor: &ast::TableFactor, join: Option<&ast::JoinOperator>) -> Result<Source, Fault> {
        let (from, columns, alias) = match factor {
            ast::TableFactor::Table { name, alias, args: None, .. } => {
                let name = name.0.last().and_then(|it| it.as_ident()).map(|it| it.value.clone()).unwrap_or_default();
                let table = self.table(&name)?;
                (From::Table(table), Columns::Table(table), alias.as_ref().map_or(name, |it| it.name.value.clone()))
            }
            ast::TableFactor::Derived { subquery, alias: Some(alias), lateral: false, .. } => {
                let select = self.select(subquery)?;
                let names = select.names.clone();
                (From::Query(Box::new(select)), Columns::Query(names), alias.name.value.clone())
            }
            other => return Err(unsupported(other)),
        };
        if let Some(scope) = self.scopes.last_mut() {
            scope.push((alias.to_lowercase(), columns));
        }
        let (constraint, is_outer) = match join {
            None => (None, false),
            Some(ast::JoinOperator::Join(it) | ast::JoinOperator::Inner(it) | ast::JoinOperator::CrossJoin(it)) => {
                (Some(it), false)
            }
            Some(ast::JoinOperator::Left(it) | ast::JoinOperator::LeftOuter(it)) => (Some(it), true),
            Some(_) => return Err(unsupported("this JOIN")),
        };
        let on = match constraint {
            None | Some(ast::JoinConstraint::None) => None,
            Some(ast::JoinConstraint::On(condition)) => Some(self.expr(condition)?),
            Some(_) => return Err(unsupported("a JOIN without ON")),
        };
        Ok(Source { from, on, is_outer, lead: None })
    }

    fn columns(&mut self, items: &[ast::SelectItem]) -> Result<(Vec<String>, Vec<Expr>), Fault> {
        let (mut names, mut columns): (Vec<String>, _) = (Vec::new(), Vec::new());
        for item in items {
            let (name, written) = match item {
                ast::SelectItem::ExprWithAlias { expr, alias } => (alias.value.clone(), expr),
                ast::SelectItem::UnnamedExpr(expr) => match expr {
                    ast::Expr::Identifier(it) => (it.value.clone(), expr),
                    ast::Expr::CompoundIdentifier(parts) => {
                        (parts.last().map(|it| it.value.clone()).unwrap_or_default(), expr)
                    }
                    _ => (expr.to_string(), expr),
                },
                _ => return Err(unsupported("SELECT *")),
            };
            if names.contains(&name) {
                return Err(Fault::Grammar(format!("column '{name}' is there twice; give it another alias")));
            }
            columns.push(self.expr(written)?);
            names.push(name);
        }
        Ok((names, columns))
    }

    fn order(&mut self, query: &ast::Query, names: &[String], in_scope: bool) -> Result<Vec<Order>, Fault> {
        let Some(order_by) = &query.order_by else { return Ok(Vec::new()) };
        let ast::OrderByKind::Expressions(exprs) = &order_by.kind else { return Err(unsupported("ORDER BY ALL")) };
        let mut order = Vec::new();
        for by in exprs {
            let is_descending = match by.options.sort {
                None | Some(ast::OrderBySort::Asc) => false,
                Some(ast::OrderBySort::Desc) => true,
                Some(ast::OrderBySort::Using(_)) => return Err(unsupported("ORDER BY … USING")),
            };
            let by = match named_column(&by.expr, names) {
                Some(at) => By::Column(at),
                None if in_scope => By::Expr(self.expr(&by.expr)?),
                None => return Err(Fault::Column(by.expr.to_string())),
            };
            order.push(Order { by, is_descending });
        }
        Ok(order)
    }

    /// Notes where a table need not be looked at as a whole.
    fn find_leads(&self, sources: &mut [Source], filter: Option<&Expr>) {
        for at in 0..sources.len() {
            let Some(source) = sources.get(at) else { continue };
            let From::Table(table) = source.from else { continue };
            // The filter sees outer rows that have no partner, so it may not limit where partners are looked for.
            let filter = filter.filter(|_| !source.is_outer);
            let conditions = source.on.iter().chain(filter).flat_map(conjuncts);
            let lead = conditions.filter_map(|it| Self::equal_to_lead(it, at, table)).next();
            if let Some(source) = sources.get_mut(at) {
                source.lead = lead;
            }
        }
    }

    /// `T1.ItemCode = …`, where the other side is known before the table is looked at.
    fn equal_to_lead(condition: &Expr, source: usize, table: Table) -> Option<Expr> {
        let Expr::Compare(Comparison::Equal, left, right) = condition else { return None };
        let is_lead = |it: &Expr| it.is_column(source, table.lead());
        let other = match (is_lead(left), is_lead(right)) {
            (true, false) => right,
            (false, true) => left,
            _ => return None,
        };
        other.is_known_before(source).then(|| other.copied()).flatten()
    }
}

/// The queries of a UNION, from left to right.
fn flatten<'q>(
    body: &'q ast::SetExpr,
    selects: &mut Vec<&'q ast::Select>,
    is_distinct: &mut bool,
) -> Result<(), Fault> {
    match body {
        ast::SetExpr::Select(select) => selects.push(select),
        ast::SetExpr::SetOperation { op: ast::SetOperator::Union, set_quantifier, left, right } => {
            *is_distinct |= *set_quantifier != ast::SetQuantifier::All;
            flatten(left, selects, is_distinct)?;
            flatten(right, selects, is_distinct)?;
        }
        other => return Err(unsupported(other)),
    }
    Ok(())
}

/// The column of the answer that an ORDER BY names by its position or its alias.
fn named_column(by: &ast::Expr, names: &[String]) -> Option<usize> {
    match by {
        ast::Expr::Value(value) => match &value.value {
            ast::Value::Number(position, _) => {
                position.parse::<usize>().ok()?.checked_sub(1).filter(|it| *it < names.len())
            }
            _ => None,
        },
        ast::Expr::Identifier(name) => names.iter().position(|it| it.eq_ignore_ascii_case(&name.value)),
        _ => None,
    }
}

/// The parts of which every one must hold.
fn conjuncts(condition: &Expr) -> Vec<&Expr> {
    match condition {
        Expr::And(parts) => parts.iter().flat_map(conjuncts).collect(),
        other => vec![other],
    }
}
