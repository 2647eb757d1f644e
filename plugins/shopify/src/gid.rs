//! Global ids. The engine sees the number, which webhooks and exports show too.

use truthsource_sdk::Fault;

/// `gid://shopify/Location/67` of `67`.
pub(crate) fn gid(kind: &str, id: &str) -> String {
    format!("gid://shopify/{kind}/{id}")
}

/// The number of a global id, without the query string that some carry.
pub(crate) fn number(gid: &str) -> Result<String, Fault> {
    let last = gid.rsplit('/').next().unwrap_or(gid);
    let digits = last.split('?').next().unwrap_or(last);
    if is_number(digits) { Ok(digits.to_owned()) } else { Err(Fault::Protocol(format!("`{gid}` is no id"))) }
}

/// Whether this can be the number of an id. Anything else was never one of ours, and is not asked for.
pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|it| it.is_ascii_digit())
}

/// Both numbers of `4501:67`.
pub(crate) fn pair(remote_id: &str) -> Option<(&str, &str)> {
    remote_id.split_once(':').filter(|(first, second)| is_number(first) && is_number(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_in_every_spelling() {
        assert_eq!(number("gid://shopify/Location/67").unwrap(), "67");
        assert_eq!(number("gid://shopify/InventoryLevel/1160?inventory_item_id=4501").unwrap(), "1160");
        assert!(number("gid://shopify/Location/").is_err());
        assert_eq!(pair("4501:67"), Some(("4501", "67")));
        assert_eq!(pair("base:67"), None);
    }
}
