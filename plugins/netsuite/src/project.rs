//! What NetSuite would hold of a record.

use truthsource_sdk::charges::ChargeBook;
use truthsource_sdk::kinds::{Company, Item, Line, Location, Order, Price, Record, Status, StockLevel};
use truthsource_sdk::value::Held;
use truthsource_sdk::{Context, Fault, Fields, Kind};

use crate::order::date;

/// Letters that the fields of an item hold.
const CODE_MAX: usize = 60;
const TITLE_MAX: usize = 100;
const BARCODE_MAX: usize = 20;
/// Letters that the fields of a customer hold.
const NAME_MAX: usize = 83;
const EMAIL_MAX: usize = 254;
/// Letters of a PO number.
const PO_NUMBER_MAX: usize = 45;
/// Digits after the point of a quantity and of a rate.
const QUANTITY_PLACES: u8 = 5;
const RATE_PLACES: u8 = 6;

pub(crate) fn project(ctx: &Context, kind: Kind, record: &Fields) -> Result<Fields, Fault> {
    Ok(match kind {
        Kind::Location => Location::from_fields(record)?.into_fields(),
        Kind::Item => item(Item::from_fields(record)?).into_fields(),
        Kind::Company => company(Company::from_fields(record)?).into_fields(),
        Kind::StockLevel => {
            let level = StockLevel::from_fields(record)?;
            StockLevel { on_hand: level.on_hand.rounded(QUANTITY_PLACES), ..level }.into_fields()
        }
        Kind::Price => price(Price::from_fields(record)?).into_fields(),
        Kind::Order => order(&ChargeBook::read(&ctx.settings)?, Order::from_fields(record)?).into_fields(),
    })
}

fn item(item: Item) -> Item {
    Item {
        code: item.code.cut(CODE_MAX),
        title: item.title.cut(TITLE_MAX),
        barcode: item.barcode.cut(BARCODE_MAX),
        active: item.active,
    }
}

fn company(company: Company) -> Company {
    Company {
        code: company.code.cut(NAME_MAX),
        name: company.name.cut(NAME_MAX),
        email: company.email.cut(EMAIL_MAX),
        ..company
    }
}

fn price(mut price: Price) -> Price {
    price.amount = price.amount.rounded(RATE_PLACES);
    if let Held::Is(breaks) = &mut price.breaks {
        for row in breaks {
            row.from = row.from.round(QUANTITY_PLACES);
            row.amount = row.amount.round(RATE_PLACES);
        }
    }
    // No breaks and none at all are the same here.
    if price.breaks == Held::Empty {
        price.breaks = Held::Is(Vec::new());
    }
    price
}

/// NetSuite numbers, sums up and moves orders itself. Of one that is called off nothing is told but
/// that. Its day depends on the account's clock,
/// which is not at hand here.
fn order(book: &ChargeBook, order: Order) -> Order {
    if order.status == Held::Is(Status::Cancelled) {
        return Order { status: order.status, ..Order::default() };
    }
    let line = |it: Line| Line {
        item: it.item,
        sku: None,
        quantity: it.quantity.round(QUANTITY_PLACES),
        unit_price: it.unit_price.round(RATE_PLACES),
    };
    Order {
        number: Held::Unknown,
        status: Held::Unknown,
        fulfilments: Held::Unknown,
        taken: Held::Unknown,
        payment: Held::Unknown,
        hold: Held::Unknown,
        total: Held::Unknown,
        company: order.company,
        currency: order.currency,
        po_number: order.po_number.cut(PO_NUMBER_MAX),
        placed_at: match order.placed_at {
            Held::Is(at) if date(&at).is_none() => Held::Unknown,
            held => held,
        },
        lines: match order.lines {
            Held::Is(lines) => Held::Is(lines.into_iter().map(line).collect()),
            held => held,
        },
        charges: book.project(order.charges),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use truthsource_sdk::Value;

    fn fields(pairs: &[(&str, Value)]) -> Fields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    /// Projects, and checks that projecting again changes nothing: what a system holds is what it would hold.
    fn check(kind: Kind, record: &[(&str, Value)], expect: &[(&str, Value)]) {
        let ctx = Context::default();
        let once = project(&ctx, kind, &fields(record)).unwrap();
        assert_eq!(once, fields(expect));
        assert_eq!(project(&ctx, kind, &once).unwrap(), once);
    }

    #[test]
    fn texts_are_trimmed_and_cut() {
        let long = "x".repeat(150);
        check(
            Kind::Item,
            &[("code", text(" BOLT-8 ")), ("title", text(&long)), ("barcode", text("  "))],
            &[("code", text("BOLT-8")), ("title", text(&long[..100])), ("barcode", Value::Null)],
        );
    }

    #[test]
    fn an_order_keeps_what_the_books_keep() {
        let lines = r#"[{"item":"bolt-8","sku":"Bolt-8","quantity":"3","unit_price":"12.5"}]"#;
        let charges = r#"[{"kind":"shipping","title":"Express","amount":"9.5"},{"kind":"tax","amount":"7"}]"#;
        check(
            Kind::Order,
            &[
                ("number", text("#1042")),
                ("status", text("open")),
                ("placed_at", text("2026-11-22T01:00:00Z")),
                ("lines", Value::Json(lines.to_owned())),
                ("charges", Value::Json(charges.to_owned())),
            ],
            &[
                ("charges", Value::Json(r#"[{"kind":"shipping","amount":"9.5"}]"#.to_owned())),
                ("placed_at", text("2026-11-22T01:00:00Z")),
                ("lines", Value::Json(r#"[{"item":"bolt-8","quantity":"3","unit_price":"12.5"}]"#.to_owned())),
            ],
        );
    }

    #[test]
    fn of_an_order_that_is_called_off_nothing_else_is_told() {
        let lines = ("lines", Value::Json("[]".to_owned()));
        check(
            Kind::Order,
            &[("number", text("#1042")), ("status", text("cancelled")), lines],
            &[("status", text("cancelled"))],
        );
    }

    #[test]
    fn a_price_is_rounded_and_its_breaks_are_in_order() {
        let breaks = r#"[{"amount":"8.12345678","from":"100"},{"amount":"9","from":"10"}]"#;
        let expect = r#"[{"from":"10","amount":"9"},{"from":"100","amount":"8.123457"}]"#;
        check(
            Kind::Price,
            &[("amount", Value::Number("12.3456789".parse().unwrap())), ("breaks", Value::Json(breaks.to_owned()))],
            &[("amount", Value::Number("12.345679".parse().unwrap())), ("breaks", Value::Json(expect.to_owned()))],
        );
    }
}
