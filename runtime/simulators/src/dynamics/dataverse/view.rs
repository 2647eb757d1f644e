//! What the organisation holds, in canonical terms: for the journal and for snapshots.

use serde_json::json;
use truthsource_core::Decimal;

use super::super::guid::Guid;
use super::super::table::Row;
use super::super::view::{View, joined, price_fields};
use super::metadata::Set;
use super::state::State;

/// A canonical record, by the ids of the rows behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    Item(Guid),
    Company(Guid),
    Location(Guid),
    Order(Guid),
    Stock { item: Guid, location: Guid },
    Price { list: Guid, item: Guid },
}

impl Subject {
    pub(super) fn kind(self) -> &'static str {
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
    /// The canonical records that show something of a row.
    pub(super) fn subjects(&self, set: Set, row: &Row) -> Vec<Subject> {
        match set {
            Set::Accounts => vec![Subject::Company(row.id)],
            Set::Warehouses => vec![Subject::Location(row.id)],
            Set::Orders => vec![Subject::Order(row.id)],
            Set::OrderDetails => vec![Subject::Order(row.reference("_salesorderid_value"))],
            Set::ProductPrices => {
                let (list, item) = (row.reference("_pricelevelid_value"), row.reference("_productid_value"));
                vec![Subject::Price { list, item }]
            }
            Set::Inventories => {
                let (item, location) = (row.reference("_msdyn_product_value"), row.reference("_msdyn_warehouse_value"));
                vec![Subject::Stock { item, location }]
            }
            // A new number is in the ids of what belongs to the product.
            Set::Products => {
                let prices =
                    self.table(Set::ProductPrices).rows().filter(|it| it.reference("_productid_value") == row.id);
                let stocks =
                    self.table(Set::Inventories).rows().filter(|it| it.reference("_msdyn_product_value") == row.id);
                let prices = prices.flat_map(|it| self.subjects(Set::ProductPrices, it));
                let stocks = stocks.flat_map(|it| self.subjects(Set::Inventories, it));
                std::iter::once(Subject::Item(row.id)).chain(prices).chain(stocks).collect()
            }
            Set::PriceLevels | Set::Currencies | Set::Contacts => Vec::new(),
        }
    }

    /// The canonical record; `None` when it is not there.
    pub(super) fn view(&self, subject: Subject) -> Option<View> {
        let (id, fields) = match subject {
            Subject::Item(id) => {
                let it = self.row(Set::Products, id)?;
                let (code, title) = (it.text("productnumber").to_owned(), it.text("name").to_owned());
                (id.to_string(), vec![("code", code), ("title", title), ("active", is_active(it).to_string())])
            }
            Subject::Company(id) => {
                let it = self.row(Set::Accounts, id)?;
                let fields = vec![
                    ("code", it.text("accountnumber").to_owned()),
                    ("name", it.text("name").to_owned()),
                    ("email", it.text("emailaddress1").to_owned()),
                    ("currency", self.iso(it)),
                    ("active", is_active(it).to_string()),
                ];
                (id.to_string(), fields)
            }
            Subject::Location(id) => {
                let it = self.row(Set::Warehouses, id)?;
                let (code, name) = (it.text("msdyn_name").to_owned(), it.text("msdyn_description").to_owned());
                (id.to_string(), vec![("code", code), ("name", name), ("active", "true".to_owned())])
            }
            Subject::Stock { item, location } => {
                let it = self.inventory(item, location)?;
                (self.stock_id(item, location), vec![("on_hand", it.number("msdyn_qtyonhand").to_string())])
            }
            Subject::Price { list, item } => {
                let it = self.price(list, item)?;
                let currency = self.row(Set::PriceLevels, list).map(|it| self.iso(it)).unwrap_or_default();
                (self.price_id(list, item), price_fields(currency, &[(Decimal::ZERO, it.number("amount"))]))
            }
            Subject::Order(id) => return self.order_view(id),
        };
        Some(View { id, key: String::new(), fields })
    }

    pub(super) fn stock_id(&self, item: Guid, location: Guid) -> String {
        let text = |set, id, column: &str| self.row(set, id).map(|it| it.text(column).to_owned()).unwrap_or_default();
        joined(&text(Set::Products, item, "productnumber"), &text(Set::Warehouses, location, "msdyn_name"))
    }

    /// The list's name as canonical terms have it.
    pub(super) fn list_code(&self, list: Guid) -> String {
        let name = self.row(Set::PriceLevels, list).map_or("", |it| it.text("name"));
        if name == self.settings.default_price_level { "base".to_owned() } else { name.to_owned() }
    }

    fn price_id(&self, list: Guid, item: Guid) -> String {
        let number = self.row(Set::Products, item).map_or("", |it| it.text("productnumber"));
        joined(&self.list_code(list), number)
    }

    /// The ISO code of a row's currency.
    pub(super) fn iso(&self, row: &Row) -> String {
        let currency = self.row(Set::Currencies, row.reference("_transactioncurrencyid_value"));
        currency.map_or_else(|| self.settings.base_currency.clone(), |it| it.text("isocurrencycode").to_owned())
    }

    fn order_view(&self, id: Guid) -> Option<View> {
        let it = self.row(Set::Orders, id)?;
        let line = |it: &Row| {
            json!({
                "item": it.reference("_productid_value"), "quantity": it.number("quantity"), "unit_price": it.number("priceperunit"),
            })
        };
        let lines: Vec<_> = self.table(Set::OrderDetails).owned_by(id).map(line).collect();
        let fields = vec![
            ("number", it.text("ordernumber").to_owned()),
            ("company", it.reference("_customerid_value").to_string()),
            ("po_number", it.text("name").to_owned()),
            ("currency", self.iso(it)),
            ("status", order_status(it).to_owned()),
            ("total", it.number("totalamount").to_string()),
            ("lines", serde_json::Value::Array(lines).to_string()),
        ];
        Some(View { id: id.to_string(), key: it.text("ordernumber").to_owned(), fields })
    }
}

pub(super) fn is_active(row: &Row) -> bool {
    row.number("statecode") == Decimal::ZERO
}

/// An order's state and status in canonical words.
pub(super) fn order_status(row: &Row) -> &'static str {
    let is = |column: &str, value: u32| row.number(column) == Decimal::from(value);
    if is("statecode", 2) {
        "cancelled"
    } else if is("statuscode", 100_002) {
        "partially-fulfilled"
    } else if is("statecode", 3) || is("statecode", 4) {
        "fulfilled"
    } else if is("statuscode", 2) {
        "on-hold"
    } else {
        "open"
    }
}
