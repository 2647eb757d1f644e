//! The order of rows.

use std::cmp::Ordering;

use super::cell::{Cell, Rules};
use super::eval::Row;
use super::expr::Property;
use super::problem::{Bad, What};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Ascending,
    Descending,
}

/// One of the properties that rows are ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub property: Property,
    pub direction: Direction,
}

/// How two rows stand to each other: a total order over cells of any type, null before everything when ascending.
///
/// # Errors
/// A property that a row does not have.
pub fn compare(a: &dyn Row, b: &dyn Row, orders: &[Order], rules: &Rules) -> Result<Ordering, Bad> {
    Ok(compare_keys(&key(a, orders)?, &key(b, orders)?, orders, rules))
}

/// Sorts rows stably: equal ones stay as they came. Reads each property once a row.
///
/// # Errors
/// A property that a row does not have; then the rows stay as they came.
pub fn sort<R: Row>(rows: &mut Vec<R>, orders: &[Order], rules: &Rules) -> Result<(), Bad> {
    let keys: Vec<Vec<Cell>> = rows.iter().map(|it| key(it, orders)).collect::<Result<_, _>>()?;
    let mut keyed: Vec<_> = keys.into_iter().zip(rows.drain(..)).collect();
    keyed.sort_by(|a, b| compare_keys(&a.0, &b.0, orders, rules));
    rows.extend(keyed.into_iter().map(|it| it.1));
    Ok(())
}

fn key(row: &dyn Row, orders: &[Order]) -> Result<Vec<Cell>, Bad> {
    let cell = |Order { property, .. }: &Order| {
        let missing = || Bad::new("$orderby", property.at.0, What::NoProperty(property.name()));
        row.cell(&property.path).ok_or_else(missing)
    };
    orders.iter().map(cell).collect()
}

fn compare_keys(a: &[Cell], b: &[Cell], orders: &[Order], rules: &Rules) -> Ordering {
    let each = a.iter().zip(b).zip(orders).map(|((a, b), order)| match order.direction {
        Direction::Ascending => a.total_order(b, rules),
        Direction::Descending => b.total_order(a, rules),
    });
    each.fold(Ordering::Equal, Ordering::then)
}
