//! Global ids: `gid://shopify/Product/42`.

/// The global id of the `number`th `kind`.
#[must_use]
pub fn gid(kind: &str, number: u64) -> String {
    format!("gid://shopify/{kind}/{number}")
}

/// The global id of a stock level: it names its location's levels, and the item in a query string.
#[must_use]
pub fn level_gid(location: u64, item: u64) -> String {
    format!("gid://shopify/InventoryLevel/{}?inventory_item_id={item}", location + LEVELS)
}

/// Where a location's level numbers begin, so that nobody takes one for the location's own.
const LEVELS: u64 = 1000;

/// The kind and number of a global id, whatever its query string says.
#[must_use]
pub fn split(gid: &str) -> Option<(&str, u64)> {
    let (kind, rest) = gid.strip_prefix("gid://shopify/")?.split_once('/')?;
    let number = rest.split_once('?').map_or(rest, |(number, _)| number);
    Some((kind, number.parse().ok()?))
}

/// The number of a global id of `kind`; a bare number is taken as one.
#[must_use]
pub fn number(gid: &str, kind: &str) -> Option<u64> {
    if let Ok(number) = gid.parse() {
        return Some(number);
    }
    split(gid).filter(|(found, _)| *found == kind).map(|(_, number)| number)
}

/// The location and item of a stock level's global id.
#[must_use]
pub fn level(gid: &str) -> Option<(u64, u64)> {
    let (_, levels) = split(gid).filter(|(kind, _)| *kind == "InventoryLevel")?;
    let (_, item) = gid.split_once("?inventory_item_id=")?;
    Some((levels.checked_sub(LEVELS)?, item.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_from_their_spelling() {
        assert_eq!(split(&gid("Product", 42)), Some(("Product", 42)));
        assert_eq!(number("gid://shopify/Product/42", "Product"), Some(42));
        assert_eq!(number("42", "Product"), Some(42));
        assert_eq!(number("gid://shopify/Order/42", "Product"), None);
        assert_eq!(level(&level_gid(67, 4501)), Some((67, 4501)));
        assert_eq!(level("gid://shopify/InventoryLevel/67"), None);
        assert_eq!(split("gid://other/Product/42"), None);
    }
}
