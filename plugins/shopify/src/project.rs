//! What a shop would hold of a record.

use truthsource_sdk::kinds::{Break, Company, Item, Line, Location, Order, Price, Record, Status, StockLevel};
use truthsource_sdk::value::Held;
use truthsource_sdk::{Context, Decimal, Fault, Fields, Kind};

use crate::charges;
use crate::settings::{base_list, price_decimals};

/// Letters that titles, names and numbers hold.
const TEXT_MAX: usize = 255;
/// Breaks that a price holds.
const BREAKS_MAX: usize = 10;

pub(crate) fn project(ctx: &Context, kind: Kind, record: &Fields) -> Result<Fields, Fault> {
    Ok(match kind {
        Kind::Location => Location::from_fields(record)?.into_fields(),
        Kind::Item => item(Item::from_fields(record)?).into_fields(),
        Kind::Company => company(Company::from_fields(record)?).into_fields(),
        Kind::StockLevel => stock(StockLevel::from_fields(record)?).into_fields(),
        Kind::Price => price(ctx, Price::from_fields(record)?)?.into_fields(),
        Kind::Order => order(ctx, Order::from_fields(record)?)?.into_fields(),
    })
}

fn item(item: Item) -> Item {
    Item {
        code: item.code.cut(TEXT_MAX),
        title: item.title.cut(TEXT_MAX),
        barcode: item.barcode.cut(TEXT_MAX),
        active: item.active,
    }
}

/// A shop has no mark for companies that may not buy.
fn company(company: Company) -> Company {
    Company {
        code: company.code.cut(TEXT_MAX),
        name: company.name.cut(TEXT_MAX),
        email: company.email.cut(TEXT_MAX),
        active: Held::Unknown,
        ..company
    }
}

/// Whole pieces, rounded down, and never fewer than none: half a piece cannot be sold.
fn stock(level: StockLevel) -> StockLevel {
    let on_hand = match level.on_hand {
        Held::Is(on_hand) => Held::Is(on_hand.floor().max(Decimal::ZERO)),
        held => held,
    };
    StockLevel { on_hand, ..level }
}

fn price(ctx: &Context, price: Price) -> Result<Price, Fault> {
    let places = price_decimals(ctx)?;
    let is_own = price.list.as_ref().is_some_and(|it| it.eq_ignore_ascii_case(base_list(ctx)));
    let list = match price.list {
        // Lists are called by their names in lower case.
        Held::Is(list) if !is_own => Held::Is(list.trim().to_lowercase()),
        Held::Is(_) => Held::Is(base_list(ctx).to_owned()),
        held => held,
    };
    let amount = match price.amount {
        Held::Is(amount) => Held::Is(amount.round(places)),
        held => held,
    };
    let breaks = match price.breaks {
        // The shop's own prices have none.
        _ if is_own => Held::Unknown,
        Held::Is(rows) => Held::Is(breaks(rows, places)),
        Held::Empty => Held::Is(Vec::new()),
        Held::Unknown => Held::Unknown,
    };
    Ok(Price { list, amount, breaks, ..price })
}

/// The lowest ten breaks, each from a whole number of pieces: from 2.5 on means from 3 on.
fn breaks(rows: Vec<Break>, places: u8) -> Vec<Break> {
    let mut whole: Vec<Break> = Vec::with_capacity(rows.len());
    for row in rows {
        let from = -(-row.from).floor();
        let row = Break { from, amount: row.amount.round(places) };
        // Rows are ascending: of two that become one, the higher holds.
        whole.retain(|it| it.from != from);
        whole.push(row);
    }
    whole.truncate(BREAKS_MAX);
    whole
}

/// A shop numbers, sums up and moves orders itself. Of one that is called off nothing is told but that.
fn order(ctx: &Context, order: Order) -> Result<Order, Fault> {
    if order.status == Held::Is(Status::Cancelled) {
        return Ok(Order { status: order.status, ..Order::default() });
    }
    let places = price_decimals(ctx)?;
    let line = |it: Line| Line { unit_price: it.unit_price.round(places), ..it };
    Ok(Order {
        number: Held::Unknown,
        status: Held::Unknown,
        taken: Held::Unknown,
        payment: Held::Unknown,
        hold: Held::Unknown,
        total: Held::Unknown,
        po_number: order.po_number.cut(TEXT_MAX),
        charges: charges::project(order.charges, places),
        lines: match order.lines {
            Held::Is(lines) => Held::Is(lines.into_iter().map(line).collect()),
            held => held,
        },
        ..order
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use truthsource_sdk::Value;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn number(text: &str) -> Value {
        Value::Number(text.parse().unwrap())
    }

    /// Projects, and checks that projecting again changes nothing: what a shop holds is what it would hold.
    fn check(kind: Kind, record: &[(&str, Value)], expect: &[(&str, Value)]) {
        let fields = |pairs: &[(&str, Value)]| -> Fields {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
        };
        let once = project(&Context::default(), kind, &fields(record)).unwrap();
        assert_eq!(once, fields(expect));
        assert_eq!(project(&Context::default(), kind, &once).unwrap(), once);
    }

    #[test]
    fn stock_is_whole_pieces_and_never_too_many() {
        check(Kind::StockLevel, &[("on_hand", number("7.9"))], &[("on_hand", number("7"))]);
        check(Kind::StockLevel, &[("on_hand", number("-3"))], &[("on_hand", number("0"))]);
    }

    #[test]
    fn the_own_price_has_no_breaks_and_a_list_has_ten() {
        let breaks = Value::Json(r#"[{"from":"2.5","amount":"9.999"},{"from":"3","amount":"9.5"}]"#.to_owned());
        check(
            Kind::Price,
            &[("list", text("base")), ("amount", number("12.345")), ("breaks", breaks.clone())],
            &[("list", text("base")), ("amount", number("12.35"))],
        );
        let expect = Value::Json(r#"[{"from":"3","amount":"9.5"}]"#.to_owned());
        check(
            Kind::Price,
            &[("list", text("Gold")), ("amount", number("10")), ("breaks", breaks)],
            &[("list", text("gold")), ("amount", number("10")), ("breaks", expect)],
        );
    }

    #[test]
    fn of_an_order_that_is_called_off_nothing_else_is_told() {
        let off = ("status", text("cancelled"));
        check(Kind::Order, &[("po_number", text("PO-7")), off.clone()], &[off]);
        check(Kind::Order, &[("po_number", text("PO-7")), ("status", text("open"))], &[("po_number", text("PO-7"))]);
    }

    #[test]
    fn texts_are_trimmed_and_unsupported_fields_left_out() {
        check(Kind::Company, &[("code", text(" C-107 ")), ("active", Value::Flag(true))], &[("code", text("C-107"))]);
    }
}
