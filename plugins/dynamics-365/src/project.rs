//! What the system would hold of a record.

use truthsource_sdk::charges::ChargeBook;
use truthsource_sdk::kinds::{
    Charge, ChargeKind, Company, Item, Line, Location, Order, Price, Record, Status, StockLevel,
};
use truthsource_sdk::value::Held;
use truthsource_sdk::{Context, Decimal, Fault, Fields, Kind};

use crate::business_central::{BASE, EXTERNAL_MAX, date, settings as bc};
use crate::settings::Dialect;

/// How much the fields of a dialect hold: letters of texts, digits after the point of numbers.
struct Room {
    item_code: usize,
    company_code: usize,
    title: usize,
    name: usize,
    email: usize,
    /// Codes are kept in capitals.
    capitals: bool,
    price_places: u8,
    quantity_places: u8,
}

const BUSINESS_CENTRAL: Room = Room {
    item_code: 20,
    company_code: 20,
    title: 100,
    name: 100,
    email: 80,
    capitals: true,
    price_places: 5,
    quantity_places: 5,
};
const DATAVERSE: Room = Room {
    item_code: 100,
    company_code: 20,
    title: 100,
    name: 160,
    email: 100,
    capitals: false,
    price_places: 4,
    quantity_places: 5,
};
/// Letters of a GTIN.
const BARCODE_MAX: usize = 14;

pub(crate) fn project(ctx: &Context, kind: Kind, record: &Fields) -> Result<Fields, Fault> {
    let dialect = Dialect::read(ctx)?;
    let room = if dialect == Dialect::Dataverse { &DATAVERSE } else { &BUSINESS_CENTRAL };
    Ok(match kind {
        Kind::Location => {
            let location = Location::from_fields(record)?;
            Location { active: Held::Unknown, ..location }.into_fields()
        }
        Kind::Item => item(dialect, room, Item::from_fields(record)?).into_fields(),
        Kind::Company => {
            let projected = company(room, Company::from_fields(record)?);
            // Whoever names no currency pays in the local one.
            let currency = match (projected.currency, dialect) {
                (Held::Empty, Dialect::BusinessCentral) => Held::Is(bc::Settings::of_any(ctx)?.currency),
                (Held::Empty, Dialect::Dataverse) => Held::Unknown,
                (held, _) => held,
            };
            Company { currency, ..projected }.into_fields()
        }
        Kind::StockLevel => {
            let level = StockLevel::from_fields(record)?;
            StockLevel { on_hand: level.on_hand.rounded(room.quantity_places), ..level }.into_fields()
        }
        Kind::Price => {
            let has_breaks = dialect == Dialect::BusinessCentral && has_breaks(ctx)?;
            price(room, has_breaks, Price::from_fields(record)?).into_fields()
        }
        Kind::Order => {
            let order = order(dialect, room, Order::from_fields(record)?);
            let charges = match dialect {
                Dialect::BusinessCentral => ChargeBook::read(&ctx.settings)?.project(order.charges),
                Dialect::Dataverse => of_head(order.charges),
            };
            Order { charges, ..order }.into_fields()
        }
    })
}

/// Price lists can have breaks, where a page shows them.
fn has_breaks(ctx: &Context) -> Result<bool, Fault> {
    Ok(bc::Settings::of_any(ctx)?.price.is_some_and(|it| it.name("from").is_some()))
}

fn item(dialect: Dialect, room: &Room, item: Item) -> Item {
    let barcode = if dialect == Dialect::Dataverse { Held::Unknown } else { code(item.barcode, BARCODE_MAX, true) };
    let title = item.title.cut(room.title);
    // A product is released and retired by actions of its own.
    let active = if dialect == Dialect::Dataverse { Held::Unknown } else { item.active };
    Item { code: code(item.code, room.item_code, room.capitals), title, barcode, active }
}

fn company(room: &Room, company: Company) -> Company {
    Company {
        code: code(company.code, room.company_code, room.capitals),
        name: company.name.cut(room.name),
        email: company.email.cut(room.email),
        currency: code(company.currency, 3, true),
        active: company.active,
    }
}

fn price(room: &Room, has_breaks: bool, mut price: Price) -> Price {
    price.amount = price.amount.rounded(room.price_places);
    let is_base = price.list.as_ref().is_some_and(|it| it.eq_ignore_ascii_case(BASE));
    if !has_breaks || is_base {
        price.breaks = Held::Unknown;
    }
    if let Held::Is(breaks) = &mut price.breaks {
        for row in breaks {
            row.from = row.from.round(room.quantity_places);
            row.amount = row.amount.round(room.price_places);
        }
    }
    // No breaks and none at all are the same here.
    if price.breaks == Held::Empty {
        price.breaks = Held::Is(Vec::new());
    }
    price
}

/// The system numbers, sums up and moves orders itself. Of one that is called off nothing is told
/// but that, and Dataverse not even that. Its day depends on the company's clock.
fn order(dialect: Dialect, room: &Room, order: Order) -> Order {
    let is_dataverse = dialect == Dialect::Dataverse;
    if order.status == Held::Is(Status::Cancelled) {
        let status = if is_dataverse { Held::Unknown } else { order.status };
        return Order { status, ..Order::default() };
    }
    let line = |it: Line| Line {
        item: it.item,
        sku: None,
        quantity: it.quantity.round(room.quantity_places),
        unit_price: it.unit_price.round(room.price_places),
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
        po_number: if is_dataverse { Held::Unknown } else { order.po_number.cut(EXTERNAL_MAX) },
        placed_at: match order.placed_at {
            Held::Is(at) if !is_dataverse && date(&at).is_some() => Held::Is(at),
            _ => Held::Unknown,
        },
        lines: match order.lines {
            Held::Is(lines) => Held::Is(lines.into_iter().map(line).collect()),
            held => held,
        },
        charges: order.charges,
    }
}

/// The head of an order has an amount for its freight, and one for what is taken off the whole.
fn of_head(charges: Held<Vec<Charge>>) -> Held<Vec<Charge>> {
    let charges = match charges {
        Held::Unknown => return Held::Unknown,
        Held::Empty => Vec::new(),
        Held::Is(charges) => charges,
    };
    let sum = |kind: ChargeKind| {
        let of_kind: Vec<Charge> = charges.iter().filter(|it| it.kind == kind).cloned().collect();
        Some(Charge::new(kind, Charge::sum(&of_kind)?.round(2))).filter(|it| it.amount != Decimal::ZERO)
    };
    Held::Is([ChargeKind::Discount, ChargeKind::Shipping].into_iter().filter_map(sum).collect())
}

fn code(text: Held<String>, letters_max: usize, capitals: bool) -> Held<String> {
    match text.cut(letters_max) {
        // A letter may become two, which do not fit.
        Held::Is(text) if capitals => Held::Is(text.to_uppercase()).cut(letters_max),
        held => held,
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

    const DATAVERSE: &[(&str, &str)] = &[("dialect", "dataverse")];

    #[test]
    fn texts_are_trimmed_and_cut_and_codes_are_capitals() {
        let long = "x".repeat(150);
        let record = [("code", text(" bolt-8 ")), ("title", text(&long)), ("barcode", text("  "))];
        check(
            &[],
            Kind::Item,
            &record,
            &[("code", text("BOLT-8")), ("title", text(&long[..100])), ("barcode", Value::Null)],
        );
        check(DATAVERSE, Kind::Item, &record, &[("code", text("bolt-8")), ("title", text(&long[..100]))]);
        check(&[("currency", "eur")], Kind::Company, &[("currency", Value::Null)], &[("currency", text("EUR"))]);
        check(DATAVERSE, Kind::Company, &[("currency", Value::Null)], &[]);
        let long = format!("{} tail", "ß".repeat(15));
        check(&[], Kind::Company, &[("code", text(&long))], &[("code", text(&"SS".repeat(10)))]);
    }

    #[test]
    fn an_order_keeps_what_the_books_keep() {
        let lines = r#"[{"item":"bolt-8","sku":"Bolt-8","quantity":"3","unit_price":"12.5"}]"#;
        let kept = Value::Json(r#"[{"item":"bolt-8","quantity":"3","unit_price":"12.5"}]"#.to_owned());
        let record = [
            ("number", text("#1042")),
            ("status", text("open")),
            ("po_number", text("po-7")),
            ("placed_at", text("2026-11-22T01:00:00Z")),
            ("lines", Value::Json(lines.to_owned())),
        ];
        check(
            &[],
            Kind::Order,
            &record,
            &[("po_number", text("po-7")), ("placed_at", text("2026-11-22T01:00:00Z")), ("lines", kept.clone())],
        );
        check(DATAVERSE, Kind::Order, &record, &[("lines", kept)]);
        let charges = r#"[{"kind":"shipping","title":"A","amount":"9.5"},{"kind":"shipping","amount":"1"},
            {"kind":"tax","amount":"7"}]"#;
        let charges = [("charges", Value::Json(charges.to_owned()))];
        let held = |rows: &str| [("charges", Value::Json(rows.to_owned()))];
        let each = r#"[{"kind":"shipping","amount":"1"},{"kind":"shipping","amount":"9.5"}]"#;
        check(&[], Kind::Order, &charges, &held(each));
        check(DATAVERSE, Kind::Order, &charges, &held(r#"[{"kind":"shipping","amount":"10.5"}]"#));
        check(
            &[],
            Kind::Order,
            &[("number", text("#1")), ("status", text("cancelled"))],
            &[("status", text("cancelled"))],
        );
    }

    #[test]
    fn only_prices_of_lists_have_breaks() {
        let breaks = r#"[{"amount":"8.12345678","from":"100"},{"amount":"9","from":"10"}]"#;
        let record = |list: &str| {
            [("list", text(list)), ("amount", number("12.3456789")), ("breaks", Value::Json(breaks.to_owned()))]
        };
        let kept = r#"[{"from":"10","amount":"9"},{"from":"100","amount":"8.12346"}]"#;
        check(
            &[],
            Kind::Price,
            &record("gold"),
            &[("list", text("gold")), ("amount", number("12.34568")), ("breaks", Value::Json(kept.to_owned()))],
        );
        check(&[], Kind::Price, &record("base"), &[("list", text("base")), ("amount", number("12.34568"))]);
        let alone = [("price-path", "none")];
        check(&alone, Kind::Price, &record("gold"), &[("list", text("gold")), ("amount", number("12.34568"))]);
        check(DATAVERSE, Kind::Price, &record("gold"), &[("list", text("gold")), ("amount", number("12.3457"))]);
    }
}
