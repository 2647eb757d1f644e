//! What lines cost, exactly.

use truthsource_core::Decimal;

/// `quantity × price`, to the cent; `None` when it has too many digits.
pub(super) fn line_amount(quantity: Decimal, price: Decimal) -> Option<Decimal> {
    quantity.checked_mul(price).map(|it| it.round(2))
}

/// `percent` of an amount, to the cent; `None` when it has too many digits.
pub(super) fn share(amount: Decimal, percent: Decimal) -> Option<Decimal> {
    let hundredth = Decimal::new(1, 2).unwrap_or_default();
    amount.checked_mul(percent)?.checked_mul(hundredth).map(|it| it.round(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_rounded_like_invoices() {
        let number = |it: &str| it.parse::<Decimal>().unwrap();
        assert_eq!(line_amount(number("3"), number("12.345")), Some(number("37.04")));
        assert_eq!(share(number("37.04"), number("2.5")), Some(number("0.93")));
        assert_eq!(line_amount(number("999999999999"), number("99999999.999")), None);
    }
}
