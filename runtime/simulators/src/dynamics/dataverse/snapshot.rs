//! What the organisation holds, in canonical terms, for code in the same process.

use truthsource_core::Decimal;

use super::super::guid::Guid;
use super::super::rows::{CustomerRow, ItemRow, LocationRow, OrderLineRow, OrderRow, PriceRow, StockRow};
use super::super::table::Row;
use super::super::view::joined;
use super::super::{moment, token};
use super::Dataverse;
use super::metadata::Set;
use super::settings::Settings;
use super::state::State;
use super::view::{is_active, order_status};

/// Snapshots. Rows are in the order of their ids.
impl Dataverse {
    /// The set-up.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.with(|state| state.settings.clone())
    }

    /// The application that may call.
    #[must_use]
    pub fn application(&self) -> token::Application {
        self.with(|state| state.settings.application.clone())
    }

    /// Every product.
    #[must_use]
    pub fn items(&self) -> Vec<ItemRow> {
        self.with(|state| state.table(Set::Products).rows().map(item_row).collect())
    }

    /// The product of this number or id.
    #[must_use]
    pub fn item(&self, name: &str) -> Option<ItemRow> {
        self.with(|state| state.named(Set::Products, name).ok().map(item_row))
    }

    /// Every account.
    #[must_use]
    pub fn customers(&self) -> Vec<CustomerRow> {
        let row = |state: &State, it: &Row| CustomerRow {
            id: it.id,
            code: it.text("accountnumber").to_owned(),
            name: it.text("name").to_owned(),
            email: it.text("emailaddress1").to_owned(),
            currency: state.iso(it),
            active: is_active(it),
        };
        self.with(|state| state.table(Set::Accounts).rows().map(|it| row(state, it)).collect())
    }

    /// Every warehouse.
    #[must_use]
    pub fn locations(&self) -> Vec<LocationRow> {
        let row = |it: &Row| LocationRow {
            id: it.id,
            code: it.text("msdyn_name").to_owned(),
            name: it.text("msdyn_description").to_owned(),
        };
        self.with(|state| state.table(Set::Warehouses).rows().map(row).collect())
    }

    /// All stock.
    #[must_use]
    pub fn stock(&self) -> Vec<StockRow> {
        self.with(|state| state.table(Set::Inventories).rows().map(|it| stock_row(state, it)).collect())
    }

    /// Stock of a product in a warehouse, by number and name.
    #[must_use]
    pub fn stock_at(&self, item: &str, location: &str) -> Option<StockRow> {
        self.stock().into_iter().find(|it| it.id == joined(item, location))
    }

    /// All prices.
    #[must_use]
    pub fn prices(&self) -> Vec<PriceRow> {
        let row = |state: &State, it: &Row| {
            let (level, item) = (it.reference("_pricelevelid_value"), it.reference("_productid_value"));
            let list = state.list_code(level);
            let number = state.row(Set::Products, item).map_or("", |it| it.text("productnumber"));
            PriceRow {
                id: joined(&list, number),
                list,
                item,
                currency: state.row(Set::PriceLevels, level).map(|it| state.iso(it)).unwrap_or_default(),
                amount: Some(it.number("amount")),
                breaks: Vec::new(),
            }
        };
        self.with(|state| state.table(Set::ProductPrices).rows().map(|it| row(state, it)).collect())
    }

    /// Every sales order.
    #[must_use]
    pub fn orders(&self) -> Vec<OrderRow> {
        self.with(|state| state.table(Set::Orders).rows().map(|it| order_row(state, it)).collect())
    }
}

fn item_row(it: &Row) -> ItemRow {
    ItemRow {
        id: it.id,
        code: it.text("productnumber").to_owned(),
        title: it.text("name").to_owned(),
        barcode: String::new(),
        active: is_active(it),
        modified: it.modified,
    }
}

fn stock_row(state: &State, it: &Row) -> StockRow {
    let (item, location) = (it.reference("_msdyn_product_value"), it.reference("_msdyn_warehouse_value"));
    StockRow {
        id: state.stock_id(item, location),
        item,
        location: Some(location),
        on_hand: it.number("msdyn_qtyonhand"),
        ordered: Decimal::ZERO,
    }
}

fn order_row(state: &State, it: &Row) -> OrderRow {
    let sku = |item: Guid| state.row(Set::Products, item).map(|it| it.text("productnumber").to_owned());
    let line = |it: &Row| OrderLineRow {
        item: it.reference("_productid_value"),
        sku: sku(it.reference("_productid_value")).unwrap_or_default(),
        quantity: it.number("quantity"),
        shipped: it.number("quantityshipped"),
        unit_price: it.number("priceperunit"),
    };
    OrderRow {
        id: it.id,
        number: it.text("ordernumber").to_owned(),
        company: it.reference("_customerid_value"),
        po_number: it.text("name").to_owned(),
        currency: state.iso(it),
        placed_at: moment::second(it.created),
        status: order_status(it).to_owned(),
        total: it.number("totalamount"),
        is_gone: false,
        lines: state.table(Set::OrderDetails).owned_by(it.id).map(line).collect(),
        accounts: [("freight", it.number("freightamount")), ("discount", -it.number("discountamount"))]
            .into_iter()
            .filter(|(_, amount)| *amount != Decimal::ZERO)
            .map(|(name, amount)| (name.to_owned(), amount))
            .collect(),
        comments: Vec::new(),
    }
}
