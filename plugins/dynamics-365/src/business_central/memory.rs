//! The numbers of orders seen lately: when an order is gone, its invoices know it by its number.

use truthsource_sdk::json;

use super::books::Books;

const KEY: &str = "order-numbers";
/// What the host keeps under one key holds a little more.
const ORDERS_MAX: usize = 800;

/// An order's id and number.
pub(crate) type Numbered = (String, String);

/// The orders that are remembered, the latest last.
pub(crate) fn numbers(books: &Books<'_>) -> Vec<Numbered> {
    let kept = books.wire.host.get(KEY).ok().flatten();
    kept.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// Remembers orders, and forgets the oldest where there are too many. What cannot be kept is no reason to fail.
pub(crate) fn remember(books: &Books<'_>, orders: impl Iterator<Item = Numbered>) {
    let mut kept = numbers(books);
    let known: std::collections::BTreeSet<String> = kept.iter().map(|it| it.0.clone()).collect();
    let new: Vec<Numbered> = orders.filter(|it| !known.contains(&it.0)).collect();
    if new.is_empty() {
        return;
    }
    kept.extend(new);
    let surplus = kept.len().saturating_sub(ORDERS_MAX);
    kept.drain(..surplus);
    let _ = books.wire.host.set(KEY, json::text(&kept).as_bytes());
}
