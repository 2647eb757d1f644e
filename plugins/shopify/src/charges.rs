//! What an order is charged beside its lines: shipping, taxes, and what is taken off the whole.
//!
//! Prices of lines have the discounts of their lines in them, and neither those of the whole order nor those of codes. What
//! these come to is what is missing between the lines and the total; the shop's own sum of all discounts says whether it can
//! be a discount at all. So nothing is counted twice, and lines and charges make the total to the cent.

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use truthsource_sdk::Decimal;
use truthsource_sdk::kinds::{Charge, ChargeKind};
use truthsource_sdk::value::Held;

use crate::item::filled;
use crate::price_list::Money;

/// What is asked of an order about its charges.
macro_rules! bill {
    () => {
        " currentTotalPriceSet { shopMoney { amount } } currentShippingPriceSet { shopMoney { amount } } \
         shippingLine { title taxLines { ...T } } currentTaxLines { ...T } \
         currentTotalDiscountsSet { shopMoney { amount } } discountCodes "
    };
}
pub(crate) use bill;

/// The fragment that [`bill`] needs.
macro_rules! tax {
    () => {
        " fragment T on TaxLine { title priceSet { shopMoney { amount } } }"
    };
}
pub(crate) use tax;

/// What is charged for an order, in the shop's currency.
#[derive(Debug, Clone)]
pub(crate) struct Bill<'a> {
    /// What is to be paid.
    pub total: Decimal,
    /// What bringing it costs.
    pub shipping: Decimal,
    /// How it is brought.
    pub shipping_line: Option<&'a ShippingLine>,
    /// Taxes, one a name and rate.
    pub taxes: &'a [TaxLine],
    /// All discounts together, those of lines among them.
    pub discounts: Decimal,
    /// What discounts were given for.
    pub codes: &'a [String],
}

/// An amount in the shop's currency.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bag {
    pub shop_money: Money,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShippingLine {
    title: String,
    #[serde(default)]
    tax_lines: Vec<TaxLine>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaxLine {
    title: String,
    price_set: Bag,
}

/// The lines of an order, added up.
pub(crate) struct Net {
    /// Quantity times price.
    pub amount: Decimal,
    /// How many pieces are still wanted.
    pub pieces: Decimal,
    /// Some of what was bought is not wanted any more.
    pub is_edited: bool,
}

impl Bill<'_> {
    /// What is charged beside lines of so much, or why it cannot be told so that both make the total.
    pub(crate) fn charges(&self, net: &Net) -> Result<Vec<Charge>, String> {
        let too_long = || "its amounts have too many digits".to_owned();
        let mut charges = vec![self.shipping()];
        charges.extend(self.taxes.iter().map(tax_of));
        charges.retain(|it| it.amount != Decimal::ZERO);
        let told = Charge::sum(&charges).and_then(|it| it.checked_add(net.amount)).ok_or_else(too_long)?;
        let off = told.checked_sub(self.total).ok_or_else(too_long)?;
        let slack = self.slack(net).ok_or_else(too_long)?;
        let most = self.discounts.checked_add(slack).ok_or_else(too_long)?;
        if off > Decimal::ZERO && off <= most || off.is_negative() && -off <= slack {
            charges.push(Charge { title: self.off_title(), ..Charge::new(ChargeKind::Discount, -off) });
        } else if off.is_negative() {
            // Some shops count the taxes on shipping among those of the lines, and others do not.
            let taxes: Vec<Charge> = self.shipping_line.into_iter().flat_map(|it| &it.tax_lines).map(tax_of).collect();
            if Charge::sum(&taxes) != Some(-off) {
                return Err(format!("its total {} is more than its lines and charges by {}", self.total, -off));
            }
            charges.extend(taxes);
        } else if off > Decimal::ZERO {
            return Err(format!("its total {} is less than its lines and charges by {off}", self.total));
        }
        Ok(charges)
    }

    fn shipping(&self) -> Charge {
        let title = self.shipping_line.and_then(|it| filled(Some(&it.title)));
        Charge { title, ..Charge::new(ChargeKind::Shipping, self.shipping) }
    }

    fn off_title(&self) -> Option<String> {
        let codes: Vec<String> = self.codes.iter().filter_map(|it| filled(Some(it))).collect();
        filled(Some(&codes.join(", ")))
    }

    /// How far the total may be from its parts for being rounded: the price of a discounted piece is told to the cent, and
    /// of an order that was edited so are the taxes of each line that is left.
    fn slack(&self, net: &Net) -> Option<Decimal> {
        let half_a_cent = Decimal::new(5, 3).ok()?;
        let pieces = if self.discounts > Decimal::ZERO { net.pieces.checked_mul(half_a_cent)? } else { Decimal::ZERO };
        let taxes = if net.is_edited { self.taxes.len() } else { 0 };
        pieces.checked_add(Decimal::new(i64::try_from(taxes).ok()?, 2).ok()?)
    }
}

fn tax_of(it: &TaxLine) -> Charge {
    let title = filled(Some(&it.title));
    Charge { title, ..Charge::new(ChargeKind::Tax, it.price_set.shop_money.amount) }
}

/// What things are called that nobody gave a name.
fn usual(kind: ChargeKind) -> &'static str {
    match kind {
        ChargeKind::Discount => "Discount",
        ChargeKind::Shipping => "Shipping",
        ChargeKind::Tax => "Tax",
    }
}

/// What a shop would hold of charges: each has a name, and there is one for shipping, and one for what is taken off.
pub(crate) fn project(charges: Held<Vec<Charge>>, places: u8) -> Held<Vec<Charge>> {
    let charges = match charges {
        Held::Unknown => return Held::Unknown,
        Held::Empty => Vec::new(),
        Held::Is(charges) => charges,
    };
    let mut kept: Vec<Charge> = Vec::new();
    for it in charges {
        let title = it.title.as_deref().and_then(|it| filled(Some(it))).unwrap_or_else(|| usual(it.kind).to_owned());
        let title: String = title.chars().take(255).collect();
        let is_same = |known: &&mut Charge| {
            known.kind == it.kind && (it.kind != ChargeKind::Tax || known.title.as_ref() == Some(&title))
        };
        match kept.iter_mut().find(is_same) {
            Some(known) => known.amount = known.amount.checked_add(it.amount).unwrap_or(known.amount),
            None => kept.push(Charge { title: Some(title), ..it }),
        }
    }
    kept.iter_mut().for_each(|it| it.amount = it.amount.round(places));
    kept.retain(|it| it.amount != Decimal::ZERO);
    Held::Is(kept)
}

/// Puts charges into an order that is to be created.
pub(crate) fn write(order: &mut Map<String, Json>, charges: &[Charge], currency: &str) {
    let money = |amount: Decimal| json!({ "shopMoney": { "amount": amount.to_string(), "currencyCode": currency } });
    let named = |it: &Charge| it.title.clone().unwrap_or_else(|| usual(it.kind).to_owned());
    let of = |kind: ChargeKind| charges.iter().filter(move |it| it.kind == kind);
    let shipping: Vec<Json> =
        of(ChargeKind::Shipping).map(|it| json!({ "title": named(it), "priceSet": money(it.amount) })).collect();
    // What they were reckoned from is not known here, and the amount counts.
    let taxes: Vec<Json> = of(ChargeKind::Tax)
        .map(|it| json!({ "title": named(it), "rate": "0", "priceSet": money(it.amount) }))
        .collect();
    for (name, rows) in [("shippingLines", shipping), ("taxLines", taxes)] {
        if !rows.is_empty() {
            order.insert(name.to_owned(), Json::Array(rows));
        }
    }
    if let Some(off) = of(ChargeKind::Discount).next() {
        let fixed = json!({ "code": named(off), "amountSet": money(-off.amount) });
        order.insert("discountCode".to_owned(), json!({ "itemFixedDiscountCode": fixed }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn tax(amount: &str) -> TaxLine {
        let shop_money = Money { amount: number(amount) };
        TaxLine { title: "VAT".to_owned(), price_set: Bag { shop_money } }
    }

    /// Total, shipping, taxes and all discounts of an order, and what is told of them beside its lines.
    fn check([total, shipping, vat, discounts]: [&str; 4], net: &Net, expect: Result<&[&str], &str>) {
        let line = ShippingLine { title: "Standard".to_owned(), tax_lines: vec![tax("1.9")] };
        let bill = Bill {
            total: number(total),
            shipping: number(shipping),
            shipping_line: Some(&line),
            taxes: &[tax(vat)],
            discounts: number(discounts),
            codes: &["TEN".to_owned(), "LOYAL".to_owned()],
        };
        match (bill.charges(net), expect) {
            (Ok(charges), Ok(expect)) => {
                let shown =
                    |it: &Charge| format!("{} {} {}", it.kind.as_str(), it.title.as_deref().unwrap_or("-"), it.amount);
                assert_eq!(charges.iter().map(shown).collect::<Vec<_>>(), expect);
                let sum = Charge::sum(&charges).and_then(|it| it.checked_add(net.amount));
                assert_eq!(sum, Some(bill.total), "lines and charges make the total");
            }
            (Err(why), Err(begins)) if why.starts_with(begins) => {}
            (seen, _) => panic!("{seen:?}"),
        }
    }

    #[test]
    fn lines_and_charges_make_the_total() {
        let net = Net { amount: number("37.5"), pieces: number("3"), is_edited: false };
        check(["37.5", "0", "0", "0"], &net, Ok(&[]));
        check(["47", "9.5", "0", "0"], &net, Ok(&["shipping Standard 9.5"]));
        check(["54", "9.5", "7", "0"], &net, Ok(&["shipping Standard 9.5", "tax VAT 7"]));
        check(
            ["50.25", "9.5", "7", "3.75"],
            &net,
            Ok(&["shipping Standard 9.5", "tax VAT 7", "discount TEN, LOYAL -3.75"]),
        );
        // Discounts of lines are in their prices already: of all discounts only a part is left.
        check(["36.5", "0", "0", "5"], &net, Ok(&["discount TEN, LOYAL -1"]));
        check(["55.9", "9.5", "7", "0"], &net, Ok(&["shipping Standard 9.5", "tax VAT 7", "tax VAT 1.9"]));
    }

    #[test]
    fn an_order_that_is_created_is_charged_the_same() {
        let row = |kind, title: Option<&str>, amount: &str| Charge {
            title: title.map(str::to_owned),
            ..Charge::new(kind, number(amount))
        };
        let charges = [
            row(ChargeKind::Discount, Some("TEN"), "-3.75"),
            row(ChargeKind::Shipping, None, "9.5"),
            row(ChargeKind::Tax, Some("VAT"), "7"),
        ];
        let mut order = Map::new();
        write(&mut order, &charges, "USD");
        let money = |amount: &str| json!({ "shopMoney": { "amount": amount, "currencyCode": "USD" } });
        let expect = json!({
            "shippingLines": [{ "title": "Shipping", "priceSet": money("9.5") }],
            "taxLines": [{ "title": "VAT", "rate": "0", "priceSet": money("7") }],
            "discountCode": { "itemFixedDiscountCode": { "code": "TEN", "amountSet": money("3.75") } },
        });
        assert_eq!(Json::Object(order), expect);
        let mut order = Map::new();
        write(&mut order, &[], "USD");
        assert!(order.is_empty());
    }

    #[test]
    fn what_nothing_explains_is_not_told() {
        let net = Net { amount: number("37.5"), pieces: number("3"), is_edited: false };
        check(["37.49", "0", "0", "0"], &net, Err("its total 37.49 is less than its lines and charges by 0.01"));
        check(["30", "0", "0", "5"], &net, Err("its total 30 is less"));
        // Duties, tips and fees.
        check(["40", "0", "0", "0"], &net, Err("its total 40 is more than its lines and charges by 2.5"));
    }

    #[test]
    fn what_was_rounded_is_told_too() {
        // A euro off three of ten: 9.67 each, and 29 together.
        let net = Net { amount: number("29.01"), pieces: number("3"), is_edited: false };
        check(["29", "0", "0", "1"], &net, Ok(&["discount TEN, LOYAL -0.01"]));
        let net = Net { amount: number("28.99"), pieces: number("3"), is_edited: false };
        check(["29", "0", "0", "1"], &net, Ok(&["discount TEN, LOYAL 0.01"]));
        // A third was taken off again, and its taxes with it.
        let net = Net { amount: number("25"), pieces: number("2"), is_edited: true };
        check(["29.66", "0", "4.67", "0"], &net, Ok(&["tax VAT 4.67", "discount TEN, LOYAL -0.01"]));
    }

    #[test]
    fn a_shop_has_one_shipping_and_one_discount() {
        let row = |kind, title: Option<&str>, amount: &str| Charge {
            title: title.map(str::to_owned),
            ..Charge::new(kind, number(amount))
        };
        let charges = vec![
            row(ChargeKind::Shipping, None, "5"),
            row(ChargeKind::Shipping, Some("Express"), "4.5"),
            row(ChargeKind::Tax, Some("State"), "1"),
            row(ChargeKind::Tax, Some("City"), "2"),
            row(ChargeKind::Discount, Some("TEN"), "0.001"),
        ];
        let once = project(Held::Is(charges), 2);
        let expect = vec![
            row(ChargeKind::Shipping, Some("Shipping"), "9.5"),
            row(ChargeKind::Tax, Some("State"), "1"),
            row(ChargeKind::Tax, Some("City"), "2"),
        ];
        assert_eq!(once, Held::Is(expect));
        assert_eq!(project(once.clone(), 2), once);
    }
}
