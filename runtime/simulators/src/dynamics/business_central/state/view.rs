//! What the environment holds, in canonical terms: for the journal and for snapshots.

use serde_json::json;
use truthsource_core::Decimal;

use super::{State, prices};
use crate::dynamics::business_central::catalogue::Set;
use crate::dynamics::guid::Guid;
use crate::dynamics::table::Row;
use crate::dynamics::view::{View, joined, price_fields};

/// A canonical record, by the ids of the rows behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::dynamics::business_central) enum Subject {
    Item(Guid),
    Company(Guid),
    Location(Guid),
    Order(Guid),
    /// A location of zero: stock that is at none.
    Stock {
        item: Guid,
        location: Guid,
    },
    /// No list: the item's own unit price.
    Price {
        list: Option<Guid>,
        item: Guid,
    },
}

impl Subject {
    pub(in crate::dynamics::business_central) fn kind(self) -> &'static str {
        match self {
            Self::Item(_) => "item",
            Self::Company(_) => "company",
            Self::Location(_) => "location",
            Self::Order(_) => "order",
            Self::Stock { .. } => "stock-level",
            Self::Price { .. } => "price",
        }
    }
}

impl State {
    /// The canonical record; `None` when it is not there.
    pub(in crate::dynamics::business_central) fn view(&self, subject: Subject) -> Option<View> {
        match subject {
            Subject::Item(id) => {
                let it = self.row(Set::Items, id)?;
                let fields = vec![
                    ("code", it.text("number").to_owned()),
                    ("title", it.text("displayName").to_owned()),
                    ("barcode", it.text("gtin").to_owned()),
                    ("active", (!it.flag("blocked")).to_string()),
                ];
                Some(View { id: id.to_string(), key: String::new(), fields })
            }
            Subject::Company(id) => {
                let it = self.row(Set::Customers, id)?;
                let fields = vec![
                    ("code", it.text("number").to_owned()),
                    ("name", it.text("displayName").to_owned()),
                    ("email", it.text("email").to_owned()),
                    ("currency", self.iso(it.text("currencyCode"))),
                    ("active", (it.text("blocked") == " ").to_string()),
                ];
                Some(View { id: id.to_string(), key: String::new(), fields })
            }
            Subject::Location(id) => {
                let it = self.row(Set::Locations, id)?;
                let (code, name) = (it.text("code").to_owned(), it.text("displayName").to_owned());
                let fields = vec![("code", code), ("name", name), ("active", "true".to_owned())];
                Some(View { id: id.to_string(), key: String::new(), fields })
            }
            Subject::Stock { item, location } => {
                let it = self.stock_row(item, location)?;
                let id = joined(it.text("itemNumber"), it.text("locationCode"));
                Some(View { id, key: String::new(), fields: vec![("on_hand", it.number("quantity").to_string())] })
            }
            Subject::Price { list: None, item } => {
                let it = self.row(Set::Items, item)?;
                let fields = price_fields(self.iso(""), &[(Decimal::ZERO, it.number("unitPrice"))]);
                Some(View { id: joined("base", it.text("number")), key: String::new(), fields })
            }
            Subject::Price { list: Some(list), item } => self.list_price(list, item),
            Subject::Order(id) => self.order_view(id),
        }
    }

    fn list_price(&self, list: Guid, item: Guid) -> Option<View> {
        let head = self.row(Set::PriceLists, list)?;
        let number = self.row(Set::Items, item)?.text("number");
        let beginning = prices::key_of(list, item);
        let lines = self.table(Set::PriceLines).keyed_from(&beginning);
        let mut rows: Vec<(Decimal, Decimal)> = Vec::new();
        for line in lines.filter(|it| it.text("status") == "Active") {
            rows.push((line.number("minimumQuantity"), line.number("unitPrice")));
        }
        rows.sort_unstable();
        rows.dedup_by_key(|(from, _)| *from);
        if rows.is_empty() {
            return None;
        }
        let fields = price_fields(self.iso(head.text("currencyCode")), &rows);
        Some(View { id: joined(head.text("code"), number), key: String::new(), fields })
    }

    fn order_view(&self, id: Guid) -> Option<View> {
        let live = self.row(Set::Orders, id);
        let (head, lines) = match live {
            Some(head) => (head, Set::OrderLines),
            None => (self.row(Set::PastOrders, id)?, Set::PastLines),
        };
        let lines = super::orders::in_sequence(self.table(lines).owned_by(id));
        let fields = vec![
            ("number", head.text("number").to_owned()),
            ("company", head.reference("customerId").to_string()),
            ("po_number", head.text("externalDocumentNumber").to_owned()),
            ("currency", self.iso(head.text("currencyCode"))),
            ("status", order_status(head, &lines, live.is_none()).to_owned()),
            ("total", head.number("totalAmountIncludingTax").to_string()),
            ("lines", lines_text(&lines)),
        ];
        Some(View { id: id.to_string(), key: head.text("externalDocumentNumber").to_owned(), fields })
    }

    /// The ISO code of a currency code, which is empty for the company's own.
    pub(in crate::dynamics::business_central) fn iso(&self, code: &str) -> String {
        if code.is_empty() { self.settings.local_currency.clone() } else { code.to_owned() }
    }
}

fn order_status(head: &Row, lines: &[&Row], is_past: bool) -> &'static str {
    let goods = || lines.iter().filter(|it| it.number("quantity") > Decimal::ZERO);
    let shipped = goods().filter(|it| it.number("shippedQuantity") > Decimal::ZERO).count();
    let in_full = goods().filter(|it| it.number("shippedQuantity") >= it.number("quantity")).count();
    if is_past || (shipped > 0 && in_full == goods().count()) {
        "fulfilled"
    } else if shipped > 0 {
        "partially-fulfilled"
    } else if head.text("status") == "In Review" {
        "on-hold"
    } else {
        "open"
    }
}

fn lines_text(lines: &[&Row]) -> String {
    let items = lines.iter().filter(|it| it.text("lineType") == "Item");
    let row = |it: &&Row| {
        let item = it.reference("itemId");
        json!({ "item": item, "quantity": it.number("quantity"), "unit_price": it.number("unitPrice") })
    };
    serde_json::Value::Array(items.map(row).collect()).to_string()
}
