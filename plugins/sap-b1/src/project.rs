//! What Business One would hold of a record.

use truthsource_sdk::charges::ChargeBook;
use truthsource_sdk::kinds::{Company, Item, Line, Location, Order, Price, Record, Status, StockLevel};
use truthsource_sdk::value::Held;
use truthsource_sdk::{Context, Decimal, Fault, Fields, Kind, moment};

use crate::settings::{decimals, lists, negative_stock, reference_field};
use crate::stamp::date;

/// Letters that the fields of an item hold.
const ITEM_CODE_MAX: usize = 50;
const ITEM_NAME_MAX: usize = 100;
const BARCODE_MAX: usize = 100;
/// Letters that the fields of a business partner hold.
const CARD_CODE_MAX: usize = 15;
const CARD_NAME_MAX: usize = 100;
const EMAIL_MAX: usize = 100;
/// Letters of a customer's own number.
const PO_NUMBER_MAX: usize = 100;

pub(crate) fn project(ctx: &Context, kind: Kind, record: &Fields) -> Result<Fields, Fault> {
    let quantity = decimals(&ctx.settings, "quantity-decimals")?;
    let price = decimals(&ctx.settings, "price-decimals")?;
    Ok(match kind {
        Kind::Location => Location::from_fields(record)?.into_fields(),
        Kind::Item => item(Item::from_fields(record)?).into_fields(),
        Kind::Company => company(Company::from_fields(record)?).into_fields(),
        Kind::StockLevel => {
            let level = StockLevel::from_fields(record)?;
            let on_hand = level.on_hand.rounded(quantity);
            let on_hand = if negative_stock(&ctx.settings)? { on_hand } else { at_least_nothing(on_hand) };
            StockLevel { on_hand, ..level }.into_fields()
        }
        Kind::Price => of_price(ctx, Price::from_fields(record)?, price)?.into_fields(),
        Kind::Order => order(ctx, Order::from_fields(record)?, (quantity, price))?.into_fields(),
    })
}

/// Where others counted down what there was only once, nothing is left: less than that cannot be booked.
fn at_least_nothing(on_hand: Held<Decimal>) -> Held<Decimal> {
    match on_hand {
        Held::Is(n) => Held::Is(n.max(Decimal::ZERO)),
        unknown => unknown,
    }
}

fn item(item: Item) -> Item {
    Item {
        code: item.code.cut(ITEM_CODE_MAX),
        title: item.title.cut(ITEM_NAME_MAX),
        barcode: item.barcode.cut(BARCODE_MAX),
        active: item.active,
    }
}

fn company(company: Company) -> Company {
    Company {
        code: company.code.cut(CARD_CODE_MAX),
        name: company.name.cut(CARD_NAME_MAX),
        email: company.email.cut(EMAIL_MAX),
        ..company
    }
}

/// A price on a list that the tenant did not name is nothing to hold here. Lists have codes of the tenant's spelling.
fn of_price(ctx: &Context, mut price: Price, places: u8) -> Result<Price, Fault> {
    if let Held::Is(list) = &price.list {
        let named = lists(&ctx.settings)?.into_values().find(|it| it.eq_ignore_ascii_case(list.trim()));
        let Some(named) = named else { return Ok(Price::default()) };
        price.list = Held::Is(named);
    }
    price.amount = price.amount.rounded(places);
    // They are told and not taken: whatever the truth is, it is not owed here.
    price.breaks = Held::Unknown;
    Ok(price)
}

/// Business One numbers, sums up and moves orders itself. Of one that is called off nothing is
/// told but that.
fn order(ctx: &Context, order: Order, (quantity, price): (u8, u8)) -> Result<Order, Fault> {
    if order.status == Held::Is(Status::Cancelled) {
        return Ok(Order { status: order.status, ..Order::default() });
    }
    let line = |it: Line| Line {
        item: it.item,
        sku: None,
        quantity: it.quantity.round(quantity),
        unit_price: it.unit_price.round(price),
    };
    let has_number = reference_field(&ctx.settings)?.is_some();
    let is_time = |it: &str| moment::parse(it).is_some() || date(it).is_some();
    Ok(Order {
        number: Held::Unknown,
        status: Held::Unknown,
        fulfilments: Held::Unknown,
        taken: Held::Unknown,
        payment: Held::Unknown,
        hold: Held::Unknown,
        total: Held::Unknown,
        company: order.company,
        currency: order.currency,
        po_number: if has_number { order.po_number.cut(PO_NUMBER_MAX) } else { Held::Unknown },
        placed_at: match order.placed_at {
            Held::Is(at) if !is_time(&at) => Held::Unknown,
            held => held,
        },
        lines: match order.lines {
            Held::Is(lines) => Held::Is(lines.into_iter().map(line).collect()),
            held => held,
        },
        charges: ChargeBook::read(&ctx.settings)?.project(order.charges),
    })
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

    fn number(text: &str) -> Value {
        Value::Number(text.parse().unwrap())
    }

    /// Projects, and checks that projecting again changes nothing: what a system holds is what it would hold.
    fn check(settings: &[(&str, &str)], kind: Kind, record: &[(&str, Value)], expect: &[(&str, Value)]) {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let ctx = Context { settings, now_ms: 0 };
        let once = project(&ctx, kind, &fields(record)).unwrap();
        assert_eq!(once, fields(expect));
        assert_eq!(project(&ctx, kind, &once).unwrap(), once);
    }

    #[test]
    fn texts_are_trimmed_and_cut() {
        let long = "x".repeat(150);
        check(
            &[],
            Kind::Item,
            &[("code", text(" BOLT-8 ")), ("title", text(&long)), ("barcode", text("  "))],
            &[("code", text("BOLT-8")), ("title", text(&long[..100])), ("barcode", Value::Null)],
        );
        check(&[], Kind::Company, &[("code", text(&long))], &[("code", text(&long[..15]))]);
        // A blank where it is cut goes, too.
        let blank = format!("{} {}", "y".repeat(14), "z");
        check(&[], Kind::Company, &[("code", text(&blank))], &[("code", text(&"y".repeat(14)))]);
    }

    #[test]
    fn an_order_keeps_what_the_books_keep() {
        let lines = r#"[{"item":"bolt-8","sku":"Bolt-8","quantity":"3","unit_price":"12.506"}]"#;
        let order = [
            ("number", text("#1042")),
            ("status", text("open")),
            ("po_number", text("PO-77")),
            ("placed_at", text("2026-11-22T01:00:00Z")),
            ("lines", Value::Json(lines.to_owned())),
        ];
        let kept = |price: &str| {
            let lines = format!(r#"[{{"item":"bolt-8","quantity":"3","unit_price":"{price}"}}]"#);
            [("placed_at", text("2026-11-22T01:00:00Z")), ("lines", Value::Json(lines))]
        };
        check(&[], Kind::Order, &order, &kept("12.506"));
        check(&[("price-decimals", "2")], Kind::Order, &order, &kept("12.51"));
        let [at, lines] = kept("12.506");
        check(&[("external-id-field", "U_ExtId")], Kind::Order, &order, &[("po_number", text("PO-77")), at, lines]);
        check(&[], Kind::Order, &[("placed_at", text("yesterday"))], &[]);
        check(&[], Kind::Order, &[("placed_at", text("2026-11-22"))], &[("placed_at", text("2026-11-22"))]);
    }

    #[test]
    fn of_an_order_that_is_called_off_nothing_else_is_told() {
        let lines = ("lines", Value::Json("[]".to_owned()));
        check(
            &[],
            Kind::Order,
            &[("number", text("#1042")), ("status", text("cancelled")), lines],
            &[("status", text("cancelled"))],
        );
    }

    #[test]
    fn a_price_is_rounded_and_stands_on_a_list_of_the_tenants() {
        let breaks = r#"[{"amount":"8.12345678","from":"100"},{"amount":"9","from":"10"}]"#;
        let record =
            [("list", text("Base")), ("amount", number("12.3456789")), ("breaks", Value::Json(breaks.to_owned()))];
        let expect = [("list", text("base")), ("amount", number("12.3457"))];
        check(&[("price-decimals", "4")], Kind::Price, &record, &expect);
        check(&[("price-lists", "2=wholesale")], Kind::Price, &record, &[]);
    }

    #[test]
    fn a_quantity_is_rounded() {
        check(
            &[("quantity-decimals", "0"), ("negative-stock", "yes")],
            Kind::StockLevel,
            &[("on_hand", number("-2.5"))],
            &[("on_hand", number("-3"))],
        );
    }

    #[test]
    fn stock_below_nothing_is_nothing_where_the_company_lets_none_be() {
        let held = |n: &str| [("on_hand", number(n))];
        check(&[], Kind::StockLevel, &held("-2.5"), &held("0"));
        check(&[], Kind::StockLevel, &held("2.5"), &held("2.5"));
    }
}
