//! Amounts as the shop writes them.

use truthsource_core::Decimal;

/// `37.50`: at least two digits after the point, as bare prices are written.
#[must_use]
pub fn price(amount: Decimal) -> String {
    padded(amount, 2)
}

/// `37.5`, `10.0`: at least one digit after the point, as amounts beside a currency are written.
#[must_use]
pub fn amount(amount: Decimal) -> String {
    padded(amount, 1)
}

fn padded(amount: Decimal, places_min: usize) -> String {
    let mut text = amount.to_string();
    let places = text.find('.').map_or(0, |at| text.len() - at - 1);
    if places == 0 && places_min > 0 {
        text.push('.');
    }
    text.extend(std::iter::repeat_n('0', places_min.saturating_sub(places)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_keep_their_zeros() {
        let check = |text: &str, as_price: &str, as_amount: &str| {
            let number: Decimal = text.parse().unwrap();
            assert_eq!((price(number).as_str(), amount(number).as_str()), (as_price, as_amount));
        };
        check("37.5", "37.50", "37.5");
        check("10", "10.00", "10.0");
        check("0", "0.00", "0.0");
        check("-1.125", "-1.125", "-1.125");
    }
}
